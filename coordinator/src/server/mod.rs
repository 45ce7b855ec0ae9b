//! What a server does for its clients: connections, sessions, reads, and the way of a write to its reply.
//!
//! Not here: agreeing on the order of writes ([`crate::zab`]) and what they do to the tree ([`crate::tree`]).

mod answers;
pub mod clients;
mod limits;
pub mod replica;
pub mod requests;
pub mod sessions;
mod wish;
