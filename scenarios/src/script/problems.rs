//! Collecting what is wrong with a scenario file: the rule, the place, what happened and what to
//! try; several at once.
//!
//! What one of them is, the importer of cluster files shares: [`crate::diagnostic`].
//! Rules are explained in [`crate::diagnostic::codes`]: `E00` syntax, `E01` keys and values, `E02`
//! the small languages in strings, `E03` names, `E04` what goes together, `E05` times and promises,
//! `W06` what can be played and can hardly be meant.

use std::ops::Range;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::diagnostic::{Diagnostic, Severity};

/// Bytes `start..end` of a scenario file.
pub type Span = Range<usize>;

/// A value and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub span: Span,
}

/// All of them as text for people, one after the other. `colour` only adds colour.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let mut text = String::new();
    for diagnostic in diagnostics {
        if handler.render_report(&mut text, diagnostic).is_err() {
            text.push_str(&diagnostic.message);
        }
        text.push('\n');
    }
    text
}

/// Collects what is wrong while a file is read.
#[derive(Debug)]
pub struct Problems {
    file: String,
    source: Arc<str>,
    found: Vec<Diagnostic>,
}

impl Problems {
    /// None yet, for this file.
    pub fn of(file: &str, source: &str) -> Self {
        Self { file: file.to_string(), source: Arc::from(source), found: Vec::new() }
    }

    /// Adds one; refine it with [`Report::label`] and [`Report::help`].
    pub fn add(
        &mut self,
        code: &'static str,
        span: &Span,
        message: impl Into<String>,
    ) -> Report<'_> {
        let place = (self.file.as_str(), self.source.clone());
        let error = Diagnostic::error(code, place, span.clone(), message);
        self.found.push(Diagnostic { label: "here".to_string(), ..error });
        Report(self.found.last_mut().expect("one was just pushed"))
    }

    /// Adds one that does not keep the scenario from being played.
    pub fn warn(
        &mut self,
        code: &'static str,
        span: &Span,
        message: impl Into<String>,
    ) -> Report<'_> {
        let report = self.add(code, span, message);
        report.0.severity = Severity::Warning;
        report
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The text of the file.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// All of them, in the order of the file.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|found| (found.span.start, found.span.end, found.code));
        self.found
    }
}

/// More names than these help nobody.
const NAMES_MAX: usize = 40;

/// A diagnostic that was just added.
pub struct Report<'a>(&'a mut Diagnostic);

impl Report<'_> {
    /// What to say at the place itself.
    pub fn label(self, label: impl Into<String>) -> Self {
        self.0.label = label.into();
        self
    }

    /// Another place that belongs to it, and what to say there; nothing if it is the same place.
    pub fn also(self, span: &Span, label: impl Into<String>) -> Self {
        if *span != self.0.span {
            self.0.also.push((span.clone(), label.into()));
        }
        self
    }

    /// What to try.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Names what may have been meant instead of `wrong`; without one that is near, says what there
    /// is, unless that is too much to read.
    pub fn suggest<'n>(self, wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names: Vec<_> = names.into_iter().collect();
        names.dedup();
        let listed = |names: &[&str]| {
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        match nearest(wrong, names.iter().copied()).as_slice() {
            [] if names.is_empty() || names.len() > NAMES_MAX => self,
            [] => self.help(format!("there is {}", listed(&names))),
            best => self.help(format!("did you mean {}?", listed(best))),
        }
    }
}

/// Those of `names` that are nearest to `wrong` and at most a third of their letters away from it.
pub(crate) fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let far = names.into_iter().map(|name| (distance(wrong, name), name));
    let is_near = |(far, name): &(usize, &str)| *far <= (name.len().max(wrong.len()) / 3).max(1);
    let near: Vec<_> = far.filter(is_near).collect();
    let least = near.iter().map(|(far, _)| *far).min();
    near.iter().filter(|(far, _)| Some(*far) == least).map(|(_, name)| *name).collect()
}

/// How many letters to insert, remove, change or swap with their neighbour to get from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}
