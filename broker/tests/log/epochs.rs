//! The leader-epoch cache against a model that looks at the whole history every time.

use broker::id::{LeaderEpoch, Offset};
use proptest::prelude::*;

use crate::node::{Node, batch};

#[derive(Clone, Debug)]
enum Deed {
    /// A new epoch begins, so many above the last.
    Begin(i32),
    /// So many records in the latest epoch.
    Append(u8),
    /// Cut at this part of the log, of 100.
    Cut(u8),
    Restart,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        (1..3).prop_map(Deed::Begin),
        (1..5_u8).prop_map(Deed::Append),
        (0..100_u8).prop_map(Deed::Cut),
        Just(Deed::Restart),
    ]
}

/// `endOffsetFor`, from the definition.
fn end_of(entries: &[(i32, i64)], end: i64, asked: i32) -> (i32, i64) {
    let latest = entries.iter().map(|it| it.0).max();
    if asked == -1 {
        (-1, -1)
    } else if latest == Some(asked) {
        (asked, end)
    } else if latest.is_none_or(|latest| latest < asked) {
        (-1, -1)
    } else {
        let above = entries.iter().filter(|it| it.0 > asked).map(|it| it.1).min();
        let below = entries.iter().filter(|it| it.0 <= asked).map(|it| it.0).max();
        (below.unwrap_or(asked), above.expect("the latest is above"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_cache_is_what_the_batches_say(deeds in prop::collection::vec(deed(), 1..25)) {
        let mut node = Node::new(&[]);
        node.create("t");
        // The epoch of each record, and an epoch that has begun without records.
        let mut records: Vec<i32> = Vec::new();
        let mut begun: Option<(i32, i64)> = None;
        let mut latest = 0;
        for deed in deeds {
            match deed {
                Deed::Begin(more) => {
                    latest += more;
                    node.play(|logs, cx| {
                        let log = logs.get_mut(&crate::node::partition("t")).expect("a log");
                        log.begin_epoch(LeaderEpoch(latest), cx);
                    });
                    begun = Some((latest, records.len() as i64));
                }
                Deed::Append(count) => {
                    for _ in 0..count {
                        node.append("t", &batch(0, &["v"]), latest);
                        records.push(latest);
                    }
                }
                Deed::Cut(part) => {
                    let to = records.len() * usize::from(part) / 100;
                    if to < records.len() {
                        node.truncate("t", to as i64);
                        records.truncate(to);
                        begun = begun.filter(|it| it.1 < to as i64);
                    }
                }
                Deed::Restart => {
                    node.settle();
                    node = node.restart();
                    begun = begun.filter(|it| it.1 < records.len() as i64);
                }
            }
            let mut entries: Vec<(i32, i64)> = Vec::new();
            for (offset, epoch) in records.iter().enumerate() {
                if entries.last().is_none_or(|it| it.0 != *epoch) {
                    entries.push((*epoch, offset as i64));
                }
            }
            if let Some(begun) = begun
                && begun.1 == records.len() as i64
            {
                entries.push(begun);
            }
            let log = node.get("t");
            let ours: Vec<_> = log.epochs().iter().map(|it| (it.0.0, it.1.0)).collect();
            prop_assert_eq!(&ours, &entries);
            for asked in -1..latest + 2 {
                let (epoch, end) = log.end_of_epoch(LeaderEpoch(asked));
                prop_assert_eq!((epoch.0, end.0), end_of(&entries, log.end().0, asked));
            }
        }
    }
}

#[test]
fn what_is_not_known_is_undefined() {
    let mut node = Node::new(&[]);
    node.create("t");
    let undefined = (LeaderEpoch::UNKNOWN, Offset::UNKNOWN);
    assert_eq!(node.get("t").end_of_epoch(LeaderEpoch(0)), undefined);
    node.append("t", &batch(0, &["a", "b"]), 3);
    assert_eq!(node.get("t").end_of_epoch(LeaderEpoch(4)), undefined);
    assert_eq!(node.get("t").end_of_epoch(LeaderEpoch(2)), (LeaderEpoch(2), Offset(0)));
    assert_eq!(node.get("t").end_of_epoch(LeaderEpoch(3)), (LeaderEpoch(3), Offset(2)));
}
