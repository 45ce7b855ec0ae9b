//! What only shows when all servers are looked at together: who finds whom, who is one ensemble with whom.
//!
//! Every server's settings are read as the server itself will read them; what it would refuse keeps it from starting.

use std::collections::{BTreeMap, BTreeSet};

use coordinator::config::{
    Config, ConfigError, ConfigErrorKind, ConfigWarning, ConfigWarningKind, Server,
};
use coordinator::id::ServerId;
use coordinator::quorum::majority_of;

use super::names::{Names, Place, is_loopback};
use super::reading::Reading;
use crate::cluster::{Host, Severity, ZooKeeper};

/// A server and the place it is named at.
pub(super) struct Member {
    pub zookeeper: ZooKeeper,
    /// `file:line:column`.
    pub at: String,
}

/// A connect string somebody wrote.
pub(super) struct Connect {
    pub text: String,
    /// `file:line:column`.
    pub at: String,
    /// Who is told it: their names and hosts. Empty if only clients are.
    pub told: Vec<(String, String)>,
    /// The host that `localhost` means to whoever is told it, if that is not a container of its own.
    pub localhost_is: Option<String>,
}

/// Where a server lets clients in.
#[derive(Clone, Debug)]
pub(super) struct Door {
    /// The server.
    pub server: String,
    pub host: String,
    pub port: u16,
    /// The ensemble behind it: the same number, the same ensemble.
    pub island: usize,
    /// Whether the ensemble can serve anybody.
    pub serves: bool,
}

/// A member whose settings were read.
struct Read {
    index: usize,
    config: Config,
}

/// Looks at all servers together: where they let clients in.
pub(super) fn check(
    reading: &mut Reading<'_>,
    members: &mut [Member],
    hosts: &[Host],
    help: &str,
) -> Vec<Door> {
    let mut all = Vec::new();
    for (index, member) in members.iter_mut().enumerate() {
        if let Some(config) = configure(reading, member) {
            all.push(Read { index, config });
        }
    }
    let names = Names { hosts, published: &[], help };
    for read in &all {
        let here = &members[read.index].zookeeper.host;
        let company = members.iter().filter(|other| other.zookeeper.host == *here).count() > 1;
        server_list(reading, &members[read.index], &read.config, &names, company);
        own_entry(reading, members, read, &names);
    }
    same_number(reading, members, &all);
    let islands = islands(members, &all, &names);
    let door = |read: &Read| {
        let server = &members[read.index].zookeeper;
        Some(Door {
            server: server.name.clone(),
            host: server.host.clone(),
            port: client_port(&read.config)?,
            island: *islands.get(&read.index)?,
            serves: has_quorum(members, &all, &names, read),
        })
    };
    all.iter().filter_map(door).collect()
}

/// Reads a server's settings. A refusal keeps it from starting.
fn configure(reading: &mut Reading<'_>, member: &mut Member) -> Option<Config> {
    if member.zookeeper.never_starts.is_some() {
        return None;
    }
    let preset = member.zookeeper.preset;
    match member.zookeeper.config(preset, preset.mechanisms()) {
        Ok((config, warnings)) => {
            warnings.iter().for_each(|warning| warned(reading, member, warning));
            Some(config)
        }
        Err(error) => {
            refused(reading, member, &error);
            member.zookeeper.never_starts = Some(format!("exits at start: {error}"));
            None
        }
    }
}

/// Where a setting comes from, if a person wrote it.
fn written<'m>(member: &'m Member, key: Option<&str>) -> Option<&'m str> {
    let property = member.zookeeper.properties.iter().find(|p| Some(p.key.trim()) == key)?;
    Some(property.from.as_str()).filter(|from| !from.starts_with("set by "))
}

fn refused(reading: &mut Reading<'_>, member: &Member, error: &ConfigError) {
    let key = error.key.as_deref();
    let about = |words: &[&str]| words.iter().any(|word| error.message.contains(word));
    let (rule, help) = match key {
        Some(key) if key.starts_with("server.") => (
            "Z07",
            "one entry per server: cp-zookeeper wants `;` between them, the official image blanks; \
             only 3.5 and later know a client port behind `;`",
        ),
        None if about(&["myid", "serverid", "My id"]) => {
            ("Z05", "give each server its own number, the N of its own `server.N` line")
        }
        _ if about(&["clientPort"]) => ("Z06", "set the client port"),
        _ if about(&["initLimit", "syncLimit"]) => {
            ("Z11", "an ensemble needs initLimit and syncLimit, 10 and 5 in ZooKeeper's sample")
        }
        _ => ("Z11", "correct it: the server refuses to start"),
    };
    let at = written(member, key).unwrap_or(&member.at).to_owned();
    let setting = key.map(|key| format!(" (in `{key}`)")).unwrap_or_default();
    let verb = match error.kind {
        ConfigErrorKind::Refused => "the server exits at start",
        ConfigErrorKind::NotModelled => "the server cannot be staged",
    };
    let what = format!("{verb}: {error}{setting}");
    reading.find((rule, Severity::Error), at, &member.zookeeper.name, what, help);
}

fn warned(reading: &mut Reading<'_>, member: &Member, warning: &ConfigWarning) {
    let from = written(member, Some(&warning.key));
    let at = from.unwrap_or(&member.at).to_owned();
    let logged = warning.kind == ConfigWarningKind::Logged;
    let (rule, severity, help) = match (warning.kind, warning.key.as_str()) {
        (ConfigWarningKind::Logged, "clientPort") => {
            ("Z06", Severity::Error, "end its own `server.N` entry with `;2181`, or set clientPort")
        }
        (ConfigWarningKind::Logged, key) if !key.starts_with("server.") => {
            ("Z08", Severity::Warning, "write a value ZooKeeper takes")
        }
        (ConfigWarningKind::Logged, _) if warning.message.contains("only one server") => {
            ("Z03", Severity::Warning, "it runs alone: name all servers, or none")
        }
        (ConfigWarningKind::Logged, _) => (
            "Z09",
            Severity::Warning,
            "three servers tolerate the loss of one, five of two; an even number adds nothing",
        ),
        (ConfigWarningKind::NotModelled, _) => {
            ("Z08", Severity::Information, "do not read its effect into the results")
        }
        (ConfigWarningKind::Unknown, _) => ("Z08", Severity::Warning, "correct or remove it"),
        (ConfigWarningKind::Repeated, _) => ("Y04", Severity::Warning, "keep one of them"),
    };
    // An image's own default of one server is nobody's mistake.
    if from.is_some() || (logged && rule != "Z03") {
        let what = warning.message.clone();
        reading.find((rule, severity), at, &member.zookeeper.name, what, help);
    }
}

/// Z04, N03: names in the server list that do not lead to the peers.
fn server_list(
    reading: &mut Reading<'_>,
    member: &Member,
    config: &Config,
    names: &Names<'_>,
    has_company: bool,
) {
    let zookeeper = &member.zookeeper;
    let is_alone = names
        .hosts
        .iter()
        .filter(|host| host.name == zookeeper.host)
        .all(|host| host.networks.iter().all(|network| network.name != "host"));
    for (id, server) in &config.servers {
        let key = format!("server.{id}");
        let at = written(member, Some(&key)).unwrap_or(&member.at).to_owned();
        if is_loopback(&server.host) {
            if is_alone && !has_company && config.servers.len() > 1 {
                let what =
                    "localhost in the server list is the container itself: peers are not found";
                let help = "name the peers by their service names, or use `network_mode: host`";
                reading.find(("Z04", Severity::Error), at, &zookeeper.name, what, help);
            }
        } else if names.seen_from(&zookeeper.host, &server.host).is_none() {
            let elsewhere = names.anywhere(&server.host);
            let what = match elsewhere {
                Some(_) => format!("shares no network with `{}` of its server list", server.host),
                None => format!("`{}` in its server list is nobody's name", server.host),
            };
            reading.find(("N03", Severity::Error), at, &zookeeper.name, what, names.help);
        }
    }
}

/// Z05: the entry of a server's own number leads to another server.
fn own_entry(reading: &mut Reading<'_>, members: &[Member], read: &Read, names: &Names<'_>) {
    let member = &members[read.index];
    let Some(own) = read.config.servers.get(&read.config.id) else { return };
    let Some(host) = names.seen_from(&member.zookeeper.host, &own.host) else { return };
    if host == member.zookeeper.host {
        return;
    }
    let id = read.config.id;
    let what = format!("it is number {id}, but `server.{id}` is {}", own.host);
    let help = "the number must be the N of the server's own `server.N` entry";
    let at = written(member, Some(&format!("server.{id}"))).unwrap_or(&member.at).to_owned();
    reading.find(("Z05", Severity::Error), at, &member.zookeeper.name, what, help);
}

/// Z05: two servers of ensembles with one number.
fn same_number(reading: &mut Reading<'_>, members: &[Member], all: &[Read]) {
    let mut first: BTreeMap<ServerId, &str> = BTreeMap::new();
    for read in all.iter().filter(|read| !read.config.is_standalone()) {
        let member = &members[read.index];
        let name = member.zookeeper.name.as_str();
        let holder = *first.entry(read.config.id).or_insert(name);
        if holder != name {
            let what = format!("it is number {}, as {holder} is", read.config.id);
            let help = "give each server its own number (ZOO_MY_ID, ZOOKEEPER_SERVER_ID, myid)";
            reading.find(("Z05", Severity::Error), member.at.clone(), name, what, help);
        }
    }
}

/// For every member, the ensemble it belongs to; those that do not start belong to none.
fn islands(members: &[Member], all: &[Read], names: &Names<'_>) -> BTreeMap<usize, usize> {
    let mut island: BTreeMap<usize, usize> = all.iter().map(|r| (r.index, r.index)).collect();
    for read in all {
        let here = &members[read.index].zookeeper.host;
        for server in read.config.servers.values() {
            let Some(host) = names.seen_from(here, &server.host) else { continue };
            let peers = all.iter().filter(|peer| {
                members[peer.index].zookeeper.host == host && !peer.config.is_standalone()
            });
            for peer in peers {
                let (Some(a), Some(b)) = (island.get(&read.index), island.get(&peer.index)) else {
                    continue;
                };
                let (from, to) = (*a.max(b), *a.min(b));
                island.values_mut().filter(|at| **at == from).for_each(|at| *at = to);
            }
        }
    }
    island
}

/// Whether enough names in a server's list lead to the servers they number.
fn has_quorum(members: &[Member], all: &[Read], names: &Names<'_>, read: &Read) -> bool {
    let here = &members[read.index].zookeeper.host;
    let leads_to_it = |(id, server): &(&ServerId, &Server)| {
        let host = names.seen_from(here, &server.host);
        all.iter().any(|peer| {
            peer.config.id == **id && Some(members[peer.index].zookeeper.host.as_str()) == host
        })
    };
    let found = read.config.servers.iter().filter(leads_to_it).count();
    read.config.is_standalone() || found >= majority_of(read.config.servers.len())
}

/// All servers, where nobody says what to connect to.
pub(super) fn everybody(members: &[Member], doors: &[Door]) -> Connect {
    let address = |member: &Member| {
        let server = &member.zookeeper;
        let door = doors.iter().find(|door| door.server == server.name);
        format!("{}:{}", server.host, door.map_or(2181, |door| door.port))
    };
    let text = members.iter().map(address).collect::<Vec<_>>().join(",");
    let at = members.first().map(|member| member.at.clone()).unwrap_or_default();
    Connect { text, at, told: Vec::new(), localhost_is: None }
}

fn client_port(config: &Config) -> Option<u16> {
    config.client_address.as_deref()?.rsplit(':').next()?.parse().ok()
}

/// Z02, N02, N03, N04, K16: where the connect string really leads. Returns it as clients here shall use it.
pub(super) fn connected(
    reading: &mut Reading<'_>,
    doors: &[Door],
    names: &Names<'_>,
    connect: &Connect,
) -> String {
    let (list, chroot) = parts(&connect.text);
    if chroot.contains(',') {
        let what = format!("the chroot stands after a host that is not the last: it is `{chroot}`");
        let help = "write the chroot once, after the last host: `a:2181,b:2181/kafka`";
        reading.find(("K16", Severity::Error), connect.at.clone(), "", what, help);
    }
    let mut reached: BTreeSet<usize> = BTreeSet::new();
    let mut used = Vec::new();
    for (name, port) in addresses(list) {
        let name = connect.localhost_is.as_deref().filter(|_| is_loopback(name)).unwrap_or(name);
        used.push(format!("{name}:{port}"));
        if is_loopback(name) {
            to_itself(reading, connect, doors, (name, port));
            continue;
        }
        let Some(host) = names.anywhere(name) else {
            let what = format!("`{name}` in the connect string is nobody's name");
            reading.find(("N03", Severity::Error), connect.at.clone(), "", what, names.help);
            continue;
        };
        out_of_reach(reading, connect, names, name);
        let on_host = |door: &&Door| door.host == host;
        if let Some(door) = doors.iter().filter(on_host).find(|door| door.port.to_string() == port)
        {
            reached.extend(Some(door.island).filter(|_| door.serves));
        } else if let Some(door) = doors.iter().find(on_host) {
            let listening = door.port;
            let what = format!("nobody listens on {name}:{port}: it serves clients on {listening}");
            let help = format!("containers reach it as {name}:{listening}, whatever `ports` says");
            reading.find(("N04", Severity::Error), connect.at.clone(), "", what, help);
        }
    }
    if reached.len() > 1 {
        let count = reached.len();
        let what = format!(
            "the connect string names servers of {count} separate ensembles: each client picks one \
             of them by chance, and they know nothing of each other"
        );
        let help = "give all servers one common list of servers";
        reading.find(("Z02", Severity::Error), connect.at.clone(), "", what, help);
    }
    format!("{}{chroot}", used.join(","))
}

/// The door at a place.
pub(super) fn door_at<'d>(doors: &'d [Door], place: Option<Place<'_>>) -> Option<&'d Door> {
    doors.iter().find(|door| place.is_some_and(|at| at.host == door.host && at.port == door.port))
}

/// N03: the loopback of a broker's own container, where no server is.
fn to_itself(
    reading: &mut Reading<'_>,
    connect: &Connect,
    doors: &[Door],
    (name, port): (&str, &str),
) {
    for (who, host) in &connect.told {
        if doors.iter().any(|door| door.host == *host && door.port.to_string() == port) {
            continue;
        }
        let what = format!("`{name}:{port}` is the container itself, where no ZooKeeper runs");
        let help = "name the ZooKeeper's service: `zookeeper:2181`";
        reading.find(("N03", Severity::Error), connect.at.clone(), who, what, help);
    }
}

/// N02: a server on networks that whoever is told of it is not on.
fn out_of_reach(reading: &mut Reading<'_>, connect: &Connect, names: &Names<'_>, name: &str) {
    for (who, host) in &connect.told {
        if names.seen_from(host, name).is_none() {
            let what = format!("shares no network with `{name}` of its connect string");
            let help = "put both on one network";
            reading.find(("N02", Severity::Error), connect.at.clone(), who, what, help);
        }
    }
}

/// Whether somebody on the machine finds a server at one of the addresses of a connect string.
pub(super) fn leads_somewhere(connect: &str, doors: &[Door], names: &Names<'_>) -> bool {
    let (list, _) = parts(connect);
    addresses(list).any(|(name, port)| {
        let port = port.parse().unwrap_or_default();
        door_at(doors, names.leads_from_machine(name, port)).is_some()
    })
}

/// The hosts of a connect string, and its chroot, which begins at the first slash.
pub(super) fn parts(connect: &str) -> (&str, &str) {
    match connect.find('/') {
        Some(slash) => connect.split_at(slash),
        None => (connect, ""),
    }
}

/// The servers of a list: names and ports.
pub(super) fn addresses(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let all = list.split(',').map(str::trim).filter(|address| !address.is_empty());
    all.map(|address| address.rsplit_once(':').unwrap_or((address, "2181")))
}
