//! ST-5: Consumers are never given a batch with a wrong checksum, unless a disk was damaged.
//!
//! Brokers do not look at checksums when they read, so what recovery lets through goes out to everybody. To break it: keep a torn
//! batch at the end of a log.

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Served;

impl Check for Served {
    fn id(&self) -> &'static str {
        "ST-5"
    }

    fn property(&self) -> &'static str {
        "Whatever is served has the right checksum."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::CorruptBatch])
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
            let Event::CorruptBatch { client, partition, base } = event else { continue };
            if !scene.kafka.brokers.iter().any(|broker| broker.is_damaged) {
                let who = &scene.kafka.client(*client).name;
                let name = &scene.kafka.partition(*partition).name;
                found.push(format!("{who} was given a damaged batch at {name}:{base}"));
            }
        }
    }
}
