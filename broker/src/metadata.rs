//! What a broker believes about the cluster: the content of the last UpdateMetadata requests, from which Metadata is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Endpoint;
use crate::id::{BrokerId, ControllerEpoch, LeaderEpoch};

/// One partition, as the controller told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// -1 without, -2 while it is deleted.
    pub leader: BrokerId,
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// In sync.
    pub isr: Vec<BrokerId>,
    /// Assigned.
    pub replicas: Vec<BrokerId>,
    /// Of them, those that are offline.
    pub offline: Vec<BrokerId>,
    /// The znode version of the state.
    pub zk_version: i32,
    /// By which controller.
    pub controller_epoch: ControllerEpoch,
}

/// The cache.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    /// Who is the controller.
    pub controller: Option<BrokerId>,
    /// Live brokers with their endpoints and racks.
    pub brokers: BTreeMap<BrokerId, (Vec<Endpoint>, Option<String>)>,
    /// Topics and their partitions by number.
    pub topics: BTreeMap<Arc<str>, BTreeMap<i32, PartitionState>>,
}

impl Cache {
    /// `host:port` of a live broker's listener.
    pub fn address(&self, broker: BrokerId, listener: &str) -> Option<String> {
        let (endpoints, _) = self.brokers.get(&broker)?;
        let endpoint = endpoints.iter().find(|endpoint| endpoint.name == listener)?;
        Some(format!("{}:{}", endpoint.host, endpoint.port))
    }

    /// Whether the controller counts this broker among the live.
    pub fn is_alive(&self, broker: BrokerId) -> bool {
        self.brokers.contains_key(&broker)
    }

    /// What is known of a partition.
    pub fn partition(&self, topic: &str, partition: i32) -> Option<&PartitionState> {
        self.topics.get(topic)?.get(&partition)
    }
}
