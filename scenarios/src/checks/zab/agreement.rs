//! ZB-6: every server delivers the committed transactions in the one order, without a gap.
//!
//! It matters because a replica is nothing but the order applied: one swap, and conditional updates come out differently.
//!
//! The smallest way to break it: a follower that has two commits at hand applies the second first (ZOOKEEPER-962 was of this
//! kind).

use std::collections::BTreeMap;

use coordinator::id::Zxid;
use coordinator::note::ServerNote;
use coordinator::txn::Record;
use sim::world::NodeId;

use super::super::Check;
use crate::cast::Said;
use crate::scene::{Moment, Outside, Scene, Server};

/// How far each server's tree has come.
#[derive(Default)]
pub struct TotalOrder {
    positions: BTreeMap<NodeId, Position>,
}

#[derive(Clone, Copy, Default)]
struct Position {
    last: Zxid,
    /// A change of role may have applied what is in the log, which nobody says.
    may_be_further: bool,
}

impl Check for TotalOrder {
    fn id(&self) -> &'static str {
        "ZB-6"
    }

    fn property(&self) -> &'static str {
        "All servers deliver the committed transactions in the same order, without a gap."
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
        let at = |last| Position { last, may_be_further: false };
        let position = self.positions.entry(moment.node).or_default();
        match note {
            ServerNote::Recovered { last, .. } => *position = at(*last),
            ServerNote::SnapshotInstalled { zxid, .. } => *position = at(*zxid),
            ServerNote::LeavesRole(_) => position.may_be_further = true,
            ServerNote::Delivered { record, .. } => {
                let server = &scene.servers[&moment.node];
                found.extend(wrong(record, *position, server, scene));
                *position = at(record.header.zxid);
            }
            _ => {}
        }
    }
}

/// What is wrong with delivering `record` next.
fn wrong(record: &Record, position: Position, server: &Server, scene: &Scene) -> Option<String> {
    let (me, zxid, before) = (&server.name, record.header.zxid, position.last);
    if zxid <= before {
        return Some(format!("{me} delivered {zxid} after {before}"));
    }
    let truth = scene.truth(server);
    if server.is_serving() {
        match truth.digest(zxid) {
            None => return Some(format!("{me} delivered {zxid}, which was never committed")),
            Some(digest) if digest != record.digest => {
                return Some(format!(
                    "{me} delivered another transaction {zxid} than was committed"
                ));
            }
            Some(_) => {}
        }
    }
    let next = truth.order.partition_point(|(committed, _)| *committed <= before);
    let (due, _) = truth.order.get(next)?;
    if *due < zxid && !position.may_be_further {
        return Some(format!("{me} delivered {zxid} after {before}, leaving out {due}"));
    }
    None
}
