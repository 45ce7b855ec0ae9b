//! `rehearsal schema`: the JSON Schema of scenario files, for editors.

use crate::Exit;
use crate::terminal;

/// What its help shows.
pub const EXAMPLES: &str = "\
Examples:
  rehearsal schema > rehearsal.schema.json
      once; then a scenario's first line says `#:schema ./rehearsal.schema.json`, and editors that
      know TOML (Taplo, Even Better TOML) complete names and underline mistakes";

/// Prints it.
pub fn print() -> Exit {
    terminal::print(&scenarios::script::schema::text());
    Exit::Pass
}
