//! `debezium/kafka` with ZooKeeper: the start script patches the file Kafka ships, and sets three things by itself.
//!
//! The number comes from `BROKER_ID` (later `NODE_ID`) and is 1 otherwise; `KAFKA_BROKER_ID`, `KAFKA_LOG_DIRS` and
//! `KAFKA_ZOOKEEPER_CONNECT` are overwritten. Where nothing is said, the container's address is bound and advertised: here its
//! service's name stands for it.

use super::start::JAVA;
use super::{Start, stock, topics};
use crate::cluster::Severity;
use crate::import::compose::Variable;
use crate::import::reading::Reading;

/// What the script writes itself.
const OVERWRITTEN: [&str; 4] =
    ["KAFKA_BROKER_ID", "KAFKA_LOG_DIRS", "KAFKA_NODE_ID", "KAFKA_ZOOKEEPER_CONNECT"];

/// `KAFKA_` variables that do not become settings.
const EXCLUDED: [&str; 8] = [
    "KAFKA_ADVERTISED_HOST_NAME",
    "KAFKA_ADVERTISED_PORT",
    "KAFKA_HOME",
    "KAFKA_HOST_NAME",
    "KAFKA_JMX_OPTS",
    "KAFKA_LOG4J_OPTS",
    "KAFKA_PORT",
    "KAFKA_VERSION",
];

/// Follows the start script.
pub(super) fn stage(reading: &mut Reading<'_>, start: &mut Start<'_>) {
    for (key, value) in stock::lines(&start.version) {
        start.ships(key, value);
    }
    for variable in &start.service.environment {
        let Some(name) = variable.name.strip_prefix("KAFKA_") else { continue };
        if OVERWRITTEN.contains(&variable.name.as_str()) {
            start.leaves(reading, variable, "debezium/kafka overwrites it");
            let what = format!("debezium/kafka overwrites `{}`: it has no effect", variable.name);
            let instead = variable.name.trim_start_matches("KAFKA_");
            let help = match instead {
                "LOG_DIRS" => "its logs are in /kafka/data/ID".to_owned(),
                instead => format!("write {instead}"),
            };
            start.find(reading, ("K18", Severity::Warning), &variable.span, &what, &help);
        } else if !EXCLUDED.contains(&variable.name.as_str()) {
            start.takes(reading, &name.to_lowercase().replace('_', "."), &variable.value, variable);
        }
    }
    let id = first(start, &["NODE_ID", "BROKER_ID"]);
    let number = id.map_or("1", |variable| &variable.value).to_owned();
    take_or(reading, start, "broker.id", id, "1");
    start.writes("log.dirs", &format!("/kafka/data/{number}"));
    connect(reading, start);
    addresses(reading, start);
    if let Some(variable) = start.asks("CREATE_TOPICS") {
        topics::wishes(reading, start, variable, ",", Some("9092".to_owned()));
    }
    for name in ["HEAP_OPTS", "JMXHOST", "JMXPORT", "JMXAUTH", "JMXSSL", "LOG_LEVEL"] {
        if let Some(variable) = start.asks(name) {
            start.leaves(reading, variable, JAVA);
        }
    }
}

fn first<'s>(start: &mut Start<'s>, names: &[&str]) -> Option<&'s Variable> {
    names.iter().filter_map(|name| start.asks(name)).next()
}

fn take_or(
    reading: &mut Reading<'_>,
    start: &mut Start<'_>,
    key: &str,
    variable: Option<&Variable>,
    default: &str,
) {
    match variable {
        Some(variable) => start.takes(reading, key, &variable.value, variable),
        None => start.writes(key, default),
    }
}

/// Older scripts insist on a ZooKeeper, later ones look where nobody is.
fn connect(reading: &mut Reading<'_>, start: &mut Start<'_>) {
    let connect = start.asks("ZOOKEEPER_CONNECT");
    if connect.is_none() && !start.version.is_since(2, 8) {
        let message = "The ZOOKEEPER_CONNECT variable must be set, or the container must be linked \
                       to one that runs Zookeeper.";
        let image = start.service.image_span();
        return start.exits(reading, "K02", &image, message, "set ZOOKEEPER_CONNECT");
    }
    take_or(reading, start, "zookeeper.connect", connect, "0.0.0.0:2181");
}

/// Listeners, from whatever is said of them.
fn addresses(reading: &mut Reading<'_>, start: &mut Start<'_>) {
    let own = start.service.name.clone();
    let value = |variable: Option<&Variable>| variable.map(|variable| variable.value.clone());
    let bound = value(first(start, &["KAFKA_HOST_NAME", "HOST_NAME"])).unwrap_or(own);
    let port = value(first(start, &["KAFKA_PORT", "PORT"])).unwrap_or("9092".to_owned());
    let host = first(start, &["KAFKA_ADVERTISED_HOST_NAME", "ADVERTISED_HOST_NAME"]);
    let outer = first(start, &["KAFKA_ADVERTISED_PORT", "ADVERTISED_PORT"]);
    if start.line("listeners").is_none() {
        start.writes("listeners", &format!("PLAINTEXT://{bound}:{port}"));
    }
    if start.line("advertised.listeners").is_some() {
        return;
    }
    let place = host.or(outer);
    let host = value(host).unwrap_or(bound);
    let advertised = format!("PLAINTEXT://{host}:{}", value(outer).unwrap_or("9092".to_owned()));
    match place {
        Some(variable) => start.takes(reading, "advertised.listeners", &advertised, variable),
        None => start.writes("advertised.listeners", &advertised),
    }
}
