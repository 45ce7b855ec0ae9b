//! The leader's picture of one follower: how far it has come, and when it was last heard of (LearnerHandler).

use machine::{Conn, Instant};

use crate::id::{ServerId, Zxid};
use crate::wire::peer::PeerStream;

/// One connection on the leader's quorum port.
#[derive(Debug)]
pub struct Learner {
    /// The connection.
    pub conn: Conn,
    /// Who it is, once it said so.
    pub sid: Option<ServerId>,
    /// How far it has come.
    pub stage: Stage,
    /// Its packets.
    pub stream: PeerStream,
    /// Its last transaction when it came.
    pub last: Zxid,
    /// Nothing heard until then: the connection is closed.
    pub deadline: Instant,
    /// The tick up to which it counts for the leader's quorum.
    pub counts_until_tick: u64,
    /// The oldest proposal it has not acknowledged, and since when it waits.
    pub oldest_waiting: Option<(Zxid, Instant)>,
}

/// How far a follower has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It has not said who it is.
    Greeting,
    /// It waits to be told the epoch.
    AwaitingEpoch,
    /// It was told the epoch.
    Promising,
    /// It promised; it waits until the leader may bring it up to date.
    Promised,
    /// It was sent the history and NEWLEADER.
    Synchronising,
    /// It acknowledged NEWLEADER.
    Synchronised,
    /// It was told that it is up to date.
    Active,
}

impl Learner {
    /// Somebody connected.
    pub fn new(conn: Conn, deadline: Instant, counts_until_tick: u64) -> Self {
        Self {
            conn,
            sid: None,
            stage: Stage::Greeting,
            stream: PeerStream::new(),
            last: Zxid::ZERO,
            deadline,
            counts_until_tick,
            oldest_waiting: None,
        }
    }

    /// Whether it is sent every proposal and commit as they come.
    pub fn is_forwarding(&self) -> bool {
        self.stage >= Stage::Synchronising
    }
}
