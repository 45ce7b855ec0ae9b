//! KR-1: Whoever leads a partition legitimately has every record that was promised with acks=all, or was committed.
//!
//! It is what acks=all is for. To break it: answer a producer before the followers have its records, and lose the leader; or
//! truncate by high watermarks (KAFKA-1211), let replicas in that lack what is committed (KAFKA-7128), or count fetches of
//! former epochs (KAFKA-6880).
//!
//! What Kafka's rules allow to be lost (an unclean election, an in-sync replica that lost its disk's content and was elected)
//! is found all the same, with its excuse.

use crate::cast::Said;
use crate::checks::{Check, Excused, Wants};
use crate::scene::kafka::{Event, Excuse, Kind, Loss};
use crate::scene::{Moment, Outside, Scene};

use super::Losses;

/// The check.
#[derive(Debug, Default)]
pub struct Completeness {
    excused: Losses,
}

impl Check for Completeness {
    fn id(&self) -> &'static str {
        "KR-1"
    }

    fn property(&self) -> &'static str {
        "Every legitimate leader has all records that were promised with acks=all."
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
        found: &mut Vec<String>,
    ) {
        for event in &scene.kafka.events {
            let Event::Lost { index, records } = event else { continue };
            let loss = &scene.kafka.losses()[*index];
            match loss.by {
                Some(Excuse::AcksOne) => {}
                Some(by) => self.excused.add(loss, by, *records),
                None => found.push(words(loss)),
            }
        }
    }

    fn excused(&mut self) -> Vec<Excused> {
        self.excused.take("lost although acks=all was promised")
    }
}

fn words(loss: &Loss) -> String {
    let Loss { topic, partition, first, last, records, leader, .. } = loss;
    format!(
        "broker {leader} leads {topic}-{partition} without {records} promised records \
         (offsets {first}..{last}), and nothing excuses it"
    )
}
