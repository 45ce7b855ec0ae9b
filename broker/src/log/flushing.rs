//! How a log gets a new segment, and how its bytes get from the page cache onto the disk.
//!
//! ```text
//!   roll ──► flush asked up to the new base ──► all files Synced ──► recovery point = that base
//! ```
//! The recovery point moves when the disk has answered and never before: what lies before it is not read again after a
//! crash. Kafka 2.5 moves it to the log end when a log is opened, whether that is on the disk or only in the page cache
//! of a process that died; later versions do not, and neither do we.

use machine::{Context, DiskError, Input, Ticket};

use super::segment::{Segment, make_empty};
use super::{Log, names, snapshot};
use crate::id::Offset;
use crate::note::Note;

/// Syncs under way that together make everything before an offset durable.
#[derive(Clone, Debug)]
pub(super) struct Flush {
    pub upto: Offset,
    waits_for: Vec<Ticket>,
    /// The one for the batches of the last segment.
    last: Option<Ticket>,
}

/// A small thing to be done to a file. Files that are not there are fine.
#[derive(Clone, Debug)]
pub(super) enum Chore {
    Rename {
        from: String,
        to: String,
    },
    Remove(String),
    /// Write an empty producer snapshot.
    Snapshot(String),
}

impl Chore {
    fn run(&self, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        let answer = match self {
            Self::Rename { from, to } => cx.disk().rename(from, to),
            Self::Remove(path) => cx.disk().remove(path),
            Self::Snapshot(path) => {
                make_empty(path, cx).and_then(|()| cx.disk().append(path, &snapshot::EMPTY))
            }
        };
        gone(answer)
    }
}

/// `NotFound` is as good as done.
pub(super) fn gone(answer: Result<(), DiskError>) -> Result<(), DiskError> {
    match answer {
        Err(DiskError::NotFound) => Ok(()),
        answer => answer,
    }
}

impl Log {
    /// Begins a new segment at the log end (or, after a gap, at the first offset to come), with a producer snapshot,
    /// and asks for the old ones to be flushed. Says [`Note::Rolled`]. Can be done again when the disk was busy.
    pub(super) fn roll(
        &mut self,
        base: Offset,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        self.run_chores(cx)?;
        self.segments.back_mut().expect("a log always has a segment").seal(cx)?;
        if !self.snapshots.contains(&base) {
            Chore::Snapshot(self.snapshot_path(base)).run(cx)?;
            self.snapshots.insert(base);
        }
        let segment = self.new_segment(base, cx);
        segment.create(cx)?;
        self.segments.push_back(segment);
        cx.note(Note::Rolled { partition: self.partition.clone(), base });
        self.flush_to(base, cx);
        Ok(())
    }

    /// A segment whose files are not there yet.
    pub(super) fn new_segment(&self, base: Offset, cx: &mut Context<'_, Note>) -> Segment {
        let jitter = match self.settings.jitter_ms {
            0 => 0,
            most => cx.chance("segment jitter").below(most) as i64,
        };
        Segment::new(&self.directory, base, cx.wall().as_millis(), jitter)
    }

    pub(super) fn snapshot_path(&self, at: Offset) -> String {
        names::of_segment(&self.directory, at, "snapshot")
    }

    /// Asks the disk for everything before `upto`.
    pub(super) fn flush_to(&mut self, upto: Offset, cx: &mut Context<'_, Note>) {
        if upto > self.recovery_point {
            let end = self.segments.partition_point(|segment| segment.base < upto);
            self.sync_segments(end, upto, cx);
        }
    }

    /// Asks for all files from the recovery point on, up to the segment with this number.
    pub(super) fn sync_segments(&mut self, end: usize, upto: Offset, cx: &mut Context<'_, Note>) {
        let first = self.segment_of(self.recovery_point);
        let (mut waits_for, mut last) = (Vec::new(), None);
        for segment in self.segments.range(first..end.max(first)) {
            last = Some(waits_for.len());
            for path in [&segment.path, segment.offsets.path(), segment.times.path()] {
                waits_for.push(cx.disk().sync(path));
            }
        }
        self.news.asked.extend(&waits_for);
        self.flush_asked = self.flush_asked.max(upto);
        self.flushed_at = cx.now();
        let last = last.map(|at| waits_for[at]);
        self.flushes.push(Flush { upto, waits_for, last });
    }

    /// In Kafka the append that `flush.messages` makes flush returns when its records are on the disk. Here it returns
    /// at once, and whoever made it waits for [`Input::Synced`] with this ticket before it promises anything; `None` if
    /// there is nothing to wait for. `end` is the log end after the append.
    pub fn flush_awaited(&self, end: Offset) -> Option<Ticket> {
        self.settings.flush_messages?;
        let flush = self.flushes.iter().find(|flush| flush.upto >= end)?;
        flush.last.filter(|last| flush.waits_for.contains(last))
    }

    /// Which segment has this offset: the last that begins at or before it.
    pub(super) fn segment_of(&self, offset: Offset) -> usize {
        self.segments.partition_point(|segment| segment.base <= offset).saturating_sub(1)
    }

    /// Takes an answer of the disk to something it asked for.
    pub(super) fn handle(&mut self, input: &Input, cx: &mut Context<'_, Note>) {
        if let Input::Synced { ticket, result } = input {
            self.synced(*ticket, *result);
        }
        let saved = self.epochs.go_on(Some(input), cx);
        self.news.asked.extend(self.epochs.ticket());
        self.not_waited_for(saved);
        let done = self.run_chores(cx);
        self.not_waited_for(done);
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>) {
        let waiting = |flush: &Flush| flush.waits_for.contains(&ticket);
        let Some(index) = self.flushes.iter().position(waiting) else { return };
        if result.is_err() {
            self.not_waited_for(result);
            return;
        }
        let flush = &mut self.flushes[index];
        flush.waits_for.retain(|waited| *waited != ticket);
        if flush.waits_for.is_empty() {
            let flush = self.flushes.remove(index);
            self.recovery_point = self.recovery_point.max(flush.upto);
        }
    }

    /// Puts a chore behind the others and does what can be done.
    pub(super) fn chore(&mut self, chore: Chore, cx: &mut Context<'_, Note>) {
        self.chores.push_back(chore);
        let done = self.run_chores(cx);
        self.not_waited_for(done);
    }

    /// Does the chores in order, as far as the disk lets it.
    pub(super) fn run_chores(&mut self, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        while let Some(chore) = self.chores.front() {
            if let Err(error) = chore.run(cx) {
                if let DiskError::WouldBlock(ticket) = error {
                    self.news.asked.push(ticket);
                }
                return Err(error);
            }
            self.chores.pop_front();
        }
        Ok(())
    }

    /// For a clean shutdown: files as the memory, a producer snapshot at the end, and everything on its way to the
    /// disk. Can be done again when the disk was busy.
    pub(super) fn seal(&mut self, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        self.run_chores(cx)?;
        self.segments.back_mut().expect("a log always has a segment").seal(cx)?;
        self.take_snapshot(cx);
        self.run_chores(cx)?;
        // Also when there is nothing new: what was cut off must not come back either.
        self.sync_segments(self.segments.len(), self.end, cx);
        Ok(())
    }

    /// A producer snapshot at the log end, if the last one is older.
    pub(super) fn take_snapshot(&mut self, cx: &mut Context<'_, Note>) {
        let last = self.snapshots.last().copied().unwrap_or(self.start);
        if self.end > last {
            self.snapshots.insert(self.end);
            self.chore(Chore::Snapshot(self.snapshot_path(self.end)), cx);
        }
    }

    /// Removes producer snapshots that nobody needs when the recovery point is checkpointed: all before the segment
    /// below it, but never those of the last two segments (`Log.minSnapshotsOffsetToRetain`).
    pub(super) fn remove_old_snapshots(&mut self, cx: &mut Context<'_, Note>) {
        let below = |offset: Offset| {
            let count = self.segments.partition_point(|segment| segment.base < offset);
            count.checked_sub(1).map(|at| self.segments[at].base)
        };
        let active = self.segments.back().expect("a log always has a segment").base;
        let recovery = below(self.recovery_point).unwrap_or(self.recovery_point);
        let keep_from = recovery.min(below(active).unwrap_or(active));
        self.remove_snapshots(|at| at < keep_from, cx);
    }

    pub(super) fn remove_snapshots(
        &mut self,
        goes: impl Fn(Offset) -> bool,
        cx: &mut Context<'_, Note>,
    ) {
        let old: Vec<Offset> = self.snapshots.iter().copied().filter(|at| goes(*at)).collect();
        for at in old {
            self.snapshots.remove(&at);
            self.chore(Chore::Remove(self.snapshot_path(at)), cx);
        }
    }
}
