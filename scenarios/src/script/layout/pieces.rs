//! A TOML text in pieces: words, strings, signs, comments and line breaks, each as it is written.
//!
//! The text has been found to be TOML. Of another one the pieces make no sense; taking it apart ends all the same.

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bare key, a number, a date, a string of any kind.
    Word,
    /// `[` or `{`
    Open,
    /// `]` or `}`
    Close,
    /// `,`
    Comma,
    /// `=`
    Equals,
    /// `# …`, without blanks at its end.
    Comment,
    /// The end of a line.
    Break,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'t> {
    /// What it is.
    pub kind: Kind,
    /// As written.
    pub text: &'t str,
    /// Whether blanks stand before it.
    pub after_blank: bool,
}

impl Piece<'_> {
    /// A line break that was not there.
    pub const BREAK: Self = Piece { kind: Kind::Break, text: "\n", after_blank: false };
    /// A comma that was not there.
    pub const COMMA: Self = Piece { kind: Kind::Comma, text: ",", after_blank: false };
}

/// All pieces of the text; blanks are none.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut at, mut after_blank) = (0, false);
    while let Some(letter) = text[at..].chars().next() {
        if matches!(letter, ' ' | '\t' | '\r' | '\u{feff}') {
            (at, after_blank) = (at + letter.len_utf8(), true);
            continue;
        }
        let rest = &text[at..];
        let (kind, length) = match letter {
            '\n' => (Kind::Break, 1),
            '[' | '{' => (Kind::Open, 1),
            ']' | '}' => (Kind::Close, 1),
            ',' => (Kind::Comma, 1),
            '=' => (Kind::Equals, 1),
            '#' => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
            '"' | '\'' => (Kind::Word, string_length(rest, letter)),
            _ => (Kind::Word, word_length(rest)),
        };
        let text = &rest[..length];
        let text = if kind == Kind::Comment { text.trim_end() } else { text };
        pieces.push(Piece { kind, text, after_blank });
        (at, after_blank) = (at + length, false);
    }
    pieces
}

fn word_length(rest: &str) -> usize {
    let ends = |letter: char| letter.is_whitespace() || "[]{},=#\"'".contains(letter);
    let length = rest.find(ends).unwrap_or(rest.len());
    length.max(rest.chars().next().map_or(0, char::len_utf8))
}

/// The length of the string that begins here with this quote, both quotes included.
fn string_length(rest: &str, quote: char) -> usize {
    let three = String::from(quote).repeat(3);
    let (open, close) =
        if rest.starts_with(&three) { (3, three.as_str()) } else { (1, &three[..1]) };
    let mut at = open;
    while at < rest.len() {
        let letter = rest[at..].chars().next().unwrap_or(quote);
        if letter == '\\' && quote == '"' {
            let next = rest[at + 1..].chars().next();
            at += 1 + next.map_or(0, char::len_utf8);
        } else if rest[at..].starts_with(close) {
            at += close.len();
            // Up to two quotes may stand before the three that close.
            let more = rest[at..].chars().take(2).take_while(|letter| *letter == quote).count();
            return if open == 3 { at + more } else { at };
        } else {
            at += letter.len_utf8();
        }
    }
    rest.len()
}
