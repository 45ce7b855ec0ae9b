//! From a script to a plan: patterns become names, windows become dates, choices become rankings.
//!
//! Every draw has a stream of its own, keyed by the step and the purpose: leaving a step out
//! changes no other.

use broker::id::TopicPartition;
use machine::{Chance, ChanceKey, Duration, Instant};

use super::{Client, Outage, Plan, Promises, Said, Step, Trigger};
use crate::cluster::{Broker, Cluster};
use crate::script::action::{Action, Deed};
use crate::script::client::{self, Knows};
use crate::script::condition::Condition;
use crate::script::ensemble::client_address;
use crate::script::kafka::admin::{Admin, Command};
use crate::script::selector::Selector;
use crate::script::step::{self, When};
use crate::script::time::{Anchor, Moment, Window};
use crate::script::{Names, Phrased, Script};

/// A repeated step is planned at most so often.
const ROUNDS_MAX: u64 = 10_000;

/// The plan of a script on a cluster, which must have passed [`Script::check`]. Equal arguments
/// give equal plans.
pub fn draw(script: &Script, cluster: &Cluster, seed: u64) -> Plan {
    let names = Names::of(script, cluster);
    let mut draw = Draw {
        names: &names,
        everywhere: cluster.brokers.iter().map(Broker::client_address).collect(),
        seed,
        dates: Vec::new(),
        end: script.duration.value,
    };
    let clients = script.clients.iter().map(|one| draw.client(one, cluster)).collect();
    let steps = draw.steps(&script.steps);
    let promises = draw.promises(script);
    Plan {
        scenario: script.name.value.clone(),
        about: script.about.clone(),
        seed,
        duration: script.duration.value,
        servers: names.servers.clone(),
        brokers: names.brokers.clone(),
        topics: cluster.topics.clone(),
        hosts: power(script, &names),
        mechanisms: script.ensemble.mechanisms.clone(),
        kafka_mechanisms: script.ensemble.kafka.mechanisms.clone(),
        clients,
        guests: names.guests.clone(),
        steps,
        promises,
    }
}

/// Which nodes lose power together: those of `[hosts]`; the rest as the cluster has them.
fn power(script: &Script, names: &Names) -> std::collections::BTreeMap<String, Vec<String>> {
    let is_placed = |node: &String| {
        let placed = script.hosts.values().flatten();
        placed.into_iter().any(|pattern| names.nodes(&pattern.value).contains(node))
    };
    let mut hosts = names.hosts.clone();
    for (host, nodes) in &mut hosts {
        if !script.hosts.contains_key(host) {
            nodes.retain(|node| !is_placed(node));
        }
    }
    hosts.retain(|_, nodes| !nodes.is_empty());
    hosts
}

struct Draw<'n> {
    names: &'n Names,
    /// The addresses of all brokers.
    everywhere: Vec<String>,
    seed: u64,
    /// The dates drawn so far, of the first firing of each dated step.
    dates: Vec<(String, u64)>,
    end: Duration,
}

impl Draw<'_> {
    fn chance(&self, whose: &str, purpose: &'static str) -> Chance {
        let part = xxhash_rust::xxh3::xxh3_64(whose.as_bytes());
        Chance::stream(self.seed, "plan", 0, ChanceKey { part, purpose })
    }

    fn client(&self, client: &client::Client, cluster: &Cluster) -> Client {
        let bootstrap = match &client.knows {
            Knows::Bootstrap(addresses) => addresses.clone(),
            _ if client.work.topic().is_some() => self.everywhere.clone(),
            _ => Vec::new(),
        };
        let connect = match &client.knows {
            _ if client.work.topic().is_some() => String::new(),
            Knows::Bootstrap(_) => String::new(),
            Knows::All => cluster.connect.clone(),
            Knows::Connect(connect) => connect.clone(),
            Knows::Servers(servers) => {
                let chosen = self.bind(servers, &client.id.value).resolve(&NothingRuns);
                let known = cluster.zookeepers.iter().filter(|one| chosen.contains(&one.name));
                known.map(client_address).collect::<Vec<_>>().join(",")
            }
        };
        Client {
            id: client.id.value.clone(),
            work: client.work.clone(),
            session_timeout: client.session_timeout,
            connect,
            bootstrap,
            start: Instant::ZERO + client.start,
        }
    }

    /// Steps that hang on others come after them in the drawing, and in their old order in the
    /// plan.
    fn steps(&mut self, steps: &[step::Step]) -> Vec<Step> {
        loop {
            let before = self.dates.len();
            for step in steps {
                let name = &step.id.value;
                if self.dates.iter().any(|(dated, _)| dated == name) {
                    continue;
                }
                if let Some(date) = self.date_of(step) {
                    self.dates.push((name.clone(), date));
                }
            }
            if self.dates.len() == before {
                break;
            }
        }
        steps.iter().flat_map(|step| self.step(step)).collect()
    }

    /// The date of the first firing, if it hangs on nothing but dated steps.
    fn date_of(&self, step: &step::Step) -> Option<u64> {
        match &step.when {
            When::At { window, .. } => {
                let (from, to) = (self.date(&window.from)?, self.date(&window.to)?);
                Some(self.chance(&step.id.value, "when").between(from, to.max(from)))
            }
            When::Every { first, .. } => self.date(first),
            When::Condition { .. } => None,
        }
    }

    fn date(&self, moment: &Moment) -> Option<u64> {
        let anchor = match &moment.anchor {
            Anchor::Start => 0,
            Anchor::End => self.end.as_micros(),
            Anchor::Step(step) => self.dates.iter().find(|(dated, _)| dated == step)?.1,
        };
        Some(moment.at(anchor))
    }

    /// A step, once for every time it is planned.
    fn step(&self, step: &step::Step) -> Vec<Step> {
        let id = &step.id.value;
        let action = |round: u64| self.action(&step.action, &format!("{id}#{round}"));
        let undo = |action: &Action| {
            let lasts = step.lasts.as_ref()?.value;
            action.undo(id).map(|undo| (lasts, undo))
        };
        let planned = |round: u64, trigger: Trigger| {
            let action = action(round);
            Step { id: id.clone(), round, trigger, undo: undo(&action), action }
        };
        match &step.when {
            When::At { window, .. } => {
                vec![planned(1, self.trigger(id, &window.from, Some(&window.to), 0))]
            }
            When::Every { period, first, times } => {
                let rounds = self.rounds(first, period.value, *times);
                let one = |round: u64| {
                    let later = period.value.times(round - 1).as_micros();
                    planned(round, self.trigger(id, first, None, later))
                };
                (1..=rounds).map(one).collect()
            }
            When::Condition { that, after, times } => {
                let that = self.said(that, id);
                vec![planned(1, Trigger::When { that, after: *after, times: *times })]
            }
        }
    }

    /// How often a repeated step is planned: as often as said, and before the end.
    fn rounds(&self, first: &Moment, period: Duration, times: Option<u64>) -> u64 {
        // A first time that hangs on a condition may be as early as the start.
        let left = self.end.as_micros().saturating_sub(self.date(first).unwrap_or(0));
        let fit = left.div_ceil(period.as_micros().max(1));
        times.unwrap_or(u64::MAX).min(fit).min(ROUNDS_MAX)
    }

    fn trigger(&self, id: &str, from: &Moment, to: Option<&Moment>, later: u64) -> Trigger {
        if let Some((_, date)) = self.dates.iter().find(|(dated, _)| dated == id) {
            return Trigger::At(Instant::from_micros(date.saturating_add(later)));
        }
        let Anchor::Step(step) = &from.anchor else {
            unreachable!("what hangs on no step has a date")
        };
        let low = u64::try_from(from.offset).unwrap_or(0);
        let high = to
            .filter(|to| to.anchor == from.anchor)
            .map_or(low, |to| u64::try_from(to.offset).unwrap_or(0).max(low));
        let offset = self.chance(id, "when").between(low, high).saturating_add(later);
        Trigger::After { step: step.clone(), offset }
    }

    fn action(&self, action: &Action, whose: &str) -> Action {
        let to = action.to.as_ref().map(|to| self.bind(to, &format!("{whose}/to")));
        let mut deed = action.deed.clone();
        if let Deed::Admin(admin) = &mut deed {
            self.spell_out(admin);
        }
        Action { deed, who: self.bind(&action.who, whose), to }
    }

    /// Fills in what an admin command says of all brokers or of all partitions of a topic.
    fn spell_out(&self, admin: &mut Admin) {
        if admin.bootstrap.is_empty() {
            admin.bootstrap.clone_from(&self.everywhere);
        }
        if let Command::ElectLeaders { topic, partitions, .. } = &mut admin.command
            && let Some(topic) = topic.take()
        {
            let count = self.names.topics.get(&topic).copied().flatten().unwrap_or(1);
            let all = (0..count).map(|number| TopicPartition::new(topic.as_str(), number));
            *partitions = Some(all.collect());
        }
    }

    /// The selector with names for patterns and rankings for choices.
    fn bind(&self, selector: &Selector, whose: &str) -> Selector {
        let mut choices = 0;
        self.bind_part(selector, whose, &mut choices)
    }

    fn bind_part(&self, selector: &Selector, whose: &str, choices: &mut u32) -> Selector {
        let names = self.names;
        selector.map(&mut |part| match part {
            Selector::Pattern(pattern) => Some(Selector::Nodes(names.nodes(pattern))),
            Selector::ClientPattern(pattern) => Some(Selector::Nodes(names.clients(pattern))),
            Selector::SessionPattern(pattern) => Some(Selector::Nodes(names.sessions(pattern))),
            Selector::Servers => Some(Selector::Nodes(names.servers.clone())),
            Selector::Brokers => Some(Selector::Nodes(names.brokers.clone())),
            Selector::Clients => Some(Selector::Nodes(names.clients.clone())),
            Selector::Host(pattern) => Some(self.on_hosts(names.hosts(pattern))),
            Selector::AnyHosts { count, pattern } => {
                *choices += 1;
                let mut hosts = names.hosts(pattern);
                self.chance(&format!("{whose}/{choices}"), "which").shuffle(&mut hosts);
                hosts.truncate(usize::try_from(*count).unwrap_or(usize::MAX));
                Some(self.on_hosts(hosts))
            }
            Selector::Any { count, these, .. } => {
                *choices += 1;
                let mut ranking = names.all();
                self.chance(&format!("{whose}/{choices}"), "which").shuffle(&mut ranking);
                let these = Box::new(self.bind_part(these, whose, choices));
                Some(Selector::Any { count: *count, these, ranking })
            }
            _ => None,
        })
    }

    fn on_hosts(&self, hosts: Vec<String>) -> Selector {
        let nodes = hosts.iter().filter_map(|host| self.names.hosts.get(host)).flatten();
        Selector::Nodes(nodes.cloned().collect())
    }

    fn said(&self, that: &Phrased<Condition>, whose: &str) -> Said {
        let condition = that.value.map(&mut |selector| self.bind(selector, whose));
        Said { words: that.words.clone(), condition }
    }

    fn promises(&self, script: &Script) -> Promises {
        let expect = &script.expect;
        let throughout = |all: &[crate::script::expect::Throughout]| {
            let one = |one: &crate::script::expect::Throughout| {
                (self.said(&one.that, "promise"), one.window.value.clone())
            };
            all.iter().map(one).collect::<Vec<(Said, Window)>>()
        };
        let eventually = expect.eventually.iter();
        let outage = |outage: &crate::script::expect::Outage| Outage {
            words: outage.words.clone(),
            work: outage.work.clone(),
            clients: self.clients_that(&outage.work, &outage.clients, script),
            must: outage.must,
            opens: outage.opens.value.clone(),
            closes: outage.closes.value.clone(),
            lasts: outage.lasts.value,
        };
        Promises {
            eventually: eventually
                .map(|one| (self.said(&one.that, "promise"), one.window.value.clone()))
                .collect(),
            outages: expect.outages.iter().map(outage).collect(),
            loses: expect.loses.clone(),
            sometimes: expect.sometimes.iter().map(|mark| mark.value.clone()).collect(),
            finally: expect.finally.iter().map(|that| self.said(that, "promise")).collect(),
            never: throughout(&expect.never),
            always: throughout(&expect.always),
        }
    }

    /// The clients of a selector that do this work; all that have sessions for `session`.
    fn clients_that(&self, work: &str, clients: &Selector, script: &Script) -> Vec<String> {
        let chosen = self.bind(clients, "promise").resolve(&NothingRuns);
        let does = |id: &String| {
            let client = script.clients.iter().find(|client| client.id.value == *id);
            client.is_some_and(|client| match work {
                "session" => client.work.topic().is_none(),
                work => client.work.word() == work,
            })
        };
        chosen.into_iter().filter(does).collect()
    }
}

/// Before anything runs: what selectors of names alone are resolved with.
struct NothingRuns;

impl crate::script::facts::KafkaFacts for NothingRuns {
    fn brokers(&self) -> Vec<String> {
        Vec::new()
    }
    fn partitions(&self) -> Vec<TopicPartition> {
        Vec::new()
    }
    fn topic_exists(&self, _: &str) -> bool {
        false
    }
    fn partition_leader(&self, _: &TopicPartition) -> Option<String> {
        None
    }
    fn partition_leader_seen_by(&self, _: &TopicPartition, _: &str) -> Option<String> {
        None
    }
    fn isr(&self, _: &TopicPartition) -> Vec<String> {
        Vec::new()
    }
    fn isr_seen_by(&self, _: &TopicPartition, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn replicas(&self, _: &TopicPartition) -> Vec<String> {
        Vec::new()
    }
    fn controller(&self) -> Option<String> {
        None
    }
    fn controller_seen_by(&self, _: &str) -> Option<String> {
        None
    }
    fn controller_epoch(&self) -> Option<u64> {
        None
    }
    fn leader_epoch(&self, _: &TopicPartition) -> Option<u64> {
        None
    }
    fn leader_epoch_seen_by(&self, _: &TopicPartition, _: &str) -> Option<u64> {
        None
    }
    fn high_watermark(&self, _: &TopicPartition) -> Option<u64> {
        None
    }
    fn high_watermark_seen_by(&self, _: &TopicPartition, _: &str) -> Option<u64> {
        None
    }
    fn log_end(&self, _: &TopicPartition) -> Option<u64> {
        None
    }
    fn log_end_seen_by(&self, _: &TopicPartition, _: &str) -> Option<u64> {
        None
    }
    fn registered(&self, _: &str) -> bool {
        false
    }
    fn frozen(&self, _: &str) -> bool {
        false
    }
    fn consumed(&self, _: &str) -> u64 {
        0
    }
    fn lost(&self, _: &str) -> u64 {
        0
    }
}

impl crate::script::facts::Facts for NothingRuns {
    fn servers(&self) -> Vec<String> {
        Vec::new()
    }
    fn is(&self, _: &str, _: crate::script::selector::Role) -> bool {
        false
    }
    fn leader(&self) -> Option<String> {
        None
    }
    fn leader_seen_by(&self, _: &str) -> Option<String> {
        None
    }
    fn epoch(&self) -> u64 {
        0
    }
    fn epoch_seen_by(&self, _: &str) -> u64 {
        0
    }
    fn victims(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn peers(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn session(&self, _: &str) -> crate::script::facts::SessionState {
        crate::script::facts::SessionState::New
    }
    fn expirations(&self, _: &str) -> u64 {
        0
    }
    fn server_of(&self, _: &str) -> Option<String> {
        None
    }
    fn holds_lock(&self, _: &str) -> bool {
        false
    }
    fn acked(&self, _: &str) -> u64 {
        0
    }
    fn failed(&self, _: &str) -> u64 {
        0
    }
    fn events(&self, _: &str) -> u64 {
        0
    }
}
