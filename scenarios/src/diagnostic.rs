//! What is wrong with a file somebody wrote: where, by which rule, and what to do.
//!
//! Shared by the scenario language and by the importer of cluster files. Rendering is `miette`'s; nothing here prints.

pub mod codes;
mod json;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

pub use crate::cluster::Severity;

/// One thing that is wrong with a file. Errors keep it from being used, warnings do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The rule (`Y01`), explained in [`codes`].
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is the matter, in one sentence.
    pub message: String,
    /// The file's name, as the person gave it.
    pub file: String,
    /// The whole text of the file.
    pub source: Arc<str>,
    /// Where in the text, in bytes.
    pub span: Range<usize>,
    /// A few words at that place.
    pub label: String,
    /// Other places that belong to it, each with a few words: where a name comes from, what is contradicted.
    pub also: Vec<(Range<usize>, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error, with nothing said at its place yet and no help.
    pub fn error(
        code: &'static str,
        (file, source): (&str, Arc<str>),
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            file: file.to_owned(),
            source,
            span,
            label: String::new(),
            also: Vec::new(),
            help: None,
        }
    }

    /// Whether the file cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Line and column of the place, both counted from 1, columns in characters.
    pub fn line_column(&self) -> (usize, usize) {
        line_column(&self.source, self.span.start)
    }

    /// `file:line:column`.
    pub fn at(&self) -> String {
        let (line, column) = self.line_column();
        format!("{}:{line}:{column}", self.file)
    }
}

/// Line and column of a byte of `text`, both counted from 1, columns in characters. Past the end is the end.
pub fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let before = &text[..offset.unwrap_or(0)];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Information => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labelled = |label: &str, span: &Range<usize>| {
            let label = Some(label.to_owned()).filter(|label| !label.is_empty());
            LabeledSpan::new(label, span.start, span.len())
        };
        let also = self.also.iter().map(move |(span, label)| labelled(label, span));
        let label = Some(self.label.clone()).filter(|label| !label.is_empty());
        let place = SourceSpan::new(self.span.start.into(), self.span.len());
        let first = LabeledSpan::new_primary_with_span(label, place);
        Some(Box::new(std::iter::once(first).chain(also)))
    }
}

impl SourceCode for Diagnostic {
    /// The text, with the file's name for the headline.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.source.as_ref().read_span(span, before, after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            found.data(),
            *found.span(),
            found.line(),
            found.column(),
            found.line_count(),
        )))
    }
}
