//! The schema that is committed is the one that is generated, takes what the parser takes, and knows its keys.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::shipped;
use crate::diagnostic::codes;
use crate::script::{parse, schema, verb};

#[test]
fn the_committed_schema_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenario.schema.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let hint = "write it anew: rehearsal schema > scenarios/scenario.schema.json";
    assert!(committed == schema::text(), "{hint}");
}

fn errors(text: &str) -> Vec<String> {
    let table: toml::Table = toml::from_str(text).expect("it is TOML");
    let value = serde_json::to_value(table).expect("it is like JSON");
    let schema = schema::schema();
    let mut errors = Vec::new();
    validate(&value, &schema, &schema, "", &mut errors);
    errors
}

#[test]
fn what_ships_fits_the_schema() {
    for (path, text) in shipped() {
        assert_eq!(errors(&text), Vec::<String>::new(), "{}", path.display());
    }
    let everything = include_str!("everything.toml");
    assert_eq!(errors(everything), Vec::<String>::new());
}

#[test]
fn examples_fit_the_schema_or_not_as_their_rules_have_it() {
    let of_shape =
        ["E0101", "E0102", "E0103", "E0105", "E0106", "E0107", "E0402", "E0406", "E0407"];
    for rule in codes::all().filter(|rule| rule.code.starts_with(['E', 'W'])) {
        let right = codes::tests::whole(rule.right);
        assert_eq!(errors(&right), Vec::<String>::new(), "{}", rule.code);
        if of_shape.contains(&rule.code) {
            assert!(!errors(&codes::tests::whole(rule.wrong)).is_empty(), "{}", rule.code);
        }
    }
}

#[test]
fn other_keys_are_refused() {
    let text = r#"
name = "x"
duration = "ten seconds"
cluster = { zookeeper = "3" }
client = []

[[clients]]
id = "w1"
write = { path = "/app", evry = "1s" }

[timeline]
steps = [{ at = "5s", do = "kill", nodes = "zk-1", to = "zk-2" }]
"#;
    insta::assert_snapshot!(errors(text).join("\n"), @r"
    /client: no such key
    /clients/0: fits none of several
    /cluster/zookeeper: not an integer
    /duration: not as its pattern has it
    /timeline/steps/0: fits none of several
    ");
}

/// What the parser says there is, when it is asked for a key that is not there, is in the schema.
#[test]
fn every_key_of_the_parser_is_in_the_schema() {
    let schema = schema::schema();
    let steps = schema["$defs"]["step"]["anyOf"].as_array().expect("alternatives");
    for verb in verb::VERBS {
        let is_of = |step: &&Value| {
            let verbs = step["properties"]["do"]["enum"].as_array().expect("words");
            verbs.contains(&json!(verb))
        };
        let step =
            steps.iter().find(is_of).unwrap_or_else(|| panic!("{verb} is not in the schema"));
        let known: BTreeSet<_> = step["properties"].as_object().expect("keys").keys().collect();
        let required = step["required"].as_array().expect("keys");
        let sides = r#"from = "zk-1", to = "zk-2", "#;
        let nodes = r#"nodes = "zk-1", "#;
        let has = |key: &str| required.contains(&json!(key));
        let mut keys = String::from(if has("from") || verb == "heal" { sides } else { nodes });
        keys.push_str(match verb {
            "latency" | "slow-fsync" => r#"min = "1s", max = "1s", "#,
            "loss" => "percent = 3, ",
            "bit-rot" => r#"path = "x", "#,
            "clock-jump" => r#"by = "+1s", "#,
            "clock-drift" => "ppm = 3, ",
            "add-partitions" => r#"topic = "orders", partitions = 3, "#,
            "alter-config" => r#"topic = "orders", config = { retention.ms = 1 }, "#,
            "create-topic" | "delete-topic" => r#"topic = "orders", "#,
            _ => "",
        });
        for when in [r#"every = "1s""#, r#"when = "zk.quorum""#] {
            let text = format!(
                "name = \"x\"\nduration = \"60s\"\ncluster = {{ zookeeper = 3, brokers = 3 }}\n\
                 [timeline]\nsteps = [{{ {when}, do = \"{verb}\", {keys}unknown-key-of-nobody = 1 }}]"
            );
            let found = parse(&text, "x.toml").expect_err("a key is unknown");
            let unknown = found.iter().find(|one| one.message.contains("unknown-key-of-nobody"));
            let help = unknown.and_then(|one| one.help.clone()).unwrap_or_default();
            assert!(help.starts_with("there is `id`"), "{verb}: {help} {found:?}");
            // The parser knows `for` everywhere, to say that not everything can be undone.
            let text = text.replace("unknown-key-of-nobody = 1", "for = \"1s\"");
            let refused = parse(&text, "x.toml").err().unwrap_or_default();
            let has_end = refused.iter().all(|one| one.code != "E0404");
            assert_eq!(known.contains(&"for".to_string()), has_end, "{verb}");
            for key in help.split('`').skip(1).step_by(2).filter(|key| *key != "for") {
                assert!(known.contains(&key.to_string()), "{verb} has `{key}`");
            }
        }
    }
}

/// As much of JSON Schema as the schema uses.
fn validate(value: &Value, schema: &Value, root: &Value, at: &str, errors: &mut Vec<String>) {
    let mut wrong = |what: &str| errors.push(format!("{at}: {what}"));
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/$defs/").expect("all are local");
        return validate(value, &root["$defs"][name], root, at, errors);
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        wrong("not one of the words");
    }
    let is = |kind: &str| match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    match &schema["type"] {
        Value::String(kind) if !is(kind) => {
            return wrong(&format!("not an {kind}").replace("an s", "a s"));
        }
        Value::Array(kinds) if !kinds.iter().any(|kind| is(kind.as_str().expect("a word"))) => {
            return wrong("of none of the kinds");
        }
        _ => {}
    }
    let too = |bound: &str, over: fn(i64, i64) -> bool| {
        let bound = schema[bound].as_i64();
        value.as_i64().zip(bound).is_some_and(|(value, bound)| over(value, bound))
    };
    if too("minimum", |value, min| value < min) || too("maximum", |value, max| value > max) {
        wrong("out of range");
    }
    if let (Some(_), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !is_duration(text)
    {
        wrong("not as its pattern has it");
    }
    if let Some(alternatives) = schema["anyOf"].as_array() {
        let fits = |one: &Value| {
            let mut errors = Vec::new();
            validate(value, one, root, at, &mut errors);
            errors.is_empty()
        };
        if !alternatives.iter().any(fits) {
            wrong("fits none of several");
        }
    }
    for key in schema["required"].as_array().into_iter().flatten() {
        if value.get(key.as_str().expect("a key")).is_none() {
            wrong(&format!("no {key}"));
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if !schema["items"].is_null() {
            validate(item, &schema["items"], root, &format!("{at}/{index}"), errors);
        }
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{key}");
        match (&schema["properties"][key], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => errors.push(format!("{at}: no such key")),
            (Value::Null, Value::Null) => {}
            (Value::Null, others) => validate(inner, others, root, &at, errors),
            (known, _) => validate(inner, known, root, &at, errors),
        }
    }
}

/// The only pattern there is.
fn is_duration(text: &str) -> bool {
    let text = text.trim();
    let number = text.trim_end_matches(|letter: char| letter.is_alphabetic());
    let units = ["us", "µs", "ms", "s", "m", "min", "h"];
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|one| one.is_ascii_digit());
    units.contains(&&text[number.len()..])
        && digits(whole)
        && digits(decimals)
        && decimals.len() <= 6
}
