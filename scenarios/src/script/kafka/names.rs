//! Which topics and brokers there are, and whether every name of one in a scenario is known.

use std::collections::BTreeMap;

use broker::id::TopicPartition;

use super::admin::Command;
use crate::cluster::Cluster;
use crate::script::action::Deed;
use crate::script::problems::{Problems, Span};
use crate::script::selector::is_pattern;
use crate::script::{Names, Script};

/// The topics of a scenario on this cluster, with how many partitions each may come to have; `None` where nobody says.
pub fn topics(script: &Script, cluster: &Cluster) -> BTreeMap<String, Option<i32>> {
    let mut topics = BTreeMap::new();
    let mut grow = |topic: &str, partitions: Option<i32>| {
        let known = topics.entry(topic.to_string()).or_insert(partitions);
        *known = known.zip(partitions).map(|(before, now)| before.max(now));
    };
    for topic in &cluster.topics {
        grow(&topic.name, Some(topic.partitions));
    }
    for step in &script.steps {
        let Deed::Admin(admin) = &step.action.deed else { continue };
        match &admin.command {
            Command::CreateTopic(topic) => grow(&topic.name, Some(topic.partitions)),
            Command::AddPartitions { topic, partitions } => grow(topic, Some(*partitions)),
            _ => {}
        }
    }
    // Kafka creates topics by default when they are used. A slip of the pen is likelier than somebody who relies on
    // that, so it must be said.
    let config = &script.ensemble.kafka.config;
    if config.get("auto.create.topics.enable").is_some_and(|value| value == "true") {
        for topic in script.clients.iter().filter_map(|client| client.work.topic()) {
            if !topics.contains_key(topic) {
                topics.insert(topic.to_string(), None);
            }
        }
    }
    topics
}

/// The topic exists, sooner or later.
pub fn check_topic(names: &Names, topic: &str, span: &Span, problems: &mut Problems) {
    if names.topics.contains_key(topic) || no_brokers(names, span, problems) {
        return;
    }
    let report = problems.add("E0307", span, format!("no topic `{topic}` in this scenario"));
    report.label("unknown topic").suggest(topic, names.topics.keys().map(String::as_str));
}

/// The partition exists, sooner or later.
pub fn check_partition(names: &Names, partition: &str, span: &Span, problems: &mut Problems) {
    let Ok(TopicPartition { topic, partition }) = partition.parse() else { return };
    match names.topics.get(&*topic) {
        None => check_topic(names, &topic, span, problems),
        Some(Some(partitions)) if *partitions <= partition => {
            let message = format!("topic `{topic}` has no partition {partition}");
            let report = problems.add("E0307", span, message).label("unknown partition");
            report.help(match partitions {
                1 => format!("it has one partition: `{topic}-0`"),
                _ => format!("there is `{topic}-0` to `{topic}-{}`", partitions - 1),
            });
        }
        Some(_) => {}
    }
}

/// It is a broker, or a pattern that fits some and nothing else.
pub fn check_broker(names: &Names, name: &str, span: &Span, problems: &mut Problems) {
    let nodes = names.nodes(name);
    if !nodes.is_empty() && nodes.iter().all(|node| names.brokers.contains(node)) {
        return;
    }
    if no_brokers(names, span, problems) {
        return;
    }
    let message = match (nodes.is_empty(), is_pattern(name)) {
        (true, true) => format!("no broker fits `{name}`"),
        (true, false) => format!("no broker `{name}` in this scenario"),
        (false, _) => format!("`{name}` is not a broker"),
    };
    let report = problems.add("E0301", span, message).label("not a broker");
    report.suggest(name, names.brokers.iter().map(String::as_str));
}

/// Complains if there are no brokers at all.
fn no_brokers(names: &Names, span: &Span, problems: &mut Problems) -> bool {
    if names.brokers.is_empty() {
        let report = problems.add("E0307", span, "there are no brokers in this cluster");
        report.help("write `brokers = 3` in [cluster]");
    }
    names.brokers.is_empty()
}
