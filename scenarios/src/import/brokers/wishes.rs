//! K20: which of the topics that containers try to create will be there.

use broker::config::Config;

use super::{Brokers, Member};
use crate::cluster::{Severity, Topic};
use crate::import::images::kafka::Wish;
use crate::import::reading::Reading;

/// The topics that will be there.
pub(super) fn topics(reading: &mut Reading<'_>, all: &Brokers<'_>) -> Vec<Topic> {
    let mut topics: Vec<Topic> = Vec::new();
    for (index, member) in all.members.iter().enumerate() {
        let brokers = all.with(index).count();
        for wish in &member.topics {
            let name = &wish.topic.name;
            if let Some((why, help)) = why_not(member, all.configs[index].as_ref(), wish, brokers) {
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
fn why_not(
    member: &Member,
    config: Option<&Config>,
    wish: &Wish,
    brokers: usize,
) -> Option<(String, &'static str)> {
    let replicas = usize::try_from(wish.topic.replication_factor).unwrap_or_default();
    let name = &member.broker.name;
    let Some(config) = config else {
        return Some((format!("{name} never starts"), "see why it does not"));
    };
    let listens = |port: &str| config.listeners.iter().any(|one| one.port.to_string() == port);
    if let Some(port) = wish.waits_for.as_ref().filter(|port| !listens(port)) {
        let why = format!("{name} waits for a listener on port {port}, and has none there");
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
