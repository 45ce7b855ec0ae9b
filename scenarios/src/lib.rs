//! From a scenario file and a cluster description to a checked, reproducible run.
//!
//! ```text
//! file ── script::parse ──► Script ── plan::draw(seed) ──► Plan ── cast::stage ──► World
//!      ── play ──► steps ──► Scene ──► checks ──► Run { verdict, trace, fingerprint, statistics }
//! ```
//!
//! In tests begin with [`Scenario`].

pub mod cast;
pub mod checks;
pub mod cluster;
pub mod diagnostic;
pub mod import;
pub mod plan;
pub mod play;
pub mod scene;
pub mod script;
pub mod testing;
pub mod what_if;

pub use reports::run::{Run, Verdict};
pub use scenarios_macros::tests;
pub use testing::build;
pub use testing::{Failure, Held, Scenario, Sim, TimedOut, Truth, Unplayable};

/// What programs that tests bring along are made of: [`Net`](guest::Net), and time, tasks and chance of the simulation.
#[cfg(madsim)]
pub mod guest {
    pub use sim::hosted::{GuestStream, rand, task, time};

    pub use crate::testing::{Net, Outcome};
}
