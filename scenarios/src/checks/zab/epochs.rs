//! ZB-5: what a server promised about epochs it keeps; and who claims an epoch has the history that epoch began with.
//!
//! It matters because elections compare epochs before anything else: who has forgotten a promise helps an old leader to
//! live on, and who claims an epoch without its history wins against those who have it.
//!
//! The smallest way to break it: let power loss take back the rename of `acceptedEpoch`. Or write `currentEpoch` before the
//! transactions it vouches for are on disk, and lose power in between (ZOOKEEPER-4643).

use std::collections::BTreeMap;

use coordinator::id::{Epoch, Zxid};
use coordinator::note::ServerNote;
use sim::world::NodeId;

use super::super::Check;
use crate::cast::Said;
use crate::scene::{Moment, Outside, Scene, Server};

/// What was promised, and what epochs began with.
#[derive(Default)]
pub struct EpochOrder {
    promised: BTreeMap<NodeId, Promised>,
    /// Where the history of each epoch's leader ended when it began to lead, and its fingerprint there.
    beginnings: BTreeMap<(usize, Epoch), (Zxid, u64)>,
}

/// What one server was told to be on its disk.
#[derive(Default)]
struct Promised {
    wipes: u64,
    accepted: Epoch,
    current: Epoch,
    /// A leader replaces part of the history that `current` vouches for; the next epoch is not yet written.
    history_changes: bool,
}

impl Check for EpochOrder {
    fn id(&self) -> &'static str {
        "ZB-5"
    }

    fn property(&self) -> &'static str {
        "Epochs on disk never go back, and who claims an epoch has the history it began with."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let Said::Server(note) = said else { return };
        let Some(server) = scene.servers.get(&moment.node) else { return };
        match note {
            ServerNote::Leads { epoch, .. } => {
                let last = server.last();
                let beginning = (last, server.history.chain_at(last));
                self.beginnings.insert((server.ensemble, *epoch), beginning);
            }
            ServerNote::Synchronises { follower, how, .. } if *how != "DIFF" => {
                if let Some(follower) = scene.by_sid(server.ensemble, *follower) {
                    self.promised.entry(follower).or_default().history_changes = true;
                }
            }
            ServerNote::Follows { .. } | ServerNote::Established { .. } => {
                let (last, current) = (server.last(), server.current);
                if last.epoch() > current {
                    let me = &server.name;
                    found.push(format!(
                        "{me} serves in epoch {current} with a history up to {last}"
                    ));
                }
            }
            ServerNote::Recovered { .. } => {
                self.keeps(moment.node, server, found);
                self.holds(moment.node, server, found);
                self.tell(moment.node, server, found);
            }
            ServerNote::EpochAccepted { .. } => self.tell(moment.node, server, found),
            ServerNote::EpochCurrent { .. } => {
                self.promised.entry(moment.node).or_default().history_changes = false;
                self.tell(moment.node, server, found);
            }
            _ => {}
        }
    }
}

impl EpochOrder {
    /// The disk was read: nothing promised before is forgotten, unless somebody emptied the disk.
    fn keeps(&mut self, node: NodeId, server: &Server, found: &mut Vec<String>) {
        let promised = self.promised.entry(node).or_default();
        if promised.wipes != server.wipes {
            *promised = Promised { wipes: server.wipes, ..Promised::default() };
        }
        let me = &server.name;
        let (accepted, current) = (server.accepted, server.current);
        if accepted < promised.accepted {
            let before = promised.accepted;
            found.push(format!("{me} promised epoch {before} and reads back {accepted}"));
        }
        if current < promised.current {
            let before = promised.current;
            found.push(format!("{me} was in epoch {before} and reads back {current}"));
        }
        // What is found is what counts from now on.
        (promised.accepted, promised.current) = (accepted, current);
    }

    /// The history that was read is at least the one its epoch began with.
    fn holds(&self, node: NodeId, server: &Server, found: &mut Vec<String>) {
        let epoch = server.current;
        let changes = self.promised.get(&node).is_some_and(|promised| promised.history_changes);
        if let Some((last, chain)) = self.beginnings.get(&(server.ensemble, epoch))
            && server.history.chain_at(*last) != *chain
            && !changes
        {
            let (me, has) = (&server.name, server.last());
            found.push(format!(
                "{me} reads back epoch {epoch} and a history up to {has}, which is not the one \
                 up to {last} that the epoch began with"
            ));
        }
    }

    fn tell(&mut self, node: NodeId, server: &Server, found: &mut Vec<String>) {
        let promised = self.promised.entry(node).or_default();
        let (me, accepted, current) = (&server.name, server.accepted, server.current);
        if accepted < promised.accepted || current < promised.current {
            found.push(format!("{me} goes back to accepted epoch {accepted}, current {current}"));
        }
        if current > accepted {
            found.push(format!("{me} is in epoch {current} and has promised only {accepted}"));
        }
        (promised.accepted, promised.current) = (accepted, current);
    }
}
