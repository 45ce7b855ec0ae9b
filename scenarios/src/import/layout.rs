//! What is wrong with the layout of a compose file before its content matters: tabs, placeholders, duplicate keys.

use std::ops::Range;
use std::rc::Rc;

use super::placeholder;
use super::reading::Reading;
use super::yaml::{self, Malformed, Node, Value};

/// Reads the file and those it brings in as one; what is wrong is in `reading.errors` afterwards.
pub(super) fn tree(reading: &mut Reading<'_>) -> Option<Rc<Node>> {
    super::combine::tree(reading)
}

/// Reads the file whose places begin at `base` as YAML.
pub(super) fn parsed(reading: &mut Reading<'_>, base: usize) -> Option<Rc<Node>> {
    let text = reading.source(&(base..base)).1.clone();
    match yaml::parse(&text, base) {
        Ok(root) => {
            let mut starts = Vec::new();
            if let Some(root) = &root {
                collect_starts(root, &mut starts, &mut 0);
            }
            let first = starts.into_iter().filter_map(|at| tab_before(&text, at - base)).min();
            if let Some(tab) = first {
                refuse_tab(reading, base, tab);
                return None;
            }
            if root.is_none() {
                let help = "give it `services:`";
                let message = "there is nothing in this file";
                reading.error("Y03", &(base..base), message, "", help);
            }
            root
        }
        Err(malformed) => {
            refuse(reading, base, &text, &malformed);
            None
        }
    }
}

/// Says why this is no YAML, in the words of the most likely reason.
fn refuse(reading: &mut Reading<'_>, base: usize, text: &str, malformed: &Malformed) {
    let offset = malformed.offset.saturating_sub(base);
    let there = |span: Range<usize>| span.start + base..span.end + base;
    if let Some(first) = &malformed.duplicate_of {
        let at = reading.at(first);
        let span = there(word_at(text, offset));
        let help = format!("it stands at {at} already: keep one of them");
        return reading.error("Y04", &span, malformed.message.clone(), "again", help);
    }
    let upto = line_end(text, offset);
    if let Some(tab) = first_tab(&text[..upto]) {
        return refuse_tab(reading, base, tab);
    }
    if let Some(span) = placeholder_at(text, offset) {
        return placeholder(reading, &there(span));
    }
    let span = there(word_at(text, offset));
    let message = format!("this is not YAML: {}", malformed.message);
    let help = "check the indentation and the quotes of this line and the one above";
    reading.error("Y00", &span, message, "here", help);
}

/// Y01. Not repaired: the repaired text may mean something else than its author wanted.
fn refuse_tab(reading: &mut Reading<'_>, base: usize, tab: usize) {
    let name = reading.source(&(base..base)).0.to_owned();
    let message = "a tab in the indentation";
    let help = format!(
        "YAML forbids tabs there, so Compose refuses this file too. `expand -t 2 {name}` prints it \
         with spaces: read that, save it under another name, import it"
    );
    reading.error("Y01", &(base + tab..base + tab + 1), message, "this tab", help);
}

/// The first tab in the indentation of a line that is neither blank nor a comment.
fn first_tab(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches([' ', '\t']);
        let indentation = &line[..line.len() - content.len()];
        let is_blank = content.trim_end().is_empty() || content.starts_with('#');
        if let (Some(tab), false) = (indentation.find('\t'), is_blank) {
            return Some(start + tab);
        }
        start += line.len();
    }
    None
}

/// The tab in the indentation of the line on which something starts, if only blanks stand before it.
fn tab_before(text: &str, start: usize) -> Option<usize> {
    let line = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let before = &text[line..start];
    let is_indentation = before.chars().all(|letter| matches!(letter, ' ' | '\t' | '-'));
    let tab = before.find('\t')?;
    let only_blanks = before[..tab].chars().all(|letter| letter == ' ');
    (is_indentation && only_blanks).then_some(line + tab)
}

/// Where keys and values of block collections start.
fn collect_starts(node: &Node, starts: &mut Vec<usize>, visited: &mut usize) {
    *visited += 1;
    if node.is_flow || *visited > 50_000 {
        return; // in brackets and braces tabs are blanks like others
    }
    match &node.value {
        Value::Scalar { .. } => starts.push(node.span.start),
        Value::List(items) => {
            items.iter().for_each(|item| collect_starts(item, starts, visited));
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                starts.push(key.span.start);
                collect_starts(value, starts, visited);
            }
        }
    }
}

/// Y02: `- {some words}:/path` on the line of the error or the one before it.
fn placeholder_at(text: &str, offset: usize) -> Option<Range<usize>> {
    let start = text[..floor(text, offset)].rfind('\n').unwrap_or(0);
    let start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let lines = &text[start..line_end(text, offset)];
    let mut at = start;
    for line in lines.split_inclusive('\n') {
        let code = line.split(" #").next().unwrap_or_default();
        let open = code.match_indices('{').find(|(open, _)| !code[..*open].ends_with('$'));
        if let Some((open, _)) = open
            && let Some(close) = code[open..].find('}').map(|close| open + close)
            && code[close + 1..].trim_start_matches(['"', '\'']).starts_with([':', '/'])
        {
            return Some(at + open..at + close + 1);
        }
        at += line.len();
    }
    None
}

fn line_end(text: &str, offset: usize) -> usize {
    let offset = floor(text, offset);
    text[offset..].find('\n').map_or(text.len(), |newline| offset + newline)
}

/// From here to the next blank.
fn word_at(text: &str, offset: usize) -> Range<usize> {
    let start = floor(text, offset);
    let length = text[start..].find(char::is_whitespace).unwrap_or(text.len() - start);
    start..start + length
}

fn floor(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
