//! The command as people and programs meet it: what it prints where, and what it exits with.

#[path = "cli/cluster.rs"]
mod cluster;
#[path = "cli/many.rs"]
mod many;
#[path = "cli/readme.rs"]
mod readme;
#[path = "cli/words.rs"]
mod words;
#[path = "cli/written.rs"]
mod written;

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A short run of one ensemble, which passes.
const STEADY: &str = r#"
name = "steady"
about = "Nothing happens."
duration = "10s"
cluster = { zookeeper = 3 }
clients = [ { id = "w1", write = { path = "/app", every = "100ms" } } ]

[expect]
eventually = [ { that = "zk.quorum", by = "8s" } ]
"#;

/// The repository's root: paths are given as a person standing there would.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What came of a command.
struct Came {
    code: Option<i32>,
    out: String,
    err: String,
}

/// The command, as if it were found by its name and not started by cargo, and nobody had set anything.
fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearsal"));
    command.arg0("rehearsal").args(args).current_dir(root()).stdin(Stdio::null());
    for variable in ["CARGO", "COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command
}

fn rehearsal(args: &[&str]) -> Came {
    came(&mut command(args))
}

fn came(command: &mut Command) -> Came {
    let Output { status, stdout, stderr } = command.output().expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    Came { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// A folder with one scenario in it, and the scenario's path.
fn scenario(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("scenario.toml");
    std::fs::write(&file, text).expect("the scenario is written");
    (folder, file.display().to_string())
}

fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

#[test]
fn wrong_usage_exits_3() {
    let wrong = [
        &[][..],
        &["run"],
        &["rum"],
        &["run", "steady-state", "--seeds", "5..1"],
        &["run", "steady-state", "--seeds", "1..x"],
        &["run", "steady-state", "--seed", "1", "--seeds", "1..2"],
        &["run", "steady-state", "--json", "--quiet"],
        &["run", "steady-state", "--seeds", "1..2", "--trace", "never-written.jsonl"],
        &["run", "no-such-file.toml"],
        &["run", "steady-state", "--cluster", "no-such-file.yml"],
        &["up", "--zookeepers", "0"],
    ];
    for args in wrong {
        let came = rehearsal(args);
        assert_eq!((came.code, came.out.as_str()), (Some(3), ""), "{args:?}: {}", came.err);
        assert!(!came.err.is_empty(), "{args:?} is told nothing");
    }
    assert!(!root().join("never-written.jsonl").exists());
}

#[test]
fn a_broken_scenario_is_told_with_its_places() {
    let broken = STEADY.replace("duration = \"10s\"", "duratoin = \"10s\"");
    let (_folder, file) = scenario(&broken);
    let came = rehearsal(&["run", &file]);
    assert_eq!((came.code, came.out.as_str()), (Some(3), ""));
    assert_has(&came.err, &["scenario.toml:4:1", "duratoin", "did you mean `duration`?"]);
    assert!(!came.err.contains('\u{1b}'), "colour is for terminals");
}

#[test]
fn tabs_in_a_compose_file_are_told_with_what_to_do() {
    let file = "scenarios/clusters/confluent-tabs/docker-compose.yml";
    let came = rehearsal(&["run", "steady-state", "--cluster", file]);
    assert_eq!((came.code, came.out.as_str()), (Some(3), ""));
    assert_has(&came.err, &["docker-compose.yml:4:1", "tab", "help:", "spaces"]);
}

#[test]
fn three_servers_by_mistake_never_pass() {
    let (_folder, file) = scenario(STEADY);
    let cluster = "scenarios/clusters/wurstmeister-three-by-mistake/docker-compose.yml";
    let came = rehearsal(&["run", &file, "--cluster", cluster]);
    assert_eq!(came.code, Some(1), "{}", came.out);
    let told = "3 standalone servers, not one ensemble";
    assert_has(&came.err, &[told, "error Z01", "error K01", "help:"]);
    assert!(came.out.starts_with("FAIL  steady  seed 1\n"), "{}", came.out);
    assert_has(&came.out, &["Z01 at 0.000 s", "docker-compose.yml:8:7", told]);
    let again = format!("rehearsal run {file} --seed 1 --cluster {cluster}\n");
    assert!(came.out.ends_with(&again), "{}", came.out);
}

#[test]
fn the_corrected_file_passes() {
    let (_folder, file) = scenario(STEADY);
    let cluster = "scenarios/clusters/wurstmeister-corrected/docker-compose.yml";
    let came = rehearsal(&["run", &file, "--cluster", cluster]);
    assert_eq!(came.code, Some(0), "{}{}", came.err, came.out);
    assert!(came.out.starts_with("PASS  steady  seed 1\nEverything promised held"));
    assert_has(&came.out, &["Timeline", "At the end", "Figures", "zookeeper-3"]);
}

#[test]
fn a_pass_as_json() {
    let (_folder, file) = scenario(STEADY);
    let came = rehearsal(&["run", &file, "--seeds", "3..4", "--json"]);
    assert_eq!((came.code, came.err.as_str()), (Some(0), ""), "{}", came.out);
    let runs: Vec<Value> = came
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert_eq!(runs.len(), 2);
    for (run, seed) in runs.iter().zip(3..) {
        assert_eq!(run["scenario"], "steady");
        assert_eq!(run["seed"], seed);
        assert_eq!(run["verdict"], "pass");
        assert_eq!(run["fingerprint"].as_str().map(str::len), Some(16));
        for list in ["violations", "outages", "steps"] {
            assert_eq!(run[list].as_array().map(Vec::len), Some(0), "{list}");
        }
        let statistics = &run["statistics"];
        assert_eq!(statistics["simulated_seconds"], 10.0);
        for figure in ["events", "cpu_seconds", "events_per_cpu_second", "peak_memory_bytes"] {
            assert!(statistics[figure].as_f64().is_some_and(|figure| figure > 0.0), "{figure}");
        }
    }
    assert_ne!(runs[0]["fingerprint"], runs[1]["fingerprint"]);
}

#[test]
fn a_failure_exits_1_and_is_played_again_by_its_command() {
    let failing =
        STEADY.replace("that = \"zk.quorum\"", "that = \"not zk.quorum and zk-1 is down\"");
    let (_folder, file) = scenario(&failing);
    let came = rehearsal(&["run", &file, "--seed", "5", "--quiet"]);
    assert_eq!(came.code, Some(1), "{}{}", came.err, came.out);
    assert_eq!(came.out.lines().count(), 1);
    assert_has(&came.out, &["FAIL  steady  seed 5", "expect at"]);
    let again = came.err.trim().strip_prefix("again: rehearsal ").expect("a command");
    let words: Vec<&str> = again.split(' ').collect();
    let second = rehearsal(&words);
    assert_eq!(second.code, Some(1));
    let fingerprint = came.out.split("  ").nth(3).expect("a fingerprint");
    assert_has(&second.out, &[fingerprint, "Violations", "eventually"]);
}

#[test]
fn many_runs_are_summed_up_and_played_the_same_twice() {
    let never = STEADY.replace("[expect]", "[expect]\nsometimes = [\"session-expired\"]");
    let (_folder, file) = scenario(&never);
    let came = rehearsal(&["run", &file, "--seeds", "1..2", "--twice"]);
    assert_eq!(came.code, Some(2), "{}{}", came.err, came.out);
    assert_has(&came.out, &["INCONCLUSIVE  2 runs: 2 passed; 1 mark never reached", "NEVER"]);
    let one = rehearsal(&["run", &file]);
    assert_eq!(one.code, Some(0), "one seed is not judged by marks: {}", one.out);
}

#[test]
fn the_trace_has_a_header_with_its_version() {
    let (folder, file) = scenario(STEADY);
    let trace = folder.path().join("trace.jsonl");
    let came = rehearsal(&["run", &file, "--trace", &trace.display().to_string()]);
    assert_eq!(came.code, Some(0), "{}{}", came.err, came.out);
    let text = std::fs::read_to_string(trace).expect("the trace is written");
    let header: Value =
        serde_json::from_str(text.lines().next().unwrap_or_default()).expect("JSON");
    assert_eq!(header["format"], "rehearsal-trace");
    assert_eq!((&header["version"], &header["seed"]), (&1.into(), &1.into()));
    assert!(text.lines().count() > 100);
}

#[test]
fn up_prints_addresses_and_serves_until_sigterm() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().display().to_string();
    let mut child = Command::new(env!("CARGO_BIN_EXE_rehearsal"))
        .args(["up", "--zookeepers", "1", "--brokers", "0", "--data", &data])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let out = BufReader::new(child.stdout.take().expect("it is piped"));
    let lines: Vec<String> = out.lines().map(|line| line.expect("it is text")).take(2).collect();
    assert_has(&lines[0], &["zk-1  127.0.0.1:", "zk-1/data"]);
    let address = lines[1].strip_prefix("connect  ").expect("what clients connect to");
    // The address is reserved before the server starts to listen, and given to nobody else.
    while TcpStream::connect(address).is_err() {
        assert_eq!(child.try_wait().expect("it can be asked"), None, "the server has ended");
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &id]).status().expect("kill is there");
    assert!(killed.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_port_in_use_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let data = folder.path().display().to_string();
    let came =
        rehearsal(&["up", "--zookeepers", "1", "--brokers", "0", "--port", &port, "--data", &data]);
    assert_eq!((came.code, came.out.as_str()), (Some(3), ""));
    assert_has(&came.err, &["error: cannot use 127.0.0.1:", &port]);
}
