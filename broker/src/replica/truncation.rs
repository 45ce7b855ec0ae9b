//! What a follower cuts off its log before it follows: the three ways there were, as decisions without effects.
//!
//! ```text
//! begin ──► CutTo (no epochs known, or ByHighWatermark)
//!       └─► Ask the leader where an epoch ends ──► decide ──► cut, done
//!                     ▲                              │
//!                     └── cut, not done (KIP-279) ◄──┘
//! ```
//!
//! Sources: KIP-101, KIP-279, `AbstractFetcherThread.getOffsetTruncationState`. Cutting and asking are the fetcher's.

use crate::id::{LeaderEpoch, Offset};
use crate::mechanism::Truncation;

/// How a follower begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// It decides alone.
    CutTo(Offset),
    /// It asks the leader where this epoch ends.
    Ask(LeaderEpoch),
}

/// What a follower does when it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Where its log ends afterwards.
    pub to: Offset,
    /// Whether it may fetch from there; otherwise it asks again with what is then its latest epoch.
    pub done: bool,
}

/// What a follower does whose offset the leader does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutOfRange {
    /// The leader ends before it.
    CutTo(Offset),
    /// The leader begins after its end: nothing it has is of use.
    StartAnewAt(Offset),
    /// It was out of range and is no more: the leader has appended meanwhile (KAFKA-2143).
    FetchFrom(Offset),
}

/// The first step of a follower whose latest epoch is `latest`.
pub(super) fn begin(
    mechanism: Truncation,
    latest: Option<LeaderEpoch>,
    high_watermark: Offset,
    log_end: Offset,
) -> Begin {
    match (mechanism, latest) {
        (Truncation::ByHighWatermark, _) | (_, None) => Begin::CutTo(high_watermark.min(log_end)),
        (Truncation::ByLeaderEpoch | Truncation::ByLeaderEpochRepeated, Some(epoch)) => {
            Begin::Ask(epoch)
        }
    }
}

/// The step after the leader's answer: `theirs` is the epoch it speaks of (`UNKNOWN` before KIP-279) and where it ends
/// there (`UNKNOWN` if it cannot tell). `own` looks an epoch up in the follower's own log the same way.
pub(super) fn decide(
    initial: Offset,
    theirs: (LeaderEpoch, Offset),
    own: impl FnOnce(LeaderEpoch) -> (LeaderEpoch, Offset),
    log_end: Offset,
) -> Cut {
    let (epoch, end) = theirs;
    if end == Offset::UNKNOWN {
        return Cut { to: initial.min(log_end), done: true };
    }
    if epoch == LeaderEpoch::UNKNOWN {
        return Cut { to: end.min(log_end), done: true };
    }
    let (own_epoch, own_end) = own(epoch);
    if own_epoch == LeaderEpoch::UNKNOWN || own_end == Offset::UNKNOWN {
        Cut { to: end.min(log_end), done: true }
    } else if own_epoch == epoch {
        Cut { to: own_end.min(end).min(log_end), done: true }
    } else {
        Cut { to: own_end.min(log_end), done: false }
    }
}

/// What to do after OFFSET_OUT_OF_RANGE, given where the leader's log begins and ends by now.
pub(super) fn out_of_range(
    own_end: Offset,
    leader_start: Offset,
    leader_end: Offset,
) -> OutOfRange {
    if leader_end < own_end {
        OutOfRange::CutTo(leader_end)
    } else if leader_start > own_end {
        OutOfRange::StartAnewAt(leader_start)
    } else {
        OutOfRange::FetchFrom(own_end)
    }
}
