//! ZB-8: before its first proposal a leader has everything that any server delivered in older epochs.
//!
//! It matters because what a leader proposes is computed from its tree: versions, sequential names, who is alive.
//!
//! The smallest way to break it: elect by server id, and forget to ask who has more.

use std::collections::BTreeMap;

use coordinator::id::{Epoch, Zxid};
use coordinator::note::ServerNote;

use super::super::Check;
use super::name;
use crate::cast::Said;
use crate::scene::{Moment, Outside, Scene, Server};
use sim::world::NodeId;

/// What was delivered by servers that served, and who has proposed.
#[derive(Default)]
pub struct PrimaryIntegrity {
    delivered: BTreeMap<(usize, Zxid), (u64, NodeId)>,
    proposing: BTreeMap<(usize, Epoch), NodeId>,
}

impl Check for PrimaryIntegrity {
    fn id(&self) -> &'static str {
        "ZB-8"
    }

    fn property(&self) -> &'static str {
        "Before its first proposal a leader has what any server delivered in older epochs."
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
            ServerNote::Delivered { record, .. } if server.is_serving() => {
                let key = (server.ensemble, record.header.zxid);
                self.delivered.entry(key).or_insert((record.digest, moment.node));
            }
            ServerNote::Proposed(record) => {
                let epoch = record.header.zxid.epoch();
                let before = self.proposing.insert((server.ensemble, epoch), moment.node);
                if before != Some(moment.node) {
                    found.extend(self.lacks(epoch, server, scene));
                }
            }
            _ => {}
        }
    }
}

impl PrimaryIntegrity {
    /// Once for each leader: everything delivered in older epochs is looked up in its history.
    fn lacks(&self, epoch: Epoch, leader: &Server, scene: &Scene) -> Option<String> {
        let older = (leader.ensemble, Zxid::ZERO)..(leader.ensemble, Zxid::new(epoch, 0));
        let mut lost = self.delivered.range(older).filter(|((_, zxid), (digest, _))| {
            leader.entry(*zxid).is_none_or(|entry| entry.digest != *digest)
        });
        let ((_, zxid), (_, by)) = lost.next_back()?;
        let (me, by, last) = (&leader.name, name(scene, *by), leader.last());
        Some(format!(
            "{me} begins to propose in epoch {epoch} with a history up to {last}, and lacks {zxid}, which {by} delivered"
        ))
    }
}
