//! One segment of a log: its file of batches, its two indexes, and where in the file an offset lies (`LogSegment`).
//!
//! A segment does not know what the log around it is for, and never decides to be rolled or removed.

use std::collections::VecDeque;

use bytes::Bytes;
use machine::{Context, DiskError};

use super::LogError;
use super::batches::{Glance, Sight, glance};
use super::index::{Index, Moment, Position};
use super::names;
use crate::id::Offset;
use crate::note::Note;
use crate::wire::batch::HEADER;

/// How many of the last batches of a segment are remembered with their positions: whoever follows closely is served
/// from them.
const RECENT: usize = 64;
/// How much is read at once while looking for a place.
const LOOK: usize = 64 * 1024;
/// At least this much is read at once: an index entry may be this far away from what is wanted.
const READ_MIN: usize = 4 * 1024;
/// No timestamp is known.
pub(super) const NO_TIMESTAMP: i64 = -1;

/// A file of batches with its indexes.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// The offset it is named after.
    pub base: Offset,
    /// The path of the file of batches.
    pub path: String,
    /// Its bytes.
    pub size: u64,
    pub offsets: Index<Position>,
    pub times: Index<Moment>,
    /// The largest timestamp, ms, and its offset as the index will have it.
    pub largest: (i64, Offset),
    /// The largest timestamp of the first batch, from which the age of the segment counts.
    pub first_timestamp: Option<i64>,
    /// When it was made or opened, wall time in ms.
    pub created: i64,
    /// How much less than `segment.ms` it may last, ms.
    pub jitter: i64,
    since_entry: u64,
    recent: VecDeque<(Offset, u32)>,
}

/// What an append adds, whose bytes are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Added {
    pub bytes: u64,
    pub last: Offset,
    /// The largest timestamp and its offset.
    pub largest: (i64, Offset),
}

impl Segment {
    /// An empty segment whose files are to be made with [`Self::create`].
    pub fn new(directory: &str, base: Offset, created: i64, jitter: i64) -> Self {
        let path = |ending| names::of_segment(directory, base, ending);
        Self {
            base,
            path: path("log"),
            size: 0,
            offsets: Index::new(path("index")),
            times: Index::new(path("timeindex")),
            largest: (NO_TIMESTAMP, base),
            first_timestamp: None,
            created,
            jitter,
            since_entry: 0,
            recent: VecDeque::new(),
        }
    }

    /// Makes its three files, empty, whatever had their names. Can be done again.
    ///
    /// # Errors
    /// The disk's.
    pub fn create(&self, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        for path in [&self.path, self.offsets.path(), self.times.path()] {
            make_empty(path, cx)?;
        }
        Ok(())
    }

    /// The offset as indexes have it. It fits: offsets that would not are never appended.
    pub fn relative(&self, offset: Offset) -> u32 {
        u32::try_from(offset.0.saturating_sub(self.base.0).max(0)).unwrap_or(u32::MAX)
    }

    /// Bytes were appended to its file: counts them, and makes index entries where the interval says so. The first
    /// append never gets one.
    pub fn added(&mut self, added: Added, interval_bytes: u32) {
        let at = self.size;
        if at == 0 {
            self.first_timestamp = Some(added.largest.0);
        }
        if added.largest.0 > self.largest.0 {
            self.largest = added.largest;
        }
        if self.since_entry > u64::from(interval_bytes) {
            let offset = self.relative(added.last);
            self.offsets.push(Position { offset, at: at as u32 });
            self.note_largest_timestamp();
            self.since_entry = 0;
        }
        self.since_entry += added.bytes;
        self.size += added.bytes;
    }

    /// A batch begins at this byte.
    pub fn remember(&mut self, base: Offset, at: u64) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((base, at as u32));
    }

    /// Gives the time index the largest timestamp, if that is larger than what it has (`TimeIndex.maybeAppend`).
    pub fn note_largest_timestamp(&mut self) {
        let last = self.times.entries().last().map_or(NO_TIMESTAMP, |last| last.timestamp);
        let (timestamp, offset) = self.largest;
        if timestamp > last {
            let offset = self.relative(offset);
            self.times.push(Moment { timestamp, offset });
        }
    }

    /// Nothing more will be appended to it for now: the last entry of the time index, and files as the memory.
    ///
    /// # Errors
    /// The disk's; do it again.
    pub fn seal(&mut self, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        self.note_largest_timestamp();
        self.settle_indexes(cx)
    }

    /// Makes the index files as the memory.
    ///
    /// # Errors
    /// The disk's; do it again later.
    pub fn settle_indexes(&mut self, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        self.offsets.settle(cx)?;
        self.times.settle(cx)
    }

    /// Whether the indexes' files are as the memory.
    pub fn is_settled(&self) -> bool {
        self.offsets.is_settled() && self.times.is_settled()
    }

    /// A byte at which a batch begins that is not behind the one with this offset.
    pub fn floor(&self, offset: Offset) -> u64 {
        if let Some((first, _)) = self.recent.front()
            && *first <= offset
        {
            let at = self.recent.partition_point(|(base, _)| *base <= offset);
            return u64::from(self.recent[at - 1].1);
        }
        let relative = self.relative(offset);
        let entries = self.offsets.entries();
        let at = entries.partition_point(|entry| entry.offset <= relative);
        at.checked_sub(1).map_or(0, |at| u64::from(entries[at].at))
    }

    /// A byte before which everything below this offset lies.
    fn ceiling(&self, offset: Offset) -> u64 {
        if self.recent.front().is_some_and(|(first, _)| *first <= offset) {
            let at = self.recent.partition_point(|(base, _)| *base < offset);
            return self.recent.get(at).map_or(self.size, |(_, at)| u64::from(*at));
        }
        // An entry is of the last offset of an append, which may have begun below.
        let relative = self.relative(offset);
        let entries = self.offsets.entries();
        let at = entries.partition_point(|entry| entry.offset < relative) + 1;
        entries.get(at).map_or(self.size, |entry| u64::from(entry.at))
    }

    /// Looks at the batches from this byte on, until `see` has seen enough.
    ///
    /// # Errors
    /// The disk's; `Corrupt` where no batch is.
    pub fn look(
        &self,
        from: u64,
        cx: &mut Context<'_, Note>,
        mut see: impl FnMut(u64, Glance, &[u8]) -> bool,
    ) -> Result<(), LogError> {
        let mut place = from;
        while place < self.size {
            let length = LOOK.min((self.size - place) as usize);
            let bytes = cx.disk().read(&self.path, place, length).map_err(LogError::Disk)?;
            let mut at = 0;
            while let Some(rest) = bytes.get(at..)
                && (rest.len() >= HEADER || place + bytes.len() as u64 >= self.size)
                && !rest.is_empty()
            {
                match glance(rest) {
                    Sight::Batch(batch) if batch.size as u64 <= self.size - place - at as u64 => {
                        if see(place + at as u64, batch, rest) {
                            return Ok(());
                        }
                        at += batch.size;
                    }
                    _ => return Err(LogError::Corrupt),
                }
            }
            if at == 0 {
                return Err(LogError::Corrupt);
            }
            place += at as u64;
        }
        Ok(())
    }

    /// The first batch that ends after this offset, and where it begins.
    ///
    /// # Errors
    /// As [`Self::look`].
    pub fn find(
        &self,
        offset: Offset,
        cx: &mut Context<'_, Note>,
    ) -> Result<Option<(u64, Glance)>, LogError> {
        let mut found = None;
        self.look(self.floor(offset), cx, |at, batch, _| {
            found = (batch.next > offset).then_some((at, batch));
            found.is_some()
        })?;
        Ok(found)
    }

    /// Whole batches from the one that contains `from` (or comes after it), none that goes beyond `end`, at most
    /// `bytes_max` bytes but at least one batch. Nothing if there are none in this segment.
    ///
    /// # Errors
    /// As [`Self::look`].
    pub fn read(
        &self,
        from: Offset,
        end: Offset,
        bytes_max: usize,
        cx: &mut Context<'_, Note>,
    ) -> Result<Bytes, LogError> {
        let mut place = self.floor(from);
        let mut length =
            bytes_max.min(self.ceiling(end).saturating_sub(place) as usize).max(READ_MIN);
        loop {
            if place >= self.size {
                return Ok(Bytes::new());
            }
            length = length.min((self.size - place) as usize);
            let bytes = cx.disk().read(&self.path, place, length).map_err(LogError::Disk)?;
            match whole_batches(&bytes, from, end, bytes_max) {
                Found::Batches(range) => return Ok(bytes.slice(range)),
                Found::Needs { from, .. } if place + from as u64 == self.size => {
                    return Ok(Bytes::new());
                }
                Found::Needs { from, bytes } if place + (from + bytes) as u64 <= self.size => {
                    place += from as u64;
                    length = bytes.max(length);
                }
                _ => return Err(LogError::Corrupt),
            }
        }
    }

    /// The largest timestamp of what lies before this byte, with its offset: what the indexes say up to `offset`, and
    /// what comes after that.
    ///
    /// # Errors
    /// As [`Self::look`].
    pub fn largest_before(
        &self,
        offset: Offset,
        at: u64,
        cx: &mut Context<'_, Note>,
    ) -> Result<(i64, Offset), LogError> {
        let relative = self.relative(offset);
        let entries = self.times.entries();
        let kept = entries.partition_point(|entry| entry.offset < relative);
        let known = kept.checked_sub(1).map(|last| entries[last]);
        let mut largest = known.map_or((NO_TIMESTAMP, self.base), |entry| {
            (entry.timestamp, Offset(self.base.0 + i64::from(entry.offset)))
        });
        self.look(self.floor(largest.1), cx, |place, batch, bytes| {
            if place >= at {
                return true;
            }
            let timestamp = max_timestamp(bytes);
            if timestamp > largest.0 {
                largest = (timestamp, Offset(batch.next.0 - 1));
            }
            false
        })?;
        Ok(largest)
    }

    /// Its file was cut to `size` bytes, so that it ends before `end`.
    pub fn was_cut(&mut self, end: Offset, size: u64, largest: (i64, Offset), now: i64) {
        let relative = self.relative(end);
        self.offsets.truncate_to(relative);
        self.times.truncate_to(relative);
        while self.recent.back().is_some_and(|(_, at)| u64::from(*at) >= size) {
            self.recent.pop_back();
        }
        self.size = size;
        self.since_entry = 0;
        self.largest = largest;
        if size == 0 {
            self.first_timestamp = None;
            self.created = now;
        }
    }

    /// Since when it has been as old as it is: its largest timestamp, or when it was made; wall time in ms.
    pub fn newest(&self) -> i64 {
        if self.largest.0 >= 0 { self.largest.0 } else { self.created }
    }
}

/// `maxTimestamp` in the header of a batch of which at least [`HEADER`] bytes are there.
fn max_timestamp(batch: &[u8]) -> i64 {
    let field = batch.get(35..43).and_then(|field| field.try_into().ok());
    field.map_or(NO_TIMESTAMP, i64::from_be_bytes)
}

/// Where in some bytes the wanted batches are.
enum Found {
    Batches(std::ops::Range<usize>),
    /// The first wanted batch begins here or later; this many bytes from there will tell.
    Needs {
        from: usize,
        bytes: usize,
    },
    Nonsense,
}

/// Looks for whole batches from the one that ends after `from`.
fn whole_batches(bytes: &Bytes, from: Offset, end: Offset, bytes_max: usize) -> Found {
    let mut start = 0;
    let first = loop {
        match glance(bytes.get(start..).unwrap_or_default()) {
            Sight::Short => return Found::Needs { from: start, bytes: HEADER },
            Sight::Nonsense => return Found::Nonsense,
            Sight::Batch(batch) if batch.next <= from => start += batch.size,
            Sight::Batch(batch) => break batch,
        }
    };
    if first.next > end {
        return Found::Batches(0..0);
    }
    if start + first.size > bytes.len() {
        return Found::Needs { from: start, bytes: first.size };
    }
    let mut stop = start + first.size;
    while let Sight::Batch(batch) = glance(&bytes[stop..]) {
        let fits = stop + batch.size <= bytes.len() && stop + batch.size - start <= bytes_max;
        if !fits || batch.next > end {
            break;
        }
        stop += batch.size;
    }
    Found::Batches(start..stop)
}

/// Makes a file that is there and empty. Can be done again.
///
/// # Errors
/// The disk's.
pub(super) fn make_empty(path: &str, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
    match cx.disk().truncate(path, 0) {
        Ok(()) => Ok(()),
        Err(DiskError::NotFound) => cx.disk().append(path, &[]),
        Err(error) => Err(error),
    }
}
