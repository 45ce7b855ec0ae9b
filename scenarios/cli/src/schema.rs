//! `rehearsal schema`: the JSON Schema of scenario files, for editors.

use crate::Exit;
use crate::terminal;

/// Prints it.
pub fn print() -> Exit {
    terminal::print(&scenarios::script::schema::text());
    Exit::Pass
}
