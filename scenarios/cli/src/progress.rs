//! How far it is, drawn on stderr for somebody who watches: a bar of simulated time, as runs of one command can be of very
//! different lengths.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reports::run::Verdict;

use crate::players::Programme;
use crate::terminal;

/// How far it is.
pub struct Progress {
    programme: Arc<Programme>,
    bar: ProgressBar,
    counted: Counted,
    under_way: Vec<(u64, u64)>,
}

/// What is known of the runs. Times in ms.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    runs: u64,
    ended: u64,
    failed: u64,
    /// Simulated, of runs that have ended.
    simulated: u64,
    /// To be simulated in all.
    all: u64,
}

impl Progress {
    /// Nothing is played yet. Without `draws` nothing is ever drawn.
    pub fn new(programme: &Arc<Programme>, draws: bool) -> Self {
        let runs = programme.args.runs();
        let lengths = (0..programme.scenes.len()).map(|place| length(programme, place));
        let one_seed = lengths.fold(0, u64::saturating_add);
        let all = one_seed.saturating_mul(programme.args.runs_of_each());
        let target =
            if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(all), target);
        let template = if runs == 1 { "{spinner} {msg}" } else { "{wide_bar} {msg}" };
        bar.set_style(ProgressStyle::with_template(template).expect("the template is a constant"));
        let counted = Counted { runs, all, ..Counted::default() };
        Self { programme: Arc::clone(programme), bar, counted, under_way: Vec::new() }
    }

    /// The run of this number has ended.
    pub fn ended(&mut self, number: u64) {
        let (place, _) = self.programme.args.run_of(number);
        self.counted.ended += 1;
        self.counted.simulated =
            self.counted.simulated.saturating_add(length(&self.programme, place));
        self.under_way.retain(|(other, _)| *other != number);
        self.draw();
    }

    /// A run was judged.
    pub fn shown(&mut self, verdict: Verdict) {
        self.counted.failed += u64::from(verdict == Verdict::Fail);
    }

    /// These runs are under way: number and simulated time in µs.
    pub fn tick(&mut self, under_way: &[(u64, u64)]) {
        self.under_way = under_way.to_vec();
        self.draw();
    }

    /// Says something else on the terminal.
    pub fn aside<R>(&self, says: impl FnOnce() -> R) -> R {
        self.bar.suspend(says)
    }

    /// Takes it away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Says what it took, to people who watch.
    pub fn say_cost(&self, cpu_seconds: f64) {
        if !self.bar.is_hidden() {
            let runs = self.counted.ended;
            let seconds = self.bar.elapsed().as_secs_f64();
            terminal::say(&format!(
                "{runs} runs in {seconds:.2} s, {cpu_seconds:.2} s of CPU time\n"
            ));
        }
    }

    fn draw(&self) {
        if self.bar.is_hidden() {
            return;
        }
        let part: u64 = self.under_way.iter().map(|(_, micros)| micros / 1_000).sum();
        let done = self.counted.simulated.saturating_add(part).min(self.counted.all);
        self.bar.set_position(done);
        let mut words = Vec::new();
        if self.counted.runs > 1 {
            words.push(self.counted.words(done, self.bar.elapsed()));
        }
        if let Some((number, micros)) = self.under_way.first() {
            let (place, seed) = self.programme.args.run_of(*number);
            let name = &self.programme.scenes[place].script.name.value;
            let (at, all) = (micros / 1_000_000, length(&self.programme, place) / 1_000);
            words.push(format!("{name} seed {seed}: {at} s of {all} s"));
        }
        self.bar.set_message(words.join("  "));
        self.bar.tick();
    }
}

impl Counted {
    /// `12 of 50 runs, 1 failed, 14 a second, 3 s left`, with `done` ms simulated in `elapsed`.
    fn words(&self, done: u64, elapsed: Duration) -> String {
        let mut words = vec![format!("{} of {} runs", self.ended, self.runs)];
        if self.failed > 0 {
            words.push(format!("{} failed", self.failed));
        }
        let millis = elapsed.as_millis().max(1);
        if self.ended > 0 {
            let tenths = u128::from(self.ended) * 10_000 / millis;
            words.push(match tenths {
                0 => format!("{} a minute", u128::from(self.ended) * 60_000 / millis),
                1..100 => format!("{}.{} a second", tenths / 10, tenths % 10),
                _ => format!("{} a second", tenths / 10),
            });
        }
        if done > 0 && elapsed >= KNOWN_AFTER {
            let left = u128::from(self.all - done) * millis / u128::from(done);
            words.push(format!("{} left", span(left.div_ceil(1_000))));
        }
        words.join(", ")
    }
}

/// Before this, what is left is a wild guess.
const KNOWN_AFTER: Duration = Duration::from_secs(1);

/// Seconds, as people say them.
fn span(seconds: u128) -> String {
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// How long a run of the scenario at `place` is, in ms of simulated time.
fn length(programme: &Programme, place: usize) -> u64 {
    programme.scenes[place].script.duration.value.as_micros() / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_failures_and_time_left() {
        let told =
            |counted: Counted, done, seconds| counted.words(done, Duration::from_millis(seconds));
        let start = Counted { runs: 50, all: 500_000, ..Counted::default() };
        assert_eq!(told(start, 0, 0), "0 of 50 runs");
        let some = Counted { ended: 12, failed: 1, ..start };
        assert_eq!(told(some, 120_000, 900), "12 of 50 runs, 1 failed, 13 a second");
        assert_eq!(told(some, 120_000, 3_000), "12 of 50 runs, 1 failed, 4.0 a second, 10 s left");
        assert_eq!(
            told(some, 120_000, 600_000),
            "12 of 50 runs, 1 failed, 1 a minute, 31 min 40 s left"
        );
        assert_eq!(
            told(Counted { ended: 50, ..start }, 500_000, 10_000),
            "50 of 50 runs, 5.0 a second, 0 s left"
        );
    }
}
