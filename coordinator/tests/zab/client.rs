//! One client's view: the order of answers and events, greetings, and sessions that move.

use bytes::Bytes;
use coordinator::id::{ServerId, SessionId, Zxid};
use coordinator::server::sessions;
use coordinator::txn::Acl;
use coordinator::wire::client::{ConnectRequest, Request};
use insta::assert_snapshot;
use machine::Conn;

use crate::stage::Stage;

fn create(path: &str) -> Request {
    Request::Create { path: path.into(), data: None, acl: Acl::open(), flags: 0 }
}

fn set(path: &str, data: &'static str) -> Request {
    let data = Some(Bytes::from_static(data.as_bytes()));
    Request::SetData { path: path.into(), data, version: -1 }
}

fn get(path: &str, watch: bool) -> Request {
    Request::GetData { path: path.into(), watch }
}

/// A client with a session, on a server whose disk answers when the script says so.
fn connected() -> (Stage, Conn) {
    let mut stage = Stage::standalone();
    let client = stage.client_comes();
    stage.client_greets(client);
    stage.ask(client, 1, create("/a"));
    stage.text();
    (stage.holding_syncs(), client)
}

#[test]
fn reads_wait_behind_the_writes_in_front_of_them() {
    let (mut stage, client) = connected();
    let requests = [
        (2, get("/a", true)),
        (3, set("/a", "new")),
        (4, get("/a", false)),
        (-2, Request::Ping),
        (5, create("/a")),
        (6, get("/missing", false)),
    ];
    stage.ask_all(client, &requests);
    stage.bench.remark("the disk has both writes");
    stage.bench.sync();
    assert_snapshot!(stage.text());
}

#[test]
fn a_watcher_hears_of_a_change_before_its_author_is_answered() {
    let (mut stage, author) = connected();
    let watcher = stage.client_comes();
    stage.client_greets(watcher);
    stage.bench.sync();
    stage.ask(watcher, 1, get("/a", true));
    stage.text();
    stage.ask(author, 2, set("/a", "new"));
    stage.ask(watcher, 2, get("/a", false));
    stage.bench.sync();
    stage.ask(watcher, 3, get("/a", false));
    assert_snapshot!(stage.text());
}

#[test]
fn a_client_that_comes_again_takes_the_place_of_its_old_connection() {
    let (mut stage, old) = connected();
    let session = sessions::first_session_id(ServerId(1), 1_600_000_000_000);
    let password = Bytes::copy_from_slice(&sessions::password(session));
    stage.ask(old, 2, set("/a", "in flight"));
    stage.bench.remark("the old connection is still known");
    let new = stage.client_comes();
    stage.client_resumes(new, session, password, Zxid(2));
    stage.ask(new, 3, get("/a", false));
    stage.bench.sync();
    stage.bench.remark("a wrong password, and a client from the future");
    let stranger = stage.client_comes();
    stage.client_resumes(stranger, session, Bytes::from_static(&[0; 16]), Zxid(2));
    let prophet = stage.client_comes();
    stage.client_resumes(prophet, SessionId::NONE, Bytes::from_static(&[0; 16]), Zxid(99));
    assert_snapshot!(stage.text());
}

#[test]
fn one_address_has_so_many_connections() {
    let (mut stage, _) = connected();
    stage.client_comes();
    stage.client_comes();
    assert_snapshot!(stage.text());
}

#[test]
fn what_is_sent_behind_the_greeting_waits_for_the_session() {
    let (mut stage, _) = connected();
    let client = stage.client_comes();
    let hello = ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: Zxid::ZERO,
        timeout_ms: 6_000,
        session: SessionId::NONE,
        password: Bytes::from_static(&[0; 16]),
        read_only: Some(false),
    };
    let behind = get("/a", false).frame(1);
    stage.bench.receive(client, [&hello.frame()[..], &behind[..]].concat());
    assert!(!stage.bench.take().contains("closes"), "it is not sent away");
    stage.bench.sync();
    assert_eq!(stage.bench.sent(client).len(), 2, "greeting and answer");
}
