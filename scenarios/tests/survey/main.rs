//! What `rehearsal cluster` tells of every folder in `clusters/`: the truth about it step by step, and that nothing
//! anybody wrote is lost in silence.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use reports::style::Style;
use reports::survey::{Survey, json, text};
use scenarios::cluster::survey::survey;
use scenarios::diagnostic::Diagnostic;
use scenarios::import;

mod silence;

/// The folders of `clusters/`, by name.
fn folders() -> Vec<PathBuf> {
    let folders = std::fs::read_dir("clusters").expect("it is in the repository");
    let folders = folders.map(|entry| entry.expect("it can be read").path());
    let folders: BTreeSet<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    folders.into_iter().collect()
}

/// The files of a folder that a person would name: all but those that are found beside them, and the stories that are played
/// on them.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if name.is_some_and(|name| {
            !matches!(name.as_str(), "myid" | ".env") && !name.ends_with(".toml")
        }) {
            files.insert(path);
        }
    }
    files.into_iter().collect()
}

/// What the files of a folder make, played with this seed.
fn told(folder: &str, seed: u64) -> Result<Survey, Vec<Diagnostic>> {
    let files = files(&Path::new("clusters").join(folder));
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    Ok(survey(&import::cluster(&files)?, &names, seed))
}

fn shown(told: Result<Survey, Vec<Diagnostic>>) -> String {
    match told {
        Ok(survey) => text::render(&survey, false, &Style::default()),
        Err(diagnostics) => diagnostics
            .iter()
            .map(|one| {
                let (line, column) = one.line_column();
                let help = one.help.as_deref().unwrap_or_default();
                format!("{} {}:{line}:{column}: {one}\n  help: {help}\n", one.code, one.file)
            })
            .collect(),
    }
}

/// The one field of it that says what it all comes to.
fn truth(folder: &str, seed: u64) -> String {
    told(folder, seed).expect("it can be read").truth.join("\n")
}

#[test]
fn every_cluster_is_told_as_it_will_really_be() {
    for folder in folders() {
        let name = folder.file_name().expect("it has a name").to_string_lossy().into_owned();
        assert_snapshot!(name.clone(), shown(told(&name, 1)));
    }
}

#[test]
fn every_setting_is_told_if_all_are_asked_for() {
    let told = told("confluent-single", 1).expect("it can be read");
    assert_snapshot!("all_settings", text::render(&told, true, &Style::default()));
}

#[test]
fn a_narrow_terminal_is_enough() {
    let told = told("wurstmeister-localhost-addresses", 1).expect("it can be read");
    let narrow = Style { width: 72, ..Style::default() };
    assert_snapshot!("narrow", text::render(&told, false, &narrow));
}

#[test]
fn programs_are_told_everything() {
    let mut told = told("wurstmeister-single", 1).expect("it can be read");
    for section in &mut told.settings {
        assert!(section.settings.len() > 30, "every setting is there");
        section.settings.truncate(2);
    }
    let value: serde_json::Value = serde_json::from_str(&json(&told)).expect("it is JSON");
    assert_snapshot!("json", serde_json::to_string_pretty(&value).expect("it was JSON"));
}

#[test]
fn three_islands_are_one_two_or_three_clusters_by_chance() {
    let clusters = |seed| {
        let told = told("wurstmeister-with-listeners", seed).expect("it can be read");
        let clusters = told.islands.iter().flat_map(|island| &island.clusters);
        clusters.filter(|cluster| !cluster.registered.is_empty()).count()
    };
    let seen: BTreeSet<usize> = (1..=20).map(clusters).collect();
    assert_eq!(seen, BTreeSet::from([1, 2, 3]));
}

#[test]
fn one_seed_tells_one_truth() {
    assert_eq!(truth("wurstmeister-one-address", 7), truth("wurstmeister-one-address", 7));
}
