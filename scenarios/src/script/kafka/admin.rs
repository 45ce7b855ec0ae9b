//! What an admin is told to do in a step, as values: the command, what its tool must print and how it must end.
//!
//! How it is written is [`super::verb`]'s business; a short-lived client named after the step does it, with the real
//! time-outs of the tools.

use std::collections::BTreeMap;
use std::fmt;

use broker::client as kafka;
use broker::id::TopicPartition;
use machine::Duration;
use serde::{Deserialize, Serialize};

/// One use of an admin tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Admin {
    /// What it is told.
    pub command: Command,
    /// `bootstrap.servers`; as a file has them, none stands for all brokers. Drawing a plan fills it.
    pub bootstrap: Vec<String>,
    /// Gives up after this; `None` for what the tool does by itself.
    pub timeout: Option<Duration>,
    /// The exit code it must end with, if that is promised. Without an end it is broken, too.
    pub expect_exit: Option<i32>,
    /// What its output must contain.
    pub prints: Vec<String>,
}

/// What an admin tool is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// `kafka-topics --create`
    CreateTopic(crate::cluster::Topic),
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
    /// `kafka-leader-election`, before 2.4 `kafka-preferred-replica-election`
    ElectLeaders {
        /// Of all partitions of this topic. Drawing a plan replaces it by `partitions`.
        topic: Option<String>,
        /// Of which partitions; `None` for all there are.
        partitions: Option<Vec<TopicPartition>>,
        /// `--election-type unclean` instead of preferred.
        unclean: bool,
    },
}

impl Command {
    /// The topic it is about, if it is about one.
    pub fn topic(&self) -> Option<&str> {
        match self {
            Self::CreateTopic(topic) => Some(&topic.name),
            Self::DeleteTopic { topic }
            | Self::AddPartitions { topic, .. }
            | Self::AlterConfig { topic, .. } => Some(topic),
            Self::DescribeTopic { topic } => topic.as_deref(),
            Self::ElectLeaders { .. } => None,
        }
    }
}

impl From<&Command> for kafka::Command {
    fn from(command: &Command) -> Self {
        match command.clone() {
            Command::CreateTopic(topic) => Self::CreateTopic {
                topic: topic.name,
                partitions: topic.partitions,
                replication_factor: topic.replication_factor,
                assignment: topic.assignment,
                config: topic.config,
            },
            Command::DeleteTopic { topic } => Self::DeleteTopic { topic },
            Command::DescribeTopic { topic } => Self::DescribeTopic { topic },
            Command::AddPartitions { topic, partitions } => {
                Self::AddPartitions { topic, partitions }
            }
            Command::AlterConfig { topic, config } => Self::AlterConfig { topic, config },
            Command::ElectLeaders { partitions, unclean, .. } => {
                Self::ElectLeaders { partitions, unclean }
            }
        }
    }
}

impl fmt::Display for Command {
    /// What is done, in words: `create topic orders`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateTopic(topic) => {
                let (partitions, replicas) = (topic.partitions, topic.replication_factor);
                write!(f, "create topic {} ({partitions} × {replicas})", topic.name)
            }
            Self::DeleteTopic { topic } => write!(f, "delete topic {topic}"),
            Self::DescribeTopic { topic: Some(topic) } => write!(f, "describe topic {topic}"),
            Self::DescribeTopic { topic: None } => f.write_str("describe all topics"),
            Self::AddPartitions { topic, partitions } => {
                write!(f, "give topic {topic} {partitions} partitions")
            }
            Self::AlterConfig { topic, config } => {
                let settings = config.iter().map(|(key, value)| format!("{key}={value}"));
                write!(f, "set {} of topic {topic}", settings.collect::<Vec<_>>().join(", "))
            }
            Self::ElectLeaders { topic, partitions, unclean } => {
                let how = if *unclean { "unclean" } else { "preferred" };
                write!(f, "elect {how} leaders of ")?;
                match (topic, partitions) {
                    (Some(topic), None) => write!(f, "topic {topic}"),
                    (None, None) => f.write_str("all partitions"),
                    (_, Some(some)) => {
                        let some: Vec<_> = some.iter().map(ToString::to_string).collect();
                        f.write_str(&some.join(", "))
                    }
                }
            }
        }
    }
}
