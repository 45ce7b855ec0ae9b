//! What a keeper does with requests when connections and sessions come and go.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use coordinator::txn::Acl;
use coordinator::wire::client::{ConnectRequest, ReplyHeader, RequestHeader, xid};
use machine::transcript::Bench;
use machine::{Frames, Level, Machine, Ticket};

use super::*;
use crate::zk::fake::{ADDRESS, FakeZooKeeper};

/// A machine that holds nothing but a keeper, and writes down what it is told.
struct Probe {
    keeper: Keeper,
}

#[derive(Clone, Debug)]
enum Heard {
    Note(Note),
    Event(KeeperEvent),
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(note) => note.fmt(f),
            Self::Event(KeeperEvent::Reply { asker, result: Ok(_), .. }) => {
                write!(f, "told {asker:?}: done")
            }
            Self::Event(KeeperEvent::Reply { asker, result: Err(error), .. }) => {
                write!(f, "told {asker:?}: {error:?}")
            }
            Self::Event(event) => write!(f, "told {event:?}"),
        }
    }
}

impl machine::Note for Heard {
    fn level(&self) -> Level {
        Level::Detail
    }
}

impl Machine for Probe {
    type Note = Heard;
    type View = ();

    /// [`Input::Ready`] makes it ask for as many znodes as the ticket says.
    fn handle(&mut self, input: Input, cx: &mut Context<'_, Heard>) {
        let events = cx.part("keeper", Heard::Note, |cx| {
            match input {
                Input::Booted => self.keeper.start(cx),
                Input::Stop => self.keeper.close(cx),
                Input::Ready { ticket: Ticket(count) } => {
                    for number in 1..=count {
                        self.keeper.ask(Asker::Admin(number), create(number), cx);
                    }
                }
                _ => {}
            }
            let mut events = Vec::new();
            self.keeper.handle(&input, cx, &mut events);
            events
        });
        for event in events {
            cx.note(Heard::Event(event));
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        self.keeper.wake_at()
    }

    fn view(&self) {}
}

fn create(number: u64) -> Request {
    let data = Some(Bytes::from_static(b"x"));
    Request::Create { path: format!("/{number}").into(), data, acl: Acl::open(), flags: 0 }
}

fn probe(in_flight_max: usize) -> Bench<Probe> {
    let connect: ConnectString = ADDRESS.parse().expect("an address is a connect string");
    let keeper = Keeper::new(connect, Duration::from_secs(6), in_flight_max);
    let mut bench = Bench::new(Probe { keeper }).rendering(rendering());
    bench.boot();
    bench
}

fn ask(bench: &mut Bench<Probe>, count: u64) {
    bench.give(Input::Ready { ticket: Ticket(count) });
}

/// Greetings, requests and answers in few words.
fn rendering() -> impl FnMut(Conn, &Bytes) -> String {
    let mut seen: BTreeMap<Conn, Vec<i32>> = BTreeMap::new();
    move |conn, bytes| {
        let mut frames = Frames::new(usize::MAX);
        frames.push(bytes);
        let Ok(Some(body)) = frames.take() else { return "nothing whole".into() };
        let (header, rest) = RequestHeader::split(body.clone()).expect("eight bytes at least");
        let first = !seen.contains_key(&conn);
        let seen = seen.entry(conn).or_default();
        if first {
            let session = ConnectRequest::decode(body).expect("a greeting").session;
            return format!("greeting of session {session}");
        }
        match (header.xid, Request::decode(header.opcode, rest)) {
            (0, _) => "welcome".into(),
            (xid::PING, _) => "ping".into(),
            (xid, _) if seen.contains(&xid) => {
                let (header, _) = ReplyHeader::split(body).expect("a header");
                format!("answer {} to #{xid}", header.err)
            }
            (xid, Ok(Request::Create { path, .. })) => {
                seen.push(xid);
                format!("#{xid} create {path}")
            }
            (xid, other) => {
                seen.push(xid);
                format!("#{xid} {other:?}")
            }
        }
    }
}

#[test]
fn no_more_than_so_many_are_asked_at_once_and_answers_come_in_order() {
    let mut zookeeper = FakeZooKeeper::new();
    let mut bench = probe(2);
    ask(&mut bench, 3);
    zookeeper.serve(&mut bench);
    ask(&mut bench, 1);
    zookeeper.serve(&mut bench);
    insta::assert_snapshot!(bench.take());
}

#[test]
fn what_is_lost_with_a_connection_is_asked_again_on_the_next_one() {
    let mut zookeeper = FakeZooKeeper::new();
    let mut bench = probe(10);
    zookeeper.serve(&mut bench);
    ask(&mut bench, 3);
    zookeeper.serve_one(&mut bench);
    zookeeper.hang_up(&mut bench);
    bench.advance(Duration::from_secs(2));
    zookeeper.serve(&mut bench);
    insta::assert_snapshot!(bench.take());
}

#[test]
fn with_the_session_everything_asked_in_it_fails_and_another_session_begins() {
    let mut zookeeper = FakeZooKeeper::new();
    let mut bench = probe(2);
    zookeeper.serve(&mut bench);
    ask(&mut bench, 3);
    zookeeper.hang_up(&mut bench);
    zookeeper.expire(1);
    bench.advance(Duration::from_secs(2));
    zookeeper.serve(&mut bench);
    bench.advance(Duration::from_secs(2));
    ask(&mut bench, 1);
    zookeeper.serve(&mut bench);
    insta::assert_snapshot!(bench.take());
}

#[test]
fn after_its_end_everything_asked_fails() {
    let mut zookeeper = FakeZooKeeper::new();
    let mut bench = probe(1);
    zookeeper.serve(&mut bench);
    ask(&mut bench, 2);
    bench.give(Input::Stop);
    zookeeper.serve(&mut bench);
    ask(&mut bench, 1);
    bench.advance(Duration::from_secs(60));
    insta::assert_snapshot!(bench.take());
}
