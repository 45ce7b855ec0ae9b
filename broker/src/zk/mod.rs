//! A broker and ZooKeeper: its znodes and their JSON ([`znode`]), and requests that are repeated until they are answered
//! ([`Keeper`]).

#[cfg(test)]
pub(crate) mod fake;
mod keeper;
mod order;
pub mod znode;

pub use keeper::{Asker, Keeper, KeeperEvent, ZkError};
