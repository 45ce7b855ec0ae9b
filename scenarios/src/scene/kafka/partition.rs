//! One partition: what ZooKeeper says of it, its replicas, what is committed, what was promised and consumed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use broker::id::{BrokerId, ControllerEpoch, LeaderEpoch, Offset, TopicPartition};
use broker::zk::znode::State;

use super::BrokerKey;
use super::batches::{Batch, Batches};

/// A partition as the observer knows it.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Its name.
    pub name: TopicPartition,
    /// Its replicas, by [`BrokerKey`].
    pub replicas: Vec<Replica>,
    /// What ZooKeeper says; `None` without a `state` znode.
    pub state: Option<Arc<State>>,
    /// The brokers in `state.isr`.
    pub isr: Vec<BrokerKey>,
    /// The replicas it is assigned to, first the preferred one.
    pub assigned: Vec<BrokerId>,
    /// Who leads it both by its own word and by ZooKeeper's, in the same epoch.
    pub legit: Option<BrokerKey>,
    /// What a legitimate leader has ever had below its high watermark, as far as it is not lost.
    pub committed: Batches,
    /// The furthest high watermark any leader ever said.
    pub told: Offset,
    /// Batches that were promised, and are not committed (yet).
    pub pending: BTreeMap<(Offset, u32), Batch>,
    /// What promises were broken by, so far.
    pub excuses: Vec<Broken>,
    /// Everything before this offset was deleted by policy.
    pub retained_from: Offset,
    /// Batches that were promised and turned out to be lost.
    pub lost: BTreeSet<(Offset, u32)>,
    /// What consumers were given.
    pub consumed: Batches,
    /// What consumers were given that lies before, or in gaps of it: counts and checksums.
    pub consumed_early: BTreeMap<Offset, (u32, u32)>,
    /// How often its topic was deleted.
    pub deletions: u32,
}

/// Something after which promised records may be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What.
    pub by: Excuse,
    /// It excuses batches of epochs below this one.
    pub below: LeaderEpoch,
    /// And that end at or behind this offset.
    pub from: Offset,
}

/// When a promised record may be lost: the exceptions of Kafka's own rules, and of acks=1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excuse {
    /// E1: an unclean election.
    Unclean,
    /// E2: a broker that had lost durable bytes was elected while it was listed as in sync.
    Lossy,
    /// E3: as E2, and it was the only one in sync when the record was acknowledged.
    LastReplica,
    /// E4: retention, or the topic was deleted.
    Policy,
    /// E5: a damaged disk, two brokers with one id, or a ZooKeeper that lost its data.
    World,
    /// The producer did not wait for the followers.
    AcksOne,
}

impl Excuse {
    /// As scenarios name it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Unclean => "E1",
            Self::Lossy => "E2",
            Self::LastReplica => "E3",
            Self::Policy => "E4",
            Self::World => "E5",
            Self::AcksOne => "acks=1",
        }
    }

    /// Whether whoever expects a loss by that name expects this one: E3 is a case of E2.
    pub fn is_named(self, name: &str) -> bool {
        self.id() == name || (self == Self::LastReplica && name == "E2")
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unclean => "an unclean election",
            Self::Lossy => "an in-sync replica that had lost what was on its disk was elected",
            Self::LastReplica => "only one replica was in sync, and it lost what was on its disk",
            Self::Policy => "retention or deletion",
            Self::World => "a damaged disk, a doubled broker id or a ZooKeeper that lost its data",
            Self::AcksOne => "the producer did not wait for the followers",
        }
    }
}

/// One broker's copy of a partition.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    /// Whether there is one.
    pub exists: bool,
    /// Its role in this life.
    pub role: Role,
    /// The newest leader epoch it obeyed in this life.
    pub epoch: LeaderEpoch,
    /// By this controller's decision.
    pub controller_epoch: ControllerEpoch,
    /// What is in its page cache.
    pub log: Batches,
    /// Its first offset.
    pub start: Offset,
    /// Its high watermark.
    pub high_watermark: Offset,
    /// The furthest its high watermark was in this life.
    pub high_watermark_peak: Offset,
    /// The furthest its log end was in this life.
    pub end_peak: Offset,
    /// As leader: the ISR it uses.
    pub isr: Option<Arc<[BrokerId]>>,
    /// The brokers in it.
    pub isr_keys: Vec<BrokerKey>,
    /// As leader: the version of the state it believes in.
    pub zk_version: i32,
    /// As leader: the ISR it has asked ZooKeeper for.
    pub asked: Option<Asked>,
    /// Whether it waits for ZooKeeper and does nothing else.
    pub frozen: bool,
    /// What it lost with its disk's content, until it has as much again.
    pub lossy: Option<Lossy>,
    /// How many of the committed batches were compared with its log, and found there up to this place in it.
    pub agrees: (usize, usize),
    /// Whether it was told that it differs from what is committed.
    pub diverged: bool,
}

/// A request to change the ISR that has no answer yet.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What it asked for.
    pub isr: Arc<[BrokerId]>,
    /// How often its session was interrupted before.
    pub breaks: u64,
}

/// What a replica lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lossy {
    /// From this offset on.
    pub from: Offset,
    /// Up to, but not including this one.
    pub to: Offset,
    /// Whether the disk itself was at fault.
    pub damaged: bool,
    /// Whether it has been listed as in sync ever since.
    pub in_sync: bool,
}

/// What a broker takes itself for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It was not told in this life.
    #[default]
    None,
    /// It leads.
    Leading,
    /// It follows.
    Following(BrokerId),
}

impl Partition {
    /// A partition nobody has said anything about.
    pub fn new(name: TopicPartition) -> Self {
        Self {
            name,
            replicas: Vec::new(),
            state: None,
            isr: Vec::new(),
            assigned: Vec::new(),
            legit: None,
            committed: Batches::default(),
            told: Offset::ZERO,
            pending: BTreeMap::new(),
            excuses: Vec::new(),
            retained_from: Offset::ZERO,
            lost: BTreeSet::new(),
            consumed: Batches::default(),
            consumed_early: BTreeMap::new(),
            deletions: 0,
        }
    }

    /// A broker's copy, if it has one.
    pub fn replica(&self, broker: BrokerKey) -> Option<&Replica> {
        self.replicas.get(broker.index()).filter(|replica| replica.exists)
    }

    /// A broker's copy, made if it is new.
    pub(super) fn replica_mut(&mut self, broker: BrokerKey) -> &mut Replica {
        if self.replicas.len() <= broker.index() {
            self.replicas.resize_with(broker.index() + 1, Replica::default);
        }
        let replica = &mut self.replicas[broker.index()];
        replica.exists = true;
        replica
    }

    /// The leader's copy, if somebody leads legitimately.
    pub fn leader(&self) -> Option<&Replica> {
        self.replica(self.legit?)
    }

    /// What excuses that this batch is gone.
    pub fn excuse(&self, batch: &Batch) -> Option<Excuse> {
        if batch.next() <= self.retained_from {
            return Some(Excuse::Policy);
        }
        let applies =
            |one: &&Broken| batch.epoch < one.below && batch.last() >= one.from && batch.count > 0;
        let by = self.excuses.iter().find(applies)?.by;
        let alone = by == Excuse::Lossy && batch.promised.is_all_of_one();
        Some(if alone { Excuse::LastReplica } else { by })
    }

    /// Whether somebody has these records under another epoch.
    pub(super) fn has_under_another_epoch(&self, batch: &Batch) -> bool {
        let logs = self.replicas.iter().map(|replica| &replica.log);
        logs.chain([&self.committed]).any(|log| {
            let there = log.at(batch.base).filter(|there| there.has_records_of(batch));
            there.is_some_and(|there| there.epoch != batch.epoch)
        })
    }

    /// Compares a replica's log with what is committed, as far as that was not done yet, up to `end`. The first offset at
    /// which it has something else.
    pub(super) fn compare(&mut self, broker: BrokerKey, end: Offset) -> Option<Offset> {
        let committed = &self.committed;
        let replica = self.replicas.get_mut(broker.index())?;
        let (mut common, mut place) = replica.agrees;
        let found = loop {
            let (Some(ours), Some(theirs)) = (committed.get(common), replica.log.get(place)) else {
                break None;
            };
            if ours.next() > end {
                break None;
            }
            if ours == theirs {
                (common, place) = (common + 1, place + 1);
            } else if ours.next() <= theirs.base {
                common += 1;
            } else if theirs.next() <= ours.base {
                place += 1;
            } else if theirs.contradicts(ours) {
                break Some(ours.base);
            } else {
                (common, place) = (committed.place_of(theirs.next()), place + 1);
            }
        };
        replica.agrees = (common, place);
        found
    }

    /// A log became shorter: what was compared behind its end counts no more.
    pub(super) fn forget_comparison(&mut self, broker: BrokerKey) {
        let Some(replica) = self.replicas.get_mut(broker.index()) else { return };
        let place = replica.agrees.1.min(replica.log.len());
        let from = replica.log.get(place).map_or(replica.log.end(), |batch| batch.base);
        let common = self.committed.place_of(from).min(replica.agrees.0);
        replica.agrees = (common, place);
        replica.diverged = false;
    }
}

impl Replica {
    /// Whether it has everything of `other` below `end`, judged by the last batch: with equal epochs, equal beginnings
    /// are another check's business.
    pub fn contains(&self, other: &Self, end: Offset) -> bool {
        if end <= self.start || end <= other.start {
            return true;
        }
        let last = Offset(end.0 - 1);
        match (self.log.at(last), other.log.at(last)) {
            (Some(ours), Some(theirs)) => !ours.contradicts(theirs) || ours.has_records_of(theirs),
            (None, Some(_)) => false,
            (_, None) => true,
        }
    }

    /// A new life: what was in memory is gone.
    pub(super) fn forget(&mut self) {
        self.role = Role::None;
        self.epoch = LeaderEpoch::UNKNOWN;
        self.controller_epoch = ControllerEpoch::default();
        self.isr = None;
        self.isr_keys.clear();
        self.asked = None;
        self.frozen = false;
    }
}
