//! Brokers, clients and a ZooKeeper that only talk: for the tests of Kafka's folds.

use std::collections::BTreeMap;
use std::sync::Arc;

use broker::id::{BrokerEpoch, BrokerId, ControllerEpoch, LeaderEpoch, Offset, TopicPartition};
use broker::mechanism::Preset;
use broker::note::{ClientNote, Note, Recovered};
use broker::zk::znode::{self, State};
use bytes::Bytes;
use coordinator::id::{Epoch, ServerId, SessionId, Zxid};
use coordinator::note::ServerNote;
use coordinator::txn::{Acl, Record, Txn, TxnHeader};
use machine::Instant;
use sim::world::NodeId;

use super::{Breach, Excused, Panel};
use crate::cast::Said;
use crate::scene::server::Membership;
use crate::scene::{Moment, Outside, Scene, Server, Truth};

const ZOOKEEPER: NodeId = NodeId(0);
/// The producer and the consumer.
pub const CLIENT: NodeId = NodeId(9);

/// A world in which nothing is wrong but what is said.
#[derive(Default)]
pub struct Calm {
    /// Nodes without a process.
    pub down: Vec<NodeId>,
}

impl Outside for Calm {
    fn is_up(&self, node: NodeId) -> bool {
        !self.down.contains(&node)
    }
    fn reaches(&self, _from: NodeId, _to: NodeId) -> bool {
        true
    }
    fn durable_len(&self, _node: NodeId, _path: &str) -> Option<u64> {
        None
    }
}

/// ZooKeeper, brokers 1 to 3, a client, and everything the checks have found.
pub struct Talk {
    /// The picture.
    pub scene: Scene,
    /// The world.
    pub calm: Calm,
    /// Now.
    pub at: Instant,
    /// What was found: `KR-6: …`.
    pub found: Vec<String>,
    checks: Panel,
    zxid: u32,
    versions: BTreeMap<String, i32>,
}

/// `orders-0`
pub fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

fn ids(ids: &[i32]) -> Arc<[BrokerId]> {
    ids.iter().copied().map(BrokerId).collect()
}

impl Talk {
    /// Three registered brokers, and `orders-0` on all of them with nobody leading yet.
    pub fn new() -> Self {
        let mut scene = Scene { ensembles: vec![Truth::default()], ..Scene::default() };
        let mut server = Server::new("zk-1", ServerId(1), 0);
        server.membership = Membership { voters: 1, ..Membership::default() };
        scene.servers.insert(ZOOKEEPER, server);
        for id in 1..=3 {
            let node = NodeId(u32::try_from(id).expect("small"));
            scene.kafka.add_broker(node, &format!("kafka-{id}"), BrokerId(id), "/data");
            scene.booted(node);
        }
        scene.kafka.add_client(CLIENT, "p1");
        let mut checks = super::records::all();
        checks.extend(super::replication::all());
        checks.extend(super::storage::all());
        checks.extend(super::control::all());
        checks.extend(super::liveness::all());
        let mut talk = Self {
            scene,
            calm: Calm::default(),
            at: Instant::ZERO,
            found: Vec::new(),
            checks: Panel::of(checks),
            zxid: 0,
            versions: BTreeMap::new(),
        };
        talk.say(ZOOKEEPER, Said::Server(ServerNote::ServesStandalone));
        for id in 1..=3 {
            talk.set(&znode::broker_path(BrokerId(id)), b"{}");
            talk.broker(id, Note::Registered { epoch: BrokerEpoch(i64::from(id)) });
            talk.broker(id, Note::Serving);
        }
        talk.topic("orders", &[&[1, 2, 3]]);
        talk
    }

    /// Somebody says something.
    pub fn say(&mut self, node: NodeId, said: Said) {
        let moment = Moment { step: 0, at: self.at, node };
        self.scene.fold(&moment, &said);
        let mut breaches = Vec::new();
        self.checks.see(&moment, &said, &self.scene, &self.calm, &mut breaches);
        self.note(breaches);
    }

    /// Time passes, and the checks look at it every second.
    pub fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.at += machine::Duration::from_secs(1);
            self.scene.now = self.at;
            let mut breaches = Vec::new();
            self.checks.pass(&self.scene, &self.calm, &mut breaches);
            self.note(breaches);
        }
    }

    /// The run is over: what is excused, by check.
    pub fn excused(&mut self) -> Vec<(&'static str, Excused)> {
        self.checks.excused().into_iter().map(|(breach, one)| (breach.id, one)).collect()
    }

    fn note(&mut self, breaches: Vec<Breach>) {
        let words = |Breach { id, message, .. }| format!("{id}: {message}");
        self.found.extend(breaches.into_iter().map(words));
    }

    /// The ids of the checks that have found something, each once.
    pub fn caught(&self) -> Vec<&str> {
        let mut ids: Vec<&str> =
            self.found.iter().filter_map(|one| one.split(':').next()).collect();
        ids.dedup();
        ids
    }

    /// What the broker with this id says.
    pub fn broker(&mut self, id: i32, note: Note) {
        self.say(NodeId(u32::try_from(id).expect("small")), Said::Broker(note));
    }

    /// What the client says.
    pub fn client(&mut self, note: ClientNote) {
        self.say(CLIENT, Said::Kafka(note));
    }

    // -- ZooKeeper

    /// Transactions in one multi.
    pub fn commit(&mut self, mut txns: Vec<Txn>) {
        self.zxid += 1;
        let zxid = Zxid::new(Epoch(0), self.zxid);
        let header = TxnHeader { session: SessionId(1), cxid: 0, zxid, time_ms: 0 };
        let txn = if txns.len() == 1 { txns.remove(0) } else { Txn::Multi(txns) };
        let record = Arc::new(Record::new(header, txn));
        self.say(ZOOKEEPER, Said::Server(ServerNote::Proposed(record)));
        self.say(ZOOKEEPER, Said::Server(ServerNote::Committed { zxid }));
    }

    /// The transaction that creates a znode, or sets it where it is there.
    pub fn write(&mut self, path: &str, data: &[u8]) -> Txn {
        let data = Some(Bytes::copy_from_slice(data));
        let path: Arc<str> = path.into();
        let version = self.versions.entry(path.to_string()).or_insert(-1);
        *version += 1;
        match *version {
            0 => Txn::Create { path, data, acl: Acl::open(), ephemeral: false, parent_cversion: 1 },
            version => Txn::SetData { path, data, version },
        }
    }

    /// Creates a znode, or sets it.
    pub fn set(&mut self, path: &str, data: &[u8]) {
        let txn = self.write(path, data);
        self.commit(vec![txn]);
    }

    /// Deletes a znode.
    pub fn delete(&mut self, path: &str) {
        self.versions.remove(path);
        self.commit(vec![Txn::Delete { path: path.into() }]);
    }

    /// A topic with this assignment.
    pub fn topic(&mut self, name: &str, assignment: &[&[i32]]) {
        let partitions = assignment.iter().zip(0..);
        let partitions = partitions.map(|(replicas, number)| (number, ids(replicas).to_vec()));
        let json = znode::topic_json(&partitions.collect(), Preset::V2_5);
        self.set(&format!("/brokers/topics/{name}"), &json);
    }

    /// The state of `orders-0`.
    pub fn state(&mut self, leader: i32, epoch: i32, isr: &[i32]) {
        let state = State {
            controller_epoch: ControllerEpoch(1),
            leader: BrokerId(leader),
            epoch: LeaderEpoch(epoch),
            isr: ids(isr).to_vec(),
        };
        self.set(&znode::state_path(&orders()), &state.to_json());
    }

    // -- brokers

    /// Controllers, ZooKeeper and all brokers agree that this one leads `orders-0`.
    pub fn elect(&mut self, leader: i32, epoch: i32, isr: &[i32]) {
        self.state(leader, epoch, isr);
        self.leads(leader, epoch, isr);
        for id in (1..=3).filter(|id| *id != leader) {
            if !self.calm.down.contains(&NodeId(u32::try_from(id).expect("small"))) {
                self.follows(id, leader, epoch);
            }
        }
    }

    /// The leader's change of the ISR of `orders-0` is in ZooKeeper, and it knows.
    pub fn sync_with(&mut self, leader: i32, epoch: i32, isr: &[i32]) {
        self.state(leader, epoch, isr);
        let (partition, epoch, isr) = (orders(), LeaderEpoch(epoch), ids(isr));
        self.broker(leader, Note::IsrCached { partition, epoch, isr, zk_version: 0 });
    }

    /// A broker leads `orders-0`.
    pub fn leads(&mut self, id: i32, epoch: i32, isr: &[i32]) {
        let (log_end, high_watermark) = self.offsets(id);
        let note = Note::BecameLeader {
            partition: orders(),
            epoch: LeaderEpoch(epoch),
            controller_epoch: ControllerEpoch(1),
            isr: ids(isr),
            zk_version: 0,
            log_end,
            high_watermark,
        };
        self.broker(id, note);
    }

    /// A broker follows another one for `orders-0`.
    pub fn follows(&mut self, id: i32, leader: i32, epoch: i32) {
        let (log_end, high_watermark) = self.offsets(id);
        let note = Note::BecameFollower {
            partition: orders(),
            epoch: LeaderEpoch(epoch),
            controller_epoch: ControllerEpoch(1),
            leader: BrokerId(leader),
            log_end,
            high_watermark,
        };
        self.broker(id, note);
    }

    fn offsets(&self, id: i32) -> (Offset, Offset) {
        let node = NodeId(u32::try_from(id).expect("small"));
        let replica = self.scene.kafka.replica_at(node, "orders", 0);
        replica.map_or_else(Default::default, |one| (one.log.end(), one.high_watermark))
    }

    /// A batch of one record at the end of a broker's log.
    pub fn appends(&mut self, id: i32, epoch: i32, crc: u32, leads: bool) {
        let base = self.offsets(id).0;
        let (partition, epoch) = (orders(), LeaderEpoch(epoch));
        self.broker(id, Note::Appended { partition, epoch, base, last: base, crc, leads });
    }

    /// A broker's high watermark.
    pub fn watermark(&mut self, id: i32, to: i64, leads: bool) {
        let (partition, to) = (orders(), Offset(to));
        self.broker(id, Note::HighWatermark { partition, to, leads });
    }

    /// One record goes the whole way from the leader to the others in sync, and is acknowledged.
    pub fn replicates(&mut self, leader: i32, followers: &[i32], epoch: i32, crc: u32) {
        let base = self.offsets(leader).0;
        self.appends(leader, epoch, crc, true);
        followers.iter().for_each(|id| self.appends(*id, epoch, crc, false));
        self.watermark(leader, base.0 + 1, true);
        self.acknowledges(leader, epoch, base.0, -1, followers.len() + 1);
        followers.iter().for_each(|id| self.watermark(*id, base.0 + 1, false));
    }

    /// A leader answers a producer.
    pub fn acknowledges(&mut self, id: i32, epoch: i32, base: i64, acks: i16, in_sync: usize) {
        let (partition, epoch, base) = (orders(), LeaderEpoch(epoch), Offset(base));
        let in_sync = u32::try_from(in_sync).expect("small");
        let note = Note::Acknowledged { partition, epoch, base, last: base, acks, in_sync };
        self.broker(id, note);
    }

    /// A broker's process ends.
    pub fn dies(&mut self, id: i32) {
        let node = NodeId(u32::try_from(id).expect("small"));
        self.scene.died(node);
        self.calm.down.push(node);
    }

    /// A broker begins a new life with this much of `orders-0`.
    pub fn restarts(&mut self, id: i32, end: i64) {
        let node = NodeId(u32::try_from(id).expect("small"));
        self.calm.down.retain(|down| *down != node);
        self.scene.booted(node);
        let epochs = self.scene.kafka.replica_at(node, "orders", 0).map(|replica| {
            let mut epochs: Vec<(LeaderEpoch, Offset)> = Vec::new();
            for batch in replica.log.from_place(0).iter().filter(|batch| batch.base.0 < end) {
                if epochs.last().is_none_or(|(epoch, _)| *epoch != batch.epoch) {
                    epochs.push((batch.epoch, batch.base));
                }
            }
            epochs
        });
        let high_watermark = self.offsets(id).1.min(Offset(end));
        let found = Recovered {
            partition: orders(),
            start: Offset::ZERO,
            end: Offset(end),
            high_watermark,
            recovery_point: Offset::ZERO,
            epochs: epochs.unwrap_or_default().into(),
        };
        self.broker(id, Note::LogsOpened { clean: false, replicas: Arc::new([found]) });
    }
}
