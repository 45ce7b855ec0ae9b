//! What leaders tell the controller about changed ISRs: one `isr_change_notification` for many changes
//! (`ReplicaManager.maybePropagateIsrChanges`). The controller reads the states itself and tells all brokers.

use std::collections::BTreeSet;

use coordinator::txn::Acl;
use coordinator::wire::client::{CreateFlags, Request};
use machine::{Duration, Instant};

use crate::id::TopicPartition;
use crate::zk::znode;

/// How often it is looked whether there is something to tell.
const LOOK_EVERY: Duration = Duration::from_millis(2_500);
/// Nothing is told as long as changes follow each other faster than this …
const QUIET: Duration = Duration::from_millis(5_000);
/// … unless nothing was told for this long.
const SILENCE_MAX: Duration = Duration::from_millis(60_000);

/// Changes that were not told yet.
#[derive(Clone, Debug, Default)]
pub struct IsrNews {
    changed: BTreeSet<TopicPartition>,
    /// On their way to ZooKeeper.
    telling: BTreeSet<TopicPartition>,
    last_change: Instant,
    last_told: Instant,
    look_at: Instant,
}

impl IsrNews {
    /// The schedule begins now.
    pub fn begin(&mut self, now: Instant) {
        (self.last_told, self.look_at) = (now, now);
    }

    /// The ISR of this partition was changed in ZooKeeper.
    pub fn changed(&mut self, partition: TopicPartition, now: Instant) {
        if self.changed.is_empty() && self.look_at < now {
            self.look_next(now);
        }
        self.changed.insert(partition);
        self.last_change = now;
    }

    /// The next time of the schedule after now.
    fn look_next(&mut self, now: Instant) {
        let past = now.since(self.look_at).as_micros() / LOOK_EVERY.as_micros();
        self.look_at += LOOK_EVERY.times(past + 1);
    }

    /// When to call [`Self::look`].
    pub fn wake_at(&self) -> Option<Instant> {
        (!self.changed.is_empty()).then_some(self.look_at)
    }

    /// What is to be asked of ZooKeeper now, if anything.
    pub fn look(&mut self, now: Instant) -> Option<Request> {
        if self.changed.is_empty() || now < self.look_at {
            return None;
        }
        self.look_next(now);
        let due = self.last_change + QUIET < now || self.last_told + SILENCE_MAX < now;
        if !due || !self.telling.is_empty() {
            return None;
        }
        self.last_told = now;
        self.telling = std::mem::take(&mut self.changed);
        Some(Request::Create {
            path: znode::isr_change_prefix(),
            data: Some(znode::partitions_json(&self.telling).into()),
            acl: Acl::open(),
            flags: CreateFlags { ephemeral: false, sequential: true }.to_wire(),
        })
    }

    /// The reply to what [`Self::look`] asked.
    pub fn replied(&mut self, told: bool) {
        let telling = std::mem::take(&mut self.telling);
        if !told {
            self.changed.extend(telling);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds at which something is told, if changes come at these ones.
    fn told(changes: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut news = IsrNews::default();
        news.begin(Instant::ZERO);
        let mut changes = changes.peekable();
        let mut told = Vec::new();
        for second in 0..200 {
            let now = Instant::from_micros(second * 1_000_000);
            if changes.next_if_eq(&second).is_some() {
                news.changed(TopicPartition::new("orders", second as i32 % 2), now);
            }
            if news.wake_at().is_some_and(|at| at <= now) && news.look(now).is_some() {
                news.replied(true);
                told.push(second);
            }
        }
        told
    }

    #[test]
    fn news_wait_until_nothing_changes_any_more() {
        assert_eq!(told([10, 11, 14].into_iter()), [20]);
    }

    #[test]
    fn news_do_not_wait_for_ever() {
        assert_eq!(told(0..150), [63, 125, 155]);
    }

    #[test]
    fn one_notification_tells_of_all_partitions() {
        let mut news = IsrNews::default();
        for partition in [1, 0] {
            news.changed(TopicPartition::new("orders", partition), Instant::ZERO);
        }
        let Some(Request::Create { path, data, flags, .. }) =
            news.look(Instant::from_micros(6_000_000))
        else {
            panic!("nothing is told")
        };
        assert_eq!((&*path, flags), ("/isr_change_notification/isr_change_", 2));
        assert_eq!(
            data.as_deref(),
            Some(
                br#"{"version":1,"partitions":[{"topic":"orders","partition":0},{"topic":"orders","partition":1}]}"#
                    .as_slice()
            )
        );
    }
}
