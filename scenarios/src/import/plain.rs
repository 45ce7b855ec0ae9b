//! Files of servers that run without containers, put together: `zoo.cfg`, `zookeeper.properties`, `server.properties`, and
//! the topics that are to be there. Every file is one server; all are on one network.
//!
//! Which servers share a machine is seen from their addresses and from the folders their files lie in.

use std::collections::BTreeSet;
use std::path::Path;

use super::brokers::{self, Disk};
use super::ensemble;
use super::kind::Kind;
use super::names::Names;
use super::reading::{Beside, Found, Reading, together};
use super::server_properties::{self, File};
use super::{Source, about_file, topics, zoo_cfg};
use crate::cluster::{Cluster, Host, Network, Unread};
use crate::diagnostic::Diagnostic;

/// The network all of them are on.
pub(super) const NETWORK: &str = "lan";

/// What to do about a name that leads nowhere.
const HELP: &str = "give the files of all servers of the ensemble";

/// What has been read of all files.
struct Draft<'s> {
    find: Beside<'s>,
    zookeepers: Vec<ensemble::Member>,
    /// The file of each ZooKeeper.
    files: Vec<&'s Source>,
    brokers: Vec<brokers::Member>,
    hosts: Vec<Host>,
    findings: Vec<Found>,
    errors: Vec<Diagnostic>,
    unread: Vec<Unread>,
}

/// Imports the servers of all files together.
pub(super) fn cluster(
    sources: &[(Kind, &Source)],
    find: Beside<'_>,
) -> Result<Cluster, Vec<Diagnostic>> {
    let of = |kind: Kind| sources.iter().filter(move |(k, _)| *k == kind).map(|(_, s)| *s);
    let mut draft = Draft {
        find,
        zookeepers: Vec::new(),
        files: of(Kind::ZooKeeper).collect(),
        brokers: Vec::new(),
        hosts: Vec::new(),
        findings: Vec::new(),
        errors: Vec::new(),
        unread: Vec::new(),
    };
    let files: Vec<File<'_>> = of(Kind::Broker).map(File::read).collect();
    draft.zookeepers(&files);
    draft.brokers(&files);
    let (name, text) = sources.first().map_or(("", ""), |(_, one)| (&one.name, &one.text));
    if draft.zookeepers.is_empty() {
        draft.errors.push(no_zookeeper(name));
    }
    let mut reading = Reading::new(name, text, find);
    reading.findings = draft.findings;
    let doors = ensemble::check(&mut reading, &mut draft.zookeepers, &draft.hosts, HELP);
    let published = match draft.hosts.as_slice() {
        [_] => brokers::open_ports(&draft.brokers),
        _ => Vec::new(),
    };
    let names = Names { hosts: &draft.hosts, published: &published, help: HELP };
    let found = brokers::check(&mut reading, &mut draft.brokers, &doors, &names);
    let connect = found.connect.unwrap_or_else(|| {
        let all = ensemble::everybody(&draft.zookeepers, &doors);
        ensemble::connected(&mut reading, &doors, &names, &all)
    });
    let mut cluster = Cluster {
        hosts: draft.hosts,
        published,
        zookeepers: draft.zookeepers.into_iter().map(|member| member.zookeeper).collect(),
        connect,
        brokers: draft.brokers.into_iter().map(|member| member.broker).collect(),
        unread: draft.unread,
        ..Cluster::default()
    };
    cluster.findings = together(reading.findings);
    match topics::add_all(sources, &mut cluster, find) {
        Ok(()) if draft.errors.is_empty() => Ok(cluster),
        told => {
            draft.errors.extend(told.err().into_iter().flatten());
            Err(draft.errors)
        }
    }
}

fn no_zookeeper(name: &str) -> Diagnostic {
    let mut error = about_file(name, "there is no ZooKeeper in these files");
    error.code = "F03";
    error.help = Some("give the `zoo.cfg` or `zookeeper.properties` of each server too".to_owned());
    error
}

impl<'s> Draft<'s> {
    /// Keeps what a file's reading found.
    fn keep(&mut self, reading: Reading<'_>) {
        self.findings.extend(reading.findings);
        self.errors.extend(reading.errors);
        self.unread.extend(reading.unread);
    }

    fn zookeepers(&mut self, brokers: &[File<'_>]) {
        for (index, source) in self.files.clone().into_iter().enumerate() {
            let mut reading = Reading::new(&source.name, &source.text, self.find);
            let taken: Vec<&str> =
                self.zookeepers.iter().map(|m| m.zookeeper.name.as_str()).collect();
            let files = self.files.len() + brokers.len();
            let (member, host) = zoo_cfg::server(&mut reading, source, files, index, &taken);
            self.hosts.push(host);
            self.zookeepers.push(member);
            self.keep(reading);
        }
    }

    fn brokers(&mut self, files: &[File<'_>]) {
        for (index, file) in files.iter().enumerate() {
            let mut reading = Reading::new(&file.source.name, &file.source.text, self.find);
            let names = file.names(index);
            let place = self.place(file, &files[..index], &names);
            let name = self.free_name(&names);
            let mut member = server_properties::broker(&mut reading, file, &name);
            let host = self.host(&name, place);
            member.broker.host.clone_from(&self.hosts[host].name);
            member.disks = vec![Disk {
                source: Some(format!("the disk of {}", member.broker.host)),
                target: String::new(),
                at: member.written("log.dirs").to_owned(),
            }];
            let aliases = file.addresses();
            for alias in aliases.iter().flat_map(|host| [host.as_str(), first_label(host)]) {
                call(&mut self.hosts[host], alias);
            }
            self.brokers.push(member);
            self.keep(reading);
        }
    }

    /// The machine a broker is on, if another server is known to be there.
    fn place(&self, file: &File<'_>, before: &[File<'_>], names: &[String]) -> Option<usize> {
        let host_of = |name: &str| self.hosts.iter().position(|host| host.name == name);
        let addresses = file.addresses();
        let is_called = |host: &Host, name: &str| {
            let mut aliases = host.networks.iter().flat_map(|network| &network.aliases);
            aliases.any(|alias| alias.eq_ignore_ascii_case(name))
        };
        let called = addresses
            .iter()
            .find_map(|address| self.hosts.iter().position(|host| is_called(host, address)));
        if called.is_some() {
            return called;
        }
        let here = folder(&file.source.name);
        let neighbours = || {
            let servers = self.files.iter().zip(&self.zookeepers);
            servers.filter(|(source, _)| folder(&source.name) == here)
        };
        if file.connects_to_itself() {
            let server = neighbours().next().and_then(|(_, m)| host_of(&m.zookeeper.host));
            let same =
                |other: &File<'_>| other.connects_to_itself() && folder(&other.source.name) == here;
            let broker = before.iter().position(same);
            return server.or_else(|| host_of(&self.brokers[broker?].broker.host));
        }
        // A folder for each machine: `broker01/zoo.cfg` and `broker01/server.properties`.
        let name = names.first().filter(|_| addresses.is_empty())?;
        let (_, only) = neighbours().next().filter(|_| neighbours().count() == 1)?;
        let is_alone = before.iter().all(|other| folder(&other.source.name) != here);
        host_of(&only.zookeeper.host).filter(|at| is_alone && is_called(&self.hosts[*at], name))
    }

    /// The first of these names that no node has.
    fn free_name(&self, names: &[String]) -> String {
        let zookeepers = self.zookeepers.iter().map(|member| &member.zookeeper.name);
        let taken: BTreeSet<&String> =
            zookeepers.chain(self.brokers.iter().map(|member| &member.broker.name)).collect();
        let with_suffix = names.first().map(|first| format!("{first}-kafka"));
        let numbered = (2..).map(|number| format!("kafka-file-{number}"));
        let mut all = names.iter().take(1).cloned().chain(with_suffix);
        let mut rest = names.iter().skip(1).cloned().chain(numbered);
        all.find(|name| !taken.contains(name))
            .or_else(|| rest.find(|name| !taken.contains(name)))
            .unwrap_or_default()
    }

    /// The machine's place among the hosts; a new one is called like its broker.
    fn host(&mut self, name: &str, place: Option<usize>) -> usize {
        place.unwrap_or_else(|| {
            let taken = |name: &str| self.hosts.iter().any(|host| host.name == name);
            let name = if taken(name) { format!("{name}-host") } else { name.to_owned() };
            let network = Network { name: NETWORK.to_owned(), aliases: vec![name.clone()] };
            self.hosts.push(Host { name, networks: vec![network] });
            self.hosts.len() - 1
        })
    }
}

/// Gives a host one more name.
fn call(host: &mut Host, alias: &str) {
    for network in &mut host.networks {
        if !alias.is_empty() && network.aliases.iter().all(|known| known != alias) {
            network.aliases.push(alias.to_owned());
        }
    }
}

/// `kafka-1` of `kafka-1.example.org`; an address of numbers has no labels.
fn first_label(host: &str) -> &str {
    match host.chars().any(|letter| letter.is_ascii_alphabetic()) {
        true => host.split('.').next().unwrap_or_default(),
        false => host,
    }
}

fn folder(file: &str) -> &Path {
    Path::new(file).parent().unwrap_or(Path::new(""))
}
