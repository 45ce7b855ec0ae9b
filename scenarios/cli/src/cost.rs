//! What a run cost, as the operating system counts it for the thread that plays it. Asked outside of the simulated world,
//! which has no such clock.

use reports::run::Statistics;

/// CPU time of this thread so far, in µs, and the largest resident size of the process, in bytes; 0 where the system does
/// not say.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    cpu_micros: u64,
    peak_bytes: u64,
}

/// Measures from its making to [`Cost::fill`].
#[derive(Debug)]
pub struct Cost {
    before: Used,
}

impl Cost {
    /// Starts to measure.
    pub fn start() -> Self {
        Self { before: used() }
    }

    /// Writes down what was used since the start, and what that makes per second.
    pub fn fill(&self, statistics: &mut Statistics) {
        let now = used();
        let micros = now.cpu_micros.saturating_sub(self.before.cpu_micros);
        statistics.cpu_seconds = micros as f64 / 1e6;
        statistics.peak_memory_bytes = now.peak_bytes;
        // Less than the clock can tell counts as its smallest step: a rate is a number, never infinite.
        let seconds = micros.max(1) as f64 / 1e6;
        statistics.events_per_cpu_second = (statistics.events as f64 / seconds).round();
        statistics.simulated_seconds_per_cpu_second =
            (statistics.simulated_seconds / seconds).round();
    }
}

#[cfg(unix)]
fn used() -> Used {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    use nix::time::{ClockId, clock_gettime};

    let micros =
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0, |at| at.num_microseconds());
    let peak = getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss());
    // Linux counts the resident size in KiB, macOS in bytes.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    Used {
        cpu_micros: u64::try_from(micros).unwrap_or(0),
        peak_bytes: u64::try_from(peak).unwrap_or(0) * unit,
    }
}

#[cfg(not(unix))]
fn used() -> Used {
    Used::default()
}
