//! The bench: a broker's partitions with a memory disk, a ZooKeeper that the test answers for, and a clock it moves.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use broker::config::{Config, Endpoint, TopicConfig};
use broker::id::{BrokerEpoch, BrokerId};
use broker::log::Log;
use broker::mechanism::{Mechanisms, Preset};
use broker::metadata::{Cache, PartitionState};
use broker::note::Note;
use broker::replica::{Door, ReplicaEvent, Replicas, RequestId};
use broker::wire::batch::{self, Record};
use broker::wire::{Request, Response};
use broker::zk::{Keeper, ZkError};
use bytes::Bytes;
use coordinator::client::ConnectString;
use coordinator::wire::client::Response as ZkResponse;
use kafka_protocol::messages as m;
use kafka_protocol::protocol::StrBytes;
use machine::transcript::MemoryDisk;
use machine::{
    Chance, ChanceKey, Conn, Context, Disk, DiskError, Duration, Host, Input, Instant, ListenError,
    Ticket, WallTime,
};

use crate::words::{event_words, question, zk_words};

/// The world as far as this bench has one.
struct Surroundings {
    now: Instant,
    jumped: u64,
    disk: Files,
    chances: BTreeMap<ChanceKey, Chance>,
    conns: u64,
    sent: VecDeque<(Conn, Bytes)>,
    text: String,
}

/// A memory disk that can be made to block.
#[derive(Default)]
struct Files {
    disk: MemoryDisk,
    blocks: bool,
    tickets: u64,
    unsynced: VecDeque<Ticket>,
    holds_syncs: bool,
    blocked: VecDeque<Ticket>,
}

/// One broker's partitions.
pub struct Stand {
    host: Surroundings,
    pub replicas: Replicas,
    keeper: Keeper,
    pub metadata: Cache,
    requests: u64,
    /// How often ZooKeeper was asked at most, and how often it has answered.
    zk_asked: u64,
    zk: u64,
    /// Whether each request was parked; those that were answered are gone.
    open: BTreeMap<u64, bool>,
    session: i32,
    /// The settings of all topics here.
    defaults: TopicConfig,
}

impl Stand {
    /// Broker 1 with its logs open and registered, and brokers 1 to 3 alive.
    pub fn new(preset: Preset, change: impl FnOnce(&mut Mechanisms)) -> Self {
        let mut mechanisms = preset.mechanisms();
        change(&mut mechanisms);
        let properties = [
            ("broker.id", "1"),
            ("zookeeper.connect", "zk:2181"),
            ("listeners", "PLAINTEXT://b1:9092"),
            ("log.dirs", "/data"),
            ("min.insync.replicas", "2"),
        ];
        let properties: Vec<_> =
            properties.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let (config, _) = Config::from_properties(&properties, preset, mechanisms)
            .expect("these are good properties");
        let connect = "zk:2181".parse::<ConnectString>().expect("a good connect string");
        let mut metadata = Cache::default();
        for id in 1..=3 {
            let host = format!("b{id}");
            let endpoint = Endpoint { name: "PLAINTEXT".into(), host, port: 9092 };
            metadata.brokers.insert(BrokerId(id), (vec![endpoint], None));
        }
        let mut stand = Self {
            host: Surroundings::new(),
            replicas: Replicas::new(&config),
            keeper: Keeper::new(connect, Duration::from_secs(18), 10),
            metadata,
            requests: 0,
            zk_asked: 0,
            zk: 0,
            open: BTreeMap::new(),
            session: 0,
            defaults: config.topic_defaults.clone(),
        };
        stand.with(|replicas, _, cx, _| replicas.logs.open(&BTreeMap::new(), cx));
        stand.settle();
        stand.replicas.registered(BrokerEpoch(100));
        stand
    }

    /// The partitions are in the broker's metadata, too, as if UpdateMetadata had come.
    pub fn knows(&mut self, topic: &str, partition: i32) -> &mut Self {
        let state = PartitionState {
            leader: BrokerId(1),
            epoch: broker::id::LeaderEpoch(0),
            isr: Vec::new(),
            replicas: Vec::new(),
            offline: Vec::new(),
            zk_version: 0,
            controller_epoch: broker::id::ControllerEpoch(1),
        };
        self.metadata.topics.entry(topic.into()).or_default().insert(partition, state);
        self
    }

    /// A remark in the transcript.
    pub fn remark(&mut self, text: &str) -> &mut Self {
        self.line(&format!("-- {text}"));
        self
    }

    /// A request arrives.
    pub fn ask(&mut self, request: Request, version: i16) -> RequestId {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.line(&format!("> #{} {}", id.0, question(&request)));
        self.open.insert(id.0, false);
        let config = self.defaults.clone();
        self.with(|replicas, door, cx, told| match request {
            Request::Produce(body) => replicas.produce(id, body, version, door, cx, told),
            Request::Fetch(body) => replicas.fetch(id, body, version, door, cx, told),
            Request::ListOffsets(body) => replicas.list_offsets(id, body, version, door, cx, told),
            Request::OffsetForLeaderEpoch(body) => {
                replicas.offsets_for_leader_epoch(id, body, version, door, cx, told);
            }
            Request::LeaderAndIsr(body) => {
                let of = |_: &str| config.clone();
                replicas.leader_and_isr(id, body, version, &of, door, cx, told);
            }
            Request::StopReplica(body) => replicas.stop_replica(id, body, version, door, cx, told),
            other => panic!("this bench has no {:?}", other.api()),
        });
        self.settle();
        id
    }

    /// ZooKeeper answers the last change of an ISR.
    pub fn zk_says(&mut self, result: Result<ZkResponse, ZkError>) -> &mut Self {
        self.zk += 1;
        let number = self.zk;
        self.line(&format!("> ZooKeeper answers {number}: {}", zk_words(&result)));
        self.with(|replicas, door, cx, told| replicas.zk_reply(number, result, door, cx, told));
        self.settle();
        self
    }

    /// Time passes.
    pub fn advance(&mut self, span: Duration) -> &mut Self {
        let end = self.host.now + span;
        for _ in 0..100_000 {
            match self.replicas.wake_at() {
                Some(at) if at <= end => {
                    self.host.now = self.host.now.max(at);
                    self.input(&Input::Woke);
                }
                _ => {
                    self.host.now = end;
                    return self;
                }
            }
        }
        panic!("it asks to be woken for ever");
    }

    /// The calendar jumps forward.
    pub fn jump(&mut self, span: Duration) -> &mut Self {
        self.host.jumped += span.as_micros();
        self
    }

    /// The disk blocks, or goes on.
    pub fn block_disk(&mut self, blocks: bool) -> &mut Self {
        self.host.disk.blocks = blocks;
        if !blocks {
            while let Some(ticket) = self.host.disk.blocked.pop_front() {
                self.input(&Input::Ready { ticket });
            }
        }
        self
    }

    /// Topics that are made from now on flush every message.
    pub fn flushes_every_message(&mut self) -> &mut Self {
        self.defaults.flush_messages = Some(1);
        self
    }

    /// Syncs are not answered, or go on.
    pub fn hold_syncs(&mut self, holds: bool) -> &mut Self {
        self.host.disk.holds_syncs = holds;
        self.settle();
        self
    }

    /// An input of a stream or the disk.
    pub fn input(&mut self, input: &Input) -> &mut Self {
        self.with(|replicas, door, cx, told| replicas.handle(input, door, cx, told));
        self.settle();
        self
    }

    /// The last thing sent on a stream, with the stream.
    pub fn sent(&mut self) -> (Conn, Bytes) {
        self.host.sent.pop_front().expect("something was sent")
    }

    /// Whether something was sent that the test has not looked at.
    pub fn has_sent(&self) -> bool {
        !self.host.sent.is_empty()
    }

    /// The session id in the last answer to a fetch that had one.
    pub fn last_session(&self) -> i32 {
        self.session
    }

    /// The log of a partition.
    pub fn log(&self, topic: &str, partition: i32) -> &Log {
        let id = broker::id::TopicPartition::new(topic, partition);
        self.replicas.logs.get(&id).expect("there is a log")
    }

    /// What has been written down since the last call.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.host.text)
    }

    /// ZooKeeper answers everything it may have been asked, all in the same way; what was not asked is ignored.
    pub fn zk_says_to_all(&mut self, result: &Result<ZkResponse, ZkError>) {
        for number in 1..=self.zk_asked {
            let result = result.clone();
            self.with(|replicas, door, cx, told| replicas.zk_reply(number, result, door, cx, told));
            self.settle();
        }
        // Perhaps it reads back.
        self.zk_asked += 1;
    }

    /// Requests that were neither answered nor given up.
    pub fn unanswered(&self) -> Vec<u64> {
        self.open.keys().copied().collect()
    }

    /// Every request is parked at most once, and answered once.
    fn count(&mut self, event: &ReplicaEvent) {
        match event {
            ReplicaEvent::Parked(id) => {
                let parked = self.open.get_mut(&id.0).expect("parked after it was answered");
                assert!(!std::mem::replace(parked, true), "#{} is parked twice", id.0);
            }
            ReplicaEvent::Answer(id, _)
            | ReplicaEvent::NoAnswer(id)
            | ReplicaEvent::CloseConnection(id) => {
                assert!(self.open.remove(&id.0).is_some(), "#{} is answered twice", id.0);
            }
            _ => {}
        }
    }

    fn line(&mut self, text: &str) {
        self.host.line(text);
    }

    fn settle(&mut self) {
        while !self.host.disk.holds_syncs
            && let Some(ticket) = self.host.disk.unsynced.pop_front()
        {
            self.with(|replicas, door, cx, told| {
                replicas.handle(&Input::Synced { ticket, result: Ok(()) }, door, cx, told);
            });
        }
        let now = self.host.now;
        if self.replicas.wake_at().is_some_and(|at| at <= now) {
            self.input(&Input::Woke);
        }
    }

    fn with(
        &mut self,
        act: impl FnOnce(&mut Replicas, &mut Door<'_>, &mut Context<'_, Note>, &mut Vec<ReplicaEvent>),
    ) {
        let mut notes = Vec::new();
        let mut events = Vec::new();
        let mut say = |note: Note| notes.push(note);
        let cx = &mut Context::new(&mut self.host, &mut say);
        let door = &mut Door { keeper: &mut self.keeper, metadata: &self.metadata };
        act(&mut self.replicas, door, cx, &mut events);
        for note in notes {
            self.zk_asked += u64::from(matches!(note, Note::IsrAsked { .. }));
            // Checkpoints have a schedule of their own, and tests.
            if let Note::Checkpointed { .. } = note {
                continue;
            }
            self.line(&format!("  * {note}"));
        }
        for event in events {
            self.count(&event);
            if let ReplicaEvent::Answer(_, Response::Fetch(body)) = &event
                && body.session_id != 0
            {
                self.session = body.session_id;
            }
            self.line(&format!("  {}", event_words(&event)));
        }
    }
}

/// A batch of records with this value.
pub fn records(value: &str, count: usize) -> Bytes {
    let value = Some(Bytes::copy_from_slice(value.as_bytes()));
    let record = Record { timestamp: 1_600_000_000_000, key: None, value };
    batch::build(&vec![record; count])
}

/// A topic's name as it travels.
pub fn name(topic: &str) -> m::TopicName {
    m::TopicName(StrBytes::from_string(topic.to_owned()))
}

impl Surroundings {
    fn new() -> Self {
        Self {
            now: Instant::ZERO,
            jumped: 0,
            disk: Files::default(),
            chances: BTreeMap::new(),
            conns: 0,
            sent: VecDeque::new(),
            text: String::new(),
        }
    }

    fn line(&mut self, text: &str) {
        writeln!(self.text, "{} {text}", self.now).expect("writing to a string cannot fail");
    }
}

impl Host for Surroundings {
    fn now(&self) -> Instant {
        self.now
    }
    fn wall(&self) -> WallTime {
        WallTime::from_micros(1_600_000_000_000_000 + self.now.as_micros() + self.jumped)
    }
    fn chance(&mut self, key: ChanceKey) -> &mut Chance {
        self.chances.entry(key).or_insert_with(|| Chance::stream(1, "bench", 0, key))
    }
    fn disk(&mut self) -> &mut dyn Disk {
        &mut self.disk
    }
    fn listen(&mut self, _listener: &'static str, _address: &str) -> Result<(), ListenError> {
        Ok(())
    }
    fn unlisten(&mut self, _listener: &'static str) {}
    fn dial(&mut self, address: &str) -> Conn {
        self.conns += 1;
        self.line(&format!("  c{} dials {address}", self.conns));
        Conn(self.conns)
    }
    fn send(&mut self, conn: Conn, bytes: Bytes) {
        self.sent.push_back((conn, bytes));
    }
    fn queued(&self, _conn: Conn) -> usize {
        0
    }
    fn close(&mut self, conn: Conn) {
        self.line(&format!("  {conn:?} closes"));
    }
    fn abort(&mut self, conn: Conn) {
        self.line(&format!("  {conn:?} aborts"));
    }
    fn exit(&mut self, code: i32, why: &str) {
        self.line(&format!("  exits {code}: {why}"));
    }
}

impl Files {
    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    fn gate(&mut self) -> Result<(), DiskError> {
        if self.blocks {
            let ticket = self.ticket();
            self.blocked.push_back(ticket);
            return Err(DiskError::WouldBlock(ticket));
        }
        Ok(())
    }
}

impl Disk for Files {
    fn create_dir(&mut self, path: &str) -> Result<(), DiskError> {
        self.disk.create_dir(path)
    }
    fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError> {
        self.disk.list(path)
    }
    fn len(&mut self, path: &str) -> Result<u64, DiskError> {
        self.disk.len(path)
    }
    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.gate()?;
        self.disk.append(path, bytes)
    }
    fn write(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.disk.write(path, offset, bytes)
    }
    fn read(&mut self, path: &str, offset: u64, length: usize) -> Result<Bytes, DiskError> {
        self.gate()?;
        self.disk.read(path, offset, length)
    }
    fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError> {
        self.disk.truncate(path, length)
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.disk.rename(from, to)
    }
    fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        self.disk.remove(path)
    }
    fn sync(&mut self, _path: &str) -> Ticket {
        let ticket = self.ticket();
        self.unsynced.push_back(ticket);
        ticket
    }
    fn sync_dir(&mut self, _path: &str) -> Ticket {
        let ticket = self.ticket();
        self.unsynced.push_back(ticket);
        ticket
    }
}
