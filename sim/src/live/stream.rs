//! One byte stream over a TCP socket: a task that carries what is queued out and what arrives in.
//!
//! Reading stops while the node's inbox is full, so a slow machine slows its peers down, as in
//! life.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use machine::{Closed, Conn, Context};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::timeout;

use super::names::closed_by;
use super::node::Event;

/// After our FIN, how long the peer's own bytes are still taken (and dropped) before the socket
/// goes: a socket closed with unread bytes would reset the stream and take our last bytes with it.
const LINGER: Duration = Duration::from_secs(2);

/// The largest piece handed to a machine at once, in bytes.
const PIECE_MAX: usize = 64 * 1024;

/// How many queued pieces are offered to the socket in one call.
const SLICES_MAX: usize = 32;

/// A stream as the node's event loop holds it.
pub(super) struct Stream {
    line: Rc<Line>,
    socket: Option<Rc<TcpStream>>,
    task: AbortHandle,
}

/// What the event loop and the stream's task share.
struct Line {
    conn: Conn,
    queue: RefCell<VecDeque<Bytes>>,
    queued: Cell<usize>,
    was_full: Cell<bool>,
    /// We closed: nothing is handed to the machine any more, and the queue ends with a FIN.
    ending: Cell<bool>,
    /// A write failed; the reader finds the end of the stream and says this.
    broken: Cell<Option<Closed>>,
    more: Notify,
}

impl Stream {
    /// A stream that is being dialled by `task`.
    pub(super) fn dialling(conn: Conn, task: AbortHandle) -> Self {
        Self { line: Line::new(conn), socket: None, task }
    }

    /// A stream that was accepted.
    pub(super) fn accepted(conn: Conn, socket: TcpStream, inbox: Sender<Event>) -> Self {
        let line = Line::new(conn);
        let (socket, task) = begin(&line, socket, inbox);
        Self { line, socket: Some(socket), task }
    }

    /// The dialled stream is open; what was sent meanwhile goes out.
    pub(super) fn open(&mut self, socket: TcpStream, inbox: Sender<Event>) {
        let (socket, task) = begin(&self.line, socket, inbox);
        self.socket = Some(socket);
        self.task = task;
    }

    /// Whether the peer is there.
    pub(super) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// Bytes not yet taken by the socket.
    pub(super) fn queued(&self) -> usize {
        self.line.queued.get()
    }

    /// Queues bytes.
    pub(super) fn send(&self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let queued = self.queued() + bytes.len();
        self.line.queued.set(queued);
        if queued > Context::<()>::FULL {
            self.line.was_full.set(true);
        }
        self.line.queue.borrow_mut().push_back(bytes);
        self.line.more.notify_one();
    }

    /// Ends the stream after what is queued.
    pub(super) fn end(&self) {
        self.line.ending.set(true);
        self.line.more.notify_one();
    }

    /// Leaves the stream to the operating system, which still sends what it has taken and the FIN.
    pub(super) fn let_go(mut self) {
        if self.queued() == 0 {
            self.socket = None;
        }
    }

    /// Whether everything has been done, the peer's own end included.
    pub(super) fn is_over(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Stream {
    /// A stream that is dropped before it is over is reset.
    fn drop(&mut self) {
        if let Some(socket) = self.socket.as_ref().filter(|_| !self.task.is_finished()) {
            // It fails only on a socket that is already disconnected.
            let _ = socket.set_zero_linger();
        }
        self.task.abort();
    }
}

impl Line {
    fn new(conn: Conn) -> Rc<Self> {
        Rc::new(Self {
            conn,
            queue: RefCell::default(),
            queued: Cell::new(0),
            was_full: Cell::new(false),
            ending: Cell::new(false),
            broken: Cell::new(None),
            more: Notify::new(),
        })
    }

    /// Offers the head of the queue to the socket.
    fn write_some(&self, socket: &TcpStream) -> io::Result<()> {
        let mut queue = self.queue.borrow_mut();
        let slices: Vec<IoSlice<'_>> =
            queue.iter().take(SLICES_MAX).map(|piece| IoSlice::new(piece)).collect();
        let mut taken = socket.try_write_vectored(&slices)?;
        self.queued.set(self.queued.get() - taken);
        while taken > 0 {
            let piece = queue.front_mut().expect("no more was taken than offered");
            if taken < piece.len() {
                piece.advance(taken);
                break;
            }
            taken -= piece.len();
            queue.pop_front();
        }
        Ok(())
    }
}

fn begin(line: &Rc<Line>, socket: TcpStream, inbox: Sender<Event>) -> (Rc<TcpStream>, AbortHandle) {
    // Machines send whole messages; waiting for more would only delay them.
    let _ = socket.set_nodelay(true);
    let socket = Rc::new(socket);
    let task = spawn_local(carry(line.clone(), socket.clone(), inbox));
    (socket, task.abort_handle())
}

async fn carry(line: Rc<Line>, socket: Rc<TcpStream>, inbox: Sender<Event>) {
    let mut incoming = pin!(carry_in(&line, &socket, &inbox));
    tokio::select! {
        () = &mut incoming => return,
        () = carry_out(&line, &socket, &inbox) => {}
    }
    if line.broken.get().is_some() {
        incoming.await;
    } else {
        // Whether the peer ended in time or not, there is nobody to tell.
        let _ = timeout(LINGER, incoming).await;
    }
}

/// Carries what arrives to the machine until the stream ends, and says how it ended.
async fn carry_in(line: &Line, socket: &TcpStream, inbox: &Sender<Event>) {
    let mut buffer = vec![0; PIECE_MAX];
    let why = loop {
        let read = match socket.readable().await {
            Ok(()) => socket.try_read(&mut buffer),
            Err(error) => Err(error),
        };
        match read {
            Ok(0) => break line.broken.get().unwrap_or(Closed::Ended),
            Ok(_) if line.ending.get() => {}
            Ok(length) => {
                let bytes = Bytes::copy_from_slice(&buffer[..length]);
                let event = Event::Received { conn: line.conn, bytes };
                if inbox.send(event).await.is_err() {
                    return;
                }
            }
            Err(error) if is_passing(&error) => {}
            Err(error) => break line.broken.get().unwrap_or(closed_by(&error)),
        }
    };
    if !line.ending.get() {
        // Nobody reads the inbox of a life that has ended.
        let _ = inbox.send(Event::Closed { conn: line.conn, why }).await;
    }
}

/// Carries what is queued to the peer, and the FIN after it when we end the stream.
async fn carry_out(line: &Line, socket: &TcpStream, inbox: &Sender<Event>) {
    loop {
        if line.queue.borrow().is_empty() {
            if line.ending.get() {
                // It fails only on a socket that is already disconnected.
                let _ = SockRef::from(socket).shutdown(std::net::Shutdown::Write);
                return;
            }
            line.more.notified().await;
            continue;
        }
        let written = match socket.writable().await {
            Ok(()) => line.write_some(socket),
            Err(error) => Err(error),
        };
        match written {
            Ok(()) => {}
            Err(error) if is_passing(&error) => continue,
            Err(error) => {
                line.broken.set(Some(closed_by(&error)));
                return;
            }
        }
        let has_room = line.queued.get() <= Context::<()>::FULL / 2;
        if has_room && line.was_full.replace(false) && !line.ending.get() {
            // Nobody reads the inbox of a life that has ended.
            let _ = inbox.send(Event::Drained { conn: line.conn }).await;
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
