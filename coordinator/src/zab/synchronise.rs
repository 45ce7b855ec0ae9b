//! What a follower lacks, or has too much of: DIFF, TRUNC or SNAP (LearnerHandler.syncFollower).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::id::Zxid;
use crate::txn::Record;

/// How many committed transactions a server remembers for followers that lag (`commitLogCount`).
pub const COMMITTED_LOG: usize = 500;

/// How a follower is brought to the leader's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It keeps what it has and gets the rest.
    Diff,
    /// It first cuts its log back to this zxid.
    Trunc(Zxid),
    /// It gets the whole tree.
    Snap,
}

/// The way of synchronisation, and where in the committed log the missing transactions begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How.
    pub how: How,
    /// Index of the first transaction to send; the length of the log for none.
    pub send_from: usize,
}

/// Decides for a follower whose last transaction is `theirs`, given the leader's committed log and last transaction.
pub fn decide(theirs: Zxid, ours: Zxid, committed: &VecDeque<Arc<Record>>) -> Decision {
    let nothing = committed.len();
    let (Some(first), Some(last)) = (committed.front(), committed.back()) else {
        // Without a log, only equality is known (since 3.5 the log then spans exactly the last zxid).
        let how = match theirs {
            theirs if theirs == ours => How::Diff,
            theirs if theirs > ours && theirs.counter() != 0 => How::Trunc(ours),
            _ => How::Snap,
        };
        return Decision { how, send_from: nothing };
    };
    let (min, max) = (first.header.zxid, last.header.zxid);
    if theirs == ours || theirs == max {
        return Decision { how: How::Diff, send_from: nothing };
    }
    if theirs > max {
        // A zxid with counter 0 names a NEWLEADER, not a transaction: there is nothing to cut off.
        let how = if theirs.counter() == 0 { How::Diff } else { How::Trunc(max) };
        return Decision { how, send_from: nothing };
    }
    if theirs < min {
        return Decision { how: How::Snap, send_from: nothing };
    }
    let send_from = committed.partition_point(|record| record.header.zxid <= theirs);
    let previous = committed[send_from - 1].header.zxid;
    // A tail the leader does not know is cut off before the follower gets the rest (ZOOKEEPER-1154).
    let how =
        if previous == theirs || theirs.counter() == 0 { How::Diff } else { How::Trunc(previous) };
    Decision { how, send_from }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, SessionId};
    use crate::txn::{Txn, TxnHeader};

    fn z(epoch: u32, counter: u32) -> Zxid {
        Zxid::new(Epoch(epoch), counter)
    }

    fn check(theirs: Zxid, how: How, send_from: usize) {
        let zxids = [z(1, 3), z(1, 4), z(3, 1), z(3, 2)];
        let committed = zxids
            .iter()
            .map(|zxid| {
                let header = TxnHeader { session: SessionId(1), cxid: 0, zxid: *zxid, time_ms: 0 };
                Arc::new(Record::new(header, Txn::CloseSession))
            })
            .collect();
        assert_eq!(decide(theirs, z(3, 2), &committed), Decision { how, send_from });
    }

    #[test]
    fn each_follower_gets_what_it_lacks() {
        check(z(3, 2), How::Diff, 4);
        check(z(1, 4), How::Diff, 2);
        check(z(1, 3), How::Diff, 1);
        check(z(1, 2), How::Snap, 4);
        check(z(3, 7), How::Trunc(z(3, 2)), 4);
        check(z(4, 0), How::Diff, 4);
    }

    #[test]
    fn a_tail_of_a_lost_epoch_is_cut_off() {
        check(z(2, 5), How::Trunc(z(1, 4)), 2);
        check(z(1, 9), How::Trunc(z(1, 4)), 2);
    }

    #[test]
    fn without_a_log_only_the_end_is_known() {
        let none = VecDeque::new();
        let how = |theirs| decide(theirs, z(2, 0), &none).how;
        assert_eq!(how(z(2, 0)), How::Diff);
        assert_eq!(how(z(1, 9)), How::Snap);
        assert_eq!(how(z(2, 5)), How::Trunc(z(2, 0)));
    }
}
