//! Records on the simulated disk: segments with their indexes, checkpoints, leader epochs, recovery.
//!
//! [`Logs`] is a broker's log directory, [`Log`] one replica. Nothing here knows who leads. The produce path does not sync:
//! an append is in the page cache when the call returns.

use std::collections::BTreeMap;

use bytes::Bytes;
use machine::{Context, DiskError, Input, Instant};

use crate::config::{Config, TopicConfig};
use crate::id::{LeaderEpoch, Offset, TopicPartition};
use crate::note::Note;
use crate::wire::batch::Header;

/// The log directory of a broker: all its replicas, the checkpoint files, the schedules.
pub struct Logs {}

/// What the owner of the logs is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// All logs were read ([`Note::LogsOpened`] was said), from now on they can be used.
    Opened,
    /// Everything is flushed and the clean-shutdown marker is there.
    Closed,
    /// A disk call failed: the directory is offline.
    Failed(DiskError),
}

/// One replica's log.
pub struct Log {}

/// Why nothing was appended or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogError {
    /// The disk said no; `WouldBlock`: nothing happened, do the same call again on [`Input::Ready`].
    Disk(DiskError),
    /// The bytes are no valid batches, or a checksum is wrong.
    Corrupt,
    /// A batch is larger than `max.message.bytes`.
    TooLarge,
    /// A read or an append outside of the log.
    OutOfRange,
}

/// What an append did, per batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of the first record.
    pub base: Offset,
    /// The offset of the last record.
    pub last: Offset,
}

/// What a read found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Whole batches, exactly as they lie on the disk; the first one contains the offset asked for.
    pub records: Bytes,
}

impl Logs {
    /// The directory `config.log_dir`; nothing is read before [`Self::open`].
    pub fn new(_config: &Config) -> Self {
        unimplemented!()
    }

    /// Begins to read what is there, in slices: [`LogEvent::Opened`] or [`LogEvent::Failed`] follows.
    /// `topics` are the settings of topics that differ from the defaults.
    pub fn open(&mut self, _topics: &BTreeMap<String, TopicConfig>, _cx: &mut Context<'_, Note>) {
        unimplemented!()
    }

    /// Takes any input; runs schedules (checkpoints, retention, deletions) and slices.
    pub fn handle(
        &mut self,
        _input: &Input,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<LogEvent>,
    ) {
        unimplemented!()
    }

    /// When it wants any input.
    pub fn wake_at(&self) -> Option<Instant> {
        unimplemented!()
    }

    /// `broker.id` and `cluster.id` in `meta.properties`, as far as they are there. Known after [`LogEvent::Opened`].
    pub fn meta(&self) -> &BTreeMap<String, String> {
        unimplemented!()
    }

    /// Replaces `meta.properties` (not waited for).
    pub fn write_meta(
        &mut self,
        _properties: &BTreeMap<String, String>,
        _cx: &mut Context<'_, Note>,
    ) {
        unimplemented!()
    }

    /// A replica's log.
    pub fn get(&self, _partition: &TopicPartition) -> Option<&Log> {
        unimplemented!()
    }

    /// A replica's log.
    pub fn get_mut(&mut self, _partition: &TopicPartition) -> Option<&mut Log> {
        unimplemented!()
    }

    /// All replicas there are.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        std::iter::empty()
    }

    /// Makes an empty log if there is none.
    pub fn create(
        &mut self,
        _partition: &TopicPartition,
        _config: &TopicConfig,
        _cx: &mut Context<'_, Note>,
    ) -> Result<&mut Log, DiskError> {
        unimplemented!()
    }

    /// Renames the replica's directory to `T-P.<32 hex digits>-delete`; its files go after `file.delete.delay.ms`.
    pub fn delete(
        &mut self,
        _partition: &TopicPartition,
        _cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        unimplemented!()
    }

    /// A topic has other settings.
    pub fn configure(&mut self, _topic: &str, _config: &TopicConfig) {
        unimplemented!()
    }

    /// The high watermark of a replica, for its checkpoint (every 5 s) and for retention. Cheap: called on every change.
    pub fn set_high_watermark(&mut self, _partition: &TopicPartition, _to: Offset) {
        unimplemented!()
    }

    /// Clean shutdown: flushes everything, writes checkpoints and the marker: [`LogEvent::Closed`] follows.
    pub fn close(&mut self, _cx: &mut Context<'_, Note>) {
        unimplemented!()
    }
}

impl Log {
    /// The first offset.
    pub fn start(&self) -> Offset {
        unimplemented!()
    }

    /// The log end offset: the next one to be written.
    pub fn end(&self) -> Offset {
        unimplemented!()
    }

    /// The high watermark as checkpointed when the log was opened, clamped into the log; 0 for a new one.
    pub fn checkpointed_high_watermark(&self) -> Offset {
        unimplemented!()
    }

    /// Appends a producer's batches as leader: they get the next offsets and this epoch. One [`Note::Appended`] a batch.
    /// Old formats are refused as corrupt.
    ///
    /// # Errors
    /// [`LogError`]; nothing was appended then.
    pub fn append_as_leader(
        &mut self,
        _records: &Bytes,
        _epoch: LeaderEpoch,
        _cx: &mut Context<'_, Note>,
    ) -> Result<Appended, LogError> {
        unimplemented!()
    }

    /// Appends what a leader sent, offsets and epochs as they are; the first must be the log end offset.
    ///
    /// # Errors
    /// [`LogError`]; `OutOfRange` if the offsets do not fit.
    pub fn append_as_follower(
        &mut self,
        _records: &Bytes,
        _cx: &mut Context<'_, Note>,
    ) -> Result<Option<Appended>, LogError> {
        unimplemented!()
    }

    /// Whole batches from the one that contains `from`, up to but not including `end`, at most `bytes_max` bytes but at
    /// least one batch. Batches are taken whole: one that crosses `end` is left out. Checksums are not looked at.
    ///
    /// # Errors
    /// `OutOfRange` outside of `start()..=end()`; the disk's errors.
    pub fn read(
        &self,
        _from: Offset,
        _end: Offset,
        _bytes_max: usize,
        _cx: &mut Context<'_, Note>,
    ) -> Result<Read, LogError> {
        unimplemented!()
    }

    /// Cuts off everything from `to` on, epochs included. Nothing if the log ends there already. Says [`Note::Truncated`].
    ///
    /// # Errors
    /// The disk's.
    pub fn truncate_to(
        &mut self,
        _to: Offset,
        _high_watermark: Offset,
        _cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        unimplemented!()
    }

    /// Drops everything and starts anew at this offset.
    ///
    /// # Errors
    /// The disk's.
    pub fn start_anew_at(
        &mut self,
        _at: Offset,
        _cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        unimplemented!()
    }

    /// The leader's log starts here: segments that end before it go.
    pub fn raise_start(&mut self, _to: Offset, _cx: &mut Context<'_, Note>) {
        unimplemented!()
    }

    /// A leader's epoch starts at the log end offset (`LeaderEpochFileCache.assign`).
    pub fn begin_epoch(&mut self, _epoch: LeaderEpoch, _cx: &mut Context<'_, Note>) {
        unimplemented!()
    }

    /// The latest epoch in the cache.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        unimplemented!()
    }

    /// The largest epoch not above the asked one, and where it ends (`endOffsetFor`); `(UNKNOWN, UNKNOWN)` if undefined.
    pub fn end_of_epoch(&self, _epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        unimplemented!()
    }

    /// The epoch cache.
    pub fn epochs(&self) -> &[(LeaderEpoch, Offset)] {
        unimplemented!()
    }

    /// The first offset whose batch's largest timestamp is at or after this one, with that timestamp (ListOffsets by time).
    ///
    /// # Errors
    /// The disk's.
    pub fn offset_at(
        &self,
        _timestamp: i64,
        _cx: &mut Context<'_, Note>,
    ) -> Result<Option<(i64, Offset)>, LogError> {
        unimplemented!()
    }

    /// The headers of batches in a read, without their records.
    pub fn headers(_records: &Bytes) -> Vec<Header> {
        unimplemented!()
    }
}
