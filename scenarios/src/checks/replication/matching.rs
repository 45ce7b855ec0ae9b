//! KR-3: Below their high watermarks, replicas hold the same records.
//!
//! It is what lets any of them lead. Where it fails, what a consumer reads depends on who leads. To break it: let a follower not
//! cut off what its new leader does not have; or ask the leader only once where an epoch ends (KAFKA-6361).
//!
//! Judged by what is committed, whenever a replica says its high watermark: by then it has cut off what it must. A leader that
//! does not know yet that it leads no more is not judged. A batch whose epoch a damaged disk has changed is the same batch.

use broker::id::Offset;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{At, Event, Kind, Role};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Matching;

impl Check for Matching {
    fn id(&self) -> &'static str {
        "KR-3"
    }

    fn property(&self) -> &'static str {
        "Replicas agree below their high watermarks."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Diverged])
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
            if let Event::Diverged { at, from } = event
                && is_up_to_date(*at, scene)
                && !is_misdated(*at, *from, scene)
            {
                let who = scene.kafka.words(*at);
                found.push(format!("{who} has other records than are committed, from {from} on"));
            }
        }
    }
}

/// Whether it is only the epoch that differs, and a damaged disk may have changed it.
fn is_misdated(at: At, from: Offset, scene: &Scene) -> bool {
    let replica = scene.kafka.partition(at.partition).replica(at.broker);
    let batch = replica.and_then(|replica| replica.log.at(from));
    batch.is_some_and(|batch| scene.kafka.is_misdated(at.partition, batch))
}

/// Whether a replica follows, or leads legitimately, in the newest epoch.
fn is_up_to_date(at: At, scene: &Scene) -> bool {
    let partition = scene.kafka.partition(at.partition);
    let newest = partition.state.as_ref().map(|state| state.epoch);
    let follows = partition.replica(at.broker).is_some_and(|replica| {
        matches!(replica.role, Role::Following(_)) && Some(replica.epoch) == newest
    });
    follows || partition.legit == Some(at.broker)
}
