//! Selectors as scenarios write them, word by word.

use broker::id::TopicPartition;

use super::Role;
use super::Selector;
use crate::script::phrase::{MentionKind, Misread, Phrase};
use crate::script::problems::{Problems, Span};

/// The rule of everything that is read here.
const RULE: &str = "E0201";

/// Reads a selector.
pub fn take(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Selector, Misread> {
    phrase.enter(problems)?;
    let mut parts = vec![take_some(phrase, problems)?];
    // A comma before `as seen by` belongs to the belief, not to a list.
    while phrase.peek().is_some_and(|token| token.text == ",")
        && phrase.peek_second().is_none_or(|token| token.text != "as")
    {
        phrase.take();
        parts.push(take_some(phrase, problems)?);
    }
    phrase.leave();
    Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Selector::Union(parts) })
}

fn take_some(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Selector, Misread> {
    let quantifies = phrase.peek_second().is_some_and(|token| {
        token.text == "of" || token.text.starts_with(|letter: char| letter.is_ascii_digit())
    });
    if quantifies && phrase.took("all") {
        phrase.expect("of", RULE, problems)?;
        return take_these(phrase, problems);
    }
    if !(quantifies && phrase.took("any")) {
        return take_these(phrase, problems);
    }
    let count = match phrase.peek().and_then(|token| token.text.parse().ok()) {
        _ if phrase.peek().is_some_and(|token| token.text == "of") => 1,
        Some(count) => {
            phrase.take();
            count
        }
        None => return Err(phrase.wanted("how many", RULE, problems)),
    };
    phrase.expect("of", RULE, problems)?;
    let first = phrase.position();
    let these = Box::new(take_these(phrase, problems)?);
    if let Selector::Pattern(pattern) = &*these {
        let place = phrase.place_since(first);
        phrase.mention(MentionKind::AnyOf(count), pattern, place);
    }
    Ok(Selector::Any { count, these, ranking: Vec::new() })
}

fn take_these(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Selector, Misread> {
    let mut these = take_one(phrase, problems)?;
    while phrase.took("-") {
        let without = take_one(phrase, problems)?;
        these = Selector::Except(Box::new(these), Box::new(without));
    }
    Ok(these)
}

fn take_one(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Selector, Misread> {
    if phrase.took("(") {
        let inner = take(phrase, problems)?;
        phrase.expect(")", RULE, problems)?;
        return Ok(inner);
    }
    let token = match phrase.peek() {
        Some(token) if token.is_word() => phrase.take().expect("it was there"),
        _ => return Err(phrase.wanted("a node, a pattern or a role", RULE, problems)),
    };
    let place = phrase.place(&token);
    if phrase.took("(") {
        return take_call(token.text, place, phrase, problems);
    }
    Ok(match token.text {
        "zk.servers" => Selector::Servers,
        "zk.leader" => Selector::Leader { seen_by: take_seen_by(phrase, problems)? },
        "zk.followers" => Selector::InState(Role::Following),
        "zk.looking" => Selector::InState(Role::Looking),
        "zk.serving" => Selector::InState(Role::Serving),
        "clients" => Selector::Clients,
        "brokers" => Selector::Brokers,
        "controller" => Selector::Controller { seen_by: take_seen_by_broker(phrase, problems)? },
        name if name.starts_with("zk.") => {
            let message = format!("`{name}` is not something to select");
            problems.add("E0205", &place, message).suggest(name, ROLES);
            return Err(Misread);
        }
        name => {
            phrase.mention(MentionKind::Node, name, place);
            Selector::Pattern(name.to_string())
        }
    })
}

/// What can be selected of ZooKeeper by role.
const ROLES: [&str; 5] = ["zk.servers", "zk.leader", "zk.followers", "zk.looking", "zk.serving"];

/// What takes something in parentheses.
const CALLS: [&str; 8] =
    ["leader", "isr", "replicas", "followers", "victims", "peers", "host", "server-of"];

fn take_call(
    name: &str,
    place: Span,
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Selector, Misread> {
    let selector = match name {
        "server-of" => Selector::ServerOf(Box::new(take_clients_with_sessions(phrase, problems)?)),
        "victims" | "peers" | "host" => {
            let token = match phrase.peek() {
                Some(token) if token.is_word() => phrase.take().expect("it was there"),
                _ => return Err(phrase.wanted("a name", RULE, problems)),
            };
            let place = phrase.place(&token);
            let of = token.text.to_string();
            let (kind, selector) = match name {
                "victims" => (MentionKind::StepWithVictims, Selector::Victims { step: of }),
                "peers" => (MentionKind::StepWithPeers, Selector::Peers { step: of }),
                _ => (MentionKind::Host, Selector::Host(of)),
            };
            phrase.mention(kind, token.text, place);
            selector
        }
        "leader" | "isr" | "replicas" | "followers" => {
            return take_brokers_of(name, phrase, problems);
        }
        _ => {
            let message = format!("there is no `{name}(…)`");
            problems.add("E0205", &place, message).suggest(name, CALLS);
            return Err(Misread);
        }
    };
    phrase.expect(")", RULE, problems)?;
    Ok(selector)
}

/// `orders-0)`, with the belief that may follow inside or outside of the parentheses.
fn take_brokers_of(
    name: &str,
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Selector, Misread> {
    let partition = take_partition(phrase, problems)?;
    let believed = matches!(name, "leader" | "isr");
    let inside = if believed { take_seen_by_broker(phrase, problems)? } else { None };
    phrase.expect(")", RULE, problems)?;
    let seen_by = match inside {
        None if believed => take_seen_by_broker(phrase, problems)?,
        inside => inside,
    };
    Ok(match name {
        "leader" => Selector::PartitionLeader { partition, seen_by },
        "isr" => Selector::Isr { partition, seen_by },
        "replicas" => Selector::Replicas { partition },
        _ => {
            let leader = Selector::PartitionLeader { partition: partition.clone(), seen_by: None };
            Selector::Except(Box::new(Selector::Replicas { partition }), Box::new(leader))
        }
    })
}

/// `orders-0`: all up to the parenthesis or comma, since names of topics have `-`, `.` and `_`.
pub fn take_partition(
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<TopicPartition, Misread> {
    let Some((text, place)) = phrase.take_name() else {
        return Err(phrase.wanted("a partition such as `orders-0`", RULE, problems));
    };
    let Ok(partition) = text.parse::<TopicPartition>() else {
        let message = format!("`{text}` is not a partition");
        let report = problems.add("E0117", &place, message).label("not a partition");
        let topic = text.trim_end_matches('-');
        report.help(format!("write the topic, `-` and the number, as in `{topic}-0`"));
        return Err(Misread);
    };
    phrase.mention(MentionKind::Partition, text, place);
    Ok(partition)
}

/// Names or patterns of clients, such as `w1` or `*`.
pub fn take_clients(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Selector, Misread> {
    let mut parts = Vec::new();
    loop {
        let token = match phrase.peek() {
            Some(token) if token.is_word() => phrase.take().expect("it was there"),
            _ => return Err(phrase.wanted("a client", RULE, problems)),
        };
        let place = phrase.place(&token);
        phrase.mention(MentionKind::Client, token.text, place);
        parts.push(Selector::ClientPattern(token.text.to_string()));
        if !phrase.took(",") {
            break;
        }
    }
    Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Selector::Union(parts) })
}

/// Names or patterns of clients of ZooKeeper.
pub fn take_clients_with_sessions(
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Selector, Misread> {
    let first = phrase.mentions.len();
    let clients = take_clients(phrase, problems)?;
    for mention in &mut phrase.mentions[first..] {
        mention.kind = MentionKind::ClientWithSession;
    }
    Ok(clients.map(&mut |part| match part {
        Selector::ClientPattern(pattern) => Some(Selector::SessionPattern(pattern.clone())),
        _ => None,
    }))
}

/// `as seen by zk-2`, with or without a comma before it.
pub fn take_seen_by(
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Option<Box<Selector>>, Misread> {
    let comma = phrase.peek().is_some_and(|token| token.text == ",");
    let next = if comma { phrase.peek_second() } else { phrase.peek() };
    if next.is_none_or(|token| token.text != "as") {
        return Ok(None);
    }
    if comma {
        phrase.take();
    }
    for word in ["as", "seen", "by"] {
        phrase.expect(word, RULE, problems)?;
    }
    phrase.enter(problems)?;
    let who = take_one(phrase, problems)?;
    phrase.leave();
    // `zk.leader, as seen by zk-2, is …`: the comma that closes the insertion.
    if comma && phrase.peek_second().is_some_and(|token| token.text == "is") {
        phrase.took(",");
    }
    Ok(Some(Box::new(who)))
}

/// `as seen by kafka-2`.
pub fn take_seen_by_broker(
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Option<Box<Selector>>, Misread> {
    let seen_by = take_seen_by(phrase, problems)?;
    if let (Some(Selector::Pattern(_)), Some(mention)) =
        (seen_by.as_deref(), phrase.mentions.last_mut())
    {
        mention.kind = MentionKind::Broker;
    }
    Ok(seen_by)
}
