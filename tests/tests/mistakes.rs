//! Mistakes that people make in the files of their clusters do what is told of them: the scenarios beside the wrong files in
//! `scenarios/clusters` hold on what is imported from those files. (The command fails such runs for the errors it finds in
//! the files; here only the story counts.)

use std::fs;
use std::path::{Path, PathBuf};

use reports::run::Verdict;
use scenarios::cluster::Severity;
use scenarios::play::{self, Watch};
use scenarios::script::ensemble::Source;
use scenarios::{import, plan, script};
use tests::{root, story};

/// The scenarios in the folders of `scenarios/clusters`, sorted.
fn stories() -> Vec<PathBuf> {
    let folders = fs::read_dir(root().join("scenarios/clusters")).expect("the folder is there");
    let folders = folders.map(|entry| entry.expect("an entry can be read").path());
    let files = folders.filter(|path| path.is_dir()).flat_map(|folder| {
        let entries = fs::read_dir(folder).expect("a folder can be read");
        entries.map(|entry| entry.expect("an entry can be read").path()).collect::<Vec<_>>()
    });
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml");
    let mut files: Vec<_> = files.filter(is_toml).collect();
    files.sort();
    files
}

fn holds(path: &Path, seed: u64) -> Result<(), String> {
    let name = path.display().to_string();
    let source = fs::read_to_string(path).expect("a scenario file is text");
    let script = script::parse(&source, &name).map_err(|wrong| script::render(&wrong, false))?;
    let Source::Files(files) = &script.ensemble.source else {
        return Err(format!("{name} names no files"));
    };
    let folder = path.parent().expect("it is in a folder");
    let files: Vec<_> = files.iter().map(|file| folder.join(&file.value)).collect();
    let imported = import::cluster(&files).map_err(|wrong| script::render(&wrong, false))?;
    let cluster = script.cluster(Some(imported)).expect("there are files");
    let wrong = script.check(&cluster);
    if !wrong.is_empty() {
        return Err(script::render(&wrong, false));
    }
    let has_error = cluster.findings.iter().any(|one| one.severity == Severity::Error);
    if !has_error {
        return Err(format!("{name}: nothing is found to be wrong with the files"));
    }
    let run = play::play(&plan::draw(&script, &cluster, seed), &cluster, &mut Watch::default());
    match run.verdict {
        Verdict::Pass => Ok(()),
        _ => Err(format!("{name} with seed {seed}:\n{}", story(&run))),
    }
}

#[test]
fn wrong_files_do_what_is_told_of_them() {
    let stories = stories();
    assert!(stories.len() >= 3, "the stories are beside the files: {stories:?}");
    let seeds = [1, 2, 3];
    let all = stories.iter().flat_map(|path| seeds.map(|seed| holds(path, seed)));
    let wrong: Vec<_> = all.filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
