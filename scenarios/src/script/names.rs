//! Which names there are, and whether every name in a scenario is one of them.

use std::collections::{BTreeMap, BTreeSet};

use super::client::Client;
use super::phrase::{Mention, MentionKind};
use super::problems::{Problems, Span};
use super::selector::{Role, Selector, fits, is_pattern};
use super::{Located, Script, kafka};
use crate::cluster::Cluster;

/// The names of a scenario played on a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The ZooKeeper servers, in the order of the cluster.
    pub servers: Vec<String>,
    /// The brokers, in the order of the cluster.
    pub brokers: Vec<String>,
    /// The clients, in the order of the file.
    pub clients: Vec<String>,
    /// The programs a test brings along.
    pub guests: Vec<String>,
    /// The topics, with how many partitions each may come to have; `None` where nobody says. Those
    /// of the cluster, those that steps create and, where that is switched on explicitly, those
    /// that clients create by using them.
    pub topics: BTreeMap<String, Option<i32>>,
    /// The topic each client of Kafka works on, by client.
    works_on: Vec<(String, String)>,
    /// The nodes on each host: the cluster's hosts, those of `[hosts]`, and each client's own.
    pub hosts: BTreeMap<String, Vec<String>>,
    /// Those of `[hosts]` alone.
    placed: BTreeSet<String>,
}

impl Names {
    /// Of this scenario on this cluster.
    pub fn of(script: &Script, cluster: &Cluster) -> Self {
        let servers = cluster.zookeepers.iter().map(|server| server.name.clone()).collect();
        let clients: Vec<_> = script.clients.iter().map(|client| client.id.value.clone()).collect();
        let placed = script.hosts.keys().cloned().collect();
        let works_on = script
            .clients
            .iter()
            .filter_map(|client| Some((client.id.value.clone(), client.work.topic()?.to_string())));
        let mut names = Self {
            servers,
            brokers: cluster.brokers.iter().map(|broker| broker.name.clone()).collect(),
            clients,
            guests: script.guests.iter().map(|guest| guest.value.clone()).collect(),
            topics: kafka::topics(script, cluster),
            works_on: works_on.collect(),
            hosts: BTreeMap::new(),
            placed,
        };
        let servers = cluster.zookeepers.iter().map(|server| (&server.host, &server.name));
        let brokers = cluster.brokers.iter().map(|broker| (&broker.host, &broker.name));
        for (host, node) in servers.chain(brokers) {
            names.hosts.entry(host.clone()).or_default().push(node.clone());
        }
        for client in names.clients.iter().chain(&names.guests) {
            names.hosts.entry(client.clone()).or_default().push(client.clone());
        }
        for (host, patterns) in &script.hosts {
            let nodes = patterns.iter().flat_map(|pattern| names.nodes(&pattern.value)).collect();
            names.hosts.insert(host.clone(), nodes);
        }
        names
    }

    /// All nodes: servers, brokers, clients, then guests.
    pub fn all(&self) -> Vec<String> {
        let programs = self.clients.iter().chain(&self.guests);
        self.servers.iter().chain(&self.brokers).chain(programs).cloned().collect()
    }

    /// The nodes of that name, or that fit that pattern. The n-th server is also called `zk-n`, the
    /// n-th broker `kafka-n`, where that does not name another node and, of a pattern, where no
    /// node fits by its own name.
    pub fn nodes(&self, pattern: &str) -> Vec<String> {
        let own: Vec<_> = self.all().into_iter().filter(|name| fits(pattern, name)).collect();
        if !own.is_empty() {
            return own;
        }
        let numbered = |kind: &str, nodes: &[String]| {
            let numbered = (1..).zip(nodes);
            let fit = numbered.filter(|(number, _)| fits(pattern, &format!("{kind}-{number}")));
            fit.map(|(_, name)| name.clone()).collect::<Vec<_>>()
        };
        [numbered("zk", &self.servers), numbered("kafka", &self.brokers)].concat()
    }

    /// The nodes a selector means in every run at every time; `None` where that depends on the run.
    pub fn fixed(&self, who: &Selector) -> Option<Vec<String>> {
        Some(match who {
            Selector::Pattern(pattern) => self.nodes(pattern),
            Selector::ClientPattern(pattern) => self.clients(pattern),
            Selector::SessionPattern(pattern) => self.sessions(pattern),
            Selector::Nodes(nodes) => nodes.clone(),
            Selector::Servers => self.servers.clone(),
            Selector::Brokers => self.brokers.clone(),
            Selector::Clients => self.clients.clone(),
            Selector::Host(pattern) => {
                let hosts = self.hosts(pattern).into_iter();
                hosts.filter_map(|host| self.hosts.get(&host)).flatten().cloned().collect()
            }
            Selector::Union(parts) => {
                let mut all = BTreeSet::new();
                for part in parts {
                    all.extend(self.fixed(part)?);
                }
                all.into_iter().collect()
            }
            Selector::Except(these, without) => {
                let without = self.fixed(without)?;
                self.fixed(these)?.into_iter().filter(|node| !without.contains(node)).collect()
            }
            _ => return None,
        })
    }

    /// The clients of that name, or that fit that pattern; or else those that work on the topic of
    /// that name.
    pub fn clients(&self, pattern: &str) -> Vec<String> {
        let own: Vec<_> =
            self.clients.iter().filter(|client| fits(pattern, client)).cloned().collect();
        if !own.is_empty() {
            return own;
        }
        let on_topic = self.works_on.iter().filter(|(_, topic)| topic == pattern);
        on_topic.map(|(client, _)| client.clone()).collect()
    }

    /// Of those, the ones that have sessions.
    pub fn sessions(&self, pattern: &str) -> Vec<String> {
        let clients = self.clients(pattern).into_iter();
        let is_of_kafka = |id: &String| self.works_on.iter().any(|(client, _)| client == id);
        clients.filter(|client| !is_of_kafka(client)).collect()
    }

    /// The hosts of that name, or that fit that pattern: those of `[hosts]`, or else those of the
    /// cluster.
    pub fn hosts(&self, pattern: &str) -> Vec<String> {
        let fit = |host: &&String| fits(pattern, host);
        let placed: Vec<_> = self.placed.iter().filter(fit).cloned().collect();
        if placed.is_empty() { self.hosts.keys().filter(fit).cloned().collect() } else { placed }
    }
}

/// Words that mean something else where a name may stand.
const RESERVED: [&str; 10] =
    ["start", "end", "clients", "all", "any", "is", "not", "brokers", "controller", "nobody"];

/// Checks that `id` can be the name of something: words of letters and digits joined by `-` or `_`.
pub fn check_id(what: &str, id: &str, span: &Span, problems: &mut Problems) {
    let good = id.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && id.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'));
    if !good || RESERVED.contains(&id) {
        let message = format!("`{id}` cannot be {what}");
        let report = problems.add("E0305", span, message);
        report.help("a name begins with a letter and has letters, digits, `-` and `_`");
    }
}

/// Checks every name of the scenario; those of nodes only if the cluster is known.
pub fn check(script: &Script, cluster: Option<&Cluster>, problems: &mut Problems) {
    check_ids(script, problems);
    let known = Known {
        script,
        names: cluster.map(|cluster| Names::of(script, cluster)),
        steps: script.steps.iter().map(|step| step.id.value.as_str()).collect(),
    };
    if let (Some(names), Some(cluster)) = (&known.names, cluster) {
        known.check_host_table(names, problems);
        kafka::check(script, cluster, names, problems);
        let clients = script.clients.iter().map(|client| &client.id);
        for client in clients.chain(&script.guests) {
            let what = match &client.value {
                id if names.servers.contains(id) => "server",
                id if names.brokers.contains(id) => "broker",
                _ => continue,
            };
            let message = format!("`{}` is the name of a {what} already", client.value);
            problems.add("E0309", &client.span, message);
        }
    }
    let of_clients = script.clients.iter().flat_map(|client| &client.mentions);
    let of_steps = script.steps.iter().flat_map(|step| &step.mentions);
    for mention in of_clients.chain(of_steps).chain(&script.expect.mentions) {
        known.check(mention, problems);
    }
}

fn check_ids(script: &Script, problems: &mut Problems) {
    let clients = script.clients.iter().map(|client| &client.id).chain(&script.guests).collect();
    let steps: Vec<_> = script.steps.iter().map(|step| &step.id).collect();
    for (what, ids) in [("client", clients), ("step", steps)] {
        let mut seen: BTreeMap<&str, &Span> = BTreeMap::new();
        for Located { value, span } in ids {
            check_id(&format!("the name of a {what}"), value, span, problems);
            if let Some(first) = seen.get(value.as_str()) {
                let message = format!("there is a {what} `{value}` already");
                let report = problems.add("E0309", span, message);
                report.label("the second of that name").also(first, "the first");
            } else {
                seen.insert(value, span);
            }
        }
    }
}

/// What names are checked against.
struct Known<'s> {
    script: &'s Script,
    names: Option<Names>,
    steps: Vec<&'s str>,
}

/// What a client must be.
#[derive(Clone, Copy)]
enum Wanted {
    /// There.
    Any,
    /// Doing this.
    Work(&'static str),
    /// A client of ZooKeeper.
    Session,
}

impl Known<'_> {
    fn check(&self, mention: &Mention, problems: &mut Problems) {
        let (name, span) = (mention.name.as_str(), &mention.span);
        match &mention.kind {
            MentionKind::Step => self.check_step(name, span, problems),
            MentionKind::StepWithVictims | MentionKind::StepWithPeers => {
                self.check_step(name, span, problems);
                let wants_peers = mention.kind == MentionKind::StepWithPeers;
                self.check_picks(name, wants_peers, span, problems);
            }
            MentionKind::Client => self.check_client(name, Wanted::Any, span, problems),
            MentionKind::ClientThat(work) => {
                self.check_client(name, Wanted::Work(work), span, problems);
            }
            MentionKind::ClientWithSession => {
                self.check_client(name, Wanted::Session, span, problems);
            }
            MentionKind::Node => self.check_node(name, span, problems),
            MentionKind::NodeOrState => self.check_state(name, span, problems),
            MentionKind::Broker => self.check_of_kafka(kafka::check_broker, mention, problems),
            MentionKind::Topic => self.check_of_kafka(kafka::check_topic, mention, problems),
            MentionKind::Partition => {
                self.check_of_kafka(kafka::check_partition, mention, problems);
            }
            MentionKind::NumberOfPartition => {
                self.check_of_kafka(kafka::check_number, mention, problems);
            }
            MentionKind::Host => self.check_host(name, span, problems),
            MentionKind::AnyOf(count) => {
                let Some(names) = &self.names else { return };
                let found = names.nodes(name).len() as u64;
                check_count(*count, found, name, span, problems);
            }
            MentionKind::AnyHostsOf(count) => {
                let Some(names) = &self.names else { return };
                let found = names.hosts(name).len() as u64;
                check_count(*count, found, name, span, problems);
            }
        }
    }

    /// The name of something of Kafka, if it is known what there is.
    fn check_of_kafka(
        &self,
        check: fn(&Names, &str, &Span, &mut Problems),
        mention: &Mention,
        problems: &mut Problems,
    ) {
        if let Some(names) = &self.names {
            check(names, &mention.name, &mention.span, problems);
        }
    }

    fn check_step(&self, name: &str, span: &Span, problems: &mut Problems) {
        if !self.steps.contains(&name) {
            let message = format!("no step `{name}` in this scenario");
            let report = problems.add("E0302", span, message).label("unknown step");
            report.suggest(name, self.steps.iter().copied());
        }
    }

    fn check_picks(&self, name: &str, wants_peers: bool, span: &Span, problems: &mut Problems) {
        let step = self.script.steps.iter().find(|step| step.id.value == name);
        let Some((step, action)) = step.map(|step| (step, &step.action)) else { return };
        let has_none =
            matches!(action.deed, super::action::Deed::HealAll | super::action::Deed::Admin(_));
        if has_none || (wants_peers && action.to.is_none()) {
            let what = if wants_peers { "other side" } else { "victims" };
            let report = problems.add("E0313", span, format!("step `{name}` has no {what}"));
            report.also(
                &step.span,
                format!("it picks {}", if has_none { "nobody" } else { "one side" }),
            );
        }
    }

    fn check_client(&self, name: &str, wanted: Wanted, span: &Span, problems: &mut Problems) {
        let clients = &self.script.clients;
        let named: Vec<_> = clients.iter().filter(|client| fits(name, &client.id.value)).collect();
        let on_topic = |client: &&Client| client.work.topic() == Some(name);
        let fit = match named.is_empty() {
            true => clients.iter().filter(on_topic).collect(),
            false => named,
        };
        let Some(first) = fit.first() else {
            let report =
                problems.add("E0303", span, format!("no client `{name}` in this scenario"));
            let report = report.label("unknown client");
            let ids = clients.iter().map(|client| client.id.value.as_str());
            let topics: BTreeSet<_> = clients.iter().filter_map(|one| one.work.topic()).collect();
            report.suggest(name, ids.chain(topics));
            return;
        };
        let (id, does, there) = (&first.id.value, first.work.word(), &first.id.span);
        match wanted {
            Wanted::Work(work) if fit.iter().all(|client| client.work.word() != work) => {
                let message = format!("client `{id}` does not `{work}`");
                let report = problems.add("E0314", span, message).also(there, "this one");
                report.help(format!("it does `{does}`"));
            }
            Wanted::Session if fit.iter().all(|client| client.work.topic().is_some()) => {
                let message = format!("client `{id}` has no session");
                let report = problems.add("E0315", span, message).also(there, "this one");
                report.help(format!("it does `{does}`, with brokers"));
            }
            _ => {}
        }
    }

    fn check_node(&self, name: &str, span: &Span, problems: &mut Problems) {
        let Some(names) = &self.names else { return };
        if !names.nodes(name).is_empty() {
            return;
        }
        let (what, rest) =
            if is_pattern(name) { ("no node fits", "") } else { ("no node", " in this scenario") };
        let report = problems.add("E0301", span, format!("{what} `{name}`{rest}"));
        let all = names.all();
        report.label("unknown node").suggest(name, all.iter().map(String::as_str));
    }

    fn check_state(&self, name: &str, span: &Span, problems: &mut Problems) {
        let Some(names) = &self.names else { return };
        if names.nodes(name).is_empty() {
            let message = format!("`{name}` is neither a state nor a node");
            let all = names.all();
            let states = Role::ALL.iter().map(|(state, _)| *state);
            let words = states.chain(all.iter().map(String::as_str));
            problems.add("E0206", span, message).suggest(name, words);
        }
    }

    fn check_host(&self, name: &str, span: &Span, problems: &mut Problems) {
        let Some(names) = &self.names else { return };
        if names.hosts(name).is_empty() {
            let report = problems.add("E0304", span, format!("no host `{name}` in this scenario"));
            report.label("unknown host").suggest(name, names.hosts.keys().map(String::as_str));
        }
    }

    /// Every node of `[hosts]` exists, and is on one host only.
    fn check_host_table(&self, names: &Names, problems: &mut Problems) {
        let mut on: BTreeMap<String, (&str, &Span)> = BTreeMap::new();
        for (host, patterns) in &self.script.hosts {
            for pattern in patterns {
                self.check_node(&pattern.value, &pattern.span, problems);
                for node in names.nodes(&pattern.value) {
                    let before = on.insert(node.clone(), (host, &pattern.span));
                    if let Some((before, there)) = before {
                        let message = format!("`{node}` is on host `{before}` already");
                        let report = problems.add("E0316", &pattern.span, message);
                        report.label("a second time").also(there, "the first");
                    }
                }
            }
        }
    }
}

fn check_count(wanted: u64, found: u64, name: &str, span: &Span, problems: &mut Problems) {
    if found > 0 && wanted > found {
        let message = format!("there are not {wanted} of `{name}`, only {found}");
        problems.add("E0306", span, message).label("too few");
    }
}
