//! Cutting the log back to a transaction, as a leader's TRUNC asks for.
//!
//! ```text
//!  newer snapshots removed ─► directory synced ─► later logs removed, newest first ─► directory synced
//!      ─► the first later transaction found ─► file cut there ─► file synced ─► done
//! ```
//! The order is chosen so that a crash in the middle leaves a history that once was, without a hole: the log is shortened
//! from its end, and the snapshot goes before the transactions it contains. Whether newer snapshots go at all is
//! [`Truncation`]: all released versions leave them, and with them what was cut off (ZOOKEEPER-4837).

use machine::Context;

use super::entries::{Damage, Entries, Found};
use super::files::{self, Places, SLICE};
use super::work::{OrPause, Pause, Wait, gone};
use crate::id::Zxid;
use crate::mechanism::Truncation;
use crate::note::ServerNote;

pub(super) struct Cut {
    places: Places,
    to: Zxid,
    mechanism: Truncation,
    stage: Stage,
    removed: bool,
}

enum Stage {
    Snapshots,
    SyncSnapshots,
    Logs,
    SyncLogs,
    Last,
    Find(Zxid, Box<Entries>),
    Shorten(Zxid, u64),
    SyncLast(Zxid),
    Done,
}

impl Cut {
    pub fn new(places: Places, to: Zxid, mechanism: Truncation) -> Self {
        Self { places, to, mechanism, stage: Stage::Snapshots, removed: false }
    }

    /// The last transaction to keep.
    pub fn to(&self) -> Zxid {
        self.to
    }

    /// Goes on until a slice is done, the disk is to be waited for, or nothing after the transaction is left.
    pub fn go(&mut self, cx: &mut Context<'_, ServerNote>) -> Result<(), Pause> {
        loop {
            match &mut self.stage {
                Stage::Snapshots => {
                    match self.mechanism {
                        Truncation::KeepsNewerSnapshots => {}
                        Truncation::DiscardsNewerSnapshots => self.remove_snapshots(cx)?,
                    }
                    self.stage = Stage::SyncSnapshots;
                }
                Stage::SyncSnapshots => {
                    self.stage = Stage::Logs;
                    let directory = self.places.snapshots.clone();
                    self.sync_directory(&directory, cx)?;
                }
                Stage::Logs => {
                    self.remove_logs(cx)?;
                    self.stage = Stage::SyncLogs;
                }
                Stage::SyncLogs => {
                    self.stage = Stage::Last;
                    let directory = self.places.logs.clone();
                    self.sync_directory(&directory, cx)?;
                }
                Stage::Last => {
                    self.stage = match self.log_files(cx)?.pop() {
                        Some(last) => Stage::Find(last, Box::default()),
                        None => Stage::Done,
                    };
                }
                Stage::Find(..) => self.find(cx)?,
                Stage::Shorten(log, end) => {
                    let (log, end) = (*log, *end);
                    let path = self.places.log(log);
                    cx.disk().truncate(&path, end).or_pause("cutting the log")?;
                    self.stage = Stage::SyncLast(log);
                }
                Stage::SyncLast(log) => {
                    let ticket = cx.disk().sync(&self.places.log(*log));
                    self.stage = Stage::Done;
                    return Err(Pause::Wait(Wait::Sync(ticket, "syncing the cut log")));
                }
                Stage::Done => return Ok(()),
            }
        }
    }

    fn remove_snapshots(&mut self, cx: &mut Context<'_, ServerNote>) -> Result<(), Pause> {
        let names = cx.disk().list(&self.places.snapshots).or_pause("looking for snapshots")?;
        for zxid in files::snapshots(&names).into_iter().rev().take_while(|zxid| *zxid > self.to) {
            let path = self.places.snapshot(zxid);
            gone(cx.disk().remove(&path)).or_pause("removing a newer snapshot")?;
            self.removed = true;
        }
        Ok(())
    }

    fn remove_logs(&mut self, cx: &mut Context<'_, ServerNote>) -> Result<(), Pause> {
        for first in self.log_files(cx)?.into_iter().rev().take_while(|first| *first > self.to) {
            gone(cx.disk().remove(&self.places.log(first))).or_pause("removing a later log")?;
            self.removed = true;
        }
        Ok(())
    }

    fn log_files(&self, cx: &mut Context<'_, ServerNote>) -> Result<Vec<Zxid>, Pause> {
        let names = cx.disk().list(&self.places.logs).or_pause("looking for logs")?;
        Ok(files::logs(&names))
    }

    /// Makes removals durable, if there were any.
    fn sync_directory(
        &mut self,
        directory: &str,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), Pause> {
        if !std::mem::take(&mut self.removed) {
            return Ok(());
        }
        let ticket = cx.disk().sync_dir(directory);
        Err(Pause::Wait(Wait::Sync(ticket, "syncing the log directory")))
    }

    fn find(&mut self, cx: &mut Context<'_, ServerNote>) -> Result<(), Pause> {
        let Stage::Find(log, entries) = &mut self.stage else { return Ok(()) };
        let log = *log;
        let path = self.places.log(log);
        entries.push(&cx.disk().read(&path, entries.offset(), SLICE).or_pause("reading a log")?);
        loop {
            match entries.next() {
                Ok(Found::More) => return Err(Pause::SLICE),
                Ok(Found::End) | Err(Damage::ShortHeader) => break self.stage = Stage::Done,
                Ok(Found::Payload(offset, payload)) => {
                    if zxid_of(&payload) > self.to {
                        break self.stage = Stage::Shorten(log, offset);
                    }
                }
                Err(damage) => {
                    return Err(Pause::unreadable(format!("{path}: {}", damage.what())));
                }
            }
        }
        Ok(())
    }
}

/// The zxid in a transaction header: behind the session (8 bytes) and its number of the request (4).
fn zxid_of(payload: &[u8]) -> Zxid {
    let zxid = payload.get(12..20).and_then(|bytes| bytes.try_into().ok());
    Zxid(zxid.map_or(0, u64::from_be_bytes))
}
