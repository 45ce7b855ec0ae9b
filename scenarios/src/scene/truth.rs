//! What is true in one ensemble: the order of committed transactions, and what every znode was at each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use coordinator::id::{Epoch, SessionId, Zxid};
use coordinator::note::ServerNote;
use coordinator::txn::{Record, Txn, TxnHeader};
use sim::world::NodeId;

use super::{Moment, Server, history};

/// The truth of one ensemble.
#[derive(Clone, Debug)]
pub struct Truth {
    /// All committed transactions in order, with their digests.
    pub order: Vec<(Zxid, u64)>,
    /// For each place in the order, the fingerprint of everything up to it: comparable with [`history::History`].
    chains: Vec<u64>,
    /// The contents of everything that was ever proposed, logged or delivered, by zxid and digest.
    pub records: BTreeMap<(Zxid, u64), Arc<Record>>,
    /// The digest each zxid was last proposed with: a standalone server may give a lost zxid out again.
    proposed: BTreeMap<Zxid, u64>,
    /// Who was established as leader of which epoch, first come first.
    pub leaders: BTreeMap<Epoch, NodeId>,
    /// What every znode was, by path: its states in order of the zxid that made them; `None` where it was deleted.
    pub znodes: BTreeMap<Arc<str>, Vec<(Zxid, Option<Znode>)>>,
    /// Sessions by the zxids that opened and closed them.
    pub sessions: BTreeMap<SessionId, (Zxid, Option<Zxid>)>,
    /// Ephemerals that exist after the last committed transaction, by session.
    pub ephemerals: BTreeMap<SessionId, Vec<Arc<str>>>,
    /// When the children of a znode changed: the zxids that created or deleted one, by the parent's path.
    pub children: BTreeMap<Arc<str>, Vec<Zxid>>,
    /// How many ephemerals each closeSession took with it.
    pub removed: BTreeMap<Zxid, u32>,
    /// The negotiated time-outs of all sessions that somebody ever proposed to open, in ms.
    pub timeouts: BTreeMap<SessionId, u64>,
    /// Sessions that somebody ever proposed to close, committed or not.
    pub closing: BTreeSet<SessionId>,
}

/// A znode at one point of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Znode {
    /// Its data.
    pub data: Option<Bytes>,
    /// Its data version.
    pub version: i32,
    /// The transaction that created it.
    pub czxid: Zxid,
    /// The transaction that last set its data.
    pub mzxid: Zxid,
    /// The session it dies with.
    pub owner: SessionId,
}

impl Default for Truth {
    fn default() -> Self {
        Self::new()
    }
}

impl Truth {
    /// Nothing was committed: there are the znodes that no transaction made.
    pub fn new() -> Self {
        let (data, owner) = (Some(Bytes::new()), SessionId::NONE);
        let made = Zxid::ZERO;
        let built_in = Znode { data, version: 0, czxid: made, mzxid: made, owner };
        let paths: [Arc<str>; 3] = ["/".into(), "/zookeeper".into(), "/zookeeper/quota".into()];
        let znodes = paths.map(|path| (path, vec![(made, Some(built_in.clone()))]));
        Self {
            order: Vec::new(),
            chains: Vec::new(),
            proposed: BTreeMap::new(),
            records: BTreeMap::new(),
            leaders: BTreeMap::new(),
            znodes: BTreeMap::from(znodes),
            sessions: BTreeMap::new(),
            ephemerals: BTreeMap::new(),
            children: BTreeMap::new(),
            removed: BTreeMap::new(),
            timeouts: BTreeMap::new(),
            closing: BTreeSet::new(),
        }
    }

    /// The last committed transaction.
    pub fn last(&self) -> Zxid {
        self.order.last().map_or(Zxid::ZERO, |(zxid, _)| *zxid)
    }

    /// The digest with which a transaction was committed, if it was.
    pub fn digest(&self, zxid: Zxid) -> Option<u64> {
        let place = self.order.binary_search_by_key(&zxid, |(zxid, _)| *zxid).ok()?;
        Some(self.order[place].1)
    }

    /// The fingerprint of all committed transactions; 0 for none.
    pub fn chain(&self) -> u64 {
        self.chains.last().copied().unwrap_or_default()
    }

    /// The content of a committed transaction.
    pub fn record(&self, zxid: Zxid) -> Option<&Arc<Record>> {
        self.records.get(&(zxid, self.digest(zxid)?))
    }

    /// What a znode was after the committed transaction `zxid`; `None` if it did not exist then.
    pub fn znode_at(&self, path: &str, zxid: Zxid) -> Option<&Znode> {
        let states = self.znodes.get(path)?;
        let end = states.partition_point(|(changed, _)| *changed <= zxid);
        states[..end].last()?.1.as_ref()
    }

    /// Whether a znode changed, appeared or disappeared after `after`, up to and including `upto`: the first such change.
    pub fn changed(&self, path: &str, after: Zxid, upto: Zxid) -> Option<Zxid> {
        let states = self.znodes.get(path)?;
        let next = states.partition_point(|(changed, _)| *changed <= after);
        states.get(next).map(|(changed, _)| *changed).filter(|changed| *changed <= upto)
    }

    /// Whether a znode got or lost a child after `after`, up to and including `upto`: the first such change.
    pub fn children_changed(&self, path: &str, after: Zxid, upto: Zxid) -> Option<Zxid> {
        let changes = self.children.get(path)?;
        let next = changes.partition_point(|changed| *changed <= after);
        changes.get(next).copied().filter(|changed| *changed <= upto)
    }

    /// The names of a znode's children after the committed transaction `zxid`, sorted.
    pub fn children_at(&self, path: &str, zxid: Zxid) -> Vec<Arc<str>> {
        let prefix = if path == "/" { String::from("/") } else { format!("{path}/") };
        let below = self.znodes.range::<str, _>((
            std::ops::Bound::Excluded(prefix.as_str()),
            std::ops::Bound::Unbounded,
        ));
        let below = below.take_while(|(child, _)| child.starts_with(&prefix));
        let direct = below.filter(|(child, _)| !child[prefix.len()..].contains('/'));
        let there = direct.filter(|(child, _)| self.znode_at(child, zxid).is_some());
        there.map(|(child, _)| Arc::from(&child[prefix.len()..])).collect()
    }

    /// Folds a note of `server`, which has already been folded into it.
    pub fn fold(&mut self, moment: &Moment, note: &ServerNote, server: &Server) {
        match note {
            ServerNote::Proposed(record) => {
                self.know(record);
                self.proposed.insert(record.header.zxid, record.digest);
            }
            ServerNote::Committed { zxid } => {
                let digest = self.proposed.get(zxid).copied().unwrap_or_default();
                if let Some(record) = self.records.get(&(*zxid, digest)).cloned() {
                    self.commit(&record);
                }
            }
            // No proof that it is committed: while it is brought up to date, a follower applies all its leader has.
            ServerNote::Delivered { record, .. } => self.know(record),
            ServerNote::Established { epoch, .. } => {
                self.leaders.entry(*epoch).or_insert(moment.node);
                self.commit_history(server);
            }
            ServerNote::ServesStandalone => self.commit_history(server),
            _ => {}
        }
    }

    fn know(&mut self, record: &Arc<Record>) {
        self.records.entry((record.header.zxid, record.digest)).or_insert_with(|| record.clone());
        let session = record.header.session;
        match &record.txn {
            Txn::CreateSession { timeout_ms } => {
                self.timeouts.insert(session, u64::try_from(*timeout_ms).unwrap_or_default());
            }
            Txn::CloseSession => {
                self.closing.insert(session);
            }
            _ => {}
        }
    }

    /// The history of an established leader is committed, also what no quorum had acknowledged before.
    fn commit_history(&mut self, leader: &Server) {
        let last = self.last();
        let start = leader.history.partition_point(|entry| entry.zxid <= last);
        for entry in &leader.history[start..] {
            if let Some(record) = self.records.get(&(entry.zxid, entry.digest)).cloned() {
                self.commit(&record);
            }
        }
    }

    /// What is committed first stays the truth; a second transaction in its place is a violation that checks report.
    fn commit(&mut self, record: &Record) {
        let header = record.header;
        if header.zxid <= self.last() {
            return;
        }
        self.chains.push(history::link(self.chain(), header.zxid, record.digest));
        self.order.push((header.zxid, record.digest));
        self.apply(&header, &record.txn);
    }

    fn apply(&mut self, header: &TxnHeader, txn: &Txn) {
        let zxid = header.zxid;
        match txn {
            Txn::Create { path, data, ephemeral, .. } => {
                let owner = if *ephemeral { header.session } else { SessionId::NONE };
                let data = data.clone();
                let znode = Znode { data, version: 0, czxid: zxid, mzxid: zxid, owner };
                self.set(path, zxid, Some(znode));
                if *ephemeral {
                    self.ephemerals.entry(owner).or_default().push(path.clone());
                }
            }
            Txn::Delete { path } => self.delete(path, zxid),
            Txn::SetData { path, data, version } => {
                if let Some(znode) = self.now(path) {
                    let data = data.clone();
                    let znode = Znode { data, version: *version, mzxid: zxid, ..znode };
                    self.set(path, zxid, Some(znode));
                }
            }
            Txn::CreateSession { .. } => {
                self.sessions.insert(header.session, (zxid, None));
            }
            Txn::CloseSession => {
                if let Some((_, closed)) = self.sessions.get_mut(&header.session) {
                    closed.get_or_insert(zxid);
                }
                let owned = self.ephemerals.remove(&header.session).unwrap_or_default();
                self.removed.insert(zxid, u32::try_from(owned.len()).unwrap_or(u32::MAX));
                for path in owned {
                    self.set(&path, zxid, None);
                }
            }
            Txn::Multi(parts) if !parts.iter().any(|part| matches!(part, Txn::Error { .. })) => {
                parts.iter().for_each(|part| self.apply(header, part));
            }
            Txn::Multi(_) | Txn::Error { .. } | Txn::Check { .. } | Txn::SetAcl { .. } => {}
        }
    }

    fn now(&self, path: &str) -> Option<Znode> {
        self.znodes.get(path)?.last()?.1.clone()
    }

    fn delete(&mut self, path: &Arc<str>, zxid: Zxid) {
        if let Some(owner) = self.now(path).map(|znode| znode.owner)
            && let Some(paths) = self.ephemerals.get_mut(&owner)
        {
            paths.retain(|ephemeral| ephemeral != path);
        }
        self.set(path, zxid, None);
    }

    fn set(&mut self, path: &Arc<str>, zxid: Zxid, znode: Option<Znode>) {
        if self.now(path).is_some() != znode.is_some()
            && let Some((parent, _)) = path.rsplit_once('/')
        {
            let parent = if parent.is_empty() { "/" } else { parent };
            match self.children.get_mut(parent) {
                Some(changes) => changes.push(zxid),
                None => drop(self.children.insert(parent.into(), vec![zxid])),
            }
        }
        self.znodes.entry(path.clone()).or_default().push((zxid, znode));
    }
}
