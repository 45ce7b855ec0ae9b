//! The answer as a value: what stops and for how long, what goes on, what is lost, which setting decides. Its words are in
//! [`super::words`].

use std::collections::{BTreeMap, BTreeSet};

use broker::note::Decision;
use reports::run::Verdict;
use serde::Serialize;

use super::cause::{self, Cause, Decides};
use super::question::{How, Question};
use super::seen::Seen;
use super::stage::Stage;
use super::stops::{self, Causes, Work};
use crate::cluster::{Cluster, Severity};
use crate::script::kafka::client::Acks;

/// What came of a question.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    /// Who is lost, in order.
    pub losses: Vec<LossOf>,
    /// How.
    pub how: How,
    /// When they come back, in seconds after the first loss; `None` for never.
    pub back_seconds: Option<u64>,
    /// The cluster in a few words.
    pub cluster: String,
    /// The topic in a few words; `None` without brokers.
    pub topic: Option<String>,
    /// What stops, and for how long.
    pub stops: Vec<Stop>,
    /// What goes on all the time.
    pub goes_on: Vec<String>,
    /// What did not even begin before the loss.
    pub never_began: Vec<String>,
    /// What became of acknowledged records.
    pub records: Records,
    /// The settings that decide.
    pub decides: Vec<Decides>,
    /// What else to know.
    pub beware: Vec<String>,
    /// The seeds that were played.
    pub seeds: (u64, u64),
    /// For how long the last event was watched, in seconds.
    pub watched_seconds: u64,
    /// What becomes of the scenario below with the first seed.
    pub verdict: Verdict,
    /// The scenario to keep.
    pub scenario: String,
}

/// One loss.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LossOf {
    /// The step.
    pub step: String,
    /// Whom, as asked.
    pub who: String,
    /// Whom it met in the first run.
    pub met: Vec<String>,
    /// When, in seconds of the run.
    pub at_seconds: u64,
}

/// Something that stops.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stop {
    /// What.
    pub what: String,
    /// How many partitions, at least and at most, of how many; `None` where it is not about partitions.
    pub partitions: Option<(usize, usize, usize)>,
    /// The step after which it stops.
    pub after: String,
    /// How long, at least and at most, in ms; `None` until the end.
    pub lasts_ms: Option<(u64, u64)>,
    /// Their numbers, where they are the same in all runs.
    pub which: Vec<i32>,
    /// Whether it would go on by itself, had it been watched longer.
    pub would_end: bool,
    /// In how many runs.
    pub runs: usize,
    /// Of how many.
    pub of: usize,
    /// What was said, where a tool said something.
    pub said: String,
}

/// What became of acknowledged records.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Records {
    /// How many were acknowledged in all runs.
    pub acknowledged: u64,
    /// How many of them are lost, at least and at most in one run, by what allows it (`acks=1`, `E2`).
    pub lost: BTreeMap<String, (u64, u64)>,
    /// How many are lost if followers are 5 s behind when it happens; `None` where that was not asked.
    pub lost_if_behind: Option<u64>,
    /// Whether anybody who could lose one was lost.
    pub is_at_risk: bool,
    /// Batches the producer gave up, in all runs.
    pub given_up: u64,
    /// Partitions without a leader at the end, at most: their records cannot be read.
    pub out_of_reach: usize,
}

/// Puts together what the runs showed. Verdict and scenario come later.
pub fn of(question: &Question, cluster: &Cluster, stage: &Stage, runs: &[Seen]) -> Answer {
    let (stops, mut causes) = stops::stops(question, stage, runs);
    let records = records(question, stage, runs, cluster);
    quiet_causes(stage, runs, cluster, &records, &mut causes);
    let works = |wanted: &dyn Fn(Work, &str) -> bool| {
        let all = Work::all(stage).iter().map(|work| (*work, work.words(question.acks, stage)));
        all.filter(|(work, words)| wanted(*work, words)).map(|(_, words)| words).collect()
    };
    let stopped = |words: &str| stops.iter().any(|stop| stop.what == words);
    let mut known = BTreeSet::new();
    let decides = causes.0.iter().filter_map(|(cause, place)| {
        let decides = cause::decides(cause, &runs[*place], stage, cluster)?;
        known.insert(decides.setting.clone()).then_some(decides)
    });
    Answer {
        losses: losses(stage, runs),
        how: question.how,
        back_seconds: question.back.map(|back| back.as_micros() / 1_000_000),
        cluster: in_words(cluster),
        topic: stage.topic.as_ref().map(topic_in_words),
        decides: decides.collect(),
        goes_on: works(&|work, words| work.began(stage, runs) && !stopped(words)),
        never_began: works(&|work, _| !work.began(stage, runs)),
        records,
        beware: beware(question, stage, runs, cluster),
        seeds: (*question.seeds.start(), *question.seeds.end()),
        watched_seconds: stage.watched.as_micros() / 1_000_000,
        stops,
        verdict: Verdict::Pass,
        scenario: String::new(),
    }
}

/// What decides although nothing has stopped for it, or beside what stopped.
fn quiet_causes(
    stage: &Stage,
    runs: &[Seen],
    cluster: &Cluster,
    records: &Records,
    causes: &mut Causes,
) {
    if records.is_at_risk {
        causes.0.insert(0, (Cause::DidNotWait, 0));
    }
    let Some(first) = runs.first() else { return };
    let mut states = first.states.values().flatten();
    if causes.0.is_empty() && states.any(|one| one.by == Some(Decision::ControlledShutdown)) {
        causes.add(Cause::ControlledShutdown, 0);
    }
    let mut met = stage.losses.iter().filter_map(|loss| first.steps.get(&loss.id));
    let is_server = |name: &String| cluster.zookeepers.iter().any(|one| one.name == *name);
    if causes.0.is_empty() && met.any(|(_, met)| met.iter().any(is_server)) {
        causes.add(Cause::Quorum, 0);
    }
}

fn losses(stage: &Stage, runs: &[Seen]) -> Vec<LossOf> {
    let first = runs.first();
    let met = |id: &String| first.and_then(|seen| seen.steps.get(id)).map(|(_, met)| met.clone());
    let loss = |loss: &super::stage::Loss| LossOf {
        step: loss.id.clone(),
        who: loss.who.clone(),
        met: met(&loss.id).unwrap_or_default(),
        at_seconds: loss.at.as_micros() / 1_000_000,
    };
    stage.losses.iter().map(loss).collect()
}

fn records(question: &Question, stage: &Stage, runs: &[Seen], cluster: &Cluster) -> Records {
    let words: BTreeSet<&str> = runs.iter().flat_map(|seen| seen.lost.keys().copied()).collect();
    let range = |word: &str| {
        let all = || runs.iter().map(|seen| seen.lost.get(word).copied().unwrap_or_default());
        (all().min().unwrap_or_default(), all().max().unwrap_or_default())
    };
    let lost = words.into_iter().map(|word| (word.to_owned(), range(word))).collect();
    let is_broker = |name: &String| cluster.brokers.iter().any(|broker| broker.name == *name);
    let hit = |seen: &Seen| {
        let mut met = stage.losses.iter().filter_map(|loss| seen.steps.get(&loss.id));
        met.any(|(_, met)| met.iter().any(is_broker))
    };
    Records {
        acknowledged: runs.iter().map(|seen| seen.promised).sum(),
        lost,
        lost_if_behind: None,
        is_at_risk: question.acks != Acks::All && runs.iter().any(hit),
        given_up: runs.iter().map(|seen| seen.given_up).sum(),
        out_of_reach: runs.iter().map(out_of_reach).max().unwrap_or_default(),
    }
}

/// Partitions of the topic that nobody leads at the end.
fn out_of_reach(seen: &Seen) -> usize {
    seen.end.leaders.values().filter(|leader| leader.is_none()).count()
}

/// What else to know, the worst first.
fn beware(question: &Question, stage: &Stage, runs: &[Seen], cluster: &Cluster) -> Vec<String> {
    let mut all = Vec::new();
    let errors = cluster.findings.iter().filter(|one| one.severity == Severity::Error);
    let rules: BTreeSet<&str> = errors.map(|one| one.rule).collect();
    if !rules.is_empty() {
        let rules = rules.into_iter().collect::<Vec<_>>().join(", ");
        all.push(format!(
            "the files have errors ({rules}): no run on them passes before they are mended"
        ));
    }
    let Some(first) = runs.first() else { return all };
    for (check, message) in runs.iter().flat_map(|seen| &seen.broken).take(1) {
        all.push(format!("check {check} fails: {message}"));
    }
    let mut refused = runs.iter().flat_map(|seen| &seen.refused);
    if let Some((_, who, why)) = refused.next() {
        all.push(format!("{who} does not start: {why}"));
    }
    let end = &first.end;
    if end.ensembles > 1 {
        let count = end.ensembles;
        all.push(format!(
            "the ZooKeepers are {count} separate ensembles that know nothing of each other"
        ));
    }
    let Some(worked) = &stage.topic else { return all };
    if !end.quorum && !end.brokers_up.is_empty() {
        let what = "no quorum, no election: what the next lost broker leads has no leader";
        all.push(format!("{what} (--then \"leader({}-0)\")", worked.topic.name));
    }
    let min = cause::min_in_sync(stage, cluster);
    let in_sync = || end.isr.values().map(Vec::len);
    let is_led = out_of_reach(first) == 0 && in_sync().min() == min && in_sync().max() > Some(1);
    let had_more = usize::try_from(worked.topic.replication_factor).ok() > min;
    if question.acks == Acks::All && end.quorum && is_led && had_more {
        let left = min.unwrap_or_default();
        let are = if left == 1 { "is" } else { "are" };
        all.push(format!(
            "{left} {are} in sync, as min.insync.replicas wants: one more lost stops acks=all"
        ));
    }
    let needed = coordinator::quorum::majority_of(end.voters);
    if end.quorum && end.voters > needed && end.servers_up.len() == needed {
        all.push("one more ZooKeeper lost, and there is no quorum".to_owned());
    }
    all
}

fn in_words(cluster: &Cluster) -> String {
    let count = |number: usize, one: &str| {
        if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
    };
    let servers = count(cluster.zookeepers.len(), "ZooKeeper");
    match cluster.brokers.first() {
        None => servers,
        Some(broker) => {
            let version = match broker.preset.name() {
                "fixed" => String::new(),
                version => format!(" of Kafka {version}"),
            };
            format!("{servers}, {}{version}", count(cluster.brokers.len(), "broker"))
        }
    }
}

fn topic_in_words(worked: &super::stage::Worked) -> String {
    let topic = &worked.topic;
    let min = topic.config.get(super::stage::MIN_IN_SYNC);
    let min = min.map(|min| format!(", min.insync.replicas {min}")).unwrap_or_default();
    let assumed = if worked.is_added { " (assumed: --topic)" } else { "" };
    let partitions = match topic.partitions {
        1 => "1 partition".to_owned(),
        many => format!("{many} partitions"),
    };
    let factor = topic.replication_factor;
    format!("{}: {partitions}, replication factor {factor}{min}{assumed}", topic.name)
}
