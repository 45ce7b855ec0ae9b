//! The same seed gives the same run: twice, in two threads, in debug and in release (the snapshot is the same file for both).

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use reports::run::{Run, Verdict};
use support::{play, scenarios, stem, story};

const SEEDS: [u64; 3] = [1, 2, 3];

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
        let runs = SEEDS.iter().map(|seed| play(&path, *seed));
        let print = |run: Run| {
            assert_eq!(run.verdict, Verdict::Pass, "{}", story(&run));
            run.fingerprint
        };
        let prints: Vec<_> = runs.map(print).collect();
        writeln!(table, "{:45} {}", stem(&path), prints.join(" ")).expect("memory takes it");
    }
    table
}
