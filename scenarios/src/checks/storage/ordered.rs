//! ST-3: When a log is opened, its high watermark lies between its start and its end.
//!
//! To break it: take a checkpointed high watermark as it is although the log has become shorter (KAFKA-9491).

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Ordered;

impl Check for Ordered {
    fn id(&self) -> &'static str {
        "ST-3"
    }

    fn property(&self) -> &'static str {
        "After a start every high watermark lies inside its log."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Opened])
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
            let Event::Opened(at, opened) = event else { continue };
            let (start, end) = (opened.found.start, opened.found.end);
            let high_watermark = opened.found.high_watermark;
            if high_watermark < start || high_watermark > end {
                let who = scene.kafka.words(*at);
                found.push(format!(
                    "{who} starts with high watermark {high_watermark} outside of its log, \
                     {start} to {end}"
                ));
            }
        }
    }
}
