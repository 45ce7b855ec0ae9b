//! The words of the small languages that scenarios have inside strings, with their places in the
//! file.
//!
//! [`super::time`], [`super::selector`] and [`super::condition`] read them.

use super::fields::Text;
use super::problems::{Problems, Span};

/// One word or sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    /// As written.
    pub text: &'t str,
    /// Where in the string.
    pub range: Span,
}

impl Token<'_> {
    /// Whether it is a name, number or keyword and not a sign.
    pub fn is_word(&self) -> bool {
        self.text != "-" && self.text.starts_with(is_word_letter)
    }
}

/// A name that a phrase mentions, to be checked once all names are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// What it must be the name of.
    pub kind: MentionKind,
    /// The name or pattern.
    pub name: String,
    /// Where it is written.
    pub span: Span,
}

/// What a name must be the name of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MentionKind {
    /// A server or a client, or a pattern that fits some.
    Node,
    /// A server or a client, where the word for a state could be as well.
    NodeOrState,
    /// A broker, or a pattern that fits brokers only.
    Broker,
    /// A topic of the cluster, or one that a step creates.
    Topic,
    /// A partition of a topic (`orders-0`).
    Partition,
    /// A partition of a topic that is mentioned itself, too.
    NumberOfPartition,
    /// A client, or a topic that clients work on.
    Client,
    /// A client, of which (or of some that fit the pattern) this is the work; or a topic for all
    /// that do this work on it.
    ClientThat(&'static str),
    /// A client that has a session: one of ZooKeeper.
    ClientWithSession,
    /// A step.
    Step,
    /// A step that picks nodes, so that it has victims.
    StepWithVictims,
    /// A step that picks two sides, so that it has peers.
    StepWithPeers,
    /// An entry of `[hosts]`.
    Host,
    /// `any N of` this pattern: there must be as many.
    AnyOf(u64),
    /// `any N of` these entries of `[hosts]`: there must be as many.
    AnyHostsOf(u64),
}

/// A phrase being read, word by word.
pub struct Phrase<'t> {
    text: &'t Text,
    tokens: Vec<Token<'t>>,
    next: usize,
    depth: usize,
    /// The names mentioned so far.
    pub mentions: Vec<Mention>,
    /// The places of the comparisons read so far, in the order of reading.
    pub comparisons: Vec<Span>,
}

/// How deep parentheses may be nested.
const DEPTH_MAX: usize = 32;

/// Something in a phrase that cannot be understood. It has been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misread;

impl<'t> Phrase<'t> {
    /// Splits the text into words and signs; complains about letters that belong to neither.
    pub fn of(text: &'t Text, problems: &mut Problems) -> Result<Self, Misread> {
        let mut tokens = Vec::new();
        let source = text.value.as_str();
        let mut at = 0;
        while let Some(letter) = source[at..].chars().next() {
            if letter.is_whitespace() {
                at += letter.len_utf8();
                continue;
            }
            let length = token_length(&source[at..]);
            if length == 0 {
                let range = at..at + letter.len_utf8();
                let message = format!("`{letter}` has no meaning here");
                problems.add("E0208", &text.part(range), message);
                return Err(Misread);
            }
            tokens.push(Token { text: &source[at..at + length], range: at..at + length });
            at += length;
        }
        Ok(Self { text, tokens, next: 0, depth: 0, mentions: Vec::new(), comparisons: Vec::new() })
    }

    /// The next token, left where it is.
    pub fn peek(&self) -> Option<&Token<'t>> {
        self.tokens.get(self.next)
    }

    /// The token after the next.
    pub fn peek_second(&self) -> Option<&Token<'t>> {
        self.tokens.get(self.next + 1)
    }

    /// What follows the parenthesis that opens here.
    pub fn after_parenthesis(&self) -> Option<&'t str> {
        let mut open = 0;
        for (index, token) in self.tokens.iter().enumerate().skip(self.next) {
            match token.text {
                "(" => open += 1,
                ")" if open == 1 => return self.tokens.get(index + 1).map(|token| token.text),
                ")" if open > 1 => open -= 1,
                _ if open == 0 => return None,
                _ => {}
            }
        }
        None
    }

    /// Takes the next token.
    pub fn take(&mut self) -> Option<Token<'t>> {
        let token = self.tokens.get(self.next).cloned();
        self.next += usize::from(token.is_some());
        token
    }

    /// Takes the next token if it is `text`.
    pub fn took(&mut self, text: &str) -> bool {
        let is_it = self.peek().is_some_and(|token| token.text == text);
        self.next += usize::from(is_it);
        is_it
    }

    /// Takes everything up to the next parenthesis, comma or `as` as one name, whatever signs it
    /// has.
    pub fn take_name(&mut self) -> Option<(&'t str, Span)> {
        let first = self.peek()?.range.start;
        let mut end = first;
        while let Some(token) = self.peek() {
            if matches!(token.text, "(" | ")" | ",") || (token.text == "as" && end > first) {
                break;
            }
            end = token.range.end;
            self.next += 1;
        }
        let place = self.text.part(first..end);
        (end > first).then(|| (&self.text.value[first..end], place))
    }

    /// Whether all is read.
    pub fn is_done(&self) -> bool {
        self.next == self.tokens.len()
    }

    /// The place of a token in the file.
    pub fn place(&self, token: &Token<'_>) -> Span {
        self.text.part(token.range.clone())
    }

    /// The place of what was read since token number `first` (see [`Phrase::position`]).
    pub fn place_since(&self, first: usize) -> Span {
        let start = self.tokens.get(first).map_or(0, |token| token.range.start);
        let last = self.next.checked_sub(1).and_then(|last| self.tokens.get(last));
        self.text.part(start..last.map_or(start, |token| token.range.end).max(start))
    }

    /// The number of the next token.
    pub fn position(&self) -> usize {
        self.next
    }

    /// Goes one level deeper; complains where nobody means it.
    pub fn enter(&mut self, problems: &mut Problems) -> Result<(), Misread> {
        self.depth += 1;
        if self.depth <= DEPTH_MAX {
            return Ok(());
        }
        let place = self.peek().map_or(self.text.span.clone(), |token| self.place(token));
        problems.add("E0207", &place, "too many parentheses inside each other");
        Err(Misread)
    }

    /// Comes back from one level.
    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Notes a name to be checked later.
    pub fn mention(&mut self, kind: MentionKind, name: &str, span: Span) {
        self.mentions.push(Mention { kind, name: name.to_string(), span });
    }

    /// Takes `sign`; complains with `code` if something else is next.
    pub fn expect(
        &mut self,
        sign: &str,
        code: &'static str,
        problems: &mut Problems,
    ) -> Result<(), Misread> {
        if self.took(sign) {
            Ok(())
        } else {
            Err(self.wanted(&format!("`{sign}`"), code, problems))
        }
    }

    /// Complains that `what` was wanted where the phrase stands now.
    pub fn wanted(&self, what: &str, code: &'static str, problems: &mut Problems) -> Misread {
        match self.peek() {
            Some(token) => {
                let message = format!("expected {what}, found `{}`", token.text);
                problems.add(code, &self.place(token), message).label(format!("expected {what}"));
            }
            None => {
                let message = format!("expected {what}, but the text ends");
                let end = self.text.value.len();
                let place = self.text.part(end.saturating_sub(1)..end);
                problems.add(code, &place, message).label(format!("expected {what} after this"));
            }
        }
        Misread
    }

    /// Complains if anything is left.
    pub fn end(&self, code: &'static str, problems: &mut Problems) -> Result<(), Misread> {
        let Some(token) = self.peek() else { return Ok(()) };
        let message = format!("did not expect `{}` here", token.text);
        problems.add(code, &self.place(token), message).label("the text could end before this");
        Err(Misread)
    }
}

fn is_word_letter(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '*' | '?' | '.' | '-')
}

/// The length of the token `rest` begins with, 0 if it begins with none.
fn token_length(rest: &str) -> usize {
    for sign in ["..", "<=", ">=", "==", "!=", "<", ">", "=", "(", ")", ",", "+"] {
        if rest.starts_with(sign) {
            return sign.len();
        }
    }
    let mut length = 0;
    for (at, letter) in rest.char_indices() {
        if !is_word_letter(letter) || rest[at..].starts_with("..") {
            break;
        }
        length = at + letter.len_utf8();
    }
    length
}
