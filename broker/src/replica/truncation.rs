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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Begin, OutOfRange, begin, decide, out_of_range};
    use crate::id::{LeaderEpoch, Offset};
    use crate::mechanism::Truncation;

    const ALL: [Truncation; 3] =
        [Truncation::ByHighWatermark, Truncation::ByLeaderEpoch, Truncation::ByLeaderEpochRepeated];

    /// A log as a list of records, each with the epoch it was written in, and the epoch cache.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Log {
        records: Vec<(i32, u32)>,
        epochs: Vec<(i32, i64)>,
    }

    impl Log {
        fn of(records: &[(i32, u32)]) -> Self {
            let mut log = Self::default();
            for record in records {
                log.append(*record);
            }
            log
        }

        fn end(&self) -> i64 {
            self.records.len() as i64
        }

        fn append(&mut self, record: (i32, u32)) {
            if self.epochs.last().is_none_or(|(epoch, _)| *epoch < record.0) {
                self.assign(record.0);
            }
            self.records.push(record);
        }

        fn assign(&mut self, epoch: i32) {
            let end = self.end();
            self.epochs.retain(|(known, start)| *known < epoch && *start < end);
            self.epochs.push((epoch, end));
        }

        fn cut(&mut self, to: Offset) {
            self.records.truncate(usize::try_from(to.0).expect("offsets are positive"));
            self.epochs.retain(|(_, start)| *start < to.0);
        }

        /// `LeaderEpochFileCache.endOffsetFor`
        fn end_of(&self, asked: LeaderEpoch) -> (LeaderEpoch, Offset) {
            if self.epochs.last().is_some_and(|(epoch, _)| *epoch == asked.0) {
                return (asked, Offset(self.end()));
            }
            let Some((_, end)) = self.epochs.iter().find(|(epoch, _)| *epoch > asked.0) else {
                return (LeaderEpoch::UNKNOWN, Offset::UNKNOWN);
            };
            let below = self.epochs.iter().rev().find(|(epoch, _)| *epoch <= asked.0);
            (below.map_or(asked, |(epoch, _)| LeaderEpoch(*epoch)), Offset(*end))
        }

        /// Truncates as a follower of `leader` does.
        fn follow(&mut self, leader: &Self, mechanism: Truncation, high_watermark: i64) {
            let initial = Offset(high_watermark);
            loop {
                let latest = self.epochs.last().map(|(epoch, _)| LeaderEpoch(*epoch));
                let end = Offset(self.end());
                let epoch = match begin(mechanism, latest, initial, end) {
                    Begin::CutTo(to) => return self.cut(to),
                    Begin::Ask(epoch) => epoch,
                };
                let (said, at) = leader.end_of(epoch);
                let said = match mechanism {
                    Truncation::ByLeaderEpochRepeated => said,
                    _ => LeaderEpoch::UNKNOWN,
                };
                let cut = decide(initial, (said, at), |epoch| self.end_of(epoch), end);
                self.cut(cut.to);
                if cut.done {
                    return;
                }
            }
        }

        fn is_prefix_of(&self, other: &Self) -> bool {
            other.records.starts_with(&self.records)
        }
    }

    /// KIP-101, scenario 1: a follower restarts that has a committed record above its high watermark.
    #[test]
    fn what_is_committed_survives_a_restart_of_a_follower_that_does_not_know_it() {
        for mechanism in ALL {
            let leader = Log::of(&[(0, 1), (0, 2)]);
            let mut follower = leader.clone();
            follower.follow(&leader, mechanism, 1);
            let loses = follower.end() < 2;
            assert_eq!(loses, mechanism == Truncation::ByHighWatermark, "{mechanism:?}");
        }
    }

    /// KIP-101, scenario 2: after a power loss the shorter log leads and appends elsewhere.
    #[test]
    fn what_an_earlier_leader_wrote_elsewhere_is_cut_off() {
        for mechanism in ALL {
            let leader = Log::of(&[(0, 1), (1, 3)]);
            let mut follower = Log::of(&[(0, 1), (0, 2)]);
            follower.follow(&leader, mechanism, 2);
            let diverges = !follower.is_prefix_of(&leader);
            assert_eq!(diverges, mechanism == Truncation::ByHighWatermark, "{mechanism:?}");
        }
    }

    /// KIP-279 (KAFKA-6361): each led for a moment without the other; then the first one again.
    #[test]
    fn fast_leader_changes_need_more_than_one_question() {
        for mechanism in ALL {
            let mut leader = Log::of(&[(0, 1), (1, 2)]);
            leader.assign(3);
            let mut follower = Log::of(&[(0, 1), (2, 3), (2, 4)]);
            follower.follow(&leader, mechanism, 1);
            let diverges = !follower.is_prefix_of(&leader);
            assert_eq!(diverges, mechanism == Truncation::ByLeaderEpoch, "{mechanism:?}");
        }
    }

    #[test]
    fn out_of_range_keeps_what_the_leader_may_still_have() {
        let at = |own, start, end| out_of_range(Offset(own), Offset(start), Offset(end));
        assert_eq!(at(10, 0, 7), OutOfRange::CutTo(Offset(7)));
        assert_eq!(at(10, 12, 20), OutOfRange::StartAnewAt(Offset(12)));
        assert_eq!(at(10, 0, 20), OutOfRange::FetchFrom(Offset(10)));
        assert_eq!(at(10, 10, 10), OutOfRange::FetchFrom(Offset(10)));
    }

    proptest! {
        /// Whoever leads next, clean or not: whoever asks until both speak of the same epoch ends with a prefix.
        #[test]
        fn repeated_questions_leave_no_divergence(
            reigns in prop::collection::vec((0_usize..3, 0_u32..4, 0_usize..3, 0_usize..5), 1..12),
        ) {
            let mut logs = [Log::default(), Log::default(), Log::default()];
            let mut value = 0;
            for (epoch, (leads, appends, follows, copies)) in (0..).zip(reigns) {
                logs[leads].assign(epoch);
                for _ in 0..appends {
                    value += 1;
                    logs[leads].append((epoch, value));
                }
                if follows != leads {
                    let leader = logs[leads].clone();
                    let follower = &mut logs[follows];
                    follower.follow(&leader, Truncation::ByLeaderEpochRepeated, 0);
                    prop_assert!(follower.is_prefix_of(&leader));
                    let from = follower.records.len();
                    for record in leader.records.iter().skip(from).take(copies) {
                        follower.append(*record);
                    }
                }
            }
        }
    }
}
