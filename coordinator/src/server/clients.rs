//! The client connections of one server: greeting, sessions, and the order of answers.
//!
//! ```text
//!            ConnectRequest            session created or alive
//! Greeting ------------------> Opening -------------------------> Open ---> (closed)
//! ```
//!
//! Requests of one connection are answered in the order they came: reads wait behind earlier writes of the same session.
//! Writes leave as [`Wish`]es at once; what becomes of them comes back through [`Clients::delivered`].

mod replies;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use machine::{Conn, Context, Frames};

use crate::config::Config;
use crate::id::SessionId;
use crate::mechanism::Mutant;
use crate::note::ServerNote;
use crate::server::sessions;
use crate::tree::watch::Watches;
use crate::tree::{Applied, DataTree};
use crate::txn::{Record, Txn};
use crate::wire::client::{
    self, ConnectRequest, ConnectResponse, Request, RequestHeader, WatcherEvent, opcode,
};

/// What a client wants that only the leader can give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A write, or the beginning or end of a session.
    Write(Submission),
    /// Everything the leader had proposed at that moment is to be applied here first.
    Sync {
        /// Who waits.
        session: SessionId,
        /// Its number of the request.
        cxid: i32,
    },
    /// Is this session alive? It comes from another server.
    Revalidate {
        /// The session.
        session: SessionId,
        /// The time-out it had.
        timeout_ms: i32,
    },
}

/// A write as it travels to the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Who asks.
    pub session: SessionId,
    /// Its number of the request.
    pub cxid: i32,
    /// What kind.
    pub opcode: i32,
    /// The request's own bytes, as the client sent them.
    pub body: Bytes,
}

/// All client connections of a server.
#[derive(Debug)]
pub struct Clients {
    conns: BTreeMap<Conn, Client>,
    by_session: BTreeMap<SessionId, Conn>,
    watches: Watches<Conn>,
    touched: BTreeMap<SessionId, i32>,
    /// Connections whose session has just opened: what they sent behind the greeting is read now.
    opened: Vec<Conn>,
    next_session: SessionId,
    serving: bool,
    limits: Limits,
    /// [`Mutant::ReadsOvertakeWrites`]: the tree after the last transaction, and as it was before it.
    shown: Option<DataTree>,
    overtaken: Option<DataTree>,
}

#[derive(Clone, Debug)]
struct Limits {
    from_one_address: u64,
    min_timeout_ms: i32,
    max_timeout_ms: i32,
    takes_clients_from_the_future: bool,
    reads_overtake_writes: bool,
    forgets_watches: bool,
}

#[derive(Debug)]
struct Client {
    frames: Frames,
    from: Arc<str>,
    stage: Stage,
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Greeting,
    Opening { session: SessionId, timeout_ms: i32, read_only: Option<bool> },
    Open { session: SessionId, timeout_ms: i32 },
}

#[derive(Clone, Debug)]
struct Waiting {
    xid: i32,
    opcode: i32,
    what: WaitsFor,
}

#[derive(Clone, Debug)]
enum WaitsFor {
    Delivery,
    Sync(Arc<str>),
    Turn(Request),
}

impl Clients {
    /// Nobody connected. `first` is the first session id this server gives out.
    pub fn new(config: &Config, first: SessionId) -> Self {
        let mechanisms = &config.mechanisms;
        let ms = |span: machine::Duration| i32::try_from(span.as_millis()).unwrap_or(i32::MAX);
        let limits = Limits {
            from_one_address: config.max_client_connections,
            min_timeout_ms: ms(config.min_session_timeout),
            max_timeout_ms: ms(config.max_session_timeout),
            takes_clients_from_the_future: mechanisms.has(Mutant::TakesClientsFromTheFuture),
            reads_overtake_writes: mechanisms.has(Mutant::ReadsOvertakeWrites),
            forgets_watches: mechanisms.has(Mutant::ForgetsWatches),
        };
        Self {
            conns: BTreeMap::new(),
            by_session: BTreeMap::new(),
            watches: Watches::new(),
            touched: BTreeMap::new(),
            opened: Vec::new(),
            next_session: first,
            serving: false,
            limits,
            shown: None,
            overtaken: None,
        }
    }

    /// From now on clients are served.
    pub fn serve(&mut self) {
        self.serving = true;
    }

    /// Whether clients are served.
    pub fn is_serving(&self) -> bool {
        self.serving
    }

    /// The role is lost: all connections are closed. The sessions live on, on other servers.
    pub fn stop_serving(&mut self, cx: &mut Context<'_, ServerNote>) {
        self.serving = false;
        for conn in std::mem::take(&mut self.conns).into_keys() {
            cx.close(conn);
        }
        self.by_session.clear();
        self.watches = Watches::new();
        self.touched.clear();
        (self.shown, self.overtaken) = (None, None);
        self.opened.clear();
    }

    /// Whether this is a client's connection.
    pub fn owns(&self, conn: Conn) -> bool {
        self.conns.contains_key(&conn)
    }

    /// Sessions with a connection here.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.by_session.keys().copied()
    }

    /// Sessions heard of since the last call, with their time-outs in ms.
    pub fn take_touched(&mut self) -> BTreeMap<SessionId, i32> {
        std::mem::take(&mut self.touched)
    }

    /// Somebody connected.
    pub fn opened(&mut self, conn: Conn, from: Arc<str>, cx: &mut Context<'_, ServerNote>) {
        let limit = self.limits.from_one_address;
        let already = self.conns.values().filter(|client| client.from == from).count() as u64;
        if limit > 0 && already >= limit {
            cx.note(ServerNote::RefusedClient("too many connections from one address"));
            cx.close(conn);
            return;
        }
        let frames = Frames::new(client::FRAME_MAX);
        let client = Client { frames, from, stage: Stage::Greeting, waiting: VecDeque::new() };
        self.conns.insert(conn, client);
    }

    /// A connection ended. The session lives on until it expires or comes back.
    pub fn closed(&mut self, conn: Conn) {
        if let Some(client) = self.conns.remove(&conn)
            && let Stage::Open { session, .. } = client.stage
            && self.by_session.get(&session) == Some(&conn)
        {
            self.by_session.remove(&session);
        }
        self.watches.drop_watcher(conn);
    }

    /// Bytes came. What only the leader can give is put into `wishes`.
    pub fn received(
        &mut self,
        conn: Conn,
        bytes: &Bytes,
        tree: &DataTree,
        cx: &mut Context<'_, ServerNote>,
        wishes: &mut Vec<Wish>,
    ) {
        let Some(client) = self.conns.get_mut(&conn) else { return };
        client.frames.push(bytes);
        self.read_frames(conn, tree, cx, wishes);
    }

    /// Reads what came behind greetings whose sessions have opened since: real clients send SetWatches and Auth without
    /// waiting for the answer to their greeting.
    pub fn read_opened(
        &mut self,
        tree: &DataTree,
        cx: &mut Context<'_, ServerNote>,
        wishes: &mut Vec<Wish>,
    ) {
        for conn in std::mem::take(&mut self.opened) {
            self.read_frames(conn, tree, cx, wishes);
        }
    }

    /// Reads whole frames, as long as the session is not being opened (NIOServerCnxn.disableRecv).
    fn read_frames(
        &mut self,
        conn: Conn,
        tree: &DataTree,
        cx: &mut Context<'_, ServerNote>,
        wishes: &mut Vec<Wish>,
    ) {
        while let Some(client) = self.conns.get_mut(&conn)
            && !matches!(client.stage, Stage::Opening { .. })
        {
            let outcome = match client.frames.take() {
                Ok(None) => return,
                Ok(Some(body)) if client.stage == Stage::Greeting => {
                    self.greeted(conn, body, tree, cx, wishes)
                }
                Ok(Some(body)) => self.asked(conn, body, tree, cx, wishes),
                Err(_) => Err("a frame of a client"),
            };
            if let Err(what) = outcome {
                cx.note(ServerNote::Malformed(what));
                self.drop_conn(conn, cx);
            }
        }
    }

    /// The leader said whether a session that came from another server is alive.
    pub fn revalidated(
        &mut self,
        session: SessionId,
        alive: bool,
        cx: &mut Context<'_, ServerNote>,
    ) {
        let waiting = self.conns.iter().find_map(|(conn, client)| match &client.stage {
            Stage::Opening { session: wanted, timeout_ms, read_only } if *wanted == session => {
                Some((*conn, *timeout_ms, *read_only))
            }
            _ => None,
        });
        let Some((conn, timeout_ms, read_only)) = waiting else { return };
        if alive {
            self.open(conn, session, timeout_ms, read_only, cx);
        } else {
            self.tell_expired(conn, session, read_only, cx);
        }
    }

    fn tell_expired(
        &mut self,
        conn: Conn,
        session: SessionId,
        read_only: Option<bool>,
        cx: &mut Context<'_, ServerNote>,
    ) {
        cx.note(ServerNote::ToldExpired { session });
        cx.send(conn, ConnectResponse::expired(read_only).frame());
        self.drop_conn(conn, cx);
    }

    /// Everything the leader had proposed when this sync of the session asked is applied.
    pub fn synced(
        &mut self,
        session: SessionId,
        cxid: i32,
        tree: &DataTree,
        cx: &mut Context<'_, ServerNote>,
    ) {
        let Some(&conn) = self.by_session.get(&session) else { return };
        let Some(client) = self.conns.get_mut(&conn) else { return };
        let is_it = |one: &&mut Waiting| one.xid == cxid && matches!(one.what, WaitsFor::Sync(_));
        let sync = client.waiting.iter_mut().find(is_it);
        if let Some(sync) = sync
            && let WaitsFor::Sync(path) = &sync.what
        {
            sync.what = WaitsFor::Turn(Request::Sync { path: path.clone() });
        }
        self.drain(conn, tree, cx);
    }

    /// A committed transaction was applied to `tree`: watches fire, then its author is answered, then what waited behind it.
    pub fn delivered(
        &mut self,
        record: &Record,
        applied: &Applied,
        tree: &DataTree,
        cx: &mut Context<'_, ServerNote>,
    ) {
        for event in &applied.events {
            for (conn, fired) in self.watches.trigger(event) {
                let event = WatcherEvent {
                    kind: fired.kind as i32,
                    state: WatcherEvent::SYNC_CONNECTED,
                    path: fired.path,
                };
                cx.send(conn, event.frame());
            }
        }
        let session = record.header.session;
        match record.txn {
            Txn::CreateSession { .. } => self.session_created(session, cx),
            Txn::CloseSession => self.session_closed(record, cx),
            _ => self.answer(record, applied, tree, cx),
        }
        if self.limits.reads_overtake_writes {
            self.overtaken = self.shown.replace(tree.clone());
        }
    }

    /// What the connections look like, for inspection: how many, and how many requests wait.
    pub fn counts(&self) -> (usize, usize) {
        (self.conns.len(), self.conns.values().map(|client| client.waiting.len()).sum())
    }

    fn greeted(
        &mut self,
        conn: Conn,
        body: Bytes,
        tree: &DataTree,
        cx: &mut Context<'_, ServerNote>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), &'static str> {
        let hello = ConnectRequest::decode(body).map_err(|_| "a ConnectRequest")?;
        if !self.serving {
            cx.note(ServerNote::RefusedClient("not serving"));
            self.drop_conn(conn, cx);
            return Ok(());
        }
        // The client has seen newer data than this server has: it must try another one.
        if hello.last_zxid_seen > tree.last_zxid() && !self.limits.takes_clients_from_the_future {
            cx.note(ServerNote::RefusedClient("it has seen a newer zxid"));
            self.drop_conn(conn, cx);
            return Ok(());
        }
        let timeout_ms =
            hello.timeout_ms.max(self.limits.min_timeout_ms).min(self.limits.max_timeout_ms);
        let fresh = hello.session == SessionId::NONE;
        let session = if fresh { self.next_session() } else { hello.session };
        let client = self.conns.get_mut(&conn).expect("the caller looked it up");
        client.stage = Stage::Opening { session, timeout_ms, read_only: hello.read_only };
        if fresh {
            let body = Bytes::copy_from_slice(&timeout_ms.to_be_bytes());
            let opcode = opcode::CREATE_SESSION;
            wishes.push(Wish::Write(Submission { session, cxid: 0, opcode, body }));
        } else if hello.password[..] != sessions::password(session) {
            self.tell_expired(conn, session, hello.read_only, cx);
        } else if self.limits.takes_clients_from_the_future {
            // Asking the leader would take long enough to catch up.
            self.open(conn, session, timeout_ms, hello.read_only, cx);
        } else {
            wishes.push(Wish::Revalidate { session, timeout_ms });
        }
        Ok(())
    }

    fn asked(
        &mut self,
        conn: Conn,
        body: Bytes,
        tree: &DataTree,
        cx: &mut Context<'_, ServerNote>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), &'static str> {
        let client = self.conns.get_mut(&conn).expect("the caller looked it up");
        let Stage::Open { session, timeout_ms } = client.stage else {
            return Err("a request before the session was open");
        };
        let (RequestHeader { xid, opcode }, body) =
            RequestHeader::split(body).map_err(|_| "a request header")?;
        let request = Request::decode(opcode, body.clone()).map_err(|_| "a request")?;
        self.touched.insert(session, timeout_ms);
        let what = if is_write(opcode) {
            wishes.push(Wish::Write(Submission { session, cxid: xid, opcode, body }));
            WaitsFor::Delivery
        } else if let Request::Sync { path } = request {
            wishes.push(Wish::Sync { session, cxid: xid });
            WaitsFor::Sync(path)
        } else {
            WaitsFor::Turn(request)
        };
        client.waiting.push_back(Waiting { xid, opcode, what });
        self.drain(conn, tree, cx);
        Ok(())
    }

    fn open(
        &mut self,
        conn: Conn,
        session: SessionId,
        timeout_ms: i32,
        read_only: Option<bool>,
        cx: &mut Context<'_, ServerNote>,
    ) {
        // The client gave up an older connection of this session without our noticing.
        if let Some(older) = self.by_session.insert(session, conn)
            && older != conn
        {
            self.drop_conn(older, cx);
            self.by_session.insert(session, conn);
        }
        let client = self.conns.get_mut(&conn).expect("the caller looked it up");
        client.stage = Stage::Open { session, timeout_ms };
        self.touched.insert(session, timeout_ms);
        let response = ConnectResponse {
            protocol_version: 0,
            timeout_ms,
            session,
            password: Bytes::copy_from_slice(&sessions::password(session)),
            read_only: read_only.map(|_| false),
        };
        cx.send(conn, response.frame());
        self.opened.push(conn);
    }

    fn drop_conn(&mut self, conn: Conn, cx: &mut Context<'_, ServerNote>) {
        cx.close(conn);
        self.closed(conn);
    }

    fn next_session(&mut self) -> SessionId {
        let session = self.next_session;
        self.next_session = SessionId(session.0.wrapping_add(1));
        session
    }
}

/// Whether a request goes through the leader and gets a zxid.
fn is_write(opcode: i32) -> bool {
    matches!(
        opcode,
        opcode::CREATE
            | opcode::CREATE2
            | opcode::DELETE
            | opcode::SET_DATA
            | opcode::SET_ACL
            | opcode::MULTI
            | opcode::CLOSE_SESSION
    )
}
