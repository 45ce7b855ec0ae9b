//! Runs hosted in madsim's virtual time: alone, or with guests, a user's own async code on madsim's
//! tokio-shaped API.
//!
//! With guests the world and madsim share one clock: guests run until all of them wait, then the
//! earlier of the next guest's timer and the world's next event comes. What guests wish happens at
//! their time rounded up to µs. They reach simulated listeners through a gate, over the world's own
//! network.
//!
//! Without `--cfg madsim` there are no guests, and [`inside`] plays the run as it is: its
//! fingerprint is the same.

use std::thread;

#[cfg(madsim)]
mod drive;
#[cfg(madsim)]
mod gate;
#[cfg(madsim)]
mod guests;
#[cfg(madsim)]
mod house;

/// What guests are made of, beside their streams: madsim's time, tasks and chance.
#[cfg(madsim)]
pub use madsim::{rand, task, time};

#[cfg(madsim)]
pub use drive::Show;
#[cfg(madsim)]
pub use gate::{Gate, Gateway, GuestStream, Resident};
#[cfg(madsim)]
pub use guests::{Hosted, Stage};
#[cfg(madsim)]
pub use house::{House, Life, Program};

/// Room for the deepest calls of an unoptimised build; the threads of tests have less.
const STACK: usize = 16 << 20;

/// Plays `run` on a thread of its own with room enough, and waits for it. If it panics, so does this.
pub fn with_room<R: Send>(run: impl FnOnce() -> R + Send) -> R {
    let played = thread::scope(|scope| {
        let player = thread::Builder::new().name("player".to_owned()).stack_size(STACK);
        let player = player.spawn_scoped(scope, run);
        player.expect("the system has room for one more thread").join()
    });
    played.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The name of the test that runs on this thread, as `cargo test` takes it.
pub fn name_of_test() -> Option<String> {
    thread::current().name().filter(|name| *name != "main").map(str::to_owned)
}

/// Plays `run` inside a madsim runtime seeded with `seed`: whatever in it asks for time or threads
/// is answered (or refused) by the simulation instead of the computer.
///
/// Inside, reading a CPU clock aborts the process and starting a thread panics: measure, and draw
/// progress bars, outside.
#[cfg(madsim)]
pub fn inside<R>(seed: u64, run: impl FnOnce() -> R) -> R {
    let runtime = madsim::runtime::Runtime::with_seed_and_config(seed, madsim::Config::default());
    runtime.block_on(async { run() })
}

/// Plays `run` as it is: this build has no madsim.
#[cfg(not(madsim))]
pub fn inside<R>(_seed: u64, run: impl FnOnce() -> R) -> R {
    run()
}
