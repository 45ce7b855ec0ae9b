//! `what if`: from a question about somebody's own cluster to the scenario that nobody had to write, and to an answer in a
//! few lines.
//!
//! ```text
//! Question ─┐
//!           ├─► Stage ─► Page ─► Script ─► Plan ─► runs ─► Seen ─┬─► Answer
//! Ground ───┘                                                    └─► promises ─► the Page to keep
//! ```
//!
//! The scenario is played without promises first, with several seeds. What was measured becomes the answer, and the bounds
//! of what the kept scenario expects; it is played once more, so that the answer and the scenario agree.

mod answer;
mod bounds;
mod cause;
mod ground;
mod page;
mod question;
mod seen;
mod stage;
mod stops;
#[cfg(test)]
mod tests;
mod words;

use std::path::Path;

use machine::Duration;
use reports::run::{Run, Verdict};

use crate::cluster::{Cluster, Severity};
use crate::diagnostic::Diagnostic;
use crate::plan;
use crate::play::{self, Watch};
use crate::script::{self, Script};

pub use answer::{Answer, LossOf, Records, Stop};
pub use cause::Decides;
pub use ground::{Ground, of_files, of_toml, read};
pub use question::{How, Question, TopicWish, span};

use page::{Page, Promises};
use seen::{Ears, Seen};
use stage::Stage;

/// How far followers are behind where acks=1 is asked about.
const BEHIND: Duration = Duration::from_secs(5);

/// Why a question has no answer.
#[derive(Clone, Debug)]
pub enum Unanswerable {
    /// Something in files or in what was asked, with places.
    Files(Vec<Diagnostic>),
    /// In words.
    Words {
        /// What is the matter.
        what: String,
        /// What to try.
        help: String,
    },
}

impl Unanswerable {
    fn words(what: &str, help: &str) -> Self {
        Self::Words { what: what.to_owned(), help: help.to_owned() }
    }
}

/// Answers a question. `folder` is where the scenario will be kept, `name` what it is called; `progress` is told how many
/// runs are done.
///
/// # Errors
/// What cannot be asked of this cluster, or does not make sense.
pub fn answer(
    question: &Question,
    ground: &Ground,
    folder: &Path,
    name: &str,
    progress: &mut dyn FnMut(u64),
) -> Result<Answer, Unanswerable> {
    let asking = Asking { ground, folder, name };
    let mut stage = Stage::of(question, &ground.cluster, false)?;
    let (first, second) = (*question.seeds.start(), question.seeds.start().saturating_add(1));
    let mut runs = vec![asking.look(question, &stage, first)?];
    let is_slow = stage.topic.is_some() && !runs[0].began.contains(&stage.names.producer);
    if is_slow {
        // Some of the brokers never come, and were waited for: everything begins later.
        stage = Stage::of(question, &ground.cluster, true)?;
        runs = vec![asking.look(question, &stage, first)?];
    }
    for seed in second..=*question.seeds.end() {
        progress(runs.len() as u64);
        runs.push(asking.look(question, &stage, seed)?);
    }
    let mut answer = answer::of(question, &ground.cluster, &stage, &runs);
    if answer.records.is_at_risk && question.behind.is_none() {
        let behind = Question { behind: Some(BEHIND), ..question.clone() };
        let seen = asking.look(&behind, &stage, first)?;
        answer.records.lost_if_behind = Some(seen.lost.values().sum());
    }
    let mut promises = bounds::promises(question, &ground.cluster, &stage, &runs);
    promises.about = answer.about();
    let page = asking.page(question, &stage, &promises);
    let (script, cluster) = asking.script(&page)?;
    let run = play::play(&plan::draw(&script, &cluster, first), &cluster, &mut Watch::default());
    answer.verdict = verdict(&run, &cluster);
    answer.scenario = page.text;
    Ok(answer)
}

/// As the command judges it: on files with an error in them, no run passes.
fn verdict(run: &Run, cluster: &Cluster) -> Verdict {
    let has_error = cluster.findings.iter().any(|one| one.severity == Severity::Error);
    if has_error { Verdict::Fail } else { run.verdict }
}

/// A question with everything around it.
struct Asking<'q> {
    ground: &'q Ground,
    folder: &'q Path,
    name: &'q str,
}

impl Asking<'_> {
    fn page(&self, question: &Question, stage: &Stage, promises: &Promises) -> Page {
        Page::write(self.name, self.folder, question, self.ground, stage, promises)
    }

    /// Reads what was written, as anybody would.
    fn script(&self, page: &Page) -> Result<(Script, Cluster), Unanswerable> {
        let placed = |all: Vec<Diagnostic>| {
            Unanswerable::Files(all.iter().map(|one| page.placed(one)).collect())
        };
        let script = script::parse(&page.text, "the scenario").map_err(placed)?;
        let Some(cluster) = script.cluster(self.ground.imported.clone()) else {
            return Err(Unanswerable::words("the files hold no cluster", ""));
        };
        let problems = script.check(&cluster);
        if problems.is_empty() { Ok((script, cluster)) } else { Err(placed(problems)) }
    }

    /// Plays it without promises, and listens.
    fn look(&self, question: &Question, stage: &Stage, seed: u64) -> Result<Seen, Unanswerable> {
        let topic = stage.topic.as_ref().map(|worked| &worked.topic);
        let page = self.page(question, stage, &Promises::nothing(topic));
        let (script, cluster) = self.script(&page)?;
        let plan = plan::draw(&script, &cluster, seed);
        let mut ears = Ears::new(stage, seed);
        let mut hear = |at, who: &str, said: &_| ears.hear(at, who, said);
        let mut watch = Watch { hears: Some(&mut hear), ..Watch::default() };
        let (run, end) = play::stage_after(&plan, &cluster, &mut watch);
        Ok(ears.done(&run, &end))
    }
}

/// A name for the scenario of a question, of lower-case words joined by `-`.
pub fn name_of(question: &Question) -> String {
    let words = format!("lose {}", question.lose.join(" then "));
    let letters =
        words.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { ' ' });
    let letters: String = letters.collect::<String>().to_lowercase();
    letters.split_whitespace().take(12).collect::<Vec<_>>().join("-")
}
