//! A segment's indexes: offsets to positions, timestamps to offsets; in memory, and in a file that follows.
//!
//! Kafka maps index files into memory and preallocates those of the active segment, sparse, to `segment.index.bytes`.
//! Here a file holds its entries and nothing else: the size of the preallocation exists only in words
//! ([`Index::size_shown`]), nobody can tell the difference from entries that read as zero. A file may lag behind the
//! memory while the disk is stalled; it is settled with the next entry, before its segment is rolled, and at a clean
//! shutdown. After anything else it is rebuilt.

use machine::{Context, DiskError};

use crate::note::Note;

/// What an index is made of. Offsets are relative to the base offset of the segment.
pub(super) trait Entry: Copy {
    /// Bytes in the file.
    const SIZE: usize;
    fn write(self, to: &mut Vec<u8>);
    /// From exactly `SIZE` bytes.
    fn read(from: &[u8]) -> Self;
    fn offset(self) -> u32;
}

/// An append ends with this offset and begins at this byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub offset: u32,
    pub at: u32,
}

/// No record up to this offset has a larger timestamp (ms).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub timestamp: i64,
    pub offset: u32,
}

impl Entry for Position {
    const SIZE: usize = 8;
    fn write(self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.offset.to_be_bytes());
        to.extend_from_slice(&self.at.to_be_bytes());
    }
    fn read(from: &[u8]) -> Self {
        Self { offset: number(&from[..4]), at: number(&from[4..]) }
    }
    fn offset(self) -> u32 {
        self.offset
    }
}

impl Entry for Moment {
    const SIZE: usize = 12;
    fn write(self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.timestamp.to_be_bytes());
        to.extend_from_slice(&self.offset.to_be_bytes());
    }
    fn read(from: &[u8]) -> Self {
        let timestamp = i64::from(number(&from[..4])) << 32 | i64::from(number(&from[4..8]));
        Self { timestamp, offset: number(&from[8..]) }
    }
    fn offset(self) -> u32 {
        self.offset
    }
}

fn number(four: &[u8]) -> u32 {
    u32::from_be_bytes(four.try_into().expect("entries are cut in fours"))
}

/// One index of one segment.
#[derive(Clone, Debug)]
pub(super) struct Index<E> {
    path: String,
    entries: Vec<E>,
    /// How many entries the file has.
    filed: usize,
    /// How many of its first entries are those in memory.
    common: usize,
}

impl<E: Entry> Index<E> {
    /// An index without entries whose file is there and empty.
    pub fn new(path: String) -> Self {
        Self { path, entries: Vec::new(), filed: 0, common: 0 }
    }

    /// The entries of a file; `None` if it is not whole entries with rising offsets.
    pub fn load(path: String, bytes: &[u8]) -> Option<Self> {
        let entries: Vec<E> = bytes.chunks_exact(E::SIZE).map(E::read).collect();
        let rises = entries.windows(2).all(|pair| pair[0].offset() <= pair[1].offset());
        let count = entries.len();
        let whole = rises && count * E::SIZE == bytes.len();
        whole.then_some(Self { path, entries, filed: count, common: count })
    }

    /// These entries instead of whatever the file has (`filed` bytes).
    pub fn rebuilt(path: String, entries: Vec<E>, filed: u64) -> Self {
        Self { path, entries, filed: filed.div_ceil(E::SIZE as u64) as usize, common: 0 }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn entries(&self) -> &[E] {
        &self.entries
    }

    pub fn push(&mut self, entry: E) {
        self.entries.push(entry);
    }

    /// Forgets entries of this relative offset and above.
    pub fn truncate_to(&mut self, offset: u32) {
        let keep = self.entries.partition_point(|entry| entry.offset() < offset);
        self.entries.truncate(keep);
        self.common = self.common.min(keep);
    }

    /// Whether the file is as the memory.
    pub fn is_settled(&self) -> bool {
        self.common == self.filed && self.common == self.entries.len()
    }

    /// Makes the file as the memory.
    ///
    /// # Errors
    /// The disk's; do it again later.
    pub fn settle(&mut self, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        if self.filed > self.common {
            cx.disk().truncate(&self.path, (self.common * E::SIZE) as u64)?;
            self.filed = self.common;
        }
        let owed = &self.entries[self.common..];
        if !owed.is_empty() {
            let mut bytes = Vec::with_capacity(owed.len() * E::SIZE);
            owed.iter().for_each(|entry| entry.write(&mut bytes));
            cx.disk().append(&self.path, &bytes)?;
            self.filed = self.entries.len();
            self.common = self.filed;
        }
        Ok(())
    }

    /// The size that `ls` shows in Kafka: of an active segment the preallocation, rounded down to whole entries.
    pub fn size_shown(&self, active: bool, bytes_max: u32) -> u64 {
        if active { Self::entries_max(bytes_max) * E::SIZE as u64 } else { self.bytes() }
    }

    /// The bytes of its entries.
    pub fn bytes(&self) -> u64 {
        (self.entries.len() * E::SIZE) as u64
    }

    /// How many entries fit.
    pub fn entries_max(bytes_max: u32) -> u64 {
        u64::from(bytes_max) / E::SIZE as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_bytes() {
        let mut bytes = Vec::new();
        Position { offset: 31, at: 16205 }.write(&mut bytes);
        Position { offset: 47, at: 32410 }.write(&mut bytes);
        assert_eq!(bytes, [0, 0, 0, 0x1f, 0, 0, 0x3f, 0x4d, 0, 0, 0, 0x2f, 0, 0, 0x7e, 0x9a]);
        let index = Index::<Position>::load("i".into(), &bytes).expect("two entries");
        assert_eq!(index.entries()[1], Position { offset: 47, at: 32410 });
        assert!(Index::<Position>::load("i".into(), &bytes[..12]).is_none());
        bytes.clear();
        Moment { timestamp: 1_795_212_571_631, offset: 19 }.write(&mut bytes);
        assert_eq!(bytes, [0, 0, 1, 0xa1, 0xfb, 1, 0xf3, 0xef, 0, 0, 0, 0x13]);
        assert_eq!(Moment::read(&bytes), Moment { timestamp: 1_795_212_571_631, offset: 19 });
        let preallocated = 10 * 1024 * 1024;
        let (index, times) = (Index::<Position>::new("i".into()), Index::<Moment>::new("t".into()));
        assert_eq!(index.size_shown(true, preallocated), 10_485_760);
        assert_eq!(times.size_shown(true, preallocated), 10_485_756);
        assert_eq!(times.size_shown(false, preallocated), 0);
    }
}
