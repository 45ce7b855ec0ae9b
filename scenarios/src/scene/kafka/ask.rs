//! The picture as conditions, selectors and the end of a run ask for it: by names and ids instead of keys.

use std::collections::BTreeMap;

use broker::id::{BrokerId, ControllerEpoch, LeaderEpoch, Offset};
use sim::world::NodeId;

use super::partition::{Partition, Replica, Role};
use super::{Broker, Client, Kafka, PartitionKey, Who};

/// What `kafka-topics --describe` would say if it knew the truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub topic: String,
    /// Its own settings.
    pub config: BTreeMap<String, String>,
    /// Its partitions, ascending.
    pub partitions: Vec<DescribedPartition>,
}

/// One partition of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedPartition {
    /// Its number.
    pub number: i32,
    /// Its leader, `NONE` without.
    pub leader: BrokerId,
    /// Its leader's epoch.
    pub epoch: LeaderEpoch,
    /// Assigned brokers, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// In-sync brokers.
    pub isr: Vec<BrokerId>,
}

impl Kafka {
    // -- truth

    /// Who leads a partition, says ZooKeeper; `None` if nobody does.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<BrokerId> {
        let state = self.find(topic, partition)?.state.as_ref()?;
        Some(state.leader).filter(|leader| leader.is_some())
    }

    /// The leader's epoch, says ZooKeeper.
    pub fn leader_epoch(&self, topic: &str, partition: i32) -> Option<LeaderEpoch> {
        Some(self.find(topic, partition)?.state.as_ref()?.epoch)
    }

    /// Who is in sync, says ZooKeeper.
    pub fn isr(&self, topic: &str, partition: i32) -> Vec<BrokerId> {
        let state = self.find(topic, partition).and_then(|one| one.state.as_ref());
        state.map(|state| state.isr.clone()).unwrap_or_default()
    }

    /// Who is assigned, the preferred leader first.
    pub fn replicas(&self, topic: &str, partition: i32) -> Vec<BrokerId> {
        self.find(topic, partition).map(|one| one.assigned.clone()).unwrap_or_default()
    }

    /// How many partitions a topic has; 0 if there is none.
    pub fn partition_count(&self, topic: &str) -> usize {
        self.topics.get(topic).map_or(0, |topic| topic.assignment.len())
    }

    /// Whether a topic exists.
    pub fn topic_exists(&self, topic: &str) -> bool {
        self.topics.get(topic).is_some_and(|topic| topic.exists)
    }

    /// Who is controller, says ZooKeeper.
    pub fn controller(&self) -> Option<BrokerId> {
        self.controller.map(|controller| controller.id)
    }

    /// How many controllers there have been, says ZooKeeper.
    pub fn controller_epoch(&self) -> ControllerEpoch {
        self.controller_epoch.unwrap_or_default()
    }

    /// Whether a broker is registered, by its own word and by ZooKeeper's.
    pub fn is_registered(&self, node: NodeId) -> bool {
        let broker = self.broker_at(node);
        broker.is_some_and(|one| one.registered.is_some() && self.has_registered(one.id))
    }

    /// Whether anybody is registered with this id, says ZooKeeper.
    pub fn has_registered(&self, id: BrokerId) -> bool {
        self.registered.contains_key(&id)
    }

    /// All existing topics, for the end of a run.
    pub fn describe(&self) -> Vec<Described> {
        let existing = self.topics.iter().filter(|(_, topic)| topic.exists);
        let described = existing.map(|(name, topic)| Described {
            topic: name.to_string(),
            config: topic.config.clone().unwrap_or_default(),
            partitions: topic
                .assignment
                .iter()
                .map(|(number, replicas)| {
                    let state = self.find(name, *number).and_then(|one| one.state.as_deref());
                    let leader = state.map_or(BrokerId::NONE, |state| state.leader);
                    let epoch = state.map_or(LeaderEpoch::UNKNOWN, |state| state.epoch);
                    let isr = state.map(|state| state.isr.clone()).unwrap_or_default();
                    DescribedPartition {
                        number: *number,
                        leader,
                        epoch,
                        replicas: replicas.clone(),
                        isr,
                    }
                })
                .collect(),
        });
        described.collect()
    }

    // -- belief

    /// Whom a broker takes for the leader of a partition.
    pub fn leader_seen_by(&self, node: NodeId, topic: &str, partition: i32) -> Option<BrokerId> {
        let broker = self.broker_at(node)?;
        match self.replica_at(node, topic, partition)?.role {
            Role::Leading => Some(broker.id),
            Role::Following(leader) => Some(leader).filter(|leader| leader.is_some()),
            Role::None => None,
        }
    }

    /// The ISR a broker uses as leader of a partition.
    pub fn isr_seen_by(&self, node: NodeId, topic: &str, partition: i32) -> Option<&[BrokerId]> {
        self.replica_at(node, topic, partition)?.isr.as_deref()
    }

    /// The epoch a broker leads or follows in.
    pub fn leader_epoch_seen_by(
        &self,
        node: NodeId,
        topic: &str,
        partition: i32,
    ) -> Option<LeaderEpoch> {
        let replica = self.replica_at(node, topic, partition)?;
        (replica.role != Role::None).then_some(replica.epoch)
    }

    /// Whether a broker believes to be the controller, and in which epoch.
    pub fn controls(&self, node: NodeId) -> Option<ControllerEpoch> {
        self.broker_at(node)?.controls
    }

    /// Whether a broker has frozen a partition until ZooKeeper answers.
    pub fn is_frozen(&self, node: NodeId, topic: &str, partition: i32) -> bool {
        self.replica_at(node, topic, partition).is_some_and(|replica| replica.frozen)
    }

    // -- logs

    /// The high watermark of the legitimate leader.
    pub fn high_watermark(&self, topic: &str, partition: i32) -> Option<Offset> {
        Some(self.find(topic, partition)?.leader()?.high_watermark)
    }

    /// The log end offset of the legitimate leader.
    pub fn log_end(&self, topic: &str, partition: i32) -> Option<Offset> {
        Some(self.find(topic, partition)?.leader()?.log.end())
    }

    /// A broker's copy of a partition.
    pub fn replica_at(&self, node: NodeId, topic: &str, partition: i32) -> Option<&Replica> {
        let Who::Broker(key) = self.who(node) else { return None };
        self.find(topic, partition)?.replica(key)
    }

    // -- nodes

    /// The broker on a node.
    pub fn broker_at(&self, node: NodeId) -> Option<&Broker> {
        match self.who(node) {
            Who::Broker(key) => Some(self.broker(key)),
            _ => None,
        }
    }

    /// The node of a broker.
    pub fn node_of(&self, id: BrokerId) -> Option<NodeId> {
        Some(self.broker(self.by_id(id)?).node)
    }

    /// The client on a node.
    pub fn client_at(&self, node: NodeId) -> Option<&Client> {
        match self.who(node) {
            Who::Client(key) => Some(self.client(key)),
            _ => None,
        }
    }

    /// A partition by name.
    pub fn find(&self, topic: &str, partition: i32) -> Option<&Partition> {
        Some(self.partition(self.find_key(topic, partition)?))
    }

    /// A partition's key by name.
    pub fn find_key(&self, topic: &str, partition: i32) -> Option<PartitionKey> {
        self.keys.find(topic, partition).copied()
    }
}
