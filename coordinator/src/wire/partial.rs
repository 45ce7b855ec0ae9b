//! Reading jute off a stream that may end anywhere: short is not malformed, it means "wait for
//! more".

use crate::wire::jute::Malformed;

/// Why nothing was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The rest has not come yet.
    Short,
    /// No rest can make sense of it.
    Malformed(Malformed),
}

/// Longer buffers than this are refused, as `jute.maxbuffer` does in the real server: 1 MiB, and
/// room for what is around it.
pub(crate) const LONGEST_BUFFER: usize = 2 * 1_024 * 1_024;

/// Reads from the front of what has come so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partial<'a> {
    rest: &'a [u8],
}

impl<'a> Partial<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How much has not been read yet.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn int(&mut self) -> Result<i32, Stop> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Stop::Short)?;
        self.rest = rest;
        Ok(i32::from_be_bytes(*head))
    }

    pub(crate) fn long(&mut self) -> Result<i64, Stop> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Stop::Short)?;
        self.rest = rest;
        Ok(i64::from_be_bytes(*head))
    }

    /// A buffer; length −1 is null.
    pub(crate) fn buffer(&mut self, what: &'static str) -> Result<Option<&'a [u8]>, Stop> {
        let length = match self.int()? {
            -1 => return Ok(None),
            length => usize::try_from(length).ok().filter(|length| *length <= LONGEST_BUFFER),
        };
        let length = length.ok_or(Stop::Malformed(Malformed(what)))?;
        let (head, rest) = self.rest.split_at_checked(length).ok_or(Stop::Short)?;
        self.rest = rest;
        Ok(Some(head))
    }

    /// A string; null is read as empty.
    pub(crate) fn string(&mut self, what: &'static str) -> Result<&'a str, Stop> {
        let bytes = self.buffer(what)?.unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| Stop::Malformed(Malformed(what)))
    }

    /// The count of a vector of at most `most`; null is none.
    pub(crate) fn count(&mut self, most: i32, what: &'static str) -> Result<i32, Stop> {
        match self.int()? {
            -1 => Ok(0),
            count if (0..=most).contains(&count) => Ok(count),
            _ => Err(Stop::Malformed(Malformed(what))),
        }
    }
}
