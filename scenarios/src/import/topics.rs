//! Topics as `kafka-topics --describe` prints them, pasted into a file: partitions, replicas and settings.
//!
//! Kafka 2.3 writes `Topic:orders`, 2.5 `Topic: orders`, later ones more columns; tabs between them may have become blanks.
//! What such a text says about the moment (leaders, in-sync replicas) is not staged: a run begins with all replicas in sync.

use std::collections::BTreeMap;
use std::ops::Range;

use broker::config::topic_keys;

use super::Source;
use super::brokers::insync;
use super::kind::Kind;
use super::nearest::nearest;
use super::reading::{Beside, Reading, together};
use crate::cluster::{Broker, Cluster, Severity, Topic};
use crate::diagnostic::Diagnostic;

/// Columns of lines about a topic and about a partition.
const COLUMNS: [&str; 16] = [
    "Topic",
    "TopicId",
    "PartitionCount",
    "ReplicationFactor",
    "Configs",
    "Config",
    "MarkedForDeletion",
    "Partition",
    "Leader",
    "Replicas",
    "Isr",
    "Offline",
    "Adding Replicas",
    "Removing Replicas",
    "Elr",
    "LastKnownElr",
];

/// Columns that say nothing about what is to be there when a run begins.
const PASSING: [&str; 7] = [
    "TopicId",
    "MarkedForDeletion",
    "Offline",
    "Adding Replicas",
    "Removing Replicas",
    "Elr",
    "LastKnownElr",
];

/// How many partitions a topic can be staged with.
const PARTITIONS_MAX: i32 = 10_000;

/// One line, by column.
struct Line<'t> {
    columns: Vec<(&'t str, &'t str)>,
    span: Range<usize>,
}

impl Line<'_> {
    fn get(&self, column: &str) -> Option<&str> {
        self.columns.iter().find(|(name, _)| *name == column).map(|(_, value)| *value)
    }
}

/// A topic while its lines are read.
struct Draft {
    topic: Topic,
    partitions: Option<i32>,
    factor: Option<i16>,
    span: Range<usize>,
}

/// Reads the topics of a file. What is wrong with them is in `reading` afterwards.
pub(super) fn read(reading: &mut Reading<'_>, brokers: &[Broker]) -> Vec<Topic> {
    let text = reading.text.clone();
    let mut drafts: Vec<Draft> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        let first = start + (line.len() - line.trim_start().len());
        let span = first..first + content.len();
        start += line.len();
        if content.is_empty() || content.starts_with(['#', '$', '>']) {
            continue;
        }
        let line = Line { columns: columns(content), span };
        match line.get("Topic") {
            Some(name) if !name.is_empty() => take(reading, &mut drafts, &line, name),
            _ => {
                let why = "no line of `kafka-topics --describe`";
                reading.unread("", content, "", &line.span, why);
            }
        }
    }
    drafts.into_iter().filter_map(|draft| finished(reading, draft, brokers)).collect()
}

/// `Name: value` pairs; a name begins with a capital and ends with a colon.
fn columns(line: &str) -> Vec<(&str, &str)> {
    let mut starts: Vec<(usize, usize)> = Vec::new(); // of the name, of the value
    let mut word = 0;
    for (at, letter) in line.char_indices() {
        if letter.is_whitespace() {
            word = at + letter.len_utf8();
        } else if letter == ':' && is_column(&line[word..at]) {
            let before = line[..word].trim_end();
            let two = ["Adding", "Removing"].into_iter().find(|first| before.ends_with(first));
            starts.push((two.map_or(word, |first| before.len() - first.len()), at + 1));
            word = at + 1;
        }
    }
    let ends = starts.iter().skip(1).map(|(name, _)| *name).chain([line.len()]);
    let pairs = starts.iter().zip(ends);
    pairs.map(|((name, value), end)| (&line[*name..value - 1], line[*value..end].trim())).collect()
}

fn is_column(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_ascii_uppercase())
        && word.chars().all(|letter| letter.is_ascii_alphanumeric())
}

fn take(reading: &mut Reading<'_>, drafts: &mut Vec<Draft>, line: &Line<'_>, name: &str) {
    let known = drafts.iter().position(|draft| draft.topic.name == name);
    let place = known.unwrap_or_else(|| {
        let topic = Topic {
            name: name.to_owned(),
            partitions: 0,
            replication_factor: 0,
            assignment: BTreeMap::new(),
            config: BTreeMap::new(),
        };
        drafts.push(Draft { topic, partitions: None, factor: None, span: line.span.clone() });
        drafts.len() - 1
    });
    let draft = &mut drafts[place];
    match line.get("Partition") {
        Some(_) => partition(reading, draft, line),
        None => heading(reading, draft, line),
    }
    for (column, value) in &line.columns {
        if PASSING.contains(column) && !value.is_empty() {
            reading.unread(name, column, value, &line.span, "a run begins without it");
        }
        if !COLUMNS.contains(column) {
            let near = nearest(column, COLUMNS.into_iter());
            let why = match near {
                Some(near) => format!("no column of `kafka-topics --describe`: `{near}`?"),
                None => "no column of `kafka-topics --describe` that says what to stage".to_owned(),
            };
            reading.unread(name, column, value, &line.span, &why);
        }
    }
}

/// The line about the topic as a whole.
fn heading(reading: &mut Reading<'_>, draft: &mut Draft, line: &Line<'_>) {
    draft.span = line.span.clone();
    draft.partitions = line.get("PartitionCount").and_then(|count| count.parse().ok());
    draft.factor = line.get("ReplicationFactor").and_then(|factor| factor.parse().ok());
    let configs = line.get("Configs").or(line.get("Config")).unwrap_or_default();
    let mut last: Option<String> = None;
    for part in configs.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match (part.split_once('='), &last) {
            (Some((key, value)), _) => {
                last = Some(key.trim().to_owned());
                setting(reading, draft, line, key.trim(), value.trim());
            }
            // `cleanup.policy=compact,delete`: the comma stands in the value.
            (None, Some(key)) => {
                if let Some(value) = draft.topic.config.get_mut(key) {
                    value.push(',');
                    value.push_str(part);
                }
            }
            (None, None) => {
                reading.unread(&draft.topic.name, part, "", &line.span, "no setting of a topic");
            }
        }
    }
}

/// One setting of a topic, if topics have it.
fn setting(reading: &mut Reading<'_>, draft: &mut Draft, line: &Line<'_>, key: &str, value: &str) {
    if topic_keys().any(|known| known == key) {
        draft.topic.config.insert(key.to_owned(), value.to_owned());
        return;
    }
    let name = &draft.topic.name;
    let help = match nearest(key, topic_keys()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "it is left out".to_owned(),
    };
    let what = format!("topic {name}: topics have no setting `{key}`");
    reading.unread(name, key, value, &line.span, "no setting of a topic");
    reading.find(("K18", Severity::Warning), reading.at(&line.span), "", what, help);
}

/// A line about one partition.
fn partition(reading: &mut Reading<'_>, draft: &mut Draft, line: &Line<'_>) {
    let name = draft.topic.name.clone();
    let number = line.get("Partition").and_then(|number| number.parse::<i32>().ok());
    let replicas = line.get("Replicas").and_then(ids);
    let (Some(number), Some(replicas)) = (number, replicas) else {
        let message = format!("a line about a partition of `{name}` that cannot be read");
        let help = "it reads `Topic: orders  Partition: 0  Leader: 1  Replicas: 1,2,3  Isr: 1,2,3`";
        return reading.error("F05", &line.span, message, "this line", help);
    };
    let now = |column: &str| line.get(column).unwrap_or_default();
    let in_sync = ids(now("Isr")).unwrap_or_default();
    let is_whole = replicas.iter().all(|replica| in_sync.contains(replica));
    let why = "the state of that moment: a run begins with all replicas in sync, led by the first";
    if !now("Isr").is_empty() && !is_whole {
        reading.unread(&name, &format!("Isr of {number}"), now("Isr"), &line.span, why);
    }
    let first = replicas.first().map(ToString::to_string).unwrap_or_default();
    if !now("Leader").is_empty() && now("Leader") != first {
        reading.unread(&name, &format!("Leader of {number}"), now("Leader"), &line.span, why);
    }
    draft.topic.assignment.insert(number, replicas);
}

/// `1,2,3`
fn ids(text: &str) -> Option<Vec<i32>> {
    let ids: Result<Vec<i32>, _> = text.split(',').map(|id| id.trim().parse()).collect();
    ids.ok()
}

/// The topic, if its lines make a whole.
fn finished(reading: &mut Reading<'_>, draft: Draft, brokers: &[Broker]) -> Option<Topic> {
    let Draft { mut topic, partitions, factor, span } = draft;
    let name = topic.name.clone();
    if matches!(name.as_str(), "__consumer_offsets" | "__transaction_state") {
        let why = "consumer groups and transactions are not modelled: the topic is left out";
        reading.unread(&name, "Topic", &name, &span, why);
        return None;
    }
    let lines = i32::try_from(topic.assignment.len()).unwrap_or(i32::MAX);
    topic.partitions = partitions.unwrap_or(lines);
    let most = topic.assignment.values().map(Vec::len).max().unwrap_or_default();
    topic.replication_factor = factor.unwrap_or_else(|| i16::try_from(most).unwrap_or(i16::MAX));
    if topic.partitions < 1 || topic.replication_factor < 1 {
        let message = format!("topic `{name}` has neither partitions nor replicas");
        let help = "paste both its line with PartitionCount and the lines of its partitions";
        reading.error("F05", &span, message, "this topic", help);
        return None;
    }
    if topic.partitions > PARTITIONS_MAX {
        let message = format!("topic `{name}` has more than {PARTITIONS_MAX} partitions");
        let help = "give it fewer: what is simulated needs only a few of them to show itself";
        reading.error("F05", &span, message, "too many to be staged", help);
        return None;
    }
    let is_whole = topic.assignment.keys().copied().eq(0..topic.partitions);
    if !is_whole && !topic.assignment.is_empty() {
        let at = reading.at(&span);
        let what = format!(
            "topic {name} has {} partitions, and {lines} of them are described: the cluster \
             decides where all of them lie",
            topic.partitions
        );
        let help = "paste the lines of all its partitions";
        reading.find(("F05", Severity::Warning), at, "", what, help);
        topic.assignment.clear();
    }
    known_brokers(reading, &topic, &span, brokers);
    let least = topic.config.get("min.insync.replicas").and_then(|least| least.parse().ok());
    if let Some(least) = least {
        let factor = u32::try_from(topic.replication_factor).unwrap_or_default();
        let at = reading.at(&span);
        insync(reading, (&at, ""), &format!("topic {name}"), least, factor);
    }
    Some(topic)
}

/// F05: replicas on brokers that no file stages.
fn known_brokers(
    reading: &mut Reading<'_>,
    topic: &Topic,
    span: &Range<usize>,
    brokers: &[Broker],
) {
    let is_there = |id: &i32| brokers.iter().any(|broker| broker.id() == Some(*id));
    let mut absent: Vec<i32> =
        topic.assignment.values().flatten().copied().filter(|id| !is_there(id)).collect();
    absent.sort_unstable();
    absent.dedup();
    let name = &topic.name;
    let at = reading.at(span);
    let factor = usize::try_from(topic.replication_factor).unwrap_or_default();
    let (what, help) = if !absent.is_empty() {
        let ids = absent.iter().map(ToString::to_string).collect::<Vec<_>>();
        let ids = super::reading::listed(&ids);
        (
            format!("topic {name} has replicas on {ids}, and no such broker is in the files"),
            "give the files of all brokers, or leave the topic out",
        )
    } else if factor > brokers.len() {
        let there = brokers.len();
        (
            format!("topic {name} has {factor} replicas, and there are {there} brokers"),
            "give the files of all brokers",
        )
    } else {
        return;
    };
    reading.find(("F05", Severity::Error), at, "", what, help);
}

/// K20: adds the topics that commands in the files create, if they can.
pub(super) fn created(reading: &mut Reading<'_>, cluster: &mut Cluster) {
    for (mut topic, span) in std::mem::take(&mut reading.topics) {
        let name = topic.name.clone();
        if cluster.topics.iter().any(|known| known.name == name) {
            reading.unread("", "kafka-topics --create", &name, &span, "the topic is there before");
            continue;
        }
        let (there, factor) = (cluster.brokers.len(), topic.replication_factor);
        if usize::try_from(factor).is_ok_and(|factor| factor > there) {
            let what = format!(
                "topic {name} is not created: Replication factor: {factor} larger than available \
                 brokers: {there}"
            );
            let help = "ask for as many replicas as there are brokers";
            let at = reading.at(&span);
            reading.find(("K20", Severity::Warning), at, "", what, help);
            continue;
        }
        for (key, value) in std::mem::take(&mut topic.config) {
            match topic_keys().any(|known| known == key) {
                true => drop(topic.config.insert(key, value)),
                false => reading.unread(&name, &key, &value, &span, "no setting of a topic"),
            }
        }
        cluster.topics.push(topic);
    }
}

/// Adds the topics of all pasted texts to a cluster.
///
/// # Errors
/// Lines of partitions that cannot be read.
pub(super) fn add_all(
    sources: &[(Kind, &Source)],
    cluster: &mut Cluster,
    find: Beside<'_>,
) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    for (_, source) in sources.iter().filter(|(kind, _)| *kind == Kind::Topics) {
        let mut reading = Reading::new(&source.name, &source.text, find);
        add(&mut reading, cluster);
        cluster.findings.extend(together(reading.findings));
        cluster.unread.append(&mut reading.unread);
        errors.append(&mut reading.errors);
    }
    cluster.findings.sort_by_key(|finding| finding.severity);
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn add(reading: &mut Reading<'_>, cluster: &mut Cluster) {
    for topic in read(reading, &cluster.brokers) {
        if let Some(known) = cluster.topics.iter().find(|known| known.name == topic.name) {
            let what = format!("topic {} is described twice: the first one counts", known.name);
            let at = format!("{}:1:1", reading.file);
            reading.find(("F05", Severity::Warning), at, "", what, "leave one of them out");
            continue;
        }
        cluster.topics.push(topic);
    }
}
