//! KR-8: A high watermark never goes back during one leader's reign, and lies between a log's start and its end.
//!
//! Consumers read up to it: what was readable must stay so, and what is not in the log can be read by nobody. To break it: let
//! the leader take the least of its followers' ends without looking at what it had promised before.

use broker::id::Offset;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{At, Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Watermark;

impl Check for Watermark {
    fn id(&self) -> &'static str {
        "KR-8"
    }

    fn property(&self) -> &'static str {
        "High watermarks do not go back within a reign, and lie inside the log."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Leads, Kind::HighWatermark])
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
                Event::HighWatermark { at, was, to, leads } => {
                    found.extend(inside(*at, *to, scene));
                    if *leads && to < was {
                        found.extend(goes_back(*at, *was, *to, scene));
                    }
                }
                Event::Leads(at, reign) => {
                    found.extend(inside(*at, reign.high_watermark, scene));
                }
                _ => {}
            }
        }
    }
}

fn goes_back(at: At, was: Offset, to: Offset, scene: &Scene) -> Option<String> {
    let epoch = scene.kafka.partition(at.partition).replica(at.broker)?.epoch;
    let who = scene.kafka.words(at);
    Some(format!("{who}: the high watermark goes back from {was} to {to} in epoch {epoch}"))
}

fn inside(at: At, to: Offset, scene: &Scene) -> Option<String> {
    let replica = scene.kafka.partition(at.partition).replica(at.broker)?;
    let (start, end) = (replica.start, replica.log.end());
    (to < start || to > end).then(|| {
        let who = scene.kafka.words(at);
        format!("{who}: the high watermark {to} is outside of the log, {start} to {end}")
    })
}
