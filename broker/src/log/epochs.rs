//! The leader-epoch cache of a replica: which epoch began where (`LeaderEpochFileCache`, KIP-101), and its file.
//!
//! Epochs and offsets rise strictly. The file is written anew on each change; while that takes its time, recovery could
//! rebuild what is missing from the batches.

use bytes::Bytes;
use machine::{Context, DiskError, Input, Ticket};

use super::checkpoint::{self, Slot};
use crate::id::{LeaderEpoch, Offset};
use crate::note::Note;

/// Epochs and where they begin, and the file they are written to.
#[derive(Clone, Debug)]
pub(super) struct Epochs {
    entries: Vec<(LeaderEpoch, Offset)>,
    file: Slot<()>,
}

impl Epochs {
    /// An empty cache for that file.
    pub fn new(path: impl Into<String>) -> Self {
        Self { entries: Vec::new(), file: Slot::new(path) }
    }

    /// What a file says; nothing if it cannot be read.
    pub fn load(&mut self, text: &[u8]) {
        let entry = |line: &str| {
            let (epoch, start) = line.split_once(' ')?;
            Some((LeaderEpoch(epoch.parse().ok()?), Offset(start.parse().ok()?)))
        };
        let entries = checkpoint::lines(text, entry).unwrap_or_default();
        for (epoch, start) in entries {
            self.assign(epoch, start);
        }
    }

    pub fn entries(&self) -> &[(LeaderEpoch, Offset)] {
        &self.entries
    }

    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|(epoch, _)| *epoch)
    }

    /// An epoch begins here, or goes on. Says whether anything changed.
    pub fn assign(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        if self.entries.last().is_some_and(|last| last.0 == epoch && last.1 <= start) {
            return false;
        }
        self.entries.retain(|entry| entry.0 < epoch && entry.1 < start);
        self.entries.push((epoch, start));
        true
    }

    /// The log ends here now. Says whether anything changed.
    pub fn truncate_from_end(&mut self, end: Offset) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.1 < end);
        self.entries.len() != before
    }

    /// The log starts here now. Says whether anything changed.
    pub fn truncate_from_start(&mut self, start: Offset) -> bool {
        let before = self.entries.partition_point(|entry| entry.1 <= start);
        if before == 0 || (before == 1 && self.entries[0].1 == start) {
            return false;
        }
        self.entries.drain(..before - 1);
        self.entries[0].1 = start;
        true
    }

    /// Says whether anything changed.
    pub fn clear(&mut self) -> bool {
        let had_any = !self.entries.is_empty();
        self.entries.clear();
        had_any
    }

    /// The largest epoch not above the asked one, and where it ends; `(UNKNOWN, UNKNOWN)` if undefined.
    pub fn end_of(&self, asked: LeaderEpoch, log_end: Offset) -> (LeaderEpoch, Offset) {
        const UNDEFINED: (LeaderEpoch, Offset) = (LeaderEpoch::UNKNOWN, Offset::UNKNOWN);
        if asked == LeaderEpoch::UNKNOWN {
            return UNDEFINED;
        }
        if self.latest() == Some(asked) {
            return (asked, log_end);
        }
        let above = self.entries.partition_point(|entry| entry.0 <= asked);
        match (above.checked_sub(1), self.entries.get(above)) {
            (_, None) => UNDEFINED,
            (None, Some(next)) => (asked, next.1),
            (Some(at), Some(next)) => (self.entries[at].0, next.1),
        }
    }

    /// The content of the file.
    pub fn text(&self) -> Bytes {
        checkpoint::text(self.entries.iter().map(|(epoch, start)| format!("{epoch} {start}")))
    }

    /// Writes the file anew.
    ///
    /// # Errors
    /// The disk's.
    pub fn save(&mut self, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        self.file.put(self.text(), ());
        self.go_on(None, cx)
    }

    /// Goes on writing, with an input that may be the answer to it.
    ///
    /// # Errors
    /// The disk's.
    pub fn go_on(
        &mut self,
        input: Option<&Input>,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        self.file.advance(input, cx, |(), _| ())
    }

    /// What writing waits for.
    pub fn ticket(&self) -> Option<Ticket> {
        self.file.ticket()
    }
}
