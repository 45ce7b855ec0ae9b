//! ZB-2: servers that delivered the same transaction delivered the same content and have the same tree; equal histories
//! make equal trees, by whatever way they came about.
//!
//! It matters because clients read from any server: two trees at one zxid are two truths.
//!
//! The smallest way to break it: leave one transaction of a DIFF out of the log and restart (ZOOKEEPER-4925 was of this kind).

use std::collections::BTreeMap;

use coordinator::id::Zxid;
use coordinator::note::ServerNote;
use sim::world::NodeId;

use super::super::Check;
use super::name;
use crate::cast::Said;
use crate::scene::{Moment, Outside, Scene};

/// What was delivered first by anybody, and what became of it.
#[derive(Default)]
pub struct PrefixConsistency {
    delivered: BTreeMap<(usize, Zxid), Delivered>,
    /// The tree that a history, by its fingerprint, leads to.
    trees: BTreeMap<(usize, u64), (u64, NodeId)>,
    unsure: BTreeMap<NodeId, Unsure>,
}

struct Delivered {
    digest: u64,
    tree: u64,
    by: NodeId,
}

/// A snapshot may hold more than what it is named after. If the log behind it was lost, the tree is nobody's until everything
/// the snapshot can hold was applied again.
#[derive(Default)]
struct Unsure {
    applied: Zxid,
    until: Zxid,
}

impl Check for PrefixConsistency {
    fn id(&self) -> &'static str {
        "ZB-2"
    }

    fn property(&self) -> &'static str {
        "Servers that delivered up to the same transaction have the same tree."
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
        match note {
            ServerNote::Delivered { record, tree, .. } => {
                let unsure = self.unsure.entry(moment.node).or_default();
                unsure.applied = unsure.applied.max(record.header.zxid);
                if record.header.zxid >= unsure.until {
                    self.delivered(
                        moment,
                        (record.header.zxid, record.digest),
                        *tree,
                        scene,
                        found,
                    );
                }
            }
            ServerNote::SnapshotInstalled { zxid, tree, .. } => {
                self.unsure.insert(moment.node, Unsure { applied: *zxid, until: Zxid::ZERO });
                self.has_tree(moment, *tree, scene, found);
            }
            ServerNote::Recovered { last, tree, .. } => {
                let unsure = self.unsure.entry(moment.node).or_default();
                if *last < unsure.applied {
                    unsure.until = unsure.until.max(unsure.applied);
                }
                unsure.applied = *last;
                if *last >= unsure.until {
                    self.has_tree(moment, *tree, scene, found);
                }
            }
            _ => {}
        }
    }
}

impl PrefixConsistency {
    fn delivered(
        &mut self,
        moment: &Moment,
        (zxid, digest): (Zxid, u64),
        tree: u64,
        scene: &Scene,
        found: &mut Vec<String>,
    ) {
        let server = &scene.servers[&moment.node];
        let chain = server.history.chain_at(zxid);
        self.trees.entry((server.ensemble, chain)).or_insert((tree, moment.node));
        let mine = Delivered { digest, tree, by: moment.node };
        let first = self.delivered.entry((server.ensemble, zxid)).or_insert(mine);
        let (me, other) = (&server.name, name(scene, first.by));
        if first.digest != digest {
            found.push(format!("{me} delivered another transaction {zxid} than {other}"));
        } else if first.tree != tree {
            found.push(format!("{me} has another tree than {other} after delivering {zxid}"));
        }
    }

    /// A whole tree was loaded.
    fn has_tree(&mut self, moment: &Moment, tree: u64, scene: &Scene, found: &mut Vec<String>) {
        let server = &scene.servers[&moment.node];
        let last = server.last();
        let chain = server.history.chain_at(last);
        let first = self.trees.entry((server.ensemble, chain)).or_insert((tree, moment.node));
        if first.0 != tree {
            let (me, other) = (&server.name, name(scene, first.1));
            found.push(format!(
                "{me} loaded another tree than {other} had after the same transactions up to {last}"
            ));
        }
    }
}
