//! Reading back what a server had: the newest snapshot that can be read, the log behind it, the epoch files.
//!
//! ```text
//!  Directories ─► Snapshots ─► CheckTail ─► ReadSnapshot ─► Logs ─► ReadLog ─► Sync… ─► Epochs ─► done
//!                     ▲            │ not valid  │ unreadable          │  ▲
//!                     └────────────┴────────────┘                     └──┘ next file
//! ```
//! Forgiven is what a power loss explains: a snapshot or a log without its end. Anything else is a reason not to start.
//! What was read is synced before it is told: a server that was only killed may stand on bytes no disk has yet, and would
//! otherwise vote with a history that a later power loss takes away.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use machine::Context;

use super::entries::{Damage, Entries, Found};
use super::files::{self, Places, SLICE};
use super::snapshot::{self, Progress, SnapshotReader};
use super::work::{OrPause, Pause, Wait, gone};
use super::{Recovered, epochs};
use crate::id::{Epoch, Zxid};
use crate::mechanism::{EmptyLog, EpochFile, Mechanisms, MissingSnapshot, Mutant};
use crate::note::ServerNote;
use crate::tree::DataTree;
use crate::txn::Record;

/// How many of the newest transactions a leader keeps to bring followers up to date (`commitLogCount`).
const COMMITTED_LOG: usize = 500;
/// How many snapshots are tried before giving up.
const SNAPSHOTS_TRIED: usize = 100;

type Cx<'a> = Context<'a, ServerNote>;

/// What recovery leaves: the state, and all that was replayed for [`ServerNote::Recovered`].
pub(super) struct Outcome {
    pub recovered: Recovered,
    pub replayed: Vec<(Zxid, u64)>,
}

pub(super) struct Recovery {
    places: Places,
    force_sync: bool,
    epoch_file: EpochFile,
    empty_log: EmptyLog,
    missing_snapshot: MissingSnapshot,
    keep_ephemerals: bool,
    stage: Stage,
    /// Snapshots not tried yet, the newest last.
    snapshots: Vec<Zxid>,
    /// One that looked whole and could not be read, and why.
    unreadable: Option<String>,
    base: Option<Zxid>,
    tree: DataTree,
    /// Logs not read yet, the oldest first.
    logs: VecDeque<Zxid>,
    /// The last log that was read.
    last_log: Option<Zxid>,
    replayed: Vec<(Zxid, u64)>,
    history: VecDeque<Arc<Record>>,
    last: Zxid,
}

enum Stage {
    Directories,
    Snapshots,
    CheckTail(Zxid),
    ReadSnapshot(Zxid, Box<SnapshotReader>),
    Logs,
    NextLog,
    ReadLog(Zxid, Box<Entries>),
    RemoveEmpty(Zxid),
    SyncSnapshot,
    SyncLog,
    SyncNames,
    Epochs,
    Done,
}

impl Recovery {
    pub fn new(places: Places, force_sync: bool, mechanisms: &Mechanisms) -> Self {
        Self {
            places,
            force_sync,
            epoch_file: mechanisms.epoch_file,
            empty_log: mechanisms.empty_log,
            missing_snapshot: mechanisms.missing_snapshot,
            keep_ephemerals: mechanisms.has(Mutant::KeepsEphemerals),
            stage: Stage::Directories,
            snapshots: Vec::new(),
            unreadable: None,
            base: None,
            tree: DataTree::new(),
            logs: VecDeque::new(),
            last_log: None,
            replayed: Vec::new(),
            history: VecDeque::new(),
            last: Zxid::ZERO,
        }
    }

    /// Goes on until a slice is done, the disk is to be waited for, or everything is read.
    pub fn go(&mut self, cx: &mut Cx<'_>) -> Result<Outcome, Pause> {
        loop {
            match &mut self.stage {
                Stage::Directories => self.make_directories(cx)?,
                Stage::Snapshots => self.list_snapshots(cx)?,
                Stage::CheckTail(zxid) => {
                    let zxid = *zxid;
                    self.check_tail(zxid, cx)?;
                }
                Stage::ReadSnapshot(..) => self.read_snapshot(cx)?,
                Stage::Logs => self.list_logs(cx)?,
                Stage::NextLog => {
                    self.stage = match self.logs.pop_front() {
                        Some(first) => Stage::ReadLog(first, Box::default()),
                        None => Stage::SyncSnapshot,
                    };
                }
                Stage::ReadLog(..) => self.read_log(cx)?,
                Stage::RemoveEmpty(first) => {
                    let path = self.places.log(*first);
                    gone(cx.disk().remove(&path)).or_pause("removing an empty log")?;
                    self.stage = Stage::NextLog;
                }
                Stage::SyncSnapshot => {
                    self.stage = Stage::SyncLog;
                    self.sync(self.base.map(|zxid| self.places.snapshot(zxid)), cx)?;
                }
                Stage::SyncLog => {
                    self.stage = Stage::SyncNames;
                    self.sync(self.last_log.map(|first| self.places.log(first)), cx)?;
                }
                Stage::SyncNames => {
                    self.stage = Stage::Epochs;
                    self.sync_names(cx)?;
                }
                Stage::Epochs => return self.finish(cx),
                Stage::Done => unreachable!("a recovery is dropped when it has ended"),
            }
        }
    }

    fn make_directories(&mut self, cx: &mut Cx<'_>) -> Result<(), Pause> {
        cx.disk().create_dir(&self.places.snapshots).or_pause("making the data directory")?;
        cx.disk().create_dir(&self.places.logs).or_pause("making the log directory")?;
        self.stage = Stage::Snapshots;
        Ok(())
    }

    fn list_snapshots(&mut self, cx: &mut Cx<'_>) -> Result<(), Pause> {
        let names = cx.disk().list(&self.places.snapshots).or_pause("looking for snapshots")?;
        self.snapshots = files::snapshots(&names);
        let untried = self.snapshots.len().saturating_sub(SNAPSHOTS_TRIED);
        self.snapshots.drain(..untried);
        self.next_snapshot()
    }

    fn next_snapshot(&mut self) -> Result<(), Pause> {
        self.stage = match (self.snapshots.pop(), self.unreadable.take()) {
            (Some(zxid), unreadable) => {
                self.unreadable = unreadable;
                Stage::CheckTail(zxid)
            }
            (None, Some(why)) => {
                return Err(Pause::unreadable(format!("no snapshot can be read: {why}")));
            }
            (None, None) => Stage::Logs,
        };
        Ok(())
    }

    /// A snapshot without its last bytes was being written when its server died: it does not count as one.
    fn check_tail(&mut self, zxid: Zxid, cx: &mut Cx<'_>) -> Result<(), Pause> {
        let path = self.places.snapshot(zxid);
        match snapshot::length_if_whole(&path, cx) {
            Ok(Some(length)) => {
                let reader = Box::new(SnapshotReader::new(zxid, length));
                self.stage = Stage::ReadSnapshot(zxid, reader);
                Ok(())
            }
            Ok(None) => self.next_snapshot(),
            Err(pause) => self.skip(pause, &path),
        }
    }

    fn read_snapshot(&mut self, cx: &mut Cx<'_>) -> Result<(), Pause> {
        let Stage::ReadSnapshot(zxid, reader) = &mut self.stage else { return Ok(()) };
        let zxid = *zxid;
        let path = self.places.snapshot(zxid);
        let piece = match cx.disk().read(&path, reader.offset(), SLICE).or_pause("a snapshot") {
            Ok(piece) => piece,
            Err(pause) => return self.skip(pause, &path),
        };
        match reader.push(&piece) {
            Ok(Progress::More) if piece.is_empty() => {
                self.skip(Pause::unreadable("it is too short"), &path)
            }
            Ok(Progress::More) => Err(Pause::SLICE),
            Ok(Progress::Unfinished) => self.next_snapshot(),
            Ok(Progress::Whole(tree)) => {
                (self.base, self.last, self.tree) = (Some(zxid), zxid, tree);
                self.stage = Stage::Logs;
                Err(Pause::SLICE)
            }
            Err(malformed) => self.skip(Pause::unreadable(malformed.to_string()), &path),
        }
    }

    /// A snapshot that looks whole and cannot be read is passed over for an older one.
    fn skip(&mut self, pause: Pause, path: &str) -> Result<(), Pause> {
        use super::work::Stop;
        let why = match pause {
            Pause::Wait(_) => return Err(pause),
            Pause::Stop(Stop::Failed(_, error)) => format!("{path}: {error:?}"),
            Pause::Stop(Stop::Unreadable(why)) => format!("{path}: {why}"),
        };
        self.unreadable.get_or_insert(why);
        self.next_snapshot()
    }

    fn list_logs(&mut self, cx: &mut Cx<'_>) -> Result<(), Pause> {
        let names = cx.disk().list(&self.places.logs).or_pause("looking for logs")?;
        let mut logs = files::logs(&names);
        if let (None, Some(first)) = (self.base, logs.first()) {
            may_start_without_snapshot(self.missing_snapshot, *first)?;
        }
        // Replay begins in the file that holds, or would hold, the transaction after the snapshot.
        let next = Zxid(self.last.0.saturating_add(1));
        let before = logs.partition_point(|first| *first <= next).saturating_sub(1);
        self.logs = logs.split_off(before).into();
        self.stage = Stage::NextLog;
        Ok(())
    }

    fn read_log(&mut self, cx: &mut Cx<'_>) -> Result<(), Pause> {
        let Stage::ReadLog(first, entries) = &mut self.stage else { return Ok(()) };
        let first = *first;
        let path = self.places.log(first);
        let piece = cx.disk().read(&path, entries.offset(), SLICE).or_pause("reading a log")?;
        entries.push(&piece);
        loop {
            let Stage::ReadLog(_, entries) = &mut self.stage else { return Ok(()) };
            match entries.next() {
                Ok(Found::More) => return Err(Pause::SLICE),
                Ok(Found::End) => {
                    self.last_log = Some(first);
                    self.stage = Stage::NextLog;
                    return Ok(());
                }
                Ok(Found::Payload(offset, payload)) => self.replay(payload).map_err(|why| {
                    Pause::unreadable(format!("{path}, entry at {offset}: {why}"))
                })?,
                Err(Damage::ShortHeader) if self.may_remove_empty() => {
                    self.stage = Stage::RemoveEmpty(first);
                    return Ok(());
                }
                Err(damage) => {
                    return Err(Pause::unreadable(format!("{path}: {}", damage.what())));
                }
            }
        }
    }

    /// Only the last file can have been left without a header by a full disk or a power loss.
    fn may_remove_empty(&self) -> bool {
        match self.empty_log {
            EmptyLog::Refused => false,
            EmptyLog::Removed => self.logs.is_empty(),
        }
    }

    fn replay(&mut self, payload: Bytes) -> Result<(), String> {
        let record = Record::decode(payload).map_err(|malformed| malformed.to_string())?;
        let (zxid, digest) = (record.header.zxid, record.digest);
        if self.base.is_some_and(|base| zxid <= base) {
            return Ok(());
        }
        if zxid <= self.last {
            // The same transaction may have been logged twice; anything else is a log that goes back.
            let place = self.replayed.binary_search_by_key(&zxid, |(zxid, _)| *zxid);
            return match place {
                Ok(place) if self.replayed[place].1 == digest => Ok(()),
                _ => Err(format!("{zxid} stands behind {}", self.last)),
            };
        }
        self.tree.apply(&record.header, &record.txn, self.keep_ephemerals);
        self.last = zxid;
        self.replayed.push((zxid, digest));
        if self.history.len() == COMMITTED_LOG {
            self.history.pop_front();
        }
        self.history.push_back(Arc::new(record));
        Ok(())
    }

    /// Asks for a sync of a file that is stood on.
    fn sync(&self, path: Option<String>, cx: &mut Cx<'_>) -> Result<(), Pause> {
        match path {
            Some(path) if self.force_sync => {
                let ticket = cx.disk().sync(&path);
                Err(Pause::Wait(Wait::Sync(ticket, "syncing what was recovered")))
            }
            _ => Ok(()),
        }
    }

    /// The epoch files may have their new names only in the page cache.
    fn sync_names(&self, cx: &mut Cx<'_>) -> Result<(), Pause> {
        match self.epoch_file {
            EpochFile::Rename => Ok(()),
            EpochFile::RenameAndSyncDirectory => {
                let ticket = cx.disk().sync_dir(&self.places.snapshots);
                Err(Pause::Wait(Wait::Sync(ticket, "syncing what was recovered")))
            }
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<Outcome, Pause> {
        let accepted = epochs::read(&self.places.accepted_epoch(), cx)?;
        let current = epochs::read(&self.places.current_epoch(), cx)?;
        let (accepted, current) = check_epochs(self.last.epoch(), accepted, current)?;
        self.stage = Stage::Done;
        let recovered = Recovered {
            tree: std::mem::take(&mut self.tree),
            history: std::mem::take(&mut self.history).into(),
            last: self.last,
            snapshot: self.base.unwrap_or(Zxid::ZERO),
            accepted,
            current,
        };
        Ok(Outcome { recovered, replayed: std::mem::take(&mut self.replayed) })
    }
}

/// Logs without a snapshot are whole only if they begin with the first transaction of an epoch.
fn may_start_without_snapshot(mechanism: MissingSnapshot, first: Zxid) -> Result<(), Pause> {
    match mechanism {
        MissingSnapshot::StartsEmpty => Ok(()),
        MissingSnapshot::Refused if first.counter() == 1 => Ok(()),
        MissingSnapshot::Refused => Err(Pause::unreadable(format!(
            "there is no snapshot, and the logs begin only with {first}"
        ))),
    }
}

/// The order that must hold: epoch of the last transaction ≤ current ≤ accepted. A missing file counts as the former.
///
/// A crash between logging the first transactions of an epoch and writing `currentEpoch` leaves a log that is ahead of
/// the file. ZooKeeper leaves a marker for this (`updatingEpoch`, ZOOKEEPER-1653); here the log is the marker: a leader's
/// own transactions stand behind the history it began with, so whoever logged one has all of that.
fn check_epochs(
    last: Epoch,
    accepted: Option<Epoch>,
    current: Option<Epoch>,
) -> Result<(Epoch, Epoch), Pause> {
    let current = current.unwrap_or(last).max(last);
    let accepted = accepted.unwrap_or(last);
    if last > accepted {
        return Err(Pause::unreadable(format!(
            "the accepted epoch {accepted} is older than the last transaction, of epoch {last}"
        )));
    }
    if current > accepted {
        return Err(Pause::unreadable(format!(
            "the accepted epoch {accepted} is older than the current epoch {current}"
        )));
    }
    Ok((accepted, current))
}
