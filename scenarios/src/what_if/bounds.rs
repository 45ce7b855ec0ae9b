//! From what several runs showed to what the kept scenario promises: bounds wide enough for other seeds, and no wider.

use std::collections::{BTreeMap, BTreeSet};

use super::page::{Promises, loses};
use super::question::Question;
use super::seen::Seen;
use super::stage::Stage;
use crate::cluster::Cluster;
use crate::script::expect::Excuse;
use crate::script::kafka::client::Acks;

/// What was under way when a step fired was asked for so many µs before it.
const UNDER_WAY: u64 = 1_000_000;

/// All consumers: what is promised of one is promised of all.
const CONSUMERS: &str = "consume(*)";

/// Outages of one kind: whose, after which step they open, and after which they close (`None`: never).
type Kind = (String, usize, Option<usize>);

/// When outages of a kind opened and closed, in µs after their steps, and in which runs there was one.
#[derive(Default)]
struct Range {
    opens: Vec<u64>,
    closes: Vec<u64>,
    seeds: BTreeSet<u64>,
}

/// What all these runs kept.
pub fn promises(question: &Question, cluster: &Cluster, stage: &Stage, runs: &[Seen]) -> Promises {
    let mut promises =
        Promises { outages: outages(question, cluster, stage, runs), ..Promises::default() };
    for admin in &stage.admins {
        let exit = same(runs, |seen| seen.admins.get(&admin.id).map(|did| did.exit));
        promises.exits.push(exit.flatten());
    }
    let Some(worked) = &stage.topic else {
        promises.finally.extend(quorum(runs));
        return promises;
    };
    let topic = &worked.topic.name;
    let mut excuses: BTreeSet<Excuse> = BTreeSet::new();
    for (word, excuse) in Excuse::ALL {
        if runs.iter().any(|seen| seen.lost.contains_key(word)) {
            excuses.insert(excuse);
        }
    }
    if question.acks != Acks::All && question.behind.is_some() {
        excuses.insert(Excuse::Acks1);
    }
    promises.loses = excuses.into_iter().map(|by| loses(topic, by)).collect();
    let lost = |seen: &Seen| seen.lost.values().sum::<u64>();
    if runs.iter().all(|seen| lost(seen) == 0) && question.acks == Acks::All {
        promises.finally.push(format!("\"lost({topic}) = 0\""));
    }
    let producer = &stage.names.producer;
    if runs.iter().all(|seen| seen.given_up == 0) {
        promises.finally.push(format!("\"failed({producer}) = 0\""));
    }
    if let Some(offline) = same(runs, |seen| seen.end.offline) {
        promises.finally.push(format!("\"offline-partitions = {offline}\""));
    }
    // A reader that first asks a broker which is silent hangs there for minutes.
    let readers = stage.names.readers.iter().filter(|_| !question.how.is_silent());
    for reader in readers {
        let reads = |seen: &Seen| seen.reads.keys().any(|(who, _)| who == reader);
        if let Some(reads) = same(runs, reads) {
            let sign = if reads { ">" } else { "=" };
            promises.finally.push(format!("\"consumed({reader}) {sign} 0\""));
        }
    }
    promises.finally.extend(quorum(runs));
    promises
}

fn quorum(runs: &[Seen]) -> Option<String> {
    let quorum = same(runs, |seen| seen.end.quorum)?;
    Some(if quorum { "\"zk.quorum\"" } else { "\"not zk.quorum\"" }.to_owned())
}

/// What is the same in all runs.
fn same<T: PartialEq>(runs: &[Seen], of: impl Fn(&Seen) -> T) -> Option<T> {
    let mut all = runs.iter().map(of);
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

fn outages(question: &Question, cluster: &Cluster, stage: &Stage, runs: &[Seen]) -> Vec<String> {
    let anchors: Vec<(String, u64)> =
        stage.anchors().into_iter().map(|(id, at)| (id, at.as_micros())).collect();
    let before = |at: u64, slack: u64| {
        anchors.iter().rposition(|(_, when)| *when <= at.saturating_add(slack)).unwrap_or_default()
    };
    let mut kinds: BTreeMap<Kind, Range> = BTreeMap::new();
    for seen in runs {
        for outage in &seen.outages {
            let opens = before(outage.from, UNDER_WAY);
            let closes = outage.to.map(|to| before(to, 0));
            // Whether and when a consumer waits hangs on what was committed a moment before.
            let is_consumer = outage.of.starts_with("consume(");
            let of = if is_consumer { CONSUMERS.to_owned() } else { outage.of.clone() };
            let range = kinds.entry((of, opens, closes)).or_default();
            if is_consumer {
                range.opens.push(0);
                range.closes.extend(closes.map(|_| 0));
            }
            range.opens.push(outage.from.saturating_sub(anchors[opens].1));
            if let (Some(to), Some(anchor)) = (outage.to, closes) {
                range.closes.push(to.saturating_sub(anchors[anchor].1));
            }
            range.seeds.insert(seen.seed);
        }
    }
    if question.how.is_silent() {
        // Consumers may hang on a broker that does not answer, for as long as their time-outs are.
        kinds.retain(|(of, _, closes), _| of != CONSUMERS || closes.is_none());
    }
    let duration = stage.duration.as_micros();
    let line = |((of, opens, closes), range): (Kind, Range)| {
        let (id, at) = &anchors[opens];
        let must = range.seeds.len() == runs.len() && of != CONSUMERS;
        let word = if must { "opens" } else { "may-open" };
        let opens = window(id, &range.opens, (1_000_000, 2_000_000), duration - at);
        let closes = match closes {
            None => "never".to_owned(),
            Some(anchor) => {
                let (id, at) = &anchors[anchor];
                let window = window(id, &range.closes, (3_000_000, 4_000_000), duration - at);
                match window.split_once("..") {
                    Some((from, to)) if from == id => format!("<= {to}"),
                    _ => window,
                }
            }
        };
        format!("{{ of = \"{of}\", {word} = \"{opens}\", closes = \"{closes}\" }}")
    };
    let others = unseen(question, cluster, stage, runs, &anchors[0].0, &|of| {
        kinds.keys().any(|(known, _, closes)| known == of && (closes.is_some() || of != CONSUMERS))
    });
    kinds.into_iter().map(line).chain(others).collect()
}

/// Short outages that may come with other seeds and did not come with these: a session's server may be the one that is lost,
/// a consumer may wait for a record that was committed at the last moment.
fn unseen(
    question: &Question,
    cluster: &Cluster,
    stage: &Stage,
    runs: &[Seen],
    first: &str,
    is_known: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let met = |of: &dyn Fn(&String) -> bool| {
        runs.iter().flat_map(|seen| seen.steps.values()).any(|(_, met)| met.iter().any(of))
    };
    let server = met(&|name| cluster.zookeepers.iter().any(|one| one.name == *name));
    let broker = met(&|name| cluster.brokers.iter().any(|one| one.name == *name));
    let session = &stage.names.session;
    let all = [
        (CONSUMERS.to_owned(), broker),
        (format!("session({session})"), server),
        (format!("write({session})"), server),
    ];
    let line = |of: String| {
        let is_short = of != CONSUMERS || !question.how.is_silent();
        let lasts = if is_short { ", lasts = \"<= 20s\"" } else { "" };
        format!("{{ of = \"{of}\", may-open = \"{first}..end\", closes = \"<= end\"{lasts} }}")
    };
    let all = all.into_iter().filter(|(of, is_hit)| *is_hit && !is_known(of));
    all.map(|(of, _)| line(of)).collect()
}

/// A window around what was seen, in whole seconds after a step: wider by a quarter, and by at least so many µs below and
/// above.
fn window(id: &str, seen: &[u64], least: (u64, u64), until_end: u64) -> String {
    let low = seen.iter().min().copied().unwrap_or_default();
    let high = seen.iter().max().copied().unwrap_or_default();
    let low = low.saturating_sub((low / 4).max(least.0)) / 1_000_000;
    let high = high.saturating_add((high / 4).max(least.1));
    let from = if low == 0 { id.to_owned() } else { format!("{id} + {low}s") };
    if high >= until_end {
        return format!("{from}..end");
    }
    format!("{from}..{id} + {}s", high.div_ceil(1_000_000))
}
