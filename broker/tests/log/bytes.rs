//! What lies on the disk, byte for byte as brokers of 2.3 and 2.5 leave it.

use broker::id::Offset;
use broker::wire::batch::{Record, build};
use bytes::Bytes;
use insta::assert_snapshot;

use crate::node::{Node, batch};

fn unhex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(pair, 16).expect("hexadecimal")
    };
    digits.chunks(2).map(byte).collect()
}

/// Three keyed records as a console producer sent them.
const KEYED: &str = "
    0000 0000 0000 0000 0000 005b 0000 0000 02f7 ebe2 5a00 0000 0000 0200 0001 a1fb
    01a8 6e00 0001 a1fb 01a8 74ff ffff ffff ffff ffff ffff ffff ff00 0000 031a 0000
    0004 6b31 0a68 656c 6c6f 001a 000c 0204 6b32 0a77 6f72 6c64 001a 000c 0404 6b33
    0a6b 6166 6b61 00";

/// Five records compressed by a client, as they are sent.
const GZIP: &str = "
    0000 0000 0000 0000 0000 0066 ffff ffff 02 6573 eeb8 0001 0000 0004 0000 01a1 fb01 d501 0000
    01a1 fb01 d50e ffff ffff ffff ffff ffff ffff ffff 0000 0005 1f8b 0800 0000 0000 00ff e363 6060
    6064 4a64 e063 9062 6264 4a02 d12c 8c4c c920 9a8d 9129 0544 7330 32a5 3200 0067 2b9b 6928 0000
    00";

/// The topic `t10` after 11 records in five batches.
fn t10() -> Node {
    let mut node = Node::new(&[]);
    node.create("t10");
    node.append("t10", &unhex(KEYED), 0);
    for value in ["m0", "m1", "m2"] {
        node.append("t10", &batch(1_795_212_560_000, &[value]), 0);
    }
    node.append("t10", &unhex(GZIP), 0);
    node.commit("t10", 11);
    node.settle();
    node
}

#[test]
fn a_batch_lies_there_as_it_was_sent_but_for_offset_and_epoch() {
    let mut node = Node::new(&[]);
    node.create("t10");
    // A producer does not know the epoch.
    let mut sent = unhex(KEYED).to_vec();
    sent[12..16].copy_from_slice(&[0xff; 4]);
    let records = [("k1", "hello", 302), ("k2", "world", 308), ("k3", "kafka", 308)];
    let record = |(key, value, ms): &(&'static str, &'static str, i64)| Record {
        timestamp: 1_795_212_552_000 + ms,
        key: Some(Bytes::from_static(key.as_bytes())),
        value: Some(Bytes::from_static(value.as_bytes())),
    };
    assert_eq!(build(&records.each_ref().map(record)), sent);
    node.append("t10", &sent.into(), 0);
    assert_eq!(node.file("/data/t10-0/00000000000000000000.log"), unhex(KEYED));
    node.append("t10", &unhex(KEYED), 7);
    let second = &node.file("/data/t10-0/00000000000000000000.log")[103..];
    assert_eq!(second[..16], unhex("0000 0000 0000 0003 0000 005b 0000 0007")[..]);
    assert_eq!(second[16..], unhex(KEYED)[16..]);
}

#[test]
fn a_directory_while_open_and_after_a_clean_stop() {
    let mut node = t10();
    assert_snapshot!(node.shown("t10"), @r"
    00000000000000000000.index 10485760
    00000000000000000000.log 427
    00000000000000000000.timeindex 10485756
    leader-epoch-checkpoint 8
    ");
    node.close();
    assert_snapshot!(node.listing("/data"), @r"
    .kafka_cleanshutdown 0
    .lock 0
    cleaner-offset-checkpoint 4
    log-start-offset-checkpoint 4
    recovery-point-offset-checkpoint 13
    replication-offset-checkpoint 13
    t10-0/00000000000000000000.index 0
    t10-0/00000000000000000000.log 427
    t10-0/00000000000000000000.timeindex 12
    t10-0/00000000000000000011.snapshot 10
    t10-0/leader-epoch-checkpoint 8
    ");
    assert_eq!(node.text("/data/t10-0/leader-epoch-checkpoint"), "0\n1\n0 0\n");
    // Of a compressed batch the last offset stands for the largest timestamp.
    let times = node.file("/data/t10-0/00000000000000000000.timeindex");
    assert_eq!(times, unhex("0000 01a1 fb01 d50e 0000 000a"));
    let snapshot = node.file("/data/t10-0/00000000000000000011.snapshot");
    assert_eq!(snapshot, unhex("0001 4867 4bc7 0000 0000"));
}

#[test]
fn checkpoints_and_meta_properties_are_text() {
    let mut node = t10();
    let meta = [("broker.id".to_owned(), "1".to_owned())].into();
    node.play(|logs, cx| logs.write_meta(&meta, cx));
    node.advance(machine::Duration::from_secs(61));
    assert_eq!(node.text("/data/replication-offset-checkpoint"), "0\n1\nt10 0 11\n");
    assert_eq!(node.text("/data/recovery-point-offset-checkpoint"), "0\n1\nt10 0 0\n");
    assert_eq!(node.text("/data/log-start-offset-checkpoint"), "0\n0\n");
    assert_eq!(node.text("/data/cleaner-offset-checkpoint"), "0\n0\n");
    assert_snapshot!(node.text("/data/meta.properties"), @r"
    #
    #Fri Nov 20 22:08:20 UTC 2026
    broker.id=1
    version=0
    ");
    let node = node.restart();
    assert_eq!(node.logs.meta().get("broker.id").map(String::as_str), Some("1"));
}

/// 4000 records of 1000 bytes, 16 in a batch.
fn four_segments() -> Node {
    let mut node = Node::new(&[("log.segment.bytes", "1048576")]);
    node.create("t11");
    for number in 0..250 {
        let record = |index: i64| Record {
            timestamp: 1_795_212_571_600 + number / 3 * 3 + i64::from(index > 2),
            key: None,
            value: Some(Bytes::from_static(&[b'x'; 1000])),
        };
        let batch = build(&(0..16).map(record).collect::<Vec<_>>());
        assert_eq!(batch.len(), 16205);
        node.append("t11", &batch, 0);
    }
    node.commit("t11", 4000);
    node.settle();
    node
}

#[test]
fn segments_and_indexes_of_four_thousand_records() {
    let mut node = four_segments();
    assert_snapshot!(node.shown("t11"), @r"
    00000000000000000000.index 504
    00000000000000000000.log 1037120
    00000000000000000000.timeindex 264
    00000000000000001024.index 504
    00000000000000001024.log 1037120
    00000000000000001024.snapshot 10
    00000000000000001024.timeindex 264
    00000000000000002048.index 504
    00000000000000002048.log 1037120
    00000000000000002048.snapshot 10
    00000000000000002048.timeindex 252
    00000000000000003072.index 10485760
    00000000000000003072.log 939890
    00000000000000003072.snapshot 10
    00000000000000003072.timeindex 10485756
    leader-epoch-checkpoint 8
    ");
    let index = node.file("/data/t11-0/00000000000000000000.index");
    assert_eq!(index[..16], unhex("0000 001f 0000 3f4d 0000 002f 0000 7e9a")[..]);
    // The record with the largest timestamp, in the middle of a batch; the first batch has no entry.
    let times = node.file("/data/t11-0/00000000000000000000.timeindex");
    assert_eq!(times[..12], unhex("0000 01a1 fb01 f3d1 0000 0003")[..]);
    assert_eq!(node.get("t11").recovery_point(), Offset(3072));
    node.close();
    assert_snapshot!(node.listing("/data/t11-0"), @r"
    00000000000000000000.index 504
    00000000000000000000.log 1037120
    00000000000000000000.timeindex 264
    00000000000000001024.index 504
    00000000000000001024.log 1037120
    00000000000000001024.timeindex 264
    00000000000000002048.index 504
    00000000000000002048.log 1037120
    00000000000000002048.snapshot 10
    00000000000000002048.timeindex 252
    00000000000000003072.index 456
    00000000000000003072.log 939890
    00000000000000003072.snapshot 10
    00000000000000003072.timeindex 240
    00000000000000004000.snapshot 10
    leader-epoch-checkpoint 8
    ");
    let node = node.restart();
    assert!(node.shown("t11").contains("00000000000000003072.index 10485760\n"));
    assert_eq!(node.get("t11").end(), Offset(4000));
}

#[test]
fn snapshots_before_the_last_segments_go_when_the_recovery_point_is_checkpointed() {
    let mut node = four_segments();
    node.advance(machine::Duration::from_secs(31));
    assert_eq!(node.text("/data/recovery-point-offset-checkpoint"), "0\n1\nt11 0 3072\n");
    let names: Vec<String> = node.get("t11").files().into_iter().map(|(name, _)| name).collect();
    let snapshots = names.iter().filter(|name| name.ends_with(".snapshot"));
    assert_eq!(
        snapshots.collect::<Vec<_>>(),
        ["00000000000000002048.snapshot", "00000000000000003072.snapshot"]
    );
}

#[test]
fn what_a_follower_has_is_what_its_leader_has() {
    let mut leader = four_segments();
    let mut follower = Node::new(&[("log.segment.bytes", "1048576")]);
    follower.create("t11");
    let mut at = 0;
    while at < 4000 {
        let records = leader.read("t11", at, 1_000_000);
        let appended = follower.log("t11", |log, cx| log.append_as_follower(&records, cx));
        at = appended.expect("good batches").expect("some").last.0 + 1;
    }
    for base in [0, 1024, 2048, 3072] {
        let path = format!("/data/t11-0/{base:020}.log");
        assert!(leader.file(&path) == follower.file(&path), "{path}");
    }
    assert_eq!(follower.get("t11").epochs(), leader.get("t11").epochs());
}
