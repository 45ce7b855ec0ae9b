//! K20: which of the topics that containers try to create will be there.

use super::Member;
use super::namespaces::Namespace;
use crate::cluster::{Severity, Topic};
use crate::import::images::kafka::Wish;
use crate::import::reading::Reading;

/// The topics that will be there.
pub(super) fn topics(
    reading: &mut Reading<'_>,
    members: &[Member],
    all: &[Namespace],
) -> Vec<Topic> {
    let mut topics: Vec<Topic> = Vec::new();
    for (member, namespace) in members.iter().zip(all) {
        let there = all.iter().zip(members).filter(|(other, member)| {
            other.may_be(namespace) && member.broker.never_starts.is_none()
        });
        let brokers = there.count();
        for wish in &member.topics {
            let name = &wish.topic.name;
            if let Some((why, help)) = why_not(member, wish, brokers) {
                let what = format!("topic `{name}` is not created: {why}");
                reading.find(("K20", Severity::Warning), wish.at.clone(), "", what, help);
            } else if topics.iter().all(|topic| topic.name != *name) {
                topics.push(wish.topic.clone());
            }
        }
    }
    topics
}

/// Why a container's one attempt fails.
fn why_not(member: &Member, wish: &Wish, brokers: usize) -> Option<(String, &'static str)> {
    let replicas = usize::try_from(wish.topic.replication_factor).unwrap_or_default();
    let name = &member.broker.name;
    if member.broker.never_starts.is_some() {
        Some((format!("{name} never starts"), "see why it does not"))
    } else if let Some(port) = wish.waits_for.as_ref().filter(|port| !listens(member, port)) {
        let why = format!("{name} waits for a listener on KAFKA_PORT, {port}, and has none there");
        Some((why, "bind that port, or set KAFKA_PORT to one that is bound"))
    } else if member.version.is_since(3, 0) {
        let why = format!("kafka-topics.sh of Kafka {} has no --zookeeper", member.version);
        Some((why, "create it with kafka-topics.sh --bootstrap-server"))
    } else if replicas > brokers {
        let why = format!("{replicas} replicas are more than there are brokers ({brokers})");
        Some((why, "ask for fewer replicas, or add brokers"))
    } else {
        None
    }
}

/// Whether the broker binds this port.
fn listens(member: &Member, port: &str) -> bool {
    let mechanisms = member.broker.preset.mechanisms();
    member.broker.config(mechanisms).is_ok_and(|(config, _)| {
        config.listeners.iter().any(|listener| listener.port.to_string() == port)
    })
}
