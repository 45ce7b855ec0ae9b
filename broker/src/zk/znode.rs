//! Kafka's znodes: their paths and their JSON, byte for byte as brokers of 2.3 and 2.5 write them (`kafka.zk.ZkData`). Pure
//! functions. Readers take fields in any order and ignore those they do not know.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use serde::Deserialize;

use super::order;
use crate::config::Endpoint;
use crate::id::{BrokerId, ControllerEpoch, LeaderEpoch, TopicPartition};
use crate::mechanism::Preset;

/// Where brokers register.
pub const BROKER_IDS: &str = "/brokers/ids";
/// Topics and their assignments.
pub const TOPICS: &str = "/brokers/topics";
/// Who is the controller.
pub const CONTROLLER: &str = "/controller";
/// How many controllers there have been, in decimal.
pub const CONTROLLER_EPOCH: &str = "/controller_epoch";
/// The cluster's own name.
pub const CLUSTER_ID: &str = "/cluster/id";
/// Topics that are to be deleted.
pub const DELETE_TOPICS: &str = "/admin/delete_topics";
/// Partitions whose preferred replica shall lead.
pub const PREFERRED_ELECTION: &str = "/admin/preferred_replica_election";
/// News of ISRs that leaders changed.
pub const ISR_CHANGES: &str = "/isr_change_notification";
/// News of settings that were changed.
pub const CONFIG_CHANGES: &str = "/config/changes";
/// Settings of topics.
pub const TOPIC_CONFIGS: &str = "/config/topics";
/// The producer ids that were given out last.
pub const PRODUCER_IDS: &str = "/latest_producer_id_block";

/// What every broker makes sure of at its start, in this order (`ZkData.PersistentZkPaths`); parents that are missing come
/// first.
pub const PERSISTENT: [&str; 13] = [
    "/consumers",
    BROKER_IDS,
    TOPICS,
    CONFIG_CHANGES,
    DELETE_TOPICS,
    "/brokers/seqid",
    ISR_CHANGES,
    PRODUCER_IDS,
    "/log_dir_event_notification",
    TOPIC_CONFIGS,
    "/config/clients",
    "/config/users",
    "/config/brokers",
];

/// `/brokers/ids/N`
pub fn broker_path(broker: BrokerId) -> Arc<str> {
    format!("{BROKER_IDS}/{broker}").into()
}

/// `/brokers/topics/T`
pub fn topic_path(topic: &str) -> Arc<str> {
    format!("{TOPICS}/{topic}").into()
}

/// `/brokers/topics/T/partitions`
pub fn partitions_path(topic: &str) -> Arc<str> {
    format!("{TOPICS}/{topic}/partitions").into()
}

/// `/brokers/topics/T/partitions/P`
pub fn partition_path(partition: &TopicPartition) -> Arc<str> {
    let TopicPartition { topic, partition } = partition;
    format!("{TOPICS}/{topic}/partitions/{partition}").into()
}

/// `/brokers/topics/T/partitions/P/state`
pub fn state_path(partition: &TopicPartition) -> Arc<str> {
    let TopicPartition { topic, partition } = partition;
    format!("{TOPICS}/{topic}/partitions/{partition}/state").into()
}

/// `/config/topics/T`
pub fn config_path(topic: &str) -> Arc<str> {
    format!("{TOPIC_CONFIGS}/{topic}").into()
}

/// `/admin/delete_topics/T`
pub fn delete_path(topic: &str) -> Arc<str> {
    format!("{DELETE_TOPICS}/{topic}").into()
}

/// What the path of a sequential `config_change_NNNNNNNNNN` begins with.
pub fn config_change_prefix() -> Arc<str> {
    format!("{CONFIG_CHANGES}/config_change_").into()
}

/// What the path of a sequential `isr_change_NNNNNNNNNN` begins with.
pub fn isr_change_prefix() -> Arc<str> {
    format!("{ISR_CHANGES}/isr_change_").into()
}

/// The data of a partition's `state` znode.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct State {
    /// The controller that last decided.
    pub controller_epoch: ControllerEpoch,
    /// The leader, `NONE` without.
    pub leader: BrokerId,
    /// Its epoch.
    #[serde(rename = "leader_epoch")]
    pub epoch: LeaderEpoch,
    /// In sync, in this order.
    pub isr: Vec<BrokerId>,
}

impl State {
    /// `{"controller_epoch":1,"leader":2,"version":1,"leader_epoch":0,"isr":[2,3,1]}`
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = String::with_capacity(96);
        let Self { controller_epoch, leader, epoch, isr } = self;
        let (controller_epoch, leader, epoch) = (controller_epoch.0, leader.0, epoch.0);
        put(&mut json, format_args!(r#"{{"controller_epoch":{controller_epoch},"#));
        put(&mut json, format_args!(r#""leader":{leader},"version":1,"#));
        put(&mut json, format_args!(r#""leader_epoch":{epoch},"isr":"#));
        put_ids(&mut json, isr);
        json.push('}');
        json.into()
    }

    /// Reads it; `None` if it is none.
    pub fn from_json(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }
}

/// The data of `/brokers/ids/N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Advertised.
    pub endpoints: Vec<Endpoint>,
    /// Security protocol by listener name.
    pub protocols: BTreeMap<String, String>,
    /// ms since 1970
    pub timestamp: i64,
    /// `broker.rack`
    pub rack: Option<String>,
}

impl Registration {
    /// Version 4, fields in the order Kafka writes them: that of a `mutable.HashMap`, by their names.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = String::with_capacity(256);
        json.push_str(r#"{"listener_security_protocol_map":{"#);
        let mut names: Vec<&str> =
            self.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
        order::immutable(&mut names, |name| order::text_hash(name));
        let protocols =
            names.into_iter().filter_map(|name| Some((name, self.protocols.get(name)?)));
        put_list(&mut json, protocols, |json, (name, protocol)| {
            put_text(json, name);
            json.push(':');
            put_text(json, protocol);
        });
        json.push_str(r#"},"endpoints":["#);
        put_list(&mut json, &self.endpoints, |json, endpoint| {
            put_text(json, &endpoint.to_string());
        });
        json.push(']');
        if let Some(rack) = &self.rack {
            json.push_str(r#","rack":"#);
            put_text(&mut json, rack);
        }
        json.push_str(r#","jmx_port":-1,"host":"#);
        // For clients of old that know only one plain address.
        let plain = self.endpoints.iter().find(|endpoint| {
            self.protocols.get(&endpoint.name).is_some_and(|protocol| protocol == "PLAINTEXT")
        });
        match plain {
            Some(endpoint) => put_text(&mut json, &endpoint.host),
            None => json.push_str("null"),
        }
        let port = plain.map_or(-1, |endpoint| i32::from(endpoint.port));
        let timestamp = self.timestamp;
        put(&mut json, format_args!(r#","timestamp":"{timestamp}","port":{port},"version":4}}"#));
        json.into()
    }

    /// Reads it; `None` if it is none.
    pub fn from_json(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Fields {
            endpoints: Vec<String>,
            #[serde(default)]
            listener_security_protocol_map: BTreeMap<String, String>,
            #[serde(default)]
            timestamp: String,
            rack: Option<String>,
        }
        let fields: Fields = serde_json::from_slice(json).ok()?;
        let endpoints = fields.endpoints.iter().map(|text| Endpoint::parse(text));
        Some(Self {
            endpoints: endpoints.collect::<Option<_>>()?,
            protocols: fields.listener_security_protocol_map,
            timestamp: fields.timestamp.parse().unwrap_or_default(),
            rack: fields.rack,
        })
    }
}

/// The order in which the assignment of partitions stands in `/brokers/topics/T`. Up to four partitions stand as the
/// assignment was made up (in a `mutable.HashMap`), more in the order of Scala's immutable map of texts.
fn json_order(partitions: &BTreeMap<i32, Vec<BrokerId>>) -> Vec<i32> {
    let mut order: Vec<i32> = partitions.keys().copied().collect();
    order::mutable(&mut order, |partition| *partition as u32);
    order::immutable(&mut order, |partition| order::text_hash(&partition.to_string()));
    order
}

/// The order in which a controller goes through all partitions of a topic that it has read from `/brokers/topics/T`: it
/// makes the znodes of new ones in this order.
pub fn partition_order(topic: &str, partitions: &BTreeMap<i32, Vec<BrokerId>>) -> Vec<i32> {
    let mut order = json_order(partitions);
    let topic = order::text_hash(topic);
    order::immutable(&mut order, |partition| order::partition_hash(topic, *partition));
    order
}

/// The data of `/brokers/topics/T`.
pub fn topic_json(partitions: &BTreeMap<i32, Vec<BrokerId>>, preset: Preset) -> Vec<u8> {
    let (version, rest) = match preset {
        Preset::V2_3 => (1, "}}"),
        Preset::V2_5 | Preset::Fixed => (2, r#"},"adding_replicas":{},"removing_replicas":{}}"#),
    };
    let mut json = String::with_capacity(96 + 16 * partitions.len());
    put(&mut json, format_args!(r#"{{"version":{version},"partitions":{{"#));
    put_list(&mut json, json_order(partitions), |json, partition| {
        put(json, format_args!(r#""{partition}":"#));
        put_ids(json, &partitions[&partition]);
    });
    json.push_str(rest);
    json.into()
}

/// The assignment in `/brokers/topics/T`; `None` if it is none.
pub fn topic_from_json(json: &[u8]) -> Option<BTreeMap<i32, Vec<BrokerId>>> {
    #[derive(Deserialize)]
    struct Fields {
        partitions: BTreeMap<i32, Vec<BrokerId>>,
    }
    serde_json::from_slice::<Fields>(json).ok().map(|fields| fields.partitions)
}

/// `{"version":1,"brokerid":3,"timestamp":"1795210779151"}`
pub fn controller_json(id: BrokerId, timestamp: i64) -> Vec<u8> {
    format!(r#"{{"version":1,"brokerid":{id},"timestamp":"{timestamp}"}}"#).into()
}

/// The broker in `/controller`.
pub fn controller_from_json(json: &[u8]) -> Option<BrokerId> {
    #[derive(Deserialize)]
    struct Fields {
        brokerid: BrokerId,
    }
    serde_json::from_slice::<Fields>(json).ok().map(|fields| fields.brokerid)
}

/// The number in `/controller_epoch`.
pub fn controller_epoch_from(text: &[u8]) -> Option<ControllerEpoch> {
    str::from_utf8(text).ok()?.parse().ok().map(ControllerEpoch)
}

/// `{"version":1,"config":{…}}`, the settings in the order of Java's `Properties`.
pub fn config_json(config: &BTreeMap<String, String>) -> Vec<u8> {
    let mut settings: Vec<_> = config.iter().collect();
    order::properties(&mut settings, |(key, _)| order::text_hash(key));
    let mut json = String::with_capacity(64);
    json.push_str(r#"{"version":1,"config":{"#);
    put_list(&mut json, settings, |json, (key, value)| {
        put_text(json, key);
        json.push(':');
        put_text(json, value);
    });
    json.push_str("}}");
    json.into()
}

/// The settings in a `/config/topics/T`.
pub fn config_from_json(json: &[u8]) -> Option<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Fields {
        config: BTreeMap<String, String>,
    }
    serde_json::from_slice::<Fields>(json).ok().map(|fields| fields.config)
}

/// A `config_change_N`: `{"version":2,"entity_path":"topics/first-test"}`
pub fn config_change_json(topic: &str) -> Vec<u8> {
    let mut json = String::from(r#"{"version":2,"entity_path":"#);
    put_text(&mut json, &format!("topics/{topic}"));
    json.push('}');
    json.into()
}

/// The topic whose settings a `config_change_N` tells of; `None` for brokers, clients and users.
pub fn config_change_from_json(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Fields {
        entity_path: String,
    }
    let fields: Fields = serde_json::from_slice(json).ok()?;
    fields.entity_path.strip_prefix("topics/").map(str::to_owned)
}

/// An `isr_change_N`, and the data of `/admin/preferred_replica_election`:
/// `{"version":1,"partitions":[{"topic":"t","partition":0}]}`
pub fn partitions_json<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> Vec<u8> {
    let mut json = String::from(r#"{"version":1,"partitions":["#);
    put_list(&mut json, partitions, |json, TopicPartition { topic, partition }| {
        json.push_str(r#"{"topic":"#);
        put_text(json, topic);
        put(json, format_args!(r#","partition":{partition}}}"#));
    });
    json.push_str("]}");
    json.into()
}

/// The partitions that are listed there.
pub fn partitions_from_json(json: &[u8]) -> Option<Vec<TopicPartition>> {
    #[derive(Deserialize)]
    struct Listed {
        topic: String,
        partition: i32,
    }
    #[derive(Deserialize)]
    struct Fields {
        partitions: Vec<Listed>,
    }
    let fields: Fields = serde_json::from_slice(json).ok()?;
    let partition = |listed: Listed| TopicPartition::new(listed.topic, listed.partition);
    Some(fields.partitions.into_iter().map(partition).collect())
}

/// `{"version":"1","id":"igYE2MDXQ1mFXdO2dyHbKg"}`
pub fn cluster_id_json(id: &str) -> Vec<u8> {
    let mut json = String::from(r#"{"version":"1","id":"#);
    put_text(&mut json, id);
    json.push('}');
    json.into()
}

/// The id in `/cluster/id`.
pub fn cluster_id_from_json(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Fields {
        id: String,
    }
    serde_json::from_slice::<Fields>(json).ok().map(|fields| fields.id)
}

/// A new cluster's id of 16 random bytes: 22 letters of base64 as in addresses of the web.
pub fn cluster_id_of(random: [u8; 16]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let number = u128::from_be_bytes(random);
    let letter = |place: u32| {
        // Six bits for each letter; for the last one only two are left.
        let bits = if place < 21 { number >> (122 - 6 * place) } else { number << 4 };
        char::from(LETTERS[(bits & 0x3f) as usize])
    };
    (0..22).map(letter).collect()
}

/// How many producer ids a broker takes at a time.
const PRODUCER_ID_BLOCK: i64 = 1000;

/// The data of `/latest_producer_id_block` when this broker takes the ids from `start` on:
/// `{"version":1,"broker":2,"block_start":"2000","block_end":"2999"}`
pub fn producer_ids_json(broker: BrokerId, start: i64) -> Vec<u8> {
    let end = start.saturating_add(PRODUCER_ID_BLOCK - 1);
    format!(r#"{{"version":1,"broker":{broker},"block_start":"{start}","block_end":"{end}"}}"#)
        .into()
}

/// Where the next block of producer ids begins: after the one that stands there.
pub fn next_producer_ids(json: &[u8]) -> Option<i64> {
    #[derive(Deserialize)]
    struct Fields {
        block_end: String,
    }
    let fields: Fields = serde_json::from_slice(json).ok()?;
    fields.block_end.parse::<i64>().ok()?.checked_add(1)
}

/// Writes into a text, which cannot fail.
fn put(json: &mut String, what: std::fmt::Arguments<'_>) {
    json.write_fmt(what).expect("a text takes everything");
}

/// Writes items with commas between them.
fn put_list<T>(
    json: &mut String,
    items: impl IntoIterator<Item = T>,
    put_item: impl Fn(&mut String, T),
) {
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            json.push(',');
        }
        put_item(json, item);
    }
}

/// Writes `[1,2,3]`.
fn put_ids(json: &mut String, ids: &[BrokerId]) {
    json.push('[');
    put_list(json, ids, |json, id| put(json, format_args!("{}", id.0)));
    json.push(']');
}

/// Writes a text in quotes, with what Jackson escapes.
fn put_text(json: &mut String, text: &str) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\0'..='\x1f' => put(json, format_args!("\\u{:04X}", u32::from(letter))),
            _ => json.push(letter),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests;
