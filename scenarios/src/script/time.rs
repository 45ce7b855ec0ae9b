//! Spans of time, points in time and windows, as scenarios write them: `1500ms`, `zk-down + 2s`,
//! `kill..kill+2s`.
//!
//! Points may hang on a step that is dated only when its condition comes true; the player knows
//! then.

use std::fmt;

use machine::Duration;
use serde::{Deserialize, Serialize};

use super::fields::Text;
use super::phrase::{Mention, MentionKind, Misread, Phrase, Token};
use super::problems::{Problems, Span};

/// The rule of everything that is read here, but for spans of time themselves.
const RULE: &str = "E0204";

/// What a point in time hangs on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anchor {
    /// The beginning of the run.
    Start,
    /// The end of the run.
    End,
    /// The firing of this step; for a repeated step, each of its firings.
    Step(String),
}

/// A point in time: an anchor, and µs after it (before it, if negative).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// What it hangs on.
    pub anchor: Anchor,
    /// µs after the anchor.
    pub offset: i64,
}

impl Moment {
    /// The beginning of the run.
    pub const START: Self = Self { anchor: Anchor::Start, offset: 0 };
    /// The end of the run.
    pub const END: Self = Self { anchor: Anchor::End, offset: 0 };

    /// So long after the beginning.
    pub fn after_start(span: Duration) -> Self {
        Self { anchor: Anchor::Start, offset: micros(span) }
    }

    /// This moment, `span` later.
    pub fn plus(&self, span: Duration) -> Self {
        Self { anchor: self.anchor.clone(), offset: self.offset.saturating_add(micros(span)) }
    }

    /// The point in µs, where the anchor is at `anchor` µs; not before the beginning.
    pub fn at(&self, anchor: u64) -> u64 {
        anchor.saturating_add_signed(self.offset)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = Duration::from_micros(self.offset.unsigned_abs());
        match &self.anchor {
            Anchor::Start => return write!(f, "{span}"),
            Anchor::End => f.write_str("end")?,
            Anchor::Step(step) => f.write_str(step)?,
        }
        match self.offset {
            0 => Ok(()),
            later if later > 0 => write!(f, " + {span}"),
            _ => write!(f, " - {span}"),
        }
    }
}

/// From one moment to another, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its beginning.
    pub from: Moment,
    /// Its end.
    pub to: Moment,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            return write!(f, "{}", self.from);
        }
        write!(f, "{}..{}", self.from, self.to)
    }
}

/// How long something may and must take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Length {
    /// No shorter than this.
    pub min: Option<Duration>,
    /// No longer than this.
    pub max: Option<Duration>,
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (None, None) => f.write_str("any time"),
            (Some(min), None) => write!(f, ">= {min}"),
            (None, Some(max)) => write!(f, "<= {max}"),
            (Some(min), Some(max)) => write!(f, "{min}..{max}"),
        }
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// A span of time such as `250ms`, `1.5s`, `2m`, and nothing else.
pub fn duration(text: &Text, problems: &mut Problems) -> Option<Duration> {
    whole(text, problems, take_duration)
}

/// A span of time with a sign: `+40s`, `-40s`, in µs.
pub fn signed_duration(text: &Text, problems: &mut Problems) -> Option<i64> {
    let value = text.value.trim();
    let (back, rest) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    match parse_duration(rest.trim()) {
        Some(span) => Some(if back { -micros(span) } else { micros(span) }),
        None => {
            bad_duration(value, &text.span, problems);
            None
        }
    }
}

/// A point in time.
pub fn moment(text: &Text, problems: &mut Problems) -> Option<(Moment, Vec<Mention>)> {
    with_mentions(text, problems, take_moment)
}

/// `A..B`, or one point for both.
pub fn window(text: &Text, problems: &mut Problems) -> Option<(Window, Vec<Mention>)> {
    with_mentions(text, problems, |phrase, problems| {
        let from = take_moment(phrase, problems)?;
        let to = if phrase.took("..") { take_moment(phrase, problems)? } else { from.clone() };
        Ok(Window { from, to })
    })
}

/// `<= P` (from the beginning on) or `P..Q`.
pub fn deadline(text: &Text, problems: &mut Problems) -> Option<(Window, Vec<Mention>)> {
    with_mentions(text, problems, |phrase, problems| {
        if phrase.took("<=") {
            return Ok(Window { from: Moment::START, to: take_moment(phrase, problems)? });
        }
        let from = take_moment(phrase, problems)?;
        phrase.expect("..", RULE, problems)?;
        Ok(Window { from, to: take_moment(phrase, problems)? })
    })
}

/// `<= 5s`, `>= 5s` or `2s..5s`.
pub fn length(text: &Text, problems: &mut Problems) -> Option<Length> {
    whole(text, problems, |phrase, problems| {
        if phrase.took("<=") {
            return Ok(Length { min: None, max: Some(take_duration(phrase, problems)?) });
        }
        if phrase.took(">=") {
            return Ok(Length { min: Some(take_duration(phrase, problems)?), max: None });
        }
        let min = take_duration(phrase, problems)?;
        phrase.expect("..", RULE, problems)?;
        Ok(Length { min: Some(min), max: Some(take_duration(phrase, problems)?) })
    })
}

/// `40s after zk-up`, for `within`.
pub fn within(text: &Text, problems: &mut Problems) -> Option<(Window, Vec<Mention>)> {
    with_mentions(text, problems, |phrase, problems| {
        let span = take_duration(phrase, problems)?;
        phrase.expect("after", RULE, problems)?;
        let from = take_moment(phrase, problems)?;
        let to = from.plus(span);
        Ok(Window { from, to })
    })
}

fn whole<T>(
    text: &Text,
    problems: &mut Problems,
    read: impl FnOnce(&mut Phrase<'_>, &mut Problems) -> Result<T, Misread>,
) -> Option<T> {
    with_mentions(text, problems, read).map(|(value, _)| value)
}

fn with_mentions<T>(
    text: &Text,
    problems: &mut Problems,
    read: impl FnOnce(&mut Phrase<'_>, &mut Problems) -> Result<T, Misread>,
) -> Option<(T, Vec<Mention>)> {
    let mut phrase = Phrase::of(text, problems).ok()?;
    let value = read(&mut phrase, problems).ok()?;
    phrase.end(RULE, problems).ok()?;
    Some((value, phrase.mentions))
}

fn take_duration(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Duration, Misread> {
    match phrase.peek() {
        Some(token) if token.is_word() => {
            let token = phrase.take().expect("it was there");
            read_duration(phrase, &token, problems)
        }
        _ => Err(phrase.wanted("a span of time such as `2s`", RULE, problems)),
    }
}

fn read_duration(
    phrase: &Phrase<'_>,
    token: &Token<'_>,
    problems: &mut Problems,
) -> Result<Duration, Misread> {
    parse_duration(token.text).ok_or_else(|| {
        bad_duration(token.text, &phrase.place(token), problems);
        Misread
    })
}

fn bad_duration(written: &str, span: &Span, problems: &mut Problems) {
    let message = format!("`{written}` is not a span of time");
    let report = problems.add("E0104", span, message).label("not a span of time");
    report.help("write a number with its unit: `us`, `ms`, `s`, `m` or `h`, as in `1500ms`");
}

/// `10s`, `start + 3s`, `end`, `zk-down`, `zk-down + 2s`, `end - 5s`.
fn take_moment(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Moment, Misread> {
    let token = match phrase.peek() {
        Some(token) if token.is_word() => phrase.take().expect("it was there"),
        _ => return Err(phrase.wanted("a time or a step", RULE, problems)),
    };
    let anchor = match token.text {
        "start" => Anchor::Start,
        "end" => Anchor::End,
        digits if digits.starts_with(|letter: char| letter.is_ascii_digit()) => {
            let span = read_duration(phrase, &token, problems)?;
            return Ok(Moment::after_start(span));
        }
        step => {
            phrase.mention(MentionKind::Step, step, phrase.place(&token));
            Anchor::Step(step.to_string())
        }
    };
    let offset = if phrase.took("+") {
        micros(take_duration(phrase, problems)?)
    } else if phrase.took("-") {
        -micros(take_duration(phrase, problems)?)
    } else {
        0
    };
    Ok(Moment { anchor, offset })
}

/// A number with at most six decimals and a unit, in µs.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, unit) = text.split_at(unit_at);
    let unit: u64 = match unit {
        "us" | "µs" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        "h" => 3_600_000_000,
        _ => return None,
    };
    let (units, decimals) = number.split_once('.').unwrap_or((number, ""));
    if decimals.len() > 6 || (number.contains('.') && decimals.is_empty()) {
        return None;
    }
    let units: u64 = units.parse().ok()?;
    let fraction: u64 = format!("{decimals:0<6}").parse().ok()?;
    let fraction = u128::from(fraction) * u128::from(unit) / 1_000_000;
    let micros = u128::from(units) * u128::from(unit) + fraction;
    // A century: longer is a slip of the pen, and sums of times must not overflow.
    (micros <= 100 * 365 * 86_400 * 1_000_000)
        .then(|| Duration::from_micros(u64::try_from(micros).expect("a century fits")))
}
