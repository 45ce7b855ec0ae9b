//! What a run cost, as the operating system counts it. Asked outside of the simulated world, which has no such clock.

use reports::run::Statistics;

/// CPU time of this process so far, in µs, and its largest resident size, in bytes; 0 where the system does not say.
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

    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Used::default() };
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    // Linux counts the resident size in KiB, macOS in bytes.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    Used {
        cpu_micros: u64::try_from(micros).unwrap_or(0),
        peak_bytes: u64::try_from(usage.max_rss()).unwrap_or(0) * unit,
    }
}

#[cfg(not(unix))]
fn used() -> Used {
    Used::default()
}
