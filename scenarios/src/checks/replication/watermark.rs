//! KR-8: A high watermark never goes back during one leader's reign, and lies between a log's start and its end.
//!
//! Consumers read up to it: what was readable must stay so, and what is not in the log can be read by nobody. To break it: let
//! the leader take the least of its followers' ends without looking at what it had promised before.

use broker::id::{LeaderEpoch, Offset};

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{At, Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Watermark {
    /// By partition: the broker that leads, since when (its life and epoch), and its high watermark.
    reigns: Vec<Option<(usize, u64, LeaderEpoch, Offset)>>,
}

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
                Event::HighWatermark { at, to, leads, .. } => {
                    found.extend(inside(*at, *to, scene));
                    if *leads {
                        found.extend(self.reigns(*at, *to, scene));
                    }
                }
                Event::Leads(at, reign) => {
                    found.extend(inside(*at, reign.high_watermark, scene));
                    found.extend(self.reigns(*at, reign.high_watermark, scene));
                }
                _ => {}
            }
        }
    }
}

impl Watermark {
    fn reigns(&mut self, at: At, to: Offset, scene: &Scene) -> Option<String> {
        let replica = scene.kafka.partition(at.partition).replica(at.broker)?;
        let life = scene.kafka.broker(at.broker).lives;
        if self.reigns.len() <= at.partition.index() {
            self.reigns.resize_with(at.partition.index() + 1, || None);
        }
        let before = &mut self.reigns[at.partition.index()];
        let now = (at.broker.index(), life, replica.epoch, to);
        let (broker, lived, epoch, was) = before.replace(now)?;
        let same = (broker, lived, epoch) == (now.0, now.1, now.2);
        (same && to < was).then(|| {
            let who = scene.kafka.words(at);
            format!("{who}: the high watermark goes back from {was} to {to} in epoch {epoch}")
        })
    }
}

fn inside(at: At, to: Offset, scene: &Scene) -> Option<String> {
    let replica = scene.kafka.partition(at.partition).replica(at.broker)?;
    let (start, end) = (replica.start, replica.log.end());
    (to < start || to > end).then(|| {
        let who = scene.kafka.words(at);
        format!("{who}: the high watermark {to} is outside of the log, {start} to {end}")
    })
}
