//! The leader's first look at a write: whether it can be done, and as which transaction.
//!
//! Writes are prepared long before they are committed, so [`Prep`] judges them by the tree *and* by
//! what is proposed but not applied yet. A write that is refused becomes [`Txn::Error`] and still
//! takes its zxid. Not here: whether the session lives and stands at the right server (the caller
//! refuses with [`Txn::Error`] itself), and reads.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::id::{SessionId, Zxid};
use crate::mechanism::{Mechanisms, Mutant};
use crate::tree::{DataTree, code, path, permission, permits};
use crate::txn::{Acl, Txn, TxnHeader};

/// What a client, or the leader itself, wants to have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A znode shall appear.
    Create {
        /// The path, without a suffix.
        path: Arc<str>,
        /// Its data; `None` is null.
        data: Option<Bytes>,
        /// Who may do what.
        acl: Arc<[Acl]>,
        /// 0 persistent, 1 ephemeral, 2 persistent and sequential, 3 ephemeral and sequential.
        flags: i32,
    },
    /// A znode shall disappear.
    Delete {
        /// The path.
        path: Arc<str>,
        /// The expected data version; −1 is any.
        version: i32,
    },
    /// A znode shall get new data.
    SetData {
        /// The path.
        path: Arc<str>,
        /// The data; `None` is null.
        data: Option<Bytes>,
        /// The expected data version; −1 is any.
        version: i32,
    },
    /// A znode shall get a new access control list.
    SetAcl {
        /// The path.
        path: Arc<str>,
        /// Who may do what.
        acl: Arc<[Acl]>,
        /// The expected version of the list; −1 is any.
        version: i32,
    },
    /// A znode shall be there, with this data version.
    Check {
        /// The path.
        path: Arc<str>,
        /// The expected data version; −1 is any.
        version: i32,
    },
    /// All of these or none: creates, deletes, setDatas and checks.
    Multi(Vec<Ask>),
    /// A session shall begin.
    CreateSession {
        /// Its negotiated time-out.
        timeout_ms: i32,
    },
    /// A session shall end, and its ephemerals with it.
    CloseSession,
}

/// What is proposed and not applied yet, as far as it matters for judging further writes.
#[derive(Clone, Debug, Default)]
pub struct Prep {
    /// The latest outstanding change of each path.
    latest: BTreeMap<Arc<str>, Change>,
    /// All outstanding changes in the order of their zxids.
    order: VecDeque<(Zxid, Arc<str>)>,
}

/// A znode after an outstanding transaction; `None` when it will be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    zxid: Zxid,
    node: Option<Outlook>,
}

/// A znode as it will be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outlook {
    version: i32,
    creates: i32,
    aversion: i32,
    owner: SessionId,
    children: usize,
    acl: Arc<[Acl]>,
}

/// Why a write is refused: the error code clients see.
type Refused = i32;

impl Prep {
    /// Nothing is outstanding.
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns a write into the transaction to propose under `header`, and remembers what it will
    /// change. Zxids must ascend from call to call.
    pub fn prepare(
        &mut self,
        tree: &DataTree,
        header: &TxnHeader,
        ask: &Ask,
        mechanisms: &Mechanisms,
    ) -> Txn {
        let mut work = Work { prep: self, tree, header, mechanisms, undo: Vec::new() };
        match ask {
            Ask::Multi(parts) => work.multi(parts),
            Ask::CreateSession { timeout_ms } => Txn::CreateSession { timeout_ms: *timeout_ms },
            Ask::CloseSession => {
                work.close_session();
                Txn::CloseSession
            }
            single => work.single(single).unwrap_or_else(|code| Txn::Error { code }),
        }
    }

    /// Everything up to `zxid` is applied to the tree: forgets it.
    pub fn committed(&mut self, zxid: Zxid) {
        while self.order.front().is_some_and(|(changed, _)| *changed <= zxid) {
            let (changed, path) = self.order.pop_front().expect("it was just looked at");
            if self.latest.get(&path).is_some_and(|latest| latest.zxid == changed) {
                self.latest.remove(&path);
            }
        }
    }

    /// How many changes are remembered.
    pub fn outstanding(&self) -> usize {
        self.order.len()
    }
}

/// One write being prepared.
struct Work<'a> {
    prep: &'a mut Prep,
    tree: &'a DataTree,
    header: &'a TxnHeader,
    mechanisms: &'a Mechanisms,
    /// What stood in `latest` before each change of this write.
    undo: Vec<(Arc<str>, Option<Change>)>,
}

impl Work<'_> {
    fn single(&mut self, ask: &Ask) -> Result<Txn, Refused> {
        match ask {
            Ask::Create { path, data, acl, flags } => self.create(path, data, acl, *flags),
            Ask::Delete { path, version } => self.delete(path, *version),
            Ask::SetData { path, data, version } => {
                let mut node = self.look(path)?;
                allow(&node, permission::WRITE)?;
                node.version = next_version(node.version, *version)?;
                let version = node.version;
                self.change(path, Some(node));
                Ok(Txn::SetData { path: path.clone(), data: data.clone(), version })
            }
            Ask::SetAcl { path, acl, version } => {
                let acl = sound_acl(acl)?;
                let mut node = self.look(path)?;
                allow(&node, permission::ADMIN)?;
                node.aversion = next_version(node.aversion, *version)?;
                node.acl = acl.clone();
                let version = node.aversion;
                self.change(path, Some(node));
                Ok(Txn::SetAcl { path: path.clone(), acl, version })
            }
            Ask::Check { path, version } => {
                let node = self.look(path)?;
                allow(&node, permission::READ)?;
                next_version(node.version, *version)?;
                Ok(Txn::Check { path: path.clone(), version: node.version })
            }
            Ask::Multi(_) | Ask::CreateSession { .. } | Ask::CloseSession => {
                Err(code::UNIMPLEMENTED)
            }
        }
    }

    /// The order of the refusals is that of the real server, clients can tell.
    fn create(
        &mut self,
        asked: &Arc<str>,
        data: &Option<Bytes>,
        acl: &Arc<[Acl]>,
        flags: i32,
    ) -> Result<Txn, Refused> {
        let slash =
            asked.rfind('/').filter(|_| !asked.contains('\0')).ok_or(code::BAD_ARGUMENTS)?;
        let acl = sound_acl(acl)?;
        let parent_path: Arc<str> = if slash == 0 { "/".into() } else { asked[..slash].into() };
        let mut parent = self.look(&parent_path)?;
        allow(&parent, permission::CREATE)?;
        let (ephemeral, sequential) = match flags {
            0..=3 => (flags & 1 != 0, flags & 2 != 0),
            _ => return Err(code::BAD_ARGUMENTS),
        };
        let suffix = if self.mechanisms.has(Mutant::SequenceCountsChildren) {
            i32::try_from(parent.children).unwrap_or(i32::MAX)
        } else {
            parent.creates
        };
        let path: Arc<str> =
            if sequential { format!("{asked}{suffix:010}").into() } else { asked.clone() };
        if !path::is_valid(&path) {
            return Err(code::BAD_ARGUMENTS);
        }
        if self.look(&path).is_ok() {
            return Err(code::NODE_EXISTS);
        }
        if parent.owner != SessionId::NONE {
            return Err(code::NO_CHILDREN_FOR_EPHEMERALS);
        }
        parent.creates = parent.creates.wrapping_add(1);
        parent.children += 1;
        let parent_cversion = parent.creates;
        let owner = if ephemeral { self.header.session } else { SessionId::NONE };
        self.change(&parent_path, Some(parent));
        self.change(
            &path,
            Some(Outlook {
                version: 0,
                creates: 0,
                aversion: 0,
                owner,
                children: 0,
                acl: acl.clone(),
            }),
        );
        Ok(Txn::Create { path, data: data.clone(), acl, ephemeral, parent_cversion })
    }

    fn delete(&mut self, path: &Arc<str>, version: i32) -> Result<Txn, Refused> {
        let built_in = matches!(&**path, "/" | "/zookeeper" | "/zookeeper/quota");
        let split = path::split(path).filter(|_| !built_in && !path.contains('\0'));
        let (parent_path, _) = split.ok_or(code::BAD_ARGUMENTS)?;
        let mut parent = self.look(parent_path)?;
        let node = self.look(path)?;
        allow(&parent, permission::DELETE)?;
        next_version(node.version, version)?;
        if node.children > 0 {
            return Err(code::NOT_EMPTY);
        }
        parent.children = parent.children.saturating_sub(1);
        self.change(&parent_path.into(), Some(parent));
        self.change(path, None);
        Ok(Txn::Delete { path: path.clone() })
    }

    /// If a part is refused, all of them become errors: 0 before it, its own code, −2 after it.
    /// (Real servers log the parts before it as they are and turn them into these errors when they
    /// apply them.)
    fn multi(&mut self, parts: &[Ask]) -> Txn {
        let mut txns = Vec::with_capacity(parts.len());
        for part in parts {
            let part = match part {
                Ask::SetAcl { .. } => Err(code::UNIMPLEMENTED),
                part => self.single(part),
            };
            match part {
                Ok(txn) => txns.push(txn),
                Err(code) => return Txn::Multi(self.failed(txns, code, parts.len())),
            }
        }
        Txn::Multi(txns)
    }

    fn failed(&mut self, before: Vec<Txn>, code: i32, parts: usize) -> Vec<Txn> {
        let first = before.len();
        let mut txns = if self.mechanisms.has(Mutant::PartialMulti) {
            before
        } else {
            self.roll_back();
            vec![Txn::Error { code: code::OK }; first]
        };
        txns.push(Txn::Error { code });
        txns.resize(parts, Txn::Error { code: code::RUNTIME_INCONSISTENCY });
        txns
    }

    /// Ephemerals in the tree and those about to appear, less those about to disappear. Their
    /// parents lose a child, so that they can be deleted at once; before 3.4.7 such a parent could
    /// stay undeletable (ZOOKEEPER-1878).
    fn close_session(&mut self) {
        let session = self.header.session;
        let mut owned: BTreeSet<Arc<str>> = self.tree.ephemerals_of(session).cloned().collect();
        for (path, change) in &self.prep.latest {
            match &change.node {
                Some(node) if node.owner == session => owned.insert(path.clone()),
                _ => owned.remove(path),
            };
        }
        for path in owned {
            if let Some((parent_path, _)) = path::split(&path)
                && let Ok(mut parent) = self.look(parent_path)
            {
                parent.children = parent.children.saturating_sub(1);
                self.change(&parent_path.into(), Some(parent));
            }
            self.change(&path, None);
        }
    }

    /// The znode as it will be once everything outstanding is applied.
    fn look(&self, path: &str) -> Result<Outlook, Refused> {
        if let Some(change) = self.prep.latest.get(path) {
            return change.node.clone().ok_or(code::NO_NODE);
        }
        let node = self.tree.get(path).ok_or(code::NO_NODE)?;
        let persisted = node.persisted();
        Ok(Outlook {
            version: persisted.version,
            creates: persisted.creates,
            aversion: persisted.aversion,
            owner: persisted.ephemeral_owner,
            children: node.children().len(),
            acl: node.acl().clone(),
        })
    }

    fn change(&mut self, path: &Arc<str>, node: Option<Outlook>) {
        let zxid = self.header.zxid;
        let before = self.prep.latest.insert(path.clone(), Change { zxid, node });
        self.prep.order.push_back((zxid, path.clone()));
        self.undo.push((path.clone(), before));
    }

    /// Undoes every change of this write, the parents' counts included (ZOOKEEPER-1624).
    fn roll_back(&mut self) {
        while let Some((path, before)) = self.undo.pop() {
            match before {
                Some(change) => self.prep.latest.insert(path, change),
                None => self.prep.latest.remove(&path),
            };
            self.prep.order.pop_back();
        }
    }
}

fn allow(node: &Outlook, permission: i32) -> Result<(), Refused> {
    if permits(&node.acl, permission) { Ok(()) } else { Err(code::NO_AUTH) }
}

/// The version after a change that expects `expected`; −1 expects any.
fn next_version(current: i32, expected: i32) -> Result<i32, Refused> {
    if expected != -1 && expected != current {
        return Err(code::BAD_VERSION);
    }
    Ok(current.wrapping_add(1))
}

/// The list without repetitions, if it is one that can be kept: not empty, and without `auth`, as
/// nobody has an identity here.
fn sound_acl(acl: &Arc<[Acl]>) -> Result<Arc<[Acl]>, Refused> {
    let known = |entry: &Acl| match &*entry.scheme {
        "world" => &*entry.id == "anyone",
        "digest" => entry.id.split(':').count() == 2,
        "ip" => !entry.id.is_empty(),
        _ => false,
    };
    if acl.is_empty() || !acl.iter().all(known) {
        return Err(code::INVALID_ACL);
    }
    let distinct: BTreeSet<&Acl> = acl.iter().collect();
    if distinct.len() == acl.len() {
        return Ok(acl.clone());
    }
    let mut seen = BTreeSet::new();
    Ok(acl.iter().filter(|entry| seen.insert(*entry)).cloned().collect())
}

#[cfg(test)]
mod tests;
