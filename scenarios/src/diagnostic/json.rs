//! Diagnostics for programs: one JSON object each, on one line. Lines and columns count from 1, columns in characters.

use std::ops::Range;

use serde::Serialize;

use super::{Diagnostic, Severity, line_column};

#[derive(Serialize)]
struct Object<'d> {
    code: &'d str,
    severity: &'static str,
    message: &'d str,
    file: &'d str,
    #[serde(flatten)]
    place: Place<'d>,
    also: Vec<Place<'d>>,
    help: Option<&'d str>,
}

#[derive(Serialize)]
struct Place<'d> {
    line: usize,
    column: usize,
    /// Behind its last character.
    end: End,
    label: &'d str,
}

#[derive(Serialize)]
struct End {
    line: usize,
    column: usize,
}

impl Severity {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

impl Diagnostic {
    /// As one line of JSON: `code`, `severity`, `message`, `file`, `line`, `column`, `end` (`line`, `column`), `label`,
    /// `also` (places with their own `line`, `column`, `end`, `label`), `help`.
    pub fn json(&self) -> String {
        let object = Object {
            code: self.code,
            severity: self.severity.word(),
            message: &self.message,
            file: &self.file,
            place: self.place(&self.span, &self.label),
            also: self.also.iter().map(|(span, label)| self.place(span, label)).collect(),
            help: self.help.as_deref(),
        };
        serde_json::to_string(&object).expect("strings and numbers are JSON")
    }

    fn place<'d>(&'d self, span: &Range<usize>, label: &'d str) -> Place<'d> {
        let (line, column) = line_column(&self.source, span.start);
        let (end_line, end_column) = line_column(&self.source, span.end);
        Place { line, column, end: End { line: end_line, column: end_column }, label }
    }
}
