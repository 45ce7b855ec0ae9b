//! Chance comes in by the door: a ChaCha stream of its own per (seed, node, incarnation, part, purpose), so that removing
//! one fault or one draw does not reshuffle the rest. Integers only.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Whose stream it is. The seed of the run is the host's to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChanceKey {
    /// The part of the machine that draws; 0 for the machine itself.
    pub part: u64,
    /// What the draw decides.
    pub purpose: &'static str,
}

/// One stream of draws.
#[derive(Clone, Debug)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream for these coordinates; equal coordinates give equal streams, on every machine and build.
    pub fn stream(seed: u64, node: &str, incarnation: u64, key: ChanceKey) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&name_key(0, node).to_le_bytes());
        bytes[16..24].copy_from_slice(&incarnation.to_le_bytes());
        bytes[24..].copy_from_slice(&key.part.to_le_bytes());
        let mut stream = ChaCha8Rng::from_seed(bytes);
        stream.set_stream(name_key(0, key.purpose));
        Self(stream)
    }

    /// A number below `end`, all equally likely. Panics if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        assert!(end > 0, "chance needs at least one possibility");
        // Lemire's multiply-shift; the bias is below 2^-32 for every range a simulation asks for, and the same everywhere.
        ((u128::from(self.0.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `low` up to and including `high`. Panics if `low > high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "an empty range has no draw");
        match (high - low).checked_add(1) {
            Some(width) => low + self.below(width),
            None => self.0.next_u64(),
        }
    }

    /// True in `parts` of `whole` draws.
    pub fn one_in(&mut self, parts: u64, whole: u64) -> bool {
        self.below(whole) < parts
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Puts `items` into a random order (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }

    /// One of `items`, if there is any.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        (!items.is_empty()).then(|| &items[self.below(items.len() as u64) as usize])
    }
}

/// A stable number for a name below `parent` (FNV-1a): used to key streams, never to decide anything by itself.
pub(crate) fn name_key(parent: u64, name: &str) -> u64 {
    let mut key = parent ^ 0xcbf2_9ce4_8422_2325;
    for byte in name.bytes() {
        key = (key ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    key
}
