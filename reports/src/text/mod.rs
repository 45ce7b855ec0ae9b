//! One run as text for people: the verdict first, then why, then how it went, at last how to see it again.

mod failure;
mod timeline;

use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};

use crate::run::{Expectation, Loss, Outage, Run, Statistics, Verdict, Violation};
use crate::style::{Paint, Style, clean, counted, grouped, padded, seconds};

pub use failure::failure;

/// The whole report of a run, ending with a line's end.
pub fn render(run: &Run, style: &Style) -> String {
    let mut page = Page { style, text: String::new() };
    page.verdict(run);
    page.violations(&run.violations);
    page.undecided(&run.undecided);
    page.expectations(&run.expectations);
    page.outages(run);
    page.losses(&run.losses);
    if !run.timeline.is_empty() {
        page.heading("Timeline", timeline::LEGEND);
        page.text.push_str(&timeline::render(&run.timeline, style));
    }
    page.final_state(run);
    page.remarks(&run.remarks);
    page.figures(run);
    page.again(&run.reproduce);
    page.text
}

/// A run in one line: verdict, scenario, seed, fingerprint, and the first thing that was wrong. No line's end.
pub fn brief(run: &Run, style: &Style) -> String {
    let mut line = format!(
        "{}  {}  seed {}  {}",
        verdict(run.verdict, style),
        clean(&run.scenario),
        run.seed,
        run.fingerprint
    );
    if let Some(why) = first_reason(run) {
        line.push_str("  ");
        line.push_str(&clean(&why));
    }
    line
}

/// The verdict as a word.
pub(crate) fn verdict(verdict: Verdict, style: &Style) -> String {
    match verdict {
        Verdict::Pass => style.paint(Paint::Good, "PASS"),
        Verdict::Inconclusive => style.paint(Paint::Unsure, "INCONCLUSIVE"),
        Verdict::Fail => style.paint(Paint::Bad, "FAIL"),
    }
}

/// Why a run did not pass, by the first reason.
pub(crate) fn first_reason(run: &Run) -> Option<String> {
    let broken = run.violations.first();
    let broken = broken.map(|v| format!("{} at {}: {}", v.check, seconds(v.at), v.message));
    broken.or_else(|| run.undecided.first().cloned())
}

/// A report as it grows.
struct Page<'s> {
    style: &'s Style,
    text: String,
}

impl Page<'_> {
    fn verdict(&mut self, run: &Run) {
        let word = verdict(run.verdict, self.style);
        let name = self.style.paint(Paint::Strong, &clean(&run.scenario));
        self.text.push_str(&format!("{word}  {name}  seed {}\n", run.seed));
        let meaning = meaning(run);
        self.text.push_str(&self.style.wrapped("", &meaning));
    }

    fn heading(&mut self, title: &str, remark: &str) {
        let title = self.style.paint(Paint::Strong, title);
        let gap = if remark.is_empty() { "" } else { "  " };
        let remark = self.style.paint(Paint::Dim, remark);
        self.text.push_str(&format!("\n{title}{gap}{remark}\n"));
    }

    fn violations(&mut self, violations: &[Violation]) {
        if violations.is_empty() {
            return;
        }
        self.heading("Violations", "");
        for violation in violations {
            let check = self.style.paint(Paint::Bad, &violation.check);
            self.text.push_str(&format!("  {check} at {}\n", seconds(violation.at)));
            for (name, text) in [("must", &violation.property), ("seen", &violation.message)] {
                let first = format!("    {name}  ");
                self.text.push_str(&self.style.wrapped(&first, text));
            }
            for (index, step) in violation.trail.iter().enumerate() {
                let first = if index == 0 { "    after " } else { "          " };
                self.text.push_str(&format!("{first}{}\n", clean(step)));
            }
        }
    }

    fn undecided(&mut self, undecided: &[String]) {
        if undecided.is_empty() {
            return;
        }
        self.heading("Could not be judged", "");
        for why in undecided {
            self.text.push_str(&self.style.wrapped("  - ", why));
        }
    }

    fn expectations(&mut self, expectations: &[Expectation]) {
        if expectations.is_empty() {
            return;
        }
        self.heading("Expectations", "");
        for expectation in expectations {
            let (word, paint) = match expectation.held {
                Some(true) => ("held  ", Paint::Good),
                Some(false) => ("BROKEN", Paint::Bad),
                None => ("open  ", Paint::Unsure),
            };
            let text = format!("{}: {}", expectation.that, expectation.how);
            let set = self.style.wrapped(&format!("  {word}  "), &text);
            let set = set.replacen(word, &self.style.paint(paint, word), 1);
            self.text.push_str(&set);
        }
    }

    fn outages(&mut self, run: &Run) {
        if run.outages.is_empty() {
            return;
        }
        self.heading("Outages", "of clients' work: from, to, length, announcement");
        let end = (run.statistics.simulated_seconds * 1e6).round() as u64;
        let cells: Vec<_> = run.outages.iter().map(|outage| outage_cells(outage, end)).collect();
        let width = |column: usize| {
            cells.iter().map(|cells: &[String; 4]| cells[column].chars().count()).max().unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2), width(3)];
        for (outage, cells) in run.outages.iter().zip(&cells) {
            let of = padded(&cells[0], widths[0]);
            let [from, to, length] = [1, 2, 3].map(|column| {
                let missing = widths[column].saturating_sub(cells[column].chars().count());
                format!("{}{}", " ".repeat(missing), cells[column])
            });
            let first = format!("  {of}  {from}  {to}  {length}  ");
            let unknown = "nobody announced it";
            let words = outage.expected.as_deref().unwrap_or(unknown);
            let mut set = self.style.wrapped(&first, words);
            if outage.expected.is_none() {
                set = set.replacen(unknown, &self.style.paint(Paint::Bad, unknown), 1);
            }
            self.text.push_str(&set);
        }
    }

    fn final_state(&mut self, run: &Run) {
        let tables = run.final_state.iter().filter(|table| !table.rows.is_empty());
        for (index, state) in tables.enumerate() {
            match index {
                0 => self.heading("At the end", ""),
                _ => self.text.push('\n'),
            }
            let columns = state.columns.iter().map(|cell| clean(cell)).collect();
            let rows = state.rows.iter().map(|row| row.iter().map(|cell| clean(cell)));
            self.text.push_str(&table(columns, rows.map(Iterator::collect).collect(), self.style));
        }
        if !run.topics.is_empty() {
            self.heading("Topics", "as kafka-topics --describe prints them");
            for line in run.topics.lines() {
                self.text.push_str(&format!("  {}\n", line.replace('\t', "    ")));
            }
        }
    }

    fn losses(&mut self, losses: &[Loss]) {
        if losses.is_empty() {
            return;
        }
        self.heading("Losses", "of acknowledged records, by Kafka's own rules");
        for loss in losses {
            let lost = match loss.records {
                0 => "nothing was lost this time".to_owned(),
                records => counted(records, "record", "records"),
            };
            self.text.push_str(&format!("  {}  {}  {lost}\n", clean(&loss.of), clean(&loss.by)));
        }
    }

    fn remarks(&mut self, remarks: &[String]) {
        if remarks.is_empty() {
            return;
        }
        self.heading("Remarks", "");
        for remark in remarks {
            self.text.push_str(&self.style.wrapped("  - ", remark));
        }
    }

    fn figures(&mut self, run: &Run) {
        self.heading("Figures", "");
        let figures = figures(&run.statistics);
        self.text.push_str(&self.style.wrapped("  ", &figures));
        if !run.marks.is_empty() {
            let marks = format!("marks reached: {}", run.marks.join(", "));
            self.text.push_str(&self.style.wrapped("  ", &marks));
        }
        self.text.push_str(&format!("  fingerprint {}\n", run.fingerprint));
    }

    fn again(&mut self, command: &str) {
        if !command.is_empty() {
            self.heading("Again", "");
            self.text.push_str(&format!("  {command}\n"));
        }
    }
}

/// What the verdict means, in one sentence.
fn meaning(run: &Run) -> String {
    let steps = counted(run.statistics.events, "step", "steps");
    match run.verdict {
        Verdict::Pass => {
            let held = run.expectations.iter().filter(|one| one.held == Some(true)).count();
            let held = match held as u64 {
                0 => String::new(),
                count => format!("{}, ", counted(count, "expectation", "expectations")),
            };
            let outages = match run.outages.len() as u64 {
                0 => "no outage".to_owned(),
                count => format!("{} as announced", counted(count, "outage", "outages")),
            };
            format!("Everything promised held: {held}{outages}, all checks over {steps}.")
        }
        Verdict::Fail => {
            let mut checks: Vec<&str> = Vec::new();
            for violation in &run.violations {
                if !checks.contains(&violation.check.as_str()) {
                    checks.push(&violation.check);
                }
            }
            let count = counted(run.violations.len() as u64, "violation", "violations");
            format!("{count} in {steps}: {}.", checks.join(", "))
        }
        Verdict::Inconclusive => {
            let count = counted(run.undecided.len() as u64, "promise", "promises");
            format!("Nothing was broken in {steps}, but {count} could not be judged.")
        }
    }
}

/// Of what, from, to, length.
fn outage_cells(outage: &Outage, end: u64) -> [String; 4] {
    let until = outage.to.unwrap_or(end);
    [
        clean(&outage.of),
        seconds(outage.from),
        outage.to.map_or_else(|| "the end".to_owned(), seconds),
        seconds(until.saturating_sub(outage.from)),
    ]
}

/// How much was simulated, and what it cost if that was measured.
pub(crate) fn figures(statistics: &Statistics) -> String {
    let simulated = statistics.simulated_seconds;
    let mut text = format!(
        "{simulated:.3} s simulated, {} handled",
        counted(statistics.events, "event", "events")
    );
    if statistics.cpu_seconds > 0.0 {
        text.push_str(&format!(
            ", in {:.3} s of CPU time: {} events and {} simulated seconds per CPU second",
            statistics.cpu_seconds,
            grouped(statistics.events_per_cpu_second.round() as u64),
            grouped(statistics.simulated_seconds_per_cpu_second.round() as u64),
        ));
    }
    if statistics.peak_memory_bytes > 0 {
        let mib = statistics.peak_memory_bytes.div_ceil(1 << 20);
        text.push_str(&format!("; at most {} MiB of memory", grouped(mib)));
    }
    text
}

/// A table: a line under the heading, and nothing else around the cells.
pub(crate) fn table(columns: Vec<String>, rows: Vec<Vec<String>>, style: &Style) -> String {
    lines(&grid(columns, rows, style))
}

/// A table whose last column is not wrapped, and whose first is only if it would take more than half of the width.
pub(crate) fn table_keeping_ends(
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    style: &Style,
) -> String {
    let mut grid = grid(columns, rows, style);
    let half = style.columns() / 2;
    let widths = grid.column_max_content_widths();
    for place in [0, widths.len().saturating_sub(1)] {
        if let (Some(column), Some(width)) = (grid.column_mut(place), widths.get(place)) {
            // A blank on either side belongs to it.
            let width = usize::from(*width).min(half) + 2;
            let width = Width::Fixed(u16::try_from(width).unwrap_or(u16::MAX));
            column.set_constraint(ColumnConstraint::Absolute(width));
        }
    }
    lines(&grid)
}

fn grid(columns: Vec<String>, rows: Vec<Vec<String>>, style: &Style) -> Table {
    const LINES: TableStyle =
        TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
    let mut table = Table::new();
    table.load_style(LINES).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(style.columns() - 1).unwrap_or(u16::MAX));
    table.set_header(columns);
    table.add_rows(rows);
    table
}

fn lines(table: &Table) -> String {
    let lines = table.lines().map(|line| format!(" {}", line.trim_end()));
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}
