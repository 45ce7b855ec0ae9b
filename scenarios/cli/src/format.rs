//! `rehearsal fmt`: scenario files in the layout of the library. What it does to a file is the library's
//! ([`scenarios::script::formatted`]).

use clap::{Args, ValueHint};
use clap_complete::engine::{ArgValueCompleter, PathCompleter};
use scenarios::script;

use crate::Exit;
use crate::check::{Format, told};
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  rehearsal fmt scenarios/*.toml
      writes them anew where their layout differs
  rehearsal fmt --check scenarios/*.toml
      says which differ, and exits with 1 if one does

Comments, line breaks and the order of everything stay as they are; blanks, alignment and indentation
become those of the library. What a scenario means never changes.";

/// `rehearsal fmt`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct FormatArgs {
    /// Scenario files
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    #[arg(add = ArgValueCompleter::new(PathCompleter::file()))]
    pub files: Vec<String>,
    /// Write nothing; exit with 1 if a file would be changed
    #[arg(long)]
    pub check: bool,
}

/// `rehearsal fmt`.
pub fn format(args: &FormatArgs) -> Exit {
    let mut exit = Exit::Pass;
    for file in &args.files {
        match one(file, args.check) {
            Ok(false) => {}
            Ok(true) => {
                terminal::print(&format!("{file}\n"));
                if args.check && exit == Exit::Pass {
                    exit = Exit::Fail;
                }
            }
            Err(said) => {
                terminal::say(&said);
                exit = Exit::Broken;
            }
        }
    }
    exit
}

/// Whether the file differs from its layout; it is written anew then, unless that is only asked.
fn one(file: &str, only_ask: bool) -> Result<bool, String> {
    let failed = |what: &str, error: std::io::Error| {
        terminal::complaint(&format!("cannot {what} `{file}`: {error}"), None)
    };
    let source = std::fs::read_to_string(file).map_err(|error| failed("read", error))?;
    let formatted = script::formatted(&source, file)
        .map_err(|found| told(&found, Format::Text, terminal::err().colour))?;
    if formatted == source {
        return Ok(false);
    }
    if !only_ask {
        std::fs::write(file, formatted).map_err(|error| failed("write", error))?;
    }
    Ok(true)
}
