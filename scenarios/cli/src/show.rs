//! Runs as they come in: told in full, in a line, or as JSON; counted; and at the end the exit code. Progress is drawn on
//! stderr, only for somebody who watches.

use std::sync::atomic::Ordering;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reports::run::{Run, Verdict};
use reports::style::Style;
use reports::summary::Tally;
use reports::{json, text};

use crate::Exit;
use crate::args::RunArgs;
use crate::load::Scene;
use crate::run::{Played, Standing};
use crate::terminal;

/// How runs are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// One run, whole.
    Whole,
    /// Many runs, summed up at the end.
    Summary,
    /// A line for each.
    Lines,
    /// JSON lines.
    Json,
}

/// What was shown so far.
pub struct Show {
    manner: Manner,
    style: Style,
    tally: Tally,
    differed: bool,
    bar: Option<ProgressBar>,
}

impl Show {
    /// Nothing yet.
    pub fn new(args: &RunArgs) -> Self {
        let manner = match args {
            _ if args.json => Manner::Json,
            _ if args.quiet => Manner::Lines,
            _ if args.runs() == 1 => Manner::Whole,
            _ => Manner::Summary,
        };
        let draws = terminal::is_watched() && !matches!(manner, Manner::Json | Manner::Lines);
        let bar = draws.then(|| bar(args.runs()));
        Self { manner, style: terminal::out(), tally: Tally::new(), differed: false, bar }
    }

    /// Shows a run. `false` if nobody reads any more.
    pub fn played(&mut self, played: &Played) -> bool {
        let run = &played.run;
        if let Some(second) = played.second.as_ref().filter(|second| **second != run.fingerprint) {
            self.differed = true;
            self.clear();
            let (name, seed, first) = (&run.scenario, run.seed, &run.fingerprint);
            let what = format!(
                "not deterministic: {name} with seed {seed} went two ways, \
                 fingerprints {first} and {second}"
            );
            terminal::complain(&what, None);
            terminal::say(&format!("again: {} --twice\n", run.reproduce));
        }
        self.tally.add(run, &played.sometimes);
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
        match self.manner {
            Manner::Whole => {
                self.clear();
                terminal::print(&text::render(run, &self.style))
            }
            Manner::Summary => true,
            Manner::Lines => {
                let is_read = terminal::print(&format!("{}\n", text::brief(run, &self.style)));
                again(run);
                is_read
            }
            Manner::Json => {
                let is_read = terminal::print(&format!("{}\n", json::line(run)));
                again(run);
                is_read
            }
        }
    }

    /// Shows where the playing stands.
    pub fn tick(&self, scenes: &[Scene], standing: &Standing) {
        let Some(bar) = &self.bar else { return };
        let place = standing.scene.load(Ordering::Relaxed) as usize;
        let Some(scene) = scenes.get(place) else { return };
        let name = &scene.script.name.value;
        let seed = standing.seed.load(Ordering::Relaxed);
        let at = standing.micros.load(Ordering::Relaxed) / 1_000_000;
        let all = scene.script.duration.value.as_micros() / 1_000_000;
        bar.set_message(format!("{name} seed {seed}: {at} s of {all} s"));
        bar.tick();
    }

    /// Takes the progress away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Sums up, and gives the exit code.
    pub fn finish(&self) -> Exit {
        let missing = self.tally.never_reached();
        match self.manner {
            Manner::Summary => {
                terminal::print(&self.tally.render(&self.style));
            }
            Manner::Lines | Manner::Json => {
                for mark in missing {
                    terminal::say(&format!("inconclusive: {mark}\n"));
                }
            }
            Manner::Whole => {}
        }
        match self.tally.verdict() {
            _ if self.differed => Exit::NotDeterministic,
            Verdict::Pass => Exit::Pass,
            Verdict::Inconclusive => Exit::Inconclusive,
            Verdict::Fail => Exit::Fail,
        }
    }
}

/// The command that plays a run again, where the run itself is told in a format without room for it.
fn again(run: &Run) {
    if run.verdict != Verdict::Pass {
        terminal::say(&format!("again: {}\n", run.reproduce));
    }
}

fn bar(runs: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(runs), ProgressDrawTarget::stderr());
    let template =
        if runs == 1 { "{spinner} {msg}" } else { "{pos} of {len} runs  {wide_bar}  {msg}" };
    bar.set_style(ProgressStyle::with_template(template).expect("the template is a constant"));
    bar
}
