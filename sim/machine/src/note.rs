//! Facts a machine says where they become true. Checks fold them, the timeline prints them, live mode logs them.

use std::fmt;

/// How loudly a note is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For traces and debug logs.
    Detail,
    /// A transition: one line on the timeline.
    Headline,
}

/// A typed fact. `Display` renders it as the end of a sentence whose subject is the node (`leads epoch 3`).
pub trait Note: Clone + fmt::Debug + fmt::Display {
    /// Whether it stands on the timeline.
    fn level(&self) -> Level;

    /// The coverage mark it reaches, if any (`sometimes = ["truncated"]`).
    fn mark(&self) -> Option<&'static str> {
        None
    }
}
