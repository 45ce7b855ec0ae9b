//! Every code that is used is explained, every rule of the scenario language is broken by its wrong example and kept by
//! its right one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Rule, all, near, rule_of};
use crate::diagnostic::Diagnostic;
use crate::script::{parse, render};

/// A scenario around an example: what every scenario has, where the example does not say it itself.
pub(crate) fn whole(example: &str) -> String {
    let lines: Vec<_> =
        example.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let has = |start: &str| lines.iter().any(|line| line.starts_with(start));
    let mut text = String::from("name = \"example\"\n");
    if !has("duration") {
        text.push_str("duration = \"60s\"\n");
    }
    text.push_str(&lines.join("\n"));
    text.push('\n');
    if !has("[cluster]") {
        text.push_str("\n[cluster]\nzookeeper = 3\nbrokers = 3\n");
        text.push_str("topics = [{ name = \"orders\", partitions = 3, replication-factor = 3 }]\n");
    }
    let has_topic =
        !has("[cluster]") || lines.iter().any(|line| line.contains("name = \"orders\""));
    if !has("[[clients]]") && has_topic {
        text.push_str("\n[[clients]]\nid = \"p1\"\nproduce = { topic = \"orders\" }\n");
    }
    if !has("[[clients]]") {
        text.push_str("\n[[clients]]\nid = \"w1\"\nwrite = { path = \"/app\" }\n");
    }
    text
}

/// All that is said about a scenario, warnings included.
fn said(source: &str) -> Vec<Diagnostic> {
    match parse(source, "example.toml") {
        Ok(script) => {
            let cluster = script.cluster(None).expect("it is written in the file");
            script.lint(&cluster)
        }
        Err(found) => found,
    }
}

/// The rules of the scenario language.
fn of_scenarios() -> impl Iterator<Item = Rule> {
    all().filter(|rule| rule.code.starts_with(['E', 'W']))
}

#[test]
fn every_wrong_example_breaks_its_rule_and_every_right_one_keeps_all() {
    let mut wrong = Vec::new();
    for rule in of_scenarios() {
        let found = said(&whole(rule.wrong));
        let only: BTreeSet<_> = found.iter().map(|one| (one.code, one.severity.word())).collect();
        if only != BTreeSet::from([(rule.code, rule.severity)]) {
            wrong.push(format!("{}: its wrong example is told {only:?}", rule.code));
        }
        let found = said(&whole(rule.right));
        if !found.is_empty() {
            wrong.push(format!("{}: its right example\n{}", rule.code, render(&found, false)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_of_scenarios_as_it_is_told() {
    let told: String = of_scenarios()
        .map(|rule| render(&said(&whole(rule.wrong)), false))
        .collect::<String>()
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(told) });
}

#[test]
fn every_rule_of_scenarios_for_programs() {
    let told: String = of_scenarios()
        .flat_map(|rule| said(&whole(rule.wrong)))
        .map(|one| one.json() + "\n")
        .collect();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(told) });
}

/// The sources of this package, without tests.
fn sources() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("its entries can be read").path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            match path.is_dir() {
                true => folders.push(path),
                false if name.is_some_and(|name| name.ends_with(".rs") && name != "tests.rs") => {
                    let text = std::fs::read_to_string(&path).expect("a source is text");
                    found.push((path, text));
                }
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// What stands between quotes and looks like a code: a letter and digits.
fn codes_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|word| {
        let digits = word.get(1..).unwrap_or_default();
        word.starts_with(['E', 'W', 'Y', 'N', 'Z', 'K', 'V', 'F'])
            && matches!((word.as_bytes()[0], digits.len()), (b'E' | b'W', 4) | (b'F'..=b'Z', 2))
            && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

#[test]
fn every_code_in_the_sources_is_explained_and_every_rule_of_scenarios_is_used() {
    let known: BTreeSet<_> = all().map(|rule| rule.code).collect();
    let mut used = BTreeSet::new();
    for (path, text) in sources() {
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for code in codes_in(&code) {
            assert!(known.contains(code), "{}: {code} is not explained", path.display());
            used.insert(code.to_owned());
        }
    }
    let idle: Vec<_> = of_scenarios().filter(|rule| !used.contains(rule.code)).collect();
    assert!(idle.is_empty(), "nobody says {idle:?}");
}

#[test]
fn every_section_is_a_rule_with_a_code_of_its_own() {
    let sections: usize = super::PAGES.iter().map(|page| page.matches("\n## ").count()).sum();
    let mut rules = BTreeMap::new();
    for rule in all() {
        assert!(rules.insert(rule.code, rule).is_none(), "{} is explained twice", rule.code);
        assert!(!rule.explanation.is_empty() && !rule.title.ends_with('.'), "{}", rule.code);
        let indented =
            |text: &str| text.lines().all(|line| line.is_empty() || line.starts_with("    "));
        assert!(indented(rule.wrong) && indented(rule.right), "{}", rule.code);
    }
    assert_eq!(rules.len(), sections, "a section cannot be read as a rule");
}

#[test]
fn a_rule_is_found_by_its_code_and_a_slip_of_the_pen_is_guessed() {
    insta::assert_snapshot!(rule_of("e0308").expect("there is this rule").explained(), @r#"
    E0308 (error): more replicas in sync than there are replicas

    With `min.insync.replicas` above the number of replicas every write with acks=all is refused, from the first to the last
    (NOT_ENOUGH_REPLICAS). Kafka creates such a topic without a word.

    Wrong:

        [cluster]
        zookeeper = 3
        brokers   = 3
        topics    = [{ name = "orders", replication-factor = 1, min-insync-replicas = 2 }]

    Right:

        [cluster]
        zookeeper = 3
        brokers   = 3
        topics    = [{ name = "orders", replication-factor = 3, min-insync-replicas = 2 }]
    "#);
    assert!(rule_of("E0999").is_none());
    assert_eq!(near("Z91"), ["Z01", "Z11"]);
}
