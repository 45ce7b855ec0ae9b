//! What happens to a log directory regularly (`LogManager.startup`): checkpoints, retention, removal of what was
//! deleted.
//!
//! Each task runs 30 s after the logs are open and then at its interval; high watermarks are written from the first
//! interval on. A task that finds the disk busy goes on when it is ready. While a checkpoint is still on its way the
//! next one takes its place.

use std::sync::Arc;

use machine::{Context, DiskError, Duration};

use super::checkpoint;
use super::directory::{File, Logs};
use super::flushing::gone;
use crate::config::Config;
use crate::id::Offset;
use crate::log::Log;
use crate::note::{Checkpoint, Note};

/// After this the tasks of the log manager run for the first time (`LogManager.InitialTaskDelayMs`).
const FIRST: Duration = Duration::from_secs(30);

/// What is to be done regularly, in the order in which it is done when several are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    HighWatermarks,
    RecoveryPoints,
    /// A log was truncated: its recovery point must not be believed any longer.
    RecoveryPointsNow,
    LogStarts,
    Retention,
    /// `flush.ms`. Unless `log.flush.scheduler.interval.ms` is set, nobody looks at it more than once.
    OldFlushes,
    Removals,
}

/// How often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Intervals {
    high_watermarks: Duration,
    recovery_points: Duration,
    log_starts: Duration,
    retention: Duration,
    /// `log.flush.scheduler.interval.ms`, if it is set.
    flushes: Option<Duration>,
    /// `log.segment.delete.delay.ms`
    pub delete_delay: Duration,
}

impl Intervals {
    pub fn of(config: &Config) -> Self {
        Self {
            high_watermarks: config.high_watermark_checkpoint_interval,
            recovery_points: config.recovery_point_checkpoint_interval,
            log_starts: config.log_start_checkpoint_interval,
            retention: config.retention_check_interval,
            flushes: config
                .given
                .get("log.flush.scheduler.interval.ms")
                .and_then(|value| value.trim().parse().ok())
                .map(Duration::from_millis),
            delete_delay: config.segment_delete_delay,
        }
    }
}

impl Logs {
    /// The logs are open: from now on everything has its time.
    pub(super) fn begin_schedule(&mut self) {
        self.alarms.set(Task::HighWatermarks, self.now + self.intervals.high_watermarks);
        for task in [Task::RecoveryPoints, Task::LogStarts, Task::Retention, Task::OldFlushes] {
            self.alarms.set(task, self.now + FIRST);
        }
    }

    /// Does what is due.
    pub(super) fn keep_to_schedule(&mut self, cx: &mut Context<'_, Note>) {
        while self.failed.is_none()
            && let Some(task) = self.alarms.ring(self.now)
        {
            match self.run(task, cx) {
                Ok(()) => {
                    if let Some(interval) = self.interval(task) {
                        // An interval of nothing would never let time pass.
                        let interval = interval.max(Duration::from_millis(1));
                        self.alarms.set(task, self.now + interval);
                    }
                }
                Err(DiskError::WouldBlock(ticket)) => self.blocked.push((ticket, task)),
                Err(error) => self.failed = Some(error),
            }
        }
    }

    fn interval(&self, task: Task) -> Option<Duration> {
        match task {
            Task::HighWatermarks => Some(self.intervals.high_watermarks),
            Task::RecoveryPoints => Some(self.intervals.recovery_points),
            Task::LogStarts => Some(self.intervals.log_starts),
            Task::Retention => Some(self.intervals.retention),
            Task::OldFlushes => self.intervals.flushes,
            Task::RecoveryPointsNow | Task::Removals => None,
        }
    }

    fn run(&mut self, task: Task, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        match task {
            Task::HighWatermarks => self.checkpoint(File::HighWatermarks, cx),
            Task::LogStarts => self.checkpoint(File::LogStarts, cx),
            Task::RecoveryPoints | Task::RecoveryPointsNow => {
                self.checkpoint(File::RecoveryPoints, cx);
                for at in 0..self.logs.len() {
                    if let Some(log) = &mut self.logs[at] {
                        log.remove_old_snapshots(cx);
                    }
                    self.collect(at);
                }
            }
            Task::OldFlushes => {
                for at in 0..self.logs.len() {
                    let now = self.now;
                    if let Some(log) = &mut self.logs[at]
                        && log.settings.flush_interval.is_some_and(|it| log.flushed_at + it <= now)
                    {
                        log.flush_to(log.end, cx);
                    }
                    self.collect(at);
                }
            }
            Task::Retention => {
                let uncommitted = self.planted.deletes_uncommitted;
                for at in 0..self.logs.len() {
                    let retained = match &mut self.logs[at] {
                        Some(log) => log.retain(uncommitted, cx),
                        None => Ok(()),
                    };
                    self.collect(at);
                    retained?;
                }
            }
            Task::Removals => {
                while let Some(((when, _), path)) = self.removals.first_key_value() {
                    if *when > self.now {
                        self.alarms.set(Task::Removals, *when);
                        break;
                    }
                    gone(cx.disk().remove(path))?;
                    self.removals.pop_first();
                }
            }
        }
        Ok(())
    }

    /// Writes a checkpoint file as things are now; [`Note::Checkpointed`] is said when it is in place.
    pub(super) fn checkpoint(&mut self, file: File, cx: &mut Context<'_, Note>) {
        let Some(what) = file.checkpoint() else { return };
        let logs = self.places.values().filter_map(|at| self.logs[*at].as_ref());
        let entry = |log: &Log| Some((log.partition.clone(), self.checkpointed(what, log)?));
        let offsets: Arc<[_]> = logs.filter_map(entry).collect();
        let text = checkpoint::offsets_text(&offsets);
        self.put(file, text, Some(Note::Checkpointed { what, offsets }), cx);
    }

    /// What a checkpoint says of a log, if anything.
    fn checkpointed(&self, what: Checkpoint, log: &Log) -> Option<Offset> {
        let ahead = self.planted.checkpoints_ahead;
        match what {
            Checkpoint::HighWatermark | Checkpoint::RecoveryPoint if ahead => Some(log.end),
            Checkpoint::HighWatermark => Some(log.high_watermark),
            Checkpoint::RecoveryPoint => Some(log.recovery_point),
            Checkpoint::LogStart => (log.start > log.segments().next()?).then_some(log.start),
        }
    }
}
