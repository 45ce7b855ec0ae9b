//! What happens by itself: checkpoints, flushes, retention, deletion.

use broker::config::TopicConfig;
use broker::id::Offset;
use broker::mechanism::Mutant;
use broker::note::{Checkpoint, Note};
use insta::assert_snapshot;
use machine::Duration;

use crate::host::{EPOCH_MS, Home};
use crate::node::{Node, batch, config, partition};

/// A log with segments 0, 1, 2, one record each, of a topic with these settings.
fn three(change: impl FnOnce(&mut TopicConfig)) -> Node {
    let mut node = Node::new(&[]);
    let mut config = node.config.topic_defaults.clone();
    config.segment_bytes = batch(EPOCH_MS, &["a"]).len() as u32;
    change(&mut config);
    node.create_with("t", &config);
    for value in ["a", "b", "c"] {
        node.append("t", &batch(EPOCH_MS, &[value]), 0);
    }
    node.settle();
    node.said();
    node
}

fn checkpoints(node: &Node, which: Checkpoint) -> Vec<i64> {
    let said = node.notes.iter().filter_map(|note| match note {
        Note::Checkpointed { what, offsets } if *what == which => Some(offsets[0].1.0),
        _ => None,
    });
    said.collect()
}

#[test]
fn checkpoints_come_at_their_intervals() {
    let mut node = three(|_| {});
    node.commit("t", 2);
    node.advance(Duration::from_secs(95));
    assert_eq!(checkpoints(&node, Checkpoint::HighWatermark), vec![2; 19]);
    assert_eq!(checkpoints(&node, Checkpoint::RecoveryPoint), [2, 2]);
}

#[test]
fn the_recovery_point_moves_when_the_disk_has_answered() {
    let mut node = Node::new(&[]);
    let mut config = node.config.topic_defaults.clone();
    config.segment_bytes = batch(EPOCH_MS, &["a"]).len() as u32;
    node.create_with("t", &config);
    for value in ["a", "b", "c"] {
        node.append("t", &batch(EPOCH_MS, &[value]), 0);
    }
    assert_eq!(node.get("t").recovery_point(), Offset(0));
    node.settle();
    assert_eq!(node.get("t").recovery_point(), Offset(2));
}

#[test]
fn every_message_can_be_flushed() {
    let mut node = three(|config| config.flush_messages = Some(1));
    assert_eq!(node.get("t").recovery_point(), Offset(3));
    node.append("t", &batch(EPOCH_MS, &["d"]), 0);
    assert!(node.get("t").flush_awaited(Offset(4)).is_some(), "the append is not over");
    node.settle();
    assert_eq!(node.get("t").flush_awaited(Offset(4)), None);
    assert_eq!(node.get("t").recovery_point(), Offset(4));
    let mut node = Node::new(&[
        ("log.flush.interval.ms", "1000"),
        ("log.flush.scheduler.interval.ms", "2000"),
    ]);
    node.create("t");
    node.advance(Duration::from_secs(40));
    node.append("t", &batch(EPOCH_MS, &["a"]), 0);
    node.advance(Duration::from_secs(3));
    assert_eq!(node.get("t").recovery_point(), Offset(1));
}

#[test]
fn the_mutant_checkpoints_what_is_not_there_yet() {
    let mut node = Node::on(Home::new(1, 0), config(&[], &[Mutant::CheckpointsAhead]));
    node.open();
    node.create("t");
    node.append("t", &batch(EPOCH_MS, &["a"]), 0);
    node.advance(Duration::from_secs(31));
    assert_eq!(checkpoints(&node, Checkpoint::HighWatermark), vec![1; 6]);
    assert_eq!(checkpoints(&node, Checkpoint::RecoveryPoint), [1]);
}

#[test]
fn old_segments_go_as_far_as_they_are_committed() {
    let mut node = three(|config| config.retention = Some(Duration::from_secs(10)));
    node.commit("t", 2);
    node.advance(Duration::from_secs(31));
    assert_snapshot!(node.said(), @r"
    checkpoints HighWatermark of 1 partitions
    checkpoints HighWatermark of 1 partitions
    checkpoints HighWatermark of 1 partitions
    checkpoints HighWatermark of 1 partitions
    checkpoints HighWatermark of 1 partitions
    has t-0 from 2
    checkpoints HighWatermark of 1 partitions
    checkpoints LogStart of 0 partitions
    checkpoints RecoveryPoint of 1 partitions
    ");
    // The last one, too, when it is committed: a new one takes its place.
    node.commit("t", 3);
    node.advance(Duration::from_secs(300));
    let log = node.get("t");
    assert_eq!((log.start(), log.end()), (Offset(3), Offset(3)));
    assert_eq!(log.segments().collect::<Vec<_>>(), [Offset(3)]);
    assert_eq!(log.epochs(), [(broker::id::LeaderEpoch(0), Offset(3))]);
    node.advance(Duration::from_secs(61));
    assert_snapshot!(node.listing("/data/t-0"), @r"
    00000000000000000003.index 0
    00000000000000000003.log 0
    00000000000000000003.snapshot 10
    00000000000000000003.timeindex 0
    leader-epoch-checkpoint 8
    ");
    let node = node.restart();
    assert_eq!((node.get("t").start(), node.get("t").end()), (Offset(3), Offset(3)));
}

#[test]
fn surplus_segments_go() {
    let size = batch(EPOCH_MS, &["a"]).len() as u64;
    let mut node = three(|config| {
        (config.retention, config.retention_bytes) = (None, Some(2 * size));
    });
    node.commit("t", 3);
    node.advance(Duration::from_secs(31));
    assert_eq!(node.get("t").start(), Offset(1));
}

#[test]
fn a_start_that_was_raised_is_checkpointed_and_segments_before_it_go() {
    let mut node = three(|config| config.retention = None);
    node.commit("t", 2);
    node.play(|logs, cx| {
        logs.get_mut(&partition("t")).expect("a log").raise_start(Offset(9), cx);
    });
    assert_eq!(node.get("t").start(), Offset(2));
    node.play(|logs, cx| logs.close(cx));
    node.settle();
    assert_eq!(node.text("/data/log-start-offset-checkpoint"), "0\n1\nt 0 2\n");
    let mut node = node.restart();
    assert_eq!(node.get("t").start(), Offset(2));
    assert_eq!(node.get("t").segments().next(), Some(Offset(0)));
    node.advance(Duration::from_secs(31));
    assert_eq!(node.get("t").segments().next(), Some(Offset(2)));
}

#[test]
fn a_segment_lasts_no_longer_than_it_may() {
    let mut node = Node::new(&[("log.roll.ms", "1000")]);
    node.create("t");
    for at in [0, 900, 1001, 1500, 2500] {
        node.append("t", &batch(EPOCH_MS + at, &["a"]), 0);
    }
    assert_eq!(node.get("t").segments().collect::<Vec<_>>(), [0, 2, 4].map(Offset));
}

#[test]
fn a_deleted_replica_leaves_nothing() {
    let mut node = three(|_| {});
    node.commit("t", 3);
    node.advance(Duration::from_secs(6));
    node.play(|logs, cx| logs.delete(&partition("t"), cx)).expect("a healthy disk");
    node.settle();
    assert_eq!(node.logs.partitions().count(), 0);
    assert_eq!(node.text("/data/replication-offset-checkpoint"), "0\n0\n");
    let listing = node.listing("/data");
    let moved = listing.lines().filter(|line| line.contains("-delete/")).count();
    assert_eq!((moved, listing.contains("t-0/")), (12, false), "{listing}");
    // A new one of the same name has nothing of the old.
    node.create("t");
    node.append("t", &batch(EPOCH_MS, &["z"]), 0);
    let mut node = node.restart();
    assert_eq!(node.get("t").end(), Offset(1));
    node.advance(Duration::from_secs(61));
    assert!(!node.listing("/data").contains("-delete/"), "{}", node.listing("/data"));
}

#[test]
fn a_deletion_is_finished_in_the_next_life() {
    let mut node = three(|_| {});
    node.home.plates.blocks = 30;
    let mut tries = 0;
    while node.play(|logs, cx| logs.delete(&partition("t"), cx)).is_err() {
        tries += 1;
        if node.listing("/data").contains("-delete/000") {
            break;
        }
    }
    assert!(tries > 0);
    node.home.plates.blocks = 0;
    let node = node.restart();
    assert_eq!(node.logs.partitions().count(), 0);
    assert!(!node.listing("/data").contains("t-0/"), "{}", node.listing("/data"));
}
