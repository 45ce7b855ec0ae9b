//! `bitnami/kafka` with ZooKeeper: the scripts patch the file Kafka ships with what `KAFKA_CFG_` variables say.
//!
//! Only some names work without `CFG`; the others are not read, and nobody says so. A mounted `server.properties` ends all
//! mapping.

use super::{Start, stock};
use crate::cluster::Severity;
use crate::import::images::mounted;
use crate::import::properties;
use crate::import::reading::Reading;

/// Settings that `KAFKA_X` sets as well as `KAFKA_CFG_X`, which it overrides.
const ALIASES: [&str; 30] = [
    "ADVERTISED_LISTENERS",
    "AUTO_CREATE_TOPICS_ENABLE",
    "BROKER_ID",
    "DEFAULT_REPLICATION_FACTOR",
    "DELETE_TOPIC_ENABLE",
    "INTER_BROKER_LISTENER_NAME",
    "LISTENERS",
    "LISTENER_SECURITY_PROTOCOL_MAP",
    "LOG_DIRS",
    "LOG_FLUSH_INTERVAL_MESSAGES",
    "LOG_FLUSH_INTERVAL_MS",
    "LOG_MESSAGE_FORMAT_VERSION",
    "LOG_RETENTION_BYTES",
    "LOG_RETENTION_CHECK_INTERVALS_MS",
    "LOG_RETENTION_HOURS",
    "LOG_SEGMENT_BYTES",
    "MESSAGE_MAX_BYTES",
    "NUM_IO_THREADS",
    "NUM_NETWORK_THREADS",
    "NUM_PARTITIONS",
    "NUM_RECOVERY_THREADS_PER_DATA_DIR",
    "OFFSETS_TOPIC_REPLICATION_FACTOR",
    "SOCKET_RECEIVE_BUFFER_BYTES",
    "SOCKET_REQUEST_MAX_BYTES",
    "SOCKET_SEND_BUFFER_BYTES",
    "SSL_ENDPOINT_IDENTIFICATION_ALGORITHM",
    "TRANSACTION_STATE_LOG_MIN_ISR",
    "TRANSACTION_STATE_LOG_REPLICATION_FACTOR",
    "ZOOKEEPER_CONNECT",
    "ZOOKEEPER_CONNECTION_TIMEOUT_MS",
];

/// Names of old, and the settings they set.
const OLD: [(&str, &str); 4] = [
    ("LOGS_DIRS", "LOG_DIRS"),
    ("MAX_MESSAGE_BYTES", "MESSAGE_MAX_BYTES"),
    ("SEGMENT_BYTES", "LOG_SEGMENT_BYTES"),
    ("ZOOKEEPER_CONNECT_TIMEOUT_MS", "ZOOKEEPER_CONNECTION_TIMEOUT_MS"),
];

/// Read by the scripts, and not settings.
const SCRIPTS: [&str; 17] = [
    "KAFKA_BASE_DIR",
    "KAFKA_BROKER_PASSWORD",
    "KAFKA_BROKER_USER",
    "KAFKA_CERTIFICATE_PASSWORD",
    "KAFKA_CLIENT_PASSWORD",
    "KAFKA_CLIENT_USER",
    "KAFKA_ENABLE_KRAFT",
    "KAFKA_HEAP_OPTS",
    "KAFKA_INTER_BROKER_PASSWORD",
    "KAFKA_INTER_BROKER_USER",
    "KAFKA_JMX_OPTS",
    "KAFKA_JMX_PORT",
    "KAFKA_KRAFT_CLUSTER_ID",
    "KAFKA_MOUNTED_CONF_DIR",
    "KAFKA_OPTS",
    "KAFKA_ZOOKEEPER_PASSWORD",
    "KAFKA_ZOOKEEPER_USER",
];

/// Follows the scripts.
pub(super) fn stage(reading: &mut Reading<'_>, start: &mut Start<'_>) {
    for (key, value) in stock::lines(&start.version) {
        start.ships(key, value);
    }
    allowed(reading, start);
    let folders = ["/bitnami/kafka/config", "/opt/bitnami/kafka/conf"];
    let path = |folder: &&str| format!("{folder}/server.properties");
    let file = folders.iter().find_map(|f| mounted(reading, start.service, &path(f)));
    match file {
        Some((name, Some(text))) => injected(reading, start, &name, &text),
        Some((name, None)) => {
            let span = start.service.mounts.first().map_or(0..0, |mount| mount.span.clone());
            let message = format!("`{name}` is mounted for server.properties and cannot be read");
            let help = "put the file where it is mounted from";
            reading.error("F01", &span, message, "this mount", help);
        }
        None => generated(reading, start),
    }
}

/// K04: a listener that is not secured has to be allowed.
fn allowed(reading: &mut Reading<'_>, start: &mut Start<'_>) {
    let allow = start.asks("ALLOW_PLAINTEXT_LISTENER").map(|one| one.value.to_lowercase());
    let is_allowed = allow.is_some_and(|word| matches!(word.as_str(), "yes" | "true" | "1"));
    let listening = [
        "KAFKA_CFG_LISTENERS",
        "KAFKA_LISTENERS",
        "KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
    ];
    let is_secured = listening
        .iter()
        .filter_map(|name| start.service.set(name))
        .any(|variable| ["SSL", "SASL"].iter().any(|word| variable.value.contains(word)));
    if !is_allowed && !is_secured {
        let message = "The KAFKA_CFG_LISTENERS environment variable does not configure a secure \
                       listener. Set the environment variable ALLOW_PLAINTEXT_LISTENER=yes to \
                       allow the container to be started with a plaintext listener.";
        let image = start.service.image_span();
        start.exits(reading, "K04", &image, message, "set ALLOW_PLAINTEXT_LISTENER: \"yes\"");
    }
}

/// A mounted file is taken as it is.
fn injected(reading: &mut Reading<'_>, start: &mut Start<'_>, name: &str, text: &str) {
    start.clear();
    for entry in properties::parse(text) {
        let from = format!("{name}:{}", entry.line);
        start.copies(entry.key.trim(), entry.value.trim(), &from);
    }
    for variable in &start.service.environment {
        if variable.name.starts_with("KAFKA_") && !SCRIPTS.contains(&variable.name.as_str()) {
            start.leaves(
                reading,
                variable,
                "a server.properties is mounted, which ends all mapping",
            );
        }
    }
}

/// The file with the variables in it.
fn generated(reading: &mut Reading<'_>, start: &mut Start<'_>) {
    start.writes("log.dirs", "/bitnami/kafka/data");
    start.writes("listeners", "PLAINTEXT://:9092");
    start.writes("advertised.listeners", "PLAINTEXT://:9092");
    start.writes("zookeeper.connect", "localhost:2181");
    start.writes("auto.create.topics.enable", "true");
    let environment = &start.service.environment;
    for variable in environment {
        if let Some(name) = variable.name.strip_prefix("KAFKA_CFG_") {
            // What is set and empty has the image's own default, where there is one.
            if !variable.value.is_empty() || start.line(&key(name)).is_none() {
                start.takes(reading, &key(name), &variable.value, variable);
            }
        }
    }
    for variable in environment {
        let Some(name) = variable.name.strip_prefix("KAFKA_") else { continue };
        let old = OLD.iter().find(|(old, _)| *old == name).map(|(_, name)| *name);
        if let Some(name) = old.or(ALIASES.iter().copied().find(|alias| *alias == name)) {
            start.takes(reading, &key(name), &variable.value, variable);
        } else if !name.starts_with("CFG_") && !SCRIPTS.contains(&variable.name.as_str()) {
            not_read(reading, start, variable);
        }
    }
    spoken_among_brokers(start);
}

fn key(name: &str) -> String {
    name.to_lowercase().replace('_', ".")
}

/// K04: a setting without `CFG` that only works with it.
fn not_read(
    reading: &mut Reading<'_>,
    start: &mut Start<'_>,
    variable: &crate::import::compose::Variable,
) {
    let name = variable.name.strip_prefix("KAFKA_").unwrap_or_default();
    start.leaves(reading, variable, "bitnami/kafka reads it with CFG only");
    let what = format!("bitnami/kafka does not read `{}`: it has no effect", variable.name);
    let help = format!("write KAFKA_CFG_{name}");
    start.find(reading, ("K04", Severity::Warning), &variable.span, &what, &help);
}

/// Listeners called INTERNAL or CLIENT say what brokers speak, unless the listener they use is named.
fn spoken_among_brokers(start: &mut Start<'_>) {
    let map = start.line("listener.security.protocol.map").unwrap_or_default().to_owned();
    let protocol = ["CLIENT:", "INTERNAL:"].iter().find_map(|listener| {
        map.split(',').find_map(|item| item.trim().strip_prefix(listener).map(str::to_owned))
    });
    if start.line("inter.broker.listener.name").is_some() {
        start.removes("security.inter.broker.protocol");
    } else if let Some(protocol) = protocol {
        start.writes("security.inter.broker.protocol", &protocol);
    }
}
