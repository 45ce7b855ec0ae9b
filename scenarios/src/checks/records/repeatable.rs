//! CR-3: What was consumed at an offset once is there for everybody, for ever.
//!
//! Consumers have acted on it. Where it changes, two systems fed from one topic differ for good. To see it: elect an unclean
//! leader, or let the last replica in sync lose its disk's content; both are excuses a scenario must expect by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use broker::id::Offset;
use machine::Instant;

use crate::cast::Said;
use crate::checks::{Check, Excused, Wants};
use crate::scene::kafka::{Event, Excuse, Kind, PartitionKey};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Repeatable {
    excused: BTreeMap<(Arc<str>, Excuse), (u64, Instant)>,
}

impl Check for Repeatable {
    fn id(&self) -> &'static str {
        "CR-3"
    }

    fn property(&self) -> &'static str {
        "What was consumed at an offset stays there."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Consumed])
    }

    fn see(
        &mut self,
        moment: &Moment,
        _said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        for event in &scene.kafka.events {
            let Event::Consumed { client, partition, last, differs_at: Some(from), .. } = event
            else {
                continue;
            };
            let name = &scene.kafka.partition(*partition).name;
            match excuse(*partition, *last, scene) {
                Some(by) => {
                    let key = (name.topic.clone(), by);
                    let (records, _) = self.excused.entry(key).or_insert((0, moment.at));
                    *records += u64::try_from(last.0 - from.0 + 1).unwrap_or_default();
                }
                None => {
                    let who = &scene.kafka.client(*client).name;
                    found.push(format!(
                        "{who} was given other records at {name}:{from} than were consumed before"
                    ));
                }
            }
        }
    }

    fn excused(&mut self) -> Vec<Excused> {
        let excused = std::mem::take(&mut self.excused).into_iter();
        let excused = excused.map(|((topic, by), (records, at))| {
            let (id, why) = (by.id(), by.words());
            let what = format!(
                "{records} records of {topic} changed after they were consumed ({id}: {why})"
            );
            Excused { topic, by, records, at, what }
        });
        excused.collect()
    }
}

/// What may have replaced what was below this offset.
fn excuse(partition: PartitionKey, last: Offset, scene: &Scene) -> Option<Excuse> {
    let broken = &scene.kafka.partition(partition).excuses;
    let broken = broken.iter().rev().find(|one| one.from <= last).map(|one| one.by);
    broken.or(scene.kafka.is_shaken.then_some(Excuse::World))
}
