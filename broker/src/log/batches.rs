//! Looking at batches without taking them apart: where one ends, and what timestamps its records have.

use crate::id::Offset;
use crate::wire::batch::{HEADER, Header};

/// The first bytes of a batch that say where it ends and which offsets it has.
const GLANCE: usize = 27;

/// A batch from afar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glance {
    /// Its first offset.
    pub base: Offset,
    /// The offset after its last record.
    pub next: Offset,
    /// Its bytes.
    pub size: usize,
}

/// What is seen at a place where a batch should begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Too few bytes to say.
    Short,
    /// No batch.
    Nonsense,
    /// A batch; whether all of it is there is another question.
    Batch(Glance),
}

/// Looks at the beginning of a batch.
pub(super) fn glance(bytes: &[u8]) -> Sight {
    let Some(head) = bytes.first_chunk::<GLANCE>() else { return Sight::Short };
    let four = |at: usize| {
        i32::from_be_bytes(head[at..at + 4].try_into().expect("four bytes are four bytes"))
    };
    let base = i64::from_be_bytes(head[..8].try_into().expect("eight bytes are eight bytes"));
    let (size, last_delta) = (i64::from(four(8)) + 12, four(23));
    let next = i64::from(last_delta).checked_add(1).and_then(|records| base.checked_add(records));
    match next {
        Some(next) if size >= HEADER as i64 && head[16] == 2 && base >= 0 && last_delta >= 0 => {
            Sight::Batch(Glance { base: Offset(base), next: Offset(next), size: size as usize })
        }
        _ => Sight::Nonsense,
    }
}

/// Timestamps and offsets of the records of an uncompressed batch, one after the other; `None` where there is no record
/// although there should be one, or bytes that should not be there.
pub(super) struct Moments<'a> {
    batch: &'a [u8],
    place: usize,
    left: i32,
    header: Header,
}

impl<'a> Moments<'a> {
    /// Of a whole batch with this header.
    pub fn of(batch: &'a [u8], header: Header) -> Self {
        Self { batch, place: HEADER, left: header.count, header }
    }

    fn next_record(&mut self) -> Option<(i64, Offset)> {
        let length = usize::try_from(self.varint()?).ok()?;
        let end = self.place.checked_add(length).filter(|end| *end <= self.batch.len())?;
        self.place += 1;
        let timestamp = self.header.first_timestamp.checked_add(self.varint()?)?;
        let offset = self.header.base.0.checked_add(self.varint()?)?;
        let inside = self.place <= end && (self.left > 0 || end == self.batch.len());
        self.place = end;
        inside.then_some((timestamp, Offset(offset)))
    }

    fn varint(&mut self) -> Option<i64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.batch.get(self.place)?;
            self.place += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        None
    }
}

impl Iterator for Moments<'_> {
    type Item = Option<(i64, Offset)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0 {
            return None;
        }
        self.left -= 1;
        let record = self.next_record();
        if record.is_none() {
            self.left = 0;
        }
        Some(record)
    }
}

/// The largest timestamp of a batch with the offset that Kafka's leader gives it: of an uncompressed batch that of the
/// first record with it, of a compressed one the last. `None` if these are no records.
pub(super) fn largest(batch: &[u8], header: Header) -> Option<(i64, Offset)> {
    if header.is_compressed() {
        return Some((header.max_timestamp, header.last()));
    }
    let mut largest = (i64::MIN, header.base);
    for (index, moment) in Moments::of(batch, header).enumerate() {
        let (timestamp, offset) = moment?;
        if offset.0 != header.base.0 + index as i64 {
            return None;
        }
        if timestamp > largest.0 {
            largest = (timestamp, offset);
        }
    }
    Some(largest)
}

/// The first record of a batch that is not older than this and has at least that offset. Compressed records are not
/// looked into: then it is the batch as a whole.
pub(super) fn first_since(
    batch: &[u8],
    header: Header,
    timestamp: i64,
    from: Offset,
) -> Option<(i64, Offset)> {
    if header.is_compressed() {
        let at = header.base.max(from);
        return (header.max_timestamp >= timestamp).then_some((header.max_timestamp, at));
    }
    let mut moments = Moments::of(batch, header).map_while(|moment| moment);
    moments.find(|moment| moment.0 >= timestamp && moment.1 >= from)
}
