//! The connection of a session client, in each of its stages, with what belongs to that stage only.

use std::collections::VecDeque;
use std::sync::Arc;

use machine::{Conn, Context, Duration, Frames, Instant};

use crate::note::ClientNote;
use crate::wire::client::{REPLY_MAX, Request, xid};

/// A client pings at least this often, however long its time-out (`MAX_SEND_PING_INTERVAL`).
const PING_INTERVAL_MAX: Duration = Duration::from_millis(10_000);

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asker {
    /// The part's owner; `op` is its number in notes.
    Owner { tag: u64, op: Option<u64> },
    /// The client itself, setting its watches again.
    Rearm,
    /// The client itself, ending the session.
    Close,
}

/// A request, waiting to be sent or to be answered. Its paths are full.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub asker: Asker,
    pub request: Request,
    /// 0 before it is sent.
    pub xid: i32,
    /// When it was sent, before that when it was asked.
    pub sent: Instant,
}

impl Asked {
    pub fn new(asker: Asker, request: Request, now: Instant) -> Self {
        Self { asker, request, xid: 0, sent: now }
    }
}

/// The stages.
#[derive(Clone, Debug)]
pub(super) enum Link {
    /// Not started, or over.
    Down,
    /// Before the next attempt.
    Waiting { until: Instant, to: Arc<str> },
    /// An attempt: no stream yet.
    Dialling { conn: Conn, to: Arc<str>, since: Instant },
    /// An attempt: the stream is open, the server has not welcomed us yet.
    Greeting(Greeting),
    /// There is a session here.
    Live(Box<Live>),
}

/// An open stream without a session.
#[derive(Clone, Debug)]
pub(super) struct Greeting {
    conn: Option<Conn>,
    pub to: Arc<str>,
    /// When our own greeting was sent.
    pub since: Instant,
    frames: Frames,
}

/// An open stream with a session.
#[derive(Clone, Debug)]
pub(super) struct Live {
    conn: Option<Conn>,
    frames: Frames,
    /// Sent and not answered, oldest first.
    pub unanswered: VecDeque<Asked>,
    /// When the pings were sent that are not answered, oldest first.
    pub pings: VecDeque<Instant>,
    /// When the last frame came.
    pub heard: Instant,
    /// When the last frame was sent.
    sent: Instant,
}

impl Link {
    /// The stream, as long as there is one.
    pub fn conn(&self) -> Option<Conn> {
        match self {
            Self::Down | Self::Waiting { .. } => None,
            Self::Dialling { conn, .. } => Some(*conn),
            Self::Greeting(greeting) => greeting.conn,
            Self::Live(live) => live.conn,
        }
    }

    /// The stream is no more.
    pub fn forget_conn(&mut self) {
        match self {
            Self::Down | Self::Waiting { .. } => {}
            Self::Dialling { .. } => *self = Self::Down,
            Self::Greeting(greeting) => greeting.conn = None,
            Self::Live(live) => live.conn = None,
        }
    }

    /// What has arrived, if anything may arrive at this stage.
    pub fn frames(&mut self) -> Option<&mut Frames> {
        match self {
            Self::Down | Self::Waiting { .. } | Self::Dialling { .. } => None,
            Self::Greeting(greeting) => Some(&mut greeting.frames),
            Self::Live(live) => Some(&mut live.frames),
        }
    }

    /// Takes what was sent and will not be answered any more.
    pub fn take_unanswered(&mut self) -> VecDeque<Asked> {
        match self {
            Self::Live(live) => std::mem::take(&mut live.unanswered),
            _ => VecDeque::new(),
        }
    }
}

impl Greeting {
    pub fn new(conn: Conn, to: Arc<str>, now: Instant) -> Self {
        Self { conn: Some(conn), to, since: now, frames: Frames::new(REPLY_MAX) }
    }
}

impl Live {
    /// The stream goes on, with what has already arrived behind the welcome.
    pub fn new(greeting: Greeting, now: Instant) -> Self {
        Self {
            conn: greeting.conn,
            frames: greeting.frames,
            unanswered: VecDeque::new(),
            pings: VecDeque::new(),
            heard: now,
            sent: now,
        }
    }

    /// When a ping is due: half the read time-out after the last frame sent.
    pub fn ping_at(&self, read_timeout: Duration) -> Instant {
        self.sent + read_timeout.divided_by(2).min(PING_INTERVAL_MAX)
    }

    /// The next deadline.
    pub fn wake_at(&self, read_timeout: Duration) -> Instant {
        (self.heard + read_timeout).min(self.ping_at(read_timeout))
    }

    pub fn ping(&mut self, cx: &mut Context<'_, ClientNote>) {
        let Some(conn) = self.conn else { return };
        cx.send(conn, Request::Ping.frame(xid::PING));
        self.sent = cx.now();
        self.pings.push_back(self.sent);
    }

    /// Sends a request under this number. A stream that is full takes it all the same, as Java's queue does.
    pub fn send(&mut self, mut asked: Asked, xid: i32, cx: &mut Context<'_, ClientNote>) {
        let Some(conn) = self.conn else { return };
        cx.send(conn, asked.request.frame(xid));
        self.sent = cx.now();
        asked.xid = xid;
        asked.sent = self.sent;
        self.unanswered.push_back(asked);
    }
}
