//! What only shows when all brokers are looked at together: numbers, addresses and folders that two of them want, topics that
//! need more brokers than there are.
//!
//! Where their addresses lead is not looked at here.

use std::collections::BTreeMap;

use broker::config::{Config, broker_keys, is_broker_key};

use super::brokers::Member;
use super::nearest::nearest;
use super::reading::{Reading, listed};
use crate::cluster::Severity;

/// Whether somebody wrote this setting.
fn says(member: &Member, key: &str) -> bool {
    member.broker.properties.iter().any(|property| property.key.trim() == key)
}

/// Whether this is a place in a file, not somebody who sets things by himself.
fn is_place(from: &str) -> bool {
    let line = from.rsplit(':').next().unwrap_or_default();
    from.contains(':') && !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
}

/// A broker whose settings were read.
struct Read {
    index: usize,
    config: Config,
}

/// The factors of Kafka's own topics.
const INTERNAL: [(&str, &str); 2] = [
    ("offsets.topic.replication.factor", "consumer groups"),
    ("transaction.state.log.replication.factor", "transactions"),
];

/// Looks at all brokers together.
pub(super) fn check(reading: &mut Reading<'_>, members: &[Member]) {
    let mut all = Vec::new();
    for (index, member) in members.iter().enumerate() {
        unknown_keys(reading, member);
        let starts = member.broker.never_starts.is_none();
        let config = member.broker.config(member.broker.preset.mechanisms());
        all.extend(config.ok().filter(|_| starts).map(|(config, _)| Read { index, config }));
    }
    same_number(reading, members, &all);
    same_address(reading, members, &all);
    for read in &all {
        factors(reading, &members[read.index], &read.config, members.len());
    }
}

/// K18: keys that no broker knows, with what they may have been meant to be.
fn unknown_keys(reading: &mut Reading<'_>, member: &Member) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for property in &member.broker.properties {
        let key = property.key.trim();
        if let Some(first) = seen.insert(key, &property.from)
            && is_place(first)
            && is_place(&property.from)
        {
            let what = format!("`{key}` stands twice: the last one counts");
            let (at, help) = (property.from.clone(), "keep one of them");
            reading.find(("Y04", Severity::Warning), at, &member.broker.name, what, help);
        }
        if is_broker_key(key) || !is_place(&property.from) {
            continue;
        }
        let help = match meant(key) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "leave it out, or look the name up".to_owned(),
        };
        let what = format!("Kafka does not know `{key}`: it logs a warning and goes on without it");
        let at = property.from.clone();
        reading.find(("K18", Severity::Warning), at, &member.broker.name, what, help);
    }
}

/// What an unknown key was probably meant to be.
fn meant(key: &str) -> Option<&'static str> {
    match key {
        "in.sync.replicas" | "min.in.sync.replicas" => Some("min.insync.replicas"),
        "retention.ms" => Some("log.retention.ms"),
        "retention.bytes" => Some("log.retention.bytes"),
        "segment.bytes" => Some("log.segment.bytes"),
        "replication.factor" => Some("default.replication.factor"),
        "partitions" => Some("num.partitions"),
        "max.message.bytes" => Some("message.max.bytes"),
        _ => nearest(&key.replace(['_', '-'], "."), broker_keys()),
    }
}

/// K10: two brokers with one number; in one namespace of one ensemble the second is refused.
fn same_number(reading: &mut Reading<'_>, members: &[Member], all: &[Read]) {
    let mut first: BTreeMap<(i32, &str), &str> = BTreeMap::new();
    for read in all {
        let member = &members[read.index];
        let (id, name) = (read.config.id.0, member.broker.name.as_str());
        let place = (id, read.config.zookeeper_connect.as_str());
        let holder = *first.entry(place).or_insert(name);
        if holder != name {
            let what = format!("it is broker {id}, as {holder} is: the second to register exits");
            let help = "give each broker its own `broker.id`";
            let at = member.written("broker.id").to_owned();
            reading.find(("K10", Severity::Error), at, name, what, help);
        }
    }
}

/// K05: two brokers that send their clients to one address.
fn same_address(reading: &mut Reading<'_>, members: &[Member], all: &[Read]) {
    let mut first: BTreeMap<(String, u16), &str> = BTreeMap::new();
    for read in all {
        let member = &members[read.index];
        let name = member.broker.name.as_str();
        for endpoint in &read.config.advertised_listeners {
            let place = (endpoint.host.to_lowercase(), endpoint.port);
            let holder = *first.entry(place).or_insert(name);
            if holder == name {
                continue;
            }
            let (host, port) = (&endpoint.host, endpoint.port);
            let what = format!(
                "it advertises {host}:{port}, as {holder} does: from Kafka 2.0 on the second to \
                 register exits"
            );
            let help = "advertise an address of its own for each broker";
            let at = advertised_at(member).to_owned();
            reading.find(("K05", Severity::Error), at, name, what, help);
        }
    }
}

/// Where a broker's advertised addresses were written.
fn advertised_at(member: &Member) -> &str {
    let keys = ["advertised.listeners", "advertised.host.name", "listeners", "host.name"];
    let key = keys.into_iter().find(|key| says(member, key)).unwrap_or_default();
    member.written(key)
}

/// K14, K15: topics that need more brokers than there are, or more replicas than they have.
fn factors(reading: &mut Reading<'_>, member: &Member, config: &Config, brokers: usize) {
    let name = &member.broker.name;
    for (key, who) in INTERNAL {
        let given = member.broker.properties.iter().rev().find(|p| p.key.trim() == key);
        let factor = given.map_or(3, |property| property.value.trim().parse().unwrap_or(3_usize));
        if factor > brokers {
            let at = member.written(key).to_owned();
            let origin = if given.is_some() { "" } else { " by default" };
            let what = format!(
                "`{key}` is {factor}{origin}, and there {}: {who} never become ready",
                listed(&[counted(brokers)])
            );
            let help = format!("set `{key}={brokers}`, or add brokers");
            reading.find(("K14", Severity::Warning), at, name, what, help);
        }
    }
    let least = config.topic_defaults.min_insync_replicas;
    let factor = u32::try_from(config.replication_factor).unwrap_or_default();
    if says(member, "min.insync.replicas") {
        let at = member.written("min.insync.replicas").to_owned();
        insync(reading, (&at, name), "topics created without saying more", least, factor);
    }
}

fn counted(brokers: usize) -> String {
    match brokers {
        1 => "is one broker".to_owned(),
        many => format!("are {many} brokers"),
    }
}

/// K15: how many replicas a write with `acks=all` needs, against how many there are.
pub(super) fn insync(
    reading: &mut Reading<'_>,
    (at, who): (&str, &str),
    which: &str,
    least: u32,
    factor: u32,
) {
    let (what, help) = if least > factor {
        (
            format!(
                "{which}: min.insync.replicas={least} of {factor} replicas: every write with \
                 acks=all is refused (NotEnoughReplicas)"
            ),
            "have at least one replica more than min.insync.replicas",
        )
    } else if least == factor && factor > 1 {
        (
            format!(
                "{which}: min.insync.replicas={least} of {factor} replicas: with one broker down, \
                 writes with acks=all are refused"
            ),
            "have one replica more, or lower min.insync.replicas",
        )
    } else {
        return;
    };
    reading.find(("K15", Severity::Warning), at.to_owned(), who, what, help);
}
