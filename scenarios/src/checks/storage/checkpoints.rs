//! ST-2: A checkpoint never says more than is true: high watermarks that were reached, recovery points and log starts inside of
//! the log.
//!
//! After a crash it is believed without a look. To break it: write down what is not flushed yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use broker::id::{Offset, TopicPartition};
use broker::note::{Checkpoint, Note};

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Broker, BrokerKey, Event, Kind, Replica};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Checkpoints {
    /// What each broker wrote down last.
    last: BTreeMap<(BrokerKey, Checkpoint), Written>,
}

/// Offsets that were written down, all looked at.
#[derive(Debug, Default)]
struct Written {
    offsets: Arc<[(TopicPartition, Offset)]>,
    /// The picture's shape then.
    shape: u64,
}

impl Check for Checkpoints {
    fn id(&self) -> &'static str {
        "ST-2"
    }

    fn property(&self) -> &'static str {
        "Checkpoints are never ahead of what they stand for."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Checkpointed])
    }

    fn see(
        &mut self,
        _moment: &Moment,
        said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let Said::Broker(Note::Checkpointed { what, offsets }) = said else { return };
        let Some(Event::Checkpointed(key)) = scene.kafka.events.first() else { return };
        let broker = scene.kafka.broker(*key);
        let now = Written { offsets: Arc::clone(offsets), shape: scene.kafka.shape() };
        let before = self.last.insert((*key, *what), now).unwrap_or_default();
        // Peaks only grow as long as all replicas stay: what was not ahead then is not ahead now.
        let stays = *what != Checkpoint::LogStart && before.shape == scene.kafka.shape();
        for (place, (name, offset)) in offsets.iter().enumerate() {
            let was = before.offsets.get(place).filter(|_| stays);
            if was.is_some_and(|(of, was)| was == offset && of == name) {
                continue;
            }
            let Some(partition) = scene.kafka.find(&name.topic, name.partition) else { continue };
            if let Some(replica) = partition.replica(*key) {
                let ahead = ahead(*what, *offset, replica, broker);
                found.extend(ahead.map(|what| format!("{name}: {what}")));
            }
        }
    }
}

fn ahead(what: Checkpoint, offset: Offset, replica: &Replica, broker: &Broker) -> Option<String> {
    let (name, most) = match what {
        Checkpoint::HighWatermark => ("high watermark", replica.high_watermark_peak),
        Checkpoint::RecoveryPoint => ("recovery point", replica.end_peak),
        Checkpoint::LogStart => ("log start", replica.start),
    };
    (offset > most).then(|| {
        let who = &broker.name;
        format!("{who} writes down the {name} {offset}, and it was never above {most}")
    })
}
