//! Reads from anywhere to anywhere, against a list of batches.

use broker::id::Offset;
use broker::log::Log;
use broker::wire::batch::Header;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use crate::host::EPOCH_MS;
use crate::node::{Node, batch};

/// A log of batches with so many records each, replicated in pieces of so many batches, and its batches with their
/// headers.
fn replicated(counts: &[usize], piece: usize) -> (Node, Vec<(Header, Bytes)>) {
    let mut leader = Node::new(&[]);
    leader.create("t");
    for count in counts {
        let value = "v".repeat(10 * count);
        leader.append("t", &batch(EPOCH_MS, &vec![&*value; *count]), 0);
    }
    let mut batches = Vec::new();
    let mut at = 0;
    while at < leader.get("t").end().0 {
        let records = leader.read("t", at, 1);
        let header = Log::headers(&records)[0];
        at = header.next().0;
        batches.push((header, records));
    }
    let mut follower =
        Node::new(&[("log.index.interval.bytes", "300"), ("log.segment.bytes", "20000")]);
    follower.create("t");
    for pieces in batches.chunks(piece) {
        let mut together = BytesMut::new();
        pieces.iter().for_each(|(_, bytes)| together.extend_from_slice(bytes));
        let together = together.freeze();
        follower
            .log("t", |log, cx| log.append_as_follower(&together, cx))
            .expect("good batches")
            .expect("some");
    }
    (follower, batches)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_read_gives_whole_batches_between_two_offsets(
        counts in prop::collection::vec(1..6_usize, 1..200),
        piece in 1..6_usize,
        reads in prop::collection::vec((0..1000_i64, 0..1000_i64, 1..3000_usize), 40),
        restart in any::<bool>(),
    ) {
        let (mut node, batches) = replicated(&counts, piece);
        if restart {
            // The indexes are those of the recovery now, and nothing is remembered.
            node = node.restart();
        }
        let end = node.get("t").end().0;
        for (from, until, bytes_max) in reads {
            let (from, until) = (from % end, until % (end + 1));
            let read = node.log("t", |log, cx| log.read(Offset(from), Offset(until), bytes_max, cx));
            let records = read.expect("inside of the log").records;
            let wanted = batches.iter().filter(|(it, _)| it.next().0 > from && it.next().0 <= until);
            let wanted: Vec<u8> = wanted.flat_map(|(_, bytes)| bytes.to_vec()).collect();
            prop_assert!(wanted.starts_with(&records));
            let headers = Log::headers(&records);
            let whole: usize = headers.iter().map(|it| it.size).sum();
            prop_assert_eq!(whole, records.len());
            prop_assert!(records.len() <= bytes_max || headers.len() == 1);
            prop_assert_eq!(records.is_empty(), wanted.is_empty());
        }
    }
}
