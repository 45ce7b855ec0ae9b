//! Watches: who wants to be told once when a znode changes.
//!
//! Two tables, as in the real server: data watches (left by getData and exists) and child watches
//! (left by getChildren). A watcher is a connection, named by any small value `W`. Not here:
//! sending the events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::DataTree;
use crate::id::Zxid;

/// What happened to a znode; the numbers are those of `WatcherEvent.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum EventKind {
    /// It appeared.
    Created = 1,
    /// It disappeared.
    Deleted = 2,
    /// Its data was set.
    DataChanged = 3,
    /// A child appeared or disappeared.
    ChildrenChanged = 4,
}

/// Something that happened in the tree, and what a watcher is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TreeEvent {
    /// What happened.
    pub kind: EventKind,
    /// To which znode.
    pub path: Arc<str>,
}

/// What a watcher is told.
pub type WatchEvent = TreeEvent;

/// The watches of all connections of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watches<W: Ord + Copy> {
    data: Table<W>,
    children: Table<W>,
}

impl<W: Ord + Copy> Watches<W> {
    /// Nobody watches.
    pub fn new() -> Self {
        Self { data: Table::new(), children: Table::new() }
    }

    /// `watcher` wants to know when the znode appears, disappears or gets new data: what getData
    /// and exists leave.
    pub fn watch_data(&mut self, path: Arc<str>, watcher: W) {
        self.data.add(path, watcher);
    }

    /// `watcher` wants to know when the znode disappears or its children change: what getChildren
    /// leaves.
    pub fn watch_children(&mut self, path: Arc<str>, watcher: W) {
        self.children.add(path, watcher);
    }

    /// Takes the watches that this event fires, each of them once, in the order of the watchers.
    /// One who watches both data and children of a znode hears of its deletion once.
    pub fn trigger(&mut self, event: &TreeEvent) -> Vec<(W, WatchEvent)> {
        let told = match event.kind {
            EventKind::Created | EventKind::DataChanged => self.data.take(&event.path),
            EventKind::ChildrenChanged => self.children.take(&event.path),
            EventKind::Deleted => {
                let mut told = self.data.take(&event.path);
                told.extend(self.children.take(&event.path));
                told
            }
        };
        told.into_iter().map(|watcher| (watcher, event.clone())).collect()
    }

    /// SetWatches of a client that has come back, with the last zxid it has seen: what it missed is
    /// returned, in the order data, exists, children, and not watched any more; the rest is watched
    /// again. A znode that was deleted and created again looks changed to a data watch and created
    /// to an exists watch.
    pub fn set_watches(
        &mut self,
        watcher: W,
        tree: &DataTree,
        asked: &SetWatches,
    ) -> Vec<WatchEvent> {
        let mut missed = Vec::new();
        let mut tell = |kind, path: &Arc<str>| missed.push(TreeEvent { kind, path: path.clone() });
        for path in &asked.data {
            match tree.get(path).map(|node| node.persisted().mzxid) {
                None => tell(EventKind::Deleted, path),
                Some(mzxid) if mzxid > asked.seen => tell(EventKind::DataChanged, path),
                Some(_) => self.data.add(path.clone(), watcher),
            }
        }
        for path in &asked.exists {
            match tree.get(path) {
                Some(_) => tell(EventKind::Created, path),
                None => self.data.add(path.clone(), watcher),
            }
        }
        for path in &asked.children {
            match tree.get(path).map(|node| node.persisted().pzxid) {
                None => tell(EventKind::Deleted, path),
                Some(pzxid) if pzxid > asked.seen => tell(EventKind::ChildrenChanged, path),
                Some(_) => self.children.add(path.clone(), watcher),
            }
        }
        missed
    }

    /// Forgets all watches of a connection that is gone.
    pub fn drop_watcher(&mut self, watcher: W) {
        self.data.drop_watcher(watcher);
        self.children.drop_watcher(watcher);
    }

    /// How many watches there are, of all watchers.
    pub fn len(&self) -> usize {
        self.data.len() + self.children.len()
    }

    /// Whether nobody watches.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<W: Ord + Copy> Default for Watches<W> {
    fn default() -> Self {
        Self::new()
    }
}

/// What SetWatches asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetWatches {
    /// The last zxid the client has seen.
    pub seen: Zxid,
    /// Watches left by getData, or by exists on a znode that was there.
    pub data: Vec<Arc<str>>,
    /// Watches left by exists on a znode that was not there.
    pub exists: Vec<Arc<str>>,
    /// Watches left by getChildren.
    pub children: Vec<Arc<str>>,
}

/// Watchers by path, and the other way round.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Table<W: Ord + Copy> {
    by_path: BTreeMap<Arc<str>, BTreeSet<W>>,
    by_watcher: BTreeMap<W, BTreeSet<Arc<str>>>,
}

impl<W: Ord + Copy> Table<W> {
    fn new() -> Self {
        Self { by_path: BTreeMap::new(), by_watcher: BTreeMap::new() }
    }

    fn add(&mut self, path: Arc<str>, watcher: W) {
        self.by_path.entry(path.clone()).or_default().insert(watcher);
        self.by_watcher.entry(watcher).or_default().insert(path);
    }

    fn take(&mut self, path: &str) -> BTreeSet<W> {
        let watchers = self.by_path.remove(path).unwrap_or_default();
        for watcher in &watchers {
            let paths = self.by_watcher.get_mut(watcher).expect("both maps hold the same pairs");
            paths.remove(path);
            if paths.is_empty() {
                self.by_watcher.remove(watcher);
            }
        }
        watchers
    }

    fn drop_watcher(&mut self, watcher: W) {
        for path in self.by_watcher.remove(&watcher).unwrap_or_default() {
            let watchers = self.by_path.get_mut(&path).expect("both maps hold the same pairs");
            watchers.remove(&watcher);
            if watchers.is_empty() {
                self.by_path.remove(&path);
            }
        }
    }

    fn len(&self) -> usize {
        self.by_watcher.values().map(BTreeSet::len).sum()
    }
}
