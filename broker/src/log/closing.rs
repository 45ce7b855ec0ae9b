//! How a log directory is closed in order (`LogManager.shutdown`): everything on the disk, checkpoints, and the marker
//! that says so.
//!
//! ```text
//!   each log sealed, syncs asked ─► all answered ─► checkpoints ─► in place ─► old snapshots gone
//!   ─► .kafka_cleanshutdown ─► Closed
//! ```

use machine::{Context, DiskError, Input, Ticket};

use super::directory::{File, Logs, Stage};
use super::segment::make_empty;
use super::{LogEvent, names};
use crate::note::Note;

/// A directory being closed.
pub(super) struct Closing {
    next: Next,
    /// The disk was busy.
    blocked: Option<Ticket>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// This log is sealed next.
    Seal(usize),
    /// All syncs must be answered.
    Flushed,
    /// All checkpoints must be in place.
    Checkpointed,
    Marker,
    /// Nothing was opened.
    Nothing,
}

impl Closing {
    pub fn new() -> Self {
        Self { next: Next::Seal(0), blocked: None }
    }

    pub fn unopened() -> Self {
        Self { next: Next::Nothing, blocked: None }
    }

    /// Whether it wants to be woken at once.
    pub fn wants_a_slice(&self) -> bool {
        self.blocked.is_none() && !matches!(self.next, Next::Flushed | Next::Checkpointed)
    }
}

impl Logs {
    /// Goes on closing as far as the disk lets it.
    pub(super) fn go_on_closing(
        &mut self,
        input: &Input,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<LogEvent>,
    ) {
        let Stage::Closing(closing) = &mut self.stage else { return };
        match (closing.blocked, input) {
            (Some(waited), Input::Ready { ticket }) if waited == *ticket => closing.blocked = None,
            (Some(_), _) => return,
            (None, _) => {}
        }
        let mut next = closing.next;
        while self.failed.is_none() {
            match self.close_step(next, cx) {
                Ok(Some(then)) => next = then,
                Ok(None) => {
                    if next == Next::Marker || next == Next::Nothing {
                        self.stage = Stage::Over;
                        events.push(LogEvent::Closed);
                        return;
                    }
                    break;
                }
                Err(DiskError::WouldBlock(ticket)) => {
                    self.stage = Stage::Closing(Closing { next, blocked: Some(ticket) });
                    return;
                }
                Err(error) => self.failed = Some(error),
            }
        }
        self.stage = Stage::Closing(Closing { next, blocked: None });
    }

    /// What comes after this step; `None` if it has to wait, or was the last.
    fn close_step(
        &mut self,
        step: Next,
        cx: &mut Context<'_, Note>,
    ) -> Result<Option<Next>, DiskError> {
        match step {
            Next::Seal(at) if at < self.logs.len() => {
                let sealed = self.logs[at].as_mut().map_or(Ok(()), |log| log.seal(cx));
                self.collect(at);
                sealed?;
                Ok(Some(Next::Seal(at + 1)))
            }
            Next::Seal(_) => Ok(Some(Next::Flushed)),
            Next::Flushed if !self.owners.is_empty() => Ok(None),
            Next::Flushed => {
                for file in [File::HighWatermarks, File::RecoveryPoints, File::LogStarts] {
                    self.checkpoint(file, cx);
                }
                Ok(Some(Next::Checkpointed))
            }
            Next::Checkpointed => {
                if !self.files.values().all(super::checkpoint::Slot::is_idle) {
                    return Ok(None);
                }
                for at in 0..self.logs.len() {
                    if let Some(log) = &mut self.logs[at] {
                        log.remove_old_snapshots(cx);
                    }
                    self.collect(at);
                }
                Ok(Some(Next::Marker))
            }
            Next::Marker => {
                make_empty(&format!("{}/{}", self.path, names::CLEAN), cx).map(|()| None)
            }
            Next::Nothing => Ok(None),
        }
    }
}
