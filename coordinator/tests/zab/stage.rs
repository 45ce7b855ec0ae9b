//! A server on the bench with everybody else played by hand, and transcripts a person can read: packets, votes and client
//! frames are decoded, and inputs without any effect are left out.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::mpsc::{self, Receiver, Sender};

use bytes::Bytes;
use coordinator::config::{Config, Server};
use coordinator::id::{Epoch, ServerId, SessionId, Zxid};
use coordinator::mechanism::{Mechanisms, Preset};
use coordinator::node::Coordinator;
use coordinator::txn::{Acl, Record, Txn, TxnHeader};
use coordinator::wire::client::{
    ConnectRequest, ConnectResponse, ReplyHeader, Request, Response, WatcherEvent, xid,
};
use coordinator::wire::peer::{LearnerInfo, PROTOCOL, PeerPacket, PeerStream};
use coordinator::wire::vote::{Greeting, Notification, PeerState};
use machine::transcript::Bench;
use machine::{Conn, Duration};

/// A session of nobody on the bench.
pub const SESSION: SessionId = SessionId(0x5e55);

/// One server on the bench.
pub struct Stage {
    pub bench: Bench<Coordinator>,
    known: Sender<Known>,
    me: u64,
    round: u64,
    votes: BTreeMap<u64, Conn>,
}

/// What the script knows about the streams, for whoever renders them.
enum Known {
    Stream(Conn, Kind),
    /// How the next piece reads that arrives: only answers of servers can be told apart by themselves.
    Said(String),
    /// A client's request and its opcode.
    Asked(Conn, i32, i32),
}

/// Renders the streams.
struct Streams {
    known: Receiver<Known>,
    kinds: BTreeMap<Conn, Kind>,
    said: VecDeque<String>,
}

enum Kind {
    Votes,
    Peers(PeerStream),
    Client { welcomed: bool, asked: BTreeMap<i32, i32> },
}

impl Stage {
    /// Server `me` of three, booted on an empty disk; nothing of that is in the transcript.
    pub fn ensemble(me: u64, mechanisms: Mechanisms) -> Self {
        let servers = (1..=3).map(|id| {
            let host = format!("zk{id}");
            (ServerId(id), Server { host, quorum_port: 2888, election_port: 3888 })
        });
        Self::booted(Config { servers: servers.collect(), ..config(me, mechanisms) })
    }

    /// A server without an ensemble, booted on an empty disk.
    pub fn standalone() -> Self {
        Self::booted(config(1, Mechanisms::default()))
    }

    fn booted(config: Config) -> Self {
        let (known, receiver) = mpsc::channel();
        let mut streams =
            Streams { known: receiver, kinds: BTreeMap::new(), said: VecDeque::new() };
        let me = config.id.0;
        let bench = Bench::new(Coordinator::new(config))
            .rendering(move |conn, bytes| streams.render(conn, bytes));
        let mut stage = Self { bench, known, me, round: 0, votes: BTreeMap::new() };
        stage.bench.boot();
        stage.settle();
        stage
    }

    /// From now on the disk answers when the script says so.
    pub fn holding_syncs(mut self) -> Self {
        self.bench = self.bench.holding_syncs();
        self
    }

    /// Boots it again with the same disk.
    pub fn restart(&mut self) {
        let config = self.bench.machine().config().clone();
        self.bench.restart(Coordinator::new(config));
        self.settle();
    }

    /// Lets it do all that needs no time.
    pub fn settle(&mut self) {
        self.bench.advance(Duration::ZERO);
    }

    /// Lets time pass, in ms.
    pub fn wait(&mut self, ms: u64) {
        self.bench.advance(Duration::from_millis(ms));
    }

    /// The transcript since the last call, without inputs that had no effect.
    pub fn text(&mut self) -> String {
        let text = self.bench.take();
        let lines: Vec<&str> = text.lines().collect();
        let mut kept = String::new();
        for (place, line) in lines.iter().enumerate() {
            let silent = lines.get(place + 1).is_none_or(|next| !next.starts_with("  "));
            let inner = line.contains("Woke") || line.contains("Synced {");
            if !(line.starts_with('>') && silent && inner) {
                writeln!(kept, "{line}").expect("writing to a string cannot fail");
            }
        }
        kept
    }

    /// The other two vote for `leader`, whose last transaction is `zxid` in epoch `epoch`.
    pub fn elect(&mut self, leader: u64, zxid: Zxid, epoch: u32) {
        self.round += 1;
        let me = self.me;
        for peer in (1..=3).filter(|peer| *peer != me) {
            let conn = self.votes_of(peer);
            let vote = Notification {
                state: PeerState::Looking,
                leader: ServerId(leader),
                zxid,
                round: self.round,
                peer_epoch: Some(Epoch(epoch)),
            };
            self.bench.receive(conn, vote.encode());
        }
        self.wait(200);
    }

    fn tell(&self, known: Known) {
        self.known.send(known).expect("the bench keeps its renderer");
    }

    fn votes_of(&mut self, peer: u64) -> Conn {
        if let Some(conn) = self.votes.get(&peer) {
            return *conn;
        }
        let conn = if peer > self.me {
            let conn = self.bench.accept("election", &format!("zk{peer}"));
            self.tell(Known::Stream(conn, Kind::Votes));
            let greeting = Greeting { server: ServerId(peer), address: None };
            self.bench.receive(conn, greeting.encode());
            conn
        } else {
            let address = format!("zk{peer}:3888");
            let dialled = self.bench.dialled().iter().rfind(|(_, to)| *to == address);
            let conn = dialled.expect("the larger server calls").0;
            self.tell(Known::Stream(conn, Kind::Votes));
            self.bench.opened(conn);
            conn
        };
        self.votes.insert(peer, conn);
        conn
    }

    /// The leader takes the call of this follower.
    pub fn leader_answers(&mut self) -> Conn {
        let (conn, address) = self.bench.dialled().last().expect("it calls its leader").clone();
        assert!(address.ends_with(":2888"), "{address} is no quorum port");
        self.tell(Known::Stream(conn, Kind::Peers(PeerStream::new())));
        self.bench.opened(conn);
        conn
    }

    /// A follower calls this leader and introduces itself.
    pub fn follower_comes(&mut self, id: u64, accepted: u32) -> Conn {
        let conn = self.bench.accept("quorum", &format!("zk{id}"));
        self.tell(Known::Stream(conn, Kind::Peers(PeerStream::new())));
        let accepted = Epoch(accepted);
        let info = LearnerInfo { server: ServerId(id), accepted, protocol: PROTOCOL };
        self.hear(conn, PeerPacket::FollowerInfo(info));
        conn
    }

    /// A packet of another server arrives.
    pub fn hear(&mut self, conn: Conn, packet: PeerPacket) {
        self.bench.receive(conn, packet.encode());
        self.settle();
    }

    /// A client connects.
    pub fn client_comes(&mut self) -> Conn {
        let conn = self.bench.accept("client", "kafka1");
        let kind = Kind::Client { welcomed: false, asked: BTreeMap::new() };
        self.tell(Known::Stream(conn, kind));
        conn
    }

    /// It wants a new session of 6 s.
    pub fn client_greets(&mut self, conn: Conn) {
        self.client_resumes(conn, SessionId::NONE, Bytes::from_static(&[0; 16]), Zxid::ZERO);
    }

    /// It wants its session back.
    pub fn client_resumes(
        &mut self,
        conn: Conn,
        session: SessionId,
        password: Bytes,
        last_zxid_seen: Zxid,
    ) {
        let hello = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen,
            timeout_ms: 6_000,
            session,
            password,
            read_only: Some(false),
        };
        let said = format!("ConnectRequest: session {session}, has seen {last_zxid_seen}");
        self.tell(Known::Said(said));
        self.bench.receive(conn, hello.frame());
        self.settle();
    }

    /// A request of a client arrives.
    pub fn ask(&mut self, conn: Conn, xid: i32, request: Request) {
        self.ask_all(conn, &[(xid, request)]);
    }

    /// Several requests of a client arrive in one piece.
    pub fn ask_all(&mut self, conn: Conn, requests: &[(i32, Request)]) {
        let mut piece = Vec::new();
        let mut said = Vec::new();
        for (xid, request) in requests {
            piece.extend_from_slice(&request.frame(*xid));
            said.push(format!("#{xid} {}", brief(request)));
            self.tell(Known::Asked(conn, *xid, request.opcode()));
        }
        self.tell(Known::Said(said.join(", ")));
        self.bench.receive(conn, piece);
        self.settle();
    }
}

impl Streams {
    fn render(&mut self, conn: Conn, bytes: &Bytes) -> String {
        while let Ok(known) = self.known.try_recv() {
            match known {
                Known::Stream(conn, kind) => drop(self.kinds.insert(conn, kind)),
                Known::Said(said) => self.said.push_back(said),
                Known::Asked(conn, xid, opcode) => {
                    if let Some(Kind::Client { asked, .. }) = self.kinds.get_mut(&conn) {
                        asked.insert(xid, opcode);
                    }
                }
            }
        }
        if let Some(said) = self.said.pop_front() {
            return said;
        }
        match self.kinds.get_mut(&conn) {
            Some(Kind::Votes) => vote(bytes),
            Some(Kind::Peers(stream)) => packets(stream, bytes),
            Some(Kind::Client { welcomed, asked }) => answer(welcomed, asked, bytes),
            None => format!("{} bytes", bytes.len()),
        }
    }
}

fn vote(bytes: &Bytes) -> String {
    match Notification::decode(bytes.slice(4.min(bytes.len())..)) {
        Ok(vote) => {
            let Notification { state, leader, zxid, round, .. } = vote;
            format!("{state:?}, votes for {leader} at {zxid} in round {round}")
        }
        Err(_) => format!("greeting of {} bytes", bytes.len()),
    }
}

fn packets(stream: &mut PeerStream, bytes: &Bytes) -> String {
    stream.push(bytes);
    let mut said = Vec::new();
    while let Some(packet) = stream.take().expect("servers speak to each other in packets") {
        said.push(match packet {
            PeerPacket::Request { session, cxid, kind, .. } => {
                format!("REQUEST #{cxid} of {session}, opcode {kind}")
            }
            PeerPacket::Proposal(record) => format!("PROPOSAL {}", transaction(&record)),
            PeerPacket::Ack { zxid } => format!("ACK {zxid}"),
            PeerPacket::Commit { zxid } => format!("COMMIT {zxid}"),
            PeerPacket::Ping { touched: None, zxid } => format!("PING {zxid}"),
            PeerPacket::Ping { touched: Some(touched), zxid } => {
                format!("PING {zxid}, touched {touched:?}")
            }
            PeerPacket::Revalidate { session, .. } => format!("REVALIDATE {session}"),
            PeerPacket::Revalidated { session, valid } => format!("REVALIDATE {session}: {valid}"),
            PeerPacket::Sync => "SYNC".into(),
            PeerPacket::NewLeader { zxid } => format!("NEWLEADER {zxid}"),
            PeerPacket::FollowerInfo(LearnerInfo { server, accepted, .. }) => {
                format!("FOLLOWERINFO: server {server}, accepted epoch {accepted}")
            }
            PeerPacket::UpToDate => "UPTODATE".into(),
            PeerPacket::Diff { zxid } => format!("DIFF {zxid}"),
            PeerPacket::Trunc { zxid } => format!("TRUNC {zxid}"),
            PeerPacket::Snap { zxid } => format!("SNAP {zxid}"),
            PeerPacket::Snapshot(_) => "the snapshot".into(),
            PeerPacket::LeaderInfo { epoch, .. } => format!("LEADERINFO: epoch {epoch}"),
            PeerPacket::AckEpoch { current: Some(current), last } => {
                format!("ACKEPOCH: current epoch {current}, last {last}")
            }
            PeerPacket::AckEpoch { current: None, last } => {
                format!("ACKEPOCH: not counted, last {last}")
            }
            other => format!("{other:?}"),
        });
    }
    said.join(", ")
}

fn transaction(record: &Record) -> String {
    let zxid = record.header.zxid;
    match &record.txn {
        Txn::Create { path, .. } => format!("{zxid} create {path}"),
        Txn::Delete { path } => format!("{zxid} delete {path}"),
        Txn::SetData { path, .. } => format!("{zxid} setData {path}"),
        Txn::CreateSession { .. } => format!("{zxid} createSession {}", record.header.session),
        Txn::CloseSession => format!("{zxid} closeSession {}", record.header.session),
        other => format!("{zxid} {other:?}"),
    }
}

fn answer(welcomed: &mut bool, asked: &BTreeMap<i32, i32>, bytes: &Bytes) -> String {
    let body = bytes.slice(4..);
    if !std::mem::replace(welcomed, true) {
        let ConnectResponse { session, timeout_ms, .. } =
            ConnectResponse::decode(body).expect("the first frame of a server");
        return format!("ConnectResponse: session {session}, time-out {timeout_ms} ms");
    }
    let (header, body) = ReplyHeader::split(body).expect("a reply has a header");
    if header.xid == xid::NOTIFICATION {
        let WatcherEvent { kind, path, .. } = WatcherEvent::decode(body).expect("an event");
        return format!("event {kind} at {path}");
    }
    let ReplyHeader { xid, zxid, err } = header;
    if err != 0 {
        return format!("#{xid} at {zxid}: error {err}");
    }
    let Some(opcode) = asked.get(&xid) else { return format!("#{xid} at {zxid}") };
    let said = match Response::decode(*opcode, body).expect("a response") {
        Response::Create { path } => format!("created {path}"),
        Response::Stat(stat) => format!("version {}", stat.version),
        Response::Data { data, stat } => {
            let data = data.unwrap_or_default();
            format!("{:?}, version {}", String::from_utf8_lossy(&data), stat.version)
        }
        Response::Children { children } | Response::Children2 { children, .. } => {
            format!("{children:?}")
        }
        Response::Sync { path } => format!("synced {path}"),
        _ => "done".into(),
    };
    format!("#{xid} at {zxid}: {said}")
}

fn brief(request: &Request) -> String {
    match request {
        Request::Create { path, flags, .. } if *flags == 1 => {
            format!("create ephemeral {path}")
        }
        Request::Create { path, .. } => format!("create {path}"),
        Request::GetData { path, watch: true } => format!("getData {path} and watch"),
        Request::GetData { path, .. } => format!("getData {path}"),
        Request::SetData { path, .. } => format!("setData {path}"),
        Request::Sync { path } => format!("sync {path}"),
        Request::CloseSession => "closeSession".into(),
        Request::Ping => "ping".into(),
        other => format!("{other:?}"),
    }
}

/// The `counter`-th transaction of an epoch: somebody creates a znode below the root.
pub fn created(epoch: u32, counter: u32, path: &str) -> Record {
    let zxid = Zxid::new(Epoch(epoch), counter);
    let header = TxnHeader { session: SESSION, cxid: 1, zxid, time_ms: 0 };
    let (path, acl) = (path.into(), Acl::open());
    let parent_cversion = counter.cast_signed();
    Record::new(header, Txn::Create { path, data: None, acl, ephemeral: false, parent_cversion })
}

/// The NEWLEADER of an epoch, or one of its transactions.
pub fn zxid(epoch: u32, counter: u32) -> Zxid {
    Zxid::new(Epoch(epoch), counter)
}

fn config(me: u64, mechanisms: Mechanisms) -> Config {
    let tick = Duration::from_secs(2);
    Config {
        id: ServerId(me),
        tick,
        init_limit: 10,
        sync_limit: 5,
        data_dir: "/data".into(),
        data_log_dir: "/data".into(),
        client_address: Some("0.0.0.0:2181".into()),
        servers: BTreeMap::new(),
        max_client_connections: 2,
        min_session_timeout: tick.times(2),
        max_session_timeout: tick.times(20),
        snap_count: 100_000,
        purge_retain: 3,
        purge_interval_hours: 0,
        force_sync: true,
        connect_timeout: Duration::from_secs(5),
        mechanisms,
        preset: Preset::Fixed,
    }
}
