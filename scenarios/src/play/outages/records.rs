//! What Kafka clients wait for: a producer for any answer from a partition that it has batches for, a consumer for the
//! oldest record that is committed and has not come.
//!
//! A producer that is served again has a queue of what was handed over meanwhile; while that shrinks it is not out.

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

use broker::id::{Offset, TopicPartition};
use broker::note::{ClientNote, Note};
use machine::{Duration, Instant};

/// Commits closer together than this count as one.
const TOGETHER: Duration = Duration::from_millis(50);

/// What one client waits for.
#[derive(Debug)]
pub(super) enum Waits {
    /// A producer, by partition that it waits for.
    Answers(BTreeMap<i32, Unanswered>),
    /// A consumer of this topic: what is committed and has not come.
    Records {
        /// The topic.
        topic: Arc<str>,
        /// By partition.
        behind: BTreeMap<TopicPartition, Behind>,
    },
}

/// One partition as a producer has it.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    /// Batches without an answer, by their numbers, and when they were handed over.
    batches: BTreeMap<u64, Instant>,
    /// The latest answer.
    answered: Instant,
}

/// One partition as a consumer has it.
#[derive(Debug, Default)]
pub(super) struct Behind {
    next: Offset,
    /// Ends of what is committed, and since when.
    committed: VecDeque<(Offset, Instant)>,
}

/// What a note means for the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing.
    Nothing,
    /// A new wait began.
    Began,
    /// It was served.
    Served,
    /// Something waited for since then will never come.
    Lost(Instant),
}

impl Waits {
    pub(super) fn answers() -> Self {
        Self::Answers(BTreeMap::new())
    }

    pub(super) fn records(topic: &str) -> Self {
        Self::Records { topic: topic.into(), behind: BTreeMap::new() }
    }

    /// Whoever waited is gone.
    pub(super) fn forget(&mut self) {
        match self {
            Self::Answers(partitions) => partitions.clear(),
            Self::Records { behind, .. } => behind.clear(),
        }
    }

    /// Since when the oldest thing is waited for.
    pub(super) fn oldest(&self) -> Option<Instant> {
        match self {
            Self::Answers(partitions) => partitions.values().filter_map(Unanswered::since).min(),
            Self::Records { behind, .. } => {
                let fronts = behind.values().filter_map(|one| one.committed.front());
                fronts.map(|(_, since)| *since).min()
            }
        }
    }

    /// Its own note.
    pub(super) fn hear(&mut self, note: &ClientNote, at: Instant) -> Heard {
        match (self, note) {
            (Self::Answers(partitions), ClientNote::Produced { partition, batch, .. }) => {
                partitions.entry(partition.partition).or_default().batches.insert(*batch, at);
                Heard::Began
            }
            (Self::Answers(partitions), ClientNote::Acked { partition, batch, .. }) => {
                Unanswered::has_outcome(partitions, partition.partition, *batch, Some(at));
                Heard::Served
            }
            (Self::Answers(partitions), ClientNote::GaveUp { partition, batch, .. }) => {
                let since = Unanswered::has_outcome(partitions, partition.partition, *batch, None);
                Heard::Lost(since.unwrap_or(at))
            }
            (Self::Records { behind, .. }, ClientNote::Consumed { partition, last, .. }) => {
                let next = Offset(last.0 + 1);
                match behind.get_mut(partition) {
                    Some(behind) => behind.came(next),
                    None => behind.entry(partition.clone()).or_default().next = next,
                }
                Heard::Served
            }
            (Self::Records { behind, .. }, ClientNote::Positioned { partition, at, .. }) => {
                behind.entry(partition.clone()).or_default().came(*at);
                Heard::Nothing
            }
            _ => Heard::Nothing,
        }
    }

    /// A broker's note: something was committed, or leads elsewhere.
    pub(super) fn overhear(&mut self, note: &Note, at: Instant) -> Heard {
        let Self::Records { topic, behind } = self else { return Heard::Nothing };
        match note {
            Note::HighWatermark { partition, to, leads: true } if partition.topic == *topic => {
                let Some(behind) = behind.get_mut(partition) else { return Heard::Nothing };
                behind.committed(*to, at)
            }
            Note::BecameLeader { partition, log_end, .. } if partition.topic == *topic => {
                if let Some(behind) = behind.get_mut(partition) {
                    behind.ends_at(*log_end);
                }
                Heard::Nothing
            }
            _ => Heard::Nothing,
        }
    }
}

impl Unanswered {
    /// A batch is answered, or given up. Gives when it was handed over; a partition with no other batch is forgotten.
    fn has_outcome(
        partitions: &mut BTreeMap<i32, Self>,
        partition: i32,
        batch: u64,
        answered: Option<Instant>,
    ) -> Option<Instant> {
        let Entry::Occupied(mut one) = partitions.entry(partition) else { return None };
        let Self { batches, answered: latest } = one.get_mut();
        *latest = answered.unwrap_or(*latest);
        let since = batches.remove(&batch);
        if batches.is_empty() {
            one.remove();
        }
        since
    }

    /// Since when something waits and nothing is answered.
    fn since(&self) -> Option<Instant> {
        self.batches.first_key_value().map(|(_, handed_over)| self.answered.max(*handed_over))
    }
}

impl Behind {
    fn came(&mut self, next: Offset) {
        self.next = next;
        while self.committed.front().is_some_and(|(end, _)| *end <= next) {
            self.committed.pop_front();
        }
    }

    fn committed(&mut self, end: Offset, at: Instant) -> Heard {
        if end <= self.next {
            return Heard::Nothing;
        }
        match self.committed.back_mut() {
            Some((last, since)) if at.since(*since) < TOGETHER => *last = end.max(*last),
            Some((last, _)) if *last >= end => {}
            _ => {
                self.committed.push_back((end, at));
                return Heard::Began;
            }
        }
        Heard::Nothing
    }

    /// Nothing behind this end is there any more.
    fn ends_at(&mut self, end: Offset) {
        for (until, _) in &mut self.committed {
            *until = end.min(*until);
        }
        self.came(self.next);
    }
}
