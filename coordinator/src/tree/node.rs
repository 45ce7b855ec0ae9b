//! One znode: its data, its access control list, what ZooKeeper remembers about it and what clients
//! are told.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::id::{SessionId, Zxid};
use crate::txn::Acl;
use crate::wire::jute::Writer;
use crate::wire::record::write_acl;

/// What a snapshot keeps about a znode (`StatPersisted`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Persisted {
    /// The transaction that created it.
    pub czxid: Zxid,
    /// The last one that set its data.
    pub mzxid: Zxid,
    /// When it was created, ms since 1970 on the leader's clock.
    pub ctime: i64,
    /// When its data was set last.
    pub mtime: i64,
    /// How often its data was set.
    pub version: i32,
    /// How many children were ever created below it by transactions. Clients are told another
    /// number: [`Stat::cversion`].
    pub creates: i32,
    /// How often its access control list was set.
    pub aversion: i32,
    /// The session it dies with, `NONE` if it is persistent.
    pub ephemeral_owner: SessionId,
    /// The last transaction that created or deleted a child, its own creation before that.
    pub pzxid: Zxid,
}

/// What clients are told about a znode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stat {
    /// The transaction that created it.
    pub czxid: Zxid,
    /// The last one that set its data.
    pub mzxid: Zxid,
    /// When it was created, ms since 1970 on the leader's clock.
    pub ctime: i64,
    /// When its data was set last.
    pub mtime: i64,
    /// How often its data was set.
    pub version: i32,
    /// Creations and deletions of children, counted as twice the creations less the children there:
    /// −1 for `/zookeeper`, whose child no transaction made.
    pub cversion: i32,
    /// How often its access control list was set.
    pub aversion: i32,
    /// The session it dies with, `NONE` if it is persistent.
    pub ephemeral_owner: SessionId,
    /// Bytes of data; 0 for null.
    pub data_length: i32,
    /// Children there.
    pub num_children: i32,
    /// The last transaction that created or deleted a child, its own creation before that.
    pub pzxid: Zxid,
}

/// A znode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Znode {
    data: Option<Bytes>,
    acl: Arc<[Acl]>,
    persisted: Persisted,
    children: BTreeSet<Arc<str>>,
    digest: u64,
}

impl Znode {
    /// A znode without children.
    pub fn new(data: Option<Bytes>, acl: Arc<[Acl]>, persisted: Persisted) -> Self {
        Self { data, acl, persisted, children: BTreeSet::new(), digest: 0 }
    }

    /// One of those that no transaction made: empty, open to everybody, all numbers 0.
    pub(super) fn built_in() -> Self {
        Self::new(Some(Bytes::new()), Acl::open(), Persisted::default())
    }

    /// Its data; `None` is Java's null, which clients can tell from empty.
    pub fn data(&self) -> Option<&Bytes> {
        self.data.as_ref()
    }

    /// Its access control list.
    pub fn acl(&self) -> &Arc<[Acl]> {
        &self.acl
    }

    /// What a snapshot keeps about it.
    pub fn persisted(&self) -> &Persisted {
        &self.persisted
    }

    /// The names of its children.
    pub fn children(&self) -> &BTreeSet<Arc<str>> {
        &self.children
    }

    /// What clients are told about it.
    pub fn stat(&self) -> Stat {
        let p = &self.persisted;
        let num_children = count(self.children.len());
        Stat {
            czxid: p.czxid,
            mzxid: p.mzxid,
            ctime: p.ctime,
            mtime: p.mtime,
            version: p.version,
            cversion: p.creates.wrapping_mul(2).wrapping_sub(num_children),
            aversion: p.aversion,
            ephemeral_owner: p.ephemeral_owner,
            data_length: self.data.as_ref().map_or(0, |data| count(data.len())),
            num_children,
            pzxid: p.pzxid,
        }
    }

    /// Its part of [`super::DataTree::digest`], as of the last [`Self::fingerprint`].
    pub(super) fn digest(&self) -> u64 {
        self.digest
    }

    /// Brings its part of the digest up to date.
    pub(super) fn fingerprint(&mut self, path: &str) -> u64 {
        let mut out = Writer::new();
        out.string(path).buffer(self.data.as_deref());
        write_acl(&mut out, &self.acl);
        write_persisted(&mut out, &self.persisted);
        self.digest = xxh3_64(&out.finish());
        self.digest
    }

    pub(super) fn child_after(&self, name: &str) -> Option<&Arc<str>> {
        self.children.range::<str, _>((Bound::Excluded(name), Bound::Unbounded)).next()
    }

    pub(super) fn add_child(&mut self, name: Arc<str>) {
        self.children.insert(name);
    }

    pub(super) fn remove_child(&mut self, name: &str) {
        self.children.remove(name);
    }

    pub(super) fn set_data(&mut self, data: Option<Bytes>, version: i32, zxid: Zxid, time: i64) {
        self.data = data;
        self.persisted.version = version;
        self.persisted.mzxid = zxid;
        self.persisted.mtime = time;
    }

    pub(super) fn set_acl(&mut self, acl: Arc<[Acl]>, version: i32) {
        self.acl = acl;
        self.persisted.aversion = version;
    }

    /// A child was created: the count never goes back, and the zxid moves only with it, so that
    /// replaying what the snapshot already counted changes nothing (ZOOKEEPER-1269, 3249).
    pub(super) fn count_creation(&mut self, creates: i32, zxid: Zxid) {
        // The count wraps around, as Java's does.
        if creates.wrapping_sub(self.persisted.creates) > 0 {
            self.persisted.creates = creates;
            self.persisted.pzxid = zxid;
        }
    }

    /// A child was deleted.
    pub(super) fn note_deletion(&mut self, zxid: Zxid) {
        self.persisted.pzxid = self.persisted.pzxid.max(zxid);
    }
}

/// What an access control list can allow, as bits of [`Acl::perms`].
pub mod permission {
    /// Read data, list and children.
    pub const READ: i32 = 1;
    /// Set data.
    pub const WRITE: i32 = 2;
    /// Create children; checked on the parent.
    pub const CREATE: i32 = 4;
    /// Delete children; checked on the parent.
    pub const DELETE: i32 = 8;
    /// Set the list.
    pub const ADMIN: i32 = 16;
}

/// Whether this list lets everybody do what `permission` stands for. An empty list does. Entries of
/// other schemes than `world` need an identity, and nobody has one here.
pub fn permits(acl: &[Acl], permission: i32) -> bool {
    let everybody = |entry: &Acl| &*entry.scheme == "world" && &*entry.id == "anyone";
    acl.is_empty() || acl.iter().any(|entry| entry.perms & permission != 0 && everybody(entry))
}

/// Writes `StatPersisted`.
pub(super) fn write_persisted(out: &mut Writer, p: &Persisted) {
    out.long(p.czxid.0.cast_signed()).long(p.mzxid.0.cast_signed());
    out.long(p.ctime).long(p.mtime).int(p.version).int(p.creates).int(p.aversion);
    out.long(p.ephemeral_owner.0).long(p.pzxid.0.cast_signed());
}

fn count(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}
