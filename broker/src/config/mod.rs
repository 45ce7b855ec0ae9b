//! What a broker is told: the keys of `server.properties` it understands, with the defaults of its version.

mod endpoint;
pub(crate) mod keys;
mod read;
mod topic;
pub(crate) mod value;

use std::collections::BTreeMap;
use std::fmt;

use machine::Duration;

use crate::id::BrokerId;
use crate::mechanism::{Mechanisms, Preset};

pub use endpoint::Endpoint;
pub use topic::TopicConfig;
pub(crate) use topic::{TOPIC_KEYS, TopicKey, topic_key};

/// The names of the settings of brokers that do something here, or that are defaults of topics.
pub fn broker_keys() -> impl Iterator<Item = &'static str> {
    keys::KEYS.iter().map(|key| key.name)
}

/// Whether the real broker knows a setting of this name, whatever it does here.
pub fn is_broker_key(name: &str) -> bool {
    keys::broker_key(name).is_some() || keys::is_known_elsewhere(name)
}

/// The names of all settings of topics.
pub fn topic_keys() -> impl Iterator<Item = &'static str> {
    TOPIC_KEYS.iter().map(|key| key.name)
}

/// The settings of one broker. All fields have the meaning of the key in their documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `broker.id`
    pub id: BrokerId,
    /// The version whose defaults these are.
    pub preset: Preset,
    /// The mechanisms in force.
    pub mechanisms: Mechanisms,
    /// `zookeeper.connect`, chroot included.
    pub zookeeper_connect: String,
    /// `zookeeper.session.timeout.ms`
    pub zookeeper_session_timeout: Duration,
    /// `zookeeper.connection.timeout.ms`: without a session for this long at start, the broker exits.
    pub zookeeper_connection_timeout: Duration,
    /// `zookeeper.max.in.flight.requests`
    pub zookeeper_in_flight_max: usize,
    /// `listeners`: where it binds.
    pub listeners: Vec<Endpoint>,
    /// `advertised.listeners`: where others are told to go.
    pub advertised_listeners: Vec<Endpoint>,
    /// `listener.security.protocol.map`, by listener name.
    pub security_protocols: BTreeMap<String, String>,
    /// `inter.broker.listener.name`
    pub inter_broker_listener: String,
    /// `broker.rack`
    pub rack: Option<String>,
    /// `log.dirs`; only the first is used.
    pub log_dir: String,
    /// `num.io.threads`
    pub io_threads: u32,
    /// `queued.max.requests`
    pub queued_requests_max: usize,
    /// `socket.request.max.bytes`
    pub request_bytes_max: usize,
    /// `num.partitions`
    pub partitions: i32,
    /// `default.replication.factor`
    pub replication_factor: i16,
    /// `auto.create.topics.enable`
    pub auto_create_topics: bool,
    /// `delete.topic.enable`
    pub delete_topics: bool,
    /// `auto.leader.rebalance.enable`
    pub rebalance: bool,
    /// `leader.imbalance.per.broker.percentage`
    pub imbalance_percentage: u32,
    /// `leader.imbalance.check.interval.seconds`
    pub imbalance_check_interval: Duration,
    /// `controlled.shutdown.enable`
    pub controlled_shutdown: bool,
    /// `controlled.shutdown.max.retries`
    pub controlled_shutdown_retries: u32,
    /// `controlled.shutdown.retry.backoff.ms`
    pub controlled_shutdown_backoff: Duration,
    /// `controller.socket.timeout.ms`
    pub controller_socket_timeout: Duration,
    /// `request.timeout.ms`
    pub request_timeout: Duration,
    /// `replica.lag.time.max.ms`
    pub replica_lag_max: Duration,
    /// `replica.fetch.wait.max.ms`
    pub replica_fetch_wait_max: Duration,
    /// `replica.fetch.min.bytes`
    pub replica_fetch_bytes_min: i32,
    /// `replica.fetch.max.bytes`, per partition
    pub replica_fetch_bytes_max: i32,
    /// `replica.fetch.response.max.bytes`
    pub replica_fetch_response_bytes_max: i32,
    /// `replica.fetch.backoff.ms`
    pub replica_fetch_backoff: Duration,
    /// `replica.socket.timeout.ms`
    pub replica_socket_timeout: Duration,
    /// `replica.high.watermark.checkpoint.interval.ms`
    pub high_watermark_checkpoint_interval: Duration,
    /// `fetch.max.bytes` of the broker, which 2.3 did not have: there it is the greatest number
    pub fetch_bytes_max: i32,
    /// `log.flush.offset.checkpoint.interval.ms` (recovery points)
    pub recovery_point_checkpoint_interval: Duration,
    /// `log.flush.start.offset.checkpoint.interval.ms`
    pub log_start_checkpoint_interval: Duration,
    /// `log.retention.check.interval.ms`
    pub retention_check_interval: Duration,
    /// `log.segment.delete.delay.ms`
    pub segment_delete_delay: Duration,
    /// `log.index.size.max.bytes`
    pub index_bytes_max: u32,
    /// What topics have unless they say otherwise (`log.segment.bytes`, `min.insync.replicas`, …).
    pub topic_defaults: TopicConfig,
    /// What was said in `server.properties`, by key, as it was said.
    pub given: BTreeMap<String, String>,
}

/// A setting with which the real broker exits at start, or which cannot be modelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The key.
    pub key: String,
    /// What is the matter, in one sentence.
    pub what: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Gives the advertised listeners without a host this one: the real broker takes the canonical name of its machine.
    pub fn advertise_as(&mut self, host: &str) {
        for endpoint in &mut self.advertised_listeners {
            if endpoint.host.is_empty() {
                host.clone_into(&mut endpoint.host);
            }
        }
    }
}

#[cfg(test)]
mod tests;
