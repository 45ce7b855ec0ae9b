//! ST-6: Retention never deletes what is not committed.
//!
//! A leader that deletes above its high watermark tells its followers to begin where nobody has anything (KAFKA-5634). To break
//! it: go by age alone while a follower is slow.

use broker::id::Offset;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{At, Event, Kind, Role};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Retention;

impl Check for Retention {
    fn id(&self) -> &'static str {
        "ST-6"
    }

    fn property(&self) -> &'static str {
        "Nothing above the high watermark is deleted."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::LogStart])
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
            if let Event::LogStart { at, high_watermark, to, .. } = event {
                found.extend(beyond(*at, *high_watermark, *to, scene));
            }
        }
    }
}

fn beyond(at: At, high_watermark: Offset, to: Offset, scene: &Scene) -> Option<String> {
    let partition = scene.kafka.partition(at.partition);
    let leads = partition.replica(at.broker)?.role == Role::Leading;
    let most = if leads { high_watermark } else { partition.told };
    (to > most).then(|| {
        let who = scene.kafka.words(at);
        format!("{who} begins at {to} now, and the high watermark is {most}")
    })
}
