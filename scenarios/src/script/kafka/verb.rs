//! The verbs of admins: which keys each needs and may have, and the command they make.
//!
//! | verb | keys |
//! |---|---|
//! | `create-topic` | `topic`, `partitions`, `replication-factor`, `min-insync-replicas`, `replicas`, `config` |
//! | `delete-topic` | `topic` |
//! | `describe-topic` | `topic`; without it all |
//! | `add-partitions` | `topic`, `partitions` (how many there shall be) |
//! | `alter-config` | `topic`, `config` |
//! | `elect-leaders` | `topic` or `partitions` (`["orders-0"]`); without either all; `unclean` |
//! | each of them | `bootstrap` (addresses), `timeout`, `expect-exit` (0 or 1), `prints` (a text or several) |

use broker::id::TopicPartition;
use toml::de::DeValue;

use super::admin::{Admin, Command};
use super::client::{read_bootstrap, within};
use super::reading::{PARTITIONS_MAX, SettingsOf, check_name, plain, read_settings, read_shape};
use crate::script::fields::{Fields, Text};
use crate::script::phrase::{Mention, MentionKind};
use crate::script::problems::Problems;

/// All verbs of admins.
pub const VERBS: [&str; 6] = [
    "create-topic",
    "delete-topic",
    "describe-topic",
    "add-partitions",
    "alter-config",
    "elect-leaders",
];

/// What the admin does in a step with one of these verbs.
pub fn read(
    verb: &str,
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Admin> {
    let bootstrap = match fields.has("bootstrap") {
        true => read_bootstrap(fields, problems)?,
        false => {
            fields.ignore(&["bootstrap"]);
            Vec::new()
        }
    };
    let timeout = fields.duration("timeout", problems).map(|timeout| timeout.value);
    let expect_exit = within(fields, "expect-exit", 0, 255, problems);
    let expect_exit = expect_exit.and_then(|code| i32::try_from(code).ok());
    let prints = read_prints(fields, problems);
    let mut named = Vec::new();
    let command = read_command(verb, fields, &mut named, problems)?;
    // Whoever expects a command to fail may mean a topic that is not there.
    if expect_exit.is_none_or(|code| code == 0) {
        mentions.append(&mut named);
    }
    Some(Admin { command, bootstrap, timeout, expect_exit, prints })
}

fn read_prints(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<String> {
    match fields.value("prints").map(|value| value.get_ref()) {
        None => Vec::new(),
        Some(DeValue::Array(_)) => {
            fields.texts("prints", problems).into_iter().map(|text| text.value).collect()
        }
        Some(_) => fields.text("prints", problems).into_iter().map(|text| text.value).collect(),
    }
}

fn read_command(
    verb: &str,
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Command> {
    let topic = match verb {
        "describe-topic" | "elect-leaders" => fields.text("topic", problems),
        _ => fields.need_text("topic", problems),
    };
    if let Some(topic) = &topic {
        check_name(&topic.value, &topic.span, problems);
    }
    if let Some(Text { value: name, span, .. }) = &topic
        && verb != "create-topic"
    {
        let (name, span) = (name.clone(), span.clone());
        mentions.push(Mention { kind: MentionKind::Topic, name, span });
    }
    let topic = topic.map(|topic| topic.value);
    Some(match verb {
        "create-topic" => {
            // Its shape is read even if it has no name, so that its keys are known.
            let shape = read_shape(topic.clone().unwrap_or_default(), fields, problems);
            topic?;
            Command::CreateTopic(shape?)
        }
        "delete-topic" => Command::DeleteTopic { topic: topic? },
        "describe-topic" => Command::DescribeTopic { topic },
        "add-partitions" => {
            if !fields.has("partitions") {
                fields.missing("partitions", problems).help("how many there shall be");
            }
            let partitions = within(fields, "partitions", 1, PARTITIONS_MAX, problems);
            let partitions = i32::try_from(partitions?).ok()?;
            Command::AddPartitions { topic: topic?, partitions }
        }
        "alter-config" => {
            let Some(config) = fields.value("config") else {
                fields.missing("config", problems);
                return None;
            };
            let config = read_settings(config, "config", SettingsOf::Topic, problems);
            Command::AlterConfig { topic: topic?, config: plain(config) }
        }
        _ => read_election(topic, fields, mentions, problems)?,
    })
}

fn read_election(
    topic: Option<String>,
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Command> {
    let unclean = fields.flag("unclean", problems).unwrap_or(false);
    let written = fields.has("partitions");
    if written && topic.is_some() {
        let span = fields.key_span("partitions");
        let message = "`elect-leaders` is about a `topic` or about `partitions`, not both";
        let report = problems.add("E0403", &span, message);
        report.also(&fields.key_span("topic"), "the other one");
    }
    let mut partitions = Vec::new();
    for Text { value: name, span, .. } in fields.texts("partitions", problems) {
        let Ok(partition) = name.parse::<TopicPartition>() else {
            let report = problems.add("E0117", &span, format!("`{name}` is not a partition"));
            report.help(format!("write the topic, `-` and the number, as in `{name}-0`"));
            continue;
        };
        partitions.push(partition);
        mentions.push(Mention { kind: MentionKind::Partition, name, span });
    }
    let partitions = written.then_some(partitions);
    Some(Command::ElectLeaders { topic, partitions, unclean })
}
