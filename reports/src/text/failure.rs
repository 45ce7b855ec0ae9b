//! A run that did not hold, for the output of a test: the verdict, what was violated first and what led there, and how to
//! see it again. The rest of the report is left to those commands.

use super::Page;
use crate::run::Run;
use crate::style::{Style, counted};

/// Violations that are told; the others follow from them more often than not.
const VIOLATIONS: usize = 3;

/// Why a run did not hold, ending with a line's end; `again` are the commands that play it again.
pub fn failure(run: &Run, again: &[String], style: &Style) -> String {
    let mut page = Page { style, text: String::new() };
    page.verdict(run);
    let told = run.violations.len().min(VIOLATIONS);
    page.violations(&run.violations[..told]);
    let rest = run.violations.len() - told;
    if rest > 0 {
        page.text.push_str(&format!("  and {}\n", counted(rest as u64, "more", "more")));
    }
    page.undecided(&run.undecided);
    page.heading("Again", "");
    for command in again {
        page.text.push_str(&format!("  {command}\n"));
    }
    page.text
}
