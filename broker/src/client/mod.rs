//! Kafka's clients as machines: a producer, a consumer of assigned partitions, an admin tool.
//!
//! Behaviour and defaults are those of the Java clients of the preset's release. Groups, transactions and idempotence are
//! not here.

mod accumulator;
mod admin;
mod consumer;
pub mod describe;
mod errors;
mod load;
mod metadata;
mod network;
mod producer;
#[cfg(test)]
mod tests;

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
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    role: Role,
    /// When it wants to be woken, as of the last input.
    wake_at: Instant,
}

/// What a client is at the moment.
#[derive(Debug)]
enum Role {
    /// It has not been booted.
    Unborn,
    /// It begins then.
    Waiting(Instant),
    /// It produces.
    Producer(Box<producer::Producer>),
    /// It consumes.
    Consumer(Box<consumer::Consumer>),
    /// It carries out a command.
    Admin(Box<admin::Admin>),
    /// It was told to stop.
    Stopped,
}

/// What can be seen of a client.
#[derive(Clone, Debug, Default, Serialize)]
pub struct View {
    /// Batches handed over and neither acknowledged nor given up; for a tool, whether it is at work.
    pub waiting: u64,
    /// Batches acknowledged.
    pub acked: u64,
    /// Positions of a consumer.
    pub positions: BTreeMap<String, Offset>,
}

impl Client {
    /// A client for this work.
    pub fn new(config: ClientConfig) -> Self {
        Self { config, role: Role::Unborn, wake_at: Instant::NEVER }
    }

    /// What an admin tool has printed so far.
    #[cfg(test)]
    fn printed(&self) -> &str {
        match &self.role {
            Role::Admin(admin) => admin.printed(),
            _ => "",
        }
    }

    /// Begins its work.
    fn begin(&mut self, cx: &mut Context<'_, ClientNote>) {
        self.role = match &self.config.kind {
            Kind::Producer(config) => {
                Role::Producer(Box::new(producer::Producer::new(&self.config, config.clone(), cx)))
            }
            Kind::Consumer(config) => {
                Role::Consumer(Box::new(consumer::Consumer::new(&self.config, config.clone())))
            }
            Kind::Admin(config) => {
                Role::Admin(Box::new(admin::Admin::new(&self.config, config.clone(), cx)))
            }
        };
    }
}

impl Machine for Client {
    type Note = ClientNote;
    type View = View;

    fn handle(&mut self, input: Input, cx: &mut Context<'_, ClientNote>) {
        match input {
            Input::Booted => self.role = Role::Waiting(cx.now() + self.config.start_after),
            Input::Stop => {
                self.role = Role::Stopped;
                cx.exit(0, "stopped");
            }
            _ => {}
        }
        if matches!(self.role, Role::Waiting(until) if until <= cx.now()) {
            self.begin(cx);
        }
        self.wake_at = match &mut self.role {
            Role::Unborn | Role::Stopped => Instant::NEVER,
            Role::Waiting(until) => *until,
            Role::Producer(producer) => {
                producer.handle(&input, cx);
                producer.wake_at()
            }
            Role::Consumer(consumer) => {
                consumer.handle(&input, cx);
                consumer.wake_at()
            }
            Role::Admin(admin) => {
                admin.handle(&input, cx);
                admin.wake_at()
            }
        };
    }

    fn wake_at(&self) -> Option<Instant> {
        (self.wake_at != Instant::NEVER).then_some(self.wake_at)
    }

    fn view(&self) -> View {
        match &self.role {
            Role::Unborn | Role::Waiting(_) | Role::Stopped => View::default(),
            Role::Producer(producer) => producer.view(),
            Role::Consumer(consumer) => consumer.view(),
            Role::Admin(admin) => admin.view(),
        }
    }
}
