//! The bytes of a file in pieces of one size, so that a file that grows is never copied.

use std::ops::Range;

use bytes::Bytes;

/// How long a piece is.
const PIECE: usize = 16 * 1024;

/// The bytes: all pieces are full but the last.
#[derive(Default)]
pub(super) struct Content {
    pieces: Vec<Vec<u8>>,
    len: usize,
}

impl Content {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn append(&mut self, mut bytes: &[u8]) {
        self.len += bytes.len();
        while !bytes.is_empty() {
            if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
                // Most files stay small; one that does not will fill more pieces.
                let room = if self.pieces.is_empty() { bytes.len().min(PIECE) } else { PIECE };
                self.pieces.push(Vec::with_capacity(room));
            }
            let piece = self.pieces.last_mut().expect("there is one with room");
            let (here, rest) = bytes.split_at(bytes.len().min(PIECE - piece.len()));
            piece.extend_from_slice(here);
            bytes = rest;
        }
    }

    /// Writes at an offset not behind the end.
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let (over, beyond) = bytes.split_at(bytes.len().min(self.len - offset));
        let mut over = over;
        for (piece, range) in spans(offset..offset + over.len()) {
            let (here, rest) = over.split_at(range.len());
            self.pieces[piece][range].copy_from_slice(here);
            over = rest;
        }
        self.append(beyond);
    }

    /// A copy of what is there; the range is within the file.
    pub(super) fn read(&self, range: Range<usize>) -> Bytes {
        let mut parts = spans(range.clone());
        match (parts.next(), parts.next()) {
            (None, _) => Bytes::new(),
            (Some((piece, only)), None) => Bytes::copy_from_slice(&self.pieces[piece][only]),
            _ => {
                let mut bytes = Vec::with_capacity(range.len());
                spans(range).for_each(|(piece, part)| {
                    bytes.extend_from_slice(&self.pieces[piece][part]);
                });
                bytes.into()
            }
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        self.len = len;
        self.pieces.truncate(len.div_ceil(PIECE));
        if let Some(last) = self.pieces.last_mut() {
            last.truncate((len - 1) % PIECE + 1);
        }
    }

    /// Turns the bits of `mask` around in one byte.
    pub(super) fn flip(&mut self, at: usize, mask: u8) {
        self.pieces[at / PIECE][at % PIECE] ^= mask;
    }
}

/// The pieces that a range touches, and which part of each.
fn spans(range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        (at < range.end).then(|| {
            let (piece, from) = (at / PIECE, at % PIECE);
            let until = (from + (range.end - at)).min(PIECE);
            at += until - from;
            (piece, from..until)
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Content, PIECE};

    #[derive(Clone, Debug)]
    enum Change {
        Append(usize),
        Write(usize, usize),
        Truncate(usize),
        Flip(usize),
    }

    fn change() -> impl Strategy<Value = Change> {
        let length = || prop_oneof![0..40_usize, PIECE - 2..PIECE + 3, 0..3 * PIECE];
        let place = || any::<usize>();
        prop_oneof![
            length().prop_map(Change::Append),
            (place(), length()).prop_map(|(at, length)| Change::Write(at, length)),
            place().prop_map(Change::Truncate),
            place().prop_map(Change::Flip),
        ]
    }

    proptest! {
        #[test]
        fn pieces_hold_what_one_piece_would(
            changes in prop::collection::vec(change(), 1..24),
            (from, length) in (any::<usize>(), 0..3 * PIECE),
        ) {
            let (mut content, mut plain) = (Content::default(), Vec::<u8>::new());
            for (number, change) in (1..).zip(changes) {
                match change {
                    Change::Append(length) => {
                        content.append(&vec![number; length]);
                        plain.extend(vec![number; length]);
                    }
                    Change::Write(at, length) => {
                        let at = at % (plain.len() + 1);
                        content.write(at, &vec![number; length]);
                        plain.resize(plain.len().max(at + length), 0);
                        plain[at..at + length].fill(number);
                    }
                    Change::Truncate(to) => {
                        let to = to % (plain.len() + 1);
                        content.truncate(to);
                        plain.truncate(to);
                    }
                    Change::Flip(at) if !plain.is_empty() => {
                        content.flip(at % plain.len(), 4);
                        let at = at % plain.len();
                        plain[at] ^= 4;
                    }
                    Change::Flip(_) => {}
                }
                prop_assert_eq!(content.len(), plain.len());
            }
            let from = from % (plain.len() + 1);
            let until = (from + length).min(plain.len());
            prop_assert_eq!(&content.read(from..until)[..], &plain[from..until]);
            prop_assert_eq!(&content.read(0..plain.len())[..], &plain[..]);
        }
    }
}
