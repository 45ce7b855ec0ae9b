//! The invariants, watched after every step. Each check is a fold over what nodes say, and nothing it needs is scanned again.
//!
//! A check file opens with the property in one sentence, why it matters, and the smallest way to break it. A check is only
//! trusted once it was seen to fail in a run of the real machines: those runs are in `scenarios/failing`.

mod clients;
mod control;
mod liveness;
mod panel;
mod peace;
mod records;
mod replication;
mod storage;
mod suspects;
#[cfg(test)]
mod talk;
mod zab;

use std::sync::Arc;

use machine::Instant;

use crate::cast::Said;
use crate::scene::kafka::{Excuse, Kind};
use crate::scene::{Moment, Outside, Scene};

pub use panel::{Breach, Panel};
pub use peace::Peace;
pub use suspects::Suspects;

/// One invariant.
pub trait Check {
    /// Its id (`ZB-1`).
    fn id(&self) -> &'static str;
    /// The property in one sentence.
    fn property(&self) -> &'static str;

    /// What it is shown by [`Self::see`].
    fn wants(&self) -> Wants {
        Wants::ZooKeeper
    }

    /// Looks at one note, which `scene` has already folded.
    fn see(
        &mut self,
        _moment: &Moment,
        _said: &Said,
        _scene: &Scene,
        _outside: &dyn Outside,
        _found: &mut Vec<String>,
    ) {
    }

    /// Whether [`Self::pass`] is to be called.
    fn keeps_time(&self) -> bool {
        false
    }

    /// Looks at the world twice a second: for bounds in time.
    fn pass(&mut self, _look: &Look<'_>, _found: &mut Vec<String>) {}

    /// The run is over.
    fn finish(&mut self, _scene: &Scene, _outside: &dyn Outside, _found: &mut Vec<String>) {}

    /// What broke the property in a way that Kafka's own rules allow, asked for once after [`Self::finish`]: each is a
    /// violation all the same, unless the scenario expects a loss of this topic by this exception.
    fn excused(&mut self) -> Vec<Excused> {
        Vec::new()
    }
}

/// The world at one moment.
pub struct Look<'a> {
    /// What an omniscient observer knows.
    pub scene: &'a Scene,
    /// What the world knows.
    pub outside: &'a dyn Outside,
    /// How long nothing has been in the way.
    pub peace: &'a Peace,
    /// Where something may be amiss.
    pub suspects: &'a Suspects,
}

/// What a check is shown. Most notes concern a few checks only, and there are many of both.
#[derive(Clone, Copy, Debug)]
pub enum Wants {
    /// Every note of a ZooKeeper server or client.
    ZooKeeper,
    /// Notes, whoever said them, that made one of these changes in the picture of Kafka.
    Kafka(&'static [Kind]),
    /// None: it only looks at the world now and then.
    Nothing,
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
