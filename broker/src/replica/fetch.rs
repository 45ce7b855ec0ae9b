//! Fetch requests of followers and consumers: what they may read, what a leader learns from a follower's, and when a
//! request waits.
//!
//! ```text
//! session ──► gather ──► a follower's: its log end, ISR, high watermark ──► enough? answer
//!               │ frozen, disk        │ frozen by an ISR write                └► parked until something is new, or time-out
//!               └ holds its handler   └ holds its handler
//! ```
//!
//! Sources: `ReplicaManager.fetchMessages`, `DelayedFetch`. Sessions are found in [`super::fetch_session`], answers made in
//! [`super::fetch_answer`].

use bytes::Bytes;
use kafka_protocol::messages as m;
use machine::{Duration, Instant, WallTime};

use super::partition::{Partition, Slot};
use super::purgatory::{Job, Stall};
use super::sessions::Entry;
use super::turn::Turn;
use super::{ReplicaEvent, Replicas, RequestId};
use crate::id::{BrokerId, LeaderEpoch, Offset};
use crate::log::{Log, LogError};
use crate::mechanism::{FetchFencing, HighWatermarkNews, Mutant};
use crate::wire::error;

/// A fetch request under way.
#[derive(Debug)]
pub(super) struct Fetching {
    pub id: RequestId,
    pub session: u64,
    /// The epoch its session must still have when it is answered.
    pub session_epoch: i32,
    /// When its patience ends, which begins when it is parked.
    pub deadline: Instant,
    pub overdue: bool,
    /// Whether the answer names all partitions, changed or not.
    pub full: bool,
    pub replica: BrokerId,
    pub read_committed: bool,
    at: WallTime,
    bytes_min: usize,
    bytes_max: usize,
    patience: Duration,
    /// Whether the leader has learned from it already: that happens once.
    learned: bool,
}

/// What a fetch finds of one partition.
#[derive(Debug)]
pub(super) struct Reading {
    pub entry: u32,
    pub slot: Option<Slot>,
    pub error: i16,
    pub high_watermark: Offset,
    pub start: Offset,
    pub records: Bytes,
    /// Whether it will be looked at again in the next fetch: there is more, or something is not as it should be.
    pub unsettled: bool,
    /// Whether a follower does not know this high watermark, and is to hear of it at once.
    pub is_news: bool,
}

/// What a fetch finds.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub readings: Vec<Reading>,
    bytes: usize,
    /// Whether it is answered however little there is.
    urgent: bool,
}

impl Replicas {
    /// A request begins.
    pub(super) fn begin_fetch(
        &mut self,
        id: RequestId,
        request: &m::FetchRequest,
        version: i16,
        turn: &mut Turn<'_, '_, '_>,
    ) {
        let session = match self.enter_session(request, version, turn) {
            Ok(session) => session,
            Err(code) => return Self::answer_session_error(id, code, turn),
        };
        let session_epoch = self.sessions.get(session).map_or(0, |session| session.epoch);
        let replica = BrokerId(request.replica_id.0);
        let limit = if version < 3 { i32::MAX } else { request.max_bytes };
        let limit = match replica.0 < 0 {
            true => limit.min(self.config.fetch_bytes_max),
            false => limit,
        };
        let bytes_max = usize::try_from(limit).unwrap_or(0);
        let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
        let fetch = Fetching {
            id,
            session,
            session_epoch,
            deadline: Instant::NEVER,
            overdue: false,
            full: version < 7 || request.session_epoch <= 0,
            replica: if replica.0 < 0 { BrokerId::NONE } else { replica },
            read_committed: request.isolation_level == 1,
            at: turn.cx.wall(),
            bytes_min: usize::try_from(request.min_bytes).unwrap_or(0).min(bytes_max),
            bytes_max,
            patience: wait,
            learned: false,
        };
        self.run_fetch(fetch, turn);
    }

    /// Works on a request until it is answered, parked, or cannot go on.
    pub(super) fn run_fetch(&mut self, mut fetch: Fetching, turn: &mut Turn<'_, '_, '_>) {
        let of_this_epoch = |one: &super::sessions::Session| one.epoch == fetch.session_epoch;
        if !self.sessions.get(fetch.session).is_some_and(of_this_epoch) {
            let code = error::FETCH_SESSION_ID_NOT_FOUND;
            return Self::answer_session_error(fetch.id, code, turn);
        }
        let mut found = match self.gather(&fetch, turn) {
            Ok(found) => found,
            Err(stall) => return self.stalled.put(fetch.id, Job::Fetch(fetch), stall),
        };
        if fetch.replica.is_some() && !fetch.learned {
            fetch.learned = true;
            let enough = found.is_enough(&fetch);
            let moved = self.learn(&fetch, &found, turn);
            if self.is_frozen_for(fetch.session) {
                return self.stalled.put(fetch.id, Job::Fetch(fetch), Stall::Frozen);
            }
            // Whoever must wait looks again: its own fetch may have moved the high watermark.
            if moved && !enough && fetch.patience > Duration::ZERO {
                match self.gather(&fetch, turn) {
                    Ok(again) => found = again,
                    Err(stall) => return self.stalled.put(fetch.id, Job::Fetch(fetch), stall),
                }
            }
        }
        let waits = fetch.patience > Duration::ZERO;
        let nothing_asked = self.sessions.get(fetch.session).is_none_or(|one| one.is_empty());
        if !waits || nothing_asked || found.is_enough(&fetch) {
            return self.answer_fetch(&fetch, found, turn);
        }
        self.quieten(&fetch, &found);
        if let Some(session) = self.sessions.get_mut(fetch.session) {
            session.parked = Some(fetch.id);
        }
        fetch.deadline = turn.cx.now() + fetch.patience;
        turn.events.push(ReplicaEvent::Parked(fetch.id));
        self.purgatory.park_fetch(fetch);
    }

    /// Something has changed for a session, or its time is up: perhaps its request can be answered.
    pub(super) fn retry_parked(&mut self, key: u64, turn: &mut Turn<'_, '_, '_>) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        session.woken = false;
        let Some(id) = session.parked else { return };
        let Some(fetch) = self.purgatory.fetches.get(&id) else { return };
        match self.gather(fetch, turn) {
            Ok(found) if fetch.overdue || found.is_enough(fetch) => {
                let Some(fetch) = self.purgatory.take_fetch(id) else { return };
                if let Some(session) = self.sessions.get_mut(key) {
                    session.parked = None;
                }
                self.answer_fetch(&fetch, found, turn);
            }
            Ok(found) => {
                if let Some(fetch) = self.purgatory.fetches.remove(&id) {
                    self.quieten(&fetch, &found);
                    self.purgatory.fetches.insert(id, fetch);
                }
            }
            Err(Stall::Disk(ticket)) => self.cold.entry(ticket).or_default().push(key),
            // It is woken when the partition is thawed.
            Err(Stall::Frozen) => {}
        }
    }

    /// Whether one of its partitions is frozen: then the whole session waits, as a thread would that reads them in turn.
    fn is_frozen_for(&self, key: u64) -> bool {
        let mut frozen = self.frozen.keys().filter_map(|slot| self.held.get(*slot));
        frozen.any(|partition| partition.watchers.iter().any(|watcher| watcher.session == key))
    }

    /// Reads whatever may have something to tell, as far as the limits allow.
    fn gather(&self, fetch: &Fetching, turn: &mut Turn<'_, '_, '_>) -> Result<Gathered, Stall> {
        let mut found = Gathered::default();
        let Some(session) = self.sessions.get(fetch.session) else { return Ok(found) };
        if self.is_frozen_for(fetch.session) {
            return Err(Stall::Frozen);
        }
        found.readings.reserve(session.queue.len());
        for number in &session.queue {
            let entry = &session.entries[*number as usize];
            if !entry.live {
                continue;
            }
            let room = match found.bytes {
                0 => None,
                taken => Some(fetch.bytes_max.saturating_sub(taken)),
            };
            let mut reading = Reading::new(*number);
            if let Err(code) = self.read(entry, fetch, room, &mut reading, turn)? {
                reading.fail(code);
                found.urgent = true;
            }
            found.bytes += reading.records.len();
            found.urgent |= reading.is_news;
            found.readings.push(reading);
        }
        Ok(found)
    }

    /// Reads one partition. `room` is what other partitions have left of the answer; the first batch of all always fits.
    fn read(
        &self,
        entry: &Entry,
        fetch: &Fetching,
        room: Option<usize>,
        reading: &mut Reading,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<Result<(), i16>, Stall> {
        let (partition, log) = match self.readable(entry, fetch.replica, reading, turn) {
            Ok(readable) => readable,
            Err(code) => return Ok(Err(code)),
        };
        let mechanisms = &self.config.mechanisms;
        let follows = fetch.replica.is_some();
        let to_the_end = follows || mechanisms.has(Mutant::ServesBeyondHighWatermark);
        let end = if to_the_end { partition.log_end } else { partition.high_watermark };
        reading.start = log.start();
        reading.high_watermark = partition.high_watermark;
        if entry.from < reading.start || entry.from > partition.log_end {
            return Ok(Err(error::OFFSET_OUT_OF_RANGE));
        }
        if let Some(remote) = partition.leader().and_then(|leader| leader.remote(fetch.replica)) {
            let at_once = mechanisms.high_watermark_news == HighWatermarkNews::AtOnce;
            reading.is_news = at_once && remote.told < partition.high_watermark;
            // Who is not in sync is looked at in every fetch: each may bring it back.
            reading.unsettled = partition.leader().is_some_and(|it| !it.isr.contains(&remote.id));
        }
        if entry.from >= end {
            return Ok(Ok(()));
        }
        reading.unsettled = true;
        let limit = room.map_or(fetch.bytes_max, |room| room).min(entry.bytes_max);
        if room.is_some() && limit == 0 {
            return Ok(Ok(()));
        }
        match log.read(entry.from, end, limit, turn.cx) {
            Ok(read) if room.is_some() && read.records.len() > limit => {}
            Ok(read) => reading.records = read.records,
            Err(LogError::Disk(machine::DiskError::WouldBlock(ticket))) => {
                return Err(Stall::Disk(ticket));
            }
            Err(LogError::Disk(failure)) => {
                turn.events.push(ReplicaEvent::LogDirFailed(failure));
                return Ok(Err(error::KAFKA_STORAGE_ERROR));
            }
            Err(LogError::Corrupt | LogError::TooLarge) => return Ok(Err(error::CORRUPT_MESSAGE)),
            Err(LogError::OutOfRange) => return Ok(Err(error::OFFSET_OUT_OF_RANGE)),
        }
        if !follows && mechanisms.has(Mutant::ServesTwice) {
            reading.records = [&reading.records[..], &reading.records[..]].concat().into();
        }
        Ok(Ok(()))
    }

    /// The partition of an entry, if it may be read here.
    fn readable(
        &self,
        entry: &Entry,
        replica: BrokerId,
        reading: &mut Reading,
        turn: &Turn<'_, '_, '_>,
    ) -> Result<(&Partition, &Log), i16> {
        let known = entry.slot.filter(|slot| self.held.get(*slot).is_some());
        reading.slot = known.or_else(|| self.held.find(&entry.name, entry.partition));
        let partition = reading.slot.and_then(|slot| self.held.get(slot));
        let partition = partition.ok_or_else(|| {
            match turn.door.metadata.partition(&entry.name, entry.partition) {
                Some(_) => error::NOT_LEADER_FOR_PARTITION,
                None => error::UNKNOWN_TOPIC_OR_PARTITION,
            }
        })?;
        if self.offline {
            return Err(error::KAFKA_STORAGE_ERROR);
        }
        self.check_leader(partition, entry.epoch)?;
        let leader = partition.leader().ok_or(error::NOT_LEADER_FOR_PARTITION)?;
        if replica.is_some() && leader.remote(replica).is_none() {
            return Err(error::UNKNOWN_TOPIC_OR_PARTITION);
        }
        let log = self.logs.get(&partition.id).ok_or(error::KAFKA_STORAGE_ERROR)?;
        Ok((partition, log))
    }

    /// Whether a request that believes in this epoch speaks to the right leader (KIP-320).
    pub(super) fn check_leader(
        &self,
        partition: &Partition,
        theirs: LeaderEpoch,
    ) -> Result<(), i16> {
        let fenced = self.config.mechanisms.fetch_fencing == FetchFencing::On;
        if fenced && theirs >= LeaderEpoch(0) && theirs < partition.epoch {
            return Err(error::FENCED_LEADER_EPOCH);
        }
        if fenced && theirs > partition.epoch {
            return Err(error::UNKNOWN_LEADER_EPOCH);
        }
        partition.leader().map(|_| ()).ok_or(error::NOT_LEADER_FOR_PARTITION)
    }

    /// What a leader learns from a follower's fetch (`Partition.updateFollowerFetchState`). Errors teach nothing (KAFKA-8400).
    /// Whether the high watermark of one of them has moved.
    fn learn(&mut self, fetch: &Fetching, found: &Gathered, turn: &mut Turn<'_, '_, '_>) -> bool {
        let mut committed = false;
        if let Some(session) = self.sessions.get_mut(fetch.session) {
            session.fetched = fetch.at;
        }
        for reading in found.readings.iter().filter(|reading| reading.error == error::NONE) {
            let Some(session) = self.sessions.get(fetch.session) else { break };
            let from = session.entries[reading.entry as usize].from;
            let Some(slot) = reading.slot else { continue };
            let Some(partition) = self.held.get_mut(slot) else { continue };
            let end = partition.log_end;
            let Some(leader) = partition.leader_mut() else { continue };
            let Some(remote) = leader.remote_mut(fetch.replica) else { continue };
            let moved = remote.fetched(from, fetch.at, end);
            remote.told = reading.high_watermark;
            if reading.unsettled {
                self.try_expand(slot, fetch.replica, turn);
            }
            if moved {
                committed |= self.try_high_watermark(slot, turn);
            }
        }
        committed
    }

    /// Takes the entries that have nothing to tell out of the queue, so that they are not looked at again for nothing.
    fn quieten(&mut self, fetch: &Fetching, found: &Gathered) {
        if fetch.full {
            return;
        }
        let Some(session) = self.sessions.get_mut(fetch.session) else { return };
        session.sweep();
        session.queue.clear();
        for reading in &found.readings {
            let entry = &mut session.entries[reading.entry as usize];
            entry.dirty = reading.unsettled || reading.tells(entry);
            if entry.dirty {
                session.queue.push_back(reading.entry);
            }
        }
    }
}

impl Gathered {
    fn is_enough(&self, fetch: &Fetching) -> bool {
        self.urgent || self.bytes >= fetch.bytes_min
    }
}

impl Reading {
    fn new(entry: u32) -> Self {
        Self {
            entry,
            slot: None,
            error: error::NONE,
            high_watermark: Offset::UNKNOWN,
            start: Offset::UNKNOWN,
            records: Bytes::new(),
            unsettled: false,
            is_news: false,
        }
    }

    fn fail(&mut self, code: i16) {
        self.error = code;
        self.high_watermark = Offset::UNKNOWN;
        self.start = Offset::UNKNOWN;
        self.unsettled = true;
        self.is_news = false;
    }

    /// Whether the other side does not know it already.
    pub fn tells(&self, entry: &Entry) -> bool {
        self.error != error::NONE
            || !self.records.is_empty()
            || self.high_watermark != entry.told
            || self.start != entry.told_start
    }
}
