//! What a server allows its clients, and what planted defects make of that.

use crate::config::Config;
use crate::mechanism::Mutant;

/// The limits, read from the configuration once.
#[derive(Clone, Debug)]
pub struct Limits {
    pub from_one_address: u64,
    pub min_timeout_ms: i32,
    pub max_timeout_ms: i32,
    pub takes_clients_from_the_future: bool,
    pub reads_overtake_writes: bool,
    pub forgets_watches: bool,
}

impl Limits {
    /// Those of this configuration.
    pub fn new(config: &Config) -> Self {
        let mechanisms = &config.mechanisms;
        let ms = |span: machine::Duration| i32::try_from(span.as_millis()).unwrap_or(i32::MAX);
        Self {
            from_one_address: config.max_client_connections,
            min_timeout_ms: ms(config.min_session_timeout),
            max_timeout_ms: ms(config.max_session_timeout),
            takes_clients_from_the_future: mechanisms.has(Mutant::TakesClientsFromTheFuture),
            reads_overtake_writes: mechanisms.has(Mutant::ReadsOvertakeWrites),
            forgets_watches: mechanisms.has(Mutant::ForgetsWatches),
        }
    }
}
