//! `${VARIABLE}` in compose files: `$NAME`, `${NAME}`, `:-`, `-`, `:?`, `?`, `:+`, `+`, and `$$` for a dollar sign.
//!
//! Variables come from the `.env` file beside the compose file only: the caller's own environment would make a run depend
//! on the machine it is run on.

use std::collections::BTreeMap;
use std::ops::Range;

/// What came of one text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Interpolated {
    /// The text.
    pub text: String,
    /// Variables that are not set and have no default: they became nothing.
    pub unset: Vec<String>,
}

/// How deep defaults may stand in defaults.
const DEPTH_MAX: usize = 8;

/// Resolves the variables of `text`.
///
/// # Errors
/// What Compose would stop with: a broken form, or a required variable (`:?`) that is not set.
pub(super) fn interpolate(
    text: &str,
    variables: &BTreeMap<String, String>,
) -> Result<Interpolated, String> {
    let mut done = Interpolated::default();
    substitute(text, variables, &mut done, 0)?;
    Ok(done)
}

fn substitute(
    text: &str,
    variables: &BTreeMap<String, String>,
    done: &mut Interpolated,
    depth: usize,
) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("defaults stand in defaults more than {DEPTH_MAX} deep"));
    }
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        done.text.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        if let Some(next) = after.strip_prefix('$') {
            done.text.push('$');
            rest = next;
        } else if let Some(inner) = after.strip_prefix('{') {
            let end = closing(inner).ok_or_else(|| format!("`${{` without `}}` in `{text}`"))?;
            braced(&inner[..end], variables, done, depth)?;
            rest = &inner[end + 1..];
        } else {
            let name = name_at(after);
            if name.is_empty() {
                return Err(format!("a `$` without a name in `{text}`: write `$$` for a dollar"));
            }
            take(name, variables, done);
            rest = &after[name.len()..];
        }
    }
    done.text.push_str(rest);
    Ok(())
}

/// The inside of `${…}`.
fn braced(
    inner: &str,
    variables: &BTreeMap<String, String>,
    done: &mut Interpolated,
    depth: usize,
) -> Result<(), String> {
    let name = name_at(inner);
    if name.is_empty() {
        return Err(format!("`${{{inner}}}` has no name"));
    }
    let form = &inner[name.len()..];
    let (empty_counts_as_unset, form) = match form.strip_prefix(':') {
        Some(form) => (true, form),
        None => (false, form),
    };
    let value = variables.get(name).filter(|value| !(empty_counts_as_unset && value.is_empty()));
    match (form.chars().next(), form.get(1..)) {
        (None, _) if !empty_counts_as_unset => take(name, variables, done),
        (Some('-'), Some(default)) => match value {
            Some(value) => done.text.push_str(value),
            None => substitute(default, variables, done, depth + 1)?,
        },
        (Some('?'), Some(message)) => match value {
            Some(value) => done.text.push_str(value),
            None => return Err(format!("required variable {name} is missing a value: {message}")),
        },
        (Some('+'), Some(other)) if value.is_some() => {
            substitute(other, variables, done, depth + 1)?;
        }
        (Some('+'), _) => {}
        _ => return Err(format!("`${{{inner}}}` is no form Compose knows")),
    }
    Ok(())
}

fn take(name: &str, variables: &BTreeMap<String, String>, done: &mut Interpolated) {
    match variables.get(name) {
        Some(value) => done.text.push_str(value),
        None => done.unset.push(name.to_owned()),
    }
}

/// Where the brace that was opened before `inner` closes.
fn closing(inner: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn name_at(text: &str) -> &str {
    let end = text
        .char_indices()
        .find(|(at, letter)| {
            let fits = letter.is_ascii_alphabetic() || *letter == '_';
            !(fits || (*at > 0 && letter.is_ascii_digit()))
        })
        .map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// A line of an `.env` or `env_file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EnvLine {
    /// The variable; empty where there is none in the line.
    pub name: String,
    /// What it is set to, before variables in it are resolved; `None` for a name alone.
    pub value: Option<String>,
    /// In single quotes: variables in it are not resolved.
    pub is_literal: bool,
    /// Where the line stands, in bytes.
    pub span: Range<usize>,
}

/// The lines of an `.env` or `env_file`: `NAME=value`, `#` comments, an `export ` before it, quotes around it.
pub(super) fn env_lines(text: &str) -> Vec<EnvLine> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        let first = start + (line.len() - line.trim_start().len());
        let span = first..first + content.len();
        start += line.len();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let content = content.strip_prefix("export ").unwrap_or(content);
        let (name, value) = match content.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (content, None),
        };
        let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
        let quoted = |value: &str, quote| {
            let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
            Some(inner.to_owned())
        };
        let bare = |value: &str| {
            let comment = if value.starts_with('#') { 0 } else { value.len() };
            let end = value.find(" #").unwrap_or(comment).min(comment);
            value[..end].trim_end().to_owned()
        };
        let is_literal = value.and_then(|value| quoted(value, '\'')).is_some();
        let value = value.filter(|_| is_name).map(|value| {
            quoted(value, '"').or_else(|| quoted(value, '\'')).unwrap_or_else(|| bare(value))
        });
        let name = if is_name { name.to_owned() } else { String::new() };
        lines.push(EnvLine { name, value, is_literal, span });
    }
    lines
}

/// The variables an `.env` file sets.
pub(super) fn env_file(text: &str) -> Vec<(String, String)> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut set = Vec::new();
    for line in env_lines(text) {
        let Some(value) = line.value else { continue };
        let resolved = interpolate(&value, &known).ok().filter(|_| !line.is_literal);
        let value = resolved.map_or(value, |done| done.text);
        known.insert(line.name.clone(), value.clone());
        set.push((line.name, value));
    }
    set
}
