//! One input from beginning to end: what time and the disk bring, then whatever that has woken, until nothing is left to do.

use machine::{Context, DiskError, Input, Instant, Ticket};

use super::partition::Slot;
use super::purgatory::{Job, Stall};
use super::{Door, ReplicaEvent, Replicas, high_watermark};
use crate::id::Offset;
use crate::log::{LogError, LogEvent};
use crate::mechanism::{HighWatermarkNews, Mutant};
use crate::note::Note;

/// What is lent for one input.
pub(super) struct Turn<'a, 'c, 'd> {
    pub cx: &'a mut Context<'c, Note>,
    pub door: &'a mut Door<'d>,
    pub events: &'a mut Vec<ReplicaEvent>,
}

/// What has happened to a partition that whoever watches it may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// As leader it has more records than before, when its log ended here.
    Appended(Offset),
    /// As leader it has another high watermark.
    HighWatermark,
    /// It has another role or epoch, or is gone, or goes on after it was frozen.
    Role,
}

impl Replicas {
    /// Takes an input.
    pub(super) fn take(&mut self, input: &Input, turn: &mut Turn<'_, '_, '_>) {
        match input {
            Input::Opened { conn, .. }
            | Input::Received { conn, .. }
            | Input::Drained { conn }
            | Input::Closed { conn, .. } => {
                if let Some(leader) = self.streams.get(conn).copied() {
                    self.feed_fetcher(leader, input, turn);
                }
            }
            Input::Booted | Input::Stop => {}
            Input::Synced { .. } | Input::Ready { .. } | Input::Woke => self.tick(input, turn),
        }
        self.settle(turn);
    }

    fn tick(&mut self, input: &Input, turn: &mut Turn<'_, '_, '_>) {
        let now = turn.cx.now();
        let logs_want = self.logs.wake_at().is_some_and(|at| at <= now);
        if logs_want || !matches!(input, Input::Woke) {
            self.feed_logs(input, turn);
        }
        if let Input::Ready { ticket } | Input::Synced { ticket, .. } = input {
            self.ready(*ticket, turn);
        }
        while let Some(id) = self.purgatory.overdue(now) {
            if self.purgatory.produces.contains_key(&id) {
                self.produce_timed_out(id, turn);
            } else if let Some(fetch) = self.purgatory.fetches.get_mut(&id) {
                fetch.overdue = true;
                self.woken.push_back(fetch.session);
            }
        }
        if self.next_sweep.is_some_and(|at| at <= now) {
            self.next_sweep = Some(now + self.config.replica_lag_max.divided_by(2));
            // A sweep that waits for ZooKeeper is not joined by another one.
            self.sweep = self.sweep.or(Some(0));
            self.sweep_isrs(turn);
        }
        self.say_frozen(now, turn);
        if !self.closing {
            self.wake_fetchers(turn);
        }
    }

    fn feed_logs(&mut self, input: &Input, turn: &mut Turn<'_, '_, '_>) {
        let mut said = Vec::new();
        self.logs.handle(input, turn.cx, &mut said);
        for event in said {
            match event {
                LogEvent::Opened => {
                    let period = self.config.replica_lag_max.divided_by(2);
                    self.next_sweep = Some(turn.cx.now() + period);
                    turn.events.push(ReplicaEvent::LogsOpened);
                }
                LogEvent::Closed => turn.events.push(ReplicaEvent::LogsClosed),
                LogEvent::Failed(error) => self.log_dir_failed(error, turn.events),
            }
        }
    }

    fn ready(&mut self, ticket: Ticket, turn: &mut Turn<'_, '_, '_>) {
        for job in self.stalled.ready(ticket) {
            self.resume(job, turn);
        }
        self.woken.extend(self.cold.remove(&ticket).unwrap_or_default());
        if self.control_ticket == Some(ticket) {
            self.control_ticket = None;
            self.advance_controls(turn);
        }
        self.resume_fetchers(ticket, turn);
    }

    /// Goes on with a request that held its handler.
    pub(super) fn resume(&mut self, job: Job, turn: &mut Turn<'_, '_, '_>) {
        match job {
            Job::Produce(produce) => self.run_produce(produce, turn),
            Job::Fetch(fetch) => self.run_fetch(fetch, turn),
            Job::Lookup(lookup) => self.look_up(lookup, turn),
        }
    }

    /// Looks at everybody for whom something has changed, until nobody is left.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_, '_, '_>) {
        loop {
            if std::mem::take(&mut self.thawed) {
                for (_, job) in self.stalled.thawed() {
                    self.resume(job, turn);
                }
                self.advance_controls(turn);
                self.sweep_isrs(turn);
            } else if let Some(session) = self.woken.pop_front() {
                self.retry_parked(session, turn);
            } else {
                return;
            }
        }
    }

    /// Tells the sessions that have a partition that something has happened to it.
    pub(super) fn touch(&mut self, slot: Slot, what: Touched) {
        let mechanisms = &self.config.mechanisms;
        let beyond = mechanisms.has(Mutant::ServesBeyondHighWatermark);
        let at_once = mechanisms.high_watermark_news == HighWatermarkNews::AtOnce;
        let Some(partition) = self.held.get_mut(slot) else { return };
        let super::partition::Partition { watchers, role, .. } = partition;
        for watcher in watchers {
            let Some(session) = self.sessions.get_mut(watcher.session) else { continue };
            let follows = watcher.replica.is_some();
            let wakes = match what {
                Touched::Appended(_) => follows || beyond,
                Touched::HighWatermark => !follows || at_once,
                Touched::Role => true,
            };
            if let Touched::Appended(old_end) = what
                && let super::partition::Role::Leader(leader) = role
                && let Some(remote) = leader.remote_mut(watcher.replica)
            {
                // Whoever had nothing to tell was caught up until now, without being looked at.
                let idle = session.entries.get(watcher.entry as usize).is_some_and(|e| !e.dirty);
                if idle && session.fetched > remote.fetched {
                    remote.fetched(remote.log_end, session.fetched, old_end);
                }
            }
            if wakes || what == Touched::HighWatermark {
                session.mark(watcher.entry);
            }
            if wakes && session.parked.is_some() && !session.woken {
                session.woken = true;
                self.woken.push_back(watcher.session);
            }
        }
    }

    /// As leader, moves the high watermark if everybody who counts has more; answers whoever waited for it.
    pub(super) fn try_high_watermark(&mut self, slot: Slot, turn: &mut Turn<'_, '_, '_>) -> bool {
        let (now, lag_max) = (turn.cx.wall(), self.config.replica_lag_max);
        let may_go_back = self.config.mechanisms.has(Mutant::HighWatermarkGoesBack);
        let Some(partition) = self.held.get_mut(slot) else { return false };
        let Some(leader) = partition.leader() else { return false };
        let candidate = match self.config.mechanisms.has(Mutant::CommitsAlone) {
            true => partition.log_end,
            false => high_watermark::candidate(partition.log_end, leader, now, lag_max),
        };
        let moved = high_watermark::advanced(partition.high_watermark, candidate, may_go_back);
        let Some(to) = moved else { return false };
        partition.high_watermark = to;
        self.logs.set_high_watermark(&partition.id, to);
        turn.cx.note(Note::HighWatermark { partition: partition.id.clone(), to, leads: true });
        self.touch(slot, Touched::HighWatermark);
        self.complete_produces(slot, turn);
        true
    }

    /// What an error of a log means for a request: it waits, or it is answered with a code.
    pub(super) fn log_error(
        &mut self,
        error: LogError,
        events: &mut Vec<ReplicaEvent>,
    ) -> Result<i16, Stall> {
        use crate::wire::error;
        Ok(match error {
            LogError::Disk(DiskError::WouldBlock(ticket)) => return Err(Stall::Disk(ticket)),
            LogError::Disk(failure) => {
                self.log_dir_failed(failure, events);
                error::KAFKA_STORAGE_ERROR
            }
            LogError::Corrupt => error::CORRUPT_MESSAGE,
            LogError::TooLarge => error::MESSAGE_TOO_LARGE,
            LogError::OutOfRange => error::OFFSET_OUT_OF_RANGE,
        })
    }

    /// The disk failed: nothing on it is served any more.
    pub(super) fn log_dir_failed(&mut self, error: DiskError, events: &mut Vec<ReplicaEvent>) {
        if !self.offline {
            self.offline = true;
            events.push(ReplicaEvent::LogDirFailed(error));
        }
    }

    fn say_frozen(&mut self, now: Instant, turn: &mut Turn<'_, '_, '_>) {
        for (slot, at) in &mut self.frozen {
            if *at <= now
                && let Some(partition) = self.held.get_mut(*slot)
            {
                *at = Instant::NEVER;
                turn.cx.note(Note::Frozen { partition: partition.id.clone() });
            }
        }
    }
}
