//! Truncation, starting anew, and reading around the edges.

use broker::id::Offset;
use broker::log::{Log, LogError};
use insta::assert_snapshot;
use machine::{Context, Duration};

use crate::host::EPOCH_MS;
use crate::node::{Node, batch};

/// Segments 0, 3, 6 with batches of one record, the values being the offsets.
fn nine() -> Node {
    let size = batch(EPOCH_MS, &["0"]).len();
    let mut node = Node::new(&[
        ("log.segment.bytes", &(3 * size).to_string()),
        ("log.index.interval.bytes", "1"),
    ]);
    node.create("t");
    for offset in 0..9 {
        node.append("t", &batch(EPOCH_MS + offset, &[&offset.to_string()]), offset as i32 / 4);
    }
    node.commit("t", 9);
    node.settle();
    node.said();
    node
}

/// All values in the log, by its own reads.
fn values(node: &mut Node) -> String {
    let mut all = String::new();
    let (mut at, end) = (node.get("t").start().0, node.get("t").end().0);
    while at < end {
        let records = node.read("t", at, 10_000);
        for (header, batch) in broker::wire::batch::split(&records).expect("batches") {
            let (offset, record) = broker::wire::batch::records(&batch).expect("records").remove(0);
            assert_eq!(offset, header.base);
            all += std::str::from_utf8(&record.value.expect("a value")).expect("text");
            at = header.next().0;
        }
    }
    all
}

#[test]
fn truncation_takes_records_epochs_and_index_entries() {
    let mut node = nine();
    node.truncate("t", 9);
    assert_eq!(node.said(), "");
    node.truncate("t", 4);
    assert_snapshot!(node.said(), @"truncates t-0 from 9 to 4");
    assert_eq!(values(&mut node), "0123");
    assert_eq!(node.get("t").epochs().len(), 1);
    assert_snapshot!(node.shown("t"), @r"
    00000000000000000000.index 16
    00000000000000000000.log 207
    00000000000000000000.timeindex 24
    00000000000000000003.index 10485760
    00000000000000000003.log 69
    00000000000000000003.snapshot 10
    00000000000000000003.timeindex 10485756
    00000000000000000004.snapshot 10
    leader-epoch-checkpoint 8
    ");
    // What is appended afterwards has its place, also after a restart.
    node.append("t", &batch(EPOCH_MS, &["x"]), 9);
    node.append("t", &batch(EPOCH_MS, &["y"]), 9);
    assert_eq!(values(&mut node), "0123xy");
    node.close();
    let mut node = node.restart();
    assert_eq!(values(&mut node), "0123xy");
}

#[test]
fn a_truncated_log_is_not_believed_beyond_its_end() {
    let mut node = nine();
    node.advance(Duration::from_secs(31));
    assert_eq!(node.text("/data/recovery-point-offset-checkpoint"), "0\n1\nt 0 6\n");
    node.truncate("t", 4);
    // Until that is on the disk, what was cut off could come back.
    assert_eq!(node.get("t").recovery_point(), Offset(3));
    node.settle();
    assert_eq!(node.text("/data/recovery-point-offset-checkpoint"), "0\n1\nt 0 3\n");
    assert_eq!(node.get("t").recovery_point(), Offset(4));
}

#[test]
fn segments_that_were_cut_off_wait_for_their_removal() {
    let mut node = nine();
    node.truncate("t", 4);
    node.settle();
    assert!(node.listing("/data/t-0").contains("00000000000000000006.log.deleted"));
    node.advance(Duration::from_secs(61));
    assert!(!node.listing("/data/t-0").contains("deleted"));
}

#[test]
fn truncation_to_nothing() {
    let mut node = nine();
    node.truncate("t", 0);
    assert_eq!((node.get("t").start(), node.get("t").end()), (Offset(0), Offset(0)));
    assert!(node.get("t").epochs().is_empty());
    node.append("t", &batch(EPOCH_MS, &["x"]), 9);
    assert_eq!(values(&mut node), "x");
}

#[test]
fn a_batch_is_cut_off_whole() {
    let mut node = Node::new(&[]);
    node.create("t");
    node.append("t", &batch(0, &["a", "b"]), 0);
    node.append("t", &batch(0, &["c", "d", "e"]), 0);
    node.said();
    node.truncate("t", 4);
    assert_snapshot!(node.said(), @"truncates t-0 from 5 to 2");
}

#[test]
fn a_follower_that_is_too_far_behind_starts_anew() {
    let mut node = nine();
    let anew = |log: &mut Log, cx: &mut Context<'_, _>| {
        log.start_anew_at(Offset(100), cx).map_err(LogError::Disk)
    };
    node.log("t", anew).expect("a healthy disk");
    assert_snapshot!(node.said(), @"has t-0 from 100");
    let log = node.get("t");
    assert_eq!((log.start(), log.end()), (Offset(100), Offset(100)));
    assert_eq!(log.segments().collect::<Vec<_>>(), [Offset(100)]);
    assert!(log.epochs().is_empty());
    node.append("t", &batch(EPOCH_MS, &["x"]), 9);
    let mut node = node.restart();
    assert_eq!(node.get("t").start(), Offset(100));
    assert_eq!(values(&mut node), "x");
}

#[test]
fn reads_end_where_they_should() {
    let mut node = nine();
    let size = batch(EPOCH_MS, &["0"]).len();
    let read = |node: &mut Node, from, end, bytes| {
        let read = node.log("t", |log, cx| log.read(Offset(from), Offset(end), bytes, cx));
        read.map(|read| {
            Log::headers(&read.records).iter().map(|header| header.base.0).collect::<Vec<_>>()
        })
    };
    // At least one batch, whatever the size; otherwise no more than asked for.
    assert_eq!(read(&mut node, 0, 9, 1), Ok(vec![0]));
    assert_eq!(read(&mut node, 0, 9, 2 * size), Ok(vec![0, 1]));
    assert_eq!(read(&mut node, 0, 9, 3 * size - 1), Ok(vec![0, 1]));
    // Up to the end of the segment.
    assert_eq!(read(&mut node, 1, 9, 10_000), Ok(vec![1, 2]));
    assert_eq!(read(&mut node, 3, 9, 10_000), Ok(vec![3, 4, 5]));
    // Up to the end that was given.
    assert_eq!(read(&mut node, 6, 8, 10_000), Ok(vec![6, 7]));
    assert_eq!(read(&mut node, 8, 8, 10_000), Ok(vec![]));
    assert_eq!(read(&mut node, 9, 9, 10_000), Ok(vec![]));
    assert_eq!(read(&mut node, 10, 10, 10_000), Err(LogError::OutOfRange));
}

#[test]
fn offsets_by_time() {
    let mut node = nine();
    let find = |node: &mut Node, at: i64| {
        node.log("t", |log, cx| log.offset_at(EPOCH_MS + at, cx))
            .expect("a healthy disk")
            .map(|(timestamp, offset)| (timestamp - EPOCH_MS, offset.0))
    };
    assert_eq!(find(&mut node, -5), Some((0, 0)));
    assert_eq!(find(&mut node, 4), Some((4, 4)));
    assert_eq!(find(&mut node, 8), Some((8, 8)));
    assert_eq!(find(&mut node, 9), None);
    node.append("t", &batch(EPOCH_MS + 20, &["x"]), 3);
    assert_eq!(find(&mut node, 9), Some((20, 9)));
}

#[test]
fn what_is_no_batch_is_refused() {
    let mut node = Node::new(&[("message.max.bytes", "200")]);
    node.create("t");
    let append = |node: &mut Node, bytes: Vec<u8>| {
        let bytes = bytes.into();
        node.log("t", |log, cx| log.append_as_leader(&bytes, broker::id::LeaderEpoch(0), cx))
            .map(|appended| appended.last.0)
    };
    let good = batch(0, &["a"]).to_vec();
    let altered = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        bytes
    };
    assert_eq!(append(&mut node, good.clone()), Ok(0));
    assert_eq!(append(&mut node, altered(16, 1)), Err(LogError::Corrupt), "an old format");
    assert_eq!(append(&mut node, altered(68, 1)), Err(LogError::Corrupt), "the checksum");
    assert_eq!(append(&mut node, altered(7, 1)), Err(LogError::Corrupt), "an offset");
    assert_eq!(append(&mut node, good[..40].to_vec()), Err(LogError::Corrupt), "a part");
    assert_eq!(append(&mut node, [&good[..], &good].concat()), Err(LogError::Corrupt), "two");
    assert_eq!(append(&mut node, Vec::new()), Err(LogError::Corrupt), "nothing");
    let large = batch(0, &[&"x".repeat(200)]).to_vec();
    assert_eq!(append(&mut node, large), Err(LogError::TooLarge));
    let stray = node.log("t", |log, cx| log.append_as_follower(&good.clone().into(), cx));
    assert_eq!(stray, Err(LogError::OutOfRange), "an offset that was there");
    assert_eq!(node.get("t").end(), Offset(1));
    assert_eq!(node.file("/data/t-0/00000000000000000000.log").len(), good.len());
}
