//! One step: an input, what the machine did about it, what it said, and which earlier step it
//! follows from.

use std::sync::Arc;

use bytes::Bytes;
use machine::{Conn, DiskError, Input, Instant, Ticket};

use super::fault::NodeId;

/// One input handled by one node. Its vectors are reused: keep what you need before the next step.
#[derive(Clone, Debug)]
pub struct Step<N> {
    /// Counts from 1.
    pub id: u64,
    /// The world's time.
    pub at: Instant,
    /// Who.
    pub node: NodeId,
    /// In which life, counted from 1.
    pub incarnation: u64,
    /// What happened to it.
    pub input: Input,
    /// What it did, in order.
    pub outputs: Vec<Output>,
    /// What it said, in order.
    pub notes: Vec<N>,
    /// The step this one follows from: a receive from its send, a wake from the step that set the
    /// alarm, a sync from its request, an opening from its dial. `None` where a fault or the start
    /// is the cause.
    pub cause: Option<u64>,
    /// The message, if the machine panicked: the node is dead then.
    pub panicked: Option<String>,
}

/// Something a machine did to the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Queued bytes on a stream.
    Sent {
        /// The stream.
        conn: Conn,
        /// The bytes.
        bytes: Bytes,
    },
    /// Began to connect.
    Dialled {
        /// The stream to be.
        conn: Conn,
        /// Where to.
        address: Arc<str>,
    },
    /// Listens.
    Listening {
        /// The listener's name.
        listener: &'static str,
        /// On which address.
        address: Arc<str>,
    },
    /// No longer listens.
    Unlistened {
        /// The listener's name.
        listener: &'static str,
    },
    /// Closed a stream politely.
    Closed {
        /// The stream.
        conn: Conn,
    },
    /// Reset a stream.
    Aborted {
        /// The stream.
        conn: Conn,
    },
    /// Made a directory.
    MadeDirectory {
        /// Which.
        path: Arc<str>,
    },
    /// Wrote into a file.
    DiskWrote {
        /// Which.
        path: Arc<str>,
        /// From where.
        offset: u64,
        /// How many bytes.
        len: u64,
    },
    /// Wrote at the end of a file.
    Appended {
        /// Which.
        path: Arc<str>,
        /// Its length before.
        offset: u64,
        /// How many bytes.
        len: u64,
    },
    /// Cut a file.
    Truncated {
        /// Which.
        path: Arc<str>,
        /// Its length after.
        len: u64,
    },
    /// Renamed a file.
    Renamed {
        /// Its old name.
        from: Arc<str>,
        /// Its new name.
        to: Arc<str>,
    },
    /// Removed a file.
    Removed {
        /// Which.
        path: Arc<str>,
    },
    /// Asked for a file or a directory to be made durable.
    SyncAsked {
        /// The request.
        ticket: Ticket,
        /// Which.
        path: Arc<str>,
    },
    /// A disk call did not happen. (A file that is not there is an answer, not a failure, and is
    /// not listed.)
    DiskFailed {
        /// Where.
        path: Arc<str>,
        /// Why.
        error: DiskError,
    },
    /// Ended its process.
    Exited {
        /// The exit code.
        code: i32,
        /// Why, in words.
        why: Arc<str>,
    },
}
