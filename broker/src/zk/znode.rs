//! Kafka's znodes: their paths and their JSON, byte for byte as brokers of 2.3 and 2.5 write them. Pure functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Endpoint;
use crate::id::{BrokerId, ControllerEpoch, LeaderEpoch, TopicPartition};
use crate::mechanism::Preset;

/// The data of a partition's `state` znode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The controller that last decided.
    pub controller_epoch: ControllerEpoch,
    /// The leader, `NONE` without.
    pub leader: BrokerId,
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// In sync, in this order.
    pub isr: Vec<BrokerId>,
}

/// `/brokers/topics/T/partitions/P/state`
pub fn state_path(partition: &TopicPartition) -> Arc<str> {
    let TopicPartition { topic, partition } = partition;
    format!("/brokers/topics/{topic}/partitions/{partition}/state").into()
}

impl State {
    /// `{"controller_epoch":1,"leader":2,"version":1,"leader_epoch":0,"isr":[2,3,1]}`
    pub fn to_json(&self) -> Vec<u8> {
        unimplemented!()
    }

    /// Reads it; `None` if it is none.
    pub fn from_json(_json: &[u8]) -> Option<Self> {
        unimplemented!()
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
    /// Version 4, fields in the order Kafka writes them.
    pub fn to_json(&self) -> Vec<u8> {
        unimplemented!()
    }

    /// Reads it; `None` if it is none.
    pub fn from_json(_json: &[u8]) -> Option<Self> {
        unimplemented!()
    }
}

/// The data of `/brokers/topics/T`: partitions in the order of Scala's immutable hash map.
pub fn topic_json(_partitions: &BTreeMap<i32, Vec<BrokerId>>, _preset: Preset) -> Vec<u8> {
    unimplemented!()
}

/// The assignment in `/brokers/topics/T`; `None` if it is none.
pub fn topic_from_json(_json: &[u8]) -> Option<BTreeMap<i32, Vec<BrokerId>>> {
    unimplemented!()
}

/// `{"version":1,"brokerid":3,"timestamp":"1795210779151"}`
pub fn controller_json(_id: BrokerId, _timestamp: i64) -> Vec<u8> {
    unimplemented!()
}

/// The broker in `/controller`.
pub fn controller_from_json(_json: &[u8]) -> Option<BrokerId> {
    unimplemented!()
}

/// `{"version":1,"config":{…}}`
pub fn config_json(_config: &BTreeMap<String, String>) -> Vec<u8> {
    unimplemented!()
}

/// The settings in a `/config/topics/T`.
pub fn config_from_json(_json: &[u8]) -> Option<BTreeMap<String, String>> {
    unimplemented!()
}
