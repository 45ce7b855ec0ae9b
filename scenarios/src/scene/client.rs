//! One client, as its notes tell: what it was promised and what it waits for.

use std::collections::BTreeMap;
use std::sync::Arc;

use coordinator::id::{SessionId, Zxid};
use coordinator::note::{ClientNote, Operation, Outcome};
use machine::Instant;
use sim::world::NodeId;

use super::Moment;
use crate::script::facts::SessionState;

/// A client as the observer knows it.
#[derive(Clone, Debug)]
pub struct Client {
    /// The node's name.
    pub name: String,
    /// Its session, as it knows.
    pub session: SessionId,
    /// The negotiated time-out in ms.
    pub timeout_ms: u64,
    /// The state of that session.
    pub state: SessionState,
    /// The server it is connected to (`host:port`).
    pub server: Option<Arc<str>>,
    /// The same server as a node; `None` also where its address leads to none.
    pub at: Option<NodeId>,
    /// The server it tried last.
    pub tried: Option<NodeId>,
    /// Where the addresses of its connect string lead.
    pub knows: BTreeMap<Arc<str>, NodeId>,
    /// The operation that ended last: its number, and what was asked.
    pub ended: Option<(u64, Asked)>,
    /// What it asked for and has no answer to, by operation number.
    pub waiting: BTreeMap<u64, Asked>,
    /// The newest zxid it has seen in a reply.
    pub seen: Zxid,
    /// Whether it holds its lock, as far as it can be sure.
    pub holds_lock: bool,
    /// Operations that succeeded or were answered with an error of the data model.
    pub acked: u64,
    /// Operations that ended in CONNECTIONLOSS or expiry.
    pub failed: u64,
    /// Watches that fired.
    pub events: u64,
    /// Sessions that expired.
    pub expirations: u64,
}

/// An operation without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What.
    pub what: Arc<Operation>,
    /// In which session.
    pub session: SessionId,
    /// When.
    pub at: Instant,
}

impl Client {
    /// A client that was never started.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            session: SessionId::NONE,
            timeout_ms: 0,
            state: SessionState::New,
            server: None,
            at: None,
            tried: None,
            knows: BTreeMap::new(),
            ended: None,
            waiting: BTreeMap::new(),
            seen: Zxid::ZERO,
            holds_lock: false,
            acked: 0,
            failed: 0,
            events: 0,
            expirations: 0,
        }
    }

    /// Its process ended: nobody waits for anything any more.
    pub fn died(&mut self) {
        *self = Self {
            knows: std::mem::take(&mut self.knows),
            acked: self.acked,
            failed: self.failed,
            events: self.events,
            expirations: self.expirations,
            ..Self::new(&self.name)
        };
    }

    /// Folds one of its notes.
    pub fn fold(&mut self, moment: &Moment, note: &ClientNote) {
        match note {
            ClientNote::Connected { session, timeout_ms, to, .. } => {
                if self.session != *session {
                    self.seen = Zxid::ZERO;
                }
                self.session = *session;
                self.timeout_ms = *timeout_ms;
                self.state = SessionState::Connected;
                self.server = Some(to.clone());
                self.at = self.knows.get(to).copied();
            }
            ClientNote::Disconnected(_) => {
                self.state = SessionState::Disconnected;
                self.server = None;
                self.at = None;
            }
            ClientNote::Expired { .. } => {
                self.state = SessionState::Expired;
                self.server = None;
                self.at = None;
                self.expirations += 1;
            }
            ClientNote::Invoked { op, session, what } => {
                let asked = Asked { what: what.clone(), session: *session, at: moment.at };
                self.waiting.insert(*op, asked);
            }
            ClientNote::Completed { op, zxid, outcome } => {
                self.ended = self.waiting.remove(op).map(|asked| (*op, asked));
                self.seen = self.seen.max(*zxid);
                match outcome {
                    Outcome::ConnectionLoss | Outcome::SessionExpired => self.failed += 1,
                    _ => self.acked += 1,
                }
            }
            ClientNote::Watched { .. } => self.events += 1,
            ClientNote::Locked { .. } => self.holds_lock = true,
            ClientNote::Unlocked { .. } => self.holds_lock = false,
            ClientNote::Connecting { to } => self.tried = self.knows.get(to).copied(),
        }
    }
}
