//! KR-2: A record that was promised with acks=1 is lost only if it had not reached all in-sync replicas when its leader's reign
//! ended.
//!
//! With acks=1 a producer takes that risk, so each loss is excused by name (`acks=1`) and no more: a scenario says whether it
//! expects it. A record that was below the high watermark falls under KR-1. To see it: cut a leader off from ZooKeeper, and go
//! on producing to it with acks=1.

use crate::cast::Said;
use crate::checks::{Check, Excused, Wants};
use crate::scene::kafka::{Event, Excuse, Kind};
use crate::scene::{Moment, Outside, Scene};

use super::Losses;

/// The check.
#[derive(Debug, Default)]
pub struct AcksOne {
    excused: Losses,
}

impl Check for AcksOne {
    fn id(&self) -> &'static str {
        "KR-2"
    }

    fn property(&self) -> &'static str {
        "Records promised with acks=1 are lost only if they were above the high watermark."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Lost])
    }

    fn see(
        &mut self,
        _moment: &Moment,
        _said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        _found: &mut Vec<String>,
    ) {
        for event in &scene.kafka.events {
            let Event::Lost { index, records } = event else { continue };
            let loss = &scene.kafka.losses()[*index];
            if loss.by == Some(Excuse::AcksOne) {
                self.excused.add(loss, Excuse::AcksOne, *records);
            }
        }
    }

    fn excused(&mut self) -> Vec<Excused> {
        self.excused.take("lost that were promised with acks=1 only")
    }
}
