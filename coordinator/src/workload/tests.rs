//! The first steps of every kind of client, and what each does when an answer, the connection or the session is lost.

use bytes::Bytes;
use machine::{Closed, Duration, Input};

use super::{Client, Kind, WorkloadConfig};
use crate::client::bench::{Played, stat};
use crate::wire::client::{MultiResult, Response, code};

const SECOND: Duration = Duration::from_millis(1_000);

/// A client with a session of 6 s.
fn played(kind: Kind) -> Played<Client> {
    let config = WorkloadConfig {
        connect: "zk-1:2181".into(),
        session_timeout: Duration::from_millis(6_000),
        kind,
        start_after: Duration::ZERO,
    };
    let mut played = Played::new(Client::new(config));
    played.accept().welcome(0x1001, 6_000);
    played
}

fn made(path: &str) -> Response {
    Response::Create { path: path.into() }
}

fn data(bytes: &'static [u8], version: i32, mzxid: u64) -> Response {
    Response::Data { data: Some(Bytes::from_static(bytes)), stat: stat(version, mzxid, 0) }
}

/// The connection breaks, and the client is accepted again after all its pauses.
fn reconnect(played: &mut Played<Client>) {
    played.hang_up(Closed::Reset).bench.advance(Duration::from_millis(2_500));
    played.accept();
}

#[test]
fn a_writer_makes_its_znode_and_writes_on_whatever_is_lost() {
    let path = "/app/config".into();
    let kind = Kind::Writer { path, interval: SECOND, bytes: 24, checked: false };
    let mut played = played(kind);
    played.answer(1, made("/app")).answer(2, made("/app/config"));
    played.bench.advance(SECOND);
    played.answer(3, Response::Stat(stat(1, 3, 0)));
    played.bench.advance(SECOND);
    played.bench.remark("the answer is lost");
    reconnect(&mut played);
    played.welcome(0x1001, 6_000).answer(5, Response::Stat(stat(3, 5, 0)));
    played.bench.remark("the session is lost");
    reconnect(&mut played);
    played.welcome(0, 0).accept().welcome(0x2001, 6_000);
    insta::assert_snapshot!(played.take());
}

#[test]
fn a_checked_writer_looks_up_the_version_it_cannot_know() {
    let path = "/config".into();
    let kind = Kind::Writer { path, interval: SECOND, bytes: 0, checked: true };
    let mut played = played(kind);
    played.refuse(1, code::NODE_EXISTS).answer(1, Response::Stat(stat(7, 1, 0)));
    played.answer(2, Response::Stat(stat(8, 2, 0)));
    played.bench.advance(SECOND).remark("somebody else was faster");
    played.refuse(4, code::BAD_VERSION);
    played.bench.advance(SECOND);
    played.answer(4, Response::Stat(stat(9, 3, 0))).take();
    played.bench.remark("the answer is lost");
    reconnect(&mut played);
    played.welcome(0x1001, 6_000).answer(5, Response::Stat(stat(10, 5, 0)));
    insta::assert_snapshot!(played.take());
}

#[test]
fn a_reader_reads_and_may_sync_before() {
    let kind = Kind::Reader { path: "/config".into(), interval: SECOND, sync: true };
    let mut played = played(kind);
    played.answer(5, Response::Sync { path: "/config".into() }).refuse(5, code::NO_NODE);
    played.bench.advance(SECOND);
    played.answer(6, Response::Sync { path: "/config".into() }).answer(6, data(b"x", 0, 6));
    insta::assert_snapshot!(played.take());
}

#[test]
fn a_lock_is_given_up_when_the_session_may_be_gone_and_found_again() {
    let mut played = played(Kind::LockHolder { path: "/locks".into(), queued: false });
    played.answer(1, made("/locks")).refuse(1, code::NO_NODE).answer(2, made("/locks/lock"));
    played.event(1, "/locks/lock").answer(2, Response::Stat(stat(0, 2, 0x1001)));
    played.bench.advance(SECOND.times(2));
    played.pong().bench.remark("silence").advance(SECOND.times(7));
    played.accept().welcome(0x1001, 6_000).answer(3, Response::Empty);
    played.answer(3, Response::Stat(stat(0, 2, 0x1001)));
    insta::assert_snapshot!(played.take());
}

#[test]
fn a_lock_that_is_taken_is_waited_for() {
    let mut played = played(Kind::LockHolder { path: "/locks".into(), queued: false });
    played.refuse(1, code::NODE_EXISTS).answer(1, Response::Stat(stat(0, 1, 0x9))).take();
    played.event(2, "/locks/lock").refuse(2, code::NO_NODE).refuse(4, code::NODE_EXISTS);
    played.bench.remark("lost the race").advance(SECOND);
    played.answer(4, Response::Stat(stat(0, 3, 0x8))).event(2, "/locks/lock");
    played.refuse(5, code::NO_NODE).answer(6, made("/locks/lock"));
    played.answer(6, Response::Stat(stat(0, 6, 0x1001))).bench.remark("somebody deletes it");
    played.event(2, "/locks/lock");
    insta::assert_snapshot!(played.take());
}

#[test]
fn a_place_in_the_queue_is_not_taken_twice() {
    let mut played = played(Kind::LockHolder { path: "/locks".into(), queued: true });
    let synced = Response::Sync { path: "/locks".into() };
    let children = |names: &[&str]| Response::Children {
        children: names.iter().map(|name| (*name).into()).collect(),
    };
    played.refuse(1, code::NODE_EXISTS).answer(1, synced.clone()).answer(1, children(&[]));
    let own = match &played.requests().last().expect("it lines up").1 {
        crate::wire::client::Request::Create { path, .. } => format!("{path}0000000007"),
        other => panic!("expected a create, not {other:?}"),
    };
    let own_name = own.rsplit_once('/').expect("it has a parent").1.to_owned();
    played.take();
    played.bench.remark("the answer to the create is lost, but it happened");
    reconnect(&mut played);
    played.welcome(0x1001, 6_000).answer(9, synced);
    played.answer(9, children(&[&own_name, "b.0-lock-0000000004", "a.0-lock-0000000006"]));
    played.answer(9, Response::Stat(stat(0, 6, 0x9))).event(2, "/locks/a.0-lock-0000000006");
    played.answer(10, children(&[&own_name, "b.0-lock-0000000004"]));
    played.refuse(11, code::NO_NODE).answer(11, children(&[&own_name]));
    played.answer(11, Response::Stat(stat(0, 9, 0x1001)));
    insta::assert_snapshot!(played.take());
}

#[test]
fn a_watcher_watches_again_after_every_event() {
    let mut played = played(Kind::Watcher { path: "/config".into(), children: true });
    played.refuse(1, code::NO_NODE).refuse(1, code::NO_NODE).bench.remark("it waits");
    played.event(1, "/config").answer(2, data(b"x", 0, 2));
    let children = Response::Children2 { children: Vec::new(), stat: stat(0, 2, 0) };
    played.answer(2, children.clone()).bench.remark("it waits");
    played.event(3, "/config").answer(3, data(b"y", 1, 3)).event(4, "/config");
    played.answer(4, children).event(2, "/config").refuse(5, code::NO_NODE);
    insta::assert_snapshot!(played.take());
}

#[test]
fn a_sequencer_deletes_its_oldest_now_and_then() {
    let mut played = played(Kind::Sequencer { path: "/seq".into(), interval: SECOND });
    played.answer(1, made("/seq"));
    for number in 0..3 {
        played.answer(2 + number, made(&format!("/seq/n-000000000{number}")));
        played.bench.advance(SECOND);
    }
    played.answer(5, Response::Empty);
    insta::assert_snapshot!(played.take());
}

#[test]
fn every_fourth_multi_fails_and_changes_nothing() {
    let mut played = played(Kind::Multi { path: "/multi".into(), interval: SECOND });
    played.refuse(1, code::NODE_EXISTS).answer(2, made("/multi/marker"));
    for number in 0..4 {
        played.bench.advance(SECOND);
        let results = match number {
            3 => [0, 0, 0, code::BAD_VERSION].map(|code| MultiResult::Error { code }).to_vec(),
            _ => vec![made_by_multi(), set_by_multi(), MultiResult::Delete, MultiResult::Check],
        };
        played.answer(3 + number, Response::Multi(results));
    }
    insta::assert_snapshot!(played.take());
}

fn made_by_multi() -> MultiResult {
    MultiResult::Create { path: "/multi/new".into() }
}

fn set_by_multi() -> MultiResult {
    MultiResult::SetData { stat: stat(1, 3, 0) }
}

#[test]
fn a_client_asked_to_stop_ends_its_session() {
    let kind = Kind::Reader { path: "/config".into(), interval: SECOND, sync: false };
    let mut played = played(kind);
    played.take();
    played.bench.give(Input::Stop);
    played.answer(5, data(b"x", 0, 2)).answer(6, Response::Empty);
    insta::assert_snapshot!(played.take());
}

#[test]
fn a_chroot_is_part_of_the_work() {
    let config = |connect: &str, path: &str| WorkloadConfig {
        connect: connect.into(),
        session_timeout: SECOND,
        kind: Kind::Reader { path: path.into(), interval: SECOND, sync: false },
        start_after: SECOND.times(2),
    };
    let client = Client::new(config("zk-1,zk-2/kafka", "/brokers"));
    let mut played = Played::new(client);
    played.bench.advance(SECOND.times(2));
    played.accept().welcome(0x1001, 1_000);
    insta::assert_snapshot!(played.take());
    assert!(config("zk-1", "brokers").check().is_err());
    let mut lost = Played::new(Client::new(config("zk-1:port", "/brokers")));
    insta::assert_snapshot!(lost.take());
}
