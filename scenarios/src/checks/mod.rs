//! The invariants, watched after every step. Each check is a fold over what nodes say, and nothing it needs is scanned again.
//!
//! A check file opens with the property in one sentence, why it matters, and the smallest way to break it. A check is only
//! trusted once it was seen to fail in a run of the real machines: those runs are in `scenarios/failing`.

mod clients;
mod control;
mod liveness;
mod records;
mod replication;
mod storage;
#[cfg(test)]
mod talk;
mod zab;

use std::sync::Arc;

use machine::Instant;

use crate::cast::Said;
use crate::scene::kafka::Excuse;
use crate::scene::{Moment, Outside, Scene};

/// One invariant.
pub trait Check {
    /// Its id (`ZB-1`).
    fn id(&self) -> &'static str;
    /// The property in one sentence.
    fn property(&self) -> &'static str;

    /// Looks at one note, which `scene` has already folded.
    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        outside: &dyn Outside,
        found: &mut Vec<String>,
    );

    /// Whether [`Self::pass`] is to be called.
    fn keeps_time(&self) -> bool {
        false
    }

    /// Looks at the world after every step and fault: for bounds in time. Cheap, as it is called for each.
    fn pass(&mut self, _scene: &Scene, _outside: &dyn Outside, _found: &mut Vec<String>) {}

    /// The run is over.
    fn finish(&mut self, _scene: &Scene, _outside: &dyn Outside, _found: &mut Vec<String>) {}

    /// What broke the property in a way that Kafka's own rules allow, asked for once after [`Self::finish`]: each is a
    /// violation all the same, unless the scenario expects a loss of this topic by this exception.
    fn excused(&mut self) -> Vec<Excused> {
        Vec::new()
    }
}

/// Whether a check is about Kafka: it hears brokers, Kafka's clients, and ZooKeeper where that changes something for Kafka.
/// The others hear servers and their clients.
pub fn is_about_kafka(check: &dyn Check) -> bool {
    !check.id().starts_with('Z') && check.id() != "LV-0"
}

/// A broken property with an excuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excused {
    /// Records of this topic.
    pub topic: Arc<str>,
    /// The exception: see [`Excuse::is_named`].
    pub by: Excuse,
    /// How many records.
    pub records: u64,
    /// When it was found out first.
    pub at: Instant,
    /// All in one sentence.
    pub what: String,
}

/// All checks, always on. What clients were promised comes first: where one note breaks a promise to them and one among
/// servers, theirs is told first.
pub fn all() -> Vec<Box<dyn Check>> {
    let mut checks = Vec::new();
    checks.extend(clients::all());
    checks.extend(records::all());
    checks.extend(zab::all());
    checks.extend(replication::all());
    checks.extend(storage::all());
    checks.extend(control::all());
    checks.extend(liveness::all());
    checks
}
