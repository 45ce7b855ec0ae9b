//! The partitions a broker holds: leading and following them, the high watermark, the ISR, waiting requests, fetchers.
//!
//! [`Replicas`] owns them all; each file here is one of the things it does. `partition` is what is kept, `high_watermark`,
//! `truncation` and `isr` decide, `produce`, `fetch`, `offsets` and `control` answer requests, `fetcher` copies from
//! leaders, `purgatory` and `sessions` keep who waits. The bytes of records are in [`crate::log`].

mod control;
mod fetch;
mod fetch_answer;
mod fetch_session;
mod fetcher;
mod high_watermark;
mod isr;
mod isr_write;
mod offsets;
mod partition;
mod produce;
mod purgatory;
mod sessions;
mod transition;
mod truncation;
mod turn;

use std::collections::{BTreeMap, VecDeque};

use coordinator::wire::client::Response as ZkResponse;
use kafka_protocol::messages as m;
use machine::{Conn, Context, Input, Instant, Ticket};
use serde::Serialize;

use crate::config::{Config, TopicConfig};
use crate::id::{BrokerEpoch, BrokerId, ControllerEpoch, LeaderEpoch, Offset, TopicPartition};
use crate::log::Logs;
use crate::metadata;
use crate::note::Note;
use crate::wire::Response;
use crate::zk::{Keeper, ZkError};
use control::Control;
use fetcher::Fetcher;
use partition::{Held, Slot};
use purgatory::{Purgatory, Stalled};
use sessions::Sessions;
use turn::Turn;

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

/// What the broker is told. A request that came to this part ends with exactly one `Answer`, `NoAnswer` or
/// `CloseConnection`. Before that it may be `Parked` once: it waits in a purgatory and holds no request handler any more. A
/// request that is neither answered nor parked when its call returns holds its handler: it waits for a frozen partition or
/// a blocked disk.
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
    config: Config,
    broker_epoch: BrokerEpoch,
    /// The newest controller that was obeyed.
    controller_epoch: ControllerEpoch,
    held: Held,
    sessions: Sessions,
    purgatory: Purgatory,
    stalled: Stalled,
    /// Requests of controllers, one after the other; the first one is being worked on or waits.
    controls: VecDeque<Control>,
    /// The ticket the first of them waits for.
    control_ticket: Option<Ticket>,
    /// Changes of an ISR that ZooKeeper has not answered, by the number they were asked with.
    writes: BTreeMap<u64, Slot>,
    asked: u64,
    /// Frozen partitions, and when that is to be said.
    frozen: BTreeMap<Slot, Instant>,
    /// Whether a partition was thawed and whoever waits for it has to be looked at.
    thawed: bool,
    /// How far the task that shrinks ISRs has come, if it is under way; and when it begins next.
    sweep: Option<usize>,
    next_sweep: Option<Instant>,
    fetchers: BTreeMap<BrokerId, Fetcher>,
    streams: BTreeMap<Conn, BrokerId>,
    /// Sessions with a waiting request for which something has changed.
    woken: VecDeque<u64>,
    /// Sessions to be looked at when the disk is ready.
    cold: BTreeMap<Ticket, Vec<u64>>,
    offline: bool,
    closing: bool,
}

/// What can be seen of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// Which.
    pub partition: TopicPartition,
    /// Its epoch, `UNKNOWN` if no leader was ever known.
    pub epoch: LeaderEpoch,
    /// Whom this broker takes for the leader.
    pub leader: BrokerId,
    /// In sync, if it leads.
    pub isr: Vec<BrokerId>,
    /// The version of the state znode it believes in.
    pub zk_version: i32,
    /// Its high watermark.
    pub high_watermark: Offset,
    /// Its log end offset.
    pub log_end: Offset,
    /// Whether a change of its ISR holds everything up.
    pub frozen: bool,
}

impl Replicas {
    /// Nothing is held before the controller says so.
    pub fn new(config: &Config) -> Self {
        Self {
            logs: Logs::new(config),
            config: config.clone(),
            broker_epoch: BrokerEpoch::UNKNOWN,
            controller_epoch: ControllerEpoch(0),
            held: Held::default(),
            sessions: Sessions::default(),
            purgatory: Purgatory::default(),
            stalled: Stalled::default(),
            controls: VecDeque::new(),
            control_ticket: None,
            writes: BTreeMap::new(),
            asked: 0,
            frozen: BTreeMap::new(),
            thawed: false,
            sweep: None,
            next_sweep: None,
            fetchers: BTreeMap::new(),
            streams: BTreeMap::new(),
            woken: VecDeque::new(),
            cold: BTreeMap::new(),
            offline: false,
            closing: false,
        }
    }

    /// The registration under which control requests are for this broker.
    pub fn registered(&mut self, epoch: BrokerEpoch) {
        self.broker_epoch = epoch;
    }

    /// Whether this stream is a fetcher's.
    pub fn owns(&self, conn: Conn) -> bool {
        self.streams.contains_key(&conn)
    }

    /// The partitions it is a replica of, by name.
    pub fn view(&self) -> Vec<View> {
        self.held.all().map(|partition| self.view_of(partition)).collect()
    }

    fn view_of(&self, partition: &partition::Partition) -> View {
        let (leader, isr) = match &partition.role {
            partition::Role::Idle => (BrokerId::NONE, Vec::new()),
            partition::Role::Follower { leader } => (*leader, Vec::new()),
            partition::Role::Leader(leader) => (self.config.id, leader.isr.clone()),
        };
        View {
            partition: partition.id.clone(),
            epoch: partition.epoch,
            leader,
            isr,
            zk_version: partition.zk_version,
            high_watermark: partition.high_watermark,
            log_end: partition.log_end,
            frozen: partition.is_frozen(),
        }
    }

    /// When it wants any input.
    pub fn wake_at(&self) -> Option<Instant> {
        let fetchers = self.fetchers.values().filter_map(Fetcher::wake_at);
        let frozen = self.frozen.values().copied().filter(|at| *at != Instant::NEVER);
        let own = [self.logs.wake_at(), self.purgatory.next(), self.next_sweep];
        own.into_iter().flatten().chain(fetchers).chain(frozen).min()
    }

    /// Takes any input that is its own (streams it owns, tickets, time): fetchers, purgatories, schedules, logs.
    pub fn handle(
        &mut self,
        input: &Input,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ReplicaEvent>,
    ) {
        self.take(input, &mut Turn { cx, door, events });
    }

    /// A client's request.
    pub fn produce(
        &mut self,
        id: RequestId,
        request: m::ProduceRequest,
        _version: i16,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ReplicaEvent>,
    ) {
        let turn = &mut Turn { cx, door, events };
        self.begin_produce(id, request, turn);
        self.settle(turn);
    }

    /// A consumer's or a follower's request. Incremental fetch sessions have ids of their own.
    pub fn fetch(
        &mut self,
        id: RequestId,
        request: m::FetchRequest,
        version: i16,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ReplicaEvent>,
    ) {
        let turn = &mut Turn { cx, door, events };
        self.begin_fetch(id, &request, version, turn);
        self.settle(turn);
    }

    /// First, last and by time.
    pub fn list_offsets(
        &mut self,
        id: RequestId,
        request: m::ListOffsetsRequest,
        version: i16,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ReplicaEvent>,
    ) {
        let turn = &mut Turn { cx, door, events };
        self.look_up(offsets::Lookup::offsets(id, request, version), turn);
        self.settle(turn);
    }

    /// Where epochs end.
    pub fn offsets_for_leader_epoch(
        &mut self,
        id: RequestId,
        request: m::OffsetForLeaderEpochRequest,
        version: i16,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ReplicaEvent>,
    ) {
        let turn = &mut Turn { cx, door, events };
        self.look_up(offsets::Lookup::epochs(id, request, version), turn);
        self.settle(turn);
    }

    /// From the controller. `topic_config` gives the settings for a new log. Broker and controller epochs are checked here.
    #[expect(clippy::too_many_arguments, reason = "a request, what it may look at, and the door")]
    pub fn leader_and_isr(
        &mut self,
        id: RequestId,
        request: m::LeaderAndIsrRequest,
        _version: i16,
        topic_config: &dyn Fn(&str) -> TopicConfig,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ReplicaEvent>,
    ) {
        let turn = &mut Turn { cx, door, events };
        self.controls.push_back(Control::leader_and_isr(id, request, topic_config));
        self.advance_controls(turn);
        self.settle(turn);
    }

    /// From the controller.
    pub fn stop_replica(
        &mut self,
        id: RequestId,
        request: m::StopReplicaRequest,
        _version: i16,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ReplicaEvent>,
    ) {
        let turn = &mut Turn { cx, door, events };
        self.controls.push_back(Control::stop_replica(id, request));
        self.advance_controls(turn);
        self.settle(turn);
    }

    /// From the controller: whether the request may be obeyed (epochs), which this part remembers for all control requests.
    /// The error code otherwise.
    pub fn may_update_metadata(
        &mut self,
        request: &m::UpdateMetadataRequest,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), i16> {
        let from = control::Sender {
            controller: BrokerId(request.controller_id.0),
            controller_epoch: ControllerEpoch(request.controller_epoch),
            broker_epoch: BrokerEpoch(request.broker_epoch),
            what: "UpdateMetadata",
        };
        self.admit(&from, cx)?;
        from.applied(cx);
        Ok(())
    }

    /// The metadata cache was updated. Followers whose leader was unknown when they were told stay as they are until they
    /// are told again, as in Kafka 2.x.
    pub fn metadata_updated(
        &mut self,
        _door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ReplicaEvent>,
    ) {
    }

    /// ZooKeeper answered [`crate::zk::Asker::Replicas`] with this number.
    pub fn zk_reply(
        &mut self,
        number: u64,
        result: Result<ZkResponse, ZkError>,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ReplicaEvent>,
    ) {
        let turn = &mut Turn { cx, door, events };
        self.isr_answered(number, result, turn);
        self.settle(turn);
    }

    /// A topic has other settings.
    pub fn configure(&mut self, topic: &str, config: &TopicConfig) {
        self.logs.configure(topic, config);
        for slot in self.held.of_topic(topic) {
            if let Some(partition) = self.held.get_mut(slot) {
                partition.min_insync = config.min_insync_replicas;
            }
        }
    }

    /// Clean shutdown: fetchers stop, waiting requests are answered, logs are closed ([`ReplicaEvent::LogsClosed`]).
    pub fn close(&mut self, cx: &mut Context<'_, Note>, events: &mut Vec<ReplicaEvent>) {
        self.closing = true;
        self.next_sweep = None;
        for (_, mut fetcher) in std::mem::take(&mut self.fetchers) {
            fetcher.stop(cx);
        }
        self.streams.clear();
        self.give_up_waiting(cx, events);
        self.logs.close(cx);
    }
}
