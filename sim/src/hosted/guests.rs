//! A world with guests that is played until they are done, and what guests may do to the world.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use machine::{Instant, Machine};
use madsim::runtime::Runtime;

use crate::world::{Fault, HostId, Step, World};

use super::drive::{Clock, Show, drive};
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
        let (hall, clock) = (self.hall.clone(), Clock::new(self.world.now()));
        loop {
            drive(self, &hall, &clock, |_| {}).await;
        }
    }
}

impl<M: Machine> Show for Hosted<M> {
    type Actor = M;

    fn world(&mut self) -> &mut World<M> {
        &mut self.world
    }

    fn next_at(&self) -> Option<Instant> {
        self.world.next_at()
    }

    fn happen(&mut self, until: Instant) -> bool {
        while let Some(step) = self.world.step_until(until) {
            (self.watch)(step);
        }
        true
    }

    fn apply(&mut self, fault: &Fault) {
        self.world.apply(fault);
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
