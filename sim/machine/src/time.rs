//! Time as machines see it: microseconds on two clocks that must not be mixed up, in integers only.
//!
//! [`Instant`] is the node's monotonic clock (it may drift, never jumps), [`WallTime`] its calendar (it may jump).

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// A span of time in microseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Duration(u64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `micros` µs.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }
    /// A span of `millis` ms.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000)
    }
    /// A span of `secs` s.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000)
    }
    /// The span in µs.
    pub const fn as_micros(self) -> u64 {
        self.0
    }
    /// The span in whole ms, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }
    /// `self * n`, staying at the largest value instead of wrapping.
    pub const fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }
    /// `self / n`, rounded down. Panics if `n` is 0.
    pub const fn divided_by(self, n: u64) -> Self {
        Self(self.0 / n)
    }
    /// `self - other`, or zero where `other` is longer.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Duration {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Duration {
    /// Seconds with as many decimals as matter: `12s`, `1.5s`, `0.000250s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        match micros {
            0 => write!(f, "{secs}s"),
            m if m % 1_000 == 0 => {
                write!(f, "{}s", format!("{secs}.{:03}", m / 1_000).trim_end_matches('0'))
            }
            m => write!(f, "{secs}.{m:06}s"),
        }
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A point on a node's monotonic clock, in µs. Comparable only with points of the same node.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(u64);

impl Instant {
    /// The beginning of the clock.
    pub const ZERO: Self = Self(0);
    /// A point later than all others.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point `micros` µs after the beginning of the clock.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }
    /// µs since the beginning of the clock.
    pub const fn as_micros(self) -> u64 {
        self.0
    }
    /// The span from `earlier` to `self`, or zero where `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_micros()))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.as_micros()))
    }
}

impl fmt::Display for Instant {
    /// Seconds with three decimals: `12.345s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1_000_000, self.0 / 1_000 % 1_000)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a node's calendar says: µs since 1970-01-01 00:00 UTC. May jump forwards and backwards.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct WallTime(u64);

impl WallTime {
    /// The wall time `micros` µs after 1970.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }
    /// µs since 1970.
    pub const fn as_micros(self) -> u64 {
        self.0
    }
    /// ms since 1970, as protocols carry it.
    pub const fn as_millis(self) -> i64 {
        (self.0 / 1_000) as i64
    }
}
