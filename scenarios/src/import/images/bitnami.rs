//! `bitnami/zookeeper`: `ZOO_*` variables become `zoo.cfg`, unless one is mounted; without a login the container must be told
//! that anybody may log in.
//!
//! The image declares no volume: what is mounted nowhere is gone with the container.

use super::{Staged, is_dynamic, mounted};
use crate::cluster::{Property, Severity};
use crate::import::compose::Variable;
use crate::import::reading::Reading;

/// Variables that become settings, and what they are otherwise.
const SETTINGS: [(&str, &str, &str); 12] = [
    ("tickTime", "ZOO_TICK_TIME", "2000"),
    ("initLimit", "ZOO_INIT_LIMIT", "10"),
    ("syncLimit", "ZOO_SYNC_LIMIT", "5"),
    ("clientPort", "ZOO_PORT_NUMBER", "2181"),
    ("maxClientCnxns", "ZOO_MAX_CLIENT_CNXNS", "60"),
    ("autopurge.purgeInterval", "ZOO_AUTOPURGE_INTERVAL", "0"),
    ("autopurge.snapRetainCount", "ZOO_AUTOPURGE_RETAIN_COUNT", "3"),
    ("maxSessionTimeout", "ZOO_MAX_SESSION_TIMEOUT", "40000"),
    ("maxCnxns", "ZOO_MAX_CNXNS", "0"),
    ("preAllocSize", "ZOO_PRE_ALLOC_SIZE", "65536"),
    ("snapCount", "ZOO_SNAPCOUNT", "100000"),
    ("4lw.commands.whitelist", "ZOO_4LW_COMMANDS_WHITELIST", "srvr, mntr"),
];

/// Read by the scripts, and no settings that change anything here.
const SCRIPTS: [&str; 33] = [
    "ALLOW_ANONYMOUS_LOGIN",
    "BITNAMI_DEBUG",
    "JVMFLAGS",
    "ZOO_ADMIN_SERVER_PORT_NUMBER",
    "ZOO_CLIENT_PASSWORD",
    "ZOO_CLIENT_PASSWORD_FILE",
    "ZOO_CLIENT_USER",
    "ZOO_DATA_LOG_DIR",
    "ZOO_ENABLE_ADMIN_SERVER",
    "ZOO_ENABLE_AUTH",
    "ZOO_ENABLE_PROMETHEUS_METRICS",
    "ZOO_ENABLE_QUORUM_AUTH",
    "ZOO_HC_TIMEOUT",
    "ZOO_HEAP_SIZE",
    "ZOO_LISTEN_ALLIPS_ENABLED",
    "ZOO_LOG_LEVEL",
    "ZOO_PEER_TYPE",
    "ZOO_PROMETHEUS_METRICS_PORT_NUMBER",
    "ZOO_QUORUM_LEARNER_PASSWORD",
    "ZOO_QUORUM_LEARNER_USER",
    "ZOO_QUORUM_SERVER_PASSWORDS",
    "ZOO_QUORUM_SERVER_USERS",
    "ZOO_RECONFIG_ENABLED",
    "ZOO_SERVERS",
    "ZOO_SERVER_ID",
    "ZOO_SERVER_PASSWORDS",
    "ZOO_SERVER_PASSWORDS_FILE",
    "ZOO_SERVER_USERS",
    "ZOO_TLS_CLIENT_AUTH",
    "ZOO_TLS_CLIENT_ENABLE",
    "ZOO_TLS_PORT_NUMBER",
    "ZOO_TLS_QUORUM_CLIENT_AUTH",
    "ZOO_TLS_QUORUM_ENABLE",
];

/// Where data lies in the container.
const DATA: &str = "/bitnami/zookeeper/data";

/// Follows the scripts.
pub(super) fn stage(reading: &mut Reading<'_>, staged: &mut Staged<'_>) {
    let service = staged.service;
    allowed(reading, staged);
    let places = ["/opt/bitnami/zookeeper/conf/zoo.cfg", "/bitnami/zookeeper/conf/zoo.cfg"];
    let own = places.into_iter().find(|path| mounted(reading, service, path).is_some());
    match own {
        Some(path) => drop(staged.take_mounted(reading, path)),
        None => generated(reading, staged),
    }
    staged.take_myid(reading, "ZOO_SERVER_ID", Some("1"));
    staged.take_mounted_myid(reading, &format!("{DATA}/myid"));
    let becomes = |name: &str| {
        let is_setting = SETTINGS.iter().any(|(_, variable, _)| *variable == name);
        own.is_none() && (is_setting || name == "ZOO_SERVERS") || name == "ZOO_SERVER_ID"
    };
    let settings = SETTINGS.iter().map(|(_, variable, _)| *variable);
    let known: Vec<&str> = settings.chain(SCRIPTS).collect();
    staged.rest(reading, &becomes, &known);
    bare(reading, staged);
}

/// K04: nobody may log in, so the container exits.
fn allowed(reading: &mut Reading<'_>, staged: &mut Staged<'_>) {
    let is_yes = |name: &str| {
        let value = staged.service.set(name).map(|variable| variable.value.to_lowercase());
        matches!(value.as_deref(), Some("yes" | "true" | "1"))
    };
    if is_yes("ALLOW_ANONYMOUS_LOGIN") || is_yes("ZOO_ENABLE_AUTH") {
        return;
    }
    let at = reading.at(&staged.service.image_span());
    let what = "neither ALLOW_ANONYMOUS_LOGIN nor ZOO_ENABLE_AUTH says yes: the container exits 1";
    let help = "set ALLOW_ANONYMOUS_LOGIN: 'yes'";
    reading.find(("K04", Severity::Error), at, &staged.service.name, what, help);
    let why = "exit 1: The ZOO_ENABLE_AUTH environment variable does not configure authentication";
    staged.never_starts.get_or_insert(why.to_owned());
}

/// `zoo.cfg` as the scripts write it.
fn generated(reading: &mut Reading<'_>, staged: &mut Staged<'_>) {
    let service = staged.service;
    staged.fixed("dataDir", DATA);
    if let Some(logs) = service.set("ZOO_DATA_LOG_DIR") {
        staged.taken(reading, "dataLogDir", &logs.value, logs);
    }
    for (key, variable, default) in SETTINGS {
        staged.taken_or(reading, key, variable, default);
    }
    let Some(list) = service.set("ZOO_SERVERS") else { return };
    let servers: Vec<&str> =
        list.value.split([';', ',', ' ']).filter(|server| !server.is_empty()).collect();
    if let [only] = servers.as_slice() {
        let at = reading.at(&list.span);
        let what = format!("`{only}` is the only server: the image leaves it out, it runs alone");
        let help = "name all servers of the ensemble, this one included";
        reading.find(("Z03", Severity::Warning), at, &service.name, what, help);
        return entry(reading, staged, list, only, None);
    }
    for (place, server) in servers.iter().enumerate() {
        entry(reading, staged, list, server, Some(place + 1));
    }
}

/// Z07: one entry, `host:port:port` or `host:port:port::id`; any other ends the start. Without a place it is only looked at.
fn entry(
    reading: &mut Reading<'_>,
    staged: &mut Staged<'_>,
    list: &Variable,
    server: &str,
    place: Option<usize>,
) {
    let (address, id) = match server.split_once("::") {
        Some((address, id)) => (address, Some(id)),
        None => (server, None),
    };
    let parts: Vec<&str> = address.split(':').collect();
    let is_whole = parts.len() == 3 && parts.iter().all(|part| !part.is_empty());
    if !is_whole || id.is_some_and(|id| id.parse::<u32>().is_err()) {
        let at = reading.at(&list.span);
        let what =
            format!("`{server}` in ZOO_SERVERS is no `host:port:port`: the container exits 1");
        let help = "write `zk-1:2888:3888,zk-2:2888:3888`, or `zk-1:2888:3888::1` with its number";
        reading.find(("Z07", Severity::Error), at, &staged.service.name, what, help);
        let why = format!(
            "exit 1: Zookeeper server {server} should follow the next syntax: host:port:port"
        );
        staged.never_starts.get_or_insert(why);
        return;
    }
    let Some(place) = place else { return };
    let key = format!("server.{}", id.map_or(place.to_string(), str::to_owned));
    let port = staged.service.set("ZOO_PORT_NUMBER").map_or("2181", |port| &port.value);
    let value = match is_dynamic(staged.version) {
        true => format!("{address};{port}"),
        false => address.to_owned(),
    };
    let from = reading.line(&list.span);
    staged.properties.push(Property { key, value, from });
}

/// Z12: without a mount the data is in the container itself; a mounted folder must belong to the image's user.
fn bare(reading: &mut Reading<'_>, staged: &Staged<'_>) {
    let service = staged.service;
    let covers = |target: &str| DATA == target || DATA.starts_with(&format!("{target}/"));
    let mount = service.mounts.iter().find(|mount| covers(mount.target.trim_end_matches('/')));
    match mount {
        None => {
            let at = reading.at(&service.image_span());
            let what = format!(
                "{DATA} is in the container itself: a container made anew (`up` after an edit) \
                 begins empty"
            );
            let help = "mount a named volume: `zookeeper:/bitnami`";
            reading.find(("Z12", Severity::Warning), at, &service.name, what, help);
        }
        Some(mount) if mount.source.is_none() => {
            let at = reading.at(&mount.span);
            let what = format!("no named volume holds {DATA}: after `down` and `up` it is empty");
            let help = "give the volume a name";
            reading.find(("Z12", Severity::Warning), at, &service.name, what, help);
        }
        Some(mount) if mount.source.as_deref().is_some_and(|source| source.contains('/')) => {
            let at = reading.at(&mount.span);
            let what = "the image runs as user 1001: it exits if the mounted folder is root's";
            let help = "`chown 1001` the folder, or mount a named volume";
            reading.find(("Z12", Severity::Information), at, &service.name, what, help);
        }
        Some(_) => {}
    }
}
