//! What stopped: the interruptions of all runs, put together by what was interrupted and by the step after which it was.

use std::collections::{BTreeMap, BTreeSet};

use machine::{Duration, Instant};

use super::answer::Stop;
use super::cause::{self, Cause};
use super::question::Question;
use super::seen::Seen;
use super::stage::{READER_AFTER, Stage};
use crate::script::kafka::client::Acks;

/// Waiting for no longer than this is no outage.
const NOTICED: Duration = Duration::from_secs(1);

/// What is done with a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// A producer's.
    Produce,
    /// A consumer's.
    Consume,
    /// An admin's, who creates a topic.
    Admin,
    /// That of a client of ZooKeeper.
    Session,
}

impl Work {
    /// All that is done with this cluster.
    pub fn all(stage: &Stage) -> &'static [Self] {
        match stage.topic {
            Some(_) => &[Self::Produce, Self::Consume, Self::Admin, Self::Session],
            None => &[Self::Session],
        }
    }

    /// In words.
    pub fn words(self, acks: Acks, stage: &Stage) -> String {
        let topic = stage.topic.as_ref().map_or("", |worked| worked.topic.name.as_str());
        let acks = match acks {
            Acks::All => "all",
            Acks::Leader => "1",
            Acks::None => "0",
        };
        match self {
            Self::Produce => format!("produce to {topic} (acks={acks})"),
            Self::Consume => format!("consume {topic}"),
            Self::Admin => "admin commands".to_owned(),
            Self::Session => "ZooKeeper for its own clients".to_owned(),
        }
    }

    /// Whether it had begun in every run before the loss; admins ask only afterwards.
    pub fn began(self, stage: &Stage, runs: &[Seen]) -> bool {
        let who = match self {
            Self::Produce => &stage.names.producer,
            Self::Consume => &stage.names.consumer,
            Self::Session => &stage.names.session,
            Self::Admin => return true,
        };
        runs.iter().all(|seen| seen.began.contains(who))
    }
}

/// Causes, each once, with the place of the run that showed it first.
#[derive(Debug, Default)]
pub struct Causes(pub Vec<(Cause, usize)>);

impl Causes {
    /// One more, if it is new.
    pub fn add(&mut self, cause: Cause, place: usize) {
        if !self.0.iter().any(|(known, _)| alike(known, &cause)) {
            self.0.push((cause, place));
        }
    }
}

/// One interruption in one run.
struct Gap {
    work: Work,
    partition: Option<i32>,
    from: Instant,
    to: Option<Instant>,
    causes: Vec<Cause>,
}

/// Interruptions of all runs that are of one kind.
#[derive(Default)]
struct Kind {
    would_end: bool,
    partitions: BTreeMap<u64, BTreeSet<i32>>,
    lasts: Vec<u64>,
    seeds: BTreeSet<u64>,
}

/// What stopped in these runs, and why.
pub fn stops(question: &Question, stage: &Stage, runs: &[Seen]) -> (Vec<Stop>, Causes) {
    let mut causes = Causes::default();
    let mut kinds: BTreeMap<(usize, Work, bool), Kind> = BTreeMap::new();
    for (place, seen) in runs.iter().enumerate() {
        for gap in gaps(stage, seen) {
            let key = (anchor(stage, gap.from), gap.work, gap.to.is_none());
            let kind = kinds.entry(key).or_default();
            kind.seeds.insert(seen.seed);
            kind.partitions.entry(seen.seed).or_default().extend(gap.partition);
            kind.lasts.extend(gap.to.map(|to| to.since(gap.from).as_millis()));
            let waits = |cause: &Cause| {
                matches!(cause, Cause::Session(_) | Cause::Lag | Cause::RequestTimeout)
            };
            kind.would_end |= gap.to.is_none() && gap.causes.iter().any(waits);
            gap.causes.into_iter().for_each(|cause| causes.add(cause, place));
        }
    }
    let partitions = stage.topic.as_ref().map_or(0, |worked| worked.topic.partitions);
    let all = usize::try_from(partitions).unwrap_or_default();
    let stop = |((anchor, work, is_open), kind): ((usize, Work, bool), Kind)| {
        let counts = || kind.partitions.values().map(BTreeSet::len).filter(|count| *count > 0);
        let lasts = kind.lasts.iter().min().copied().zip(kind.lasts.iter().max().copied());
        Stop {
            what: work.words(question.acks, stage),
            partitions: counts().min().zip(counts().max()).map(|(low, most)| (low, most, all)),
            which: which(&kind),
            would_end: kind.would_end,
            after: stage.anchors()[anchor].0.clone(),
            lasts_ms: lasts.filter(|_| !is_open),
            runs: kind.seeds.len(),
            of: runs.len(),
            said: String::new(),
        }
    };
    let mut stops = kinds.into_iter().map(stop).collect();
    admin_stops(stage, runs, &mut stops, &mut causes);
    (stops, causes)
}

/// The partitions, where they are the same in all runs.
fn which(kind: &Kind) -> Vec<i32> {
    let mut all = kind.partitions.values();
    let first = all.next().cloned().unwrap_or_default();
    if all.all(|other| *other == first) { first.into_iter().collect() } else { Vec::new() }
}

/// Two causes that lead to the same setting.
fn alike(one: &Cause, other: &Cause) -> bool {
    matches!((one, other), (Cause::Session(_), Cause::Session(_))) || one == other
}

/// The step after which something happened: the last one before it.
fn anchor(stage: &Stage, at: Instant) -> usize {
    let anchors = stage.anchors();
    let before = |(_, when): &(String, Duration)| Instant::ZERO + *when <= at + NOTICED;
    anchors.iter().rposition(before).unwrap_or_default()
}

/// All interruptions of a run after the first loss.
fn gaps(stage: &Stage, seen: &Seen) -> Vec<Gap> {
    let lost = Instant::ZERO + stage.lost_at();
    let counts = |from: Instant, to: Option<Instant>| {
        let to = to.unwrap_or(seen.end.at);
        to > lost && to.since(from.max(lost)) > NOTICED
    };
    let mut gaps = Vec::new();
    let mut add = |work: Work, partition, from: Instant, to, causes| {
        gaps.push(Gap { work, partition, from: from.max(lost), to, causes });
    };
    if seen.began.contains(&stage.names.producer) {
        for (partition, all) in &seen.gaps {
            for (from, to) in all.iter().filter(|(from, to)| counts(*from, *to)) {
                let causes = cause::of_partition(seen, *partition, *from, *to);
                add(Work::Produce, Some(*partition), *from, *to, causes);
            }
        }
    }
    for (reader, loss) in stage.names.readers.iter().zip(&stage.losses) {
        let from = Instant::ZERO + loss.at;
        for partition in &seen.written {
            let to = seen.reads.get(&(reader.clone(), *partition)).copied();
            if to.is_none_or(|to| to > from + READER_AFTER + NOTICED) {
                let is_led = seen.end.leaders.get(partition).is_some_and(Option::is_some);
                let causes = match to {
                    // It is the reader that hangs, on a broker that does not answer.
                    None if is_led => vec![Cause::RequestTimeout],
                    to => cause::of_partition(seen, *partition, from, to),
                };
                add(Work::Consume, Some(*partition), from, to, causes);
            }
        }
    }
    for outage in &seen.outages {
        let at = Instant::from_micros;
        let (from, to) = (at(outage.from), outage.to.map(at));
        let is_session = outage.of == format!("write({})", stage.names.session);
        if is_session && seen.began.contains(&stage.names.session) && counts(from, to) {
            add(Work::Session, None, from, to, cause::of_zookeeper(seen, from, to));
        }
    }
    gaps
}

/// Admin tools that got nowhere.
fn admin_stops(stage: &Stage, runs: &[Seen], stops: &mut Vec<Stop>, causes: &mut Causes) {
    let exit = |seen: &Seen, id: &str| seen.admins.get(id).map(|did| did.exit);
    let is_mended = stage
        .admins
        .iter()
        .any(|admin| admin.is_after && runs.iter().all(|seen| exit(seen, &admin.id) == Some(0)));
    for admin in &stage.admins {
        let failed = |seen: &&Seen| exit(seen, &admin.id) != Some(0);
        let mut all = runs.iter().enumerate().filter(|(_, seen)| failed(seen));
        let Some((place, first)) = all.next() else { continue };
        cause::of_admin(first).into_iter().for_each(|cause| causes.add(cause, place));
        let since = stage.lost_at();
        let back = stage.back.filter(|_| !admin.is_after && is_mended);
        let lasts = back.map(|back| back.saturating_sub(since).as_millis());
        let anchors = stage.anchors();
        let said = first.admins.get(&admin.id).map_or("no answer", |did| first_line(&did.output));
        stops.push(Stop {
            what: Work::Admin.words(Acks::All, stage),
            partitions: None,
            which: Vec::new(),
            would_end: false,
            after: anchors[anchor(stage, Instant::ZERO + admin.at)].0.clone(),
            lasts_ms: lasts.map(|ms| (ms, ms)),
            runs: runs.iter().filter(failed).count(),
            of: runs.len(),
            said: said.to_owned(),
        });
    }
}

/// What a tool printed first, without the names of packages.
fn first_line(output: &str) -> &str {
    let line = output.lines().next().unwrap_or("nothing");
    let error = line.rsplit_once(".errors.").map_or(line, |(_, error)| error);
    error.split_once(": ").map_or(error, |(name, _)| name)
}
