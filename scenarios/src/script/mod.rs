//! Scenario files: what an author wrote, with the places of everything for diagnostics.
//!
//! ```toml
//! name = "lose-two-of-three-zookeepers"
//! about = "Two of three servers die; one comes back."
//! duration = "90s"
//!
//! [cluster]
//! zookeeper = 3
//!
//! [[clients]]
//! id = "w1"
//! write = { path = "/app", every = "100ms" }
//!
//! [timeline]
//! steps = [
//!   { id = "down", at = "20s", do = "kill", nodes = "any 2 of zk-*" },
//!   { id = "up", at = "60s", do = "restart", nodes = "any 1 of victims(down)" },
//! ]
//!
//! [expect]
//! outage = [ { of = "write(w1)", opens = "down..down + 2s", closes = "<= up + 8s" } ]
//! ```
//!
//! With Kafka on top:
//!
//! ```toml
//! [cluster]
//! zookeeper = 3
//! brokers   = 3
//! kafka     = "2.5"
//! topics    = [ { name = "orders", partitions = 3, replication-factor = 3, min-insync-replicas = 2 } ]
//!
//! [[clients]]
//! id      = "p1"
//! produce = { topic = "orders", rate = "200/s", acks = "all" }
//!
//! [timeline]
//! steps = [ { id = "down", at = "20s", do = "kill", nodes = "leader(orders-0)" } ]
//!
//! [expect]
//! outage     = [ { of = "produce(orders)", opens = "down..down + 1s", closes = "<= down + 25s" } ]
//! eventually = [ { that = "leader(orders-0) is up and isr(orders-0).size >= 2", within = "25s after down" } ]
//! ```
//!
//! [`parse`] reads a file and checks it; [`Script::check`] checks the names against a cluster that
//! came from elsewhere. Nothing random is decided here: see [`crate::plan`].

pub mod action;
mod aside;
pub mod client;
pub mod condition;
mod dates;
pub mod ensemble;
pub mod expect;
pub mod facts;
mod fields;
pub mod kafka;
mod layout;
mod lint;
mod names;
mod phrase;
mod problems;
pub mod schema;
pub mod selector;
mod sense;
pub mod step;
#[cfg(test)]
mod tests;
pub mod time;
mod verb;

use std::collections::BTreeMap;

use machine::Duration;
use toml::de::DeTable;

pub use crate::diagnostic::Diagnostic;
pub use layout::formatted;
pub use lint::MARKS;
pub use names::Names;
pub use phrase::{Mention, MentionKind};
pub(crate) use problems::nearest;
pub use problems::{Located, Span, render};
pub use verb::VERBS;

use crate::cluster::Cluster;
use client::Client;

use ensemble::Ensemble;
use expect::Expect;
use fields::Fields;
use problems::Problems;
use step::Step;

/// A scenario as its author wrote it.
#[derive(Clone, Debug)]
pub struct Script {
    /// The name of the file, as given to [`parse`].
    pub file: String,
    /// The text of the file.
    pub source: String,
    /// Its name: lower-case words joined by `-`.
    pub name: Located<String>,
    /// Its story, in plain words.
    pub about: String,
    /// How long it is played, in simulated time.
    pub duration: Located<Duration>,
    /// The cluster.
    pub ensemble: Ensemble,
    /// `[hosts]`: the machines that carry several nodes (names or patterns) and lose power whole.
    /// Each node keeps addresses of its own, as containers do.
    pub hosts: BTreeMap<String, Vec<Located<String>>>,
    /// The clients, in the order of the file.
    pub clients: Vec<Client>,
    /// `guests`: programs that a test brings along ([`crate::Scenario::guest`]), by name; also the names of their nodes.
    pub guests: Vec<Located<String>>,
    /// The steps, in the order of the file.
    pub steps: Vec<Step>,
    /// What the author promises.
    pub expect: Expect,
}

/// Something read from a string, with the author's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrased<T> {
    /// What it means.
    pub value: T,
    /// What it says.
    pub words: String,
    /// Where it is written.
    pub span: Span,
}

impl Script {
    /// Whether this fits the cluster it is to be played on: every name is the name of something.
    pub fn check(&self, cluster: &Cluster) -> Vec<Diagnostic> {
        let mut problems = Problems::of(&self.file, &self.source);
        names::check(self, Some(cluster), &mut problems);
        problems.into_sorted()
    }

    /// The cluster to play on: the imported one if there is one, otherwise the one written here,
    /// with the version and the settings of this scenario. `None` if the scenario names files and
    /// none was imported.
    pub fn cluster(&self, imported: Option<Cluster>) -> Option<Cluster> {
        self.ensemble.stage(imported)
    }
}

/// Reads a scenario. Gives everything that is wrong with it, in the order of the file.
///
/// Names of nodes are checked if the cluster is written in the file itself; otherwise use
/// [`Script::check`].
pub fn parse(source: &str, file: &str) -> Result<Script, Vec<Diagnostic>> {
    let mut problems = Problems::of(file, source);
    let (document, errors) = DeTable::parse_recoverable(source);
    for error in errors {
        let end = source.len();
        let span = error.span().unwrap_or(end..end);
        problems.add("E0001", &span, error.message()).label("not TOML");
    }
    let script = if problems.is_empty() {
        let fields = Fields::of(document.get_ref(), 0..0, "a scenario");
        read(fields, file, source, &mut problems)
    } else {
        None
    };
    match script {
        Some(script) if problems.is_empty() => Ok(script),
        _ => Err(problems.into_sorted()),
    }
}

/// Reads the `[cluster]` of a file and nothing else: the file need not be a scenario.
///
/// # Errors
/// What is wrong with it: no TOML, no `[cluster]`, or not what belongs there.
pub fn read_cluster(source: &str, file: &str) -> Result<Ensemble, Vec<Diagnostic>> {
    let mut problems = Problems::of(file, source);
    let (document, errors) = DeTable::parse_recoverable(source);
    for error in errors {
        let end = source.len();
        let span = error.span().unwrap_or(end..end);
        problems.add("E0001", &span, error.message()).label("not TOML");
    }
    let mut fields = Fields::of(document.get_ref(), 0..0, "the file");
    let ensemble = match fields.value("cluster") {
        Some(value) => ensemble::read(value, &mut problems),
        None => {
            fields.missing("cluster", &mut problems).help("as in `cluster = { zookeeper = 3 }`");
            None
        }
    };
    match ensemble {
        Some(ensemble) if problems.is_empty() => Ok(ensemble),
        _ => Err(problems.into_sorted()),
    }
}

fn read(
    mut fields: Fields<'_>,
    file: &str,
    source: &str,
    problems: &mut Problems,
) -> Option<Script> {
    let name = fields.need_text("name", problems);
    let about = fields.text("about", problems);
    let duration = fields.duration("duration", problems);
    if !fields.has("duration") {
        fields.missing("duration", problems).help("as in `duration = \"60s\"`");
    }
    let ensemble = match fields.value("cluster") {
        Some(value) => ensemble::read(value, problems),
        None => {
            fields.missing("cluster", problems).help("as in `cluster = { zookeeper = 3 }`");
            None
        }
    };
    let hosts = fields.value("hosts").map(|value| read_hosts(value, problems));
    let clients = fields.list("clients", problems).into_iter();
    let clients: Vec<_> = clients.map(|value| client::read(value, problems)).collect();
    let guests = fields.texts("guests", problems).into_iter();
    let guests = guests.map(|name| Located { value: name.value, span: name.span }).collect();
    let steps = fields.value("timeline").map(|value| read_steps(value, problems));
    let expect = fields.value("expect").map(|value| expect::read(value, problems));
    fields.finish(problems);
    if let Some(name) = &name {
        names::check_id("the name of a scenario", &name.value, &name.span, problems);
    }
    let name = name?;
    // Names are checked only where nothing is missing: otherwise one mistake is reported many
    // times.
    let script = Script {
        file: file.to_string(),
        source: source.to_string(),
        name: Located { value: name.value, span: name.span },
        about: about.map_or_else(String::new, |about| about.value.trim().to_string()),
        duration: duration?,
        ensemble: ensemble?,
        hosts: hosts.unwrap_or_default(),
        clients: clients.into_iter().collect::<Option<_>>()?,
        guests,
        steps: steps.unwrap_or_else(|| Some(Vec::new()))?,
        expect: expect.unwrap_or_default(),
    };
    names::check(&script, script.cluster(None).as_ref(), problems);
    sense::check(&script, problems);
    Some(script)
}

fn read_hosts(
    value: fields::Value<'_>,
    problems: &mut Problems,
) -> BTreeMap<String, Vec<Located<String>>> {
    let mut hosts = BTreeMap::new();
    let Some(table) = Fields::at(value, "[hosts]", problems) else { return hosts };
    for (name, value) in table.entries() {
        names::check_id("the name of a host", name.value, &name.span, problems);
        let what = format!("host `{}`", name.value);
        let mut nodes = Vec::new();
        for value in fields::list(value, &what, problems) {
            if let Some(node) = fields::text(value, "each node of a host", problems) {
                nodes.push(Located { value: node.value, span: node.span });
            }
        }
        hosts.insert(name.value.to_string(), nodes);
    }
    hosts
}

/// The steps; `None` if one of them could not be read.
fn read_steps(value: fields::Value<'_>, problems: &mut Problems) -> Option<Vec<Step>> {
    let mut fields = Fields::at(value, "[timeline]", problems)?;
    let values = fields.list("steps", problems);
    fields.finish(problems);
    let steps: Vec<_> =
        (1..).zip(values).map(|(number, value)| step::read(value, number, problems)).collect();
    steps.into_iter().collect()
}
