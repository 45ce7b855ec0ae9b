//! CT-2: Whoever takes `/controller` counts `/controller_epoch` up by one in the same transaction, and no decision of an older
//! controller reaches ZooKeeper.
//!
//! A controller that sleeps through its own end wakes with a queue of decisions; only the epoch stops them (KAFKA-6082). To break
//! it: write without checking the epoch.

use broker::id::ControllerEpoch;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Throne;

impl Check for Throne {
    fn id(&self) -> &'static str {
        "CT-2"
    }

    fn property(&self) -> &'static str {
        "Controllers are counted, and only the last one decides."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::State, Kind::ControllerEpoch, Kind::Controller])
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
                Event::ControllerEpoch { was: Some(was), now, with } => {
                    if *now != ControllerEpoch(was.0.saturating_add(1)) {
                        found.push(format!("/controller_epoch goes from {was} to {now}"));
                    } else if with.is_none() {
                        found.push(format!(
                            "/controller_epoch goes to {now}, and nobody takes /controller with it"
                        ));
                    }
                }
                Event::Controller { id, counted: false } => {
                    found.push(format!(
                        "broker {id} takes /controller without counting /controller_epoch"
                    ));
                }
                Event::State { partition, was, now } => {
                    let decides = was.as_ref().is_none_or(|was| was.epoch < now.epoch);
                    let (by, newest) = (now.controller_epoch, scene.kafka.controller_epoch());
                    if decides && by < newest {
                        let name = &scene.kafka.partition(*partition).name;
                        found.push(format!(
                            "a controller of epoch {by} decides about {name}, and epoch {newest} \
                             has begun"
                        ));
                    }
                }
                _ => {}
            }
        }
    }
}
