//! KR-3': Wherever two replicas have a batch of the same epoch at the same offset, it is the same batch.
//!
//! One leader per epoch writes each offset once, so an epoch and an offset name a batch. Where that fails, consumers are given
//! different records at one offset, for good. To break it: let a broker that no longer leads append in the new leader's epoch.

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::batches::Batch;
use crate::scene::kafka::{At, Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct SameBatch;

impl Check for SameBatch {
    fn id(&self) -> &'static str {
        "KR-3'"
    }

    fn property(&self) -> &'static str {
        "An epoch and an offset name one batch, on all replicas."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Appended])
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
            if let Event::Appended { at, batch, .. } = event {
                found.extend(other(*at, batch, scene));
            }
        }
    }
}

/// Another replica's batch of the same epoch at the same offset, if it is another batch.
fn other(at: At, batch: &Batch, scene: &Scene) -> Option<String> {
    let partition = scene.kafka.partition(at.partition);
    for (index, replica) in partition.replicas.iter().enumerate() {
        if index == at.broker.index() || replica.log.end() <= batch.base {
            continue;
        }
        let Some(theirs) = replica.log.at(batch.base) else { continue };
        if theirs.epoch == batch.epoch && theirs != batch {
            let (me, other) =
                (&scene.kafka.broker(at.broker).name, &scene.kafka.brokers[index].name);
            let (name, base, epoch) = (&partition.name, batch.base, batch.epoch);
            return Some(format!(
                "{me} and {other} have different batches of epoch {epoch} at {name}:{base}"
            ));
        }
    }
    None
}
