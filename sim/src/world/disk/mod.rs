//! A node's disk: the page cache that calls act on, and what power loss would leave of it.
//!
//! File contents are kept once, with a journal of how to undo what is not yet durable ([`file`]);
//! names are kept twice, cached and durable, with the operations in between ([`names`]). A sync
//! covers what was done before it was *asked*, and takes effect when it ends. Power loss keeps, of
//! each file, a seeded prefix of its unsynced operations, and a seeded prefix of the disk's
//! unsynced directory operations.
//!
//! As on ext4, where directory operations go through one journal, any completed sync makes all
//! earlier directory operations durable. Under `LoseRenames` it does not: a file's sync saves the
//! file's own creation (and the directories made so far), renames and removals wait for the sync of
//! their directory, and power loss surely loses them.
//!
//! What nobody syncs the kernel writes back by itself after a while ([`write_back`]).
//!
//! Not here: when a sync ends ([`sync`]), and how a machine reaches it ([`super::door`]).

mod content;
mod file;
mod names;
mod sync;
mod write_back;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use machine::{Chance, ChanceKey, DiskError, Ticket};

use self::file::File;
use self::names::{NameOp, Names};
use self::sync::Request;
use self::write_back::WriteBack;
use super::fault::DiskFault;
use super::queue::Cause;

/// A file, whatever its name.
type FileId = u64;

/// The disk of one node. It outlives the node's processes.
pub(crate) struct Drive {
    files: BTreeMap<FileId, File>,
    /// Files that nobody has used since the power came on: their content is not in the page cache.
    cold: BTreeSet<FileId>,
    names: Names,
    /// Counts changes; a sync covers those up to the number at which it was asked.
    number: u64,
    next_file: FileId,
    write_back: WriteBack,
    /// Changes up to this one are durable, whether or not their file knows yet.
    written_back: u64,
    low: u64,
    high: u64,
    pub(crate) stalled: bool,
    /// Calls of this life that would have blocked, and the steps that made them.
    pub(crate) blocked: Vec<(Ticket, Cause)>,
    free: Option<u64>,
    fail_writes: bool,
    fail_syncs: bool,
    lying: bool,
    lose_renames: bool,
    torn_tail: bool,
    requests: BTreeMap<u32, Request>,
    next_request: u32,
    latency: Chance,
    /// What power loss and rot hit.
    damage: Chance,
}

impl Drive {
    pub(crate) fn new(seed: u64, node: &str) -> Self {
        let stream = |purpose| Chance::stream(seed, node, 0, ChanceKey { part: 0, purpose });
        Self {
            files: BTreeMap::new(),
            cold: BTreeSet::new(),
            names: Names::default(),
            number: 0,
            next_file: 0,
            write_back: WriteBack::default(),
            written_back: 0,
            low: 1_000,
            high: 4_000,
            stalled: false,
            blocked: Vec::new(),
            free: None,
            fail_writes: false,
            fail_syncs: false,
            lying: false,
            lose_renames: false,
            torn_tail: false,
            requests: BTreeMap::new(),
            next_request: 0,
            latency: stream("disk latency"),
            damage: stream("disk damage"),
        }
    }

    /// Whether it takes what is written, and syncs it within a second.
    pub(crate) fn is_well(&self) -> bool {
        let works = !self.stalled && !self.fail_writes && !self.fail_syncs;
        works && self.high <= 1_000_000 && self.free.is_none_or(|free| free >= 1 << 20)
    }

    fn writable(&self) -> Result<(), DiskError> {
        if self.fail_writes { Err(DiskError::Io) } else { Ok(()) }
    }

    /// Takes `bytes` of the room that is left.
    fn grow(&mut self, bytes: u64) -> Result<(), DiskError> {
        if let Some(free) = &mut self.free {
            *free = free.checked_sub(bytes).ok_or(DiskError::NoSpace)?;
        }
        Ok(())
    }

    fn shrink(&mut self, bytes: u64) {
        if let Some(free) = &mut self.free {
            *free += bytes;
        }
    }

    /// Files whose last name is gone are no more.
    fn forget(&mut self, unnamed: Vec<FileId>) {
        for file in unnamed {
            if !self.names.names_file(file) {
                self.files.remove(&file);
                self.cold.remove(&file);
            }
        }
    }

    /// The kernel looks for old dirty pages; called with the time of every use. A device that
    /// fails, hangs or lies gets nothing out of it.
    pub(crate) fn write_back(&mut self, now_micros: u64) {
        if !self.write_back.look(now_micros, self.number)
            || self.stalled
            || self.fail_writes
            || self.fail_syncs
            || self.lying
        {
            return;
        }
        let Some(covers) = self.write_back.take_old() else { return };
        self.written_back = covers;
        let strict = self.lose_renames;
        let unnamed = self.names.commit(covers, |op| {
            !strict || matches!(op, NameOp::Create { .. } | NameOp::MakeDir { .. })
        });
        self.forget(unnamed);
    }

    fn change(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// A file that is about to change, with the number of the change.
    fn changing(&mut self, id: FileId) -> (u64, &mut File) {
        let number = self.change();
        let file = self.files.get_mut(&id).expect("every name has its file");
        file.commit(self.written_back);
        (number, file)
    }
}

/// What machines do.
impl Drive {
    pub(crate) fn create_dir(&mut self, path: &str) -> Result<(), DiskError> {
        self.writable()?;
        let number = self.change();
        self.names.create_dir(number, path);
        Ok(())
    }

    pub(crate) fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        self.names.list(path).ok_or(DiskError::NotFound)
    }

    /// Whether a file can be looked at without the disk. What is not there is not cached, either: it has to be looked for.
    pub(crate) fn is_cached(&self, path: &str) -> bool {
        self.names.find(path).is_some_and(|id| !self.cold.contains(&id))
    }

    /// A file is used, and its content with it in the page cache from now on.
    pub(crate) fn warm(&mut self, path: &str) {
        if !self.cold.is_empty()
            && let Some(id) = self.names.find(path)
        {
            self.cold.remove(&id);
        }
    }

    pub(crate) fn len(&self, path: &str) -> Result<u64, DiskError> {
        let id = self.names.find(path).ok_or(DiskError::NotFound)?;
        Ok(self.files[&id].len())
    }

    /// Returns the length before.
    pub(crate) fn append(&mut self, path: &str, bytes: &[u8]) -> Result<u64, DiskError> {
        self.writable()?;
        let id = match self.names.find(path) {
            Some(found) => {
                self.grow(bytes.len() as u64)?;
                found
            }
            None if !self.names.has_dir(names::directory(path)) => return Err(DiskError::NotFound),
            None => {
                self.grow(bytes.len() as u64)?;
                self.next_file += 1;
                let (file, number) = (self.next_file, self.change());
                self.files.insert(file, File::default());
                self.names.change(number, NameOp::Create { path: path.into(), file });
                file
            }
        };
        let (number, file) = self.changing(id);
        let before = file.len();
        file.append(number, bytes);
        Ok(before)
    }

    pub(crate) fn write(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.writable()?;
        let id = self.names.find(path).ok_or(DiskError::NotFound)?;
        let len = self.files[&id].len();
        if offset > len {
            return Err(DiskError::Io);
        }
        self.grow((offset + bytes.len() as u64).saturating_sub(len))?;
        let (number, file) = self.changing(id);
        file.write(number, offset as usize, bytes);
        Ok(())
    }

    pub(crate) fn read(&self, path: &str, offset: u64, length: usize) -> Result<Bytes, DiskError> {
        let id = self.names.find(path).ok_or(DiskError::NotFound)?;
        Ok(self.files[&id].read(offset, length))
    }

    /// Returns the length after.
    pub(crate) fn truncate(&mut self, path: &str, length: u64) -> Result<u64, DiskError> {
        self.writable()?;
        let id = self.names.find(path).ok_or(DiskError::NotFound)?;
        let (number, file) = self.changing(id);
        let cut = file.len().saturating_sub(length);
        if cut > 0 {
            file.truncate(number, length as usize);
        }
        let len = file.len();
        self.shrink(cut);
        Ok(len)
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.writable()?;
        let file = self.names.find(from).ok_or(DiskError::NotFound)?;
        if !self.names.has_dir(names::directory(to)) {
            return Err(DiskError::NotFound);
        }
        if from != to {
            let replaced = self.len(to).unwrap_or(0);
            self.shrink(replaced);
            let number = self.change();
            self.names.change(number, NameOp::Rename { from: from.into(), to: to.into(), file });
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        self.writable()?;
        let file = self.names.find(path).ok_or(DiskError::NotFound)?;
        self.shrink(self.files[&file].len());
        let number = self.change();
        self.names.change(number, NameOp::Remove { path: path.into(), file });
        Ok(())
    }
}

/// What happens to it.
impl Drive {
    /// Applies a fault that needs nobody else; stalls and their end are the core's.
    pub(crate) fn apply(&mut self, fault: &DiskFault) {
        match fault {
            DiskFault::SyncLatency { low, high } => {
                self.low = low.as_micros();
                self.high = high.as_micros().max(self.low);
            }
            DiskFault::Stall => self.stalled = true,
            DiskFault::Resume => self.stalled = false,
            DiskFault::Full { free_bytes } => self.free = Some(*free_bytes),
            DiskFault::Freed => self.free = None,
            DiskFault::FailWrites => self.fail_writes = true,
            DiskFault::FailSyncs => self.fail_syncs = true,
            DiskFault::Mend => (self.fail_writes, self.fail_syncs) = (false, false),
            DiskFault::BitRot { path_contains } => self.rot(path_contains),
            DiskFault::LyingSync(on) => self.lying = *on,
            DiskFault::LoseRenames(on) => self.lose_renames = *on,
            DiskFault::TornTail(on) => self.torn_tail = *on,
        }
    }

    /// One bit of one byte flips, in the cache and on the platter.
    fn rot(&mut self, path_contains: &str) {
        let found = self.names.files().filter(|(path, _)| path.contains(path_contains));
        let found: Vec<FileId> =
            found.map(|(_, id)| id).filter(|id| self.files[id].len() > 0).collect();
        if let Some(id) = self.damage.pick(&found).copied() {
            let file = self.files.get_mut(&id).expect("every name has its file");
            file.flip(self.damage.below(file.len() * 8));
        }
    }

    /// Only what was synced surely survives; a seeded prefix of the rest may.
    pub(crate) fn power_loss(&mut self) {
        let pending = self.names.pending() as u64;
        let kept =
            if self.lose_renames || pending == 0 { 0 } else { self.damage.between(0, pending) };
        self.names.power_loss(kept as usize);
        let named = self.names.named();
        self.files.retain(|id, _| named.contains(id));
        for file in self.files.values_mut() {
            file.commit(self.written_back);
            file.power_loss(self.torn_tail, &mut self.damage);
        }
        self.cold = self.files.keys().copied().collect();
        self.requests.clear();
        self.blocked.clear();
        self.write_back.clear();
    }

    /// A new disk.
    pub(crate) fn wipe(&mut self) {
        self.files.clear();
        self.cold.clear();
        self.names = Names::default();
        self.requests.clear();
    }

    /// How much of the beginning of this file, as it is now, power loss would surely leave.
    pub(crate) fn durable_len(&self, path: &str) -> Option<u64> {
        let id = self.names.find(path)?;
        self.names.surely(path, id).then(|| self.files[&id].sure_len(self.written_back))
    }

    /// All files with their lengths, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.names.files().map(|(path, id)| (path, self.files[&id].len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_since_the_power_came_on_is_cached() {
        const SECOND: u64 = 1_000_000;
        let mut drive = Drive::new(1, "a");
        drive.create_dir("/d").expect("there is room");
        drive.append("/d/log", b"some").expect("there is room");
        assert!(drive.is_cached("/d/log") && !drive.is_cached("/d/none"));
        (1..=60).for_each(|second| drive.write_back(second * SECOND));
        drive.power_loss();
        assert_eq!(drive.len("/d/log"), Ok(4), "the kernel had written it back");
        assert!(!drive.is_cached("/d/log"));
        drive.warm("/d/log");
        assert!(drive.is_cached("/d/log"));
    }
}
