//! What brokers are told that means nothing to them, that only one of them can have, or that needs more brokers than there are.
//!
//! Where their addresses lead is not looked at here.

use std::collections::BTreeMap;

use broker::config::{Config, Endpoint, broker_keys, is_broker_key};

use super::addresses::{ADVERTISED, written};
use super::{Brokers, Member};
use crate::cluster::Severity;
use crate::import::nearest::nearest;
use crate::import::reading::{Reading, listed};

/// Whether somebody wrote this setting.
fn says(member: &Member, key: &str) -> bool {
    member.broker.properties.iter().any(|property| property.key.trim() == key)
}

/// Whether this is a place in a file, not somebody who sets things by himself.
fn is_place(from: &str) -> bool {
    let line = from.rsplit(':').next().unwrap_or_default();
    from.contains(':') && !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
}

/// The factors of Kafka's own topics.
const INTERNAL: [(&str, &str); 2] = [
    ("offsets.topic.replication.factor", "consumer groups"),
    ("transaction.state.log.replication.factor", "transactions"),
];

/// K05, K10, K14, K15, K18.
pub(super) fn check(reading: &mut Reading<'_>, all: &Brokers<'_>) {
    for member in all.members {
        unknown_keys(reading, member);
    }
    for (index, member, config) in all.starting() {
        let before = || all.with(index).filter(move |(other, _, _)| *other < index);
        let same = before().find(|(_, _, other)| other.id == config.id);
        if let Some((_, holder, _)) = same {
            same_number(reading, member, config.id.0, &holder.broker.name);
        }
        for endpoint in &config.advertised_listeners {
            if let Some((_, holder, _)) = before().find(|(_, _, other)| is_at(other, endpoint)) {
                same_address(reading, member, endpoint, &holder.broker.name);
            }
        }
        factors(reading, member, config, all.with(index).count());
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
        // Settings of the vendor's own parts.
        let is_vendors = key.starts_with("confluent.");
        if is_broker_key(key) || is_vendors || !is_place(&property.from) {
            continue;
        }
        let help = match meant(key) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "leave it out, or look the name up".to_owned(),
        };
        let what = format!("Kafka does not know `{key}`: it logs a warning and goes on without it");
        let at = member.places.get(key).unwrap_or(&property.from).clone();
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

/// K10: two brokers of one cluster with one number.
fn same_number(reading: &mut Reading<'_>, member: &Member, id: i32, holder: &str) {
    let what = format!("it is broker {id}, as {holder} is: the second to register exits");
    let help = "give each broker its own `broker.id`";
    let at = member.written("broker.id").to_owned();
    reading.find(("K10", Severity::Error), at, &member.broker.name, what, help);
}

/// Whether a broker advertises this very address.
pub(super) fn is_at(config: &Config, endpoint: &Endpoint) -> bool {
    let mut theirs = config.advertised_listeners.iter();
    theirs.any(|theirs| theirs.port == endpoint.port && theirs.host == endpoint.host)
}

/// K05: two brokers of one cluster that send their clients to one address.
fn same_address(reading: &mut Reading<'_>, member: &Member, endpoint: &Endpoint, holder: &str) {
    let (host, port, version) = (&endpoint.host, endpoint.port, member.version);
    let then = if version.is_since(2, 0) {
        "the second to register exits".to_owned()
    } else {
        format!(
            "Kafka {version} lets both register, and clients of one reach the other; what is run \
             here is later and refuses the second"
        )
    };
    let what = format!("it advertises {host}:{port}, as {holder} does: {then}");
    let help = "advertise an address of its own for each broker";
    let at = written(member, &ADVERTISED).to_owned();
    reading.find(("K05", Severity::Error), at, &member.broker.name, what, help);
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
pub(in crate::import) fn insync(
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
