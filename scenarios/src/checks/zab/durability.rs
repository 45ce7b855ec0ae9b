//! ZB-1: whatever was committed is on the disks of a quorum, and every later leader has it.
//!
//! It matters because a client was told "done". A leader without a committed transaction makes all others forget it, and
//! nobody is told.
//!
//! The smallest way to break it: a server misses one commit, and is elected all the same. Released versions break it when a
//! follower that acknowledged a history, and did not write it down, loses power (ZOOKEEPER-3911).

use std::collections::{BTreeMap, BTreeSet};

use coordinator::id::{Epoch, Zxid};
use coordinator::note::ServerNote;
use coordinator::quorum;
use sim::world::NodeId;

use super::super::Check;
use super::is_durable;
use crate::cast::Said;
use crate::scene::{Moment, Outside, Scene, Server};

/// The servers on whose disks a transaction truly was when they acknowledged it, until its leader says that it is committed;
/// a leader that was cut off or paused may come to say so when the next epoch is long under way.
#[derive(Default)]
pub struct Durability {
    holders: BTreeMap<(usize, Zxid), BTreeSet<NodeId>>,
    committed: BTreeMap<(usize, Epoch), Zxid>,
}

impl Check for Durability {
    fn id(&self) -> &'static str {
        "ZB-1"
    }

    fn property(&self) -> &'static str {
        "What was committed is on the disks of a quorum, and in the history of every later leader."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let Said::Server(note) = said else { return };
        let Some(server) = scene.servers.get(&moment.node) else { return };
        match note {
            ServerNote::Acknowledged { zxid } => {
                let committed = self.committed.get(&(server.ensemble, zxid.epoch()));
                let waits = committed.is_none_or(|committed| committed < zxid);
                let entry = server.entry(*zxid);
                if waits && entry.is_some_and(|entry| is_durable(entry, moment.node, outside)) {
                    let holders = self.holders.entry((server.ensemble, *zxid)).or_default();
                    holders.insert(moment.node);
                }
            }
            ServerNote::Committed { zxid } => found.extend(self.committed(*zxid, server, scene)),
            ServerNote::Established { .. } | ServerNote::ServesStandalone => {
                found.extend(lacking(server, scene));
            }
            _ => {}
        }
    }
}

impl Durability {
    fn committed(&mut self, zxid: Zxid, leader: &Server, scene: &Scene) -> Option<String> {
        let ensemble = leader.ensemble;
        self.committed.insert((ensemble, zxid.epoch()), zxid);
        let holders = self.holders.remove(&(ensemble, zxid)).unwrap_or_default();
        let before = (ensemble, Zxid::new(zxid.epoch(), 0))..(ensemble, zxid);
        while let Some(key) = self.holders.range(before.clone()).next().map(|(key, _)| *key) {
            self.holders.remove(&key);
        }
        let needed = quorum::majority_of(scene.members(ensemble).count());
        if holders.len() >= needed {
            return None;
        }
        let names: Vec<&str> = holders.iter().map(|node| super::name(scene, *node)).collect();
        let (me, names) = (&leader.name, names.join(", "));
        let who = if names.is_empty() {
            "on no server's disk".to_owned()
        } else {
            format!("on the disk of {names} only")
        };
        Some(format!(
            "{me} committed {zxid}, which was {who} when it was acknowledged: {needed} must have it"
        ))
    }
}

/// What a new leader lacks of what was committed before.
fn lacking(leader: &Server, scene: &Scene) -> Option<String> {
    let truth = scene.truth(leader);
    if leader.history.chain_at(truth.last()) == truth.chain() {
        return None;
    }
    let held = |zxid, digest| leader.entry(zxid).is_some_and(|entry| entry.digest == digest);
    let mut lost = truth.order.iter().filter(|(zxid, digest)| !held(*zxid, *digest));
    let (first, _) = lost.next()?;
    let more = match lost.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (me, last) = (&leader.name, leader.last());
    Some(format!("{me} leads with a history up to {last} that lacks the committed {first}{more}"))
}
