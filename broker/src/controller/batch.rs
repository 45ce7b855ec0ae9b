//! What an event has to tell the brokers, collected per broker and sent together (`ControllerBrokerRequestBatch`): first
//! LeaderAndIsr, then UpdateMetadata, then StopReplica.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages as m;
use kafka_protocol::protocol::StrBytes;
use m::leader_and_isr_request::{
    LeaderAndIsrLiveLeader, LeaderAndIsrPartitionState, LeaderAndIsrTopicState,
};
use m::stop_replica_request::StopReplicaTopicV1;
use m::update_metadata_request::{
    UpdateMetadataBroker, UpdateMetadataEndpoint, UpdateMetadataPartitionState,
    UpdateMetadataTopicState,
};
use machine::Context;

use super::Settings;
use super::channel::{Channels, Item};
use super::context::{ControllerContext, Leadership, LiveBroker};
use crate::id::{BrokerEpoch, BrokerId, TopicPartition};
use crate::mechanism::BrokerEpochCheck;
use crate::note::Note;
use crate::wire::{Api, Request};

/// The leader that UpdateMetadata names while a topic is being deleted.
const LEADER_DURING_DELETE: m::BrokerId = m::BrokerId(-2);

/// What is to be told, as it was known when it was decided to tell it.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    roles: BTreeMap<BrokerId, BTreeMap<TopicPartition, LeaderAndIsrPartitionState>>,
    metadata_to: BTreeSet<BrokerId>,
    metadata: BTreeMap<TopicPartition, UpdateMetadataPartitionState>,
    stop: BTreeMap<BrokerId, BTreeMap<TopicPartition, bool>>,
}

impl Batch {
    /// These brokers are told their role in a partition, and everybody who leads it.
    pub fn leader_and_isr(
        &mut self,
        to: &[BrokerId],
        partition: &TopicPartition,
        is_new: bool,
        context: &ControllerContext,
    ) {
        let Some(known) = context.partitions.get(partition) else { return };
        let Some(leadership) = &known.leadership else { return };
        let role = role(partition, leadership, &known.assignment);
        for broker in to {
            let roles = self.roles.entry(*broker).or_default();
            let already_new = roles.get(partition).is_some_and(|role| role.is_new);
            let role = role.clone().with_is_new(is_new || already_new);
            roles.insert(partition.clone(), role);
        }
        self.update_metadata_of(partition, context);
    }

    /// All brokers are told what is known of a partition. Nothing, if it has no leader yet.
    pub fn update_metadata_of(&mut self, partition: &TopicPartition, context: &ControllerContext) {
        self.metadata_to.extend(context.brokers.keys().copied());
        self.describe(partition, context);
    }

    /// These brokers are told who lives, and what is known of these partitions.
    pub fn update_metadata<'a>(
        &mut self,
        to: impl IntoIterator<Item = BrokerId>,
        partitions: impl IntoIterator<Item = &'a TopicPartition>,
        context: &ControllerContext,
    ) {
        self.metadata_to.extend(to);
        for partition in partitions {
            self.describe(partition, context);
        }
    }

    /// A broker is told to stop a replica, and to delete it.
    pub fn stop_replica(&mut self, to: BrokerId, partition: &TopicPartition, delete: bool) {
        self.stop.entry(to).or_default().insert(partition.clone(), delete);
    }

    fn describe(&mut self, partition: &TopicPartition, context: &ControllerContext) {
        let Some(known) = context.partitions.get(partition) else { return };
        let Some(Leadership { state, version }) = &known.leadership else { return };
        let offline = known.assignment.iter().filter(|id| !context.is_online(**id, partition));
        let mut description = UpdateMetadataPartitionState::default()
            .with_partition_index(partition.partition)
            .with_controller_epoch(state.controller_epoch.0)
            .with_leader(wire_id(state.leader))
            .with_leader_epoch(state.epoch.0)
            .with_isr(wire_ids(&state.isr))
            .with_zk_version(*version)
            .with_replicas(wire_ids(&known.assignment))
            .with_offline_replicas(offline.map(|id| wire_id(*id)).collect());
        if context.is_to_be_deleted(&partition.topic) {
            description = description
                .with_leader(LEADER_DURING_DELETE)
                .with_leader_epoch(0)
                .with_zk_version(0);
        }
        self.metadata.insert(partition.clone(), description);
    }

    /// Everything goes into the queues of the brokers that are there; what is for others is dropped.
    pub fn send(
        &mut self,
        context: &ControllerContext,
        settings: &Settings,
        channels: &mut Channels,
        cx: &mut Context<'_, Note>,
    ) {
        let batch = std::mem::take(self);
        let mut post = Post { context, settings, channels };
        for (broker, roles) in batch.roles {
            post.send_roles(broker, roles, cx);
        }
        if !batch.metadata_to.is_empty() {
            post.send_metadata(&batch.metadata_to, batch.metadata, cx);
        }
        for (broker, replicas) in batch.stop {
            post.send_stops(broker, &replicas, cx);
        }
    }
}

/// What sending needs to know.
struct Post<'a> {
    context: &'a ControllerContext,
    settings: &'a Settings,
    channels: &'a mut Channels,
}

impl Post<'_> {
    fn send_roles(
        &mut self,
        broker: BrokerId,
        roles: BTreeMap<TopicPartition, LeaderAndIsrPartitionState>,
        cx: &mut Context<'_, Note>,
    ) {
        let Some(broker_epoch) = self.broker_epoch(broker) else { return };
        let leaders: BTreeSet<_> = roles.values().map(|role| BrokerId(role.leader.0)).collect();
        let live = self.context.brokers.iter().filter(|(id, _)| leaders.contains(id));
        let live = live.filter_map(|(id, live)| live_leader(*id, live, self.settings)).collect();
        let mut topics: Vec<LeaderAndIsrTopicState> = Vec::new();
        for (partition, role) in roles {
            match topics.last_mut() {
                Some(topic) if *topic.topic_name == *partition.topic => {
                    topic.partition_states.push(role);
                }
                _ => topics.push(
                    LeaderAndIsrTopicState::default()
                        .with_topic_name(topic_name(&partition))
                        .with_partition_states(vec![role]),
                ),
            }
        }
        let request = m::LeaderAndIsrRequest::default()
            .with_controller_id(wire_id(self.settings.id))
            .with_controller_epoch(self.context.epoch.0)
            .with_broker_epoch(broker_epoch.0)
            .with_topic_states(topics)
            .with_live_leaders(live);
        self.send(broker, request.into(), cx);
    }

    fn send_metadata(
        &mut self,
        to: &BTreeSet<BrokerId>,
        partitions: BTreeMap<TopicPartition, UpdateMetadataPartitionState>,
        cx: &mut Context<'_, Note>,
    ) {
        let mut topics: Vec<UpdateMetadataTopicState> = Vec::new();
        for (partition, description) in partitions {
            match topics.last_mut() {
                Some(topic) if *topic.topic_name == *partition.topic => {
                    topic.partition_states.push(description);
                }
                _ => topics.push(
                    UpdateMetadataTopicState::default()
                        .with_topic_name(topic_name(&partition))
                        .with_partition_states(vec![description]),
                ),
            }
        }
        let brokers = self.context.brokers.iter().map(|(id, live)| live_broker(*id, live));
        let request = m::UpdateMetadataRequest::default()
            .with_controller_id(wire_id(self.settings.id))
            .with_controller_epoch(self.context.epoch.0)
            .with_topic_states(topics)
            .with_live_brokers(brokers.collect());
        for broker in to {
            if let Some(epoch) = self.broker_epoch(*broker) {
                self.send(*broker, request.clone().with_broker_epoch(epoch.0).into(), cx);
            }
        }
    }

    fn send_stops(
        &mut self,
        broker: BrokerId,
        replicas: &BTreeMap<TopicPartition, bool>,
        cx: &mut Context<'_, Note>,
    ) {
        let Some(broker_epoch) = self.broker_epoch(broker) else { return };
        for delete in [true, false] {
            let mut topics: Vec<StopReplicaTopicV1> = Vec::new();
            for (partition, _) in replicas.iter().filter(|(_, deletes)| **deletes == delete) {
                match topics.last_mut() {
                    Some(topic) if *topic.name == *partition.topic => {
                        topic.partition_indexes.push(partition.partition);
                    }
                    _ => topics.push(
                        StopReplicaTopicV1::default()
                            .with_name(topic_name(partition))
                            .with_partition_indexes(vec![partition.partition]),
                    ),
                }
            }
            if topics.is_empty() {
                continue;
            }
            let request = m::StopReplicaRequest::default()
                .with_controller_id(wire_id(self.settings.id))
                .with_controller_epoch(self.context.epoch.0)
                .with_broker_epoch(broker_epoch.0)
                .with_delete_partitions(delete)
                .with_topics(topics);
            self.send(broker, request.into(), cx);
        }
    }

    /// The epoch by which a broker that is there is addressed.
    fn broker_epoch(&self, broker: BrokerId) -> Option<BrokerEpoch> {
        let live = self.context.brokers.get(&broker)?;
        Some(match self.settings.mechanisms.broker_epoch {
            BrokerEpochCheck::Off => BrokerEpoch::UNKNOWN,
            BrokerEpochCheck::OnRefusingNewer | BrokerEpochCheck::On => live.epoch,
        })
    }

    fn send(&mut self, broker: BrokerId, request: Request, cx: &mut Context<'_, Note>) {
        let version = match request.api() {
            Api::LeaderAndIsr => self.settings.versions.leader_and_isr,
            Api::UpdateMetadata => self.settings.versions.update_metadata,
            _ => self.settings.versions.stop_replica,
        };
        self.channels.send(broker, Item { request, version }, cx);
    }
}

fn role(
    partition: &TopicPartition,
    leadership: &Leadership,
    assignment: &[BrokerId],
) -> LeaderAndIsrPartitionState {
    let Leadership { state, version } = leadership;
    LeaderAndIsrPartitionState::default()
        .with_partition_index(partition.partition)
        .with_controller_epoch(state.controller_epoch.0)
        .with_leader(wire_id(state.leader))
        .with_leader_epoch(state.epoch.0)
        .with_isr(wire_ids(&state.isr))
        .with_partition_epoch(*version)
        .with_replicas(wire_ids(assignment))
}

fn live_leader(
    id: BrokerId,
    live: &LiveBroker,
    settings: &Settings,
) -> Option<LeaderAndIsrLiveLeader> {
    let endpoint = live.endpoint(&settings.listener)?;
    Some(
        LeaderAndIsrLiveLeader::default()
            .with_broker_id(wire_id(id))
            .with_host_name(text(&endpoint.host))
            .with_port(i32::from(endpoint.port)),
    )
}

fn live_broker(id: BrokerId, live: &LiveBroker) -> UpdateMetadataBroker {
    let registration = &live.registration;
    let endpoints = registration.endpoints.iter().map(|endpoint| {
        let protocol = registration.protocols.get(&endpoint.name).unwrap_or(&endpoint.name);
        UpdateMetadataEndpoint::default()
            .with_host(text(&endpoint.host))
            .with_port(i32::from(endpoint.port))
            .with_listener(text(&endpoint.name))
            .with_security_protocol(security_protocol(protocol))
    });
    UpdateMetadataBroker::default()
        .with_id(wire_id(id))
        .with_endpoints(endpoints.collect())
        .with_rack(registration.rack.as_deref().map(text))
}

/// `SecurityProtocol.id`
fn security_protocol(name: &str) -> i16 {
    match name {
        "SSL" => 1,
        "SASL_PLAINTEXT" => 2,
        "SASL_SSL" => 3,
        _ => 0,
    }
}

fn topic_name(partition: &TopicPartition) -> m::TopicName {
    m::TopicName(text(&partition.topic))
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn wire_id(id: BrokerId) -> m::BrokerId {
    m::BrokerId(id.0)
}

fn wire_ids(ids: &[BrokerId]) -> Vec<m::BrokerId> {
    ids.iter().map(|id| wire_id(*id)).collect()
}
