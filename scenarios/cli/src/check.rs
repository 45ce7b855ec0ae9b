//! `rehearsal check`: scenarios are read, together with the clusters they name, and nothing is played. How diagnostics are
//! told, to people or to programs, is decided here for `rehearsal run`, too.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCompleter;
use scenarios::diagnostic::Diagnostic;
use scenarios::script;

use crate::Exit;
use crate::completions::scenario_files;
use crate::load::{self, Problem};
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  rehearsal check scenarios/*.toml
      what is wrong with them, and what can hardly be meant
  rehearsal check mine.toml --cluster docker-compose.yml
      whether it fits this cluster
  rehearsal check mine.toml --format json | jq -r '\"\\(.file):\\(.line): \\(.message)\"'
      for editors and programs: one JSON object per line

Exit codes: 0 if they can be played, warnings or not; 3 if not.";

/// How what is wrong with files is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// `rehearsal check`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// Scenario files, or names from the library
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    #[arg(add = ArgValueCompleter::new(scenario_files))]
    pub files: Vec<String>,
    /// The cluster to check against: one docker-compose.yml, or one zoo.cfg per server. Goes behind the scenarios
    #[arg(long, value_name = "FILE", num_args = 1.., action = clap::ArgAction::Append)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub cluster: Vec<PathBuf>,
    /// How it is told: text, or json (one object per line)
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub format: Format,
}

/// `rehearsal check`: everything that is wrong goes to stdout, how much it is to stderr.
pub fn check(args: &CheckArgs) -> Exit {
    let imported = match load::cluster(&args.cluster) {
        Ok(imported) => imported,
        Err(problem) => {
            problem.tell_as(args.format);
            return Exit::Broken;
        }
    };
    let mut found = Vec::new();
    for file in &args.files {
        match load::scene(file, imported.as_ref()) {
            Ok(scene) => found.extend(scene.script.lint(&scene.cluster)),
            Err(problem) => found.extend(problem.into_diagnostics(file)),
        }
    }
    terminal::print(&told(&found, args.format, terminal::out().colour));
    let errors = found.iter().filter(|one| one.is_error()).count();
    if args.format == Format::Text {
        terminal::say(&summary(args.files.len(), errors, found.len() - errors));
        terminal::say(&more(&found));
    }
    if errors > 0 { Exit::Broken } else { Exit::Pass }
}

/// Diagnostics as they are told.
pub fn told(diagnostics: &[Diagnostic], format: Format, colour: bool) -> String {
    let one = |diagnostic: &Diagnostic| match format {
        Format::Json => diagnostic.json() + "\n",
        // What is about a file as a whole has no place to show.
        Format::Text if diagnostic.source.is_empty() => {
            terminal::complaint(&diagnostic.message, diagnostic.help.as_deref())
        }
        Format::Text => script::render(std::slice::from_ref(diagnostic), colour),
    };
    diagnostics.iter().map(one).collect()
}

/// Where more is said about these.
fn more(diagnostics: &[Diagnostic]) -> String {
    let codes: BTreeSet<_> = diagnostics.iter().map(|one| one.code).collect();
    let codes: Vec<_> = codes.into_iter().filter(|code| !code.is_empty()).collect();
    match codes.as_slice() {
        [] => String::new(),
        some => format!("more about it: rehearsal explain-code {}\n", some.join(" ")),
    }
}

fn summary(files: usize, errors: usize, warnings: usize) -> String {
    let count = |count: usize, what: &str| match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    };
    let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    format!("{files}: {}, {}\n", count(errors, "error"), count(warnings, "warning"))
}

impl Problem {
    /// Says it on stderr, to people or to programs.
    pub fn tell_as(&self, format: Format) {
        match (self, format) {
            (_, Format::Text) => self.tell(),
            (Self::Files(diagnostics), _) => terminal::say(&told(diagnostics, format, false)),
            (Self::Words { what, help }, _) => {
                let one = in_words("", what, help.clone());
                terminal::say(&told(&[one], format, false));
            }
        }
    }

    /// What is wrong, about this file where it is not said about which.
    fn into_diagnostics(self, file: &str) -> Vec<Diagnostic> {
        match self {
            Self::Files(diagnostics) => diagnostics,
            Self::Words { what, help } => vec![in_words(file, &what, help)],
        }
    }
}

/// Something about a file as a whole.
fn in_words(file: &str, what: &str, help: Option<String>) -> Diagnostic {
    let error = Diagnostic::error("F01", (file, "".into()), 0..0, what);
    Diagnostic { help, ..error }
}
