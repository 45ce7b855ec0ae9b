//! The files of a broker, while it runs and after a clean stop: names, sizes, and what is in them.

use std::collections::{BTreeMap, BTreeSet};

use crate::played::{Played, scenario, shown};

/// A small topic in one segment, and 4000 records of 1000 bytes in segments of 1 MiB.
fn producing(end: &str) -> String {
    let topics = r#"topics = [
      { name = "t10", partitions = 1, replication-factor = 3, replicas = [[1, 2, 3]] },
      { name = "t06", partitions = 1, replication-factor = 3, replicas = [[1, 2, 3]], config = { "segment.bytes" = "1048576" } },
    ]"#;
    let rest = format!(
        r#"
[[clients]]
id      = "few"
produce = {{ topic = "t10", every = "100ms", records = 3, bytes = 5, acks = "all", batches = 4 }}

[[clients]]
id      = "many"
produce = {{ topic = "t06", every = "10ms", records = 16, bytes = 1000, acks = "all", batches = 250 }}
{end}
"#
    );
    scenario(3, 30, topics, &rest)
}

const STOP: &str = r#"
[timeline]
steps = [{ id = "stop", at = "18s", do = "stop", nodes = "kafka-1" }]
"#;

fn sizes(files: &[(&str, u64)]) -> BTreeMap<String, u64> {
    files.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
}

/// The length of a batch of three records of five bytes without keys.
const BATCH: u64 = 61 + 3 * 12;

#[test]
fn files_while_a_broker_runs() {
    let played = Played::of(&producing(""), 1);
    for broker in ["kafka-1", "kafka-2", "kafka-3"] {
        let expected = sizes(&[
            ("00000000000000000000.index", 10_485_760),
            ("00000000000000000000.log", 4 * BATCH),
            ("00000000000000000000.timeindex", 10_485_756),
            ("leader-epoch-checkpoint", 8),
        ]);
        assert_eq!(shown(&played, broker, "t10"), expected, "{broker}");
        assert_eq!(played.text(broker, "t10-0/leader-epoch-checkpoint"), "0\n1\n0 0\n");
        let log = "t10-0/00000000000000000000.log";
        assert_eq!(played.file(broker, log), played.file("kafka-1", log), "byte by byte");
        check_segments(&played, broker);
        let active = sizes(&[
            ("00000000000000003072.index", 10_485_760),
            ("00000000000000003072.timeindex", 10_485_756),
        ]);
        let files = shown(&played, broker, "t06");
        assert!(active.iter().all(|(name, size)| files.get(name) == Some(size)), "{files:?}");
        assert!(!played.files(broker, "").contains_key(".kafka_cleanshutdown"));
    }
    check_batch(&played);
}

/// Segments are full when a 65th batch would pass 1 MiB; the first batch of each has no index entry.
fn check_segments(played: &Played, broker: &str) {
    let files = played.files(broker, "t06-0/");
    let logs: Vec<_> = files.iter().filter(|(name, _)| name.ends_with(".log")).collect();
    let expected = sizes(&[
        ("00000000000000000000.log", 1_037_120),
        ("00000000000000001024.log", 1_037_120),
        ("00000000000000002048.log", 1_037_120),
        ("00000000000000003072.log", 939_890),
    ]);
    assert_eq!(logs, expected.iter().collect::<Vec<_>>());
    for base in ["0000", "1024", "2048"] {
        assert_eq!(files[&format!("0000000000000000{base}.index")], 504, "{broker}");
    }
    let index = played.file(broker, "t06-0/00000000000000000000.index").expect("it is there");
    assert_eq!(index[..16], [0, 0, 0, 0x1f, 0, 0, 0x3f, 0x4d, 0, 0, 0, 0x2f, 0, 0, 0x7e, 0x9a]);
}

/// The first batch on the disk is as the producer made it, stamped with its offset and its leader's epoch.
fn check_batch(played: &Played) {
    let log = played.file("kafka-2", "t10-0/00000000000000000000.log").expect("it is there");
    let batch = &log[..usize::try_from(BATCH).expect("it is small")];
    assert_eq!(batch[..17], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 85, 0, 0, 0, 0, 2]);
    assert_eq!(batch[21..27], [0, 0, 0, 0, 0, 2], "CreateTime, not compressed, offsets to +2");
    assert!(batch[43..57].iter().all(|byte| *byte == 0xff), "no producer id");
    assert_eq!(batch[57..61], [0, 0, 0, 3]);
    for (number, record) in (0u8..).zip(batch[61..].chunks(12)) {
        assert_eq!(record[..3], [0x16, 0, 0], "11 bytes, no attributes, the first one's time");
        assert_eq!(record[3..6], [2 * number, 1, 10], "its offset, no key, five bytes");
        assert_eq!(record[11], 0, "no headers");
    }
    let stored = u32::from_be_bytes([batch[17], batch[18], batch[19], batch[20]]);
    assert_eq!(broker::wire::batch::Header::read(batch).map(|header| header.crc), Ok(stored));
    assert!(broker::wire::batch::is_whole(batch));
    let second = &log[batch.len()..];
    assert_eq!(second[..8], [0, 0, 0, 0, 0, 0, 0, 3]);
}

#[test]
fn files_after_a_clean_stop() {
    let played = Played::of(&producing(STOP), 1);
    let broker = "kafka-1";
    let own = sizes(&[
        (".kafka_cleanshutdown", 0),
        (".lock", 0),
        ("cleaner-offset-checkpoint", 4),
        ("log-start-offset-checkpoint", 4),
        ("meta.properties", 0),
        ("recovery-point-offset-checkpoint", 0),
        ("replication-offset-checkpoint", 0),
    ]);
    let files = played.files(broker, "");
    assert_eq!(files.keys().collect::<Vec<_>>(), own.keys().collect::<Vec<_>>());
    for empty in [".kafka_cleanshutdown", ".lock"] {
        assert_eq!(files[empty], 0);
    }
    check_checkpoints(&played);
    let expected = sizes(&[
        ("00000000000000000000.index", 0),
        ("00000000000000000000.log", 4 * BATCH),
        ("00000000000000000000.timeindex", 12),
        ("00000000000000000012.snapshot", 10),
        ("leader-epoch-checkpoint", 8),
    ]);
    assert_eq!(played.files(broker, "t10-0/"), expected);
    let snapshot = played.file(broker, "t10-0/00000000000000000012.snapshot").expect("it is there");
    assert_eq!(snapshot, [0, 1, 0x48, 0x67, 0x4b, 0xc7, 0, 0, 0, 0]);
    check_segments(&played, broker);
    let files = played.files(broker, "t06-0/");
    assert_eq!(files["00000000000000003072.index"], 456);
    assert_eq!(files["00000000000000003072.timeindex"] % 12, 0);
    assert!(files["00000000000000003072.timeindex"] < 1_000);
    let snapshots = files.keys().filter_map(|name| name.strip_suffix(".snapshot"));
    let offsets: Vec<u64> = snapshots.map(|name| name.parse().expect("a number")).collect();
    assert_eq!(offsets, [2048, 3072, 4000]);
}

/// Both offsets of both partitions, in any order, and nothing where nothing was deleted.
fn check_checkpoints(played: &Played) {
    let broker = "kafka-1";
    for name in ["replication-offset-checkpoint", "recovery-point-offset-checkpoint"] {
        let text = played.text(broker, name);
        let mut lines: Vec<_> = text.lines().collect();
        lines[2..].sort_unstable();
        assert_eq!(lines, ["0", "2", "t06 0 4000", "t10 0 12"], "{name}");
        assert!(text.ends_with('\n'));
    }
    assert_eq!(played.text(broker, "log-start-offset-checkpoint"), "0\n0\n");
    assert_eq!(played.text(broker, "cleaner-offset-checkpoint"), "0\n0\n");
    let text = played.text(broker, "meta.properties");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!([lines[0], lines[2], lines[3]], ["#", "broker.id=1", "version=0"]);
    // EEE MMM dd HH:mm:ss zzz yyyy
    let words: Vec<_> = lines[1].trim_start_matches('#').split(' ').collect();
    assert_eq!(words.iter().map(|word| word.len()).collect::<Vec<_>>(), [3, 3, 2, 8, 3, 4]);
    assert_eq!(lines.len(), 4);
}

#[test]
fn deleted_replicas_stay_for_a_while_under_another_name() {
    let story = r#"
[timeline]
steps = [
  { id = "make", at = "8s", do = "create-topic", topic = "bs-test", partitions = 1, replication-factor = 2, replicas = [[2, 3]], expect-exit = 0 },
  { id = "drop", at = "10s", do = "delete-topic", topic = "bs-test", expect-exit = 0 },
]
"#;
    let played = Played::of(&scenario(3, 20, "", story), 1);
    let mut ids = BTreeSet::new();
    for broker in ["kafka-2", "kafka-3"] {
        let files = played.stage.world.files(played.stage.nodes[broker]);
        let mut directories: Vec<_> = files
            .filter_map(|(path, _)| path.strip_prefix("/kafka/")?.split_once('/'))
            .map(|(directory, _)| directory.to_owned())
            .collect();
        directories.dedup();
        assert_eq!(directories.len(), 1, "{directories:?}");
        let name = directories[0].strip_prefix("bs-test-0.").expect("it keeps its name");
        let id = name.strip_suffix("-delete").expect("and is marked");
        assert!(id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
        ids.insert(id.to_owned());
    }
    assert_eq!(ids.len(), 2, "every replica draws its own");
}
