//! ZAB: what the broadcast promises to everything that is built on it.
//!
//! The properties are those of the specifications of ZAB in TLA+ (Leadership, PrefixConsistency, Integrity, Agreement, the
//! orders, PrimaryIntegrity), and what their proofs take for granted about disks.

mod agreement;
mod durability;
mod epochs;
mod integrity;
mod leadership;
mod prefix;
mod primary;
mod proposals;
mod recovery;
mod synced;

use sim::world::NodeId;

use super::Check;
use crate::scene::server::Entry;
use crate::scene::{Outside, Scene};

/// ZB-1 to ZB-11.
pub fn all() -> Vec<Box<dyn Check>> {
    vec![
        Box::<durability::Durability>::default(),
        Box::<prefix::PrefixConsistency>::default(),
        Box::new(leadership::OneAtATime),
        Box::<leadership::OneReign>::default(),
        Box::<epochs::EpochOrder>::default(),
        Box::<agreement::TotalOrder>::default(),
        Box::<proposals::PrimaryOrder>::default(),
        Box::<primary::PrimaryIntegrity>::default(),
        Box::<integrity::Integrity>::default(),
        Box::new(synced::AcknowledgedIsSynced),
        Box::<recovery::Recovery>::default(),
    ]
}

/// Whether power loss would surely leave this entry of a log: the truth, also where a sync lied.
fn is_durable(entry: &Entry, node: NodeId, outside: &dyn Outside) -> bool {
    let Some((file, end)) = &entry.place else { return false };
    outside.durable_len(node, file).is_some_and(|durable| durable >= *end)
}

/// A server's name.
fn name(scene: &Scene, node: NodeId) -> &str {
    scene.servers.get(&node).map_or("?", |server| &server.name)
}

#[cfg(test)]
mod tests;
