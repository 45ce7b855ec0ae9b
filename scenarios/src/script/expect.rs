//! The `[expect]` table: what an author promises about a run.
//!
//! | key | what it says |
//! |---|---|
//! | `outage` | `of` (`write(w1)`, `session(*)`, `produce(orders)`), `opens` or `may-open`, `closes`, `lasts` |
//! | `eventually` | `that`, and `within` (`40s after up`) or `by` |
//! | `never`, `always` | a condition, or `that` and `during` |
//! | `finally` | conditions at the end |
//! | `sometimes` | marks that some run reaches |
//! | `loses` | `of` (`acked(orders)`), `by` (`E1` … `E5`, `acks=1`): a loss that Kafka's rules allow |
//!
//! Safety checks need no promise: they are always on. A run that must fail is a scenario like any
//! other.

use super::Phrased;
use super::client::WORKS;
use super::condition::Condition;
use super::fields::{self, Fields, Text, Value};
use super::phrase::{Mention, MentionKind, Phrase};
use super::problems::{Located, Problems, Span};
use super::selector::{self, Selector};
use super::step::phrased;
use super::time::{self, Length, Moment, Window};

/// Everything an author promises.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// What comes true in a window.
    pub eventually: Vec<Eventually>,
    /// When clients cannot do their work. Any other outage fails the run.
    pub outages: Vec<Outage>,
    /// Marks that some run of an invocation reaches.
    pub sometimes: Vec<Located<String>>,
    /// What is true at the end.
    pub finally: Vec<Phrased<Condition>>,
    /// What is false after every step of a span.
    pub never: Vec<Throughout>,
    /// What is true after every step of a span.
    pub always: Vec<Throughout>,
    /// Which losses Kafka's own rules allow here.
    pub loses: Vec<Loss>,
    /// All names mentioned.
    pub mentions: Vec<Mention>,
}

/// Something comes true.
#[derive(Clone, Debug)]
pub struct Eventually {
    /// What.
    pub that: Phrased<Condition>,
    /// Not only before it, and at the latest at its end.
    pub window: Located<Window>,
}

/// Something holds, or does not hold, after every step of a span.
#[derive(Clone, Debug)]
pub struct Throughout {
    /// What.
    pub that: Phrased<Condition>,
    /// The span: the whole run, if not said.
    pub window: Located<Window>,
}

/// Clients cannot do their work.
#[derive(Clone, Debug)]
pub struct Outage {
    /// The work: `write`, or `session` for having no connection.
    pub work: String,
    /// Whose.
    pub clients: Selector,
    /// `write(w1)`, as written.
    pub words: String,
    /// Whether it must happen (`opens`) to each of the clients, or may (`may-open`).
    pub must: bool,
    /// When it begins. There may be several in the window.
    pub opens: Located<Window>,
    /// When it ends.
    pub closes: Located<Closes>,
    /// How long it is.
    pub lasts: Located<Length>,
    /// Where it is written.
    pub span: Span,
}

/// A loss of acknowledged records that is allowed: it is counted, and told if it never happens.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Loss {
    /// Of which topic.
    pub topic: String,
    /// By which rule.
    pub by: Excuse,
}

/// Why Kafka may lose an acknowledged record.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Excuse {
    /// acks=all, and an unclean election happened afterwards.
    E1,
    /// acks=all, and a broker led or was elected as in sync that had lost what was on its disk.
    E2,
    /// acks=all with an ISR of one (`min.insync.replicas` = 1), whose disk was lost.
    E3,
    /// By policy: retention, deletion of the topic.
    E4,
    /// Silent corruption, deleted log directories, or a ZooKeeper that lost its state.
    E5,
    /// acks=1 or 0: nobody but the leader had it.
    #[serde(rename = "acks=1")]
    Acks1,
}

impl Excuse {
    /// All, with the words for them.
    pub const ALL: [(&str, Self); 6] = [
        ("E1", Self::E1),
        ("E2", Self::E2),
        ("E3", Self::E3),
        ("E4", Self::E4),
        ("E5", Self::E5),
        ("acks=1", Self::Acks1),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        all.find(|(_, excuse)| *excuse == self).map_or("", |(word, _)| word)
    }
}

/// When an outage ends.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closes {
    /// Not said: only its length counts.
    Anytime,
    /// In this window.
    Within(Window),
    /// Not before the run ends.
    Never,
}

/// Reads the `[expect]` table.
pub fn read(value: Value<'_>, problems: &mut Problems) -> Expect {
    let mut expect = Expect::default();
    let Some(mut fields) = Fields::at(value, "[expect]", problems) else { return expect };
    let mentions = &mut expect.mentions;
    for value in fields.list("eventually", problems) {
        expect.eventually.extend(read_eventually(value, mentions, problems));
    }
    for value in fields.list("outage", problems) {
        expect.outages.extend(read_outage(value, mentions, problems));
    }
    for mark in fields.texts("sometimes", problems) {
        expect.sometimes.push(Located { value: mark.value, span: mark.span });
    }
    for that in fields.texts("finally", problems) {
        expect.finally.extend(phrased(&that, mentions, problems));
    }
    for value in fields.list("never", problems) {
        expect.never.extend(read_throughout(value, mentions, problems));
    }
    for value in fields.list("always", problems) {
        expect.always.extend(read_throughout(value, mentions, problems));
    }
    for value in fields.list("loses", problems) {
        expect.loses.extend(read_loss(value, mentions, problems));
    }
    fields.finish(problems);
    expect
}

fn read_eventually(
    value: Value<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Eventually> {
    let mut fields = Fields::at(value, "each of `eventually`", problems)?;
    let that = fields.need_text("that", problems);
    let (within, by) = (fields.text("within", problems), fields.text("by", problems));
    let window = match (within, by) {
        (Some(within), None) => located(&within, time::within(&within, problems)),
        (None, Some(by)) => {
            let until = time::moment(&by, problems);
            let window = until.map(|(to, names)| (Window { from: Moment::START, to }, names));
            located(&by, window)
        }
        (Some(within), Some(by)) => {
            let message = "`within` and `by` say the same thing";
            problems.add("E0403", &by.span, message).also(&within.span, "the other one");
            None
        }
        (None, None) => {
            let report = fields.missing("within", problems);
            report.help("write `within = \"40s after a-step\"` or `by = \"60s\"`");
            None
        }
    };
    let that = that.and_then(|that| phrased(&that, mentions, problems));
    fields.finish(problems);
    let (window, mut names) = window?;
    mentions.append(&mut names);
    Some(Eventually { that: that?, window })
}

/// What was read from this text, with its place.
fn located<T>(text: &Text, read: Option<(T, Vec<Mention>)>) -> Option<(Located<T>, Vec<Mention>)> {
    read.map(|(value, names)| (Located { value, span: text.span.clone() }, names))
}

fn read_throughout(
    value: Value<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Throughout> {
    let whole = Window { from: Moment::START, to: Moment::END };
    let whole = Located { value: whole, span: value.span() };
    if let Some(text) = Text::of(value, problems.source()) {
        return Some(Throughout { that: phrased(&text, mentions, problems)?, window: whole });
    }
    let mut fields = Fields::at(value, "each of `never` and `always`", problems)?;
    let that = fields.need_text("that", problems);
    let during = fields.text("during", problems);
    fields.finish(problems);
    let window = match during {
        None => whole,
        Some(during) => {
            let (window, mut names) = located(&during, time::window(&during, problems))?;
            mentions.append(&mut names);
            window
        }
    };
    Some(Throughout { that: phrased(&that?, mentions, problems)?, window })
}

fn read_outage(
    value: Value<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Outage> {
    let mut fields = Fields::at(value, "each of `outage`", problems)?;
    let of = fields.need_text("of", problems);
    let (opens, may_open) = (fields.text("opens", problems), fields.text("may-open", problems));
    let closes = fields.text("closes", problems);
    let lasts = fields.text("lasts", problems);
    fields.finish(problems);
    let must = opens.is_some();
    let window = match (opens, may_open) {
        (Some(opens), Some(may)) => {
            let message = "an outage must happen (`opens`) or may (`may-open`)";
            problems.add("E0403", &may.span, message).also(&opens.span, "the other one");
            return None;
        }
        (Some(window), None) | (None, Some(window)) => {
            located(&window, time::window(&window, problems))
        }
        (None, None) => {
            let report = problems.add("E0102", &value.span(), "each of `outage` needs `opens`");
            report.help("or `may-open`, if it does not happen with every seed");
            None
        }
    };
    let closes = match closes {
        None => Some((Located { value: Closes::Anytime, span: value.span() }, Vec::new())),
        Some(never) if never.value.trim() == "never" => {
            located(&never, Some((Closes::Never, Vec::new())))
        }
        Some(closes) => {
            let deadline = time::deadline(&closes, problems);
            let deadline = deadline.map(|(window, names)| (Closes::Within(window), names));
            located(&closes, deadline)
        }
    };
    let lasts = match lasts {
        None => Located { value: Length::default(), span: value.span() },
        Some(lasts) => Located { value: time::length(&lasts, problems)?, span: lasts.span.clone() },
    };
    let of = of?;
    let (work, clients) = read_service(&of, mentions, problems)?;
    let ((opens, mut a), (closes, mut b)) = (window?, closes?);
    mentions.append(&mut a);
    mentions.append(&mut b);
    let (words, span) = (of.value, value.span());
    Some(Outage { work, clients, words, must, opens, closes, lasts, span })
}

/// `{ of = "acked(orders)", by = "E2" }`
fn read_loss(
    value: Value<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Loss> {
    let mut fields = Fields::at(value, "each of `loses`", problems)?;
    let of = fields.need_text("of", problems);
    let by = fields.need_text("by", problems);
    fields.finish(problems);
    let by = by.and_then(|by| {
        let excuse = Excuse::ALL.into_iter().find(|(name, _)| *name == by.value);
        if excuse.is_none() {
            let message = format!("`{}` is no reason to lose an acknowledged record", by.value);
            let report = problems.add("E0106", &by.span, message);
            report.suggest(&by.value, Excuse::ALL.map(|(name, _)| name));
        }
        excuse.map(|(_, excuse)| excuse)
    });
    let of = of?;
    let mut phrase = Phrase::of(&of, problems).ok()?;
    for sign in ["acked", "("] {
        phrase.expect(sign, "E0203", problems).ok()?;
    }
    let Some((topic, place)) = phrase.take_name() else {
        phrase.wanted("a topic", "E0203", problems);
        return None;
    };
    phrase.mention(MentionKind::Topic, topic, place);
    phrase.expect(")", "E0203", problems).ok()?;
    phrase.end("E0203", problems).ok()?;
    mentions.append(&mut phrase.mentions);
    Some(Loss { topic: topic.to_string(), by: by? })
}

/// `write(w1)`, `read(*)`, `session(lock1)`, `produce(orders)`.
fn read_service(
    text: &fields::Text,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<(String, Selector)> {
    let mut phrase = Phrase::of(text, problems).ok()?;
    let token = phrase.take()?;
    let place = phrase.place(&token);
    if !WORKS.contains(&token.text) && token.text != "session" {
        let message = format!("`{}` is not something clients do", token.text);
        let report = problems.add("E0203", &place, message);
        report.suggest(token.text, WORKS.into_iter().chain(["session"]));
        return None;
    }
    phrase.expect("(", "E0203", problems).ok()?;
    let clients = match token.text {
        "session" => selector::take_clients_with_sessions(&mut phrase, problems),
        _ => selector::take_clients(&mut phrase, problems),
    };
    let clients = clients.ok()?;
    phrase.expect(")", "E0203", problems).ok()?;
    phrase.end("E0203", problems).ok()?;
    if let Some(word) = WORKS.into_iter().find(|work| *work == token.text) {
        let named = phrase.mentions.iter_mut();
        named.for_each(|mention| mention.kind = MentionKind::ClientThat(word));
    }
    mentions.append(&mut phrase.mentions);
    Some((token.text.to_string(), clients))
}
