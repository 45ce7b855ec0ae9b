//! Incremental fetch sessions (KIP-227): what a follower or consumer has asked for, so that its next requests name only
//! what is different, and the answers only what has changed.
//!
//! Every fetch has a session while it is worked on; those of old clients end with their answer. A session keeps a queue of
//! the entries that may have something to tell. All others are known to have nothing, and cost nothing: a fetch of
//! 3,000 idle partitions looks at none of them.

use std::collections::{BTreeMap, VecDeque};

use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::protocol::StrBytes;
use machine::{Duration, Instant, WallTime};

use super::RequestId;
use super::partition::Slot;
use crate::id::{BrokerId, LeaderEpoch, Offset};

/// `max.incremental.fetch.session.cache.slots`
const SLOTS: usize = 1_000;

/// A session not used for this long may be thrown out (`FetchSession`'s `evictionMs`).
const STALE_AFTER: Duration = Duration::from_secs(120);

/// Sessions of single requests are numbered from here on; ids of incremental ones are positive `i32`s.
const ANONYMOUS: u64 = 1 << 32;

/// One partition in a session.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: TopicName,
    pub partition: i32,
    /// The partition, once it was found.
    pub slot: Option<Slot>,
    /// The leader epoch the other side believes in, `UNKNOWN` if it does not say.
    pub epoch: LeaderEpoch,
    /// Where it wants to read.
    pub from: Offset,
    pub bytes_max: usize,
    /// The high watermark it was last told in this session, `UNKNOWN` if it must be told.
    pub told: Offset,
    /// The log start it was last told.
    pub told_start: Offset,
    /// Whether it is in the queue of those that may have something to tell.
    pub dirty: bool,
    /// Whether it is still asked for.
    pub live: bool,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    /// 0 without incremental fetches.
    pub id: i32,
    /// The epoch its next request must have.
    pub epoch: i32,
    /// Which replica fetches, `NONE` for a consumer.
    pub replica: BrokerId,
    pub entries: Vec<Entry>,
    /// Entries that may have something to tell, those that were told last at the end.
    pub queue: VecDeque<u32>,
    /// When it fetched last: so long ago were all entries that are not in the queue caught up.
    pub fetched: WallTime,
    pub used: Instant,
    /// The request of this session that waits in the purgatory.
    pub parked: Option<RequestId>,
    /// Whether it is already going to be looked at.
    pub woken: bool,
    live: usize,
    free: Vec<u32>,
    by_name: BTreeMap<StrBytes, BTreeMap<i32, u32>>,
}

impl Session {
    fn new(id: i32, replica: BrokerId, now: Instant) -> Self {
        Self {
            id,
            epoch: 1,
            replica,
            entries: Vec::new(),
            queue: VecDeque::new(),
            fetched: WallTime::default(),
            used: now,
            parked: None,
            woken: false,
            live: 0,
            free: Vec::new(),
            by_name: BTreeMap::new(),
        }
    }

    /// Whether it lives longer than one request.
    pub fn is_incremental(&self) -> bool {
        self.id != 0
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Asks for a partition, or for the same one elsewhere: it may have something to tell. The number of a new entry.
    pub fn ask(&mut self, name: &TopicName, asked: &FetchPartition) -> Option<u32> {
        let known = self.by_name.get(&name.0).and_then(|of| of.get(&asked.partition)).copied();
        let entry = known.unwrap_or_else(|| self.add(name, asked.partition));
        let state = &mut self.entries[entry as usize];
        state.epoch = LeaderEpoch(asked.current_leader_epoch);
        state.from = Offset(asked.fetch_offset);
        state.bytes_max = usize::try_from(asked.partition_max_bytes).unwrap_or(0);
        self.mark(entry);
        known.is_none().then_some(entry)
    }

    fn add(&mut self, name: &TopicName, partition: i32) -> u32 {
        let entry = Entry {
            name: name.clone(),
            partition,
            slot: None,
            epoch: LeaderEpoch::UNKNOWN,
            from: Offset::ZERO,
            bytes_max: 0,
            told: Offset::UNKNOWN,
            told_start: Offset::UNKNOWN,
            dirty: false,
            live: true,
        };
        self.live += 1;
        let number = if let Some(number) = self.free.pop() {
            self.entries[number as usize] = entry;
            number
        } else {
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).expect("a request names fewer partitions")
        };
        if self.is_incremental() {
            self.by_name.entry(name.0.clone()).or_default().insert(partition, number);
        }
        number
    }

    /// Asks for a partition no longer. Its slot, if it had one, with its number.
    pub fn forget(&mut self, topic: &StrBytes, partition: i32) -> Option<(u32, Option<Slot>)> {
        let of_topic = self.by_name.get_mut(topic)?;
        let number = of_topic.remove(&partition)?;
        if of_topic.is_empty() {
            self.by_name.remove(topic);
        }
        let entry = &mut self.entries[number as usize];
        entry.live = false;
        let slot = entry.slot.take();
        // Its number is not given to another while the queue still has it.
        if !entry.dirty {
            self.free.push(number);
        }
        self.live -= 1;
        Some((number, slot))
    }

    /// This entry may have something to tell.
    pub fn mark(&mut self, entry: u32) {
        if let Some(state) = self.entries.get_mut(entry as usize)
            && state.live
            && !state.dirty
        {
            state.dirty = true;
            self.queue.push_back(entry);
        }
    }

    /// Leaves entries that nobody asks for any more out of the queue.
    pub fn sweep(&mut self) {
        let (entries, free) = (&mut self.entries, &mut self.free);
        self.queue.retain(|number| {
            let entry = &mut entries[*number as usize];
            if !entry.live {
                entry.dirty = false;
                free.push(*number);
            }
            entry.live
        });
    }

    /// The epoch after this one; it never becomes 0 or less again.
    pub fn next_epoch(&mut self) {
        self.epoch = self.epoch.checked_add(1).unwrap_or(1);
    }
}

/// All sessions of a broker.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    all: BTreeMap<u64, Session>,
    incremental: usize,
    made: u64,
}

impl Sessions {
    /// The session of this key.
    pub fn get(&self, key: u64) -> Option<&Session> {
        self.all.get(&key)
    }

    /// The session of this key.
    pub fn get_mut(&mut self, key: u64) -> Option<&mut Session> {
        self.all.get_mut(&key)
    }

    /// The key of an incremental session.
    pub fn key(id: i32) -> u64 {
        u64::try_from(id).unwrap_or(0)
    }

    /// A session for one request.
    pub fn anonymous(&mut self, replica: BrokerId, now: Instant) -> u64 {
        self.made += 1;
        let key = ANONYMOUS + self.made;
        self.all.insert(key, Session::new(0, replica, now));
        key
    }

    /// An incremental session with this id, which must be free.
    pub fn incremental(&mut self, id: i32, replica: BrokerId, now: Instant) -> u64 {
        self.incremental += 1;
        self.all.insert(Self::key(id), Session::new(id, replica, now));
        Self::key(id)
    }

    /// Ends a session.
    pub fn remove(&mut self, key: u64) -> Option<Session> {
        let session = self.all.remove(&key)?;
        self.incremental -= usize::from(session.is_incremental());
        Some(session)
    }

    /// The incremental session that must go before another one can come, `Ok(None)` if there is room.
    ///
    /// # Errors
    /// There is none that may be thrown out: a stale one, or for a follower a consumer's.
    pub fn in_the_way(&self, replica: BrokerId, now: Instant) -> Result<Option<u64>, ()> {
        let own = |session: &&Session| replica.is_some() && session.replica == replica;
        let incremental = || self.all.values().filter(|session| session.is_incremental());
        if let Some(session) = incremental().find(own) {
            return Ok(Some(Self::key(session.id)));
        }
        if self.incremental < SLOTS {
            return Ok(None);
        }
        let oldest = incremental().min_by_key(|session| session.used);
        if let Some(session) = oldest.filter(|session| now.since(session.used) > STALE_AFTER) {
            return Ok(Some(Self::key(session.id)));
        }
        let consumers = incremental().filter(|session| !session.replica.is_some());
        let smallest = consumers.filter(|_| replica.is_some()).min_by_key(|session| session.live);
        smallest.map(|session| Some(Self::key(session.id))).ok_or(())
    }
}
