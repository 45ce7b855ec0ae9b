//! The live environment: any machine on TCP sockets and real files, with the clocks of the computer
//! it runs on.
//!
//! Each node has a thread of its own with its machine, its sockets and its timer; syncs run beside
//! it. Notes become `tracing` events with the field `node`: headlines at level info, details at
//! debug. [`Live`] is the handle on all of them; its calls block until they are done.
//!
//! Not here: simulated time or faults beyond killing a node ([`crate::world`] has those), and
//! anything that knows a protocol.

mod files;
mod names;
mod node;
mod signals;
mod stream;

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use machine::Machine;
use socket2::{Domain, Socket, Type};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use names::Names;
use node::{Life, Order};
use signals::Watch;

pub use signals::until_signal;

/// How a set of live nodes is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What all chance is drawn from; without one, the operating system's entropy.
    pub seed: Option<u64>,
}

/// Who a node is and where it keeps its files.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its name in logs and to [`Live`]; also a host name of its own.
    pub name: String,
    /// Further host names that mean this node.
    pub aliases: Vec<String>,
    /// The folder its absolute paths are below; made if it does not exist.
    pub root: PathBuf,
}

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The machine exited.
    Exited {
        /// The exit code of the process it would be.
        code: i32,
        /// What it said.
        why: String,
    },
    /// It was killed.
    Killed,
    /// The machine panicked, or its runtime could not be started.
    Panicked(String),
}

/// The end of one node's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The node.
    pub node: String,
    /// Which of its lives, from 1.
    pub incarnation: u64,
    /// How.
    pub ended: Ended,
}

/// A running set of nodes. Dropping it kills them all.
pub struct Live {
    seed: u64,
    epoch: Instant,
    names: Arc<Names>,
    /// Sockets bound but not listening: nobody else gets a reserved port while its node is down.
    held: Vec<Socket>,
    nodes: BTreeMap<String, Node>,
    news_sender: Sender<News>,
    news: Receiver<News>,
    /// Ends not yet told.
    exits: VecDeque<Exit>,
    asked_to_end: bool,
    /// Hears when the process is asked to end, while somebody listens.
    watch: Option<Watch>,
}

/// What the handle can wait for.
enum News {
    Exit(Exit),
    Signal,
}

struct Node {
    incarnation: u64,
    spec: NodeSpec,
    live_once: Arc<dyn Fn(Life) -> Ended + Send + Sync>,
    running: Option<Running>,
}

struct Running {
    orders: UnboundedSender<Order>,
    thread: JoinHandle<()>,
}

impl Live {
    /// Nobody yet.
    pub fn new(options: Options) -> Self {
        let (news_sender, news) = channel();
        Self {
            seed: options.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish()),
            epoch: Instant::now(),
            names: Arc::default(),
            held: Vec::new(),
            nodes: BTreeMap::new(),
            news_sender,
            news,
            exits: VecDeque::new(),
            asked_to_end: false,
            watch: None,
        }
    }

    /// What chance is drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// From now on `host:port` means `place`, to all nodes: those that dial it, and the one that
    /// listens there. Names that are not placed are left to the operating system.
    pub fn place(&mut self, host: &str, port: u16, place: SocketAddr) {
        self.names.place(host, port, place);
    }

    /// Places `host:port` at a free port of 127.0.0.1, which nobody else will be given.
    ///
    /// # Errors
    /// No port is free.
    pub fn reserve(&mut self, host: &str, port: u16) -> io::Result<SocketAddr> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let place = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        // Elsewhere a bound socket would keep the node itself from listening there.
        if cfg!(target_os = "linux") {
            self.held.push(socket);
        }
        self.place(host, port, place);
        Ok(place)
    }

    /// Where `host:port` was placed.
    pub fn placed(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.names.placed(host, port)
    }

    /// Starts a node: `make` gives the machine for each of its lives (its argument: which one, from
    /// 1).
    ///
    /// # Errors
    /// The folder cannot be made, the thread cannot be started, or there is a node of that name.
    pub fn start<M: Machine + 'static>(
        &mut self,
        spec: NodeSpec,
        make: impl Fn(u64) -> M + Send + Sync + 'static,
    ) -> io::Result<()> {
        if self.nodes.contains_key(&spec.name) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, spec.name));
        }
        std::fs::create_dir_all(&spec.root)?;
        let live_once = Arc::new(move |life: Life| {
            let machine = make(life.incarnation);
            run_life(machine, life)
        });
        let name = spec.name.clone();
        self.nodes.insert(name.clone(), Node { incarnation: 0, spec, live_once, running: None });
        self.boot(&name)
    }

    /// Kills a node like SIGKILL: its streams are reset, its files stay as the page cache has them.
    /// `None` if it was not running.
    pub fn kill(&mut self, name: &str) -> Option<Exit> {
        self.order(name, Order::Kill);
        self.take_end(name, None)
    }

    /// Stops a node like SIGTERM and waits for its exit; after `patience` it is killed. `None` if
    /// it was not running.
    pub fn stop(&mut self, name: &str, patience: Duration) -> Option<Exit> {
        self.order(name, Order::Stop);
        self.take_end(name, Some(patience)).or_else(|| self.kill(name))
    }

    /// Boots a node's next life on the files of the last, killing that one if it is still running.
    ///
    /// # Errors
    /// No such node, or no thread can be started.
    pub fn restart(&mut self, name: &str) -> io::Result<()> {
        self.kill(name);
        self.boot(name)
    }

    /// Whether a node's life has not ended yet.
    pub fn is_running(&self, name: &str) -> bool {
        self.nodes
            .get(name)
            .and_then(|node| node.running.as_ref())
            .is_some_and(|running| !running.thread.is_finished())
    }

    /// The next life that ends by itself, within `patience`. Ends that [`Self::kill`] and
    /// [`Self::stop`] returned are not told again.
    pub fn wait_any_exit(&mut self, patience: Duration) -> Option<Exit> {
        self.exits.pop_front().or_else(|| self.next_exit(Some(Instant::now() + patience)))
    }

    /// From now on it is heard when the process is asked to end (SIGTERM, SIGINT), and
    /// [`Self::serve`] returns for it: to be called before others are told that somebody serves.
    ///
    /// # Errors
    /// The operating system does not let us listen for signals.
    pub fn listen(&mut self) -> io::Result<()> {
        let sender = self.news_sender.clone();
        self.asked_to_end = false;
        self.watch = Some(Watch::start(move || {
            // Nobody asks once the handle is gone.
            let _ = sender.send(News::Signal);
        })?);
        Ok(())
    }

    /// Serves until the process is asked to end (SIGTERM, SIGINT). Lives that end meanwhile are
    /// told to `on_exit`, which may restart them, and answers whether to go on.
    ///
    /// # Errors
    /// The operating system does not let us listen for signals.
    pub fn serve(&mut self, mut on_exit: impl FnMut(&mut Self, &Exit) -> bool) -> io::Result<()> {
        if self.watch.is_none() {
            self.listen()?;
        }
        while !self.asked_to_end {
            let exit = match self.exits.pop_front() {
                Some(exit) => exit,
                None => match self.hear(None) {
                    Some(News::Exit(exit)) => exit,
                    Some(News::Signal) | None => break,
                },
            };
            if !on_exit(self, &exit) {
                break;
            }
        }
        self.watch = None;
        Ok(())
    }

    fn boot(&mut self, name: &str) -> io::Result<()> {
        let node = self.nodes.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        node.incarnation += 1;
        let mut hosts = vec![node.spec.name.clone()];
        hosts.extend(node.spec.aliases.iter().cloned());
        let (orders, received) = unbounded_channel();
        let life = Life {
            name: name.into(),
            hosts,
            root: node.spec.root.clone(),
            incarnation: node.incarnation,
            seed: self.seed,
            epoch: self.epoch,
            names: self.names.clone(),
            orders: received,
        };
        let live_once = node.live_once.clone();
        let news = self.news_sender.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let (node, incarnation) = (life.name.to_string(), life.incarnation);
            let ended = catch_unwind(AssertUnwindSafe(|| live_once(life)))
                .unwrap_or_else(|panic| Ended::Panicked(panic_text(&*panic)));
            tracing::info!(node, incarnation, "ended: {ended}");
            // Nobody asks once the handle is gone.
            let _ = news.send(News::Exit(Exit { node, incarnation, ended }));
        })?;
        node.running = Some(Running { orders, thread });
        Ok(())
    }

    fn order(&self, name: &str, order: Order) {
        if let Some(running) = self.nodes.get(name).and_then(|node| node.running.as_ref()) {
            // A life that has just ended needs no order.
            let _ = running.orders.send(order);
        }
    }

    /// Waits for the end of a node's running life; ends of others are kept for
    /// [`Self::wait_any_exit`].
    fn take_end(&mut self, name: &str, patience: Option<Duration>) -> Option<Exit> {
        let until = patience.map(|span| Instant::now() + span);
        while self.nodes.get(name)?.running.is_some() {
            let exit = self.next_exit(until)?;
            if exit.node == name {
                return Some(exit);
            }
            self.exits.push_back(exit);
        }
        None
    }

    /// The next life to end; none once `until` has come.
    fn next_exit(&mut self, until: Option<Instant>) -> Option<Exit> {
        loop {
            if let News::Exit(exit) = self.hear(until)? {
                return Some(exit);
            }
        }
    }

    fn hear(&mut self, until: Option<Instant>) -> Option<News> {
        let news = match until {
            Some(at) => {
                let left = at.saturating_duration_since(Instant::now());
                self.news.recv_timeout(left).ok()?
            }
            None => self.news.recv().ok()?,
        };
        match &news {
            News::Exit(exit) => self.bury(exit),
            News::Signal => self.asked_to_end = true,
        }
        Some(news)
    }

    /// A life has ended: its thread is joined, so that nothing of it is left.
    fn bury(&mut self, exit: &Exit) {
        if let Some(running) = self.nodes.get_mut(&exit.node).and_then(|node| node.running.take()) {
            running.thread.join().expect("a life's panic is caught in its thread");
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        for name in self.nodes.keys().cloned().collect::<Vec<_>>() {
            self.kill(&name);
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited { code, why } => write!(f, "exited with {code}: {why}"),
            Self::Killed => write!(f, "killed"),
            Self::Panicked(text) => write!(f, "panicked: {text}"),
        }
    }
}

fn run_life<M: Machine>(machine: M, life: Life) -> Ended {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Ended::Panicked(format!("no runtime: {error}")),
    };
    let ended = LocalSet::new().block_on(&runtime, node::live(machine, life));
    // A sync under way goes on in the operating system; nobody waits for its answer.
    runtime.shutdown_background();
    ended
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}
