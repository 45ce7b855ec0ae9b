//! Who is meant: names, patterns, roles, and sums and differences of them. Resolved when a step
//! fires.
//!
//! ```text
//! selector = some { "," some }                      A, B      both
//! some     = [ ("any" N | "all") "of" ] these       any 2 of zk-*   a seeded choice
//! these    = one { "-" one }                        A - B     those of A that are not in B
//! one      = name | pattern | clients
//!          | zk.servers | zk.leader | zk.followers | zk.looking | zk.serving
//!          | victims(step) | peers(step) | host(name) | server-of(client) | ( selector )
//! ```
//! `zk.leader as seen by zk-2` is a belief; without it the truth is meant. ZooKeeper servers are
//! also called `zk-1`, `zk-2`, … in the order of the cluster, so that one scenario fits many
//! clusters.

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::phrase::{MentionKind, Misread, Phrase};
use super::problems::{Problems, Span};

/// The rule of everything that is read here.
const RULE: &str = "E0201";

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selector {
    /// A name or a pattern as written. Drawing a plan replaces it by [`Selector::Nodes`].
    Pattern(String),
    /// A name or a pattern of clients as written. Drawing a plan replaces it by
    /// [`Selector::Nodes`].
    ClientPattern(String),
    /// An entry of `[hosts]` as written. Drawing a plan replaces it by [`Selector::Nodes`].
    Host(String),
    /// Some entries of `[hosts]` as written. Drawing a plan chooses them and replaces this by
    /// [`Selector::Nodes`].
    AnyHosts {
        /// How many.
        count: u64,
        /// Of which.
        pattern: String,
    },
    /// These nodes.
    Nodes(Vec<String>),
    /// All ZooKeeper servers as the file has them. Drawing a plan replaces it by
    /// [`Selector::Nodes`].
    Servers,
    /// All clients as the file has them. Drawing a plan replaces it by [`Selector::Nodes`].
    Clients,
    /// The server that leads with a quorum; with `seen_by`, whom that server takes for its leader.
    Leader {
        /// Whose belief.
        seen_by: Option<Box<Selector>>,
    },
    /// The servers in this state.
    InState(Role),
    /// The nodes a step picked, when it last fired.
    Victims {
        /// The step.
        step: String,
    },
    /// The other side a step picked (`to`), when it last fired.
    Peers {
        /// The step.
        step: String,
    },
    /// The servers these clients are connected to.
    ServerOf(Box<Selector>),
    /// Those of `these` that come first in the ranking, which was drawn with the plan.
    Any {
        /// How many; fewer if there are not as many.
        count: u64,
        /// Of whom.
        these: Box<Selector>,
        /// All nodes in the order in which this choice prefers them; empty before the plan is
        /// drawn.
        ranking: Vec<String>,
    },
    /// All of them, each once.
    Union(Vec<Selector>),
    /// Those of the first that are not in the second.
    Except(Box<Selector>, Box<Selector>),
}

/// States of a server that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Its process runs and is not paused.
    Up,
    /// Its process does not run, or is paused.
    Down,
    /// It looks for a leader.
    Looking,
    /// It follows a leader and serves clients.
    Following,
    /// It believes that it leads, and serves clients.
    Leading,
    /// It serves clients: follows, leads or stands alone.
    Serving,
    /// It serves as a standalone server, without an ensemble.
    Standalone,
}

impl Role {
    /// All, with the words for them.
    pub const ALL: [(&str, Self); 7] = [
        ("up", Self::Up),
        ("down", Self::Down),
        ("looking", Self::Looking),
        ("following", Self::Following),
        ("leading", Self::Leading),
        ("serving", Self::Serving),
        ("standalone", Self::Standalone),
    ];
}

impl Selector {
    /// The nodes meant now, each once. Before the plan is drawn, patterns cannot be resolved:
    /// panics then.
    pub fn resolve(&self, facts: &dyn Facts) -> Vec<String> {
        let mut nodes: Vec<String> = Vec::new();
        let add = |node: String| {
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        };
        match self {
            Self::Pattern(_)
            | Self::ClientPattern(_)
            | Self::Host(_)
            | Self::AnyHosts { .. }
            | Self::Servers
            | Self::Clients => {
                panic!("only selectors of a drawn plan can be resolved, not {self:?}")
            }
            Self::Nodes(names) => names.iter().cloned().for_each(add),
            Self::Leader { seen_by: None } => facts.leader().into_iter().for_each(add),
            Self::Leader { seen_by: Some(who) } => {
                let beliefs = who.resolve(facts).into_iter();
                beliefs.filter_map(|who| facts.leader_seen_by(&who)).for_each(add);
            }
            Self::InState(role) => {
                facts.servers().into_iter().filter(|node| facts.is(node, *role)).for_each(add);
            }
            Self::Victims { step } => facts.victims(step).into_iter().for_each(add),
            Self::Peers { step } => facts.peers(step).into_iter().for_each(add),
            Self::ServerOf(clients) => {
                let clients = clients.resolve(facts).into_iter();
                clients.filter_map(|client| facts.server_of(&client)).for_each(add);
            }
            Self::Any { count, these, ranking } => {
                let mut these = these.resolve(facts);
                these.sort_by_key(|node| ranking.iter().position(|ranked| ranked == node));
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                these.into_iter().take(count).for_each(add);
            }
            Self::Union(parts) => {
                parts.iter().flat_map(|part| part.resolve(facts)).for_each(add);
            }
            Self::Except(these, without) => {
                let without = without.resolve(facts);
                let these = these.resolve(facts).into_iter();
                these.filter(|node| !without.contains(node)).for_each(add);
            }
        }
        nodes
    }

    /// This selector with every part that `change` gives something for replaced by it.
    pub fn map(&self, change: &mut dyn FnMut(&Self) -> Option<Self>) -> Self {
        if let Some(changed) = change(self) {
            return changed;
        }
        let mut inner = |part: &Self| Box::new(part.map(change));
        match self {
            Self::Leader { seen_by } => {
                Self::Leader { seen_by: seen_by.as_ref().map(|who| inner(who)) }
            }
            Self::ServerOf(clients) => Self::ServerOf(inner(clients)),
            Self::Any { count, these, ranking } => {
                Self::Any { count: *count, these: inner(these), ranking: ranking.clone() }
            }
            Self::Union(parts) => Self::Union(parts.iter().map(|part| part.map(change)).collect()),
            Self::Except(these, without) => Self::Except(inner(these), inner(without)),
            leaf => leaf.clone(),
        }
    }
}

/// Whether `name` fits `pattern`, where `*` stands for any letters and `?` for one.
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, n) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

/// Whether a name is a pattern.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Reads a selector.
pub fn take(phrase: &mut Phrase<'_>, problems: &mut Problems) -> Result<Selector, Misread> {
    phrase.enter(RULE, problems)?;
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
        name if name.starts_with("zk.") => {
            let message = format!("`{name}` is not something to select");
            problems.add(RULE, &place, message).suggest(name, ROLES);
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

fn take_call(
    name: &str,
    place: Span,
    phrase: &mut Phrase<'_>,
    problems: &mut Problems,
) -> Result<Selector, Misread> {
    let selector = match name {
        "server-of" => Selector::ServerOf(Box::new(take_clients(phrase, problems)?)),
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
        _ => {
            let message = format!("there is no `{name}(…)`");
            let report = problems.add(RULE, &place, message);
            report.suggest(name, ["victims", "peers", "host", "server-of"]);
            return Err(Misread);
        }
    };
    phrase.expect(")", RULE, problems)?;
    Ok(selector)
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
    phrase.enter(RULE, problems)?;
    let who = take_one(phrase, problems)?;
    phrase.leave();
    // `zk.leader, as seen by zk-2, is …`: the comma that closes the insertion.
    if comma && phrase.peek_second().is_some_and(|token| token.text == "is") {
        phrase.took(",");
    }
    Ok(Some(Box::new(who)))
}
