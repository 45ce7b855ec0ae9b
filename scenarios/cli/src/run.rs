//! `rehearsal run`: reads what is to be played, has it played, and shows the runs in the order of the command line, however
//! many are played at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use scenarios::cluster::Cluster;

use crate::Exit;
use crate::again;
use crate::args::RunArgs;
use crate::check;
use crate::findings;
use crate::interrupt;
use crate::load::{self, Problem, Scene};
use crate::players::{News, Played, Players, Programme};
use crate::show::Show;
use crate::terminal;

/// Runs that may wait for an earlier one, for each player: more of them would only take memory.
const WAITING: u64 = 8;
/// How often progress is shown.
const TICK: Duration = Duration::from_millis(200);

/// The file a trace goes to.
type TraceFile = BufWriter<File>;

/// Plays what was asked for.
pub fn run(args: &RunArgs) -> Exit {
    match prepare(args) {
        Ok((scenes, trace)) => {
            let programme = Programme { args: args.clone(), scenes, trace: Mutex::new(trace) };
            perform(&Arc::new(programme))
        }
        Err(problems) => {
            problems.iter().for_each(|problem| problem.tell_as(args.format));
            Exit::Broken
        }
    }
}

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
    if !args.quiet {
        let doubts: Vec<_> =
            scenes.iter().flat_map(|scene| scene.script.lint(&scene.cluster)).collect();
        terminal::say(&check::told(&doubts, args.format, style.colour));
    }
    let tell = |files: &[PathBuf], cluster: &Cluster| {
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

/// How the showing of runs came to its end.
enum Ending {
    /// All are shown.
    Complete,
    /// Somebody asked to stop.
    Interrupted,
    /// Nobody reads any more.
    Unread,
    /// The simulator panicked over the first run that is not shown.
    Panicked,
}

/// Plays all scenes with all seeds and shows what comes of it.
fn perform(programme: &Arc<Programme>) -> Exit {
    let args = &programme.args;
    let (sender, news) = channel();
    let interrupted = sender.clone();
    // Without it, Ctrl-C ends the process as it ends any other.
    let _ = interrupt::listen(move || {
        // If nobody hears it, all is said already.
        let _ = interrupted.send(News::Interrupted);
    });
    let players = Players::start(programme, args.jobs(), &sender);
    drop(sender);
    let mut show = Show::new(programme);
    let (shown, ending) = show_all(programme, &players, &news, &mut show);
    show.clear();
    let (place, seed) = args.run_of(shown);
    match ending {
        Ending::Complete => {}
        Ending::Unread => return Exit::Unread,
        Ending::Interrupted => {
            show.finish();
            let name = &programme.scenes[place].script.name.value;
            terminal::say(&format!(
                "interrupted: {name} with seed {seed}; {shown} of {} runs are done\n",
                args.runs()
            ));
            for (index, command) in again::rest(args, place, seed).iter().enumerate() {
                let when = if index == 0 { "to go on" } else { "and then" };
                terminal::say(&format!("{when}: {command}\n"));
            }
            return Exit::Interrupted;
        }
        Ending::Panicked => {
            let again = again::command(&args.files[place], seed, &args.cluster);
            terminal::complain("the simulator itself panicked: a defect of its own", None);
            terminal::say(&format!("again: {again}\n"));
            return Exit::Panicked;
        }
    }
    let mut trace = programme.trace.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(Err(error)) = trace.as_mut().map(Write::flush) {
        terminal::complain(&format!("the trace could not be written: {error}"), None);
        return Exit::Broken;
    }
    show.finish()
}

/// Has the runs played and shows each when all before it are shown. How many were shown, and why it ended.
fn show_all(
    programme: &Programme,
    players: &Players,
    news: &Receiver<News>,
    show: &mut Show,
) -> (u64, Ending) {
    let runs = programme.args.runs();
    let ahead = WAITING * programme.args.jobs() as u64;
    let mut waiting: BTreeMap<u64, Option<Box<Played>>> = BTreeMap::new();
    let (mut shown, mut ordered) = (0, 0);
    while shown < runs {
        while ordered < runs && ordered < shown + ahead {
            players.order(ordered);
            ordered += 1;
        }
        match news.recv_timeout(TICK) {
            Ok(News::Ended(number, played)) => {
                show.ended(number);
                waiting.insert(number, played);
            }
            Ok(News::Interrupted) => return (shown, Ending::Interrupted),
            Err(RecvTimeoutError::Timeout) => show.tick(&players.under_way()),
            Err(RecvTimeoutError::Disconnected) => return (shown, Ending::Panicked),
        }
        while let Some(played) = waiting.remove(&shown) {
            let Some(played) = played else { return (shown, Ending::Panicked) };
            let is_read = show.played(&played);
            shown += 1;
            if !is_read && shown < runs {
                return (shown, Ending::Unread);
            }
        }
    }
    (shown, Ending::Complete)
}
