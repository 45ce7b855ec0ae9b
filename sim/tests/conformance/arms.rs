//! The two environments as the cases see them: start, kill and restart named nodes, and go on until
//! one has written a line.
//!
//! A node called `b` stands on a host of that name; the ports 1000 to 1002 of every host may be
//! listened on.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sim::live::{Ended, Exit, Live, NodeSpec, Options};
use sim::world::{Fault, HostSpec, NodeId, World};

use crate::puppet::{Diary, Make, Play, Puppet};

/// The seed of both arms.
pub const SEED: u64 = 7;

/// The hosts there are.
const HOSTS: [&str; 3] = ["a", "b", "c"];

/// How long, in real time, the live arm waits for a line.
const PATIENCE: Duration = Duration::from_secs(10);

/// One environment.
pub trait Arm {
    /// The diary of all nodes.
    fn diary(&self) -> &Diary;
    /// Adds a node and boots it.
    fn add(&mut self, name: &str, make: Make);
    /// Process death.
    fn kill(&mut self, name: &str);
    /// The next life of a dead node.
    fn restart(&mut self, name: &str);
    /// Ends all nodes; none may have panicked.
    fn finish(&mut self);
    /// Goes on until `node` has written `line` so many times in all; whether it has.
    fn reaches(&mut self, node: &str, line: &str, times: usize) -> bool;
}

impl dyn Arm + '_ {
    /// Adds a node that plays what `make` gives for each life, and boots it.
    pub fn start<P>(&mut self, name: &str, make: impl Fn(u64) -> P + Send + Sync + 'static)
    where
        P: FnMut(machine::Input, crate::puppet::Door<'_, '_>, &mut crate::puppet::Hand) + 'static,
    {
        self.add(name, Arc::new(move |life| Box::new(make(life)) as Play));
    }

    /// Goes on until `node` has written `line`.
    pub fn until(&mut self, node: &str, line: &str) {
        self.until_times(node, line, 1);
    }

    /// Goes on until `node` has written `line` so many times in all.
    pub fn until_times(&mut self, node: &str, line: &str, times: usize) {
        let reached = self.reaches(node, line, times);
        assert!(reached, "{node} never wrote `{line}`; the diary:\n{}", self.diary().all());
    }

    /// Asserts all that `node` wrote.
    pub fn expect(&self, node: &str, lines: &[&str]) {
        assert_eq!(self.diary().of(node), lines.join("\n"), "what {node} wrote");
    }
}

/// The simulated world.
pub struct WorldArm {
    world: World<Puppet>,
    diary: Diary,
}

impl WorldArm {
    pub fn new() -> Self {
        let mut world = World::new(SEED);
        for host in HOSTS {
            world.add_host(HostSpec::simple(host));
        }
        Self { world, diary: Diary::default() }
    }

    fn node(&self, name: &str) -> NodeId {
        let mut nodes = self.world.nodes();
        nodes.find(|node| self.world.name_of(*node) == name).expect("it was added")
    }
}

impl Arm for WorldArm {
    fn diary(&self) -> &Diary {
        &self.diary
    }

    fn add(&mut self, name: &str, make: Make) {
        let mut hosts = self.world.hosts();
        let host = hosts.find(|host| self.world.host_name(*host) == name).expect("a known host");
        let (of, diary) = (name.to_owned(), self.diary.clone());
        let node = self.world.add_node(name, host, move |birth| {
            Puppet::new(&of, diary.clone(), make(birth.incarnation))
        });
        self.world.apply(&Fault::Boot { node });
    }

    fn kill(&mut self, name: &str) {
        let node = self.node(name);
        assert!(self.world.is_up(node), "{name} was running");
        self.world.apply(&Fault::Kill { node });
    }

    fn restart(&mut self, name: &str) {
        let node = self.node(name);
        self.world.apply(&Fault::Restart { node });
    }

    /// A puppet that panics fails the step at once, so nothing is left to look at.
    fn finish(&mut self) {}

    fn reaches(&mut self, node: &str, line: &str, times: usize) -> bool {
        let limit = self.world.now() + machine::Duration::from_secs(60);
        while self.diary.count(node, line) < times {
            match self.world.step_until(limit) {
                Some(step) => assert_eq!(step.panicked, None, "node {:?}", step.node),
                None => return false,
            }
        }
        true
    }
}

/// Real sockets and files.
pub struct LiveArm {
    live: Live,
    diary: Diary,
    folder: PathBuf,
}

impl LiveArm {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("conformance-{}-{count}", std::process::id()));
        let live = Live::new(Options { seed: Some(SEED) });
        let mut arm = Self { live, diary: Diary::default(), folder };
        for host in HOSTS {
            for port in 1000..1003 {
                arm.live.reserve(host, port).expect("a free port");
            }
        }
        arm
    }
}

impl Drop for LiveArm {
    fn drop(&mut self) {
        // A folder left behind is below `target` and harms nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Arm for LiveArm {
    fn diary(&self) -> &Diary {
        &self.diary
    }

    fn add(&mut self, name: &str, make: Make) {
        let root = self.folder.join(name);
        let spec = NodeSpec { name: name.to_owned(), aliases: Vec::new(), root };
        let (node, diary) = (name.to_owned(), self.diary.clone());
        self.live
            .start(spec, move |life| Puppet::new(&node, diary.clone(), make(life)))
            .expect("the node starts");
    }

    fn kill(&mut self, name: &str) {
        let killed = self.live.kill(name);
        assert!(matches!(killed, Some(Exit { .. })), "{name} was running");
    }

    fn restart(&mut self, name: &str) {
        self.live.restart(name).expect("the node starts again");
    }

    fn finish(&mut self) {
        let killed: Vec<Exit> = HOSTS.iter().filter_map(|name| self.live.kill(name)).collect();
        let others = std::iter::from_fn(|| self.live.wait_any_exit(Duration::ZERO));
        for exit in killed.into_iter().chain(others) {
            assert!(!matches!(exit.ended, Ended::Panicked(_)), "{}: {}", exit.node, exit.ended);
        }
    }

    fn reaches(&mut self, node: &str, line: &str, times: usize) -> bool {
        self.diary.wait(node, line, times, PATIENCE)
    }
}
