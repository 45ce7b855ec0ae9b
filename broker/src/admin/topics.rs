//! CreateTopics, CreatePartitions and DeleteTopics: taken apart into jobs, waited for, answered (`AdminManager`,
//! `DelayedCreatePartitions`, `DelayedDeleteTopics`).

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages as m;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use kafka_protocol::messages::{create_partitions_response, delete_topics_response};
use kafka_protocol::protocol::StrBytes;

use super::assignment::{Candidate, Racks};
use super::job::{
    Creation, CreationStep, Deletion, Extension, ExtensionStep, Found, Job, Replicas, draw,
};
use super::plan::{Plan, told};
use super::{Ground, Kind, Outcome, Refusal, Work, settings};
use crate::config::Config;
use crate::id::BrokerId;
use crate::mechanism::Preset;
use crate::replica::RequestId;
use crate::wire::error;

/// The names that are there more than once.
fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| !seen.insert(*name)).collect()
}

/// Begins a CreateTopics request.
pub(super) fn create(
    id: RequestId,
    body: &m::CreateTopicsRequest,
    version: i16,
    is_controller: bool,
    ground: &mut Ground<'_, '_>,
) -> Work {
    let mut plan = Plan::default();
    let repeated = repeated(body.topics.iter().map(|topic| topic.name.0.as_str()));
    let mut seen = BTreeSet::new();
    for topic in &body.topics {
        let name = topic.name.0.as_str();
        if !seen.insert(name) {
            continue;
        }
        let job = if !is_controller {
            Err(Refusal::plain(error::NOT_CONTROLLER))
        } else if repeated.contains(name) {
            let why = "Found multiple entries for this topic.";
            Err(Refusal::new(error::INVALID_REQUEST, why))
        } else {
            creation(topic, body.validate_only, ground).map(Job::Create)
        };
        plan.add(name.to_owned(), job);
    }
    let mut work = plan.work(id, Kind::CreateTopics, version, body.timeout_ms);
    work.validate_only = body.validate_only;
    work
}

/// One topic of a CreateTopics request.
fn creation(
    topic: &CreatableTopic,
    validate_only: bool,
    ground: &mut Ground<'_, '_>,
) -> Result<Creation, Refusal> {
    let mut config = BTreeMap::new();
    for entry in &topic.configs {
        let value = entry.value.as_deref().ok_or_else(|| {
            let why = format!("Null value not supported for topic configs : {}", &*entry.name);
            Refusal::new(error::INVALID_CONFIG, why)
        })?;
        config.insert(entry.name.to_string(), value.to_owned());
    }
    let checked = ground.config.topic_defaults.with(&config);
    checked.map_err(|why| Refusal::new(error::INVALID_CONFIG, why))?;
    let assigned = if topic.assignments.is_empty() {
        let (partitions, factor) = numbers(topic, ground.config);
        let alive = ground.metadata.brokers.iter();
        let candidates: Vec<_> =
            alive.map(|(id, (_, rack))| Candidate { id: *id, rack: rack.clone() }).collect();
        draw(&candidates, partitions, factor, Racks::Enforced, ground)?
    } else if topic.replication_factor != -1 || topic.num_partitions != -1 {
        let why = "Both numPartitions or replicationFactor and replicasAssignments were set. Both \
                   cannot be used at the same time.";
        return Err(Refusal::new(error::INVALID_REQUEST, why));
    } else {
        let ids = |ids: &[m::BrokerId]| ids.iter().map(|id| BrokerId(id.0)).collect();
        let assignments = topic.assignments.iter();
        assignments.map(|one| (one.partition_index, ids(&one.broker_ids))).collect()
    };
    Ok(Creation {
        topic: topic.name.to_string(),
        config,
        replicas: Replicas::Assigned(assigned),
        validate_only,
        step: CreationStep::Exists,
    })
}

/// How many partitions and replicas. Since 2.4 (KIP-464) -1 is what the broker's settings say.
fn numbers(topic: &CreatableTopic, config: &Config) -> (i32, i32) {
    let (partitions, factor) = (topic.num_partitions, i32::from(topic.replication_factor));
    match config.preset {
        Preset::V2_3 => (partitions, factor),
        Preset::V2_5 | Preset::Fixed => (
            if partitions == -1 { config.partitions } else { partitions },
            if factor == -1 { config.replication_factor.into() } else { factor },
        ),
    }
}

/// Begins a CreatePartitions request.
pub(super) fn extend(
    id: RequestId,
    body: &m::CreatePartitionsRequest,
    version: i16,
    is_controller: bool,
) -> Work {
    let mut plan = Plan::default();
    let repeated = repeated(body.topics.iter().map(|topic| topic.name.0.as_str()));
    let mut seen = BTreeSet::new();
    for topic in &body.topics {
        let name = topic.name.0.as_str();
        if !seen.insert(name) {
            continue;
        }
        let job = if !is_controller {
            Err(Refusal::plain(error::NOT_CONTROLLER))
        } else if repeated.contains(name) {
            Err(Refusal::new(error::INVALID_REQUEST, "Duplicate topic in request."))
        } else {
            let ids = |ids: &[m::BrokerId]| ids.iter().map(|id| BrokerId(id.0)).collect();
            let assignments = topic.assignments.as_ref();
            Ok(Job::Extend(Extension {
                topic: name.to_owned(),
                count: topic.count,
                assignments: assignments
                    .map(|all| all.iter().map(|one| ids(&one.broker_ids)).collect()),
                validate_only: body.validate_only,
                step: ExtensionStep::Deletion,
                brokers: Vec::new(),
            }))
        };
        plan.add(name.to_owned(), job);
    }
    let mut work = plan.work(id, Kind::CreatePartitions, version, body.timeout_ms);
    work.validate_only = body.validate_only;
    work
}

/// Begins a DeleteTopics request.
pub(super) fn delete(
    id: RequestId,
    body: &m::DeleteTopicsRequest,
    version: i16,
    is_controller: bool,
    ground: &Ground<'_, '_>,
) -> Work {
    let mut plan = Plan::default();
    let names: BTreeSet<_> = body.topic_names.iter().map(|topic| topic.0.as_str()).collect();
    for name in names {
        let job = if !is_controller {
            Err(Refusal::plain(error::NOT_CONTROLLER))
        } else if !ground.config.delete_topics {
            // Version 3 has an error of its own for it (KAFKA-5975).
            let old = version < 3;
            Err(Refusal::plain(if old {
                error::INVALID_REQUEST
            } else {
                error::TOPIC_DELETION_DISABLED
            }))
        } else if !ground.metadata.topics.contains_key(name) {
            Err(Refusal::plain(error::UNKNOWN_TOPIC_OR_PARTITION))
        } else {
            Ok(Job::Delete(Deletion { topic: name.to_owned(), ordered: false }))
        };
        plan.add(name.to_owned(), job);
    }
    plan.work(id, Kind::DeleteTopics, version, body.timeout_ms)
}

/// Whether the metadata show what was done: leaders for all partitions, or no topic. What was refused need not be seen.
pub(super) fn is_seen(outcome: &Outcome, metadata: &crate::metadata::Cache) -> bool {
    match &outcome.result {
        Err(_) => true,
        Ok(Found::Partitions(partitions, _)) => partitions.keys().all(|partition| {
            let known = metadata.partition(&outcome.name, *partition);
            known.is_some_and(|state| state.leader != BrokerId::NONE)
        }),
        Ok(_) => !metadata.topics.contains_key(outcome.name.as_str()),
    }
}

fn name(text: String) -> m::TopicName {
    m::TopicName(StrBytes::from_string(text))
}

/// The response of CreateTopics. Since version 5 (KIP-525) it also says what was created.
pub(super) fn created(
    outcomes: Vec<Outcome>,
    version: i16,
    config: &Config,
) -> m::CreateTopicsResponse {
    let result = |outcome: Outcome| {
        let (error_code, error_message) = told(&outcome.result);
        let mut result = CreatableTopicResult::default()
            .with_error_code(error_code)
            .with_error_message(error_message)
            .with_num_partitions(-1)
            .with_replication_factor(-1);
        if version >= 5
            && let Ok(Found::Partitions(partitions, own)) = &outcome.result
        {
            let replicas = partitions.values().next().map_or(0, Vec::len);
            result.num_partitions = i32::try_from(partitions.len()).unwrap_or(i32::MAX);
            result.replication_factor = i16::try_from(replicas).unwrap_or(i16::MAX);
            result.configs = Some(settings_of(own, config));
        }
        result.with_name(name(outcome.name))
    };
    m::CreateTopicsResponse::default().with_topics(outcomes.into_iter().map(result).collect())
}

/// All settings of a new topic that has these of its own.
fn settings_of(own: &BTreeMap<String, String>, config: &Config) -> Vec<CreatableTopicConfigs> {
    let entries = settings::topic_entries(own, config).into_iter();
    let entry = |entry: settings::Entry| {
        CreatableTopicConfigs::default()
            .with_name(StrBytes::from_static_str(entry.name))
            .with_value(entry.value.map(StrBytes::from_string))
            .with_config_source(entry.source)
    };
    entries.map(entry).collect()
}

/// The response of CreatePartitions.
pub(super) fn extended(outcomes: Vec<Outcome>) -> m::CreatePartitionsResponse {
    let result = |outcome: Outcome| {
        let (error_code, error_message) = told(&outcome.result);
        create_partitions_response::CreatePartitionsTopicResult::default()
            .with_name(name(outcome.name))
            .with_error_code(error_code)
            .with_error_message(error_message)
    };
    m::CreatePartitionsResponse::default().with_results(outcomes.into_iter().map(result).collect())
}

/// The response of DeleteTopics.
pub(super) fn deleted(outcomes: Vec<Outcome>) -> m::DeleteTopicsResponse {
    let result = |outcome: Outcome| {
        delete_topics_response::DeletableTopicResult::default()
            .with_error_code(told(&outcome.result).0)
            .with_name(Some(name(outcome.name)))
    };
    m::DeleteTopicsResponse::default().with_responses(outcomes.into_iter().map(result).collect())
}
