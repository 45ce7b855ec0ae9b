//! Files of servers that run without containers, put together: `zoo.cfg`, `zookeeper.properties`, `server.properties`, and
//! the topics that are to be there. Every file is one server; all are on one network.
//!
//! Which servers share a machine is seen from their addresses and from the folders their files lie in.

mod assumed;
mod machines;

use std::path::Path;

use super::brokers::{self, Disk};
use super::ensemble;
use super::kind::Kind;
use super::names::Names;
use super::reading::{Beside, Found, Reading, together};
use super::server_properties::{self, File};
use super::{Source, about_file, topics, zoo_cfg};
use crate::cluster::{Cluster, Unread};
use crate::diagnostic::Diagnostic;
use machines::Machines;

/// What to do about a name that leads nowhere.
const HELP: &str = "give the files of all servers of the ensemble";

/// What has been read of all files.
struct Draft<'s> {
    find: Beside<'s>,
    machines: Machines,
    zookeepers: Vec<ensemble::Member>,
    brokers: Vec<brokers::Member>,
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
        machines: Machines::default(),
        zookeepers: Vec::new(),
        brokers: Vec::new(),
        findings: Vec::new(),
        errors: Vec::new(),
        unread: Vec::new(),
    };
    let zookeepers: Vec<&Source> = of(Kind::ZooKeeper).collect();
    let brokers: Vec<File<'_>> = of(Kind::Broker).map(File::read).collect();
    draft.servers(&zookeepers, &brokers);
    let (name, text) = sources.first().map_or(("", ""), |(_, one)| (&one.name, &one.text));
    let mut reading = Reading::new(name, text, find);
    reading.findings = std::mem::take(&mut draft.findings);
    if draft.zookeepers.is_empty() {
        let assumed = assumed::ensemble(&mut reading, &mut draft.machines, &draft.brokers);
        draft.zookeepers = assumed;
    }
    if draft.zookeepers.is_empty() {
        draft.errors.push(no_zookeeper(name));
    }
    let mut cluster = draft.looked_at(reading);
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

    /// All servers together.
    fn looked_at(&mut self, mut reading: Reading<'_>) -> Cluster {
        let hosts = &self.machines.hosts;
        let doors = ensemble::check(&mut reading, &mut self.zookeepers, hosts, HELP);
        let published = match hosts.as_slice() {
            [_] => brokers::open_ports(&self.brokers),
            _ => Vec::new(),
        };
        let names = Names { hosts, published: &published, help: HELP };
        let found = brokers::check(&mut reading, &mut self.brokers, &doors, &names);
        let connect = found.connect.unwrap_or_else(|| {
            let all = ensemble::everybody(&self.zookeepers, &doors);
            ensemble::connected(&mut reading, &doors, &names, &all)
        });
        let zookeepers = std::mem::take(&mut self.zookeepers);
        let brokers = std::mem::take(&mut self.brokers);
        Cluster {
            hosts: std::mem::take(&mut self.machines.hosts),
            published,
            zookeepers: zookeepers.into_iter().map(|member| member.zookeeper).collect(),
            connect,
            brokers: brokers.into_iter().map(|member| member.broker).collect(),
            unread: std::mem::take(&mut self.unread),
            findings: together(reading.findings),
            ..Cluster::default()
        }
    }

    /// Finds machines for all files, then names, then stages them.
    fn servers(&mut self, zookeepers: &[&'s Source], brokers: &[File<'s>]) {
        let files = zookeepers.len() + brokers.len();
        let mut servers: Vec<Server<'_>> = Vec::new();
        for (index, source) in zookeepers.iter().enumerate() {
            let mut reading = Reading::new(&source.name, &source.text, self.find);
            let lines = zoo_cfg::Lines::read(&mut reading, source);
            let shared = servers.iter().find(|other| {
                let same = folder(&other.source.name) == folder(&source.name);
                same && other.lines.is_only_itself() && lines.is_only_itself()
            });
            let machine = match shared {
                Some(other) => other.machine,
                None => {
                    let taken = |name: &str| self.machines.hosts.iter().any(|h| h.name == name);
                    self.machines.add(&lines.name(source, files, index, &taken))
                }
            };
            lines.addresses().iter().for_each(|one| self.machines.call(machine, one));
            servers.push(Server { source, reading, lines, machine });
        }
        let mut places: Vec<usize> = Vec::new();
        for (index, file) in brokers.iter().enumerate() {
            let names = file.names(index, brokers);
            let place = self.place(&servers, brokers, &places, index);
            let place = place.unwrap_or_else(|| self.machines.add(&names[0]));
            file.addresses().iter().for_each(|one| self.machines.call(place, one));
            places.push(place);
        }
        for server in servers {
            self.zookeeper(server, &places);
        }
        for (index, file) in brokers.iter().enumerate() {
            self.broker(file, &file.names(index, brokers), &places, places[index]);
        }
    }

    /// The machine a broker is on, if another server is known to be there.
    fn place(
        &self,
        servers: &[Server<'_>],
        files: &[File<'_>],
        places: &[usize],
        index: usize,
    ) -> Option<usize> {
        let file = &files[index];
        let before = || files[..index].iter().zip(places);
        let here = folder(&file.source.name);
        let neighbours = || servers.iter().filter(|one| folder(&one.source.name) == here);
        // Two brokers that bind one port cannot be on one machine, whatever they are called.
        let is_free =
            |place: &usize| before().all(|(other, taken)| taken != place || !other.binds_as(file));
        let addresses = file.addresses();
        let called = addresses.iter().find_map(|address| self.machines.called(address));
        if called.is_some_and(|place| is_free(&place)) {
            return called;
        }
        if file.connects_to_itself() {
            let mut others = before().filter(|(other, _)| {
                other.connects_to_itself() && folder(&other.source.name) == here
            });
            let broker = others.next().map(|(_, place)| *place);
            return neighbours().next().map(|one| one.machine).or(broker);
        }
        // A folder for each machine: `broker01/zoo.cfg` and `broker01/server.properties`.
        let only = neighbours().next().filter(|_| neighbours().count() == 1)?;
        let is_alone = files.iter().filter(|other| folder(&other.source.name) == here).count() == 1;
        let names = file.names(index, files);
        let is_its = is_alone
            && addresses.is_empty()
            && self.machines.called(&names[0]) == Some(only.machine);
        is_its.then_some(only.machine)
    }

    /// Stages a ZooKeeper; one that shares its machine with brokers says so in its name.
    fn zookeeper(&mut self, server: Server<'_>, brokers: &[usize]) {
        let Server { source, mut reading, lines, machine } = server;
        let host = self.machines.name(machine).to_owned();
        let is_first = self.zookeepers.iter().all(|other| other.zookeeper.host != host);
        let name = match (brokers.contains(&machine), is_first) {
            (false, true) => host.clone(),
            (true, true) if !host.starts_with("zookeeper") => format!("{host}-zookeeper"),
            (true, true) => host.clone(),
            (_, false) => lines.own_name(source, self.zookeepers.len()),
        };
        self.zookeepers.push(lines.member(&mut reading, source, &self.free(&[name]), &host));
        self.keep(reading);
    }

    /// Stages a broker; one that shares its machine with ZooKeepers says so in its name.
    fn broker(&mut self, file: &File<'_>, names: &[String], all: &[usize], machine: usize) {
        let mut reading = Reading::new(&file.source.name, &file.source.text, self.find);
        let host = self.machines.name(machine).to_owned();
        let is_only = all.iter().filter(|other| **other == machine).count() == 1;
        let has_zookeeper = self.zookeepers.iter().any(|other| other.zookeeper.host == host);
        let mut names = names.to_vec();
        if is_only && has_zookeeper && host == names[0] {
            names.insert(0, format!("{host}-kafka"));
        } else if !is_only {
            names.retain(|name| *name != host);
        }
        let name = self.free(&names);
        let mut member = server_properties::broker(&mut reading, file, &name);
        member.disks = vec![Disk {
            source: Some(format!("the disk of {host}")),
            target: String::new(),
            at: member.written("log.dirs").to_owned(),
        }];
        member.broker.host = host;
        self.brokers.push(member);
        self.keep(reading);
    }

    /// The first of these names that no node has, or the first with a number.
    fn free(&self, names: &[String]) -> String {
        let is_free = |name: &String| {
            self.zookeepers.iter().all(|member| member.zookeeper.name != *name)
                && self.brokers.iter().all(|member| member.broker.name != *name)
        };
        let first = names.first().cloned().unwrap_or_default();
        let numbered = (2..).map(|number| format!("{first}-{number}"));
        names.iter().cloned().chain(numbered).find(is_free).unwrap_or_default()
    }
}

/// A ZooKeeper whose file was read, and its machine.
struct Server<'f> {
    source: &'f Source,
    reading: Reading<'f>,
    lines: zoo_cfg::Lines,
    machine: usize,
}

fn folder(file: &str) -> &Path {
    Path::new(file).parent().unwrap_or(Path::new(""))
}
