//! CR-1: A consumer is given only records below a high watermark.
//!
//! What is above may yet be cut off, and then a consumer acted on something that never was. To break it: let consumers read up
//! to the log end.

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Visible;

impl Check for Visible {
    fn id(&self) -> &'static str {
        "CR-1"
    }

    fn property(&self) -> &'static str {
        "Consumers see only what is below the high watermark."
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
            let Event::Consumed { client, partition, last, .. } = event else { continue };
            let partition = scene.kafka.partition(*partition);
            if *last >= partition.told {
                let (name, who) = (&partition.name, &scene.kafka.client(*client).name);
                let told = partition.told;
                found.push(format!(
                    "{who} was given {name}:{last}, and no leader has said a high watermark \
                     above {told}"
                ));
            }
        }
    }
}
