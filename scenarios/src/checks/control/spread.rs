//! CT-5: A new topic's replicas are on different brokers, and go round them as Kafka's assignment does: from some broker on, the
//! second replicas shifted against the first.
//!
//! A broker that has more than its share is the one that is too slow, and whose loss costs most. To break it: begin every
//! partition at the same broker.
//!
//! Judged where nobody wrote the assignment by hand, and by who was registered within the last half minute, as whoever made the
//! assignment may have looked a little earlier.

use std::collections::BTreeSet;
use std::sync::Arc;

use broker::id::BrokerId;
use machine::Duration;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Assignment, Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// How old the knowledge of live brokers may be by which an assignment was made.
const LATE: Duration = Duration::from_secs(30);

/// The check.
#[derive(Debug, Default)]
pub struct Spread;

impl Check for Spread {
    fn id(&self) -> &'static str {
        "CT-5"
    }

    fn property(&self) -> &'static str {
        "Replicas go round the brokers."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Assigned])
    }

    fn see(
        &mut self,
        _moment: &Moment,
        _said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        for event in &scene.kafka.events {
            if let Event::Assigned { topic, was, now } = event {
                found.extend(wrong(topic, was, now, scene));
            }
        }
    }
}

fn wrong(topic: &Arc<str>, was: &Assignment, now: &Assignment, scene: &Scene) -> Option<String> {
    for (number, replicas) in now {
        let distinct: BTreeSet<&BrokerId> = replicas.iter().collect();
        if replicas.is_empty() || distinct.len() != replicas.len() {
            return Some(format!("{topic}-{number} is assigned to {replicas:?}"));
        }
    }
    if !was.is_empty() || scene.kafka.assigned_by_hand.contains(topic) {
        return None;
    }
    let when = &scene.kafka.registered_when;
    let recent = when.iter().rposition(|(since, _)| scene.now.since(*since) > LATE);
    let mut candidates = when[recent.unwrap_or(0)..].iter().map(|(_, brokers)| brokers);
    let fits = candidates.any(|brokers| goes_round(brokers, now));
    (!fits).then(|| format!("{topic} is assigned to {:?}", now.values().collect::<Vec<_>>()))
}

/// Whether some start and some shift give this assignment (`AdminUtils.assignReplicasToBrokersRackUnaware`).
fn goes_round(brokers: &[BrokerId], assignment: &Assignment) -> bool {
    let n = brokers.len();
    (0..n).any(|start| (0..n).any(|shift| assignment == &assign(brokers, start, shift, assignment)))
}

fn assign(brokers: &[BrokerId], start: usize, shift: usize, like: &Assignment) -> Assignment {
    let n = brokers.len();
    let mut shift = shift;
    let partitions = like.iter().enumerate().map(|(p, (number, replicas))| {
        if p > 0 && p % n == 0 {
            shift += 1;
        }
        let first = (p + start) % n;
        let others = (0..replicas.len().saturating_sub(1)).map(|j| match n {
            1 => 0,
            _ => (first + 1 + (shift + j) % (n - 1)) % n,
        });
        let places = std::iter::once(first).chain(others);
        (*number, places.map(|place| brokers[place]).collect())
    });
    partitions.collect()
}
