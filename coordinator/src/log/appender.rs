//! The writing side of the transaction log.
//!
//! ```text
//!            first append              more than snapCount/2 + chance entries
//!  no file ───────────────► file open ─────────────────────────────────────► roll due
//!     ▲                                                                          │
//!     └──────────────── everything in the old file is synced ◄───────────────────┘
//! ```
//! At most one sync is under way; the next covers all that was appended meanwhile (group commit). A new file is begun only
//! when the old one is on disk to its end: otherwise a power loss could keep the later transactions and lose the earlier.
//! A log is never opened again for appending, so a torn end stays an end.

use std::sync::Arc;

use machine::{Context, Input, Ticket};

use super::StorageEvent;
use super::entries::{self, HEADER};
use super::files::Places;
use super::work::{OrPause, Pause, Stop, Wait, gone};
use crate::id::Zxid;
use crate::note::ServerNote;
use crate::txn::Record;

/// When a transaction counts as synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    /// When the disk said so.
    OnDisk,
    /// As soon as it is written; the disk is asked all the same (a planted defect).
    WhenWritten,
    /// As soon as it is written, and the disk is never asked: `forceSync=no`.
    NeverSynced,
}

/// How far a log file has come into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Birth {
    /// What had its name before must go.
    Clear,
    /// It is to be made, empty.
    Make,
    /// It lacks its header.
    Header,
    /// It takes entries.
    Open,
}

#[derive(Clone, Debug)]
struct LogFile {
    path: Arc<str>,
    birth: Birth,
    end: u64,
}

/// A sync under way, and the last transaction it covers.
#[derive(Clone, Copy, Debug)]
struct Sync {
    ticket: Ticket,
    upto: Zxid,
}

#[derive(Clone, Debug)]
pub(super) struct Appender {
    places: Places,
    promise: Promise,
    snap_count: u64,
    file: Option<LogFile>,
    blocked: Option<Ticket>,
    sync: Option<Sync>,
    logged: Zxid,
    /// What events have told to be synced.
    told: Zxid,
    /// Entries since the last roll.
    entries: u64,
    /// Whether entries were written that no sync covers.
    uncovered: bool,
    /// Whether entries were written that no event has told of.
    untold: bool,
    roll_after: Option<u64>,
    roll_due: bool,
    failed: bool,
}

impl Appender {
    pub fn new(places: Places, promise: Promise, snap_count: u64) -> Self {
        Self {
            places,
            promise,
            snap_count,
            file: None,
            blocked: None,
            sync: None,
            logged: Zxid::ZERO,
            told: Zxid::ZERO,
            entries: 0,
            uncovered: false,
            untold: false,
            roll_after: None,
            roll_due: false,
            failed: false,
        }
    }

    /// The last transaction in the file (page cache).
    pub fn logged(&self) -> Zxid {
        self.logged
    }

    /// The last transaction told to be synced.
    pub fn synced(&self) -> Zxid {
        self.told
    }

    /// Whether the disk said no: nothing more is appended until the log has been read again (a later transaction must not
    /// be logged without the earlier, ZOOKEEPER-4882).
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// Whether a call must be done again, or a sync is under way.
    pub fn busy(&self) -> bool {
        self.blocked.is_some() || self.sync.is_some()
    }

    /// Whether an append would have to wait.
    pub fn must_wait(&self) -> bool {
        self.blocked.is_some() || self.failed
    }

    /// Everything up to `last` is in the log or the snapshot; the next append begins a new file.
    pub fn begin_after(&mut self, last: Zxid) {
        *self = Self::new(self.places.clone(), self.promise, self.snap_count);
        (self.logged, self.told) = (last, last);
    }

    /// Appends one record if the disk lets it: `Ok(false)` if it must wait. `Ok(true)` says it is in the page cache.
    pub fn append(
        &mut self,
        record: &Record,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<bool, Stop> {
        match self.try_append(record, cx) {
            Ok(written) => Ok(written),
            Err(Pause::Wait(Wait::Blocked(ticket))) => {
                self.blocked = Some(ticket);
                Ok(false)
            }
            Err(Pause::Wait(_)) => Ok(false),
            Err(Pause::Stop(stop)) => {
                self.fail();
                Err(stop)
            }
        }
    }

    fn try_append(
        &mut self,
        record: &Record,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<bool, Pause> {
        if self.roll_due {
            if self.promise != Promise::NeverSynced && (self.uncovered || self.sync.is_some()) {
                return Ok(false);
            }
            self.file = None;
            self.roll_due = false;
        }
        let zxid = record.header.zxid;
        let places = &self.places;
        let file = self.file.get_or_insert_with(|| LogFile {
            path: places.log(zxid).into(),
            birth: Birth::Clear,
            end: 0,
        });
        file.open(cx)?;
        let entry = entries::entry(&record.bytes);
        cx.disk().append(&file.path, &entry).or_pause("writing the transaction log")?;
        file.end += entry.len() as u64;
        // A transaction that was logged before is logged again, as ZooKeeper does; recovery passes over the second.
        self.logged = self.logged.max(zxid);
        self.uncovered = true;
        self.untold = true;
        self.entries += 1;
        let digest = record.digest;
        cx.note(ServerNote::Logged { zxid, digest, file: file.path.clone(), end: file.end });
        Ok(true)
    }

    /// Whether the last append filled the file: the next begins a new one, and a snapshot is due.
    pub fn filled(&mut self, cx: &mut Context<'_, ServerNote>) -> bool {
        let half = (self.snap_count / 2).max(1);
        let more = *self.roll_after.get_or_insert_with(|| cx.chance("snap-count").below(half));
        if self.entries <= half.saturating_add(more) {
            return false;
        }
        self.entries = 0;
        self.roll_after = None;
        self.roll_due = true;
        true
    }

    /// Asks for a sync if something is not covered by one, and tells what may be told.
    pub fn settle(&mut self, cx: &mut Context<'_, ServerNote>, events: &mut Vec<StorageEvent>) {
        if self.failed {
            return;
        }
        if self.promise != Promise::OnDisk && std::mem::take(&mut self.untold) {
            self.tell(self.logged, events);
        }
        let due = self.uncovered && self.sync.is_none() && self.promise != Promise::NeverSynced;
        if let (true, Some(file)) = (due, &self.file) {
            self.sync = Some(Sync { ticket: cx.disk().sync(&file.path), upto: self.logged });
            self.uncovered = false;
        }
    }

    /// Takes the answers it waits for.
    pub fn handle(
        &mut self,
        input: &Input,
        cx: &mut Context<'_, ServerNote>,
        events: &mut Vec<StorageEvent>,
    ) -> Result<(), Stop> {
        match (input, self.sync) {
            (Input::Ready { ticket }, _) if self.blocked == Some(*ticket) => self.blocked = None,
            (Input::Synced { ticket, result }, Some(sync)) if sync.ticket == *ticket => {
                let upto = sync.upto;
                self.sync = None;
                if let Err(error) = result {
                    self.fail();
                    return Err(Stop::Failed("syncing the transaction log", *error));
                }
                cx.note(ServerNote::Synced { upto });
                if self.promise == Promise::OnDisk {
                    self.tell(upto, events);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn tell(&mut self, upto: Zxid, events: &mut Vec<StorageEvent>) {
        self.told = self.told.max(upto);
        events.push(StorageEvent::Synced { upto });
    }

    fn fail(&mut self) {
        self.failed = true;
        self.blocked = None;
        self.sync = None;
    }
}

impl LogFile {
    /// Makes the file as ZooKeeper does: empty, then the header. A full disk in between leaves an empty file, which old
    /// versions cannot start with (ZOOKEEPER-1621).
    fn open(&mut self, cx: &mut Context<'_, ServerNote>) -> Result<(), Pause> {
        let what = "creating a transaction log";
        if self.birth == Birth::Clear {
            // Recovery found no transaction in it, or it would not be needed again: a torn first entry.
            gone(cx.disk().remove(&self.path)).or_pause(what)?;
            self.birth = Birth::Make;
        }
        if self.birth == Birth::Make {
            cx.disk().append(&self.path, &[]).or_pause(what)?;
            self.birth = Birth::Header;
        }
        if self.birth == Birth::Header {
            cx.disk().append(&self.path, &entries::header()).or_pause(what)?;
            self.end = HEADER as u64;
            self.birth = Birth::Open;
        }
        Ok(())
    }
}
