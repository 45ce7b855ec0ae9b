//! Which brokers are one cluster: those below one chroot of one ensemble. And the numbers a cluster gives its brokers.

use std::collections::{BTreeMap, BTreeSet};

use super::Member;
use crate::cluster::{Property, Severity};
use crate::import::ensemble::{Door, addresses, door_at, parts};
use crate::import::names::Names;
use crate::import::reading::{Reading, listed};

/// Where a broker registers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Namespace {
    pub chroot: String,
    /// The ensembles its connect string leads to: more than one is a choice by chance.
    pub islands: BTreeSet<usize>,
}

impl Namespace {
    /// Whether brokers of both can find each other.
    pub fn may_be(&self, other: &Self) -> bool {
        let meet = !self.islands.is_disjoint(&other.islands);
        self.chroot == other.chroot && (meet || self.islands == other.islands)
    }
}

/// For each broker, where it registers; and what is to be said if they are not one cluster.
pub(super) fn of(
    reading: &mut Reading<'_>,
    members: &[Member],
    doors: &[Door],
    names: &Names<'_>,
) -> Vec<Namespace> {
    let of_one = |member: &Member| {
        let (list, chroot) = parts(member.line("zookeeper.connect").unwrap_or_default().trim());
        let door = |(name, port): (&str, &str)| {
            let place = names.leads(&member.broker.host, name, port.parse().ok()?);
            door_at(doors, place).filter(|door| door.serves)
        };
        let islands = addresses(list).filter_map(door).map(|door| door.island).collect();
        Namespace { chroot: chroot.trim_end_matches('/').to_owned(), islands }
    };
    let all: Vec<Namespace> = members.iter().map(of_one).collect();
    apart(reading, members, &all);
    for (member, namespace) in members.iter().zip(&all) {
        returns(reading, member, namespace);
        leans_on_one(reading, member, namespace, doors);
    }
    all
}

/// K21: a broker that may come to another ensemble when it is started again.
fn returns(reading: &mut Reading<'_>, member: &Member, namespace: &Namespace) {
    let count = namespace.islands.len();
    if count < 2 || member.broker.never_starts.is_some() {
        return;
    }
    let what = if member.version.is_since(2, 4) {
        format!(
            "at every start it comes to one of {count} ensembles by chance: in another one than \
             before it exits (InconsistentClusterIdException)"
        )
    } else {
        format!(
            "at every start it comes to one of {count} ensembles by chance, and goes over to \
             another cluster with its logs; here it stays with the first"
        )
    };
    let at = member.written("zookeeper.connect").to_owned();
    let help = "give all ZooKeepers one common list of servers";
    reading.find(("K21", Severity::Error), at, &member.broker.name, what, help);
}

/// K17: only one of several servers is named.
fn leans_on_one(reading: &mut Reading<'_>, member: &Member, namespace: &Namespace, doors: &[Door]) {
    let (list, _) = parts(member.line("zookeeper.connect").unwrap_or_default());
    let mut named = addresses(list);
    let (Some((name, _)), None) = (named.next(), named.next()) else { return };
    let there = doors.iter().filter(|door| namespace.islands.contains(&door.island)).count();
    if there < 2 {
        return;
    }
    let what = format!(
        "it knows {name} alone of {there} ZooKeepers: with that one gone it loses its session, \
         although the ensemble serves"
    );
    let at = member.written("zookeeper.connect").to_owned();
    let help = "name all servers of the ensemble";
    reading.find(("K17", Severity::Warning), at, &member.broker.name, what, help);
}

/// K16: brokers that are not one cluster.
fn apart(reading: &mut Reading<'_>, members: &[Member], all: &[Namespace]) {
    let mut clusters: BTreeMap<&Namespace, Vec<&str>> = BTreeMap::new();
    for (member, namespace) in members.iter().zip(all) {
        let there = clusters.keys().find(|there| there.may_be(namespace)).copied();
        let names = clusters.entry(there.unwrap_or(namespace)).or_default();
        names.push(&member.broker.name);
    }
    if clusters.len() < 2 {
        return;
    }
    let first = all.first().and_then(|first| clusters.keys().find(|there| there.may_be(first)));
    let Some(other) = all.iter().position(|one| first.is_some_and(|first| !first.may_be(one)))
    else {
        return;
    };
    let groups: Vec<String> = clusters
        .iter()
        .map(|(namespace, names)| match namespace.chroot.as_str() {
            "" => format!("{} without a chroot", listed(names)),
            chroot => format!("{} below {chroot}", listed(names)),
        })
        .collect();
    let count = clusters.len();
    let what = format!(
        "{count} separate Kafka clusters, which know nothing of each other: {}",
        groups.join("; ")
    );
    let at = members[other].written("zookeeper.connect").to_owned();
    let help = "give all brokers of a cluster the same `zookeeper.connect`, chroot included";
    reading.find(("K16", Severity::Error), at, "", what, help);
}

/// K11: the numbers of brokers that have none, in the order of the file: real ones get them in the order of first starts.
pub(super) fn numbers(reading: &mut Reading<'_>, members: &mut [Member], all: &[Namespace]) {
    let mut next: BTreeMap<&Namespace, i32> = BTreeMap::new();
    for (member, namespace) in members.iter_mut().zip(all) {
        let id = member.line("broker.id").map_or(Some(-1), |id| id.trim().parse().ok());
        let generates = member.line("broker.id.generation.enable").unwrap_or("true");
        let starts = member.broker.never_starts.is_none();
        if id != Some(-1) || generates != "true" || !starts {
            continue;
        }
        let greatest = member.line("reserved.broker.max.id").and_then(|id| id.trim().parse().ok());
        let number = next.entry(namespace).or_insert_with(|| greatest.unwrap_or(1000) + 1);
        let (value, key) = (number.to_string(), "broker.id".to_owned());
        *number += 1;
        let at = member.written("broker.id").to_owned();
        let what = format!(
            "no broker.id: the cluster gives one, here {value}; with its disk lost it comes back \
             under another number, and its replicas stay behind"
        );
        let help = "set broker.id where replicas shall be found again";
        reading.find(("K11", Severity::Information), at, &member.broker.name, what, help);
        member.broker.properties.retain(|property| property.key != "broker.id");
        let from = "given out by the cluster".to_owned();
        member.broker.properties.push(Property { key, value, from });
        member.broker.has_generated_id = true;
    }
}
