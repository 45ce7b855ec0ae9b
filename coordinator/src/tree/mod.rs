//! The znodes and sessions of one server: what all transactions up to [`DataTree::last_zxid`] made
//! of them.
//!
//! [`DataTree::apply`] takes transactions whose outcome is already decided ([`crate::prep`]) and
//! can be replayed over a snapshot that already holds some of their effects. Snapshots are in
//! [`snapshot`], watches in [`watch`]. Not here: whether a client may do what it asks, and quotas
//! (`/zookeeper/quota` is an ordinary znode).

mod apply;
mod node;
pub mod path;
pub mod snapshot;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::id::{SessionId, Zxid};

pub use crate::code;
pub use apply::{Applied, Effect};
pub use node::{Persisted, Stat, Znode, permission, permits};
pub use watch::{EventKind, TreeEvent};

/// All znodes with their stats, who owns the ephemeral ones, and the sessions that live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataTree {
    nodes: BTreeMap<Arc<str>, Znode>,
    ephemerals: BTreeMap<SessionId, BTreeSet<Arc<str>>>,
    sessions: BTreeMap<SessionId, i32>,
    last_zxid: Zxid,
    digest: u64,
}

impl DataTree {
    /// As ZooKeeper starts: `/`, `/zookeeper` and `/zookeeper/quota`, which no transaction made.
    pub fn new() -> Self {
        let mut tree = Self::bare();
        for path in ["/", "/zookeeper", "/zookeeper/quota"] {
            tree.attach(path.into(), Znode::built_in());
        }
        tree
    }

    /// Without any znode, for loading.
    fn bare() -> Self {
        Self {
            nodes: BTreeMap::new(),
            ephemerals: BTreeMap::new(),
            sessions: BTreeMap::new(),
            last_zxid: Zxid::ZERO,
            digest: 0,
        }
    }

    /// The znode there.
    pub fn get(&self, path: &str) -> Option<&Znode> {
        self.nodes.get(path)
    }

    /// What clients are told about the znode there.
    pub fn stat(&self, path: &str) -> Option<Stat> {
        self.get(path).map(Znode::stat)
    }

    /// The names of its children, ascending; `None` if there is no such znode.
    pub fn children(&self, path: &str) -> Option<impl Iterator<Item = &Arc<str>>> {
        self.get(path).map(|node| node.children().iter())
    }

    /// All znodes with their paths, in the order of the paths as text.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Znode)> {
        self.nodes.iter()
    }

    /// How many znodes there are, the three built in included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: the root is always there.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The ephemeral znodes of a session, ascending.
    pub fn ephemerals_of(&self, session: SessionId) -> impl Iterator<Item = &Arc<str>> {
        self.ephemerals.get(&session).into_iter().flatten()
    }

    /// The sessions that live, with their time-outs in ms.
    pub fn sessions(&self) -> &BTreeMap<SessionId, i32> {
        &self.sessions
    }

    /// The last transaction applied, or the one a snapshot was begun after.
    pub fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// Names the last transaction where no record of it is applied: NEWLEADER, or a snapshot taken
    /// over. Never goes back.
    pub fn advance_to(&mut self, zxid: Zxid) {
        self.last_zxid = self.last_zxid.max(zxid);
    }

    /// A fingerprint of all znodes, independent of the way they came about: the wrapping sum over
    /// their paths, data, access control lists and stats.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The next path after `path` when a node comes before its children and children in ascending
    /// order; `None` at the end. `path` need not be there any more.
    pub fn next_in_preorder(&self, path: &str) -> Option<Arc<str>> {
        if let Some(child) = self.get(path).and_then(|node| node.children().first()) {
            return Some(path::join(path, child));
        }
        let mut path = path;
        while let Some((parent, name)) = path::split(path) {
            let next = self.get(parent).and_then(|node| node.child_after(name));
            if let Some(sibling) = next {
                return Some(path::join(parent, sibling));
            }
            path = parent;
        }
        None
    }

    /// Puts a znode below its parent, which must be there unless it is the root.
    fn attach(&mut self, path: Arc<str>, mut node: Znode) {
        if let Some((parent, name)) = path::split(&path) {
            let parent =
                self.nodes.get_mut(parent).expect("whoever attaches looked for the parent");
            parent.add_child(name.into());
        }
        if node.persisted().ephemeral_owner != SessionId::NONE {
            let owned = self.ephemerals.entry(node.persisted().ephemeral_owner).or_default();
            owned.insert(path.clone());
        }
        self.digest = self.digest.wrapping_add(node.fingerprint(&path));
        self.nodes.insert(path, node);
    }

    /// Takes a znode away, with everything below it (nothing, unless a log is replayed over what is
    /// newer).
    fn detach(&mut self, path: &str) {
        if let Some((parent, name)) = path::split(path)
            && let Some(parent) = self.nodes.get_mut(parent)
        {
            parent.remove_child(name);
        }
        let mut doomed = vec![Arc::<str>::from(path)];
        while let Some(path) = doomed.pop() {
            let Some(node) = self.nodes.remove(&path) else { continue };
            doomed.extend(node.children().iter().map(|name| path::join(&path, name)));
            let owner = node.persisted().ephemeral_owner;
            if let Some(owned) = self.ephemerals.get_mut(&owner) {
                owned.remove(&path);
                if owned.is_empty() {
                    self.ephemerals.remove(&owner);
                }
            }
            self.digest = self.digest.wrapping_sub(node.digest());
        }
    }

    /// Changes what is persisted of a znode, and the digest with it.
    fn change(&mut self, path: &str, change: impl FnOnce(&mut Znode)) -> Option<&Znode> {
        let node = self.nodes.get_mut(path)?;
        self.digest = self.digest.wrapping_sub(node.digest());
        change(node);
        self.digest = self.digest.wrapping_add(node.fingerprint(path));
        Some(node)
    }
}

impl Default for DataTree {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod replay_tests;
#[cfg(test)]
mod tests;
