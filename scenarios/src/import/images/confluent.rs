//! `confluentinc/cp-zookeeper`: a fixed list of `ZOOKEEPER_*` variables becomes `zookeeper.properties`.
//!
//! The configuration is written anew at every start, `myid` included. Everything outside the list is dropped without a word.

use super::{Staged, is_dynamic};
use crate::cluster::Severity;
use crate::import::compose::Variable;
use crate::import::reading::Reading;

/// Variables that become settings, all versions.
const SETTINGS: [(&str, &str); 22] = [
    ("ZOOKEEPER_AUTOPURGE_PURGE_INTERVAL", "autopurge.purgeInterval"),
    ("ZOOKEEPER_AUTOPURGE_SNAP_RETAIN_COUNT", "autopurge.snapRetainCount"),
    ("ZOOKEEPER_CLIENT_PORT", "clientPort"),
    ("ZOOKEEPER_CLIENT_PORT_ADDRESS", "clientPortAddress"),
    ("ZOOKEEPER_CNX_TIMEOUT", "cnxTimeout"),
    ("ZOOKEEPER_ELECTION_ALG", "electionAlg"),
    ("ZOOKEEPER_FORCE_SYNC", "forceSync"),
    ("ZOOKEEPER_FSYNC_WARNING_THRESHOLDMS", "fsync.warningthresholdms"),
    ("ZOOKEEPER_GLOBAL_OUTSTANDING_LIMIT", "globalOutstandingLimit"),
    ("ZOOKEEPER_INIT_LIMIT", "initLimit"),
    ("ZOOKEEPER_JUTE_MAX_BUFFER", "jute.maxbuffer"),
    ("ZOOKEEPER_LEADER_SERVES", "leaderServes"),
    ("ZOOKEEPER_MAX_CLIENT_CNXNS", "maxClientCnxns"),
    ("ZOOKEEPER_MAX_SESSION_TIMEOUT", "maxSessionTimeout"),
    ("ZOOKEEPER_MIN_SESSION_TIMEOUT", "minSessionTimeout"),
    ("ZOOKEEPER_PRE_ALLOC_SIZE", "preAllocSize"),
    ("ZOOKEEPER_QUORUM_LISTEN_ON_ALL_IPS", "quorumListenOnAllIPs"),
    ("ZOOKEEPER_SKIP_ACL", "skipACL"),
    ("ZOOKEEPER_SNAP_COUNT", "snapCount"),
    ("ZOOKEEPER_SYNC_ENABLED", "syncEnabled"),
    ("ZOOKEEPER_SYNC_LIMIT", "syncLimit"),
    ("ZOOKEEPER_TICK_TIME", "tickTime"),
];

/// Families that became settings from 6.0 on: encryption, authentication, the admin server.
const LATER: [(&str, &str); 4] = [
    ("ZOOKEEPER_ADMIN_", "admin."),
    ("ZOOKEEPER_AUTH_PROVIDER_", "authProvider."),
    ("ZOOKEEPER_SSL_", "ssl."),
    ("ZOOKEEPER_SECURE_", "secureClientPort"),
];

/// Read by the start script itself.
const SCRIPT: [&str; 5] = [
    "ZOOKEEPER_GROUPS",
    "ZOOKEEPER_SERVERS",
    "ZOOKEEPER_SERVER_ID",
    "ZOOKEEPER_TRACE_FILE",
    "ZOOKEEPER_WEIGHTS",
];

/// Follows the start script.
pub(super) fn stage(reading: &mut Reading<'_>, staged: &mut Staged<'_>) {
    let service = staged.service;
    staged.fixed("dataDir", "/var/lib/zookeeper/data");
    staged.fixed("dataLogDir", "/var/lib/zookeeper/log");
    for variable in &service.environment {
        let setting = SETTINGS.iter().find(|(name, _)| *name == variable.name);
        match setting {
            Some((_, key)) => staged.taken(reading, key, &variable.value, variable),
            None => other(reading, staged, variable),
        }
    }
    required(reading, staged, "ZOOKEEPER_CLIENT_PORT");
    if let Some(servers) = service.set("ZOOKEEPER_SERVERS") {
        required(reading, staged, "ZOOKEEPER_SERVER_ID");
        for (key, default) in [("initLimit", "10"), ("syncLimit", "5")] {
            if staged.properties.iter().all(|property| property.key != key) {
                staged.fixed(key, default);
            }
        }
        numbered(reading, staged, servers, "server");
    }
    for (name, key) in [("ZOOKEEPER_GROUPS", "group"), ("ZOOKEEPER_WEIGHTS", "weight")] {
        if let Some(variable) = service.set(name) {
            numbered(reading, staged, variable, key);
        }
    }
    staged.take_myid(reading, "ZOOKEEPER_SERVER_ID", None);
    if service.set("ZOOKEEPER_TICK_TIME").is_none() {
        let at = reading.at(&service.image_span());
        let what = "tickTime is not set: it is 3000, sessions last from 6 s to 60 s";
        let help = "set ZOOKEEPER_TICK_TIME: 2000 for what most guides assume";
        reading.find(("Z10", Severity::Information), at, &service.name, what, help);
    }
    logs_for_data(reading, staged);
    staged.expect_mounts(reading, &["/var/lib/zookeeper/data", "/var/lib/zookeeper/log"]);
}

/// The n-th part between semicolons becomes `server.n`, unless it says `id|server`.
fn numbered(reading: &Reading<'_>, staged: &mut Staged<'_>, variable: &Variable, key: &str) {
    for (place, part) in variable.value.split(';').enumerate() {
        let (id, value) = match part.split_once('|') {
            Some((id, value)) if key == "server" => (id.to_owned(), value),
            _ => ((place + 1).to_string(), part),
        };
        staged.taken(reading, &format!("{key}.{id}"), value, variable);
    }
}

/// A variable without which the container exits.
fn required(reading: &mut Reading<'_>, staged: &mut Staged<'_>, name: &str) {
    let secure = is_dynamic(staged.version) && name == "ZOOKEEPER_CLIENT_PORT";
    let instead = secure && staged.service.set("ZOOKEEPER_SECURE_CLIENT_PORT").is_some();
    if staged.service.set(name).is_some() || instead {
        return;
    }
    let at = reading.at(&staged.service.image_span());
    let what = format!("{name} is required: the container exits 1");
    reading.find(("K02", Severity::Error), at, &staged.service.name, what, format!("set {name}"));
    staged.never_starts.get_or_insert(format!("exit 1: {name} is required"));
}

/// A variable that is no setting: read by a script, about logging, or dropped.
fn other(reading: &mut Reading<'_>, staged: &mut Staged<'_>, variable: &Variable) {
    let name = variable.name.as_str();
    let later = LATER.iter().find(|(prefix, _)| name.starts_with(prefix));
    if let (Some((prefix, key)), true) = (later, is_dynamic(staged.version)) {
        let rest = name.strip_prefix(prefix).unwrap_or_default().to_lowercase().replace('_', ".");
        let key = if key.ends_with('.') { format!("{key}{rest}") } else { (*key).to_owned() };
        return staged.taken(reading, &key, &variable.value, variable);
    }
    let is_logging = name.contains("LOG4J") || name.contains("LOG_");
    let is_meant = name.starts_with("ZOO") || name == "SERVER_ID" || name == "MYID";
    if SCRIPT.contains(&name) && name != "ZOOKEEPER_TRACE_FILE" {
        return;
    }
    let why = match is_meant && !is_logging {
        true => "confluentinc/cp-zookeeper does not read it",
        false => "about logging, Java or others: not modelled",
    };
    reading.unread(&staged.service.name, name, &variable.value, &variable.span, why);
    if is_meant && !is_logging {
        let known: Vec<&str> = SETTINGS.iter().map(|(name, _)| *name).chain(SCRIPT).collect();
        staged.misspelt(reading, variable, &known);
    }
}

/// Z12: `LOG_DIR` is where the scripts log, not where ZooKeeper keeps its data.
fn logs_for_data(reading: &mut Reading<'_>, staged: &Staged<'_>) {
    let Some(logs) = staged.service.set("LOG_DIR") else { return };
    let is_mounted = staged.service.mounts.iter().any(|mount| mount.target == logs.value);
    if is_mounted {
        let at = reading.at(&logs.span);
        let what = "LOG_DIR holds log4j and GC logs, not ZooKeeper's data";
        let help = "mount volumes on /var/lib/zookeeper/data and /var/lib/zookeeper/log";
        reading.find(("Z12", Severity::Warning), at, &staged.service.name, what, help);
    }
}
