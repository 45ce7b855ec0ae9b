//! The connections of leader election, by the rules of `QuorumCnxManager`: one per pair of servers, opened by the
//! larger id, with room for one unsent message.
//!
//! ```text
//!            send, dial back                opened, the peer is smaller
//!   Down ───────────────────────► Dialling ───────────────────────────► Up
//!    ▲ ◄───── refused, timed out ─────┘ opened, the peer is larger:      │
//!    │ ◄──────────────────────────────┘ tell our id, close, be called    │
//!    └────────────── closed, or the peer calls again ────────────────────┘
//!   Down, Dialling, Up ── called by a larger peer ──► Up
//! ```
//!
//! Nothing is dialled by a loop of its own: only when there is something to send, when a smaller peer asked for it by
//! calling, or when the election calls all ([`Links::connect_all`]). Not here: what the messages mean.

use std::collections::BTreeMap;

use bytes::Bytes;
use machine::{Alarms, Conn, Context, Duration, Instant};

use crate::config::Server;
use crate::id::ServerId;
use crate::note::ServerNote;
use crate::wire::vote::{Greeting, Notification, VoteStream};

type Door<'a, 'b> = &'a mut Context<'b, ServerNote>;

/// All connections of this server's election.
#[derive(Debug)]
pub(super) struct Links {
    me: ServerId,
    patience: Duration,
    links: BTreeMap<ServerId, Link>,
    /// Whose link a dialled or introduced connection is.
    whose: BTreeMap<Conn, ServerId>,
    /// Callers that have not said who they are, with what they sent so far.
    callers: BTreeMap<Conn, VoteStream>,
    /// Connections that must be open, and callers that must be introduced, by then.
    alarms: Alarms<Conn>,
}

/// What stands between this server and one other.
#[derive(Debug)]
struct Link {
    address: String,
    wire: Wire,
    /// The send queue: one message, a newer one takes its place.
    waiting: Option<Bytes>,
    /// Said again on a new connection: nobody knows whether it arrived on the old one.
    last: Option<Bytes>,
    /// Whether anything was ever to be sent there, or came from there.
    used: bool,
}

#[derive(Debug)]
enum Wire {
    Down,
    /// `again`: the peer asked to be called while this call was under way; if it fails, call once more.
    Dialling {
        conn: Conn,
        again: bool,
    },
    Up {
        conn: Conn,
        stream: VoteStream,
    },
}

impl Links {
    /// No connection yet. A call must be answered within `patience` (`cnxTimeout`).
    pub(super) fn new(
        me: ServerId,
        servers: &BTreeMap<ServerId, Server>,
        patience: Duration,
    ) -> Self {
        let link = |server: &Server| Link {
            address: format!("{}:{}", server.host, server.election_port),
            wire: Wire::Down,
            waiting: None,
            last: None,
            used: false,
        };
        let others = servers.iter().filter(|(id, _)| **id != me);
        Self {
            me,
            patience,
            links: others.map(|(id, server)| (*id, link(server))).collect(),
            whose: BTreeMap::new(),
            callers: BTreeMap::new(),
            alarms: Alarms::new(),
        }
    }

    /// Whether inputs of this connection belong here.
    pub(super) fn owns(&self, conn: Conn) -> bool {
        self.whose.contains_key(&conn) || self.callers.contains_key(&conn)
    }

    /// When a call was long enough under way.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.alarms.next()
    }

    /// Sends a message, now or when the peer can be reached. Only the newest unsent one is kept.
    pub(super) fn send(&mut self, to: ServerId, message: Bytes, cx: Door<'_, '_>) {
        let Some(link) = self.links.get_mut(&to) else { return };
        link.used = true;
        link.waiting = Some(message);
        link.flush(cx);
        self.connect(to, cx);
    }

    /// Whether a message queue is empty. As in ZooKeeper one empty queue is enough, although its comment says "all".
    pub(super) fn have_delivered(&self) -> bool {
        self.links.values().any(|link| link.used && link.waiting.is_none())
    }

    /// Calls all servers that were ever spoken to and are not connected.
    pub(super) fn connect_all(&mut self, cx: Door<'_, '_>) {
        let used = self.links.iter().filter(|(_, link)| link.used).map(|(id, _)| *id);
        for id in used.collect::<Vec<_>>() {
            self.connect(id, cx);
        }
    }

    /// Somebody called; the first bytes will say who.
    pub(super) fn accepted(&mut self, conn: Conn, cx: Door<'_, '_>) {
        self.callers.insert(conn, VoteStream::new());
        self.alarms.set(conn, cx.now() + self.patience);
    }

    /// A call of ours was answered.
    pub(super) fn opened(&mut self, conn: Conn, cx: Door<'_, '_>) {
        let Some(id) = self.whose.get(&conn).copied() else { return };
        self.alarms.clear(&conn);
        cx.send(conn, Greeting { server: self.me, address: None }.encode());
        if id > self.me {
            // The larger id opens the connection: it knows now that it is wanted, and calls back.
            cx.close(conn);
            self.forget(conn);
        } else {
            self.up(id, conn, VoteStream::new(), cx);
        }
    }

    /// Takes a piece of a stream; gives the notifications it completes, with their senders.
    pub(super) fn received(
        &mut self,
        conn: Conn,
        bytes: &Bytes,
        cx: Door<'_, '_>,
    ) -> Vec<(ServerId, Notification)> {
        if let Some(stream) = self.callers.get_mut(&conn) {
            stream.push(bytes);
            match stream.take_greeting() {
                Ok(None) => return Vec::new(),
                Ok(Some(greeting)) => self.introduced(conn, greeting.server, cx),
                Err(malformed) => self.hang_up(conn, malformed.0, cx),
            }
        } else if let Some(stream) = self.stream(conn) {
            stream.push(bytes);
        }
        self.read(conn, cx)
    }

    /// A stream has room again.
    pub(super) fn drained(&mut self, conn: Conn, cx: Door<'_, '_>) {
        let link = self.whose.get(&conn).and_then(|id| self.links.get_mut(id));
        if let Some(link) = link {
            link.flush(cx);
        }
    }

    /// A stream is no more. The last message is sent again when there is a new one.
    pub(super) fn closed(&mut self, conn: Conn, cx: Door<'_, '_>) {
        if let Some((id, true)) = self.forget(conn) {
            self.connect(id, cx);
        }
    }

    /// Gives up calls that take too long.
    pub(super) fn woke(&mut self, cx: Door<'_, '_>) {
        while let Some(conn) = self.alarms.ring(cx.now()) {
            cx.abort(conn);
            self.closed(conn, cx);
        }
    }

    /// The caller said who it is.
    fn introduced(&mut self, conn: Conn, id: ServerId, cx: Door<'_, '_>) {
        self.alarms.clear(&conn);
        let stream = self.callers.remove(&conn).expect("only callers introduce themselves");
        // Its own call (a host name that leads back to this server), or nobody of this ensemble.
        let Some(link) = self.links.get_mut(&id) else { return cx.close(conn) };
        link.used = true;
        match &mut link.wire {
            Wire::Down => {}
            Wire::Dialling { again, .. } if id < self.me => *again = true,
            Wire::Dialling { conn, .. } => {
                let call = *conn;
                cx.abort(call);
                self.forget(call);
            }
            Wire::Up { conn, .. } => {
                // The peer would not call if it thought this one were open.
                let old = *conn;
                cx.close(old);
                self.forget(old);
            }
        }
        if id < self.me {
            cx.close(conn);
            self.connect(id, cx);
        } else {
            self.whose.insert(conn, id);
            self.up(id, conn, stream, cx);
        }
    }

    /// The one connection to `id` is this one.
    fn up(&mut self, id: ServerId, conn: Conn, stream: VoteStream, cx: Door<'_, '_>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.wire = Wire::Up { conn, stream };
        if link.waiting.is_none() {
            link.waiting = link.last.take();
        }
        link.flush(cx);
    }

    /// Calls `id` unless it is connected or being called.
    fn connect(&mut self, id: ServerId, cx: Door<'_, '_>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if matches!(link.wire, Wire::Down) {
            let conn = cx.dial(&link.address);
            link.wire = Wire::Dialling { conn, again: false };
            self.whose.insert(conn, id);
            self.alarms.set(conn, cx.now() + self.patience);
        }
    }

    /// The connection is dead. Says whose it was and whether that server is to be called again.
    fn forget(&mut self, conn: Conn) -> Option<(ServerId, bool)> {
        self.alarms.clear(&conn);
        self.callers.remove(&conn);
        let id = self.whose.remove(&conn)?;
        let link = self.links.get_mut(&id)?;
        let again = matches!(link.wire, Wire::Dialling { again: true, .. });
        link.wire = Wire::Down;
        Some((id, again))
    }

    /// What came does not parse.
    fn hang_up(&mut self, conn: Conn, what: &'static str, cx: Door<'_, '_>) {
        cx.note(ServerNote::Malformed(what));
        cx.abort(conn);
        self.forget(conn);
    }

    /// Takes the whole notifications out of a connection.
    fn read(&mut self, conn: Conn, cx: Door<'_, '_>) -> Vec<(ServerId, Notification)> {
        let mut heard = Vec::new();
        while let (Some(id), Some(stream)) = (self.whose.get(&conn).copied(), self.stream(conn)) {
            match stream.take() {
                Ok(None) => break,
                Ok(Some(notification)) => heard.push((id, notification)),
                Err(malformed) => self.hang_up(conn, malformed.0, cx),
            }
        }
        heard
    }

    fn stream(&mut self, conn: Conn) -> Option<&mut VoteStream> {
        match &mut self.links.get_mut(self.whose.get(&conn)?)?.wire {
            Wire::Up { stream, .. } => Some(stream),
            Wire::Down | Wire::Dialling { .. } => None,
        }
    }
}

impl Link {
    /// Sends what waits, if the connection is open and has room.
    fn flush(&mut self, cx: Door<'_, '_>) {
        let Wire::Up { conn, .. } = self.wire else { return };
        if !cx.is_full(conn)
            && let Some(message) = self.waiting.take()
        {
            self.last = Some(message.clone());
            cx.send(conn, message);
        }
    }
}
