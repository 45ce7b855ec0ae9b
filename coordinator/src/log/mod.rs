//! What a server remembers: the transaction log, snapshots of the tree, the two epoch files.
//!
//! [`Storage`] is a part: it owns its files and tickets, takes every input of the node and ignores those that are not its own.
//! Whatever becomes true is pushed to the `events` that every call is given; most things become true only in a later
//! [`Storage::handle`]. All work goes in slices ([`Storage::wake_at`] says "at once" while there are any), so that a fault
//! can fall into the middle; a call that would block is done again when the disk is ready, in order, and nothing is lost.
//!
//! ```text
//!   recover ──► Recovered | Unreadable          append ──► Synced        accept_epoch ──► EpochAccepted
//!   truncate ─► Recovered | Unreadable          snapshot ► SnapshotTaken enter_epoch ───► EpochCurrent
//!                     anything but blocking: Failed; the log then takes nothing more until it is recovered
//! ```
//! Not here: what the node does about a failure, and which transactions it should have (`zab`).

mod appender;
mod entries;
mod epochs;
mod files;
mod purge;
mod recovery;
pub mod snapshot;
mod taking;
mod truncation;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;

use machine::{Context, DiskError, Duration, Input, Instant};

use crate::id::{Epoch, Zxid};
use crate::mechanism::{Mechanisms, Mutant};
use crate::note::ServerNote;
use crate::tree::DataTree;
use crate::txn::Record;

use appender::{Appender, Promise};
use epochs::Epochs;
use files::Places;
use purge::Purge;
use recovery::{Outcome, Recovery};
use taking::Taking;
use truncation::Cut;
use work::{Running, Stop};

type Cx<'a> = Context<'a, ServerNote>;

/// Where and how a server keeps its state.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// `dataDir`: snapshots and epoch files lie in `version-2` below it.
    pub data_dir: String,
    /// `dataLogDir`: transaction logs lie in `version-2` below it.
    pub data_log_dir: String,
    /// `snapCount`: after this many transactions at the latest, and half as many at the earliest, the log rolls and a snapshot
    /// is taken.
    pub snap_count: u64,
    /// `autopurge.snapRetainCount`.
    pub purge_retain: u64,
    /// `autopurge.purgeInterval`; zero is off.
    pub purge_interval: Duration,
    /// `forceSync`: without it, written counts as synced, and nothing in the log is ever synced.
    pub force_sync: bool,
    /// The version's mechanisms, of which truncation, epoch files, empty logs and missing snapshots matter here.
    pub mechanisms: Mechanisms,
}

/// What was found on the disk.
#[derive(Debug)]
pub struct Recovered {
    /// The snapshot with everything behind it replayed; `last_zxid` is `last`.
    pub tree: DataTree,
    /// The newest replayed records, at most 500: what a leader brings followers up to date with.
    pub history: Vec<Arc<Record>>,
    /// The last transaction.
    pub last: Zxid,
    /// The snapshot it began with, `ZERO` for none.
    pub snapshot: Zxid,
    /// `acceptedEpoch`.
    pub accepted: Epoch,
    /// `currentEpoch`.
    pub current: Epoch,
}

/// What became true on the disk.
#[derive(Debug)]
pub enum StorageEvent {
    /// After [`Storage::recover`] or [`Storage::truncate`]: this is what there is.
    Recovered(Box<Recovered>),
    /// What is there cannot be trusted: the server must not start. Says why.
    Unreadable(String),
    /// The log is on disk up to here, or counts as such.
    Synced {
        /// The last transaction covered.
        upto: Zxid,
    },
    /// `acceptedEpoch` is on disk.
    EpochAccepted {
        /// The epoch.
        epoch: Epoch,
    },
    /// `currentEpoch` is on disk.
    EpochCurrent {
        /// The epoch.
        epoch: Epoch,
    },
    /// A snapshot is complete, and on disk if that was asked for.
    SnapshotTaken {
        /// The last transaction when it was begun.
        zxid: Zxid,
    },
    /// The disk said no, to anything but purging.
    Failed {
        /// What was being done.
        what: &'static str,
        /// What it said.
        error: DiskError,
    },
}

/// What waits to be done to the log, in order.
enum Op {
    Append(Arc<Record>),
    Recover,
    /// Cut back; then read everything again, or go on.
    Cut {
        to: Zxid,
        recover: bool,
    },
}

/// What keeps the log from taking appends.
enum Upheaval {
    Recovery(Box<Recovery>),
    Cut { cut: Cut, recover: bool },
}

/// The durable state of one server. See the module for how it talks.
pub struct Storage {
    config: StorageConfig,
    places: Places,
    ops: VecDeque<Op>,
    appender: Appender,
    epochs: Epochs,
    upheaval: Option<Running<Upheaval>>,
    taking: Option<Running<Taking>>,
    /// The newest snapshot that is whole and holds what the live tree held at its zxid.
    whole: Option<Zxid>,
    /// The log has rolled and wants a snapshot of the live tree.
    snapshot_due: bool,
    purge: Option<Running<Purge>>,
    purge_at: Option<Instant>,
    now: Instant,
}

impl Storage {
    /// Touches nothing yet; begin with [`Self::recover`].
    pub fn new(config: StorageConfig) -> Self {
        let places = Places::new(&config.data_dir, &config.data_log_dir);
        let promise = match config.force_sync {
            false => Promise::NeverSynced,
            true if config.mechanisms.has(Mutant::AcksBeforeSync) => Promise::WhenWritten,
            true => Promise::OnDisk,
        };
        Self {
            ops: VecDeque::new(),
            appender: Appender::new(places.clone(), promise, config.snap_count),
            epochs: Epochs::new(places.clone(), config.mechanisms.epoch_file),
            upheaval: None,
            taking: None,
            whole: None,
            snapshot_due: false,
            purge: None,
            purge_at: None,
            now: Instant::ZERO,
            places,
            config,
        }
    }

    /// Reads everything back, after what was appended before is written (or the disk has failed);
    /// what is read is synced. Ends with
    /// [`StorageEvent::Recovered`] or [`StorageEvent::Unreadable`]; appends made meanwhile wait. A snapshot under way is given
    /// up, like one whose server died.
    pub fn recover(&mut self, cx: &mut Cx<'_>, events: &mut Vec<StorageEvent>) {
        self.disturb(Op::Recover, cx, events);
    }

    /// Cuts the log back to `to`: later transactions go, and so do snapshots that contain them unless the mechanism keeps
    /// them. `to` must not be before what was applied to a live tree (no leader asks for that: it was committed), because a
    /// snapshot is named after its beginning and may hold more. Then reads everything back: see where [`Recovered::last`] is.
    /// It can be before `to` (there was no such transaction, or only in a snapshot), and then what is sent after `to` must not
    /// be logged; or behind it (a newer snapshot was kept).
    pub fn truncate(&mut self, to: Zxid, cx: &mut Cx<'_>, events: &mut Vec<StorageEvent>) {
        self.disturb(Op::Cut { to, recover: true }, cx, events);
    }

    /// A leader's tree, whole up to `zxid`, has replaced this server's: what waited to be appended is dropped, the next append
    /// begins a new file, a snapshot under way is given up. Take a snapshot of the new tree next. If the log went beyond
    /// `zxid` it is cut there, or else those transactions would come back at the next start; versions that keep newer
    /// snapshots keep these too.
    pub fn reset_after_install(
        &mut self,
        zxid: Zxid,
        cx: &mut Cx<'_>,
        events: &mut Vec<StorageEvent>,
    ) {
        use crate::mechanism::Truncation::DiscardsNewerSnapshots;
        let ahead = self.appender.logged() > zxid;
        self.ops.clear();
        self.appender.begin_after(zxid);
        self.drop_the_tree();
        self.whole = None;
        if ahead && self.config.mechanisms.truncation == DiscardsNewerSnapshots {
            self.disturb(Op::Cut { to: zxid, recover: false }, cx, events);
        }
    }

    fn disturb(&mut self, op: Op, cx: &mut Cx<'_>, events: &mut Vec<StorageEvent>) {
        self.drop_the_tree();
        self.ops.push_back(op);
        self.work_off(cx, events);
    }

    /// The live tree is on its way out, and what purging wants to keep may be.
    fn drop_the_tree(&mut self) {
        (self.taking, self.purge, self.snapshot_due) = (None, None, false);
    }

    /// Puts a transaction behind all others: into the page cache as soon as the disk takes it, and towards the disk as soon as
    /// no earlier sync is under way. [`StorageEvent::Synced`] follows.
    pub fn append(&mut self, record: Arc<Record>, cx: &mut Cx<'_>, events: &mut Vec<StorageEvent>) {
        self.ops.push_back(Op::Append(record));
        self.work_off(cx, events);
    }

    /// Writes `acceptedEpoch`. [`StorageEvent::EpochAccepted`] follows.
    pub fn accept_epoch(&mut self, epoch: Epoch, cx: &mut Cx<'_>, events: &mut Vec<StorageEvent>) {
        self.epochs.accept(epoch, cx, events);
    }

    /// Writes `currentEpoch`. [`StorageEvent::EpochCurrent`] follows.
    pub fn enter_epoch(&mut self, epoch: Epoch, cx: &mut Cx<'_>, events: &mut Vec<StorageEvent>) {
        self.epochs.enter(epoch, cx, events);
    }

    /// Begins a snapshot of `tree`, which goes on with each [`Self::handle`] from the tree given there; gives up one under way.
    /// [`StorageEvent::SnapshotTaken`] follows, after a sync if `synced`. If there is a whole one of the same zxid already and
    /// no sync is asked for, it is left as it is: it may be the only copy.
    pub fn snapshot(&mut self, tree: &DataTree, synced: bool, cx: &mut Cx<'_>) {
        self.now = cx.now();
        self.snapshot_due = false;
        let taking = if !synced && self.whole == Some(tree.last_zxid()) {
            Taking::done(&self.places, tree)
        } else {
            Taking::new(&self.places, tree, synced)
        };
        self.taking = Some(Running::new(taking));
    }

    /// Takes any input of the node; `tree` is the live tree, of which a snapshot may be under way.
    pub fn handle(
        &mut self,
        input: &Input,
        tree: &DataTree,
        cx: &mut Cx<'_>,
        events: &mut Vec<StorageEvent>,
    ) {
        self.now = cx.now();
        self.epochs.handle(input, cx, events);
        if let Err(stop) = self.appender.handle(input, cx, events) {
            self.stop(stop, cx, events);
        }
        self.upset(input, cx, events);
        self.take(input, tree, cx, events);
        self.tidy(input, cx);
        self.work_off(cx, events);
    }

    /// When it wants [`Input::Woke`]: at once while slices wait.
    pub fn wake_at(&self) -> Option<Instant> {
        let slices = self.upheaval.as_ref().is_some_and(Running::wants_a_slice)
            || (!self.cut_comes_first()
                && self.taking.as_ref().is_some_and(Running::wants_a_slice))
            || self.purge.as_ref().is_some_and(Running::wants_a_slice)
            || self.snapshot_is_next();
        if slices { Some(self.now) } else { self.purge_at }
    }

    /// The last transaction in the log's page cache, or the end of what was recovered or installed.
    pub fn logged(&self) -> Zxid {
        self.appender.logged()
    }

    /// The last transaction that [`StorageEvent::Synced`] covered, or the end of what was recovered or installed.
    pub fn synced(&self) -> Zxid {
        self.appender.synced()
    }

    /// Does what waits, as far as nothing is in the way.
    fn work_off(&mut self, cx: &mut Cx<'_>, events: &mut Vec<StorageEvent>) {
        self.now = cx.now();
        while self.upheaval.is_none() {
            match self.ops.front() {
                None => break,
                Some(Op::Append(_)) if self.appender.failed() => drop(self.ops.pop_front()),
                Some(Op::Append(_)) if self.appender.must_wait() => break,
                Some(Op::Append(record)) => match self.appender.append(record, cx) {
                    Ok(false) => break,
                    Ok(true) => {
                        self.snapshot_due |= self.appender.filled(cx);
                        self.ops.pop_front();
                    }
                    Err(stop) => self.stop(stop, cx, events),
                },
                Some(_) if self.appender.busy() || !self.epochs.idle() => break,
                Some(_) => self.begin_upheaval(),
            }
        }
        if self.upheaval.is_none() {
            self.appender.settle(cx, events);
        }
    }

    fn begin_upheaval(&mut self) {
        let upheaval = match self.ops.pop_front() {
            Some(Op::Cut { to, recover }) => {
                if recover {
                    self.drop_the_tree();
                }
                let cut = Cut::new(self.places.clone(), to, self.config.mechanisms.truncation);
                Upheaval::Cut { cut, recover }
            }
            _ => {
                self.drop_the_tree();
                self.recovery()
            }
        };
        self.upheaval = Some(Running::new(upheaval));
    }

    fn recovery(&self) -> Upheaval {
        let StorageConfig { force_sync, mechanisms, .. } = &self.config;
        let recovery = Recovery::new(self.places.clone(), *force_sync, mechanisms);
        Upheaval::Recovery(Box::new(recovery))
    }

    /// Goes on with a recovery or a truncation.
    fn upset(&mut self, input: &Input, cx: &mut Cx<'_>, events: &mut Vec<StorageEvent>) {
        let ended = Running::go_on(&mut self.upheaval, input, |upheaval| match upheaval {
            Upheaval::Recovery(recovery) => recovery.go(cx).map(Ended::Recovery),
            Upheaval::Cut { cut, recover } => {
                let (to, recover) = (cut.to(), *recover);
                cut.go(cx).map(|()| Ended::Cut { to, recover })
            }
        });
        match ended {
            None => {}
            Some(Ok(Ended::Recovery(outcome))) => self.recovered(outcome, cx, events),
            Some(Ok(Ended::Cut { to, recover })) => {
                cx.note(ServerNote::Truncated { to });
                if recover {
                    self.upheaval = Some(Running::new(self.recovery()));
                }
            }
            Some(Err(stop)) => self.stop(stop, cx, events),
        }
    }

    fn recovered(&mut self, outcome: Outcome, cx: &mut Cx<'_>, events: &mut Vec<StorageEvent>) {
        let Outcome { recovered, replayed } = outcome;
        self.appender.begin_after(recovered.last);
        self.whole = (recovered.snapshot > Zxid::ZERO).then_some(recovered.snapshot);
        if self.purge_at.is_none() && self.config.purge_interval > Duration::ZERO {
            self.purge_at = Some(cx.now());
        }
        let &Recovered { last, snapshot, accepted, current, ref tree, .. } = &recovered;
        let tree = tree.digest();
        let replayed = replayed.into();
        cx.note(ServerNote::Recovered { snapshot, replayed, last, tree, accepted, current });
        events.push(StorageEvent::Recovered(Box::new(recovered)));
    }

    /// Goes on with a snapshot, or begins the one that is due.
    fn take(
        &mut self,
        input: &Input,
        tree: &DataTree,
        cx: &mut Cx<'_>,
        events: &mut Vec<StorageEvent>,
    ) {
        if self.snapshot_is_next() {
            self.snapshot(tree, false, cx);
        } else if self.snapshot_due && self.taking.is_some() {
            // Too busy with the last one: as in ZooKeeper, this one is left out.
            self.snapshot_due = false;
        }
        if self.cut_comes_first() {
            return;
        }
        match Running::go_on(&mut self.taking, input, |taking| taking.go(tree, cx)) {
            None => {}
            Some(Ok(zxid)) => {
                self.whole = Some(zxid);
                cx.note(ServerNote::SnapshotTaken { zxid });
                events.push(StorageEvent::SnapshotTaken { zxid });
            }
            Some(Err(stop)) => self.stop(stop, cx, events),
        }
    }

    /// The snapshot of a tree taken over is told only when nothing after it is left in the log.
    fn cut_comes_first(&self) -> bool {
        self.upheaval.is_some() || self.ops.iter().any(|op| matches!(op, Op::Cut { .. }))
    }

    fn snapshot_is_next(&self) -> bool {
        self.snapshot_due && self.taking.is_none() && self.upheaval.is_none()
    }

    /// Purges, when it is time and nothing else is in the way.
    fn tidy(&mut self, input: &Input, cx: &mut Cx<'_>) {
        let due = self.purge_at.is_some_and(|at| at <= cx.now());
        if due {
            self.purge_at = Some(cx.now() + self.config.purge_interval);
            if self.purge.is_none() && self.upheaval.is_none() && self.ops.is_empty() {
                let purge = Purge::new(self.places.clone(), self.config.purge_retain);
                self.purge = Some(Running::new(purge));
            }
        }
        // However it ends: what could not be removed is removed another time.
        let _ended = Running::go_on(&mut self.purge, input, |purge| purge.go(cx));
    }

    fn stop(&mut self, stop: Stop, cx: &mut Cx<'_>, events: &mut Vec<StorageEvent>) {
        match stop {
            Stop::Failed(what, error) => {
                cx.note(ServerNote::DiskFailed(what));
                events.push(StorageEvent::Failed { what, error });
            }
            Stop::Unreadable(why) => events.push(StorageEvent::Unreadable(why)),
        }
    }
}

enum Ended {
    Recovery(Outcome),
    Cut { to: Zxid, recover: bool },
}
