//! `KAFKA_CREATE_TOPICS`: the topics a container tries to create, once, by itself.

use std::collections::BTreeMap;

use crate::cluster::{Severity, Topic};
use crate::import::compose::Variable;
use crate::import::images::kafka::Start;
use crate::import::reading::Reading;

/// A topic that a container tries to create.
#[derive(Clone, Debug)]
pub(in crate::import) struct Wish {
    /// The topic.
    pub topic: Topic,
    /// `file:line:column`.
    pub at: String,
    /// The port a listener must be on before it tries; `None` if it does not look.
    pub waits_for: Option<String>,
}

/// Reads `name:partitions:replicas[:cleanup.policy]`, several of them between separators.
pub(super) fn wishes(
    reading: &mut Reading<'_>,
    start: &mut Start<'_>,
    variable: &Variable,
    separator: &str,
    waits_for: Option<String>,
) {
    let at = reading.at(&variable.span);
    let is_separator = |letter: char| separator.contains(letter);
    for item in variable.value.split(is_separator).map(str::trim).filter(|item| !item.is_empty()) {
        let mut parts = item.split(':').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let partitions = parts.next().and_then(|number| number.parse().ok());
        let replicas = parts.next().and_then(|number| number.parse().ok());
        let policy = parts.next().filter(|policy| !policy.is_empty());
        let (Some(partitions), Some(replication_factor)) = (partitions, replicas) else {
            let what = format!("`{item}` is no topic: kafka-topics.sh refuses it");
            let help = "write name:partitions:replicas, as `orders:3:2`";
            start.find(reading, ("K20", Severity::Warning), &variable.span, &what, help);
            continue;
        };
        let policy = policy.map(|policy| ("cleanup.policy".to_owned(), policy.to_owned()));
        let topic = Topic {
            name: name.to_owned(),
            partitions,
            replication_factor,
            assignment: BTreeMap::new(),
            config: policy.into_iter().collect(),
        };
        start.topics.push(Wish { topic, at: at.clone(), waits_for: waits_for.clone() });
    }
}
