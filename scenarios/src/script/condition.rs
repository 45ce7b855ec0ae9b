//! Conditions: what must come true before a step, and what an author promises.
//!
//! ```text
//! condition = all { "or" all }          all = not { "and" not }          not = [ "not" ] one
//! one       = zk.quorum | selector "is" [ "not" ] ( state | selector | "nobody" )
//!           | session(client) "is" [ "not" ] state
//!           | lock(client) "is" [ "not" ] "held" | topic(name) "exists"
//!           | number compared number | ( condition )
//! number    = 42 | zk.epoch [ as seen by server ] | selector.size | count( selector is state )
//!           | acked(client) | failed(client) | events(client) | expirations(client)
//!           | consumed(client) | lost(topic) | controller-epoch
//!           | ( leader-epoch(partition) | high-watermark(partition) | log-end(partition) )
//!             [ as seen by broker ]
//!           | offline-partitions | under-replicated-partitions
//! ```
//! `A is …` holds if there is at least one A and it is true of every one; `A is not …` if there is
//! at least one and it is true of none; `A is nobody` if there is no A. Of several clients, numbers
//! are added up; a topic stands for all clients that work on it. `acked` and `failed` of a producer
//! count batches, `consumed` and `lost` count records. A number that does not exist (the high
//! watermark of a partition without a leader) compares with nothing: no comparison with it holds.

mod reading;

use broker::id::TopicPartition;
use serde::{Deserialize, Serialize};

pub use reading::{parse, places};

use super::facts::{Facts, SessionState};
use super::selector::{Role, Selector};

/// Something that is true or not at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// A leader is serving its quorum.
    Quorum,
    /// Not this.
    Not(Box<Condition>),
    /// All of these.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
    /// These nodes are, or are not, so.
    Is {
        /// Who.
        who: Selector,
        /// Whether `not` was written.
        not: bool,
        /// How.
        what: What,
    },
    /// This topic exists.
    TopicExists(String),
    /// Two numbers compare so.
    Compare {
        /// On the left.
        left: Number,
        /// How.
        how: Comparison,
        /// On the right.
        right: Number,
    },
}

/// What nodes or clients can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// In this state.
    Role(Role),
    /// One of these.
    One(Selector),
    /// Clients whose session is in this state.
    Session(SessionState),
    /// Clients that hold their lock.
    HoldsLock,
}

/// A number that can be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Number {
    /// This one.
    Literal(u64),
    /// The epoch of the latest established leader, or the greatest that these servers are in.
    Epoch {
        /// Whose belief; `None` for the truth.
        seen_by: Option<Box<Selector>>,
    },
    /// How many nodes are meant.
    Size(Selector),
    /// How many of these are so.
    Count(Selector, What),
    /// How many operations succeeded.
    Acked(Selector),
    /// How many operations failed.
    Failed(Selector),
    /// How many watches fired.
    Events(Selector),
    /// How many sessions expired.
    Expirations(Selector),
    /// How many records were consumed.
    Consumed(Selector),
    /// How many acknowledged records of this topic its present leaders do not have.
    Lost(String),
    /// How many controllers there have been.
    ControllerEpoch,
    /// Something of a partition: of its leader, or the greatest of what these brokers have.
    Of {
        /// What.
        what: OfPartition,
        /// Of which.
        partition: TopicPartition,
        /// Whose belief; `None` for the truth.
        seen_by: Option<Box<Selector>>,
    },
    /// Partitions without a leader that is registered.
    OfflinePartitions,
    /// Partitions with fewer in-sync replicas than replicas.
    UnderReplicatedPartitions,
}

/// A number that a partition has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfPartition {
    /// How often its leadership was decided.
    LeaderEpoch,
    /// The end of what consumers may see.
    HighWatermark,
    /// The end of the log.
    LogEnd,
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

impl Condition {
    /// Whether it holds now. Panics if its plan was not drawn.
    pub fn holds(&self, facts: &dyn Facts) -> bool {
        match self {
            Self::Quorum => facts.quorum(),
            Self::Not(inner) => !inner.holds(facts),
            Self::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts)),
            Self::Is { who, not, what } => {
                let who = who.resolve(facts);
                !who.is_empty() && who.iter().all(|node| what.is_true_of(node, facts) != *not)
            }
            Self::TopicExists(topic) => facts.topic_exists(topic),
            Self::Compare { left, how, right } => {
                let (Some(left), Some(right)) = (left.value(facts), right.value(facts)) else {
                    return false;
                };
                match how {
                    Comparison::Less => left < right,
                    Comparison::AtMost => left <= right,
                    Comparison::Equal => left == right,
                    Comparison::Unequal => left != right,
                    Comparison::AtLeast => left >= right,
                    Comparison::More => left > right,
                }
            }
        }
    }

    /// This condition with every selector in it changed.
    pub fn map(&self, change: &mut dyn FnMut(&Selector) -> Selector) -> Self {
        match self {
            Self::Quorum => Self::Quorum,
            Self::Not(inner) => Self::Not(Box::new(inner.map(change))),
            Self::All(parts) => Self::All(parts.iter().map(|part| part.map(change)).collect()),
            Self::Any(parts) => Self::Any(parts.iter().map(|part| part.map(change)).collect()),
            Self::TopicExists(topic) => Self::TopicExists(topic.clone()),
            Self::Is { who, not, what } => {
                Self::Is { who: change(who), not: *not, what: what.map(change) }
            }
            Self::Compare { left, how, right } => {
                Self::Compare { left: left.map(change), how: *how, right: right.map(change) }
            }
        }
    }
}

impl What {
    fn is_true_of(&self, node: &str, facts: &dyn Facts) -> bool {
        match self {
            Self::Role(role) => facts.is(node, *role),
            Self::One(of) => of.resolve(facts).iter().any(|one| one == node),
            Self::Session(state) => facts.session(node) == *state,
            Self::HoldsLock => facts.holds_lock(node),
        }
    }

    fn map(&self, change: &mut dyn FnMut(&Selector) -> Selector) -> Self {
        match self {
            Self::One(of) => Self::One(change(of)),
            other => other.clone(),
        }
    }
}

impl Number {
    /// The number now; `None` where there is none.
    fn value(&self, facts: &dyn Facts) -> Option<u64> {
        let sum = |clients: &Selector, of: &dyn Fn(&str) -> u64| {
            clients.resolve(facts).iter().map(|client| of(client)).sum()
        };
        Some(match self {
            Self::Literal(number) => *number,
            Self::Epoch { seen_by: None } => facts.epoch(),
            Self::Epoch { seen_by: Some(who) } => {
                let who = who.resolve(facts);
                who.iter().map(|server| facts.epoch_seen_by(server)).max().unwrap_or(0)
            }
            Self::Size(who) => who.resolve(facts).len() as u64,
            Self::Count(who, what) => {
                let who = who.resolve(facts);
                who.iter().filter(|node| what.is_true_of(node, facts)).count() as u64
            }
            Self::Acked(clients) => sum(clients, &|client| facts.acked(client)),
            Self::Failed(clients) => sum(clients, &|client| facts.failed(client)),
            Self::Events(clients) => sum(clients, &|client| facts.events(client)),
            Self::Expirations(clients) => sum(clients, &|client| facts.expirations(client)),
            Self::Consumed(clients) => sum(clients, &|client| facts.consumed(client)),
            Self::Lost(topic) => facts.lost(topic),
            Self::ControllerEpoch => return facts.controller_epoch(),
            Self::Of { what, partition, seen_by: None } => return what.truth(partition, facts),
            Self::Of { what, partition, seen_by: Some(who) } => {
                let who = who.resolve(facts);
                return who.iter().filter_map(|who| what.belief(partition, who, facts)).max();
            }
            Self::OfflinePartitions => facts.offline_partitions(),
            Self::UnderReplicatedPartitions => facts.under_replicated_partitions(),
        })
    }

    fn map(&self, change: &mut dyn FnMut(&Selector) -> Selector) -> Self {
        match self {
            Self::Epoch { seen_by } => {
                Self::Epoch { seen_by: seen_by.as_ref().map(|who| Box::new(change(who))) }
            }
            Self::Of { what, partition, seen_by } => Self::Of {
                what: *what,
                partition: partition.clone(),
                seen_by: seen_by.as_ref().map(|who| Box::new(change(who))),
            },
            Self::Size(who) => Self::Size(change(who)),
            Self::Count(who, what) => Self::Count(change(who), what.map(change)),
            Self::Acked(who) => Self::Acked(change(who)),
            Self::Failed(who) => Self::Failed(change(who)),
            Self::Events(who) => Self::Events(change(who)),
            Self::Expirations(who) => Self::Expirations(change(who)),
            Self::Consumed(who) => Self::Consumed(change(who)),
            Self::Literal(_)
            | Self::Lost(_)
            | Self::ControllerEpoch
            | Self::OfflinePartitions
            | Self::UnderReplicatedPartitions => self.clone(),
        }
    }
}

impl OfPartition {
    fn truth(self, partition: &TopicPartition, facts: &dyn Facts) -> Option<u64> {
        match self {
            Self::LeaderEpoch => facts.leader_epoch(partition),
            Self::HighWatermark => facts.high_watermark(partition),
            Self::LogEnd => facts.log_end(partition),
        }
    }

    fn belief(self, partition: &TopicPartition, who: &str, facts: &dyn Facts) -> Option<u64> {
        match self {
            Self::LeaderEpoch => facts.leader_epoch_seen_by(partition, who),
            Self::HighWatermark => facts.high_watermark_seen_by(partition, who),
            Self::LogEnd => facts.log_end_seen_by(partition, who),
        }
    }
}
