//! What each code means: the table behind `rehearsal explain-code`.
//!
//! `E` and `W` are the rules of scenario files, errors and warnings; `Y` (layout), `N` (network), `Z` (ZooKeeper), `K`
//! (Kafka), `V` (versions) and `F` (files) those of clusters' own files. A code that was once given keeps its meaning.
//! The words stand in `codes/*.md`, one section per rule: its code, severity and title, what is behind it, a wrong and a
//! right example. Tests play every example of the scenario language.

#[cfg(test)]
pub(crate) mod tests;

use crate::script::nearest;

/// The sections, by kind of rule.
const PAGES: [&str; 10] = [
    include_str!("codes/keys.md"),
    include_str!("codes/words.md"),
    include_str!("codes/names.md"),
    include_str!("codes/steps.md"),
    include_str!("codes/promises.md"),
    include_str!("codes/doubts.md"),
    include_str!("codes/layout.md"),
    include_str!("codes/network.md"),
    include_str!("codes/zookeeper.md"),
    include_str!("codes/kafka.md"),
];

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its code (`E0107`, `Z01`).
    pub code: &'static str,
    /// How bad it is when it is broken: `error`, `warning`, `information`, or several of them.
    pub severity: &'static str,
    /// What is the matter, in a few words.
    pub title: &'static str,
    /// What is behind it: paragraphs.
    pub explanation: &'static str,
    /// How it is broken.
    pub wrong: &'static str,
    /// How it is kept.
    pub right: &'static str,
}

/// All rules: those of scenarios, then those of clusters' files.
pub fn all() -> impl Iterator<Item = Rule> {
    PAGES.into_iter().flat_map(sections).filter_map(rule)
}

/// The rule of this code, in upper or lower case.
pub fn rule_of(code: &str) -> Option<Rule> {
    all().find(|rule| rule.code.eq_ignore_ascii_case(code.trim()))
}

/// The codes most like one that does not exist: what was meant, perhaps.
pub fn near(code: &str) -> Vec<&'static str> {
    let code = code.trim().to_uppercase();
    nearest(&code, all().map(|rule| rule.code))
}

impl Rule {
    /// The rule as text: title, explanation, examples.
    pub fn explained(&self) -> String {
        let Self { code, severity, title, explanation, wrong, right } = self;
        format!(
            "{code} ({severity}): {title}\n\n{explanation}\n\nWrong:\n\n{wrong}\n\nRight:\n\n{right}\n"
        )
    }
}

fn sections(page: &'static str) -> impl Iterator<Item = &'static str> {
    page.split("\n## ").skip(1)
}

/// `E0107 error: title`, an empty line, paragraphs, `Wrong:` and `Right:` with indented examples.
fn rule(section: &'static str) -> Option<Rule> {
    let (head, body) = section.split_once('\n')?;
    let (code, head) = head.split_once(' ')?;
    let (severity, title) = head.split_once(": ")?;
    let (explanation, examples) = body.split_once("\nWrong:\n")?;
    let (wrong, right) = examples.split_once("\nRight:\n")?;
    let (explanation, title) = (explanation.trim(), title.trim());
    let lines = |text: &'static str| text.trim_matches('\n').trim_end();
    Some(Rule { code, severity, title, explanation, wrong: lines(wrong), right: lines(right) })
}
