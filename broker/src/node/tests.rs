//! A broker on the bench, beside a small ZooKeeper. What it dials of itself leads back to it.

use machine::transcript::Bench;
use machine::{Closed, Duration};

use super::*;
use crate::mechanism::Preset;
use crate::wire::batch::{Record, build};
use crate::wire::{Api, Response, error, request_frame, response};
use crate::zk::fake::{ADDRESS, FakeZooKeeper};

/// A broker with all it needs.
struct Played {
    bench: Bench<Broker>,
    zookeeper: FakeZooKeeper,
    loops: Vec<Loop>,
}

/// A stream from the broker to itself: both of its ends, and how many pieces were carried over from each.
struct Loop {
    ends: [Conn; 2],
    carried: [usize; 2],
}

impl Played {
    fn new(id: i32, preset: Preset, more: &[(&str, &str)]) -> Self {
        let listener = format!("PLAINTEXT://127.0.0.1:{}", 9090 + id);
        let id = id.to_string();
        let defaults = [
            ("broker.id", id.as_str()),
            ("zookeeper.connect", ADDRESS),
            ("listeners", &listener),
            ("advertised.listeners", &listener),
            ("log.dirs", "/data"),
        ];
        let properties: Vec<_> = defaults
            .iter()
            .chain(more)
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let (config, _) = Config::from_properties(&properties, preset, preset.mechanisms())
            .expect("the settings are in order");
        let bench = Bench::new(Broker::new(config));
        Self { bench, zookeeper: FakeZooKeeper::new(), loops: Vec::new() }
    }

    /// Lets everything go its way for so many ms.
    fn run(&mut self, millis: u64) -> &mut Self {
        for _ in 0..millis.div_ceil(10) {
            self.zookeeper.serve(&mut self.bench);
            while self.carry() {
                self.zookeeper.serve(&mut self.bench);
            }
            self.bench.advance(Duration::from_millis(10));
        }
        self
    }

    fn boot(&mut self, millis: u64) -> &mut Self {
        self.bench.boot();
        self.run(millis)
    }

    /// Carries what the broker says to itself.
    fn carry(&mut self) -> bool {
        let known = |conn: &Conn| self.loops.iter().any(|known| known.ends[0] == *conn);
        let dialled = self.bench.dialled().iter();
        let new = dialled.filter(|(conn, to)| to != ADDRESS && !known(conn)).map(|(conn, _)| *conn);
        let new: Vec<_> = new.collect();
        let mut busy = !new.is_empty();
        for conn in new {
            if !self.bench.machine().view().stage.starts_with('s') {
                self.loops.push(Loop { ends: [conn, conn], carried: [usize::MAX; 2] });
                self.bench.closed(conn, Closed::Refused);
                continue;
            }
            let accepted = self.bench.accept("listener-0", "127.0.0.1");
            self.loops.push(Loop { ends: [conn, accepted], carried: [0, 0] });
            self.bench.opened(conn);
        }
        for index in 0..self.loops.len() {
            for from in 0..2 {
                let Loop { ends, carried } = &self.loops[index];
                let (from_end, to_end, carried) = (ends[from], ends[1 - from], carried[from]);
                let sent = self.bench.sent(from_end);
                for piece in sent.iter().skip(carried) {
                    busy = true;
                    self.bench.receive(to_end, piece.clone());
                }
                self.loops[index].carried[from] = carried.max(sent.len());
            }
        }
        busy
    }

    /// Produces one record with acks=all: the error it is answered with.
    fn produce(&mut self) -> i16 {
        let record = Record { timestamp: 0, key: None, value: Some("x".into()) };
        let partition = m::produce_request::PartitionProduceData::default()
            .with_records(Some(build(&[record])));
        let topic = m::produce_request::TopicProduceData::default()
            .with_name(m::TopicName("orders".to_owned().into()))
            .with_partition_data(vec![partition]);
        let body = m::ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(1_000)
            .with_topic_data(vec![topic]);
        let conn = self.bench.accept("listener-0", "somebody");
        self.bench.receive(conn, request_frame(&body.into(), 7, 0, "somebody"));
        self.run(100);
        let sent = self.bench.sent(conn).first().expect("it is answered").slice(4..);
        match response(sent, Api::Produce, 7) {
            Ok(Response::Produce(answer)) => answer.responses[0].partition_responses[0].error_code,
            other => panic!("a produce is answered by {other:?}"),
        }
    }

    /// The notes and exits since the last call, without those of the session.
    fn heard(&mut self) -> String {
        let text = self.bench.take();
        let lines = text.lines().filter(|line| line.starts_with("  * ") || line.contains("exits"));
        let of_session = |line: &&str| {
            ["asks #", "got #", "tries ", "has session", "watch"]
                .iter()
                .any(|word| line.contains(word))
        };
        lines.filter(|line| !of_session(line)).collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn the_first_broker_of_a_cluster_makes_its_tree_in_kafkas_order() {
    let mut played = Played::new(1, Preset::V2_3, &[("zookeeper.connect", "zk:2181/kafka01")]);
    played.boot(1_000);
    insta::assert_snapshot!("start", played.zookeeper.take());
    assert_eq!(played.zookeeper.znodes["/kafka01/brokers/ids/1"].1.version, 1);
    assert_eq!(played.bench.machine().view().stage, "serving");
    insta::assert_snapshot!("start_heard", played.heard());
}

#[test]
fn a_broker_with_the_endpoint_of_another_refuses_to_start() {
    let mut first = Played::new(1, Preset::V2_5, &[]);
    first.boot(1_000);
    let registered = first.zookeeper.text("/brokers/ids/1");
    let mut second =
        Played::new(2, Preset::V2_5, &[("advertised.listeners", "PLAINTEXT://127.0.0.1:9091")]);
    second.zookeeper = first.zookeeper;
    second.zookeeper.serves_another();
    second.zookeeper.take();
    second.boot(1_000);
    assert_eq!(second.zookeeper.take(), "session 2 ends", "it says goodbye at once");
    assert_eq!(second.zookeeper.text("/brokers/ids/1"), registered);
    insta::assert_snapshot!(second.heard());
}

#[test]
fn a_broker_that_comes_back_before_its_old_session_has_expired_refuses_to_start() {
    let mut played = Played::new(1, Preset::V2_5, &[]);
    played.zookeeper.put("/brokers", "", 0);
    played.zookeeper.put("/brokers/ids", "", 0);
    played.zookeeper.put("/brokers/ids/1", "{}", 77);
    played.boot(1_000);
    assert!(played.zookeeper.take().ends_with("session 1 ends"), "it says goodbye at once");
    assert!(played.bench.disk().files().contains_key("/data/.kafka_cleanshutdown"));
    insta::assert_snapshot!(played.heard());
}

#[test]
fn without_zookeeper_a_broker_gives_up() {
    let mut played = Played::new(1, Preset::V2_3, &[]);
    played.bench.boot();
    played.bench.advance(Duration::from_secs(60));
    assert_eq!(
        played.heard(),
        "  exits 1: Timed out waiting for connection while in state: CONNECTING\n  \
         * refuses to start: Timed out waiting for connection while in state: CONNECTING"
    );
}

#[test]
fn a_new_session_is_a_new_registration() {
    let mut played = Played::new(1, Preset::V2_5, &[]);
    played.boot(1_000);
    let before = played.bench.machine().view();
    played.zookeeper.take();
    played.heard();
    played.zookeeper.hang_up(&mut played.bench);
    played.zookeeper.expire(1);
    played.run(5_000);
    let after = played.bench.machine().view();
    assert!(after.registered > before.registered, "{after:?}");
    insta::assert_snapshot!(played.heard());
    insta::assert_snapshot!(played.zookeeper.take());
}

#[test]
fn a_broker_that_is_asked_to_stop_says_goodbye_to_everybody() {
    let mut played = Played::new(1, Preset::V2_3, &[]);
    played.boot(1_000);
    played.zookeeper.take();
    played.heard();
    played.bench.give(Input::Stop);
    played.run(1_000);
    insta::assert_snapshot!(played.heard());
    insta::assert_snapshot!(played.zookeeper.take());
}

#[test]
fn a_directory_of_another_broker_stays_that_brokers() {
    let mut played = Played::new(1, Preset::V2_5, &[]);
    let meta = *b"version=0\nbroker.id=2\n";
    played.bench.disk().put("/data/meta.properties", meta);
    played.boot(1_000);
    assert_eq!(played.bench.disk().files()["/data/meta.properties"], meta);
    insta::assert_snapshot!(played.heard());
}

#[test]
fn a_topic_has_its_settings_from_its_first_record_on() {
    let mut played = Played::new(1, Preset::V2_3, &[]);
    played.boot(1_000);
    let (zookeeper, bench) = (&mut played.zookeeper, &mut played.bench);
    let settings =
        |insync| format!(r#"{{"version":1,"config":{{"min.insync.replicas":"{insync}"}}}}"#);
    zookeeper.create("/config/topics/orders", &settings(2), bench);
    zookeeper.create("/brokers/topics/orders", r#"{"version":1,"partitions":{"0":[1]}}"#, bench);
    played.run(1_000);
    assert_eq!(played.bench.machine().view().leads, 1);
    assert_eq!(played.produce(), error::NOT_ENOUGH_REPLICAS);

    let (zookeeper, bench) = (&mut played.zookeeper, &mut played.bench);
    zookeeper.set("/config/topics/orders", &settings(1), bench);
    let change = r#"{"version":2,"entity_path":"topics/orders"}"#;
    zookeeper.create("/config/changes/config_change_0000000000", change, bench);
    played.run(100);
    assert_eq!(played.produce(), error::NONE);

    played.bench.give(Input::Stop);
    played.run(1_000);
    assert_eq!(played.bench.machine().view().stage, "dead");
}
