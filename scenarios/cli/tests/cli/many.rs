//! Many runs: the table, the lines, the order, and what is told when somebody asks to stop.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{STEADY, assert_has, command, rehearsal};

/// More runs than anybody waits for.
const ENDLESS: &str = "1..1000000000";

/// A folder with three scenarios: one passes, one fails in every run, one takes long.
fn scenarios() -> (tempfile::TempDir, [String; 3]) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: String| {
        let path = folder.path().join(format!("{name}.toml"));
        std::fs::write(&path, text.replace("\"steady\"", &format!("\"{name}\"")))
            .expect("the scenario is written");
        path.display().to_string()
    };
    let good = file("good", STEADY.to_owned());
    let bad = file("bad", STEADY.replace("zk.quorum", "zk-1 is down"));
    let slow = file("slow", STEADY.replace("\"10s\"", "\"100000s\""));
    (folder, [good, bad, slow])
}

/// What was printed, without what a run cost.
fn without_cost(out: &str) -> String {
    let lines = out.lines().map(|line| match serde_json::from_str::<Value>(line) {
        Ok(mut run) => {
            run["statistics"] = Value::Null;
            run.to_string()
        }
        Err(_) => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn several_jobs_tell_the_same_as_one() {
    let (_folder, [good, bad, _]) = scenarios();
    for manner in [&[][..], &["--quiet"], &["--json"]] {
        let told = |jobs: &str| {
            let args = ["run", &good, &bad, "--seeds", "1..6", "--jobs", jobs];
            rehearsal(&[&args[..], manner].concat())
        };
        let (one, four) = (told("1"), told("4"));
        assert_eq!(one.code, Some(1), "{}", one.err);
        assert_eq!(one.code, four.code);
        assert_eq!(without_cost(&one.out), without_cost(&four.out));
        assert_eq!(one.err, four.err);
        if !manner.contains(&"--json") {
            assert_eq!(one.out, four.out, "equal bytes");
        }
    }
}

#[test]
fn failures_come_first_with_their_seeds_and_checks() {
    let (_folder, [good, bad, _]) = scenarios();
    let came = rehearsal(&["run", &good, &bad, "--seeds", "4..6"]);
    assert_eq!((came.code, came.err.as_str()), (Some(1), ""));
    assert!(
        came.out.starts_with(
            "FAIL  6 runs: 3 failed, 3 passed\n\nFAIL  bad  seed 4, and 2 more: 5, 6\n"
        )
    );
    let again = format!("  rehearsal run {bad} --seed 4\n");
    assert_has(&came.out, &["first seed", "checks", &again]);
    let row = |name: &str| {
        let line =
            came.out.lines().position(|line| line.trim_start().starts_with(&format!("{name} ")));
        line.expect("it has a row")
    };
    assert!(row("bad") < row("good"), "{}", came.out);
}

#[test]
fn quiet_is_a_line_for_each_scenario() {
    let (_folder, [good, bad, _]) = scenarios();
    let came = rehearsal(&["run", "--quiet", &good, &bad, "--seeds", "4..6"]);
    assert_eq!(came.code, Some(1));
    assert_eq!(
        came.out,
        "PASS  good  seeds 4..6  3 passed\n\
         FAIL  bad  seeds 4..6  3 failed, 0 passed  first seed 4: expect\n"
    );
    assert_eq!(came.err, format!("again: rehearsal run {bad} --seed 4\n"));
    let came = rehearsal(&["run", "--quiet", &good, "--seed", "4"]);
    assert_eq!((came.code, came.err.as_str()), (Some(0), ""));
    assert!(came.out.starts_with("PASS  good  seed 4  "), "{}", came.out);
    assert_eq!(came.out.lines().count(), 1);
}

fn started(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts")
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().expect("kill is there");
    assert!(killed.success());
}

fn rest(mut pipe: impl Read) -> String {
    let mut text = String::new();
    pipe.read_to_string(&mut text).expect("it is text");
    text
}

#[test]
fn an_interrupted_run_says_how_to_go_on() {
    let (_folder, [good, ..]) = scenarios();
    let mut child = started(command(&["run", &good, "--seeds", ENDLESS, "--json", "--jobs", "2"]));
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a run is told");
    interrupt(&child);
    let told = rest(out).lines().count() + 1;
    let said = rest(child.stderr.take().expect("it is piped"));
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{said}");
    let next = told + 1;
    assert_eq!(
        said,
        format!(
            "interrupted: good with seed {next}; {told} of 1000000000 runs are done\n\
             to go on: rehearsal run {good} --seeds {next}..1000000000 --jobs 2 --json\n"
        )
    );
}

#[test]
fn what_is_known_is_told_when_interrupted() {
    let (_folder, [good, _, slow]) = scenarios();
    let mut child = started(command(&["run", &good, &slow, &good, "--seeds", "3..4", "--quiet"]));
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("the first scenario is told");
    assert_eq!(line, "PASS  good  seeds 3..4  2 passed\n");
    interrupt(&child);
    assert_eq!(rest(out), "");
    let said = rest(child.stderr.take().expect("it is piped"));
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{said}");
    assert_eq!(
        said,
        format!(
            "interrupted: slow with seed 3; 2 of 6 runs are done\n\
             to go on: rehearsal run {slow} {good} --seeds 3..4 --quiet\n"
        )
    );
}

#[test]
fn who_stops_reading_ends_it_quietly() {
    let (_folder, [good, ..]) = scenarios();
    let mut child = started(command(&["run", &good, "--seeds", ENDLESS, "--json"]));
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a run is told");
    drop(out);
    assert_eq!(rest(child.stderr.take().expect("it is piped")), "");
    assert_eq!(child.wait().expect("it ends").code(), Some(141));
}
