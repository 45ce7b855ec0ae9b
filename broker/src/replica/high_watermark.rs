//! The arithmetic of the high watermark, all of it: what is committed, and what a replica may believe of it.
//!
//! Exclusive: the high watermark is the offset after the last committed record. Who moves it when is in the files of the
//! roles; nothing is stored here.

use machine::{Duration, WallTime};

use super::partition::Leader;
use crate::id::Offset;

/// Up to where everybody who counts has the records (`Partition.maybeIncrementLeaderHW`): the leader, the ISR, and whoever
/// was caught up within `lag_max` and is therefore about to join (KAFKA-4485).
pub(super) fn candidate(
    own_end: Offset,
    leader: &Leader,
    now: WallTime,
    lag_max: Duration,
) -> Offset {
    let mut lowest = own_end;
    for remote in &leader.remotes {
        let behind = remote.log_end < lowest;
        if behind && (leader.counts(remote.id) || !lags(remote.caught_up, now, lag_max)) {
            lowest = remote.log_end;
        }
    }
    lowest
}

/// Whether more than `lag_max` has passed. A clock that went back makes nobody late.
pub(super) fn lags(caught_up: WallTime, now: WallTime, lag_max: Duration) -> bool {
    now.as_micros().saturating_sub(caught_up.as_micros()) > lag_max.as_micros()
}

/// What a leader's high watermark becomes: it never goes back within a reign. `None` if it stays.
///
/// `may_go_back` is a planted defect.
pub(super) fn advanced(current: Offset, candidate: Offset, may_go_back: bool) -> Option<Offset> {
    let goes_back = may_go_back && candidate < current && candidate >= Offset::ZERO;
    (candidate > current || goes_back).then_some(candidate)
}

/// What a follower believes when its leader says `told`: as much of it as it has itself.
pub(super) fn followed(told: Offset, start: Offset, end: Offset) -> Offset {
    told.min(end).max(start)
}

/// What remains of it when the log was cut.
pub(super) fn after_cut(current: Offset, end: Offset) -> Offset {
    current.min(end)
}

/// What a replica begins with: what its checkpoint says, as far as its log goes.
pub(super) fn at_load(checkpointed: Offset, start: Offset, end: Offset) -> Offset {
    checkpointed.min(end).max(start)
}
