//! What a log gives to those who read it.

use bytes::Bytes;
use machine::Context;

use super::batches;
use super::{Log, LogError, Read};
use crate::id::Offset;
use crate::note::Note;
use crate::wire::batch::{self, Header};

impl Log {
    /// Whole batches from the one that contains `from`, up to but not including `end`, at most `bytes_max` bytes but at
    /// least one batch. Batches are taken whole: one that crosses `end` is left out. Checksums are not looked at. As in
    /// Kafka a read ends with its segment at the latest.
    ///
    /// # Errors
    /// `OutOfRange` outside of `start()..=end()`; `Corrupt` where the bytes are no batches ([`Note::CorruptRecords`] is
    /// said); the disk's errors.
    pub fn read(
        &self,
        from: Offset,
        end: Offset,
        bytes_max: usize,
        cx: &mut Context<'_, Note>,
    ) -> Result<Read, LogError> {
        if from < self.start || from > self.end {
            return Err(LogError::OutOfRange);
        }
        let end = end.min(self.end);
        if from >= end {
            return Ok(Read::default());
        }
        for segment in self.segments.range(self.segment_of(from)..) {
            let records = segment.read(from, end, bytes_max, cx);
            if records == Err(LogError::Corrupt) {
                cx.note(Note::CorruptRecords { partition: self.partition.clone(), at: from });
            }
            let records = records?;
            // A segment may end before the next begins (retention never does that, other people's disks do).
            if !records.is_empty() || segment.base >= end {
                return Ok(Read { records });
            }
        }
        Ok(Read::default())
    }

    /// The first record that is not older than this timestamp (ms), with its own (ListOffsets by time). Compressed
    /// batches are not looked into: their largest timestamp counts, and their first offset is given.
    ///
    /// # Errors
    /// The disk's; `Corrupt`.
    pub fn offset_at(
        &self,
        timestamp: i64,
        cx: &mut Context<'_, Note>,
    ) -> Result<Option<(i64, Offset)>, LogError> {
        let late = |segment: &&super::segment::Segment| segment.newest() >= timestamp;
        let Some(segment) = self.segments.iter().find(late) else { return Ok(None) };
        let entries = segment.times.entries();
        let before = entries.partition_point(|entry| entry.timestamp < timestamp);
        let known = before.checked_sub(1).map_or(0, |at| i64::from(entries[at].offset));
        let from = self.start.max(Offset(segment.base.0 + known));
        let mut found = None;
        segment.look(segment.floor(from), cx, |at, batch, bytes| {
            let late = Header::read(bytes).is_ok_and(|it| it.max_timestamp >= timestamp);
            if late && batch.next > self.start {
                found = Some((at, batch));
            }
            found.is_some()
        })?;
        let Some((at, batch)) = found else { return Ok(None) };
        let bytes = cx.disk().read(&segment.path, at, batch.size).map_err(LogError::Disk)?;
        let header = Header::read(&bytes).map_err(|_| LogError::Corrupt)?;
        Ok(batches::first_since(&bytes, header, timestamp, self.start))
    }

    /// The headers of batches in a read, without their records.
    pub fn headers(records: &Bytes) -> Vec<Header> {
        let split = batch::split(records).unwrap_or_default();
        split.into_iter().map(|(header, _)| header).collect()
    }
}
