//! The page cache as a machine sees it. Calls act at once, or fail, or say [`DiskError::WouldBlock`]: then nothing happened
//! and the same call may be made again when [`crate::Input::Ready`] brings the ticket.
//!
//! Process death keeps the page cache. Power loss keeps what was synced and a prefix of the rest.

use bytes::Bytes;
use serde::Serialize;

use crate::{Context, Input, Note, Ticket};

/// Why a disk call did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum DiskError {
    /// Nothing happened; do it again when [`crate::Input::Ready`] brings this ticket.
    WouldBlock(Ticket),
    /// The disk is full (ENOSPC).
    NoSpace,
    /// The device failed (EIO).
    Io,
    /// The device says the data there are damaged.
    Corrupt,
    /// No such file or directory.
    NotFound,
}

/// Files and directories of one node, named by `/`-separated absolute paths such as `/data/version-2/log.1`.
pub trait Disk {
    /// Makes a directory and its parents; fine if it exists.
    fn create_dir(&mut self, path: &str) -> Result<(), DiskError>;
    /// The names (not paths) in a directory, sorted. `NotFound` if it does not exist.
    fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError>;
    /// The length of a file in bytes, `NotFound` if there is none.
    fn len(&mut self, path: &str) -> Result<u64, DiskError>;
    /// Appends to a file, which is made if it does not exist (its directory must).
    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError>;
    /// Writes at an offset not behind the end of an existing file.
    fn write(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;
    /// Up to `length` bytes from `offset`; fewer at the end of the file, none behind it.
    fn read(&mut self, path: &str, offset: u64, length: usize) -> Result<Bytes, DiskError>;
    /// Cuts a file down to `length`.
    fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError>;
    /// Gives a file another name, replacing what had it.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError>;
    /// Removes a file.
    fn remove(&mut self, path: &str) -> Result<(), DiskError>;
    /// Asks for a file's bytes to be made durable; answered by [`crate::Input::Synced`].
    fn sync(&mut self, path: &str) -> Ticket;
    /// Asks for a directory's names (creations, renames, removals) to be made durable.
    fn sync_dir(&mut self, path: &str) -> Ticket;
}

/// Replaces a small file whole: writes a temporary one, syncs it, renames it, and (if asked) syncs the directory.
///
/// Each piece waits for the disk; feed it every input until it is done.
#[derive(Clone, Debug)]
pub struct Replace {
    path: String,
    bytes: Bytes,
    sync_directory: bool,
    stage: Stage,
}

/// How far a [`Replace`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The temporary file is to be written.
    Write,
    /// A call is to be done again when this ticket is ready.
    Blocked(Ticket),
    /// The temporary file is being synced.
    Syncing(Ticket),
    /// The rename is to be done.
    Rename,
    /// The directory is being synced.
    SyncingDirectory(Ticket),
    /// The new content is in place.
    Done,
    /// The disk said no; the old content is in place.
    Failed(DiskError),
}

impl Replace {
    /// Replaces `path` by `bytes`; `sync_directory` makes the rename itself durable before it is done.
    pub fn new(path: impl Into<String>, bytes: impl Into<Bytes>, sync_directory: bool) -> Self {
        Self { path: path.into(), bytes: bytes.into(), sync_directory, stage: Stage::Write }
    }

    /// Where it stands.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Goes on as far as the disk lets it. Call once to begin.
    pub fn advance<N: Note>(&mut self, cx: &mut Context<'_, N>) -> Stage {
        loop {
            let next = match self.stage {
                Stage::Write => self.write(cx),
                Stage::Rename => self.rename(cx),
                waiting => return waiting,
            };
            self.stage = next;
        }
    }

    /// Takes an input that may be the answer it waits for, and goes on. Returns where it stands.
    pub fn handle<N: Note>(&mut self, input: &Input, cx: &mut Context<'_, N>) -> Stage {
        match (self.stage, input) {
            (Stage::Blocked(waited), Input::Ready { ticket }) if waited == *ticket => {
                // Writing again from the start is safe: the temporary file is removed first.
                self.stage = Stage::Write;
            }
            (Stage::Syncing(waited), Input::Synced { ticket, result }) if waited == *ticket => {
                self.stage = result.map_or_else(Stage::Failed, |()| Stage::Rename);
            }
            (Stage::SyncingDirectory(waited), Input::Synced { ticket, result })
                if waited == *ticket =>
            {
                self.stage = result.map_or_else(Stage::Failed, |()| Stage::Done);
            }
            _ => {}
        }
        self.advance(cx)
    }

    fn temporary(&self) -> String {
        format!("{}.tmp", self.path)
    }

    fn write<N: Note>(&self, cx: &mut Context<'_, N>) -> Stage {
        let temporary = self.temporary();
        match cx.disk().remove(&temporary) {
            Ok(()) | Err(DiskError::NotFound) => {}
            Err(DiskError::WouldBlock(ticket)) => return Stage::Blocked(ticket),
            Err(error) => return Stage::Failed(error),
        }
        match cx.disk().append(&temporary, &self.bytes) {
            Ok(()) => Stage::Syncing(cx.disk().sync(&temporary)),
            Err(DiskError::WouldBlock(ticket)) => Stage::Blocked(ticket),
            Err(error) => Stage::Failed(error),
        }
    }

    fn rename<N: Note>(&self, cx: &mut Context<'_, N>) -> Stage {
        match cx.disk().rename(&self.temporary(), &self.path) {
            Ok(()) if self.sync_directory => {
                let directory = self.path.rsplit_once('/').map_or("/", |(directory, _)| directory);
                Stage::SyncingDirectory(cx.disk().sync_dir(directory))
            }
            Ok(()) => Stage::Done,
            Err(DiskError::WouldBlock(ticket)) => Stage::Blocked(ticket),
            Err(error) => Stage::Failed(error),
        }
    }
}
