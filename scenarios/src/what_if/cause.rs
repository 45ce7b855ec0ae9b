//! Why something stopped, from what happened in a run, and which setting decides it, with where that setting comes from.

use broker::note::{Decision, Failure};
use machine::{Duration, Instant};
use serde::Serialize;

use super::seen::{Decided, Seen};
use super::stage::{MIN_IN_SYNC, Stage};
use crate::cluster::{Broker, Cluster, Property, ZooKeeper};

/// NOT_ENOUGH_REPLICAS, and the same after the records were appended.
const TOO_FEW: [Failure; 2] = [Failure::Error(19), Failure::Error(20)];
/// What happened so shortly before still belongs to an outage.
const JUST_BEFORE: Duration = Duration::from_secs(1);

/// Why something stopped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The ensemble has no quorum.
    Quorum,
    /// No broker is left.
    NoBroker,
    /// The only replica is gone.
    OnlyReplica,
    /// Nobody who is in sync is left, and nobody else may lead.
    NobodyInSync,
    /// Somebody who was not in sync was made the leader.
    Unclean,
    /// Fewer are in sync than acks=all needs.
    TooFewInSync,
    /// The session of this broker had to end first.
    Session(String),
    /// A silent replica had to leave the ISR first.
    Lag,
    /// The ensemble had to elect a leader first.
    ZooKeeperElects,
    /// They had to come back first.
    Return,
}

/// A setting that decides, and what it decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Decides {
    /// The setting and its value (`min.insync.replicas=2`), or a fact in its place.
    pub setting: String,
    /// Where it comes from (`docker-compose.yml:31`, `default of Kafka 2.5`).
    pub from: String,
    /// What it decides here.
    pub what: String,
}

/// Why a producer waited, or a reader was given nothing, at a partition; until the end of the run without `to`.
pub fn of_partition(seen: &Seen, partition: i32, from: Instant, to: Option<Instant>) -> Vec<Cause> {
    let until = to.unwrap_or(seen.end.at);
    let since = from - JUST_BEFORE;
    let within = |at: Instant| since <= at && at <= until;
    let failed = |one: &Failure| {
        let last = seen.failures.get(&partition).and_then(|failures| failures.get(one));
        last.is_some_and(|at| within(*at))
    };
    let states: &[Decided] = seen.states.get(&partition).map_or(&[], Vec::as_slice);
    let mut causes = Vec::new();
    if to.is_none() {
        let leader = seen.end.leaders.get(&partition).is_some_and(Option::is_some);
        let replicas = seen.end.replicas.get(&partition).map_or(0, Vec::len);
        causes.push(match () {
            () if seen.end.brokers_up.is_empty() => Cause::NoBroker,
            () if TOO_FEW.iter().any(failed) && leader => Cause::TooFewInSync,
            () if !seen.end.quorum => Cause::Quorum,
            () if leader => Cause::Lag,
            () if replicas == 1 => Cause::OnlyReplica,
            () => Cause::NobodyInSync,
        });
        return causes;
    }
    if seen.is_out_of_zookeeper(from, until) {
        causes.push(Cause::Quorum);
    }
    if TOO_FEW.iter().any(failed) {
        causes.push(Cause::TooFewInSync);
    }
    let turn = states.iter().rposition(|decided| within(decided.at));
    match turn.map(|place| (&states[place], place.checked_sub(1).map(|before| &states[before]))) {
        Some((Decided { by: Some(Decision::ControlledShutdown | Decision::Preferred), .. }, _)) => {
        }
        Some((Decided { by: Some(by), at, .. }, _)) => {
            let mut expired = seen.expired.iter().filter(|(when, ..)| within(*when) && when <= at);
            causes.extend(expired.next_back().map(|(_, owner, _)| Cause::Session(owner.clone())));
            if *by == Decision::Unclean {
                causes.push(Cause::Unclean);
            }
        }
        Some((Decided { isr, .. }, Some(before))) if isr.len() < before.isr.len() => {
            causes.push(Cause::Lag);
        }
        Some(_) | None => {}
    }
    if seen.back.is_some_and(within) {
        causes.push(Cause::Return);
    }
    causes
}

/// Why ZooKeeper did not answer its own clients.
pub fn of_zookeeper(seen: &Seen, to: Option<Instant>) -> Vec<Cause> {
    match to {
        None => vec![Cause::Quorum],
        Some(at) if seen.back.is_some_and(|back| back <= at) => vec![Cause::Quorum, Cause::Return],
        Some(_) => vec![Cause::ZooKeeperElects],
    }
}

/// Why an admin tool got nowhere.
pub fn of_admin(seen: &Seen) -> Vec<Cause> {
    match () {
        () if seen.end.brokers_up.is_empty() => vec![Cause::NoBroker],
        () if !seen.end.quorum => vec![Cause::Quorum],
        () => Vec::new(),
    }
}

impl Seen {
    /// Whether clients of ZooKeeper waited for it all the time from one instant to another, or nearly.
    fn is_out_of_zookeeper(&self, from: Instant, to: Instant) -> bool {
        let out = self.outages.iter().filter(|one| one.of.starts_with("write("));
        let covered: u64 = out
            .map(|one| {
                let end = one.to.unwrap_or(u64::MAX).min(to.as_micros());
                end.saturating_sub(one.from.max(from.as_micros()))
            })
            .sum();
        covered > to.since(from).as_micros() / 2
    }
}

/// The setting behind a cause, as this cluster has it.
pub fn decides(cause: &Cause, seen: &Seen, stage: &Stage, cluster: &Cluster) -> Option<Decides> {
    let plain = |setting: String, from: String, what: &str| {
        Some(Decides { setting, from, what: what.to_owned() })
    };
    match cause {
        Cause::Quorum => quorum(seen, cluster),
        Cause::NoBroker => {
            let all = cluster.brokers.len();
            plain(format!("brokers={all}"), String::new(), "none is left, whatever the settings")
        }
        Cause::OnlyReplica => {
            let what = "nobody else has the records: the partition is gone with its broker";
            let (setting, from) = replication(stage);
            plain(setting, from, what)
        }
        Cause::NobodyInSync => {
            let what = "no replica of the ISR is left, and nobody else may lead";
            let (setting, from) = of_topic("unclean.leader.election.enable", stage, cluster)?;
            plain(setting, from, what)
        }
        Cause::Unclean => {
            let what = "a replica that was not in sync leads: what it never had is lost";
            let (setting, from) = of_topic("unclean.leader.election.enable", stage, cluster)?;
            plain(setting, from, what)
        }
        Cause::TooFewInSync => {
            let (setting, from) = of_topic(MIN_IN_SYNC, stage, cluster)?;
            let left = seen.end.isr.values().map(Vec::len).min().unwrap_or_default();
            let what = format!("{left} in sync is left: acks=all is refused (NOT_ENOUGH_REPLICAS)");
            plain(setting, from, &what)
        }
        Cause::Session(owner) => session(owner, seen, cluster),
        Cause::Lag => {
            let broker = cluster.brokers.first()?;
            let (setting, from) = of_broker("replica.lag.time.max.ms", broker)?;
            plain(
                setting,
                from,
                "so long a silent replica stays in the ISR, and acks=all waits for it",
            )
        }
        Cause::ZooKeeperElects => {
            let server = cluster.zookeepers.first()?;
            let (setting, from) = of_server("tickTime", server)?;
            plain(
                setting,
                from,
                "the ensemble elects a new leader, and clients find another server",
            )
        }
        Cause::Return => None,
    }
}

/// Who must be up for a quorum, and why so many.
fn quorum(seen: &Seen, cluster: &Cluster) -> Option<Decides> {
    let voters = seen.end.voters.max(1);
    let majority = coordinator::quorum::majority_of(voters);
    let listed = cluster.zookeepers.iter().flat_map(|server| &server.properties);
    let from = listed.clone().find(|property| property.key.starts_with("server."));
    let setting = match (voters, seen.end.ensembles) {
        (1, _) => "one standalone ZooKeeper".to_owned(),
        (voters, _) => format!("{voters} ZooKeepers (server.1 to server.{voters})"),
    };
    let left = match seen.end.servers_up.as_slice() {
        [] => "none is".to_owned(),
        [one] => format!("only {one} is"),
        some => format!("{} are", some.len()),
    };
    let what = match voters {
        1 => format!("{left} left: without it nothing is decided or changed"),
        _ => format!("a quorum is {majority}, {left} left: nothing is decided or changed"),
    };
    let from = from.map(|property| property.from.clone()).unwrap_or_default();
    Some(Decides { setting, from: place(&from), what })
}

/// How long a dead broker counts as alive.
fn session(owner: &str, seen: &Seen, cluster: &Cluster) -> Option<Decides> {
    let broker = cluster.brokers.iter().find(|broker| broker.name == owner)?;
    let (setting, from) = of_broker("zookeeper.session.timeout.ms", broker)?;
    let what = "so long a dead broker counts as alive; then others take over and the ISR shrinks";
    let granted = seen.sessions.get(owner).copied()?;
    let wished: u64 = setting.rsplit_once('=')?.1.parse().ok()?;
    if granted == wished {
        return Some(Decides { setting, from, what: what.to_owned() });
    }
    // ZooKeeper did not grant what was asked for.
    let bound = if granted < wished { "maxSessionTimeout" } else { "minSessionTimeout" };
    let servers = || cluster.zookeepers.iter();
    let (limit, from) = servers()
        .find_map(|server| Some((bound, property(bound, &server.properties)?.from.clone())))
        .or_else(|| servers().find_map(|one| Some(("tickTime", of_server("tickTime", one)?.1))))?;
    let what = format!("{what} (asked for were {wished})");
    Some(Decides {
        setting: format!("session of {granted} ms by {limit}"),
        from: place(&from),
        what,
    })
}

fn replication(stage: &Stage) -> (String, String) {
    let factor = stage.topic.as_ref().map_or(1, |worked| worked.topic.replication_factor);
    let name = stage.topic.as_ref().map_or("", |worked| worked.topic.name.as_str());
    (format!("replication-factor={factor}"), format!("of topic {name}"))
}

/// A setting of the topic: its own, or what brokers have for all topics.
fn of_topic(key: &str, stage: &Stage, cluster: &Cluster) -> Option<(String, String)> {
    let topic = &stage.topic.as_ref()?.topic;
    if let Some(value) = topic.config.get(key) {
        return Some((format!("{key}={value}"), format!("of topic {}", topic.name)));
    }
    of_broker(key, cluster.brokers.first()?)
}

/// A setting of a broker: as its files have it, or the default of its version.
fn of_broker(key: &str, broker: &Broker) -> Option<(String, String)> {
    if let Some(found) = property(key, &broker.properties) {
        return Some((format!("{key}={}", found.value), place(&found.from)));
    }
    let (config, _) = broker.config(broker.preset.mechanisms()).ok()?;
    let ms = |span: Duration| span.as_millis().to_string();
    let value = match key {
        "zookeeper.session.timeout.ms" => ms(config.zookeeper_session_timeout),
        "replica.lag.time.max.ms" => ms(config.replica_lag_max),
        MIN_IN_SYNC => config.topic_defaults.min_insync_replicas.to_string(),
        "unclean.leader.election.enable" => {
            config.topic_defaults.unclean_leader_election.to_string()
        }
        _ => return None,
    };
    let version = match broker.preset.name() {
        "fixed" => "default".to_owned(),
        version => format!("default of Kafka {version}"),
    };
    Some((format!("{key}={value}"), version))
}

fn of_server(key: &str, server: &ZooKeeper) -> Option<(String, String)> {
    let found = property(key, &server.properties);
    let value = found.map_or("3000", |found| found.value.as_str());
    let from = found.map_or_else(|| "default of ZooKeeper".to_owned(), |found| place(&found.from));
    Some((format!("{key}={value}"), from))
}

/// What a key is set to; the last line wins.
fn property<'p>(key: &str, properties: &'p [Property]) -> Option<&'p Property> {
    properties.iter().rev().find(|property| property.key == key)
}

/// Where a setting is from, in as many words as there is room for: a long path by its end.
fn place(from: &str) -> String {
    match from.split_once(':') {
        Some((path, line)) if path.len() > 40 && path.contains('/') && !path.contains(' ') => {
            let file = path.rsplit('/').next().unwrap_or(path);
            format!("{file}:{line}")
        }
        _ => from.to_owned(),
    }
}
