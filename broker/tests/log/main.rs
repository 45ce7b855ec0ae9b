//! The logs of a broker: bytes that Kafka's tools could read, and lives that end at any moment.

mod blocked;
mod bytes;
mod crashes;
mod cutting;
mod epochs;
mod host;
mod node;
mod reading;
mod recovery;
mod schedule;
