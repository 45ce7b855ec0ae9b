//! Completions: what a shell is given so that the Tab key knows this command, and the answers when it asks.
//!
//! The shell asks the command itself (`COMPLETE=bash rehearsal -- …`), so that names of the library are completed as well as
//! files.

use std::ffi::OsStr;
use std::path::Path;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::{CompleteEnv, EnvCompleter, Shells};

use crate::Exit;
use crate::args::Cli;
use crate::library::{self, Story};
use crate::terminal;

/// The variable in which a shell says that it asks for completions.
const ASKS: &str = "COMPLETE";

const EXAMPLES: &str = "\
Examples:
  rehearsal completions bash > ~/.local/share/bash-completion/completions/rehearsal
  rehearsal completions fish > ~/.config/fish/completions/rehearsal.fish
  echo 'source <(rehearsal completions zsh)' >> ~/.zshrc
      names of scenarios, files and options are completed in every new shell";

/// `rehearsal completions`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Shells that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Elvish.
    Elvish,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// The Z shell.
    Zsh,
}

impl Shell {
    fn completer(self) -> &'static dyn EnvCompleter {
        use clap_complete::env;
        match self {
            Self::Bash => &env::Bash,
            Self::Elvish => &env::Elvish,
            Self::Fish => &env::Fish,
            Self::Powershell => &env::Powershell,
            Self::Zsh => &env::Zsh,
        }
    }
}

/// `rehearsal completions`: prints what the shell is to read.
pub fn print(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    args.shell
        .completer()
        .write_registration(ASKS, "rehearsal", "rehearsal", &this_command(), &mut script)
        .expect("memory takes everything");
    terminal::print(&String::from_utf8_lossy(&script));
    Exit::Pass
}

/// Answers and ends the process if it is a shell that asks, what the rest of a word may be.
pub fn answer() {
    CompleteEnv::with_factory(Cli::command).var(ASKS).shells(Shells::builtins()).complete();
}

/// What the shell calls: the name, or the full path if this process was called by a path.
fn this_command() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let called = Path::new(&called);
    let full = called.canonicalize().ok().filter(|_| called.components().count() > 1);
    full.map_or_else(|| "rehearsal".to_owned(), |path| path.display().to_string())
}

/// Scenarios: those of the library, and files.
pub fn scenario_files(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut candidates = story_names(current);
    let is_scenario = |path: &Path| path.extension().is_some_and(|ending| ending == "toml");
    candidates.extend(PathCompleter::file().filter(is_scenario).complete(current));
    candidates
}

/// Scenarios of the library, each with its story.
pub fn story_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let start = current.to_string_lossy();
    let begun = library::LIBRARY.iter().filter(|story| story.name.starts_with(start.as_ref()));
    let candidate = |story: &Story| {
        CompletionCandidate::new(story.name).help(Some(story.first_sentence().into()))
    };
    begun.map(candidate).collect()
}
