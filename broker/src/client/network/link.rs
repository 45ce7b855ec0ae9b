//! One broker's stream: in which phase it is, what is in flight on it, how long to wait before it is dialled again.

use std::collections::{BTreeMap, VecDeque};

use kafka_protocol::messages::api_versions_response::ApiVersion;
use machine::{Conn, Duration, Frames, Instant};

use crate::wire::Api;
use crate::wire::versions::Versions;

/// The longest answer that is taken, in bytes: far more than any broker sends.
const FRAME_MAX: usize = 256 << 20;

/// `reconnect.backoff.ms`, and how often it is doubled at most on the way to `reconnect.backoff.max.ms` (1 s).
const BACKOFF_MS: u64 = 50;
const BACKOFF_MAX_MS: u64 = 1_000;

/// How far a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// There is none.
    Down,
    /// It is being opened.
    Dialling(Conn),
    /// It was asked which versions it speaks.
    Greeting(Conn),
    /// Requests may be sent.
    Ready(Conn),
}

impl Phase {
    /// The stream, if there is one.
    pub fn conn(self) -> Option<Conn> {
        match self {
            Self::Down => None,
            Self::Dialling(conn) | Self::Greeting(conn) | Self::Ready(conn) => Some(conn),
        }
    }
}

/// Whose a request is.
#[derive(Debug)]
pub enum What<T> {
    /// The network's own greeting.
    ApiVersions,
    /// The network's own question for metadata.
    Metadata,
    /// The owner's.
    Owners(T),
}

/// A request that was sent and not answered yet.
#[derive(Debug)]
pub struct InFlight<T> {
    /// Its number.
    pub correlation: i32,
    /// Its API.
    pub api: Api,
    /// Its version.
    pub version: i16,
    /// When the broker has had time enough.
    pub expires: Instant,
    /// Whose it is.
    pub what: What<T>,
}

/// One broker's stream.
#[derive(Debug)]
pub struct Link<T> {
    /// How far it is.
    pub phase: Phase,
    /// What has come in.
    pub frames: Frames,
    /// What is not answered yet, in order.
    pub in_flight: VecDeque<InFlight<T>>,
    /// Not before this it is dialled again.
    pub retry_at: Instant,
    /// The version to use, by API.
    pub versions: BTreeMap<Api, i16>,
    failures: u32,
}

impl<T> Link<T> {
    /// No stream yet.
    pub fn new() -> Self {
        Self {
            phase: Phase::Down,
            frames: Frames::new(FRAME_MAX),
            in_flight: VecDeque::new(),
            retry_at: Instant::ZERO,
            versions: BTreeMap::new(),
            failures: 0,
        }
    }

    /// A stream is being opened.
    pub fn dialled(&mut self, conn: Conn) {
        self.phase = Phase::Dialling(conn);
        self.frames = Frames::new(FRAME_MAX);
    }

    /// The broker has said what it speaks: the highest versions both sides know are used.
    pub fn ready(&mut self, ours: &Versions, theirs: &[ApiVersion]) {
        let Some(conn) = self.phase.conn() else { return };
        self.phase = Phase::Ready(conn);
        self.failures = 0;
        let common = theirs.iter().filter_map(|range| {
            let api = Api::of(range.api_key)?;
            let version = ours.highest(api).min(range.max_version);
            ours.speaks(api, version).then_some((api, version))
        });
        self.versions = common.collect();
    }

    /// The stream is gone: what was in flight is lost. The pause before the next attempt is 50 ms, doubled with every failure
    /// in a row up to a second, times `jitter` thousandths (800–1,200).
    pub fn lost(&mut self, now: Instant, jitter: u64) -> VecDeque<InFlight<T>> {
        self.phase = Phase::Down;
        let doubled = (BACKOFF_MS << self.failures.min(10)).min(BACKOFF_MAX_MS);
        self.failures += 1;
        self.retry_at = now + Duration::from_micros(doubled * jitter);
        std::mem::take(&mut self.in_flight)
    }
}
