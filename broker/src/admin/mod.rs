//! The APIs that are answered from metadata and ZooKeeper: Metadata (with automatic creation of topics), CreateTopics,
//! DeleteTopics, CreatePartitions, DescribeConfigs, AlterConfigs, and the rules of topic names and assignments.
//!
//! A request that reads or writes ZooKeeper holds its request handler until ZooKeeper has answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use coordinator::wire::client::Response as ZkResponse;
use machine::{Context, Instant};

use crate::config::{Config, TopicConfig};
use crate::metadata;
use crate::note::Note;
use crate::replica::RequestId;
use crate::wire::{Request, Response};
use crate::zk::{Keeper, ZkError};

/// What this part is lent for one input.
pub struct Door<'a> {
    /// For reading and writing znodes ([`crate::zk::Asker::Admin`]).
    pub keeper: &'a mut Keeper,
    /// What the broker believes about the cluster.
    pub metadata: &'a metadata::Cache,
    /// Whether this broker is the active controller: otherwise creations are refused with NOT_CONTROLLER.
    pub is_controller: bool,
    /// The settings of topics that differ from the defaults, as this broker knows them.
    pub topic_configs: &'a BTreeMap<String, TopicConfig>,
}

/// What the broker is told; as [`crate::replica::ReplicaEvent`].
#[derive(Clone, Debug, PartialEq)]
pub enum AdminEvent {
    /// The request's response.
    Answer(RequestId, Response),
    /// It waits (for leaders of a new topic, for a deletion) and holds no request handler any more.
    Parked(RequestId),
}

/// The part.
pub struct Admin {}

impl Admin {
    /// Nothing is under way.
    pub fn new(_config: &Config) -> Self {
        unimplemented!()
    }

    /// One of this part's requests; `listener` is the name of the listener it came in by (for Metadata's addresses).
    #[expect(clippy::too_many_arguments, reason = "to be cut down when it is built")]
    pub fn request(
        &mut self,
        _id: RequestId,
        _request: Request,
        _version: i16,
        _listener: &str,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<AdminEvent>,
    ) {
        unimplemented!()
    }

    /// ZooKeeper answered [`crate::zk::Asker::Admin`] with this number.
    pub fn zk_reply(
        &mut self,
        _number: u64,
        _result: Result<ZkResponse, ZkError>,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<AdminEvent>,
    ) {
        unimplemented!()
    }

    /// The metadata cache changed: parked requests may be done.
    pub fn metadata_updated(
        &mut self,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<AdminEvent>,
    ) {
        unimplemented!()
    }

    /// When it wants [`Self::woke`].
    pub fn wake_at(&self) -> Option<Instant> {
        unimplemented!()
    }

    /// Time has passed: parked requests time out.
    pub fn woke(
        &mut self,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<AdminEvent>,
    ) {
        unimplemented!()
    }
}

/// The assignment of `partitions` new partitions from number `first` on (AdminUtils.assignReplicasToBrokersRackUnaware).
pub fn assign(
    _brokers: &[i32],
    _partitions: i32,
    _replication_factor: i16,
    _start: u32,
    _shift: u32,
    _first: i32,
) -> BTreeMap<i32, Vec<i32>> {
    unimplemented!()
}

/// Why a topic cannot have this name, in Kafka's words; `None` if it can.
pub fn name_problem(_topic: &str) -> Option<Arc<str>> {
    unimplemented!()
}
