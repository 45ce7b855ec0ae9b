//! Many runs together: how many of each verdict, the failures first, each kind with the command that plays the first of them
//! again, how long outages were, and the marks that only many runs can be asked for. Runs are counted as they come and not
//! kept. What it cost is not told here: equal runs give equal text.

mod lengths;

use std::collections::BTreeMap;

use crate::run::{Run, Verdict};
use crate::style::{Paint, Style, clean, counted};
use crate::text::{first_reason, table, verdict};

use lengths::Lengths;

/// So many kinds of failure are told one by one.
const TOLD_MAX: usize = 20;
/// Of the runs of one kind, so many seeds are named.
const SEEDS_MAX: usize = 10;

/// Runs, counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    scenarios: Vec<Scenario>,
}

/// The runs of one scenario.
#[derive(Clone, Debug)]
struct Scenario {
    name: String,
    runs: u64,
    /// The first and the last seed.
    seeds: (u64, u64),
    count: BTreeMap<Verdict, u64>,
    /// Wanted marks, and how many runs reached them.
    marks: BTreeMap<String, u64>,
    bad: Vec<Bad>,
    lengths: Lengths,
    simulated: f64,
    cpu: f64,
}

/// Runs that did not pass, all for the same checks.
#[derive(Clone, Debug)]
struct Bad {
    verdict: Verdict,
    checks: Vec<String>,
    seeds: Vec<u64>,
    /// How many there are: not all seeds are kept.
    runs: u64,
    /// Of the first of them.
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
            self.scenarios.push(Scenario::new(run));
            self.scenarios.len() - 1
        });
        self.scenarios[place].add(run, sometimes);
    }

    /// How many runs were counted.
    pub fn runs(&self) -> u64 {
        self.scenarios.iter().map(|one| one.runs).sum()
    }

    /// The CPU time spent on all of them, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        self.scenarios.iter().map(|one| one.cpu).sum()
    }

    /// Promised marks that no run reached, as sentences; only of scenarios that were run more than once.
    pub fn never_reached(&self) -> Vec<String> {
        let sentences = self.scenarios.iter().flat_map(|one| {
            one.missing().map(|mark| {
                format!("{}: mark `{mark}` was reached in none of {} runs", one.name, one.runs)
            })
        });
        sentences.collect()
    }

    /// The worst of all; a mark that was never reached makes it inconclusive at best.
    pub fn verdict(&self) -> Verdict {
        self.scenarios.iter().map(Scenario::verdict).max().unwrap_or(Verdict::Pass)
    }

    /// Each scenario in a line: verdict, name, seeds, how many passed and failed, the first seed that failed and by which
    /// checks. No line's ends.
    pub fn lines(&self, style: &Style) -> Vec<String> {
        self.scenarios.iter().map(|one| one.line(style)).collect()
    }

    /// For each scenario that did not pass, the command that plays the first of its worst runs again.
    pub fn again(&self) -> Vec<String> {
        self.scenarios.iter().filter_map(Scenario::worst).map(|bad| bad.reproduce.clone()).collect()
    }

    /// The table and what is around it, ending with a line's end.
    pub fn render(&self, style: &Style) -> String {
        let mut text = format!("{}  {}\n\n", verdict(self.verdict(), style), self.meaning());
        let mut bad: Vec<(&Scenario, &Bad)> = self
            .scenarios
            .iter()
            .flat_map(|one| one.bad.iter().map(move |bad| (one, bad)))
            .collect();
        bad.sort_by_key(|(_, bad)| std::cmp::Reverse(bad.verdict));
        for (scenario, bad) in bad.iter().take(TOLD_MAX) {
            let word = verdict(bad.verdict, style);
            let (name, seeds) = (clean(&scenario.name), bad.seeds());
            text.push_str(&format!("{word}  {name}  {seeds}\n"));
            text.push_str(&style.wrapped("  ", &bad.why));
            text.push_str(&format!("  {}\n\n", style.paint(Paint::Dim, &bad.reproduce)));
        }
        if bad.len() > TOLD_MAX {
            text.push_str(&format!("and {} more kinds of failure\n\n", bad.len() - TOLD_MAX));
        }
        text.push_str(&self.table(style));
        text.push_str(&self.outages(style));
        text.push_str(&self.marks(style));
        text
    }

    /// The verdicts in one sentence.
    fn meaning(&self) -> String {
        let of = |wanted| self.scenarios.iter().map(|one| one.of(wanted)).sum();
        let missing = self.never_reached().len() as u64;
        let missing = match missing {
            0 => String::new(),
            count => format!("; {} never reached", counted(count, "mark", "marks")),
        };
        format!("{}: {}{missing}", counted(self.runs(), "run", "runs"), verdicts(of))
    }

    fn table(&self, style: &Style) -> String {
        let mut columns = vec!["scenario", "runs", "pass", "fail", "inconclusive"];
        let all_passed = self.scenarios.iter().all(|one| one.bad.is_empty());
        match all_passed {
            true => columns.push("simulated"),
            false => columns.extend(["first seed", "checks"]),
        }
        let row = |one: &Scenario| {
            let mut row = vec![clean(&one.name), one.runs.to_string()];
            let verdicts = [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive];
            row.extend(verdicts.map(|verdict| one.of(verdict).to_string()));
            if all_passed {
                row.push(format!("{:.0} s", one.simulated));
            } else {
                let worst = one.worst();
                row.push(worst.map(|bad| bad.first().to_string()).unwrap_or_default());
                row.push(clean(&worst.map(|bad| bad.checks.join(", ")).unwrap_or_default()));
            }
            row
        };
        let mut scenarios: Vec<&Scenario> = self.scenarios.iter().collect();
        scenarios.sort_by_key(|one| std::cmp::Reverse(one.verdict()));
        let rows = scenarios.into_iter().map(row).collect();
        table(columns.into_iter().map(str::to_owned).collect(), rows, style)
    }

    /// How long outages were; one seed alone says that in its own report.
    fn outages(&self, style: &Style) -> String {
        let several = self.scenarios.iter().filter(|one| one.runs > 1);
        let rows = several.map(|one| (clean(&one.name), one.lengths.rows(one.runs)));
        let rows: Vec<_> = rows.filter(|(_, rows)| !rows.is_empty()).collect();
        if rows.is_empty() {
            return String::new();
        }
        let heading = style.paint(Paint::Strong, "Outages");
        let what = "of clients' work: in how many runs; shortest, median, longest; announcement";
        let what = style.paint(Paint::Dim, what);
        format!("\n{heading}  {what}\n{}", lengths::render(&rows, style))
    }

    /// Promised marks; one seed alone is not asked for them.
    fn marks(&self, style: &Style) -> String {
        let mut text = String::new();
        for one in self.scenarios.iter().filter(|one| one.runs > 1 && !one.marks.is_empty()) {
            let never = one.missing().map(|mark| format!("`{mark}` NEVER"));
            let reached = one.marks.iter().filter(|(_, count)| **count > 0);
            let reached = reached.map(|(mark, count)| format!("`{mark}` {count}×"));
            let marks: Vec<_> = never.chain(reached).collect();
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

impl Scenario {
    fn new(run: &Run) -> Self {
        Self {
            name: run.scenario.clone(),
            runs: 0,
            seeds: (run.seed, run.seed),
            count: BTreeMap::new(),
            marks: BTreeMap::new(),
            bad: Vec::new(),
            lengths: Lengths::default(),
            simulated: 0.0,
            cpu: 0.0,
        }
    }

    fn add(&mut self, run: &Run, sometimes: &[String]) {
        self.runs += 1;
        self.seeds = (self.seeds.0.min(run.seed), self.seeds.1.max(run.seed));
        *self.count.entry(run.verdict).or_default() += 1;
        self.simulated += run.statistics.simulated_seconds;
        self.cpu += run.statistics.cpu_seconds;
        self.lengths.add(run);
        for mark in sometimes {
            let reached = self.marks.entry(mark.clone()).or_default();
            *reached += u64::from(run.marks.contains(mark));
        }
        if run.verdict != Verdict::Pass {
            self.add_bad(run);
        }
    }

    fn add_bad(&mut self, run: &Run) {
        let mut checks: Vec<String> = run.violations.iter().map(|one| one.check.clone()).collect();
        checks.sort();
        checks.dedup();
        let same = |bad: &&mut Bad| bad.verdict == run.verdict && bad.checks == checks;
        if let Some(bad) = self.bad.iter_mut().find(same) {
            bad.runs += 1;
            if bad.seeds.len() < SEEDS_MAX {
                bad.seeds.push(run.seed);
            }
            return;
        }
        self.bad.push(Bad {
            verdict: run.verdict,
            checks,
            seeds: vec![run.seed],
            runs: 1,
            why: first_reason(run).unwrap_or_default(),
            reproduce: run.reproduce.clone(),
        });
    }

    /// How many runs had this verdict.
    fn of(&self, verdict: Verdict) -> u64 {
        self.count.get(&verdict).copied().unwrap_or(0)
    }

    /// Promised marks that no run reached, if there was more than one run.
    fn missing(&self) -> impl Iterator<Item = &str> {
        let marks = self.marks.iter().filter(|(_, count)| self.runs > 1 && **count == 0);
        marks.map(|(mark, _)| mark.as_str())
    }

    fn verdict(&self) -> Verdict {
        let worst = self.count.keys().max().copied().unwrap_or(Verdict::Pass);
        let is_short = self.missing().next().is_some();
        if is_short { worst.max(Verdict::Inconclusive) } else { worst }
    }

    /// The first of the worst runs, with all that were broken by the same checks.
    fn worst(&self) -> Option<&Bad> {
        let worst = self.bad.iter().map(|bad| bad.verdict).max();
        self.bad.iter().find(|bad| Some(bad.verdict) == worst)
    }

    fn line(&self, style: &Style) -> String {
        let (first, last) = self.seeds;
        let mut line = format!(
            "{}  {}  seeds {first}..{last}  {}",
            verdict(self.verdict(), style),
            clean(&self.name),
            verdicts(|wanted| self.of(wanted))
        );
        if let Some(bad) = self.worst() {
            let checks = if bad.checks.is_empty() { &bad.why } else { &bad.checks.join(", ") };
            line.push_str(&format!("  first seed {}: {}", bad.first(), clean(checks)));
        }
        for mark in self.missing() {
            line.push_str(&format!("  mark `{}` never reached", clean(mark)));
        }
        line
    }
}

impl Bad {
    fn first(&self) -> u64 {
        self.seeds[0]
    }

    /// `seed 7`, or `seed 7 and 3 more: 9, 12, …`.
    fn seeds(&self) -> String {
        let others: Vec<_> = self.seeds[1..].iter().map(u64::to_string).collect();
        let dots = if self.runs > self.seeds.len() as u64 { ", …" } else { "" };
        match self.runs {
            1 => format!("seed {}", self.first()),
            runs => {
                let (first, more) = (self.first(), runs - 1);
                format!("seed {first}, and {more} more: {}{dots}", others.join(", "))
            }
        }
    }
}

/// `3 failed, 1 could not be judged, 46 passed`.
fn verdicts(of: impl Fn(Verdict) -> u64) -> String {
    let mut parts = Vec::new();
    let bad = [(Verdict::Fail, "failed"), (Verdict::Inconclusive, "could not be judged")];
    for (verdict, words) in bad {
        let count = of(verdict);
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    parts.push(format!("{} passed", of(Verdict::Pass)));
    parts.join(", ")
}
