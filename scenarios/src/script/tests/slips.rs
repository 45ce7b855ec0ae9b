//! Slips of the pen in people's own files: any character of a cluster's file changed, and the cluster checked with a
//! scenario. Nothing panics, nothing hangs, and what is said can be shown.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::import::{Source, cluster_of};
use crate::script::{parse, render};

/// Plays on whatever there is.
const STEADY: &str = r#"
name = "steady"
duration = "20s"
cluster = { from = ["docker-compose.yml"] }

[[clients]]
id = "w1"
write = { path = "/app" }

[timeline]
steps = [{ id = "down", at = "5s", do = "kill", nodes = "any 1 of zk-*", for = "2s" }]

[expect]
finally = ["zk-1 is up and zk.servers.size <= 9", "zk.quorum"]
"#;

/// The clusters that ship: all files of each folder.
fn clusters() -> Vec<Vec<Source>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("clusters");
    let mut clusters: Vec<_> = entries(&root).into_iter().filter(|path| path.is_dir()).collect();
    clusters.sort();
    clusters.iter().map(|folder| files(folder)).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder ships");
    entries.map(|entry| entry.expect("its entries can be read").path()).collect()
}

fn files(folder: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            found.push(Source { name: path.display().to_string(), text });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_slip_in_a_cluster_never_panics(
        which in any::<prop::sample::Index>(),
        file in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        letter in prop_oneof![
            Just(None),
            prop::sample::select("\"'{}[]:=,.-+#\n\t*&<>$| 0aZ~µ\u{0}".chars().collect::<Vec<_>>())
                .prop_map(Some),
            any::<char>().prop_map(Some),
        ],
        keep in any::<bool>(),
    ) {
        let mut sources = which.get(&clusters()).clone();
        let file = file.index(sources.len());
        let mut letters: Vec<char> = sources[file].text.chars().collect();
        if !letters.is_empty() {
            let at = at.index(letters.len());
            letters.splice(at..if keep { at } else { at + 1 }, letter);
        }
        sources[file].text = letters.into_iter().collect();
        let script = parse(STEADY, "steady.toml").expect("it can be read");
        match cluster_of(&sources) {
            Ok(cluster) => {
                let cluster = script.cluster(Some(cluster)).expect("there is one");
                let said = script.check(&cluster);
                if said.is_empty() {
                    crate::plan::draw(&script, &cluster, 1);
                    drop(render(&script.lint(&cluster), false));
                } else {
                    prop_assert!(!render(&said, false).is_empty());
                }
            }
            Err(found) => {
                prop_assert!(!found.is_empty());
                prop_assert!(!render(&found, false).is_empty());
                let is_object = |one: &crate::diagnostic::Diagnostic| one.json().starts_with('{');
                prop_assert!(found.iter().all(is_object));
            }
        }
    }
}
