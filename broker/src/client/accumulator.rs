//! Batches handed to a producer and not yet on their way: a queue per partition, with linger, retry back-off, delivery
//! time-outs and the memory they take (`RecordAccumulator` of the Java client).
//!
//! While a batch waits at the front of its queue, what is handed over after it is gathered in further batches of up to
//! `batch.size`; so a backlog goes out in few requests. The first one stays as it was handed over, that it may be seen
//! waiting. A batch that was put into bytes keeps them however often it is sent. Who leads a partition is not known here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use machine::{Duration, Instant};

/// What the application hands over at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion {
    /// Its number.
    pub number: u64,
    /// When, in ms since 1970.
    pub wall_ms: i64,
}

/// A batch on its way into a log.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The client's own number: that of its first portion.
    pub number: u64,
    /// Where to.
    pub partition: i32,
    /// What it gathers; empty as soon as it is put into bytes.
    pub gathers: Vec<Portion>,
    /// How many records it has.
    pub records: u32,
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
    /// How many portions fit into `batch.size`: a batch of as many does not linger.
    pub portions_max: usize,
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
    /// All batches without an outcome, by number.
    open: BTreeMap<u64, Open>,
    /// Portions in batches without an outcome.
    portions: u64,
}

/// A batch without an outcome.
#[derive(Clone, Copy, Debug)]
struct Open {
    partition: i32,
    created: Instant,
    portions: u64,
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
            portions: 0,
        }
    }

    /// How many portions have no outcome yet.
    pub fn portions(&self) -> u64 {
        self.portions
    }

    /// How many batches have no outcome yet, on their way or not.
    pub fn open(&self) -> u64 {
        self.open.len() as u64
    }

    /// Partitions in whose queue something waits.
    pub fn waiting(&self) -> &BTreeSet<i32> {
        &self.waiting
    }

    /// Adds a portion to the last batch of a queue, if that still gathers and has room.
    pub fn gather(&mut self, partition: i32, portion: Portion) -> bool {
        let last = self.queues.get_mut(&partition).and_then(VecDeque::back_mut);
        let room = 1..self.patience.portions_max;
        let Some(batch) = last.filter(|batch| room.contains(&batch.gathers.len())) else {
            return false;
        };
        batch.gathers.push(portion);
        self.portions += 1;
        if let Some(open) = self.open.get_mut(&batch.number) {
            open.portions += 1;
        }
        true
    }

    /// Whether a partition's queue is empty.
    pub fn is_empty(&self, partition: i32) -> bool {
        !self.waiting.contains(&partition)
    }

    /// Takes a new batch of one portion.
    pub fn append(&mut self, batch: Batch) {
        let (partition, created) = (batch.partition, batch.created);
        self.open.insert(batch.number, Open { partition, created, portions: 1 });
        self.portions += 1;
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
        } else if queue.len() > 1 || first.gathers.len().max(1) >= self.patience.portions_max {
            first.waits_since
        } else {
            first.waits_since + self.patience.linger
        })
    }

    /// About how many bytes the first batch of this partition's queue has, of as many a portion.
    pub fn first_bytes(&self, partition: i32, portion: u64) -> usize {
        let first = self.queues.get(&partition).and_then(VecDeque::front);
        let gathered = |batch: &Batch| batch.gathers.len() * portion as usize;
        first.map_or(0, |batch| batch.bytes.len().max(gathered(batch)))
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
        let open = self.open.remove(&batch.number);
        self.portions -= open.map_or(0, |open| open.portions);
        open.is_some()
    }

    /// Whether the batch has no outcome yet.
    pub fn is_open(&self, batch: &Batch) -> bool {
        self.open.contains_key(&batch.number)
    }

    /// When the oldest batch has waited too long.
    pub fn expires_at(&self) -> Instant {
        let oldest = self.open.first_key_value();
        oldest.map_or(Instant::NEVER, |(_, open)| open.created + self.patience.delivery_timeout)
    }

    /// Takes one batch that has waited too long: its number, where it was to go, and itself unless it is on its way.
    pub fn expire(&mut self, now: Instant) -> Option<(u64, i32, Option<Batch>)> {
        if self.expires_at() > now {
            return None;
        }
        let (number, Open { partition, portions, .. }) = self.open.pop_first()?;
        self.portions -= portions;
        let queue = self.queues.get_mut(&partition);
        let batch = queue.and_then(|queue| {
            let place = queue.iter().position(|batch| batch.number == number)?;
            queue.remove(place)
        });
        if self.queues.get(&partition).is_none_or(VecDeque::is_empty) {
            self.waiting.remove(&partition);
        }
        Some((number, partition, batch))
    }
}
