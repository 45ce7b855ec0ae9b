//! Frames with a four-byte big-endian length in front, as ZooKeeper and Kafka both send them.

use bytes::{Buf, Bytes, BytesMut};

/// A peer announced a frame longer than is allowed (or a negative length).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTooLong {
    /// The announced length, as the signed integer it is.
    pub announced: i32,
}

/// Puts pieces of a stream together into frames. Holds at most one unfinished frame and never reserves by announcement.
///
/// Most pieces are whole frames: those are given out as they are, without a copy.
#[derive(Clone, Debug)]
pub struct Frames {
    /// What is left of the last piece, if nothing was left of those before it.
    piece: Bytes,
    /// Pieces put together, if one frame needs several; then `piece` is empty.
    joined: BytesMut,
    longest: usize,
}

impl Frames {
    /// Accepts frames of up to `longest` bytes, not counting the length itself.
    pub fn new(longest: usize) -> Self {
        Self { piece: Bytes::new(), joined: BytesMut::new(), longest }
    }

    /// Adds the next piece of the stream.
    pub fn push(&mut self, piece: &Bytes) {
        if self.pending() == 0 {
            self.piece = piece.clone();
            return;
        }
        let rest = std::mem::take(&mut self.piece);
        self.joined.extend_from_slice(&rest);
        self.joined.extend_from_slice(piece);
    }

    /// The next whole frame, without its length. An error is final: the stream cannot be read on.
    pub fn take(&mut self) -> Result<Option<Bytes>, FrameTooLong> {
        let is_joined = self.piece.is_empty();
        let pending: &[u8] = if is_joined { &self.joined } else { &self.piece };
        let Some(head) = pending.first_chunk::<4>() else { return Ok(None) };
        let announced = i32::from_be_bytes(*head);
        let length = usize::try_from(announced)
            .ok()
            .filter(|length| *length <= self.longest)
            .ok_or(FrameTooLong { announced })?;
        if pending.len() < 4 + length {
            return Ok(None);
        }
        let mut frame = if is_joined {
            self.joined.split_to(4 + length).freeze()
        } else if self.piece.len() == 4 + length {
            std::mem::take(&mut self.piece)
        } else {
            self.piece.split_to(4 + length)
        };
        frame.advance(4);
        Ok(Some(frame))
    }

    /// Takes raw bytes not yet given out, for streams that stop being framed.
    pub fn take_rest(&mut self) -> Bytes {
        let piece = std::mem::take(&mut self.piece);
        if piece.is_empty() { self.joined.split().freeze() } else { piece }
    }

    /// Bytes held back because their frame is not whole yet.
    pub fn pending(&self) -> usize {
        self.piece.len() + self.joined.len()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::{FrameTooLong, Frames};

    proptest! {
        /// However a stream is cut, the same frames come out.
        #[test]
        fn frames_do_not_depend_on_the_pieces(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12),
            cuts in prop::collection::vec(1..60_usize, 1..80),
        ) {
            let mut stream = Vec::new();
            for frame in &frames {
                stream.extend_from_slice(&u32::try_from(frame.len()).expect("short").to_be_bytes());
                stream.extend_from_slice(frame);
            }
            let (mut reader, mut read) = (Frames::new(64), Vec::new());
            let (mut stream, mut cuts) = (Bytes::from(stream), cuts.into_iter().cycle());
            while !stream.is_empty() {
                let cut = cuts.next().expect("it goes round").min(stream.len());
                reader.push(&stream.split_to(cut));
                while let Some(frame) = reader.take().expect("none is too long") {
                    read.push(frame.to_vec());
                }
            }
            prop_assert_eq!(read, frames);
            prop_assert_eq!(reader.pending(), 0);
        }
    }

    #[test]
    fn lengths_out_of_bounds_are_refused_and_the_rest_can_be_taken() {
        let mut reader = Frames::new(8);
        reader.push(&Bytes::from_static(b"\0\0\0\x09ruok"));
        assert_eq!(reader.take(), Err(FrameTooLong { announced: 9 }));
        reader.push(&Bytes::from_static(b"!"));
        assert_eq!(&reader.take_rest()[..], b"\0\0\0\x09ruok!");
        assert_eq!(reader.pending(), 0);
    }
}
