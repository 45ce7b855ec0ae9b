//! Votes and when they are enough: the order of candidates, equality of votes, and the two ballot boxes of a round.
//!
//! Votes of servers that look are equal when everything is equal. Votes of servers that are settled are equal when leader
//! and epoch are: their zxids and rounds differ by when they joined, and asking for more kept a restarted server out of a
//! healthy ensemble for ever (ZOOKEEPER-1732, ZOOKEEPER-1805; fixed in 3.4.6).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::id::{Epoch, ServerId, Zxid};
use crate::mechanism::{Mechanisms, Mutant};
use crate::quorum::Voters;
use crate::wire::vote::{Notification, PeerState};

/// A candidate with what speaks for it. Ordered by epoch, then zxid, then id: the later history leads, the id decides
/// between equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Vote {
    /// The candidate.
    pub leader: ServerId,
    /// The candidate's last logged transaction.
    pub zxid: Zxid,
    /// `peerEpoch`: the candidate's current epoch.
    pub epoch: Epoch,
}

impl Ord for Vote {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |vote: &Self| (vote.epoch, vote.zxid, vote.leader);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Vote {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<&Notification> for Vote {
    fn from(said: &Notification) -> Self {
        let epoch = said.peer_epoch.unwrap_or(said.zxid.epoch());
        Self { leader: said.leader, zxid: said.zxid, epoch }
    }
}

/// Which of two candidates a server prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Preference {
    /// The later history, as every version does.
    #[default]
    History,
    /// The larger id ([`Mutant::VotesIgnoreHistory`]).
    Id,
    /// Itself ([`Mutant::StubbornVoter`]).
    Itself,
}

impl Preference {
    pub(super) fn of(mechanisms: &Mechanisms) -> Self {
        if mechanisms.has(Mutant::StubbornVoter) {
            Self::Itself
        } else if mechanisms.has(Mutant::VotesIgnoreHistory) {
            Self::Id
        } else {
            Self::History
        }
    }

    /// Whether to vote `new` instead of `old`.
    pub(super) fn prefers(self, new: Vote, old: Vote) -> bool {
        match self {
            Self::History => new > old,
            Self::Id => new.leader > old.leader,
            Self::Itself => false,
        }
    }
}

/// The two ballot boxes: `recvset` and `outofelection`.
#[derive(Debug, Default)]
pub(super) struct Ballots {
    /// By voter: its vote and the round it was given in.
    round: BTreeMap<ServerId, (Vote, u64)>,
    /// By voter: what it last said as a follower or leader.
    settled: BTreeMap<ServerId, Notification>,
}

impl Ballots {
    /// A new round: votes of the old one do not count.
    pub(super) fn clear_round(&mut self) {
        self.round.clear();
    }

    /// A vote of this round; a newer one of the same voter takes its place.
    pub(super) fn count(&mut self, from: ServerId, vote: Vote, round: u64) {
        self.round.insert(from, (vote, round));
    }

    /// What a settled server said.
    pub(super) fn count_settled(&mut self, from: ServerId, said: Notification) {
        self.settled.insert(from, said);
    }

    /// Whether a quorum gave exactly this vote in exactly this round.
    pub(super) fn agree(&self, vote: Vote, round: u64, voters: &Voters) -> bool {
        let same = self.round.iter().filter(|(_, ballot)| **ballot == (vote, round));
        voters.is_quorum(same.map(|(from, _)| *from))
    }

    /// Whether a quorum of settled servers has the leader that `said` names.
    pub(super) fn settled_agree(&self, said: &Notification, voters: &Voters) -> bool {
        let same = self.settled.iter().filter(|(_, other)| same_ensemble(said, other));
        voters.is_quorum(same.map(|(from, _)| *from))
    }

    /// Whether `leader` itself said that it leads. Otherwise a crashed leader would be followed on the word of those
    /// that have not noticed.
    pub(super) fn leads(&self, leader: ServerId) -> bool {
        self.settled.get(&leader).is_some_and(|said| said.state == PeerState::Leading)
    }
}

/// Whether two settled servers mean the same ensemble. Where only one of them says its epoch, the leader is all they have
/// in common (rolling upgrades).
fn same_ensemble(one: &Notification, other: &Notification) -> bool {
    let both_or_none = one.peer_epoch.is_some() == other.peer_epoch.is_some();
    one.leader == other.leader
        && (!both_or_none || Vote::from(one).epoch == Vote::from(other).epoch)
}
