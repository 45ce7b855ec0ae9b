//! What can be played and can hardly be meant: warnings.
//!
//! A warning is given only where every run would be in vain: nothing here guesses. What keeps a scenario from being played
//! is told by [`super::parse`] and [`Script::check`].

mod holds;
mod promises;
mod steps;
mod who;

use crate::cluster::Cluster;
use crate::diagnostic::Diagnostic;

use super::dates::Dates;
use super::problems::{Problems, Span};
use super::{Names, Script};

pub use promises::MARKS;

impl Script {
    /// What is doubtful about this scenario on this cluster, in the order of the file. It must have passed
    /// [`Script::check`].
    pub fn lint(&self, cluster: &Cluster) -> Vec<Diagnostic> {
        let mut problems = Problems::of(&self.file, &self.source);
        let stage = Stage {
            script: self,
            cluster,
            names: &Names::of(self, cluster),
            dates: &Dates::of(self),
        };
        holds::check(&stage, &mut problems);
        steps::check(&stage, &mut problems);
        promises::check(&stage, &mut problems);
        problems.into_sorted()
    }
}

/// What is known before anything is played.
struct Stage<'s> {
    script: &'s Script,
    cluster: &'s Cluster,
    names: &'s Names,
    dates: &'s Dates<'s>,
}

/// Whether `inner` is within `outer`.
fn is_within(inner: &Span, outer: &Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
