//! How a replica is deleted: its files move into a directory of another name and go after a while.
//!
//! Kafka renames the directory. Here files are renamed one by one, and a mark tells a later life that it must finish
//! that.

use machine::{Context, DiskError};

use super::directory::{File, Logs};
use super::flushing::gone;
use super::names;
use super::segment::make_empty;
use crate::id::TopicPartition;
use crate::note::Note;

impl Logs {
    /// Renames the replica's directory to `T-P.<32 hex digits>-delete`; its files go after `file.delete.delay.ms`.
    /// The checkpoints are written without it.
    ///
    /// # Errors
    /// The disk's; after `WouldBlock` do it again, the log is of no use any more.
    pub fn delete(
        &mut self,
        partition: &TopicPartition,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        self.now = cx.now();
        let Some(at) = self.places.get(partition).copied() else { return Ok(()) };
        self.collect(at);
        let moved = self.move_away(at, partition, cx);
        self.heard(moved)?;
        self.places.remove(partition);
        self.logs[at] = None;
        // A replica of the same name that is made later must not inherit anything.
        for file in [File::HighWatermarks, File::RecoveryPoints, File::LogStarts] {
            self.checkpoint(file, cx);
        }
        Ok(())
    }

    fn move_away(
        &mut self,
        at: usize,
        partition: &TopicPartition,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        let log = self.logs[at].as_mut().expect("places lead to logs");
        let name = match &log.doomed {
            Some(name) => name.clone(),
            None => names::deleted_directory(partition, cx.chance("deleted directory")),
        };
        log.doomed = Some(name.clone());
        let from = log.directory.clone();
        let to = format!("{}/{name}", self.path);
        cx.disk().create_dir(&to)?;
        make_empty(&format!("{to}/{}", names::UNFINISHED), cx)?;
        self.finish_deletion(&from, &to, cx)
    }

    /// Moves what is left of a replica to where deleted files wait for their end.
    pub(super) fn finish_deletion(
        &mut self,
        from: &str,
        to: &str,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        let files = match cx.disk().list(from) {
            Err(DiskError::NotFound) => Vec::new(),
            answer => answer?,
        };
        for file in files {
            gone(cx.disk().rename(&format!("{from}/{file}"), &format!("{to}/{file}")))?;
        }
        gone(cx.disk().remove(&format!("{to}/{}", names::UNFINISHED)))?;
        self.remove_directory(to, cx)
    }

    /// The files in a directory of something deleted go after the delay.
    pub(super) fn remove_directory(
        &mut self,
        path: &str,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        let when = self.now + self.intervals.delete_delay;
        for file in cx.disk().list(path)? {
            self.remove_at(when, format!("{path}/{file}"));
        }
        Ok(())
    }
}
