//! What a broker finds when it starts: after a clean stop, after a crash, after damage.

use broker::id::{LeaderEpoch, Offset};
use broker::log::LogError;
use broker::mechanism::Mutant;
use broker::note::Note;
use insta::assert_snapshot;

use crate::host::{EPOCH_MS, Home};
use crate::node::{Node, batch, config, partition};

const LOG: &str = "/data/t-0/00000000000000000000.log";

/// Three batches of two records in two epochs, killed without warning.
fn killed() -> Node {
    let mut node = Node::new(&[]);
    node.create("t");
    for (epoch, values) in [(0, ["a", "b"]), (0, ["c", "d"]), (2, ["e", "f"])] {
        node.append("t", &batch(EPOCH_MS, &values), epoch);
    }
    node.commit("t", 4);
    node.advance(machine::Duration::from_secs(6));
    node
}

#[test]
fn a_killed_process_loses_nothing_it_has_written() {
    let mut node = killed().restart();
    assert_snapshot!(node.said(), @"has opened 1 logs, recovered");
    let log = node.get("t");
    assert_eq!((log.start(), log.end()), (Offset(0), Offset(6)));
    assert_eq!(log.checkpointed_high_watermark(), Offset(4));
    assert_eq!(log.epochs(), [(LeaderEpoch(0), Offset(0)), (LeaderEpoch(2), Offset(4))]);
    // Nobody has synced it: it would be read again.
    assert_eq!(log.recovery_point(), Offset(0));
}

#[test]
fn torn_at_every_byte_the_whole_batches_before_are_left() {
    let whole = killed();
    let bytes = whole.file(LOG).to_vec();
    let batch_bytes = bytes.len() / 3;
    for cut in 0..bytes.len() {
        for torn in [&bytes[..cut], &[&bytes[..cut], &vec![0; bytes.len() - cut][..]].concat()] {
            let mut home = Home::new(1, 0);
            home.plates = whole.home.plates.clone();
            home.plates.kill();
            home.plates.cached.insert(LOG.to_owned(), torn.to_vec());
            let mut node = Node::on(home, config(&[], &[]));
            node.open();
            // A batch that ends with zeros may be whole although they were never written.
            let kept = node.file(LOG).len() / batch_bytes;
            assert!(kept == cut / batch_bytes || bytes.starts_with(node.file(LOG)), "at {cut}");
            let log = node.get("t");
            assert_eq!(log.end(), Offset(2 * kept as i64));
            assert!(log.epochs().iter().all(|(_, start)| *start < log.end()));
            assert!(log.checkpointed_high_watermark() <= log.end());
            node.append("t", &batch(EPOCH_MS, &["g"]), 3);
            assert_eq!(node.get("t").end(), Offset(2 * kept as i64 + 1));
        }
    }
}

#[test]
fn the_mutant_keeps_what_has_a_wrong_checksum() {
    let mut home = killed().home;
    home.plates.kill();
    let file = home.plates.cached.get_mut(LOG).expect("a log");
    *file.last_mut().expect("bytes") ^= 1;
    let mut honest = Home::new(1, 0);
    honest.plates = home.plates.clone();
    let mut node = Node::on(honest, config(&[], &[]));
    node.open();
    assert_eq!(node.get("t").end(), Offset(4));
    let mut node = Node::on(home, config(&[], &[Mutant::KeepsTornTail]));
    node.open();
    assert_eq!(node.get("t").end(), Offset(6));
}

/// Segments of two batches each: 0, 2, 4.
fn segmented() -> Node {
    let size = batch(EPOCH_MS, &["a"]).len();
    let mut node = Node::new(&[("log.segment.bytes", &(2 * size).to_string())]);
    node.create("t");
    for value in ["a", "b", "c", "d", "e"] {
        node.append("t", &batch(EPOCH_MS, &[value]), 0);
    }
    assert_eq!(node.get("t").segments().collect::<Vec<_>>(), [0, 2, 4].map(Offset));
    node
}

#[test]
fn damage_before_the_recovery_point_is_found_by_nobody() {
    let mut node = segmented();
    node.advance(machine::Duration::from_secs(31));
    assert_eq!(node.text("/data/recovery-point-offset-checkpoint"), "0\n1\nt 0 4\n");
    let file = node.home.plates.cached.get_mut(LOG).expect("a log");
    *file.last_mut().expect("bytes") ^= 1;
    let mut node = node.restart();
    assert_eq!(node.get("t").end(), Offset(5));
    // The leader serves it, the follower finds it.
    let records = node.read("t", 0, 10_000);
    let mut follower = Node::new(&[]);
    follower.create("t");
    let answer = follower.log("t", |log, cx| log.append_as_follower(&records, cx));
    assert_eq!(answer, Err(LogError::Corrupt));
    assert_snapshot!(follower.said(), @r"
    has opened 0 logs, recovered
    finds damaged records at t-0:1
    ");
    assert_eq!(follower.get("t").end(), Offset(0));
}

#[test]
fn damage_after_the_recovery_point_takes_all_later_segments_along() {
    let mut node = segmented();
    let path = "/data/t-0/00000000000000000002.log";
    let file = node.home.plates.cached.get_mut(path).expect("a log");
    *file.last_mut().expect("bytes") ^= 1;
    let node = node.restart();
    let log = node.get("t");
    assert_eq!(log.end(), Offset(3));
    assert_eq!(log.segments().collect::<Vec<_>>(), [0, 2].map(Offset));
    assert!(!node.listing("/data/t-0").contains("00000000000000000004.log"));
}

#[test]
fn a_segment_that_does_not_go_on_where_the_last_ends_is_not_believed() {
    let mut node = segmented();
    let file = node.home.plates.cached.get_mut("/data/t-0/00000000000000000002.log");
    file.expect("a log").clear();
    let node = node.restart();
    assert_eq!(node.get("t").end(), Offset(2));
    assert_eq!(node.get("t").segments().collect::<Vec<_>>(), [0, 2].map(Offset));
}

#[test]
fn after_a_clean_stop_nothing_is_checked_and_the_marker_goes() {
    let mut node = segmented();
    node.close();
    assert!(node.listing("/data").contains(".kafka_cleanshutdown"));
    let file = node.home.plates.cached.get_mut("/data/t-0/00000000000000000002.log");
    *file.expect("a log").last_mut().expect("bytes") ^= 1;
    let mut node = node.restart();
    assert_snapshot!(node.said(), @"has opened 1 logs, after a clean shutdown");
    assert_eq!((node.get("t").end(), node.get("t").recovery_point()), (Offset(5), Offset(5)));
    assert!(!node.listing("/data").contains(".kafka_cleanshutdown"));
}

#[test]
fn checkpoints_that_cannot_be_read_are_empty() {
    let mut node = killed();
    for name in ["replication-offset-checkpoint", "recovery-point-offset-checkpoint"] {
        node.home.plates.cached.insert(format!("/data/{name}"), b"0\n7\nt 0".to_vec());
    }
    node.home.plates.cached.insert("/data/t-0/leader-epoch-checkpoint".into(), b"\xff".to_vec());
    let node = node.restart();
    let log = node.get("t");
    assert_eq!((log.end(), log.checkpointed_high_watermark()), (Offset(6), Offset(0)));
    // The epochs are read from the batches.
    assert_eq!(log.epochs(), [(LeaderEpoch(0), Offset(0)), (LeaderEpoch(2), Offset(4))]);
}

#[test]
fn indexes_that_are_missing_or_nonsense_are_built_again() {
    let mut node = segmented();
    node.close();
    node.home.plates.cached.remove("/data/t-0/00000000000000000000.index");
    let times = "/data/t-0/00000000000000000002.timeindex";
    let before = node.file(times).to_vec();
    node.home.plates.cached.insert(times.to_owned(), vec![1; 13]);
    let mut node = node.restart();
    assert_eq!(node.file(times), before);
    assert_eq!(node.file("/data/t-0/00000000000000000000.index"), b"");
    assert_eq!(node.read("t", 1, 10_000).len(), batch(EPOCH_MS, &["a"]).len());
}

#[test]
fn recovery_goes_in_slices() {
    let mut node = Node::new(&[]);
    node.create("t");
    let large = "x".repeat(100_000);
    for _ in 0..35 {
        node.append("t", &batch(EPOCH_MS, &[&large]), 0);
    }
    node.home.plates.kill();
    let mut node = Node::on(node.home, node.config);
    node.play(|logs, cx| logs.open(&Default::default(), cx));
    let mut slices = 0;
    while node.events.is_empty() {
        assert!(node.step());
        slices += 1;
    }
    // 3.5 MB, a bit less than 1 MiB at a time, and what is before and after.
    assert_eq!(slices, 4 + 7);
    let Some(Note::LogsOpened { clean: false, replicas }) = node.notes.last() else {
        panic!("{:?}", node.notes);
    };
    let found = &replicas[0];
    assert_eq!(found.partition, partition("t"));
    assert_eq!((found.end, found.recovery_point), (Offset(35), Offset(0)));
}
