//! The controller's picture of the cluster: who lives, who leads what, what is assigned where (`ControllerContext`).
//!
//! Nothing here asks or decides; questions are answered from what the events have put in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::Endpoint;
use crate::id::{BrokerEpoch, BrokerId, ControllerEpoch, TopicPartition};
use crate::zk::znode::{Registration, State};

/// A registered broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveBroker {
    /// The czxid of its znode.
    pub epoch: BrokerEpoch,
    /// What it says of itself.
    pub registration: Registration,
}

impl LiveBroker {
    /// The endpoint of the listener with this name.
    pub fn endpoint(&self, listener: &str) -> Option<&Endpoint> {
        self.registration.endpoints.iter().find(|endpoint| endpoint.name == listener)
    }
}

/// What is known of who leads a partition: the state znode and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// As last read or written.
    pub state: State,
    /// The version of the znode.
    pub version: i32,
}

/// Where a partition stands (`PartitionState`). One that is deleted is `Gone` until its topic is.
///
/// ```text
/// New ──► Online ◄──► Offline ──► Gone
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartitionState {
    /// Assigned, never led.
    New,
    /// Led.
    Online,
    /// Its leader is gone.
    Offline,
    /// Deleted (`NonExistentPartition`).
    Gone,
}

/// Where a replica stands (`ReplicaState`).
///
/// ```text
/// New ──► Online ◄──► Offline ──► DeletionStarted ──► DeletionSuccessful ──► (nothing)
///                        ▲               │
///                        └─ DeletionIneligible ◄┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReplicaState {
    /// Its partition has no leader yet.
    New,
    /// It was told whom to follow, or to lead.
    Online,
    /// Its broker is gone, or it was told to stop.
    Offline,
    /// It was told to delete its files.
    DeletionStarted,
    /// It has deleted them.
    DeletionSuccessful,
    /// It could not, or is not there.
    DeletionIneligible,
}

/// One partition, as the controller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its replicas, the preferred leader first.
    pub assignment: Vec<BrokerId>,
    /// Who leads it; `None` while it has no state znode.
    pub leadership: Option<Leadership>,
    /// Where it stands.
    pub state: PartitionState,
    /// Where its replicas stand.
    pub replicas: BTreeMap<BrokerId, ReplicaState>,
}

impl Partition {
    /// An assigned partition of which nothing else is known.
    pub fn assigned(assignment: Vec<BrokerId>) -> Self {
        let replicas = assignment.iter().map(|replica| (*replica, ReplicaState::New)).collect();
        Self { assignment, leadership: None, state: PartitionState::New, replicas }
    }

    /// Its leader, if there is one.
    pub fn leader(&self) -> Option<BrokerId> {
        let leader = self.leadership.as_ref()?.state.leader;
        leader.is_some().then_some(leader)
    }
}

/// Replicas by the broker that holds them.
pub type Replicas = BTreeMap<BrokerId, Vec<TopicPartition>>;

/// The picture.
#[derive(Clone, Debug, Default)]
pub struct ControllerContext {
    /// The epoch of this controller.
    pub epoch: ControllerEpoch,
    /// The version of `/controller_epoch` that goes with it.
    pub epoch_version: i32,
    /// Registered brokers, those in controlled shutdown among them.
    pub brokers: BTreeMap<BrokerId, LiveBroker>,
    /// Brokers in controlled shutdown.
    pub shutting_down: BTreeSet<BrokerId>,
    /// Replicas on directories that have failed.
    pub offline_directories: BTreeMap<BrokerId, BTreeSet<TopicPartition>>,
    /// All topics.
    pub topics: BTreeSet<Arc<str>>,
    /// All partitions.
    pub partitions: BTreeMap<TopicPartition, Partition>,
    /// Topics that are to be deleted.
    pub deletions: BTreeSet<Arc<str>>,
    /// Of them, those whose partitions are no more.
    pub deletions_begun: BTreeSet<Arc<str>>,
    /// Of them, those that wait for a broker to come back.
    pub deletions_ineligible: BTreeSet<Arc<str>>,
}

impl ControllerContext {
    /// Whether a broker is registered and not about to stop.
    pub fn is_live(&self, broker: BrokerId) -> bool {
        self.brokers.contains_key(&broker) && !self.shutting_down.contains(&broker)
    }

    /// Whether a replica can serve: its broker lives and its directory has not failed.
    pub fn is_online(&self, broker: BrokerId, partition: &TopicPartition) -> bool {
        self.is_live(broker) && !self.is_on_failed_directory(broker, partition)
    }

    /// The same, counting brokers that are about to stop.
    pub fn is_online_or_stopping(&self, broker: BrokerId, partition: &TopicPartition) -> bool {
        self.brokers.contains_key(&broker) && !self.is_on_failed_directory(broker, partition)
    }

    fn is_on_failed_directory(&self, broker: BrokerId, partition: &TopicPartition) -> bool {
        self.offline_directories.get(&broker).is_some_and(|failed| failed.contains(partition))
    }

    /// Whether the topic waits to be deleted.
    pub fn is_to_be_deleted(&self, topic: &str) -> bool {
        self.deletions.contains(topic)
    }

    /// The partitions of a topic, in order.
    pub fn partitions_of<'a>(
        &'a self,
        topic: &'a Arc<str>,
    ) -> impl Iterator<Item = (&'a TopicPartition, &'a Partition)> {
        let first = TopicPartition::new(topic.clone(), i32::MIN);
        self.partitions.range(first..).take_while(move |(partition, _)| partition.topic == *topic)
    }

    /// Everything these brokers hold.
    pub fn replicas_on(&self, brokers: &BTreeSet<BrokerId>) -> Replicas {
        let mut replicas = Replicas::new();
        for (name, partition) in &self.partitions {
            for broker in partition.assignment.iter().filter(|broker| brokers.contains(broker)) {
                replicas.entry(*broker).or_default().push(name.clone());
            }
        }
        replicas
    }

    /// All replicas of these partitions.
    pub fn replicas_of(&self, partitions: &[TopicPartition]) -> Replicas {
        let mut replicas = Replicas::new();
        for name in partitions {
            let Some(partition) = self.partitions.get(name) else { continue };
            for broker in &partition.assignment {
                replicas.entry(*broker).or_default().push(name.clone());
            }
        }
        replicas
    }

    /// Partitions whose leader cannot serve, without those of topics to be deleted (`partitionsWithOfflineLeader`).
    pub fn with_offline_leader(&self) -> Vec<TopicPartition> {
        let lost = |(name, partition): &(&TopicPartition, &Partition)| {
            let leadership = partition.leadership.as_ref();
            leadership.is_some_and(|known| !self.is_online(known.state.leader, name))
                && !self.is_to_be_deleted(&name.topic)
        };
        self.partitions.iter().filter(lost).map(|(name, _)| name.clone()).collect()
    }

    /// Partitions that wait for a leader, of one topic or of all, without those of topics to be deleted.
    pub fn waiting_for_leader(&self, topic: Option<&Arc<str>>) -> Vec<TopicPartition> {
        let waits = |(name, partition): &(&TopicPartition, &Partition)| {
            matches!(partition.state, PartitionState::New | PartitionState::Offline)
                && !self.is_to_be_deleted(&name.topic)
        };
        let names = |(name, _): (&TopicPartition, &Partition)| name.clone();
        match topic {
            Some(topic) => self.partitions_of(topic).filter(waits).map(names).collect(),
            None => self.partitions.iter().filter(waits).map(names).collect(),
        }
    }

    /// Remembers what a partition's state znode says now.
    pub fn lead(&mut self, partition: &TopicPartition, state: State, version: i32) {
        if let Some(known) = self.partitions.get_mut(partition) {
            known.leadership = Some(Leadership { state, version });
        }
    }

    /// A partition stands elsewhere.
    pub fn stand(&mut self, partition: &TopicPartition, state: PartitionState) {
        if let Some(known) = self.partitions.get_mut(partition) {
            known.state = state;
        }
    }

    /// A topic is no more.
    pub fn forget(&mut self, topic: &Arc<str>) {
        self.topics.remove(topic);
        self.deletions.remove(topic);
        self.deletions_begun.remove(topic);
        self.deletions_ineligible.remove(topic);
        let names: Vec<_> = self.partitions_of(topic).map(|(name, _)| name.clone()).collect();
        for name in names {
            self.partitions.remove(&name);
        }
    }
}
