//! Producers and consumers, as scenarios declare them.
//!
//! | work | keys |
//! |---|---|
//! | `produce` | `topic`, `rate` (`"200/s"`) or `every` (`"5ms"`), `records`, `bytes`, `acks` (`"all"`, 1, 0), `partition`, `retries`, `retry-backoff`, `linger`, `delivery-timeout`, `request-timeout`, `in-flight`, `batches` |
//! | `consume` | `topic`, `from` (`"beginning"`, `"end"`), `partitions`, `request-timeout` |
//!
//! What is not said is as Kafka's own clients have it.

use broker::client as kafka;
use machine::Duration;
use serde::{Deserialize, Serialize};

/// A producer's load and settings; `None` for what Kafka's producer has by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Produce {
    /// The topic.
    pub topic: String,
    /// The time between two batches.
    pub every: Duration,
    /// Records in a batch.
    pub records: u32,
    /// Bytes of a record's value.
    pub bytes: u32,
    /// `acks`
    pub acks: Acks,
    /// Only this partition, instead of all in turn.
    pub partition: Option<i32>,
    /// Ends after so many batches.
    pub batches: Option<u64>,
    /// `retries`
    pub retries: Option<u32>,
    /// `retry.backoff.ms`
    pub retry_backoff: Option<Duration>,
    /// `linger.ms`
    pub linger: Option<Duration>,
    /// `delivery.timeout.ms`
    pub delivery_timeout: Option<Duration>,
    /// `request.timeout.ms`
    pub request_timeout: Option<Duration>,
    /// `max.in.flight.requests.per.connection`
    pub in_flight: Option<u32>,
}

/// Whose word an acknowledgement is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acks {
    /// Nobody's: what was sent is done.
    None,
    /// The leader's alone.
    Leader,
    /// That of all in-sync replicas.
    #[default]
    All,
}

/// A consumer's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Consume {
    /// The topic.
    pub topic: String,
    /// From the beginning, or from the end.
    pub from_beginning: bool,
    /// Only these partitions.
    pub partitions: Option<Vec<i32>>,
    /// `request.timeout.ms`
    pub request_timeout: Option<Duration>,
}

/// `request.timeout.ms` of producers and consumers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// `delivery.timeout.ms`
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);
/// `retry.backoff.ms`
const RETRY_BACKOFF: Duration = Duration::from_millis(100);
/// `metadata.max.age.ms`
const METADATA_AGE_MAX: Duration = Duration::from_secs(300);

impl Produce {
    /// The settings of a producer of Kafka 2.1 and later.
    pub fn config(&self) -> kafka::ProducerConfig {
        kafka::ProducerConfig {
            topic: self.topic.as_str().into(),
            partition: self.partition,
            every: self.every,
            records: self.records,
            bytes: self.bytes,
            batches_max: self.batches,
            acks: match self.acks {
                Acks::None => 0,
                Acks::Leader => 1,
                Acks::All => -1,
            },
            retries: self.retries.unwrap_or(2_147_483_647),
            retry_backoff: self.retry_backoff.unwrap_or(RETRY_BACKOFF),
            linger: self.linger.unwrap_or(Duration::ZERO),
            batch_bytes: 16_384,
            in_flight_max: self.in_flight.unwrap_or(5),
            request_timeout: self.request_timeout.unwrap_or(REQUEST_TIMEOUT),
            delivery_timeout: self.delivery_timeout.unwrap_or(DELIVERY_TIMEOUT),
            buffer_bytes: 32 * 1024 * 1024,
            metadata_age_max: METADATA_AGE_MAX,
        }
    }
}

impl Consume {
    /// The settings of a consumer of Kafka 2.0 and later.
    pub fn config(&self) -> kafka::ConsumerConfig {
        kafka::ConsumerConfig {
            topic: self.topic.as_str().into(),
            partitions: self.partitions.clone(),
            from_beginning: self.from_beginning,
            fetch_wait_max: Duration::from_millis(500),
            request_timeout: self.request_timeout.unwrap_or(REQUEST_TIMEOUT),
            retry_backoff: RETRY_BACKOFF,
            metadata_age_max: METADATA_AGE_MAX,
        }
    }
}
