//! One ZooKeeper server, as its notes tell: its role, its promises, and the history it holds.

use std::collections::BTreeSet;

use coordinator::id::{Epoch, ServerId, Zxid};
use coordinator::note::ServerNote;
use machine::Duration;
use sim::world::NodeId;

pub use super::history::{Entry, History};

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
    /// What it holds in log, snapshot or memory. Outlives its process.
    pub history: History,
    /// What it was known to hold just before it last read its disk back.
    pub recovered_over: History,
    /// While a leader's tree was taken over and no snapshot of it is written: its last transaction, and what the disk holds.
    pub taken_over: Option<(Zxid, History)>,
    /// How often its disk was wiped. Whatever was promised before counts no more.
    pub wipes: u64,
    /// Everything up to here is on disk, as far as it was told.
    pub synced: Zxid,
    /// The last transaction applied as committed in this life, or recovered.
    pub delivered: Zxid,
    /// The point of the last truncation, until something is logged again.
    pub truncated_to: Option<Zxid>,
    /// What the last truncation took away: a snapshot that was kept may bring it back.
    cut_off: Vec<Entry>,
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
            history: History::default(),
            recovered_over: History::default(),
            taken_over: None,
            wipes: 0,
            synced: Zxid::ZERO,
            delivered: Zxid::ZERO,
            truncated_to: None,
            cut_off: Vec::new(),
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
        self.history.newest()
    }

    /// The entry of a transaction, if it holds it.
    pub fn entry(&self, zxid: Zxid) -> Option<&Entry> {
        self.history.entry(zxid)
    }

    /// A leader's tree replaced its own, in memory: its disk follows when a snapshot is written.
    pub fn install(&mut self, zxid: Zxid, history: History) {
        self.delivered = history.newest();
        let own = std::mem::replace(&mut self.history, history);
        let on_disk = self.taken_over.take().map_or(own, |(_, own)| own);
        self.taken_over = Some((zxid, on_disk));
        self.cut_off.clear();
    }

    /// Its disk is empty now.
    pub fn wiped(&mut self) {
        let (name, wipes) = (std::mem::take(&mut self.name), self.wipes + 1);
        *self = Self { wipes, ..Self::new(&name, self.sid, self.ensemble) };
    }

    /// Folds one of its notes.
    pub fn fold(&mut self, note: &ServerNote) {
        match note {
            ServerNote::Recovered { snapshot, replayed, last, accepted, current, .. } => {
                self.recover(*snapshot, replayed);
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
                self.cut_off.clear();
                self.history.put(*zxid, *digest, Some((file.clone(), *end)));
            }
            ServerNote::Synced { upto } => self.synced = self.synced.max(*upto),
            ServerNote::Delivered { record, .. } => self.deliver(record.header.zxid, record.digest),
            ServerNote::SnapshotTaken { zxid } => {
                self.taken_over.take_if(|(installed, _)| *zxid >= *installed);
            }
            ServerNote::Truncated { to } => {
                self.cut_off = match &mut self.taken_over {
                    Some((_, on_disk)) => on_disk.cut(*to),
                    None => self.history.cut(*to),
                };
                self.truncated_to = Some(*to);
                self.synced = self.synced.min(*to);
            }
            _ => {}
        }
    }

    /// The disk was read: what is known is confirmed, or was lost.
    fn recover(&mut self, snapshot: Zxid, replayed: &[(Zxid, u64)]) {
        let mut known = std::mem::take(&mut self.history);
        if let Some((_, on_disk)) = self.taken_over.take_if(|(installed, _)| snapshot < *installed)
        {
            known = on_disk;
        }
        self.taken_over = None;
        // A snapshot that was kept brings back what was cut off the log.
        for entry in self.cut_off.drain(..).filter(|entry| entry.zxid <= snapshot) {
            known.put(entry.zxid, entry.digest, None);
        }
        self.history = known.up_to(snapshot);
        for (zxid, digest) in replayed {
            let same = known.entry(*zxid).filter(|entry| entry.digest == *digest);
            self.history.put(*zxid, *digest, same.and_then(|entry| entry.place.clone()));
        }
        self.recovered_over = known;
    }

    /// An applied transaction that is not in the log (yet) is held all the same: in memory, or by the next snapshot.
    fn deliver(&mut self, zxid: Zxid, digest: u64) {
        self.delivered = zxid;
        self.cut_off.clear();
        self.history.put(zxid, digest, None);
    }
}
