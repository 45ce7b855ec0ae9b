//! KR-10: The ISR a leader uses has at least everybody in it who is in ZooKeeper's.
//!
//! A high watermark that does not wait for somebody who may be elected promises what that one does not have. To break it: let
//! the leader drop a slow follower without asking ZooKeeper.

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Maximal;

impl Check for Maximal {
    fn id(&self) -> &'static str {
        "KR-10"
    }

    fn property(&self) -> &'static str {
        "A leader waits for everybody whom ZooKeeper counts as in sync."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::IsrCached])
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
            let Event::IsrCached(at) = event else { continue };
            let partition = scene.kafka.partition(at.partition);
            let Some(replica) = partition.replica(at.broker) else { continue };
            if partition.legit != Some(at.broker) || scene.kafka.is_shaken {
                continue;
            }
            let missing = partition.isr.iter().find(|member| !replica.isr_keys.contains(member));
            if let Some(member) = missing {
                let (who, name) = (scene.kafka.words(*at), &scene.kafka.broker(*member).name);
                found.push(format!("{who} leaves {name} out of its ISR; ZooKeeper does not"));
            }
        }
    }
}
