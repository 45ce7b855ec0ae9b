//! Replicas are spread as Kafka spreads them, and evenly.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::assignment::{Assignment, Candidate, Racks, Start, assign_to, problem};
use super::super::{Refusal, assign, name_problem};
use crate::id::BrokerId;
use crate::wire::error;

fn plain(ids: impl IntoIterator<Item = i32>) -> Vec<Candidate> {
    ids.into_iter().map(|id| Candidate { id: BrokerId(id), rack: None }).collect()
}

fn assigned(partitions: &[(i32, &[i32])]) -> BTreeMap<i32, Vec<i32>> {
    partitions.iter().map(|(partition, ids)| (*partition, ids.to_vec())).collect()
}

#[test]
fn topics_are_assigned_as_they_were_seen() {
    let brokers = [1, 2, 3];
    let first: [(i32, &[i32]); 3] = [(0, &[2, 3, 1]), (1, &[3, 1, 2]), (2, &[1, 2, 3])];
    assert_eq!(assign(&brokers, 3, 3, 1, 0, 0), assigned(&first));
    // Three more partitions: start and shift are where partition 0 begins, and 3 % 3 = 0 shifts once more.
    let more: [(i32, &[i32]); 3] = [(3, &[2, 3, 1]), (4, &[3, 1, 2]), (5, &[1, 2, 3])];
    assert_eq!(assign(&brokers, 3, 3, 1, 1, 3), assigned(&more));
    assert_eq!(assign(&[7], 2, 1, 0, 0, 0), assigned(&[(0, &[7]), (1, &[7])]));
}

#[test]
fn what_cannot_be_assigned_is_refused_in_kafkas_words() {
    let refused = |candidates: &[Candidate], partitions, factor| {
        let from = Start { start: 0, shift: 0, first: 0 };
        let refusal = assign_to(candidates, partitions, factor, from, Racks::Enforced);
        let Refusal { error: code, why } = refusal.expect_err("it is refused");
        format!("{} {}", error::name(code), why.unwrap_or_default())
    };
    let mut mixed = plain([1, 2]);
    mixed[0].rack = Some("r1".into());
    insta::assert_snapshot!([
        refused(&plain([1, 2, 3]), 1, 4),
        refused(&plain([1]), 0, 1),
        refused(&plain([1]), 1, 0),
        refused(&plain([]), 1, 1),
        refused(&plain([1]), i32::MAX, 1),
        refused(&mixed, 1, 1),
    ].join("\n"), @r"
    INVALID_REPLICATION_FACTOR Replication factor: 4 larger than available brokers: 3.
    INVALID_PARTITIONS Number of partitions must be larger than 0.
    INVALID_REPLICATION_FACTOR Replication factor must be larger than 0.
    INVALID_REPLICATION_FACTOR Replication factor: 1 larger than available brokers: 0.
    INVALID_PARTITIONS 2147483647 partitions do not fit into a znode
    UNKNOWN_SERVER_ERROR Not all brokers have rack information for replica rack aware assignment.
    ");
}

#[test]
fn names_are_refused_in_kafkas_words() {
    let long = "x".repeat(250);
    let refused = |name: &str| name_problem(name).expect("no such name").to_string();
    insta::assert_snapshot!(["", ".", "..", "bad/name", "späße"].map(refused).join("\n"), @r#"
    Topic name is illegal, it can't be empty
    Topic name cannot be "." or ".."
    Topic name cannot be "." or ".."
    Topic name "bad/name" is illegal, it contains a character other than ASCII alphanumerics, '.', '_' and '-'
    Topic name "späße" is illegal, it contains a character other than ASCII alphanumerics, '.', '_' and '-'
    "#);
    assert!(refused(&long).starts_with("Topic name is illegal, it can't be longer than 249"));
    for fine in ["first-test", "my_topic.x", "...", &long[1..]] {
        assert_eq!(name_problem(fine), None);
    }
}

/// How often each broker is in a place: the most and the fewest.
fn spread(brokers: &BTreeSet<i32>, places: impl Iterator<Item = i32>) -> (u32, u32) {
    let mut counts: BTreeMap<i32, u32> = brokers.iter().map(|id| (*id, 0)).collect();
    places.for_each(|id| *counts.get_mut(&id).expect("only brokers that are there") += 1);
    let most = counts.values().max().copied().unwrap_or_default();
    (most, counts.values().min().copied().unwrap_or_default())
}

proptest! {
    #[test]
    fn leaders_and_replicas_are_spread_evenly(
        brokers in prop::collection::btree_set(0..1000, 1..12),
        partitions in 1..60,
        start in any::<u32>(),
        shift in any::<u32>(),
        factor in any::<prop::sample::Index>(),
    ) {
        let ids: Vec<i32> = brokers.iter().copied().collect();
        let factor = factor.index(ids.len()) + 1;
        let assigned = assign(&ids, partitions, factor as i16, start, shift, 0);
        prop_assert_eq!(assigned.len(), partitions as usize);
        for replicas in assigned.values() {
            prop_assert_eq!(replicas.iter().collect::<BTreeSet<_>>().len(), factor);
        }
        // Every broker leads as many as any other, or one more.
        let (most, fewest) = spread(&brokers, assigned.values().map(|replicas| replicas[0]));
        prop_assert!(most - fewest <= 1);
        // After whole rounds every broker has as many replicas as any other.
        if (partitions as usize).is_multiple_of(ids.len()) {
            let (most, fewest) = spread(&brokers, assigned.values().flatten().copied());
            prop_assert_eq!(most, fewest);
        }
    }

    #[test]
    fn racks_share_replicas(
        racks in prop::collection::vec(0..4u8, 1..10),
        partitions in 1..30,
        start in any::<u32>(),
        shift in any::<u32>(),
        factor in any::<prop::sample::Index>(),
    ) {
        let candidate = |(id, rack): (i32, &u8)| {
            Candidate { id: BrokerId(id), rack: Some(rack.to_string()) }
        };
        let candidates: Vec<_> = (1..).zip(&racks).map(candidate).collect();
        let factor = factor.index(racks.len()) + 1;
        let from = Start { start, shift, first: 0 };
        let assigned = assign_to(&candidates, partitions, factor as i32, from, Racks::Enforced);
        let assigned: Assignment = assigned.expect("there are as many brokers");
        prop_assert_eq!(problem(&assigned), None);
        let all: BTreeSet<_> = racks.iter().collect();
        for replicas in assigned.values() {
            let of = |id: &BrokerId| &racks[id.0 as usize - 1];
            let used: BTreeSet<_> = replicas.iter().map(of).collect();
            prop_assert_eq!(used.len(), all.len().min(factor));
        }
    }
}
