//! `wurstmeister/kafka`: the start script patches the file Kafka ships, in a fixed order of decisions.
//!
//! Each `KAFKA_X_Y` becomes `x.y`. Advertised listeners without listeners make it exit: that is the usual reason why nothing
//! runs.

use super::{Start, stock, topics};
use crate::cluster::Severity;
use crate::import::reading::Reading;

/// `KAFKA_` variables that do not become settings.
const EXCLUDED: [&str; 12] = [
    "KAFKA_CREATE_TOPICS",
    "KAFKA_CREATE_TOPICS_SEPARATOR",
    "KAFKA_DEBUG",
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_HEAP_OPTS",
    "KAFKA_HOME",
    "KAFKA_JMX_OPTS",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_LOG",
    "KAFKA_OPTS",
    "KAFKA_ZOOKEEPER_CONNECT",
    "KAFKA_VERSION",
];

/// Follows the start script.
pub(super) fn stage(reading: &mut Reading<'_>, start: &mut Start<'_>) {
    for (key, value) in stock::lines(&start.version) {
        start.ships(key, value);
    }
    let image = start.service.image_span();
    match start.asks("KAFKA_ZOOKEEPER_CONNECT") {
        Some(variable) => start.takes(reading, "zookeeper.connect", &variable.value, variable),
        None => {
            let message = "ERROR: missing mandatory config: KAFKA_ZOOKEEPER_CONNECT";
            start.exits(reading, "K02", &image, message, "set KAFKA_ZOOKEEPER_CONNECT");
        }
    }
    let port = start.asks("KAFKA_PORT").map_or("9092".to_owned(), |port| port.value.clone());
    start.writes("port", &port);
    wishes(reading, start, &port);
    published_port(reading, start, &port);
    number(reading, start);
    folder(start);
    let stand_ins = commands(reading, start, &port);
    address(reading, start, &stand_ins);
    for variable in &start.service.environment {
        let Some(name) = variable.name.strip_prefix("KAFKA_") else { continue };
        if EXCLUDED.contains(&variable.name.as_str()) {
            continue;
        }
        let mut value = variable.value.clone();
        for (pattern, stand_in) in &stand_ins {
            value = value.replace(pattern, stand_in);
        }
        start.takes(reading, &name.to_lowercase().replace('_', "."), &value, variable);
    }
}

/// `KAFKA_CREATE_TOPICS` waits in the background for a listener on `KAFKA_PORT`.
fn wishes(reading: &mut Reading<'_>, start: &mut Start<'_>, port: &str) {
    let separator = start.asks("KAFKA_CREATE_TOPICS_SEPARATOR").map(|one| one.value.clone());
    let separator = separator.unwrap_or_else(|| ",".to_owned());
    if let Some(variable) = start.asks("KAFKA_CREATE_TOPICS") {
        topics::wishes(reading, start, variable, &separator, Some(port.to_owned()));
    }
}

/// Without any listener variable, and with Docker's socket mounted, the advertised port is the machine's.
fn published_port(reading: &mut Reading<'_>, start: &mut Start<'_>, port: &str) {
    let said = ["KAFKA_ADVERTISED_PORT", "KAFKA_LISTENERS", "KAFKA_ADVERTISED_LISTENERS"];
    let socket = "/var/run/docker.sock";
    let mount = start.service.mounts.iter().find(|mount| mount.target == socket);
    let Some(mount) = mount.filter(|_| said.iter().all(|name| start.service.set(name).is_none()))
    else {
        return;
    };
    match start.published(port).map(str::to_owned) {
        Some(published) => start.writes("advertised.port", &published),
        None => {
            let what = format!(
                "it advertises the port Docker publishes for {port}, and the file does not say \
                 which: taken for {port}"
            );
            let help = format!("publish a fixed one: `\"{port}:{port}\"`");
            start.find(reading, ("K08", Severity::Warning), &mount.span, &what, &help);
            start.writes("advertised.port", port);
        }
    }
}

/// `broker.id` is -1, a number of the cluster's own, unless somebody says one.
fn number(reading: &mut Reading<'_>, start: &mut Start<'_>) {
    let command = start.asks("BROKER_ID_COMMAND");
    if start.asks("KAFKA_BROKER_ID").is_some() {
        return;
    }
    if let Some(command) = command {
        let what = "BROKER_ID_COMMAND cannot be run here: the cluster gives the number";
        let help = "set KAFKA_BROKER_ID to rehearse with the number you have";
        start.find(reading, ("K11", Severity::Warning), &command.span, what, help);
    }
    start.writes("broker.id", "-1");
}

fn folder(start: &mut Start<'_>) {
    if start.asks("KAFKA_LOG_DIRS").is_none() {
        let hostname = start.service.hostname.as_ref().map(|name| name.value.as_str());
        let folder = format!("/kafka/kafka-logs-{}", hostname.unwrap_or("$HOSTNAME"));
        start.writes("log.dirs", &folder);
    }
}

/// What commands would say that nobody can run here, by the words they stand in for.
fn commands(
    reading: &mut Reading<'_>,
    start: &mut Start<'_>,
    port: &str,
) -> Vec<(&'static str, String)> {
    let name = start.service.name.clone();
    let published = start.published(port).unwrap_or(port).to_owned();
    let mut stand_ins = Vec::new();
    for (command, pattern, stand_in) in [
        ("HOSTNAME_COMMAND", "_{HOSTNAME_COMMAND}", name),
        ("PORT_COMMAND", "_{PORT_COMMAND}", published),
    ] {
        let Some(variable) = start.asks(command) else { continue };
        let what = format!("{command} cannot be run here: `{stand_in}` stands in for its answer");
        let help = "write the address itself to rehearse with it";
        start.find(reading, ("Y06", Severity::Warning), &variable.span, &what, help);
        stand_ins.push((pattern, stand_in));
    }
    if let Some(variable) = start.asks("RACK_COMMAND") {
        let what = "RACK_COMMAND cannot be run here: the broker has no rack";
        let help = "set KAFKA_BROKER_RACK to rehearse with the rack";
        start.find(reading, ("Y06", Severity::Warning), &variable.span, what, help);
    }
    stand_ins
}

/// The script wants an address, and knows one wrong way to give it.
fn address(reading: &mut Reading<'_>, start: &mut Start<'_>, stand_ins: &[(&'static str, String)]) {
    let given = ["KAFKA_ADVERTISED_HOST_NAME", "KAFKA_LISTENERS"];
    if given.iter().any(|name| start.service.set(name).is_some()) {
        return;
    }
    if let Some(advertised) = start.service.set("KAFKA_ADVERTISED_LISTENERS") {
        let message = "ERROR: Missing environment variable KAFKA_LISTENERS. Must be specified when \
                       using KAFKA_ADVERTISED_LISTENERS";
        let help = "add KAFKA_LISTENERS, what the broker binds: `PLAINTEXT://:9092`";
        return start.exits(reading, "K01", &advertised.span, message, help);
    }
    match stand_ins.iter().find(|(pattern, _)| *pattern == "_{HOSTNAME_COMMAND}") {
        Some((_, stand_in)) => start.writes("advertised.host.name", &stand_in.clone()),
        None => {
            let message =
                "ERROR: No listener or advertised hostname configuration provided in environment.";
            let help = "set KAFKA_LISTENERS and KAFKA_ADVERTISED_LISTENERS";
            let image = start.service.image_span();
            start.exits(reading, "K02", &image, message, help);
        }
    }
}
