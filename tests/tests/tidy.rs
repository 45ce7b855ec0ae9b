//! The house rules that a machine can check: who may know whom, and what every file owes its reader.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above").to_path_buf()
}

/// All files below `folder` with this ending, sorted, without build products.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read") {
            let path = entry.expect("an entry can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && name != "target" && name != ".git" {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a source file is text")
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Lines of code: comments do not count.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn assert_none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

/// Where any of `words` stands in the code below `folder`.
fn mentions(folder: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(&root().join(folder), ".rs") {
        let text = read(&path);
        for (line, content) in code(&text) {
            for word in words.iter().filter(|word| content.contains(**word)) {
                found.push(format!("{}:{line}: {word}", shown(&path)));
            }
        }
    }
    found
}

#[test]
fn cores_do_not_know_their_environment() {
    let outside = [
        "sim::",
        "madsim",
        "tokio",
        "std::time",
        "std::fs",
        "std::net",
        "std::thread",
        "std::env",
        "HashMap",
        "HashSet",
        "SystemTime",
    ];
    assert_none("cores name their environment", mentions("coordinator/src", &outside));
    assert_none("cores name their environment", mentions("broker/src", &outside));
    assert_none("the contract names an environment", mentions("sim/machine/src", &outside));
}

#[test]
fn imports_only_go_down() {
    let allowed: [(&str, &[&str]); 8] = [
        ("sim/machine", &[]),
        ("sim", &["machine"]),
        ("coordinator", &["machine"]),
        ("broker", &["machine", "coordinator"]),
        ("reports", &[]),
        ("scenarios", &["machine", "sim", "coordinator", "broker", "reports"]),
        ("scenarios/cli", &["machine", "sim", "coordinator", "broker", "reports", "scenarios"]),
        ("tests", &["machine", "sim", "coordinator", "broker", "reports", "scenarios"]),
    ];
    let house = ["machine", "sim", "coordinator", "broker", "reports", "scenarios", "cli", "tests"];
    let mut wrong = Vec::new();
    for (folder, allowed) in allowed {
        let manifest = read(&root().join(folder).join("Cargo.toml"));
        for package in house {
            let names_it = manifest.lines().any(|line| {
                line.starts_with(&format!("{package}.workspace"))
                    || line.starts_with(&format!("{package} ="))
            });
            if names_it && !allowed.contains(&package) {
                wrong.push(format!("{folder} depends on {package}"));
            }
        }
    }
    assert_none("imports go up", wrong);
    assert_none(
        "reports know protocols",
        mentions("reports/src", &["coordinator", "zxid", "znode"]),
    );
}

#[test]
fn only_hosts_perform_wishes() {
    let performing = ["tokio::", "madsim::", "std::net", "std::thread"];
    let mut found = mentions("sim/src/world", &performing);
    found.extend(mentions("sim/src/recorder", &performing));
    found.extend(mentions("scenarios/src", &performing));
    assert_none("outside the hosts", found);
}

#[test]
fn every_file_says_what_it_is_for_and_stays_readable() {
    let mut wrong = Vec::new();
    for path in files(&root(), ".rs") {
        let text = read(&path);
        let name = shown(&path);
        if !text.starts_with("//!") && !text.starts_with("#!") {
            wrong.push(format!("{name}: does not open with //!"));
        }
        if name.contains("/tests/") || name.ends_with("tests.rs") {
            // What tests expect stands in them as it is printed, however long.
            continue;
        }
        if text.lines().count() > 500 {
            wrong.push(format!("{name}: {} lines, more than 500", text.lines().count()));
        }
        for (line, content) in text.lines().enumerate() {
            if content.chars().count() > 130 {
                wrong.push(format!("{name}:{}: a line of more than 130 characters", line + 1));
            }
        }
    }
    assert_none("files", wrong);
}

#[test]
fn nothing_is_left_undone_or_silenced() {
    let marks = [
        concat!("#[ig", "nore"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("allow(", "dead_code"),
        concat!("allow(", "clippy"),
        concat!(".unw", "rap()"),
        concat!("std::thread::sl", "eep"),
    ];
    let mut found = Vec::new();
    for folder in ["sim", "coordinator", "broker", "reports", "scenarios", "tests"] {
        found.extend(mentions(folder, &marks));
    }
    assert_none("left undone", found);
}

#[test]
fn every_scenario_of_the_library_tells_its_story() {
    let mut wrong = Vec::new();
    for path in files(&root().join("scenarios/library"), ".toml") {
        let text = read(&path);
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if !text.contains(&format!("\"{stem}\"")) {
            wrong.push(format!("{}: its name is not that of its file", shown(&path)));
        }
        for part in ["about", "[expect]"] {
            if !text.contains(part) {
                wrong.push(format!("{}: no {part}", shown(&path)));
            }
        }
    }
    assert_none("library", wrong);
}
