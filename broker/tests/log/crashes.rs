//! Whatever happened, and whenever the power went: what is found is a beginning of what was there, with all that was
//! synced.

use broker::id::Offset;
use broker::wire::batch;
use bytes::Bytes;
use machine::Duration;
use proptest::prelude::*;

use crate::host::{EPOCH_MS, Home};
use crate::node::{Node, batch as one, config};

#[derive(Clone, Debug)]
enum Deed {
    Append(u8),
    NewEpoch,
    Cut(u8),
    Commit(u8),
    Wait(u8),
    /// So many answers of the disk.
    Answers(u8),
    Kill,
    PowerLoss,
    Stop,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => (1..40_u8).prop_map(Deed::Append),
        1 => Just(Deed::NewEpoch),
        1 => (50..100_u8).prop_map(Deed::Cut),
        2 => (0..=100_u8).prop_map(Deed::Commit),
        2 => (1..40_u8).prop_map(Deed::Wait),
        3 => (0..6_u8).prop_map(Deed::Answers),
        1 => Just(Deed::Kill),
        2 => Just(Deed::PowerLoss),
        1 => Just(Deed::Stop),
    ]
}

/// All batches in a log, by its own reads.
fn batches(node: &mut Node) -> Vec<Bytes> {
    let mut all = Vec::new();
    let (mut at, end) = (node.get("t").start(), node.get("t").end());
    while at < end {
        let records = node.read("t", at.0, 1_000);
        for (header, bytes) in batch::split(&records).expect("whole batches") {
            assert_eq!(header.base, at, "no gap");
            assert!(batch::is_whole(&bytes));
            at = header.next();
            all.push(bytes);
        }
    }
    all
}

fn play(deeds: Vec<Deed>, seed: u64, blocks: u64) {
    let lines = [("log.segment.bytes", "1000"), ("log.index.interval.bytes", "200")];
    let mut node = Node::on(Home::new(seed, blocks), config(&lines, &[]));
    node.open();
    node.create("t");
    node.settle();
    let (mut epoch, mut older) = (0, Vec::new());
    for deed in deeds {
        let end = node.get("t").end().0;
        match deed {
            Deed::Append(length) => {
                let value = "v".repeat(usize::from(length) * 5);
                node.append("t", &one(EPOCH_MS + end, &[&value]), epoch);
            }
            Deed::NewEpoch => epoch += 1,
            Deed::Cut(part) => {
                // Until it is synced, power loss may take a truncation back.
                older.push(batches(&mut node));
                node.truncate("t", end * i64::from(part) / 100);
                // Kafka writes the recovery point before it goes on.
                node.settle();
            }
            Deed::Commit(part) => node.commit("t", end * i64::from(part) / 100),
            Deed::Wait(seconds) => node.advance(Duration::from_secs(u64::from(seconds))),
            Deed::Answers(count) => {
                for _ in 0..count {
                    node.step();
                }
            }
            Deed::Kill | Deed::PowerLoss => {
                // Directory entries of what is there are durable in this host once a sync was asked for afterwards; the
                // log itself must exist.
                let before = batches(&mut node);
                let log = node.get("t");
                let surely = match deed {
                    Deed::Kill => log.end(),
                    _ => log.recovery_point(),
                };
                if matches!(deed, Deed::PowerLoss) {
                    node.home.plates.lose_power();
                }
                node = node.restart();
                if node.logs.partitions().count() == 0 {
                    assert_eq!(surely, Offset::ZERO);
                    node.create("t");
                    node.settle();
                    continue;
                }
                let after = batches(&mut node);
                let log = node.get("t");
                assert!(log.end() >= surely, "{:?} before {surely:?}", log.end());
                older.push(before);
                assert!(older.iter().any(|it| it.starts_with(&after)), "not a beginning");
                if matches!(deed, Deed::PowerLoss) {
                    older.clear();
                }
                assert!(log.checkpointed_high_watermark() <= log.end());
                assert!(log.epochs().is_sorted());
                assert!(log.epochs().iter().all(|it| it.1 < log.end()));
            }
            Deed::Stop => {
                let before = batches(&mut node);
                node.close();
                node.home.plates.lose_power();
                node = node.restart();
                let after = batches(&mut node);
                assert!(after == before, "{} batches, not {}", after.len(), before.len());
                older.clear();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn what_is_found_is_a_beginning_with_all_that_was_synced(
        deeds in prop::collection::vec(deed(), 1..40),
        seed in any::<u64>(),
        blocks in prop_oneof![Just(0_u64), Just(30)],
    ) {
        play(deeds, seed, blocks);
    }
}
