//! From a question to what will be played: the topic that is worked on, who works on it, when who is lost, and for how long
//! all of it is watched.

use broker::config::Config;
use machine::Duration;

use super::Unanswerable;
use super::question::Question;
use crate::cluster::{Cluster, Topic};

/// When everybody is lost first: brokers, topics and clients have begun by then.
const LOST_AT: Duration = Duration::from_secs(20);
/// The same, where somebody never comes and was waited for.
const LOST_LATE: Duration = Duration::from_secs(50);
/// The least time to look on, and the most that is taken without being asked.
const WATCHED: (u64, u64) = (40, 300);
/// In less time nobody notices anything.
const WATCHED_MIN: Duration = Duration::from_secs(5);
/// A reader comes so long after a loss.
pub(super) const READER_AFTER: Duration = Duration::from_secs(2);
/// An admin asks so long before the end of what is watched, and gives up a little sooner.
pub(super) const ADMIN_BEFORE: Duration = Duration::from_secs(25);

/// Everything about a question that is not chance: the words of the scenario come from this.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The topic; `None` where there is no broker.
    pub topic: Option<Worked>,
    /// The losses, with their dates.
    pub losses: Vec<Loss>,
    /// When they come back.
    pub back: Option<Duration>,
    /// The name of the step that brings them back.
    pub back_id: String,
    /// Admin tools: their steps.
    pub admins: Vec<Admin>,
    /// How long to look on after the last event.
    pub watched: Duration,
    /// The whole length.
    pub duration: Duration,
    /// The names of the clients.
    pub names: Names,
}

/// The topic that is worked on.
#[derive(Clone, Debug)]
pub struct Worked {
    /// It.
    pub topic: Topic,
    /// Whether the scenario adds it to the cluster.
    pub is_added: bool,
}

/// One loss.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The name of its step.
    pub id: String,
    /// Whom, as asked.
    pub who: String,
    /// When.
    pub at: Duration,
}

/// One use of an admin tool.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The name of its step.
    pub id: String,
    /// The topic it creates.
    pub topic: String,
    /// When.
    pub at: Duration,
    /// After which time it gives up.
    pub patience: Duration,
    /// Whether those who were lost are back then.
    pub is_after: bool,
}

/// The names of the clients, chosen so that no node has them.
#[derive(Clone, Debug)]
pub struct Names {
    /// Produces to the topic.
    pub producer: String,
    /// Consumes it from the beginning.
    pub consumer: String,
    /// Come after each loss and read the topic from its beginning.
    pub readers: Vec<String>,
    /// Has a session with ZooKeeper and writes.
    pub session: String,
}

impl Names {
    /// Clients cannot be lost: it is asked what they notice.
    fn refuse(&self, lose: &[String]) -> Result<(), Unanswerable> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let mut words = lose.iter().flat_map(|who| who.split(|letter| !is_part(letter)));
        let is_client = |word: &&str| {
            let named = [&self.producer, &self.consumer, &self.session];
            named.into_iter().chain(&self.readers).any(|name| name == word) || *word == "clients"
        };
        match words.find(is_client) {
            None => Ok(()),
            Some(word) => {
                let what = format!("`{word}` is a client, and the question is what clients notice");
                Err(Unanswerable::words(&what, "lose brokers or ZooKeepers"))
            }
        }
    }
}

impl Stage {
    /// For a question on a cluster; `late` where the usual time was too short for everybody to begin.
    ///
    /// # Errors
    /// What cannot be asked, in words.
    pub fn of(question: &Question, cluster: &Cluster, late: bool) -> Result<Self, Unanswerable> {
        if question.lose.iter().all(|who| who.trim().is_empty()) {
            let help = "name nodes, as in --lose \"zk-2, zk-3\" or --lose \"leader(orders-0)\"";
            return Err(Unanswerable::words("nobody is lost", help));
        }
        let topic = worked(question, cluster)?;
        let first = if late { LOST_LATE } else { LOST_AT };
        let (gap, watched) = patience(cluster);
        let watched = question.watched.unwrap_or(watched);
        if watched < WATCHED_MIN {
            let help = format!("give --for at least {WATCHED_MIN}");
            return Err(Unanswerable::words("it is watched for too short a time", &help));
        }
        let free = |wish: &str| free_name(wish, cluster);
        let dated = |(number, who): (u64, &String)| Loss {
            id: free(&numbered("lost", number)),
            who: who.trim().to_owned(),
            at: first + gap.times(number - 1),
        };
        let losses: Vec<Loss> = (1..).zip(&question.lose).map(dated).collect();
        let last = losses.last().map_or(first, |loss| loss.at);
        let back = question.back.map(|back| first + back);
        if back.is_some_and(|back| back <= last) {
            let help =
                format!("give --back more than {}", Duration::from_micros(gap_of(last, first)));
            return Err(Unanswerable::words("they are back before the last one is lost", &help));
        }
        let names = Names {
            producer: free("producer"),
            consumer: free("consumer"),
            readers: (1..=losses.len() as u64).map(|n| free(&numbered("reader", n))).collect(),
            session: free("session"),
        };
        names.refuse(&question.lose)?;
        let ends = back.unwrap_or(last) + watched;
        let mut admins = Vec::new();
        if !cluster.brokers.is_empty() {
            let mut until: Vec<(Duration, Duration, bool)> =
                vec![(last, back.unwrap_or(ends), false)];
            until.extend(back.map(|back| (back, ends, true)));
            admins = (1..).zip(until).map(|(number, span)| admin(number, span, &free)).collect();
        }
        Ok(Self {
            names,
            topic,
            losses,
            back,
            back_id: free("back"),
            admins,
            watched,
            duration: ends,
        })
    }

    /// When the first of them is lost.
    pub fn lost_at(&self) -> Duration {
        self.losses.first().map_or(LOST_AT, |loss| loss.at)
    }

    /// The steps by which things can be dated, with their dates: the losses, and the return.
    pub fn anchors(&self) -> Vec<(String, Duration)> {
        let losses = self.losses.iter().map(|loss| (loss.id.clone(), loss.at));
        losses.chain(self.back.map(|at| (self.back_id.clone(), at))).collect()
    }
}

fn admin(
    number: u64,
    (from, to, is_after): (Duration, Duration, bool),
    free: &dyn Fn(&str) -> String,
) -> Admin {
    let room = gap_of(to, from);
    let before = ADMIN_BEFORE.as_micros().min(room - room / 3);
    let at = Duration::from_micros(to.as_micros().saturating_sub(before));
    let patience = Duration::from_millis((before * 4 / 5 / 1_000).max(1));
    let (id, topic) = (free(&numbered("admin", number)), numbered("rehearsal", number));
    Admin { id, topic, at, patience, is_after }
}

fn gap_of(later: Duration, earlier: Duration) -> u64 {
    later.as_micros().saturating_sub(earlier.as_micros())
}

fn numbered(name: &str, number: u64) -> String {
    if number == 1 { name.to_owned() } else { format!("{name}-{number}") }
}

/// A name like this one that no node, host or topic has.
fn free_name(wish: &str, cluster: &Cluster) -> String {
    let taken = |name: &String| {
        cluster.zookeepers.iter().any(|one| one.name == *name)
            || cluster.brokers.iter().any(|one| one.name == *name)
            || cluster.hosts.iter().any(|one| one.name == *name)
            || cluster.topics.iter().any(|one| one.name == *name)
    };
    let mut name = wish.to_owned();
    while taken(&name) {
        name = format!("the-{name}");
    }
    name
}

/// How long after one loss the next one comes, and how long to look on: until sessions have ended and silent replicas have
/// left the ISR, by the settings of the brokers.
fn patience(cluster: &Cluster) -> (Duration, Duration) {
    let configs = configs(cluster);
    let ms = |of: fn(&Config) -> Duration| configs.iter().map(of).max().unwrap_or_default();
    let session = ms(|config| config.zookeeper_session_timeout).as_micros() / 1_000_000;
    let lag = ms(|config| config.replica_lag_max).as_micros() / 1_000_000;
    let gap = (session + session / 2).max(25).div_ceil(5) * 5;
    let watched = (lag + lag / 2 + 15).max(session + session / 2 + 20);
    let watched = watched.clamp(WATCHED.0, WATCHED.1).div_ceil(10) * 10;
    (Duration::from_secs(gap.min(WATCHED.1)), Duration::from_secs(watched))
}

/// The settings of those brokers that start.
pub(super) fn configs(cluster: &Cluster) -> Vec<Config> {
    let brokers = cluster.brokers.iter().filter(|broker| broker.never_starts.is_none());
    brokers.filter_map(|broker| Some(broker.config(broker.preset.mechanisms()).ok()?.0)).collect()
}

/// The topic that is worked on: the one asked for, the first of the cluster, or one that is added.
fn worked(question: &Question, cluster: &Cluster) -> Result<Option<Worked>, Unanswerable> {
    if cluster.brokers.is_empty() {
        return match &question.topic {
            None => Ok(None),
            Some(wish) => {
                let what = format!("there is no broker that could have a topic `{}`", wish.name);
                Err(Unanswerable::words(&what, "leave --topic out to ask about ZooKeeper alone"))
            }
        };
    }
    let known = |name: &str| cluster.topics.iter().find(|topic| topic.name == name).cloned();
    let wish = match &question.topic {
        None => match cluster.topics.first() {
            Some(first) => return Ok(Some(Worked { topic: first.clone(), is_added: false })),
            None => "orders".parse().expect("it is a name"),
        },
        Some(wish) => wish.clone(),
    };
    let says_more = wish.partitions.is_some();
    match known(&wish.name) {
        Some(topic) if !says_more => return Ok(Some(Worked { topic, is_added: false })),
        Some(_) => {
            let what = format!("the cluster has a topic `{}` of its own", wish.name);
            let help = format!("ask with --topic {}, without numbers", wish.name);
            return Err(Unanswerable::words(&what, &help));
        }
        None => {}
    }
    let brokers = i16::try_from(cluster.brokers.len()).unwrap_or(i16::MAX);
    let replication_factor = wish.replication_factor.unwrap_or(brokers.min(3));
    let mut config = std::collections::BTreeMap::new();
    // Where brokers have a setting of their own, it counts.
    let is_set = |broker: &crate::cluster::Broker| {
        broker.properties.iter().any(|property| property.key == MIN_IN_SYNC)
    };
    let usual = (!cluster.brokers.iter().any(is_set)).then_some(2.min(replication_factor));
    if let Some(min) = wish.min_in_sync.or(usual) {
        config.insert(MIN_IN_SYNC.to_owned(), min.to_string());
    }
    let topic = Topic {
        name: wish.name,
        partitions: wish.partitions.unwrap_or(3),
        replication_factor,
        assignment: std::collections::BTreeMap::new(),
        config,
    };
    Ok(Some(Worked { topic, is_added: true }))
}

/// The setting that says how many replicas must be in sync for acks=all.
pub(super) const MIN_IN_SYNC: &str = "min.insync.replicas";
