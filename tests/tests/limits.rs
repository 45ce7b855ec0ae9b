//! No bytes a stranger can send or write make a parser panic or take memory without bound: everything that reads is given
//! arbitrary and half-right bytes under a limit on the whole process's memory. Above the limit an allocation fails, and the
//! process with it.

use std::alloc::System;

use bytes::Bytes;
use cap::Cap;
use coordinator::config::Config;
use coordinator::mechanism::{Mechanisms, Preset};
use coordinator::node::Coordinator;
use coordinator::txn::Record;
use coordinator::wire::client::{
    ConnectRequest, ConnectResponse, Request, RequestHeader, Response,
};
use coordinator::wire::peer::PeerStream;
use coordinator::wire::vote::VoteStream;
use machine::Frames;
use machine::transcript::Bench;
use proptest::prelude::*;
use scenarios::import::{Source, cluster_of};
use scenarios::script;

/// What the whole process may hold. One buffer of an announced 2 GiB would break it, as would a vector of as many items.
const LIMIT: usize = 256 * 1024 * 1024;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, LIMIT);

/// Bytes as an attacker would write them: noise, with great lengths and small numbers where structure is expected.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        any::<[u8; 4]>(),
        Just([0x7f, 0xff, 0xff, 0xff]),
        Just([0xff; 4]),
        Just([0x40, 0, 0, 0]),
        Just([0, 0, 0, 14]),
        (0u8..20).prop_map(|small| [0, 0, 0, small]),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn the_client_protocol_is_safe(bytes in hostile(), opcode in -12i32..110) {
        let bytes = Bytes::from(bytes);
        // Whether they parse does not matter here: that they come back does.
        drop(ConnectRequest::decode(bytes.clone()));
        drop(ConnectResponse::decode(bytes.clone()));
        drop(RequestHeader::split(bytes.clone()));
        drop(Request::decode(opcode, bytes.clone()));
        drop(Response::decode(opcode, bytes.clone()));
        let mut frames = Frames::new(0xf_ffff);
        frames.push(&bytes);
        while let Ok(Some(_)) = frames.take() {}
    }

    #[test]
    fn the_server_protocols_are_safe(bytes in hostile()) {
        let bytes = Bytes::from(bytes);
        drop(Record::decode(bytes.clone()));
        let mut packets = PeerStream::new();
        packets.push(&bytes);
        while let Ok(Some(_)) = packets.take() {}
        let mut votes = VoteStream::new();
        votes.push(&bytes);
        drop(votes.take_greeting());
        while let Ok(Some(_)) = votes.take() {}
    }

    #[test]
    fn a_served_port_is_safe(pieces in prop::collection::vec(hostile(), 1..5)) {
        let mut bench = Bench::new(Coordinator::new(standalone()));
        bench.boot().advance(machine::Duration::from_secs(1));
        for piece in pieces {
            let conn = bench.accept("client", "10.0.0.1");
            if !piece.is_empty() {
                bench.receive(conn, piece);
            }
        }
    }

    #[test]
    fn files_a_server_finds_are_safe(log in hostile(), snapshot in hostile(), epoch in hostile()) {
        let mut bench = Bench::new(Coordinator::new(standalone()));
        let with_head = |head: &[u8], body: Vec<u8>| [head, &body].concat();
        let log = with_head(b"ZKLG\0\0\0\x02\0\0\0\0\0\0\0\0", log);
        let snapshot = with_head(b"ZKSN\0\0\0\x02\xff\xff\xff\xff\xff\xff\xff\xff", snapshot);
        bench.disk().put("/data/version-2/log.1", log);
        bench.disk().put("/data/version-2/snapshot.1", snapshot);
        bench.disk().put("/data/version-2/acceptedEpoch", epoch);
        bench.boot().advance(machine::Duration::from_secs(1));
    }

    #[test]
    fn files_a_person_writes_are_safe(text in "\\PC{0,200}", bytes in hostile()) {
        for text in [text, String::from_utf8_lossy(&bytes).into_owned()] {
            drop(script::parse(&text, "scenario.toml"));
            let named = |name: &str| Source { name: name.to_owned(), text: text.clone() };
            drop(cluster_of(&[named("docker-compose.yml")]));
            drop(cluster_of(&[named("zoo.cfg")]));
        }
    }
}

#[test]
fn the_limit_limits() {
    assert!(MEMORY.limit() == LIMIT && MEMORY.allocated() < LIMIT / 4, "{}", MEMORY.allocated());
}

fn standalone() -> Config {
    let settings = [("dataDir", "/data"), ("clientPort", "2181")];
    let settings: Vec<_> =
        settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let (preset, mechanisms) = (Preset::Fixed, Mechanisms::default());
    Config::from_properties(&settings, None, preset, mechanisms).expect("a good configuration").0
}
