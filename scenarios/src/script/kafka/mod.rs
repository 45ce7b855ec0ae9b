//! The Kafka half of the scenario language: brokers and topics of `[cluster]`, producers and consumers, admin commands.
//!
//! | key of `[cluster]` | what it says |
//! |---|---|
//! | `brokers` | `3`: brokers `kafka-1` … `kafka-3`, each on a host of its own; ids from 1 |
//! | `kafka` | the version: `"2.3"`, `"2.5"` or `"fixed"` |
//! | `kafka-config` | keys of `server.properties` for every broker, on top of everything |
//! | `kafka-mechanisms` | mechanisms of brokers, on top of the version's, and `mutants` |
//! | `topics` | topics that are there before the clients begin |
//!
//! A topic has `name`, `partitions`, `replication-factor`, `min-insync-replicas`, `replicas` (broker ids by partition, the
//! preferred leader first) and `config`.

pub mod admin;
pub mod client;
mod names;
mod overrides;
mod reading;
pub mod verb;

use std::collections::BTreeMap;

use broker::mechanism::Preset;

pub use names::{check, check_broker, check_number, check_partition, check_topic, topics};
pub use overrides::Overrides;
pub use reading::read;

use super::problems::Located;
use crate::cluster::{Broker, Cluster, Host, Network, Property, Topic};

/// What `[cluster]` says of Kafka.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kafka {
    /// How many brokers to add to the cluster.
    pub brokers: u64,
    /// The version; `None` leaves it to the files, or to `fixed`.
    pub version: Option<Preset>,
    /// Keys of `server.properties` for every broker.
    pub config: BTreeMap<String, Located<String>>,
    /// Mechanisms on top of the version's.
    pub mechanisms: Overrides,
    /// The topics, with the places of their names.
    pub topics: Vec<Located<Topic>>,
}

impl Kafka {
    /// Adds topics and, to a cluster without brokers, these brokers; changes what is to be changed of brokers that are
    /// there. The connect string must be known.
    pub fn stage(&self, cluster: &mut Cluster) {
        let missing = if cluster.brokers.is_empty() { self.brokers } else { 0 };
        for number in 1..=missing {
            let name = format!("kafka-{number}");
            let network = Network { name: "net".to_string(), aliases: vec![name.clone()] };
            cluster.hosts.push(Host { name: name.clone(), networks: vec![network] });
            cluster.brokers.push(inline(name, number, &cluster.connect));
        }
        for broker in &mut cluster.brokers {
            broker.preset = self.version.unwrap_or(broker.preset);
            for (key, value) in &self.config {
                broker.properties.retain(|property| property.key != *key);
                broker.properties.push(property(key, &value.value, "kafka-config of the scenario"));
            }
        }
        for topic in &self.topics {
            cluster.topics.retain(|there| there.name != topic.value.name);
            cluster.topics.push(topic.value.clone());
        }
    }
}

fn inline(name: String, number: u64, connect: &str) -> Broker {
    let settings = [
        ("broker.id", number.to_string()),
        ("listeners", "PLAINTEXT://:9092".to_string()),
        ("advertised.listeners", format!("PLAINTEXT://{name}:9092")),
        ("log.dirs", "/kafka".to_string()),
        ("zookeeper.connect", connect.to_string()),
    ];
    let from = "brokers = N of the scenario";
    let properties = settings.iter().map(|(key, value)| property(key, value, from)).collect();
    Broker {
        host: name.clone(),
        name,
        properties,
        has_generated_id: false,
        bootstrap: None,
        waits_for_zookeeper_ms: None,
        preset: Preset::default(),
        never_starts: None,
    }
}

fn property(key: &str, value: &str, from: &str) -> Property {
    Property { key: key.to_string(), value: value.to_string(), from: from.to_string() }
}
