//! Every failing scenario is caught by the check it is named after. That the library holds is seen where its fingerprints are
//! taken (`determinism`).
//!
//! More seeds of the library: `cargo run --release -- run --seeds 1..50 scenarios/library/*.toml`.

use reports::run::Verdict;
use tests::{play, scenarios, stem, story};

/// `zb-01-leader-without-committed-writes` is caught by `ZB-1`, `kr-04w-…` by `KR-4w`, `kr-03x-…` by `KR-3'` (no apostrophes
/// in names of files), `outage-…` by `outage`.
fn check_named(stem: &str) -> String {
    let mut parts = stem.split('-');
    let (family, rest) = (parts.next().expect("a split gives a part"), parts.next());
    let rest = rest.unwrap_or_default();
    let number = rest.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let variant = rest[number.len()..].replace('x', "'");
    match number.parse::<u32>() {
        Ok(number) => format!("{}-{number}{variant}", family.to_uppercase()),
        Err(_) => family.to_owned(),
    }
}

#[test]
fn every_failing_scenario_is_caught_by_its_check() {
    let mut wrong = Vec::new();
    for path in scenarios("failing") {
        let (name, check) = (stem(&path), check_named(stem(&path)));
        let run = play(&path, 1);
        let caught = run.violations.iter().any(|one| one.check == check);
        if run.verdict != Verdict::Fail || !caught {
            wrong.push(format!("{name}: {check} did not catch it\n{}", story(&run)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_check_has_a_failing_scenario() {
    let caught: Vec<_> = scenarios("failing").iter().map(|path| check_named(stem(path))).collect();
    let checks = ::scenarios::checks::all();
    let without =
        checks.iter().map(|check| check.id()).filter(|id| !caught.iter().any(|one| one == id));
    assert_eq!(without.collect::<Vec<_>>(), Vec::<&str>::new());
}
