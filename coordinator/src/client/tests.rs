//! Connect strings, and what a session client does when its servers come, answer, fall silent and go.

use std::fmt;

use bytes::Bytes;
use machine::{Closed, Context, Duration, Input, Instant, Level, Machine, Note, Ticket};

use super::bench::{Played, shortened, stat};
use super::{ConnectString, SessionClient, SessionEvent};
use crate::id::Zxid;
use crate::note::ClientNote;
use crate::wire::client::{ReplyHeader, Request, Response, code};

/// A machine that holds nothing but a session client, and writes down what it is told.
struct Probe {
    session: SessionClient,
    /// What [`Input::Ready`] with this number, counted from 1, makes it ask for.
    wishes: Vec<Request>,
}

#[derive(Clone, Debug)]
enum Heard {
    Note(ClientNote),
    Event(SessionEvent),
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(note) => fmt::Display::fmt(note, f),
            Self::Event(event) => f.write_str(&shortened(&format!("told {event:?}"))),
        }
    }
}

impl Note for Heard {
    fn level(&self) -> Level {
        Level::Detail
    }
}

impl Machine for Probe {
    type Note = Heard;
    type View = ();

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Heard>) {
        let events = cx.part("session", Heard::Note, |cx| {
            match input {
                Input::Booted => self.session.start(cx),
                Input::Stop => self.session.close(cx),
                Input::Ready { ticket: Ticket(wish) } => {
                    let request = self.wishes[wish as usize - 1].clone();
                    self.session.request(wish, request, cx);
                }
                _ => {}
            }
            let mut events = Vec::new();
            self.session.handle(&input, cx, &mut events);
            if events.contains(&SessionEvent::Expired) {
                self.session.start(cx);
            }
            events
        });
        for event in events {
            cx.note(Heard::Event(event));
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        self.session.wake_at()
    }

    fn view(&self) {}
}

fn played(connect: &str, wishes: &[Request]) -> Played<Probe> {
    let connect = connect.parse().expect("a good connect string");
    let session = SessionClient::new(connect, Duration::from_millis(6_000));
    Played::new(Probe { session, wishes: wishes.to_vec() })
}

fn wish(played: &mut Played<Probe>, number: u64) {
    played.bench.give(Input::Ready { ticket: Ticket(number) });
}

fn get(path: &str, watch: bool) -> Request {
    Request::GetData { path: path.into(), watch }
}

fn data(bytes: &'static [u8], version: i32, mzxid: u64) -> Response {
    Response::Data { data: Some(Bytes::from_static(bytes)), stat: stat(version, mzxid, 0) }
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn a_first_connection_sends_what_was_asked_before_it() {
    let mut played = played("zk-1:2181", &[get("/a", false), get("/b", false)]);
    wish(&mut played, 1);
    played.accept();
    wish(&mut played, 2);
    played.welcome(0x1001, 6_000).answer(5, data(b"one", 0, 3)).refuse(5, code::NO_NODE);
    insta::assert_snapshot!(played.take());
}

#[test]
fn an_idle_client_pings_and_a_silent_server_is_left() {
    let mut played = played("zk-1:2181", &[get("/a", false)]);
    played.accept().welcome(0x1001, 6_000).take();
    played.bench.advance(secs(2));
    played.pong();
    wish(&mut played, 1);
    played.bench.remark("no more answers").advance(secs(6));
    insta::assert_snapshot!(played.take());
}

#[test]
fn a_session_is_resumed_on_another_server_with_its_watches() {
    let wishes = [
        get("/data", true),
        Request::Exists { path: "/missing".into(), watch: true },
        Request::GetChildren2 { path: "/parent".into(), watch: true },
        get("/fired", true),
    ];
    let mut played = played("zk-1:2181,zk-2:2181,zk-3:2181", &wishes);
    played.accept().welcome(0x1001, 6_000);
    (1..=4).for_each(|number| wish(&mut played, number));
    played.answer(7, data(b"x", 0, 3)).refuse(7, code::NO_NODE);
    played.answer(8, Response::Children2 { children: vec!["c".into()], stat: stat(0, 2, 0) });
    played.answer(8, data(b"y", 0, 3)).event(3, "/fired").take();
    played.hang_up(Closed::Reset);
    played.bench.advance(secs(1)).remark("the next one refuses");
    let conn = played.bench.dialled().last().expect("it tries another").0;
    played.bench.closed(conn, Closed::Refused).advance(secs(1));
    played.accept().welcome(0x1001, 6_000).answer(9, Response::Empty).event(1, "/missing");
    insta::assert_snapshot!(played.take());
}

#[test]
fn an_expired_session_is_followed_by_a_fresh_one_without_its_past() {
    let mut played = played("zk-1:2181,zk-2:2181", &[get("/a", true)]);
    played.accept().welcome(0x1001, 6_000);
    wish(&mut played, 1);
    played.answer(7, data(b"x", 0, 3)).take();
    played.hang_up(Closed::Ended);
    played.bench.advance(secs(1));
    played.accept();
    wish(&mut played, 1);
    played.welcome(0, 0).accept().welcome(0x2001, 4_000);
    insta::assert_snapshot!(played.take());
}

#[test]
fn without_servers_a_client_goes_round_and_rests_after_each_round() {
    let mut played = played("zk-1:2181,zk-2:2181,zk-3:2181", &[get("/a", false)]);
    for _ in 0..3 {
        let conn = played.bench.dialled().last().expect("it tries").0;
        played.bench.closed(conn, Closed::Refused);
    }
    played.bench.advance(secs(1));
    wish(&mut played, 1);
    played.bench.remark("now nobody answers at all").advance(secs(3));
    insta::assert_snapshot!(played.take());
}

#[test]
fn an_answer_out_of_order_ends_the_connection() {
    let mut played = played("zk-1:2181", &[get("/a", false), get("/b", false)]);
    played.accept().welcome(0x1001, 6_000);
    (1..=2).for_each(|number| wish(&mut played, number));
    played.take();
    let header = ReplyHeader { xid: 2, zxid: Zxid(9), err: code::OK };
    let conn = played.conn();
    played.bench.receive(conn, data(b"b", 0, 3).frame(&header));
    insta::assert_snapshot!(played.take());
}

#[test]
fn a_chroot_is_put_in_front_and_taken_away() {
    let create = Request::Create { path: "/a".into(), data: None, acl: [].into(), flags: 2 };
    let mut played = played("zk-1:2181/kafka", &[create, get("/", true)]);
    played.accept().welcome(0x1001, 6_000);
    (1..=2).for_each(|number| wish(&mut played, number));
    played.answer(5, Response::Create { path: "/kafka/a0000000000".into() });
    played.answer(5, data(b"", 0, 3)).event(3, "/kafka");
    insta::assert_snapshot!(played.take());
}

#[test]
fn closing_ends_the_session_and_everything_asked_after_it() {
    let mut played = played("zk-1:2181", &[get("/a", false)]);
    played.accept().welcome(0x1001, 6_000);
    played.bench.give(Input::Stop);
    wish(&mut played, 1);
    played.answer(6, Response::Empty);
    wish(&mut played, 1);
    played.bench.advance(secs(1));
    insta::assert_snapshot!(played.take());
}

#[test]
fn many_watches_are_set_again_in_batches() {
    let long = "x".repeat(1_000);
    let paths: Vec<_> = (0..300).map(|n| format!("/{n:03}{long}")).collect();
    let wishes: Vec<_> = paths.iter().map(|path| get(path, true)).collect();
    let mut played = played("zk-1:2181", &wishes);
    played.accept().welcome(0x1001, 6_000);
    for number in 1..=300 {
        wish(&mut played, number);
        played.answer(9, data(b"", 0, 1));
    }
    played.hang_up(Closed::Reset).bench.advance(secs(2));
    played.accept().welcome(0x1001, 6_000);
    let sizes: Vec<_> = played
        .requests()
        .iter()
        .map(|(header, request)| match request {
            Request::SetWatches { relative_zxid, data, .. } => {
                (header.xid, relative_zxid.0, data.len())
            }
            other => panic!("only watches are set again, not {other:?}"),
        })
        .collect();
    assert_eq!(sizes, [(-8, 9, 131), (-8, 9, 131), (-8, 9, 38)]);
}

#[test]
fn connect_strings_as_java_reads_them() {
    let parse = |text: &str| {
        text.parse::<ConnectString>().map(|connect| {
            let servers = connect.servers().iter().map(|server| server.to_string());
            (servers.collect::<Vec<_>>().join(" "), connect.chroot().map(|path| path.to_string()))
        })
    };
    let good = [
        ("zk-1", "zk-1:2181", None),
        ("zk-1:2182,zk-2,zk-3:", "zk-1:2182 zk-2:2181 zk-3:2181", None),
        ("zk-1/", "zk-1:2181", None),
        ("zk-1,zk-2:9/a/b", "zk-1:2181 zk-2:9", Some("/a/b")),
        ("zk-1:1/kafka,zk-2:2/kafka", "zk-1:1", Some("/kafka,zk-2:2/kafka")),
        ("[::1]:2181", "[::1]:2181", None),
    ];
    for (text, servers, chroot) in good {
        assert_eq!(parse(text), Ok((servers.into(), chroot.map(String::from))), "{text}");
    }
    let bad = [
        ("", 0),
        ("/kafka", 0),
        ("zk-1,,zk-2", 5),
        ("zk-1,:2181", 5),
        ("zk-1,zk-2:port", 10),
        ("zk-1:70000", 5),
        ("zk-1/kafka/", 11),
        ("zk-1/kafka//a", 11),
        ("zk-1/kafka/../a", 11),
    ];
    for (text, at) in bad {
        assert_eq!(parse(text).map_err(|error| error.at), Err(at), "{text}");
    }
}
