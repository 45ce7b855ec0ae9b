//! The folds, on notes made by hand: what each must forgive, and what it must not. That each check fails in runs of real
//! machines is shown by `scenarios/failing`.

use std::sync::Arc;

use bytes::Bytes;
use coordinator::code;
use coordinator::id::{Epoch, ServerId, SessionId, Zxid};
use coordinator::note::{ClientNote, Operation, Outcome, ServerNote};
use coordinator::txn::{Acl, Record, Txn, TxnHeader};
use machine::{Duration, Instant};
use sim::world::NodeId;

use super::super::{Check, Look, Peace, Suspects};
use crate::cast::Said;
use crate::scene::server::Membership;
use crate::scene::{Client, Moment, Outside, Scene, Server, Truth};

const SERVER: NodeId = NodeId(0);
const SESSION: SessionId = SessionId(7);

/// Nothing is wrong with the world.
struct Calm;

impl Outside for Calm {
    fn is_up(&self, _node: NodeId) -> bool {
        true
    }
    fn reaches(&self, _from: NodeId, _to: NodeId) -> bool {
        true
    }
    fn durable_len(&self, _node: NodeId, _path: &str) -> Option<u64> {
        None
    }
}

/// A standalone server and two clients in one session each, who only talk.
struct Talk {
    scene: Scene,
    checks: Vec<Box<dyn Check>>,
    at: Instant,
    found: Vec<String>,
}

fn z(counter: u32) -> Zxid {
    Zxid::new(Epoch(0), counter)
}

fn create(path: &str) -> Txn {
    let data = Some(Bytes::new());
    Txn::Create { path: path.into(), data, acl: Acl::open(), ephemeral: false, parent_cversion: 1 }
}

fn set(path: &str, version: i32) -> Txn {
    Txn::SetData { path: path.into(), data: Some(Bytes::new()), version }
}

fn get(path: &str) -> Operation {
    Operation::GetData { path: path.into(), watch: true }
}

fn wait_for(path: &str) -> Operation {
    Operation::Exists { path: path.into(), watch: true }
}

fn data(version: i32, mzxid: Zxid) -> Outcome {
    Outcome::Data { data: Arc::new([]), version, mzxid }
}

impl Talk {
    fn new() -> Self {
        let mut scene = Scene { ensembles: vec![Truth::default()], ..Scene::default() };
        let mut server = Server::new("zk-1", ServerId(1), 0);
        server.membership = Membership { voters: 1, ..Membership::default() };
        scene.servers.insert(SERVER, server);
        let mut talk = Self { scene, checks: super::all(), at: Instant::ZERO, found: Vec::new() };
        for client in [1, 2] {
            let mut person = Client::new(&format!("c{client}"));
            person.knows.insert("zk-1:2181".into(), SERVER);
            talk.scene.clients.insert(NodeId(client), person);
            talk.connects(client, true);
        }
        talk
    }

    fn say(&mut self, node: NodeId, said: Said) {
        let moment = Moment { step: 0, at: self.at, node };
        self.scene.fold(&moment, &said);
        for check in &mut self.checks {
            let mut found = Vec::new();
            check.see(&moment, &said, &self.scene, &Calm, &mut found);
            let id = check.id();
            self.found.extend(found.into_iter().map(|message| format!("{id}: {message}")));
        }
    }

    fn client(&mut self, client: u32, note: ClientNote) {
        self.say(NodeId(client), Said::Client(note));
    }

    fn connects(&mut self, client: u32, fresh: bool) {
        let session = SessionId(SESSION.0 + i64::from(client));
        let to: Arc<str> = "zk-1:2181".into();
        self.client(client, ClientNote::Connecting { to: to.clone() });
        self.client(client, ClientNote::Connected { session, timeout_ms: 6000, fresh, to });
    }

    fn asks(&mut self, client: u32, op: u64, what: Operation) {
        let session = self.scene.clients[&NodeId(client)].session;
        self.client(client, ClientNote::Invoked { op, session, what: what.into() });
    }

    fn is_told(&mut self, client: u32, op: u64, zxid: Zxid, outcome: Outcome) {
        self.client(client, ClientNote::Completed { op, zxid, outcome });
    }

    fn event(&mut self, client: u32, kind: i32, path: &str) {
        self.client(client, ClientNote::Watched { kind, path: path.into() });
    }

    /// The server proposes, commits and delivers a transaction of this client.
    fn delivers(&mut self, client: u32, zxid: Zxid, txn: Txn) {
        let session = SessionId(SESSION.0 + i64::from(client));
        let header = TxnHeader { session, cxid: 0, zxid, time_ms: 0 };
        let record = Arc::new(Record::new(header, txn));
        self.say(SERVER, Said::Server(ServerNote::Proposed(record.clone())));
        self.say(SERVER, Said::Server(ServerNote::Committed { zxid }));
        let note = ServerNote::Delivered { record, tree: 0, ephemerals: 0 };
        self.say(SERVER, Said::Server(note));
    }

    fn time_passes(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.at += Duration::from_secs(1);
            self.scene.now = self.at;
            for check in &mut self.checks {
                let mut found = Vec::new();
                let look = Look {
                    scene: &self.scene,
                    outside: &Calm,
                    peace: &Peace::default(),
                    suspects: &Suspects::default(),
                };
                check.pass(&look, &mut found);
                let id = check.id();
                self.found.extend(found.into_iter().map(|message| format!("{id}: {message}")));
            }
        }
    }

    /// What was found since this was last asked: the ids.
    fn found(&mut self) -> Vec<String> {
        let found = std::mem::take(&mut self.found);
        found.iter().map(|message| message.split(':').next().unwrap_or_default().into()).collect()
    }

    /// `/a` is there since zxid 1, and client 1 watches it.
    fn watched() -> Self {
        let mut talk = Self::new();
        talk.delivers(2, z(1), create("/a"));
        talk.asks(1, 1, get("/a"));
        talk.is_told(1, 1, z(1), data(0, z(1)));
        talk.delivers(2, z(2), set("/a", 1));
        assert_eq!(talk.found(), [""; 0]);
        talk
    }
}

#[test]
fn an_event_comes_before_the_reply_that_shows_the_change() {
    let mut talk = Talk::watched();
    talk.event(1, 3, "/a");
    talk.asks(1, 2, get("/a"));
    talk.is_told(1, 2, z(2), data(1, z(2)));
    assert_eq!(talk.found(), [""; 0]);

    let mut talk = Talk::watched();
    talk.asks(1, 2, get("/a"));
    talk.is_told(1, 2, z(2), data(1, z(2)));
    assert_eq!(talk.found(), ["ZS-6"]);
}

#[test]
fn a_watch_tells_once() {
    let mut talk = Talk::watched();
    talk.event(1, 3, "/a");
    assert_eq!(talk.found(), [""; 0]);
    talk.event(1, 3, "/a");
    assert_eq!(talk.found(), ["ZS-6"]);
}

#[test]
fn an_event_may_be_late_but_not_for_ever() {
    let mut talk = Talk::watched();
    talk.time_passes(10);
    assert_eq!(talk.found(), [""; 0]);
    talk.connects(1, false);
    talk.time_passes(13);
    assert_eq!(talk.found(), [""; 0], "the clock begins anew on a new connection");
    talk.time_passes(5);
    assert_eq!(talk.found(), ["ZS-6"]);
}

#[test]
fn what_came_and_went_between_two_servers_need_not_be_told() {
    let mut talk = Talk::new();
    talk.asks(1, 1, wait_for("/b"));
    talk.is_told(1, 1, z(0), Outcome::Refused(code::NO_NODE));
    talk.client(1, ClientNote::Disconnected("gone"));
    talk.delivers(2, z(1), create("/b"));
    talk.delivers(2, z(2), Txn::Delete { path: "/b".into() });
    talk.connects(1, false);
    talk.asks(1, 2, wait_for("/c"));
    talk.is_told(1, 2, z(2), Outcome::Refused(code::NO_NODE));
    assert_eq!(talk.found(), [""; 0]);
    talk.delivers(2, z(3), create("/b"));
    talk.asks(1, 3, wait_for("/c"));
    talk.is_told(1, 3, z(3), Outcome::Refused(code::NO_NODE));
    assert_eq!(talk.found(), ["ZS-6"], "it came to stay");
}

#[test]
fn a_deletion_may_be_told_twice_to_who_watched_the_znode_and_its_children() {
    let mut talk = Talk::new();
    talk.delivers(2, z(1), create("/a"));
    talk.asks(1, 1, get("/a"));
    talk.is_told(1, 1, z(1), data(0, z(1)));
    talk.asks(1, 2, Operation::GetChildren { path: "/a".into(), watch: true });
    talk.is_told(1, 2, z(1), Outcome::Children(Arc::new([])));
    talk.delivers(2, z(2), Txn::Delete { path: "/a".into() });
    talk.event(1, 2, "/a");
    talk.event(1, 2, "/a");
    assert_eq!(talk.found(), [""; 0]);
    talk.event(1, 2, "/a");
    assert_eq!(talk.found(), ["ZS-6"]);
}

#[test]
fn a_read_may_be_stale_and_not_false() {
    let mut talk = Talk::watched();
    talk.asks(2, 1, get("/a"));
    talk.is_told(2, 1, z(1), data(0, z(1)));
    assert_eq!(talk.found(), [""; 0]);
    talk.asks(2, 2, get("/a"));
    talk.is_told(2, 2, z(2), data(0, z(1)));
    assert!(talk.found().contains(&"ZS-3".to_owned()));
    talk.asks(2, 3, get("/a"));
    talk.is_told(2, 3, z(1), data(0, z(1)));
    assert!(talk.found().contains(&"ZS-2".to_owned()));
}

#[test]
fn what_is_asked_later_is_ordered_later() {
    let write = |version| Operation::SetData { path: "/a".into(), data: Arc::new([]), version };
    let done = |version| Outcome::Done { path: None, version: Some(version) };
    let mut talk = Talk::watched();
    talk.event(1, 3, "/a");
    talk.asks(1, 2, write(1));
    talk.asks(2, 1, write(2));
    talk.delivers(1, z(3), set("/a", 2));
    talk.delivers(2, z(4), set("/a", 3));
    talk.is_told(2, 1, z(4), done(3));
    talk.is_told(1, 2, z(3), done(2));
    assert_eq!(talk.found(), [""; 0], "they were asked at the same time");
    talk.asks(1, 3, write(1));
    talk.is_told(1, 3, z(3), done(2));
    assert_eq!(talk.found(), ["ZS-1"]);
}

#[test]
fn an_answer_must_be_that_of_its_transaction() {
    let mut talk = Talk::new();
    let make = Operation::Create {
        path: "/n-".into(),
        data: Arc::new([]),
        ephemeral: false,
        sequential: true,
    };
    let made = |path: &str| Outcome::Done { path: Some(path.into()), version: None };
    talk.asks(1, 1, make.clone());
    talk.delivers(1, z(1), create("/n-0000000000"));
    talk.is_told(1, 1, z(1), made("/n-0000000000"));
    assert_eq!(talk.found(), [""; 0]);
    talk.asks(1, 2, make.clone());
    talk.delivers(1, z(2), create("/n-0000000001"));
    talk.is_told(1, 2, z(2), made("/n-0000000002"));
    assert_eq!(talk.found(), ["ZS-1"]);
    talk.asks(1, 3, make);
    talk.delivers(1, z(3), create("/n-0000000001"));
    talk.is_told(1, 3, z(3), made("/n-0000000001"));
    assert!(talk.found().contains(&"ZS-7".to_owned()));
}
