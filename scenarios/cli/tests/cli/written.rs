//! What people write: `check`, `fmt`, `explain-code`, `schema`, and diagnostics for programs.

use serde_json::Value;

use super::{STEADY, assert_has, rehearsal, scenario};

/// A scenario that can be played and can hardly be meant.
fn doubtful() -> String {
    STEADY.replace("zk.quorum", "zk.followers.size > 3")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[test]
fn checking_says_what_is_wrong_and_plays_nothing() {
    let came = rehearsal(&["check", "steady-state", "scenarios/library/lose-the-leader.toml"]);
    assert_eq!((came.code, came.out.as_str()), (Some(0), ""));
    assert_eq!(came.err, "2 files: no errors, no warnings\n");

    let (_folder, file) = scenario(&doubtful());
    let came = rehearsal(&["check", &file]);
    assert_eq!(came.code, Some(0), "warnings keep nobody from playing");
    assert_has(&came.out, &["W0601", "scenario.toml:9:26", "never holds", "from 0 to 3"]);
    assert_eq!(
        came.err,
        "1 file: no errors, 1 warning\nmore about it: rehearsal explain-code W0601\n"
    );

    let (_folder, file) = scenario(&STEADY.replace("zk.quorum", "zk-4 is up"));
    let came = rehearsal(&["check", &file, "no-such-file.toml"]);
    assert_eq!(came.code, Some(3));
    assert_has(&came.out, &["E0301", "did you mean", "no-such-file.toml"]);
    assert_has(&came.err, &["2 files: 2 errors, no warnings", "explain-code E0301"]);
}

#[test]
fn checking_for_programs() {
    let (_folder, file) = scenario(&STEADY.replace("zk.quorum", "zk-4 is up and zk-5 is up"));
    let came = rehearsal(&["check", "--format", "json", &file, "missing.toml"]);
    assert_eq!((came.code, came.err.as_str()), (Some(3), ""));
    let found = lines(&came.out);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0]["code"], "E0301");
    assert_eq!(found[0]["severity"], "error");
    assert_eq!(found[0]["file"], file);
    assert_eq!((&found[0]["line"], &found[0]["column"]), (&9.into(), &26.into()));
    assert_eq!(found[0]["end"], serde_json::json!({ "line": 9, "column": 30 }));
    assert_eq!(found[0]["label"], "unknown node");
    assert!(found[0]["help"].as_str().is_some_and(|help| help.contains("`zk-1`")));
    assert_eq!(found[1]["column"], 41);
    assert_eq!(found[2]["file"], "missing.toml");
}

#[test]
fn a_run_warns_and_plays() {
    let (_folder, file) = scenario(&doubtful());
    let came = rehearsal(&["run", &file, "--format", "json"]);
    assert_eq!(came.code, Some(1), "{}", came.out);
    let warned = lines(&came.err);
    assert_eq!((warned.len(), &warned[0]["severity"]), (1, &"warning".into()));
    let (_folder, file) = scenario(&STEADY.replace("every", "evry"));
    let came = rehearsal(&["run", &file, "--format", "json"]);
    assert_eq!((came.code, came.out.as_str()), (Some(3), ""));
    assert_eq!(lines(&came.err)[0]["code"], "E0101");
}

#[test]
fn a_code_is_explained() {
    let came = rehearsal(&["explain-code", "e0107"]);
    assert_eq!((came.code, came.err.as_str()), (Some(0), ""));
    assert_has(&came.out, &["E0107 (error): a version that is not modelled", "Wrong:", "Right:"]);
    let came = rehearsal(&["explain-code"]);
    assert_has(&came.out, &["\nE0504  ", "\nW0601  ", "\nZ02    ", "\nK22    "]);
    let came = rehearsal(&["explain-code", "E1007"]);
    assert_eq!((came.code, came.out.as_str()), (Some(3), ""));
    assert_has(&came.err, &["there is no rule `E1007`", "did you mean", "`E0107`"]);
}

#[test]
fn a_file_is_laid_out() {
    let (_folder, file) = scenario(STEADY);
    let came = rehearsal(&["fmt", "--check", &file]);
    assert_eq!((came.code, came.out), (Some(1), format!("{file}\n")));
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), STEADY);
    assert_eq!(rehearsal(&["fmt", &file]).code, Some(0));
    let text = std::fs::read_to_string(&file).expect("it is there");
    assert_has(&text, &["name     = \"steady\"\nabout    = ", "eventually = [{ that"]);
    let came = rehearsal(&["fmt", "--check", &file]);
    assert_eq!((came.code, came.out.as_str()), (Some(0), ""));
    let (_folder, file) = scenario("name = \"x");
    let came = rehearsal(&["fmt", &file]);
    assert_eq!(came.code, Some(3));
    assert_has(&came.err, &["E0001", "scenario.toml:1:"]);
}

#[test]
fn the_schema_is_json() {
    let came = rehearsal(&["schema"]);
    let schema: Value = serde_json::from_str(&came.out).expect("it is JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
