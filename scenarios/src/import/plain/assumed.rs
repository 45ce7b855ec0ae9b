//! The ZooKeepers that brokers name, where nobody gave their files: an ensemble as most guides set it up.

use coordinator::config::Syntax;
use coordinator::mechanism::Preset;

use super::machines::{Machines, first_label};
use crate::cluster::{MYID, Property, Severity, ZooKeeper};
use crate::import::brokers;
use crate::import::ensemble::{Member, addresses, parts};
use crate::import::names::is_loopback;
use crate::import::printable;
use crate::import::reading::Reading;

/// As many are assumed.
const SERVERS_MAX: usize = 9;

/// The ensemble the first broker's connect string names.
pub(super) fn ensemble(
    reading: &mut Reading<'_>,
    machines: &mut Machines,
    brokers: &[brokers::Member],
) -> Vec<Member> {
    let Some(broker) = brokers.iter().find(|one| one.line("zookeeper.connect").is_some()) else {
        return Vec::new();
    };
    let (list, _) = parts(broker.line("zookeeper.connect").unwrap_or_default().trim());
    let mut named: Vec<(String, String)> = Vec::new();
    for (host, port) in addresses(list) {
        let host = if is_loopback(host) { &broker.broker.host } else { host };
        let one = (host.to_owned(), port.to_owned());
        if !host.is_empty() && !named.contains(&one) {
            named.push(one);
        }
    }
    if named.is_empty() || named.len() > SERVERS_MAX {
        return Vec::new();
    }
    let at = broker.written("zookeeper.connect").to_owned();
    let what = format!(
        "no file of a ZooKeeper is given: {} are taken for one ensemble with tickTime 2000, \
         initLimit 10 and syncLimit 5",
        named.iter().map(|(host, port)| format!("{host}:{port}")).collect::<Vec<_>>().join(", ")
    );
    let help = "give the `zoo.cfg` of each server to see what it really does";
    reading.find(("F05", Severity::Warning), at.clone(), "", what, help);
    let servers: Vec<(String, String)> = named
        .iter()
        .enumerate()
        .map(|(index, (host, _))| (format!("server.{}", index + 1), server(&named, index, host)))
        .filter(|_| named.len() > 1)
        .collect();
    let member = |(index, (host, port)): (usize, &(String, String))| {
        let place = machines.called(host).unwrap_or_else(|| {
            let place = machines.add(&printable(first_label(host)));
            machines.call(place, host);
            place
        });
        let name = printable(first_label(host));
        let mut lines: Vec<(String, String)> = [
            ("tickTime", "2000"),
            ("initLimit", "10"),
            ("syncLimit", "5"),
            ("dataDir", &format!("/var/lib/zookeeper-{}", index + 1)),
            ("clientPort", port),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        lines.extend(servers.clone());
        let is_shared = brokers.iter().any(|one| one.broker.name == name)
            || named.iter().filter(|(other, _)| other == host).count() > 1;
        let name = if is_shared { format!("{name}-zookeeper-{}", index + 1) } else { name };
        let zookeeper = ZooKeeper {
            name,
            host: machines.name(place).to_owned(),
            myid: Some(assumed((MYID.to_owned(), (index + 1).to_string()))),
            properties: lines.into_iter().map(assumed).collect(),
            preset: Preset::V3_4_14,
            syntax: Syntax::V3_4,
            never_starts: None,
        };
        Member { zookeeper, at: at.clone() }
    };
    named.iter().enumerate().map(member).collect()
}

fn assumed((key, value): (String, String)) -> Property {
    let from = "assumed: no file of this server is given".to_owned();
    Property { key, value, from }
}

/// Ports of its own for each server of one machine.
fn server(all: &[(String, String)], index: usize, host: &str) -> String {
    let before = all[..index].iter().filter(|(other, _)| other == host).count();
    format!("{host}:{}:{}", 2888 + before, 3888 + before)
}
