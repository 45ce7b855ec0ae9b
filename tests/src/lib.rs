//! What all suites share: opening and playing scenario files.

use std::fs;
use std::path::{Path, PathBuf};

use reports::run::Run;
use scenarios::play::{self, Watch};
use scenarios::{plan, script};

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above").to_path_buf()
}

/// The scenario files of one folder below `scenarios/`, sorted.
pub fn scenarios(folder: &str) -> Vec<PathBuf> {
    let folder = root().join("scenarios").join(folder);
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry can be read").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no scenarios in the folder");
    files
}

/// The name of a file without its ending.
pub fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).expect("scenario files have plain names")
}

/// Plays a scenario file that stages its own cluster.
pub fn play(path: &Path, seed: u64) -> Run {
    let name = path.display().to_string();
    let source = fs::read_to_string(path).expect("a scenario file is text");
    let script = script::parse(&source, &name).unwrap_or_else(|wrong| {
        panic!("{name} does not parse:\n{}", script::render(&wrong, false))
    });
    let cluster = script.cluster(None).expect("the scenario stages its own cluster");
    let plan = plan::draw(&script, &cluster, seed);
    play::play(&plan, &cluster, &mut Watch::default())
}

/// What went wrong in a run, for an assertion's message.
pub fn story(run: &Run) -> String {
    let violations = run.violations.iter();
    let mut lines: Vec<_> = violations
        .map(|one| format!("{} at {:.3} s: {}", one.check, one.at as f64 / 1e6, one.message))
        .collect();
    lines.extend(run.undecided.iter().cloned());
    lines.join("\n")
}
