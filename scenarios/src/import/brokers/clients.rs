//! Where the clients of scenarios look for brokers. They stand on the machine, know the names of containers, and use the
//! listener through which they find the most brokers.

use broker::config::{Config, Endpoint};

use super::addresses::{ADVERTISED, answers, written};
use super::{Brokers, Member};
use crate::cluster::Severity;
use crate::import::names::is_loopback;
use crate::import::reading::{Reading, listed};

/// For each broker, where clients look for it first; and what is to be said about that.
pub(super) fn addresses(reading: &mut Reading<'_>, all: &Brokers<'_>) -> Vec<Option<String>> {
    let starting: Vec<_> = all.starting().collect();
    let mut names: Vec<&str> = Vec::new();
    for (_, _, config) in &starting {
        for endpoint in &config.advertised_listeners {
            if !names.contains(&endpoint.name.as_str()) {
                names.push(&endpoint.name);
            }
        }
    }
    let found_through = |name: &str| {
        let works = |(index, _, config): &&(usize, &Member, &Config)| {
            advertised(config, name).is_some_and(|endpoint| is_found(all, *index, endpoint))
        };
        starting.iter().filter(works).count()
    };
    let best = names.iter().map(|name| found_through(name)).max().unwrap_or_default();
    let chosen = names.into_iter().find(|name| found_through(name) == best).unwrap_or_default();
    if let Some((_, first, _)) = starting.first() {
        tell(reading, all, first, (chosen, best));
    }
    let mut addresses = vec![None; all.members.len()];
    for (index, member, config) in starting {
        let endpoint = advertised(config, chosen).filter(|it| is_found(all, index, it));
        addresses[index] = match endpoint {
            Some(endpoint) => Some(format!("{}:{}", endpoint.host, endpoint.port)),
            None => config
                .listeners
                .iter()
                .find(|bound| !is_loopback(&bound.host))
                .map(|bound| format!("{}:{}", member.broker.host, bound.port)),
        };
    }
    addresses
}

fn advertised<'c>(config: &'c Config, name: &str) -> Option<&'c Endpoint> {
    config.advertised_listeners.iter().find(|endpoint| endpoint.name == name)
}

/// Whether a client that is sent there comes to this broker.
fn is_found(all: &Brokers<'_>, index: usize, endpoint: &Endpoint) -> bool {
    let place = all.names.leads_from_machine(&endpoint.host, endpoint.port);
    let found = place.and_then(|place| answers(all, place));
    found.is_some_and(|(there, _, listener)| there == index && listener.name == endpoint.name)
}

/// K08: which listener clients use where there is a choice, or whom they cannot find.
fn tell(reading: &mut Reading<'_>, all: &Brokers<'_>, first: &Member, (name, best): (&str, usize)) {
    let at = written(first, &ADVERTISED).to_owned();
    let lost: Vec<&str> = all
        .starting()
        .filter(|(index, _, config)| {
            !advertised(config, name).is_some_and(|endpoint| is_found(all, *index, endpoint))
        })
        .map(|(_, member, _)| member.broker.name.as_str())
        .collect();
    if best == 0 {
        let what = "clients find no broker where it sends them: nothing it advertises leads to it, \
                    neither from a container nor from the machine";
        let help = "advertise a listener at the service's name and a port the broker binds";
        reading.find(("K08", Severity::Warning), at, &listed(&lost), what, help);
    } else if !lost.is_empty() {
        let what = format!("clients, which use the listener {name}, are sent to where it is not");
        let help = "advertise the listener at an address of its own on every broker";
        reading.find(("K08", Severity::Warning), at, &listed(&lost), what, help);
    } else if let Some(endpoint) = all.starting().find_map(|(_, _, config)| {
        advertised(config, name).filter(|endpoint| is_loopback(&endpoint.host))
    }) {
        let what = format!(
            "clients of scenarios stand on the machine and use the listener {name}; a client in \
             another container is sent to {}:{}, which is itself",
            endpoint.host, endpoint.port
        );
        let help = "advertise a second listener at the service's name for clients in containers";
        reading.find(("K08", Severity::Information), at, "", what, help);
    } else if all.starting().any(|(_, _, config)| config.advertised_listeners.len() > 1) {
        let what = format!("clients of scenarios use the listener {name}");
        let help = "a client with `bootstrap` uses the listener it finds there";
        reading.find(("K08", Severity::Information), at, "", what, help);
    }
}
