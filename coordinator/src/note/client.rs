//! What a client says: what it asked, what it was told, and what it believes to hold.

use std::fmt;
use std::sync::Arc;

use machine::{Level, Note};
use serde::Serialize;

use crate::code;
use crate::id::{SessionId, Zxid};

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

impl fmt::Display for Operation {
    /// As a person would type it: `setData /config "green" at version 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watching = |watch: bool| if watch { ", watching" } else { "" };
        match self {
            Self::Create { path, data, ephemeral, sequential } => {
                let ephemeral = if *ephemeral { " ephemeral" } else { "" };
                let sequential = if *sequential { " sequential" } else { "" };
                write!(f, "create{ephemeral}{sequential} {path} {}", Excerpt(data))
            }
            Self::Delete { path, version } => write!(f, "delete {path}{}", Over(*version)),
            Self::SetData { path, data, version } => {
                write!(f, "setData {path} {}{}", Excerpt(data), Over(*version))
            }
            Self::GetData { path, watch } => write!(f, "getData {path}{}", watching(*watch)),
            Self::Exists { path, watch } => write!(f, "exists {path}{}", watching(*watch)),
            Self::GetChildren { path, watch } => {
                write!(f, "getChildren {path}{}", watching(*watch))
            }
            Self::Sync { path } => write!(f, "sync {path}"),
            Self::Multi(parts) => {
                let parts: Vec<_> = parts.iter().map(Self::to_string).collect();
                write!(f, "multi [{}]", parts.join("; "))
            }
            Self::Check { path, version } => write!(f, "check {path}{}", Over(*version)),
        }
    }
}

/// The version a write or check expects, where it is not any.
struct Over(i32);

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            -1 => Ok(()),
            version => write!(f, " at version {version}"),
        }
    }
}

/// The beginning of some data, if it is text; otherwise its length.
struct Excerpt<'a>(&'a [u8]);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 32;
        match std::str::from_utf8(self.0) {
            Ok(text) if text.chars().any(char::is_control) => write!(f, "({} bytes)", text.len()),
            Ok(text) if text.len() <= LONGEST => write!(f, "\"{text}\""),
            Ok(text) => {
                let begin: String = text.chars().take(LONGEST).collect();
                write!(f, "\"{begin}…\" ({} bytes)", text.len())
            }
            Err(_) => write!(f, "({} bytes)", self.0.len()),
        }
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

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { path: Some(path), .. } => write!(f, "made {path}"),
            Self::Done { path: None, version: Some(version) } => {
                write!(f, "done, now version {version}")
            }
            Self::Done { path: None, version: None } => f.write_str("done"),
            Self::Data { data, version, mzxid } => {
                write!(f, "{}, version {version} since {mzxid}", Excerpt(data))
            }
            Self::There { version, mzxid, owner: SessionId::NONE } => {
                write!(f, "there, version {version} since {mzxid}")
            }
            Self::There { version, mzxid, owner } => {
                write!(f, "there, version {version} since {mzxid}, ephemeral of {owner}")
            }
            Self::Children(names) => match names.len() {
                0 => f.write_str("no children"),
                1..=8 => write!(f, "children {}", names.join(" ")),
                many => write!(f, "{many} children"),
            },
            Self::Refused(number) => write!(f, "refused, {}", code::meaning(*number)),
            Self::ConnectionLoss => f.write_str("connection lost, outcome unknown"),
            Self::SessionExpired => f.write_str("session expired"),
        }
    }
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
            Self::Invoked { op, what, .. } => write!(f, "asks #{op} {what}"),
            Self::Completed { op, zxid: Zxid::ZERO, outcome } => write!(f, "got #{op}: {outcome}"),
            Self::Completed { op, zxid, outcome } => write!(f, "got #{op} at {zxid}: {outcome}"),
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
