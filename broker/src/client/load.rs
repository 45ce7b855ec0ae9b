//! The batches a producer of ours hands over: equally long, each unlike all others, and cheap to make.
//!
//! One batch is made by [`crate::wire::batch`]; of every further one of its size only timestamps, values and checksum are
//! written anew. How a partition is chosen and when a batch is due is not decided here.

use bytes::{Bytes, BytesMut};

use super::accumulator::Portion;
use crate::wire::batch::{self, HEADER, Record};

/// Where numbers stand in a batch (RecordBatch v2).
const CRC: usize = 17;
const CHECKED_FROM: usize = 21;
const FIRST_TIMESTAMP: usize = 27;
const MAX_TIMESTAMP: usize = 35;

/// How many digits of a record's number stand at the front of its value.
const DIGITS: usize = 12;

/// Makes batches of `records` records each.
#[derive(Debug)]
pub struct Load {
    template: BytesMut,
    /// A value but for its number.
    value: Vec<u8>,
    /// Where the values begin.
    values: Vec<usize>,
    /// Digits of the record's number in a value: fewer where values are short.
    digits: usize,
    records: u32,
}

impl Load {
    /// Batches of `records` values of `bytes` bytes; every value begins with the number of its record, followed by `origin`,
    /// which tells the lives of all clients apart.
    pub fn new(records: u32, bytes: u32, origin: &str) -> Self {
        let (records, bytes) = (records.max(1), bytes as usize);
        let mut value = vec![b'.'; bytes];
        let digits = DIGITS.min(bytes);
        let text = origin.bytes().take(bytes.saturating_sub(DIGITS + 2));
        value[..digits].fill(b'0');
        for (place, byte) in text.enumerate() {
            value[DIGITS + 1 + place] = byte;
        }
        let record = Record { timestamp: 0, key: None, value: Some(value.clone().into()) };
        let template = batch::build(&vec![record; records as usize]);
        let values = places(records, bytes);
        Self { template: BytesMut::from(&template[..]), value, values, digits, records }
    }

    /// The batch with this number, made at `wall_ms`, and its checksum.
    pub fn batch(&mut self, number: u64, wall_ms: i64) -> (Bytes, u32) {
        let first = number.wrapping_mul(u64::from(self.records));
        for (record, place) in (0..).zip(&self.values) {
            let digits = &mut self.template[*place..*place + self.digits];
            write_number(digits, first.wrapping_add(record));
        }
        let wall = wall_ms.to_be_bytes();
        self.template[FIRST_TIMESTAMP..FIRST_TIMESTAMP + 8].copy_from_slice(&wall);
        self.template[MAX_TIMESTAMP..MAX_TIMESTAMP + 8].copy_from_slice(&wall);
        let crc = crc32c::crc32c(&self.template[CHECKED_FROM..]);
        self.template[CRC..CRC + 4].copy_from_slice(&crc.to_be_bytes());
        (Bytes::copy_from_slice(&self.template), crc)
    }

    /// A batch of several portions, and its checksum.
    pub fn batch_of(&self, portions: &[Portion]) -> (Bytes, u32) {
        let mut records = Vec::with_capacity(portions.len() * self.values.len());
        for portion in portions {
            let first = portion.number.wrapping_mul(u64::from(self.records));
            for record in 0..u64::from(self.records) {
                let mut value = self.value.clone();
                write_number(&mut value[..self.digits], first.wrapping_add(record));
                let value = Some(value.into());
                records.push(Record { timestamp: portion.wall_ms, key: None, value });
            }
        }
        let batch = batch::build(&records);
        let crc = batch::Header::read(&batch).map_or(0, |header| header.crc);
        (batch, crc)
    }

    /// Bytes of a batch of one portion.
    pub fn batch_bytes(&self) -> u64 {
        self.template.len() as u64
    }

    /// How many portions fit into a batch of that many bytes: always one.
    pub fn portions_in(&self, batch_bytes: u64) -> usize {
        // Further records have longer deltas of offset and time than the first ones.
        let portion = self.batch_bytes() - HEADER as u64 + 6 * u64::from(self.records);
        usize::try_from(batch_bytes.saturating_sub(HEADER as u64) / portion)
            .map_or(1, |fit| fit.max(1))
    }
}

/// Writes the last digits of a number.
fn write_number(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Where the values of a batch of equal records without keys begin.
fn places(records: u32, bytes: usize) -> Vec<usize> {
    let mut at = HEADER;
    let mut places = Vec::with_capacity(records as usize);
    for record in 0..records as usize {
        // Attributes, timestamp delta, offset delta, no key, the value with its length, no headers.
        let before = 1 + 1 + varint_bytes(record) + 1 + varint_bytes(bytes);
        let content = before + bytes + 1;
        at += varint_bytes(content);
        places.push(at + before);
        at += content;
    }
    places
}

/// How many bytes a number of at least 0 takes as a zigzag varint.
fn varint_bytes(number: usize) -> usize {
    let mut rest = (number as u64) << 1;
    let mut bytes = 1;
    while rest >= 0x80 {
        rest >>= 7;
        bytes += 1;
    }
    bytes
}
