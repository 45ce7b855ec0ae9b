//! From a scenario file and a cluster description to a checked, reproducible run.
//!
//! ```text
//! file ── script::parse ──► Script ── plan::draw(seed) ──► Plan ── cast::stage ──► World
//!      ── play ──► steps ──► Scene ──► checks ──► Run { verdict, trace, fingerprint, statistics }
//! ```

pub mod cast;
pub mod checks;
pub mod cluster;
pub mod diagnostic;
pub mod import;
pub mod plan;
pub mod play;
pub mod scene;
pub mod script;
pub mod what_if;
