//! What a test is told when a scenario does not hold, or cannot be played at all.

use std::fmt;

use reports::run::{Run, Verdict};
use reports::style::Style;
use reports::text;

use super::{Scenario, seeds};
use crate::diagnostic::Diagnostic;
use crate::script;

/// Why a scenario cannot be played.
///
/// Shown whole by `{}` and `{:?}`, so that a test that ends with `?` says it well.
#[derive(Clone, PartialEq, Eq)]
pub enum Unplayable {
    /// Something is wrong with the scenario or with a cluster's files, with places.
    Files(Vec<Diagnostic>),
    /// In words.
    Words {
        /// What is the matter.
        what: String,
        /// What to try.
        help: String,
    },
}

impl From<Vec<Diagnostic>> for Unplayable {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self::Files(diagnostics)
    }
}

impl fmt::Display for Unplayable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(diagnostics) => {
                let told: Vec<_> = diagnostics.iter().map(told).collect();
                f.write_str(told.join("\n").trim_end())
            }
            Self::Words { what, help } => write!(f, "{what}\nhelp: {help}"),
        }
    }
}

/// A diagnostic with its place, if it has one.
fn told(one: &Diagnostic) -> String {
    match (&one.help, one.source.is_empty()) {
        (_, false) => script::render(std::slice::from_ref(one), false),
        (None, true) => format!("{}\n", one.message),
        (Some(help), true) => format!("{}\nhelp: {help}\n", one.message),
    }
}

impl fmt::Debug for Unplayable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for Unplayable {}

/// Why a scenario does not hold. Shown by `{}` and `{:?}`: the verdict, what was violated first and what led there, and
/// the commands that play the same run again.
#[derive(Clone)]
pub struct Failure {
    why: Why,
    text: String,
}

#[derive(Clone)]
enum Why {
    Run(Box<Run>),
    NeverReached,
    Unplayable,
}

impl Failure {
    /// This run failed, after `held` others that did not.
    pub(super) fn of(run: Run, scenario: &Scenario, held: usize) -> Self {
        let mut commands = vec![run.reproduce.clone()];
        commands.extend(scenario.command(run.seed));
        let mut told = text::failure(&run, &commands, &Style::default());
        if held > 0 {
            let before = if held == 1 { "1 seed".to_owned() } else { format!("{held} seeds") };
            told = format!("It held with {before}, and then:\n{told}");
        }
        Self { why: Why::Run(Box::new(run)), text: told }
    }

    /// None of so many runs reached a mark that some run is promised to reach.
    pub(super) fn never_reached(mark: &str, runs: usize) -> Self {
        let text = format!(
            "INCONCLUSIVE  none of {runs} runs reached the mark `{mark}`\n\
             The scenario says that some run does: play more seeds ({}=1..500), or mend it.\n",
            seeds::SEVERAL
        );
        Self { why: Why::NeverReached, text }
    }

    /// The run that failed, if one did.
    pub fn run(&self) -> Option<&Run> {
        match &self.why {
            Why::Run(run) => Some(run),
            Why::NeverReached | Why::Unplayable => None,
        }
    }

    /// The seed of the run that failed, if one did.
    pub fn seed(&self) -> Option<u64> {
        self.run().map(|run| run.seed)
    }

    /// Whether something was broken, and not only undecided or unplayable.
    pub fn is_broken(&self) -> bool {
        self.run().is_some_and(|run| run.verdict == Verdict::Fail)
    }
}

impl From<Unplayable> for Failure {
    fn from(unplayable: Unplayable) -> Self {
        Self { why: Why::Unplayable, text: unplayable.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for Failure {}

/// The command that runs the test that is running now with this seed.
pub(super) fn again(seed: u64) -> String {
    match ::sim::hosted::name_of_test() {
        Some(test) => format!("{}={seed} cargo test {test}", seeds::ONE),
        None => format!("{}={seed} cargo test", seeds::ONE),
    }
}
