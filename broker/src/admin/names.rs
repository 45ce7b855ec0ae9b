//! What topics may be called (`org.apache.kafka.common.internals.Topic`).

use std::sync::Arc;

/// The longest name, so that a directory's name can hold it with the partition's number.
const LENGTH_MAX: usize = 249;

/// Why a topic cannot have this name, in Kafka's words; `None` if it can.
pub fn name_problem(topic: &str) -> Option<Arc<str>> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if topic.is_empty() {
        Some("Topic name is illegal, it can't be empty".into())
    } else if topic == "." || topic == ".." {
        Some("Topic name cannot be \".\" or \"..\"".into())
    } else if topic.len() > LENGTH_MAX {
        let why = "Topic name is illegal, it can't be longer than";
        Some(format!("{why} {LENGTH_MAX} characters, topic name: {topic}").into())
    } else if !topic.bytes().all(legal) {
        let why = "it contains a character other than ASCII alphanumerics, '.', '_' and '-'";
        Some(format!("Topic name \"{topic}\" is illegal, {why}").into())
    } else {
        None
    }
}

/// Whether its metrics could have the name of another topic's.
pub(super) fn may_collide(topic: &str) -> bool {
    topic.contains(['.', '_'])
}

/// Whether the metrics of both have one name, where `.` becomes `_`.
pub(super) fn collide(one: &str, other: &str) -> bool {
    one.replace('.', "_") == other.replace('.', "_")
}

/// Whether it is one of Kafka's own.
pub(super) fn is_internal(topic: &str) -> bool {
    matches!(topic, "__consumer_offsets" | "__transaction_state")
}
