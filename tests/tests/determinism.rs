//! Every scenario of the library passes, and the same seed gives the same run: twice, in two threads, in debug and in release (the snapshot is the same file for both).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use reports::run::{Run, Verdict};
use tests::{play, scenarios, stem, story};

/// Scenarios longer than this, in simulated seconds, are played with one seed only.
const LONG: f64 = 300.0;

#[test]
fn the_same_seed_gives_the_same_run_in_every_thread() {
    let here = std::thread::spawn(fingerprints);
    let there = std::thread::spawn(fingerprints);
    let (here, there) = (here.join().expect("it ran"), there.join().expect("it ran"));
    assert_eq!(here, there);
    insta::assert_snapshot!("fingerprints", here);
}

#[test]
fn different_seeds_give_different_runs() {
    let path = &scenarios("library")[0];
    let prints: BTreeSet<_> = (1..=10).map(|seed| play(path, seed).fingerprint).collect();
    assert_eq!(prints.len(), 10);
}

fn fingerprints() -> String {
    let mut table = String::new();
    for path in scenarios("library") {
        let mut prints = Vec::new();
        for seed in 1..=3 {
            let run: Run = play(&path, seed);
            let name = stem(&path);
            assert_eq!(run.verdict, Verdict::Pass, "{name} seed {seed}: {}", story(&run));
            prints.push(run.fingerprint);
            if run.statistics.simulated_seconds > LONG {
                break;
            }
        }
        writeln!(table, "{:45} {}", stem(&path), prints.join(" ")).expect("memory takes it");
    }
    table
}
