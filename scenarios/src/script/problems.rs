//! Collecting what is wrong with a scenario file: the rule, the place, what happened and what to
//! try; several at once.
//!
//! What one of them is, the importer of cluster files shares: [`crate::diagnostic`].
//! Which rules there are is seen where they are broken: `E00` syntax, `E01` keys and values, `E02`
//! the small languages in strings, `E03` names, `E04` steps, `E05` times and promises.

use std::ops::Range;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::diagnostic::Diagnostic;

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
        self.found.push(Diagnostic {
            code,
            message: message.into(),
            span: span.clone(),
            label: "here".to_string(),
            help: None,
            file: self.file.clone(),
            source: self.source.clone(),
        });
        Report(self.found.last_mut().expect("one was just pushed"))
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

    /// What to try.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Names what may have been meant instead of `wrong`; without one that is near, says what there
    /// is, unless that is too much to read.
    pub fn suggest<'n>(self, wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names: Vec<_> =
            names.into_iter().map(|name| (distance(wrong, name), name)).collect();
        names.dedup();
        let listed = |names: &mut dyn Iterator<Item = &(usize, &str)>| {
            names.map(|(_, name)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        let is_near =
            |(far, name): &&(usize, &str)| *far <= (name.len().max(wrong.len()) / 3).max(1);
        match names.iter().filter(is_near).map(|(far, _)| *far).min() {
            Some(nearest) => {
                let mut best = names.iter().filter(|(far, _)| *far == nearest);
                self.help(format!("did you mean {}?", listed(&mut best)))
            }
            None if names.is_empty() || names.len() > NAMES_MAX => self,
            None => self.help(format!("there is {}", listed(&mut names.iter()))),
        }
    }
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
