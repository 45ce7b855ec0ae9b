//! One session and the connections it goes through.
//!
//! ```text
//!            start            pause over             opened             welcome
//!   Down ───────────► Waiting ─────────► Dialling ───────────► Greeting ───────► Live
//!     ▲                  ▲                   │ fails              │ fails          │ fails, silent
//!     │                  └───────────────────┴────────────────────┴────────────────┘
//!     └── expired (from Greeting), closed ── all that was asked is lost on the way back
//! ```
//!
//! Time-outs and pauses are those of `ClientCnxn` 3.4. Authentication and read-only servers are not here.

mod link;
mod receive;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use machine::{Closed, Conn, Context, Duration, Input, Instant};

use super::connect_string::Rotation;
use super::watches::Watches;
use super::{ConnectString, operation};
use crate::id::{SessionId, Zxid};
use crate::note::ClientNote;
use crate::wire::client::{ConnectRequest, PASSWORD_LENGTH, Request, Response};
use link::{Asked, Asker, Greeting, Link};

/// Before every attempt but those of the first connection, a client waits for a random time below this, in ms.
const PAUSE_MAX_MS: u64 = 1_000;

/// Why a request has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// The server said no, with one of [`crate::wire::client::code`].
    Refused(i32),
    /// The connection broke, or was not there: the request may or may not have been carried out.
    ConnectionLoss,
    /// The session is gone.
    SessionExpired,
}

/// What a session's owner is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// There is a session on a live connection.
    Connected {
        /// The session.
        session: SessionId,
        /// Whether it is a new one.
        fresh: bool,
        /// Its negotiated time-out in ms.
        timeout_ms: u64,
    },
    /// The connection is gone; the client looks for another. Only after `Connected`.
    Disconnected,
    /// The session is gone. Nothing more happens until [`SessionClient::start`].
    Expired,
    /// A request ended.
    Reply {
        /// As the owner named it.
        tag: u64,
        /// From the reply's header; `ZERO` without one.
        zxid: Zxid,
        /// How.
        result: Result<Response, ClientError>,
    },
    /// A watch of this session fired, and is used up.
    Watched {
        /// 1 created, 2 deleted, 3 data changed, 4 children changed.
        kind: i32,
        /// The path, as the owner named it.
        path: Arc<str>,
    },
    /// The session was closed as asked, or the attempt to do so was given up.
    Closed,
}

/// A session client, to be held by a machine as a part.
#[derive(Clone, Debug)]
pub struct SessionClient {
    connect: ConnectString,
    /// The time-out to ask for.
    requested: Duration,
    /// The time-out in force: the negotiated one, before that the requested one.
    timeout: Duration,
    session: SessionId,
    password: Bytes,
    last_zxid: Zxid,
    rotation: Option<Rotation>,
    /// Whether a connection was ever open in this session: from then on attempts are preceded by a random pause.
    primed: bool,
    closing: bool,
    link: Link,
    /// Asked and not yet sent.
    queue: VecDeque<Asked>,
    watches: Watches,
    /// When the last request was sent that a server has answered.
    confirmed: Option<Instant>,
    next_xid: i32,
    next_op: u64,
    /// What was decided outside [`Self::handle`], and since when it waits for it.
    undelivered: Vec<SessionEvent>,
    undelivered_since: Instant,
}

impl SessionClient {
    /// A client for these servers that asks for this session time-out. It does nothing before [`Self::start`].
    pub fn new(connect: ConnectString, timeout: Duration) -> Self {
        Self {
            connect,
            requested: timeout,
            timeout,
            session: SessionId::NONE,
            password: Bytes::from_static(&[0; PASSWORD_LENGTH]),
            last_zxid: Zxid::ZERO,
            rotation: None,
            primed: false,
            closing: false,
            link: Link::Down,
            queue: VecDeque::new(),
            watches: Watches::default(),
            confirmed: None,
            next_xid: 1,
            next_op: 1,
            undelivered: Vec::new(),
            undelivered_since: Instant::ZERO,
        }
    }

    /// Begins a new session: at first, after it expired, or after it was closed. While there is one, nothing happens.
    pub fn start(&mut self, cx: &mut Context<'_, ClientNote>) {
        if !matches!(self.link, Link::Down) {
            return;
        }
        self.timeout = self.requested;
        self.forget_session();
        self.last_zxid = Zxid::ZERO;
        self.next_xid = 1;
        self.primed = false;
        self.closing = false;
        self.rotation = Some(Rotation::new(&self.connect, cx.chance("servers")));
        self.attempt(cx);
    }

    /// Asks for something; [`SessionEvent::Reply`] with this tag follows, never within this call. While there is no
    /// connection the request waits for the attempt under way, and is lost with it.
    ///
    /// Pings, watches after a reconnection and the end of the session are this client's own business, not requests.
    pub fn request(&mut self, tag: u64, request: Request, cx: &mut Context<'_, ClientNote>) {
        let request = operation::full(&self.connect, request);
        let op = operation::operation(&request).map(|what| {
            let op = self.next_op;
            self.next_op += 1;
            cx.note(ClientNote::Invoked { op, session: self.session, what: what.into() });
            op
        });
        let asked = Asked::new(Asker::Owner { tag, op }, request, cx.now());
        match self.link {
            Link::Down => self.lose_later(asked, ClientError::SessionExpired, cx),
            _ if self.closing => self.lose_later(asked, ClientError::ConnectionLoss, cx),
            _ => self.queue.push_back(asked),
        }
        self.send_queued(cx);
    }

    /// Ends the session: [`SessionEvent::Closed`] follows.
    pub fn close(&mut self, cx: &mut Context<'_, ClientNote>) {
        match self.link {
            Link::Down => self.deliver_later(vec![SessionEvent::Closed], cx.now()),
            Link::Waiting { .. } => {
                self.link = Link::Down;
                let mut events = Vec::new();
                self.lose_all(VecDeque::new(), ClientError::ConnectionLoss, cx, &mut events);
                events.push(SessionEvent::Closed);
                self.deliver_later(events, cx.now());
            }
            _ if self.closing => {}
            _ => {
                self.queue.push_back(Asked::new(Asker::Close, Request::CloseSession, cx.now()));
                self.closing = true;
                self.send_queued(cx);
            }
        }
    }

    /// Whether this stream is the client's.
    pub fn owns(&self, conn: Conn) -> bool {
        self.link.conn() == Some(conn)
    }

    /// The session, [`SessionId::NONE`] without one.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Whether it has a session on a live connection.
    pub fn is_connected(&self) -> bool {
        matches!(self.link, Link::Live(_))
    }

    /// The last transaction this session has seen the effects of.
    pub fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// Until when a correct ensemble cannot have let the session expire, by this node's clock: the negotiated time-out
    /// after the last request that was answered had been sent.
    pub fn sure_until(&self) -> Option<Instant> {
        self.confirmed.map(|at| at + self.timeout)
    }

    /// When it wants to be given an input, whatever that is.
    pub fn wake_at(&self) -> Option<Instant> {
        if !self.undelivered.is_empty() {
            return Some(self.undelivered_since);
        }
        match &self.link {
            Link::Down => None,
            Link::Waiting { until, .. } => Some(*until),
            Link::Dialling { since, .. } => Some(*since + self.connect_timeout()),
            Link::Greeting(greeting) => Some(greeting.since + self.connect_timeout()),
            Link::Live(live) => Some(live.wake_at(self.read_timeout())),
        }
    }

    /// Takes any input of the machine; those that are not this client's only tell it the time.
    pub fn handle(
        &mut self,
        input: &Input,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<SessionEvent>,
    ) {
        events.append(&mut self.undelivered);
        self.look_at_the_clock(cx, events);
        match input {
            Input::Opened { conn, .. } if self.owns(*conn) => self.greet(cx),
            Input::Received { conn, bytes } if self.owns(*conn) => self.read(bytes, cx, events),
            Input::Closed { conn, why } if self.owns(*conn) => {
                self.link.forget_conn();
                self.fail(reason(*why), cx, events);
            }
            _ => {}
        }
    }

    /// Two thirds of the time-out: silence for this long means that the server is lost.
    fn read_timeout(&self) -> Duration {
        Duration::from_millis(self.timeout.as_millis() * 2 / 3)
    }

    /// Every server gets its share of the time-out.
    fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.timeout.as_millis() / self.connect.servers().len() as u64)
    }

    fn look_at_the_clock(
        &mut self,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<SessionEvent>,
    ) {
        let now = cx.now();
        let connect_timeout = self.connect_timeout();
        let read_timeout = self.read_timeout();
        match &mut self.link {
            Link::Waiting { until, .. } if *until <= now => self.dial(cx),
            Link::Dialling { since, .. } | Link::Greeting(Greeting { since, .. })
                if *since + connect_timeout <= now =>
            {
                self.fail("no answer within the connect time-out", cx, events);
            }
            Link::Live(live) if live.heard + read_timeout <= now => {
                self.fail("nothing heard within the read time-out", cx, events);
            }
            Link::Live(live) if live.ping_at(read_timeout) <= now => live.ping(cx),
            _ => {}
        }
    }

    /// Goes to the next server, after the pauses that are due.
    fn attempt(&mut self, cx: &mut Context<'_, ClientNote>) {
        let rotation = self.rotation.as_mut().expect("made when the session was started");
        let (to, mut pause) = rotation.next();
        if self.primed {
            pause = pause + Duration::from_millis(cx.chance("pause").below(PAUSE_MAX_MS));
        }
        self.link = Link::Waiting { until: cx.now() + pause, to };
        if pause == Duration::ZERO {
            self.dial(cx);
        }
    }

    fn dial(&mut self, cx: &mut Context<'_, ClientNote>) {
        let Link::Waiting { to, .. } = &self.link else { return };
        let to = to.clone();
        cx.note(ClientNote::Connecting { to: to.clone() });
        let conn = cx.dial(&to);
        self.link = Link::Dialling { conn, to, since: cx.now() };
    }

    /// The stream is open: who we are goes out, everything else waits for the welcome.
    fn greet(&mut self, cx: &mut Context<'_, ClientNote>) {
        let Link::Dialling { conn, to, .. } = &self.link else { return };
        let greeting = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: self.last_zxid,
            timeout_ms: i32::try_from(self.requested.as_millis()).unwrap_or(i32::MAX),
            session: self.session,
            password: self.password.clone(),
            read_only: Some(false),
        };
        cx.send(*conn, greeting.frame());
        self.primed = true;
        self.link = Link::Greeting(Greeting::new(*conn, to.clone(), cx.now()));
    }

    fn send_queued(&mut self, cx: &mut Context<'_, ClientNote>) {
        let Link::Live(live) = &mut self.link else { return };
        for asked in self.queue.drain(..) {
            live.send(asked, self.next_xid, cx);
            self.next_xid = self.next_xid.checked_add(1).unwrap_or(1);
        }
    }

    /// The attempt or the connection is over: everything asked on it is lost, and the next server is tried.
    fn fail(
        &mut self,
        why: &'static str,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<SessionEvent>,
    ) {
        self.hang_up(cx);
        if self.is_connected() {
            cx.note(ClientNote::Disconnected(why));
            events.push(SessionEvent::Disconnected);
        }
        let unanswered = self.link.take_unanswered();
        self.link = Link::Down;
        self.lose_all(unanswered, ClientError::ConnectionLoss, cx, events);
        if self.closing {
            self.forget_session();
            events.push(SessionEvent::Closed);
        } else {
            self.attempt(cx);
        }
    }

    /// The server says that the session is gone.
    fn expire(&mut self, cx: &mut Context<'_, ClientNote>, events: &mut Vec<SessionEvent>) {
        self.hang_up(cx);
        self.link = Link::Down;
        cx.note(ClientNote::Expired { session: self.session });
        events.push(if self.closing { SessionEvent::Closed } else { SessionEvent::Expired });
        self.forget_session();
        self.lose_all(VecDeque::new(), ClientError::SessionExpired, cx, events);
    }

    fn forget_session(&mut self) {
        self.session = SessionId::NONE;
        self.password = Bytes::from_static(&[0; PASSWORD_LENGTH]);
        self.confirmed = None;
        self.watches.clear();
    }

    fn hang_up(&mut self, cx: &mut Context<'_, ClientNote>) {
        match (&self.link, self.link.conn()) {
            (_, None) => {}
            (Link::Dialling { .. }, Some(conn)) => cx.abort(conn),
            (_, Some(conn)) => cx.close(conn),
        }
    }

    fn lose_all(
        &mut self,
        unanswered: VecDeque<Asked>,
        error: ClientError,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<SessionEvent>,
    ) {
        let queued = std::mem::take(&mut self.queue);
        for asked in unanswered.into_iter().chain(queued) {
            self.lose(asked, error, cx, events);
        }
    }

    fn lose_later(&mut self, asked: Asked, error: ClientError, cx: &mut Context<'_, ClientNote>) {
        let mut events = Vec::new();
        self.lose(asked, error, cx, &mut events);
        self.deliver_later(events, cx.now());
    }

    fn deliver_later(&mut self, events: Vec<SessionEvent>, now: Instant) {
        self.undelivered.extend(events);
        self.undelivered_since = now;
    }

    fn lose(
        &self,
        asked: Asked,
        error: ClientError,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<SessionEvent>,
    ) {
        self.end(asked, Zxid::ZERO, Err(error), cx, events);
    }

    /// A request has ended, one way or the other.
    fn end(
        &self,
        asked: Asked,
        zxid: Zxid,
        result: Result<Response, ClientError>,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<SessionEvent>,
    ) {
        let Asker::Owner { tag, op } = asked.asker else { return };
        if let Some(op) = op {
            let outcome = operation::outcome(&asked.request, &result);
            cx.note(ClientNote::Completed { op, zxid, outcome });
        }
        let result = result.map(|response| operation::below(&self.connect, response));
        events.push(SessionEvent::Reply { tag, zxid, result });
    }
}

fn reason(why: Closed) -> &'static str {
    match why {
        Closed::Refused => "refused",
        Closed::UnknownName => "no such host",
        Closed::TimedOut => "the network gave up",
        Closed::Reset => "reset by the server",
        Closed::Ended => "closed by the server",
    }
}
