//! A container of a broker while its start script is followed: the settings it has written so far, the variables it has asked
//! for, the message with which it gave up.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use broker::config::is_broker_key;

use super::{Maker, Version, Wish, broker};
use crate::cluster::{Property, Severity};
use crate::import::brokers::{Disk, Member};
use crate::import::compose::{Service, Variable};
use crate::import::images::Image;
use crate::import::reading::Reading;

/// Why variables for Java are not read.
pub(super) const JAVA: &str = "Java, its memory and its logs are not modelled";

/// A start script being followed.
pub(in crate::import) struct Start<'s> {
    /// The service of the compose file.
    pub service: &'s Service,
    /// Its image.
    pub image: &'s Image,
    /// The Kafka in it.
    pub version: Version,
    /// The topics it will try to create.
    pub topics: Vec<Wish>,
    lines: Vec<Property>,
    /// Where settings are written, by key.
    places: BTreeMap<String, String>,
    asked: BTreeSet<String>,
    never_starts: Option<String>,
    /// How long the script waits for a ZooKeeper, in milliseconds.
    pub waits_ms: Option<u64>,
}

impl<'s> Start<'s> {
    /// Nothing has been written yet.
    pub fn new(service: &'s Service, image: &'s Image, version: Version) -> Self {
        Self {
            service,
            image,
            version,
            topics: Vec::new(),
            lines: Vec::new(),
            places: BTreeMap::new(),
            asked: BTreeSet::new(),
            never_starts: None,
            waits_ms: None,
        }
    }

    /// The variable of that name, if it is set and not empty.
    pub fn asks(&mut self, name: &str) -> Option<&'s Variable> {
        self.asked.insert(name.to_owned());
        self.service.set(name)
    }

    /// A line the image itself writes.
    pub fn writes(&mut self, key: &str, value: &str) {
        let from = format!("set by the image {}", self.image.text);
        self.put(key, value, from, None);
    }

    /// A line of the file Kafka ships.
    pub fn ships(&mut self, key: &str, value: &str) {
        let from = format!("set by the image {}, in its server.properties", self.image.text);
        self.put(key, value, from, None);
    }

    /// A line made of a variable. What is meant for Java makes a line too, which nobody understands.
    pub fn takes(
        &mut self,
        reading: &mut Reading<'_>,
        key: &str,
        value: &str,
        variable: &Variable,
    ) {
        if is_about_java(&variable.name) && !is_broker_key(key) {
            return self.leaves(reading, variable, JAVA);
        }
        self.asked.insert(variable.name.clone());
        let place = reading.at(&variable.span);
        self.put(key, value, reading.line(&variable.span), Some(place));
    }

    fn put(&mut self, key: &str, value: &str, from: String, place: Option<String>) {
        let property = Property { key: key.to_owned(), value: value.to_owned(), from };
        match self.lines.iter_mut().find(|line| line.key == key) {
            Some(line) => *line = property,
            None => self.lines.push(property),
        }
        match place {
            Some(place) => self.places.insert(key.to_owned(), place),
            None => self.places.remove(key),
        };
    }

    /// What is written for a key so far.
    pub fn line(&self, key: &str) -> Option<&str> {
        self.lines.iter().find(|line| line.key == key).map(|line| line.value.as_str())
    }

    /// A line of a file somebody mounted.
    pub fn copies(&mut self, key: &str, value: &str, from: &str) {
        self.put(key, value, from.to_owned(), Some(format!("{from}:1")));
    }

    /// Takes a line out again.
    pub fn removes(&mut self, key: &str) {
        self.lines.retain(|line| line.key != key);
        self.places.remove(key);
    }

    /// Takes all lines out again.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.places.clear();
    }

    /// A variable that changes nothing.
    pub fn leaves(&mut self, reading: &mut Reading<'_>, variable: &Variable, why: &str) {
        self.asked.insert(variable.name.clone());
        let Variable { name, value, span } = variable;
        reading.unread(&self.service.name, name, value, span, why);
    }

    /// Whether the script has given up.
    pub fn has_exited(&self) -> bool {
        self.never_starts.is_some()
    }

    /// The script ends here with 1 and this message.
    pub fn exits(
        &mut self,
        reading: &mut Reading<'_>,
        rule: &'static str,
        span: &Range<usize>,
        message: &str,
        help: &str,
    ) {
        if self.has_exited() {
            return;
        }
        let what = format!("the container exits 1: {message}");
        let at = reading.at(span);
        reading.find((rule, Severity::Error), at, &self.service.name, what, help);
        self.never_starts = Some(format!("exit 1: {message}"));
    }

    /// Something about this container, found at one of its variables.
    pub fn find(
        &self,
        reading: &mut Reading<'_>,
        rule: (&'static str, Severity),
        span: &Range<usize>,
        what: &str,
        help: &str,
    ) {
        let at = reading.at(span);
        reading.find(rule, at, &self.service.name, what, help);
    }

    /// The port of the machine that Docker gives to this port of the container.
    pub fn published(&self, port: &str) -> Option<&str> {
        let mut ports = self.service.ports.iter().filter(|one| one.container == port);
        ports.find_map(|port| port.host.as_deref())
    }

    /// K19: keys of old that Kafka 3.0 and later no longer know.
    fn outdated(&mut self, reading: &mut Reading<'_>) {
        if !self.version.is_since(3, 0) {
            return;
        }
        let why = format!("Kafka {} no longer knows it", self.version);
        for key in ["host.name", "port", "advertised.host.name", "advertised.port"] {
            let name = format!("KAFKA_{}", key.to_uppercase().replace('.', "_"));
            if self.line(key).is_some()
                && let Some(variable) = self.service.set(&name)
            {
                self.leaves(reading, variable, &why);
                let what = format!(
                    "Kafka {} no longer knows `{key}`: the container's own name is advertised",
                    self.version
                );
                let help = "use KAFKA_LISTENERS and KAFKA_ADVERTISED_LISTENERS";
                self.find(reading, ("K19", Severity::Error), &variable.span, &what, help);
            }
            self.removes(key);
        }
    }

    /// K18: variables without the prefix that would make settings of them, and all that nobody reads.
    fn unread_rest(&mut self, reading: &mut Reading<'_>) {
        for variable in &self.service.environment {
            let name = variable.name.as_str();
            if self.asked.contains(name) {
                continue;
            }
            let repository = self.image.repository.clone();
            if is_about_java(name) {
                self.leaves(reading, variable, JAVA);
                continue;
            }
            self.leaves(reading, variable, &format!("{repository} does not read it"));
            let key = name.to_lowercase().replace('_', ".");
            if is_broker_key(&key) {
                let what = format!("{repository} does not read `{name}`: it has no effect");
                let help = format!("did you mean `KAFKA_{name}`?");
                self.find(reading, ("K18", Severity::Warning), &variable.span, &what, &help);
            }
        }
    }

    /// What came of it.
    pub fn member(mut self, reading: &mut Reading<'_>, maker: Maker) -> Member {
        let service = self.service;
        self.outdated(reading);
        self.unread_rest(reading);
        let mut broker = broker(service, &self.version);
        broker.properties = self.lines;
        broker.waits_for_zookeeper_ms = self.waits_ms;
        broker.never_starts = service.fails.clone().or(self.never_starts);
        let disks = service.mounts.iter().map(|mount| Disk {
            source: mount.source.clone(),
            target: mount.target.trim_end_matches('/').to_owned(),
            at: reading.at(&mount.span),
        });
        let ports = service.ports.iter();
        Member {
            broker,
            at: reading.at(&service.image_span()),
            places: self.places,
            version: self.version,
            ports: ports.map(|port| (port.host.clone(), port.container.clone())).collect(),
            disks: disks.collect(),
            volumes: maker.volumes(),
            is_on_host: service.is_on_host,
            is_container: true,
            topics: self.topics,
        }
    }
}

/// Variables that are meant for the virtual machine and its logs.
fn is_about_java(name: &str) -> bool {
    ["OPTS", "JMX", "LOG4J", "HEAP", "DEBUG", "JAVA", "LOG_LEVEL", "LOGLEVEL"]
        .iter()
        .any(|word| name.contains(word))
        || ["TZ", "LANG", "LC_ALL", "LOG_DIR"].contains(&name)
}
