//! Which topics and brokers there are, and whether every name of one in a scenario is known.

use std::collections::BTreeMap;

use broker::config;
use broker::id::TopicPartition;

use super::admin::Command;
use crate::cluster::{Broker, Cluster, Topic};
use crate::script::action::Deed;
use crate::script::problems::{Problems, Span};
use crate::script::selector::is_pattern;
use crate::script::{Names, Script};

/// Checks what is neither a mention nor a matter of one place: brokers for everything that needs them, replicas on
/// brokers that exist, names for the tools of admins.
pub fn check(script: &Script, cluster: &Cluster, names: &Names, problems: &mut Problems) {
    check_settings(script, cluster, problems);
    let ids: Vec<i32> = cluster.brokers.iter().filter_map(Broker::id).collect();
    for topic in &script.ensemble.kafka.topics {
        if !no_brokers(names, &topic.span, problems) {
            check_replicas(&topic.value, &ids, &topic.span, problems);
            check_factor(&topic.value, cluster.brokers.len(), &topic.span, problems);
        }
    }
    for step in &script.steps {
        let Deed::Admin(admin) = &step.action.deed else { continue };
        // Those who create the topics of the cluster are nodes, too.
        let mut topics = cluster.topics.iter();
        let creates = topics.any(|topic| step.id.value == format!("create-{}", topic.name));
        if creates || names.all().contains(&step.id.value) {
            let message = format!("`{}` is the name of a node already", step.id.value);
            let report = problems.add("E0309", &step.id.span, message);
            report.help("the admin tool of a step is a node named after the step");
        }
        let fails = admin.expect_exit.is_some_and(|code| code != 0);
        match &admin.command {
            Command::CreateTopic(topic) if !no_brokers(names, &step.span, problems) && !fails => {
                check_replicas(topic, &ids, &step.span, problems);
            }
            Command::DescribeTopic { topic: None } | Command::ElectLeaders { topic: None, .. } => {
                no_brokers(names, &step.span, problems);
            }
            _ => {}
        }
    }
}

/// Brokers start with the settings of the scenario, and take those of its topics.
fn check_settings(script: &Script, cluster: &Cluster, problems: &mut Problems) {
    let kafka = &script.ensemble.kafka;
    let Some(broker) = cluster.brokers.first() else { return };
    match broker.config(kafka.mechanisms.on(broker.preset.mechanisms())) {
        Ok((settings, _)) => {
            for topic in &kafka.topics {
                // What has another name than all settings was reported where it was read.
                let mut keys = topic.value.config.keys();
                let known = keys.all(|key| config::topic_keys().any(|known| known == key));
                let taken = settings.topic_defaults.with(&topic.value.config);
                if let (true, Err(why)) = (known, taken) {
                    let report = problems.add("E0109", &topic.span, why);
                    report.label("it would not be created");
                }
            }
        }
        Err(error) => {
            let Some(written) = kafka.config.get(&error.key) else { return };
            let report = problems.add("E0109", &written.span, error.to_string());
            report.label(format!("{} would not start", broker.name));
        }
    }
}

/// Replicas that somebody wants to have on brokers must find them.
fn check_replicas(topic: &Topic, ids: &[i32], span: &Span, problems: &mut Problems) {
    let wanted = topic.assignment.values().flatten();
    if let Some(unknown) = wanted.into_iter().find(|id| !ids.contains(id)) {
        let message = format!("topic `{}` has a replica on broker {unknown}", topic.name);
        let report = problems.add("E0317", span, message).label("no broker has this id");
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        report.help(format!("broker ids are {}", ids.join(", ")));
    }
}

/// Kafka refuses to create a topic with more replicas than there are brokers.
fn check_factor(topic: &Topic, brokers: usize, span: &Span, problems: &mut Problems) {
    let wanted = topic.replication_factor;
    if usize::try_from(wanted).is_ok_and(|wanted| wanted > brokers) {
        let message =
            format!("topic `{}` wants {wanted} replicas of {brokers} brokers", topic.name);
        let report = problems.add("E0318", span, message).label("it could not be created");
        report.help("lower `replication-factor`, or create it in a step with `expect-exit = 1`");
    }
}

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
    if config.get("auto.create.topics.enable").is_some_and(|text| text.value == "true") {
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
            let report = problems.add("E0310", span, message).label("unknown partition");
            report.help(match partitions {
                1 => format!("it has one partition: `{topic}-0`"),
                _ => format!("there is `{topic}-0` to `{topic}-{}`", partitions - 1),
            });
        }
        Some(_) => {}
    }
}

/// The topic, if it is known, has this partition.
pub fn check_number(names: &Names, partition: &str, span: &Span, problems: &mut Problems) {
    let topic = partition.rsplit_once('-').map_or("", |(topic, _)| topic);
    if names.topics.contains_key(topic) {
        check_partition(names, partition, span, problems);
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
    let report = problems.add("E0312", span, message).label("not a broker");
    report.suggest(name, names.brokers.iter().map(String::as_str));
}

/// Complains if there are no brokers at all.
fn no_brokers(names: &Names, span: &Span, problems: &mut Problems) -> bool {
    if names.brokers.is_empty() {
        let report = problems.add("E0311", span, "there are no brokers in this cluster");
        report.help("write `brokers = 3` in [cluster]");
    }
    names.brokers.is_empty()
}
