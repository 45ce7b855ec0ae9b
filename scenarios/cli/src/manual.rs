//! Manual pages, made from the same words as the help.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, ValueHint};

use crate::Exit;
use crate::args::Cli;
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  rehearsal man | man -l -
      reads it
  rehearsal man ~/.local/share/man/man1
      installs it for `man rehearsal`, `man rehearsal-run` …";

/// `rehearsal man`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ManArgs {
    /// Write a page for the command and one for each of its commands to this folder
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
}

/// `rehearsal man`: prints the page of the command itself, or writes all pages.
pub fn write(args: &ManArgs) -> Exit {
    let Some(folder) = &args.folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).expect("memory takes everything");
        terminal::print(&String::from_utf8_lossy(&page));
        return Exit::Pass;
    };
    match write_all(folder) {
        Ok(()) => {
            terminal::say(&format!("manual pages are in {}\n", folder.display()));
            Exit::Pass
        }
        Err(error) => {
            let what = format!("cannot write manual pages to `{}`: {error}", folder.display());
            terminal::complain(&what, None);
            Exit::Broken
        }
    }
}

fn write_all(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}
