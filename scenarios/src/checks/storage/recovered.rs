//! ST-1: A log that is read back is a beginning of what it was: all of it unless the power went off, and then at least what was
//! flushed; it never ends inside of a batch.
//!
//! A killed process loses nothing, as the page cache stays: whoever thinks otherwise blames the wrong thing. To break it: keep a
//! torn batch, or trust a checkpoint that ran ahead of the disk.

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind, Opened, Rough};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Recovery;

impl Check for Recovery {
    fn id(&self) -> &'static str {
        "ST-1"
    }

    fn property(&self) -> &'static str {
        "A recovered log is what it was, or a beginning of it that has all that was flushed."
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
            if let Event::Opened(at, opened) = event
                && let Some(what) = wrong(opened)
            {
                let who = scene.kafka.words(*at);
                found.push(format!("{who} {what}"));
            }
        }
    }
}

fn wrong(opened: &Opened) -> Option<String> {
    let (was, now) = (opened.end, opened.found.end);
    if !opened.known || opened.rough > Rough::PowerLost {
        return None;
    }
    if opened.rough == Rough::No || opened.clean {
        let how = if opened.clean { "stopped cleanly" } else { "was killed, no more" };
        return (now != was)
            .then(|| format!("{how}: its log ended at {was}, and now ends at {now}"));
    }
    let flushed = opened.found.recovery_point.min(was);
    if now > was.max(opened.peak) {
        Some(format!("has recovered up to {now}, and never had more than {}", opened.peak))
    } else if now < flushed {
        Some(format!("has recovered up to {now} only, and had flushed up to {flushed}"))
    } else if !opened.on_boundary {
        Some(format!("has recovered up to {now}, which is inside of a batch"))
    } else {
        None
    }
}
