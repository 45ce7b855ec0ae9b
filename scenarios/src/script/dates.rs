//! When the steps of a scenario can happen, as far as that is known before it is played.

use std::collections::BTreeMap;

use super::Script;
use super::step::{Step, When};
use super::time::{Anchor, Moment, Window};

/// The earliest and latest date of every step that has one, in µs. A step that waits for a condition
/// has none, nor has what hangs on it.
pub struct Dates<'s> {
    /// The end of the run, in µs.
    pub end: u64,
    script: &'s Script,
    steps: BTreeMap<&'s str, (u64, u64)>,
}

impl<'s> Dates<'s> {
    /// Of this scenario.
    pub fn of(script: &'s Script) -> Self {
        let mut dates =
            Self { end: script.duration.value.as_micros(), script, steps: BTreeMap::new() };
        // Each round dates the steps that hang on those dated before; a round without a new date is
        // the last.
        loop {
            let before = dates.steps.len();
            for step in &script.steps {
                let window = match &step.when {
                    When::At { window, .. } => window.clone(),
                    When::Every { first, .. } => Window { from: first.clone(), to: first.clone() },
                    When::Condition { .. } => continue,
                };
                if let (Some(from), Some(to)) = (dates.range(&window.from), dates.range(&window.to))
                {
                    dates.steps.entry(step.id.value.as_str()).or_insert((from.0, to.1));
                }
            }
            if dates.steps.len() == before {
                return dates;
            }
        }
    }

    /// The earliest and latest µs of a step's first firing; `None` if it hangs on a condition.
    pub fn of_step(&self, step: &str) -> Option<(u64, u64)> {
        self.steps.get(step).copied()
    }

    /// The earliest and latest µs this can be; `None` if it hangs on a condition.
    pub fn range(&self, moment: &Moment) -> Option<(u64, u64)> {
        let (from, to) = match &moment.anchor {
            Anchor::Start => (0, 0),
            Anchor::End => (self.end, self.end),
            Anchor::Step(step) => *self.steps.get(step.as_str())?,
        };
        Some((moment.at(from), moment.at(to)))
    }

    /// Whether `a` is surely before `b`.
    pub fn is_before(&self, a: &Moment, b: &Moment) -> bool {
        if a.anchor == b.anchor {
            return a.offset < b.offset;
        }
        match (self.range(a), self.range(b)) {
            (Some(a), Some(b)) => a.1 < b.0,
            _ => false,
        }
    }

    /// Whether `one` has surely not happened yet when `other` first happens: it is dated later, or it
    /// hangs on the other.
    pub fn is_later(&self, one: &Step, other: &Step) -> bool {
        let dated = match (self.of_step(&one.id.value), self.of_step(&other.id.value)) {
            (Some(one), Some(other)) => other.1 < one.0,
            _ => false,
        };
        dated || self.hangs_on(one, other)
    }

    /// Whether the time of `one` is that of `other`, or some time after it, over any number of steps.
    fn hangs_on(&self, one: &Step, other: &Step) -> bool {
        let mut at = one;
        for _ in 0..self.script.steps.len() {
            let from = match &at.when {
                When::At { window, .. } => &window.from,
                When::Every { first, .. } => first,
                When::Condition { .. } => return false,
            };
            let Anchor::Step(name) = &from.anchor else { return false };
            if from.offset <= 0 {
                return false;
            }
            if *name == other.id.value {
                return true;
            }
            let Some(next) = self.step(name) else { return false };
            at = next;
        }
        false
    }

    /// The steps of a circle that `step` is in: each is some time after the next, and the last after the
    /// first. Empty if it is in none.
    pub fn circle(&self, step: &'s Step) -> Vec<&'s Step> {
        let mut circle = vec![step];
        while circle.len() <= self.script.steps.len() {
            let at = circle.last().expect("it has the step itself");
            let anchors = match &at.when {
                When::At { window, .. } => [&window.from.anchor, &window.to.anchor],
                When::Every { first, .. } => [&first.anchor, &first.anchor],
                When::Condition { .. } => return Vec::new(),
            };
            let undated = anchors.into_iter().find_map(|anchor| match anchor {
                Anchor::Step(name) if self.of_step(name).is_none() => Some(name),
                _ => None,
            });
            let Some(next) = undated.and_then(|name| self.step(name)) else { return Vec::new() };
            if next.id.value == step.id.value {
                return circle;
            }
            circle.push(next);
        }
        Vec::new()
    }

    fn step(&self, name: &str) -> Option<&'s Step> {
        self.script.steps.iter().find(|step| step.id.value == *name)
    }
}
