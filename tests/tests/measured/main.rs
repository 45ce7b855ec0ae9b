//! What was measured on real clusters of Kafka 2.3.0 on ZooKeeper 3.4.6 — three servers, three brokers, all with
//! their defaults — is what the simulated ones do: the same order of events, the same epochs, the same znodes and
//! files to the byte but for ids and timestamps, and the same times where configuration makes them. Where only the
//! speed of a computer made a time, no test asks for it.

mod disk;
mod leader;
mod played;
mod tree;
mod zookeeper;
