//! Runs as they come in: told in full, in a line, or as JSON; counted; and at the end the exit code. How far it is, is drawn
//! by `progress`.

use std::sync::Arc;

use reports::run::{Run, Verdict};
use reports::style::Style;
use reports::summary::Tally;
use reports::{json, text};

use crate::Exit;
use crate::players::{Played, Programme};
use crate::progress::Progress;
use crate::terminal;

/// How runs are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// One run, whole.
    Whole,
    /// Many runs, summed up at the end.
    Summary,
    /// One run of each scenario, a line for each.
    Line,
    /// Many runs of each scenario, a line for each scenario.
    LineOfMany,
    /// JSON lines.
    Json,
}

/// What was shown so far.
pub struct Show {
    manner: Manner,
    style: Style,
    /// All runs.
    tally: Tally,
    /// The runs of the scenario that is not told yet, if each has a line.
    one: Tally,
    last_seed: u64,
    differed: bool,
    progress: Progress,
}

impl Show {
    /// Nothing yet.
    pub fn new(programme: &Arc<Programme>) -> Self {
        let args = &programme.args;
        let manner = match args {
            _ if args.json => Manner::Json,
            _ if args.quiet && args.runs_of_each() == 1 => Manner::Line,
            _ if args.quiet => Manner::LineOfMany,
            _ if args.runs() == 1 => Manner::Whole,
            _ => Manner::Summary,
        };
        // Progress and data do not share a screen.
        let draws = match manner {
            Manner::Whole | Manner::Summary => terminal::is_watched(),
            Manner::Json => terminal::is_watched() && !terminal::shows_data(),
            Manner::Line | Manner::LineOfMany => false,
        };
        Self {
            manner,
            style: terminal::out(),
            tally: Tally::new(),
            one: Tally::new(),
            last_seed: *args.seeds().end(),
            differed: false,
            progress: Progress::new(programme, draws),
        }
    }

    /// A run has ended; it may have to wait for others before it is shown.
    pub fn ended(&mut self, number: u64) {
        self.progress.ended(number);
    }

    /// Shows a run. `false` if nobody reads any more.
    pub fn played(&mut self, played: &Played) -> bool {
        let run = &played.run;
        if let Some(second) = played.second.as_ref().filter(|second| **second != run.fingerprint) {
            self.differed = true;
            let (name, seed, first) = (&run.scenario, run.seed, &run.fingerprint);
            let what = format!(
                "not deterministic: {name} with seed {seed} went two ways, \
                 fingerprints {first} and {second}"
            );
            self.progress.aside(|| {
                terminal::complain(&what, None);
                terminal::say(&format!("again: {} --twice\n", run.reproduce));
            });
        }
        self.tally.add(run, &played.sometimes);
        self.progress.shown(run.verdict);
        match self.manner {
            Manner::Whole => {
                self.clear();
                terminal::print(&text::render(run, &self.style))
            }
            Manner::Summary => true,
            Manner::Line => told(run, &text::brief(run, &self.style)),
            Manner::Json => self.progress.aside(|| told(run, &json::line(run))),
            Manner::LineOfMany => {
                self.one.add(run, &played.sometimes);
                run.seed != self.last_seed || self.line_of_many()
            }
        }
    }

    /// Shows how far it is: the numbers of the runs under way and their simulated times, in µs.
    pub fn tick(&mut self, under_way: &[(u64, u64)]) {
        self.progress.tick(under_way);
    }

    /// Takes the progress away.
    pub fn clear(&self) {
        self.progress.clear();
    }

    /// Sums up what was shown, and gives the exit code.
    pub fn finish(&mut self) -> Exit {
        match self.manner {
            Manner::Summary => {
                terminal::print(&self.tally.render(&self.style));
            }
            Manner::Json => {
                for mark in self.tally.never_reached() {
                    terminal::say(&format!("inconclusive: {mark}\n"));
                }
            }
            Manner::LineOfMany => {
                self.line_of_many();
            }
            Manner::Whole | Manner::Line => {}
        }
        if self.manner == Manner::Summary {
            self.progress.say_cost(self.tally.cpu_seconds());
        }
        match self.tally.verdict() {
            _ if self.differed => Exit::NotDeterministic,
            Verdict::Pass => Exit::Pass,
            Verdict::Inconclusive => Exit::Inconclusive,
            Verdict::Fail => Exit::Fail,
        }
    }

    /// The runs of one scenario in a line, if there are any. `false` if nobody reads any more.
    fn line_of_many(&mut self) -> bool {
        let one = std::mem::take(&mut self.one);
        let is_read =
            one.lines(&self.style).iter().all(|line| terminal::print(&format!("{line}\n")));
        for command in one.again() {
            terminal::say(&format!("again: {command}\n"));
        }
        is_read
    }
}

/// Prints the line of a run; and on stderr the command that plays it again, for which the line has no room.
fn told(run: &Run, line: &str) -> bool {
    let is_read = terminal::print(&format!("{line}\n"));
    if run.verdict != Verdict::Pass {
        terminal::say(&format!("again: {}\n", run.reproduce));
    }
    is_read
}
