//! What a ZooKeeper server and a client say: typed facts, said where they become true. Checks fold them, the timeline
//! prints them, live mode logs them.

use std::fmt;
use std::sync::Arc;

use machine::{Level, Note};
use serde::Serialize;

use crate::id::{Epoch, ServerId, SessionId, Zxid};
use crate::txn::Record;

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

/// One operation of a client, as it asked for it. Paths are full (chroot included).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Operation {
    /// `create`; `sequential` adds the suffix.
    Create {
        /// Path asked for.
        path: Arc<str>,
        /// Data.
        data: Arc<[u8]>,
        /// Dies with the session.
        ephemeral: bool,
        /// Gets a suffix.
        sequential: bool,
    },
    /// `delete`, with the expected version (−1 any).
    Delete {
        /// Path.
        path: Arc<str>,
        /// Expected version.
        version: i32,
    },
    /// `setData`, with the expected version (−1 any).
    SetData {
        /// Path.
        path: Arc<str>,
        /// Data.
        data: Arc<[u8]>,
        /// Expected version.
        version: i32,
    },
    /// `getData`.
    GetData {
        /// Path.
        path: Arc<str>,
        /// Leaves a watch.
        watch: bool,
    },
    /// `exists`.
    Exists {
        /// Path.
        path: Arc<str>,
        /// Leaves a watch.
        watch: bool,
    },
    /// `getChildren` or `getChildren2`.
    GetChildren {
        /// Path.
        path: Arc<str>,
        /// Leaves a watch.
        watch: bool,
    },
    /// `sync`.
    Sync {
        /// Path.
        path: Arc<str>,
    },
    /// `multi` of creates, deletes, setDatas and checks.
    Multi(Arc<[Operation]>),
    /// `check`, only inside a multi.
    Check {
        /// Path.
        path: Arc<str>,
        /// Expected version.
        version: i32,
    },
}

impl Operation {
    /// Whether it goes through the leader and gets a zxid.
    pub fn is_write(&self) -> bool {
        matches!(
            self,
            Self::Create { .. } | Self::Delete { .. } | Self::SetData { .. } | Self::Multi(_)
        )
    }
}

/// How an operation ended for the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// A write or sync succeeded. `path` is the name a create got; `version` the data version after a setData.
    Done {
        /// The created path.
        path: Option<Arc<str>>,
        /// The new data version.
        version: Option<i32>,
    },
    /// getData: the data with its version and the zxid that wrote it.
    Data {
        /// The data.
        data: Arc<[u8]>,
        /// Data version.
        version: i32,
        /// The zxid of the last change of the data.
        mzxid: Zxid,
    },
    /// exists, and the znode is there.
    There {
        /// Data version.
        version: i32,
        /// The zxid of the last change of the data.
        mzxid: Zxid,
        /// The session it dies with (0 for none).
        owner: SessionId,
    },
    /// getChildren.
    Children(Arc<[Arc<str>]>),
    /// The server said no: its error code (−101 no node, −110 node exists …).
    Refused(i32),
    /// CONNECTIONLOSS: the connection broke before an answer; the operation may or may not have happened.
    ConnectionLoss,
    /// The session expired before an answer.
    SessionExpired,
}

/// What a client says: everything its user was promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ClientNote {
    /// It tries this server.
    Connecting {
        /// `host:port`.
        to: Arc<str>,
    },
    /// It has a session there.
    Connected {
        /// The session.
        session: SessionId,
        /// The negotiated time-out in ms.
        timeout_ms: u64,
        /// Whether the session is a new one.
        fresh: bool,
        /// `host:port`.
        to: Arc<str>,
    },
    /// The connection is gone; the session may still live.
    Disconnected(&'static str),
    /// The server said that the session is gone.
    Expired {
        /// The session that was lost.
        session: SessionId,
    },
    /// An operation was sent or queued for sending.
    Invoked {
        /// Its number, unique and ascending within this client.
        op: u64,
        /// The session it was asked in (0 before the first).
        session: SessionId,
        /// What.
        what: Arc<Operation>,
    },
    /// An operation ended.
    Completed {
        /// Its number.
        op: u64,
        /// The zxid in the reply header (`ZERO` without a reply).
        zxid: Zxid,
        /// How.
        outcome: Outcome,
    },
    /// A watch fired.
    Watched {
        /// 1 created, 2 deleted, 3 data changed, 4 children changed.
        kind: i32,
        /// The path.
        path: Arc<str>,
    },
    /// Workload: this client holds its lock.
    Locked {
        /// The ephemeral znode that is the lock.
        path: Arc<str>,
    },
    /// Workload: it no longer does, or can no longer be sure.
    Unlocked {
        /// The ephemeral znode that was the lock.
        path: Arc<str>,
    },
}

impl Note for ClientNote {
    fn level(&self) -> Level {
        match self {
            Self::Connected { .. }
            | Self::Disconnected(_)
            | Self::Expired { .. }
            | Self::Locked { .. }
            | Self::Unlocked { .. } => Level::Headline,
            _ => Level::Detail,
        }
    }

    fn mark(&self) -> Option<&'static str> {
        match self {
            Self::Expired { .. } => Some("client-expired"),
            Self::Connected { fresh: false, .. } => Some("session-resumed"),
            Self::Watched { .. } => Some("watch-fired"),
            Self::Completed { outcome: Outcome::ConnectionLoss, .. } => Some("connection-loss"),
            _ => None,
        }
    }
}

impl fmt::Display for ClientNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting { to } => write!(f, "tries {to}"),
            Self::Connected { session, timeout_ms, fresh: true, to } => {
                write!(f, "has session {session} on {to}, time-out {timeout_ms} ms")
            }
            Self::Connected { session, fresh: false, to, .. } => {
                write!(f, "resumed session {session} on {to}")
            }
            Self::Disconnected(why) => write!(f, "disconnected: {why}"),
            Self::Expired { session } => write!(f, "session {session} expired"),
            Self::Invoked { op, what, .. } => write!(f, "asks #{op} {what:?}"),
            Self::Completed { op, zxid, outcome } => write!(f, "got #{op} at {zxid}: {outcome:?}"),
            Self::Watched { kind, path } => {
                let kind = match kind {
                    1 => "was created",
                    2 => "was deleted",
                    3 => "changed",
                    4 => "has other children",
                    _ => "has an event",
                };
                write!(f, "is told that {path} {kind}")
            }
            Self::Locked { path } => write!(f, "holds the lock {path}"),
            Self::Unlocked { path } => write!(f, "no longer holds the lock {path}"),
        }
    }
}
