//! Who finds whom, at the addresses brokers tell each other; and what chance decides about who is in one cluster
//! with whom.

use std::collections::{BTreeMap, BTreeSet};

use broker::config::{Config, Endpoint};
use coordinator::client::ConnectString;
use reports::survey::{Chance, Road};

use super::played::Played;
use super::{Broker, Cluster, MACHINE};

/// More cases than these are not counted.
const CASES_MAX: u64 = 1 << 16;

/// A broker that runs, and its settings.
struct Running<'c> {
    broker: &'c Broker,
    config: Config,
}

fn running<'c>(played: &Played, cluster: &'c Cluster) -> Vec<Running<'c>> {
    let up = cluster.brokers.iter().filter(|broker| played.view(&broker.name).is_some());
    let read = up.filter_map(|broker| {
        let (config, _) = broker.config(broker.preset.mechanisms()).ok()?;
        Some(Running { broker, config })
    });
    read.collect()
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || name.starts_with("127.") || name == "::1"
}

/// From every broker to every one it shares a ZooKeeper and a chroot with, itself included: a controller dials
/// itself, too.
pub(super) fn roads(played: &Played, cluster: &Cluster) -> Vec<Road> {
    let running = running(played, cluster);
    let place = |one: &Running<'_>| {
        let session = played.session_of(cluster, &one.broker.name);
        (session.map(|server| played.island_of(server)), chroot(&one.config))
    };
    let mut roads = Vec::new();
    for from in &running {
        for to in running.iter().filter(|to| place(to) == place(from)) {
            roads.push(road(played, &running, from, to));
        }
    }
    roads
}

fn road(played: &Played, running: &[Running<'_>], from: &Running<'_>, to: &Running<'_>) -> Road {
    let (name, other) = (from.broker.name.clone(), to.broker.name.clone());
    let listener = &from.config.inter_broker_listener;
    let mut advertised = to.config.advertised_listeners.iter();
    let Some(endpoint) = advertised.find(|endpoint| endpoint.name == *listener) else {
        let finds = format!("no listener {listener} among what it advertises");
        return Road { from: name, to: other, address: String::new(), arrives: false, finds };
    };
    let host = if endpoint.host.is_empty() { &to.broker.host } else { &endpoint.host };
    let address = format!("{host}:{}", endpoint.port);
    let found = behind(played, running, from, host, &address);
    let (arrives, finds) = match found {
        Ok(found) if found == other => (true, found),
        Ok(found) if found == name => (false, "itself".to_owned()),
        Ok(found) => (false, found),
        Err(why) => (false, why),
    };
    Road { from: name, to: other, address, arrives, finds }
}

/// The broker that listens at an address, as `from` dials it; or why there is none.
fn behind(
    played: &Played,
    running: &[Running<'_>],
    from: &Running<'_>,
    name: &str,
    address: &str,
) -> Result<String, String> {
    let world = &played.stage.world;
    let here = world.host_of(played.node(&from.broker.name));
    let Some((host, port)) = world.resolve(here, address) else {
        return Err("no such name on its networks".to_owned());
    };
    let takes = |endpoint: &&Endpoint| {
        let everywhere = matches!(endpoint.host.as_str(), "" | "0.0.0.0" | "::");
        endpoint.port == port && (everywhere || is_loopback(&endpoint.host) == is_loopback(name))
    };
    let found = running.iter().find(|one| {
        world.host_of(played.node(&one.broker.name)) == host
            && one.config.listeners.iter().any(|endpoint| takes(&endpoint))
    });
    let own = if host == here { " in its own container" } else { "" };
    found.map(|one| one.broker.name.clone()).ok_or_else(|| format!("nobody listening{own}"))
}

/// From the machine, where people and their programs are, to every address that brokers advertise. Names of
/// containers mean nothing there; `localhost` and the ports that are published do.
pub(super) fn doors(played: &Played, cluster: &Cluster) -> Vec<Road> {
    let running = running(played, cluster);
    let mut doors = Vec::new();
    for one in running.iter().filter(|_| !cluster.published.is_empty()) {
        for endpoint in &one.config.advertised_listeners {
            let host = if endpoint.host.is_empty() { &one.broker.host } else { &endpoint.host };
            let (arrives, finds) = match from_outside(cluster, &running, host, endpoint.port) {
                Ok(found) => (found == one.broker.name, found),
                Err(why) => (false, why),
            };
            let address = format!("{host}:{}", endpoint.port);
            let (from, to) = ("the machine".to_owned(), one.broker.name.clone());
            doors.push(Road { from, to, address, arrives, finds });
        }
    }
    doors
}

/// The broker behind a port of the machine; or why there is none.
fn from_outside(
    cluster: &Cluster,
    running: &[Running<'_>],
    name: &str,
    port: u16,
) -> Result<String, String> {
    let on_machine = |one: &&Running<'_>| one.broker.host == MACHINE;
    let listens = |one: &&Running<'_>, port: u16| {
        let inside = |endpoint: &Endpoint| {
            endpoint.port == port && (on_machine(one) || !is_loopback(&endpoint.host))
        };
        one.config.listeners.iter().any(inside)
    };
    let is_container = cluster.hosts.iter().any(|host| {
        host.name != MACHINE
            && host.networks.iter().any(|network| network.aliases.iter().any(|one| one == name))
    });
    if is_container {
        return Err("no such name outside its network".to_owned());
    }
    if let Some(one) = running.iter().filter(on_machine).find(|one| listens(one, port)) {
        return Ok(one.broker.name.clone());
    }
    let Some(published) = cluster.published.iter().find(|published| published.port == port) else {
        return Err(format!("port {port} is not published"));
    };
    let found =
        running.iter().find(|one| one.broker.host == published.host && listens(one, published.to));
    let what = || format!("nobody listening at {}:{}", published.host, published.to);
    found.map(|one| one.broker.name.clone()).ok_or_else(what)
}

/// The chroot of a broker's connect string; empty for the root.
fn chroot(config: &Config) -> String {
    let connect = config.zookeeper_connect.parse::<ConnectString>().ok();
    connect.and_then(|connect| connect.chroot().map(ToString::to_string)).unwrap_or_default()
}

/// Each broker picks one of the servers that serve at the addresses it was given, all with the same chance: how many
/// clusters that makes, over all cases. Empty where there are too many cases, or nothing to choose.
pub(super) fn chances(played: &Played, cluster: &Cluster) -> Vec<Chance> {
    let choices: Vec<Vec<(usize, String)>> = running(played, cluster)
        .iter()
        .map(|one| {
            let Ok(connect) = one.config.zookeeper_connect.parse::<ConnectString>() else {
                return Vec::new();
            };
            let from = played.node(&one.broker.name);
            let found = connect.servers().iter().filter_map(|address| {
                let server = played.server_at(cluster, from, address)?;
                let serves = played.serves(server);
                serves.then(|| (played.island_of(server), chroot(&one.config)))
            });
            found.collect()
        })
        .filter(|choices: &Vec<_>| !choices.is_empty())
        .collect();
    let all = choices.iter().try_fold(1_u64, |all, some| all.checked_mul(some.len() as u64));
    let Some(all) = all.filter(|all| *all <= CASES_MAX && !choices.is_empty()) else {
        return Vec::new();
    };
    let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
    for case in 0..all {
        let mut rest = case as usize;
        let mut clusters = BTreeSet::new();
        for some in &choices {
            clusters.insert(&some[rest % some.len()]);
            rest /= some.len();
        }
        *counts.entry(clusters.len()).or_default() += 1;
    }
    let chance = |(clusters, cases)| Chance { clusters, cases, of: all };
    counts.into_iter().map(chance).collect()
}
