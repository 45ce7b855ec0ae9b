//! Threads that play. Each takes the next run that was ordered, plays it from beginning to end, and hands it back; none of
//! them shows anything. How many there are changes nothing about any run.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use machine::Instant;
use reports::run::{Expectation, Run};
use scenarios::plan::{self, Plan};
use scenarios::play::{self, Watch};

use crate::again;
use crate::args::RunArgs;
use crate::cost::Cost;
use crate::findings;
use crate::load::Scene;

/// Room for the deepest calls of an unoptimised build.
pub const STACK: usize = 16 << 20;
/// The number of no run: its player waits.
const IDLE: u64 = u64::MAX;

/// Everything that players need, and nobody changes.
pub struct Programme {
    /// What was asked for.
    pub args: RunArgs,
    /// The scenarios, in the order of the command line.
    pub scenes: Vec<Scene>,
    /// Where the trace goes; there is one only for one run.
    pub trace: Mutex<Option<BufWriter<File>>>,
}

/// A run, and whatever is needed to show it.
pub struct Played {
    /// The run.
    pub run: Run,
    /// Marks that some run of the scenario is promised to reach.
    pub sometimes: Vec<String>,
    /// With `--twice`, the fingerprint of the second time.
    pub second: Option<String>,
}

/// What is heard while it is played.
pub enum News {
    /// The run of this number has ended; none if the simulator panicked over it.
    Ended(u64, Option<Box<Played>>),
    /// Somebody asked to stop.
    Interrupted,
}

/// Where one player stands.
struct Standing {
    number: AtomicU64,
    micros: AtomicU64,
}

/// The players. They end when this value is dropped and what they play has ended.
pub struct Players {
    orders: Sender<u64>,
    standings: Arc<Vec<Standing>>,
}

impl Players {
    /// Starts `count` players that wait for orders and tell their news.
    pub fn start(programme: &Arc<Programme>, count: usize, news: &Sender<News>) -> Self {
        let (orders, taken) = channel();
        let taken = Arc::new(Mutex::new(taken));
        let standing = |_| Standing { number: AtomicU64::new(IDLE), micros: AtomicU64::new(0) };
        let standings: Arc<Vec<_>> = Arc::new((0..count).map(standing).collect());
        for place in 0..count {
            let (programme, taken) = (Arc::clone(programme), Arc::clone(&taken));
            let (standings, news) = (Arc::clone(&standings), news.clone());
            thread::Builder::new()
                .name(format!("player-{}", place + 1))
                .stack_size(STACK)
                .spawn(move || perform(&programme, &taken, &standings[place], &news))
                .expect("the system has room for one more thread");
        }
        Self { orders, standings }
    }

    /// Orders a run to be played after those that were ordered before.
    pub fn order(&self, number: u64) {
        // Players that are gone have said so.
        let _ = self.orders.send(number);
    }

    /// The runs under way, by their numbers, each with its simulated time in µs.
    pub fn under_way(&self) -> Vec<(u64, u64)> {
        let both = |one: &Standing| {
            (one.number.load(Ordering::Relaxed), one.micros.load(Ordering::Relaxed))
        };
        let mut runs: Vec<_> = self.standings.iter().map(both).collect();
        runs.retain(|(number, _)| *number != IDLE);
        runs.sort_unstable();
        runs
    }
}

/// The life of a player.
fn perform(
    programme: &Programme,
    orders: &Mutex<Receiver<u64>>,
    standing: &Standing,
    news: &Sender<News>,
) {
    loop {
        let next = orders.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(number) = next else { return };
        standing.micros.store(0, Ordering::Relaxed);
        standing.number.store(number, Ordering::Relaxed);
        let played = catch_unwind(AssertUnwindSafe(|| play(programme, number, &standing.micros)));
        standing.number.store(IDLE, Ordering::Relaxed);
        if news.send(News::Ended(number, played.ok().map(Box::new))).is_err() {
            return;
        }
    }
}

fn play(programme: &Programme, number: u64, micros: &AtomicU64) -> Played {
    let Programme { args, scenes, trace } = programme;
    let (place, seed) = args.run_of(number);
    let scene = &scenes[place];
    let plan = plan::draw(&scene.script, &scene.cluster, seed);
    let mut trace = trace.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut progress = |at: Instant| micros.store(at.as_micros(), Ordering::Relaxed);
    let cost = Cost::start();
    let mut watch = Watch {
        trace: trace.as_mut().map(|file| file as &mut dyn Write),
        progress: Some(&mut progress),
        hears: None,
        reproduce: again::command(&scene.given, seed, &args.cluster),
    };
    let mut run = play::play(&plan, &scene.cluster, &mut watch);
    cost.fill(&mut run.statistics);
    *programme.trace.lock().unwrap_or_else(PoisonError::into_inner) = trace;
    let second =
        args.twice.then(|| play::play(&plan, &scene.cluster, &mut Watch::default()).fingerprint);
    findings::judge(&mut run, &scene.cluster);
    if args.runs() == 1 {
        run.expectations.extend(marks(&plan, &run));
    }
    Played { run, sometimes: plan.promises.sometimes.clone(), second }
}

/// Marks promised over many seeds, as far as one run can tell.
fn marks(plan: &Plan, run: &Run) -> Vec<Expectation> {
    let expectation = |mark: &String| {
        let reached = run.marks.contains(mark);
        let how =
            if reached { "reached" } else { "not reached by this run; judged over several seeds" };
        let that = format!("sometimes {mark}");
        Expectation { that, held: reached.then_some(true), how: how.to_owned() }
    };
    plan.promises.sometimes.iter().map(expectation).collect()
}
