//! The partitions a broker holds: leading and following them, the high watermark, the ISR, waiting requests, fetchers.

use kafka_protocol::messages as m;
use machine::{Conn, Context, Input, Instant};

use crate::config::{Config, TopicConfig};
use crate::id::{BrokerEpoch, TopicPartition};
use crate::log::Logs;
use crate::metadata;
use crate::note::Note;
use crate::wire::Response;
use crate::zk::{Keeper, ZkError};
use coordinator::wire::client::Response as ZkResponse;

/// A request under way, as [`crate::server`] numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What the parts of a broker lend each other for one input.
pub struct Door<'a> {
    /// For changes of an ISR ([`crate::zk::Asker::Replicas`]).
    pub keeper: &'a mut Keeper,
    /// Who is alive and where.
    pub metadata: &'a metadata::Cache,
}

/// What the broker is told. A request that came to this part ends with exactly one `Answer` or `CloseConnection`. Before that
/// it may be `Parked` once: it waits in a purgatory and holds no request handler any more. A request that is neither
/// answered nor parked when its call returns holds its handler: it waits for a frozen partition or a blocked disk.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplicaEvent {
    /// The request's response.
    Answer(RequestId, Response),
    /// acks=0: nothing is sent, the request is done.
    NoAnswer(RequestId),
    /// acks=0 and an error: the connection is closed, as that is the only sign the client can get.
    CloseConnection(RequestId),
    /// It waits in a purgatory.
    Parked(RequestId),
    /// A leader has changed the ISR of this partition in ZooKeeper: to be told to the controller (`isr_change_notification`).
    IsrChanged(TopicPartition),
    /// The logs are open.
    LogsOpened,
    /// The logs are closed, cleanly.
    LogsClosed,
    /// The log directory is offline.
    LogDirFailed(machine::DiskError),
}

/// All partitions of one broker.
pub struct Replicas {
    /// Their logs.
    pub logs: Logs,
}

impl Replicas {
    /// Nothing is held before the controller says so.
    pub fn new(_config: &Config) -> Self {
        unimplemented!()
    }

    /// The registration under which fetchers and control requests are known.
    pub fn registered(&mut self, _epoch: BrokerEpoch) {
        unimplemented!()
    }

    /// Whether this stream is a fetcher's.
    pub fn owns(&self, _conn: Conn) -> bool {
        unimplemented!()
    }

    /// When it wants any input.
    pub fn wake_at(&self) -> Option<Instant> {
        unimplemented!()
    }

    /// Takes any input that is its own (streams it owns, tickets, time): fetchers, purgatories, schedules, logs.
    pub fn handle(
        &mut self,
        _input: &Input,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ReplicaEvent>,
    ) {
        unimplemented!()
    }

    /// A client's request.
    pub fn produce(
        &mut self,
        _id: RequestId,
        _request: m::ProduceRequest,
        _version: i16,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ReplicaEvent>,
    ) {
        unimplemented!()
    }

    /// A consumer's or a follower's request. `conn` keys incremental fetch sessions' throttling only in words: sessions
    /// have ids of their own.
    pub fn fetch(
        &mut self,
        _id: RequestId,
        _request: m::FetchRequest,
        _version: i16,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ReplicaEvent>,
    ) {
        unimplemented!()
    }

    /// First, last and by time.
    pub fn list_offsets(
        &mut self,
        _id: RequestId,
        _request: m::ListOffsetsRequest,
        _version: i16,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ReplicaEvent>,
    ) {
        unimplemented!()
    }

    /// Where epochs end.
    pub fn offsets_for_leader_epoch(
        &mut self,
        _id: RequestId,
        _request: m::OffsetForLeaderEpochRequest,
        _version: i16,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ReplicaEvent>,
    ) {
        unimplemented!()
    }

    /// From the controller. `topic_config` gives the settings for a new log. Broker and controller epochs are checked here.
    pub fn leader_and_isr(
        &mut self,
        _id: RequestId,
        _request: m::LeaderAndIsrRequest,
        _version: i16,
        _topic_config: &dyn Fn(&str) -> TopicConfig,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ReplicaEvent>,
    ) {
        unimplemented!()
    }

    /// From the controller.
    pub fn stop_replica(
        &mut self,
        _id: RequestId,
        _request: m::StopReplicaRequest,
        _version: i16,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ReplicaEvent>,
    ) {
        unimplemented!()
    }

    /// From the controller: whether the request may be obeyed (epochs), which this part remembers for all control requests.
    /// The error code otherwise.
    pub fn may_update_metadata(
        &mut self,
        _request: &m::UpdateMetadataRequest,
        _cx: &mut Context<'_, Note>,
    ) -> Result<(), i16> {
        unimplemented!()
    }

    /// The metadata cache was updated: followers of a leader that was unknown may start to fetch.
    pub fn metadata_updated(
        &mut self,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ReplicaEvent>,
    ) {
        unimplemented!()
    }

    /// ZooKeeper answered [`crate::zk::Asker::Replicas`] with this number.
    pub fn zk_reply(
        &mut self,
        _number: u64,
        _result: Result<ZkResponse, ZkError>,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ReplicaEvent>,
    ) {
        unimplemented!()
    }

    /// A topic has other settings.
    pub fn configure(&mut self, _topic: &str, _config: &TopicConfig) {
        unimplemented!()
    }

    /// Clean shutdown: fetchers stop, waiting requests are answered, logs are closed ([`ReplicaEvent::LogsClosed`]).
    pub fn close(&mut self, _cx: &mut Context<'_, Note>, _events: &mut Vec<ReplicaEvent>) {
        unimplemented!()
    }
}
