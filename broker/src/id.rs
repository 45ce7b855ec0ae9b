//! The numbers of a Kafka cluster, each a type of its own.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// `broker.id`. `NONE` (-1) stands where there is no leader.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct BrokerId(pub i32);

impl BrokerId {
    /// No broker: `leader = -1`.
    pub const NONE: Self = Self(-1);

    /// Whether this is a broker at all.
    pub fn is_some(self) -> bool {
        self != Self::NONE
    }
}

/// The place of a record in a partition; also the next place to be written (`LEO`), exclusive ends.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Offset(pub i64);

impl Offset {
    /// The beginning.
    pub const ZERO: Self = Self(0);
    /// Nobody knows.
    pub const UNKNOWN: Self = Self(-1);
}

/// How often a partition's leadership was decided anew by a controller.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct LeaderEpoch(pub i32);

impl LeaderEpoch {
    /// No epoch is known.
    pub const UNKNOWN: Self = Self(-1);
}

/// How many controllers there have been.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ControllerEpoch(pub i32);

/// One registration of a broker: the czxid of its znode (KIP-380).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct BrokerEpoch(pub i64);

impl BrokerEpoch {
    /// Not registered, or sent by somebody who does not know.
    pub const UNKNOWN: Self = Self(-1);
}

/// A partition of a topic. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Arc<str>,
    /// The number of the partition, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// That partition of that topic.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// `orders-0`: the number is what follows the last `-`.
impl FromStr for TopicPartition {
    type Err = NotAPartition;

    fn from_str(text: &str) -> Result<Self, NotAPartition> {
        let (topic, partition) = text.rsplit_once('-').ok_or(NotAPartition)?;
        let is_number = partition.bytes().all(|digit| digit.is_ascii_digit());
        let partition = partition.parse().ok().filter(|_| is_number && !topic.is_empty());
        Ok(Self::new(topic, partition.ok_or(NotAPartition)?))
    }
}

/// A text that does not name a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPartition;

impl fmt::Display for NotAPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a partition is written as its topic, `-` and its number")
    }
}

impl std::error::Error for NotAPartition {}

impl<'de> Deserialize<'de> for TopicPartition {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for TopicPartition {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

macro_rules! shows_its_number {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}
shows_its_number!(BrokerId, Offset, LeaderEpoch, ControllerEpoch, BrokerEpoch);
