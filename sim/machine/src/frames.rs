//! Frames with a four-byte big-endian length in front, as ZooKeeper and Kafka both send them.

use bytes::{Buf, Bytes, BytesMut};

/// A peer announced a frame longer than is allowed (or a negative length).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTooLong {
    /// The announced length, as the signed integer it is.
    pub announced: i32,
}

/// Puts pieces of a stream together into frames. Holds at most one unfinished frame and never reserves by announcement.
#[derive(Clone, Debug)]
pub struct Frames {
    pending: BytesMut,
    longest: usize,
}

impl Frames {
    /// Accepts frames of up to `longest` bytes, not counting the length itself.
    pub fn new(longest: usize) -> Self {
        Self { pending: BytesMut::new(), longest }
    }

    /// Adds the next piece of the stream.
    pub fn push(&mut self, piece: &Bytes) {
        self.pending.extend_from_slice(piece);
    }

    /// The next whole frame, without its length. An error is final: the stream cannot be read on.
    pub fn take(&mut self) -> Result<Option<Bytes>, FrameTooLong> {
        let Some(head) = self.pending.first_chunk::<4>() else { return Ok(None) };
        let announced = i32::from_be_bytes(*head);
        let length = usize::try_from(announced)
            .ok()
            .filter(|length| *length <= self.longest)
            .ok_or(FrameTooLong { announced })?;
        if self.pending.len() < 4 + length {
            return Ok(None);
        }
        self.pending.advance(4);
        Ok(Some(self.pending.split_to(length).freeze()))
    }

    /// Takes raw bytes not yet given out, for streams that stop being framed.
    pub fn take_rest(&mut self) -> Bytes {
        self.pending.split().freeze()
    }

    /// Bytes held back because their frame is not whole yet.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }
}
