//! `lensesio/fast-data-dev` (`landoop/fast-data-dev`): a ZooKeeper and a broker in one container, beside much that is not
//! staged. Staged as two nodes on one host.
//!
//! `KAFKA_X_Y` becomes `x.y` of a file of their own, `ZOOKEEPER_key` becomes `key`; a port of 0 leaves its server out.

use super::{Maker, Start, Version};
use crate::cluster::{Property, Severity, ZooKeeper};
use crate::import::brokers::Member;
use crate::import::compose::Service;
use crate::import::images::{self, Image};
use crate::import::reading::Reading;

/// Read for parts that are not staged.
const OTHERS: [&str; 9] = [
    "KAFKA_REST_",
    "KAFKA_CONNECT_",
    "KAFKA_PORT",
    "CONNECT_",
    "SCHEMA_REGISTRY_",
    "REST_",
    "WEB_",
    "LENSES_",
    "ELASTICSEARCH_",
];

/// What one container runs, as far as it is staged.
pub(in crate::import) fn stage(
    reading: &mut Reading<'_>,
    service: &Service,
    image: &Image,
) -> (Option<ZooKeeper>, Option<Member>) {
    let version = Version::of(image, Maker::FastData);
    super::taken(&version).tell(reading, service, image, super::TAKEN_HELP);
    let mut start = Start::new(service, image, version);
    let zookeeper = zookeeper(reading, &mut start);
    let mut port = |name: &str, default: &str| match start.asks(name) {
        Some(variable) => variable.value.clone(),
        None => default.to_owned(),
    };
    let (client, bound) = (port("ZK_PORT", "2181"), port("BROKER_PORT", "9092"));
    for (key, value) in [
        ("broker.id", "0"),
        ("num.network.threads", "2"),
        ("num.io.threads", "4"),
        ("log.dirs", "/data/kafka/logdir"),
        ("offsets.topic.replication.factor", "1"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("log.retention.hours", "168"),
        ("log.segment.bytes", "104857600"),
        ("group.initial.rebalance.delay.ms", "1000"),
        ("delete.topic.enable", "true"),
    ] {
        start.writes(key, value);
    }
    start.writes("zookeeper.connect", &format!("localhost:{client}"));
    start.writes("listeners", &format!("PLAINTEXT://:{bound}"));
    if let Some(host) = start.asks("ADV_HOST") {
        let advertised = format!("PLAINTEXT://{}:{bound}", host.value);
        start.takes(reading, "advertised.listeners", &advertised, host);
    }
    for variable in &service.environment {
        let name = variable.name.as_str();
        if OTHERS.iter().any(|prefix| name.starts_with(prefix)) {
            start.leaves(reading, variable, "for a part of the image that is not staged");
        } else if let Some(name) = name.strip_prefix("KAFKA_") {
            start.takes(reading, &name.to_lowercase().replace('_', "."), &variable.value, variable);
        }
    }
    let member = start.member(reading, Maker::FastData);
    (zookeeper.filter(|_| client != "0"), Some(member).filter(|_| bound != "0"))
}

/// The ZooKeeper beside the broker.
fn zookeeper(reading: &mut Reading<'_>, start: &mut Start<'_>) -> Option<ZooKeeper> {
    let service = start.service;
    let from = format!("set by the image {}", start.image.text);
    let line = |key: &str, value: &str, from: &str| Property {
        key: key.to_owned(),
        value: value.to_owned(),
        from: from.to_owned(),
    };
    let mut properties = vec![line("dataDir", "/data/zookeeper", &from)];
    match start.asks("ZK_PORT") {
        Some(port) => properties.push(line("clientPort", &port.value, &reading.line(&port.span))),
        None => properties.push(line("clientPort", "2181", &from)),
    }
    for variable in &service.environment {
        if let Some(key) = variable.name.strip_prefix("ZOOKEEPER_") {
            start.asks(&variable.name);
            let key = key.replace('_', ".");
            properties.retain(|property| property.key != key);
            properties.push(line(&key, &variable.value, &reading.line(&variable.span)));
        }
    }
    let version = match start.version.is_since(3, 0) {
        true => images::Version::assumed(3, 6, 3),
        false => images::Version::assumed(3, 5, 8),
    };
    let what = format!(
        "its ZooKeeper is taken for {version}; the mechanisms of {} are run",
        version.preset()
    );
    let help = "say another version in the scenario to run its mechanisms";
    start.find(reading, ("V01", Severity::Information), &service.image_span(), &what, help);
    Some(ZooKeeper {
        name: format!("{}-zookeeper", service.name),
        host: service.name.clone(),
        myid: None,
        properties,
        preset: version.preset(),
        syntax: version.syntax(),
        never_starts: service.fails.clone(),
    })
}
