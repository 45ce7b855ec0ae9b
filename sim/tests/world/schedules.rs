//! Any schedule of faults: the world never panics, streams are FIFO, what arrives is a prefix of
//! what was sent, and disks keep what they promised.

use std::collections::BTreeMap;

use bytes::{BufMut, BytesMut};
use machine::{Conn, Context, Duration, Input, Instant, Machine};
use proptest::prelude::*;
use sim::world::{ClockFault, DiskFault, Fault, HostId, HostSpec, NodeId, Output, Step, World};

use crate::toys::Said;

/// Talks to everybody all the time, keeps a log, and is never wrong about it.
struct Chatter {
    me: u64,
    incarnation: u64,
    streams: BTreeMap<Conn, u64>,
    next: Instant,
    logged: u64,
}

const LOG: &str = "/log";

impl Chatter {
    fn log(&mut self, cx: &mut Context<'_, Said>) {
        let Ok(len) = cx.disk().len(LOG).or_else(|error| match error {
            machine::DiskError::NotFound => Ok(0),
            other => Err(other),
        }) else {
            return;
        };
        let bytes: Vec<u8> = (len..len + 40).map(|place| (place * 31) as u8).collect();
        if cx.disk().append(LOG, &bytes).is_ok() {
            self.logged = len + 40;
        }
        if cx.chance("sync").one_in(1, 3) {
            cx.disk().sync(LOG);
        }
    }

    fn talk(&mut self, cx: &mut Context<'_, Said>) {
        let conns: Vec<Conn> = self.streams.keys().copied().collect();
        for conn in conns {
            if cx.is_full(conn) {
                continue;
            }
            let mut piece = BytesMut::new();
            let said = self.streams[&conn];
            if said == 0 {
                piece.put_u64(self.me << 48 | self.incarnation << 24 | conn.0);
            }
            let length = cx.chance("length").between(1, 3_000);
            piece.extend((said..said + length).map(|place| (place * 7) as u8));
            self.streams.insert(conn, said + length);
            cx.send(conn, piece);
            match cx.chance("end").below(40) {
                0 => cx.close(conn),
                1 => cx.abort(conn),
                _ => continue,
            }
            self.streams.remove(&conn);
        }
        if self.streams.len() < 6 {
            let to = ["x:1", "y:1", "z:1", "localhost:1"][cx.chance("whom").below(4) as usize];
            cx.dial(to);
        }
    }
}

impl Machine for Chatter {
    type Note = Said;
    type View = ();

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Said>) {
        match input {
            Input::Booted => {
                if let Ok(bytes) = cx.disk().read(LOG, 0, usize::MAX) {
                    let right = |(place, byte): (usize, &u8)| *byte == (place * 31) as u8;
                    assert!(bytes.iter().enumerate().all(right), "the log is not what was written");
                }
                let _taken = cx.listen("chat", "0.0.0.0:1");
            }
            Input::Opened { conn, .. } => drop(self.streams.insert(conn, 0)),
            Input::Closed { conn, .. } => drop(self.streams.remove(&conn)),
            Input::Received { conn, .. } => {
                assert!(self.streams.contains_key(&conn), "bytes on a stream that is not open");
            }
            Input::Stop => cx.exit(0, "asked to"),
            _ => {}
        }
        if cx.now() >= self.next {
            self.next = cx.now() + Duration::from_millis(cx.chance("when").between(10, 200));
            self.talk(cx);
            self.log(cx);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        Some(self.next)
    }

    fn view(&self) {}
}

/// Folds steps: what was sent and what arrived, by stream.
#[derive(Default)]
struct Ears {
    sent: BTreeMap<u64, Vec<u8>>,
    heard: BTreeMap<u64, Vec<u8>>,
}

impl Ears {
    fn key(step: &Step<Said>, conn: Conn) -> u64 {
        u64::from(step.node.0) << 48 | step.incarnation << 24 | conn.0
    }

    fn see(&mut self, step: &Step<Said>) {
        assert_eq!(step.panicked, None);
        if let Input::Received { conn, bytes } = &step.input {
            let heard = self.heard.entry(Self::key(step, *conn)).or_default();
            let from = heard.len();
            heard.extend_from_slice(bytes);
            // A stream begins with the name of its speaker; a split piece may hold half of it.
            if let Some(speaker) = heard.first_chunk() {
                let sent = &self.sent[&u64::from_be_bytes(*speaker)];
                assert!(heard.len() <= sent.len(), "more arrived than was sent");
                assert_eq!(heard[from..], sent[from..heard.len()], "not what was sent");
            }
        }
        for output in &step.outputs {
            if let Output::Sent { conn, bytes } = output {
                let sent = self.sent.entry(Self::key(step, *conn)).or_default();
                sent.extend_from_slice(bytes);
            }
        }
    }
}

/// Four nodes on three hosts: two of them share one.
fn village(seed: u64) -> World<Chatter> {
    let mut world = World::new(seed);
    let hosts = ["x", "y", "z"].map(|name| world.add_host(HostSpec::simple(name)));
    for (me, host) in [hosts[0], hosts[1], hosts[2], hosts[2]].into_iter().enumerate() {
        let node = world.add_node(&format!("n{me}"), host, move |birth| Chatter {
            me: me as u64,
            incarnation: birth.incarnation,
            streams: BTreeMap::new(),
            next: Instant::ZERO,
            logged: 0,
        });
        world.apply(&Fault::Boot { node });
    }
    world
}

fn play(seed: u64, plan: &[(u64, Fault)]) -> (u64, u64) {
    let mut world = village(seed);
    let mut ears = Ears::default();
    let mut promised = BTreeMap::new();
    for (pause, fault) in plan {
        let at = world.now() + Duration::from_millis(*pause);
        while let Some(step) = world.step_until(at) {
            ears.see(step);
        }
        world.advance_to(at);
        for node in world.nodes() {
            promised.insert(node, world.durable_len(node, LOG).unwrap_or(0));
        }
        world.apply(fault);
        for node in world.nodes() {
            let len = world.files(node).find(|(path, _)| *path == LOG).map_or(0, |(_, len)| len);
            let wiped = matches!(fault, Fault::Wipe { node: wiped } if *wiped == node);
            assert!(wiped || len >= promised[&node], "a promise was broken by {fault:?}");
        }
    }
    (world.fingerprint(), world.events())
}

fn any_disk_fault() -> impl Strategy<Value = DiskFault> {
    prop_oneof![
        Just(DiskFault::Stall),
        Just(DiskFault::Resume),
        (0..5_000u64).prop_map(|free_bytes| DiskFault::Full { free_bytes }),
        Just(DiskFault::Freed),
        Just(DiskFault::FailWrites),
        Just(DiskFault::FailSyncs),
        Just(DiskFault::Mend),
        any::<bool>().prop_map(DiskFault::LyingSync),
        any::<bool>().prop_map(DiskFault::LoseRenames),
    ]
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let node = || (0..4u32).prop_map(NodeId);
    let pair = || ((0..3u32).prop_map(HostId), (0..3u32).prop_map(HostId));
    let span = |top: u64| (0..top).prop_map(Duration::from_micros);
    prop_oneof![
        1 => node().prop_map(|node| Fault::Kill { node }),
        1 => node().prop_map(|node| Fault::Stop { node }),
        1 => node().prop_map(|node| Fault::Pause { node }),
        1 => node().prop_map(|node| Fault::Resume { node }),
        1 => node().prop_map(|node| Fault::Wipe { node }),
        3 => node().prop_map(|node| Fault::Restart { node }),
        1 => (0..3u32).prop_map(|host| Fault::PowerLoss { host: HostId(host) }),
        2 => pair().prop_map(|(from, to)| Fault::Cut { from, to }),
        2 => pair().prop_map(|(from, to)| Fault::Heal { from, to }),
        1 => Just(Fault::HealAll),
        1 => (pair(), span(400_000), span(900_000))
            .prop_map(|((from, to), low, high)| Fault::Latency { from, to, low, high }),
        1 => (pair(), 0..1_000_001u32)
            .prop_map(|((from, to), per_million)| Fault::Loss { from, to, per_million }),
        1 => (pair(), 0..200_000u64).prop_map(|((from, to), bytes_per_second)| Fault::Bandwidth {
            from,
            to,
            bytes_per_second
        }),
        1 => (node(), span(5_000), 0..5_000u64).prop_map(|(node, per_input, per_byte_nanos)| {
            Fault::ServiceTime { node, per_input, per_byte_nanos }
        }),
        3 => (node(), any_disk_fault()).prop_map(|(node, fault)| Fault::Disk { node, fault }),
        1 => (node(), -900_000..900_000i64)
            .prop_map(|(node, ppm)| Fault::Clock { node, change: ClockFault::Drift { ppm } }),
        1 => (node(), any::<i32>()).prop_map(|(node, micros)| Fault::Clock {
            node,
            change: ClockFault::Step { micros: micros.into() }
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_schedule_of_faults_is_survived(
        seed in any::<u64>(),
        plan in prop::collection::vec((0..2_000u64, any_fault()), 1..30),
    ) {
        let first = play(seed, &plan);
        prop_assert_eq!(first, play(seed, &plan), "the same again");
    }
}

#[test]
fn faults_are_plain_data() {
    let fault = Fault::Disk { node: NodeId(3), fault: DiskFault::Full { free_bytes: 7 } };
    let text = serde_json::to_string(&fault).expect("plain data");
    assert_eq!(text, r#"{"do":"disk","node":3,"fault":{"full":{"free_bytes":7}}}"#);
    let back: Fault = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(back, fault);
}
