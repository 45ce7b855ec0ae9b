//! What can happen to a machine, and the handles it is told about.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

/// One end of a byte stream, unique within one life of a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Conn(pub u64);

/// A disk request that was asked for and will be answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Ticket(pub u64);

/// Who is at the other end of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Our own [`crate::Context::dial`] succeeded.
    Dialled,
    /// Somebody connected to the listener named `listener` from the host address `from` (no port).
    Accepted {
        /// The name given to [`crate::Context::listen`].
        listener: &'static str,
        /// The source address, as `maxClientCnxns` counts it.
        from: Arc<str>,
    },
}

/// Why a stream is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Closed {
    /// Dialling: nobody listens there.
    Refused,
    /// Dialling: no such host name from where this node stands.
    UnknownName,
    /// Dialling or sending: the network gave up after its own long patience.
    TimedOut,
    /// The other process died or aborted; bytes under way may be lost.
    Reset,
    /// The other side closed after everything it had sent.
    Ended,
}

/// Why a listener could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenError {
    /// Somebody on this host listens on that port.
    AddressInUse,
    /// The address is not one of this host, or does not parse.
    NotOurAddress,
}

/// One thing that happens to a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A life begins; the disk is what the last one left.
    Booted,
    /// A stream is open: dialled, or accepted on a named listener.
    Opened {
        /// The stream.
        conn: Conn,
        /// Who is there.
        peer: Peer,
    },
    /// A piece of the stream; framing is the machine's.
    Received {
        /// The stream.
        conn: Conn,
        /// The next bytes, never empty.
        bytes: Bytes,
    },
    /// The peer took what was queued: a stream that had been full ([`crate::Context::queued`]) may be used again.
    Drained {
        /// The stream.
        conn: Conn,
    },
    /// The stream is no more; the handle is dead.
    Closed {
        /// The stream.
        conn: Conn,
        /// Why.
        why: Closed,
    },
    /// A sync that was asked for ended.
    Synced {
        /// The request.
        ticket: Ticket,
        /// Whether the bytes are on the disk.
        result: Result<(), crate::DiskError>,
    },
    /// A disk call that answered [`crate::DiskError::WouldBlock`] may be done again.
    Ready {
        /// The ticket it answered with.
        ticket: Ticket,
    },
    /// The time [`crate::Machine::wake_at`] named has come, or it has not: look at the clock.
    Woke,
    /// SIGTERM: leave politely.
    Stop,
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}
