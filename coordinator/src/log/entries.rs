//! The bytes of a transaction log: a header, then `crc | len | payload | 'B'` for each transaction.
//!
//! Reading is forgiving where a power loss explains what is found (the end is missing) and strict where only damage
//! does. What the payload means is not known here.

use adler2::adler32_slice;
use bytes::{Bytes, BytesMut};

use crate::wire::jute::Writer;

/// `ZKLG`.
const MAGIC: i32 = 0x5a4b_4c47;
const VERSION: i32 = 2;
/// The length of the header in bytes.
pub(super) const HEADER: usize = 16;
/// What stands before each payload: the checksum (8 bytes) and the length (4).
const PREFIX: usize = 12;
/// `B`, behind each payload: without it the entry was not written to its end.
const END_OF_RECORD: u8 = 0x42;
/// `jute.maxbuffer` and what ZooKeeper allows on top of it when it reads its own files.
const PAYLOAD_MAX: usize = 0xf_ffff + 1024;

/// The header of every log file.
pub(super) fn header() -> Bytes {
    let mut out = Writer::new();
    out.int(MAGIC).int(VERSION).long(0);
    out.finish()
}

/// One transaction as it stands in the log.
pub(super) fn entry(payload: &[u8]) -> Bytes {
    let mut out = Writer::new();
    out.long(i64::from(adler32_slice(payload))).buffer(Some(payload)).raw(&[END_OF_RECORD]);
    out.finish()
}

/// Why a log file cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// The header is not all there: the file was made and nothing more (ZOOKEEPER-1621).
    ShortHeader,
    /// The header is not that of a log.
    ForeignHeader,
    /// An entry announces a length no server writes.
    Length,
    /// An entry is whole and its checksum is wrong.
    Checksum,
}

impl Damage {
    pub const fn what(self) -> &'static str {
        match self {
            Self::ShortHeader => "the header is not complete",
            Self::ForeignHeader => "the header is not that of a transaction log",
            Self::Length => "unreasonable length of an entry",
            Self::Checksum => "wrong checksum of an entry",
        }
    }
}

/// What a [`Entries`] finds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A payload; the entry begins at this offset of the file.
    Payload(u64, Bytes),
    /// More bytes of the file are needed.
    More,
    /// Nothing more in this file: its end, zero padding, or an entry that was not written to its end.
    End,
}

/// Takes a log file apart, piece by piece.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    buffer: BytesMut,
    /// Where the buffer begins in the file.
    at: u64,
    header_read: bool,
    end_of_file: bool,
}

impl Entries {
    /// Where the next piece of the file begins.
    pub fn offset(&self) -> u64 {
        self.at + self.buffer.len() as u64
    }

    /// The next piece; an empty one is the end of the file.
    pub fn push(&mut self, piece: &[u8]) {
        self.end_of_file |= piece.is_empty();
        self.buffer.extend_from_slice(piece);
    }

    /// The next entry.
    pub fn next(&mut self) -> Result<Found, Damage> {
        if !self.header_read {
            if self.buffer.len() < HEADER {
                return if self.end_of_file { Err(Damage::ShortHeader) } else { Ok(Found::More) };
            }
            if self.buffer[..8] != header()[..8] {
                return match self.is_blank() {
                    false => Err(Damage::ForeignHeader),
                    true if self.end_of_file => Err(Damage::ShortHeader),
                    true => Ok(Found::More),
                };
            }
            self.take(HEADER);
            self.header_read = true;
        }
        let short = if self.end_of_file { Found::End } else { Found::More };
        let Some((checksum, length)) = self.prefix() else { return Ok(short) };
        let Ok(length) = usize::try_from(length) else {
            return if length == -1 { Ok(Found::End) } else { Err(Damage::Length) };
        };
        if length == 0 {
            return Ok(Found::End);
        }
        if length > PAYLOAD_MAX {
            return Err(Damage::Length);
        }
        if self.buffer.len() < PREFIX + length + 1 {
            return Ok(short);
        }
        if self.buffer[PREFIX + length] != END_OF_RECORD {
            return Ok(Found::End);
        }
        let payload = Bytes::copy_from_slice(&self.buffer[PREFIX..PREFIX + length]);
        if checksum != i64::from(adler32_slice(&payload)) {
            return Err(Damage::Checksum);
        }
        let begin = self.at;
        self.take(PREFIX + length + 1);
        Ok(Found::Payload(begin, payload))
    }

    /// Whether there is nothing but the beginning of a header and zeros, as a power loss leaves a file that had grown already.
    fn is_blank(&self) -> bool {
        let header = header();
        let same = self.buffer.iter().zip(&header).take_while(|(there, ours)| there == ours);
        let same = same.count();
        self.buffer[same..].iter().all(|byte| *byte == 0)
    }

    /// The checksum and the length of the next entry, when they are there.
    fn prefix(&self) -> Option<(i64, i32)> {
        let (checksum, rest) = self.buffer.split_first_chunk()?;
        let (length, _) = rest.split_first_chunk()?;
        Some((i64::from_be_bytes(*checksum), i32::from_be_bytes(*length)))
    }

    fn take(&mut self, length: usize) -> BytesMut {
        self.at += length as u64;
        self.buffer.split_to(length)
    }
}
