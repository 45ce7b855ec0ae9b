//! ZB-7: a leader proposes in the order of its zxids, each one more than the last; and no server goes back to an older epoch.
//!
//! It matters because followers take the order of arrival for the order of the transactions, and acknowledgements of a later
//! one for those of all before.
//!
//! The smallest way to break it: two requests wait together, and the leader sends the second first.

use std::collections::BTreeMap;

use coordinator::id::Zxid;
use coordinator::note::ServerNote;
use sim::world::NodeId;

use super::super::Check;
use crate::cast::Said;
use crate::scene::{Moment, Outside, Scene};

/// The last proposal of each server in its present role, and the last delivery.
#[derive(Default)]
pub struct PrimaryOrder {
    proposed: BTreeMap<NodeId, Zxid>,
    delivered: BTreeMap<NodeId, Zxid>,
}

impl Check for PrimaryOrder {
    fn id(&self) -> &'static str {
        "ZB-7"
    }

    fn property(&self) -> &'static str {
        "Transactions are proposed in the order of their zxids, and epochs delivered in theirs."
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
        let me = &server.name;
        match note {
            ServerNote::Established { epoch, .. } => {
                self.proposed.insert(moment.node, Zxid::new(*epoch, 0));
            }
            ServerNote::ServesStandalone => {
                self.proposed.insert(moment.node, server.last());
            }
            ServerNote::Proposed(record) => {
                let zxid = record.header.zxid;
                match self.proposed.insert(moment.node, zxid) {
                    Some(before) if before.next() != Some(zxid) => {
                        found.push(format!("{me} proposed {zxid} after {before}"));
                    }
                    None => found.push(format!("{me} proposed {zxid} and does not lead")),
                    Some(_) => {}
                }
            }
            ServerNote::Recovered { last, .. } => {
                self.delivered.insert(moment.node, *last);
            }
            ServerNote::Delivered { record, .. } => {
                let zxid = record.header.zxid;
                let before = self.delivered.insert(moment.node, zxid).unwrap_or_default();
                if zxid.epoch() < before.epoch() {
                    found.push(format!("{me} delivered {zxid} after {before}, of a later epoch"));
                }
            }
            _ => {}
        }
    }
}
