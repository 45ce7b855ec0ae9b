//! Majority arithmetic, in this one place.

use std::collections::BTreeSet;

use crate::id::ServerId;

/// How many of `voters` are a quorum: strictly more than half.
pub const fn majority_of(voters: usize) -> usize {
    voters / 2 + 1
}

/// The voting members of an ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voters {
    members: BTreeSet<ServerId>,
    needed: usize,
}

impl Voters {
    /// These servers vote; a quorum is a majority of them.
    pub fn majority(members: impl IntoIterator<Item = ServerId>) -> Self {
        let members: BTreeSet<_> = members.into_iter().collect();
        let needed = majority_of(members.len());
        Self { members, needed }
    }

    /// These servers vote, and `needed` of them are taken for a quorum, however wrong that is
    /// ([`crate::mechanism::Mutant::HalfIsEnough`]).
    pub fn needing(members: impl IntoIterator<Item = ServerId>, needed: usize) -> Self {
        Self { members: members.into_iter().collect(), needed }
    }

    /// Whether this server votes.
    pub fn contains(&self, server: ServerId) -> bool {
        self.members.contains(&server)
    }

    /// Whether these servers are a quorum; servers that do not vote are not counted, repeated ones once.
    pub fn is_quorum(&self, servers: impl IntoIterator<Item = ServerId>) -> bool {
        let voting: BTreeSet<_> =
            servers.into_iter().filter(|server| self.contains(*server)).collect();
        voting.len() >= self.needed
    }

    /// All voting members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ServerId> + '_ {
        self.members.iter().copied()
    }

    /// How many vote.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nobody votes.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}
