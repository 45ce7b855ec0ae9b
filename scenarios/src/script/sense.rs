//! Whether the times of a scenario make sense: nothing after the end, no window that ends before it
//! begins, no promise about a quorum that is lost for good.

use std::collections::BTreeMap;

use super::Script;
use super::action::Deed;
use super::condition::Condition;
use super::ensemble::Source;
use super::expect::Closes;
use super::problems::{Problems, Span};
use super::selector::Selector;
use super::step::When;
use super::time::{Anchor, Moment, Window};

/// Checks the times of all steps and promises.
pub fn check(script: &Script, problems: &mut Problems) {
    let dates = Dates::of(script, problems);
    check_steps(script, &dates, problems);
    check_windows(script, &dates, problems);
    check_lost_quorum(script, &dates, problems);
}

/// The earliest and latest date of every step that has one, in µs.
struct Dates {
    end: u64,
    steps: BTreeMap<String, (u64, u64)>,
}

impl Dates {
    fn of(script: &Script, problems: &mut Problems) -> Self {
        let mut dates = Self { end: script.duration.value.as_micros(), steps: BTreeMap::new() };
        // Each round dates the steps that hang on those dated before; a round without a new date is
        // the last.
        loop {
            let before = dates.steps.len();
            for step in &script.steps {
                let window = match &step.when {
                    When::At { window, .. } => window.clone(),
                    When::Every { first, .. } => Window { from: first.clone(), to: first.clone() },
                    When::Condition { .. } => continue,
                };
                if let (Some(from), Some(to)) = (dates.range(&window.from), dates.range(&window.to))
                {
                    dates.steps.entry(step.id.value.clone()).or_insert((from.0, to.1));
                }
            }
            if dates.steps.len() == before {
                break;
            }
        }
        dates.check_circles(script, problems);
        dates
    }

    /// A step without a date hangs, in the end, on a step with a condition; or else on itself.
    fn check_circles(&self, script: &Script, problems: &mut Problems) {
        for step in &script.steps {
            let mut at = step;
            for _ in 0..=script.steps.len() {
                let anchor = match &at.when {
                    When::At { window, .. } => [&window.from.anchor, &window.to.anchor],
                    When::Every { first, .. } => [&first.anchor, &first.anchor],
                    When::Condition { .. } => break,
                };
                let undated = anchor.into_iter().find_map(|anchor| match anchor {
                    Anchor::Step(name) if !self.steps.contains_key(name) => Some(name),
                    _ => None,
                });
                let next = undated
                    .and_then(|name| script.steps.iter().find(|step| step.id.value == *name));
                let Some(next) = next else { break };
                if next.id.value == step.id.value {
                    let message = format!("the time of step `{}` hangs on itself", step.id.value);
                    problems.add("E0503", &step.span, message);
                    break;
                }
                at = next;
            }
        }
    }

    /// The earliest and latest µs this can be; `None` if it hangs on a condition.
    fn range(&self, moment: &Moment) -> Option<(u64, u64)> {
        let (from, to) = match &moment.anchor {
            Anchor::Start => (0, 0),
            Anchor::End => (self.end, self.end),
            Anchor::Step(step) => *self.steps.get(step)?,
        };
        Some((moment.at(from), moment.at(to)))
    }

    /// Whether `a` is surely before `b`.
    fn is_before(&self, a: &Moment, b: &Moment) -> bool {
        if a.anchor == b.anchor {
            return a.offset < b.offset;
        }
        match (self.range(a), self.range(b)) {
            (Some(a), Some(b)) => a.1 < b.0,
            _ => false,
        }
    }
}

fn check_steps(script: &Script, dates: &Dates, problems: &mut Problems) {
    for step in &script.steps {
        let span = match &step.when {
            When::At { window, span } => {
                if dates.is_before(&window.to, &window.from) {
                    problems.add("E0502", span, "this window ends before it begins");
                }
                span
            }
            When::Every { period, .. } => &period.span,
            When::Condition { .. } => continue,
        };
        let Some((_, latest)) = dates.steps.get(&step.id.value) else { continue };
        if *latest >= dates.end {
            let message = format!("step `{}` comes after the end", step.id.value);
            let report = problems.add("E0501", span, message);
            report.help(format!("the run ends at {}: raise `duration`", script.duration.value));
        }
    }
}

fn check_windows(script: &Script, dates: &Dates, problems: &mut Problems) {
    let expect = &script.expect;
    let promised = expect.eventually.iter().map(|one| (&one.that.span, &one.window));
    let throughout = expect.never.iter().chain(&expect.always);
    let throughout = throughout.map(|one| (&one.that.span, &one.window));
    let opens = expect.outages.iter().map(|outage| (&outage.span, &outage.opens));
    for (span, window) in promised.chain(throughout).chain(opens) {
        if dates.is_before(&window.to, &window.from) {
            problems.add("E0502", span, "the time of this ends before it begins");
        }
        check_end(span, &window.to, dates, problems);
    }
    for outage in &expect.outages {
        if let Closes::Within(window) = &outage.closes {
            if dates.is_before(&window.to, &outage.opens.from) {
                problems.add("E0502", &outage.span, "this outage closes before it opens");
            }
            check_end(&outage.span, &window.to, dates, problems);
        }
        if let (Some(min), Some(max)) = (outage.lasts.min, outage.lasts.max)
            && min > max
        {
            problems.add("E0502", &outage.span, "this outage lasts at least longer than at most");
        }
    }
}

fn check_end(span: &Span, moment: &Moment, dates: &Dates, problems: &mut Problems) {
    let Some((_, latest)) = dates.range(moment) else { return };
    if latest > dates.end {
        let report = problems.add("E0505", span, "this cannot be judged: the run ends before");
        report.help("raise `duration`, or promise it earlier");
    }
}

/// Servers taken away and never given back, and a quorum promised afterwards. Says nothing where
/// anything might bring one back.
fn check_lost_quorum(script: &Script, dates: &Dates, problems: &mut Problems) {
    let Source::Inline { zookeepers, .. } = script.ensemble.source else { return };
    let returns = script.steps.iter().any(|step| {
        step.lasts.is_some()
            || matches!(
                step.action.deed,
                Deed::Restart | Deed::Resume | Deed::Heal | Deed::HealAll | Deed::Rejoin
            )
    });
    if returns {
        return;
    }
    let servers: Vec<_> = (1..=zookeepers).map(|number| format!("zk-{number}")).collect();
    let names = script.cluster(None).map(|cluster| super::Names::of(script, &cluster));
    let are_servers = |pattern: &str| {
        let nodes = names.as_ref().map(|names| names.nodes(pattern)).unwrap_or_default();
        nodes.iter().all(|node| servers.contains(node))
    };
    let taken = |step: &super::Step| match &step.action.who {
        _ if !step.action.deed.takes_nodes_away() => None,
        Selector::Any { count, these, .. } => match &**these {
            Selector::Pattern(pattern) if are_servers(pattern) => {
                Some((*count, dates.steps.get(&step.id.value)?.1))
            }
            _ => None,
        },
        _ => None,
    };
    let servers = usize::try_from(zookeepers).unwrap_or(usize::MAX);
    let needed = coordinator::quorum::majority_of(servers) as u64;
    let worst = script.steps.iter().filter_map(taken).max();
    let Some((_, lost_at)) = worst.filter(|(count, _)| zookeepers - needed < *count) else {
        return;
    };
    let late = |window: &Window| dates.range(&window.from).is_some_and(|from| from.0 >= lost_at);
    let promised = script.expect.eventually.iter().filter(|one| late(&one.window));
    let promised = promised.map(|one| &one.that).chain(&script.expect.finally);
    for that in promised.filter(|that| needs_quorum(&that.value)) {
        let message = "this needs a quorum, and a majority is taken away for good";
        problems.add("E0504", &that.span, message).help("restart or heal some of them in a step");
    }
}

fn needs_quorum(condition: &Condition) -> bool {
    match condition {
        Condition::Quorum => true,
        Condition::All(parts) => parts.iter().any(needs_quorum),
        _ => false,
    }
}
