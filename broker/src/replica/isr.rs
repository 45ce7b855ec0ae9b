//! Who is in sync: the rules by which a leader lets replicas go and come back, and the change it has asked ZooKeeper for.
//!
//! ```text
//!            asked                  BADVERSION              stored = what was asked
//!   in force ─────► Writing ──────────────────► ReadingBack ────────────────────► in force: the new one
//!                      │ done                       │ anything else
//!                      └──► in force: the new one   └──► in force: the old one (only a new leader epoch repairs it)
//! ```
//!
//! With [`crate::mechanism::IsrWrite::Blocking`] the partition is frozen until the last arrow. The asking itself is in
//! [`super::isr_write`].

use machine::{Duration, WallTime};

use super::high_watermark::lags;
use super::partition::Partition;
use crate::id::{BrokerId, Offset};
use crate::mechanism::IsrExpand;

/// The ISR without those who lag (`Partition.getOutOfSyncReplicas`): they do not have all there is, and have not had it for
/// `lag_max`. `None` if nobody lags. A dead follower of an idle partition has all there is, and stays.
pub(super) fn without_laggards(
    partition: &Partition,
    now: WallTime,
    lag_max: Duration,
) -> Option<Vec<BrokerId>> {
    let leader = partition.leader()?;
    let is_late = |id: &BrokerId| {
        leader.remote(*id).is_some_and(|remote| {
            remote.log_end != partition.log_end && lags(remote.caught_up, now, lag_max)
        })
    };
    let stay: Vec<BrokerId> = leader.isr.iter().copied().filter(|id| !is_late(id)).collect();
    (stay.len() < leader.isr.len()).then_some(stay)
}

/// The ISR with a replica that has come far enough (`Partition.needsExpandIsr`), `None` if it has not, or is there already.
pub(super) fn with_returned(
    partition: &Partition,
    replica: BrokerId,
    rule: IsrExpand,
) -> Option<Vec<BrokerId>> {
    let leader = partition.leader()?;
    let end = leader.remote(replica)?.log_end;
    let from = match rule {
        IsrExpand::AtHighWatermark => Offset::ZERO,
        IsrExpand::AtEpochStart => leader.epoch_start,
    };
    let comes = !leader.isr.contains(&replica) && end >= partition.high_watermark && end >= from;
    comes.then(|| leader.isr.iter().copied().chain([replica]).collect())
}
