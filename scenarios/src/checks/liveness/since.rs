//! How long conditions have held, as far as looks can tell.

use std::collections::BTreeMap;

use machine::{Duration, Instant};

/// Conditions by place, each with the time since which it holds without interruption.
#[derive(Debug, Default)]
pub struct Since(BTreeMap<(usize, usize), Held>);

/// A condition that holds.
#[derive(Debug)]
struct Held {
    since: Instant,
    /// The last look at which it did.
    seen: Instant,
    told: bool,
}

impl Since {
    /// A condition holds: true once, when it has held for that long and may be judged.
    pub fn holds(
        &mut self,
        of: (usize, usize),
        bound: Duration,
        judged: bool,
        now: Instant,
    ) -> bool {
        let held = self.0.entry(of).or_insert(Held { since: now, seen: now, told: false });
        held.seen = now;
        let tells = judged && !held.told && now.since(held.since) >= bound;
        held.told |= tells;
        tells
    }

    /// The look is over: what did not hold at it begins anew.
    pub fn end_look(&mut self, now: Instant) {
        self.0.retain(|_, held| held.seen == now);
    }
}

/// What is in order between a client and a partition (with its leader, where it matters): from then on somebody's time counts.
#[derive(Debug, Default)]
pub struct InOrder(BTreeMap<Pair, Instant>);

/// A client, a partition and its leader, as indices.
pub type Pair = (usize, usize, usize);

impl InOrder {
    /// All that are in order at this look; whoever is missing begins anew.
    pub fn look(&mut self, now: Instant, all: impl Iterator<Item = Pair>) {
        let before = std::mem::take(&mut self.0);
        self.0 = all.map(|pair| (pair, before.get(&pair).copied().unwrap_or(now))).collect();
    }

    /// How long somebody has waited that everything should be quick for, if it is in order: not longer than it is.
    pub fn waited(&self, pair: Pair, asked: Instant, now: Instant) -> Option<Duration> {
        self.0.get(&pair).map(|since| now.since(asked.max(*since)))
    }
}
