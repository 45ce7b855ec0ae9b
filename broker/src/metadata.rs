//! What a broker believes about the cluster: the content of the last UpdateMetadata requests, from which Metadata is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages as m;
use kafka_protocol::messages::update_metadata_request::UpdateMetadataPartitionState;

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

    /// Takes over what a controller says: the live brokers as a whole, and the partitions it names. Topics that lost their
    /// last partition are returned: they are being deleted.
    pub fn update(&mut self, request: &m::UpdateMetadataRequest) -> Vec<Arc<str>> {
        self.controller = Some(BrokerId(request.controller_id.0)).filter(|id| id.0 >= 0);
        self.brokers = request.live_brokers.iter().map(live_broker).collect();
        let mut gone = Vec::new();
        for partition in &request.ungrouped_partition_states {
            self.update_partition(&partition.topic_name.0, partition, &mut gone);
        }
        for topic in &request.topic_states {
            for partition in &topic.partition_states {
                self.update_partition(&topic.topic_name.0, partition, &mut gone);
            }
        }
        gone
    }

    fn update_partition(
        &mut self,
        topic: &str,
        told: &UpdateMetadataPartitionState,
        gone: &mut Vec<Arc<str>>,
    ) {
        if BrokerId(told.leader.0) == LEADER_DURING_DELETION {
            let Some(partitions) = self.topics.get_mut(topic) else { return };
            partitions.remove(&told.partition_index);
            if partitions.is_empty()
                && let Some((topic, _)) = self.topics.remove_entry(topic)
            {
                gone.push(topic);
            }
            return;
        }
        let ids = |brokers: &[m::BrokerId]| brokers.iter().map(|id| BrokerId(id.0)).collect();
        let state = PartitionState {
            leader: BrokerId(told.leader.0),
            epoch: LeaderEpoch(told.leader_epoch),
            isr: ids(&told.isr),
            replicas: ids(&told.replicas),
            offline: ids(&told.offline_replicas),
            zk_version: told.zk_version,
            controller_epoch: ControllerEpoch(told.controller_epoch),
        };
        match self.topics.get_mut(topic) {
            Some(partitions) => drop(partitions.insert(told.partition_index, state)),
            None => {
                let partitions = BTreeMap::from([(told.partition_index, state)]);
                self.topics.insert(topic.into(), partitions);
            }
        }
    }
}

/// Instead of a leader: the partition is being deleted (`LeaderDuringDelete`).
pub const LEADER_DURING_DELETION: BrokerId = BrokerId(-2);

fn live_broker(
    broker: &m::update_metadata_request::UpdateMetadataBroker,
) -> (BrokerId, (Vec<Endpoint>, Option<String>)) {
    let endpoint = |at: &m::update_metadata_request::UpdateMetadataEndpoint| Endpoint {
        name: at.listener.to_string(),
        host: at.host.to_string(),
        port: u16::try_from(at.port).unwrap_or(0),
    };
    let endpoints = broker.endpoints.iter().map(endpoint).collect();
    (BrokerId(broker.id.0), (endpoints, broker.rack.as_ref().map(ToString::to_string)))
}
