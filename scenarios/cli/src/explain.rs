//! `rehearsal explain-code`: what is behind a rule, with a wrong and a right example; without a code, all rules there are.
//!
//! The words are the library's ([`scenarios::diagnostic::codes`]).

use clap::Args;
use clap_complete::{CompletionCandidate, engine::ArgValueCandidates};
use reports::style::{Paint, Style};
use scenarios::diagnostic::codes::{self, Rule};

use crate::Exit;
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  rehearsal explain-code E0504
      why a scenario was refused
  rehearsal explain-code Z02
      what a finding about a cluster's files means
  rehearsal explain-code
      all rules";

/// `rehearsal explain-code`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// Codes as diagnostics and findings have them; all are listed without one
    #[arg(value_name = "CODE", add = ArgValueCandidates::new(all_codes))]
    pub codes: Vec<String>,
}

fn all_codes() -> Vec<CompletionCandidate> {
    let candidate = |rule: Rule| CompletionCandidate::new(rule.code).help(Some(rule.title.into()));
    codes::all().map(candidate).collect()
}

/// `rehearsal explain-code`.
pub fn explain(args: &ExplainArgs) -> Exit {
    let style = terminal::out();
    if args.codes.is_empty() {
        let lines = codes::all().map(|rule| style.wrapped(&format!("{:7}", rule.code), rule.title));
        terminal::print(&lines.collect::<String>());
        return Exit::Pass;
    }
    let mut exit = Exit::Pass;
    let mut texts = Vec::new();
    for code in &args.codes {
        match codes::rule_of(code) {
            Some(rule) => texts.push(explained(&rule, &style)),
            None => {
                let near: Vec<_> =
                    codes::near(code).iter().map(|code| format!("`{code}`")).collect();
                let help = match near.as_slice() {
                    [] => "`rehearsal explain-code` lists all there are".to_owned(),
                    some => format!("did you mean {}?", some.join(" or ")),
                };
                terminal::complain(&format!("there is no rule `{code}`"), Some(&help));
                exit = Exit::Broken;
            }
        }
    }
    terminal::print(&texts.join("\n"));
    exit
}

/// The rule as a page for people; examples as they are.
fn explained(rule: &Rule, style: &Style) -> String {
    let heading = format!("{} ({}): {}", rule.code, rule.severity, rule.title);
    let mut text = style.paint(Paint::Strong, &heading) + "\n";
    for paragraph in rule.explanation.split("\n\n") {
        text.push('\n');
        text.push_str(&style.wrapped("", paragraph));
    }
    for (word, paint, example) in
        [("Wrong:", Paint::Bad, rule.wrong), ("Right:", Paint::Good, rule.right)]
    {
        text.push_str(&format!("\n{}\n\n{example}\n", style.paint(paint, word)));
    }
    text
}
