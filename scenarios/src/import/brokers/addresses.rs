//! Where the addresses that brokers bind and advertise really lead: from the other brokers, from the broker itself, and from
//! the machine.

use broker::config::{Config, Endpoint};

use super::settings::is_at;
use super::{Brokers, Member};
use crate::cluster::Severity;
use crate::import::names::{Place, is_loopback, is_machine};
use crate::import::reading::{Reading, listed};

/// N03, N04, N05, K06, K07, K08, K09: whatever leads elsewhere than its author wanted.
pub(super) fn check(reading: &mut Reading<'_>, all: &Brokers<'_>) {
    for (index, member, config) in all.starting() {
        for bound in &config.listeners {
            binds(reading, all, (index, member), bound);
        }
        let used_by_brokers = |endpoint: &&Endpoint| endpoint.name == config.inter_broker_listener;
        if let Some(endpoint) = config.advertised_listeners.iter().find(used_by_brokers) {
            inter_broker(reading, all, index, endpoint);
        }
        for endpoint in &config.advertised_listeners {
            if is_loopback(&endpoint.host) || is_machine(&endpoint.host) {
                from_machine(reading, all, (index, member), endpoint);
            }
        }
    }
}

/// Where listeners or advertised listeners were written.
pub(super) fn written<'m>(member: &'m Member, keys: &[&str]) -> &'m str {
    let key = keys.iter().find(|key| member.places.contains_key(**key));
    member.written(key.unwrap_or(&"listeners"))
}

/// Where advertised addresses are written, by the key that decides.
pub(super) const ADVERTISED: [&str; 5] =
    ["advertised.listeners", "advertised.host.name", "advertised.port", "listeners", "host.name"];

const BOUND: [&str; 4] = ["listeners", "host.name", "port", "advertised.listeners"];

/// K07, K09, N05: what a broker binds.
fn binds(
    reading: &mut Reading<'_>,
    all: &Brokers<'_>,
    (index, member): (usize, &Member),
    bound: &Endpoint,
) {
    let at = written(member, &BOUND).to_owned();
    let (name, host) = (&member.broker.name, &member.broker.host);
    if is_loopback(&bound.host) {
        let is_apart = |(_, other, _): (usize, &Member, &Config)| other.broker.host != *host;
        if !member.is_on_host || all.with(index).any(is_apart) {
            let what = format!("{bound} is bound to the loopback: nobody outside reaches it");
            let help = "bind all addresses (`0.0.0.0`), and advertise what others shall dial";
            reading.find(("K07", Severity::Warning), at, name, what, help);
        }
    } else if all.names.seen_from(host, &bound.host) != Some(host) {
        let what = format!("{bound} is not its own address: it cannot bind it and exits at start");
        let help = "bind all addresses (`0.0.0.0`), and advertise what others shall dial";
        reading.find(("K09", Severity::Error), at, name, what, help);
        return;
    }
    let same = |(other, one, config): &(usize, &Member, &Config)| {
        let ports = config.listeners.iter().map(|listener| listener.port);
        *other < index && one.broker.host == *host && ports.into_iter().any(|p| p == bound.port)
    };
    if let Some((_, holder, _)) = all.starting().find(same) {
        let holder = &holder.broker.name;
        let what = format!("port {} of {host} is {holder}'s: the second one exits", bound.port);
        let at = written(member, &BOUND).to_owned();
        reading.find(("N05", Severity::Error), at, name, what, "bind another port");
    }
}

/// The broker and the listener that answer at a place.
pub(super) fn answers<'a>(
    all: &Brokers<'a>,
    place: Place<'_>,
) -> Option<(usize, &'a Member, &'a Endpoint)> {
    all.starting().filter(|(_, member, _)| member.broker.host == place.host).find_map(
        |(index, member, config)| {
            let takes = |bound: &&Endpoint| {
                bound.port == place.port
                    && match bound.host.as_str() {
                        "" | "0.0.0.0" | "::" => true,
                        host => is_loopback(host) == place.is_loopback,
                    }
            };
            Some((index, member, config.listeners.iter().find(takes)?))
        },
    )
}

/// K06, N03, N04: what the brokers of a cluster find where this one tells them to dial it.
fn inter_broker(reading: &mut Reading<'_>, all: &Brokers<'_>, index: usize, endpoint: &Endpoint) {
    let member = &all.members[index];
    let others: Vec<&Member> =
        all.with(index).filter(|(other, _, _)| *other != index).map(|(_, one, _)| one).collect();
    let at = written(member, &ADVERTISED).to_owned();
    let (host, port, name) = (&endpoint.host, endpoint.port, &member.broker.name);
    let is_apart = |other: &&Member| other.broker.host != member.broker.host;
    if is_loopback(host) && others.iter().any(is_apart) {
        let what = format!(
            "other brokers are told to find it at {host}, which is each of them itself: no control \
             request and no replica comes across"
        );
        let help = "advertise the service's name on the listener that brokers use: \
                    `INTERNAL://NAME:29092`, and set KAFKA_INTER_BROKER_LISTENER_NAME";
        return reading.find(("K06", Severity::Error), at, name, what, help);
    }
    if all.with(index).any(|(other, _, config)| other != index && is_at(config, endpoint)) {
        return; // said already: it is refused, or its holder is
    }
    let mut lost: Vec<&str> = Vec::new();
    for dialler in others.iter().copied().chain(Some(member)) {
        let place = all.names.leads(&dialler.broker.host, host, port);
        let found = place.and_then(|place| answers(all, place));
        match found {
            Some((found, _, _)) if found == index => continue,
            _ => lost.push(&dialler.broker.name),
        }
    }
    if lost.is_empty() {
        return;
    }
    let who = listed(&lost);
    let (rule, why, help) = wrong_way(all, member, endpoint);
    let what = format!("brokers dial it at {host}:{port}, and {who} cannot: {why}");
    reading.find((rule, Severity::Error), at, name, what, help);
}

/// Why an address leads nobody to its broker.
fn wrong_way(
    all: &Brokers<'_>,
    member: &Member,
    endpoint: &Endpoint,
) -> (&'static str, String, String) {
    let (host, port) = (&endpoint.host, endpoint.port);
    let outer = |(outer, _): &&(Option<String>, String)| *outer == Some(port.to_string());
    if let Some((_, inner)) = member.ports.iter().find(outer)
        && *inner != port.to_string()
        && !is_machine(host)
    {
        let why = format!("{port} is the machine's side of `ports`, the container has {inner}");
        return ("N04", why, format!("advertise {host}:{inner} to brokers"));
    }
    if is_machine(host) {
        let why = format!("the machine does not publish {port} for it");
        return ("N04", why, format!("publish it: `\"{port}:{port}\"`"));
    }
    if all.names.anywhere(host).is_none() && !is_loopback(host) {
        return ("N03", format!("`{host}` is nobody's name"), all.names.help.to_owned());
    }
    let why = "nobody, or somebody else, listens there".to_owned();
    ("N04", why, "advertise a name of its own and a port that it binds".to_owned())
}

/// K08: what clients on the machine find at an address of the machine.
fn from_machine(
    reading: &mut Reading<'_>,
    all: &Brokers<'_>,
    (index, member): (usize, &Member),
    endpoint: &Endpoint,
) {
    if member.is_on_host {
        return;
    }
    let (host, port, name) = (&endpoint.host, endpoint.port, &endpoint.name);
    let place = all.names.published(port);
    let found = place.and_then(|place| answers(all, place));
    let why = match (place, found) {
        (_, Some((there, _, listener))) if there == index && listener.name == *name => return,
        (None, _) => format!("{port} is not published on the machine"),
        (Some(place), None) => {
            format!("{port} of the machine is {}:{}, where nobody listens", place.host, place.port)
        }
        (_, Some((there, other, _))) if there != index => {
            format!("{port} of the machine is {}", other.broker.name)
        }
        (_, Some((_, _, listener))) => {
            format!("{port} of the machine is its listener {}", listener.name)
        }
    };
    let what =
        format!("clients on the machine are sent to {host}:{port} for {name}, and fail: {why}");
    let config = all.configs[index].as_ref();
    let bound = config.and_then(|config| config.listeners.iter().find(|one| one.name == *name));
    let help = match bound {
        Some(bound) => format!("publish it: `\"{port}:{}\"`", bound.port),
        None => "publish a port that the listener binds".to_owned(),
    };
    let at = written(member, &ADVERTISED).to_owned();
    reading.find(("K08", Severity::Warning), at, &member.broker.name, what, help);
}
