//! ZB-11: what a server reads back is the beginning of what it had, at least all that was on its disk, and nothing that was
//! cut off.
//!
//! It matters because a server votes with what it reads back: a hole makes it lead others into the hole, and a transaction
//! that was cut off and comes back was never committed.
//!
//! The smallest way to break it: cut the log and leave a snapshot that holds the same transactions (ZOOKEEPER-4837).

use std::collections::BTreeMap;

use coordinator::id::Zxid;
use coordinator::note::ServerNote;
use sim::world::NodeId;

use super::super::Check;
use super::is_durable;
use crate::cast::Said;
use crate::scene::{Moment, Outside, Scene, Server};

/// Where logs were cut, until their servers go on.
#[derive(Default)]
pub struct Recovery {
    cut: BTreeMap<NodeId, Zxid>,
}

impl Check for Recovery {
    fn id(&self) -> &'static str {
        "ZB-11"
    }

    fn property(&self) -> &'static str {
        "What is read back is what was logged: no hole, nothing durable lost, nothing cut off."
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
            ServerNote::Truncated { to } => {
                self.cut.insert(moment.node, *to);
            }
            ServerNote::Logged { .. } | ServerNote::Delivered { .. } => {
                self.cut.remove(&moment.node);
            }
            ServerNote::Recovered { last, .. } => {
                if let Some(to) = self.cut.remove(&moment.node)
                    && server.last() > to
                {
                    let me = &server.name;
                    found.push(format!(
                        "{me} cut its log back to {to}, and reads back a history up to {last}"
                    ));
                }
                found.extend(differs(server));
                found.extend(lost(server, moment.node, outside));
            }
            _ => {}
        }
    }
}

/// Where what was read is not the beginning of what was there.
fn differs(server: &Server) -> Option<String> {
    let (known, read) = (&server.recovered_over, &server.history);
    let last = read.newest();
    // Equal fingerprints at the same last transaction; also whatever was never known would change them.
    if known.chain_at(last) == read.chain_at(last) {
        return None;
    }
    let me = &server.name;
    let hole = known.iter().find(|entry| entry.zxid <= last && read.entry(entry.zxid).is_none());
    Some(match hole {
        Some(entry) => format!("{me} reads back a history up to {last} without {}", entry.zxid),
        None => format!("{me} reads back a history up to {last} that it never had"),
    })
}

/// What the disk held for sure and was not read.
fn lost(server: &Server, node: NodeId, outside: &dyn Outside) -> Option<String> {
    let last = server.history.newest();
    let beyond = server.recovered_over.partition_point(|entry| entry.zxid <= last);
    let mut beyond = server.recovered_over[beyond..].iter();
    let lost = beyond.find(|entry| is_durable(entry, node, outside))?;
    let (me, zxid) = (&server.name, lost.zxid);
    Some(format!("{me} reads back a history up to {last}, although {zxid} is on its disk"))
}
