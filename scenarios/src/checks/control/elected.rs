//! CT-4: Unless unclean elections are allowed, every elected leader was in the ISR before.
//!
//! To break it: take the first replica that lives. Another leader in the same epoch was elected, too.

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Elected;

impl Check for Elected {
    fn id(&self) -> &'static str {
        "CT-4"
    }

    fn property(&self) -> &'static str {
        "Leaders come from the ISR, unless unclean elections are allowed."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::State])
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
            let Event::State { partition, was: Some(was), now } = event else { continue };
            let elects = was.epoch < now.epoch || was.leader != now.leader;
            let elects = elects && now.leader.is_some();
            let name = &scene.kafka.partition(*partition).name;
            let outside = elects && !was.isr.contains(&now.leader);
            if outside && !scene.kafka.may_be_unclean(&name.topic) {
                let leader = now.leader;
                let isr: Vec<_> = was.isr.iter().map(ToString::to_string).collect();
                let isr = isr.join(", ");
                found.push(format!(
                    "broker {leader} is elected for {name}, and only {isr} had been in sync"
                ));
            }
        }
    }
}
