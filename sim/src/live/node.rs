//! One life of a live node: its event loop, and the host that performs its machine's wishes.
//!
//! The machine, its sockets and its timer live on one thread. Everything that can happen comes
//! through one inbox, one input at a time; an input for a stream the machine has closed is dropped
//! here.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::{self, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use machine::{
    Chance, ChanceKey, Closed, Conn, Context, Disk, DiskError, Host, Input, Instant, Level,
    ListenError, Machine, Note, Peer, Ticket, WallTime,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver};
use tokio::task::spawn_local;

use super::Ended;
use super::files::Files;
use super::names::{Names, closed_by};
use super::stream::Stream;

/// How many events wait for the machine before its streams stop reading.
const INBOX_MAX: usize = 256;

/// How long a node that exits waits for its streams to take their last bytes.
const FLUSH_MAX: time::Duration = time::Duration::from_secs(1);

/// How long a listener rests after the operating system refused to accept (no more file handles).
const ACCEPT_REST: time::Duration = time::Duration::from_millis(100);

/// What a life starts from.
pub(super) struct Life {
    pub(super) name: Arc<str>,
    pub(super) hosts: Vec<String>,
    pub(super) root: PathBuf,
    pub(super) incarnation: u64,
    pub(super) seed: u64,
    pub(super) epoch: time::Instant,
    pub(super) names: Arc<Names>,
    pub(super) orders: UnboundedReceiver<Order>,
}

/// What the handle on the node asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// SIGTERM.
    Stop,
    /// SIGKILL.
    Kill,
}

/// What a task has to say to the event loop.
pub(super) enum Event {
    Dialled { conn: Conn, result: Result<TcpStream, Closed> },
    Received { conn: Conn, bytes: Bytes },
    Drained { conn: Conn },
    Closed { conn: Conn, why: Closed },
    Synced { ticket: Ticket, result: Result<(), DiskError> },
}

/// What the event loop turns to next.
enum Next {
    Order(Order),
    Event(Event),
    Accepted(&'static str, TcpStream, SocketAddr),
    AcceptFailed,
    Rested,
    Due,
}

/// Lives one life, on a tokio runtime with a local set, to its end.
pub(super) async fn live<M: Machine>(mut machine: M, mut life: Life) -> Ended {
    let (sender, mut inbox) = mpsc::channel(INBOX_MAX);
    let (_, closed) = mpsc::unbounded_channel();
    let mut orders = std::mem::replace(&mut life.orders, closed);
    let mut host = LiveHost::new(life, sender);
    host.give(&mut machine, Input::Booted);
    let mut woke = false;
    while host.exited.is_none() {
        let due = machine.wake_at().map(|at| host.life.epoch + micros(at.as_micros()));
        // A machine whose time has come is woken after every other input, however many wait.
        let overdue = !woke && due.is_some_and(|at| at <= time::Instant::now());
        let next =
            if overdue { Next::Due } else { next(&mut host, &mut inbox, &mut orders, due).await };
        woke = matches!(next, Next::Due);
        let input = match next {
            Next::Order(Order::Kill) => return Ended::Killed,
            Next::Order(Order::Stop) => Some(Input::Stop),
            Next::Due => Some(Input::Woke),
            Next::Event(event) => host.admit(event),
            Next::Accepted(listener, socket, from) => Some(host.accept(listener, socket, from)),
            Next::Rested => None,
            Next::AcceptFailed => {
                host.accept_again = Some(time::Instant::now() + ACCEPT_REST);
                None
            }
        };
        if let Some(input) = input {
            host.give(&mut machine, input);
        }
    }
    host.leave().await;
    let (code, why) = host.exited.take().expect("the loop ends only with an exit");
    Ended::Exited { code, why }
}

/// Waits for whatever comes first; of several that are there, chance decides, so that none starves
/// the others.
async fn next(
    host: &mut LiveHost,
    inbox: &mut Receiver<Event>,
    orders: &mut UnboundedReceiver<Order>,
    due: Option<time::Instant>,
) -> Next {
    tokio::select! {
        // The handle on this node is gone: nobody could ever end it.
        order = orders.recv() => Next::Order(order.unwrap_or(Order::Kill)),
        Some(event) = inbox.recv() => Next::Event(event),
        accepted = accept(&host.listeners), if host.accept_again.is_none() => accepted,
        () = sleep_until(host.accept_again), if host.accept_again.is_some() => {
            host.accept_again = None;
            Next::Rested
        }
        () = sleep_until(due), if due.is_some() => Next::Due,
    }
}

async fn sleep_until(at: Option<time::Instant>) {
    match at {
        Some(at) if at > time::Instant::now() => tokio::time::sleep_until(at.into()).await,
        // The timer would take up to a millisecond over it; but the sockets get their turn.
        _ => tokio::task::yield_now().await,
    }
}

async fn accept(listeners: &BTreeMap<&'static str, TcpListener>) -> Next {
    poll_fn(|cx| {
        for (name, listener) in listeners {
            match listener.poll_accept(cx) {
                Poll::Ready(Ok((socket, from))) => {
                    return Poll::Ready(Next::Accepted(name, socket, from));
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Next::AcceptFailed),
                Poll::Pending => {}
            }
        }
        Poll::Pending
    })
    .await
}

fn micros(micros: u64) -> time::Duration {
    time::Duration::from_micros(micros)
}

/// Sockets, files, clocks and chance of one life.
struct LiveHost {
    life: Life,
    files: Files,
    chances: BTreeMap<ChanceKey, Chance>,
    listeners: BTreeMap<&'static str, TcpListener>,
    accept_again: Option<time::Instant>,
    streams: BTreeMap<Conn, Stream>,
    /// Streams the machine has closed, while their last bytes go out.
    ending: Vec<Stream>,
    last_conn: u64,
    inbox: Sender<Event>,
    exited: Option<(i32, String)>,
}

impl LiveHost {
    fn new(life: Life, inbox: Sender<Event>) -> Self {
        Self {
            files: Files::new(life.root.clone(), inbox.clone()),
            life,
            chances: BTreeMap::new(),
            listeners: BTreeMap::new(),
            accept_again: None,
            streams: BTreeMap::new(),
            ending: Vec::new(),
            last_conn: 0,
            inbox,
            exited: None,
        }
    }

    fn give<M: Machine>(&mut self, machine: &mut M, input: Input) {
        let node = &*Arc::clone(&self.life.name);
        let mut say = |note: M::Note| match note.level() {
            Level::Headline => tracing::info!(node, "{note}"),
            Level::Detail => tracing::debug!(node, "{note}"),
        };
        machine.handle(input, &mut Context::new(self, &mut say));
        self.ending.retain(|stream| !stream.is_over());
    }

    /// The input an event is to the machine, unless it is about a stream the machine has let go.
    fn admit(&mut self, event: Event) -> Option<Input> {
        match event {
            Event::Dialled { conn, result: Ok(socket) } => {
                let inbox = self.inbox.clone();
                self.streams.get_mut(&conn)?.open(socket, inbox);
                Some(Input::Opened { conn, peer: Peer::Dialled })
            }
            Event::Dialled { conn, result: Err(why) } | Event::Closed { conn, why } => {
                self.streams.remove(&conn)?;
                Some(Input::Closed { conn, why })
            }
            Event::Received { conn, bytes } => {
                self.streams.contains_key(&conn).then_some(Input::Received { conn, bytes })
            }
            Event::Drained { conn } => {
                self.streams.contains_key(&conn).then_some(Input::Drained { conn })
            }
            Event::Synced { ticket, result } => Some(Input::Synced { ticket, result }),
        }
    }

    fn accept(&mut self, listener: &'static str, socket: TcpStream, from: SocketAddr) -> Input {
        let conn = self.new_conn();
        self.streams.insert(conn, Stream::accepted(conn, socket, self.inbox.clone()));
        let from = from.ip().to_canonical().to_string().into();
        Input::Opened { conn, peer: Peer::Accepted { listener, from } }
    }

    fn new_conn(&mut self) -> Conn {
        self.last_conn += 1;
        Conn(self.last_conn)
    }

    /// A process that exits by itself leaves its streams to the operating system: they take their
    /// last bytes, then end.
    async fn leave(&mut self) {
        self.listeners.clear();
        for (_, stream) in
            std::mem::take(&mut self.streams).into_iter().filter(|(_, s)| s.is_open())
        {
            stream.end();
            self.ending.push(stream);
        }
        let until = time::Instant::now() + FLUSH_MAX;
        while time::Instant::now() < until && self.ending.iter().any(|one| one.queued() > 0) {
            tokio::time::sleep(time::Duration::from_millis(5)).await;
        }
        self.ending.drain(..).for_each(Stream::let_go);
    }
}

impl Host for LiveHost {
    fn now(&self) -> Instant {
        Instant::from_micros(self.life.epoch.elapsed().as_micros() as u64)
    }

    fn wall(&self) -> WallTime {
        // A calendar before 1970 reads as 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        WallTime::from_micros(since.as_micros() as u64)
    }

    fn chance(&mut self, key: ChanceKey) -> &mut Chance {
        let Life { seed, name, incarnation, .. } = &self.life;
        self.chances.entry(key).or_insert_with(|| Chance::stream(*seed, name, *incarnation, key))
    }

    fn disk(&mut self) -> &mut dyn Disk {
        &mut self.files
    }

    fn listen(&mut self, listener: &'static str, address: &str) -> Result<(), ListenError> {
        if self.listeners.contains_key(listener) {
            return Err(ListenError::AddressInUse);
        }
        let place = self.life.names.to_listen(&self.life.hosts, address)?;
        let open = || {
            let socket = std::net::TcpListener::bind(place)?;
            socket.set_nonblocking(true)?;
            TcpListener::from_std(socket)
        };
        match open() {
            Ok(socket) => {
                self.listeners.insert(listener, socket);
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                Err(ListenError::AddressInUse)
            }
            Err(_) => Err(ListenError::NotOurAddress),
        }
    }

    fn unlisten(&mut self, listener: &'static str) {
        self.listeners.remove(listener);
    }

    fn dial(&mut self, address: &str) -> Conn {
        let conn = self.new_conn();
        let inbox = self.inbox.clone();
        let (names, hosts) = (self.life.names.clone(), self.life.hosts.clone());
        let address = address.to_owned();
        let task = spawn_local(async move {
            let result = match names.to_dial(&hosts, &address).await {
                Ok(places) => TcpStream::connect(&places[..]).await.map_err(|e| closed_by(&e)),
                Err(why) => Err(why),
            };
            // Nobody reads the inbox of a life that has ended.
            let _ = inbox.send(Event::Dialled { conn, result }).await;
        });
        self.streams.insert(conn, Stream::dialling(conn, task.abort_handle()));
        conn
    }

    fn send(&mut self, conn: Conn, bytes: Bytes) {
        if let Some(stream) = self.streams.get(&conn) {
            stream.send(bytes);
        }
    }

    fn queued(&self, conn: Conn) -> usize {
        self.streams.get(&conn).map_or(0, Stream::queued)
    }

    fn close(&mut self, conn: Conn) {
        if let Some(stream) = self.streams.remove(&conn)
            && stream.is_open()
        {
            stream.end();
            self.ending.push(stream);
        }
    }

    fn abort(&mut self, conn: Conn) {
        self.streams.remove(&conn);
    }

    fn exit(&mut self, code: i32, why: &str) {
        self.exited.get_or_insert_with(|| (code, why.to_owned()));
    }
}
