//! Conditions as scenarios write them, word by word.

use super::{Comparison, Condition, Number, OfPartition, What};
use crate::script::Phrased;
use crate::script::facts::SessionState;
use crate::script::fields::Text;
use crate::script::phrase::{Mention, MentionKind, Misread, Phrase};
use crate::script::problems::{Problems, Span};
use crate::script::selector::{self, Role, Selector};

/// The rule of everything that is read here.
const RULE: &str = "E0202";

/// The condition in this text, with the names it mentions.
pub fn parse(text: &Text, problems: &mut Problems) -> Option<(Condition, Vec<Mention>)> {
    let mut phrase = Phrase::of(text, problems).ok()?;
    let condition = take(&mut phrase, problems).ok()?;
    phrase.end(RULE, problems).ok()?;
    Some((condition, phrase.mentions))
}

/// Where each comparison of a condition is written, in the order of reading: all that is not `and`, `or`, `not` or a
/// parenthesis around them. `source` is the whole file.
pub fn places(that: &Phrased<Condition>, source: &str) -> Vec<Span> {
    let text = Text::again(&that.words, that.span.clone(), source);
    let mut problems = Problems::of("", source);
    let Ok(mut phrase) = Phrase::of(&text, &mut problems) else { return Vec::new() };
    let read = take(&mut phrase, &mut problems);
    read.map_or_else(|Misread| Vec::new(), |_| phrase.comparisons)
}

fn take(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Condition, Misread> {
    phrase.enter(problems)?;
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
    let first = phrase.position();
    let comparison = take_comparison_or_state(phrase, problems)?;
    let place = phrase.place_since(first);
    phrase.comparisons.push(place);
    Ok(comparison)
}

/// One that has no other conditions in it.
fn take_comparison_or_state(
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Condition, Misread> {
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
    if is_call("topic", phrase) {
        let topic = take_topic(phrase, problems)?;
        phrase.expect("exists", RULE, problems)?;
        return Ok(Condition::TopicExists(topic));
    }
    let who = selector::take(phrase, problems)?;
    if phrase.took(".size") {
        return take_comparison(Number::Size(who), phrase, problems);
    }
    let not = take_is(phrase, problems)?;
    if phrase.took("nobody") {
        let how = if not { Comparison::More } else { Comparison::Equal };
        let (left, right) = (Number::Size(who), Number::Literal(0));
        return Ok(Condition::Compare { left, how, right });
    }
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
    let report = problems.add("E0206", &phrase.place(token), message);
    report.suggest(token.text, words.iter().map(|(word, _)| *word));
    Err(Misread)
}

/// Whether `name(` is next.
fn is_call(name: &str, phrase: &Phrase<'_>) -> bool {
    phrase.peek().is_some_and(|token| token.text == name)
        && phrase.peek_second().is_some_and(|token| token.text == "(")
}

/// `name(topic)`, which is next.
fn take_topic(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<String, Misread> {
    phrase.take();
    phrase.take();
    let Some((topic, place)) = phrase.take_name() else {
        return Err(phrase.wanted("a topic", RULE, problems));
    };
    phrase.mention(MentionKind::Topic, topic, place);
    phrase.expect(")", RULE, problems)?;
    Ok(topic.to_string())
}

/// `name(clients)`, if that is next.
fn take_call(
    name: &str,
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Option<Selector>, Misread> {
    if !is_call(name, phrase) {
        return Ok(None);
    }
    phrase.take();
    phrase.take();
    let first = phrase.mentions.len();
    let clients = match name {
        "acked" | "failed" | "consumed" => selector::take_clients(phrase, problems)?,
        _ => selector::take_clients_with_sessions(phrase, problems)?,
    };
    if name == "consumed" {
        for mention in &mut phrase.mentions[first..] {
            mention.kind = MentionKind::ClientThat("consume");
        }
    }
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
    if is_call("count", phrase) {
        phrase.take();
        phrase.take();
        let who = selector::take(phrase, problems)?;
        phrase.expect("is", RULE, problems)?;
        let what = take_what(phrase, problems)?;
        phrase.expect(")", RULE, problems)?;
        return Ok(Some(Number::Count(who, what)));
    }
    if let Some(number) = take_number_of_kafka(phrase, problems)? {
        return Ok(Some(number));
    }
    type OfClients = fn(Selector) -> Number;
    let calls: [(&str, OfClients); 5] = [
        ("acked", Number::Acked),
        ("failed", Number::Failed),
        ("events", Number::Events),
        ("expirations", Number::Expirations),
        ("consumed", Number::Consumed),
    ];
    for (name, number) in calls {
        if let Some(clients) = take_call(name, phrase, problems)? {
            return Ok(Some(number(clients)));
        }
    }
    Ok(None)
}

/// A number of topics, partitions or controllers, if one is next.
fn take_number_of_kafka(
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Option<Number>, Misread> {
    let words = [
        ("controller-epoch", Number::ControllerEpoch),
        ("offline-partitions", Number::OfflinePartitions),
        ("under-replicated-partitions", Number::UnderReplicatedPartitions),
    ];
    for (word, number) in words {
        if phrase.took(word) {
            return Ok(Some(number));
        }
    }
    if is_call("lost", phrase) {
        return Ok(Some(Number::Lost(take_topic(phrase, problems)?)));
    }
    let calls = [
        ("leader-epoch", OfPartition::LeaderEpoch),
        ("high-watermark", OfPartition::HighWatermark),
        ("log-end", OfPartition::LogEnd),
    ];
    for (name, what) in calls {
        if is_call(name, phrase) {
            phrase.take();
            phrase.take();
            let partition = selector::take_partition(phrase, problems)?;
            let inside = selector::take_seen_by_broker(phrase, problems)?;
            phrase.expect(")", RULE, problems)?;
            let seen_by = match inside {
                None => selector::take_seen_by_broker(phrase, problems)?,
                inside => inside,
            };
            return Ok(Some(Number::Of { what, partition, seen_by }));
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
    let mut inner = Phrase::of(text, problems)?;
    let selector = selector::take(&mut inner, problems)?;
    inner.end(RULE, problems)?;
    phrase.mentions.append(&mut inner.mentions);
    Ok(selector)
}
