//! What a run has to tell: the one value all reports are made from.

use serde::Serialize;

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything promised held.
    Pass,
    /// Could not be judged: a trigger never fired, a promise's precondition never came back.
    Inconclusive,
    /// A check or an expectation failed.
    Fail,
}

/// One finished run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The scenario's name.
    pub scenario: String,
    /// What the scenario is about, in the author's words.
    pub about: String,
    /// The seed.
    pub seed: u64,
    /// What became of it.
    pub verdict: Verdict,
    /// The rolling hash over every step: equal for equal seeds, everywhere. 16 hex digits.
    pub fingerprint: String,
    /// What was broken.
    pub violations: Vec<Violation>,
    /// Why it could not be judged, if so.
    pub undecided: Vec<String>,
    /// When clients could not do their work.
    pub outages: Vec<Outage>,
    /// The scenario's steps as they were carried out.
    pub steps: Vec<Step>,
    /// Expectations as they were judged.
    pub expectations: Vec<Expectation>,
    /// Coverage marks reached, sorted.
    pub marks: Vec<String>,
    /// One line per transition, in order of time.
    pub timeline: Vec<Line>,
    /// The state at the end: one table of servers, and one of brokers if there are any.
    pub final_state: Vec<Table>,
    /// The topics at the end, as Kafka's own tool describes them; empty without.
    pub topics: String,
    /// Acknowledged records that Kafka's own rules lost, as the scenario allowed.
    pub losses: Vec<Loss>,
    /// What the reader must know beside the verdict (mechanisms not modelled, brokers not staged, assumptions).
    pub remarks: Vec<String>,
    /// How much was simulated and what it cost.
    pub statistics: Statistics,
    /// The command that does it again.
    pub reproduce: String,
}

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The check's id (`ZB-1`, `outage`, `expect`).
    pub check: String,
    /// The property in one sentence.
    pub property: String,
    /// When, in µs of simulated time.
    pub at: u64,
    /// What was seen.
    pub message: String,
    /// The steps that led there, oldest first.
    pub trail: Vec<String>,
}

/// A time in which a client could not do its work. Times in µs of simulated time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outage {
    /// Of what (`write(w1)`).
    pub of: String,
    /// When it began.
    pub from: u64,
    /// When it ended; `None` if it lasted to the end of the run.
    pub to: Option<u64>,
    /// The announcement it fulfils in words, `None` if nobody announced it.
    pub expected: Option<String>,
}

/// Acknowledged records that were lost by one of Kafka's own rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Of what (`acked(orders)`).
    pub of: String,
    /// The rule (`E2`, `acks=1`).
    pub by: String,
    /// How many records; 0 if the loss that was allowed did not happen.
    pub records: u64,
}

/// A step of the scenario as it was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its id.
    pub id: String,
    /// When, in µs of simulated time.
    pub at: u64,
    /// What was done, with selectors resolved (`kill zk-1`).
    pub did: String,
}

/// An expectation as it was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// What was expected, in the author's words.
    pub that: String,
    /// Whether it held; `None` if it could not be judged.
    pub held: Option<bool>,
    /// How: when it came true, or what was seen instead.
    pub how: String,
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When, in µs of simulated time.
    pub at: u64,
    /// What kind of line.
    pub kind: Kind,
    /// Who: a node's name, or empty.
    pub who: String,
    /// What happened, as the end of a sentence that begins with `who`.
    pub what: String,
}

/// Kinds of lines, for colour and marks (never for colour alone).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A step of the scenario.
    Fault,
    /// A node said something.
    Note,
    /// A client lost or regained its service.
    Outage,
    /// A check failed.
    Violation,
}

/// A table with a heading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows of cells.
    pub rows: Vec<Vec<String>>,
}

/// How much was simulated and what it cost. Only the first two are the same every time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// Simulated time in seconds.
    pub simulated_seconds: f64,
    /// Inputs handled by machines.
    pub events: u64,
    /// CPU time spent on the run, in seconds.
    pub cpu_seconds: f64,
    /// `events / cpu_seconds`.
    pub events_per_cpu_second: f64,
    /// `simulated_seconds / cpu_seconds`.
    pub simulated_seconds_per_cpu_second: f64,
    /// The largest resident size of this process so far, in bytes.
    pub peak_memory_bytes: u64,
}
