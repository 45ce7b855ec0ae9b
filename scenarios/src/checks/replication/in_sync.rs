//! KR-4 and KR-4w: Whatever a leader has below its high watermark is in the logs of all replicas that ZooKeeper, or the leader
//! itself, counts as in sync.
//!
//! Any of them may lead next, and would take the rest away from everybody. To break it: let the high watermark move by the fetch
//! of a replica in another epoch (KAFKA-6880), or let a replica into the ISR that lacks what is committed (KAFKA-7128).
//!
//! Forgiven: a replica that lost its disk's content while it was listed; and one that was let in by a change whose answer was
//! lost together with the leader's ZooKeeper session (up to 2.6 nobody can tell).

use broker::id::Offset;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{At, BrokerKey, Event, Kind, Replica};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct InSync;

/// The same for the ISR the leader uses.
#[derive(Debug, Default)]
pub struct InSyncAsCached;

impl Check for InSync {
    fn id(&self) -> &'static str {
        "KR-4"
    }

    fn property(&self) -> &'static str {
        "Replicas in sync, says ZooKeeper, have everything below the high watermark."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::HighWatermark])
    }

    fn see(
        &mut self,
        _moment: &Moment,
        _said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        for (at, to) in moved(scene) {
            let partition = scene.kafka.partition(at.partition);
            let Some(leader) = partition.replica(at.broker) else { continue };
            for member in &partition.isr {
                if !may_lack(*member, at, leader, scene) {
                    found.extend(lacks(*member, at, to, scene));
                }
            }
        }
    }
}

impl Check for InSyncAsCached {
    fn id(&self) -> &'static str {
        "KR-4w"
    }

    fn property(&self) -> &'static str {
        "Replicas in sync, says the leader, have everything below the high watermark."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::HighWatermark])
    }

    fn see(
        &mut self,
        _moment: &Moment,
        _said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        for (at, to) in moved(scene) {
            let partition = scene.kafka.partition(at.partition);
            let Some(leader) = partition.replica(at.broker) else { continue };
            for member in &leader.isr_keys {
                let known = partition.replicas.get(member.index());
                if known.is_some_and(|replica| replica.lossy.is_none()) {
                    found.extend(lacks(*member, at, to, scene));
                }
            }
        }
    }
}

/// High watermarks of legitimate leaders that have just moved.
fn moved(scene: &Scene) -> impl Iterator<Item = (At, Offset)> {
    scene.kafka.events.iter().filter_map(|event| match event {
        Event::HighWatermark { at, to, leads: true, .. } => {
            let legit = scene.kafka.partition(at.partition).legit == Some(at.broker);
            legit.then_some((*at, *to))
        }
        _ => None,
    })
}

/// Whether this member of the ISR is forgiven.
fn may_lack(member: BrokerKey, at: At, leader: &Replica, scene: &Scene) -> bool {
    let partition = scene.kafka.partition(at.partition);
    let replica = partition.replicas.get(member.index());
    if replica.is_some_and(|replica| replica.lossy.is_some_and(|lossy| lossy.in_sync)) {
        return true;
    }
    let (id, breaks) = (scene.kafka.broker(member).id, scene.kafka.broker(at.broker).breaks);
    let unanswered =
        |asked: &crate::scene::kafka::Asked| asked.isr.contains(&id) && asked.breaks < breaks;
    !leader.isr_keys.contains(&member) && leader.asked.as_ref().is_some_and(unanswered)
}

fn lacks(member: BrokerKey, at: At, to: Offset, scene: &Scene) -> Option<String> {
    let partition = scene.kafka.partition(at.partition);
    let leader = partition.replica(at.broker)?;
    let has = partition.replica(member).is_some_and(|replica| replica.contains(leader, to));
    (member != at.broker && !has && to > leader.start).then(|| {
        let (who, other) = (scene.kafka.words(at), &scene.kafka.broker(member).name);
        let end = partition.replica(member).map_or(Offset::ZERO, |replica| replica.log.end());
        format!("{who} has high watermark {to}, and {other}, which is in sync, has not (end {end})")
    })
}
