//! `confluentinc/cp-kafka` and `cp-server`: a file of nothing but what the variables say, after a wait for ZooKeeper.
//!
//! `_` becomes `.`, `__` becomes `_`, `___` becomes `-`. Without `KAFKA_LISTENERS` the advertised ports are what is bound.

use super::{Maker, Start};
use crate::import::reading::Reading;

/// `KAFKA_` variables that do not become settings.
const EXCLUDED: [&str; 9] = [
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_JMX_OPTS",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_LOG4J_LOGGERS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_OPTS",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
    "KAFKA_VERSION",
    "KAFKA_ZOOKEEPER_CLIENT_CNXN_SOCKET",
];

/// Keys with which the container exits, and how it calls them.
const REFUSED: [(&str, &str); 4] = [
    ("KAFKA_ADVERTISED_PORT", "advertised.port"),
    ("KAFKA_ADVERTISED_HOST", "advertised.host"),
    ("KAFKA_HOST", "host"),
    ("KAFKA_PORT", "port"),
];

/// Follows the start script.
pub(super) fn stage(reading: &mut Reading<'_>, start: &mut Start<'_>, maker: Maker) {
    let image = start.service.image_span();
    for name in ["KAFKA_ZOOKEEPER_CONNECT", "KAFKA_ADVERTISED_LISTENERS"] {
        if start.asks(name).is_none() {
            let message = format!("{name} is required.");
            start.exits(reading, "K02", &image, &message, &format!("set {name}"));
        }
    }
    for (name, old) in REFUSED {
        if let Some(variable) = start.asks(name) {
            let message =
                format!("{old} is deprecated. Please use KAFKA_ADVERTISED_LISTENERS instead.");
            let help = format!("remove {name}");
            start.exits(reading, "K03", &variable.span, &message, &help);
        }
    }
    for variable in &start.service.environment {
        let Some(name) = variable.name.strip_prefix("KAFKA_") else { continue };
        if !EXCLUDED.contains(&variable.name.as_str()) && !is_the_scripts(&variable.name) {
            start.takes(reading, &key(name), &variable.value, variable);
        }
    }
    let seconds = start.asks("KAFKA_CUB_ZK_TIMEOUT").map_or("40", |variable| &variable.value);
    start.waits_ms = seconds.trim().parse().ok().map(|seconds: u32| u64::from(seconds) * 1000);
    let advertised = start.asks("KAFKA_ADVERTISED_LISTENERS");
    if start.asks("KAFKA_LISTENERS").is_none()
        && let Some(advertised) = advertised
    {
        start.writes("listeners", &everywhere(&advertised.value));
    }
    if start.asks("KAFKA_LOG_DIRS").is_none() {
        start.writes("log.dirs", "/var/lib/kafka/data");
    }
    if maker == Maker::ConfluentServer {
        vendor(reading, start);
    }
}

/// Read by the script alone.
fn is_the_scripts(name: &str) -> bool {
    name.starts_with("KAFKA_CUB_") || name.ends_with("_CREDENTIALS") || name.ends_with("_FILENAME")
}

/// `LOG_DIRS` to `log.dirs`, `A__B` to `a_b`, `A___B` to `a-b`.
pub(super) fn key(name: &str) -> String {
    let name = name.to_lowercase().replace("___", "-");
    name.replace("__", "\u{0}").replace('_', ".").replace('\u{0}', "_")
}

/// The listeners with all hosts replaced by all addresses.
pub(super) fn everywhere(advertised: &str) -> String {
    let bound = |endpoint: &str| {
        let endpoint = endpoint.trim();
        match (endpoint.split_once("://"), endpoint.rsplit_once(':')) {
            (Some((name, _)), Some((_, port))) => format!("{name}://0.0.0.0:{port}"),
            _ => endpoint.to_owned(),
        }
    };
    advertised.split(',').map(bound).collect::<Vec<_>>().join(",")
}

/// The vendor's own settings.
fn vendor(reading: &mut Reading<'_>, start: &mut Start<'_>) {
    for variable in &start.service.environment {
        if let Some(name) = variable.name.strip_prefix("CONFLUENT_") {
            let key = format!("confluent.{}", key(name));
            start.takes(reading, &key, &variable.value, variable);
        }
    }
    if start.version.is_since(2, 6) && start.line("confluent.balancer.enable").is_none() {
        start.writes("confluent.balancer.enable", "true");
    }
}
