//! Where every setting of a cluster comes from: a file, an image, or the defaults of the version; and how far the
//! simulator models it. What is true of the cluster as a whole is not here.

use std::collections::BTreeMap;

use coordinator::config::{Config, ConfigWarningKind, Syntax};
use coordinator::mechanism::Preset;
use reports::survey::{Modelled, Section, Setting, Valued};

use super::keys::{Age, KAFKA, Key, Unsaid, ZOOKEEPER};
use super::{Broker, Cluster, MYID, Property, SET_BY, ZooKeeper};

/// The settings of all nodes, those of the same kind and version together: ZooKeeper first.
pub(super) fn sections(cluster: &Cluster) -> Vec<Section> {
    let servers = cluster.zookeepers.iter().map(Node::server);
    let brokers = cluster.brokers.iter().map(Node::broker);
    let mut kinds: Vec<(Kind, Vec<Node<'_>>)> = Vec::new();
    for node in servers.chain(brokers) {
        match kinds.iter_mut().find(|(kind, _)| *kind == node.kind) {
            Some((_, nodes)) => nodes.push(node),
            None => kinds.push((node.kind, vec![node])),
        }
    }
    kinds.into_iter().map(|(kind, nodes)| section(kind, &nodes)).collect()
}

/// What nodes are, as far as their settings depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Server(Preset, Syntax),
    Broker(broker::mechanism::Preset),
}

impl Kind {
    fn keys(self) -> &'static [Key] {
        match self {
            Self::Server(..) => &ZOOKEEPER,
            Self::Broker(_) => &KAFKA,
        }
    }

    fn age(self) -> Age {
        match self {
            Self::Server(_, Syntax::V3_4) | Self::Broker(broker::mechanism::Preset::V2_3) => {
                Age::Older
            }
            Self::Server(_, Syntax::V3_5) | Self::Broker(_) => Age::Newer,
        }
    }

    /// `Kafka 2.5`, as sections are named.
    fn name(self) -> String {
        match self {
            Self::Server(preset, _) => format!("ZooKeeper {preset}"),
            Self::Broker(preset) => format!("Kafka {preset}"),
        }
    }

    /// Whose defaults hold: `fixed` has those of the version it mends.
    fn defaults(self) -> String {
        match (self, self.age()) {
            (Self::Server(Preset::Fixed, _), Age::Older) => "default of ZooKeeper 3.4".to_owned(),
            (Self::Server(Preset::Fixed, _), Age::Newer) => "default of ZooKeeper 3.6".to_owned(),
            (Self::Broker(broker::mechanism::Preset::Fixed), _) => {
                "default of Kafka 2.5".to_owned()
            }
            _ => format!("default of {}", self.name()),
        }
    }

    /// How far a setting is modelled that is not in the table: the node itself is asked.
    fn of_unlisted(self, key: &str, value: &str) -> (Modelled, String) {
        match self {
            Self::Server(..) if key == MYID => (Modelled::Fully, String::new()),
            Self::Server(preset, syntax) => server_says(preset, syntax, key, value),
            Self::Broker(preset) => broker_says(preset, key, value),
        }
    }
}

/// A node and what is set for it.
struct Node<'c> {
    name: &'c str,
    kind: Kind,
    myid: Option<&'c Property>,
    properties: &'c [Property],
}

impl<'c> Node<'c> {
    fn server(server: &'c ZooKeeper) -> Self {
        let kind = Kind::Server(server.preset, server.syntax);
        Self {
            name: &server.name,
            kind,
            myid: server.myid.as_ref(),
            properties: &server.properties,
        }
    }

    fn broker(broker: &'c Broker) -> Self {
        let kind = Kind::Broker(broker.preset);
        Self { name: &broker.name, kind, myid: None, properties: &broker.properties }
    }

    /// What is set, the last of several lines first.
    fn set<'k>(&self, key: &'k str) -> impl Iterator<Item = &'c Property> + use<'c, 'k> {
        self.all().rev().filter(move |property| property.key.trim() == key)
    }

    /// Everything that is set, in the order of the files.
    fn all(&self) -> impl DoubleEndedIterator<Item = &'c Property> + use<'c> {
        self.myid.into_iter().chain(self.properties)
    }
}

fn section(kind: Kind, nodes: &[Node<'_>]) -> Section {
    let mut names: Vec<&str> = Vec::new();
    for property in nodes.iter().flat_map(Node::all) {
        let name = property.key.trim();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let listed = kind.keys().iter();
    let unsaid = listed
        .filter(|key| !names.contains(&key.name) && key.unsaid(kind.age()) != Unsaid::Unknown);
    let unsaid: Vec<&str> = unsaid.map(|key| key.name).collect();
    let mut settings = Vec::new();
    for name in names {
        settings.push(setting(kind, nodes, name));
        settings.extend(beaten(nodes, name));
    }
    settings.extend(unsaid.into_iter().map(|name| setting(kind, nodes, name)));
    let nodes = nodes.iter().map(|node| node.name.to_owned()).collect();
    Section { of: kind.name(), nodes, settings }
}

/// One key over all nodes.
fn setting(kind: Kind, nodes: &[Node<'_>], name: &str) -> Setting {
    let key = kind.keys().iter().find(|key| key.name == name);
    let key = key.filter(|key| key.unsaid(kind.age()) != Unsaid::Unknown);
    let mut values = Values::default();
    for node in nodes {
        match node.set(name).next() {
            Some(property) => values.add(node, Some(property.value.trim()), &property.from),
            None => {
                let value = match key.map_or(Unsaid::Nothing, |key| key.unsaid(kind.age())) {
                    Unsaid::Value(value) => Some(value.replace('~', " ")),
                    Unsaid::Unknown | Unsaid::Nothing => None,
                };
                let from = if key.is_some() { kind.defaults() } else { "not set".to_owned() };
                values.add(node, value.as_deref(), &from);
            }
        }
    }
    let is_set = nodes.iter().any(|node| node.set(name).next().is_some());
    let (modelled, missing) = match key {
        Some(key) => (key.modelled, key.missing.to_owned()),
        None => {
            let set = nodes.iter().find_map(|node| node.set(name).next());
            kind.of_unlisted(name, set.map_or("", |property| property.value.trim()))
        }
    };
    let usual = key.map_or(Unsaid::Unknown, |key| key.unsaid(kind.age()));
    let is_usual = nodes.iter().all(|node| {
        node.set(name).next().is_none_or(|property| {
            let said = property.value.trim();
            property.from.starts_with(SET_BY)
                && matches!(usual, Unsaid::Value(value) if value == said)
        })
    });
    let is_member = name == MYID || name.starts_with("server.");
    let matters = key.is_some_and(|key| key.matters) || is_member;
    Setting { key: name.to_owned(), values: values.0, is_set, is_usual, matters, modelled, missing }
}

/// The lines of a key that a later line of the same node wins over, as a setting of their own.
fn beaten(nodes: &[Node<'_>], name: &str) -> Option<Setting> {
    let mut values = Values::default();
    for node in nodes {
        for property in node.set(name).skip(1) {
            values.add(node, Some(property.value.trim()), &property.from);
        }
    }
    let missing = "a later line wins".to_owned();
    let setting = Setting {
        key: name.to_owned(),
        values: values.0,
        is_set: true,
        is_usual: false,
        matters: false,
        modelled: Modelled::Ignored,
        missing,
    };
    Some(setting).filter(|setting| !setting.values.is_empty())
}

/// The values of a key, each once, with whoever has it.
#[derive(Default)]
struct Values(Vec<Valued>);

impl Values {
    fn add(&mut self, node: &Node<'_>, value: Option<&str>, from: &str) {
        let same = |valued: &&mut Valued| valued.value.as_deref() == value;
        let valued = match self.0.iter_mut().find(same) {
            Some(valued) => valued,
            None => {
                let value = value.map(str::to_owned);
                self.0.push(Valued { value, ..Valued::default() });
                self.0.last_mut().expect("it was just put there")
            }
        };
        valued.nodes.push(node.name.to_owned());
        if !valued.from.iter().any(|known| known == from) {
            valued.from.push(from.to_owned());
        }
    }
}

/// What a server that has this beside what it cannot be without says about it.
fn server_says(preset: Preset, syntax: Syntax, key: &str, value: &str) -> (Modelled, String) {
    let properties = [("dataDir", "/data"), ("clientPort", "2181"), (key, value)];
    let properties = properties.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mechanisms = preset.mechanisms();
    let read = Config::from_properties_as(syntax, &properties, Some("1"), preset, mechanisms);
    let Ok((_, warnings)) = read else { return (Modelled::Fully, String::new()) };
    let about = warnings.into_iter().find(|warning| warning.key == key);
    match about.map(|warning| (warning.kind, warning.message)) {
        Some((ConfigWarningKind::Unknown, message)) => (Modelled::Ignored, message),
        Some((ConfigWarningKind::NotModelled, message)) => (Modelled::Not, message),
        _ => (Modelled::Fully, String::new()),
    }
}

/// What a broker that has this beside what it cannot be without says about it.
fn broker_says(preset: broker::mechanism::Preset, key: &str, value: &str) -> (Modelled, String) {
    let needed = BTreeMap::from([("zookeeper.connect", "zk:2181"), ("broker.id", "1")]);
    let given = needed.into_iter().chain([(key, value)]);
    let properties: Vec<_> = given.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let read = broker::config::Config::from_properties(&properties, preset, preset.mechanisms());
    let Ok((_, warnings)) = read else { return (Modelled::Fully, String::new()) };
    let about = warnings.into_iter().find(|warning| warning.contains(key));
    match about {
        Some(warning) if warning.contains("isn't a known config") => {
            (Modelled::Ignored, "no such key: Kafka warns and ignores it".to_owned())
        }
        Some(_) => (Modelled::Not, "known to Kafka".to_owned()),
        None => (Modelled::Fully, String::new()),
    }
}
