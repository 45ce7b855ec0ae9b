//! Conditions that never hold, and conditions that always do (W0601, W0602), as far as that can be known from the numbers of
//! nodes and replicas alone.

use super::Stage;
use crate::script::Phrased;
use crate::script::condition::{self, Comparison, Condition, Number, What};
use crate::script::problems::{Problems, Span};
use crate::script::selector::{Role, Selector};
use crate::script::step::When;

/// What is known about a condition before anything is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Never,
    Always,
    Open,
}

/// What is known, and which of its comparisons decide that: their numbers in the order of reading, with the reason.
struct Judged {
    holds: Holds,
    because: Vec<(usize, String)>,
}

/// What a condition is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// It is promised to be true, at some time or all the time.
    Promised,
    /// It is promised never to be true.
    Ruled,
    /// A step waits for it.
    Awaited,
}

pub(super) fn check(stage: &Stage<'_>, problems: &mut Problems) {
    let expect = &stage.script.expect;
    let promised = expect.eventually.iter().map(|one| &one.that).chain(&expect.finally);
    for that in promised.chain(expect.always.iter().map(|one| &one.that)) {
        tell(that, Purpose::Promised, stage, problems);
    }
    for one in &expect.never {
        tell(&one.that, Purpose::Ruled, stage, problems);
    }
    for step in &stage.script.steps {
        if let When::Condition { that, .. } = &step.when {
            tell(that, Purpose::Awaited, stage, problems);
        }
    }
}

fn tell(that: &Phrased<Condition>, purpose: Purpose, stage: &Stage<'_>, problems: &mut Problems) {
    let judged = judge(&that.value, &mut 0, stage);
    let (code, message) = match (judged.holds, purpose) {
        (Holds::Open, _) | (Holds::Always, Purpose::Awaited) => return,
        (Holds::Never, Purpose::Promised) => {
            ("W0601", "this never holds: the promise is broken by every run")
        }
        (Holds::Never, Purpose::Awaited) => ("W0601", "this never holds: the step never happens"),
        (Holds::Always, Purpose::Ruled) => {
            ("W0601", "this always holds: the promise is broken by every run")
        }
        (Holds::Always, Purpose::Promised) => ("W0602", "this always holds: it promises nothing"),
        (Holds::Never, Purpose::Ruled) => {
            ("W0602", "this never holds: to rule it out promises nothing")
        }
    };
    let places = condition::places(that, &stage.script.source);
    let place = |index: usize| places.get(index).cloned().unwrap_or_else(|| that.span.clone());
    let mut because = judged.because.into_iter();
    let (first, why) = because.next().unwrap_or((usize::MAX, String::new()));
    let span: Span = place(first);
    let mut report = problems.warn(code, &span, message);
    if !why.is_empty() {
        report = report.label(why);
    }
    for (index, why) in because {
        report = report.also(&place(index), why);
    }
}

/// `next` is the number of the next comparison in the order of reading.
fn judge(condition: &Condition, next: &mut usize, stage: &Stage<'_>) -> Judged {
    match condition {
        Condition::Not(inner) => {
            let inner = judge(inner, next, stage);
            let holds = match inner.holds {
                Holds::Never => Holds::Always,
                Holds::Always => Holds::Never,
                Holds::Open => Holds::Open,
            };
            Judged { holds, ..inner }
        }
        Condition::All(parts) => {
            let first = *next;
            let judged = parts.iter().map(|part| judge(part, next, stage)).collect();
            let all = together(judged, Holds::Never, Holds::Always);
            if all.holds != Holds::Open { all } else { contradiction(parts, first).unwrap_or(all) }
        }
        Condition::Any(parts) => {
            let judged = parts.iter().map(|part| judge(part, next, stage)).collect();
            together(judged, Holds::Always, Holds::Never)
        }
        leaf => {
            let index = *next;
            *next += 1;
            let known = match leaf {
                Condition::Is { who, not, what } => judge_is(who, *not, what, stage),
                Condition::Compare { left, how, right } => compare(left, *how, right, stage),
                _ => None,
            };
            match known {
                Some((holds, why)) => Judged { holds, because: vec![(index, why)] },
                None => Judged { holds: Holds::Open, because: Vec::new() },
            }
        }
    }
}

/// Of several parts: one of them is enough for `one`, all are needed for `all`.
fn together(parts: Vec<Judged>, one: Holds, all: Holds) -> Judged {
    if parts.iter().all(|part| part.holds == all) {
        return Judged {
            holds: all,
            because: parts.into_iter().flat_map(|part| part.because).collect(),
        };
    }
    let decides = parts.into_iter().find(|part| part.holds == one);
    decides.unwrap_or(Judged { holds: Holds::Open, because: Vec::new() })
}

/// How many comparisons are in it.
fn leaves(condition: &Condition) -> usize {
    match condition {
        Condition::Not(inner) => leaves(inner),
        Condition::All(parts) | Condition::Any(parts) => parts.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// Two parts that cannot hold together: a condition and its opposite, or ranges of one number that do not meet.
fn contradiction(parts: &[Condition], first: usize) -> Option<Judged> {
    let mut place = first;
    let mut placed = Vec::new();
    for part in parts {
        placed.push((place, part));
        place += leaves(part);
    }
    for (index, (a, one)) in placed.iter().enumerate() {
        for (b, other) in &placed[index + 1..] {
            let opposed = match (one, other) {
                (Condition::Not(one), other) => **one == **other,
                (one, Condition::Not(other)) => **one == **other,
                (
                    Condition::Is { who: a, not: x, what: b },
                    Condition::Is { who: c, not: y, what: d },
                ) => a == c && b == d && x != y,
                _ => matches!((range(one), range(other)), (Some((a, x)), Some((b, y)))
                    if a == b && (x.1 < y.0 || y.1 < x.0)),
            };
            if opposed {
                let because = vec![(*a, "not together with".into()), (*b, "this".into())];
                return Some(Judged { holds: Holds::Never, because });
            }
        }
    }
    None
}

/// The numbers that fulfil a comparison with a literal.
fn range(condition: &Condition) -> Option<(&Number, (u64, u64))> {
    let Condition::Compare { left, how, right: Number::Literal(than) } = condition else {
        return None;
    };
    Some((
        left,
        match how {
            Comparison::Less => (0, than.checked_sub(1)?),
            Comparison::AtMost => (0, *than),
            Comparison::Equal => (*than, *than),
            Comparison::AtLeast => (*than, u64::MAX),
            Comparison::More => (than.checked_add(1)?, u64::MAX),
            Comparison::Unequal => return None,
        },
    ))
}

fn judge_is(who: &Selector, not: bool, what: &What, stage: &Stage<'_>) -> Option<(Holds, String)> {
    let candidates = stage.candidates(who);
    if candidates.is_empty() {
        return Some((Holds::Never, "nobody can be meant".to_string()));
    }
    if not {
        return None;
    }
    let can_be = |those: &[String]| candidates.iter().any(|node| those.contains(node));
    match what {
        What::Role(Role::Registered | Role::Frozen) if !can_be(&stage.names.brokers) => {
            Some((Holds::Never, "only brokers are".to_string()))
        }
        What::Role(Role::Looking | Role::Following | Role::Leading | Role::Standalone)
            if !can_be(&stage.names.servers) =>
        {
            Some((Holds::Never, "only servers of ZooKeeper are".to_string()))
        }
        What::One(those) if stage.candidates(those).is_disjoint(&candidates) => {
            Some((Holds::Never, "nobody can be both".to_string()))
        }
        _ => None,
    }
}

fn compare(
    left: &Number,
    how: Comparison,
    right: &Number,
    stage: &Stage<'_>,
) -> Option<(Holds, String)> {
    let ((a, b), (c, d)) = (bounds(left, stage), bounds(right, stage));
    let (surely, never) = match how {
        Comparison::Less => (b < c, a >= d),
        Comparison::AtMost => (b <= c, a > d),
        Comparison::Equal => (a == b && c == d && a == c, b < c || d < a),
        Comparison::Unequal => (b < c || d < a, a == b && c == d && a == c),
        Comparison::AtLeast => (a >= d, b < c),
        Comparison::More => (a > d, b <= c),
    };
    let why = |number: &Number, (least, most): (u64, u64)| match (number, least, most) {
        (Number::Literal(_), ..) => None,
        (_, least, most) if least == most => Some(format!("it is always {most}")),
        (_, least, u64::MAX) => Some(format!("it is at least {least}")),
        (_, least, most) => Some(format!("it is from {least} to {most}")),
    };
    let why = why(left, (a, b)).or(why(right, (c, d))).unwrap_or_default();
    // A number that does not exist compares with nothing, so that nothing holds for sure.
    let exist = exists(left) && exists(right);
    match (surely && exist, never) {
        (_, true) => Some((Holds::Never, why)),
        (true, _) => Some((Holds::Always, why)),
        _ => None,
    }
}

fn exists(number: &Number) -> bool {
    !matches!(number, Number::Of { .. } | Number::ControllerEpoch | Number::Epoch { .. })
}

/// What a number is at least and at most.
fn bounds(number: &Number, stage: &Stage<'_>) -> (u64, u64) {
    match number {
        Number::Literal(literal) => (*literal, *literal),
        Number::Size(who) => stage.size(who),
        Number::Count(who, _) => (0, stage.size(who).1),
        Number::OfflinePartitions | Number::UnderReplicatedPartitions => {
            let mut most = 0_u64;
            for partitions in stage.names.topics.values() {
                let Some(partitions) = partitions.and_then(|count| u64::try_from(count).ok())
                else {
                    return (0, u64::MAX);
                };
                most = most.saturating_add(partitions);
            }
            (0, most)
        }
        _ => (0, u64::MAX),
    }
}
