//! The bytes of a snapshot file: a header, the tree as [`crate::tree::snapshot`] writes it, a checksum, an end mark.
//!
//! The tree part alone is what a leader streams after SNAP: [`serialize`], [`deserialize`].

use adler2::Adler32;
use bytes::Bytes;
use machine::Context;

use super::work::{OrPause, Pause};
use crate::id::Zxid;
use crate::note::ServerNote;
use crate::tree::DataTree;
use crate::tree::snapshot::Loading;
use crate::wire::jute::{Malformed, Writer};

/// The tree as a leader streams it after SNAP, without header and checksum.
pub use crate::tree::snapshot::encode as serialize;

/// The tree in the stream after SNAP, as of the zxid the packet named.
pub use crate::tree::snapshot::decode as deserialize;

/// `ZKSN`.
const MAGIC: i32 = 0x5a4b_534e;
const VERSION: i32 = 2;
/// The length of the header in bytes.
const HEADER: u64 = 16;
/// What is behind the checksum: the string `/`.
const END: [u8; 5] = [0, 0, 0, 1, b'/'];
/// The checksum and the end mark.
const TAIL: u64 = 8 + END.len() as u64;

/// The header of every snapshot file.
pub(super) fn header() -> Bytes {
    let mut out = Writer::new();
    out.int(MAGIC).int(VERSION).long(-1);
    out.finish()
}

/// What ends every snapshot file; the checksum is over all that was before.
pub(super) fn tail(checksum: u32) -> Bytes {
    let mut out = Writer::new();
    out.long(i64::from(checksum)).raw(&END);
    out.finish()
}

/// The length of a snapshot file if it has its last bytes; without them it was not written to its end, and is none.
pub(super) fn length_if_whole(
    path: &str,
    cx: &mut Context<'_, ServerNote>,
) -> Result<Option<u64>, Pause> {
    let what = "looking at a snapshot";
    let length = cx.disk().len(path).or_pause(what)?;
    if length < HEADER + TAIL {
        return Ok(None);
    }
    let end = cx.disk().read(path, length - END.len() as u64, END.len()).or_pause(what)?;
    Ok((end[..] == END).then_some(length))
}

/// What a piece of a snapshot file led to.
pub(super) enum Progress {
    /// There is more to read.
    More,
    /// That was the last piece, and everything is as it should be.
    Whole(DataTree),
    /// That was the last piece, and the file ends behind the tree, without a checksum. The mark that ends the tree is the one
    /// that ends the file, so this looks whole until it is read; yet nobody finished writing it.
    Unfinished,
}

/// Takes a snapshot file apart, piece by piece.
pub(super) struct SnapshotReader {
    zxid: Zxid,
    length: u64,
    offset: u64,
    head: Vec<u8>,
    checksum: Adler32,
    tree: Loading,
    tail: Vec<u8>,
}

impl SnapshotReader {
    /// A file of this length, named after `zxid`.
    pub fn new(zxid: Zxid, length: u64) -> Self {
        Self {
            zxid,
            length,
            offset: 0,
            head: Vec::new(),
            checksum: Adler32::new(),
            tree: Loading::new(),
            tail: Vec::new(),
        }
    }

    /// Where the next piece of the file begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the next piece.
    pub fn push(&mut self, piece: &[u8]) -> Result<Progress, Malformed> {
        let (head, rest) = piece.split_at(left(HEADER, self.offset).min(piece.len()));
        let body_end = self.length - TAIL;
        let body_from = self.offset + head.len() as u64;
        let (body, tail) = rest.split_at(left(body_end, body_from).min(rest.len()));
        self.offset += piece.len() as u64;
        self.checksum.write_slice(head);
        self.head.extend_from_slice(head);
        if !body.is_empty() && self.head[..8] != header()[..8] {
            return Err(Malformed("header of a snapshot"));
        }
        self.checksum.write_slice(body);
        self.tree.push(body)?;
        self.tail.extend_from_slice(tail);
        if self.offset < self.length {
            return Ok(Progress::More);
        }
        if !self.tree.is_done() && self.tree.push(&self.tail)? && self.tree.rest().is_empty() {
            return Ok(Progress::Unfinished);
        }
        if !self.tree.rest().is_empty() {
            return Err(Malformed("end of a snapshot"));
        }
        if self.tail[..] != tail_of(self.checksum.checksum()) {
            return Err(Malformed("checksum of a snapshot"));
        }
        std::mem::take(&mut self.tree).finish(self.zxid).map(Progress::Whole)
    }
}

fn tail_of(checksum: u32) -> [u8; TAIL as usize] {
    let bytes = tail(checksum);
    bytes[..].try_into().expect("a tail is as long as its constant says")
}

/// How far it is from `offset` to `end`, in bytes.
fn left(end: u64, offset: u64) -> usize {
    usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX)
}
