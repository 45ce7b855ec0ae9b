//! Java properties as `java.util.Properties.load` reads them, each with its place: `zoo.cfg`, `zookeeper.properties`.
//!
//! `#` and `!` comments, `=`, `:` or blanks between key and value, a backslash at the end continues the line, `\uXXXX`.
//! Nothing is refused here: Java refuses only a broken `\u`, and this reads it as the letter `u`.

use std::ops::Range;

/// One setting and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key, escapes resolved.
    pub key: String,
    /// The value, escapes resolved, blanks at its end kept.
    pub value: String,
    /// The line its key stands on, from 1.
    pub line: usize,
    /// Where the whole entry stands, in bytes.
    pub span: Range<usize>,
}

/// All settings of `text`, in its order, repeated ones included.
pub fn parse(text: &str) -> Vec<Entry> {
    logical_lines(text).filter_map(|line| entry(&line)).collect()
}

/// A line with its continuations joined, comments and blank lines left out.
struct Logical {
    letters: Vec<char>,
    number: usize,
    span: Range<usize>,
}

/// A physical line without its end, and its place.
fn physical_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start > text.len() || text.is_empty() {
            return None;
        }
        let rest = &text[start..];
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line = (start, &rest[..end]);
        let ending = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        start += end + ending;
        Some(line)
    })
}

fn logical_lines(text: &str) -> impl Iterator<Item = Logical> {
    let mut lines = physical_lines(text).enumerate();
    std::iter::from_fn(move || {
        loop {
            let (number, (start, line)) = lines.next()?;
            let content = line.trim_start_matches(is_blank);
            if content.is_empty() || content.starts_with(['#', '!']) {
                continue;
            }
            let first = start + line.len() - content.len();
            let mut logical = Logical {
                letters: content.chars().collect(),
                number: number + 1,
                span: first..start + line.len(),
            };
            while is_continued(&logical.letters) {
                logical.letters.pop();
                let Some((_, (start, line))) = lines.next() else { break };
                logical.letters.extend(line.trim_start_matches(is_blank).chars());
                logical.span.end = start + line.len();
            }
            return Some(logical);
        }
    })
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\u{c}')
}

/// Whether an odd number of backslashes ends the line.
fn is_continued(letters: &[char]) -> bool {
    letters.iter().rev().take_while(|letter| **letter == '\\').count() % 2 == 1
}

fn entry(line: &Logical) -> Option<Entry> {
    let letters = &line.letters;
    let mut escaped = false;
    let end = letters.iter().position(|letter| {
        let ends = !escaped && (is_blank(*letter) || matches!(letter, '=' | ':'));
        escaped = *letter == '\\' && !escaped;
        ends
    });
    let end = end.unwrap_or(letters.len());
    let mut value = end;
    let skip_blanks = |mut at: usize| {
        while letters.get(at).is_some_and(|letter| is_blank(*letter)) {
            at += 1;
        }
        at
    };
    value = skip_blanks(value);
    if matches!(letters.get(value), Some('=' | ':')) {
        value = skip_blanks(value + 1);
    }
    Some(Entry {
        key: unescaped(&letters[..end]),
        value: unescaped(&letters[value..]),
        line: line.number,
        span: line.span.clone(),
    })
}

fn unescaped(letters: &[char]) -> String {
    let mut text = String::with_capacity(letters.len());
    let mut units: Vec<u16> = Vec::new();
    let mut at = 0;
    while let Some(letter) = letters.get(at) {
        at += 1;
        if *letter != '\\' {
            flush(&mut units, &mut text);
            text.push(*letter);
            continue;
        }
        let Some(escape) = letters.get(at) else { break };
        at += 1;
        if let ('u', Some(unit)) = (escape, code_unit(letters, at)) {
            units.push(unit);
            at += 4;
            continue;
        }
        flush(&mut units, &mut text);
        text.push(match escape {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\u{c}',
            other => *other,
        });
    }
    flush(&mut units, &mut text);
    text
}

/// Four hexadecimal digits: one UTF-16 unit.
fn code_unit(letters: &[char], at: usize) -> Option<u16> {
    let digits: String = letters.get(at..at + 4)?.iter().collect();
    u16::from_str_radix(&digits, 16).ok().filter(|_| !digits.starts_with('+'))
}

fn flush(units: &mut Vec<u16>, text: &mut String) {
    text.extend(char::decode_utf16(units.drain(..)).map(|unit| unit.unwrap_or('\u{fffd}')));
}
