//! How a log gets shorter: at its end by truncation, at its beginning by retention.
//!
//! A segment that goes is gone from memory at once; its files are renamed to `.deleted` and removed later. At the end
//! of the log the last segment goes first, so that a crash in between leaves a beginning of what was there.

use std::collections::VecDeque;

use machine::{Context, DiskError};

use super::flushing::{Chore, gone};
use super::names::DELETED;
use super::segment::{NO_TIMESTAMP, Segment};
use super::{Log, LogError};
use crate::id::Offset;
use crate::note::Note;

impl Log {
    /// Cuts off everything from `to` on, epochs included. Nothing if the log ends there already. Says
    /// [`Note::Truncated`]. A batch that contains `to` goes as a whole.
    ///
    /// # Errors
    /// The disk's. After `WouldBlock` part of it may be done (and said): do it again, or leave the log as it is now.
    pub fn truncate_to(
        &mut self,
        to: Offset,
        high_watermark: Offset,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        if to >= self.end {
            return Ok(());
        }
        let first = self.segments.front().expect("a log always has a segment").base;
        if to < first {
            return self.start_anew_at(to, cx);
        }
        let was = self.end;
        let mut end = was;
        let mut result = Ok(());
        while result.is_ok() && self.segments.back().is_some_and(|last| last.base > to) {
            result = self.drop_last_segment(cx).map(|base| end = base);
        }
        let result = result.and_then(|()| self.cut_active(to, cx)).map(|cut| end = cut);
        if end < was {
            self.ends_at(end, cx);
            cx.note(Note::Truncated {
                partition: self.partition.clone(),
                to: end,
                was,
                high_watermark,
            });
        }
        self.heard(result)
    }

    /// Drops everything and starts anew at this offset. Says [`Note::Truncated`] if the log ended behind it, and
    /// [`Note::LogStart`].
    ///
    /// # Errors
    /// The disk's; as for [`Self::truncate_to`].
    pub fn start_anew_at(
        &mut self,
        at: Offset,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        let (was, high_watermark) = (self.end, self.high_watermark);
        let mut end = was;
        let mut result = self.run_chores(cx);
        while result.is_ok() && self.segments.len() > 1 {
            result = self.drop_last_segment(cx).map(|base| end = base);
        }
        result = result.and_then(|()| self.replace_only_segment(at, cx)).map(|()| end = at);
        if end < was {
            self.ends_at(end, cx);
            cx.note(Note::Truncated {
                partition: self.partition.clone(),
                to: end,
                was,
                high_watermark,
            });
        }
        self.heard(result)?;
        self.end = at;
        self.starts_at(at, cx);
        if self.epochs.clear() {
            self.save_epochs(cx);
        }
        self.remove_snapshots(|_| true, cx);
        (self.flush_asked, self.recovery_point) = (at, at);
        self.flushes.clear();
        self.news.truncated = true;
        Ok(())
    }

    /// The leader's log starts here: segments that end before it go, at the next look at what is too old. Never beyond
    /// the high watermark.
    pub fn raise_start(&mut self, to: Offset, cx: &mut Context<'_, Note>) {
        let to = to.min(self.high_watermark).min(self.end);
        if to > self.start {
            self.starts_at(to, cx);
        }
    }

    /// Deletes segments that are too old, too many, or before the log start; only whole ones that are committed, from
    /// the first on. The active one is rolled first if it goes, too (`Log.deleteOldSegments`). Can be done again when
    /// the disk was busy.
    pub(super) fn retain(
        &mut self,
        uncommitted: bool,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        // What is not committed stays, however old it is.
        let below = if uncommitted { self.end } else { self.high_watermark };
        if self.settings.deletes {
            if let Some(most) = self.settings.retention_ms {
                let now = cx.wall().as_millis();
                let old =
                    |it: &Segment, _: Option<&Segment>| now.saturating_sub(it.newest()) > most;
                self.delete_segments(below, old, cx)?;
            }
            if let Some(most) = self.settings.retention_bytes {
                let size: u64 = self.segments.iter().map(|segment| segment.size).sum();
                let mut over = size.saturating_sub(most);
                let surplus = |it: &Segment, _: Option<&Segment>| {
                    let goes = size >= most && over >= it.size;
                    over -= if goes { it.size } else { 0 };
                    goes
                };
                self.delete_segments(below, surplus, cx)?;
            }
        }
        let start = self.start;
        let before = |_: &Segment, next: Option<&Segment>| next.is_some_and(|it| it.base <= start);
        self.delete_segments(below, before, cx)
    }

    fn delete_segments(
        &mut self,
        below: Offset,
        mut goes: impl FnMut(&Segment, Option<&Segment>) -> bool,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        let mut count = 0;
        for (index, segment) in self.segments.iter().enumerate() {
            let next = self.segments.get(index + 1);
            let upper = next.map_or(self.end, |next| next.base);
            let empty_active = next.is_none() && segment.size == 0;
            if below < upper || empty_active || !goes(segment, next) {
                break;
            }
            count += 1;
        }
        if count == self.segments.len() {
            self.roll(self.end, cx)?;
        }
        for _ in 0..count {
            let segment = self.segments.pop_front().expect("they were counted");
            self.discard(&segment, cx);
        }
        let first = self.segments.front().expect("one is always left").base;
        if count > 0 && first > self.start {
            self.starts_at(first, cx);
        }
        Ok(())
    }

    /// The last segment's file of batches is renamed, then the segment forgotten. Returns where the log ends then.
    fn drop_last_segment(&mut self, cx: &mut Context<'_, Note>) -> Result<Offset, DiskError> {
        let last = self.segments.back().expect("a log always has a segment");
        let (base, path) = (last.base, last.path.clone());
        gone(cx.disk().rename(&path, &format!("{path}{DELETED}")))?;
        let last = self.segments.pop_back().expect("it was there before");
        self.discard(&last, cx);
        Ok(base)
    }

    /// The files of a segment that is no longer part of the log.
    fn discard(&mut self, segment: &Segment, cx: &mut Context<'_, Note>) {
        let at = cx.now() + self.settings.delete_delay;
        for path in [&segment.path, segment.offsets.path(), segment.times.path()] {
            let to = format!("{path}{DELETED}");
            self.news.removals.push((at, to.clone()));
            self.chore(Chore::Rename { from: path.to_owned(), to }, cx);
        }
    }

    /// Cuts the active segment at `to`; returns where the log ends then.
    fn cut_active(&mut self, to: Offset, cx: &mut Context<'_, Note>) -> Result<Offset, DiskError> {
        let active = self.segments.back().expect("a log always has a segment");
        let found = active.find(to, cx).map_err(disk)?;
        let (at, end) = match found {
            Some((at, batch)) => (at, to.min(batch.base.max(active.base))),
            None => (active.size, to),
        };
        let largest = match at {
            0 => (NO_TIMESTAMP, active.base),
            at => active.largest_before(end, at, cx).map_err(disk)?,
        };
        if at < active.size {
            cx.disk().truncate(&active.path, at)?;
        }
        let now = cx.wall().as_millis();
        let active = self.segments.back_mut().expect("a log always has a segment");
        active.was_cut(end, at, largest, now);
        let settled = active.settle_indexes(cx);
        self.not_waited_for(settled);
        Ok(end)
    }

    /// The only segment becomes an empty one at this offset.
    fn replace_only_segment(
        &mut self,
        at: Offset,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        let only = self.segments.front().expect("a log always has a segment");
        if only.base == at {
            return self.cut_active(at, cx).map(drop);
        }
        let segment = self.new_segment(at, cx);
        segment.create(cx)?;
        let path = only.path.clone();
        gone(cx.disk().rename(&path, &format!("{path}{DELETED}")))?;
        let old = std::mem::replace(&mut self.segments, VecDeque::from([segment]));
        for segment in &old {
            self.discard(segment, cx);
        }
        Ok(())
    }

    /// The log is shorter: nothing speaks of what is gone.
    fn ends_at(&mut self, end: Offset, cx: &mut Context<'_, Note>) {
        self.end = end;
        self.high_watermark = self.high_watermark.min(end);
        // What was cut off comes back with a power loss unless that, too, is synced. Kafka does not, and trusts the
        // cut.
        let sure = self.segments.back().expect("a log always has a segment").base.min(end);
        self.recovery_point = self.recovery_point.min(sure);
        self.flush_asked = self.flush_asked.min(sure);
        for flush in &mut self.flushes {
            flush.upto = flush.upto.min(sure);
        }
        self.sync_segments(self.segments.len(), end, cx);
        self.news.truncated = true;
        if self.epochs.truncate_from_end(end) {
            self.save_epochs(cx);
        }
        self.remove_snapshots(|at| at > end, cx);
        self.take_snapshot(cx);
        if self.start > end {
            self.starts_at(end, cx);
        }
    }

    fn starts_at(&mut self, start: Offset, cx: &mut Context<'_, Note>) {
        if self.start != start {
            cx.note(Note::LogStart { partition: self.partition.clone(), to: start });
        }
        self.start = start;
        self.high_watermark = self.high_watermark.max(start);
        self.recovery_point = self.recovery_point.max(start);
        self.flush_asked = self.flush_asked.max(start);
        if self.epochs.truncate_from_start(start) {
            self.save_epochs(cx);
        }
        self.remove_snapshots(|at| at < start, cx);
    }
}

/// What the disk said; bytes that are no batches are its fault, too.
fn disk(error: LogError) -> DiskError {
    match error {
        LogError::Disk(error) => error,
        _ => DiskError::Corrupt,
    }
}
