//! A cluster as it will really be staged: which server and which broker runs where, with which configuration, and who can
//! find whom.
//!
//! Made by [`crate::import`] from people's own files, or from the `[cluster]` table of a scenario. What it is in truth, and
//! where each of its settings comes from, is found out by [`survey`].

mod keys;
mod played;
mod provenance;
pub mod survey;
mod ways;

use std::collections::BTreeMap;

use broker::config as kafka;
use broker::id::BrokerId;
use coordinator::config::{Config, ConfigError, ConfigWarning, Syntax};
use coordinator::mechanism::{Mechanisms, Preset};
use machine::Duration;
use serde::{Deserialize, Serialize};

/// A cluster, and what is to be said about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The machines (containers) nodes run on. A node's host is named like the node unless the scenario says otherwise.
    pub hosts: Vec<Host>,
    /// Ports of the machine that lead to containers.
    pub published: Vec<Published>,
    /// The ZooKeeper servers.
    pub zookeepers: Vec<ZooKeeper>,
    /// The connect string clients of this cluster use, chroot included (`zk-1:2181,zk-2:2181/kafka`).
    pub connect: String,
    /// The brokers.
    pub brokers: Vec<Broker>,
    /// The topics to be created before the clients begin.
    pub topics: Vec<Topic>,
    /// What was found wrong or surprising, most severe first.
    pub findings: Vec<Finding>,
    /// Services in the file that are not staged, with the reason (`ui: provectuslabs/kafka-ui is not part of the cluster`).
    pub not_staged: Vec<String>,
    /// What is written in the files and changes nothing in what is staged.
    pub unread: Vec<Unread>,
}

/// A variable, key or field that nobody reads: it is kept so that nothing a person wrote is lost in silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The node it was meant for; empty where it was meant for the whole file.
    pub node: String,
    /// Its name, as it is written (`ZOOKEEPER_SERVER_ID`, `logging`).
    pub name: String,
    /// Its value, as it is written; empty where it is more than one word.
    pub value: String,
    /// `file:line`.
    pub at: String,
    /// Who does not read it and why (`wurstmeister/zookeeper reads no variables`, `not modelled`).
    pub why: String,
}

/// A machine or container: the unit that fails whole and that links connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its own name.
    pub name: String,
    /// The networks it is on, with the names it has there (its own name is not implied). Two hosts reach each other
    /// if they share a network; `localhost` is always the host itself.
    pub networks: Vec<Network>,
}

/// The name of the host that is the machine containers run on: it is there where something runs on it, or is sent to it.
pub const MACHINE: &str = "docker-host";

/// A port of the machine that Docker leads to a port of a container. Clients of scenarios stand on the machine: they find it
/// on `localhost`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The port of the machine.
    pub port: u16,
    /// The container's host.
    pub host: String,
    /// The port of the container.
    pub to: u16,
}

/// One network a host is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The network.
    pub name: String,
    /// What others on it can call this host.
    pub aliases: Vec<String>,
}

/// One ZooKeeper server to be staged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZooKeeper {
    /// The node's name in scenarios (`zookeeper-1`, `zk-1`).
    pub name: String,
    /// The host it runs on.
    pub host: String,
    /// `myid`, if there is one. Where it cannot be read as a number, the text stays for the error.
    pub myid: Option<Property>,
    /// The `zoo.cfg` the server will really read: key, value and where the value comes from.
    pub properties: Vec<Property>,
    /// The version, as far as it is modelled.
    pub preset: Preset,
    /// How this server reads its `zoo.cfg`: by its real version, whatever preset is run.
    pub syntax: Syntax,
    /// Why the container never starts a server (`exit 1: ZOOKEEPER_CLIENT_PORT is required`).
    pub never_starts: Option<String>,
}

impl ZooKeeper {
    /// What the server makes of its settings when it starts with these mechanisms.
    ///
    /// # Errors
    /// As [`Config::from_properties`]: the server exits at start with this message.
    pub fn config(
        &self,
        preset: Preset,
        mechanisms: Mechanisms,
    ) -> Result<(Config, Vec<ConfigWarning>), ConfigError> {
        let properties: Vec<(String, String)> = self
            .properties
            .iter()
            .map(|property| (property.key.clone(), property.value.clone()))
            .collect();
        let myid = self.myid.as_ref().map(|myid| &*myid.value);
        Config::from_properties_as(self.syntax, &properties, myid, preset, mechanisms)
    }
}

/// What `myid` is called among settings: a file in `dataDir` with one line.
pub const MYID: &str = "dataDir/myid";

/// How the origin of a setting begins that nobody wrote (`set by the image wurstmeister/kafka:2.12-2.5.0`).
pub const SET_BY: &str = "set by ";

/// As many listeners as a simulated broker can open.
const LISTENERS_MAX: usize = 8;

/// One broker to be staged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// The node's name in scenarios (`kafka-1`, `b1`).
    pub name: String,
    /// The host it runs on.
    pub host: String,
    /// The `server.properties` it will really read.
    pub properties: Vec<Property>,
    /// Whether `broker.id` in them is not said by anybody: the cluster gives it out (-1 in the files).
    pub has_generated_id: bool,
    /// Where the clients of scenarios look for it first (`kafka-1:29092`), if not at its first advertised listener.
    pub bootstrap: Option<String>,
    /// How long its container waits for a ZooKeeper before it starts the broker or exits, in milliseconds; `None` if it
    /// does not wait.
    pub waits_for_zookeeper_ms: Option<u64>,
    /// The version, as far as it is modelled.
    pub preset: broker::mechanism::Preset,
    /// Why the container never starts a broker.
    pub never_starts: Option<String>,
}

impl Broker {
    /// What the broker makes of its settings when it starts with these mechanisms, and its warnings about what people wrote.
    ///
    /// # Errors
    /// As [`kafka::Config::from_properties`]: the broker exits at start with this message.
    pub fn config(
        &self,
        mechanisms: broker::mechanism::Mechanisms,
    ) -> Result<(kafka::Config, Vec<String>), kafka::ConfigError> {
        let said = |property: &Property| match property.key.as_str() {
            // The broker would refuse a number as great as those that are given out.
            "broker.id" if self.has_generated_id => ("broker.id".to_owned(), "0".to_owned()),
            key => (key.to_owned(), property.value.clone()),
        };
        let properties: Vec<_> = self.properties.iter().map(said).collect();
        let (mut config, mut warnings) =
            kafka::Config::from_properties(&properties, self.preset, mechanisms)?;
        if config.listeners.len() > LISTENERS_MAX {
            let what = format!("more than {LISTENERS_MAX} of them cannot be staged");
            return Err(kafka::ConfigError { key: "listeners".to_owned(), what });
        }
        if let Some(id) = self.id().filter(|_| self.has_generated_id) {
            config.id = BrokerId(id);
            config.given.insert("broker.id".to_owned(), id.to_string());
        }
        config.advertise_as(&self.host);
        let waits = Duration::from_millis(self.waits_for_zookeeper_ms.unwrap_or_default());
        config.zookeeper_connection_timeout = config.zookeeper_connection_timeout.max(waits);
        let is_nobodys = |property: &Property| property.from.starts_with(SET_BY);
        let nobodys = || self.properties.iter().filter(|property| is_nobodys(property));
        warnings.retain(|what| !nobodys().any(|p| *what == format!("{} is not modelled", p.key)));
        Ok((config, warnings))
    }

    /// `broker.id`, where it is set to a number.
    pub fn id(&self) -> Option<i32> {
        self.property("broker.id")?.parse().ok()
    }

    /// Where clients look for it: what the import chose, or else the first of `advertised.listeners`, or else of
    /// `listeners`. A listener without a host stands for the broker's own.
    pub fn client_address(&self) -> String {
        if let Some(address) = &self.bootstrap {
            return address.clone();
        }
        let listeners = self.property("advertised.listeners").or(self.property("listeners"));
        let first = listeners.and_then(|all| all.split(',').next()).unwrap_or_default();
        let address = first.trim().split_once("://").map_or("", |(_, address)| address);
        let (host, port) = address.rsplit_once(':').unwrap_or(("", "9092"));
        let is_everywhere = matches!(host, "" | "0.0.0.0");
        format!("{}:{port}", if is_everywhere { &self.host } else { host })
    }

    /// What this key is set to; the last line wins.
    fn property(&self, key: &str) -> Option<&str> {
        let mut settings = self.properties.iter().rev();
        settings.find(|property| property.key == key).map(|property| property.value.as_str())
    }
}

/// A topic that is there before the clients begin, or is created in a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: i32,
    /// How many replicas of each.
    pub replication_factor: i16,
    /// Replicas by partition, where the author wants to decide: broker ids, the preferred leader first. Empty where
    /// the cluster decides.
    pub assignment: BTreeMap<i32, Vec<i32>>,
    /// Its own settings by key (`min.insync.replicas`).
    pub config: BTreeMap<String, String>,
}

/// One effective setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The key in `zoo.cfg` or `server.properties`, or [`MYID`].
    pub key: String,
    /// The value.
    pub value: String,
    /// Where it comes from (`docker-compose.yml:12`, `set by the image wurstmeister/zookeeper:3.4.6`).
    pub from: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It will not start, or is not one cluster.
    Error,
    /// It works differently than meant.
    Warning,
    /// Good to know.
    Information,
}

/// Something found in a cluster's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule (`Z01`, `Y01`).
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// `file:line:column`, as far as known.
    pub at: String,
    /// What is the matter, in one sentence.
    pub what: String,
    /// What to do about it.
    pub help: String,
}
