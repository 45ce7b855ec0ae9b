//! A house for guests who live and die with their nodes: a program begins with each life of its gate in the world, stands
//! still while the gate is paused, and is dropped when the gate dies.
//!
//! ```text
//!           gate boots                 gate is paused
//!   away ──────────────► at home ◄──────────────────────► asleep
//!     ▲                     │           gate resumes          │
//!     └──── gate dies ──────┴──────────── gate dies ──────────┘
//! ```

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use machine::Machine;
use madsim::runtime::{Handle, Runtime};
use madsim::task::NodeId as Home;

use super::drive::{Clock, Show, drive};
use super::gate::{Gate, Gateway, Hall};
use crate::world::{NodeId, World};

/// What a guest does in one life.
pub type Life = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Begins a guest's life.
pub type Program = Arc<dyn Fn(Gateway) -> Life + Send + Sync>;

/// Guests of a world that somebody else plays.
pub struct House {
    runtime: Runtime,
    hall: Hall,
    rooms: Vec<Room>,
    clock: Option<Clock>,
}

struct Room {
    node: NodeId,
    gateway: Gateway,
    program: Program,
    guest: Guest,
}

/// Where a guest is, and in which life of its gate.
#[derive(Clone, Copy)]
enum Guest {
    Away,
    Home { home: Home, life: u64, asleep: bool },
}

impl House {
    /// Nobody lives there yet. madsim's own chance is seeded with `seed`.
    pub fn new(seed: u64) -> Self {
        let runtime = Runtime::with_seed_and_config(seed, madsim::Config::default());
        Self { runtime, hall: Hall::default(), rooms: Vec::new(), clock: None }
    }

    /// A room for one more guest. `add` puts its gate into the world as a node, which is not booted yet.
    pub fn let_in(&mut self, program: Program, add: impl FnOnce(Gate) -> NodeId) -> NodeId {
        let gate = self.hall.next_gate();
        let node = add(gate);
        let gateway = self.hall.add_gate(node);
        self.rooms.push(Room { node, gateway, program, guest: Guest::Away });
        node
    }

    /// Plays `show` with its guests until it wants to be left alone.
    ///
    /// # Panics
    /// If a task that a guest has spawned does. That a guest itself panics is told to `show`.
    pub fn play<S: Show>(&mut self, show: &mut S) {
        let Self { runtime, hall, rooms, clock } = self;
        runtime.block_on(async {
            let clock = clock.get_or_insert_with(|| Clock::new(show.world().now()));
            let settle =
                |show: &mut S| rooms.iter_mut().for_each(|room| room.settle(show.world(), hall));
            drive(show, hall, clock, settle).await;
        });
    }
}

impl Drop for House {
    /// What is left of the guests would keep the runtime alive.
    fn drop(&mut self) {
        let Self { runtime, rooms, hall, .. } = self;
        runtime.block_on(async {
            rooms.iter_mut().for_each(Room::leave);
            madsim::task::yield_now().await;
        });
        hall.clear();
    }
}

impl Room {
    /// Follows what became of the gate.
    fn settle<M: Machine>(&mut self, world: &World<M>, hall: &Hall) {
        let now = world.incarnation(self.node);
        let lives = world.machine(self.node).is_some();
        if let Guest::Home { life, .. } = self.guest
            && (!lives || life != now)
        {
            self.leave();
        }
        if !lives {
            return;
        }
        let sleeps = !world.is_up(self.node);
        match &mut self.guest {
            Guest::Away => self.arrive(now, hall),
            Guest::Home { home, asleep, .. } if *asleep != sleeps => {
                let handle = Handle::current();
                if sleeps {
                    handle.pause(*home)
                } else {
                    handle.resume(*home)
                }
                *asleep = sleeps;
            }
            Guest::Home { .. } => {}
        }
    }

    fn arrive(&mut self, life: u64, hall: &Hall) {
        let home = Handle::current().create_node().build();
        let (program, gateway) = (Arc::clone(&self.program), self.gateway.clone());
        let (node, hall) = (self.node, hall.clone());
        home.spawn(async move {
            let how = caught(move || program(gateway)).await;
            let mut shared = hall.open();
            shared.endings.push_back((node, how));
            shared.call();
        });
        self.guest = Guest::Home { home: home.id(), life, asleep: false };
    }

    fn leave(&mut self) {
        if let Guest::Home { home, .. } = self.guest {
            Handle::current().kill(home);
            self.guest = Guest::Away;
        }
    }
}

/// What the life that `begin` begins comes to; a panic of it becomes an error.
async fn caught(begin: impl FnOnce() -> Life) -> Result<(), String> {
    let mut life = match catch_unwind(AssertUnwindSafe(begin)) {
        Ok(life) => life,
        Err(panic) => return Err(words(&*panic)),
    };
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| life.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(words(&*panic))),
    })
    .await
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("no message"))
}
