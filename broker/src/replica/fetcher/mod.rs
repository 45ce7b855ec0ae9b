//! A follower's side: one fetcher for each broker that leads something this broker follows (`num.replica.fetchers` = 1).
//! One connection, one question at a time.
//!
//! ```text
//! a partition:  Truncating ──(epochs agree, or cut alone)──► Fetching ──(OFFSET_OUT_OF_RANGE)──► Lost ──► Fetching
//!                    └── error: pauses for replica.fetch.backoff.ms, then the same again ──┘
//!               FENCED_LEADER_EPOCH in its present epoch: given up until the next LeaderAndIsr
//! ```
//!
//! What to cut is decided in [`super::truncation`]; questions are in [`asking`], answers in [`taking`].
//! Sources: `AbstractFetcherThread`, `ReplicaFetcherThread`, `FetchSessionHandler`.

mod asking;
mod routing;
mod taking;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kafka_protocol::messages::TopicName;
use machine::{Conn, Context, DiskError, Frames, Input, Instant, Ticket};

use super::partition::{Held, Partition, Slot};
use crate::config::Config;
use crate::id::{LeaderEpoch, Offset};
use crate::log::Logs;
use crate::mechanism::{FetchFencing, Truncation};
use crate::note::Note;
use crate::wire::Api;
use crate::wire::versions::Versions;
use taking::Arrived;

/// The longest response a fetcher takes.
const RESPONSE_MAX: usize = 100 * 1024 * 1024;

/// The replicas a fetcher writes to.
pub(super) struct Copies<'a> {
    pub held: &'a mut Held,
    pub logs: &'a mut Logs,
    pub config: &'a Config,
    /// The disk said no, for good.
    pub failed: Option<DiskError>,
}

/// Copies what one broker leads.
pub(super) struct Fetcher {
    address: String,
    client: String,
    versions: Spoken,
    correlation: i32,
    link: Link,
    states: BTreeMap<Slot, State>,
    /// Those that must truncate, those that are lost, and those that pause; all others fetch.
    truncating: BTreeSet<Slot>,
    lost: BTreeSet<Slot>,
    pauses: BTreeSet<(Instant, Slot)>,
    session: Session,
    /// Partitions of a response that were not taken yet, and the ticket the first of them waits for.
    arrived: VecDeque<Arrived>,
    blocked: Option<Ticket>,
}

/// The versions in which it asks.
#[derive(Clone, Copy, Debug)]
struct Spoken {
    fetch: i16,
    epochs: i16,
    offsets: i16,
}

/// What the leader holds of this fetcher's incremental fetch session.
#[derive(Debug, Default)]
struct Session {
    /// 0 without one.
    id: i32,
    /// 0: the next fetch names everything.
    epoch: i32,
    told: BTreeMap<Slot, Told>,
    /// Partitions for which the leader may have to be told something else.
    touched: BTreeSet<Slot>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    name: TopicName,
    partition: i32,
    epoch: LeaderEpoch,
    from: Offset,
    start: Offset,
}

/// One partition.
#[derive(Clone, Debug)]
struct State {
    epoch: LeaderEpoch,
    /// Where it fetches next; while it truncates, the high watermark it began with.
    from: Offset,
    /// The start of its own log.
    start: Offset,
    stage: Stage,
    paused: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Truncating,
    Fetching,
    /// The leader does not have its offset; where the leader's log ends, once that is known.
    Lost(Option<Offset>),
}

enum Link {
    Down,
    Dialling { conn: Conn, deadline: Instant },
    Open { conn: Conn, frames: Frames, flight: Option<Flight> },
}

/// A question that was not answered yet.
struct Flight {
    correlation: i32,
    deadline: Instant,
    asked: Asked,
}

/// What was asked, with the epochs it was asked in.
enum Asked {
    Epochs(BTreeMap<Slot, LeaderEpoch>),
    Offsets { latest: bool, of: BTreeMap<Slot, LeaderEpoch> },
    Fetch { full: bool },
}

impl Fetcher {
    /// Nothing to copy yet.
    pub fn new(config: &Config) -> Self {
        let spoken = Versions::of(config.preset);
        let fenced = config.mechanisms.fetch_fencing == FetchFencing::On;
        let below =
            |api, max| if fenced { spoken.highest(api) } else { spoken.highest(api).min(max) };
        let epochs = match config.mechanisms.truncation {
            Truncation::ByHighWatermark | Truncation::ByLeaderEpoch => 0,
            Truncation::ByLeaderEpochRepeated => below(Api::OffsetForLeaderEpoch, 1),
        };
        let versions =
            Spoken { fetch: below(Api::Fetch, 8), epochs, offsets: below(Api::ListOffsets, 3) };
        Self {
            address: String::new(),
            client: format!("broker-{}-fetcher-0", config.id),
            versions,
            correlation: 0,
            link: Link::Down,
            states: BTreeMap::new(),
            truncating: BTreeSet::new(),
            lost: BTreeSet::new(),
            pauses: BTreeSet::new(),
            session: Session::default(),
            arrived: VecDeque::new(),
            blocked: None,
        }
    }

    /// Where the leader is; a connection to somewhere else is given up.
    pub fn call(&mut self, address: &str, cx: &mut Context<'_, Note>) {
        if self.address != address {
            address.clone_into(&mut self.address);
            self.stop(cx);
        }
    }

    /// One more partition, from its high watermark on, once what the leader does not have is cut off.
    pub fn add(&mut self, slot: Slot, partition: &Partition) {
        let from = partition.high_watermark;
        let state = State {
            epoch: partition.epoch,
            from,
            start: Offset::ZERO,
            stage: Stage::Truncating,
            paused: None,
        };
        self.states.insert(slot, state);
        self.truncating.insert(slot);
        self.session.touched.insert(slot);
    }

    /// A partition is not copied any more.
    pub fn remove(&mut self, slot: Slot) {
        if let Some(state) = self.states.remove(&slot) {
            self.truncating.remove(&slot);
            self.lost.remove(&slot);
            if let Some(until) = state.paused {
                self.pauses.remove(&(until, slot));
            }
            self.session.touched.insert(slot);
        }
    }

    /// Whether there is nothing to copy.
    pub fn is_idle(&self) -> bool {
        self.states.is_empty()
    }

    /// Its connection.
    pub fn conn(&self) -> Option<Conn> {
        match &self.link {
            Link::Down => None,
            Link::Dialling { conn, .. } | Link::Open { conn, .. } => Some(*conn),
        }
    }

    /// Gives up the connection.
    pub fn stop(&mut self, cx: &mut Context<'_, Note>) {
        if let Some(conn) = self.conn() {
            cx.close(conn);
        }
        self.link = Link::Down;
        self.session.epoch = 0;
        self.arrived.clear();
        self.blocked = None;
    }

    /// When it wants to be woken.
    pub fn wake_at(&self) -> Option<Instant> {
        let deadline = match &self.link {
            Link::Down | Link::Open { flight: None, .. } => None,
            Link::Dialling { deadline, .. } => Some(*deadline),
            Link::Open { flight: Some(flight), .. } => Some(flight.deadline),
        };
        let pause = self.pauses.first().map(|(until, _)| *until);
        deadline.into_iter().chain(pause).min()
    }

    /// Whether it waits for this ticket.
    pub fn waits_for(&self, ticket: Ticket) -> bool {
        self.blocked == Some(ticket)
    }

    /// The disk is ready.
    pub fn unblock(&mut self) {
        self.blocked = None;
    }

    /// Takes an input of its connection.
    pub fn handle(&mut self, input: &Input, copies: &mut Copies<'_>, cx: &mut Context<'_, Note>) {
        match input {
            Input::Opened { conn, .. } => {
                let frames = Frames::new(RESPONSE_MAX);
                self.link = Link::Open { conn: *conn, frames, flight: None };
            }
            Input::Received { bytes, .. } => {
                if let Link::Open { frames, .. } = &mut self.link {
                    frames.push(bytes);
                }
                self.receive(copies, cx);
            }
            Input::Closed { .. } => self.broke(copies, cx),
            _ => {}
        }
        self.advance(copies, cx);
    }

    /// Time has passed.
    pub fn woke(&mut self, copies: &mut Copies<'_>, cx: &mut Context<'_, Note>) {
        let now = cx.now();
        while let Some((until, slot)) = self.pauses.first().copied().filter(|(at, _)| *at <= now) {
            self.pauses.remove(&(until, slot));
            self.unpause(slot);
        }
        let overdue = match &self.link {
            Link::Dialling { deadline, .. } => *deadline <= now,
            Link::Open { flight: Some(flight), .. } => flight.deadline <= now,
            Link::Down | Link::Open { flight: None, .. } => false,
        };
        if overdue {
            if let Some(conn) = self.conn() {
                cx.abort(conn);
            }
            self.broke(copies, cx);
        }
        self.advance(copies, cx);
    }

    fn unpause(&mut self, slot: Slot) {
        let Some(state) = self.states.get_mut(&slot) else { return };
        state.paused = None;
        match state.stage {
            Stage::Truncating => drop(self.truncating.insert(slot)),
            Stage::Lost(_) => drop(self.lost.insert(slot)),
            Stage::Fetching => {}
        }
        self.session.touched.insert(slot);
    }

    /// A partition does nothing until then.
    fn pause(&mut self, slot: Slot, until: Instant) {
        let Some(state) = self.states.get_mut(&slot) else { return };
        if let Some(before) = state.paused.replace(until) {
            self.pauses.remove(&(before, slot));
        }
        self.pauses.insert((until, slot));
        self.truncating.remove(&slot);
        self.lost.remove(&slot);
        self.session.touched.insert(slot);
    }

    fn enter(&mut self, slot: Slot, stage: Stage) {
        let Some(state) = self.states.get_mut(&slot) else { return };
        state.stage = stage;
        self.truncating.remove(&slot);
        self.lost.remove(&slot);
        match stage {
            Stage::Truncating => drop(self.truncating.insert(slot)),
            Stage::Lost(_) => drop(self.lost.insert(slot)),
            Stage::Fetching => {}
        }
        self.session.touched.insert(slot);
    }

    /// The connection is gone, or was never made: what was asked is asked again after a pause. After a failed fetch the
    /// thread sleeps, and then every partition pauses as long once more.
    fn broke(&mut self, copies: &Copies<'_>, cx: &Context<'_, Note>) {
        let backoff = copies.config.replica_fetch_backoff;
        let link = std::mem::replace(&mut self.link, Link::Down);
        self.session.epoch = 0;
        self.arrived.clear();
        let asked = match link {
            Link::Open { flight: Some(flight), .. } => Some(flight.asked),
            _ => None,
        };
        let now = cx.now();
        match asked {
            Some(Asked::Epochs(of) | Asked::Offsets { of, .. }) => {
                for slot in of.into_keys() {
                    self.pause(slot, now + backoff);
                }
            }
            None if !self.truncating.is_empty() => {
                for slot in self.truncating.clone() {
                    self.pause(slot, now + backoff);
                }
            }
            Some(Asked::Fetch { .. }) | None => {
                let unpaused =
                    |(slot, state): (&Slot, &State)| state.paused.is_none().then_some(*slot);
                let all: Vec<Slot> = self.states.iter().filter_map(unpaused).collect();
                for slot in all {
                    self.pause(slot, now + backoff.times(2));
                }
            }
        }
    }
}
