//! A cluster as it really is: the one value `rehearsal cluster` tells, as text ([`text`]) or as JSON ([`json`]).
//!
//! What is true was found by playing the cluster without failures; where settings come from was found by reading its
//! files. Neither is known here.

pub mod text;

use serde::Serialize;

/// A cluster as it really is. Its JSON has these fields, by these names; fields may be added, these stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// The files it was read from.
    pub files: Vec<String>,
    /// The seed it was played with: the choices that clients make by chance.
    pub seed: u64,
    /// How long it was played, in simulated seconds.
    pub seconds: u64,
    /// What it is, in sentences; what matters most first.
    pub truth: Vec<String>,
    /// ZooKeeper, as far as it is apart: servers that know of each other are one island.
    pub islands: Vec<Island>,
    /// The brokers, in the order of the files.
    pub brokers: Vec<Broker>,
    /// Which broker finds which, at the address it advertises to the others.
    pub roads: Vec<Road>,
    /// What clients on the machine find at the addresses brokers advertise; empty where no container publishes a
    /// port.
    pub doors: Vec<Road>,
    /// Into how many Kafka clusters the brokers may fall apart, where chance decides.
    pub chances: Vec<Chance>,
    /// Who has no process at the end, and its last words.
    pub exits: Vec<Exit>,
    /// Services of the files that are not on the stage, with the reason.
    pub not_staged: Vec<String>,
    /// What is wrong or surprising in the files, most severe first.
    pub findings: Vec<Finding>,
    /// What every setting is and where it comes from, by kind and version of nodes.
    pub settings: Vec<Section>,
    /// What is written in the files and read by nobody.
    pub unread: Vec<Unread>,
    /// What must be known beside all this: what is not modelled, checks that failed while it was played.
    pub remarks: Vec<String>,
}

/// ZooKeeper servers that are one ensemble, or one that stands alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Island {
    /// Its number, from 1.
    pub number: usize,
    /// Its servers.
    pub servers: Vec<Server>,
    /// Whether clients are served.
    pub serves: bool,
    /// The Kafka clusters in its tree: one, or one for each chroot.
    pub clusters: Vec<Cluster>,
}

/// One ZooKeeper server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Server {
    /// The node.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `myid`, if it has one.
    pub myid: Option<String>,
    /// What it is at the end: `leads`, `follows`, `standalone`, `looking for a leader`, `exited`, …
    pub state: String,
    /// Where it serves clients (`0.0.0.0:2181`).
    pub clients_at: Option<String>,
}

/// One Kafka cluster, as its tree says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// Where it stands in the tree: `/`, or its chroot.
    pub chroot: String,
    /// Its controller's id.
    pub controller: Option<i32>,
    /// Who is registered.
    pub registered: Vec<Registered>,
}

/// A registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// The id.
    pub id: i32,
    /// The node; `None` if nobody says to have registered so.
    pub node: Option<String>,
    /// What it advertises (`INTERNAL://kafka-1:29092`).
    pub endpoints: Vec<String>,
}

/// One broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Broker {
    /// The node.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `broker.id`, as it is set.
    pub id: Option<i32>,
    /// What it is at the end: `controller`, `serves`, `exited`, or how far its start came.
    pub state: String,
    /// The island its ZooKeeper session is on.
    pub island: Option<usize>,
    /// The server its session is with.
    pub session: Option<String>,
    /// Where it listens.
    pub listens: Vec<String>,
    /// Where it tells others to go.
    pub advertises: Vec<String>,
    /// The ids of the brokers it believes to be alive: whom it tells clients about.
    pub knows: Vec<i32>,
}

/// The way from one broker to another, at the address the other advertises to brokers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Road {
    /// Who dials.
    pub from: String,
    /// Whom it means.
    pub to: String,
    /// The address (`localhost:9093`).
    pub address: String,
    /// Whether it finds whom it means.
    pub arrives: bool,
    /// What it finds, in words.
    pub finds: String,
}

/// In how many of all equally likely cases brokers are so many clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Chance {
    /// So many clusters.
    pub clusters: usize,
    /// In so many cases.
    pub cases: u64,
    /// Of so many.
    pub of: u64,
}

/// A process that ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exit {
    /// The node.
    pub name: String,
    /// When, in µs of simulated time.
    pub at: u64,
    /// Its exit code.
    pub code: i32,
    /// Its last words.
    pub why: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It will not start, or is not one cluster.
    #[default]
    Error,
    /// It works differently than meant.
    Warning,
    /// Good to know.
    Information,
}

/// Something found in the files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule (`Z01`).
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// `file:line:column`, as far as known.
    pub at: String,
    /// What is the matter.
    pub what: String,
    /// What to do about it.
    pub help: String,
}

/// The settings of nodes of one kind and version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Section {
    /// The kind and version (`Kafka 2.5`).
    pub of: String,
    /// The nodes.
    pub nodes: Vec<String>,
    /// The settings, those that were set first.
    pub settings: Vec<Setting>,
}

/// One setting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The key.
    pub key: String,
    /// Its values: one, if it is the same everywhere.
    pub values: Vec<Valued>,
    /// Whether some file or image sets it.
    pub is_set: bool,
    /// Whether it is what it is by default everywhere, and no person says so.
    pub is_usual: bool,
    /// Whether it decides how failures end.
    pub matters: bool,
    /// How far the simulator models it.
    pub modelled: Modelled,
    /// What is missing, or why it has no effect; empty if it is modelled fully.
    pub missing: String,
}

/// A value some nodes have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Valued {
    /// The nodes; all of the section if this is the only value.
    pub nodes: Vec<String>,
    /// The value; `None` where there is none.
    pub value: Option<String>,
    /// Where it comes from (`docker-compose.yml:12`, `default of Kafka 2.5`), each origin once.
    pub from: Vec<String>,
}

/// How far the simulator models a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Modelled {
    /// It does here what it does in life.
    Fully,
    /// Something is missing.
    Partly,
    /// It has no effect here.
    #[default]
    Not,
    /// It has no effect in life either: no such key, or something else wins.
    Ignored,
}

/// What is written and read by nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The node it was meant for; empty for the whole file.
    pub node: String,
    /// Its name.
    pub name: String,
    /// Its value, if it is one word.
    pub value: String,
    /// `file:line`.
    pub at: String,
    /// Who does not read it and why.
    pub why: String,
}

impl Survey {
    /// Whether something in the files keeps the cluster from being one that works.
    pub fn has_error(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// The whole survey as one JSON object in one line, without the line's end: the fields of [`Survey`], with every
/// setting.
pub fn json(survey: &Survey) -> String {
    serde_json::to_string(survey).expect("text, numbers and lists of them are always JSON")
}
