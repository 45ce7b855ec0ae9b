//! A node's two clocks, seen from the world's time: a monotonic one that may drift and a calendar
//! that may also jump. Integers only, exact both ways.

use machine::{Instant, WallTime};

/// 2024-01-01T00:00:00Z: where the simulated calendar begins, in µs since 1970.
pub const CALENDAR_START: u64 = 1_704_067_200_000_000;

const MILLION: i128 = 1_000_000;

/// The clocks of one node. Machine time begins at 0 with the world and runs on through the node's
/// lives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    /// World time of the last change of the drift, µs.
    since: u64,
    /// What the node's clock said then.
    read: u64,
    /// Parts per million the clock runs fast (or slow, if negative).
    ppm: i64,
    /// What the calendar is off by, µs.
    wall: i64,
}

impl Clock {
    /// The monotonic clock when the world's time is `at`.
    pub(crate) fn now(&self, at: u64) -> Instant {
        if self.ppm == 0 {
            return Instant::from_micros(self.read + (at - self.since));
        }
        let ran = i128::from(at - self.since) * (MILLION + i128::from(self.ppm)) / MILLION;
        Instant::from_micros(self.read + ran as u64)
    }

    /// The calendar when the world's time is `at`.
    pub(crate) fn wall(&self, at: u64) -> WallTime {
        let steady = CALENDAR_START + self.now(at).as_micros();
        WallTime::from_micros(steady.saturating_add_signed(self.wall))
    }

    /// The first world time at which the monotonic clock says `moment` or later.
    pub(crate) fn world_time(&self, moment: Instant) -> u64 {
        let left = moment.as_micros().saturating_sub(self.read);
        if self.ppm == 0 {
            return self.since.saturating_add(left);
        }
        let pace = (MILLION + i128::from(self.ppm)) as u128;
        let runs = (u128::from(left) * MILLION as u128).div_ceil(pace);
        self.since.saturating_add(u64::try_from(runs).unwrap_or(u64::MAX))
    }

    /// The clock runs `ppm` parts per million fast from world time `at` on. Slower than 1 % of real
    /// time is not a clock.
    pub(crate) fn drift(&mut self, at: u64, ppm: i64) {
        self.read = self.now(at).as_micros();
        self.since = at;
        self.ppm = ppm.clamp(-990_000, 1_000_000_000);
    }

    /// The calendar jumps by `micros`.
    pub(crate) fn step_wall(&mut self, micros: i64) {
        self.wall = self.wall.saturating_add(micros);
    }
}
