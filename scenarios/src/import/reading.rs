//! What is found while files are read: diagnostics that end the import, findings and unread words that go with the cluster.
//!
//! A file may bring in others (`env_file`, `extends`, `include`, a second `-f`): their texts are laid end to end, so that one
//! range of bytes says which file and where in it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::interpolate::interpolate;
use super::yaml::Node;
use crate::cluster::{Finding, Severity, Topic, Unread};
use crate::diagnostic::{Diagnostic, line_column};

/// How files beside the one being read are found: by their path, `None` where there is none.
pub(super) type Beside<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A value and its place in the file.
#[derive(Clone, Debug)]
pub(super) struct Spot<T> {
    pub value: T,
    pub span: Range<usize>,
}

/// One file being read, with those it brings in.
pub(super) struct Reading<'a> {
    /// Its name, as the person gave it.
    pub file: String,
    /// Its text.
    pub text: Arc<str>,
    /// The files it brings in.
    others: Vec<Other>,
    /// Further compose files to be laid over it, with their names: `-f` after the first.
    pub overlays: Vec<(String, String)>,
    /// Variables for interpolation.
    pub variables: BTreeMap<String, String>,
    /// What ends the import.
    pub errors: Vec<Diagnostic>,
    /// What the cluster is to be told.
    pub findings: Vec<Found>,
    /// Topics that something in the files creates, with their places.
    pub topics: Vec<(Topic, Range<usize>)>,
    /// What is written and changes nothing.
    pub unread: Vec<Unread>,
    /// Other files.
    pub beside: Beside<'a>,
}

/// A file that another one brings in.
struct Other {
    /// Where its places begin.
    base: usize,
    file: String,
    text: Arc<str>,
}

/// A finding before findings that say the same are put together.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub rule: &'static str,
    pub severity: Severity,
    pub at: String,
    /// The node it is about; empty if it is about all.
    pub who: String,
    pub what: String,
    pub help: String,
}

impl<'a> Reading<'a> {
    /// Begins to read a file.
    pub fn new(file: &str, text: &str, beside: Beside<'a>) -> Self {
        Self {
            file: file.to_owned(),
            text: text.into(),
            others: Vec::new(),
            overlays: Vec::new(),
            variables: BTreeMap::new(),
            errors: Vec::new(),
            findings: Vec::new(),
            topics: Vec::new(),
            unread: Vec::new(),
            beside,
        }
    }

    /// Brings in another file: its places begin at the number returned.
    pub fn bring_in(&mut self, file: &str, text: &str) -> usize {
        let base = match self.others.last() {
            Some(last) => last.base + last.text.len() + 1,
            None => self.text.len() + 1,
        };
        self.others.push(Other { base, file: file.to_owned(), text: text.into() });
        base
    }

    /// The file a place is in, its text, and where its places begin.
    pub fn source(&self, span: &Range<usize>) -> (&str, &Arc<str>, usize) {
        let other = self.others.iter().rev().find(|other| other.base <= span.start);
        other.map_or((&self.file, &self.text, 0), |other| (&other.file, &other.text, other.base))
    }

    /// `file:line:column` of a place.
    pub fn at(&self, span: &Range<usize>) -> String {
        let (file, text, base) = self.source(span);
        let (line, column) = line_column(text, span.start - base);
        format!("{file}:{line}:{column}")
    }

    /// `file:line` of a place.
    pub fn line(&self, span: &Range<usize>) -> String {
        let (file, text, base) = self.source(span);
        format!("{file}:{}", line_column(text, span.start - base).0)
    }

    /// Something that is written there and changes nothing.
    pub fn unread(&mut self, node: &str, name: &str, value: &str, span: &Range<usize>, why: &str) {
        let at = self.line(span);
        let [node, name, value, why] = [node, name, value, why].map(str::to_owned);
        let unread = Unread { node, name, value, at, why };
        if !self.unread.contains(&unread) {
            self.unread.push(unread);
        }
    }

    /// Something that ends the import.
    pub fn error(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let (file, text, base) = self.source(span);
        let (file, source) = (file.to_owned(), text.clone());
        let start = span.start - base;
        let end = (span.end - base).min(source.len()).max(start);
        let error = Diagnostic::error(code, (&file, source), start..end, message);
        self.errors.push(Diagnostic { label: label.into(), help: Some(help.into()), ..error });
    }

    /// Something the cluster is to be told, about `who`.
    pub fn find(
        &mut self,
        (rule, severity): (&'static str, Severity),
        at: String,
        who: &str,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        let (who, what, help) = (who.to_owned(), what.into(), help.into());
        self.findings.push(Found { rule, severity, at, who, what, help });
    }

    /// The text of a scalar with its variables resolved; nothing for anything else.
    pub fn string(&mut self, node: &Node) -> Option<String> {
        let text = node.text().filter(|_| !node.is_null())?;
        match interpolate(text, &self.variables) {
            Ok(done) => {
                for name in done.unset {
                    let what = format!("`${{{name}}}` is not set and has no default: it is empty");
                    let help = format!("write `${{{name}:-value}}`, or set it in a file `.env`");
                    let at = self.at(&node.span);
                    self.find(("Y06", Severity::Warning), at, "", what, help);
                }
                Some(done.text)
            }
            Err(message) => {
                let help = "see Compose's interpolation: ${NAME}, ${NAME:-default}, $$";
                self.error("Y06", &node.span, message, "here", help);
                None
            }
        }
    }

    /// As [`Reading::string`], with its place.
    pub fn spot(&mut self, node: &Node) -> Option<Spot<String>> {
        let value = self.string(node)?;
        Some(Spot { value, span: node.span.clone() })
    }
}

/// Findings that say the same of several nodes become one; the most severe come first.
pub(super) fn together(found: Vec<Found>) -> Vec<Finding> {
    let mut groups: Vec<(Found, Vec<String>)> = Vec::new();
    for one in found {
        let same = |(first, _): &&mut (Found, Vec<String>)| {
            first.rule == one.rule && first.what == one.what && first.help == one.help
        };
        match groups.iter_mut().find(same) {
            Some((_, who)) if !who.contains(&one.who) => who.push(one.who),
            Some(_) => {}
            None => groups.push((one.clone(), vec![one.who])),
        }
    }
    groups.sort_by_key(|(found, _)| found.severity);
    groups
        .into_iter()
        .map(|(found, who)| {
            let who = listed(&who);
            let what = if who.is_empty() { found.what } else { format!("{who}: {}", found.what) };
            let (rule, severity) = (found.rule, found.severity);
            Finding { rule, severity, at: found.at, what, help: found.help }
        })
        .collect()
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> =
        names.iter().map(AsRef::as_ref).filter(|name| !name.is_empty()).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
