//! The layout of scenario files: [`formatted`] writes a file anew as those of the library are written.
//!
//! Blanks, alignment, indentation, empty lines and commas at ends of lines are laid out; comments, line breaks and the order
//! of everything are the author's. Works on the pieces of the text, so that nothing it does not know can get lost, and knows
//! nothing of scenarios. Formatting twice is formatting once; no value ever changes.

mod pieces;

use toml::de::DeTable;

use super::problems::Problems;
use crate::diagnostic::Diagnostic;
use pieces::{Kind, Piece, pieces};

/// The file as the library's are laid out.
///
/// # Errors
/// E0001: it is not TOML.
pub fn formatted(source: &str, file: &str) -> Result<String, Vec<Diagnostic>> {
    let (_, errors) = DeTable::parse_recoverable(source);
    let mut problems = Problems::of(file, source);
    for error in errors {
        let end = source.len();
        let span = error.span().unwrap_or(end..end);
        problems.add("E0001", &span, error.message()).label("not TOML");
    }
    if !problems.is_empty() {
        return Err(problems.into_sorted());
    }
    let lines = lines(broken(pieces(source)));
    Ok(written(&lines))
}

/// One line of the file as it will be, without its break.
struct Line<'t> {
    pieces: Vec<Piece<'t>>,
    /// How many levels it stands inside brackets that were opened on lines before.
    level: usize,
}

impl Line<'_> {
    /// `[cluster]`, `[[clients]]`
    fn is_header(&self) -> bool {
        self.level == 0 && self.starts_with(Kind::Open)
    }

    fn is_comment(&self) -> bool {
        self.starts_with(Kind::Comment)
    }

    fn starts_with(&self, kind: Kind) -> bool {
        self.pieces.first().is_some_and(|piece| piece.kind == kind)
    }

    /// Of a line that begins a value at the top level, how many pieces its key has.
    fn key(&self) -> Option<usize> {
        if self.level > 0 {
            return None;
        }
        self.pieces.iter().position(|piece| piece.kind == Kind::Equals)
    }

    /// Whether it leaves a bracket open.
    fn is_open(&self) -> bool {
        let signs = self.pieces.iter().map(|piece| match piece.kind {
            Kind::Open => 1,
            Kind::Close => -1,
            _ => 0,
        });
        signs.sum::<i64>() > 0
    }
}

/// With breaks behind `[` and before `]` of arrays that have one inside, and commas where they belong: behind every element
/// of such an array, and behind none that is the last on its line.
fn broken(pieces: Vec<Piece<'_>>) -> Vec<Piece<'_>> {
    let is_broken = broken_arrays(&pieces);
    let mut laid: Vec<Piece<'_>> = Vec::new();
    let mut open: Vec<bool> = Vec::new();
    let mut after_open = false;
    for (piece, is_broken) in pieces.into_iter().zip(is_broken) {
        if after_open && !matches!(piece.kind, Kind::Break | Kind::Comment) {
            laid.push(Piece::BREAK);
        }
        after_open = false;
        match piece.kind {
            Kind::Open => {
                open.push(is_broken);
                after_open = is_broken;
            }
            Kind::Close if open.pop() == Some(true) => close_broken(&mut laid),
            Kind::Close => drop(laid.pop_if(|last| last.kind == Kind::Comma)),
            Kind::Comma => {
                let last = last_element(&laid).map_or(laid.len(), |last| last + 1);
                laid.insert(last, piece);
                continue;
            }
            _ => {}
        }
        laid.push(piece);
    }
    laid
}

/// The last piece that is neither a break nor a comment.
fn last_element(laid: &[Piece<'_>]) -> Option<usize> {
    laid.iter().rposition(|one| !matches!(one.kind, Kind::Break | Kind::Comment))
}

/// What comes before the `]` of an array over several lines: a comma and a break; nothing if it is empty.
fn close_broken(laid: &mut Vec<Piece<'_>>) {
    if let Some(last) = last_element(laid)
        && !matches!(laid[last].kind, Kind::Open | Kind::Comma)
    {
        laid.insert(last + 1, Piece::COMMA);
    }
    while laid.pop_if(|last| last.kind == Kind::Break).is_some() {}
    if laid.last().is_some_and(|one| one.kind != Kind::Open) {
        laid.push(Piece::BREAK);
    }
}

/// For every piece, whether it opens an array that has a break between its elements.
fn broken_arrays(pieces: &[Piece<'_>]) -> Vec<bool> {
    let mut is_broken = vec![false; pieces.len()];
    let mut open: Vec<usize> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        match piece.kind {
            Kind::Open => open.push(index),
            Kind::Close => drop(open.pop()),
            Kind::Break => {
                if let Some(array) = open.last().filter(|at| pieces[**at].text == "[") {
                    is_broken[*array] = true;
                }
            }
            _ => {}
        }
    }
    is_broken
}

/// The lines with their levels. A line opens at most one level, however many brackets it leaves open.
fn lines(pieces: Vec<Piece<'_>>) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    // For every open bracket, the line it was opened on.
    let mut open: Vec<usize> = Vec::new();
    for (number, pieces) in pieces.split(|piece| piece.kind == Kind::Break).enumerate() {
        let closing = pieces.iter().take_while(|piece| piece.kind == Kind::Close).count();
        let left = &open[..open.len().saturating_sub(closing)];
        let mut levels = left.to_vec();
        levels.dedup();
        for piece in pieces {
            match piece.kind {
                Kind::Open => open.push(number),
                Kind::Close => drop(open.pop()),
                _ => {}
            }
        }
        lines.push(Line { pieces: pieces.to_vec(), level: levels.len() });
    }
    lines
}

fn written(lines: &[Line<'_>]) -> String {
    let widths = widths(lines);
    let mut text = String::new();
    let mut before: Option<&Line<'_>> = None;
    let mut is_parted = false;
    for (index, (line, width)) in lines.iter().zip(widths).enumerate() {
        if line.pieces.is_empty() {
            is_parted = true;
            continue;
        }
        if let Some(before) = before {
            let begins = begins_section(&lines[index..]);
            let opens =
                before.is_header() && !begins || before.is_open() && line.level > before.level;
            let closes = line.starts_with(Kind::Close);
            let parts = is_parted || begins && !before.is_comment();
            if parts && !closes && !opens {
                text.push('\n');
            }
        }
        text.push_str(&"  ".repeat(line.level));
        write_line(line, width, &mut text);
        text.push('\n');
        (before, is_parted) = (Some(line), false);
    }
    text
}

/// Whether a header comes next, or the comments over one.
fn begins_section(lines: &[Line<'_>]) -> bool {
    let mut rest = lines.iter().skip_while(|line| line.level == 0 && line.is_comment());
    rest.next().is_some_and(Line::is_header)
}

/// For every line, the width of its key: that of the widest of those that stand together. What goes on over several lines
/// stands by itself, unless it is a string.
fn widths(lines: &[Line<'_>]) -> Vec<usize> {
    let mut widths = vec![0; lines.len()];
    let mut group: Vec<usize> = Vec::new();
    let mut widest = 0;
    for (index, line) in lines.iter().enumerate() {
        let key = line.key().filter(|_| !line.is_open());
        if let Some(key) = key {
            group.push(index);
            widest = widest.max(key_text(&line.pieces[..key]).chars().count());
        }
        if key.is_none() || index + 1 == lines.len() {
            for one in group.drain(..) {
                widths[one] = widest;
            }
            widest = 0;
        }
    }
    widths
}

/// A key as it is written, `a.b` in one.
fn key_text(key: &[Piece<'_>]) -> String {
    let mut text = String::new();
    for (index, piece) in key.iter().enumerate() {
        if index > 0 && piece.after_blank {
            text.push(' ');
        }
        text.push_str(piece.text);
    }
    text
}

fn write_line(line: &Line<'_>, width: usize, text: &mut String) {
    let mut rest = line.pieces.as_slice();
    let is_header = line.is_header();
    if let Some(key) = line.key() {
        let name = key_text(&rest[..key]);
        text.push_str(&name);
        text.push_str(&" ".repeat(width.saturating_sub(name.chars().count())));
        rest = &rest[key..];
        text.push(' ');
    }
    for (index, piece) in rest.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &rest[before]);
        if before.is_some_and(|before| has_blank(before, piece, is_header)) {
            text.push(' ');
        }
        text.push_str(piece.text);
    }
}

/// Whether a blank stands between two pieces of a line.
fn has_blank(before: &Piece<'_>, piece: &Piece<'_>, is_header: bool) -> bool {
    match (before.kind, piece.kind) {
        (_, Kind::Comment) => true,
        _ if is_header => {
            before.kind == Kind::Word && piece.kind == Kind::Word && piece.after_blank
        }
        (_, Kind::Comma) => false,
        (Kind::Open, Kind::Close) => false,
        (Kind::Open, _) => before.text == "{",
        (_, Kind::Close) => piece.text == "}",
        (Kind::Word, Kind::Word) => piece.after_blank,
        _ => true,
    }
}
