//! Connections, queue and handlers, as clients notice them.

use std::collections::VecDeque;

use kafka_protocol::messages as m;
use machine::transcript::Bench;
use machine::{Closed, Duration, Frames, Instant, Machine, Ticket};
use serde_json::Value;

use super::*;
use crate::wire::{self, Api, correlation, error, request_frame, response};

/// A machine that holds nothing but a server. [`Input::Ready`] with one of these tickets makes it do something about the
/// request that began longest ago.
struct Probe {
    server: Server,
    begun: VecDeque<RequestId>,
}

const BEGIN: u64 = 0;
const ANSWER: u64 = 1;
const PARK: u64 = 2;
const SAY_NOTHING: u64 = 3;
const CLOSE: u64 = 4;

impl Machine for Probe {
    type Note = Note;
    type View = Value;

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Note>) {
        match input {
            Input::Booted => self.server.bind(cx).expect("the bench has any address"),
            Input::Ready { ticket: Ticket(BEGIN) } => self.server.begin(cx),
            Input::Ready { ticket: Ticket(PARK) } => {
                self.server.parked(*self.begun.front().expect("something has begun"));
            }
            Input::Ready { ticket: Ticket(what) } => {
                let id = self.begun.pop_front().expect("something has begun");
                match what {
                    ANSWER => {
                        let answer = m::ControlledShutdownResponse::default();
                        self.server.answer(id, &answer.into(), cx);
                    }
                    SAY_NOTHING => self.server.no_answer(id, cx),
                    CLOSE => self.server.close_connection(id, cx),
                    other => panic!("{other} is no order"),
                }
            }
            Input::Stop => self.server.stop(cx),
            input => self.server.handle(&input, cx),
        }
        while let Some(incoming) = self.server.next(cx) {
            self.begun.push_back(incoming.id);
        }
        self.server.settle(cx);
    }

    fn wake_at(&self) -> Option<Instant> {
        None
    }

    fn view(&self) -> Value {
        Value::Null
    }
}

/// Two handlers, room for one request in the queue.
fn bench() -> Bench<Probe> {
    let properties = [
        ("broker.id", "1"),
        ("zookeeper.connect", "zk:2181"),
        ("listeners", "PLAINTEXT://:9092"),
        ("num.io.threads", "2"),
        ("queued.max.requests", "1"),
        ("socket.request.max.bytes", "1000"),
    ];
    let properties = properties.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let preset = Preset::V2_5;
    let (config, _) = Config::from_properties(&properties, preset, preset.mechanisms())
        .expect("the settings are in order");
    let probe = Probe { server: Server::new(&config), begun: VecDeque::new() };
    let mut bench = Bench::new(probe).rendering(|_, bytes| {
        let mut frames = Frames::new(usize::MAX);
        frames.push(bytes);
        let frame = frames.take().ok().flatten();
        match frame.as_ref().map(|frame| (frame.len(), correlation(frame))) {
            Some((length, Some(number))) if length < 30 => format!("#{number}"),
            _ => format!("{} bytes", bytes.len()),
        }
    });
    bench.boot();
    bench
}

fn order(bench: &mut Bench<Probe>, what: u64) {
    bench.give(Input::Ready { ticket: Ticket(what) });
}

/// Any request will do: what it means is not the server's business.
fn ask(number: i32) -> Bytes {
    let body = m::ControlledShutdownRequest::default();
    request_frame(&body.into(), 3, number, "somebody")
}

fn begun(bench: &Bench<Probe>) -> usize {
    bench.machine().begun.len()
}

#[test]
fn requests_wait_until_the_broker_is_registered() {
    let mut bench = bench();
    let conn = bench.accept("listener-0", "there");
    bench.receive(conn, ask(1));
    assert_eq!(begun(&bench), 0);
    order(&mut bench, BEGIN);
    assert_eq!(begun(&bench), 1);
}

#[test]
fn the_next_request_of_a_connection_waits_for_the_answer_to_the_last() {
    let mut bench = bench();
    order(&mut bench, BEGIN);
    let conn = bench.accept("listener-0", "there");
    bench.receive(conn, [ask(1), ask(2), ask(3)].concat());
    assert_eq!(begun(&bench), 1);
    order(&mut bench, ANSWER);
    order(&mut bench, SAY_NOTHING);
    assert_eq!(begun(&bench), 1);
    order(&mut bench, ANSWER);
    let sent: Vec<_> =
        bench.sent(conn).iter().map(|frame| correlation(&frame.slice(4..))).collect();
    assert_eq!(sent, [Some(1), Some(3)]);
}

#[test]
fn without_a_free_handler_requests_wait_in_their_order() {
    let mut bench = bench();
    order(&mut bench, BEGIN);
    let conns: Vec<_> = (0..5).map(|_| bench.accept("listener-0", "there")).collect();
    bench.take();
    for (number, conn) in (1..).zip(&conns) {
        // The fourth and the fifth are not even read: the queue has room for one.
        bench.receive(*conn, ask(number));
    }
    assert_eq!(begun(&bench), 2);
    for what in [PARK, ANSWER, ANSWER, ANSWER, ANSWER, ANSWER] {
        order(&mut bench, what);
    }
    insta::assert_snapshot!(bench.take());
}

#[test]
fn the_request_of_a_connection_that_is_gone_still_needs_its_handler() {
    let mut bench = bench();
    order(&mut bench, BEGIN);
    let (a, b) = (bench.accept("listener-0", "there"), bench.accept("listener-0", "there"));
    bench.receive(a, ask(1)).receive(b, ask(2));
    bench.closed(a, Closed::Reset);
    let c = bench.accept("listener-0", "there");
    bench.receive(c, ask(3));
    assert_eq!(begun(&bench), 2);
    order(&mut bench, ANSWER);
    assert!(bench.sent(a).is_empty());
    assert_eq!(begun(&bench), 2);
    order(&mut bench, CLOSE);
    order(&mut bench, ANSWER);
    assert_eq!(bench.sent(b), Vec::<Bytes>::new());
    assert_eq!(bench.sent(c).len(), 1);
}

#[test]
fn what_is_no_request_ends_the_connection() {
    let mut bench = bench();
    order(&mut bench, BEGIN);
    let frames: [&[u8]; 4] = [
        &[0, 0, 4, 0],                                       // longer than is allowed
        &[0xff, 0xff, 0xff, 0xff],                           // a negative length
        &[0, 0, 0, 0],                                       // nothing
        &[0, 0, 0, 10, 0, 7, 0, 99, 0, 0, 0, 1, 0xff, 0xff], // a version that is not spoken
    ];
    for frame in frames {
        let conn = bench.accept("listener-0", "there");
        bench.take();
        bench.receive(conn, Bytes::copy_from_slice(frame));
        assert!(bench.take().contains("closes"), "{frame:?} is served");
        assert_eq!(begun(&bench), 0);
    }
}

#[test]
fn a_client_that_is_too_new_is_told_what_it_may_speak() {
    let mut bench = bench();
    order(&mut bench, BEGIN);
    let conn = bench.accept("listener-0", "there");
    let newer = [0, 0, 0, 12, 0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff, 0, 0];
    bench.receive(conn, Bytes::copy_from_slice(&newer));
    let body = m::ApiVersionsRequest::default();
    bench.receive(conn, request_frame(&body.into(), 2, 8, "somebody"));
    let answer = |index: usize, version| {
        let sent = bench.sent(conn)[index].slice(4..);
        match response(sent, Api::ApiVersions, version) {
            Ok(wire::Response::ApiVersions(answer)) => answer,
            other => panic!("ApiVersions is answered by {other:?}"),
        }
    };
    let (old, new) = (answer(0, 0), answer(1, 2));
    assert_eq!(old.error_code, error::UNSUPPORTED_VERSION);
    let spoken: Vec<_> = old.api_keys.iter().map(|api| (api.api_key, api.max_version)).collect();
    assert_eq!(spoken, [(18, 3)]);
    assert_eq!((new.error_code, new.api_keys.len()), (error::NONE, Api::ALL.len()));
}

#[test]
fn a_broker_that_stops_hangs_up() {
    let mut bench = bench();
    order(&mut bench, BEGIN);
    let conn = bench.accept("listener-0", "there");
    bench.receive(conn, ask(1));
    bench.take();
    bench.give(Input::Stop).advance(Duration::from_secs(1));
    order(&mut bench, ANSWER);
    insta::assert_snapshot!(bench.take());
}
