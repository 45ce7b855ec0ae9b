//! Conditions: what must come true before a step, and what an author promises.
//!
//! ```text
//! condition = all { "or" all }          all = not { "and" not }          not = [ "not" ] one
//! one       = zk.quorum | selector "is" [ "not" ] ( state | selector )
//!           | session(client) "is" [ "not" ] state
//!           | lock(client) "is" [ "not" ] "held" | number compared number | ( condition )
//! number    = 42 | zk.epoch [ as seen by server ] | selector.size | count( selector is state )
//!           | acked(client) | failed(client) | events(client) | expirations(client)
//! ```
//! `A is …` holds if there is at least one A and it is true of every one; `A is not …` if there is
//! at least one and it is true of none. Of several clients, numbers are added up.

use serde::{Deserialize, Serialize};

use super::facts::{Facts, SessionState};
use super::fields::Text;
use super::phrase::{Mention, MentionKind, Misread, Phrase};
use super::problems::Problems;
use super::selector::{self, Role, Selector};

/// The rule of everything that is read here.
const RULE: &str = "E0202";

/// Something that is true or not at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// A leader is serving its quorum.
    Quorum,
    /// Not this.
    Not(Box<Condition>),
    /// All of these.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
    /// These nodes are, or are not, so.
    Is {
        /// Who.
        who: Selector,
        /// Whether `not` was written.
        not: bool,
        /// How.
        what: What,
    },
    /// Two numbers compare so.
    Compare {
        /// On the left.
        left: Number,
        /// How.
        how: Comparison,
        /// On the right.
        right: Number,
    },
}

/// What nodes or clients can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// In this state.
    Role(Role),
    /// One of these.
    One(Selector),
    /// Clients whose session is in this state.
    Session(SessionState),
    /// Clients that hold their lock.
    HoldsLock,
}

/// A number that can be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Number {
    /// This one.
    Literal(u64),
    /// The epoch of the latest established leader, or the greatest that these servers are in.
    Epoch {
        /// Whose belief; `None` for the truth.
        seen_by: Option<Box<Selector>>,
    },
    /// How many nodes are meant.
    Size(Selector),
    /// How many of these are so.
    Count(Selector, What),
    /// How many operations succeeded.
    Acked(Selector),
    /// How many operations failed.
    Failed(Selector),
    /// How many watches fired.
    Events(Selector),
    /// How many sessions expired.
    Expirations(Selector),
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

impl Condition {
    /// Whether it holds now. Panics if its plan was not drawn.
    pub fn holds(&self, facts: &dyn Facts) -> bool {
        match self {
            Self::Quorum => facts.quorum(),
            Self::Not(inner) => !inner.holds(facts),
            Self::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts)),
            Self::Is { who, not, what } => {
                let who = who.resolve(facts);
                !who.is_empty() && who.iter().all(|node| what.is_true_of(node, facts) != *not)
            }
            Self::Compare { left, how, right } => {
                let (left, right) = (left.value(facts), right.value(facts));
                match how {
                    Comparison::Less => left < right,
                    Comparison::AtMost => left <= right,
                    Comparison::Equal => left == right,
                    Comparison::Unequal => left != right,
                    Comparison::AtLeast => left >= right,
                    Comparison::More => left > right,
                }
            }
        }
    }

    /// This condition with every selector in it changed.
    pub fn map(&self, change: &mut dyn FnMut(&Selector) -> Selector) -> Self {
        match self {
            Self::Quorum => Self::Quorum,
            Self::Not(inner) => Self::Not(Box::new(inner.map(change))),
            Self::All(parts) => Self::All(parts.iter().map(|part| part.map(change)).collect()),
            Self::Any(parts) => Self::Any(parts.iter().map(|part| part.map(change)).collect()),
            Self::Is { who, not, what } => {
                Self::Is { who: change(who), not: *not, what: what.map(change) }
            }
            Self::Compare { left, how, right } => {
                Self::Compare { left: left.map(change), how: *how, right: right.map(change) }
            }
        }
    }
}

impl What {
    fn is_true_of(&self, node: &str, facts: &dyn Facts) -> bool {
        match self {
            Self::Role(role) => facts.is(node, *role),
            Self::One(of) => of.resolve(facts).iter().any(|one| one == node),
            Self::Session(state) => facts.session(node) == *state,
            Self::HoldsLock => facts.holds_lock(node),
        }
    }

    fn map(&self, change: &mut dyn FnMut(&Selector) -> Selector) -> Self {
        match self {
            Self::One(of) => Self::One(change(of)),
            other => other.clone(),
        }
    }
}

impl Number {
    fn value(&self, facts: &dyn Facts) -> u64 {
        let sum = |clients: &Selector, of: &dyn Fn(&str) -> u64| {
            clients.resolve(facts).iter().map(|client| of(client)).sum()
        };
        match self {
            Self::Literal(number) => *number,
            Self::Epoch { seen_by: None } => facts.epoch(),
            Self::Epoch { seen_by: Some(who) } => {
                let who = who.resolve(facts);
                who.iter().map(|server| facts.epoch_seen_by(server)).max().unwrap_or(0)
            }
            Self::Size(who) => who.resolve(facts).len() as u64,
            Self::Count(who, what) => {
                let who = who.resolve(facts);
                who.iter().filter(|node| what.is_true_of(node, facts)).count() as u64
            }
            Self::Acked(clients) => sum(clients, &|client| facts.acked(client)),
            Self::Failed(clients) => sum(clients, &|client| facts.failed(client)),
            Self::Events(clients) => sum(clients, &|client| facts.events(client)),
            Self::Expirations(clients) => sum(clients, &|client| facts.expirations(client)),
        }
    }

    fn map(&self, change: &mut dyn FnMut(&Selector) -> Selector) -> Self {
        match self {
            Self::Literal(number) => Self::Literal(*number),
            Self::Epoch { seen_by } => {
                Self::Epoch { seen_by: seen_by.as_ref().map(|who| Box::new(change(who))) }
            }
            Self::Size(who) => Self::Size(change(who)),
            Self::Count(who, what) => Self::Count(change(who), what.map(change)),
            Self::Acked(who) => Self::Acked(change(who)),
            Self::Failed(who) => Self::Failed(change(who)),
            Self::Events(who) => Self::Events(change(who)),
            Self::Expirations(who) => Self::Expirations(change(who)),
        }
    }
}

/// The condition in this text, with the names it mentions.
pub fn parse(text: &Text, problems: &mut Problems) -> Option<(Condition, Vec<Mention>)> {
    let mut phrase = Phrase::of(text, RULE, problems).ok()?;
    let condition = take(&mut phrase, problems).ok()?;
    phrase.end(RULE, problems).ok()?;
    Some((condition, phrase.mentions))
}

fn take(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Condition, Misread> {
    phrase.enter(RULE, problems)?;
    let mut parts = vec![take_all(phrase, problems)?];
    while phrase.took("or") {
        parts.push(take_all(phrase, problems)?);
    }
    phrase.leave();
    Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Condition::Any(parts) })
}

fn take_all(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Condition, Misread> {
    let mut parts = vec![take_not(phrase, problems)?];
    while phrase.took("and") {
        parts.push(take_not(phrase, problems)?);
    }
    Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Condition::All(parts) })
}

fn take_not(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Condition, Misread> {
    let mut negated = false;
    while phrase.took("not") {
        negated = !negated;
    }
    let condition = take_one(phrase, problems)?;
    Ok(if negated { Condition::Not(Box::new(condition)) } else { condition })
}

fn take_one(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Condition, Misread> {
    // A parenthesis around nodes is told from one around a condition by what follows it.
    let around_nodes = matches!(phrase.after_parenthesis(), Some("is" | ".size" | "-" | ","));
    if !around_nodes && phrase.took("(") {
        let inner = take(phrase, problems)?;
        phrase.expect(")", RULE, problems)?;
        return Ok(inner);
    }
    if phrase.took("zk.quorum") {
        return Ok(Condition::Quorum);
    }
    if let Some(left) = take_number(phrase, problems)? {
        return take_comparison(left, phrase, problems);
    }
    if let Some(clients) = take_call("session", phrase, problems)? {
        let not = take_is(phrase, problems)?;
        let state = take_word_of(&SessionState::ALL, "a state of a session", phrase, problems)?;
        return Ok(Condition::Is { who: clients, not, what: What::Session(state) });
    }
    if let Some(clients) = take_call("lock", phrase, problems)? {
        let not = take_is(phrase, problems)?;
        take_word_of(&[("held", ())], "`held`", phrase, problems)?;
        return Ok(Condition::Is { who: clients, not, what: What::HoldsLock });
    }
    let who = selector::take(phrase, problems)?;
    if phrase.took(".size") {
        return take_comparison(Number::Size(who), phrase, problems);
    }
    let not = take_is(phrase, problems)?;
    Ok(Condition::Is { who, not, what: take_what(phrase, problems)? })
}

/// `is` or `is not`; true for the latter.
fn take_is(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<bool, Misread> {
    phrase.expect("is", RULE, problems)?;
    Ok(phrase.took("not"))
}

fn take_what(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<What, Misread> {
    let word = phrase.peek().map_or("", |token| token.text);
    if let Some((_, role)) = Role::ALL.iter().find(|(name, _)| *name == word) {
        phrase.take();
        return Ok(What::Role(*role));
    }
    let of = selector::take(phrase, problems)?;
    if let (Selector::Pattern(_), Some(mention)) = (&of, phrase.mentions.last_mut()) {
        mention.kind = MentionKind::NodeOrState;
    }
    Ok(What::One(of))
}

fn take_word_of<T: Copy>(
    words: &[(&str, T)],
    what: &str,
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<T, Misread> {
    let Some(token) = phrase.peek() else { return Err(phrase.wanted(what, RULE, problems)) };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == token.text) {
        let value = *value;
        phrase.take();
        return Ok(value);
    }
    let message = format!("expected {what}, found `{}`", token.text);
    let report = problems.add(RULE, &phrase.place(token), message);
    report.suggest(token.text, words.iter().map(|(word, _)| *word));
    Err(Misread)
}

/// `name(clients)`, if that is next.
fn take_call(
    name: &str,
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Option<Selector>, Misread> {
    let is_it = phrase.peek().is_some_and(|token| token.text == name)
        && phrase.peek_second().is_some_and(|token| token.text == "(");
    if !is_it {
        return Ok(None);
    }
    phrase.take();
    phrase.take();
    let clients = selector::take_clients(phrase, problems)?;
    phrase.expect(")", RULE, problems)?;
    Ok(Some(clients))
}

fn take_comparison(
    left: Number,
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Condition, Misread> {
    let how = match phrase.peek().map(|token| token.text) {
        Some("<") => Comparison::Less,
        Some("<=") => Comparison::AtMost,
        Some("=" | "==") => Comparison::Equal,
        Some("!=") => Comparison::Unequal,
        Some(">=") => Comparison::AtLeast,
        Some(">") => Comparison::More,
        _ => {
            return Err(phrase.wanted("one of `<`, `<=`, `=`, `!=`, `>=`, `>`", RULE, problems));
        }
    };
    phrase.take();
    match take_number(phrase, problems)? {
        Some(right) => Ok(Condition::Compare { left, how, right }),
        None => Err(phrase.wanted("a number", RULE, problems)),
    }
}

/// A number, if one is next.
fn take_number(
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Option<Number>, Misread> {
    let Some(token) = phrase.peek().cloned() else { return Ok(None) };
    let word = token.text;
    if let Ok(literal) = word.parse() {
        phrase.take();
        return Ok(Some(Number::Literal(literal)));
    }
    if phrase.took("zk.epoch") {
        let seen_by = selector::take_seen_by(phrase, problems)?;
        return Ok(Some(Number::Epoch { seen_by }));
    }
    if let Some(of) = word.strip_suffix(".size").filter(|of| !of.is_empty()) {
        let place = phrase.place(&token);
        let text = Text::inside(of, place);
        phrase.take();
        return Ok(Some(Number::Size(sized(&text, phrase, problems)?)));
    }
    if word == "count" && phrase.peek_second().is_some_and(|token| token.text == "(") {
        phrase.take();
        phrase.take();
        let who = selector::take(phrase, problems)?;
        phrase.expect("is", RULE, problems)?;
        let what = take_what(phrase, problems)?;
        phrase.expect(")", RULE, problems)?;
        return Ok(Some(Number::Count(who, what)));
    }
    type OfClients = fn(Selector) -> Number;
    let calls: [(&str, OfClients); 4] = [
        ("acked", Number::Acked),
        ("failed", Number::Failed),
        ("events", Number::Events),
        ("expirations", Number::Expirations),
    ];
    for (name, number) in calls {
        if let Some(clients) = take_call(name, phrase, problems)? {
            return Ok(Some(number(clients)));
        }
    }
    Ok(None)
}

/// The selector before `.size`, which was one word with it.
fn sized(
    text: &Text,
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Selector, Misread> {
    let mut inner = Phrase::of(text, RULE, problems)?;
    let selector = selector::take(&mut inner, problems)?;
    inner.end(RULE, problems)?;
    phrase.mentions.append(&mut inner.mentions);
    Ok(selector)
}
