//! What is known of brokers and topics.

use std::collections::BTreeSet;

use broker::id::BrokerId;
use broker::note::Note;
use machine::Duration;
use sim::world::NodeId;

use super::Moment;

/// Brokers and topics.
#[derive(Clone, Debug, Default)]
pub struct Kafka {
    registered: BTreeSet<NodeId>,
    /// Time-outs.
    pub bounds: Bounds,
}

/// Time-outs.
#[derive(Clone, Debug, Default)]
pub struct Bounds {}

impl Bounds {
    /// Takes a broker's.
    pub fn widen(&mut self, _session: Duration, _lag: Duration) {}
}

impl Kafka {
    /// A broker.
    pub fn add_broker(&mut self, _node: NodeId, _id: BrokerId, _log_dir: &str) {}
    /// A client.
    pub fn add_client(&mut self, _node: NodeId, _name: &str) {}
    /// Whether it is registered.
    pub fn is_registered(&self, node: NodeId) -> bool {
        self.registered.contains(&node)
    }
    /// A note.
    pub fn fold(&mut self, moment: &Moment, note: &Note) {
        if let Note::Registered { .. } = note {
            self.registered.insert(moment.node);
        }
    }
}
