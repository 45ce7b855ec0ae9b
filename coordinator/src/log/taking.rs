//! Writing a snapshot of the live tree, slice by slice. What is applied meanwhile shows or not; the log gives it back.
//!
//! One that need not be on disk goes to its final name, as in ZooKeeper: a crash in the middle leaves a file without its end,
//! which recovery passes over. One that must be (a leader's tree was taken over) goes to a temporary name, is synced and
//! renamed, as since ZOOKEEPER-2872, so that it never takes the place of a good one before it is good itself; its directory
//! is synced as well.

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
    directory: String,
    path: String,
    /// Where it is written: `path`, or a temporary name.
    draft: String,
    writing: Writing,
    synced: bool,
    checksum: Adler32,
    stage: Stage,
}

enum Stage {
    /// A file of that name goes first.
    Clear,
    /// These bytes are next, and whether they are the last.
    Write(Bytes, bool),
    /// The tree has more.
    Read,
    Sync,
    Rename,
    SyncDirectory,
    Done,
}

impl Taking {
    pub fn new(places: &Places, tree: &DataTree, synced: bool) -> Self {
        let writing = Writing::begin(tree);
        let path = places.snapshot(writing.zxid());
        let draft = if synced { format!("{path}.tmp") } else { path.clone() };
        let directory = places.snapshots.clone();
        Self {
            directory,
            path,
            draft,
            writing,
            synced,
            checksum: Adler32::new(),
            stage: Stage::Clear,
        }
    }

    /// One that needs no writing.
    pub fn done(places: &Places, tree: &DataTree) -> Self {
        Self { stage: Stage::Done, ..Self::new(places, tree, false) }
    }

    /// Goes on with the tree as it is now; the zxid the snapshot is named after, when it is complete.
    pub fn go(&mut self, tree: &DataTree, cx: &mut Context<'_, ServerNote>) -> Result<Zxid, Pause> {
        let what = "writing a snapshot";
        loop {
            match &self.stage {
                Stage::Clear => {
                    gone(cx.disk().remove(&self.draft)).or_pause(what)?;
                    let head = self.summed(snapshot::header());
                    self.stage = Stage::Write(head, false);
                }
                Stage::Write(bytes, last) => {
                    cx.disk().append(&self.draft, bytes).or_pause(what)?;
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
                    let ticket = cx.disk().sync(&self.draft);
                    self.stage = Stage::Rename;
                    return Err(Pause::Wait(Wait::Sync(ticket, "syncing a snapshot")));
                }
                Stage::Rename => {
                    cx.disk().rename(&self.draft, &self.path).or_pause(what)?;
                    self.stage = Stage::SyncDirectory;
                }
                Stage::SyncDirectory => {
                    let ticket = cx.disk().sync_dir(&self.directory);
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
