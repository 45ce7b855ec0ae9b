//! Records on the simulated disk: segments with their indexes, checkpoints, leader epochs, recovery.
//!
//! [`Logs`] is a broker's log directory, [`Log`] one replica. Nothing here knows who leads. The produce path does not
//! sync: an append is in the page cache when the call returns.
//!
//! ```text
//!   open ──► slices ──► Opened ──► append, read, truncate, schedules ──► close ──► Closed
//!     └──────────┴────────┴── any disk call that fails for good: Failed ──┘
//! ```
//! A call that answers `WouldBlock` has changed nothing that matters and is made again by whoever made it; what nobody
//! waits for (index files, renames, checkpoints) is tried again here. A directory without files counts as none: the
//! contract's disk makes directories and never removes them.

mod batches;
mod checkpoint;
mod closing;
mod cutting;
mod directory;
mod epochs;
mod flushing;
mod index;
mod loading;
mod meta;
mod names;
mod opening;
mod reading;
mod removal;
mod replica;
mod scan;
mod schedule;
mod segment;
mod snapshot;

use bytes::Bytes;
use machine::DiskError;

use crate::id::Offset;

pub use directory::Logs;
pub use replica::Log;

/// What the owner of the logs is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// All logs were read ([`crate::note::Note::LogsOpened`] was said), from now on they can be used.
    Opened,
    /// Everything is flushed and the clean-shutdown marker is there.
    Closed,
    /// A disk call failed: the directory is offline. Said once, also when the call's own caller was told.
    Failed(DiskError),
}

/// Why nothing was appended or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogError {
    /// The disk said no; `WouldBlock`: nothing happened, do the same call again on [`machine::Input::Ready`].
    Disk(DiskError),
    /// The bytes are no valid batches, or a checksum is wrong.
    Corrupt,
    /// A batch is larger than `max.message.bytes`, or all of them than `segment.bytes`.
    TooLarge,
    /// A read or an append outside of the log.
    OutOfRange,
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of the first record.
    pub base: Offset,
    /// The offset of the last record.
    pub last: Offset,
}

/// What a read found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Whole batches, exactly as they lie on the disk; the first one contains the offset asked for.
    pub records: Bytes,
}
