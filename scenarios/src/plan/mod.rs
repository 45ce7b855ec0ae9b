//! What will be played: actions with their dates or triggers, nothing left to chance.
//!
//! A plan is a value: it can be printed, saved as JSON, shrunk and played again. It holds no text
//! that has to be read before it can be played; the author's words are kept beside their meaning
//! for reports. [`draw`] makes it.

mod draw;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use coordinator::mechanism::Mechanisms;
use machine::{Duration, Instant};
use serde::{Deserialize, Serialize};

pub use draw::draw;

use crate::cluster::Topic;
use crate::script::action::Action;
use crate::script::client::Work;
use crate::script::condition::Condition;
use crate::script::ensemble::Overrides;
use crate::script::expect::{Closes, Loss};
use crate::script::kafka;
use crate::script::selector::Selector;
use crate::script::time::{Length, Moment, Window};

/// A scenario ready to be played on one cluster with one seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The name of the scenario.
    pub scenario: String,
    /// Its story.
    pub about: String,
    /// The seed it was drawn with, and is to be played with.
    pub seed: u64,
    /// How long it is played.
    pub duration: Duration,
    /// The servers, in the order of the cluster.
    pub servers: Vec<String>,
    /// The brokers, in the order of the cluster.
    #[serde(default)]
    pub brokers: Vec<String>,
    /// The topics to be created before the clients begin.
    #[serde(default)]
    pub topics: Vec<Topic>,
    /// Which nodes lose power together: every node is on one host.
    pub hosts: BTreeMap<String, Vec<String>>,
    /// Mechanisms set by the scenario, on top of each server's version.
    pub mechanisms: Overrides,
    /// Mechanisms of brokers set by the scenario, on top of each broker's version.
    #[serde(default)]
    pub kafka_mechanisms: kafka::Overrides,
    /// The clients.
    pub clients: Vec<Client>,
    /// Programs that a test brings along, by name.
    #[serde(default)]
    pub guests: Vec<String>,
    /// The steps. Those of one repeated step share its id.
    pub steps: Vec<Step>,
    /// What is promised.
    pub promises: Promises,
}

/// One client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its name; also the name of its node and of its host.
    pub id: String,
    /// What it does.
    pub work: Work,
    /// The session time-out it asks for; of no meaning to a client of Kafka.
    pub session_timeout: Duration,
    /// The connect string it is given, chroot included; empty for a client of Kafka.
    pub connect: String,
    /// `bootstrap.servers`; empty for a client of ZooKeeper.
    #[serde(default)]
    pub bootstrap: Vec<String>,
    /// When it starts.
    pub start: Instant,
}

impl Client {
    /// The settings of a client of Kafka, of that version; `None` for a client of ZooKeeper.
    pub fn kafka(&self, preset: broker::mechanism::Preset) -> Option<broker::client::ClientConfig> {
        use broker::client::{ClientConfig, Kind};
        let kind = match &self.work {
            Work::Produce(produce) => Kind::Producer(produce.config()),
            Work::Consume(consume) => Kind::Consumer(consume.config()),
            _ => return None,
        };
        let (id, bootstrap) = (self.id.clone(), self.bootstrap.clone());
        Some(ClientConfig { id, bootstrap, preset, start_after: Duration::ZERO, kind })
    }
}

/// One thing to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The author's name for it.
    pub id: String,
    /// Which repetition this is, from 1.
    pub round: u64,
    /// When.
    pub trigger: Trigger,
    /// What, to whom.
    pub action: Action,
    /// After which time it is undone, and how.
    pub undo: Option<(Duration, Action)>,
}

/// What sets a step off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// The clock.
    At(Instant),
    /// The first firing of another step, so many µs ago.
    After {
        /// The other step.
        step: String,
        /// µs; never negative.
        offset: u64,
    },
    /// A condition that came true.
    When {
        /// The condition.
        that: Said,
        /// How long after it came true.
        after: Duration,
        /// How often it may fire: each time the condition becomes true again.
        times: u64,
    },
}

/// A condition and the author's words for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The words.
    pub words: String,
    /// The condition.
    pub condition: Condition,
}

/// What is promised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promises {
    /// What is true at some instant of a window.
    pub eventually: Vec<(Said, Window)>,
    /// When clients cannot do their work.
    pub outages: Vec<Outage>,
    /// Which losses of acknowledged records are allowed.
    #[serde(default)]
    pub loses: Vec<Loss>,
    /// Marks some run reaches.
    pub sometimes: Vec<String>,
    /// What is true at the end.
    pub finally: Vec<Said>,
    /// What is false after every step of a window.
    pub never: Vec<(Said, Window)>,
    /// What is true after every step of a window.
    pub always: Vec<(Said, Window)>,
}

/// An announced outage: a time in which a client that had its service before does not get it. If it
/// hangs on a repeated step, each of its firings announces one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// `write(w1)`, in the author's words.
    pub words: String,
    /// The work: `write`, …, or `session` for having no connection.
    pub work: String,
    /// The clients it is announced for.
    pub clients: Vec<String>,
    /// Whether it must happen to each of them, or may.
    pub must: bool,
    /// When it begins; any number of times within.
    pub opens: Window,
    /// When it ends.
    pub closes: Closes,
    /// How long it lasts.
    pub lasts: Length,
}

impl Plan {
    /// The nodes that lose power when these do: everything on the same hosts, in the order of the
    /// hosts.
    pub fn whole_hosts(&self, nodes: &[String]) -> Vec<String> {
        let hit = |on: &&Vec<String>| on.iter().any(|node| nodes.contains(node));
        self.hosts.values().filter(hit).flatten().cloned().collect()
    }

    /// The mechanisms of a server whose version has `base`.
    pub fn mechanisms(&self, base: Mechanisms) -> Mechanisms {
        self.mechanisms.on(base)
    }

    /// The mechanisms of a broker whose version has `base`.
    pub fn kafka_mechanisms(
        &self,
        base: broker::mechanism::Mechanisms,
    ) -> broker::mechanism::Mechanisms {
        self.kafka_mechanisms.on(base)
    }

    /// The µs of a moment, once its step has fired; `fired` gives the date of a step's firing.
    pub fn date(
        &self,
        moment: &Moment,
        fired: impl Fn(&str) -> Option<Instant>,
    ) -> Option<Instant> {
        use crate::script::time::Anchor;
        let anchor = match &moment.anchor {
            Anchor::Start => 0,
            Anchor::End => self.duration.as_micros(),
            Anchor::Step(step) => fired(step)?.as_micros(),
        };
        Some(Instant::from_micros(moment.at(anchor)))
    }

    /// A selector without anybody.
    pub fn nobody() -> Selector {
        Selector::Nodes(Vec::new())
    }
}
