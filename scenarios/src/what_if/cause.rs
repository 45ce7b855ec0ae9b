//! Why something stopped, from what happened in a run, and which setting decides it, with where that setting comes from.

use broker::note::{Decision, Failure};
use machine::{Duration, Instant};
use serde::Serialize;

use super::seen::{Decided, Seen};
use super::stage::{MIN_IN_SYNC, Stage};
use crate::cluster::{Broker, Cluster, Property, ZooKeeper};

/// NOT_ENOUGH_REPLICAS, and the same after the records were appended.
const TOO_FEW: [Failure; 2] = [Failure::Error(19), Failure::Error(20)];
/// What a broker says that finds itself registered already.
const ITS_ZNODE: &str = "exists and belongs to session";
/// What happened so shortly before still belongs to an outage.
const JUST_BEFORE: Duration = Duration::from_secs(1);

/// An election that everybody was told of is over sooner.
const NOTICED_BY_ALL: Duration = Duration::from_secs(5);

/// Why something stopped, or did not.
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
    /// Fewer are in sync than acks=all needs: so many.
    TooFewInSync(usize),
    /// The session of this broker had to end first.
    Session(String),
    /// A silent replica had to leave the ISR first.
    Lag,
    /// The ensemble had to elect a leader first, and to notice that the old one is silent if that is said.
    ZooKeeperElects {
        /// Whether nobody told it.
        silent: bool,
    },
    /// A broker that stops in order has its partitions led by others before it goes.
    ControlledShutdown,
    /// The producer did not wait for the followers.
    DidNotWait,
    /// A client had to give up waiting for a broker that is silent.
    RequestTimeout,
    /// They had to come back first.
    Return,
    /// This broker came back before its former session had ended, and would not start.
    TooEarly(String),
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
    let in_sync = states.iter().filter(|decided| within(decided.at)).map(|one| one.isr.len());
    let in_sync = in_sync.min().unwrap_or_default();
    let mut causes = Vec::new();
    let back = seen.back.unwrap_or(Instant::NEVER);
    let mut refused = seen.refused.iter().filter(|(at, who, why)| {
        *at >= back && why.contains(ITS_ZNODE) && seen.sessions.contains_key(who)
    });
    if to.is_none()
        && let Some((_, who, _)) = refused.next()
    {
        return vec![Cause::TooEarly(who.clone())];
    }
    if to.is_none() {
        let leader = seen.end.leaders.get(&partition).is_some_and(Option::is_some);
        let replicas = seen.end.replicas.get(&partition).map_or(0, Vec::len);
        causes.push(match () {
            () if seen.end.brokers_up.is_empty() => Cause::NoBroker,
            () if TOO_FEW.iter().any(failed) && leader => Cause::TooFewInSync(in_sync),
            () if !seen.end.quorum => Cause::Quorum,
            () if leader => Cause::Lag,
            () if seen.end.counted_on.contains_key(&partition) => {
                Cause::Session(seen.end.counted_on[&partition].clone())
            }
            () if replicas == 1 => Cause::OnlyReplica,
            () => Cause::NobodyInSync,
        });
        return causes;
    }
    if seen.is_out_of_zookeeper(from, until) {
        causes.push(Cause::Quorum);
    }
    if TOO_FEW.iter().any(failed) {
        causes.push(Cause::TooFewInSync(in_sync));
    }
    if failed(&Failure::TimedOut) {
        causes.push(Cause::RequestTimeout);
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
pub fn of_zookeeper(seen: &Seen, from: Instant, to: Option<Instant>) -> Vec<Cause> {
    match to {
        None => vec![Cause::Quorum],
        Some(at) if seen.back.is_some_and(|back| back <= at) => vec![Cause::Quorum, Cause::Return],
        Some(to) => vec![Cause::ZooKeeperElects { silent: to.since(from) > NOTICED_BY_ALL }],
    }
}

/// Why an admin tool got nowhere.
pub fn of_admin(seen: &Seen) -> Vec<Cause> {
    match () {
        () if seen.back.is_some() => Vec::new(),
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
            let what = "no other broker has the records";
            let (setting, from) = replication(stage);
            plain(setting, from, what)
        }
        Cause::NobodyInSync => {
            let what = "nobody of the ISR is left, and nobody else may lead";
            let (setting, from) = of_topic("unclean.leader.election.enable", stage, cluster)?;
            plain(setting, from, what)
        }
        Cause::Unclean => {
            let what = "a replica that was not in sync leads: what it never had is lost";
            let (setting, from) = of_topic("unclean.leader.election.enable", stage, cluster)?;
            plain(setting, from, what)
        }
        Cause::TooFewInSync(left) => {
            let (setting, from) = of_topic(MIN_IN_SYNC, stage, cluster)?;
            let what = format!("{left} in sync, acks=all gets NOT_ENOUGH_REPLICAS");
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
        Cause::ZooKeeperElects { silent } => {
            let server = cluster.zookeepers.first()?;
            let (tick, from) = of_server("tickTime", server)?;
            let what = "the ensemble elects a new leader, and clients find another server";
            if !silent {
                return plain(tick, from, what);
            }
            let (limit, _) = of_server("syncLimit", server)?;
            let what = format!("so long its followers listen to a silent leader; then {what}");
            plain(format!("{limit} × {tick}"), from, &what)
        }
        Cause::ControlledShutdown => {
            let what = "others lead before the broker goes";
            plain("controlled.shutdown.enable=true".to_owned(), String::new(), what)
        }
        Cause::DidNotWait => {
            let what = "what followers had not fetched is lost with the leader";
            plain("acks=1".to_owned(), "of the producer".to_owned(), what)
        }
        Cause::RequestTimeout => {
            let what = "so long a client waits for a silent broker";
            plain("request.timeout.ms=30000".to_owned(), "default of clients".to_owned(), what)
        }
        Cause::TooEarly(who) => {
            let session = session(who, seen, cluster)?;
            let what = "so long its former session bars a broker that is back from starting";
            Some(Decides { what: what.to_owned(), ..session })
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
    let setting = match voters {
        1 => "one standalone ZooKeeper".to_owned(),
        voters => format!("server.1 to server.{voters}"),
    };
    let left = match seen.end.servers_up.as_slice() {
        [] => "none is left".to_owned(),
        [one] => format!("only {one} is left"),
        some => format!("{} are left", some.len()),
    };
    let nothing = "nothing is decided or changed";
    let what = match voters {
        1 => format!("without it {nothing}"),
        _ if seen.end.quorum && seen.back.is_some() => {
            format!("of {voters} ZooKeepers {majority} are a quorum: without it {nothing}")
        }
        _ if seen.end.quorum => format!("of {voters} ZooKeepers {majority} are a quorum, {left}"),
        _ => format!("of {voters} ZooKeepers {majority} are a quorum, {left}: {nothing}"),
    };
    let from = from.map(|property| place(&property.from)).unwrap_or_default();
    Some(Decides { setting, from, what })
}

/// How long a dead broker counts as alive.
fn session(owner: &str, seen: &Seen, cluster: &Cluster) -> Option<Decides> {
    let broker = cluster.brokers.iter().find(|broker| broker.name == owner)?;
    let (setting, from) = of_broker("zookeeper.session.timeout.ms", broker)?;
    let what = "so long the dead seem alive";
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

/// How many must be in sync for acks=all.
pub fn min_in_sync(stage: &Stage, cluster: &Cluster) -> Option<usize> {
    let (setting, _) = of_topic(MIN_IN_SYNC, stage, cluster)?;
    setting.rsplit_once('=')?.1.parse().ok()
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
    let usual = if key == "tickTime" { "3000" } else { "" };
    let value = found.map_or(usual, |found| found.value.as_str());
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
