//! What only shows when all brokers of a file are looked at together: which of them are one cluster, who finds whom, whose
//! disk is whose.

mod namespaces;
mod wishes;

use std::collections::BTreeMap;

use super::ensemble::{self, Connect, Door, Names};
use super::images::kafka::{Version, Wish};
use super::reading::Reading;
use crate::cluster::{Broker, Host, Topic, Unread};

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
    /// `network_mode: host`
    pub is_on_host: bool,
    /// The topics its container tries to create.
    pub topics: Vec<Wish>,
    /// What is said for it and changes nothing.
    pub unread: Vec<Unread>,
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
    hosts: &[Host],
    doors: &[Door],
    help: &str,
) -> Found {
    let connects = connects(members);
    let used: Vec<String> = connects
        .iter()
        .map(|connect| ensemble::connected(reading, doors, hosts, help, connect))
        .collect();
    let names = Names { hosts, help };
    let namespaces = namespaces::of(reading, members, doors, &names);
    namespaces::numbers(reading, members, &namespaces);
    let topics = wishes::topics(reading, members, &namespaces);
    Found { connect: used.into_iter().next(), topics }
}

/// The connect strings brokers are told, each once, with everybody who is told it.
fn connects(members: &[Member]) -> Vec<Connect> {
    let mut all: Vec<Connect> = Vec::new();
    for member in members {
        let Some(text) = member.line("zookeeper.connect").map(str::trim) else { continue };
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
