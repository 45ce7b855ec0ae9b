//! CR-2: A consumer's offsets only grow while nobody moves its position.
//!
//! To break it: send a batch twice.

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Ascending;

impl Check for Ascending {
    fn id(&self) -> &'static str {
        "CR-2"
    }

    fn property(&self) -> &'static str {
        "Consumed offsets strictly ascend."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Consumed])
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
            let Event::Consumed { client, partition, base, last, wanted, .. } = event else {
                continue;
            };
            if let Some(wanted) = wanted.filter(|wanted| last < wanted) {
                let who = &scene.kafka.client(*client).name;
                let name = &scene.kafka.partition(*partition).name;
                found.push(format!(
                    "{who} was given {name}:{base}..{last} and had come to {wanted} before"
                ));
            }
        }
    }
}
