//! Which brokers hold the replicas of new partitions (`kafka.admin.AdminUtils`, `AdminZkClient`): spread evenly, and over
//! racks where brokers have them.

use std::collections::{BTreeMap, BTreeSet};

use super::Refusal;
use crate::id::BrokerId;
use crate::wire::error;

/// The replicas of partitions by number.
pub type Assignment = BTreeMap<i32, Vec<BrokerId>>;

/// More replicas than this would not fit into the topic's znode; so many are not even assigned.
const REPLICAS_MAX: i64 = 400_000;

/// A broker that may be given replicas.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Its id.
    pub id: BrokerId,
    /// Its rack.
    pub rack: Option<String>,
}

/// What to do where some brokers have racks and others have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Racks {
    /// It is an error.
    Enforced,
    /// Racks are ignored.
    Safe,
}

/// Where the assignment begins: two draws for new topics, what partition 0 has for more partitions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// The place of the first leader.
    pub start: u32,
    /// The distance of the first follower.
    pub shift: u32,
    /// The first partition's number.
    pub first: i32,
}

/// The assignment of so many new partitions, after the checks of `AdminUtils.assignReplicasToBrokers`.
pub(super) fn assign_to(
    candidates: &[Candidate],
    partitions: i32,
    replication_factor: i32,
    from: Start,
    racks: Racks,
) -> Result<Assignment, Refusal> {
    if partitions <= 0 {
        let why = "Number of partitions must be larger than 0.";
        return Err(Refusal::new(error::INVALID_PARTITIONS, why));
    }
    let refuse = |why: String| Err(Refusal::new(error::INVALID_REPLICATION_FACTOR, why));
    if replication_factor <= 0 {
        return refuse("Replication factor must be larger than 0.".to_owned());
    }
    let available = candidates.len();
    if replication_factor as usize > available {
        return refuse(format!(
            "Replication factor: {replication_factor} larger than available brokers: {available}."
        ));
    }
    if i64::from(partitions) * i64::from(replication_factor) > REPLICAS_MAX {
        let why = format!("{partitions} partitions do not fit into a znode");
        return Err(Refusal::new(error::INVALID_PARTITIONS, why));
    }
    let with_rack = candidates.iter().filter(|broker| broker.rack.is_some()).count();
    let replicas = replication_factor as usize - 1;
    let assigned = if with_rack == available {
        over_racks(candidates, partitions, replicas, from)
    } else if with_rack > 0 && racks == Racks::Enforced {
        let why = "Not all brokers have rack information for replica rack aware assignment.";
        return Err(Refusal::new(error::UNKNOWN_SERVER_ERROR, why));
    } else {
        let ids: Vec<_> = candidates.iter().map(|broker| broker.id.0).collect();
        let factor = i16::try_from(replication_factor).unwrap_or(i16::MAX);
        return Ok(assign(&ids, partitions, factor, from.start, from.shift, from.first)
            .into_iter()
            .map(|(partition, ids)| (partition, ids.into_iter().map(BrokerId).collect()))
            .collect());
    };
    Ok(assigned)
}

/// The assignment of `partitions` new partitions from number `first` on (AdminUtils.assignReplicasToBrokersRackUnaware).
/// `brokers` are sorted and at least `replication_factor` many.
pub fn assign(
    brokers: &[i32],
    partitions: i32,
    replication_factor: i16,
    start: u32,
    shift: u32,
    first: i32,
) -> BTreeMap<i32, Vec<i32>> {
    let count = brokers.len() as u64;
    let mut shift = u64::from(shift);
    let mut assigned = BTreeMap::new();
    for partition in (first.max(0)..).take(usize::try_from(partitions).unwrap_or_default()) {
        let number = u64::from(partition.unsigned_abs());
        if number > 0 && number % count == 0 {
            shift += 1;
        }
        let leader = (number + u64::from(start)) % count;
        let follower =
            |place: i16| follower(leader, shift + u64::from(place.unsigned_abs()), count);
        let places = std::iter::once(leader).chain((0..replication_factor - 1).map(follower));
        assigned.insert(partition, places.map(|place| brokers[place as usize]).collect());
    }
    assigned
}

/// The place of a follower: all others in turn, beginning at a distance from the leader.
fn follower(leader: u64, shift: u64, count: u64) -> u64 {
    (leader + 1 + shift % (count - 1)) % count
}

/// The same with racks (KIP-36): the next broker is skipped while its rack has a replica and another has none.
fn over_racks(
    candidates: &[Candidate],
    partitions: i32,
    followers: usize,
    from: Start,
) -> Assignment {
    let brokers = alternating(candidates);
    let count = brokers.len() as u64;
    let racks = candidates.iter().map(|broker| &broker.rack).collect::<BTreeSet<_>>().len();
    let mut shift = u64::from(from.shift);
    let mut assigned = Assignment::new();
    for partition in (from.first.max(0)..).take(usize::try_from(partitions).unwrap_or_default()) {
        let number = u64::from(partition.unsigned_abs());
        if number > 0 && number % count == 0 {
            shift += 1;
        }
        let leader = (number + u64::from(from.start)) % count;
        let mut chosen = vec![brokers[leader as usize]];
        let mut used: BTreeSet<_> = [&chosen[0].rack].into();
        let mut step = 0;
        while chosen.len() <= followers {
            let broker = brokers[follower(leader, shift * racks as u64 + step, count) as usize];
            step += 1;
            let rack_is_free = !used.contains(&broker.rack) || used.len() == racks;
            if rack_is_free && !chosen.contains(&broker) {
                used.insert(&broker.rack);
                chosen.push(broker);
            }
        }
        assigned.insert(partition, chosen.into_iter().map(|broker| broker.id).collect());
    }
    assigned
}

/// The brokers rack by rack in turn, the racks and the brokers of each in their order.
fn alternating(candidates: &[Candidate]) -> Vec<&Candidate> {
    let mut of_rack: BTreeMap<_, Vec<&Candidate>> = BTreeMap::new();
    for broker in candidates {
        of_rack.entry(&broker.rack).or_default().push(broker);
    }
    let rounds = of_rack.values().map(Vec::len).max().unwrap_or_default();
    let of_round = |round: usize| of_rack.values().filter_map(move |rack| rack.get(round).copied());
    (0..rounds).flat_map(of_round).collect()
}

/// What is wrong with an assignment that somebody made up for a new topic (`AdminZkClient.validateTopicCreate`).
pub(super) fn problem(assignment: &Assignment) -> Option<Refusal> {
    let refuse = |why: String| Some(Refusal::new(error::INVALID_REPLICA_ASSIGNMENT, why));
    let sizes: BTreeSet<_> = assignment.values().map(Vec::len).collect();
    if sizes.len() != 1 {
        return refuse("All partitions should have the same number of replicas".to_owned());
    }
    if let Some((partition, replicas)) = assignment.iter().find(|(_, ids)| has_twice(ids)) {
        let replicas = joined(replicas);
        return refuse(format!("Duplicate replica assignment found: {partition} -> {replicas}"));
    }
    let consecutive = assignment.keys().zip(0..).all(|(number, place)| *number == place);
    if !consecutive {
        return refuse("partitions should be a consecutive 0-based integer sequence".to_owned());
    }
    None
}

/// Whether a broker is named twice.
pub(super) fn has_twice(ids: &[BrokerId]) -> bool {
    ids.iter().collect::<BTreeSet<_>>().len() < ids.len()
}

/// `1, 2, 3`
pub(super) fn joined(ids: &[BrokerId]) -> String {
    ids.iter().map(BrokerId::to_string).collect::<Vec<_>>().join(", ")
}
