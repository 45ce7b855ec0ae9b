//! Transactions: what a leader proposes, all servers log and apply. Their bytes are in [`crate::wire`].

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::id::{SessionId, Zxid};

/// Who asked for a transaction, and its place in the order of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TxnHeader {
    /// The session that asked.
    pub session: SessionId,
    /// The session's own number of the request.
    pub cxid: i32,
    /// The place in the order.
    pub zxid: Zxid,
    /// The leader's wall clock when it was proposed, ms since 1970.
    pub time_ms: i64,
}

/// What a transaction does. Outcomes are already decided: applying it needs no further check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Txn {
    /// A znode appears. `parent_cversion` is the parent's count of creations afterwards.
    Create {
        /// Its full path; sequential suffixes are already in it.
        path: Arc<str>,
        /// `None` is Java's null, which clients can tell from empty.
        data: Option<Bytes>,
        /// Its access control list.
        acl: Arc<[Acl]>,
        /// Whether it belongs to the session in the header and dies with it.
        ephemeral: bool,
        /// The parent's internal count of creations after this one.
        parent_cversion: i32,
    },
    /// A znode disappears.
    Delete {
        /// Its path.
        path: Arc<str>,
    },
    /// A znode gets new data.
    SetData {
        /// Its path.
        path: Arc<str>,
        /// The data; `None` is null.
        data: Option<Bytes>,
        /// The data version afterwards.
        version: i32,
    },
    /// A znode gets a new access control list.
    SetAcl {
        /// Its path.
        path: Arc<str>,
        /// The list.
        acl: Arc<[Acl]>,
        /// The ACL version afterwards.
        version: i32,
    },
    /// Inside a multi: a version was checked and held.
    Check {
        /// The path checked.
        path: Arc<str>,
        /// The version found.
        version: i32,
    },
    /// A session begins.
    CreateSession {
        /// Its negotiated time-out.
        timeout_ms: i32,
    },
    /// A session ends, and its ephemerals with it.
    CloseSession,
    /// A write that failed; it consumes a zxid and changes nothing.
    Error {
        /// The error code clients see.
        code: i32,
    },
    /// Several at once under one zxid. If one is an error, all are.
    Multi(Vec<Txn>),
}

/// One entry of an access control list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Acl {
    /// READ 1, WRITE 2, CREATE 4, DELETE 8, ADMIN 16.
    pub perms: i32,
    /// `world`, `auth`, `digest`, `ip`.
    pub scheme: Arc<str>,
    /// Who, as the scheme understands it.
    pub id: Arc<str>,
}

impl Acl {
    /// `world:anyone` with every permission: what almost everybody uses.
    pub fn open() -> Arc<[Self]> {
        Arc::new([Self { perms: 31, scheme: "world".into(), id: "anyone".into() }])
    }
}

/// A transaction as it travels from proposal to application: encoded once, shared by everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Its header.
    pub header: TxnHeader,
    /// What it does.
    pub txn: Txn,
    /// Header and transaction in jute, as logged and as sent in PROPOSAL.
    #[serde(skip)]
    pub bytes: Bytes,
    /// A fingerprint of `bytes`: equal zxids must have equal digests everywhere.
    pub digest: u64,
}
