//! A Kafka broker in ZooKeeper mode as a plain state machine, and its clients.
//!
//! [`node::Broker`] is one broker: it registers in ZooKeeper ([`zk`]), keeps records ([`log`]), replicates them
//! ([`replica`]), may be elected [`controller`], and answers requests ([`server`], [`wire`]). [`client`] has the other
//! end: producers, consumers, admin tools. What differed between versions is a named switch in [`mechanism`].

pub mod admin;
pub mod by_partition;
pub mod client;
pub mod config;
pub mod controller;
pub mod id;
pub mod life;
pub mod log;
pub mod mechanism;
pub mod metadata;
pub mod node;
pub mod note;
pub mod replica;
pub mod server;
pub mod wire;
pub mod zk;
