//! What an omniscient observer knows about one Kafka cluster: ZooKeeper's word, every replica's log, every promise.
//!
//! ```text
//! committed transactions ─► tree      leaders, ISRs, assignments, who is registered and who is controller
//! notes of brokers       ─► replicas  logs, high watermarks, roles, as each broker believes
//! notes of clients       ─► clients   what was promised, given up, consumed
//!                             └─► promises: what is committed, what is lost and what excuses it
//! ```
//!
//! Every fold leaves in [`Kafka::events`] what it changed, with names looked up once; checks read only that and the state.
//! This is the hottest path of a run: partitions and brokers are numbered, and steady notes allocate nothing.

mod ask;
pub mod batches;
mod bounds;
mod brokers;
mod clients;
mod event;
mod partition;
mod promises;
mod replicas;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use broker::by_partition::ByPartition;
use broker::id::{BrokerId, ControllerEpoch, TopicPartition};
use broker::note::{ClientNote, Note};
use machine::Instant;
use sim::world::NodeId;

use super::Moment;
pub use ask::{Described, DescribedPartition};
use batches::Batch;
pub use bounds::Bounds;
pub use brokers::Broker;
pub use clients::{Client, Waiting};
pub use event::{Assignment, At, Event, Kind, Opened, Reign, Rough};
pub use partition::{Asked, Broken, Excuse, Lossy, Partition, Replica, Role};
pub use promises::Loss;
pub use tree::Topic;

/// A broker's number in the picture: the order in which it was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BrokerKey(u16);

/// A partition's number in the picture: the order in which it was first heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartitionKey(u32);

/// A client's number in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey(u16);

impl BrokerKey {
    /// As an index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl PartitionKey {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl ClientKey {
    /// As an index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Who a node is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Who {
    #[default]
    Stranger,
    Broker(BrokerKey),
    Client(ClientKey),
}

/// The picture of one Kafka cluster. Brokers of other clusters are strangers to it.
#[derive(Clone, Debug, Default)]
pub struct Kafka {
    /// The ensemble it lives in ([`super::Scene::ensembles`]).
    pub ensemble: usize,
    /// Where in its tree (`/kafka`; empty for the root).
    pub chroot: String,
    /// How long things may take, from the brokers' own settings.
    pub bounds: Bounds,
    /// All brokers, by [`BrokerKey`].
    pub brokers: Vec<Broker>,
    /// All Kafka clients, by [`ClientKey`].
    pub clients: Vec<Client>,
    /// All partitions ever heard of, by [`PartitionKey`].
    pub partitions: Vec<Partition>,
    /// All topics ZooKeeper was told of.
    pub topics: BTreeMap<Arc<str>, Topic>,
    /// `/brokers/ids`: who is registered, since which transaction, in which session.
    pub registered: BTreeMap<BrokerId, tree::Registered>,
    /// Sets of registered brokers, each with the time it began; the last one is now.
    pub registered_when: Vec<(Instant, Vec<BrokerId>)>,
    /// `/controller`.
    pub controller: Option<tree::Ephemeral>,
    /// `/controller_epoch`.
    pub controller_epoch: Option<ControllerEpoch>,
    /// `/admin/delete_topics`: topics that shall go.
    pub deleting: BTreeSet<Arc<str>>,
    /// Topics whose assignment a person decided.
    pub assigned_by_hand: BTreeSet<Arc<str>>,
    /// Whether anybody asked for an unclean election.
    pub unclean_asked: bool,
    /// Whether ZooKeeper may have forgotten what was committed: nothing it says proves anything.
    pub is_shaken: bool,
    /// What the last note changed.
    pub events: Vec<Event>,
    /// Promised records that are gone, in order of discovery.
    losses: Vec<Loss>,
    who: Vec<Who>,
    keys: ByPartition<PartitionKey>,
    shape: u64,
    last_key: Option<(TopicPartition, PartitionKey)>,
    /// The time of the note that is being folded.
    now: Instant,
}

impl Kafka {
    /// A broker that has not started yet.
    ///
    /// # Panics
    /// With more than 65 535 brokers.
    pub fn add_broker(&mut self, node: NodeId, name: &str, id: BrokerId, log_dir: &str) {
        let key = BrokerKey(u16::try_from(self.brokers.len()).expect("far fewer brokers"));
        self.set_who(node, Who::Broker(key));
        self.brokers.push(Broker::new(node, name, id, log_dir));
    }

    /// A client that has not started yet.
    ///
    /// # Panics
    /// With more than 65 535 clients.
    pub fn add_client(&mut self, node: NodeId, name: &str) {
        let key = ClientKey(u16::try_from(self.clients.len()).expect("far fewer clients"));
        self.set_who(node, Who::Client(key));
        self.clients.push(Client::new(node, name));
    }

    fn set_who(&mut self, node: NodeId, who: Who) {
        let index = node.0 as usize;
        if self.who.len() <= index {
            self.who.resize(index + 1, Who::Stranger);
        }
        self.who[index] = who;
    }

    fn who(&self, node: NodeId) -> Who {
        self.who.get(node.0 as usize).copied().unwrap_or_default()
    }

    /// Forgets what the last note changed.
    pub(super) fn begin(&mut self, moment: &Moment) {
        self.now = moment.at;
        self.events.clear();
    }

    /// Folds a broker's note.
    pub(super) fn fold_broker(&mut self, moment: &Moment, note: &Note) {
        if let Who::Broker(key) = self.who(moment.node) {
            self.broker_said(key, note);
        }
    }

    /// Folds a client's note.
    pub(super) fn fold_client(&mut self, moment: &Moment, note: &ClientNote) {
        if let Who::Client(key) = self.who(moment.node) {
            self.client_said(key, note);
        }
    }

    /// A node begins a life.
    pub(super) fn booted(&mut self, node: NodeId) {
        match self.who(node) {
            Who::Broker(key) => self.brokers[key.index()].booted(),
            Who::Client(key) => self.clients[key.index()].booted(),
            Who::Stranger => {}
        }
    }

    /// A node's life ended.
    pub(super) fn died(&mut self, node: NodeId) {
        match self.who(node) {
            Who::Broker(key) => self.broker_died(key),
            Who::Client(key) => self.clients[key.index()].died(),
            Who::Stranger => {}
        }
    }

    /// Something happened to a node's disk.
    pub(super) fn roughened(&mut self, node: NodeId, how: Rough) {
        if let Who::Broker(key) = self.who(node) {
            self.broker_roughened(key, how);
        }
    }

    /// The number of a partition, given out if it is new.
    fn key(&mut self, name: &TopicPartition) -> PartitionKey {
        if let Some((last, key)) = &self.last_key
            && last.partition == name.partition
            && (Arc::ptr_eq(&last.topic, &name.topic) || last.topic == name.topic)
        {
            return *key;
        }
        let fresh = PartitionKey(u32::try_from(self.partitions.len()).unwrap_or(u32::MAX));
        let key = self.find_key(&name.topic, name.partition).unwrap_or_else(|| {
            self.keys.insert(name, fresh);
            self.partitions.push(Partition::new(self.keys.name(&name.topic, name.partition)));
            fresh
        });
        self.last_key = Some((name.clone(), key));
        key
    }

    /// The broker with this id that spoke last; with ids given out twice, one of them.
    pub fn by_id(&self, id: BrokerId) -> Option<BrokerKey> {
        let with_id = |one: &(usize, &Broker)| one.1.id == id;
        let found = self.brokers.iter().enumerate().filter(with_id);
        let (index, _) = found.max_by_key(|(_, broker)| broker.registered)?;
        Some(BrokerKey(u16::try_from(index).expect("as many as were added")))
    }

    /// The keys of these brokers, as far as they are on the stage.
    fn keys_of(&self, ids: &[BrokerId]) -> Vec<BrokerKey> {
        ids.iter().filter_map(|id| self.by_id(*id)).collect()
    }

    /// A partition.
    pub fn partition(&self, key: PartitionKey) -> &Partition {
        &self.partitions[key.index()]
    }

    /// Counts changes of who is to lead, follow and be in sync, of who does, and of replicas that come and go, anywhere. While it
    /// stands still, so does [`Self::is_settled`] of each partition, and which of them are [`Self::lasting`]; and peaks of
    /// replicas only grow.
    pub fn shape(&self) -> u64 {
        self.shape
    }

    /// Whether a partition is as it was meant to be: led by its preferred replica, followed by all others, all in sync and
    /// serving.
    pub fn is_settled(&self, partition: &Partition) -> bool {
        let preferred = partition.assigned.first().copied();
        let leader = partition.state.as_ref().map(|state| state.leader);
        let takes_part = |id: &BrokerId| {
            self.by_id(*id).is_some_and(|key| {
                let replica = partition.replica(key);
                self.broker(key).is_serving
                    && partition.isr.contains(&key)
                    && replica.is_some_and(|replica| replica.role != Role::None)
            })
        };
        leader.is_some()
            && leader == preferred
            && partition.legit.is_some()
            && partition.isr.len() == partition.assigned.len()
            && partition.assigned.iter().all(takes_part)
    }

    /// Partitions that exist and are to stay, each with its place.
    pub fn lasting(&self) -> impl Iterator<Item = (usize, &Partition)> {
        self.partitions.iter().enumerate().filter(|(_, partition)| {
            partition.state.is_some() && !self.deleting.contains(&partition.name.topic)
        })
    }

    /// A broker.
    pub fn broker(&self, key: BrokerKey) -> &Broker {
        &self.brokers[key.index()]
    }

    /// A client.
    pub fn client(&self, key: ClientKey) -> &Client {
        &self.clients[key.index()]
    }

    /// Whether a damaged disk may have changed the epoch of this batch: it stands outside of what the checksum covers, so that it
    /// goes out to everybody who fetches it.
    pub fn is_misdated(&self, partition: PartitionKey, batch: &Batch) -> bool {
        self.brokers.iter().any(|broker| broker.is_damaged)
            && self.partition(partition).has_under_another_epoch(batch)
    }

    /// `kafka-1 of orders-0`, for messages.
    pub fn words(&self, at: At) -> String {
        format!("{} for {}", self.broker(at.broker).name, self.partition(at.partition).name)
    }
}
