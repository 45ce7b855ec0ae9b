//! A small ZooKeeper for tests: one server with a tree, sessions, watches and multis, answering what a machine on the
//! bench has sent. It writes down what it did, in order, as a person would read it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use coordinator::id::{SessionId, Zxid};
use coordinator::wire::client::{
    ConnectRequest, ConnectResponse, CreateFlags, MultiOp, MultiResult, PASSWORD_LENGTH,
    ReplyHeader, Request, RequestHeader, Response, Stat, WatcherEvent, code, opcode, xid,
};
use machine::transcript::Bench;
use machine::{Closed, Conn, Frames, Machine};

/// The address under which machines on the bench find it.
pub(crate) const ADDRESS: &str = "zk:2181";

/// The server.
#[derive(Default)]
pub(crate) struct FakeZooKeeper {
    pub znodes: BTreeMap<String, (Option<Bytes>, Stat)>,
    streams: BTreeMap<Conn, Stream>,
    watches: BTreeSet<(Conn, String)>,
    zxid: u64,
    sessions: i64,
    done: Vec<String>,
}

struct Stream {
    frames: Frames,
    /// How many pieces of what the machine sent were taken.
    taken: usize,
    session: Option<i64>,
    dead: bool,
}

impl FakeZooKeeper {
    /// An empty tree.
    pub fn new() -> Self {
        let mut fake = Self::default();
        fake.znodes.insert("/".into(), (Some(Bytes::new()), Stat::default()));
        fake
    }

    /// Puts a znode there.
    pub fn put(&mut self, path: &str, data: &str, owner: i64) {
        self.zxid += 1;
        let stat = Stat {
            czxid: Zxid(self.zxid),
            mzxid: Zxid(self.zxid),
            ephemeral_owner: SessionId(owner),
            ..Stat::default()
        };
        self.znodes.insert(path.into(), (Some(Bytes::copy_from_slice(data.as_bytes())), stat));
    }

    /// From now on it is another machine, on another bench, that connects.
    pub fn serves_another(&mut self) {
        self.streams.clear();
        self.watches.clear();
    }

    /// The data of a znode as text.
    pub fn text(&self, path: &str) -> String {
        let data = self.znodes.get(path).and_then(|(data, _)| data.clone()).unwrap_or_default();
        String::from_utf8_lossy(&data).into_owned()
    }

    /// What was written since the last call.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.done).join("\n")
    }

    /// Accepts all streams dialled to it and answers everything that was sent, until nothing more comes.
    pub fn serve<M: Machine>(&mut self, bench: &mut Bench<M>) {
        while self.serve_one(bench) {}
    }

    /// Accepts one stream, or answers one frame. False if there is nothing to do.
    pub fn serve_one<M: Machine>(&mut self, bench: &mut Bench<M>) -> bool {
        let dialled = bench.dialled().iter().filter(|(_, to)| to == ADDRESS).map(|(conn, _)| *conn);
        let conns: Vec<_> = dialled.collect();
        if let Some(conn) = conns.iter().find(|conn| !self.streams.contains_key(conn)) {
            let frames = Frames::new(usize::MAX);
            self.streams.insert(*conn, Stream { frames, taken: 0, session: None, dead: false });
            bench.opened(*conn);
            return true;
        }
        conns.into_iter().any(|conn| self.answer_one(conn, bench))
    }

    /// Ends all streams of this session, which lives on.
    pub fn hang_up<M: Machine>(&mut self, bench: &mut Bench<M>) {
        for (conn, _) in bench.dialled().to_vec() {
            if let Some(stream) = self.streams.get_mut(&conn)
                && !stream.dead
            {
                stream.dead = true;
                bench.closed(conn, Closed::Reset);
            }
        }
    }

    /// Lets a session expire: its ephemerals go.
    pub fn expire(&mut self, session: i64) {
        self.znodes.retain(|_, (_, stat)| stat.ephemeral_owner != SessionId(session));
        self.done.push(format!("session {session} expires"));
        self.znodes.insert(format!("expired {session}"), (None, Stat::default()));
    }

    /// Somebody else makes a znode.
    pub fn create<M: Machine>(&mut self, path: &str, data: &str, bench: &mut Bench<M>) {
        self.zxid += 1;
        let (data, acl) = (Some(Bytes::copy_from_slice(data.as_bytes())), [].into());
        let mut touched = Vec::new();
        let op = MultiOp::Create { path: path.into(), data, acl, flags: 0 };
        self.part(0, &op, &mut touched).expect("it can be made");
        self.fire(touched, bench);
    }

    /// Somebody else writes a znode.
    pub fn set<M: Machine>(&mut self, path: &str, data: &str, bench: &mut Bench<M>) {
        self.zxid += 1;
        let data = Some(Bytes::copy_from_slice(data.as_bytes()));
        let mut touched = Vec::new();
        let op = MultiOp::SetData { path: path.into(), data, version: -1 };
        self.part(0, &op, &mut touched).expect("it is there");
        self.fire(touched, bench);
    }

    fn fire<M: Machine>(&mut self, touched: Vec<(i32, String)>, bench: &mut Bench<M>) {
        for (kind, path) in touched {
            let state = WatcherEvent::SYNC_CONNECTED;
            let event = WatcherEvent { kind, state, path: path.as_str().into() }.frame();
            let watching = self.watches.iter().filter(|(_, at)| *at == path);
            for conn in watching.map(|(conn, _)| *conn).collect::<Vec<_>>() {
                self.watches.remove(&(conn, path.clone()));
                bench.receive(conn, event.clone());
            }
        }
    }

    fn answer_one<M: Machine>(&mut self, conn: Conn, bench: &mut Bench<M>) -> bool {
        let Some(stream) = self.streams.get_mut(&conn) else { return false };
        if stream.dead {
            return false;
        }
        let sent = bench.sent(conn);
        for piece in sent.iter().skip(stream.taken) {
            stream.frames.push(piece);
        }
        stream.taken = stream.taken.max(sent.len());
        let Ok(Some(body)) = stream.frames.take() else { return false };
        match stream.session {
            None => self.welcome(conn, body, bench),
            Some(session) => self.reply(conn, session, body, bench),
        }
        true
    }

    fn welcome<M: Machine>(&mut self, conn: Conn, body: Bytes, bench: &mut Bench<M>) {
        let asked = ConnectRequest::decode(body).expect("a client greets properly");
        let mut session = asked.session.0;
        let expired = self.znodes.contains_key(&format!("expired {session}"));
        if session == 0 {
            self.sessions += 1;
            session = self.sessions;
            self.zxid += 1;
        }
        let stream = self.streams.get_mut(&conn).expect("it is being answered");
        stream.session = Some(session);
        let response = ConnectResponse {
            protocol_version: 0,
            timeout_ms: if expired { 0 } else { asked.timeout_ms },
            session: SessionId(session),
            password: Bytes::from_static(&[7; PASSWORD_LENGTH]),
            read_only: Some(false),
        };
        bench.receive(conn, response.frame());
    }

    fn reply<M: Machine>(&mut self, conn: Conn, session: i64, body: Bytes, bench: &mut Bench<M>) {
        let (header, rest) = RequestHeader::split(body).expect("a client sends whole headers");
        let request = match header.opcode {
            opcode::PING => Request::Ping,
            opcode::CLOSE_SESSION => Request::CloseSession,
            other => Request::decode(other, rest).expect("a client sends what parses"),
        };
        let mut touched = Vec::new();
        let result = self.carry_out(conn, session, &request, &mut touched);
        self.fire(touched, bench);
        let (err, response) = match result {
            Ok(response) => (code::OK, Some(response)),
            Err(err) => (err, None),
        };
        let reply = ReplyHeader { xid: header.xid, zxid: Zxid(self.zxid), err };
        let frame = match (response, &request) {
            (Some(response), _) => response.frame(&reply),
            (None, Request::Multi(_)) => {
                let failed = Response::Multi(vec![MultiResult::Error { code: err }]);
                failed.frame(&ReplyHeader { err: code::OK, ..reply })
            }
            (None, _) => reply.frame(),
        };
        if header.xid != xid::PING || err == code::OK {
            bench.receive(conn, frame);
        }
    }

    fn carry_out(
        &mut self,
        conn: Conn,
        session: i64,
        request: &Request,
        touched: &mut Vec<(i32, String)>,
    ) -> Result<Response, i32> {
        let mut watch = |path: &str, watch: bool| {
            if watch {
                self.watches.insert((conn, path.to_owned()));
            }
        };
        match request {
            Request::Exists { path, watch: wanted } => {
                watch(path, *wanted);
                self.find(path).map(|(_, stat)| Response::Stat(stat))
            }
            Request::GetData { path, watch: wanted } => {
                watch(path, *wanted);
                self.find(path).map(|(data, stat)| Response::Data { data, stat })
            }
            Request::GetChildren { path, watch: wanted } => {
                watch(path, *wanted);
                self.find(path)?;
                Ok(Response::Children { children: self.children(path) })
            }
            Request::GetChildren2 { path, watch: wanted } => {
                watch(path, *wanted);
                let (_, stat) = self.find(path)?;
                Ok(Response::Children2 { children: self.children(path), stat })
            }
            Request::Multi(ops) => {
                let before = (self.znodes.clone(), touched.len());
                self.zxid += 1;
                let results: Result<Vec<_>, _> =
                    ops.iter().map(|op| self.part(session, op, touched)).collect();
                results.map(Response::Multi).inspect_err(|_| {
                    self.znodes = before.0;
                    touched.truncate(before.1);
                })
            }
            Request::Create { path, data, acl, flags } => {
                self.zxid += 1;
                let (path, data, acl) = (path.clone(), data.clone(), acl.clone());
                let op = MultiOp::Create { path, data, acl, flags: *flags };
                match self.part(session, &op, touched)? {
                    MultiResult::Create { path } => Ok(Response::Create { path }),
                    other => panic!("a create is answered by {other:?}"),
                }
            }
            Request::SetData { path, data, version } => {
                self.zxid += 1;
                let (path, data) = (path.clone(), data.clone());
                let op = MultiOp::SetData { path, data, version: *version };
                match self.part(session, &op, touched)? {
                    MultiResult::SetData { stat } => Ok(Response::Stat(stat)),
                    other => panic!("a setData is answered by {other:?}"),
                }
            }
            Request::Delete { path, version } => {
                self.zxid += 1;
                let op = MultiOp::Delete { path: path.clone(), version: *version };
                self.part(session, &op, touched).map(|_| Response::Empty)
            }
            Request::CloseSession => {
                self.zxid += 1;
                self.znodes.retain(|_, (_, stat)| stat.ephemeral_owner != SessionId(session));
                self.done.push(format!("session {session} ends"));
                Ok(Response::Empty)
            }
            _ => Ok(Response::Empty),
        }
    }

    fn part(
        &mut self,
        session: i64,
        op: &MultiOp,
        touched: &mut Vec<(i32, String)>,
    ) -> Result<MultiResult, i32> {
        match op {
            MultiOp::Create { path, data, flags, .. } => {
                let flags = CreateFlags::from_wire(*flags).expect("known flags");
                let parent = path.rsplit_once('/').map_or("/", |(parent, _)| parent);
                let parent = if parent.is_empty() { "/" } else { parent };
                self.find(parent)?;
                let mut path = path.to_string();
                if flags.sequential {
                    path += &format!("{:010}", self.children(parent).len());
                }
                if self.znodes.contains_key(&path) {
                    return Err(code::NODE_EXISTS);
                }
                let owner = if flags.ephemeral { session } else { 0 };
                let (zxid, ephemeral_owner) = (Zxid(self.zxid), SessionId(owner));
                let stat = Stat { czxid: zxid, mzxid: zxid, ephemeral_owner, ..Stat::default() };
                self.znodes.insert(path.clone(), (data.clone(), stat));
                self.done.push(format!("create {path} {}", shown(data.as_ref())));
                touched.extend([(1, path.clone()), (4, parent.to_owned())]);
                Ok(MultiResult::Create { path: path.as_str().into() })
            }
            MultiOp::SetData { path, data, version } => {
                let zxid = Zxid(self.zxid);
                let (old, stat) = self.znodes.get_mut(&**path).ok_or(code::NO_NODE)?;
                check(stat, *version)?;
                stat.version += 1;
                stat.mzxid = zxid;
                old.clone_from(data);
                let stat = *stat;
                self.done.push(format!("set {path} {}", shown(data.as_ref())));
                touched.push((3, path.to_string()));
                Ok(MultiResult::SetData { stat })
            }
            MultiOp::Delete { path, version } => {
                check(&self.find(path)?.1, *version)?;
                self.znodes.remove(&**path);
                self.done.push(format!("delete {path}"));
                touched.push((2, path.to_string()));
                Ok(MultiResult::Delete)
            }
            MultiOp::Check { path, version } => {
                check(&self.find(path)?.1, *version).map(|()| MultiResult::Check)
            }
            MultiOp::Create2 { .. } => Err(code::UNIMPLEMENTED),
        }
    }

    fn find(&self, path: &str) -> Result<(Option<Bytes>, Stat), i32> {
        self.znodes.get(path).cloned().ok_or(code::NO_NODE)
    }

    fn children(&self, parent: &str) -> Vec<std::sync::Arc<str>> {
        let below = format!("{}/", parent.trim_end_matches('/'));
        let names = self.znodes.keys().filter_map(|path| path.strip_prefix(&below));
        names.filter(|name| !name.is_empty() && !name.contains('/')).map(Into::into).collect()
    }
}

fn check(stat: &Stat, version: i32) -> Result<(), i32> {
    if version == -1 || version == stat.version { Ok(()) } else { Err(code::BAD_VERSION) }
}

fn shown(data: Option<&Bytes>) -> String {
    data.map_or_else(|| "null".into(), |data| String::from_utf8_lossy(data).into_owned())
}
