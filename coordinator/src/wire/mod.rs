//! The real bytes of ZooKeeper: between servers, between server and client, and in the log.
//!
//! Everything is jute: big-endian integers, length-prefixed buffers, strings and vectors. Decoders never trust an announced
//! length further than the bytes that are there.

pub mod client;
pub mod jute;
pub(crate) mod partial;
pub mod peer;
pub mod record;
pub mod vote;

#[cfg(test)]
mod tests;
