//! Steps through a message before it is decoded, so that no announced count is believed before its elements were seen.
//!
//! `kafka_protocol` reserves memory for as many elements as a message says it has; 26 bytes of MetadataRequest can ask for
//! more than there is. Here every length is held against the bytes that are left. Not here: values; whether a text is
//! UTF-8 or may be null is for the decoder to say.

mod shapes;

use super::{Api, Malformed};

/// How many elements and tagged fields a message may have in all: far more than any cluster sends, few enough to hold.
const ELEMENTS_MAX: u32 = 1 << 20;

/// A request or a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To a broker.
    Request,
    /// Back.
    Response,
}

/// A field of a message and the versions that have it.
#[derive(Clone, Copy)]
struct Field {
    since: i16,
    until: i16,
    kind: Kind,
}

/// What a field looks like.
#[derive(Clone, Copy)]
enum Kind {
    /// So many bytes.
    Fixed(usize),
    /// A text or null.
    Text,
    /// Bytes or null.
    Blob,
    /// Numbers of so many bytes.
    Numbers(usize),
    /// Texts.
    Texts,
    /// Structures.
    Rows(&'static Row),
}

/// The fields of a structure in their order, and its tagged fields that the decoder knows (in flexible versions).
struct Row {
    fields: &'static [Field],
    tags: &'static [(u32, Kind)],
}

/// Steps through the body of a message: how long it is. More may follow, as Kafka allows.
///
/// # Errors
/// Lengths and counts that the bytes cannot hold.
pub fn check(
    body: &[u8],
    direction: Direction,
    api: Api,
    version: i16,
) -> Result<usize, Malformed> {
    let mut walk = Walk { bytes: body, version, flexible: api.is_flexible(version), seen: 0 };
    walk.row(shapes::of(direction, api))?;
    Ok(body.len() - walk.bytes.len())
}

/// Steps over the tagged fields of a header: how long they are.
///
/// # Errors
/// As [`check`].
pub fn check_tags(bytes: &[u8]) -> Result<usize, Malformed> {
    let mut walk = Walk { bytes, version: 0, flexible: true, seen: 0 };
    walk.tags(&[])?;
    Ok(bytes.len() - walk.bytes.len())
}

/// The bytes that are left of a message, and what has been seen of it.
struct Walk<'a> {
    bytes: &'a [u8],
    version: i16,
    flexible: bool,
    seen: u32,
}

impl Walk<'_> {
    /// Over one structure.
    fn row(&mut self, row: &Row) -> Result<(), Malformed> {
        // Neighbours of fixed size are stepped over together: they are most of what is sent.
        let mut fixed = 0;
        for field in row.fields {
            if self.version < field.since || self.version > field.until {
                continue;
            }
            match field.kind {
                Kind::Fixed(size) => fixed += size,
                kind => {
                    self.skip(std::mem::take(&mut fixed))?;
                    self.field(kind)?;
                }
            }
        }
        self.skip(fixed)?;
        if self.flexible { self.tags(row.tags) } else { Ok(()) }
    }

    /// Over one field.
    fn field(&mut self, kind: Kind) -> Result<(), Malformed> {
        match kind {
            Kind::Fixed(size) => self.skip(size),
            Kind::Text => {
                let length = if self.flexible { self.compact()? } else { self.short()? };
                self.skip(length)
            }
            Kind::Blob => {
                let length = self.length()?;
                self.skip(length)
            }
            Kind::Numbers(size) => {
                let count = self.count()?;
                self.skip(count.checked_mul(size).ok_or_else(too_short)?)
            }
            Kind::Texts => (0..self.count()?).try_for_each(|_| self.field(Kind::Text)),
            Kind::Rows(row) => (0..self.count()?).try_for_each(|_| self.row(row)),
        }
    }

    /// Over the tagged fields of a structure. The decoder takes those it knows as they are, whatever size they say.
    fn tags(&mut self, known: &[(u32, Kind)]) -> Result<(), Malformed> {
        let count = self.varint()?;
        self.see(count)?;
        for _ in 0..count {
            let tag = self.varint()?;
            let size = self.varint()?;
            match known.iter().find(|(number, _)| *number == tag) {
                Some((_, kind)) => self.field(*kind)?,
                None => self.skip(size as usize)?,
            }
        }
        Ok(())
    }

    /// Over so many bytes.
    fn skip(&mut self, size: usize) -> Result<(), Malformed> {
        self.bytes = self.bytes.get(size..).ok_or_else(too_short)?;
        Ok(())
    }

    /// A count of elements; each takes at least one byte.
    fn count(&mut self) -> Result<usize, Malformed> {
        let count = self.length()?;
        if count > self.bytes.len() {
            return Err(too_short());
        }
        self.see(u32::try_from(count).map_err(|_| too_many())?)?;
        Ok(count)
    }

    /// Counts what was announced.
    fn see(&mut self, count: u32) -> Result<(), Malformed> {
        self.seen = self.seen.saturating_add(count);
        if self.seen > ELEMENTS_MAX { Err(too_many()) } else { Ok(()) }
    }

    /// The length of bytes or an array; null has none.
    fn length(&mut self) -> Result<usize, Malformed> {
        if self.flexible { self.compact() } else { self.long() }
    }

    /// A length in two bytes; null is -1.
    fn short(&mut self) -> Result<usize, Malformed> {
        let (length, rest) = self.bytes.split_first_chunk().ok_or_else(too_short)?;
        self.bytes = rest;
        let length = i16::from_be_bytes(*length).max(0);
        Ok(usize::try_from(length).expect("it is not negative"))
    }

    /// A length in four bytes; null is -1. Those below are refused by the decoder.
    fn long(&mut self) -> Result<usize, Malformed> {
        let (length, rest) = self.bytes.split_first_chunk().ok_or_else(too_short)?;
        self.bytes = rest;
        let length = i32::from_be_bytes(*length).max(0);
        Ok(usize::try_from(length).expect("it is not negative"))
    }

    /// A length one less than its number; null is 0.
    fn compact(&mut self) -> Result<usize, Malformed> {
        Ok(self.varint()?.saturating_sub(1) as usize)
    }

    /// A number of up to five bytes. What is above 32 bits is lost, as it is for the decoder.
    fn varint(&mut self) -> Result<u32, Malformed> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let (byte, rest) = self.bytes.split_first().ok_or_else(too_short)?;
            self.bytes = rest;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        Ok(value)
    }
}

fn too_short() -> Malformed {
    Malformed::new("a message that is shorter than it says")
}

fn too_many() -> Malformed {
    Malformed::new("a message with more elements than any cluster has")
}

#[cfg(test)]
mod tests;
