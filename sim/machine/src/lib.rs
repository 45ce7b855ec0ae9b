//! The contract all nodes stand on: a node is a value, one input goes in, outputs come out, and nothing else happens.
//!
//! A ZooKeeper server, a Kafka broker and their clients are [`Machine`]s. They see the outside only through a
//! [`Context`]: the clock, chance, the page cache, byte streams. Who performs the wishes (the simulated world, live
//! sockets and files, a test) is a [`Host`], and a machine cannot tell which one it has.
//!
//! Not here: anything that performs a wish, and anything that knows a protocol.

mod alarms;
mod chance;
mod context;
mod disk;
mod frames;
mod input;
mod note;
mod time;
pub mod transcript;

pub use alarms::Alarms;
pub use chance::{Chance, ChanceKey};
pub use context::{Context, Host};
pub use disk::{Disk, DiskError, Replace, Stage};
pub use frames::{FrameTooLong, Frames};
pub use input::{Closed, Conn, Input, ListenError, Peer, Ticket};
pub use note::{Level, Note};
pub use time::{Duration, Instant, WallTime};

use serde::Serialize;

/// A node as a value: the whole of a server or a client, without async, threads, locks, clocks, sockets or files.
pub trait Machine {
    /// Typed facts, said where they become true.
    type Note: Note;
    /// The whole visible state, for inspection and for testing the notes against it.
    type View: Serialize;

    /// Takes one input; every effect goes through `cx`.
    fn handle(&mut self, input: Input, cx: &mut Context<'_, Self::Note>);

    /// The earliest moment at which this machine wants [`Input::Woke`]; being woken early is harmless.
    fn wake_at(&self) -> Option<Instant>;

    /// The state as people and tests may look at it.
    fn view(&self) -> Self::View;
}
