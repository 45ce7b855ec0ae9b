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
//! What nobody syncs the kernel writes back by itself once it is [`DIRTY_EXPIRE`] old, looking every
//! [`WRITE_BACK_INTERVAL`] (Linux: `dirty_expire_centisecs`, `dirty_writeback_centisecs`).
//!
//! Not here: when a sync ends ([`sync`]), and how a machine reaches it ([`super::door`]).

mod content;
mod file;
mod names;
mod sync;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use machine::{Chance, ChanceKey, DiskError, Duration, Ticket};

use self::file::File;
use self::names::{NameOp, Names};
use self::sync::Request;
use super::fault::DiskFault;
use super::queue::Cause;

/// A file, whatever its name.
type FileId = u64;

/// How old a change must be before the kernel writes it back by itself.
const DIRTY_EXPIRE: Duration = Duration::from_secs(30);
/// How often the kernel looks for such changes.
const WRITE_BACK_INTERVAL: Duration = Duration::from_secs(5);

/// The disk of one node. It outlives the node's processes.
pub(crate) struct Drive {
    files: BTreeMap<FileId, File>,
    names: Names,
    /// Counts changes; a sync covers those up to the number at which it was asked.
    number: u64,
    next_file: FileId,
    /// The kernel's last look for old changes, and the number of changes there had been by the end
    /// of earlier ones.
    look: u64,
    dirty: VecDeque<(u64, u64)>,
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
            names: Names::default(),
            number: 0,
            next_file: 0,
            look: 0,
            dirty: VecDeque::new(),
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

    fn file(&mut self, path: &str) -> Result<(Arc<str>, &mut File), DiskError> {
        let (path, id) = self.names.find(path).ok_or(DiskError::NotFound)?;
        Ok((path, self.files.get_mut(&id).expect("every name has its file")))
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
            }
        }
    }

    /// The kernel looks for old dirty pages; called with the time of every use. A device that
    /// fails, hangs or lies gets nothing out of it.
    pub(crate) fn write_back(&mut self, now_micros: u64) {
        let look = now_micros / WRITE_BACK_INTERVAL.as_micros();
        if look == self.look {
            return;
        }
        self.dirty.push_back((self.look, self.number));
        self.look = look;
        if self.stalled || self.fail_writes || self.fail_syncs || self.lying {
            return;
        }
        let old = |made: u64| {
            let waited = WRITE_BACK_INTERVAL.as_micros() * look.saturating_sub(made + 1);
            waited >= DIRTY_EXPIRE.as_micros()
        };
        let mut covers = None;
        while self.dirty.front().is_some_and(|(made, _)| old(*made)) {
            covers = self.dirty.pop_front().map(|(_, number)| number);
        }
        let Some(covers) = covers else { return };
        for file in self.files.values_mut() {
            file.commit(covers);
        }
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
}

/// What machines do. Paths come back as the disk keeps them.
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

    pub(crate) fn len(&self, path: &str) -> Result<u64, DiskError> {
        let (_, id) = self.names.find(path).ok_or(DiskError::NotFound)?;
        Ok(self.files[&id].len())
    }

    /// Returns the path and the length before.
    pub(crate) fn append(
        &mut self,
        path: &str,
        bytes: &[u8],
    ) -> Result<(Arc<str>, u64), DiskError> {
        self.writable()?;
        let (path, id) = match self.names.find(path) {
            Some(found) => {
                self.grow(bytes.len() as u64)?;
                found
            }
            None if !self.names.has_dir(names::directory(path)) => return Err(DiskError::NotFound),
            None => {
                self.grow(bytes.len() as u64)?;
                self.next_file += 1;
                let (file, number, path) = (self.next_file, self.change(), Arc::<str>::from(path));
                self.files.insert(file, File::default());
                self.names.change(number, NameOp::Create { path: Arc::clone(&path), file });
                (path, file)
            }
        };
        let number = self.change();
        let file = self.files.get_mut(&id).expect("every name has its file");
        let before = file.len();
        file.append(number, bytes);
        Ok((path, before))
    }

    pub(crate) fn write(
        &mut self,
        path: &str,
        offset: u64,
        bytes: &[u8],
    ) -> Result<Arc<str>, DiskError> {
        self.writable()?;
        let len = self.len(path)?;
        if offset > len {
            return Err(DiskError::Io);
        }
        self.grow((offset + bytes.len() as u64).saturating_sub(len))?;
        let number = self.change();
        let (path, file) = self.file(path)?;
        file.write(number, offset as usize, bytes);
        Ok(path)
    }

    pub(crate) fn read(&self, path: &str, offset: u64, length: usize) -> Result<Bytes, DiskError> {
        let (_, id) = self.names.find(path).ok_or(DiskError::NotFound)?;
        Ok(self.files[&id].read(offset, length))
    }

    /// Returns the path and the length after.
    pub(crate) fn truncate(
        &mut self,
        path: &str,
        length: u64,
    ) -> Result<(Arc<str>, u64), DiskError> {
        self.writable()?;
        let number = self.change();
        let (path, file) = self.file(path)?;
        let cut = file.len().saturating_sub(length);
        if cut > 0 {
            file.truncate(number, length as usize);
        }
        let len = file.len();
        self.shrink(cut);
        Ok((path, len))
    }

    pub(crate) fn rename(
        &mut self,
        from: &str,
        to: &str,
    ) -> Result<(Arc<str>, Arc<str>), DiskError> {
        self.writable()?;
        let (from, file) = self.names.find(from).ok_or(DiskError::NotFound)?;
        if !self.names.has_dir(names::directory(to)) {
            return Err(DiskError::NotFound);
        }
        let to: Arc<str> = to.into();
        if from != to {
            let replaced = self.len(&to).unwrap_or(0);
            self.shrink(replaced);
            let number = self.change();
            let op = NameOp::Rename { from: Arc::clone(&from), to: Arc::clone(&to), file };
            self.names.change(number, op);
        }
        Ok((from, to))
    }

    pub(crate) fn remove(&mut self, path: &str) -> Result<Arc<str>, DiskError> {
        self.writable()?;
        let (path, file) = self.names.find(path).ok_or(DiskError::NotFound)?;
        self.shrink(self.files[&file].len());
        let number = self.change();
        self.names.change(number, NameOp::Remove { path: Arc::clone(&path), file });
        Ok(path)
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
            file.power_loss(self.torn_tail, &mut self.damage);
        }
        self.requests.clear();
        self.blocked.clear();
        self.dirty.clear();
    }

    /// A new disk.
    pub(crate) fn wipe(&mut self) {
        self.files.clear();
        self.names = Names::default();
        self.requests.clear();
    }

    /// How much of the beginning of this file, as it is now, power loss would surely leave.
    pub(crate) fn durable_len(&self, path: &str) -> Option<u64> {
        let (path, id) = self.names.find(path)?;
        self.names.surely(&path, id).then(|| self.files[&id].sure_len())
    }

    /// All files with their lengths, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.names.files().map(|(path, id)| (path, self.files[&id].len()))
    }
}
