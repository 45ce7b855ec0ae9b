//! Kafka's clients as machines: a producer, a consumer of assigned partitions, an admin tool.

use std::collections::BTreeMap;
use std::sync::Arc;

use machine::{Context, Duration, Input, Instant, Machine};
use serde::Serialize;

use crate::id::{Offset, TopicPartition};
use crate::mechanism::Preset;
use crate::note::ClientNote;

/// What a client is and does.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// `client.id`
    pub id: String,
    /// `bootstrap.servers`
    pub bootstrap: Vec<String>,
    /// Whose defaults and tools.
    pub preset: Preset,
    /// Waits this long before it begins.
    pub start_after: Duration,
    /// What it does.
    pub kind: Kind,
}

/// The kinds of clients.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Produces for ever.
    Producer(ProducerConfig),
    /// Consumes for ever.
    Consumer(ConsumerConfig),
    /// Does one thing and exits with the tool's exit code.
    Admin(AdminConfig),
}

/// A producer's settings and its load.
#[derive(Clone, Debug)]
pub struct ProducerConfig {
    /// The topic; its partitions are used in turn, unless one is named.
    pub topic: Arc<str>,
    /// Only this partition.
    pub partition: Option<i32>,
    /// The time between two batches handed to `send`.
    pub every: Duration,
    /// Records in a batch.
    pub records: u32,
    /// Bytes of a record's value.
    pub bytes: u32,
    /// Ends after so many batches.
    pub batches_max: Option<u64>,
    /// `acks`: 0, 1, or -1 for all.
    pub acks: i16,
    /// `retries`
    pub retries: u32,
    /// `retry.backoff.ms`
    pub retry_backoff: Duration,
    /// `linger.ms`
    pub linger: Duration,
    /// `batch.size`
    pub batch_bytes: u32,
    /// `max.in.flight.requests.per.connection`
    pub in_flight_max: u32,
    /// `request.timeout.ms`
    pub request_timeout: Duration,
    /// `delivery.timeout.ms`
    pub delivery_timeout: Duration,
    /// `buffer.memory`: what does not fit waits in `send`.
    pub buffer_bytes: u64,
    /// `metadata.max.age.ms`
    pub metadata_age_max: Duration,
}

/// A consumer's settings.
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// The topic; all partitions, unless some are named.
    pub topic: Arc<str>,
    /// Only these partitions.
    pub partitions: Option<Vec<i32>>,
    /// Begins at the beginning, or at the end; also where it goes on when out of range (`auto.offset.reset`).
    pub from_beginning: bool,
    /// `fetch.max.wait.ms`
    pub fetch_wait_max: Duration,
    /// `request.timeout.ms`
    pub request_timeout: Duration,
    /// `retry.backoff.ms`
    pub retry_backoff: Duration,
    /// `metadata.max.age.ms`
    pub metadata_age_max: Duration,
}

/// One command of an admin tool.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// The step that wants it.
    pub step: Arc<str>,
    /// What.
    pub command: Command,
    /// Gives up after this (`request.timeout.ms` / `default.api.timeout.ms` of the tools).
    pub timeout: Duration,
}

/// What an admin tool can be told to do, through `--bootstrap-server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `kafka-topics --create`
    CreateTopic {
        /// Its name.
        topic: String,
        /// `--partitions`
        partitions: i32,
        /// `--replication-factor`
        replication_factor: i16,
        /// `--replica-assignment`: by partition
        assignment: BTreeMap<i32, Vec<i32>>,
        /// `--config`
        config: BTreeMap<String, String>,
    },
    /// `kafka-topics --delete`
    DeleteTopic {
        /// Its name.
        topic: String,
    },
    /// `kafka-topics --describe`
    DescribeTopic {
        /// Its name; `None` for all.
        topic: Option<String>,
    },
    /// `kafka-topics --alter --partitions`
    AddPartitions {
        /// The topic.
        topic: String,
        /// How many there shall be.
        partitions: i32,
    },
    /// `kafka-configs --alter --add-config`
    AlterConfig {
        /// The topic.
        topic: String,
        /// What to set.
        config: BTreeMap<String, String>,
    },
    /// `kafka-leader-election` / `kafka-preferred-replica-election`
    ElectLeaders {
        /// Of which partitions; `None` for all.
        partitions: Option<Vec<TopicPartition>>,
        /// `--election-type unclean` instead of preferred (2.4 and later).
        unclean: bool,
    },
}

/// A Kafka client.
pub struct Client {}

/// What can be seen of a client.
#[derive(Clone, Debug, Default, Serialize)]
pub struct View {
    /// Batches handed over and neither acknowledged nor given up.
    pub waiting: u64,
    /// Batches acknowledged.
    pub acked: u64,
    /// Positions of a consumer.
    pub positions: BTreeMap<String, Offset>,
}

impl Client {
    /// A client for this work.
    pub fn new(_config: ClientConfig) -> Self {
        unimplemented!()
    }
}

impl Machine for Client {
    type Note = ClientNote;
    type View = View;

    fn handle(&mut self, _input: Input, _cx: &mut Context<'_, ClientNote>) {
        unimplemented!()
    }

    fn wake_at(&self) -> Option<Instant> {
        unimplemented!()
    }

    fn view(&self) -> View {
        unimplemented!()
    }
}
