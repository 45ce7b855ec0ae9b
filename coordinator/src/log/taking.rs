//! Writing a snapshot of the live tree, slice by slice, to its final name as ZooKeeper does: a crash in the middle leaves a
//! file without its end, which recovery passes over.
//!
//! What is applied meanwhile shows or not; the log gives it back.

use adler2::Adler32;
use bytes::Bytes;
use machine::Context;

use super::files::{Places, SLICE};
use super::snapshot;
use super::work::{OrPause, Pause, Wait, gone};
use crate::id::Zxid;
use crate::note::ServerNote;
use crate::tree::DataTree;
use crate::tree::snapshot::Writing;

pub(super) struct Taking {
    path: String,
    writing: Writing,
    synced: bool,
    checksum: Adler32,
    stage: Stage,
}

enum Stage {
    /// A file of the same name goes first.
    Clear,
    /// These bytes are next, and whether they are the last.
    Write(Bytes, bool),
    /// The tree has more.
    Read,
    Sync,
    Done,
}

impl Taking {
    pub fn new(places: &Places, tree: &DataTree, synced: bool) -> Self {
        let writing = Writing::begin(tree);
        let path = places.snapshot(writing.zxid());
        Self { path, writing, synced, checksum: Adler32::new(), stage: Stage::Clear }
    }

    /// Goes on with the tree as it is now; the zxid the snapshot is named after, when it is complete.
    pub fn go(&mut self, tree: &DataTree, cx: &mut Context<'_, ServerNote>) -> Result<Zxid, Pause> {
        let what = "writing a snapshot";
        loop {
            match &self.stage {
                Stage::Clear => {
                    gone(cx.disk().remove(&self.path)).or_pause(what)?;
                    let head = self.summed(snapshot::header());
                    self.stage = Stage::Write(head, false);
                }
                Stage::Write(bytes, last) => {
                    cx.disk().append(&self.path, bytes).or_pause(what)?;
                    if !*last {
                        self.stage = Stage::Read;
                        return Err(Pause::SLICE);
                    }
                    self.stage = if self.synced { Stage::Sync } else { Stage::Done };
                }
                Stage::Read => {
                    self.stage = match self.writing.slice(tree, SLICE) {
                        Some(slice) => Stage::Write(self.summed(slice), false),
                        None => Stage::Write(snapshot::tail(self.checksum.checksum()), true),
                    };
                }
                Stage::Sync => {
                    let ticket = cx.disk().sync(&self.path);
                    self.stage = Stage::Done;
                    return Err(Pause::Wait(Wait::Sync(ticket, "syncing a snapshot")));
                }
                Stage::Done => return Ok(self.writing.zxid()),
            }
        }
    }

    fn summed(&mut self, bytes: Bytes) -> Bytes {
        self.checksum.write_slice(&bytes);
        bytes
    }
}
