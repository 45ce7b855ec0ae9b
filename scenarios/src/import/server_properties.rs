//! One `server.properties`: one broker, as somebody edited it by hand. What is not in it has the default of the version.
//!
//! A file does not say which version reads it or on which machine: the version comes from `inter.broker.protocol.version` or
//! is assumed, the machine from the addresses in it or from the names around it.

use broker::mechanism::Preset;

use super::brokers::Member;

use super::images::kafka::Version;
use super::kind::folder_name;
use super::names::is_loopback;
use super::properties::{self, Entry};
use super::reading::Reading;
use super::{Source, printable};
use crate::cluster::{Broker, Property, Severity};

/// A file whose lines were read, before it has a name.
pub(super) struct File<'s> {
    pub source: &'s Source,
    pub entries: Vec<Entry>,
}

impl<'s> File<'s> {
    /// Reads the lines.
    pub fn read(source: &'s Source) -> Self {
        Self { source, entries: properties::parse(&source.text) }
    }

    /// What a key is set to; the last line counts.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entry(key).map(|entry| entry.value.trim())
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.key.trim() == key)
    }

    /// The names other machines are told to find it by, and those it binds: without loopbacks and wildcards.
    pub fn addresses(&self) -> Vec<String> {
        let lists = ["advertised.listeners", "listeners"].into_iter().filter_map(|k| self.get(k));
        let listed = lists.flat_map(|list| list.split(',')).filter_map(|item| {
            let (_, place) = item.trim().split_once("://")?;
            Some(place.rsplit_once(':').map_or(place, |(host, _)| host))
        });
        let old = ["advertised.host.name", "host.name"].into_iter().filter_map(|k| self.get(k));
        let mut found: Vec<String> = Vec::new();
        for host in listed.chain(old) {
            let host = host.trim_matches(['[', ']']);
            let is_nobodys = matches!(host, "" | "0.0.0.0" | "::") || is_loopback(host);
            if !is_nobodys && !found.iter().any(|known| known == host) {
                found.push(host.to_owned());
            }
        }
        found
    }

    /// Whether its ZooKeepers are all on its own machine.
    pub fn connects_to_itself(&self) -> bool {
        let list = self.get("zookeeper.connect").unwrap_or_default();
        let list = list.split('/').next().unwrap_or_default();
        let mut hosts = list.split(',').map(|one| one.trim().split(':').next().unwrap_or_default());
        !list.is_empty() && hosts.all(is_loopback)
    }

    /// Whether both bind a port that is the same.
    pub fn binds_as(&self, other: &File<'_>) -> bool {
        let ports = |file: &File<'_>| -> Vec<String> {
            let list = file.get("listeners").unwrap_or_default();
            let port = |item: &str| Some(item.rsplit_once(':')?.1.trim().to_owned());
            let ports: Vec<String> = list.split(',').filter_map(port).collect();
            let old = || vec![file.get("port").unwrap_or("9092").to_owned()];
            if ports.is_empty() { old() } else { ports }
        };
        let own = ports(self);
        ports(other).iter().any(|port| own.contains(port))
    }

    /// The name in its addresses, if there is one.
    fn label(&self) -> Option<String> {
        let is_name = |host: &String| host.chars().any(|letter| letter.is_ascii_alphabetic());
        let name = self.addresses().into_iter().find(is_name)?;
        name.split('.').next().map(str::to_owned)
    }

    /// What it may be called, the best first: an address that no other broker has, its folder, its own name, its number.
    /// There is at least one.
    pub fn names(&self, index: usize, all: &[File<'_>]) -> Vec<String> {
        let stem = std::path::Path::new(&self.source.name).file_stem();
        let stem = stem.map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        let is_telling = !matches!(stem.as_str(), "" | "server" | "broker" | "kafka");
        let label = self.label();
        let is_own = all.iter().filter(|other| other.label() == label).count() < 2;
        let number = self.get("broker.id").and_then(|id| id.parse::<u32>().ok());
        let number = number.map(|id| format!("kafka-{id}"));
        let words = [label.filter(|_| is_own), folder_name(self.source, "kafka")];
        let words = words.into_iter().chain([is_telling.then_some(stem), number]);
        let named = words.flatten().map(|word| printable(&word)).filter(|word| !word.is_empty());
        named.chain([format!("kafka-file-{}", index + 1)]).collect()
    }
}

/// The broker of a file, on a host that is not known yet.
pub(super) fn broker(reading: &mut Reading<'_>, file: &File<'_>, name: &str) -> Member {
    let at = format!("{}:1:1", file.source.name);
    let preset = version(reading, file, name, &at);
    if let Some(entry) = file.entry("process.roles") {
        let message = format!("{name} is a KRaft node: only brokers with ZooKeeper are modelled");
        let help = "take the `server.properties` of a broker with `zookeeper.connect`";
        reading.error("F04", &entry.span, message, "this makes it one", help);
    }
    if let Some(entry) = file.entries.iter().find(|entry| {
        matches!(entry.key.trim(), "log.dirs" | "log.dir") && entry.value.trim().starts_with("/tmp")
    }) {
        let what = format!("{} is {}: a reboot may empty it", entry.key.trim(), entry.value.trim());
        let at = reading.at(&entry.span);
        reading.find(("K13", Severity::Warning), at, name, what, "keep it elsewhere");
    }
    let properties = file
        .entries
        .iter()
        .map(|entry| Property {
            key: entry.key.trim().to_owned(),
            value: entry.value.trim().to_owned(),
            from: format!("{}:{}", file.source.name, entry.line),
        })
        .collect();
    let broker = Broker {
        name: name.to_owned(),
        host: name.to_owned(),
        properties,
        has_generated_id: false,
        bootstrap: None,
        waits_for_zookeeper_ms: None,
        preset,
        never_starts: None,
    };
    let place = |entry: &Entry| (entry.key.trim().to_owned(), reading.at(&entry.span));
    let places = file.entries.iter().map(place).collect();
    let version = match preset {
        Preset::V2_3 => Version::assumed(2, 3, 0),
        Preset::V2_5 | Preset::Fixed => Version::assumed(2, 5, 0),
    };
    Member {
        broker,
        at,
        places,
        version,
        ports: Vec::new(),
        disks: Vec::new(),
        volumes: &[],
        is_on_host: true,
        is_container: false,
        topics: Vec::new(),
    }
}

/// V01: the version a file is for, as far as it says so.
fn version(reading: &mut Reading<'_>, file: &File<'_>, name: &str, at: &str) -> Preset {
    let said = file.entry("inter.broker.protocol.version");
    let numbers: Vec<u32> = said
        .map(|entry| entry.value.trim().split(['.', '-']).map_while(|n| n.parse().ok()).collect())
        .unwrap_or_default();
    let preset = match numbers.as_slice() {
        [0..=1, ..] | [2, 0..=3, ..] => Preset::V2_3,
        _ => Preset::V2_5,
    };
    let (at, what) = match said {
        Some(entry) => (
            reading.at(&entry.span),
            format!(
                "it speaks version {}, the version of the broker is not in the file: Kafka \
                 {preset} is run",
                entry.value.trim()
            ),
        ),
        None => (
            at.to_owned(),
            format!("the version is not in the file: Kafka {preset} is run, with its defaults"),
        ),
    };
    let help = "say another version in the scenario to run its mechanisms";
    reading.find(("V01", Severity::Information), at, name, what, help);
    preset
}
