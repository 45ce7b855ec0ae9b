//! The official `zookeeper` image: `ZOO_*` variables become `zoo.cfg`, unless one is mounted.
//!
//! 3.5 and later write no `clientPort`: the client port stands behind a semicolon of each `ZOO_SERVERS` entry. In 3.4 it
//! must not stand there. `myid` is 1 unless `ZOO_MY_ID` says otherwise.

use super::{Staged, is_dynamic};
use crate::cluster::Property;
use crate::import::properties;
use crate::import::reading::Reading;

/// Everything the start script and ZooKeeper's own scripts read.
const KNOWN: [&str; 23] = [
    "ZOOCFGDIR",
    "ZOO_4LW_COMMANDS_WHITELIST",
    "ZOO_ADMINSERVER_ENABLED",
    "ZOO_AUTOPURGE_PURGEINTERVAL",
    "ZOO_AUTOPURGE_SNAPRETAINCOUNT",
    "ZOO_CFG_EXTRA",
    "ZOO_CONF_DIR",
    "ZOO_DATA_DIR",
    "ZOO_DATA_LOG_DIR",
    "ZOO_INIT_LIMIT",
    "ZOO_LOG4J_PROP",
    "ZOO_LOG_APPENDER",
    "ZOO_LOG_DIR",
    "ZOO_LOG_LEVEL",
    "ZOO_MAX_CLIENT_CNXNS",
    "ZOO_MY_ID",
    "ZOO_PORT",
    "ZOO_SERVERS",
    "ZOO_STANDALONE_ENABLED",
    "ZOO_SYNC_LIMIT",
    "ZOO_TICK_TIME",
    "ZOO_USER",
    "ZOOBINDIR",
];

/// Follows the start script.
pub(super) fn stage(reading: &mut Reading<'_>, staged: &mut Staged<'_>) {
    let service = staged.service;
    let folder = |name: &str, default: &str| {
        service.set(name).map_or(default.to_owned(), |variable| variable.value.clone())
    };
    let data = folder("ZOO_DATA_DIR", "/data");
    let logs = folder("ZOO_DATA_LOG_DIR", "/datalog");
    let configuration = folder("ZOO_CONF_DIR", "/conf");
    let is_own = staged.take_mounted(reading, &format!("{configuration}/zoo.cfg"));
    if !is_own {
        generated(reading, staged);
    }
    staged.take_myid(reading, "ZOO_MY_ID", Some("1"));
    staged.take_mounted_myid(reading, &format!("{data}/myid"));
    staged.rest(reading, &|name| is_setting(name, is_own), &KNOWN);
    staged.expect_mounts(reading, &[&data, &logs]);
}

/// Whether a variable decides a setting; beside a mounted `zoo.cfg` only few do.
fn is_setting(name: &str, is_own: bool) -> bool {
    let always = ["ZOO_MY_ID", "ZOO_DATA_DIR", "ZOO_CONF_DIR"];
    let silent = name.contains("LOG4J") || name.contains("LOG_") && name != "ZOO_DATA_LOG_DIR";
    let else_settings = !silent && !matches!(name, "ZOO_USER" | "ZOOBINDIR" | "ZOOCFGDIR");
    always.contains(&name) || (!is_own && else_settings && KNOWN.contains(&name))
}

/// `zoo.cfg` as the start script writes it.
fn generated(reading: &Reading<'_>, staged: &mut Staged<'_>) {
    let dynamic = is_dynamic(staged.version);
    if !dynamic {
        staged.taken_or(reading, "clientPort", "ZOO_PORT", "2181");
    }
    staged.taken_or(reading, "dataDir", "ZOO_DATA_DIR", "/data");
    staged.taken_or(reading, "dataLogDir", "ZOO_DATA_LOG_DIR", "/datalog");
    staged.taken_or(reading, "tickTime", "ZOO_TICK_TIME", "2000");
    staged.taken_or(reading, "initLimit", "ZOO_INIT_LIMIT", "5");
    staged.taken_or(reading, "syncLimit", "ZOO_SYNC_LIMIT", "2");
    let retain = "autopurge.snapRetainCount";
    staged.taken_or(reading, retain, "ZOO_AUTOPURGE_SNAPRETAINCOUNT", "3");
    staged.taken_or(reading, "autopurge.purgeInterval", "ZOO_AUTOPURGE_PURGEINTERVAL", "0");
    staged.taken_or(reading, "maxClientCnxns", "ZOO_MAX_CLIENT_CNXNS", "60");
    if dynamic {
        staged.taken_or(reading, "standaloneEnabled", "ZOO_STANDALONE_ENABLED", "true");
        staged.taken_or(reading, "admin.enableServer", "ZOO_ADMINSERVER_ENABLED", "true");
    }
    lines(reading, staged, "ZOO_SERVERS");
    if dynamic && staged.service.set("ZOO_SERVERS").is_none() {
        staged.fixed("server.1", "localhost:2888:3888;2181");
    }
    if dynamic {
        if let Some(words) = staged.service.set("ZOO_4LW_COMMANDS_WHITELIST") {
            staged.taken(reading, "4lw.commands.whitelist", &words.value, words);
        }
        lines(reading, staged, "ZOO_CFG_EXTRA");
    }
}

/// Each word of the variable becomes a line of its own.
fn lines(reading: &Reading<'_>, staged: &mut Staged<'_>, name: &str) {
    let Some(variable) = staged.service.set(name) else { return };
    let from = reading.line(&variable.span);
    for word in variable.value.split_whitespace() {
        for entry in properties::parse(word) {
            let (key, value) = (entry.key, entry.value);
            staged.properties.push(Property { key, value, from: from.clone() });
        }
    }
}
