//! One search for a leader: `FastLeaderElection.lookForLeader` as a value.
//!
//! ```text
//!                  a quorum has our vote                 200 ms without a word
//!   Collecting ───────────────────────────► Finalising ───────────────────────► decided
//!       │ ▲                                     │
//!       │ └──────── a better candidate ─────────┘
//!       └── a quorum of settled servers has a leader, and it says so itself ──► decided
//! ```
//!
//! Not here: connections, and answers to servers that look while this one does not.

use machine::{Duration, Instant};

use super::ballots::{Ballots, Preference, Vote};
use crate::id::ServerId;
use crate::quorum::Voters;
use crate::wire::vote::{Notification, PeerState};

/// `finalizeWait`: how long a better candidate may take to be heard of, and the first wait for notifications.
pub(super) const FINALIZE_WAIT: Duration = Duration::from_millis(200);

/// `maxNotificationInterval`: the longest wait before votes are repeated.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A notification with its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) from: ServerId,
    pub(super) said: Notification,
}

/// What follows from one notification, or from silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing to do.
    Nothing,
    /// The own vote changed: tell everybody.
    Announce,
    /// Nobody spoke for the whole wait: repeat the vote, or call those who are not connected.
    Remind,
    /// It came while the decision was made and changes it: look at it again, after all that came before.
    PutBack(Heard),
    /// The search is over.
    Decided(Vote),
}

/// The state of a server that looks for a leader.
#[derive(Debug)]
pub(super) struct Search {
    own: Vote,
    preference: Preference,
    vote: Vote,
    round: u64,
    ballots: Ballots,
    phase: Phase,
    wait: Duration,
    deadline: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Collecting,
    Finalising,
}

impl Search {
    /// Begins `round` with a vote for itself.
    pub(super) fn new(own: Vote, round: u64, preference: Preference, now: Instant) -> Self {
        Self {
            own,
            preference,
            vote: own,
            round,
            ballots: Ballots::default(),
            phase: Phase::Collecting,
            wait: FINALIZE_WAIT,
            deadline: now + FINALIZE_WAIT,
        }
    }

    /// Whom it votes for.
    pub(super) fn vote(&self) -> Vote {
        self.vote
    }

    /// The logical clock.
    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// When [`Self::ring`] is due.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Takes one notification of a voter. Every one, even a useless one, starts the wait anew.
    pub(super) fn hear(&mut self, heard: Heard, voters: &Voters, now: Instant) -> Turn {
        let turn = match self.phase {
            Phase::Collecting => self.collect(heard, voters),
            Phase::Finalising => self.reconsider(heard),
        };
        let wait = match self.phase {
            Phase::Collecting => self.wait,
            Phase::Finalising => FINALIZE_WAIT,
        };
        self.deadline = now + wait;
        turn
    }

    /// Looks at the clock.
    pub(super) fn ring(&mut self, now: Instant) -> Turn {
        if now < self.deadline {
            return Turn::Nothing;
        }
        match self.phase {
            Phase::Finalising => Turn::Decided(self.vote),
            Phase::Collecting => {
                self.wait = self.wait.times(2).min(LONGEST_WAIT);
                self.deadline = now + self.wait;
                Turn::Remind
            }
        }
    }

    fn collect(&mut self, heard: Heard, voters: &Voters) -> Turn {
        if !voters.contains(heard.said.leader) {
            return Turn::Nothing;
        }
        match heard.said.state {
            PeerState::Looking => self.collect_vote(heard, voters),
            PeerState::Following | PeerState::Leading => self.collect_settled(heard, voters),
            PeerState::Observing => Turn::Nothing,
        }
    }

    /// While the decision is made only a better candidate counts; whatever else comes is dropped, as ZooKeeper does.
    fn reconsider(&mut self, heard: Heard) -> Turn {
        if self.preference.prefers(Vote::from(&heard.said), self.vote) {
            self.phase = Phase::Collecting;
            Turn::PutBack(heard)
        } else {
            Turn::Nothing
        }
    }

    fn collect_vote(&mut self, Heard { from, said }: Heard, voters: &Voters) -> Turn {
        let theirs = Vote::from(&said);
        let mut turn = Turn::Nothing;
        if said.round < self.round {
            return turn;
        }
        if said.round > self.round {
            self.round = said.round;
            self.ballots.clear_round();
            self.vote = if self.preference.prefers(theirs, self.own) { theirs } else { self.own };
            turn = Turn::Announce;
        } else if self.preference.prefers(theirs, self.vote) {
            self.vote = theirs;
            turn = Turn::Announce;
        }
        self.ballots.count(from, theirs, said.round);
        if self.ballots.agree(self.vote, self.round, voters) {
            self.phase = Phase::Finalising;
        }
        turn
    }

    fn collect_settled(&mut self, Heard { from, said }: Heard, voters: &Voters) -> Turn {
        let theirs = Vote::from(&said);
        if said.round == self.round {
            // Its election was this one: it only decided earlier.
            self.ballots.count(from, theirs, said.round);
            if self.ballots.agree(theirs, said.round, voters) && self.may_be_led(&said) {
                return Turn::Decided(theirs);
            }
        }
        self.ballots.count_settled(from, said);
        if self.ballots.settled_agree(&said, voters) && self.may_be_led(&said) {
            self.round = said.round;
            return Turn::Decided(theirs);
        }
        Turn::Nothing
    }

    /// `checkLeader`: a leader must say itself that it leads, and nobody becomes leader by the votes of another round.
    fn may_be_led(&self, said: &Notification) -> bool {
        if said.leader == self.own.leader {
            said.round == self.round
        } else {
            self.ballots.leads(said.leader)
        }
    }
}
