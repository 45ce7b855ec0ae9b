//! The command `rehearsal`: reads what people give it, has it played, and says what came of it. Data goes to stdout, talk to
//! stderr.
//!
//! Here and below are arguments, files, exit codes and the terminal; what a run is and how it is judged is known further
//! down the house (`scenarios`), how it is told in `reports`.

mod again;
mod args;
mod check;
mod cluster;
mod completions;
mod cost;
mod explain;
mod findings;
mod format;
mod interrupt;
mod library;
mod load;
mod manual;
mod players;
mod progress;
mod run;
mod schema;
mod show;
mod terminal;
mod up;
mod what_if;

use std::process::ExitCode;

use args::{Cli, Command};

/// A run is some dozens of small allocations per message, all on one thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the process tells whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// All that was promised held.
    Pass = 0,
    /// Some run failed.
    Fail = 1,
    /// None failed, and some could not be judged.
    Inconclusive = 2,
    /// A scenario, a cluster's files or the command line cannot be used.
    Broken = 3,
    /// The same seed was played twice and went two ways.
    NotDeterministic = 4,
    /// A defect of the simulator itself: what Rust gives a process that panicked.
    Panicked = 101,
    /// Somebody asked it to stop before its end, as a shell counts SIGINT.
    Interrupted = 130,
    /// Nobody reads the output any more, as a shell counts SIGPIPE.
    Unread = 141,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

fn main() -> ExitCode {
    completions::answer();
    let cli = match Cli::read(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to be told that nobody listens.
            let _ = error.print();
            return if error.use_stderr() { Exit::Broken } else { Exit::Pass }.into();
        }
    };
    cli.color.choose();
    let exit = match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Cluster(args) => cluster::cluster(args),
        Command::Check(args) => check::check(args),
        Command::Fmt(args) => format::format(args),
        Command::ExplainCode(args) => explain::explain(args),
        Command::Schema(args) => schema::print(args),
        Command::List(args) => library::list(args),
        Command::Show(args) => library::show(args),
        Command::Up(args) => up::up(args),
        Command::Completions(args) => completions::print(args),
        Command::Man(args) => manual::write(args),
        Command::WhatIf(args) => what_if::what_if(args),
    };
    exit.into()
}
