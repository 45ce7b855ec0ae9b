//! Named deadlines of one machine or part: setting one again moves it, the earliest wins.

use std::collections::BTreeMap;

use crate::Instant;

/// Deadlines by name. The next one to ring is what a machine answers to [`crate::Machine::wake_at`].
#[derive(Clone, Debug)]
pub struct Alarms<K> {
    set: BTreeMap<K, Instant>,
}

impl<K: Ord + Clone> Alarms<K> {
    /// No deadline set.
    pub fn new() -> Self {
        Self { set: BTreeMap::new() }
    }

    /// Rings `name` at `at`, whatever was set before.
    pub fn set(&mut self, name: K, at: Instant) {
        self.set.insert(name, at);
    }

    /// `name` no longer rings.
    pub fn clear(&mut self, name: &K) {
        self.set.remove(name);
    }

    /// When `name` rings, if it is set.
    pub fn at(&self, name: &K) -> Option<Instant> {
        self.set.get(name).copied()
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.set.values().min().copied()
    }

    /// Takes one deadline that has come by `now`: the earliest, of equals the smallest name. Call until `None`.
    pub fn ring(&mut self, now: Instant) -> Option<K> {
        let (name, at) = self.set.iter().min_by_key(|(_, at)| **at)?;
        if *at > now {
            return None;
        }
        let name = name.clone();
        self.set.remove(&name);
        Some(name)
    }
}

impl<K: Ord + Clone> Default for Alarms<K> {
    fn default() -> Self {
        Self::new()
    }
}
