//! What a ZooKeeper server and a client say: typed facts, said where they become true. Checks fold them, the timeline
//! prints them, live mode logs them.

mod client;

use std::fmt;
use std::sync::Arc;

use machine::{Level, Note};
use serde::Serialize;

use crate::id::{Epoch, ServerId, SessionId, Zxid};
use crate::txn::Record;

pub use client::{ClientNote, Operation, Outcome};

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ServerNote {
    // -- a life
    /// The disk was read: this is the history the server now stands for.
    Recovered {
        /// The snapshot it began with (`ZERO` for none).
        snapshot: Zxid,
        /// The transactions replayed after it, in order: zxid and digest.
        replayed: Arc<[(Zxid, u64)]>,
        /// The last transaction it has.
        last: Zxid,
        /// The digest of the tree.
        tree: u64,
        /// `acceptedEpoch` on disk.
        accepted: Epoch,
        /// `currentEpoch` on disk.
        current: Epoch,
    },
    /// It will not run, and why.
    RefusedToStart(String),
    /// It serves alone, without an ensemble.
    ServesStandalone,

    // -- election
    /// A round of leader election begins.
    Looking {
        /// The round (logical clock).
        round: u64,
    },
    /// It now votes for this server.
    Votes {
        /// The candidate.
        leader: ServerId,
        /// The candidate's last transaction.
        zxid: Zxid,
        /// The candidate's current epoch.
        epoch: Epoch,
        /// The round.
        round: u64,
    },
    /// A quorum agrees on this server.
    Elected {
        /// The winner.
        leader: ServerId,
        /// The round.
        round: u64,
    },

    // -- ZAB
    /// `acceptedEpoch` is on disk: no leader of an older epoch will be followed.
    EpochAccepted {
        /// The epoch promised.
        epoch: Epoch,
    },
    /// `currentEpoch` is on disk.
    EpochCurrent {
        /// The epoch.
        epoch: Epoch,
    },
    /// A quorum promised this leader its epoch: it begins to bring followers up to its history.
    Leads {
        /// Its epoch.
        epoch: Epoch,
        /// Where its history ends.
        last: Zxid,
    },
    /// The leader brings one follower up to date.
    Synchronises {
        /// The follower.
        follower: ServerId,
        /// `DIFF`, `TRUNC` or `SNAP`.
        how: &'static str,
        /// The follower's last transaction.
        from: Zxid,
        /// The last transaction sent to it.
        to: Zxid,
    },
    /// The follower acknowledged NEWLEADER: it holds the leader's history, as far as its version makes sure of that.
    AcknowledgedLeader {
        /// The leader.
        leader: ServerId,
        /// The leader's epoch.
        epoch: Epoch,
    },
    /// A quorum acknowledged NEWLEADER: the history of this leader is committed, and it serves.
    Established {
        /// Its epoch.
        epoch: Epoch,
        /// Where its initial history ends.
        last: Zxid,
    },
    /// UPTODATE came: this follower serves.
    Follows {
        /// The leader.
        leader: ServerId,
        /// The leader's epoch.
        epoch: Epoch,
    },
    /// It gives up its role, and why.
    LeavesRole(&'static str),
    /// The leader no longer counts on this follower, and why.
    LostFollower {
        /// The follower.
        follower: ServerId,
        /// Why.
        why: &'static str,
    },
    /// The leader proposed a transaction.
    Proposed(Arc<Record>),
    /// A transaction is in the log file (page cache).
    Logged {
        /// The transaction.
        zxid: Zxid,
        /// Its digest.
        digest: u64,
        /// The log file.
        file: Arc<str>,
        /// The length of the file with it.
        end: u64,
    },
    /// The log is on disk up to here, as far as this server was told.
    Synced {
        /// The last transaction covered.
        upto: Zxid,
    },
    /// It acknowledged a transaction (the leader: to itself).
    Acknowledged {
        /// The transaction.
        zxid: Zxid,
    },
    /// The leader saw a quorum of acknowledgements.
    Committed {
        /// The transaction.
        zxid: Zxid,
    },
    /// A committed transaction was applied to the tree.
    Delivered {
        /// What was applied.
        record: Arc<Record>,
        /// The digest of the tree afterwards.
        tree: u64,
        /// Ephemerals removed with their session.
        ephemerals: u32,
    },
    /// The log was cut: nothing after `to` is left in it.
    Truncated {
        /// The last transaction kept.
        to: Zxid,
    },
    /// The leader's whole tree was taken over.
    SnapshotInstalled {
        /// Whose.
        from: ServerId,
        /// The last transaction in it.
        zxid: Zxid,
        /// The digest of the tree.
        tree: u64,
    },
    /// A snapshot of the tree is in its file.
    SnapshotTaken {
        /// The last transaction when it was begun.
        zxid: Zxid,
    },
    /// The disk said no.
    DiskFailed(&'static str),

    // -- sessions and clients
    /// The leader opened a session.
    SessionOpened {
        /// The session.
        session: SessionId,
        /// Its time-out in ms.
        timeout_ms: u64,
    },
    /// The leader heard of a session, itself or through a follower.
    SessionTouched {
        /// The session.
        session: SessionId,
    },
    /// The leader lets a session expire.
    SessionExpired {
        /// The session.
        session: SessionId,
        /// How long it had not been heard of, in ms of this server's clock.
        idle_ms: u64,
        /// Its time-out in ms.
        timeout_ms: u64,
    },
    /// A client is told that its session is gone.
    ToldExpired {
        /// The session.
        session: SessionId,
    },
    /// A client was sent away, and why.
    RefusedClient(&'static str),
    /// The peer or client sent what does not parse.
    Malformed(&'static str),
}

impl Note for ServerNote {
    fn level(&self) -> Level {
        use ServerNote::*;
        match self {
            RefusedToStart(_)
            | ServesStandalone
            | Looking { .. }
            | Elected { .. }
            | Established { .. }
            | Synchronises { .. }
            | Follows { .. }
            | LeavesRole(_)
            | LostFollower { .. }
            | Truncated { .. }
            | SnapshotInstalled { .. }
            | DiskFailed(_)
            | SessionExpired { .. } => Level::Headline,
            _ => Level::Detail,
        }
    }

    fn mark(&self) -> Option<&'static str> {
        use ServerNote::*;
        match self {
            Elected { .. } => Some("elected"),
            Established { .. } => Some("leader-established"),
            Truncated { .. } => Some("truncated"),
            SnapshotInstalled { .. } => Some("snapshot-installed"),
            SnapshotTaken { .. } => Some("snapshot-taken"),
            Synchronises { how: "DIFF", .. } => Some("synchronised-by-diff"),
            Synchronises { how: "TRUNC", .. } => Some("synchronised-by-trunc"),
            Synchronises { how: "SNAP", .. } => Some("synchronised-by-snap"),
            SessionExpired { .. } => Some("session-expired"),
            RefusedToStart(_) => Some("refused-to-start"),
            RefusedClient(_) => Some("client-refused"),
            LeavesRole(_) => Some("role-lost"),
            _ => None,
        }
    }
}

impl fmt::Display for ServerNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ServerNote::*;
        match self {
            Recovered { snapshot, replayed, last, .. } => {
                let count = replayed.len();
                write!(f, "recovered up to {last}: snapshot {snapshot} and {count} logged")
            }
            RefusedToStart(why) => write!(f, "refuses to start: {why}"),
            ServesStandalone => write!(f, "serves alone, as a standalone server"),
            Looking { round } => write!(f, "looks for a leader (round {round})"),
            Votes { leader, zxid, epoch, round } => {
                write!(f, "votes for {leader} (epoch {epoch}, zxid {zxid}, round {round})")
            }
            Elected { leader, round } => write!(f, "elected {leader} (round {round})"),
            EpochAccepted { epoch } => write!(f, "promised epoch {epoch}"),
            EpochCurrent { epoch } => write!(f, "is in epoch {epoch}"),
            Leads { epoch, last } => write!(f, "leads epoch {epoch} from {last}, not serving yet"),
            Synchronises { follower, how, from, to } => {
                write!(f, "synchronises {follower} by {how} from {from} to {to}")
            }
            AcknowledgedLeader { leader, epoch } => {
                write!(f, "acknowledged {leader} as leader of epoch {epoch}")
            }
            Established { epoch, last } => {
                write!(f, "leads epoch {epoch} with a quorum, history up to {last}: serves")
            }
            Follows { leader, epoch } => write!(f, "follows {leader} in epoch {epoch}: serves"),
            LeavesRole(why) => write!(f, "leaves its role: {why}"),
            LostFollower { follower, why } => write!(f, "lost follower {follower}: {why}"),
            Proposed(record) => write!(f, "proposed {}", record.header.zxid),
            Logged { zxid, file, .. } => write!(f, "logged {zxid} in {file}"),
            Synced { upto } => write!(f, "log on disk up to {upto}"),
            Acknowledged { zxid } => write!(f, "acknowledged {zxid}"),
            Committed { zxid } => write!(f, "committed {zxid}"),
            Delivered { record, .. } => write!(f, "delivered {}", record.header.zxid),
            Truncated { to } => write!(f, "cut its log back to {to}"),
            SnapshotInstalled { from, zxid, .. } => {
                write!(f, "took over the tree of {from} at {zxid}")
            }
            SnapshotTaken { zxid } => write!(f, "wrote snapshot {zxid}"),
            DiskFailed(what) => write!(f, "disk failed: {what}"),
            SessionOpened { session, timeout_ms } => {
                write!(f, "opened session {session} with time-out {timeout_ms} ms")
            }
            SessionTouched { session } => write!(f, "heard of session {session}"),
            SessionExpired { session, idle_ms, timeout_ms } => {
                let limit = format!("time-out {timeout_ms} ms");
                write!(f, "expires session {session}, unheard for {idle_ms} ms ({limit})")
            }
            ToldExpired { session } => write!(f, "told a client that session {session} expired"),
            RefusedClient(why) => write!(f, "refused a client: {why}"),
            Malformed(what) => write!(f, "dropped a connection: {what} does not parse"),
        }
    }
}
