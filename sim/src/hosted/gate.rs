//! The gate through which async guests reach the simulated network: a machine in the world on one
//! side, streams with `AsyncRead + AsyncWrite` on the other, and what they share in between.
//!
//! A gate stands on a host of its own, so names, latency, cuts and power loss apply to its guests
//! like to anybody else.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{self, Poll, Waker};

use bytes::{Buf, Bytes};
use machine::{Closed, Conn, Context, Input, Instant, Machine, Note};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::world::{Fault, NodeId};

/// The largest piece a guest's write makes, in bytes.
const PIECE_MAX: usize = 64 * 1024;

/// The world's side of a gate: a node that performs what its guests wish.
#[derive(Clone)]
pub struct Gate {
    hall: Hall,
    gate: usize,
}

/// The guests' side of a gate. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gateway {
    hall: Hall,
    gate: usize,
}

/// One stream of a guest to a listener in the world. Dropping it closes it.
///
/// As for machines, a stream ends in both directions at once: after `shutdown` nothing more is
/// read.
#[derive(Debug)]
pub struct GuestStream {
    hall: Hall,
    gate: usize,
    id: u64,
}

/// What the driver, the gates and the guests share.
#[derive(Clone, Debug, Default)]
pub(super) struct Hall(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) gates: Vec<Desk>,
    /// What the guests want done to the world.
    pub(super) faults: VecDeque<Fault>,
    /// Whose program has ended, and how.
    pub(super) endings: VecDeque<(NodeId, Result<(), String>)>,
    /// Wakes the driver when a guest wishes something.
    pub(super) driver: Option<Waker>,
}

/// One gate's wishes and streams.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) node: NodeId,
    wishes: VecDeque<Wish>,
    /// The world was told to wake the gate, which has not looked yet (it may be paused or dead).
    called: bool,
    lines: BTreeMap<u64, Line>,
    last_id: u64,
}

#[derive(Debug)]
enum Wish {
    Say { text: String },
    Dial { id: u64, address: String },
    Send { id: u64, bytes: Bytes },
    Close { id: u64 },
}

#[derive(Debug, Default)]
struct Line {
    conn: Option<Conn>,
    open: bool,
    closed: Option<Closed>,
    incoming: VecDeque<Bytes>,
    /// Bytes wished and not yet given to the world.
    wished: usize,
    /// The world has told the gate to hold back.
    full: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Hall {
    pub(super) fn open(&self) -> MutexGuard<'_, Shared> {
        // A guest that panics ends the run; what it left here is only counted and dropped.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything: the streams of guests that are still there are dead.
    pub(super) fn clear(&self) {
        let shared = std::mem::take(&mut *self.open());
        // A waker may own the last of its guest, and that guest a stream: they go while the hall is
        // open to them.
        drop(shared);
    }

    /// The machine of the next gate to be added.
    pub(super) fn next_gate(&self) -> Gate {
        Gate { hall: self.clone(), gate: self.open().gates.len() }
    }

    /// The gate made by [`Self::next_gate`] is this node.
    pub(super) fn add_gate(&self, node: NodeId) -> Gateway {
        let mut shared = self.open();
        shared.gates.push(Desk {
            node,
            wishes: VecDeque::new(),
            called: false,
            lines: BTreeMap::new(),
            last_id: 0,
        });
        Gateway { hall: self.clone(), gate: shared.gates.len() - 1 }
    }
}

impl Shared {
    fn wish(&mut self, gate: usize, wish: Wish) {
        // After the run there is no desk any more.
        if let Some(desk) = self.gates.get_mut(gate) {
            desk.wishes.push_back(wish);
            self.call();
        }
    }

    /// Whether a guest waits for the driver.
    pub(super) fn has_wishes(&self) -> bool {
        !self.faults.is_empty() || !self.endings.is_empty() || self.gates.iter().any(Desk::asks)
    }

    /// The gates whose guests wish something; each is told once.
    pub(super) fn take_asked(&mut self) -> Vec<NodeId> {
        let asking = self.gates.iter_mut().filter(|desk| desk.asks());
        asking
            .map(|desk| {
                desk.called = true;
                desk.node
            })
            .collect()
    }

    /// Makes the driver look.
    pub(super) fn call(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }
}

impl Gate {
    /// Takes an input as the machine of this gate; use it where the gate is one variant of a larger
    /// machine. `say` makes a note of what the guest says.
    pub fn handle<N: Note>(
        &mut self,
        input: &Input,
        cx: &mut Context<'_, N>,
        say: fn(String) -> Option<N>,
    ) {
        let mut shared = self.hall.open();
        let Some(desk) = shared.gates.get_mut(self.gate) else { return };
        match input {
            // A new life knows none of the old streams.
            Input::Booted => desk.lines.values_mut().for_each(|line| line.close(Closed::Reset)),
            Input::Opened { conn, .. } => desk.line(*conn, |line| {
                line.open = true;
                line.wake();
            }),
            Input::Received { conn, bytes } => desk.line(*conn, |line| {
                line.incoming.push_back(bytes.clone());
                line.wake();
            }),
            Input::Drained { conn } => desk.line(*conn, |line| {
                line.full = false;
                line.wake();
            }),
            Input::Closed { conn, why } => desk.line(*conn, |line| line.close(*why)),
            Input::Stop => cx.exit(0, "asked to stop"),
            Input::Woke | Input::Synced { .. } | Input::Ready { .. } => {}
        }
        desk.called = false;
        while let Some(wish) = desk.wishes.pop_front() {
            desk.perform(wish, cx, say);
        }
    }
}

impl Desk {
    fn asks(&self) -> bool {
        !self.wishes.is_empty() && !self.called
    }

    fn line(&mut self, conn: Conn, change: impl FnOnce(&mut Line)) {
        if let Some(line) = self.lines.values_mut().find(|line| line.conn == Some(conn)) {
            change(line);
        }
    }

    fn perform<N: Note>(
        &mut self,
        wish: Wish,
        cx: &mut Context<'_, N>,
        say: fn(String) -> Option<N>,
    ) {
        match wish {
            Wish::Say { text } => {
                if let Some(note) = say(text) {
                    cx.note(note);
                }
            }
            Wish::Dial { id, address } => {
                if let Some(line) = self.lines.get_mut(&id) {
                    line.conn = Some(cx.dial(&address));
                }
            }
            Wish::Send { id, bytes } => {
                let Some(line) = self.lines.get_mut(&id) else { return };
                line.wished -= bytes.len();
                if let Some(conn) = line.conn.filter(|_| line.closed.is_none()) {
                    cx.send(conn, bytes);
                    line.full = cx.is_full(conn);
                }
                line.wake();
            }
            Wish::Close { id } => {
                let Some(line) = self.lines.remove(&id) else { return };
                if let Some(conn) = line.conn.filter(|_| line.closed.is_none()) {
                    cx.close(conn);
                }
            }
        }
    }
}

impl Line {
    fn close(&mut self, why: Closed) {
        self.closed.get_or_insert(why);
        self.wake();
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

impl Gateway {
    /// Dials `host:port`, resolved from where the gate stands.
    ///
    /// # Errors
    /// As a socket would: refused, no such name, timed out, reset.
    pub async fn connect(&self, address: &str) -> io::Result<GuestStream> {
        let stream = {
            let mut shared = self.hall.open();
            let desk = &mut shared.gates[self.gate];
            desk.last_id += 1;
            let id = desk.last_id;
            desk.lines.insert(id, Line::default());
            shared.wish(self.gate, Wish::Dial { id, address: address.to_owned() });
            GuestStream { hall: self.hall.clone(), gate: self.gate, id }
        };
        poll_fn(|cx| {
            stream.with_line(|line| match line.closed {
                Some(why) => Poll::Ready(Err(error(why))),
                None if line.open => Poll::Ready(Ok(())),
                None => wait(&mut line.reader, cx),
            })
        })
        .await?;
        Ok(stream)
    }
}

impl Gateway {
    /// Says something, for whoever reads the run.
    pub fn say(&self, text: impl Into<String>) {
        self.hall.open().wish(self.gate, Wish::Say { text: text.into() });
    }
}

impl GuestStream {
    fn with_line<R>(
        &self,
        look: impl FnOnce(&mut Line) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let mut shared = self.hall.open();
        let desk = shared.gates.get_mut(self.gate);
        match desk.and_then(|desk| desk.lines.get_mut(&self.id)) {
            Some(line) => look(line),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncRead for GuestStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with_line(|line| {
            let Some(piece) = line.incoming.front_mut() else {
                return match line.closed {
                    Some(Closed::Ended) => Poll::Ready(Ok(())),
                    Some(why) => Poll::Ready(Err(error(why))),
                    None => wait(&mut line.reader, cx),
                };
            };
            let length = piece.len().min(buffer.remaining());
            buffer.put_slice(&piece[..length]);
            piece.advance(length);
            if piece.is_empty() {
                line.incoming.pop_front();
            }
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncWrite for GuestStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let length = bytes.len().min(PIECE_MAX);
        let allowed = self.with_line(|line| match line.closed {
            Some(Closed::Ended) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Some(why) => Poll::Ready(Err(error(why))),
            None if line.full || line.wished > Context::<()>::FULL => wait(&mut line.writer, cx),
            None => {
                line.wished += length;
                Poll::Ready(Ok(()))
            }
        });
        allowed.map_ok(|()| {
            let bytes = Bytes::copy_from_slice(&bytes[..length]);
            self.hall.open().wish(self.gate, Wish::Send { id: self.id, bytes });
            length
        })
    }

    /// What was written is on its way already.
    fn poll_flush(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        self.hall.open().wish(self.gate, Wish::Close { id: self.id });
        Poll::Ready(Ok(()))
    }
}

impl Drop for GuestStream {
    fn drop(&mut self) {
        self.hall.open().wish(self.gate, Wish::Close { id: self.id });
    }
}

fn wait<R>(place: &mut Option<Waker>, cx: &task::Context<'_>) -> Poll<R> {
    *place = Some(cx.waker().clone());
    Poll::Pending
}

fn error(why: Closed) -> io::Error {
    let kind = match why {
        Closed::Refused => io::ErrorKind::ConnectionRefused,
        Closed::UnknownName => io::ErrorKind::NotFound,
        Closed::TimedOut => io::ErrorKind::TimedOut,
        Closed::Reset => io::ErrorKind::ConnectionReset,
        Closed::Ended => io::ErrorKind::UnexpectedEof,
    };
    io::Error::new(kind, format!("{why:?}"))
}

/// A world's machine, or a gate among them.
pub enum Resident<M> {
    /// One of the world's own.
    Native(M),
    /// A gate.
    Gate(Gate),
}

impl<M: Machine> Machine for Resident<M> {
    type Note = M::Note;
    /// A gate shows nothing.
    type View = Option<M::View>;

    fn handle(&mut self, input: Input, cx: &mut Context<'_, M::Note>) {
        match self {
            Self::Native(machine) => machine.handle(input, cx),
            Self::Gate(gate) => gate.handle(&input, cx, |_| None),
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        match self {
            Self::Native(machine) => machine.wake_at(),
            Self::Gate(_) => None,
        }
    }

    fn view(&self) -> Self::View {
        match self {
            Self::Native(machine) => Some(machine.view()),
            Self::Gate(_) => None,
        }
    }
}
