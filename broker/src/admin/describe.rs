//! Metadata: who leads what and where brokers are, as this broker believes (`KafkaApis.handleTopicMetadataRequest`,
//! `MetadataCache`). Topics that do not exist are created, where that is allowed.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages as m;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::protocol::StrBytes;

use super::job::{Creation, CreationStep, Job, Replicas};
use super::plan::{Plan, told};
use super::{Door, Ground, Kind, Outcome, Refusal, Work, names};
use crate::config::Config;
use crate::id::BrokerId;
use crate::mechanism::Preset;
use crate::metadata::{Cache, PartitionState};
use crate::replica::RequestId;
use crate::wire::error;

/// What the answer needs to know of the request.
pub(super) struct Asked {
    /// The topics that are answered from the cache, in this order; `None` for all there are.
    known: Option<Vec<String>>,
    /// The listener that the client uses.
    listener: String,
}

/// Begins a Metadata request.
pub(super) fn begin(
    id: RequestId,
    body: &m::MetadataRequest,
    version: i16,
    listener: &str,
    ground: &Ground<'_, '_>,
) -> Work {
    let mut plan = Plan::default();
    // Version 0 cannot say "none": an empty list means all.
    let wanted = body.topics.as_deref().filter(|topics| version > 0 || !topics.is_empty());
    let known = wanted.map(|topics| {
        let mut seen = BTreeSet::new();
        let mut known = Vec::new();
        for name in topics.iter().filter_map(|topic| topic.name.as_ref()) {
            let name = name.0.as_str();
            if !seen.insert(name) {
                continue;
            }
            if ground.metadata.topics.contains_key(name) {
                known.push(name.to_owned());
            } else {
                let job = creation(name, body.allow_auto_topic_creation, ground.config);
                plan.add(name.to_owned(), job.map(Job::Create));
            }
        }
        known
    });
    let kind = Kind::Metadata(Asked { known, listener: listener.to_owned() });
    let Plan { jobs, outcomes } = plan;
    Work { id, kind, version, jobs, outcomes, timeout_ms: 0, validate_only: false }
}

/// The automatic creation of a topic, if it may be.
fn creation(topic: &str, allowed: bool, config: &Config) -> Result<Creation, Refusal> {
    // Kafka's own topics are created with settings of their own, by parts that are not modelled.
    if !allowed || !config.auto_create_topics || names::is_internal(topic) {
        let bad_name = names::name_problem(topic).is_some();
        let error = if bad_name && allowed && config.auto_create_topics {
            error::INVALID_TOPIC_EXCEPTION
        } else {
            error::UNKNOWN_TOPIC_OR_PARTITION
        };
        return Err(Refusal::plain(error));
    }
    Ok(Creation {
        topic: topic.to_owned(),
        config: BTreeMap::new(),
        replicas: Replicas::Default,
        validate_only: false,
        step: CreationStep::Brokers,
    })
}

/// The response.
pub(super) fn answer(
    asked: &Asked,
    outcomes: Vec<Outcome>,
    version: i16,
    config: &Config,
    door: &Door<'_>,
) -> m::MetadataResponse {
    let view = View { cache: door.metadata, listener: &asked.listener, version, config };
    let mut topics: Vec<_> = match &asked.known {
        None => view.cache.topics.keys().map(|name| view.topic(name)).collect(),
        Some(known) => known.iter().map(|name| view.topic(name)).collect(),
    };
    topics.extend(outcomes.into_iter().map(created));
    let controller = view.cache.controller.unwrap_or(BrokerId::NONE);
    m::MetadataResponse::default()
        .with_brokers(view.brokers())
        .with_cluster_id(Some(StrBytes::from_string(door.cluster_id.to_owned())))
        .with_controller_id(m::BrokerId(controller.0))
        .with_topics(topics)
}

/// A topic that was created just now, by this broker or another: it has no leaders yet. Or one that could not be.
fn created(outcome: Outcome) -> MetadataResponseTopic {
    let error_code = match told(&outcome.result).0 {
        error::NONE | error::TOPIC_ALREADY_EXISTS => error::LEADER_NOT_AVAILABLE,
        other => other,
    };
    let is_internal = names::is_internal(&outcome.name);
    MetadataResponseTopic::default()
        .with_error_code(error_code)
        .with_name(Some(m::TopicName(StrBytes::from_string(outcome.name))))
        .with_is_internal(is_internal)
}

/// The cache as one listener's clients see it.
struct View<'a> {
    cache: &'a Cache,
    listener: &'a str,
    version: i16,
    config: &'a Config,
}

impl View<'_> {
    /// The live brokers that have the listener.
    fn brokers(&self) -> Vec<MetadataResponseBroker> {
        let broker = |(id, (endpoints, rack)): (&BrokerId, &(Vec<_>, Option<String>))| {
            let endpoint: &crate::config::Endpoint = endpoints
                .iter()
                .find(|endpoint: &&crate::config::Endpoint| endpoint.name == self.listener)?;
            let broker = MetadataResponseBroker::default()
                .with_node_id(m::BrokerId(id.0))
                .with_host(StrBytes::from_string(endpoint.host.clone()))
                .with_port(endpoint.port.into())
                .with_rack(rack.clone().map(StrBytes::from_string));
            Some(broker)
        };
        self.cache.brokers.iter().filter_map(broker).collect()
    }

    /// One topic; unknown if it went meanwhile.
    fn topic(&self, name: &str) -> MetadataResponseTopic {
        let topic = MetadataResponseTopic::default()
            .with_name(Some(m::TopicName(StrBytes::from_string(name.to_owned()))))
            .with_is_internal(names::is_internal(name));
        match self.cache.topics.get(name) {
            None => topic.with_error_code(error::UNKNOWN_TOPIC_OR_PARTITION),
            Some(partitions) => {
                let partitions = partitions.iter();
                topic.with_partitions(
                    partitions.map(|(number, state)| self.partition(*number, state)).collect(),
                )
            }
        }
    }

    fn partition(&self, number: i32, state: &PartitionState) -> MetadataResponsePartition {
        let (replicas, isr) = (self.seen(&state.replicas), self.seen(&state.isr));
        let partition = MetadataResponsePartition::default()
            .with_partition_index(number)
            .with_offline_replicas(self.seen(&state.offline));
        let missing = replicas.len() < state.replicas.len() || isr.len() < state.isr.len();
        let partition = partition.with_replica_nodes(replicas).with_isr_nodes(isr);
        if self.has_listener(state.leader) {
            let error = if missing { error::REPLICA_NOT_AVAILABLE } else { error::NONE };
            return partition
                .with_error_code(error)
                .with_leader_id(m::BrokerId(state.leader.0))
                .with_leader_epoch(state.epoch.0);
        }
        // Since version 6 a leader that is alive but not to be reached this way has an error of its own (KAFKA-6546).
        let error = if self.cache.is_alive(state.leader) && self.version >= 6 {
            error::LISTENER_NOT_FOUND
        } else {
            error::LEADER_NOT_AVAILABLE
        };
        let epoch = match self.config.preset {
            Preset::V2_3 => -1,
            Preset::V2_5 | Preset::Fixed => state.epoch.0,
        };
        partition
            .with_error_code(error)
            .with_leader_id(m::BrokerId(BrokerId::NONE.0))
            .with_leader_epoch(epoch)
    }

    fn has_listener(&self, id: BrokerId) -> bool {
        let endpoints = self.cache.brokers.get(&id).map(|(endpoints, _)| endpoints.as_slice());
        let endpoints = endpoints.unwrap_or_default();
        endpoints.iter().any(|endpoint| endpoint.name == self.listener)
    }

    /// The ids of replicas. Version 0 leaves out those that are not alive.
    fn seen(&self, ids: &[BrokerId]) -> Vec<m::BrokerId> {
        let ids = ids.iter().filter(|id| self.version > 0 || self.has_listener(**id));
        ids.map(|id| m::BrokerId(id.0)).collect()
    }
}
