//! The Kafka half of `[cluster]` as scenarios write it.

use std::collections::BTreeMap;

use broker::config;
use broker::mechanism::Preset;
use toml::de::DeValue;

use super::client::within;
use super::{Kafka, overrides};
use crate::cluster::Topic;
use crate::script::fields::{self, Fields, Value};
use crate::script::problems::{Located, Problems, Span};

/// As many partitions as one topic may have here; real clusters stop earlier.
pub(super) const PARTITIONS_MAX: u64 = 10_000;
/// As many replicas as a partition may be asked to have.
const REPLICAS_MAX: u64 = 999;

/// Reads what `[cluster]` says of Kafka.
pub fn read(cluster: &mut Fields<'_>, problems: &mut Problems) -> Option<Kafka> {
    let brokers = cluster.number("brokers", problems).unwrap_or(0);
    if brokers > 99 {
        problems.add("E0105", &cluster.value_span("brokers"), "a cluster has at most 99 brokers");
    }
    if brokers > 0 && cluster.has("from") {
        let span = cluster.key_span("brokers");
        let report = problems.add("E0403", &span, "[cluster] has `brokers` or `from`, not both");
        report.also(&cluster.key_span("from"), "the other one");
    }
    let keys = ["kafka", "kafka-config", "kafka-mechanisms", "topics"];
    if brokers == 0 && !cluster.has("from") {
        cluster.ignore(&keys);
        let Some(key) = keys.into_iter().find(|key| cluster.has(key)) else {
            return Some(Kafka::default());
        };
        let message = format!("[cluster] has `{key}` and no brokers");
        problems.add("E0311", &cluster.key_span(key), message).help("write `brokers = 3`");
        return None;
    }
    let version = cluster.text("kafka", problems).and_then(|version| {
        let preset = Preset::named(&version.value);
        if preset.is_none() {
            let message = format!("version {} of Kafka is not modelled", version.value);
            let names = Preset::ALL.map(|preset| format!("`{}`", preset.name())).join(", ");
            problems.add("E0107", &version.span, message).help(format!("there is {names}"));
        }
        preset
    });
    let config = cluster.value("kafka-config");
    let config =
        config.map(|value| read_settings(value, "kafka-config", SettingsOf::Broker, problems));
    let mechanisms = cluster.value("kafka-mechanisms");
    let mechanisms = mechanisms.and_then(|value| overrides::read(value, problems));
    let written = cluster.list("topics", problems);
    let count = written.len();
    let topics = written.into_iter();
    let topics: Vec<_> = topics.filter_map(|value| read_topic(value, problems)).collect();
    for (index, topic) in topics.iter().enumerate() {
        let mut before = topics[..index].iter();
        if let Some(first) = before.find(|before| before.value.name == topic.value.name) {
            let message = format!("there is a topic `{}` already", topic.value.name);
            let report = problems.add("E0309", &topic.span, message);
            report.label("the second of that name").also(&first.span, "the first");
        }
    }
    // A topic that could not be read would make every name of it unknown.
    (topics.len() == count).then(|| Kafka {
        brokers,
        version,
        config: config.unwrap_or_default(),
        mechanisms: mechanisms.unwrap_or_default(),
        topics,
    })
}

fn read_topic(value: Value<'_>, problems: &mut Problems) -> Option<Located<Topic>> {
    let mut fields = Fields::at(value, "a topic", problems)?;
    let name = fields.need_text("name", problems);
    let topic = name.and_then(|name| {
        check_name(&name.value, &name.span, problems);
        let topic = read_shape(name.value, &mut fields, problems)?;
        Some(Located { value: topic, span: name.span })
    });
    fields.finish(problems);
    topic
}

/// `partitions`, `replication-factor`, `min-insync-replicas`, `replicas`, `config`: a topic but for its name.
pub fn read_shape(name: String, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Topic> {
    let partitions = within(fields, "partitions", 1, PARTITIONS_MAX, problems);
    let factor = within(fields, "replication-factor", 1, REPLICAS_MAX, problems);
    let min_insync = within(fields, "min-insync-replicas", 1, REPLICAS_MAX, problems);
    let config = fields.value("config");
    let config = config.map(|value| read_settings(value, "config", SettingsOf::Topic, problems));
    let mut config = plain(config.unwrap_or_default());
    let assignment = read_replicas(fields, problems)?;
    let first = assignment.values().next().map_or(1, Vec::len) as u64;
    let partitions = agree(partitions, assignment.len() as u64, "partitions", fields, problems);
    let factor = agree(
        factor,
        if assignment.is_empty() { 0 } else { first },
        "replication-factor",
        fields,
        problems,
    );
    if let Some(min_insync) = min_insync
        && let Some(before) = config.insert(MIN_INSYNC.to_string(), min_insync.to_string())
    {
        let span = fields.key_span("min-insync-replicas");
        let message = format!("`config` says that `{MIN_INSYNC}` is {before} already");
        let report = problems.add("E0408", &span, message);
        report.also(&fields.key_span("config"), "in here");
    }
    let needed = config.get(MIN_INSYNC).and_then(|value| value.parse().ok()).unwrap_or(1);
    if needed > factor {
        let key = if min_insync.is_some() { "min-insync-replicas" } else { "config" };
        let message =
            format!("{needed} in-sync replicas of {factor}: nobody could write with acks=all");
        let report = problems.add("E0308", &fields.value_span(key), message);
        let replicas = ["replication-factor", "replicas"].into_iter().find(|key| fields.has(key));
        let report = match replicas {
            Some(key) => report.also(&fields.value_span(key), "the replicas"),
            None => report,
        };
        report
            .label("more than there are replicas")
            .help("raise `replication-factor`, or lower this");
    }
    Some(Topic {
        name,
        partitions: i32::try_from(partitions).ok()?,
        replication_factor: i16::try_from(factor).ok()?,
        assignment,
        config,
    })
}

/// The setting of a topic without which acks=all means little.
const MIN_INSYNC: &str = "min.insync.replicas";

/// What is written, or what `replicas` says; they must not differ.
fn agree(
    written: Option<u64>,
    assigned: u64,
    key: &'static str,
    fields: &Fields<'_>,
    problems: &mut Problems,
) -> u64 {
    if let Some(written) = written
        && assigned > 0
        && written != assigned
    {
        let message = format!("`{key}` is {written}, and `replicas` has {assigned}");
        let report = problems.add("E0408", &fields.value_span(key), message);
        report.also(&fields.value_span("replicas"), "this says otherwise").help("leave it out");
    }
    written.unwrap_or(assigned.max(1))
}

/// `replicas = [[1, 2, 3], [2, 3, 1]]`: broker ids by partition.
fn read_replicas(
    fields: &mut Fields<'_>,
    problems: &mut Problems,
) -> Option<BTreeMap<i32, Vec<i32>>> {
    let mut assignment = BTreeMap::new();
    for (partition, value) in (0..).zip(fields.list("replicas", problems)) {
        let mut replicas = Vec::new();
        for id in fields::list(value, "the replicas of each partition", problems) {
            let id = fields::number(id, "a broker id", problems)?;
            replicas.push(i32::try_from(id).ok()?);
        }
        let mut distinct = replicas.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let as_before =
            assignment.values().next().is_none_or(|one: &Vec<i32>| one.len() == replicas.len());
        let message = match () {
            () if replicas.is_empty() => "a partition needs at least one replica",
            () if distinct.len() < replicas.len() => {
                "a broker has at most one replica of a partition"
            }
            () if !as_before => {
                "all partitions of a topic have as many replicas when it is created"
            }
            () => {
                assignment.insert(partition, replicas);
                continue;
            }
        };
        problems.add("E0115", &value.span(), message);
        return None;
    }
    Some(assignment)
}

/// What Kafka takes for the name of a topic (`Topic.validate`).
pub fn check_name(name: &str, span: &Span, problems: &mut Problems) {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if name.is_empty() || matches!(name, "." | "..") || name.len() > 249 || !name.chars().all(legal)
    {
        let report = problems.add("E0305", span, format!("`{name}` cannot be the name of a topic"));
        report.help("a topic has at most 249 letters, digits, `.`, `_` and `-`");
    }
}

/// Whose settings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SettingsOf {
    /// A broker: `server.properties`.
    Broker,
    /// A topic.
    Topic,
}

impl SettingsOf {
    /// Complains about a name that Kafka does not know.
    fn check(self, name: &str, span: &Span, problems: &mut Problems) {
        let (what, names): (_, Vec<_>) = match self {
            Self::Broker if config::is_broker_key(name) => return,
            Self::Broker => ("brokers", config::broker_keys().collect()),
            Self::Topic => ("topics", config::topic_keys().collect()),
        };
        if !names.contains(&name) {
            let message = format!("{what} have no setting `{name}`");
            let report = problems.add("E0108", span, message).label("unknown setting");
            report.suggest(name, names);
        }
    }
}

/// A table of settings. TOML takes `min.insync.replicas` for tables in tables: its keys are put together again.
pub fn read_settings(
    value: Value<'_>,
    what: &str,
    of: SettingsOf,
    problems: &mut Problems,
) -> BTreeMap<String, Located<String>> {
    let mut settings = BTreeMap::new();
    if let Some(fields) = Fields::at(value, &format!("`{what}`"), problems) {
        read_level("", &fields, of, &mut settings, problems);
    }
    settings
}

/// Settings without their places.
pub fn plain(settings: BTreeMap<String, Located<String>>) -> BTreeMap<String, String> {
    settings.into_iter().map(|(key, text)| (key, text.value)).collect()
}

fn read_level(
    before: &str,
    fields: &Fields<'_>,
    of: SettingsOf,
    settings: &mut BTreeMap<String, Located<String>>,
    problems: &mut Problems,
) {
    for (key, value) in fields.entries() {
        let name = format!("{before}{}", key.value);
        let what = format!("`{name}`");
        let text = match value.get_ref() {
            DeValue::Table(_) => {
                if let Some(inner) = Fields::at(value, &what, problems) {
                    read_level(&format!("{name}."), &inner, of, settings, problems);
                }
                continue;
            }
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix())
                .map(|number| number.to_string())
                .ok(),
            DeValue::Boolean(flag) => Some(flag.to_string()),
            _ => fields::text(value, &what, problems).map(|text| text.value),
        };
        of.check(&name, &key.span, problems);
        if let Some(value) = text {
            settings.insert(name, Located { value, span: key.span });
        }
    }
}
