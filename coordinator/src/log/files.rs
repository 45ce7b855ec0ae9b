//! Where everything lies and what it is called: `version-2/log.<hex>`, `version-2/snapshot.<hex>` and the epoch files.

use crate::id::Zxid;

/// Bytes read or written before the disk is left to others: recovery and snapshots go in slices of this size.
pub(super) const SLICE: usize = 64 * 1024;

/// The two directories of a server, and the names in them.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// Snapshots and epoch files: `dataDir/version-2`.
    pub snapshots: String,
    /// Transaction logs: `dataLogDir/version-2`.
    pub logs: String,
}

impl Places {
    pub fn new(data_dir: &str, data_log_dir: &str) -> Self {
        let below = |directory: &str| format!("{}/version-2", directory.trim_end_matches('/'));
        Self { snapshots: below(data_dir), logs: below(data_log_dir) }
    }

    /// The log whose first transaction is `first`.
    pub fn log(&self, first: Zxid) -> String {
        format!("{}/log.{:x}", self.logs, first.0)
    }

    /// The snapshot begun when `zxid` was the last transaction applied.
    pub fn snapshot(&self, zxid: Zxid) -> String {
        format!("{}/snapshot.{:x}", self.snapshots, zxid.0)
    }

    pub fn accepted_epoch(&self) -> String {
        format!("{}/acceptedEpoch", self.snapshots)
    }

    pub fn current_epoch(&self) -> String {
        format!("{}/currentEpoch", self.snapshots)
    }
}

/// The zxids of the log files among `names`, ascending.
pub(super) fn logs(names: &[String]) -> Vec<Zxid> {
    zxids(names, "log.")
}

/// The zxids of the snapshots among `names`, ascending.
pub(super) fn snapshots(names: &[String]) -> Vec<Zxid> {
    zxids(names, "snapshot.")
}

/// Only the canonical spelling counts: a file we would not write ourselves is not ours.
fn zxids(names: &[String], prefix: &str) -> Vec<Zxid> {
    let zxid = |name: &String| {
        let hex = name.strip_prefix(prefix)?;
        let zxid = u64::from_str_radix(hex, 16).ok()?;
        (format!("{zxid:x}") == hex).then_some(Zxid(zxid))
    };
    let mut found: Vec<Zxid> = names.iter().filter_map(zxid).collect();
    found.sort();
    found
}
