//! PR-1: A producer that is told an offset finds its records there.
//!
//! Whoever remembers offsets (in a database, in another topic) relies on it. To break it: answer with the offset after the batch.

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Placed;

impl Check for Placed {
    fn id(&self) -> &'static str {
        "PR-1"
    }

    fn property(&self) -> &'static str {
        "Acknowledged records are at the offset that was told."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Acknowledged, Kind::Acked])
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
            match event {
                Event::Acked { client, partition, number, base, promised: false, .. } => {
                    let who = &scene.kafka.client(*client).name;
                    let name = &scene.kafka.partition(*partition).name;
                    found.push(format!(
                        "{who} was told that its batch {number} is at {name}:{base}; no leader has \
                         acknowledged it there"
                    ));
                }
                Event::Acknowledged { at, base, last, held: false } => {
                    let who = scene.kafka.words(*at);
                    found.push(format!("{who} acknowledges {base}..{last}, which it has not"));
                }
                _ => {}
            }
        }
    }
}
