//! The world: a discrete-event simulation of hosts, networks, disks, clocks and processes, and of
//! nothing else.
//!
//! Everything happens in the order of (time, sequence) in one plain loop. All chance comes from the
//! seed, each thing that is drawn has a stream of its own, and [`World::fingerprint`] is one number
//! for all that happened.
//!
//! ```text
//!   loop {
//!       while world.step_until(action.at).is_some() { look }
//!       world.advance_to(action.at);
//!       world.apply(&action.fault);
//!   }
//! ```
//!
//! Not here: protocols, what a scenario means, real time.

mod apply;
mod clock;
mod core;
mod dial;
mod disk;
mod door;
mod fault;
mod network;
mod process;
mod queue;
mod step;
mod stream;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use machine::{Context, Input, Instant, Machine};

use self::core::{Core, Due};
use self::door::Door;
use self::process::{Death, Node, Waiting};

pub use self::clock::CALENDAR_START;
pub use self::fault::{ClockFault, DiskFault, Fault, HostId, NodeId};
pub use self::network::HostSpec;
pub use self::process::Birth;
pub use self::step::{Output, Step};

type Make<M> = Box<dyn Fn(&Birth) -> M>;

/// A simulated world of machines of one kind (an enum, if there are several).
pub struct World<M: Machine> {
    core: Core,
    machines: Vec<Option<M>>,
    makes: Vec<Make<M>>,
    step: Step<M::Note>,
}

impl<M: Machine> World<M> {
    /// An empty world.
    pub fn new(seed: u64) -> Self {
        let step = Step {
            id: 0,
            at: Instant::ZERO,
            node: NodeId(0),
            incarnation: 0,
            input: Input::Woke,
            outputs: Vec::new(),
            notes: Vec::new(),
            cause: None,
            panicked: None,
        };
        Self { core: Core::new(seed), machines: Vec::new(), makes: Vec::new(), step }
    }

    /// From now on steps show neither inputs nor outputs, but for an exit that was the last output: nobody wants to read
    /// them. They count in the fingerprint as before.
    pub fn show_only_exits(&mut self) {
        self.core.lists = false;
    }

    /// Adds a host, powered on.
    pub fn add_host(&mut self, spec: HostSpec) -> HostId {
        self.core.net.add_host(spec)
    }

    /// Publishes a port of `to` on `host`, as Docker does on the machine: whoever dials `port` there, by whatever name,
    /// comes to `to_port` of `to`.
    pub fn forward(&mut self, host: HostId, port: u16, to: HostId, to_port: u16) {
        self.core.net.forward(host.0, port, to.0, to_port);
    }

    /// Adds a node that does not run yet ([`Fault::Boot`]); `make` makes the machine of each of its
    /// lives. Names of nodes key their chance, so they should be unique.
    pub fn add_node(
        &mut self,
        name: &str,
        host: HostId,
        make: impl Fn(&Birth) -> M + 'static,
    ) -> NodeId {
        assert!((host.0 as usize) < self.core.net.hosts.len(), "the host must be added first");
        self.core.nodes.push(Node::new(self.core.seed, name, host.0));
        self.machines.push(None);
        self.makes.push(Box::new(make));
        NodeId(self.machines.len() as u32 - 1)
    }

    /// Handles the next input, whenever it comes. `None`: nothing will ever happen again by itself.
    pub fn step(&mut self) -> Option<&Step<M::Note>> {
        self.step_until(Instant::NEVER)
    }

    /// Handles the next input if it comes by `limit` (inclusive); exactly one input of one node.
    /// `None`: nobody has anything to do until then.
    pub fn step_until(&mut self, limit: Instant) -> Option<&Step<M::Note>> {
        let due = self.core.next_input(limit.as_micros())?;
        self.handle(due);
        Some(&self.step)
    }

    /// The notes of the last step, to be looked at while something else is done with the world. They may be given back by
    /// [`Self::reuse`].
    pub fn take_notes(&mut self) -> Vec<M::Note> {
        std::mem::take(&mut self.step.notes)
    }

    /// Takes a used-up list of notes, for its room.
    pub fn reuse(&mut self, mut notes: Vec<M::Note>) {
        notes.clear();
        self.step.notes = notes;
    }

    /// Moves the world's time to `at`. Panics if that is in the past, or if an input is due before
    /// it: use up [`Self::step_until`] first.
    pub fn advance_to(&mut self, at: Instant) {
        assert!(at.as_micros() >= self.core.now, "the world is already later than {at}");
        let missed = self.core.next_input(at.as_micros());
        assert!(missed.is_none(), "an input is due before {at}");
        self.core.now = at.as_micros();
    }

    fn handle(&mut self, due: Due) {
        let Self { core, machines, step, .. } = self;
        let Due { node, input, cause } = due;
        core.steps += 1;
        core.step = core.steps;
        step.id = core.steps;
        step.at = Instant::from_micros(core.now);
        step.node = NodeId(node);
        step.incarnation = core.nodes[node as usize].life;
        step.cause = (cause != 0).then_some(cause);
        step.panicked = None;
        step.notes.clear();
        core.fingerprint.number(core.now);
        core.fingerprint.number(u64::from(node) << 40 | step.incarnation);
        core.fingerprint.input(&input);
        if core.lists {
            step.input = input.clone();
        }
        let machine = machines[node as usize].as_mut().expect("only the living are given inputs");
        let notes = &mut step.notes;
        let done = catch_unwind(AssertUnwindSafe(|| {
            let mut door = Door { core, node };
            let mut say = |note| notes.push(note);
            machine.handle(input, &mut Context::new(&mut door, &mut say));
            machine.wake_at()
        }));
        let core = &mut self.core;
        match done {
            Ok(_) if core.nodes[node as usize].exit.is_some() => self.bury(node, Death::Exited),
            Ok(alarm) => {
                core.set_alarm(node, alarm);
                core.serve_next(node);
            }
            Err(panic) => {
                self.step.panicked = Some(message(&*panic));
                self.core.fingerprint.tag(99);
                self.bury(node, Death::Killed);
            }
        }
        let core = &mut self.core;
        core.fingerprint.fold();
        core.step = 0;
        self.step.outputs.clear();
        std::mem::swap(&mut self.step.outputs, &mut core.outputs);
    }

    fn bury(&mut self, node: u32, death: Death) {
        self.core.end_life(node, death);
        self.machines[node as usize] = None;
    }
}

/// What is done to it.
impl<M: Machine> World<M> {
    /// Does what `fault` says, now. What does not apply (killing the dead) does nothing, but counts
    /// in the fingerprint.
    pub fn apply(&mut self, fault: &Fault) {
        self.core.record(fault);
        match fault {
            Fault::Boot { node } | Fault::Restart { node } => self.boot(*node),
            Fault::Kill { node } => {
                if self.core.nodes[node.0 as usize].up {
                    self.bury(node.0, Death::Killed);
                }
            }
            Fault::PowerLoss { host } => {
                for node in 0..self.machines.len() as u32 {
                    let there = &self.core.nodes[node as usize];
                    if there.host == host.0 && there.up {
                        self.bury(node, Death::PowerLoss);
                    }
                }
                self.core.power_off(host.0);
            }
            other => self.core.apply(other),
        }
    }

    fn boot(&mut self, node: NodeId) {
        if !self.core.nodes[node.0 as usize].up {
            let birth = self.core.begin_life(node.0);
            let machine = (self.makes[node.0 as usize])(&birth);
            self.machines[node.0 as usize] = Some(machine);
        }
    }

    /// Wakes a node now, whatever its alarm says: something outside the world has news for it.
    pub fn wake(&mut self, node: NodeId) {
        let waiting = Waiting { input: Input::Woke, cause: 0, asked: true };
        self.core.enqueue_waiting(node.0, waiting);
    }
}

/// What can be asked about it.
impl<M: Machine> World<M> {
    /// The world's time.
    pub fn now(&self) -> Instant {
        Instant::from_micros(self.core.now)
    }

    /// A time before which nothing happens: when the next event is due. It may turn out to be no
    /// input for anybody, so step with [`Self::step_until`].
    pub fn next_at(&self) -> Option<Instant> {
        self.core.queue.next_at().map(Instant::from_micros)
    }

    /// One number for all that happened so far: equal for equal seeds, machines and faults, on
    /// every computer.
    pub fn fingerprint(&self) -> u64 {
        self.core.fingerprint.value()
    }

    /// Inputs handled so far.
    pub fn events(&self) -> u64 {
        self.core.steps
    }

    /// The machine of a node that runs.
    pub fn machine(&self, node: NodeId) -> Option<&M> {
        self.machines[node.0 as usize].as_ref()
    }

    /// Whether a node's process lives and is not paused.
    pub fn is_up(&self, node: NodeId) -> bool {
        let there = &self.core.nodes[node.0 as usize];
        there.up && !there.paused
    }

    /// Which life a node is in, or was in last; 0 before the first.
    pub fn incarnation(&self, node: NodeId) -> u64 {
        self.core.nodes[node.0 as usize].life
    }

    /// How a node left by itself, if it did and has not been restarted: the exit code and why.
    pub fn exit_of(&self, node: NodeId) -> Option<(i32, &str)> {
        self.core.nodes[node.0 as usize].exit.as_ref().map(|(code, why)| (*code, &**why))
    }

    /// All nodes.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<M> {
        (0..self.machines.len() as u32).map(NodeId)
    }

    /// A node's name.
    pub fn name_of(&self, node: NodeId) -> &str {
        &self.core.nodes[node.0 as usize].name
    }

    /// Where a node runs.
    pub fn host_of(&self, node: NodeId) -> HostId {
        HostId(self.core.nodes[node.0 as usize].host)
    }

    /// All hosts.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> + use<M> {
        (0..self.core.net.hosts.len() as u32).map(HostId)
    }

    /// A host's name.
    pub fn host_name(&self, host: HostId) -> &str {
        &self.core.net.hosts[host.0 as usize].name
    }

    /// Whether packets from `a` arrive at `b` now: both have power, share a network, and the way is
    /// not cut.
    pub fn reachable(&self, a: HostId, b: HostId) -> bool {
        let net = &self.core.net;
        net.hosts[a.0 as usize].powered && net.open(a.0, b.0) && net.share_network(a.0, b.0)
    }

    /// Where `address` (`host:port`) leads from a host, and to which port; `None` if there is no such name there.
    pub fn resolve(&self, from: HostId, address: &str) -> Option<(HostId, u16)> {
        let (host, _, port) = self.core.net.resolve(from.0, address)?;
        Some((HostId(host), port))
    }

    /// Whether packets from `a` arrive at `b` as on a good network: within half a second, and hardly any is lost.
    pub fn reaches_well(&self, a: HostId, b: HostId) -> bool {
        self.reachable(a, b) && self.core.net.is_good(a.0, b.0)
    }

    /// Whether a node is up and nothing holds it back: its disk works, and its processor is not slowed down.
    pub fn is_well(&self, node: NodeId) -> bool {
        let there = &self.core.nodes[node.0 as usize];
        self.is_up(node) && there.drive.is_well() && there.per_input <= 10_000
    }

    /// What a node's monotonic clock says now.
    pub fn clock_of(&self, node: NodeId) -> Instant {
        self.core.nodes[node.0 as usize].clock.now(self.core.now)
    }

    /// How much of the beginning of this file, as the machine sees it now, power loss would surely
    /// leave. `None` if not even its name. This is the truth, also where syncs lie.
    pub fn durable_len(&self, node: NodeId, path: &str) -> Option<u64> {
        self.core.nodes[node.0 as usize].drive.durable_len(path)
    }

    /// A file's bytes as the machine would read them now.
    pub fn file(&self, node: NodeId, path: &str) -> Option<Bytes> {
        self.core.nodes[node.0 as usize].drive.read(path, 0, usize::MAX).ok()
    }

    /// A node's files as its machine sees them, by path, with their lengths.
    pub fn files(&self, node: NodeId) -> impl Iterator<Item = (&str, u64)> {
        self.core.nodes[node.0 as usize].drive.files()
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}
