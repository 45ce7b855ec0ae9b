//! What only the leader can give a client, as it leaves the client's connection.

use bytes::Bytes;

use crate::id::SessionId;

/// What a client wants that only the leader can give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A write, or the beginning or end of a session.
    Write(Submission),
    /// Everything the leader had proposed at that moment is to be applied here first.
    Sync {
        /// Who waits.
        session: SessionId,
        /// Its number of the request.
        cxid: i32,
    },
    /// Is this session alive? It comes from another server.
    Revalidate {
        /// The session.
        session: SessionId,
        /// The time-out it had.
        timeout_ms: i32,
    },
}

/// A write as it travels to the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Who asks.
    pub session: SessionId,
    /// Its number of the request.
    pub cxid: i32,
    /// What kind.
    pub opcode: i32,
    /// The request's own bytes, as the client sent them.
    pub body: Bytes,
}
