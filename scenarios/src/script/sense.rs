//! Whether the times of a scenario make sense: nothing after the end, no window that ends before it
//! begins, no promise about a quorum that is lost for good.
//!
//! What can be played all the same and can hardly be meant is told by [`super::lint`].

use std::collections::BTreeSet;

use super::action::Deed;
use super::condition::Condition;
use super::dates::Dates;
use super::ensemble::Source;
use super::expect::Closes;
use super::problems::{Located, Problems, Report, Span};
use super::selector::Selector;
use super::step::{Step, When};
use super::time::{Moment, Window};
use super::{Names, Script};

/// Checks the times of all steps and promises.
pub fn check(script: &Script, problems: &mut Problems) {
    let dates = Dates::of(script);
    check_circles(script, &dates, problems);
    check_steps(script, &dates, problems);
    check_windows(script, &dates, problems);
    check_lost_quorum(script, &dates, problems);
}

/// A step without a date hangs, in the end, on a step with a condition; or else on itself.
fn check_circles(script: &Script, dates: &Dates<'_>, problems: &mut Problems) {
    for step in &script.steps {
        let circle = dates.circle(step);
        let is_first = circle.iter().all(|other| step.span.start <= other.span.start);
        if circle.is_empty() || !is_first {
            continue;
        }
        let message = format!("the time of step `{}` hangs on itself", step.id.value);
        let mut report = problems.add("E0503", time_of(step), message).label("hangs on itself");
        for other in &circle[1..] {
            report = report.also(time_of(other), "over this");
        }
    }
}

/// Where the time of a step is written.
fn time_of(step: &Step) -> &Span {
    match &step.when {
        When::At { span, .. } => span,
        When::Every { period, .. } => &period.span,
        When::Condition { that, .. } => &that.span,
    }
}

fn check_steps(script: &Script, dates: &Dates<'_>, problems: &mut Problems) {
    for step in &script.steps {
        let span = match &step.when {
            When::At { window, span } => {
                if dates.is_before(&window.to, &window.from) {
                    let report = problems.add("E0502", span, "this window ends before it begins");
                    report.label("upside down");
                }
                end_of(span, script)
            }
            When::Every { period, .. } => period.span.clone(),
            When::Condition { .. } => continue,
        };
        let Some((_, latest)) = dates.of_step(&step.id.value) else { continue };
        if latest >= dates.end {
            let message = format!("step `{}` comes after the end", step.id.value);
            let report = problems.add("E0501", &span, message).label("too late");
            the_end(report, script).help("raise `duration`, or let it happen earlier");
        }
    }
}

/// Points to where the end of the run is said.
fn the_end<'p>(report: Report<'p>, script: &Script) -> Report<'p> {
    let end = &script.duration;
    report.also(&end.span, format!("the run ends at {}", end.value))
}

/// Of a window, where its end is written.
fn end_of(span: &Span, script: &Script) -> Span {
    let Some((before, end)) =
        script.source.get(span.clone()).and_then(|text| text.split_once(".."))
    else {
        return span.clone();
    };
    let blanks = end.len() - end.trim_start().len();
    span.start + before.len() + 2 + blanks..span.end
}

fn check_windows(script: &Script, dates: &Dates<'_>, problems: &mut Problems) {
    let expect = &script.expect;
    let promised = expect.eventually.iter().map(|one| &one.window);
    let throughout = expect.never.iter().chain(&expect.always).map(|one| &one.window);
    let opens = expect.outages.iter().map(|outage| &outage.opens);
    for Located { value: window, span } in promised.chain(throughout).chain(opens) {
        if dates.is_before(&window.to, &window.from) {
            let report = problems.add("E0502", span, "this window ends before it begins");
            report.label("upside down");
        }
        check_end(span, &window.to, script, dates, problems);
    }
    for outage in &expect.outages {
        let span = &outage.closes.span;
        if let Closes::Within(window) = &outage.closes.value {
            if dates.is_before(&window.to, &outage.opens.value.from) {
                let message = "this outage closes before it opens";
                let report = problems.add("E0506", span, message).label("this is before");
                report.also(&outage.opens.span, "this");
            }
            if dates.is_before(&window.to, &window.from) {
                let report = problems.add("E0502", span, "this window ends before it begins");
                report.label("upside down");
            }
            check_end(span, &window.to, script, dates, problems);
        }
        let Located { value: lasts, span } = &outage.lasts;
        if lasts.min.zip(lasts.max).is_some_and(|(min, max)| min > max) {
            let message = "this outage lasts at least longer than at most";
            problems.add("E0507", span, message).label("upside down");
        }
    }
}

fn check_end(
    span: &Span,
    moment: &Moment,
    script: &Script,
    dates: &Dates<'_>,
    problems: &mut Problems,
) {
    let Some((_, latest)) = dates.range(moment) else { return };
    if latest > dates.end {
        let span = end_of(span, script);
        let report = problems.add("E0505", &span, "this cannot be judged: the run ends before");
        let report = report.label("later than the end");
        the_end(report, script).help("raise `duration`, or promise it earlier");
    }
}

/// Servers taken away and never given back, and a quorum promised afterwards. Says nothing where
/// anything might bring one back.
fn check_lost_quorum(script: &Script, dates: &Dates<'_>, problems: &mut Problems) {
    let Source::Inline { .. } = script.ensemble.source else { return };
    let Some(cluster) = script.cluster(None) else { return };
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
    let names = Names::of(script, &cluster);
    let needed = coordinator::quorum::majority_of(names.servers.len());
    let Some((lost_at, by)) = loss_of_quorum(script, &names, needed, dates) else { return };
    let late = |window: &Window| dates.range(&window.from).is_some_and(|from| from.0 >= lost_at);
    let promised = script.expect.eventually.iter().filter(|one| late(&one.window.value));
    let promised = promised.map(|one| &one.that).chain(&script.expect.finally);
    for that in promised.filter(|that| needs_quorum(&that.value)) {
        let message = "this needs a quorum, and a majority is taken away for good";
        let report = problems.add("E0504", &that.span, message).label("cannot be");
        let report = report.also(&by.span, "nobody is left to be a quorum after this");
        report.help("restart or heal some of them in a step");
    }
}

/// When fewer than `needed` servers are left at the latest, and by which step.
fn loss_of_quorum<'s>(
    script: &'s Script,
    names: &Names,
    needed: usize,
    dates: &Dates<'_>,
) -> Option<(u64, &'s Step)> {
    let dated = |step: &'s Step| Some((dates.of_step(&step.id.value)?.1, step));
    let taking = script.steps.iter().filter(|step| step.action.deed.takes_nodes_away());
    let mut taking: Vec<_> = taking.filter_map(dated).collect();
    taking.sort_by_key(|(at, _)| *at);
    let mut gone: BTreeSet<String> = BTreeSet::new();
    for (at, step) in taking {
        let mut most = 0;
        match &step.action.who {
            Selector::Any { count, these, .. } => {
                let from = names.fixed(these).unwrap_or_default();
                if from.iter().all(|node| names.servers.contains(node)) {
                    most = usize::try_from(*count).unwrap_or(usize::MAX).min(from.len());
                }
            }
            who => gone.extend(names.fixed(who).unwrap_or_default()),
        }
        let lost = names.servers.iter().filter(|server| gone.contains(*server)).count();
        if names.servers.len().saturating_sub(lost.max(most)) < needed {
            return Some((at, step));
        }
    }
    None
}

fn needs_quorum(condition: &Condition) -> bool {
    match condition {
        Condition::Quorum => true,
        Condition::All(parts) => parts.iter().any(needs_quorum),
        _ => false,
    }
}
