//! PR-4: After an error that means that nothing was appended, nothing was.
//!
//! Producers give up or send again by it: what was appended all the same is there twice, or against somebody's will. To break
//! it: append first, and look at the number of replicas in sync afterwards.
//!
//! Judged at first attempts only: of a batch that was sent before, the former attempt may have succeeded.

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Refused;

impl Check for Refused {
    fn id(&self) -> &'static str {
        "PR-4"
    }

    fn property(&self) -> &'static str {
        "What was refused for good is not in the log."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::AppendedAfterAll])
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
            let Event::AppendedAfterAll { client, partition, number, base, error } = event else {
                continue;
            };
            let who = &scene.kafka.client(*client).name;
            let name = &scene.kafka.partition(*partition).name;
            let error = broker::wire::error::name(*error);
            found.push(format!(
                "{who} was told {error} about its batch {number}, which is at {name}:{base}"
            ));
        }
    }
}
