//! Leader election: `FastLeaderElection` over its own connections. A server that looks for a leader votes for the best
//! candidate it has heard of and decides when a quorum votes alike; a settled server tells those who look whom it has.
//!
//! ```text
//!   Idle ── look ──► Looking ── a quorum agrees (Elected) ──► Settled ── look ──► Looking
//! ```
//!
//! Source: ZooKeeper 3.4.14. Two things are simpler here: calls to several servers are under way at once (there one
//! thread makes them in turn and waits up to `cnxTimeout` for each), and observers are not known. Not here: what a leader
//! and a follower do once they know ([`crate::zab`]).

mod ballots;
mod fast;
mod links;
#[cfg(test)]
mod network;
#[cfg(test)]
mod transcripts;

use std::collections::{BTreeMap, VecDeque};

use machine::{Conn, Context, Duration, Input, Instant, ListenError, Peer};
use serde::Serialize;

use self::ballots::Preference;
pub use self::ballots::Vote;
use self::fast::{Heard, Search, Turn};
use self::links::Links;
use crate::config::Server;
use crate::id::{Epoch, ServerId, Zxid};
use crate::mechanism::Mechanisms;
use crate::note::ServerNote;
use crate::quorum::Voters;
use crate::wire::vote::{Notification, PeerState};

/// The name under which the election port listens.
pub const LISTENER: &str = "election";

/// `RECV_CAPACITY`: notifications kept for a server that does not look yet; older ones are dropped.
const INBOX: usize = 100;

/// What a server is, as far as election is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum State {
    /// It looks for a leader.
    Looking,
    /// It follows one, or tries to.
    Following,
    /// It leads, or tries to.
    Leading,
}

/// What the server must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionEvent {
    /// The search is over.
    Elected {
        /// Whom to follow; this server itself: lead.
        leader: ServerId,
        /// The vote that won.
        vote: Vote,
        /// The round it won in.
        round: u64,
    },
}

/// The election part of one server. It lives as long as the process: also a settled server answers.
#[derive(Debug)]
pub struct Election {
    me: ServerId,
    address: String,
    voters: Voters,
    preference: Preference,
    links: Links,
    inbox: VecDeque<Heard>,
    role: Role,
}

#[derive(Debug)]
enum Role {
    /// [`Election::look`] was never called.
    Idle,
    Looking(Search),
    Settled {
        state: State,
        vote: Vote,
        round: u64,
    },
}

impl Election {
    /// The election part of server `me` of `servers`, of which `voters` vote. A connection attempt is given up after
    /// `connect_timeout` (`cnxTimeout`). Panics if `me` is not among `servers`.
    pub fn new(
        me: ServerId,
        servers: &BTreeMap<ServerId, Server>,
        voters: Voters,
        connect_timeout: Duration,
        mechanisms: &Mechanisms,
    ) -> Self {
        let own = servers.get(&me).expect("a server of an ensemble has its own server.N line");
        Self {
            me,
            address: format!("{}:{}", own.host, own.election_port),
            voters,
            preference: Preference::of(mechanisms),
            links: Links::new(me, servers, connect_timeout),
            inbox: VecDeque::new(),
            role: Role::Idle,
        }
    }

    /// Opens the election port, for the whole life of the process.
    ///
    /// # Errors
    /// The port is taken.
    pub fn open(&mut self, cx: &mut Context<'_, ServerNote>) -> Result<(), ListenError> {
        cx.listen(LISTENER, &self.address)
    }

    /// Looks for a leader in a new round, with a vote for itself: `last` is the last transaction logged, `current` its
    /// current epoch.
    pub fn look(
        &mut self,
        last: Zxid,
        current: Epoch,
        cx: &mut Context<'_, ServerNote>,
        events: &mut Vec<ElectionEvent>,
    ) {
        let own = Vote { leader: self.me, zxid: last, epoch: current };
        let round = self.round().saturating_add(1);
        cx.note(ServerNote::Looking { round });
        self.role = Role::Looking(Search::new(own, round, self.preference, cx.now()));
        self.play(Turn::Announce, cx, events);
        self.listen_to_inbox(cx, events);
    }

    /// The server took this role. It has it for election since [`ElectionEvent::Elected`]; saying so again is harmless.
    pub fn settle(&mut self, state: State) {
        if let Role::Settled { state: old, .. } = &mut self.role {
            *old = state;
        }
    }

    /// The leader of this server is established in `epoch`: from now on its vote names it, so that all members tell
    /// newcomers the same, whenever they joined (ZOOKEEPER-1732). A no-op while it looks.
    pub fn serves(&mut self, epoch: Epoch) {
        if let Role::Settled { vote, .. } = &mut self.role {
            vote.epoch = epoch;
        }
    }

    /// Whether inputs of this connection belong here.
    pub fn owns(&self, conn: Conn) -> bool {
        self.links.owns(conn)
    }

    /// Takes an input: of its listener, of its connections, or [`Input::Woke`]. Others are ignored.
    pub fn handle(
        &mut self,
        input: &Input,
        cx: &mut Context<'_, ServerNote>,
        events: &mut Vec<ElectionEvent>,
    ) {
        match input {
            Input::Opened { conn, peer: Peer::Accepted { listener: LISTENER, .. } } => {
                self.links.accepted(*conn, cx);
            }
            Input::Opened { conn, peer: Peer::Dialled } => self.links.opened(*conn, cx),
            Input::Received { conn, bytes } => {
                for (from, said) in self.links.received(*conn, bytes, cx) {
                    self.receive(Heard { from, said }, cx, events);
                }
            }
            Input::Drained { conn } => self.links.drained(*conn, cx),
            Input::Closed { conn, .. } => self.links.closed(*conn, cx),
            Input::Woke => {
                self.links.woke(cx);
                if let Role::Looking(search) = &mut self.role {
                    let turn = search.ring(cx.now());
                    self.play(turn, cx, events);
                    self.listen_to_inbox(cx, events);
                }
            }
            _ => {}
        }
    }

    /// When [`Input::Woke`] is due.
    pub fn wake_at(&self) -> Option<Instant> {
        let search = match &self.role {
            Role::Looking(search) => Some(search.deadline()),
            Role::Idle | Role::Settled { .. } => None,
        };
        search.into_iter().chain(self.links.wake_at()).min()
    }

    /// Whom it votes for, or has voted for: itself before the first search.
    pub fn vote(&self) -> Vote {
        match &self.role {
            Role::Idle => Vote { leader: self.me, zxid: Zxid::ZERO, epoch: Epoch(0) },
            Role::Looking(search) => search.vote(),
            Role::Settled { vote, .. } => *vote,
        }
    }

    /// The logical clock: the round it looks in, or decided in; 0 before the first.
    pub fn round(&self) -> u64 {
        match &self.role {
            Role::Idle => 0,
            Role::Looking(search) => search.round(),
            Role::Settled { round, .. } => *round,
        }
    }

    /// What it is: before the first search as good as looking.
    pub fn state(&self) -> State {
        match &self.role {
            Role::Idle | Role::Looking(_) => State::Looking,
            Role::Settled { state, .. } => *state,
        }
    }

    /// A notification came from another server.
    fn receive(
        &mut self,
        heard: Heard,
        cx: &mut Context<'_, ServerNote>,
        events: &mut Vec<ElectionEvent>,
    ) {
        let Heard { from, said } = heard;
        if !self.voters.contains(from) {
            return;
        }
        let looks = said.state == PeerState::Looking;
        let answer = match &self.role {
            Role::Idle => false,
            Role::Looking(search) => looks && said.round < search.round(),
            Role::Settled { .. } => looks,
        };
        if answer {
            self.links.send(from, self.said().encode(), cx);
        }
        if !matches!(self.role, Role::Settled { .. }) {
            if self.inbox.len() == INBOX {
                self.inbox.pop_front();
            }
            self.inbox.push_back(heard);
            self.listen_to_inbox(cx, events);
        }
    }

    /// Hears all there is to hear, as long as it looks.
    fn listen_to_inbox(
        &mut self,
        cx: &mut Context<'_, ServerNote>,
        events: &mut Vec<ElectionEvent>,
    ) {
        while let Role::Looking(search) = &mut self.role
            && let Some(heard) = self.inbox.pop_front()
        {
            let turn = search.hear(heard, &self.voters, cx.now());
            self.play(turn, cx, events);
        }
    }

    fn play(
        &mut self,
        turn: Turn,
        cx: &mut Context<'_, ServerNote>,
        events: &mut Vec<ElectionEvent>,
    ) {
        match turn {
            Turn::Nothing => {}
            Turn::PutBack(heard) => self.inbox.push_back(heard),
            Turn::Announce => {
                let (Vote { leader, zxid, epoch }, round) = (self.vote(), self.round());
                cx.note(ServerNote::Votes { leader, zxid, epoch, round });
                self.broadcast(cx);
            }
            Turn::Remind if self.links.have_delivered() => self.broadcast(cx),
            Turn::Remind => self.links.connect_all(cx),
            Turn::Decided(vote) => self.decided(vote, cx, events),
        }
    }

    fn decided(
        &mut self,
        vote: Vote,
        cx: &mut Context<'_, ServerNote>,
        events: &mut Vec<ElectionEvent>,
    ) {
        let (leader, round) = (vote.leader, self.round());
        let state = if leader == self.me { State::Leading } else { State::Following };
        self.inbox.clear();
        self.role = Role::Settled { state, vote, round };
        cx.note(ServerNote::Elected { leader, round });
        events.push(ElectionEvent::Elected { leader, vote, round });
    }

    /// Tells all voters, itself among them: its own vote is counted like any other.
    fn broadcast(&mut self, cx: &mut Context<'_, ServerNote>) {
        let said = self.said();
        for to in self.voters.iter() {
            if to == self.me {
                self.inbox.push_back(Heard { from: to, said });
            } else {
                self.links.send(to, said.encode(), cx);
            }
        }
    }

    /// What it tells now.
    fn said(&self) -> Notification {
        let Vote { leader, zxid, epoch } = self.vote();
        let state = match self.state() {
            State::Looking => PeerState::Looking,
            State::Following => PeerState::Following,
            State::Leading => PeerState::Leading,
        };
        Notification { state, leader, zxid, round: self.round(), peer_epoch: Some(epoch) }
    }
}
