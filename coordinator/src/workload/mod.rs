//! Clients with something to do, so that a cluster has load and its promises have witnesses.
//!
//! A [`Client`] is a machine of its own: it keeps a session and does one kind of work in it, one operation at a time. It
//! behaves as careful applications do: an operation whose answer is lost may or may not have happened and is never taken
//! for either, a lost session is followed by a new one. Everything it was promised is said in [`ClientNote`]s. Checking
//! those promises is not its business.

mod client;
mod ground;
mod lock;
mod multi;
mod reader;
mod sequencer;
#[cfg(test)]
mod tests;
mod watcher;
mod writer;

use std::sync::Arc;

use machine::{Context, Duration, Instant};
use serde::{Deserialize, Serialize};

use crate::client::{ConnectString, ConnectStringError, SessionClient, check_path};
use crate::id::SessionId;
use crate::note::ClientNote;
use crate::wire::client::{Request, Response};

pub use client::{Client, View};

/// A client: where it connects and what it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadConfig {
    /// The connect string. A chroot is put in front of the work's path, and made if it is missing, as Kafka does.
    pub connect: String,
    /// The session time-out to ask for.
    pub session_timeout: Duration,
    /// What it does.
    pub kind: Kind,
    /// How long after its start it begins.
    pub start_after: Duration,
}

/// What a client does. Intervals are from one operation's beginning to the next; missing znodes above `path` are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Makes `path` and sets its data to ever new values.
    Writer {
        /// The znode.
        path: String,
        /// Between writes.
        interval: Duration,
        /// The length of a value; values are never shorter than what makes them different.
        bytes: usize,
        /// Writes only over the version it knows (compare and set), instead of any.
        checked: bool,
    },
    /// Reads the data of `path`. Makes nothing.
    Reader {
        /// The znode.
        path: String,
        /// Between reads.
        interval: Duration,
        /// Asks for a sync before every read.
        sync: bool,
    },
    /// Takes a lock and keeps it for as long as it can be sure of it.
    LockHolder {
        /// The znode below which the locks are.
        path: String,
        /// Queues with ephemeral sequential znodes instead of racing for one ephemeral znode.
        queued: bool,
    },
    /// Watches `path`, and watches again after every event.
    Watcher {
        /// The znode. Need not exist, is not made.
        path: String,
        /// Watches its children, too.
        children: bool,
    },
    /// Makes sequential znodes below `path`; every fourth time it deletes the oldest it made.
    Sequencer {
        /// The parent.
        path: String,
        /// Between operations.
        interval: Duration,
    },
    /// Changes several znodes below `path` in one multi; every fourth fails on purpose.
    Multi {
        /// The parent.
        path: String,
        /// Between operations.
        interval: Duration,
    },
}

impl Kind {
    fn path(&self) -> &str {
        match self {
            Self::Writer { path, .. }
            | Self::Reader { path, .. }
            | Self::LockHolder { path, .. }
            | Self::Watcher { path, .. }
            | Self::Sequencer { path, .. }
            | Self::Multi { path, .. } => path,
        }
    }

    /// Between operations; `None` where it is events that call for the next one.
    fn interval(&self) -> Option<Duration> {
        match self {
            Self::Writer { interval, .. }
            | Self::Reader { interval, .. }
            | Self::Sequencer { interval, .. }
            | Self::Multi { interval, .. } => Some(*interval),
            Self::LockHolder { .. } | Self::Watcher { .. } => None,
        }
    }

    /// The work itself, on a full path.
    fn job(&self, path: Arc<str>) -> Box<dyn Job> {
        match self {
            Self::Writer { bytes, checked, .. } => {
                Box::new(writer::Writer::new(path, *bytes, *checked))
            }
            Self::Reader { sync, .. } => Box::new(reader::Reader::new(path, *sync)),
            Self::LockHolder { queued: false, .. } => Box::new(lock::Lock::racing(path)),
            Self::LockHolder { queued: true, .. } => Box::new(lock::Lock::queued(path)),
            Self::Watcher { children, .. } => Box::new(watcher::Watcher::new(path, *children)),
            Self::Sequencer { .. } => Box::new(sequencer::Sequencer::new(path)),
            Self::Multi { .. } => Box::new(multi::Multi::new(path)),
        }
    }
}

impl WorkloadConfig {
    /// Whether a client can be made of it.
    ///
    /// # Errors
    /// The connect string is none, or the work's path cannot be a znode's (the position is then one in the path).
    pub fn check(&self) -> Result<(), ConnectStringError> {
        self.resolve().map(drop)
    }

    /// The servers without the chroot, and the work's path with it.
    fn resolve(&self) -> Result<(ConnectString, Arc<str>), ConnectStringError> {
        let connect: ConnectString = self.connect.parse()?;
        check_path(self.kind.path()).map_err(|(at, what)| ConnectStringError { at, what })?;
        Ok((connect.without_chroot(), connect.full(self.kind.path())))
    }
}

/// What a job wants after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Its next request now: the work is not done with this one.
    AtOnce,
    /// Its next request when the interval is over.
    Interval,
    /// Nothing before a watch fires or something is lost.
    Event,
}

/// A kind of work as a state machine: it is asked for one request at a time and given the answer. Paths are full.
trait Job {
    /// Something to tell values of this client from all others'. Given once, before anything else.
    fn named(&mut self, _unique: u32) {}

    /// The next request.
    fn ask(&mut self) -> Request;

    /// Its answer: a response, or the code the server refused it with.
    fn answered(&mut self, answer: Result<Response, i32>, session: SessionId) -> Next;

    /// No answer will come: what was asked may or may not have happened. The next request is asked for after a pause.
    fn lost(&mut self) {}

    /// The session is gone, and a new one begins.
    fn expired(&mut self) {}

    /// The session is on a live connection, for the first time or again. Whether there is now something to ask.
    fn connected(&mut self) -> bool {
        false
    }

    /// A watch fired. Whether there is now something to ask.
    fn watched(&mut self, _kind: i32, _path: &str) -> bool {
        false
    }

    /// Any time something happened: what this job believes, in notes, and until when.
    fn believe(&mut self, _session: &SessionClient, _cx: &mut Context<'_, ClientNote>) {}

    /// When it wants to look at what it believes again.
    fn believes_until(&self, _session: &SessionClient) -> Option<Instant> {
        None
    }

    /// The lock it believes to hold.
    fn holds(&self) -> Option<Arc<str>> {
        None
    }
}
