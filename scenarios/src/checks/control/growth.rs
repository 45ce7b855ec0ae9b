//! CT-6: A topic never has fewer partitions than before, and partitions that are there keep their replicas.
//!
//! Keys are mapped to partitions by their number, and records do not move. To break it: write the whole assignment anew when
//! partitions are added.

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Growth;

impl Check for Growth {
    fn id(&self) -> &'static str {
        "CT-6"
    }

    fn property(&self) -> &'static str {
        "Topics only grow, and what is there stays where it is."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Assigned])
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
            let Event::Assigned { topic, was, now } = event else { continue };
            let (before, after) = (was.len(), now.len());
            if after < before {
                found.push(format!("{topic} had {before} partitions, and has {after} now"));
            }
            let mut moved = was.iter().filter(|(number, _)| now.contains_key(number));
            if let Some((number, old)) = moved.find(|(number, old)| now[number] != **old) {
                let new = &now[number];
                found.push(format!("{topic}-{number} was assigned to {old:?}, and is to {new:?}"));
            }
        }
    }
}
