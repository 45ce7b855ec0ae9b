//! A hand-played ZooKeeper server for transcripts of clients: it reads what the client sent, answers in order what it is
//! told to, and renders both ways as text.

use std::collections::BTreeMap;

use bytes::Bytes;
use machine::transcript::Bench;
use machine::{Closed, Conn, Frames, Machine};

use crate::id::{SessionId, Zxid};
use crate::txn::Acl;
use crate::wire::client::{
    ConnectRequest, ConnectResponse, PASSWORD_LENGTH, ReplyHeader, Request, RequestHeader,
    Response, Stat, WatcherEvent, code, opcode, xid,
};

/// A client on the bench, and the server it is connected to.
pub(crate) struct Played<M: Machine> {
    pub bench: Bench<M>,
    conn: Conn,
    answered: usize,
}

impl<M: Machine> Played<M> {
    /// Boots the client.
    pub fn new(machine: M) -> Self {
        let mut bench = Bench::new(machine).rendering(rendering());
        bench.boot();
        Self { bench, conn: Conn(0), answered: 0 }
    }

    /// Accepts the connection dialled last.
    pub fn accept(&mut self) -> &mut Self {
        self.conn = self.bench.dialled().last().expect("the client has dialled").0;
        self.answered = 0;
        self.bench.opened(self.conn);
        self
    }

    /// Gives a session, or the old one back; a time-out of 0 says that it expired.
    pub fn welcome(&mut self, session: i64, timeout_ms: i32) -> &mut Self {
        let response = ConnectResponse {
            protocol_version: 0,
            timeout_ms,
            session: SessionId(session),
            password: Bytes::from_static(&[7; PASSWORD_LENGTH]),
            read_only: Some(false),
        };
        self.bench.receive(self.conn, response.frame());
        self
    }

    /// Answers the oldest request.
    pub fn answer(&mut self, zxid: u64, response: Response) -> &mut Self {
        let xid = self.next_xid();
        let header = ReplyHeader { xid, zxid: Zxid(zxid), err: code::OK };
        self.bench.receive(self.conn, response.frame(&header));
        self
    }

    /// Refuses the oldest request.
    pub fn refuse(&mut self, zxid: u64, err: i32) -> &mut Self {
        let header = ReplyHeader { xid: self.next_xid(), zxid: Zxid(zxid), err };
        self.bench.receive(self.conn, header.frame());
        self
    }

    /// Answers a ping.
    pub fn pong(&mut self) -> &mut Self {
        let header = ReplyHeader { xid: xid::PING, zxid: Zxid(1), err: code::OK };
        self.bench.receive(self.conn, header.frame());
        self
    }

    /// Tells of a watch.
    pub fn event(&mut self, kind: i32, path: &str) -> &mut Self {
        let event = WatcherEvent { kind, state: WatcherEvent::SYNC_CONNECTED, path: path.into() };
        self.bench.receive(self.conn, event.frame());
        self
    }

    /// Ends the connection.
    pub fn hang_up(&mut self, why: Closed) -> &mut Self {
        self.bench.closed(self.conn, why);
        self
    }

    /// The connection in use.
    pub fn conn(&self) -> Conn {
        self.conn
    }

    /// The transcript since the last call.
    pub fn take(&mut self) -> String {
        self.bench.take()
    }

    /// The requests sent on this connection, without pings.
    pub fn requests(&self) -> Vec<(RequestHeader, Request)> {
        let mut frames = Frames::new(usize::MAX);
        for bytes in self.bench.sent(self.conn).iter().skip(1) {
            frames.push(bytes);
        }
        let bodies = std::iter::from_fn(|| frames.take().expect("any length will do"));
        bodies
            .map(|body| RequestHeader::split(body).expect("a client sends whole headers"))
            .filter(|(header, _)| header.xid != xid::PING)
            .map(|(header, rest)| {
                let request = Request::decode(header.opcode, rest);
                (header, request.expect("a client sends what parses"))
            })
            .collect()
    }

    fn next_xid(&mut self) -> i32 {
        let requests = self.requests();
        self.answered += 1;
        requests.get(self.answered - 1).expect("there is something to answer").0.xid
    }
}

/// A stat as a young znode has it.
pub(crate) fn stat(version: i32, mzxid: u64, owner: i64) -> Stat {
    let (mzxid, ephemeral_owner) = (Zxid(mzxid), SessionId(owner));
    Stat { version, mzxid, ephemeral_owner, ..Stat::default() }
}

/// Both directions of a stream look alike; what it is follows from what went before on it.
#[derive(Default)]
struct Seen {
    frames: u64,
    asked: BTreeMap<i32, i32>,
}

fn rendering() -> impl FnMut(Conn, &Bytes) -> String {
    let mut seen: BTreeMap<Conn, Seen> = BTreeMap::new();
    move |conn, bytes| {
        let mut frames = Frames::new(usize::MAX);
        frames.push(bytes);
        let seen = seen.entry(conn).or_default();
        let bodies = std::iter::from_fn(|| frames.take().ok().flatten());
        let texts: Vec<_> = bodies.map(|body| frame(seen, body)).collect();
        if texts.is_empty() { format!("{} bytes", bytes.len()) } else { texts.join(", ") }
    }
}

fn frame(seen: &mut Seen, body: Bytes) -> String {
    seen.frames += 1;
    match seen.frames {
        1 => ConnectRequest::decode(body).map(|asked| {
            let ConnectRequest { session, last_zxid_seen, timeout_ms, .. } = asked;
            format!("greeting: session {session}, seen {last_zxid_seen}, {timeout_ms} ms")
        }),
        2 => ConnectResponse::decode(body)
            .map(|given| format!("welcome: session {}, {} ms", given.session, given.timeout_ms)),
        _ => RequestHeader::split(body.clone()).and_then(|(header, rest)| match header.xid {
            xid::NOTIFICATION => {
                let (_, rest) = ReplyHeader::split(body)?;
                WatcherEvent::decode(rest)
                    .map(|event| format!("event {} {}", event.kind, event.path))
            }
            number => match seen.asked.remove(&number) {
                Some(opcode) => answer(opcode, body),
                None => {
                    seen.asked.insert(number, header.opcode);
                    request(header, rest)
                }
            },
        }),
    }
    .unwrap_or_else(|malformed| malformed.to_string())
}

type Text = Result<String, crate::wire::jute::Malformed>;

fn request(header: RequestHeader, rest: Bytes) -> Text {
    let request = format!("{:?}", Request::decode(header.opcode, rest)?);
    let acl = format!("acl: {:?}, ", Acl::open());
    Ok(format!("#{} {}", header.xid, request.replace(&acl, "")))
}

fn answer(opcode: i32, body: Bytes) -> Text {
    let (ReplyHeader { xid, zxid, err }, rest) = ReplyHeader::split(body)?;
    if err != code::OK {
        return Ok(format!("#{xid} at {zxid}: error {err}"));
    }
    let what = match Response::decode(opcode, rest)? {
        Response::Stat(stat) => stat_text(stat),
        Response::Data { data, stat } => format!("{data:?} {}", stat_text(stat)),
        Response::Empty if opcode == opcode::PING => "pong".into(),
        other => shortened(&format!("{other:?}")),
    };
    Ok(format!("#{xid} at {zxid}: {what}"))
}

/// Without the fields of stats: most of them say nothing here.
pub(crate) fn shortened(text: &str) -> String {
    let mut parts = text.split("Stat {");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.split_once('}').map_or("", |(_, rest)| rest);
        text + "Stat" + rest
    })
}

fn stat_text(stat: Stat) -> String {
    format!("version {} of {}, owner {}", stat.version, stat.mzxid, stat.ephemeral_owner)
}
