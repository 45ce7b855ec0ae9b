//! Every scenario that ships parses, every mistake is explained, no text makes the parser panic.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Diagnostic, Script, parse, render};
use crate::plan::{Plan, draw};

/// The scenario files that ship, with their texts, sorted.
fn shipped() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = ["library", "failing"]
        .into_iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).expect("the folder ships"))
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    let read = |path: &PathBuf| std::fs::read_to_string(path).expect("a scenario is text");
    files.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

#[test]
fn every_shipped_scenario_parses_and_can_be_planned() {
    for (path, text) in shipped() {
        let name = path.display().to_string();
        let script =
            parse(&text, &name).unwrap_or_else(|found| panic!("{}", render(&found, false)));
        let stem = path.file_stem().expect("a file has a name").to_string_lossy();
        assert_eq!(script.name.value, stem, "a scenario is named like its file");
        assert!(script.about.len() > 40, "{name} tells its story");
        let Some(cluster) = script.cluster(None) else { continue };
        let plan = draw(&script, &cluster, 7);
        assert_eq!(plan, draw(&script, &cluster, 7), "equal seeds give equal plans");
        let json = serde_json::to_string(&plan).expect("a plan is data");
        let back: Plan = serde_json::from_str(&json).expect("and can be read again");
        assert_eq!(plan, back, "{name}");
    }
}
