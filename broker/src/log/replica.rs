//! One replica's log: its segments, its leader epochs, and what is appended to them.
//!
//! Everything in memory is changed only when the disk call that matters has succeeded, so that an append either
//! happened or did not. Reading is in `reading`, cutting in `cutting`, rolling and flushing in `flushing`.

use std::collections::{BTreeSet, VecDeque};

use bytes::{Bytes, BytesMut};
use machine::{Context, DiskError, Instant, Ticket};

use super::epochs::Epochs;
use super::flushing::{Chore, Flush};
use super::index::{Index, Moment, Position};
use super::segment::{Added, Segment};
use super::{Appended, LogError, batches};
use crate::config::TopicConfig;
use crate::id::{LeaderEpoch, Offset, TopicPartition};
use crate::note::Note;
use crate::wire::batch::{self, HEADER, Header};

/// One replica's log.
pub struct Log {
    pub(super) partition: TopicPartition,
    /// The path of its directory.
    pub(super) directory: String,
    pub(super) settings: Settings,
    pub(super) start: Offset,
    pub(super) end: Offset,
    /// By base offset; never empty, the last one is active.
    pub(super) segments: VecDeque<Segment>,
    pub(super) epochs: Epochs,
    /// A planted defect: what it begins as leader is not entered there.
    pub(super) forgets_epochs: bool,
    /// The producer snapshots there are.
    pub(super) snapshots: BTreeSet<Offset>,
    /// Everything before this is on the disk for sure.
    pub(super) recovery_point: Offset,
    /// Up to here a flush was asked for.
    pub(super) flush_asked: Offset,
    pub(super) flushes: Vec<Flush>,
    /// When a flush was last asked for.
    pub(super) flushed_at: Instant,
    /// As last told by the owner, or as checkpointed.
    pub(super) high_watermark: Offset,
    pub(super) checkpointed_high_watermark: Offset,
    /// Small things to be done to files, in order.
    pub(super) chores: VecDeque<Chore>,
    pub(super) news: News,
    /// The name its directory gets: it is being deleted.
    pub(super) doomed: Option<String>,
    scratch: BytesMut,
}

/// What the log directory must know of a log that it has lent.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    /// Answers to these are this log's.
    pub asked: Vec<Ticket>,
    /// Files to be removed, and when.
    pub removals: Vec<(Instant, String)>,
    /// The recovery points must be written at once: they may be behind the end of this log.
    pub truncated: bool,
    /// The disk said no to something that nobody waits for.
    pub failed: Option<DiskError>,
}

impl News {
    /// Whether there is something that should not wait for the next schedule.
    pub fn is_urgent(&self) -> bool {
        self.truncated || self.failed.is_some() || !self.removals.is_empty()
    }
}

/// What a log must know of its topic's settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub segment_bytes: u64,
    pub segment_ms: i64,
    pub jitter_ms: u64,
    pub index_interval_bytes: u32,
    pub index_bytes_max: u32,
    pub message_bytes_max: usize,
    pub retention_ms: Option<i64>,
    pub retention_bytes: Option<u64>,
    pub flush_messages: Option<u64>,
    pub flush_interval: Option<machine::Duration>,
    pub delete_delay: machine::Duration,
    /// `cleanup.policy` has `delete`.
    pub deletes: bool,
}

impl Settings {
    pub fn of(config: &TopicConfig) -> Self {
        let millis = |span: machine::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self {
            segment_bytes: u64::from(config.segment_bytes),
            segment_ms: millis(config.segment_age_max),
            jitter_ms: config.segment_jitter.as_millis().min(config.segment_age_max.as_millis()),
            index_interval_bytes: config.index_interval_bytes,
            index_bytes_max: config.index_bytes_max,
            message_bytes_max: config.message_bytes_max as usize,
            retention_ms: config.retention.map(millis),
            retention_bytes: config.retention_bytes,
            flush_messages: config.flush_messages,
            flush_interval: config.flush_interval,
            delete_delay: config.file_delete_delay,
            deletes: config.deletes_old_records(),
        }
    }
}

/// What is about to be appended.
struct Load {
    first: Offset,
    added: Added,
    leads: bool,
}

impl Log {
    /// A log with these segments, nothing of which is known to be on the disk.
    pub(super) fn new(
        partition: TopicPartition,
        directory: String,
        settings: Settings,
        segments: VecDeque<Segment>,
        epochs: Epochs,
    ) -> Self {
        let start = segments.front().map_or(Offset::ZERO, |segment| segment.base);
        Self {
            partition,
            directory,
            settings,
            start,
            end: start,
            segments,
            epochs,
            forgets_epochs: false,
            snapshots: BTreeSet::new(),
            recovery_point: start,
            flush_asked: start,
            flushes: Vec::new(),
            flushed_at: Instant::ZERO,
            high_watermark: start,
            checkpointed_high_watermark: start,
            chores: VecDeque::new(),
            news: News::default(),
            doomed: None,
            scratch: BytesMut::new(),
        }
    }

    /// The first offset.
    pub fn start(&self) -> Offset {
        self.start
    }

    /// The log end offset: the next one to be written.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Everything before this is on the disk for sure, and would not be read again after a crash.
    pub fn recovery_point(&self) -> Offset {
        self.recovery_point
    }

    /// The high watermark as checkpointed when the log was opened, clamped into the log; 0 for a new one.
    pub fn checkpointed_high_watermark(&self) -> Offset {
        self.checkpointed_high_watermark
    }

    /// The segments' first offsets.
    pub fn segments(&self) -> impl Iterator<Item = Offset> {
        self.segments.iter().map(|segment| segment.base)
    }

    /// Names and sizes of its files as Kafka's directory shows them: the indexes of the active segment with their
    /// preallocated size, although nothing is written for it here.
    pub fn files(&self) -> Vec<(String, u64)> {
        let name = |path: &str| path.rsplit_once('/').map_or(path, |(_, name)| name).to_owned();
        let bytes_max = self.settings.index_bytes_max;
        let mut files = vec![(super::names::EPOCHS.to_owned(), self.epochs.text().len() as u64)];
        for (index, segment) in self.segments.iter().enumerate() {
            let active = index + 1 == self.segments.len();
            files.push((name(&segment.path), segment.size));
            let (offsets, times) = (&segment.offsets, &segment.times);
            files.push((name(offsets.path()), offsets.size_shown(active, bytes_max)));
            files.push((name(times.path()), times.size_shown(active, bytes_max)));
        }
        let snapshot = |at: &Offset| name(&super::names::of_segment("", *at, "snapshot"));
        files.extend(self.snapshots.iter().map(|at| (snapshot(at), super::snapshot::SIZE)));
        files.sort();
        files
    }

    /// A leader's epoch starts at the log end offset (`LeaderEpochFileCache.assign`).
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch, cx: &mut Context<'_, Note>) {
        if !self.forgets_epochs && self.epochs.assign(epoch, self.end) {
            self.save_epochs(cx);
        }
    }

    /// The latest epoch in the cache.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest()
    }

    /// The largest epoch not above the asked one, and where it ends (`endOffsetFor`); `(UNKNOWN, UNKNOWN)` if
    /// undefined.
    pub fn end_of_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        self.epochs.end_of(epoch, self.end)
    }

    /// The epoch cache.
    pub fn epochs(&self) -> &[(LeaderEpoch, Offset)] {
        self.epochs.entries()
    }

    /// Appends a producer's batch as leader: it gets the next offsets and this epoch. Says [`Note::Appended`]. Like
    /// Kafka since 0.11, takes exactly one batch; old formats are refused as corrupt.
    ///
    /// # Errors
    /// [`LogError`]; nothing was appended then.
    pub fn append_as_leader(
        &mut self,
        records: &Bytes,
        epoch: LeaderEpoch,
        cx: &mut Context<'_, Note>,
    ) -> Result<Appended, LogError> {
        let mut header = Header::read(records).map_err(|_| LogError::Corrupt)?;
        if header.size > self.settings.message_bytes_max {
            return Err(LogError::TooLarge);
        }
        if header.base != Offset::ZERO || header.problem().is_some() || !batch::is_whole(records) {
            return Err(LogError::Corrupt);
        }
        header.base = self.end;
        let largest = batches::largest(records, header).ok_or(LogError::Corrupt)?;
        let added = Added { bytes: records.len() as u64, last: header.last(), largest };
        let mut stamped = std::mem::take(&mut self.scratch);
        stamped.clear();
        stamped.extend_from_slice(records);
        batch::stamp(&mut stamped, self.end, epoch);
        let result = self.write(&stamped, Load { first: self.end, added, leads: true }, cx);
        // A large batch now and then should not hold its memory for ever.
        if stamped.capacity() <= 64 * 1024 {
            self.scratch = stamped;
        }
        result.map(|()| Appended { base: header.base, last: header.last() })
    }

    /// Appends what a leader sent, offsets and epochs as they are; the first must be the log end offset. A last batch
    /// that is cut off is left out; `None` if there is no other.
    ///
    /// # Errors
    /// [`LogError`], nothing was appended then; `OutOfRange` if the offsets do not fit.
    pub fn append_as_follower(
        &mut self,
        records: &Bytes,
        cx: &mut Context<'_, Note>,
    ) -> Result<Option<Appended>, LogError> {
        let (mut at, mut next) = (0, self.end);
        let mut largest = (super::segment::NO_TIMESTAMP, self.end);
        while records.len() - at >= HEADER {
            let header = Header::read(&records[at..]).map_err(|_| LogError::Corrupt)?;
            if header.size > records.len() - at {
                break;
            }
            if header.size > self.settings.message_bytes_max {
                return Err(LogError::TooLarge);
            }
            if header.last_delta < 0 || !batch::is_whole(&records[at..at + header.size]) {
                cx.note(Note::CorruptRecords {
                    partition: self.partition.clone(),
                    at: header.base,
                });
                return Err(LogError::Corrupt);
            }
            let fits = if at == 0 { header.base == next } else { header.base >= next };
            if !fits {
                return Err(LogError::OutOfRange);
            }
            if header.max_timestamp > largest.0 {
                largest = (header.max_timestamp, header.last());
            }
            (at, next) = (at + header.size, header.next());
        }
        if at == 0 {
            return Ok(None);
        }
        let (first, last) = (self.end, Offset(next.0 - 1));
        let added = Added { bytes: at as u64, last, largest };
        self.write(&records[..at], Load { first, added, leads: false }, cx)?;
        Ok(Some(Appended { base: first, last }))
    }

    /// Writes batches that are all right.
    fn write(
        &mut self,
        bytes: &[u8],
        load: Load,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), LogError> {
        if load.added.bytes > self.settings.segment_bytes {
            return Err(LogError::TooLarge);
        }
        if let Some(error) = self.news.failed {
            return Err(LogError::Disk(error));
        }
        if self.must_roll(&load, cx) {
            let rolled = self.roll(load.first, cx);
            self.heard(rolled).map_err(LogError::Disk)?;
        }
        let active = self.segments.back().expect("a log always has a segment");
        let appended = cx.disk().append(&active.path, bytes);
        self.heard(appended).map_err(LogError::Disk)?;
        self.was_appended(bytes, &load, cx);
        Ok(())
    }

    /// The bytes are in the page cache: everything else follows from that.
    fn was_appended(&mut self, bytes: &[u8], load: &Load, cx: &mut Context<'_, Note>) {
        let active = self.segments.back_mut().expect("a log always has a segment");
        let (start, mut at, mut new_epoch) = (active.size, 0, false);
        let forgets = self.forgets_epochs && load.leads;
        while at < bytes.len() {
            let header = Header::read(&bytes[at..]).expect("it was read before");
            active.remember(header.base, start + at as u64);
            if header.epoch.0 >= 0 && !forgets {
                new_epoch |= self.epochs.assign(header.epoch, header.base);
            }
            cx.note(Note::Appended {
                partition: self.partition.clone(),
                epoch: header.epoch,
                base: header.base,
                last: header.last(),
                crc: header.crc,
                leads: load.leads,
            });
            at += header.size;
        }
        active.added(load.added, self.settings.index_interval_bytes);
        self.end = Offset(load.added.last.0 + 1);
        if !active.is_settled() {
            let settled = active.settle_indexes(cx);
            self.not_waited_for(settled);
        }
        if new_epoch {
            self.save_epochs(cx);
        }
        let unflushed = (self.end.0 - self.flush_asked.0) as u64;
        if self.settings.flush_messages.is_some_and(|most| unflushed >= most) {
            self.flush_to(self.end, cx);
        }
    }

    /// Whether what is to be appended belongs into a new segment (`LogSegment.shouldRoll`).
    fn must_roll(&self, load: &Load, cx: &Context<'_, Note>) -> bool {
        let (settings, added) = (&self.settings, &load.added);
        let active = self.segments.back().expect("a log always has a segment");
        if active.size == 0 {
            return false;
        }
        let waited = match active.first_timestamp {
            Some(first) if first >= 0 => added.largest.0.saturating_sub(first),
            _ => cx.wall().as_millis().saturating_sub(active.created),
        };
        let full = |entries: usize, most: u64| entries as u64 >= most;
        let offsets_max = Index::<Position>::entries_max(settings.index_bytes_max);
        let times_max = Index::<Moment>::entries_max(settings.index_bytes_max).saturating_sub(1);
        active.size + added.bytes > settings.segment_bytes
            || waited > settings.segment_ms.saturating_sub(active.jitter)
            || full(active.offsets.entries().len(), offsets_max)
            || full(active.times.entries().len(), times_max)
            || added.last.0 - active.base.0 > i64::from(i32::MAX)
    }

    pub(super) fn save_epochs(&mut self, cx: &mut Context<'_, Note>) {
        let saved = self.epochs.save(cx);
        self.news.asked.extend(self.epochs.ticket());
        self.not_waited_for(saved);
    }

    /// An answer of the disk that the caller waits for. If it is a failure the owner of the directory is told, too.
    pub(super) fn heard<T>(&mut self, answer: Result<T, DiskError>) -> Result<T, DiskError> {
        if let Err(error) = &answer
            && !matches!(error, DiskError::WouldBlock(_))
        {
            self.news.failed = Some(*error);
        }
        answer
    }

    /// The answer to something that will be tried again if the disk was busy.
    pub(super) fn not_waited_for(&mut self, answer: Result<(), DiskError>) {
        let _ = self.heard(answer);
    }
}
