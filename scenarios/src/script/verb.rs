//! The verbs of the timeline: which keys each needs and may have, and the action they make.
//!
//! | verb | keys |
//! |---|---|
//! | `kill` `stop` `restart` `power-on` `pause` `resume` `power-loss` `wipe` | `nodes` or `hosts` |
//! | `isolate` `rejoin` | `nodes` or `hosts` |
//! | `cut` | `from`, `to`, `one-way` |
//! | `heal` | `from` and `to`, or neither for all |
//! | `latency` | `from`, `to`, `min`, `max` |
//! | `loss` | `from`, `to`, `percent` or `per-million` |
//! | `tamper` | `from`, `to` |
//! | `slow-fsync` | `nodes`, `latency` or `min` and `max` |
//! | `full-disk` | `nodes`, `free` (bytes) |
//! | `fail-disk` | `nodes`, `what` (`writes` or `syncs`) |
//! | `bit-rot` | `nodes`, `path` (a part of it) |
//! | `stall-disk` `resume-disk` `free-disk` `mend-disk` | `nodes` |
//! | `lying-fsync` `lose-renames` `torn-tail` | `nodes` |
//! | `clock-jump` `clock-drift` | `nodes`, `by` (`"+40s"`), `ppm` |
//! | `service-time` | `nodes`, `per-input`, `per-byte-nanos` |
//! | `create-topic` and other commands | see [`super::kafka::verb`] |

use machine::Duration;

use super::action::{Action, Deed, DiskDeed};
use super::fields::{self, Fields, Text};
use super::kafka;
use super::phrase::{Mention, MentionKind, Phrase};
use super::problems::Problems;
use super::selector::{self, Selector};
use super::time;

/// All verbs.
pub const VERBS: [&str; 35] = [
    "kill",
    "stop",
    "restart",
    "power-on",
    "pause",
    "resume",
    "power-loss",
    "wipe",
    "isolate",
    "rejoin",
    "cut",
    "heal",
    "latency",
    "loss",
    "tamper",
    "slow-fsync",
    "stall-disk",
    "resume-disk",
    "full-disk",
    "free-disk",
    "fail-disk",
    "mend-disk",
    "bit-rot",
    "lying-fsync",
    "lose-renames",
    "torn-tail",
    "clock-jump",
    "clock-drift",
    "service-time",
    "create-topic",
    "delete-topic",
    "describe-topic",
    "add-partitions",
    "alter-config",
    "elect-leaders",
];

/// The action that the keys of a step describe, and the names it mentions. Complains and gives
/// `None` if they do not.
pub fn action(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<(Action, Vec<Mention>)> {
    let verb = fields.need_text("do", problems)?;
    fields.call(format!("a step that does `{}`", verb.value));
    let mut mentions = Vec::new();
    if kafka::verb::VERBS.contains(&verb.value.as_str()) {
        let admin = kafka::verb::read(&verb.value, fields, &mut mentions, problems)?;
        let (deed, who) = (Deed::Admin(Box::new(admin)), Selector::Nodes(Vec::new()));
        return Some((Action { deed, who, to: None }, mentions));
    }
    let deed = deed(&verb, fields, problems);
    if !VERBS.contains(&verb.value.as_str()) {
        return None;
    }
    let (who, to) = sides(&verb, fields, &mut mentions, problems)?;
    Some((Action { deed: deed?, who, to }, mentions))
}

fn deed(verb: &Text, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Deed> {
    Some(match verb.value.as_str() {
        "kill" => Deed::Kill,
        "stop" => Deed::Stop,
        "restart" | "power-on" => Deed::Restart,
        "pause" => Deed::Pause,
        "resume" => Deed::Resume,
        "power-loss" => Deed::PowerLoss,
        "wipe" => Deed::Wipe,
        "isolate" => Deed::Isolate,
        "rejoin" => Deed::Rejoin,
        "cut" => Deed::Cut { one_way: fields.flag("one-way", problems).unwrap_or(false) },
        "heal" if fields.has("from") || fields.has("to") => Deed::Heal,
        "heal" => Deed::HealAll,
        "latency" => Deed::Latency { bounds: Some(bounds(fields, problems)?) },
        "loss" => Deed::Loss { per_million: loss(fields, problems)? },
        "tamper" => Deed::Tamper,
        "clock-jump" => {
            let by = fields.need_text("by", problems)?;
            Deed::ClockJump { by: time::signed_duration(&by, problems)? }
        }
        "clock-drift" => Deed::ClockDrift { ppm: drift(fields, problems)? },
        "service-time" => {
            let per_input = fields.duration("per-input", problems);
            Deed::ServiceTime {
                per_input: per_input.map_or(Duration::ZERO, |span| span.value),
                per_byte_nanos: fields.number("per-byte-nanos", problems).unwrap_or(0),
            }
        }
        _ => Deed::Disk(disk_deed(verb, fields, problems)?),
    })
}

fn disk_deed(verb: &Text, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<DiskDeed> {
    Some(match verb.value.as_str() {
        "slow-fsync" => DiskDeed::SyncLatency { bounds: Some(bounds(fields, problems)?) },
        "stall-disk" => DiskDeed::Stall,
        "resume-disk" => DiskDeed::Resume,
        "full-disk" => DiskDeed::Full { free: fields.number("free", problems).unwrap_or(0) },
        "free-disk" => DiskDeed::Freed,
        "fail-disk" => match fields.text("what", problems) {
            None => DiskDeed::FailWrites,
            Some(what) if what.value == "writes" => DiskDeed::FailWrites,
            Some(what) if what.value == "syncs" => DiskDeed::FailSyncs,
            Some(what) => {
                let message = format!("`{}` of a disk cannot fail", what.value);
                let report = problems.add("E0106", &what.span, message);
                report.suggest(&what.value, ["writes", "syncs"]);
                return None;
            }
        },
        "mend-disk" => DiskDeed::Mend,
        "bit-rot" => DiskDeed::BitRot { path: fields.need_text("path", problems)?.value },
        "lying-fsync" => DiskDeed::LyingSync { on: true },
        "lose-renames" => DiskDeed::LoseRenames { on: true },
        "torn-tail" => DiskDeed::TornTail { on: true },
        unknown => {
            let message = format!("there is no verb `{unknown}`");
            let report = problems.add("E0402", &verb.span, message).label("unknown verb");
            report.suggest(unknown, VERBS);
            return None;
        }
    })
}

/// `latency`, or `min` and `max`.
fn bounds(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<(Duration, Duration)> {
    if let Some(latency) = fields.duration("latency", problems) {
        return Some((latency.value, latency.value));
    }
    let (min, max) = (fields.duration("min", problems), fields.duration("max", problems));
    match (min, max) {
        (Some(min), Some(max)) if min.value > max.value => {
            let message = format!("`max` ({}) is less than `min` ({})", max.value, min.value);
            problems.add("E0113", &max.span, message).also(&min.span, "more than that");
            None
        }
        (Some(min), Some(max)) => Some((min.value, max.value)),
        (None, None) if !fields.has("latency") => {
            fields.missing("latency", problems).help("or give `min` and `max`");
            None
        }
        (Some(_), None) => {
            fields.missing("max", problems);
            None
        }
        (None, Some(max)) => Some((Duration::ZERO, max.value)),
        (None, None) => None,
    }
}

fn loss(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<u32> {
    let (key, whole) = match (fields.has("percent"), fields.has("per-million")) {
        (false, false) => {
            fields.missing("percent", problems).help("or give `per-million`");
            return None;
        }
        (true, true) => {
            let (span, other) = (fields.key_span("per-million"), fields.key_span("percent"));
            let message = "`percent` and `per-million` say the same thing";
            problems.add("E0403", &span, message).also(&other, "the other one");
            return None;
        }
        (true, false) => ("percent", 100),
        (false, true) => ("per-million", 1_000_000),
    };
    let value = fields.value(key)?;
    let amount = fields::number(value, &format!("`{key}`"), problems)?;
    if amount > whole {
        problems.add("E0105", &value.span(), format!("more than all: at most {whole}"));
        return None;
    }
    u32::try_from(amount * (1_000_000 / whole)).ok()
}

fn drift(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<i64> {
    let Some(value) = fields.value("ppm") else {
        fields.missing("ppm", problems);
        return None;
    };
    let digits = match value.get_ref() {
        toml::de::DeValue::Integer(digits) => digits,
        _ => {
            fields::number(value, "`ppm`", problems);
            return None;
        }
    };
    let ppm = i64::from_str_radix(digits.as_str(), digits.radix()).ok();
    let ppm = ppm.filter(|ppm| ppm.abs() < 1_000_000);
    if ppm.is_none() {
        problems.add("E0105", &value.span(), "a clock drifts by less than 1000000 ppm either way");
    }
    ppm
}

/// Whom the step is about: `nodes` or `hosts`, or `from` and `to`.
fn sides(
    verb: &Text,
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<(Selector, Option<Selector>)> {
    match verb.value.as_str() {
        "heal" if !fields.has("from") && !fields.has("to") => {
            Some((Selector::Nodes(Vec::new()), None))
        }
        "cut" | "heal" | "latency" | "loss" | "tamper" => {
            let from = fields.need_text("from", problems);
            let to = fields.need_text("to", problems);
            let from = from.and_then(|from| side(&from, mentions, problems));
            let to = to.and_then(|to| side(&to, mentions, problems));
            Some((from?, Some(to?)))
        }
        _ if fields.has("hosts") && fields.has("nodes") => {
            fields.ignore(&["nodes", "hosts"]);
            let (span, other) = (fields.key_span("hosts"), fields.key_span("nodes"));
            let message = "a step is about `nodes` or about `hosts`, not both";
            problems.add("E0403", &span, message).also(&other, "the other one");
            None
        }
        _ if fields.has("hosts") => {
            fields.ignore(&["nodes"]);
            let text = fields.text("hosts", problems)?;
            Some((hosts(&text, mentions, problems)?, None))
        }
        _ => {
            fields.ignore(&["hosts"]);
            let text = fields.need_text("nodes", problems)?;
            Some((side(&text, mentions, problems)?, None))
        }
    }
}

/// Reads a selector that is the whole string.
pub fn side(text: &Text, mentions: &mut Vec<Mention>, problems: &mut Problems) -> Option<Selector> {
    let mut phrase = Phrase::of(text, problems).ok()?;
    let selector = selector::take(&mut phrase, problems).ok()?;
    phrase.end("E0201", problems).ok()?;
    mentions.append(&mut phrase.mentions);
    Some(selector)
}

/// `h1`, `h1, h2`, `any 2 of h*`: names of `[hosts]`, standing for the nodes on them.
fn hosts(text: &Text, mentions: &mut Vec<Mention>, problems: &mut Problems) -> Option<Selector> {
    let mut found = Vec::new();
    let selector = side(text, &mut found, problems)?;
    for mention in &mut found {
        match mention.kind {
            MentionKind::Node => mention.kind = MentionKind::Host,
            MentionKind::AnyOf(count) => mention.kind = MentionKind::AnyHostsOf(count),
            _ => {}
        }
    }
    mentions.append(&mut found);
    let hosts = selector.map(&mut |part| match part {
        Selector::Pattern(name) => Some(Selector::Host(name.clone())),
        Selector::Any { count, these, .. } => match &**these {
            Selector::Pattern(pattern) => {
                Some(Selector::AnyHosts { count: *count, pattern: pattern.clone() })
            }
            _ => None,
        },
        _ => None,
    });
    Some(hosts)
}
