//! Batches handed to a producer and not yet on their way: a queue per partition, with linger, retry back-off, delivery
//! time-outs and the memory they take (`RecordAccumulator` of the Java client).
//!
//! A batch is handed over whole: batches of one partition are never put together into a larger one, so that `linger` only
//! delays, and a batch keeps its bytes however often it is sent. Who leads a partition is not known here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use machine::{Duration, Instant};

/// A batch on its way into a log.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The client's own number.
    pub number: u64,
    /// Where to.
    pub partition: i32,
    /// What is sent.
    pub bytes: Bytes,
    /// Its checksum.
    pub crc: u32,
    /// When it was handed over.
    pub created: Instant,
    /// How often it was sent in vain.
    pub attempts: u32,
    /// When it was handed over, or came back.
    pub waits_since: Instant,
}

/// What decides when a batch may go.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// `linger.ms`
    pub linger: Duration,
    /// `batch.size`: a batch of this size does not linger.
    pub batch_bytes: u64,
    /// `retry.backoff.ms`
    pub retry_backoff: Duration,
    /// `delivery.timeout.ms`
    pub delivery_timeout: Duration,
    /// Whether a partition's next batch waits for the one on its way (`max.in.flight.requests.per.connection=1`).
    pub in_order: bool,
}

/// All batches without an outcome.
#[derive(Debug)]
pub struct Accumulator {
    patience: Patience,
    queues: BTreeMap<i32, VecDeque<Batch>>,
    /// Partitions with something in their queue.
    waiting: BTreeSet<i32>,
    /// Partitions with a batch on its way; only kept if order matters.
    muted: BTreeSet<i32>,
    /// All batches without an outcome, by number: where to, and when they were handed over.
    open: BTreeMap<u64, (i32, Instant)>,
}

impl Accumulator {
    /// Nothing is waiting.
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            queues: BTreeMap::new(),
            waiting: BTreeSet::new(),
            muted: BTreeSet::new(),
            open: BTreeMap::new(),
        }
    }

    /// How many batches have no outcome yet, on their way or not.
    pub fn open(&self) -> u64 {
        self.open.len() as u64
    }

    /// Partitions in whose queue something waits.
    pub fn waiting(&self) -> &BTreeSet<i32> {
        &self.waiting
    }

    /// Takes a new batch.
    pub fn append(&mut self, batch: Batch) {
        self.open.insert(batch.number, (batch.partition, batch.created));
        self.waiting.insert(batch.partition);
        self.queues.entry(batch.partition).or_default().push_back(batch);
    }

    /// Takes a batch back that is to be sent again: it goes to the front, as it does without idempotence, and so may have
    /// been overtaken. Of a batch that was given up meanwhile nothing is kept.
    pub fn append_again(&mut self, mut batch: Batch, now: Instant) {
        self.muted.remove(&batch.partition);
        if !self.open.contains_key(&batch.number) {
            return;
        }
        batch.attempts += 1;
        batch.waits_since = now;
        self.waiting.insert(batch.partition);
        self.queues.entry(batch.partition).or_default().push_front(batch);
    }

    /// When the first batch of this partition's queue may go; `None` if it must wait for another to come back.
    pub fn due_at(&self, partition: i32) -> Option<Instant> {
        if self.muted.contains(&partition) {
            return None;
        }
        let queue = self.queues.get(&partition)?;
        let first = queue.front()?;
        Some(if first.attempts > 0 {
            first.waits_since + self.patience.retry_backoff
        } else if queue.len() > 1 || first.bytes.len() as u64 >= self.patience.batch_bytes {
            first.waits_since
        } else {
            first.waits_since + self.patience.linger
        })
    }

    /// Takes the first batch of this partition's queue, to send it.
    pub fn take(&mut self, partition: i32) -> Option<Batch> {
        let queue = self.queues.get_mut(&partition)?;
        let batch = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&partition);
        }
        if self.patience.in_order {
            self.muted.insert(partition);
        }
        Some(batch)
    }

    /// The batch has an outcome. Returns whether it had none before.
    pub fn close(&mut self, batch: &Batch) -> bool {
        self.muted.remove(&batch.partition);
        self.open.remove(&batch.number).is_some()
    }

    /// Whether the batch has no outcome yet.
    pub fn is_open(&self, batch: &Batch) -> bool {
        self.open.contains_key(&batch.number)
    }

    /// When the oldest batch has waited too long.
    pub fn expires_at(&self) -> Instant {
        let oldest = self.open.first_key_value();
        oldest.map_or(Instant::NEVER, |(_, (_, created))| *created + self.patience.delivery_timeout)
    }

    /// Takes one batch that has waited too long, on its way or not: its number and where it was to go.
    pub fn expire(&mut self, now: Instant) -> Option<(u64, i32)> {
        if self.expires_at() > now {
            return None;
        }
        let (number, (partition, _)) = self.open.pop_first()?;
        if let Some(queue) = self.queues.get_mut(&partition) {
            queue.retain(|batch| batch.number != number);
            if queue.is_empty() {
                self.waiting.remove(&partition);
            }
        }
        Some((number, partition))
    }
}
