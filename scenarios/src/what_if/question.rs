//! What somebody wants to know: whom they lose, how, and what their clients do meanwhile. As values; how it is asked on the
//! command line is not known here.

use std::fmt;
use std::ops::RangeInclusive;

use machine::Duration;
use serde::Serialize;

use crate::script::kafka::client::Acks;
use crate::script::time;

/// The greatest number of partitions and replicas a question may ask for: more only cost time.
const PARTITIONS_MAX: i32 = 1_000;

/// One question about one cluster.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whom, as a selector of the scenario language; several are lost one after the other.
    pub lose: Vec<String>,
    /// What happens to them.
    pub how: How,
    /// How long after the first loss they come back; `None` for never.
    pub back: Option<Duration>,
    /// For how long the brokers' replication stands still before the first loss.
    pub behind: Option<Duration>,
    /// How long to look on after the last loss, or after they came back; `None` for as long as the time-outs of the cluster
    /// make sensible.
    pub watched: Option<Duration>,
    /// Which topic is worked on; `None` for the first one of the cluster.
    pub topic: Option<TopicWish>,
    /// `acks` of the producer.
    pub acks: Acks,
    /// Machines that carry several nodes: a name and the nodes on it.
    pub hosts: Vec<(String, String)>,
    /// The seeds to play.
    pub seeds: RangeInclusive<u64>,
    /// How it was asked, for the head of the scenario.
    pub asked: String,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            lose: Vec::new(),
            how: How::default(),
            back: None,
            behind: None,
            watched: None,
            topic: None,
            acks: Acks::default(),
            hosts: Vec::new(),
            seeds: 1..=5,
            asked: "rehearsal what-if".to_owned(),
        }
    }
}

/// What happens to whoever is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The process dies (`kill -9`): its connections are reset, its page cache stays.
    #[default]
    Kill,
    /// It is asked to stop (SIGTERM), and leaves in order.
    Stop,
    /// The machine loses its power: silence, and what was not synced is gone.
    PowerLoss,
    /// It stands still, with all its connections.
    Pause,
    /// It runs, and nobody reaches it.
    Isolate,
}

impl How {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Kill, Self::Stop, Self::PowerLoss, Self::Pause, Self::Isolate];

    /// The verb of the timeline.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::PowerLoss => "power-loss",
            Self::Pause => "pause",
            Self::Isolate => "isolate",
        }
    }

    /// The verb that brings them back.
    pub const fn undo(self) -> &'static str {
        match self {
            Self::Kill | Self::Stop => "restart",
            Self::PowerLoss => "power-on",
            Self::Pause => "resume",
            Self::Isolate => "rejoin",
        }
    }

    /// As a participle: they are …
    pub const fn participle(self) -> &'static str {
        match self {
            Self::Kill => "killed",
            Self::Stop => "stopped",
            Self::PowerLoss => "without power",
            Self::Pause => "paused",
            Self::Isolate => "cut off from everybody",
        }
    }

    /// Whether nothing tells others of it: they wait for their time-outs.
    pub const fn is_silent(self) -> bool {
        matches!(self, Self::PowerLoss | Self::Pause | Self::Isolate)
    }

    /// The one with this verb.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.verb() == name)
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb())
    }
}

/// The topic somebody asks for: `orders`, or `orders:3:3:2` with partitions, replication factor and min.insync.replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicWish {
    /// Its name.
    pub name: String,
    /// How many partitions, if said.
    pub partitions: Option<i32>,
    /// How many replicas of each, if said.
    pub replication_factor: Option<i16>,
    /// `min.insync.replicas`, if said.
    pub min_in_sync: Option<i16>,
}

impl std::str::FromStr for TopicWish {
    type Err = String;

    /// `NAME[:PARTITIONS[:REPLICATION-FACTOR[:MIN-ISR]]]`
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default().trim().to_owned();
        let letter = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        if name.is_empty() || !name.chars().all(letter) {
            return Err(format!("`{name}` is not the name of a topic"));
        }
        let mut number = |what: &str, max: i32| match parts.next() {
            None => Ok(None),
            Some(part) => match part.trim().parse::<i32>() {
                Ok(number) if (1..=max).contains(&number) => Ok(Some(number)),
                _ => Err(format!("`{part}`: {what} is a number from 1 to {max}")),
            },
        };
        let partitions = number("how many partitions", PARTITIONS_MAX)?;
        let replication_factor = number("the replication factor", 99)?;
        let min_in_sync = number("min.insync.replicas", 99)?;
        if parts.next().is_some() {
            return Err(format!("`{text}`: write NAME:PARTITIONS:REPLICATION-FACTOR:MIN-ISR"));
        }
        let small = |number: Option<i32>| number.and_then(|number| i16::try_from(number).ok());
        let (replication_factor, min_in_sync) = (small(replication_factor), small(min_in_sync));
        Ok(Self { name, partitions, replication_factor, min_in_sync })
    }
}

/// A span such as `40s`, `1500ms` or `2m`, as in scenarios.
///
/// # Errors
/// What is the matter, in words.
pub fn span(text: &str) -> Result<Duration, String> {
    let span = time::parse_duration(text.trim());
    span.filter(|span| *span > Duration::ZERO && *span <= Duration::from_secs(86_400))
        .ok_or_else(|| format!("`{text}` is no span of time; write `40s`, `1500ms` or `2m`"))
}
