//! The timeline: one line per transition. Of a long one the beginning, the end, and what the scenario did or a check found
//! in between; how much is left out is said where it is left out.

use crate::run::{Kind, Line, Run};
use crate::style::{Paint, Style, clean, counted, padded, seconds};

/// What the marks mean.
pub(super) const LEGEND: &str = "! a step of the scenario   ~ clients' service   x a violation";
/// A timeline up to this long is shown whole.
const WHOLE: usize = 120;
/// Of a longer one, so many lines at its beginning and at its end.
const ENDS: usize = 45;
/// And so many steps and violations between them.
const BETWEEN: usize = 30;
/// Longer names are not waited for.
const WHO_MAX: usize = 24;

impl Run {
    /// What happened, a line per transition in simulated time, as text that is the same on every machine: made for snapshots.
    pub fn timeline(&self) -> String {
        let style = Style { colour: false, width: 160 };
        let lines = &self.timeline;
        let (time, who) = widths(lines);
        lines.iter().map(|line| one(line, time, who, &style)).collect()
    }
}

/// How wide the columns of times and of names are.
fn widths(lines: &[Line]) -> (usize, usize) {
    let time = lines.iter().map(|line| seconds(line.at).len()).max().unwrap_or(0);
    let who = lines.iter().map(|line| line.who.chars().count()).max().unwrap_or(0).min(WHO_MAX);
    (time, who)
}

/// All lines, or those that matter most of a long timeline.
pub(super) fn render(lines: &[Line], style: &Style) -> String {
    let (time, who) = widths(lines);
    let shown = shown(lines);
    let mut text = String::new();
    let mut next = 0;
    for index in shown {
        match index - next {
            0 => {}
            // A line that says that one line is missing is no shorter than the line.
            1 => text.push_str(&one(&lines[next], time, who, style)),
            gap => text.push_str(&left_out(gap, time, style)),
        }
        text.push_str(&one(&lines[index], time, who, style));
        next = index + 1;
    }
    if lines.len() > WHOLE {
        let hint = "Lines were left out; `--trace FILE` writes every step of the run.";
        text.push_str(&style.wrapped("  ", hint));
    }
    text
}

/// The places of the lines that are shown.
fn shown(lines: &[Line]) -> Vec<usize> {
    let count = lines.len();
    if count <= WHOLE {
        return (0..count).collect();
    }
    let matters = |index: &usize| matches!(lines[*index].kind, Kind::Fault | Kind::Violation);
    let between = (ENDS..count - ENDS).filter(matters).take(BETWEEN);
    (0..ENDS).chain(between).chain(count - ENDS..count).collect()
}

fn left_out(gap: usize, time: usize, style: &Style) -> String {
    let blank = " ".repeat(time);
    let words = format!("… {} left out", counted(gap as u64, "line", "lines"));
    format!("  {blank}  {}\n", style.paint(Paint::Dim, &words))
}

fn one(line: &Line, time: usize, who: usize, style: &Style) -> String {
    let (mark, paint) = match line.kind {
        Kind::Fault => ("!", Paint::Unsure),
        Kind::Note => (" ", Paint::Plain),
        Kind::Outage => ("~", Paint::Strong),
        Kind::Violation => ("x", Paint::Bad),
    };
    let at = seconds(line.at);
    let at = format!("{}{at}", " ".repeat(time.saturating_sub(at.len())));
    let name = padded(&clean(&line.who), who);
    let before = format!("  {at} {mark} {name}  ");
    let set = style.wrapped(&before, &line.what);
    if !style.colour {
        return set;
    }
    // Painted only now: escapes have no width.
    let rest = set.get(before.len()..).unwrap_or_default().trim_end_matches('\n');
    let dim = style.paint(Paint::Dim, &at);
    format!("  {dim} {} {}  {}\n", style.paint(paint, mark), name, style.paint(paint, rest))
}
