//! What an omniscient observer knows: the notes of all nodes folded into one picture, kept up after every step.
//!
//! Nodes cannot see any of this. Checks read it, conditions ask it, the timeline prints from it. Folds only: nothing here
//! looks into a machine, and nothing is scanned again.

pub mod client;
pub mod history;
pub mod kafka;
pub mod server;
pub mod truth;

use std::collections::BTreeMap;

use coordinator::note::ServerNote;
use machine::Instant;
use sim::world::NodeId;

use crate::cast::Said;
pub use client::Client;
pub use kafka::{Kafka, Rough};
pub use server::{Server, State};
pub use truth::Truth;

/// What can be asked of the world behind the notes: who lives, who can reach whom, and what power loss would leave.
pub trait Outside {
    /// Whether its process lives and is not paused.
    fn is_up(&self, node: NodeId) -> bool;
    /// Whether packets of `from` arrive at `to` (both directions must be asked).
    fn reaches(&self, from: NodeId, to: NodeId) -> bool;
    /// Whether it is up and nothing holds it back: its disk works, its processor is not slowed down.
    fn is_well(&self, node: NodeId) -> bool {
        self.is_up(node)
    }
    /// Whether packets of `from` arrive at `to` in good time, and hardly any is lost.
    fn reaches_well(&self, from: NodeId, to: NodeId) -> bool {
        self.reaches(from, to)
    }
    /// How much of a file power loss would surely leave, in bytes; `None` if there is no such file.
    fn durable_len(&self, node: NodeId, path: &str) -> Option<u64>;
}

/// When and where a note was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The step.
    pub step: u64,
    /// The world's time.
    pub at: Instant,
    /// Who said it.
    pub node: NodeId,
}

/// The whole picture.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The time of the last step.
    pub now: Instant,
    /// All ZooKeeper servers.
    pub servers: BTreeMap<NodeId, Server>,
    /// All clients.
    pub clients: BTreeMap<NodeId, Client>,
    /// What is true in each ensemble, by [`Server::ensemble`].
    pub ensembles: Vec<Truth>,
    /// The Kafka cluster.
    pub kafka: Kafka,
}

impl Scene {
    /// Folds one note. Called for every note in order, before the checks see it.
    pub fn fold(&mut self, moment: &Moment, said: &Said) {
        self.now = moment.at;
        self.kafka.begin(moment);
        match said {
            Said::Server(note) => self.fold_server(moment, note),
            Said::Client(note) => {
                if let Some(client) = self.clients.get_mut(&moment.node) {
                    client.fold(moment, note);
                }
            }
            Said::Broker(note) => self.kafka.fold_broker(moment, note),
            Said::Kafka(note) => self.kafka.fold_client(moment, note),
            Said::Guest(_) => {}
        }
    }

    /// A node begins a life.
    pub fn booted(&mut self, node: NodeId) {
        if let Some(server) = self.servers.get_mut(&node) {
            server.state = State::Recovering;
            server.lives += 1;
        }
        self.kafka.booted(node);
    }

    /// A node's life ended: nothing it believed counts any more, what is on its disk does.
    pub fn died(&mut self, node: NodeId) {
        if let Some(server) = self.servers.get_mut(&node) {
            server.state = State::Down;
        }
        if let Some(client) = self.clients.get_mut(&node) {
            client.died();
        }
        self.kafka.died(node);
    }

    /// A dead node's host lost its power, or its disk lied or was damaged: what it held may be gone.
    pub fn roughened(&mut self, node: NodeId, how: Rough) {
        self.kafka.roughened(node, how);
    }

    /// A dead node's disk was emptied: that it has nothing is no violation.
    pub fn wiped(&mut self, node: NodeId) {
        if let Some(server) = self.servers.get_mut(&node) {
            server.wiped();
        }
        self.kafka.roughened(node, Rough::Wiped);
        let members = self.servers.values().filter(|one| one.ensemble == self.kafka.ensemble);
        let (all, wiped) =
            members.fold((0, 0), |(all, wiped), one| (all + 1, wiped + usize::from(one.wipes > 0)));
        self.kafka.is_shaken |= wiped >= coordinator::quorum::majority_of(all) && all > 0;
    }

    /// The truth of the ensemble a server belongs to.
    pub fn truth(&self, server: &Server) -> &Truth {
        &self.ensembles[server.ensemble]
    }

    /// The server that leads its ensemble with a quorum behind it and serves: truth, not belief.
    ///
    /// A standalone server leads itself. A leader whose quorum is gone does not count, even while it still believes.
    pub fn leader(&self, ensemble: usize, outside: &dyn Outside) -> Option<NodeId> {
        let members: Vec<_> =
            self.servers.iter().filter(|(_, server)| server.ensemble == ensemble).collect();
        let leads = |node: NodeId, server: &Server| match server.state {
            State::Standalone => outside.is_up(node),
            State::Leading { epoch, established: true } => {
                let behind = members.iter().filter(|(other, member)| {
                    let follows = member.state == State::Following { leader: server.sid, epoch };
                    let connected =
                        outside.reaches(node, **other) && outside.reaches(**other, node);
                    follows && outside.is_up(**other) && connected
                });
                outside.is_up(node)
                    && behind.count() + 1 >= coordinator::quorum::majority_of(members.len())
            }
            _ => false,
        };
        // Of two that could claim it only the one of the newer epoch can have a quorum that promised.
        let candidates = members.iter().filter(|(node, server)| leads(**node, server));
        candidates.max_by_key(|(_, server)| server.current).map(|(node, _)| **node)
    }

    /// The node with this `myid` in this ensemble.
    pub fn by_sid(&self, ensemble: usize, sid: coordinator::id::ServerId) -> Option<NodeId> {
        let found = self.servers.iter().find(|(_, one)| one.ensemble == ensemble && one.sid == sid);
        found.map(|(node, _)| *node)
    }

    fn fold_server(&mut self, moment: &Moment, note: &ServerNote) {
        let Some(server) = self.servers.get(&moment.node) else { return };
        let ensemble = server.ensemble;
        if let ServerNote::SnapshotInstalled { from, zxid, .. } = note {
            let giver = self.by_sid(ensemble, *from).and_then(|node| self.servers.get(&node));
            let history = giver.map(|giver| giver.history.in_snapshot(*zxid)).unwrap_or_default();
            self.servers.get_mut(&moment.node).expect("looked up above").install(*zxid, history);
        }
        let server = self.servers.get_mut(&moment.node).expect("looked up above");
        server.fold(note);
        let truth = &mut self.ensembles[ensemble];
        let known = truth.order.len();
        truth.fold(moment, note, server);
        if ensemble == self.kafka.ensemble {
            for (zxid, digest) in &truth.order[known..] {
                if let Some(record) = truth.records.get(&(*zxid, *digest)) {
                    self.kafka.committed(record);
                }
            }
        }
    }

    /// All servers of one ensemble.
    pub fn members(&self, ensemble: usize) -> impl Iterator<Item = (NodeId, &Server)> {
        let members = self.servers.iter().filter(move |(_, server)| server.ensemble == ensemble);
        members.map(|(node, server)| (*node, server))
    }
}
