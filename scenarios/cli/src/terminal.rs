//! The two streams a person may be looking at: whether they take colour, how wide they are.

use std::io::{IsTerminal, Write};

use reports::style::Style;

/// Lines longer than this are hard to read, however wide the window.
const WIDTH_MAX: usize = 120;

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

/// Writes to stdout; `false` if nobody reads it any more.
pub fn print(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Says something on stderr, as well as that goes.
pub fn say(text: &str) {
    // Nobody is left to be told that nobody listens.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Says what cannot be done and what to try.
pub fn complain(what: &str, help: Option<&str>) {
    let style = err();
    let mut text = style.wrapped("error: ", what);
    if let Some(help) = help {
        text.push_str(&style.wrapped("help: ", help));
    }
    say(&text);
}

fn style(is_terminal: bool) -> Style {
    let plain = Style::default();
    if !is_terminal {
        return plain;
    }
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    Style { colour, width: width.unwrap_or(plain.width).min(WIDTH_MAX) }
}
