//! A ZooKeeper server and its session client as plain state machines.
//!
//! [`node::Coordinator`] is one server: it elects ([`election`]), agrees ([`zab`]), remembers ([`log`], [`tree`]) and
//! serves clients ([`server`]). [`client`] is the other end, [`workload`] are clients with something to do. What differed
//! between versions is a named switch in [`mechanism`].

pub mod client;
pub mod code;
pub mod config;
pub mod election;
pub mod id;
pub mod log;
pub mod mechanism;
pub mod node;
pub mod note;
pub mod prep;
pub mod quorum;
pub mod server;
pub mod tree;
pub mod txn;
pub mod wire;
pub mod workload;
pub mod zab;
