//! CT-7: A deleted topic leaves nothing behind, and nobody brings it back.
//!
//! What comes back has old records at old offsets, for consumers who believe to read a new topic. To break it: forget a broker
//! that was down while the topic was deleted.

use std::sync::Arc;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{At, Event, Kind, Rough};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Deleted;

impl Check for Deleted {
    fn id(&self) -> &'static str {
        "CT-7"
    }

    fn property(&self) -> &'static str {
        "A deleted topic leaves nothing behind, and does not come back."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Opened, Kind::Leads, Kind::Follows, Kind::DeletionDone])
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
                Event::DeletionDone(topic) => found.extend(left(topic, scene)),
                Event::Leads(at, reign) | Event::Follows(at, reign) if !reign.exists => {
                    found.extend(returns(*at, "takes up", scene));
                }
                Event::Opened(at, opened) if opened.rough == Rough::No => {
                    found.extend(returns(*at, "brings back", scene));
                }
                _ => {}
            }
        }
    }
}

/// What is left of a topic whose deletion is done.
fn left(topic: &Arc<str>, scene: &Scene) -> Option<String> {
    let known = scene.kafka.topics.get(topic).filter(|topic| is_gone(topic))?;
    if known.config.is_some() {
        return Some(format!("{topic} is deleted, and /config/topics/{topic} is still there"));
    }
    let partitions = scene.kafka.partitions.iter().filter(|one| one.name.topic == *topic);
    let mut replicas = partitions.flat_map(|one| one.replicas.iter().enumerate());
    let (broker, _) = replicas.find(|(_, replica)| replica.exists)?;
    let name = &scene.kafka.brokers[broker].name;
    Some(format!("{topic} is deleted, and {name} still has a replica of it"))
}

fn returns(at: At, what: &str, scene: &Scene) -> Option<String> {
    let name = &scene.kafka.partition(at.partition).name;
    let topic = scene.kafka.topics.get(&name.topic).filter(|topic| is_gone(topic))?;
    let deleting = scene.kafka.deleting.contains(&name.topic);
    (topic.deletions > 0 && !deleting).then(|| {
        let who = &scene.kafka.broker(at.broker).name;
        format!("{who} {what} {name}, which was deleted")
    })
}

fn is_gone(topic: &crate::scene::kafka::Topic) -> bool {
    topic.deletions > 0 && !topic.exists
}
