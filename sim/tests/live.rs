//! The handle on live nodes: lives, their ends, their folders and their log lines.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use machine::{Context, DiskError, Input, Instant, Level, Machine, Note};
use sim::live::{Ended, Exit, Live, NodeSpec, Options};

/// Long enough for anything that should happen at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a [`Clerk`] does when it boots, or is asked to stop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    ExitsAtOnce,
    Panics,
    LeavesPolitely,
    IgnoresStop,
    LooksUpwards,
}

struct Clerk(Habit);

#[derive(Clone, Debug)]
struct Fact(Level, &'static str);

impl Machine for Clerk {
    type Note = Fact;
    type View = ();

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Fact>) {
        match (self.0, input) {
            (Habit::ExitsAtOnce, Input::Booted) => cx.exit(3, "nothing to do"),
            (Habit::Panics, Input::Booted) => panic!("a broken clerk"),
            (Habit::LeavesPolitely, Input::Stop) => cx.exit(0, "asked to leave"),
            (Habit::LeavesPolitely, Input::Booted) => {
                cx.note(Fact(Level::Headline, "opens the office"));
                cx.note(Fact(Level::Detail, "lights a lamp"));
            }
            (Habit::LooksUpwards, Input::Booted) => {
                assert_eq!(cx.disk().append("/../outside", b"x"), Err(DiskError::Io));
                assert_eq!(cx.disk().list("/a/../.."), Err(DiskError::Io));
                cx.exit(0, "kept inside");
            }
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        None
    }

    fn view(&self) {}
}

impl Note for Fact {
    fn level(&self) -> Level {
        self.0
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }
}

fn with(folder: &str, habit: Habit) -> Live {
    let mut live = Live::new(Options::default());
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("live-{folder}"));
    let spec = NodeSpec { name: "clerk".to_owned(), aliases: Vec::new(), root };
    live.start(spec, move |_| Clerk(habit)).expect("the node starts");
    live
}

fn ended(incarnation: u64, ended: Ended) -> Option<Exit> {
    Some(Exit { node: "clerk".to_owned(), incarnation, ended })
}

fn exited(code: i32, why: &str) -> Ended {
    Ended::Exited { code, why: why.to_owned() }
}

#[test]
fn an_exit_is_told_once() {
    let mut live = with("exit", Habit::ExitsAtOnce);
    assert_eq!(live.wait_any_exit(PATIENCE), ended(1, exited(3, "nothing to do")));
    assert_eq!(live.kill("clerk"), None, "it was not running any more");
    live.restart("clerk").expect("a dead node can be restarted");
    assert_eq!(live.wait_any_exit(PATIENCE), ended(2, exited(3, "nothing to do")));
    assert_eq!(live.wait_any_exit(Duration::ZERO), None);
}

#[test]
fn a_panic_ends_one_node_only() {
    let mut live = with("panic", Habit::Panics);
    let panicked = Ended::Panicked("a broken clerk".to_owned());
    assert_eq!(live.wait_any_exit(PATIENCE), ended(1, panicked));
    assert!(!live.is_running("clerk"));
}

#[test]
fn stop_waits_then_kills() {
    let mut live = with("stop", Habit::LeavesPolitely);
    assert!(live.is_running("clerk"));
    assert_eq!(live.stop("clerk", PATIENCE), ended(1, exited(0, "asked to leave")));
    assert_eq!(live.stop("clerk", PATIENCE), None);

    let mut live = with("stubborn", Habit::IgnoresStop);
    let patience = Duration::from_millis(50);
    assert_eq!(live.stop("clerk", patience), ended(1, Ended::Killed));
    assert_eq!(live.stop("nobody", patience), None);
    assert!(live.restart("nobody").is_err());
}

#[test]
fn an_async_test_can_hold_the_handle() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut live = with("async", Habit::IgnoresStop);
        assert_eq!(live.kill("clerk"), ended(1, Ended::Killed));
        live.restart("clerk").expect("a dead node can be restarted");
    });
}

#[test]
fn restarting_a_running_node_kills_its_life() {
    let mut live = with("restart", Habit::IgnoresStop);
    live.restart("clerk").expect("a running node can be restarted");
    assert!(live.is_running("clerk"));
    assert_eq!(live.kill("clerk"), ended(2, Ended::Killed));
    assert_eq!(live.wait_any_exit(Duration::ZERO), None, "the kill of the first life was ours");
}

#[test]
#[cfg(unix)]
fn serving_ends_with_sigterm() {
    let mut live = with("serve", Habit::ExitsAtOnce);
    let mut lives = 0;
    let served = live.serve(|live, exit| {
        assert_eq!(exit.ended, exited(3, "nothing to do"));
        lives += 1;
        match lives {
            1 => live.restart("clerk").is_ok(),
            _ => {
                let pid = std::process::id().to_string();
                let sent = std::process::Command::new("kill").args(["-TERM", &pid]).status();
                sent.expect("there is a `kill` command").success()
            }
        }
    });
    assert!(served.is_ok());
    assert_eq!(lives, 2);
}

#[test]
fn paths_stay_below_the_folder() {
    let mut live = with("inside", Habit::LooksUpwards);
    assert_eq!(live.wait_any_exit(PATIENCE), ended(1, exited(0, "kept inside")));
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn headlines_are_info_and_details_debug() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .init();
    let mut live = with("notes", Habit::LeavesPolitely);
    live.stop("clerk", PATIENCE);
    let bytes = lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let text = String::from_utf8(bytes).expect("log lines are text");
    assert!(text.contains(r#" INFO sim::live::node: opens the office node="clerk""#), "{text}");
    assert!(text.contains(r#"DEBUG sim::live::node: lights a lamp node="clerk""#), "{text}");
}
