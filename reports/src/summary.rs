//! Many runs together: how many of each verdict, the failures first, each with the command that plays it again, and the
//! marks that only many runs can be asked for. Runs are counted as they come and not kept.

use std::collections::BTreeMap;

use crate::run::{Run, Verdict};
use crate::style::{Paint, Style, clean, counted};
use crate::text::{first_reason, table, verdict};

/// So many runs that did not pass are told one by one.
const TOLD_MAX: usize = 20;
/// Of the others, so many seeds are named.
const SEEDS_MAX: usize = 40;

/// Runs, counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    scenarios: Vec<Scenario>,
}

/// The runs of one scenario.
#[derive(Clone, Debug, Default)]
struct Scenario {
    name: String,
    runs: u64,
    count: BTreeMap<Verdict, u64>,
    /// Wanted marks, and how many runs reached them.
    marks: BTreeMap<String, u64>,
    bad: Vec<Bad>,
    simulated: f64,
    cpu: f64,
}

/// A run that did not pass.
#[derive(Clone, Debug)]
struct Bad {
    verdict: Verdict,
    seed: u64,
    why: String,
    reproduce: String,
}

impl Tally {
    /// No runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a run. `sometimes` are the marks that some run of its scenario is promised to reach.
    pub fn add(&mut self, run: &Run, sometimes: &[String]) {
        let place = self.scenarios.iter().position(|one| one.name == run.scenario);
        let place = place.unwrap_or_else(|| {
            self.scenarios.push(Scenario { name: run.scenario.clone(), ..Scenario::default() });
            self.scenarios.len() - 1
        });
        let scenario = &mut self.scenarios[place];
        scenario.runs += 1;
        *scenario.count.entry(run.verdict).or_default() += 1;
        scenario.simulated += run.statistics.simulated_seconds;
        scenario.cpu += run.statistics.cpu_seconds;
        for mark in sometimes {
            let reached = scenario.marks.entry(mark.clone()).or_default();
            *reached += u64::from(run.marks.contains(mark));
        }
        if run.verdict != Verdict::Pass {
            scenario.bad.push(Bad {
                verdict: run.verdict,
                seed: run.seed,
                why: first_reason(run).unwrap_or_default(),
                reproduce: run.reproduce.clone(),
            });
        }
    }

    /// How many runs were counted.
    pub fn runs(&self) -> u64 {
        self.scenarios.iter().map(|one| one.runs).sum()
    }

    /// Promised marks that no run reached, as sentences; only of scenarios that were run more than once.
    pub fn never_reached(&self) -> Vec<String> {
        let several = self.scenarios.iter().filter(|one| one.runs > 1);
        let missing = several.flat_map(|one| {
            one.marks.iter().filter(|(_, count)| **count == 0).map(|(mark, _)| {
                format!("{}: mark `{mark}` was reached in none of {} runs", one.name, one.runs)
            })
        });
        missing.collect()
    }

    /// The worst of all; a mark that was never reached makes it inconclusive at best.
    pub fn verdict(&self) -> Verdict {
        let worst = self.scenarios.iter().filter_map(|one| one.count.keys().max()).max();
        let worst = worst.copied().unwrap_or(Verdict::Pass);
        if self.never_reached().is_empty() { worst } else { worst.max(Verdict::Inconclusive) }
    }

    /// The table and what is around it, ending with a line's end.
    pub fn render(&self, style: &Style) -> String {
        let mut text = format!("{}  {}\n", verdict(self.verdict(), style), self.meaning());
        let mut bad: Vec<(&Scenario, &Bad)> = self
            .scenarios
            .iter()
            .flat_map(|one| one.bad.iter().map(move |bad| (one, bad)))
            .collect();
        bad.sort_by_key(|(_, bad)| std::cmp::Reverse(bad.verdict));
        if !bad.is_empty() {
            text.push('\n');
        }
        for (scenario, bad) in bad.iter().take(TOLD_MAX) {
            let word = verdict(bad.verdict, style);
            text.push_str(&format!("{word}  {}  seed {}\n", clean(&scenario.name), bad.seed));
            text.push_str(&style.wrapped("  ", &bad.why));
            text.push_str(&format!("  {}\n", style.paint(Paint::Dim, &bad.reproduce)));
        }
        if let Some(rest) = bad.get(TOLD_MAX..).filter(|rest| !rest.is_empty()) {
            text.push_str(&more(rest, style));
        }
        text.push('\n');
        text.push_str(&self.table(style));
        text.push_str(&self.marks(style));
        text
    }

    /// The verdicts in one sentence.
    fn meaning(&self) -> String {
        let of = |wanted: Verdict| -> u64 {
            self.scenarios.iter().filter_map(|one| one.count.get(&wanted)).sum()
        };
        let (pass, fail, open) = (of(Verdict::Pass), of(Verdict::Fail), of(Verdict::Inconclusive));
        let mut parts = Vec::new();
        if fail > 0 {
            parts.push(format!("{fail} failed"));
        }
        if open > 0 {
            parts.push(format!("{open} could not be judged"));
        }
        parts.push(format!("{pass} passed"));
        let missing = self.never_reached().len() as u64;
        let missing = match missing {
            0 => String::new(),
            count => format!("; {} never reached", counted(count, "mark", "marks")),
        };
        format!("{}: {}{missing}", counted(self.runs(), "run", "runs"), parts.join(", "))
    }

    fn table(&self, style: &Style) -> String {
        let columns = ["scenario", "runs", "pass", "fail", "inconclusive", "simulated", "CPU time"];
        let row = |one: &Scenario| {
            let of = |verdict| one.count.get(&verdict).copied().unwrap_or(0).to_string();
            vec![
                clean(&one.name),
                one.runs.to_string(),
                of(Verdict::Pass),
                of(Verdict::Fail),
                of(Verdict::Inconclusive),
                format!("{:.0} s", one.simulated),
                format!("{:.2} s", one.cpu),
            ]
        };
        let mut scenarios: Vec<&Scenario> = self.scenarios.iter().collect();
        scenarios.sort_by_key(|one| std::cmp::Reverse(one.count.keys().max().copied()));
        let rows = scenarios.into_iter().map(row).collect();
        table(columns.map(str::to_owned).to_vec(), rows, style)
    }

    /// Promised marks; one seed alone is not asked for them.
    fn marks(&self, style: &Style) -> String {
        let mut text = String::new();
        for one in self.scenarios.iter().filter(|one| one.runs > 1 && !one.marks.is_empty()) {
            let marks = one.marks.iter().map(|(mark, count)| match count {
                0 => format!("`{mark}` NEVER"),
                count => format!("`{mark}` {count}×"),
            });
            let marks: Vec<_> = marks.collect();
            text.push_str(&style.wrapped(&format!("  {}: ", clean(&one.name)), &marks.join(", ")));
        }
        if text.is_empty() {
            return text;
        }
        let heading = style.paint(Paint::Strong, "Sometimes");
        let what = style.paint(Paint::Dim, "in how many runs each promised mark was reached");
        format!("\n{heading}  {what}\n{text}")
    }
}

/// The runs that are not told one by one, by their seeds.
fn more(rest: &[(&Scenario, &Bad)], style: &Style) -> String {
    let named = rest.iter().take(SEEDS_MAX);
    let named: Vec<_> =
        named.map(|(one, bad)| format!("{} {}", clean(&one.name), bad.seed)).collect();
    let dots = if rest.len() > SEEDS_MAX { ", …" } else { "" };
    let count = rest.len();
    style.wrapped("  ", &format!("and {count} more (scenario, seed): {}{dots}", named.join(", ")))
}
