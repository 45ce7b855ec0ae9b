//! The settings of topics as ZooKeeper has them: read at the start, read again when `/config/changes` says so, and read
//! when a partition of a topic comes that was not heard of before (creating a topic is no change of its settings).
//!
//! Only topics are listened to; settings of brokers, clients and users are not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use coordinator::wire::client::{Request, Response, Stat};
use machine::Context;

use super::get;
use crate::config::TopicConfig;
use crate::note::Note;
use crate::zk::{Asker, Keeper, ZkError, znode};

const CHANGES: &str = "/config/changes";
const CHANGE: &str = "config_change_";

/// Announcements are removed by whoever sees them after this many ms.
const CHANGE_AGE_MAX_MS: i64 = 15 * 60 * 1_000;

/// What the broker is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsEvent {
    /// All that was asked for is known: the settings of all topics, or of those a request waited for.
    Read,
    /// The announcements that were there have been dealt with.
    Watching,
    /// A topic has other settings.
    Changed {
        /// Which.
        topic: String,
        /// Whether its own settings now allow unclean leader elections.
        unclean: bool,
    },
}

#[derive(Clone, Debug)]
enum Question {
    /// All topics.
    Topics,
    /// One topic's settings; `announced` if somebody has changed them.
    Topic { topic: String, announced: bool },
    /// All announcements.
    Changes,
    /// One announcement.
    Change { number: i64 },
    /// An announcement that nobody needs any more is being removed.
    Removal,
}

/// What is known, and what is being asked.
#[derive(Clone, Debug)]
pub struct Settings {
    defaults: TopicConfig,
    /// Of topics that differ from the defaults.
    own: BTreeMap<String, TopicConfig>,
    /// Topics whose settings were read.
    known: BTreeSet<String>,
    asked: VecDeque<Question>,
    /// Announcements up to this number were dealt with.
    seen: i64,
    /// When announcements were made, by number, in ms of ZooKeeper's clock.
    made: BTreeMap<i64, i64>,
    number: u64,
    read: bool,
    watching: bool,
}

impl Settings {
    /// Nothing is known but the defaults.
    pub fn new(defaults: TopicConfig) -> Self {
        Self {
            defaults,
            own: BTreeMap::new(),
            known: BTreeSet::new(),
            asked: VecDeque::new(),
            seen: -1,
            made: BTreeMap::new(),
            number: 0,
            read: false,
            watching: false,
        }
    }

    /// The settings of topics that differ from the defaults.
    pub fn own(&self) -> &BTreeMap<String, TopicConfig> {
        &self.own
    }

    /// The settings of a topic.
    pub fn of(&self, topic: &str) -> TopicConfig {
        self.own.get(topic).unwrap_or(&self.defaults).clone()
    }

    /// Reads the settings of all topics: [`SettingsEvent::Read`] follows.
    pub fn read_all(&mut self, keeper: &mut Keeper, cx: &mut Context<'_, Note>) {
        let request = Request::GetChildren { path: "/brokers/topics".into(), watch: false };
        self.ask(Question::Topics, request, keeper, cx);
    }

    /// Whether these topics' settings are known. If not, they are read, and [`SettingsEvent::Read`] follows.
    pub fn knows<'a>(
        &mut self,
        topics: impl Iterator<Item = (&'a str, bool)>,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
    ) -> bool {
        let unknown: BTreeSet<_> =
            topics.filter(|(topic, is_new)| *is_new || !self.known.contains(*topic)).collect();
        for (topic, _) in &unknown {
            self.ask_for(topic, false, keeper, cx);
        }
        unknown.is_empty()
    }

    /// A topic is gone.
    pub fn forget(&mut self, topic: &str) {
        self.known.remove(topic);
        self.own.remove(topic);
    }

    /// Deals with the announcements that are there, and watches for more: the first time [`SettingsEvent::Watching`]
    /// follows. To be called in every new session and whenever [`Self::watches`] says so.
    pub fn watch(&mut self, keeper: &mut Keeper, cx: &mut Context<'_, Note>) {
        let request = Request::GetChildren { path: CHANGES.into(), watch: true };
        self.ask(Question::Changes, request, keeper, cx);
    }

    /// Whether a watch of this part fired.
    pub fn watches(&self, path: &str) -> bool {
        path == CHANGES
    }

    /// ZooKeeper answered [`Asker::Topics`]. Replies come in the order of the questions.
    pub fn replied(
        &mut self,
        result: Result<Response, ZkError>,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<SettingsEvent>,
    ) {
        let Some(question) = self.asked.pop_front() else { return };
        match (question, result) {
            (Question::Topics, result) => {
                if let Ok(Response::Children { children }) = result {
                    for topic in children {
                        self.ask_for(&topic, false, keeper, cx);
                    }
                }
            }
            (Question::Topic { topic, announced }, result) => {
                self.learn(topic, announced, result, events);
            }
            (Question::Changes, Ok(Response::Children { children })) => {
                self.look_at_changes(&children, keeper, cx);
            }
            (Question::Change { number }, Ok(Response::Data { data, stat })) => {
                self.look_at_change(number, data, &stat, keeper, cx);
            }
            (Question::Changes | Question::Change { .. } | Question::Removal, _) => {}
        }
        let reading = |question: &Question| {
            matches!(question, Question::Topics | Question::Topic { announced: false, .. })
        };
        if self.read && !self.asked.iter().any(reading) {
            self.read = false;
            events.push(SettingsEvent::Read);
        }
        if self.watching && self.asked.is_empty() {
            self.watching = false;
            events.push(SettingsEvent::Watching);
        }
    }

    fn learn(
        &mut self,
        topic: String,
        announced: bool,
        result: Result<Response, ZkError>,
        events: &mut Vec<SettingsEvent>,
    ) {
        let own = match result {
            Ok(Response::Data { data, .. }) => {
                data.and_then(|data| znode::config_from_json(&data)).unwrap_or_default()
            }
            Ok(_) | Err(ZkError::Refused(_)) => BTreeMap::new(),
            Err(ZkError::SessionExpired) => return,
        };
        let unclean = own.get("unclean.leader.election.enable").is_some_and(|on| on == "true");
        match self.defaults.with(&own) {
            // Kafka says so in its log and goes on with what it has.
            Err(_) => {}
            Ok(_) if own.is_empty() => drop(self.own.remove(&topic)),
            Ok(settings) => drop(self.own.insert(topic.clone(), settings)),
        }
        self.known.insert(topic.clone());
        if announced {
            events.push(SettingsEvent::Changed { topic, unclean });
        }
    }

    fn look_at_changes(
        &mut self,
        children: &[Arc<str>],
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
    ) {
        let number = |name: &Arc<str>| name.strip_prefix(CHANGE)?.parse::<i64>().ok();
        let mut numbers: Vec<_> = children.iter().filter_map(number).collect();
        numbers.sort_unstable();
        self.made.retain(|number, _| numbers.binary_search(number).is_ok());
        let old = cx.wall().as_millis() - CHANGE_AGE_MAX_MS;
        let gone: Vec<_> =
            self.made.iter().filter(|(_, made)| **made < old).map(|(number, _)| *number).collect();
        for number in gone {
            self.made.remove(&number);
            let request = Request::Delete { path: change_path(number), version: -1 };
            self.ask(Question::Removal, request, keeper, cx);
        }
        for number in numbers.into_iter().filter(|number| *number > self.seen).collect::<Vec<_>>() {
            self.seen = number;
            self.ask(Question::Change { number }, get(change_path(number)), keeper, cx);
        }
    }

    fn look_at_change(
        &mut self,
        number: i64,
        data: Option<Bytes>,
        stat: &Stat,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
    ) {
        self.made.insert(number, stat.ctime);
        if let Some(topic) = data.as_deref().and_then(znode::config_change_from_json) {
            self.ask_for(&topic, true, keeper, cx);
        }
    }

    fn ask_for(
        &mut self,
        topic: &str,
        announced: bool,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
    ) {
        let question = Question::Topic { topic: topic.to_owned(), announced };
        self.ask(question, get(znode::config_path(topic)), keeper, cx);
    }

    fn ask(
        &mut self,
        question: Question,
        request: Request,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
    ) {
        match question {
            Question::Topics | Question::Topic { announced: false, .. } => self.read = true,
            Question::Changes => self.watching = true,
            _ => {}
        }
        self.asked.push_back(question);
        self.number += 1;
        keeper.ask(Asker::Topics(self.number), request, cx);
    }
}

fn change_path(number: i64) -> Arc<str> {
    format!("{CHANGES}/{CHANGE}{number:010}").into()
}
