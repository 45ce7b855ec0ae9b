//! The variables of a service: `env_file` first, `environment` over it; as a mapping or as a list.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Variable;
use crate::cluster::Severity;
use crate::import::interpolate::{env_lines, interpolate};
use crate::import::joined;
use crate::import::reading::Reading;
use crate::import::yaml::{BYTES_MAX, Node, Value};

/// All variables, in the order they were written in.
pub(super) fn read(reading: &mut Reading<'_>, service: &str, node: &Node) -> Vec<Variable> {
    let mut variables: BTreeMap<String, Variable> = BTreeMap::new();
    from_files(reading, service, node, &mut variables);
    let Some(environment) = node.get("environment").cloned() else {
        return in_order(variables);
    };
    let mut set = |name: String, value: String, span: Range<usize>| {
        let variable = Variable { name: name.clone(), value, span };
        variables.insert(name, variable)
    };
    let mut covered = Vec::new();
    for (key, value) in environment.entries() {
        retyped(reading, service, value);
        if value.is_null() {
            from_shell(reading, service, &key.text, &key.span);
        } else if let Some(text) = reading.string(value) {
            covered.extend(set(key.text.to_string(), text, key.span.clone()));
        } else if value.text().is_none() {
            let message = format!("the value of `{}` is not one word or number", key.text);
            let help = "write text, in quotes if need be";
            reading.error("Y05", &value.span, message, "a list or a mapping", help);
        }
    }
    for item in environment.items() {
        let Some(text) = reading.string(item) else { continue };
        match text.split_once('=') {
            Some((name, value)) => {
                let (name, value) = (name.trim().to_owned(), value.to_owned());
                in_quotes(reading, service, item, &name, &value);
                covered.extend(set(name, value, item.span.clone()));
            }
            None => from_shell(reading, service, &text, &item.span),
        }
    }
    for Variable { name, value, span } in covered {
        reading.unread(service, &name, &value, &span, "`environment` sets it again and wins");
    }
    in_order(variables)
}

fn in_order(variables: BTreeMap<String, Variable>) -> Vec<Variable> {
    let mut variables: Vec<Variable> = variables.into_values().collect();
    variables.sort_by_key(|variable| variable.span.start);
    variables
}

/// A name without a value is taken from the caller's shell, where nobody has set it.
fn from_shell(reading: &mut Reading<'_>, service: &str, name: &str, span: &Range<usize>) {
    let why = "no value: Compose takes it from the caller's shell, which is not looked at here";
    reading.unread(service, name, "", span, why);
}

/// Y05: in a list, quotes around the value are part of it.
fn in_quotes(reading: &mut Reading<'_>, service: &str, item: &Node, name: &str, value: &str) {
    let quoted =
        |quote: char| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
    if quoted('"') || quoted('\'') {
        let at = reading.at(&item.span);
        let what = format!("the quotes in `{name}={value}` are part of the value");
        let help = format!("write `{name}={}`", &value[1..value.len() - 1]);
        reading.find(("Y05", Severity::Warning), at, service, what, help);
    }
}

/// Y05: an unquoted word that YAML takes for something else than text.
fn retyped(reading: &mut Reading<'_>, service: &str, node: &Node) {
    const WORDS: [&str; 8] = ["yes", "no", "on", "off", "true", "false", "y", "n"];
    let Value::Scalar { text, plain: true } = &node.value else { return };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let what = if WORDS.contains(&text.to_lowercase().as_str()) {
        format!("`{text}` without quotes is a boolean in YAML: Compose 1.x refuses it")
    } else if text.len() > 1 && text.starts_with('0') && is_digits(text) {
        format!("`{text}` without quotes is a number to YAML, its zeros may get lost")
    } else if text.strip_prefix("0x").is_some_and(|d| d.bytes().all(|b| b.is_ascii_hexdigit())) {
        format!("`{text}` without quotes is a hexadecimal number to YAML")
    } else {
        return;
    };
    let at = reading.at(&node.span);
    reading.find(("Y05", Severity::Warning), at, service, what, format!("write \"{text}\""));
}

/// The variables of `env_file`; of several files, the last that sets one.
fn from_files(
    reading: &mut Reading<'_>,
    service: &str,
    node: &Node,
    variables: &mut BTreeMap<String, Variable>,
) {
    let Some(listed) = node.get("env_file").filter(|files| !files.is_null()).cloned() else {
        return;
    };
    let single = std::slice::from_ref(&listed);
    let files = if listed.items().is_empty() { single } else { listed.items() };
    for file in files {
        let path = file.get("path").unwrap_or(file).clone();
        let Some(name) = reading.string(&path) else { continue };
        let required = file.get("required").and_then(|required| required.text()) != Some("false");
        let text = (reading.beside)(&name).filter(|text| text.len() <= BYTES_MAX);
        match text {
            Some(text) => from_file(reading, service, &name, &text, variables),
            None if required => {
                let at = reading.at(&path.span);
                let what = format!(
                    "`env_file: {name}` cannot be read: its variables are missing, and Compose \
                     would not start the service"
                );
                let help = "put the file where the compose file looks for it";
                reading.find(("Y06", Severity::Warning), at, service, what, help);
            }
            None => {
                let why = "not there, and not required";
                reading.unread(service, "env_file", &name, &path.span, why);
            }
        }
    }
}

fn from_file(
    reading: &mut Reading<'_>,
    service: &str,
    name: &str,
    text: &str,
    variables: &mut BTreeMap<String, Variable>,
) {
    let base = reading.bring_in(&joined(&reading.file, name), text);
    let mut known = reading.variables.clone();
    for line in env_lines(text) {
        let span = line.span.start + base..line.span.end + base;
        let Some(value) = line.value else {
            match line.name.is_empty() {
                true => reading.unread(service, text[line.span].trim(), "", &span, "no variable"),
                false => from_shell(reading, service, &line.name, &span),
            }
            continue;
        };
        let value = match line.is_literal {
            true => value,
            // A dollar that begins no variable is a dollar.
            false => interpolate(&value, &known).map_or(value, |done| done.text),
        };
        known.insert(line.name.clone(), value.clone());
        let variable = Variable { name: line.name.clone(), value, span };
        if let Some(Variable { name, value, span }) = variables.insert(line.name, variable) {
            reading.unread(service, &name, &value, &span, "a later line of an `env_file` wins");
        }
    }
}
