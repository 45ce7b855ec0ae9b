//! DescribeConfigs and AlterConfigs. Settings of topics are read from and written to ZooKeeper; those of this broker are
//! what it was started with. Settings of brokers that change while they run (KIP-226) are not modelled.

use std::collections::BTreeMap;

use kafka_protocol::messages as m;
use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::protocol::StrBytes;

use super::job::{Alteration, AlterationStep, Found, Job};
use super::plan::{Plan, told};
use super::{Ground, Kind, Outcome, Refusal, Work, names};
use crate::config::keys::{KEYS, broker_key};
use crate::config::{Config, TOPIC_KEYS};
use crate::mechanism::Preset;
use crate::replica::RequestId;
use crate::wire::error;

/// A topic.
const TOPIC: i8 = 2;
/// A broker.
const BROKER: i8 = 4;

/// Where a value comes from: the topic's own settings.
const FROM_TOPIC: i8 = 1;
/// `server.properties`.
const FROM_FILE: i8 = 4;
/// Nobody said anything.
const FROM_DEFAULT: i8 = 5;

/// What the answer of a DescribeConfigs request needs to know of it.
pub(super) struct Asked {
    /// The type of each resource, and the keys that are wanted.
    resources: Vec<(i8, Option<Vec<StrBytes>>)>,
    synonyms: bool,
}

/// Begins a DescribeConfigs request.
pub(super) fn describe(
    id: RequestId,
    body: &m::DescribeConfigsRequest,
    version: i16,
    ground: &Ground<'_, '_>,
) -> Work {
    let mut plan = Plan::default();
    let mut resources = Vec::new();
    for resource in &body.resources {
        let keys = resource.configuration_keys.clone();
        resources.push((resource.resource_type, keys));
        let name = resource.resource_name.to_string();
        let job = match looking_at(resource, ground) {
            Ok(Some(job)) => Ok(job),
            Ok(None) => {
                plan.outcomes.push(Outcome { name, result: Ok(Found::Nothing) });
                continue;
            }
            Err(refusal) => Err(refusal),
        };
        plan.add(name, job);
    }
    let kind = Kind::DescribeConfigs(Asked { resources, synonyms: body.include_synonyms });
    let Plan { jobs, outcomes } = plan;
    Work { id, kind, version, jobs, outcomes, timeout_ms: 0, validate_only: false }
}

/// What is to be done for a resource; nothing for this broker itself.
fn looking_at(
    resource: &DescribeConfigsResource,
    ground: &Ground<'_, '_>,
) -> Result<Option<Job>, Refusal> {
    let name = resource.resource_name.as_str();
    let refuse = |why: String| Err(Refusal::new(error::INVALID_REQUEST, why));
    match resource.resource_type {
        TOPIC => {
            if let Some(why) = names::name_problem(name) {
                return Err(Refusal::new(error::INVALID_TOPIC_EXCEPTION, &*why));
            }
            if !ground.metadata.topics.contains_key(name) {
                return Err(Refusal::plain(error::UNKNOWN_TOPIC_OR_PARTITION));
            }
            Ok(Some(Job::Describe(name.to_owned())))
        }
        BROKER if name.is_empty() || name.parse() == Ok(ground.config.id.0) => Ok(None),
        BROKER if name.parse::<i32>().is_err() => {
            refuse(format!("Broker id must be an integer, but it is: {name}"))
        }
        BROKER => refuse(format!(
            "Unexpected broker id, expected {} or empty string, but received {name}",
            ground.config.id
        )),
        other => refuse(format!("Unsupported resource type: {other}")),
    }
}

/// One setting, as it is told.
pub(super) struct Entry {
    pub name: &'static str,
    pub value: Option<String>,
    pub source: i8,
    read_only: bool,
    /// Where the value would come from otherwise, the nearest first: key, value, source.
    synonyms: Vec<(&'static str, String, i8)>,
}

/// The settings of a topic that has these of its own.
pub(super) fn topic_entries(own: &BTreeMap<String, String>, config: &Config) -> Vec<Entry> {
    let entry = |key: &crate::config::TopicKey| {
        let mut synonyms = Vec::new();
        if let Some(value) = own.get(key.name) {
            synonyms.push((key.name, value.clone(), FROM_TOPIC));
        }
        let inherited = config.topic_defaults.get(key.name).unwrap_or_default();
        let brokers = key.broker.map(broker_synonyms).unwrap_or_default();
        for broker in &brokers {
            let given = config.given.get(*broker).cloned();
            synonyms.extend(given.map(|value| (*broker, value, FROM_FILE)));
        }
        for broker in &brokers {
            let default = broker_key(broker).and_then(|key| key.default(config.preset));
            synonyms.extend(default.map(|value| (*broker, value.to_owned(), FROM_DEFAULT)));
        }
        let value = own.get(key.name).cloned().unwrap_or(inherited);
        let source = synonyms.first().map_or(FROM_DEFAULT, |(_, _, source)| *source);
        Entry { name: key.name, value: Some(value), source, read_only: false, synonyms }
    };
    TOPIC_KEYS.iter().map(entry).collect()
}

/// The broker's keys that can be the default of a topic's, the strongest first (`DynamicBrokerConfig.brokerSynonyms`).
fn broker_synonyms(broker_key: &'static str) -> Vec<&'static str> {
    match broker_key {
        "log.roll.ms" => vec![broker_key, "log.roll.hours"],
        "log.roll.jitter.ms" => vec![broker_key, "log.roll.jitter.hours"],
        "log.retention.ms" => vec![broker_key, "log.retention.minutes", "log.retention.hours"],
        "log.flush.interval.ms" => vec![broker_key, "log.flush.scheduler.interval.ms"],
        _ => vec![broker_key],
    }
}

/// The settings of this broker.
fn broker_entries(config: &Config) -> Vec<Entry> {
    let is_there = |name: &str| config.preset != Preset::V2_3 || name != "fetch.max.bytes";
    let entry = |key: &'static crate::config::keys::Key| {
        let given = config.given.get(key.name).cloned();
        let default = key.default(config.preset).map(str::to_owned);
        let mut synonyms = Vec::new();
        synonyms.extend(given.clone().map(|value| (key.name, value, FROM_FILE)));
        synonyms.extend(default.clone().map(|value| (key.name, value, FROM_DEFAULT)));
        let source = if given.is_some() { FROM_FILE } else { FROM_DEFAULT };
        let read_only = !is_dynamic(key.name);
        Entry { name: key.name, value: given.or(default), source, read_only, synonyms }
    };
    KEYS.iter().filter(|key| is_there(key.name)).map(entry).collect()
}

/// Whether the real broker lets it be changed while it runs.
fn is_dynamic(name: &str) -> bool {
    let of_topics = TOPIC_KEYS.iter().any(|key| key.broker == Some(name));
    let of_listeners = ["listeners", "advertised.listeners", "listener.security.protocol.map"];
    (of_topics && name != "log.message.format.version")
        || name == "num.io.threads"
        || of_listeners.contains(&name)
}

/// The response of DescribeConfigs.
pub(super) fn described(
    asked: &Asked,
    outcomes: Vec<Outcome>,
    version: i16,
    config: &Config,
) -> m::DescribeConfigsResponse {
    let result = |(outcome, (kind, keys)): (Outcome, &(i8, Option<Vec<StrBytes>>))| {
        let (error_code, error_message) = told(&outcome.result);
        let entries = match &outcome.result {
            Ok(Found::Settings(own)) => topic_entries(own, config),
            // The defaults of all brokers: nothing was ever set.
            Ok(_) if outcome.name.is_empty() => Vec::new(),
            Ok(_) => broker_entries(config),
            Err(_) => Vec::new(),
        };
        let is_wanted = |entry: &Entry| {
            keys.as_ref().is_none_or(|keys| keys.iter().any(|key| **key == *entry.name))
        };
        let entries = entries.into_iter().filter(is_wanted);
        DescribeConfigsResult::default()
            .with_error_code(error_code)
            .with_error_message(error_message)
            .with_resource_type(*kind)
            .with_resource_name(StrBytes::from_string(outcome.name))
            .with_configs(entries.map(|entry| told_entry(entry, asked, version)).collect())
    };
    let results = outcomes.into_iter().zip(&asked.resources).map(result);
    m::DescribeConfigsResponse::default().with_results(results.collect())
}

fn told_entry(entry: Entry, asked: &Asked, version: i16) -> DescribeConfigsResourceResult {
    let synonym = |(name, value, source)| {
        DescribeConfigsSynonym::default()
            .with_name(StrBytes::from_static_str(name))
            .with_value(Some(StrBytes::from_string(value)))
            .with_source(source)
    };
    let mut told = DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(entry.name))
        .with_value(entry.value.map(StrBytes::from_string))
        .with_read_only(entry.read_only);
    if version == 0 {
        told.is_default = entry.source == FROM_DEFAULT;
    } else {
        told.config_source = entry.source;
        if asked.synonyms {
            told.synonyms = entry.synonyms.into_iter().map(synonym).collect();
        }
    }
    told
}

/// Begins an AlterConfigs request.
pub(super) fn alter(id: RequestId, body: &m::AlterConfigsRequest, version: i16) -> Work {
    let mut plan = Plan::default();
    let mut types = Vec::new();
    for resource in &body.resources {
        types.push(resource.resource_type);
        let job = alteration(resource, body.validate_only).map(Job::Alter);
        plan.add(resource.resource_name.to_string(), job);
    }
    let kind = Kind::AlterConfigs { types };
    let Plan { jobs, outcomes } = plan;
    Work { id, kind, version, jobs, outcomes, timeout_ms: 0, validate_only: body.validate_only }
}

fn alteration(resource: &AlterConfigsResource, validate_only: bool) -> Result<Alteration, Refusal> {
    let refuse = |why: String| Err(Refusal::new(error::INVALID_REQUEST, why));
    match resource.resource_type {
        TOPIC => {}
        BROKER => return refuse("Dynamic settings of brokers are not modelled.".to_owned()),
        other => {
            return refuse(format!(
                "AlterConfigs is only supported for topics and brokers, but resource type is \
                 {other}"
            ));
        }
    }
    let mut config = BTreeMap::new();
    for entry in &resource.configs {
        let Some(value) = &entry.value else {
            return refuse(format!("Null value not supported for : {}", &*entry.name));
        };
        config.insert(entry.name.to_string(), value.to_string());
    }
    let topic = resource.resource_name.to_string();
    Ok(Alteration { topic, config, validate_only, step: AlterationStep::SetConfig })
}

/// The response of AlterConfigs.
pub(super) fn altered(types: &[i8], outcomes: Vec<Outcome>) -> m::AlterConfigsResponse {
    let result = |(outcome, kind): (Outcome, &i8)| {
        let (error_code, error_message) = told(&outcome.result);
        AlterConfigsResourceResponse::default()
            .with_error_code(error_code)
            .with_error_message(error_message)
            .with_resource_type(*kind)
            .with_resource_name(StrBytes::from_string(outcome.name))
    };
    let responses = outcomes.into_iter().zip(types).map(result);
    m::AlterConfigsResponse::default().with_responses(responses.collect())
}
