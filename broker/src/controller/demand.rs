//! Elections on demand (ElectLeaders): what somebody wants, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use machine::Instant;

use crate::id::{BrokerId, TopicPartition};
use crate::replica::RequestId;

/// Elections that somebody wants (ElectLeaders).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The request.
    pub id: RequestId,
    /// Its version.
    pub version: i16,
    /// How long its answer may wait.
    pub until: Instant,
    /// Whether the leader may come from outside the ISR; else it is the preferred one.
    pub unclean: bool,
    /// Whether all partitions are meant: then nobody wants to hear where there was nothing to do.
    pub all: bool,
    /// The partitions.
    pub names: BTreeSet<TopicPartition>,
}

/// What became of the partitions that somebody wanted leaders for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elected {
    /// The request.
    pub id: RequestId,
    /// Its version.
    pub version: i16,
    /// How long its answer may wait.
    pub until: Instant,
    /// The new leaders, or why there is none.
    pub results: Results,
}

/// By partition: its new leader, or the error code of its answer.
pub type Results = BTreeMap<TopicPartition, Result<BrokerId, i16>>;
