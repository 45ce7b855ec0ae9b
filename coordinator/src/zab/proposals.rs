//! What was proposed and not yet committed: acknowledgements are counted here, and commits happen in zxid order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::id::{ServerId, Zxid};
use crate::quorum::Voters;
use crate::txn::Record;

/// A leader's outstanding proposals.
#[derive(Clone, Debug)]
pub struct Proposals {
    voters: Voters,
    outstanding: BTreeMap<Zxid, Proposal>,
    last_committed: Zxid,
}

#[derive(Clone, Debug)]
struct Proposal {
    record: Arc<Record>,
    acks: BTreeSet<ServerId>,
}

impl Proposals {
    /// Nothing proposed; everything up to `last_committed` is.
    pub fn new(voters: Voters, last_committed: Zxid) -> Self {
        Self { voters, outstanding: BTreeMap::new(), last_committed }
    }

    /// A transaction was proposed.
    pub fn propose(&mut self, record: Arc<Record>) {
        let proposal = Proposal { record, acks: BTreeSet::new() };
        self.outstanding.insert(proposal.record.header.zxid, proposal);
    }

    /// A server has this proposal on disk. Acknowledgements of what is already committed are ignored.
    pub fn acknowledge(&mut self, zxid: Zxid, by: ServerId) {
        if let Some(proposal) = self.outstanding.get_mut(&zxid) {
            proposal.acks.insert(by);
        }
    }

    /// Takes the next transaction that a quorum has and before which nothing waits. Call until `None`.
    pub fn commit_next(&mut self) -> Option<Arc<Record>> {
        let first = self.outstanding.first_entry()?;
        if !self.voters.is_quorum(first.get().acks.iter().copied()) {
            return None;
        }
        let record = first.remove().record;
        self.last_committed = record.header.zxid;
        Some(record)
    }

    /// What waits for a quorum, in order.
    pub fn outstanding(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.outstanding.values().map(|proposal| &proposal.record)
    }

    /// The last transaction that waits for a quorum.
    pub fn last_outstanding(&self) -> Option<Zxid> {
        self.outstanding.keys().next_back().copied()
    }

    /// The first transaction that waits for this server's acknowledgement.
    pub fn first_unacknowledged_by(&self, server: ServerId) -> Option<Zxid> {
        let waiting =
            self.outstanding.iter().find(|(_, proposal)| !proposal.acks.contains(&server));
        waiting.map(|(zxid, _)| *zxid)
    }

    /// Everything up to here is committed.
    pub fn last_committed(&self) -> Zxid {
        self.last_committed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, SessionId};
    use crate::txn::{Txn, TxnHeader};

    fn record(counter: u32) -> Arc<Record> {
        let zxid = Zxid::new(Epoch(1), counter);
        let header = TxnHeader { session: SessionId(1), cxid: 0, zxid, time_ms: 0 };
        Arc::new(Record::new(header, Txn::CloseSession))
    }

    #[test]
    fn commits_wait_for_a_quorum_and_for_their_turn() {
        let voters = Voters::majority([1, 2, 3].map(ServerId));
        let mut proposals = Proposals::new(voters, Zxid::ZERO);
        let (first, second) = (record(1), record(2));
        proposals.propose(first.clone());
        proposals.propose(second.clone());
        for by in [2, 3] {
            proposals.acknowledge(second.header.zxid, ServerId(by));
        }
        assert_eq!(proposals.commit_next(), None, "the second may not overtake the first");
        proposals.acknowledge(first.header.zxid, ServerId(2));
        proposals.acknowledge(first.header.zxid, ServerId(2));
        assert_eq!(proposals.commit_next(), None, "one server twice is one server");
        proposals.acknowledge(first.header.zxid, ServerId(9));
        assert_eq!(proposals.commit_next(), None, "who has no vote does not count");
        proposals.acknowledge(first.header.zxid, ServerId(3));
        assert_eq!(proposals.commit_next(), Some(first), "the leader's own disk is not needed");
        assert_eq!(proposals.commit_next(), Some(second));
    }
}
