//! Processes: a node's name, its lives, its inbox and its clocks.
//!
//! A process that is killed (or panics) resets its connections: the reset travels like any packet
//! and drops what was still queued. A process that exits by itself leaves as on Linux: what was
//! sent is delivered and ended with a FIN, but a stream with unread input is reset. Power loss says
//! nothing to anybody.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use machine::{Chance, ChanceKey, Input, Instant, Ticket};

use super::clock::Clock;
use super::core::Core;
use super::disk::Drive;
use super::queue::{Cause, EndId};

/// Where no end is: the handle is dead.
const NO_END: EndId = EndId::MAX;

/// What a machine is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Birth {
    /// The node's name.
    pub node: Arc<str>,
    /// Which life begins, counted from 1.
    pub incarnation: u64,
}

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// Killed, or panicked.
    Killed,
    /// Left by itself.
    Exited,
    /// The host went dark.
    PowerLoss,
}

/// An input that waits for its node.
pub(crate) struct Waiting {
    pub(crate) input: Input,
    pub(crate) cause: Cause,
    /// A wake somebody outside asked for, which needs no alarm.
    pub(crate) asked: bool,
}

/// A node without its machine.
pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    pub(crate) host: u32,
    /// The current or last life; 0 before the first.
    pub(crate) life: u64,
    pub(crate) up: bool,
    pub(crate) paused: bool,
    pub(crate) inbox: VecDeque<Waiting>,
    pub(crate) serving: bool,
    pub(crate) serve_token: u32,
    pub(crate) per_input: u64,
    pub(crate) per_byte_nanos: u64,
    /// ns of service time not yet counted, below 1000.
    nanos: u64,
    pub(crate) alarm: Option<Instant>,
    pub(crate) alarm_cause: Cause,
    pub(crate) wake_scheduled: u64,
    pub(crate) wake_token: u32,
    /// A wake is in the inbox.
    pub(crate) woke_waits: bool,
    /// Ends by handle, the first handle being 1.
    pub(crate) handles: Vec<EndId>,
    pub(crate) chances: BTreeMap<ChanceKey, Chance>,
    tickets: u64,
    pub(crate) clock: Clock,
    pub(crate) drive: Drive,
    pub(crate) exit: Option<(i32, Arc<str>)>,
}

impl Node {
    pub(crate) fn new(seed: u64, name: &str, host: u32) -> Self {
        Self {
            name: name.into(),
            host,
            life: 0,
            up: false,
            paused: false,
            inbox: VecDeque::new(),
            serving: false,
            serve_token: 0,
            per_input: 0,
            per_byte_nanos: 0,
            nanos: 0,
            alarm: None,
            alarm_cause: 0,
            wake_scheduled: u64::MAX,
            wake_token: 0,
            woke_waits: false,
            handles: Vec::new(),
            chances: BTreeMap::new(),
            tickets: 0,
            clock: Clock::default(),
            drive: Drive::new(seed, name),
            exit: None,
        }
    }

    /// Whether an input can be handled the moment it comes.
    #[inline]
    pub(crate) fn is_free(&self) -> bool {
        !self.paused
            && self.inbox.is_empty()
            && !self.serving
            && self.per_input == 0
            && self.per_byte_nanos == 0
    }

    /// How long the next input takes, µs. Nanoseconds are carried over, none is lost.
    pub(crate) fn service_time(&mut self, bytes: u64) -> u64 {
        self.nanos += bytes.saturating_mul(self.per_byte_nanos);
        let micros = self.nanos / 1_000;
        self.nanos %= 1_000;
        self.per_input.saturating_add(micros)
    }

    /// The end with this handle, if the handle lives.
    #[inline]
    pub(crate) fn end(&self, conn: u64) -> Option<EndId> {
        let place = usize::try_from(conn.checked_sub(1)?).ok()?;
        self.handles.get(place).copied().filter(|end| *end != NO_END)
    }

    /// The handle is dead from now on.
    pub(crate) fn take_end(&mut self, conn: u64) -> Option<EndId> {
        let end = self.end(conn)?;
        self.handles[conn as usize - 1] = NO_END;
        Some(end)
    }

    /// A new ticket of this life.
    pub(crate) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }
}

impl Core {
    /// A life begins. The machine is the caller's to make.
    pub(crate) fn begin_life(&mut self, node: u32) -> Birth {
        let there = &mut self.nodes[node as usize];
        self.net.hosts[there.host as usize].powered = true;
        there.life += 1;
        there.up = true;
        there.tickets = 0;
        there.exit = None;
        let birth = Birth { node: Arc::clone(&there.name), incarnation: there.life };
        self.enqueue(node, Input::Booted, 0);
        birth
    }

    /// A life ends. The machine is the caller's to drop.
    pub(crate) fn end_life(&mut self, node: u32, death: Death) {
        let there = &mut self.nodes[node as usize];
        there.up = false;
        there.paused = false;
        there.inbox.clear();
        there.serving = false;
        there.serve_token = there.serve_token.wrapping_add(1);
        there.wake_token = there.wake_token.wrapping_add(1);
        there.wake_scheduled = u64::MAX;
        there.woke_waits = false;
        there.alarm = None;
        there.nanos = 0;
        there.chances.clear();
        there.drive.blocked.clear();
        let handles = std::mem::take(&mut there.handles);
        self.net.unlisten(there.host, node, None);
        for id in handles.into_iter().filter(|end| *end != NO_END) {
            match death {
                Death::Killed => self.abort(id, self.step),
                Death::Exited => self.close(id),
                Death::PowerLoss => {
                    self.streams.ends[id as usize].handle = false;
                    self.vanish(id);
                }
            }
        }
    }

    /// The host goes dark: also the sockets it still keeps for dead processes.
    pub(crate) fn power_off(&mut self, host: u32) {
        self.net.hosts[host as usize].powered = false;
        for id in 0..self.streams.ends.len() as u32 {
            let end = &self.streams.ends[id as usize];
            if end.host == host && end.state != super::stream::State::Gone {
                self.vanish(id);
            }
        }
        let now = self.now;
        for node in self.nodes.iter_mut().filter(|node| node.host == host) {
            node.drive.write_back(now);
            node.drive.power_loss();
        }
    }

    /// The machine has been told that a stream is no more.
    pub(crate) fn forget(&mut self, id: EndId) {
        self.streams.ends[id as usize].handle = false;
        self.streams.release(id);
    }
}
