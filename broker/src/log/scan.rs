//! Reading a segment from some byte to its end, slice by slice: batches are checked, and what the indexes and the epoch
//! cache would have is gathered on the way (`LogSegment.recover`).

use machine::{Context, DiskError};

use super::index::{Moment, Position};
use super::segment::{NO_TIMESTAMP, Segment};
use crate::id::{LeaderEpoch, Offset};
use crate::note::Note;
use crate::wire::batch::{self, HEADER, Header};

/// How much is read in one slice.
const SLICE: usize = 1024 * 1024;

/// How far the batches of a segment are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rigour {
    /// Their headers: the segment is trusted, only its end is looked for.
    Headers,
    /// Also their checksums.
    Checksums,
    /// Headers where checksums should be (a planted defect).
    NoChecksums,
}

/// One segment being read.
#[derive(Debug)]
pub(super) struct Scan {
    rigour: Rigour,
    base: Offset,
    path: String,
    size: u64,
    interval_bytes: u32,
    /// Valid up to this byte.
    pub place: u64,
    /// The offset after the last valid batch.
    pub next: Offset,
    pub positions: Vec<Position>,
    pub moments: Vec<Moment>,
    pub largest: (i64, Offset),
    pub first_timestamp: Option<i64>,
    /// New epochs in the order in which they come.
    pub epochs: Vec<(LeaderEpoch, Offset)>,
    /// The last batches and where they are.
    pub last: Vec<(Offset, u64)>,
    last_entry: u64,
    length: usize,
}

impl Scan {
    /// Of a segment, from byte `place` on, before which everything lies below `next`.
    pub fn new(
        segment: &Segment,
        rigour: Rigour,
        interval_bytes: u32,
        place: u64,
        next: Offset,
    ) -> Self {
        Self {
            rigour,
            base: segment.base,
            path: segment.path.clone(),
            size: segment.size,
            interval_bytes,
            place,
            next,
            positions: Vec::new(),
            moments: Vec::new(),
            largest: segment.largest,
            first_timestamp: None,
            epochs: Vec::new(),
            last: Vec::new(),
            last_entry: 0,
            length: SLICE,
        }
    }

    /// Whether it ended before the file does: what follows is no batch.
    pub fn found_damage(&self) -> bool {
        self.place < self.size
    }

    /// Reads one slice. Says whether it has come to an end: of the file, or of what is valid.
    ///
    /// # Errors
    /// The disk's; do it again when it was busy.
    pub fn slice(&mut self, cx: &mut Context<'_, Note>) -> Result<bool, DiskError> {
        if self.place >= self.size {
            return Ok(true);
        }
        let length = self.length.min(usize::try_from(self.size - self.place).unwrap_or(usize::MAX));
        let bytes = match cx.disk().read(&self.path, self.place, length) {
            Err(DiskError::Corrupt) => return Ok(true),
            answer => answer?,
        };
        let (mut at, ends) = (0, self.place + length as u64 >= self.size);
        self.length = SLICE;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.len() < HEADER && !ends {
                break;
            }
            let Some(header) = Header::read(rest).ok().filter(|header| self.can_follow(header))
            else {
                self.place += at as u64;
                return Ok(true);
            };
            if header.size > rest.len() {
                let missing = header.size as u64 > self.size - self.place - at as u64;
                self.length = header.size.max(SLICE);
                self.place += at as u64;
                return Ok(missing);
            }
            let whole = self.rigour != Rigour::Checksums || batch::is_whole(&rest[..header.size]);
            if !whole {
                self.place += at as u64;
                return Ok(true);
            }
            self.take(&header, self.place + at as u64);
            at += header.size;
        }
        self.place += at as u64;
        Ok(ends)
    }

    /// Whether the offsets of a batch go on from what was there.
    fn can_follow(&self, header: &Header) -> bool {
        let span = header.next().0.checked_sub(self.base.0);
        header.last_delta >= 0
            && header.base >= self.next
            && span.is_some_and(|span| span <= i64::from(i32::MAX) + 1)
    }

    fn take(&mut self, header: &Header, at: u64) {
        self.first_timestamp.get_or_insert(header.max_timestamp);
        if header.max_timestamp > self.largest.0 {
            self.largest = (header.max_timestamp, header.last());
        }
        if at - self.last_entry > u64::from(self.interval_bytes) && self.rigour != Rigour::Headers {
            let offset = (header.last().0 - self.base.0) as u32;
            self.positions.push(Position { offset, at: at as u32 });
            self.note_largest_timestamp();
            self.last_entry = at;
        }
        if header.epoch.0 >= 0 && self.epochs.last().is_none_or(|last| last.0 < header.epoch) {
            self.epochs.push((header.epoch, header.base));
        }
        self.last.push((header.base, at));
        if self.last.len() >= 256 {
            self.last.drain(..128);
        }
        self.next = header.next();
    }

    /// As a segment that is closed in order gets it.
    pub fn note_largest_timestamp(&mut self) {
        let (timestamp, offset) = self.largest;
        if timestamp > self.moments.last().map_or(NO_TIMESTAMP, |last| last.timestamp) {
            let offset = (offset.0 - self.base.0) as u32;
            self.moments.push(Moment { timestamp, offset });
        }
    }
}
