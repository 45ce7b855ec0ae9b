//! A world with guests: who drives the two clocks, and what guests may do to the world.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use machine::{Instant, Machine};
use madsim::runtime::Runtime;
use madsim::time::{Sleep, TimeHandle};

use crate::world::{Fault, HostId, Step, World};

use super::gate::{Gate, Gateway, Hall};

/// What is told of every step.
type Watch<N> = Box<dyn FnMut(&Step<N>)>;

/// A world, and the gates through which guests will reach it.
pub struct Hosted<M: Machine> {
    world: World<M>,
    hall: Hall,
    watch: Watch<M::Note>,
}

/// What guests may do to the world itself.
#[derive(Clone, Debug)]
pub struct Stage {
    hall: Hall,
}

impl<M: Machine + 'static> Hosted<M> {
    /// A world without gates yet.
    pub fn new(world: World<M>) -> Self {
        Self { world, hall: Hall::default(), watch: Box::new(|_| {}) }
    }

    /// Tells `watch` every step from now on.
    pub fn watching(mut self, watch: impl FnMut(&Step<M::Note>) + 'static) -> Self {
        self.watch = Box::new(watch);
        self
    }

    /// Adds a gate on `host` as a node called `name`, and boots it. `wrap` makes it one of the
    /// world's machines (`Resident::Gate`, or a variant of your own).
    pub fn gate(&mut self, name: &str, host: HostId, wrap: fn(Gate) -> M) -> Gateway {
        let gate = self.hall.next_gate();
        let node = self.world.add_node(name, host, move |_| wrap(gate.clone()));
        let gateway = self.hall.add_gate(node);
        self.world.apply(&Fault::Boot { node });
        gateway
    }

    /// The world, to prepare it.
    pub fn world(&mut self) -> &mut World<M> {
        &mut self.world
    }

    /// Plays until the guests are done; what they spawned and left behind is dropped then. madsim's
    /// own chance is seeded with `seed`. Panics if a guest does, or if nothing can ever happen
    /// again while a guest waits.
    pub fn run<F>(mut self, seed: u64, guests: impl FnOnce(Stage) -> F) -> (F::Output, World<M>)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let runtime = Runtime::with_seed_and_config(seed, madsim::Config::default());
        let stage = Stage { hall: self.hall.clone() };
        let answer = runtime.block_on(async {
            let home = madsim::runtime::Handle::current().create_node().name("guests").build();
            let mut guests = pin!(home.spawn(guests(stage)));
            let mut drive = pin!(self.drive());
            let answer = poll_fn(|cx| match guests.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(answer.expect("nobody cancels the guests")),
                Poll::Pending => drive.as_mut().poll(cx).map(|never| match never {}),
            })
            .await;
            // What is left of the guests would keep the runtime alive.
            madsim::runtime::Handle::current().kill(home.id());
            madsim::task::yield_now().await;
            answer
        });
        self.hall.clear();
        (answer, self.world)
    }

    /// Lets the world happen, in step with madsim's clock.
    async fn drive(&mut self) -> std::convert::Infallible {
        let mut clock = Clock::new(self.world.now());
        // A new sleep lasts at least 1 ms; one that is moved is exact.
        let mut sleep = pin!(clock.time.sleep(Duration::ZERO));
        let mut asked_at = None;
        loop {
            if asked_at.is_none() && self.hall.open().has_wishes() {
                asked_at = Some(clock.rounded_up().max(self.world.now()));
            }
            let next = match (self.world.next_at(), asked_at) {
                (Some(event), Some(asked)) => Some(event.min(asked)),
                (event, asked) => event.or(asked),
            };
            match next.filter(|next| *next <= clock.rounded_down()) {
                Some(next) => {
                    while let Some(step) = self.world.step_until(next) {
                        (self.watch)(step);
                    }
                    if asked_at == Some(next) {
                        asked_at = None;
                        self.perform(next);
                    }
                    // Whoever was given something reacts before time goes on.
                    madsim::task::yield_now().await;
                }
                None => self.wait(&mut clock, next, sleep.as_mut(), asked_at.is_some()).await,
            }
        }
    }

    /// Does what guests wished, at the world's time `at`.
    fn perform(&mut self, at: Instant) {
        self.world.advance_to(at);
        let (faults, gates) = {
            let mut shared = self.hall.open();
            (std::mem::take(&mut shared.faults), shared.take_asked())
        };
        for fault in &faults {
            self.world.apply(fault);
        }
        for gate in gates {
            self.world.wake(gate);
        }
    }

    /// Waits for the world's time `next`, or for a guest's wish.
    async fn wait(
        &self,
        clock: &mut Clock,
        next: Option<Instant>,
        mut sleep: Pin<&mut Sleep>,
        called: bool,
    ) {
        if let Some(next) = next {
            sleep.as_mut().reset(clock.madsim_instant(next));
        }
        poll_fn(|cx| {
            let mut shared = self.hall.open();
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
}

impl Stage {
    /// Does something to the world at the guest's time, rounded up to µs. Wishes made before it
    /// come first only if an await lies between them.
    pub fn apply(&self, fault: Fault) {
        let mut shared = self.hall.open();
        shared.faults.push_back(fault);
        shared.call();
    }
}

/// The world's time on madsim's clock: they began together.
struct Clock {
    time: TimeHandle,
    began: Duration,
    world: Instant,
}

impl Clock {
    fn new(world: Instant) -> Self {
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
