//! A disk that is busy, and one that fails.

use broker::id::{LeaderEpoch, Offset};
use broker::log::{LogError, LogEvent};
use machine::{DiskError, Duration};

use crate::host::{EPOCH_MS, Home};
use crate::node::{Node, batch, config};

/// The same life on a disk of which so many calls of 100 block.
fn life(blocks: u64) -> Node {
    let size = batch(EPOCH_MS, &["0"]).len();
    let lines = [
        ("log.segment.bytes", &*(3 * size).to_string()),
        ("log.index.interval.bytes", "1"),
        ("log.retention.ms", "20000"),
    ];
    let mut node = Node::on(Home::new(7, blocks), config(&lines, &[]));
    node.open();
    node.create("t");
    for offset in 0..20 {
        node.append("t", &batch(EPOCH_MS + offset, &[&offset.to_string()]), offset as i32 / 4);
        node.read("t", offset / 2, 500);
    }
    node.truncate("t", 13);
    node.append("t", &batch(EPOCH_MS + 60_000, &["x"]), 9);
    node.commit("t", 14);
    node.advance(Duration::from_secs(31));
    node.close();
    let mut node = node.restart();
    node.truncate("t", 13);
    node.append("t", &batch(EPOCH_MS + 60_000, &["y"]), 10);
    node.restart()
}

#[test]
fn a_busy_disk_changes_nothing_but_the_time_it_takes() {
    let expected = life(0);
    assert_eq!(expected.get("t").start(), Offset(13));
    for blocks in [5, 20, 35] {
        let node = life(blocks);
        assert_eq!(node.listing("/data"), expected.listing("/data"), "{blocks}");
        assert!(node.home.plates.cached == expected.home.plates.cached, "{blocks}");
    }
}

#[test]
fn a_full_disk_takes_nothing_and_says_so() {
    let mut node = Node::new(&[]);
    node.create("t");
    node.append("t", &batch(EPOCH_MS, &["a"]), 0);
    node.settle();
    node.home.plates.fails = Some(DiskError::NoSpace);
    let records = batch(EPOCH_MS, &["b"]);
    let refused = node.log("t", |log, cx| log.append_as_leader(&records, LeaderEpoch(0), cx));
    assert_eq!(refused, Err(LogError::Disk(DiskError::NoSpace)));
    assert_eq!(node.get("t").end(), Offset(1));
    node.settle();
    assert_eq!(node.events, [LogEvent::Opened, LogEvent::Failed(DiskError::NoSpace)]);
    assert_eq!(node.logs.wake_at(), None);
}

#[test]
fn a_sync_that_fails_takes_the_directory_offline() {
    let mut node = Node::new(&[("log.flush.interval.messages", "1")]);
    node.create("t");
    node.settle();
    node.append("t", &batch(EPOCH_MS, &["a"]), 0);
    node.home.plates.fails = Some(DiskError::Io);
    node.settle();
    assert_eq!(node.events, [LogEvent::Opened, LogEvent::Failed(DiskError::Io)]);
}

#[test]
fn a_directory_that_cannot_be_read_is_said_to_be() {
    let mut home = Home::new(1, 0);
    home.plates.fails = Some(DiskError::Io);
    let mut node = Node::on(home, config(&[], &[]));
    node.open();
    assert_eq!(node.events, [LogEvent::Failed(DiskError::Io)]);
}
