//! Manual pages, made from the same words as the help.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory, ValueHint};
use clap_mangen::Man;

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
    let pages = pages();
    let Some(folder) = &args.folder else {
        let main = pages.last().map(|(_, page)| page.as_str());
        terminal::print(main.unwrap_or_default());
        return Exit::Pass;
    };
    let write = |(name, page): &(String, String)| std::fs::write(folder.join(name), page);
    let written = std::fs::create_dir_all(folder).and_then(|()| pages.iter().try_for_each(write));
    match written {
        Ok(()) => {
            let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
            terminal::say(&format!("in {}: {}\n", folder.display(), names.join(", ")));
            Exit::Pass
        }
        Err(error) => {
            let what = format!("cannot write manual pages to `{}`: {error}", folder.display());
            terminal::complain(&what, None);
            Exit::Broken
        }
    }
}

/// All pages with the names of their files, that of the command itself last.
fn pages() -> Vec<(String, String)> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let mut pages: Vec<_> = shown.collect();
    pages.push(command);
    pages.into_iter().map(page).collect()
}

fn page(command: Command) -> (String, String) {
    let page = Man::new(command);
    let mut text = Vec::new();
    page.render(&mut text).expect("memory takes everything");
    let text = String::from_utf8_lossy(&text);
    // What follows the help is one section to the generator, and text to be filled: here it has the sections that readers
    // of manuals look for, and keeps its lines.
    let text = text
        .replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n.nf\n")
        .replace("\n\nExit codes:\n", "\n.fi\n.SH EXIT STATUS\n.nf\n")
        .replace("\n.SH VERSION", "\n.fi\n.SH VERSION");
    (page.get_filename(), text)
}
