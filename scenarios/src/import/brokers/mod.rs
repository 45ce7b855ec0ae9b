//! What only shows when all brokers of a file are looked at together: which of them are one cluster, who finds whom, whose
//! disk is whose, what clients have of them.

mod addresses;
mod clients;
mod disks;
mod namespaces;
mod settings;
mod wishes;

use std::collections::BTreeMap;

use broker::config::{Config, ConfigError};

use super::ensemble::{self, Connect, Door};
use super::images::kafka::{Version, Wish};
use super::names::Names;
use super::reading::Reading;
use crate::cluster::{Broker, Published, Severity, Topic};
pub(in crate::import) use settings::insync;

/// A broker and what its file says about its container.
pub(in crate::import) struct Member {
    pub broker: Broker,
    /// `file:line:column`.
    pub at: String,
    /// `file:line:column` of settings that somebody wrote, by key.
    pub places: BTreeMap<String, String>,
    /// The Kafka in its image.
    pub version: Version,
    /// Published ports: on the machine, if it is fixed, and in the container.
    pub ports: Vec<(Option<String>, String)>,
    /// What is mounted.
    pub disks: Vec<Disk>,
    /// The folders for which the image has Docker make a volume.
    pub volumes: &'static [&'static str],
    /// It has the addresses of the machine it is on: `network_mode: host`, or no container at all.
    pub is_on_host: bool,
    /// Whether it runs in a container.
    pub is_container: bool,
    /// The topics its container tries to create.
    pub topics: Vec<Wish>,
}

/// Something mounted into a container.
pub(in crate::import) struct Disk {
    /// A volume's name or a path; anonymous if absent.
    pub source: Option<String>,
    /// Where it is in the container.
    pub target: String,
    /// `file:line:column`.
    pub at: String,
}

impl Member {
    /// What this key is set to.
    pub fn line(&self, key: &str) -> Option<&str> {
        let mut lines = self.broker.properties.iter().rev();
        lines.find(|property| property.key == key).map(|property| property.value.as_str())
    }

    /// Where a setting was written, or else where the broker is named.
    pub fn written(&self, key: &str) -> &str {
        self.places.get(key).unwrap_or(&self.at)
    }
}

impl Member {
    /// The hosts it names to others or dials itself, with the keys that say so.
    pub fn hosts_it_names(&self) -> Vec<(String, &'static str)> {
        let line = |key| self.line(key).unwrap_or_default();
        let advertised = line("advertised.listeners").split(',').map(|item| {
            let address = item.rsplit_once("//").map_or("", |(_, address)| address).trim();
            (address.rsplit_once(':').map_or("", |(host, _)| host), "advertised.listeners")
        });
        let old = (line("advertised.host.name").trim(), "advertised.host.name");
        let servers = addresses_of(line("zookeeper.connect")).map(|one| (one, "zookeeper.connect"));
        let all = advertised.chain(Some(old)).chain(servers);
        all.map(|(host, key)| (host.to_owned(), key)).collect()
    }
}

fn addresses_of(connect: &str) -> impl Iterator<Item = &str> {
    let (list, _) = ensemble::parts(connect);
    ensemble::addresses(list).map(|(host, _)| host)
}

/// The ports brokers open on machines themselves, for clients who stand there.
pub(in crate::import) fn open_ports(members: &[Member]) -> Vec<Published> {
    let open = |member: &Member| {
        let broker = &member.broker;
        let config = broker.config(broker.preset.mechanisms()).ok();
        let bound = config.into_iter().flat_map(|(config, _)| config.listeners);
        let host = broker.host.clone();
        bound.map(move |to| Published { port: to.port, host: host.clone(), to: to.port })
    };
    members.iter().filter(|member| member.is_on_host).flat_map(open).collect()
}

/// What the clients of a cluster have of its brokers.
#[derive(Default)]
pub(in crate::import) struct Found {
    /// What ZooKeeper's clients connect to, if brokers say it.
    pub connect: Option<String>,
    /// The topics that are there.
    pub topics: Vec<Topic>,
}

/// Looks at all brokers together. Who is refused at start never starts.
pub(in crate::import) fn check(
    reading: &mut Reading<'_>,
    members: &mut [Member],
    doors: &[Door],
    names: &Names<'_>,
) -> Found {
    let connects = connects(members);
    let used: Vec<String> = connects
        .iter()
        .map(|connect| ensemble::connected(reading, doors, names, connect))
        .collect();
    let namespaces = namespaces::of(reading, members, doors, names);
    namespaces::numbers(reading, members, &namespaces);
    let configs: Vec<Option<Config>> =
        members.iter_mut().map(|member| configure(reading, member)).collect();
    disks::check(reading, members, &configs);
    let all = Brokers { members, configs: &configs, namespaces: &namespaces, names };
    settings::check(reading, &all);
    addresses::check(reading, &all);
    let addresses = clients::addresses(reading, &all);
    let topics = wishes::topics(reading, &all);
    for (member, address) in members.iter_mut().zip(addresses) {
        member.broker.bootstrap = address;
    }
    Found { connect: used.into_iter().next(), topics }
}

/// All brokers, with what they make of their settings, where they register, and the names they know.
struct Brokers<'a> {
    members: &'a [Member],
    /// `None` for who never starts.
    configs: &'a [Option<Config>],
    namespaces: &'a [namespaces::Namespace],
    names: &'a Names<'a>,
}

impl<'a> Brokers<'a> {
    /// Those that start, by their places.
    fn starting(&self) -> impl Iterator<Item = (usize, &'a Member, &'a Config)> {
        let all = self.members.iter().zip(self.configs).enumerate();
        all.filter_map(|(index, (member, config))| Some((index, member, config.as_ref()?)))
    }

    /// Those that may be in one cluster with this one, itself included.
    fn with(&self, index: usize) -> impl Iterator<Item = (usize, &'a Member, &'a Config)> {
        let namespace = &self.namespaces[index];
        self.starting().filter(move |(other, _, _)| namespace.may_be(&self.namespaces[*other]))
    }
}

/// Reads a broker's settings. A refusal keeps it from starting.
fn configure(reading: &mut Reading<'_>, member: &mut Member) -> Option<Config> {
    if member.broker.never_starts.is_some() {
        return None;
    }
    match member.broker.config(member.broker.preset.mechanisms()) {
        Ok((config, _)) => Some(config),
        Err(error) => {
            refused(reading, member, &error);
            member.broker.never_starts = Some(format!("exits at start: {error}"));
            None
        }
    }
}

/// K02, K09, K10: what the broker's own check of its settings refuses.
fn refused(reading: &mut Reading<'_>, member: &Member, error: &ConfigError) {
    let (rule, help) = match error.key.as_str() {
        "zookeeper.connect" => ("K02", "name the ZooKeepers: `zookeeper-1:2181`"),
        "broker.id" => ("K10", "give each broker its own number"),
        "inter.broker.listener.name" => ("K09", "advertise the listener brokers use among them"),
        key if key.contains("listener") || key.contains("host") => (
            "K09",
            "every advertised listener must be one of `listeners`, have a host others can dial, a \
             port of its own, and a protocol in `listener.security.protocol.map`",
        ),
        _ => ("K09", "correct it: the broker refuses to start"),
    };
    let at = member.written(&error.key).to_owned();
    let what = format!("the broker exits at start: {error}");
    reading.find((rule, Severity::Error), at, &member.broker.name, what, help);
}

/// The connect strings brokers are told, each once, with everybody who is told it.
fn connects(members: &[Member]) -> Vec<Connect> {
    let mut all: Vec<Connect> = Vec::new();
    for member in members {
        let Some(text) = member.line("zookeeper.connect").map(str::trim) else { continue };
        let is_said = member.places.contains_key("zookeeper.connect");
        if member.broker.never_starts.is_some() && !is_said {
            continue; // nobody comes to read it
        }
        let told = (member.broker.name.clone(), member.broker.host.clone());
        let localhost_is = member.is_on_host.then(|| member.broker.host.clone());
        let same = |one: &&mut Connect| one.text == text && one.localhost_is == localhost_is;
        match all.iter_mut().find(same) {
            Some(connect) => connect.told.push(told),
            None => {
                let at = member.written("zookeeper.connect").to_owned();
                let (text, told) = (text.to_owned(), vec![told]);
                all.push(Connect { text, at, told, localhost_is });
            }
        }
    }
    all
}
