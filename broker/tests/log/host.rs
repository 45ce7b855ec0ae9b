//! A host with a disk that blocks when it likes, answers syncs when it likes, and can lose its power.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use machine::{
    Chance, ChanceKey, Conn, Context, Disk, DiskError, Host, Input, Instant, ListenError, Ticket,
    WallTime,
};

/// What the disk still owes an answer for.
#[derive(Clone, Debug)]
enum Owed {
    Ready,
    File(String, Vec<u8>),
    Directory,
}

/// The page cache, what is below it, and what is under way.
#[derive(Clone)]
pub struct Plates {
    pub cached: BTreeMap<String, Vec<u8>>,
    pub durable: BTreeMap<String, Vec<u8>>,
    directories: BTreeSet<String>,
    synced: BTreeMap<String, u64>,
    owed: Vec<(Ticket, Owed)>,
    tickets: u64,
    chance: Chance,
    /// Calls that block, of 100.
    pub blocks: u64,
    /// What every call answers that writes, and every sync.
    pub fails: Option<DiskError>,
}

impl Plates {
    pub fn new(seed: u64, blocks: u64) -> Self {
        let key = ChanceKey { part: 0, purpose: "disk" };
        Self {
            cached: BTreeMap::new(),
            durable: BTreeMap::new(),
            directories: BTreeSet::new(),
            synced: BTreeMap::new(),
            owed: Vec::new(),
            tickets: 0,
            chance: Chance::stream(seed, "plates", 0, key),
            blocks,
            fails: None,
        }
    }

    fn owe(&mut self, owed: Owed) -> Ticket {
        self.tickets += 1;
        self.owed.push((Ticket(self.tickets), owed));
        Ticket(self.tickets)
    }

    fn may_block(&mut self) -> Result<(), DiskError> {
        if self.chance.below(100) < self.blocks {
            return Err(DiskError::WouldBlock(self.owe(Owed::Ready)));
        }
        Ok(())
    }

    fn may_write(&mut self) -> Result<(), DiskError> {
        self.may_block()?;
        self.fails.map_or(Ok(()), Err)
    }

    /// One answer the disk owes, any of them.
    pub fn answer(&mut self) -> Option<Input> {
        if self.owed.is_empty() {
            return None;
        }
        let index = self.chance.below(self.owed.len() as u64) as usize;
        let (ticket, owed) = self.owed.remove(index);
        Some(match (owed, self.fails) {
            (Owed::Ready, _) => Input::Ready { ticket },
            (_, Some(error)) => Input::Synced { ticket, result: Err(error) },
            (Owed::File(path, bytes), None) => {
                // A sync that was asked for earlier takes nothing back.
                let newest = self.synced.entry(path.clone()).or_default();
                if *newest < ticket.0 && self.cached.contains_key(&path) {
                    *newest = ticket.0;
                    self.durable.insert(path, bytes);
                }
                Input::Synced { ticket, result: Ok(()) }
            }
            (Owed::Directory, None) => Input::Synced { ticket, result: Ok(()) },
        })
    }

    /// The process dies; its tickets with it. Syncs under way go on.
    pub fn kill(&mut self) {
        while self.answer().is_some() {}
    }

    /// The power goes: what was synced stays, of the rest whatever chance leaves.
    pub fn lose_power(&mut self) {
        self.owed.clear();
        let mut left = BTreeMap::new();
        let cached = std::mem::take(&mut self.cached);
        let below = std::mem::take(&mut self.durable);
        for (path, now) in &cached {
            let durable = below.get(path).cloned().unwrap_or_default();
            let after = if now.starts_with(&durable) {
                let kept = self.torn(&now[durable.len()..]);
                [&durable[..], &kept].concat()
            } else if self.chance.one_in(1, 2) {
                now.clone()
            } else {
                durable
            };
            if below.contains_key(path) || !after.is_empty() || self.chance.one_in(1, 2) {
                left.insert(path.clone(), after);
            }
        }
        self.cached = left.clone();
        self.durable = left;
    }

    /// A prefix, sometimes with zeros for what did not come.
    fn torn(&mut self, bytes: &[u8]) -> Vec<u8> {
        let kept = self.chance.below(bytes.len() as u64 + 1) as usize;
        let mut left = bytes[..kept].to_vec();
        if self.chance.one_in(1, 3) {
            left.resize(bytes.len(), 0);
        }
        left
    }
}

impl Disk for Plates {
    fn create_dir(&mut self, path: &str) -> Result<(), DiskError> {
        self.may_write()?;
        self.directories.insert(path.to_owned());
        Ok(())
    }
    fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError> {
        self.may_block()?;
        let prefix = format!("{path}/");
        let all = self.cached.keys().chain(&self.directories);
        let below = all.filter_map(|it| it.strip_prefix(&prefix));
        let names: BTreeSet<&str> =
            below.map(|it| it.split_once('/').map_or(it, |it| it.0)).collect();
        if names.is_empty() && !self.directories.contains(path) {
            return Err(DiskError::NotFound);
        }
        Ok(names.into_iter().map(str::to_owned).collect())
    }
    fn len(&mut self, path: &str) -> Result<u64, DiskError> {
        self.may_block()?;
        self.cached.get(path).map(|bytes| bytes.len() as u64).ok_or(DiskError::NotFound)
    }
    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.may_write()?;
        self.cached.entry(path.to_owned()).or_default().extend_from_slice(bytes);
        Ok(())
    }
    fn write(&mut self, _path: &str, _offset: u64, _bytes: &[u8]) -> Result<(), DiskError> {
        unreachable!("a log only appends")
    }
    fn read(&mut self, path: &str, offset: u64, length: usize) -> Result<Bytes, DiskError> {
        self.may_block()?;
        let file = self.cached.get(path).ok_or(DiskError::NotFound)?;
        let start = (offset as usize).min(file.len());
        Ok(Bytes::copy_from_slice(&file[start..(start + length).min(file.len())]))
    }
    fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError> {
        self.may_write()?;
        self.cached.get_mut(path).ok_or(DiskError::NotFound)?.truncate(length as usize);
        Ok(())
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.may_write()?;
        let bytes = self.cached.remove(from).ok_or(DiskError::NotFound)?;
        self.cached.insert(to.to_owned(), bytes);
        // Names are durable at once here, and a sync under way is of the file, whatever it is called.
        self.durable.remove(to);
        if let Some(bytes) = self.durable.remove(from) {
            self.durable.insert(to.to_owned(), bytes);
        }
        let newest = self.synced.remove(from);
        self.synced.extend(newest.map(|newest| (to.to_owned(), newest)));
        for (_, owed) in &mut self.owed {
            if let Owed::File(path, _) = owed
                && path == from
            {
                *path = to.to_owned();
            }
        }
        Ok(())
    }
    fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        self.may_write()?;
        self.durable.remove(path);
        self.cached.remove(path).map(drop).ok_or(DiskError::NotFound)
    }
    fn sync(&mut self, path: &str) -> Ticket {
        let bytes = self.cached.get(path).cloned().unwrap_or_default();
        self.owe(Owed::File(path.to_owned(), bytes))
    }
    fn sync_dir(&mut self, _path: &str) -> Ticket {
        self.owe(Owed::Directory)
    }
}

/// Time, chance and the disk; a log has no use for more.
pub struct Home {
    pub plates: Plates,
    pub now: Instant,
    chances: BTreeMap<ChanceKey, Chance>,
}

impl Home {
    pub fn new(seed: u64, blocks: u64) -> Self {
        Self { plates: Plates::new(seed, blocks), now: Instant::ZERO, chances: BTreeMap::new() }
    }

    /// Lets a part play; the notes it said.
    pub fn play<N, R>(&mut self, play: impl FnOnce(&mut Context<'_, N>) -> R) -> (R, Vec<N>) {
        let mut notes = Vec::new();
        let mut say = |note| notes.push(note);
        let result = play(&mut Context::new(self, &mut say));
        (result, notes)
    }
}

/// The wall time at which the monotonic clock was zero, in ms.
pub const EPOCH_MS: i64 = 1_795_212_500_000;

impl Host for Home {
    fn now(&self) -> Instant {
        self.now
    }
    fn wall(&self) -> WallTime {
        WallTime::from_micros(EPOCH_MS as u64 * 1_000 + self.now.as_micros())
    }
    fn chance(&mut self, key: ChanceKey) -> &mut Chance {
        self.chances.entry(key).or_insert_with(|| Chance::stream(1, "home", 0, key))
    }
    fn disk(&mut self) -> &mut dyn Disk {
        &mut self.plates
    }
    fn listen(&mut self, _listener: &'static str, _address: &str) -> Result<(), ListenError> {
        unreachable!("a log does not listen")
    }
    fn unlisten(&mut self, _listener: &'static str) {}
    fn dial(&mut self, _address: &str) -> Conn {
        unreachable!("a log does not dial")
    }
    fn send(&mut self, _conn: Conn, _bytes: Bytes) {}
    fn queued(&self, _conn: Conn) -> usize {
        0
    }
    fn close(&mut self, _conn: Conn) {}
    fn abort(&mut self, _conn: Conn) {}
    fn exit(&mut self, _code: i32, _why: &str) {}
}
