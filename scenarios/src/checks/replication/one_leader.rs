//! KR-6: In one epoch of a partition at most one broker appends as its leader, and only while it leads.
//!
//! Epochs are what everything else is judged by: two writers in one of them make logs that nobody can tell apart. To break it:
//! let a broker that was told to follow go on appending.

use broker::id::LeaderEpoch;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::batches::Batch;
use crate::scene::kafka::{At, BrokerKey, Event, Kind, Role};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct OneLeader {
    /// By partition: who appended in which epoch, newest last. Short: one entry for each reign.
    writers: Vec<Vec<(LeaderEpoch, BrokerKey)>>,
}

impl Check for OneLeader {
    fn id(&self) -> &'static str {
        "KR-6"
    }

    fn property(&self) -> &'static str {
        "One broker at most appends as leader in one epoch."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Appended, Kind::TopicGone])
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
                Event::Appended { at, batch, leads: true } => {
                    found.extend(self.appends(*at, batch, scene));
                }
                Event::TopicGone(topic) => self.forget(topic, scene),
                _ => {}
            }
        }
    }
}

impl OneLeader {
    /// A topic of that name begins at epoch 0 again.
    fn forget(&mut self, topic: &str, scene: &Scene) {
        for (writers, partition) in self.writers.iter_mut().zip(&scene.kafka.partitions) {
            if *partition.name.topic == *topic {
                writers.clear();
            }
        }
    }

    fn appends(&mut self, at: At, batch: &Batch, scene: &Scene) -> Option<String> {
        let (kafka, epoch) = (&scene.kafka, batch.epoch);
        let partition = kafka.partition(at.partition);
        let replica = partition.replica(at.broker)?;
        if replica.role != Role::Leading || replica.epoch != epoch {
            let who = kafka.words(at);
            return Some(format!("{who} appends as leader of epoch {epoch}, which it is not"));
        }
        if self.writers.len() <= at.partition.index() {
            self.writers.resize_with(at.partition.index() + 1, Vec::new);
        }
        let writers = &mut self.writers[at.partition.index()];
        if writers.last() == Some(&(epoch, at.broker)) {
            return None;
        }
        match writers.iter().find(|(wrote, by)| *wrote == epoch && *by != at.broker) {
            Some((_, other)) => {
                let (me, name) = (kafka.words(at), &kafka.broker(*other).name);
                Some(format!("{me} appends as leader of epoch {epoch}, as {name} did"))
            }
            None => {
                writers.push((epoch, at.broker));
                None
            }
        }
    }
}
