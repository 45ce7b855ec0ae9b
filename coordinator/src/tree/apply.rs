//! Applying transactions: the one way the tree changes.

use std::sync::Arc;

use bytes::Bytes;

use super::node::{Persisted, Stat, Znode};
use super::{DataTree, EventKind, TreeEvent, code, path};
use crate::id::SessionId;
use crate::txn::{Acl, Txn, TxnHeader};

/// What a transaction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What to answer, or the error code. A multi is always `Ok`: its parts say what became of
    /// them.
    pub outcome: Result<Effect, i32>,
    /// What watches are told, in order.
    pub events: Vec<TreeEvent>,
    /// Ephemerals removed with their session.
    pub ephemerals_removed: u32,
}

/// What a transaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A znode appeared.
    Created {
        /// Its path, with its suffix if it has one.
        path: Arc<str>,
        /// Its stat.
        stat: Stat,
    },
    /// A znode disappeared.
    Deleted,
    /// The data was set.
    DataSet(Stat),
    /// The access control list was set.
    AclSet(Stat),
    /// The version was the expected one.
    Checked,
    /// A session began.
    SessionCreated,
    /// A session ended.
    SessionClosed,
    /// What became of each part of a multi; if one failed, none did anything and all have a code.
    Multi(Vec<Result<Effect, i32>>),
}

impl DataTree {
    /// Applies a transaction. Replaying one whose effects are there already, or were undone since,
    /// is harmless: no znode is touched by a transaction older than what it shows, and what comes
    /// back goes again with the rest of the log. (Real servers before 3.6 can go wrong here when a
    /// closed session's ephemeral was replaced: they know only its owner, not its path.)
    ///
    /// `keep_ephemerals` leaves the ephemerals of a closed session
    /// ([`crate::mechanism::Mutant::KeepsEphemerals`]).
    pub fn apply(&mut self, header: &TxnHeader, txn: &Txn, keep_ephemerals: bool) -> Applied {
        let mut work = Work { tree: self, header, events: Vec::new(), ephemerals_removed: 0 };
        let outcome = work.apply(txn, keep_ephemerals);
        let Work { events, ephemerals_removed, .. } = work;
        self.advance_to(header.zxid);
        Applied { outcome, events, ephemerals_removed }
    }
}

/// One transaction being applied.
struct Work<'a> {
    tree: &'a mut DataTree,
    header: &'a TxnHeader,
    events: Vec<TreeEvent>,
    ephemerals_removed: u32,
}

impl Work<'_> {
    fn apply(&mut self, txn: &Txn, keep_ephemerals: bool) -> Result<Effect, i32> {
        match txn {
            Txn::Create { path, data, acl, ephemeral, parent_cversion } => {
                let owner = if *ephemeral { self.header.session } else { SessionId::NONE };
                self.create(path, data, acl, owner, *parent_cversion)
            }
            Txn::Delete { path } => self.delete(path).map(|()| Effect::Deleted),
            Txn::SetData { path, data, version } => self.set_data(path, data, *version),
            Txn::SetAcl { path, acl, version } => self.set_acl(path, acl, *version),
            Txn::Check { .. } => Ok(Effect::Checked),
            Txn::CreateSession { timeout_ms } => {
                self.tree.sessions.insert(self.header.session, *timeout_ms);
                Ok(Effect::SessionCreated)
            }
            Txn::CloseSession => {
                self.close_session(keep_ephemerals);
                Ok(Effect::SessionClosed)
            }
            Txn::Error { code } => Err(*code),
            Txn::Multi(parts) => Ok(Effect::Multi(
                parts.iter().map(|part| self.apply(part, keep_ephemerals)).collect(),
            )),
        }
    }

    fn create(
        &mut self,
        path: &Arc<str>,
        data: &Option<Bytes>,
        acl: &Arc<[Acl]>,
        owner: SessionId,
        parent_creates: i32,
    ) -> Result<Effect, i32> {
        let TxnHeader { zxid, time_ms, .. } = *self.header;
        // The root has no parent; creating it is creating what exists.
        let (parent, _) = path::split(path).ok_or(code::NODE_EXISTS)?;
        self.find(parent, |parent| parent.czxid <= zxid)?;
        // The parent counts what a fuzzy snapshot may already hold (ZOOKEEPER-1269).
        self.tree.change(parent, |node| node.count_creation(parent_creates, zxid));
        if self.tree.get(path).is_some() {
            return Err(code::NODE_EXISTS);
        }
        let persisted = Persisted {
            czxid: zxid,
            mzxid: zxid,
            pzxid: zxid,
            ctime: time_ms,
            mtime: time_ms,
            ephemeral_owner: owner,
            ..Persisted::default()
        };
        let node = Znode::new(data.clone(), acl.clone(), persisted);
        let stat = node.stat();
        self.tree.attach(path.clone(), node);
        self.event(EventKind::Created, path);
        self.event(EventKind::ChildrenChanged, parent);
        Ok(Effect::Created { path: path.clone(), stat })
    }

    fn delete(&mut self, path: &str) -> Result<(), i32> {
        let (parent, _) = path::split(path).ok_or(code::BAD_ARGUMENTS)?;
        let zxid = self.header.zxid;
        self.find(parent, |parent| parent.czxid <= zxid)?;
        // The parent hears of it even if a fuzzy snapshot already lacks the child (ZOOKEEPER-3125).
        self.tree.change(parent, |node| node.note_deletion(zxid));
        self.find(path, |node| node.czxid <= zxid)?;
        self.tree.detach(path);
        self.event(EventKind::Deleted, path);
        self.event(EventKind::ChildrenChanged, parent);
        Ok(())
    }

    fn set_data(&mut self, path: &str, data: &Option<Bytes>, version: i32) -> Result<Effect, i32> {
        let TxnHeader { zxid, time_ms, .. } = *self.header;
        self.find(path, |node| node.mzxid <= zxid)?;
        let change = |node: &mut Znode| node.set_data(data.clone(), version, zxid, time_ms);
        let stat = self.tree.change(path, change).map(Znode::stat).ok_or(code::NO_NODE)?;
        self.event(EventKind::DataChanged, path);
        Ok(Effect::DataSet(stat))
    }

    fn set_acl(&mut self, path: &str, acl: &Arc<[Acl]>, version: i32) -> Result<Effect, i32> {
        let zxid = self.header.zxid;
        let not_newer = |node: &Persisted| version.wrapping_sub(node.aversion) >= 0;
        self.find(path, |node| node.czxid <= zxid && not_newer(node))?;
        let change = |node: &mut Znode| node.set_acl(acl.clone(), version);
        self.tree.change(path, change).map(|node| Effect::AclSet(node.stat())).ok_or(code::NO_NODE)
    }

    /// The znode must be there, and not newer than the transaction.
    fn find(&self, path: &str, not_newer: impl Fn(&Persisted) -> bool) -> Result<(), i32> {
        let node = self.tree.get(path).filter(|node| not_newer(node.persisted()));
        node.map(|_| ()).ok_or(code::NO_NODE)
    }

    fn close_session(&mut self, keep_ephemerals: bool) {
        let session = self.header.session;
        self.tree.sessions.remove(&session);
        if keep_ephemerals {
            return;
        }
        let owned = self.tree.ephemerals.get(&session).cloned().unwrap_or_default();
        for path in owned {
            if self.delete(&path).is_ok() {
                self.ephemerals_removed += 1;
            }
        }
    }

    fn event(&mut self, kind: EventKind, path: &str) {
        self.events.push(TreeEvent { kind, path: path.into() });
    }
}
