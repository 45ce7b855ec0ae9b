//! What a broker keeps of each partition it is a replica of: its role, its replicas, its high watermark, and who waits for it.
//!
//! Partitions are numbered by [`Slot`]s once and for all, so that fetch sessions, fetchers and waiting requests find them
//! without comparing names. A slot is not used again when its partition is gone. Records are in [`crate::log`].

use std::collections::VecDeque;

use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol::StrBytes;
use machine::WallTime;

use super::RequestId;
use crate::by_partition::ByPartition;
use crate::id::{BrokerId, ControllerEpoch, LeaderEpoch, Offset, TopicPartition};

/// The number of a partition within one life of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(u32);

/// A replica held by this broker.
#[derive(Debug)]
pub(super) struct Partition {
    pub id: TopicPartition,
    /// The topic as it travels: its bytes are shared by all responses.
    pub name: TopicName,
    pub min_insync: u32,
    /// Of the last decision of a controller that was obeyed, `UNKNOWN` before the first.
    pub epoch: LeaderEpoch,
    pub controller_epoch: ControllerEpoch,
    pub zk_version: i32,
    pub replicas: Vec<BrokerId>,
    pub role: Role,
    pub high_watermark: Offset,
    /// As the log has it: kept here because everything asks for it.
    pub log_end: Offset,
    /// Produce requests that wait for the high watermark, in the order of the offsets they wait for.
    pub waiting: VecDeque<Waiting>,
    /// Fetch sessions that have this partition.
    pub watchers: Vec<Watcher>,
}

/// What this broker is for a partition.
#[derive(Debug)]
pub(super) enum Role {
    /// There is a log, but no leader was ever known (or none that lives).
    Idle,
    /// Copies what the leader has.
    Follower {
        /// Whom it follows.
        leader: BrokerId,
    },
    /// Takes records, and decides what is committed.
    Leader(Leader),
}

/// What only a leader keeps.
#[derive(Debug)]
pub(super) struct Leader {
    /// In sync, as ZooKeeper last confirmed, in its order.
    pub isr: Vec<BrokerId>,
    /// The log end when this epoch began.
    pub epoch_start: Offset,
    /// The other replicas, in the order of the assignment.
    pub remotes: Vec<Remote>,
    /// The change of the ISR that ZooKeeper was asked for.
    pub change: Option<Change>,
    /// The version of the state znode with which ZooKeeper last refused a change: it is said once.
    pub refused_with: Option<i32>,
}

/// A change of an ISR that ZooKeeper has not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The number under which it was asked.
    pub number: u64,
    /// What is wanted.
    pub isr: Vec<BrokerId>,
    /// How far it is.
    pub stage: Stage,
    /// Whether the partition is frozen meanwhile.
    pub freezes: bool,
}

/// How far a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The new state is being written.
    Writing,
    /// Somebody has written the znode: perhaps we did, and the reply was lost (KAFKA-1382).
    ReadingBack,
}

/// Another replica, as its leader knows it from its fetches (`cluster/Replica`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    pub id: BrokerId,
    /// Where its last fetch began, `UNKNOWN` before the first.
    pub log_end: Offset,
    /// The last time at which it had everything the leader had.
    pub caught_up: WallTime,
    /// When it fetched last.
    pub fetched: WallTime,
    /// The leader's log end at that time.
    pub leader_end: Offset,
    /// The high watermark it was last told.
    pub told: Offset,
}

/// A produce request that waits for the high watermark to reach an offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub until: Offset,
    pub request: RequestId,
    /// Which of its partitions this is.
    pub item: usize,
}

/// A fetch session that wants to know what happens to a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watcher {
    pub session: u64,
    pub entry: u32,
    /// Which replica it is of, `NONE` for a consumer's.
    pub replica: BrokerId,
}

impl Remote {
    /// Nothing is known of it.
    pub fn new(id: BrokerId) -> Self {
        Self {
            id,
            log_end: Offset::UNKNOWN,
            caught_up: WallTime::default(),
            fetched: WallTime::default(),
            leader_end: Offset::UNKNOWN,
            told: Offset::ZERO,
        }
    }

    /// It fetched from `from` at `at`, when the leader's log ended at `leader_end` (`Replica.updateFetchState`). A follower
    /// that is always a little behind counts as caught up when it has what there was at its fetch before (KAFKA-4485).
    /// Whether its log end is another than before.
    pub fn fetched(&mut self, from: Offset, at: WallTime, leader_end: Offset) -> bool {
        if from >= leader_end {
            self.caught_up = self.caught_up.max(at);
        } else if from >= self.leader_end {
            self.caught_up = self.caught_up.max(self.fetched);
        }
        let moved = self.log_end != from;
        self.log_end = from;
        self.leader_end = leader_end;
        self.fetched = at;
        moved
    }

    /// A new epoch of the leader begins (`Replica.resetLastCaughtUpTime`).
    pub fn begin_epoch(&mut self, start: Offset, at: WallTime, in_sync: bool, new_leader: bool) {
        self.caught_up = if in_sync { at } else { WallTime::default() };
        self.leader_end = start;
        self.fetched = at;
        if new_leader {
            *self = Self { caught_up: self.caught_up, ..Self::new(self.id) };
        }
    }
}

impl Partition {
    /// A replica of which nothing but its log is known.
    pub fn new(id: TopicPartition, min_insync: u32, high_watermark: Offset, end: Offset) -> Self {
        let name = TopicName(StrBytes::from_string(id.topic.to_string()));
        Self {
            id,
            name,
            min_insync,
            epoch: LeaderEpoch::UNKNOWN,
            controller_epoch: ControllerEpoch::default(),
            zk_version: -1,
            replicas: Vec::new(),
            role: Role::Idle,
            high_watermark,
            log_end: end,
            waiting: VecDeque::new(),
            watchers: Vec::new(),
        }
    }

    /// What it knows as leader, if it is the leader.
    pub fn leader(&self) -> Option<&Leader> {
        match &self.role {
            Role::Leader(leader) => Some(leader),
            Role::Idle | Role::Follower { .. } => None,
        }
    }

    /// What it knows as leader, if it is the leader.
    pub fn leader_mut(&mut self) -> Option<&mut Leader> {
        match &mut self.role {
            Role::Leader(leader) => Some(leader),
            Role::Idle | Role::Follower { .. } => None,
        }
    }

    /// Whether a change of its ISR holds everything up.
    pub fn is_frozen(&self) -> bool {
        self.leader().and_then(|leader| leader.change.as_ref()).is_some_and(|change| change.freezes)
    }
}

impl Leader {
    /// Another replica.
    pub fn remote_mut(&mut self, id: BrokerId) -> Option<&mut Remote> {
        self.remotes.iter_mut().find(|remote| remote.id == id)
    }

    /// Another replica.
    pub fn remote(&self, id: BrokerId) -> Option<&Remote> {
        self.remotes.iter().find(|remote| remote.id == id)
    }

    /// Whether records must wait for this replica: it is in sync, or is about to be (the maximal ISR).
    pub fn counts(&self, id: BrokerId) -> bool {
        self.isr.contains(&id)
            || self.change.as_ref().is_some_and(|change| change.isr.contains(&id))
    }
}

/// All partitions of a broker.
#[derive(Debug, Default)]
pub(super) struct Held {
    slots: Vec<Option<Box<Partition>>>,
    names: ByPartition<Slot>,
}

impl Held {
    /// The slot of a partition that is held.
    pub fn find(&self, topic: &str, partition: i32) -> Option<Slot> {
        self.names.find(topic, partition).copied()
    }

    /// The name of a partition, held or not.
    pub fn name(&self, topic: &str, partition: i32) -> TopicPartition {
        self.names.name(topic, partition)
    }

    /// The partition in a slot, if it is still there.
    pub fn get(&self, slot: Slot) -> Option<&Partition> {
        self.slots.get(slot.0 as usize)?.as_deref()
    }

    /// The partition in a slot, if it is still there.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Partition> {
        self.slots.get_mut(slot.0 as usize)?.as_deref_mut()
    }

    /// Takes one more.
    pub fn insert(&mut self, partition: Partition) -> Slot {
        let slot = Slot(u32::try_from(self.slots.len()).expect("fewer partitions than 2^32"));
        self.names.insert(&partition.id, slot);
        self.slots.push(Some(Box::new(partition)));
        slot
    }

    /// Gives one away.
    pub fn remove(&mut self, slot: Slot) -> Option<Box<Partition>> {
        let partition = self.slots.get_mut(slot.0 as usize)?.take()?;
        self.names.remove(&partition.id);
        Some(partition)
    }

    /// The first slot from `from` on that holds something, with what it holds.
    pub fn next(&self, from: usize) -> Option<(usize, Slot, &Partition)> {
        let rest = self.slots.get(from..)?;
        let index = from + rest.iter().position(Option::is_some)?;
        let slot = Slot(u32::try_from(index).ok()?);
        Some((index, slot, self.get(slot)?))
    }

    /// The slots of a topic.
    pub fn of_topic(&self, topic: &str) -> Vec<Slot> {
        self.names.of_topic(topic).copied().collect()
    }

    /// All partitions, by name.
    pub fn all(&self) -> impl Iterator<Item = &Partition> {
        self.names.values().filter_map(|slot| self.get(*slot))
    }
}
