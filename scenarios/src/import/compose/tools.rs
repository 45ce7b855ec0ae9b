//! Containers made of a server's image that run something else: tools that create topics and exit, shells that wait.
//!
//! The topics they create are staged; options their version does not have are said. Shell scripts are not run: a command is
//! read word by word, and one with variables in it is left alone.

use std::collections::BTreeMap;

use super::Service;
use crate::cluster::{Severity, Topic};
use crate::import::images::kafka::{Maker, Version};
use crate::import::images::{Family, Image};
use crate::import::reading::Reading;
use crate::import::yaml::Node;

/// Words by which the start of a server shows in a command.
const SERVERS: [&str; 8] = [
    "docker/run",
    "entrypoint.sh",
    "kafka-server-start",
    "kafka/run.sh",
    "start-kafka",
    "start-zk",
    "zkServer.sh",
    "zookeeper/run.sh",
];

/// Words by which other programs show.
const OTHERS: [&str; 18] = [
    "connect-distributed",
    "connect-standalone",
    "cub ",
    "kafka-acls",
    "kafka-configs",
    "kafka-console-consumer",
    "kafka-console-producer",
    "kafka-consumer-groups",
    "kafka-mirror-maker",
    "kafka-producer-perf-test",
    "kafka-reassign-partitions",
    "kafka-run-class",
    "kafka-topics",
    "kafka-verifiable",
    "sleep ",
    "tail -f",
    "zkCli.sh",
    "zookeeper-shell",
];

/// What a service's own command runs instead of the server in its image; nothing if it may still be the server.
pub(super) fn instead(reading: &mut Reading<'_>, node: &Node) -> Option<String> {
    let words = ["entrypoint", "command"].map(|field| text(reading, node, field));
    let all = words.join(" ");
    if SERVERS.iter().any(|server| all.contains(server)) {
        return None;
    }
    let other = OTHERS.iter().find(|other| all.contains(**other))?;
    Some(format!("it runs `{}`, not the server of its image", other.trim()))
}

/// A field as one text.
fn text(reading: &mut Reading<'_>, node: &Node, field: &str) -> String {
    let Some(value) = node.get(field).filter(|value| !value.is_null()) else {
        return String::new();
    };
    let single = std::slice::from_ref(value);
    let parts = if value.items().is_empty() { single } else { value.items() };
    let parts: Vec<String> = parts.iter().filter_map(|part| reading.string(part)).collect();
    parts.join(" ")
}

/// V02, and the topics that its commands create.
pub(super) fn commands(reading: &mut Reading<'_>, service: &Service, node: &Node) {
    let Some(image) = &service.image else { return };
    let image = Image::parse(&image.value);
    if image.family() != Family::Broker || service.profile.is_some() {
        return;
    }
    let version = Version::of(&image, Maker::of(&image));
    for field in ["entrypoint", "command"] {
        for command in split(&text(reading, node, field)) {
            options(reading, service, node.get(field), &version, &command);
            if service.tool.is_some() {
                topic(reading, service, node.get(field), &command);
            }
        }
    }
    let check = node.get("healthcheck");
    let test = check.map(|check| text(reading, check, "test")).unwrap_or_default();
    for command in split(&test) {
        options(reading, service, check, &version, &command);
    }
}

/// The commands of a script, each in words.
fn split(script: &str) -> Vec<Vec<String>> {
    let script = script.replace("\\\n", " ").replace("&&", "\n").replace("||", "\n");
    let commands = script.split(['\n', ';', '|', '&']);
    let words = |command: &str| -> Vec<String> {
        let bare = |word: &str| word.trim_matches(['"', '\'', '(', ')', '`']).to_owned();
        command.split_whitespace().flat_map(|word| word.split('=')).map(bare).collect()
    };
    commands.map(words).filter(|words: &Vec<String>| !words.is_empty()).collect()
}

/// Whether a command runs this tool.
fn runs(command: &[String], tool: &str) -> bool {
    command.iter().any(|word| {
        let name = word.rsplit('/').next().unwrap_or_default();
        name == tool || name.strip_suffix(".sh") == Some(tool)
    })
}

/// V02: options that the tools of this version do not have.
fn options(
    reading: &mut Reading<'_>,
    service: &Service,
    place: Option<&std::rc::Rc<Node>>,
    version: &Version,
    command: &[String],
) {
    let has = |option: &str| command.iter().any(|word| word == option);
    let (tool, option, help) = if runs(command, "kafka-topics") {
        match (has("--bootstrap-server"), has("--zookeeper")) {
            (true, _) if !version.is_since(2, 2) => {
                ("kafka-topics", "bootstrap-server", "up to Kafka 2.1 it takes --zookeeper")
            }
            (_, true) if version.is_since(3, 0) => {
                ("kafka-topics", "zookeeper", "from Kafka 3.0 on it takes --bootstrap-server")
            }
            _ => return,
        }
    } else if runs(command, "kafka-console-producer") {
        match has("--bootstrap-server") && !version.is_since(2, 5) {
            true => {
                let help = "up to Kafka 2.4 it takes --broker-list";
                ("kafka-console-producer", "bootstrap-server", help)
            }
            false => return,
        }
    } else {
        return;
    };
    let span = place.map_or(service.span.clone(), |place| place.span.clone());
    let at = reading.at(&span);
    let what = format!("{tool} of Kafka {version} says `{option} is not a recognized option`");
    reading.find(("V02", Severity::Warning), at, &service.name, what, help);
}

/// A topic that is created by hand in a script.
fn topic(
    reading: &mut Reading<'_>,
    service: &Service,
    place: Option<&std::rc::Rc<Node>>,
    command: &[String],
) {
    let has = |option: &str| command.iter().any(|word| word == option);
    if !runs(command, "kafka-topics") || !has("--create") {
        return;
    }
    let after = |option: &str| {
        let place = command.iter().position(|word| word == option)?;
        command.get(place + 1).map(String::as_str).filter(|value| !value.contains('$'))
    };
    let span = place.map_or(service.span.clone(), |place| place.span.clone());
    let number = |option: &str| after(option)?.parse::<i32>().ok();
    let partitions = number("--partitions").filter(|count| (1..=10_000).contains(count));
    let factor = number("--replication-factor").filter(|factor| (1..=1_000).contains(factor));
    let factor = factor.and_then(|factor| i16::try_from(factor).ok());
    let (Some(name), Some(partitions), Some(replication_factor)) =
        (after("--topic"), partitions, factor)
    else {
        let why = "the topic this command creates is not staged: its name, its partitions or its \
                   replicas cannot be seen";
        let value = after("--topic").unwrap_or_default().to_owned();
        return reading.unread(&service.name, "kafka-topics --create", &value, &span, why);
    };
    let mut config = BTreeMap::new();
    for (place, _) in command.iter().enumerate().filter(|(_, word)| *word == "--config") {
        if let (Some(key), Some(value)) = (command.get(place + 1), command.get(place + 2)) {
            config.insert(key.clone(), value.clone());
        }
    }
    let (name, assignment) = (name.to_owned(), BTreeMap::new());
    reading.topics.push((Topic { name, partitions, replication_factor, assignment, config }, span));
}
