//! What is written down about a run: always a fingerprint, on request a whole trace.

mod fingerprint;
mod trace;

pub(crate) use fingerprint::Fingerprint;
pub use trace::Trace;
