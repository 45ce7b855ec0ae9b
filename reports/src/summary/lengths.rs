//! How long outages were, over many runs: one row for each announcement that some run fulfilled, and one for what nobody
//! announced.

use std::collections::BTreeMap;

use crate::run::Run;
use crate::style::{clean, seconds};

/// The columns of [`Lengths::rows`].
pub(super) const COLUMNS: [&str; 7] =
    ["scenario", "of", "runs", "shortest", "median", "longest", "announced"];

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

    /// A row for each kind, of a scenario that had so many runs.
    pub(super) fn rows(&self, scenario: &str, runs: u64) -> Vec<Vec<String>> {
        let row = |((of, announced), seen): (&Announcement, &Seen)| {
            let mut sorted = seen.lengths.clone();
            sorted.sort_unstable();
            let [shortest, median] = [0, (sorted.len() - 1) / 2].map(|at| seconds(sorted[at]));
            let longest = match seen.unended {
                true => "to the end".to_owned(),
                false => seconds(sorted[sorted.len() - 1]),
            };
            let announced = announced.as_deref().unwrap_or("by nobody");
            let of_all = format!("{} of {runs}", seen.runs);
            vec![
                scenario.to_owned(),
                clean(of),
                of_all,
                shortest,
                median,
                longest,
                clean(announced),
            ]
        };
        self.0.iter().map(row).collect()
    }
}
