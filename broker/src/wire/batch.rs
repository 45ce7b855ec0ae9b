//! Record batches of format 2: their header, their checksum, and batches made by producers.
//!
//! Brokers keep the bytes of a batch as they came and write only offset and leader epoch into them. Compressed records stay
//! compressed; formats 0 and 1 are not spoken.

use bytes::{BufMut, Bytes, BytesMut};

use super::Malformed;
use crate::id::{LeaderEpoch, Offset};

/// Bytes of a batch before its records.
pub const HEADER: usize = 61;

/// Bytes before what the length of a batch counts: its offset and its length.
const PREFIX: usize = 12;

/// Where the bytes begin that the checksum covers: at the attributes.
const CHECKED_FROM: usize = 21;

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
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let Some(head) = bytes.first_chunk::<HEADER>() else {
            return Err(Malformed::new("a batch shorter than its header"));
        };
        let size = PREFIX as i64 + i64::from(i32::from_be_bytes(at(head, 8)));
        if size < HEADER as i64 {
            return Err(Malformed::new("a batch whose length is less than its header"));
        }
        let magic = head[16] as i8;
        if magic != 2 {
            return Err(Malformed::new("a batch of another format than 2"));
        }
        Ok(Self {
            base: Offset(i64::from_be_bytes(at(head, 0))),
            size: size as usize,
            epoch: LeaderEpoch(i32::from_be_bytes(at(head, 12))),
            magic,
            crc: u32::from_be_bytes(at(head, 17)),
            attributes: i16::from_be_bytes(at(head, 21)),
            last_delta: i32::from_be_bytes(at(head, 23)),
            first_timestamp: i64::from_be_bytes(at(head, 27)),
            max_timestamp: i64::from_be_bytes(at(head, 35)),
            producer_id: i64::from_be_bytes(at(head, 43)),
            producer_epoch: i16::from_be_bytes(at(head, 51)),
            base_sequence: i32::from_be_bytes(at(head, 53)),
            count: i32::from_be_bytes(at(head, 57)),
        })
    }

    /// The offset of its last record; at the end of all offsets if the batch says nonsense.
    pub fn last(&self) -> Offset {
        Offset(self.base.0.saturating_add(i64::from(self.last_delta)))
    }

    /// The offset after its last record.
    pub fn next(&self) -> Offset {
        Offset(self.last().0.saturating_add(1))
    }

    /// Whether its records are compressed.
    pub fn is_compressed(&self) -> bool {
        self.attributes & 0x07 != 0
    }

    /// Whether it is a transaction marker, which clients must not send.
    pub fn is_control(&self) -> bool {
        self.attributes & 0x20 != 0
    }

    /// Why a leader does not take this batch from a client (`LogValidator.validateBatch`); `None` if it does.
    pub fn problem(&self) -> Option<&'static str> {
        if self.last_delta < 0 {
            Some("Batch has an invalid offset range")
        } else if self.count <= 0 {
            Some("Invalid reported count for record batch")
        } else if i64::from(self.last_delta) + 1 != i64::from(self.count) {
            Some("Inconsistent batch offset range: its records are not as many")
        } else if self.producer_id >= 0 && self.base_sequence < 0 {
            Some("Invalid sequence number in record batch with producerId")
        } else if self.is_control() {
            Some("Clients are not allowed to write control records")
        } else {
            None
        }
    }
}

/// The bytes of a number at this place.
fn at<const N: usize>(head: &[u8; HEADER], place: usize) -> [u8; N] {
    head[place..].first_chunk().copied().expect("all places are inside of the header")
}

/// Whether a whole batch has the length and the checksum it says.
pub fn is_whole(batch: &[u8]) -> bool {
    Header::read(batch).is_ok_and(|header| {
        header.size == batch.len() && header.crc == crc32c::crc32c(&batch[CHECKED_FROM..])
    })
}

/// Writes the offset and the leader epoch into a batch; neither is covered by the checksum.
pub fn stamp(batch: &mut BytesMut, base: Offset, epoch: LeaderEpoch) {
    assert!(batch.len() >= HEADER, "only whole batches are stamped");
    batch[..8].copy_from_slice(&base.0.to_be_bytes());
    batch[PREFIX..16].copy_from_slice(&epoch.0.to_be_bytes());
}

/// Splits bytes into whole batches with their headers; the last one may be cut off and is then left out. The batches share
/// the memory of the bytes. Checksums are not looked at.
///
/// # Errors
/// Bytes that cannot be a batch.
pub fn split(bytes: &Bytes) -> Result<Vec<(Header, Bytes)>, Malformed> {
    let mut batches = Vec::new();
    let mut place = 0;
    while bytes.len() - place >= HEADER {
        let header = Header::read(&bytes[place..])?;
        if header.size > bytes.len() - place {
            break;
        }
        batches.push((header, bytes.slice(place..place + header.size)));
        place += header.size;
    }
    Ok(batches)
}

/// One record of a batch, without its offset and its headers.
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
///
/// # Panics
/// Without records: there is no such batch.
pub fn build(records: &[Record]) -> Bytes {
    let first = records.first().expect("a batch has at least one record").timestamp;
    let latest = records.iter().map(|record| record.timestamp).max().unwrap_or(first);
    let content: usize = records.iter().map(|record| record_bytes(record, first, 0)).sum();
    // Offset deltas take up to four bytes more than the zero that was reckoned with.
    let mut batch = BytesMut::with_capacity(HEADER + content + 5 * records.len());
    batch.put_i64(0);
    batch.put_i32(0); // the length, below
    batch.put_i32(-1); // no leader yet
    batch.put_i8(2);
    batch.put_u32(0); // the checksum, below
    batch.put_i16(0);
    batch.put_i32(records.len() as i32 - 1);
    batch.put_i64(first);
    batch.put_i64(latest);
    batch.put_i64(-1);
    batch.put_i16(-1);
    batch.put_i32(-1);
    batch.put_i32(records.len() as i32);
    for (delta, record) in records.iter().enumerate() {
        put_record(&mut batch, record, first, delta as i64);
    }
    let length = i32::try_from(batch.len() - PREFIX).expect("a batch is far smaller than 2 GiB");
    batch[8..PREFIX].copy_from_slice(&length.to_be_bytes());
    let crc = crc32c::crc32c(&batch[CHECKED_FROM..]);
    batch[17..CHECKED_FROM].copy_from_slice(&crc.to_be_bytes());
    batch.freeze()
}

/// The length of a record without the length in front of it.
fn record_body(record: &Record, first: i64, delta: i64) -> usize {
    let field = |field: &Option<Bytes>| match field {
        Some(bytes) => varint_bytes(bytes.len() as i64) + bytes.len(),
        None => 1,
    };
    let timestamp = record.timestamp.wrapping_sub(first);
    // one byte of attributes, one for no headers
    1 + varint_bytes(timestamp)
        + varint_bytes(delta)
        + field(&record.key)
        + field(&record.value)
        + 1
}

/// The length of a record with the length in front of it.
fn record_bytes(record: &Record, first: i64, delta: i64) -> usize {
    let body = record_body(record, first, delta);
    varint_bytes(body as i64) + body
}

/// Writes one record.
fn put_record(batch: &mut BytesMut, record: &Record, first: i64, delta: i64) {
    put_varint(batch, record_body(record, first, delta) as i64);
    batch.put_i8(0);
    put_varint(batch, record.timestamp.wrapping_sub(first));
    put_varint(batch, delta);
    for field in [&record.key, &record.value] {
        match field {
            Some(bytes) => {
                put_varint(batch, bytes.len() as i64);
                batch.put_slice(bytes);
            }
            None => put_varint(batch, -1),
        }
    }
    put_varint(batch, 0);
}

/// Numbers near zero first, whatever their sign.
const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// How many bytes a number takes.
const fn varint_bytes(value: i64) -> usize {
    (70 - (zigzag(value) | 1).leading_zeros() as usize) / 7
}

/// Writes a number, seven bits at a time.
fn put_varint(batch: &mut BytesMut, value: i64) {
    let mut left = zigzag(value);
    while left >= 0x80 {
        batch.put_u8(left as u8 | 0x80);
        left >>= 7;
    }
    batch.put_u8(left as u8);
}

/// The records of a whole, uncompressed batch, with their offsets. They share the memory of the batch.
///
/// # Errors
/// Compressed batches and bytes that are no records.
pub fn records(batch: &Bytes) -> Result<Vec<(Offset, Record)>, Malformed> {
    let header = Header::read(batch)?;
    if header.size != batch.len() {
        return Err(Malformed::new("a batch that is not whole"));
    }
    if header.is_compressed() {
        return Err(Malformed::new("a compressed batch"));
    }
    let mut reader = Reader { bytes: batch, place: HEADER };
    let mut records = Vec::new();
    for _ in 0..header.count {
        records.push(reader.record(&header)?);
    }
    if reader.place != batch.len() {
        return Err(Malformed::new("bytes after the last record of a batch"));
    }
    Ok(records)
}

/// Reads the records of a batch.
struct Reader<'a> {
    bytes: &'a Bytes,
    place: usize,
}

impl Reader<'_> {
    /// One record. Its headers are stepped over.
    fn record(&mut self, header: &Header) -> Result<(Offset, Record), Malformed> {
        let outside = || Malformed::new("a record that is outside of all numbers");
        let length = self.varint()?;
        let end = self.end(length)?;
        self.take(1)?;
        let timestamp = header.first_timestamp.checked_add(self.varint()?).ok_or_else(outside)?;
        let offset = header.base.0.checked_add(self.varint()?).ok_or_else(outside)?;
        let key = self.field()?;
        let value = self.field()?;
        for _ in 0..self.varint()? {
            self.field()?;
            self.field()?;
        }
        if self.place != end {
            return Err(Malformed::new("a record of another length than it says"));
        }
        Ok((Offset(offset), Record { timestamp, key, value }))
    }

    /// A number.
    fn varint(&mut self) -> Result<i64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let Some(byte) = self.bytes.get(self.place) else {
                return Err(Malformed::new("a record that ends within a number"));
            };
            self.place += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(Malformed::new("a number without an end"))
    }

    /// Bytes or null.
    fn field(&mut self) -> Result<Option<Bytes>, Malformed> {
        match self.varint()? {
            -1 => Ok(None),
            length => self.take(length).map(Some),
        }
    }

    /// The place so many bytes further on.
    fn end(&self, length: i64) -> Result<usize, Malformed> {
        usize::try_from(length)
            .ok()
            .and_then(|length| self.place.checked_add(length))
            .filter(|end| *end <= self.bytes.len())
            .ok_or_else(|| Malformed::new("a record that is longer than its batch"))
    }

    /// So many bytes.
    fn take(&mut self, length: i64) -> Result<Bytes, Malformed> {
        let end = self.end(length)?;
        let taken = self.bytes.slice(self.place..end);
        self.place = end;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests;
