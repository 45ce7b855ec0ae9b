//! How long outages were, over many runs: one row for each announcement that some run fulfilled, and one for what nobody
//! announced.

use std::collections::BTreeMap;

use crate::run::Run;
use crate::style::{Style, clean, padded, seconds};

/// Of what, and the announcement in words.
type Announcement = (String, Option<String>);

/// Outages by their announcement.
#[derive(Clone, Debug, Default)]
pub(super) struct Lengths(BTreeMap<Announcement, Seen>);

/// Outages of one kind.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// In how many runs.
    runs: u64,
    /// In µs, as they came.
    lengths: Vec<u64>,
    /// Some lasted to the end of their run.
    unended: bool,
}

impl Lengths {
    /// Counts the outages of a run.
    pub(super) fn add(&mut self, run: &Run) {
        let end = (run.statistics.simulated_seconds * 1e6).round() as u64;
        let mut kinds: Vec<Announcement> = Vec::new();
        for outage in &run.outages {
            let kind = (outage.of.clone(), outage.expected.clone());
            let seen = self.0.entry(kind.clone()).or_default();
            seen.lengths.push(outage.to.unwrap_or(end).saturating_sub(outage.from));
            seen.unended |= outage.to.is_none();
            if !kinds.contains(&kind) {
                seen.runs += 1;
                kinds.push(kind);
            }
        }
    }

    /// A row for each kind, of a scenario that had so many runs: of what, in how many runs, shortest, median, longest, and
    /// the announcement.
    pub(super) fn rows(&self, runs: u64) -> Vec<[String; 6]> {
        let row = |((of, announced), seen): (&Announcement, &Seen)| {
            let mut sorted = seen.lengths.clone();
            sorted.sort_unstable();
            let last = sorted.len() - 1;
            let [shortest, median, longest] = [0, last / 2, last].map(|at| seconds(sorted[at]));
            let longest = if seen.unended { "to the end".to_owned() } else { longest };
            let announced = announced.clone().unwrap_or_else(|| "nobody announced it".to_owned());
            [clean(of), format!("{} of {runs}", seen.runs), shortest, median, longest, announced]
        };
        self.0.iter().map(row).collect()
    }
}

/// The rows of each scenario under its name, in columns that are the same for all.
pub(super) fn render(scenarios: &[(String, Vec<[String; 6]>)], style: &Style) -> String {
    let all = || scenarios.iter().flat_map(|(_, rows)| rows);
    let width = |column: usize| all().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4].map(width);
    let mut text = String::new();
    for (name, rows) in scenarios {
        text.push_str(&format!("  {name}\n"));
        for row in rows {
            let mut first = format!("    {}", padded(&row[0], widths[0]));
            for (cell, width) in row[1..5].iter().zip(&widths[1..]) {
                first.push_str(&format!("  {cell:>width$}"));
            }
            text.push_str(&style.wrapped(&format!("{first}  "), &row[5]));
        }
    }
    text
}
