//! `rehearsal run`: everything is read before anything is played; then runs are played one after the other on a thread of
//! their own, while this one shows what comes of them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use machine::Instant;
use reports::run::{Expectation, Run};
use scenarios::plan::{self, Plan};
use scenarios::play::{self, Watch};

use crate::Exit;
use crate::again;
use crate::args::RunArgs;
use crate::cost::Cost;
use crate::findings;
use crate::load::{self, Problem, Scene};
use crate::show::Show;
use crate::terminal;

/// Runs that may wait to be shown.
const WAITING: usize = 16;
/// How often progress is shown.
const TICK: Duration = Duration::from_millis(200);
/// Room for the deepest calls of an unoptimised build.
pub const STACK: usize = 16 << 20;

/// A run, and whatever is needed to show it.
pub struct Played {
    /// The run.
    pub run: Run,
    /// Marks that some run of the scenario is promised to reach.
    pub sometimes: Vec<String>,
    /// With `--twice`, the fingerprint of the second time.
    pub second: Option<String>,
}

/// Where the playing stands, for whoever watches.
#[derive(Default)]
pub struct Standing {
    /// The place of the scenario among those given.
    pub scene: AtomicU64,
    /// The seed.
    pub seed: AtomicU64,
    /// Simulated time, in µs.
    pub micros: AtomicU64,
}

/// Plays what was asked for.
pub fn run(args: &RunArgs) -> Exit {
    match prepare(args) {
        Ok((scenes, trace)) => perform(args, &scenes, trace),
        Err(problems) => {
            problems.iter().for_each(Problem::tell);
            Exit::Broken
        }
    }
}

/// The file a trace goes to.
type TraceFile = BufWriter<File>;

/// Reads everything, and says what is to be known about the clusters. Nothing is played if anything is wrong.
fn prepare(args: &RunArgs) -> Result<(Vec<Scene>, Option<TraceFile>), Vec<Problem>> {
    let imported = load::cluster(&args.cluster).map_err(|problem| vec![problem])?;
    let (mut scenes, mut problems) = (Vec::new(), Vec::new());
    for file in &args.files {
        match load::scene(file, imported.as_ref()) {
            Ok(scene) => scenes.push(scene),
            Err(problem) => problems.push(problem),
        }
    }
    let trace = match &args.trace {
        Some(_) if args.runs() > 1 => {
            let what = "a trace is of one run, and several are asked for".to_owned();
            let help = Some("give one scenario and one --seed".to_owned());
            problems.push(Problem::Words { what, help });
            None
        }
        Some(path) if problems.is_empty() => match File::create(path) {
            Ok(file) => Some(BufWriter::new(file)),
            Err(error) => {
                let what = format!("cannot write the trace to `{}`: {error}", path.display());
                problems.push(Problem::Words { what, help: None });
                None
            }
        },
        _ => None,
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let style = terminal::err();
    let tell = |files: &[PathBuf], cluster: &scenarios::cluster::Cluster| {
        if !args.quiet || findings::has_error(cluster) {
            terminal::say(&findings::told(files, cluster, args.quiet, &style));
        }
    };
    if let Some(cluster) = &imported {
        tell(&args.cluster, cluster);
    }
    for scene in scenes.iter().filter(|scene| !scene.from.is_empty()) {
        tell(&scene.from, &scene.cluster);
    }
    Ok((scenes, trace))
}

/// Plays all scenes with all seeds and shows what comes of it.
fn perform(args: &RunArgs, scenes: &[Scene], mut trace: Option<TraceFile>) -> Exit {
    let mut show = Show::new(args);
    let standing = Standing::default();
    let (sender, receiver) = sync_channel(WAITING);
    let ended = thread::scope(|scope| {
        let (standing, trace) = (&standing, &mut trace);
        let player = thread::Builder::new()
            .name("player".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, move || play_all(args, scenes, standing, trace, &sender))
            .expect("the system has room for one more thread");
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(played) => {
                    if !show.played(&played) {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => show.tick(scenes, standing),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        drop(receiver);
        player.join()
    });
    show.clear();
    if ended.is_err() {
        let place = standing.scene.load(Ordering::Relaxed) as usize;
        let seed = standing.seed.load(Ordering::Relaxed);
        let again = again::command(&args.files[place], seed, &args.cluster);
        terminal::complain("the simulator itself panicked: a defect of its own", None);
        terminal::say(&format!("again: {again}\n"));
        return Exit::Panicked;
    }
    if let Some(Err(error)) = trace.as_mut().map(Write::flush) {
        terminal::complain(&format!("the trace could not be written: {error}"), None);
        return Exit::Broken;
    }
    show.finish()
}

fn play_all(
    args: &RunArgs,
    scenes: &[Scene],
    standing: &Standing,
    trace: &mut Option<TraceFile>,
    sender: &SyncSender<Played>,
) {
    for (place, scene) in scenes.iter().enumerate() {
        standing.scene.store(place as u64, Ordering::Relaxed);
        for seed in args.seeds() {
            standing.seed.store(seed, Ordering::Relaxed);
            standing.micros.store(0, Ordering::Relaxed);
            let played = play_one(args, scene, seed, standing, trace);
            if sender.send(played).is_err() {
                return;
            }
        }
    }
}

fn play_one(
    args: &RunArgs,
    scene: &Scene,
    seed: u64,
    standing: &Standing,
    trace: &mut Option<TraceFile>,
) -> Played {
    let plan = plan::draw(&scene.script, &scene.cluster, seed);
    let mut progress = |at: Instant| standing.micros.store(at.as_micros(), Ordering::Relaxed);
    let cost = Cost::start();
    let mut watch = Watch {
        trace: trace.as_mut().map(|file| file as &mut dyn Write),
        progress: Some(&mut progress),
        hears: None,
        reproduce: again::command(&scene.given, seed, &args.cluster),
    };
    let mut run = play::play(&plan, &scene.cluster, &mut watch);
    cost.fill(&mut run.statistics);
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
