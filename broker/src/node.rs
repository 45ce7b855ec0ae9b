//! One broker: its parts, its life, and which input goes where.

use machine::{Context, Input, Instant, Machine};
use serde::Serialize;

use crate::config::Config;
use crate::note::Note;

/// A Kafka broker.
pub struct Broker {}

/// What can be seen of a broker.
#[derive(Clone, Debug, Default, Serialize)]
pub struct View {}

impl Broker {
    /// A broker with these settings; it does nothing before it is booted.
    pub fn new(_config: Config) -> Self {
        unimplemented!()
    }
}

impl Machine for Broker {
    type Note = Note;
    type View = View;

    fn handle(&mut self, _input: Input, _cx: &mut Context<'_, Note>) {
        unimplemented!()
    }

    fn wake_at(&self) -> Option<Instant> {
        unimplemented!()
    }

    fn view(&self) -> View {
        unimplemented!()
    }
}
