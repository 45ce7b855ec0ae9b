//! The two streams a person may be looking at: whether they take colour, how wide they are.

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use clap::{ColorChoice, ValueEnum};
use reports::style::Style;

use crate::Exit;

/// Lines longer than this are hard to read, however wide the window.
const WIDTH_MAX: usize = 120;

/// When text is coloured (`--color`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless the environment asks for something else.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// What the command line asked for, once it was read.
static ASKED_FOR: OnceLock<Colour> = OnceLock::new();

impl Colour {
    /// What a command line asks for that was not read yet, and may be wrong.
    pub fn asked_for(words: &[OsString]) -> Self {
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        let given = words.iter().enumerate().find_map(|(index, word)| match word.as_ref() {
            "--color" => words.get(index + 1).map(AsRef::as_ref),
            word => word.strip_prefix("--color="),
        });
        given.and_then(|word| Self::from_str(word, false).ok()).unwrap_or_default()
    }

    /// From now on, text is coloured so.
    pub fn choose(self) {
        // Only the first choice counts, and there is only one.
        let _ = ASKED_FOR.set(self);
    }

    /// Whether to colour what goes to a terminal or elsewhere, in this environment: a wish on the command line first,
    /// then `NO_COLOR` (no-color.org), `CLICOLOR_FORCE`, `CLICOLOR=0` and `TERM=dumb`.
    fn paints(self, is_terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let is = |name, value: &str| variable(name).is_some_and(|found| found == value);
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if is_set("NO_COLOR") => false,
            Self::Auto if is_set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0") => true,
            Self::Auto => is_terminal && !is("CLICOLOR", "0") && !is("TERM", "dumb"),
        }
    }
}

impl From<Colour> for ColorChoice {
    fn from(colour: Colour) -> Self {
        match colour {
            Colour::Auto => Self::Auto,
            Colour::Always => Self::Always,
            Colour::Never => Self::Never,
        }
    }
}

/// How text on stdout is set.
pub fn out() -> Style {
    style(std::io::stdout().is_terminal())
}

/// How text on stderr is set.
pub fn err() -> Style {
    style(std::io::stderr().is_terminal())
}

/// Whether somebody watches stderr.
pub fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether stdout is a terminal.
pub fn shows_data() -> bool {
    std::io::stdout().is_terminal()
}

/// Writes to stdout; `false` if nobody reads it any more. Output that is lost otherwise, say on a full disk, ends the process.
pub fn print(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => false,
        Err(error) => {
            complain(&format!("the output cannot be written: {error}"), None);
            std::process::exit(Exit::Broken as i32)
        }
    }
}

/// Says something on stderr, as well as that goes.
pub fn say(text: &str) {
    // Nobody is left to be told that nobody listens.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Says what cannot be done and what to try.
pub fn complain(what: &str, help: Option<&str>) {
    say(&complaint(what, help));
}

/// What cannot be done and what to try, as it is said on stderr.
pub fn complaint(what: &str, help: Option<&str>) -> String {
    let style = err();
    let mut text = style.wrapped("error: ", what);
    if let Some(help) = help {
        text.push_str(&style.wrapped("help: ", help));
    }
    text
}

fn style(is_terminal: bool) -> Style {
    let colour = ASKED_FOR.get().copied().unwrap_or_default();
    let colour = colour.paints(is_terminal, |name| std::env::var_os(name));
    let plain = Style::default();
    if !is_terminal {
        return Style { colour, ..plain };
    }
    let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    Style { colour, width: width.unwrap_or(plain.width).min(WIDTH_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_heard_before_the_environment() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(Colour::asked_for(&words(&["run", "--color", "always"])), Colour::Always);
        assert_eq!(Colour::asked_for(&words(&["--color=never", "run"])), Colour::Never);
        assert_eq!(Colour::asked_for(&words(&["run", "--color"])), Colour::Auto);
        let none = |name: &str| (name == "NO_COLOR").then(|| OsString::from("1"));
        assert!(Colour::Always.paints(false, none));
        assert!(!Colour::Auto.paints(true, none));
    }

    #[test]
    fn only_terminals_are_coloured_unless_forced() {
        let with = |name: &'static str, value: &'static str| {
            move |asked: &str| (asked == name).then(|| OsString::from(value))
        };
        assert!(Colour::Auto.paints(true, with("TERM", "xterm")));
        assert!(!Colour::Auto.paints(false, with("TERM", "xterm")));
        assert!(!Colour::Auto.paints(true, with("TERM", "dumb")));
        assert!(!Colour::Auto.paints(true, with("CLICOLOR", "0")));
        assert!(Colour::Auto.paints(true, with("NO_COLOR", "")), "an empty value is none");
        assert!(Colour::Auto.paints(false, with("CLICOLOR_FORCE", "1")));
        assert!(!Colour::Auto.paints(false, with("CLICOLOR_FORCE", "0")));
    }
}
