//! JSON lines: one object per run, for other programs. Only what is promised to stay is in it; the timeline and the words
//! around it are for people and stay in the text.
//!
//! ```json
//! {"scenario":"lose-the-leader","seed":7,"verdict":"pass","fingerprint":"90a1b2c3d4e5f607","violations":[],
//!  "outages":[{"of":"write(w1)","from":20.0,"to":24.512345,"expected":"opens down..down + 2s"}],"losses":[],
//!  "steps":[{"id":"down","at":20.0,"did":"kill zk-1"}],"statistics":{"simulated_seconds":60.0,"events":12345,…}}
//! ```

use serde::Serialize;

use crate::run::{Run, Statistics, Verdict};

/// One run as one line of JSON, without the line's end.
///
/// - `verdict` is `pass`, `fail` or `inconclusive`; `fingerprint` has 16 hex digits.
/// - `violations`: `check` (its id), `at`, `message`. `steps`: `id`, `at`, `did` (with everybody's name).
/// - `outages`: `of` (`write(w1)`), `from`, `to` (`null`: it lasted to the end), `expected` (the announcement in words,
///   `null`: nobody announced it).
/// - `losses`: `of` (`acked(orders)`), `by` (the rule), `records`: what the scenario allowed to be lost.
/// - `at`, `from` and `to` are seconds of simulated time, exact to the microsecond.
/// - `statistics`: as in [`Statistics`]; only `simulated_seconds` and `events` are the same every time.
///
/// Fields may be added; these stay.
pub fn line(run: &Run) -> String {
    let line = Line {
        scenario: &run.scenario,
        seed: run.seed,
        verdict: run.verdict,
        fingerprint: &run.fingerprint,
        violations: run.violations.iter().map(Violation::of).collect(),
        outages: run.outages.iter().map(Outage::of).collect(),
        losses: &run.losses,
        steps: run.steps.iter().map(Step::of).collect(),
        statistics: &run.statistics,
    };
    serde_json::to_string(&line).expect("text, numbers and lists of them are always JSON")
}

#[derive(Serialize)]
struct Line<'r> {
    scenario: &'r str,
    seed: u64,
    verdict: Verdict,
    fingerprint: &'r str,
    violations: Vec<Violation<'r>>,
    outages: Vec<Outage<'r>>,
    losses: &'r [crate::run::Loss],
    steps: Vec<Step<'r>>,
    statistics: &'r Statistics,
}

#[derive(Serialize)]
struct Violation<'r> {
    check: &'r str,
    at: f64,
    message: &'r str,
}

impl<'r> Violation<'r> {
    fn of(violation: &'r crate::run::Violation) -> Self {
        let (check, message) = (&violation.check, &violation.message);
        Self { check, at: seconds(violation.at), message }
    }
}

#[derive(Serialize)]
struct Outage<'r> {
    of: &'r str,
    from: f64,
    to: Option<f64>,
    expected: Option<&'r str>,
}

impl<'r> Outage<'r> {
    fn of(outage: &'r crate::run::Outage) -> Self {
        Self {
            of: &outage.of,
            from: seconds(outage.from),
            to: outage.to.map(seconds),
            expected: outage.expected.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct Step<'r> {
    id: &'r str,
    at: f64,
    did: &'r str,
}

impl<'r> Step<'r> {
    fn of(step: &'r crate::run::Step) -> Self {
        Self { id: &step.id, at: seconds(step.at), did: &step.did }
    }
}

/// The nearest double: printed in the fewest digits that mean it, it shows the microseconds exactly for 285 years.
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
