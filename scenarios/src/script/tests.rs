//! Every scenario that ships parses, every mistake is explained, no text makes the parser panic.

mod kafka;
mod layout;
mod schema;
mod slips;

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{parse, render};
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

/// What is said about a scenario with this timeline and these promises.
fn said(steps: &str, expect: &str) -> String {
    said_of(&format!(
        r#"
name     = "test"
duration = "60s"
cluster  = {{ zookeeper = 3 }}

[hosts]
h1 = ["zk-1", "zk-2"]

[[clients]]
id    = "w1"
write = {{ path = "/app", every = "100ms" }}

[timeline]
steps = [
{steps}
]

[expect]
{expect}
"#
    ))
}

/// What is said about a scenario file, without the blanks at ends of lines.
fn said_of(source: &str) -> String {
    let text = match parse(source, "test.toml") {
        Ok(_) => "nothing is wrong\n".to_string(),
        Err(found) => render(&found, false),
    };
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// What is said about one file per mistake, each under its heading.
fn each_said(mistakes: &[(&str, &str, &str)]) -> String {
    let one = |(what, steps, expect): &(&str, &str, &str)| {
        format!("## {what}\n{}\n", said(steps, expect))
    };
    mistakes.iter().map(one).collect()
}

/// Compares with the snapshot of the test that calls this.
#[track_caller]
fn shown(name: &str, said: &str) {
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, said) });
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
        for server in &cluster.zookeepers {
            let config = server.config(server.preset, server.preset.mechanisms());
            assert!(config.is_ok(), "{name}: {config:?}");
        }
        let plan = draw(&script, &cluster, 7);
        assert_eq!(plan, draw(&script, &cluster, 7), "equal seeds give equal plans");
        let json = serde_json::to_string(&plan).expect("a plan is data");
        let back: Plan = serde_json::from_str(&json).expect("and can be read again");
        assert_eq!(plan, back, "{name}");
    }
}

#[test]
fn nothing_that_ships_is_doubtful() {
    for (path, text) in shipped() {
        let name = path.display().to_string();
        let script = parse(&text, &name).expect("what ships can be read");
        let cluster = script.cluster(None).expect("it is written in the file");
        let doubts = script.lint(&cluster);
        assert!(doubts.is_empty(), "{}", render(&doubts, false));
    }
}

#[test]
fn every_mark_can_be_named() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let notes = ["broker/src/note.rs", "broker/src/note/client.rs"];
    let mut said = Vec::new();
    for file in notes.iter().chain(&["coordinator/src/note.rs", "coordinator/src/note/client.rs"]) {
        let text = std::fs::read_to_string(root.join(file)).expect("notes are there");
        let marks = text.split("fn mark(&self)").nth(1).expect("notes leave marks");
        let marks = marks.split("\n    }\n").next().unwrap_or_default();
        let quoted = marks.split('"').skip(1).step_by(2);
        let is_mark = |word: &&str| word.starts_with(|letter: char| letter.is_ascii_lowercase());
        said.extend(quoted.filter(is_mark).map(str::to_string));
    }
    let mut known = super::MARKS.to_vec();
    said.sort();
    known.sort_unstable();
    assert_eq!(known, said);
}

#[test]
fn toml_that_is_none() {
    let files = [
        ("a quote is missing", "name = \"test\nduration = \"60s\"\n"),
        ("a key comes twice", "name = \"test\"\nname = \"again\"\n"),
        ("an empty file", ""),
    ];
    let said: String =
        files.iter().map(|(what, text)| format!("## {what}\n{}\n", said_of(text))).collect();
    shown("toml_that_is_none", &said);
}

#[test]
fn keys_and_values() {
    let said = said_of(
        r#"
name     = "Bad Name!"
duraton  = "60s"
duration = "sixty"

[cluster]
zookeeper         = 0
zookeeper-version = "3.4.7"
zookeeper-config  = { tickTime = 2000, synclimit = 5, autopurge.snapRetainCount = 3 }
mechanisms        = { synchronisation = "DIFF_NOLG", mutants = ["expires-erly"] }

[[clients]]
id    = "w1"
write = { path = "app/", every = "100ms", byts = 3 }
read  = { path = "/app" }

[[clients]]
id   = "r1"
read = { path = "app/", every = 100 }

[[clients]]
id = "idle"

[timeline]
steps = "none"
"#,
    );
    shown("keys_and_values", &said);
}

#[test]
fn steps() {
    shown(
        "steps",
        &each_said(&[
            ("a misspelt verb", r#"{ id = "a", at = "1s", do = "pwer-loss", nodes = "zk-1" }"#, ""),
            ("a verb of something else", r#"{ at = "1s", do = "explode", nodes = "zk-1" }"#, ""),
            ("no verb", r#"{ at = "1s", nodes = "zk-1" }"#, ""),
            ("no time", r#"{ do = "kill", nodes = "zk-1" }"#, ""),
            (
                "two times",
                r#"{ at = "1s", every = "2s", times = 3, do = "kill", nodes = "zk-1" }"#,
                "",
            ),
            ("a field is missing", r#"{ at = "1s", do = "cut", from = "zk-1" }"#, ""),
            (
                "a field too many",
                r#"{ at = "1s", do = "kill", nodes = "zk-1", from = "zk-2" }"#,
                "",
            ),
            ("nodes and hosts", r#"{ at = "1s", do = "kill", nodes = "zk-1", hosts = "h1" }"#, ""),
            ("not undone", r#"{ at = "1s", do = "wipe", nodes = "zk-1", for = "5s" }"#, ""),
            (
                "loss of too much",
                r#"{ at = "1s", do = "loss", from = "zk-1", to = "w1", percent = 101 }"#,
                "",
            ),
            ("latency without", r#"{ at = "1s", do = "latency", from = "zk-1", to = "w1" }"#, ""),
            ("a bad duration", r#"{ at = "5 parsecs", do = "kill", nodes = "zk-1" }"#, ""),
            (
                "a jump without unit",
                r#"{ at = "5s", do = "clock-jump", nodes = "zk-1", by = "+40" }"#,
                "",
            ),
        ]),
    );
}

#[test]
fn names() {
    shown(
        "names",
        &each_said(&[
            (
                "several at once, inside their strings",
                r#"{ id = "a", at = "1s", do = "kill", nodes = "zk-4, zk-1" },
  { id = "b", at = "aa + 1s", do = "restart", nodes = "victims(c)" },
  { id = "b", at = "2s", do = "power-loss", hosts = "h2" },
  { at = "3s", do = "kill", nodes = "server-of(w2) - host(h3)" }"#,
                "",
            ),
            ("a pattern that fits nobody", r#"{ at = "1s", do = "kill", nodes = "kafka-*" }"#, ""),
            ("more than there are", r#"{ at = "1s", do = "kill", nodes = "any 4 of zk-*" }"#, ""),
            (
                "victims of nothing",
                r#"{ id = "a", at = "1s", do = "heal" },
  { at = "2s", do = "kill", nodes = "victims(a)" }"#,
                "",
            ),
            (
                "no other side",
                r#"{ id = "a", at = "1s", do = "kill", nodes = "zk-1" },
  { at = "2s", do = "kill", nodes = "peers(a)" }"#,
                "",
            ),
            ("another work", "", r#"outage = [{ of = "read(w1)", opens = "1s..2s" }]"#),
            ("no work at all", "", r#"outage = [{ of = "wriet(w1)", opens = "1s..2s" }]"#),
            (
                "escapes hide the place",
                r#"{ at = "1s", do = "kill", nodes = "zk-\u0034, zk-1" }"#,
                "",
            ),
        ]),
    );
}

#[test]
fn selectors_and_conditions() {
    shown(
        "selectors_and_conditions",
        &each_said(&[
            ("an unknown role", r#"{ at = "1s", do = "kill", nodes = "zk.leadr" }"#, ""),
            ("an unknown function", r#"{ at = "1s", do = "kill", nodes = "victim(a)" }"#, ""),
            ("it ends", r#"{ at = "1s", do = "kill", nodes = "zk-1 -" }"#, ""),
            ("it goes on", r#"{ at = "1s", do = "kill", nodes = "zk-1 zk-2" }"#, ""),
            ("any how many", r#"{ at = "1s", do = "kill", nodes = "any 2 zk-*" }"#, ""),
            ("a strange letter", r#"{ at = "1s", do = "kill", nodes = "zk-1 & zk-2" }"#, ""),
            ("no verb in a condition", "", r#"finally = ["zk-1 up"]"#),
            ("no such state", "", r#"finally = ["session(w1) is conected"]"#),
            ("a state or a node", "", r#"finally = ["zk-1 is servin"]"#),
            ("nothing to compare with", "", r#"finally = ["zk.epoch >"]"#),
            ("a parenthesis", "", r#"finally = ["not (zk.quorum or zk-1 is up"]"#),
            ("too deep", "", &format!(r#"finally = ["{}zk.quorum"]"#, "(".repeat(1000))),
        ]),
    );
}

#[test]
fn times_and_promises() {
    let down = r#"{ id = "down", at = "50s", do = "kill", nodes = "any 2 of zk-*" }"#;
    shown(
        "times_and_promises",
        &each_said(&[
            ("after the end", r#"{ id = "late", at = "61s", do = "kill", nodes = "zk-1" }"#, ""),
            ("a window backwards", r#"{ at = "5s..3s", do = "kill", nodes = "zk-1" }"#, ""),
            (
                "a circle",
                r#"{ id = "a", at = "b + 1s", do = "kill", nodes = "zk-1" },
  { id = "b", at = "a + 1s", do = "kill", nodes = "zk-2" }"#,
                "",
            ),
            (
                "closes before it opens",
                down,
                r#"outage = [{ of = "write(w1)", opens = "down", closes = "<= down - 1s" }]"#,
            ),
            ("neither opens nor may", down, r#"outage = [{ of = "write(w1)", closes = "<= 5s" }]"#),
            ("without a deadline", down, r#"eventually = [{ that = "zk-1 is up" }]"#),
            (
                "judged too late",
                down,
                r#"eventually = [{ that = "zk-1 is up", within = "20s after down" }]"#,
            ),
            (
                "lost for good",
                down,
                r#"eventually = [{ that = "zk.quorum", within = "5s after down" }]"#,
            ),
            (
                "upside down",
                down,
                r#"outage = [{ of = "write(w1)", opens = "down", lasts = "5s..2s" }]"#,
            ),
        ]),
    );
}

/// Letters that mean something to TOML or to the languages in strings, and a few that do not.
const SIGNS: &str = "\"'{}[]()=,.-+#\n\\*? 0aZ~µ\u{0}";

/// The words of the languages in strings.
const WORDS: [&str; 48] = [
    "zk-1",
    "zk-*",
    "any",
    "2",
    "of",
    "all",
    "zk.leader",
    "zk.followers.size",
    ".size",
    "is",
    "not",
    "and",
    "or",
    "(",
    ")",
    ",",
    "-",
    "+",
    "..",
    "<=",
    "=",
    "as",
    "seen",
    "by",
    "victims",
    "session",
    "count",
    "up",
    "held",
    "lock",
    "w1",
    "5s",
    "after",
    "end",
    "zk.epoch",
    "server-of",
    "host",
    "zk.quorum",
    "kafka-1",
    "leader",
    "isr",
    "orders-0",
    "controller",
    "controller-epoch",
    "log-end",
    "topic",
    "exists",
    "nobody",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// One letter of a good scenario changed, removed or put in: read or refused, and its
    /// diagnostics can be shown.
    #[test]
    fn a_slip_of_the_pen_never_panics(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        letter in prop_oneof![
            Just(None),
            prop::sample::select(SIGNS.chars().collect::<Vec<_>>()).prop_map(Some),
            any::<char>().prop_map(Some),
        ],
        keep in any::<bool>(),
    ) {
        let files = shipped();
        let text = &which.get(&files).1;
        let mut letters: Vec<char> = text.chars().collect();
        let at = at.index(letters.len());
        let end = if keep { at } else { at + 1 };
        letters.splice(at..end, letter);
        let changed: String = letters.into_iter().collect();
        match parse(&changed, "changed.toml") {
            Ok(script) => {
                let cluster = script.cluster(None).expect("it is written in the file");
                draw(&script, &cluster, 1);
                prop_assert!(script.lint(&cluster).iter().all(|one| !one.is_error()));
            }
            Err(found) => {
                prop_assert!(!found.is_empty());
                prop_assert!(!render(&found, false).is_empty());
                prop_assert!(found.iter().all(|one| one.line_column() >= (1, 1)));
            }
        }
        if let Ok(laid_out) = super::formatted(&changed, "changed.toml") {
            let values = |text: &str| toml::from_str::<toml::Table>(text).expect("it is TOML");
            prop_assert_eq!(values(&changed), values(&laid_out));
            prop_assert_eq!(super::formatted(&laid_out, "again.toml"), Ok(laid_out.clone()));
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        drop(parse(&text, "any.toml"));
    }

    /// The small languages, with their own words in any order.
    #[test]
    fn no_order_of_words_panics(
        words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..12),
    ) {
        let words = words.join(" ");
        let kill = format!(r#"{{ at = "1s", do = "kill", nodes = "{words}" }}"#);
        let heal = format!(r#"{{ at = "{words}", do = "heal" }}"#);
        let outage = format!(r#"{{ of = "write({words})", opens = "{words}" }}"#);
        drop(said(
            &format!("{kill}, {heal}"),
            &format!("finally = [\"{words}\"]\noutage = [{outage}]"),
        ));
    }
}
