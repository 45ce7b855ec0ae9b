//! `rehearsal what-if` as people meet it: on their own compose file, with the scenario kept and played afterwards.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A file as people have it, corrected: three servers and three brokers.
const CORRECTED: &str = "scenarios/clusters/wurstmeister-corrected/docker-compose.yml";
/// The same with three servers that know nothing of each other.
const MISTAKEN: &str = "scenarios/clusters/wurstmeister-three-by-mistake/docker-compose.yml";

/// The repository's root: paths are given as a person standing there would.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Exit code, stdout and stderr of a command.
fn rehearsal(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearsal"));
    command.arg0("rehearsal").env_remove("CARGO").args(args).current_dir(root());
    let output = command.output().expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_answer_has_ten_lines_and_the_kept_scenario_agrees() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("two-zookeepers.toml").display().to_string();
    let asked = ["what-if", CORRECTED, "--lose", "zk-2, zk-3", "--runs", "1", "--keep", &kept];
    let (code, out, err) = rehearsal(&asked);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.lines().count() <= 10, "{out}");
    for part in [
        "What if zk-2, zk-3 (zookeeper-2, zookeeper-3) are killed?",
        "stops     admin commands: from the loss on",
        "goes on   produce to orders (acks=all); consume orders",
        "lost      nothing of",
        "docker-compose.yml:20",
    ] {
        assert!(out.contains(part), "no `{part}` in:\n{out}");
    }
    let (code, out, err) = rehearsal(&["run", "--quiet", "--seed", "3", &kept]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.starts_with("PASS  two-zookeepers"), "{out}");
}

#[test]
fn json_is_one_object() {
    let asked = ["what-if", CORRECTED, "--lose", "leader(orders-0)", "--runs", "1", "--json"];
    let (code, out, err) = rehearsal(&asked);
    assert_eq!(code, Some(0), "{err}");
    let answer: Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(answer["verdict"], "pass");
    let produce = &answer["stops"][0];
    assert_eq!(produce["what"], "produce to orders (acks=all)");
    let longest = produce["lasts-ms"][1].as_u64().expect("a number");
    assert!((12_000..24_000).contains(&longest), "{produce}");
    let setting = answer["decides"][0]["setting"].as_str().expect("a text");
    assert_eq!(setting, "zookeeper.session.timeout.ms=18000");
}

#[test]
fn files_with_errors_are_answered_and_exit_1() {
    let (code, out, err) = rehearsal(&["what-if", MISTAKEN, "--lose", "zk-1", "--runs", "1"]);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(err.contains("Z01") && out.contains("the files have errors"), "{out}{err}");
}

#[test]
fn what_cannot_be_asked_exits_3() {
    let wrong = [
        vec!["what-if", CORRECTED],
        vec!["what-if", CORRECTED, "--lose", "zk-9"],
        vec!["what-if", CORRECTED, "--lose", "zk-1", "--how", "shout"],
        vec!["what-if", CORRECTED, "--lose", "zk-1", "--topic", "a:b"],
        vec!["what-if", CORRECTED, "--lose", "zk-1", "--back", "soon"],
        vec!["what-if", "no-such.toml", "--lose", "zk-1"],
        vec!["what-if", CORRECTED, "cluster.toml", "--lose", "zk-1"],
    ];
    for asked in wrong {
        let (code, out, err) = rehearsal(&asked);
        assert_eq!((code, out.as_str()), (Some(3), ""), "{asked:?}: {err}");
        assert!(!err.is_empty(), "{asked:?} is told nothing");
    }
}
