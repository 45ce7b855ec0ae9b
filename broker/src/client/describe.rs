//! What `kafka-topics --describe` prints, in the words and blanks of Kafka 2.3 and 2.5. Where the facts come from is not
//! known here.

use std::fmt::Write as _;

use crate::id::BrokerId;
use crate::mechanism::Preset;

/// A topic as it is described.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its name.
    pub topic: String,
    /// Settings that are not defaults, in the order in which they are printed.
    pub configs: Vec<(String, String)>,
    /// Its partitions, ascending.
    pub partitions: Vec<PartitionDescription>,
}

/// A partition as it is described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionDescription {
    /// Its number.
    pub partition: i32,
    /// Its leader; `none` is printed without one.
    pub leader: Option<BrokerId>,
    /// Assigned brokers, the preferred one first.
    pub replicas: Vec<BrokerId>,
    /// In-sync brokers, as the state has them.
    pub isr: Vec<BrokerId>,
}

/// The text about these topics. 2.5 has a blank after the colons of a topic's line, 2.3 has none.
pub fn topics(preset: Preset, topics: &[TopicDescription]) -> String {
    let mut text = String::new();
    for topic in topics {
        let configs: Vec<String> =
            topic.configs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let blank = match preset {
            Preset::V2_3 => "",
            Preset::V2_5 | Preset::Fixed => " ",
        };
        let replication_factor = topic.partitions.first().map_or(0, |first| first.replicas.len());
        writeln!(
            text,
            "Topic:{blank}{}\tPartitionCount:{blank}{}\tReplicationFactor:{blank}{}\tConfigs:{blank}{}",
            topic.topic,
            topic.partitions.len(),
            replication_factor,
            configs.join(","),
        )
        .expect("writing to a string cannot fail");
        for partition in &topic.partitions {
            let leader = partition.leader.filter(|leader| leader.0 >= 0);
            let leader = leader.map_or_else(|| "none".into(), |leader| leader.to_string());
            writeln!(
                text,
                "\tTopic: {}\tPartition: {}\tLeader: {leader}\tReplicas: {}\tIsr: {}",
                topic.topic,
                partition.partition,
                ids(&partition.replicas),
                ids(&partition.isr),
            )
            .expect("writing to a string cannot fail");
        }
    }
    text
}

fn ids(brokers: &[BrokerId]) -> String {
    let ids: Vec<String> = brokers.iter().map(ToString::to_string).collect();
    ids.join(",")
}
