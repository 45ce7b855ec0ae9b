//! Record batches of format 2: their header, their checksum, and batches made by producers.

use bytes::{Bytes, BytesMut};

use super::Malformed;
use crate::id::{LeaderEpoch, Offset};

/// Bytes of a batch before its records.
pub const HEADER: usize = 61;

/// The fixed part of a record batch (RecordBatch v2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The offset of its first record.
    pub base: Offset,
    /// The length of the whole batch in bytes, the first 12 included.
    pub size: usize,
    /// The leader epoch it was appended in.
    pub epoch: LeaderEpoch,
    /// The format: 2.
    pub magic: i8,
    /// CRC-32C of everything from `attributes` on.
    pub crc: u32,
    /// Compression (bits 0–2), timestamp type (3), transactional (4), control (5).
    pub attributes: i16,
    /// `last - base`.
    pub last_delta: i32,
    /// Of the first record, ms.
    pub first_timestamp: i64,
    /// The largest, ms.
    pub max_timestamp: i64,
    /// -1 without idempotence.
    pub producer_id: i64,
    /// -1 without idempotence.
    pub producer_epoch: i16,
    /// -1 without idempotence.
    pub base_sequence: i32,
    /// How many records.
    pub count: i32,
}

impl Header {
    /// The header of the batch that begins here; the batch itself need not be whole.
    ///
    /// # Errors
    /// Fewer than [`HEADER`] bytes, a size below that, or another format than 2.
    pub fn read(_bytes: &[u8]) -> Result<Self, Malformed> {
        unimplemented!()
    }

    /// The offset of its last record.
    pub fn last(&self) -> Offset {
        Offset(self.base.0 + i64::from(self.last_delta))
    }

    /// The offset after its last record.
    pub fn next(&self) -> Offset {
        Offset(self.last().0 + 1)
    }
}

/// Whether a whole batch has the checksum it says.
pub fn is_whole(_batch: &[u8]) -> bool {
    unimplemented!()
}

/// Writes the offset and the leader epoch into a batch; neither is covered by the checksum.
pub fn stamp(_batch: &mut BytesMut, _base: Offset, _epoch: LeaderEpoch) {
    unimplemented!()
}

/// Splits bytes into whole batches with their headers; the last one may be cut off and is then left out.
///
/// # Errors
/// Bytes that cannot be a batch.
pub fn split(_bytes: &Bytes) -> Result<Vec<(Header, Bytes)>, Malformed> {
    unimplemented!()
}

/// One record of a batch, without its offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// ms since 1970
    pub timestamp: i64,
    /// May be null.
    pub key: Option<Bytes>,
    /// May be null.
    pub value: Option<Bytes>,
}

/// A batch of uncompressed records with base offset 0, as a producer sends it.
pub fn build(_records: &[Record]) -> Bytes {
    unimplemented!()
}

/// The records of a whole, uncompressed batch, with their offsets.
///
/// # Errors
/// Compressed batches and bytes that are no records.
pub fn records(_batch: &Bytes) -> Result<Vec<(Offset, Record)>, Malformed> {
    unimplemented!()
}
