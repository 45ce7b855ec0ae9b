//! One ZooKeeper server, as its notes tell: its role, its promises, and the history it holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use coordinator::id::{Epoch, ServerId, Zxid};
use coordinator::note::ServerNote;
use machine::Duration;
use sim::world::NodeId;

/// A server as the observer knows it.
#[derive(Clone, Debug)]
pub struct Server {
    /// The node's name.
    pub name: String,
    /// `myid`.
    pub sid: ServerId,
    /// Which ensemble it belongs to: an index into [`super::Scene::ensembles`].
    pub ensemble: usize,
    /// Its role, as it believes.
    pub state: State,
    /// `acceptedEpoch` on disk.
    pub accepted: Epoch,
    /// `currentEpoch` on disk.
    pub current: Epoch,
    /// What it holds in log or snapshot, oldest first. Outlives its process.
    pub history: Vec<Entry>,
    /// Everything up to here is on disk, as far as it was told.
    pub synced: Zxid,
    /// The last transaction applied as committed in this life, or recovered.
    pub delivered: Zxid,
    /// The point of the last truncation, until something is logged again.
    pub truncated_to: Option<Zxid>,
    /// What its configuration says about its ensemble.
    pub membership: Membership,
    /// How often it was booted.
    pub lives: u64,
}

/// What a server's configuration says about its ensemble.
#[derive(Clone, Debug, Default)]
pub struct Membership {
    /// How many vote, itself included; 1 for a standalone server.
    pub voters: usize,
    /// `tickTime`.
    pub tick: Duration,
    /// `initLimit`, in ticks.
    pub init_limit: u64,
    /// `syncLimit`, in ticks.
    pub sync_limit: u64,
    /// The other members that really are at the addresses it was told.
    pub peers: BTreeSet<NodeId>,
}

/// What a server takes itself for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No process.
    Down,
    /// Reads its disk.
    Recovering,
    /// Looks for a leader.
    Looking,
    /// Elected or led, and not serving yet.
    Joining,
    /// Leads.
    Leading {
        /// Its epoch.
        epoch: Epoch,
        /// Whether a quorum took over its history: it serves.
        established: bool,
    },
    /// Follows and serves.
    Following {
        /// Whom.
        leader: ServerId,
        /// In which epoch.
        epoch: Epoch,
    },
    /// Serves alone.
    Standalone,
}

/// One transaction in a server's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub zxid: Zxid,
    /// Its digest.
    pub digest: u64,
    /// The log file it is in and the file's length with it; `None` if only a snapshot holds it.
    pub place: Option<(Arc<str>, u64)>,
}

impl Server {
    /// A server that was never started.
    pub fn new(name: &str, sid: ServerId, ensemble: usize) -> Self {
        Self {
            name: name.to_owned(),
            sid,
            ensemble,
            state: State::Down,
            accepted: Epoch(0),
            current: Epoch(0),
            history: Vec::new(),
            synced: Zxid::ZERO,
            delivered: Zxid::ZERO,
            truncated_to: None,
            membership: Membership::default(),
            lives: 0,
        }
    }

    /// Whether it serves clients, as it believes.
    pub fn is_serving(&self) -> bool {
        matches!(
            self.state,
            State::Leading { established: true, .. } | State::Following { .. } | State::Standalone
        )
    }

    /// The last transaction it holds.
    pub fn last(&self) -> Zxid {
        self.history.last().map_or(Zxid::ZERO, |entry| entry.zxid)
    }

    /// The entry of a transaction, if it holds it.
    pub fn entry(&self, zxid: Zxid) -> Option<&Entry> {
        let place = self.history.binary_search_by_key(&zxid, |entry| entry.zxid).ok()?;
        self.history.get(place)
    }

    /// Its history up to and including `zxid`, as another server would get it in a snapshot.
    pub fn history_up_to(&self, zxid: Zxid) -> Vec<Entry> {
        let end = self.history.partition_point(|entry| entry.zxid <= zxid);
        let entries = self.history[..end].iter();
        entries.map(|entry| Entry { place: None, ..entry.clone() }).collect()
    }

    /// A leader's tree replaced its own.
    pub fn install(&mut self, history: Vec<Entry>) {
        self.delivered = history.last().map_or(Zxid::ZERO, |entry| entry.zxid);
        self.history = history;
    }

    /// Folds one of its notes.
    pub fn fold(&mut self, note: &ServerNote) {
        match note {
            ServerNote::Recovered { snapshot, replayed, last, accepted, current, .. } => {
                self.history.truncate(self.history.partition_point(|one| one.zxid <= *snapshot));
                for (zxid, digest) in replayed.iter() {
                    let place = None;
                    self.history.push(Entry { zxid: *zxid, digest: *digest, place });
                }
                (self.accepted, self.current) = (*accepted, *current);
                (self.delivered, self.synced) = (*last, *last);
            }
            ServerNote::ServesStandalone => self.state = State::Standalone,
            ServerNote::Looking { .. } => self.state = State::Looking,
            ServerNote::Elected { .. } => self.state = State::Joining,
            ServerNote::EpochAccepted { epoch } => self.accepted = *epoch,
            ServerNote::EpochCurrent { epoch } => self.current = *epoch,
            ServerNote::Leads { epoch, .. } => {
                self.state = State::Leading { epoch: *epoch, established: false };
            }
            ServerNote::Established { epoch, .. } => {
                self.state = State::Leading { epoch: *epoch, established: true };
            }
            ServerNote::Follows { leader, epoch } => {
                self.state = State::Following { leader: *leader, epoch: *epoch };
            }
            ServerNote::LeavesRole(_) => self.state = State::Looking,
            ServerNote::RefusedToStart(_) => self.state = State::Down,
            ServerNote::Logged { zxid, digest, file, end } => {
                self.truncated_to = None;
                let place = Some((file.clone(), *end));
                self.history.push(Entry { zxid: *zxid, digest: *digest, place });
            }
            ServerNote::Synced { upto } => self.synced = self.synced.max(*upto),
            ServerNote::Delivered { record, .. } => self.deliver(record.header.zxid, record.digest),
            ServerNote::Truncated { to } => {
                self.history.truncate(self.history.partition_point(|one| one.zxid <= *to));
                self.truncated_to = Some(*to);
                self.synced = self.synced.min(*to);
            }
            _ => {}
        }
    }

    /// An applied transaction that is not in the log (yet) is held all the same: in memory, or by the next snapshot.
    fn deliver(&mut self, zxid: Zxid, digest: u64) {
        self.delivered = zxid;
        if self.last() < zxid {
            self.history.push(Entry { zxid, digest, place: None });
        }
    }
}
