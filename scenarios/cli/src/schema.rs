//! `rehearsal schema`: the JSON Schema of scenario files, for editors.

use clap::Args;

use crate::Exit;
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  rehearsal schema > scenario.schema.json
      for editors that read TOML with a schema (Taplo, Even Better TOML):
      write `#:schema scenario.schema.json` into the first line of a scenario";

/// `rehearsal schema`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SchemaArgs {}

/// Prints it.
pub fn print(_: &SchemaArgs) -> Exit {
    terminal::print(&scenarios::script::schema::text());
    Exit::Pass
}
