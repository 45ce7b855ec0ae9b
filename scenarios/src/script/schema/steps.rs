//! Steps: one alternative for every group of verbs with the same keys.

use serde_json::{Value, json};

use super::{at_least, duration, flag, number, reference, shape, table, text_of, texts, word};
use crate::script::kafka::verb::VERBS as ADMIN_VERBS;
use crate::script::verb::VERBS;

/// Keys with what they take.
type Keys = Vec<(&'static str, Value)>;

/// What has no end, or is one.
const LASTING: [&str; 11] = [
    "restart",
    "power-on",
    "resume",
    "wipe",
    "rejoin",
    "heal",
    "tamper",
    "resume-disk",
    "free-disk",
    "mend-disk",
    "bit-rot",
];

/// A step of the timeline.
pub fn step() -> Value {
    let mut groups: Vec<(Vec<&str>, Vec<&str>, Keys)> = Vec::new();
    for verb in VERBS {
        let (required, mut keys) = keys_of(verb);
        if !LASTING.contains(&verb) && !ADMIN_VERBS.contains(&verb) {
            keys.push(("for", duration("Undone after this time")));
        }
        match groups.iter_mut().find(|group| group.1 == required && group.2 == keys) {
            Some(group) => group.0.push(verb),
            None => groups.push((vec![verb], required, keys)),
        }
    }
    let alternatives = groups.into_iter().map(|(verbs, mut required, mut keys)| {
        required.push("do");
        keys.push(("do", word("What is done", &verbs)));
        keys.extend(common());
        table("A step", &required, keys)
    });
    json!({ "anyOf": alternatives.collect::<Vec<_>>() })
}

/// What every step can have.
fn common() -> Keys {
    vec![
        ("id", text_of("Its name, for other steps and for promises")),
        ("at", text_of("When: a time, or a window to draw one from")),
        ("every", duration("Again and again")),
        ("when", text_of("As soon as this condition is true")),
        ("starting", text_of("Of a repeated step, the first time")),
        ("times", at_least("How often at most", 0)),
        ("after", duration("So long after the condition became true")),
    ]
}

/// Which keys a verb needs and has.
fn keys_of(verb: &str) -> (Vec<&'static str>, Keys) {
    let nodes = || ("nodes", text_of("Whom: names, patterns, roles, `any 2 of zk-*`"));
    let who = || vec![nodes(), ("hosts", text_of("Which of [hosts], with all on them"))];
    let sides = || vec![("from", text_of("One side")), ("to", text_of("The other side"))];
    let bounds = || {
        vec![
            ("latency", duration("Always so long")),
            ("min", duration("At least")),
            ("max", duration("At most")),
        ]
    };
    let with = |mut keys: Keys, more: Keys| {
        keys.extend(more);
        keys
    };
    let both = vec!["from", "to"];
    match verb {
        "cut" => (both, with(sides(), vec![("one-way", flag("The other way stays open"))])),
        "heal" => (vec![], sides()),
        "tamper" => (both, sides()),
        "latency" => (both, with(sides(), bounds())),
        "loss" => {
            let percent = ("percent", number("Of a hundred packets", 0, 100));
            let per_million = ("per-million", number("Of a million packets", 0, 1_000_000));
            (both, with(sides(), vec![percent, per_million]))
        }
        "slow-fsync" => (vec![], with(who(), bounds())),
        "full-disk" => (vec![], with(who(), vec![("free", at_least("Bytes that are left", 0))])),
        "fail-disk" => {
            (vec![], with(who(), vec![("what", word("What fails", &["writes", "syncs"]))]))
        }
        "bit-rot" => {
            (vec!["path"], with(who(), vec![("path", text_of("A part of the file's path"))]))
        }
        "clock-jump" => {
            (vec!["by"], with(who(), vec![("by", text_of("A span with a sign: +40s, -40s"))]))
        }
        "clock-drift" => {
            let ppm = json!({
                "description": "Fast, or slow if negative, in µs per second",
                "type": "integer", "minimum": -999_999, "maximum": 999_999,
            });
            (vec!["ppm"], with(who(), vec![("ppm", ppm)]))
        }
        "service-time" => {
            let per_input = ("per-input", duration("For every input"));
            let per_byte = ("per-byte-nanos", at_least("For every byte of it, in ns", 0));
            (vec![], with(who(), vec![per_input, per_byte]))
        }
        admin if ADMIN_VERBS.contains(&admin) => {
            let (required, keys) = keys_of_admin(admin);
            (required, with(keys, tool()))
        }
        _ => (vec![], who()),
    }
}

/// What every admin tool can have.
fn tool() -> Keys {
    let prints = json!({
        "description": "What its output must contain: a text or several",
        "type": ["string", "array"],
        "items": { "type": "string" },
    });
    vec![
        ("bootstrap", texts("Addresses of brokers (host:port): all if not said")),
        ("timeout", duration("Gives up after this")),
        ("expect-exit", number("The exit code it must end with", 0, 255)),
        ("prints", prints),
    ]
}

fn keys_of_admin(verb: &str) -> (Vec<&'static str>, Keys) {
    let topic = ("topic", text_of("The topic"));
    match verb {
        "create-topic" => {
            let mut keys = vec![topic];
            keys.extend(shape());
            (vec!["topic"], keys)
        }
        "add-partitions" => {
            let partitions = ("partitions", number("How many there shall be", 1, 10_000));
            (vec!["topic", "partitions"], vec![topic, partitions])
        }
        "alter-config" => {
            let config = ("config", reference("topic-settings"));
            (vec!["topic", "config"], vec![topic, config])
        }
        "elect-leaders" => {
            let partitions = ("partitions", texts("Of these partitions: [\"orders-0\"]"));
            (vec![], vec![topic, partitions, ("unclean", flag("Also from outside the ISR"))])
        }
        "delete-topic" => (vec!["topic"], vec![topic]),
        _ => (vec![], vec![topic]),
    }
}
