//! Two clocks kept together: whatever goes on in the world, and madsim's, by which guests live.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use machine::{Instant, Machine};
use madsim::time::{Sleep, TimeHandle};

use super::gate::Hall;
use crate::world::{Fault, NodeId, World};

/// What goes on in the world while guests live: a world by itself, or somebody who plays one.
pub trait Show {
    /// The machines of its world.
    type Actor: Machine;

    /// Its world.
    fn world(&mut self) -> &mut World<Self::Actor>;

    /// A time before which nothing happens.
    fn next_at(&self) -> Option<Instant>;

    /// Lets happen whatever is due by then. `false` to be left alone: nobody wants more of it for now.
    fn happen(&mut self, until: Instant) -> bool;

    /// Does what a guest wishes done to the world.
    fn apply(&mut self, fault: &Fault);

    /// A guest's program has ended: well, or with an error or a panic.
    fn ended(&mut self, _guest: NodeId, _how: Result<(), String>) {}
}

/// Plays `show` in step with madsim's clock until it wants to be left alone; `settle` is called whenever something
/// has happened.
pub(super) async fn drive<S: Show>(
    show: &mut S,
    hall: &Hall,
    clock: &Clock,
    mut settle: impl FnMut(&mut S),
) {
    // A new sleep lasts at least 1 ms; one that is moved is exact.
    let mut sleep = pin!(clock.time.sleep(Duration::ZERO));
    let mut asked_at = None;
    loop {
        if asked_at.is_none() && hall.open().has_wishes() {
            asked_at = Some(clock.rounded_up().max(show.world().now()));
        }
        let next = match (show.next_at(), asked_at) {
            (Some(event), Some(asked)) => Some(event.min(asked)),
            (event, asked) => event.or(asked),
        };
        match next.filter(|next| *next <= clock.rounded_down()) {
            Some(next) => {
                if !show.happen(next) {
                    return;
                }
                if asked_at == Some(next) {
                    asked_at = None;
                    perform(show, hall, next);
                }
                settle(show);
                // Whoever was given something reacts before time goes on.
                madsim::task::yield_now().await;
            }
            None => wait(hall, clock, next, sleep.as_mut(), asked_at.is_some()).await,
        }
    }
}

/// Does what guests wished, at the world's time `at`.
fn perform<S: Show>(show: &mut S, hall: &Hall, at: Instant) {
    show.world().advance_to(at);
    let (faults, endings, gates) = {
        let mut shared = hall.open();
        let faults = std::mem::take(&mut shared.faults);
        (faults, std::mem::take(&mut shared.endings), shared.take_asked())
    };
    for fault in &faults {
        show.apply(fault);
    }
    for gate in gates {
        show.world().wake(gate);
    }
    for (guest, how) in endings {
        show.ended(guest, how);
    }
}

/// Waits for the world's time `next`, or for a guest's wish.
async fn wait(
    hall: &Hall,
    clock: &Clock,
    next: Option<Instant>,
    mut sleep: Pin<&mut Sleep>,
    called: bool,
) {
    if let Some(next) = next {
        sleep.as_mut().reset(clock.madsim_instant(next));
    }
    poll_fn(|cx| {
        let mut shared = hall.open();
        if !called && shared.has_wishes() {
            return Poll::Ready(());
        }
        shared.driver = Some(cx.waker().clone());
        drop(shared);
        match next {
            Some(_) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    })
    .await;
}

/// The world's time on madsim's clock: they began together.
pub(super) struct Clock {
    time: TimeHandle,
    began: Duration,
    world: Instant,
}

impl Clock {
    /// Both clocks stand here now. Only inside a runtime.
    pub(super) fn new(world: Instant) -> Self {
        let time = TimeHandle::current();
        let began = time.elapsed();
        Self { time, began, world }
    }

    fn rounded_down(&self) -> Instant {
        self.world + micros(self.passed().as_micros())
    }

    fn rounded_up(&self) -> Instant {
        self.world + micros(self.passed().as_nanos().div_ceil(1_000))
    }

    fn passed(&self) -> Duration {
        self.time.elapsed() - self.began
    }

    /// When madsim's clock will say so. Not before now.
    fn madsim_instant(&self, at: Instant) -> std::time::Instant {
        let span = at.as_micros().saturating_sub(self.world.as_micros());
        let left = Duration::from_micros(span).saturating_sub(self.passed());
        self.time.now_instant() + left
    }
}

fn micros(micros: u128) -> machine::Duration {
    machine::Duration::from_micros(micros as u64)
}
