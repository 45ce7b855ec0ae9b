//! Producers, consumers and admin tools, as their notes tell: what they were promised, what they wait for, what they saw.

use std::collections::BTreeMap;
use std::sync::Arc;

use broker::id::{BrokerId, LeaderEpoch, Offset, TopicPartition};
use broker::note::{AdminDid, ClientNote, Failure};
use machine::Instant;
use sim::world::NodeId;

use super::batches::{Batch, Promised};
use super::event::Event;
use super::{BrokerKey, ClientKey, Kafka, Partition, PartitionKey};

/// A Kafka client as the observer knows it. What it counts outlives its process.
#[derive(Clone, Debug)]
pub struct Client {
    /// Which node it is.
    pub node: NodeId,
    /// The node's name.
    pub name: String,
    /// How often it was booted.
    pub lives: u64,
    /// Batches handed to `send` and neither acknowledged nor given up, by its own numbers.
    pub waiting: BTreeMap<u64, Waiting>,
    /// Batches acknowledged.
    pub acked: u64,
    /// Records in them.
    pub acked_records: u64,
    /// Batches given up.
    pub failed: u64,
    /// Attempts that failed and were to be repeated.
    pub retries: u64,
    /// When a batch was last acknowledged.
    pub acked_at: Option<Instant>,
    /// Batches consumed.
    pub consumed: u64,
    /// Records in them.
    pub consumed_records: u64,
    /// When something was last consumed.
    pub consumed_at: Option<Instant>,
    /// Fetches that failed since something was last consumed.
    pub fetches_failed: u64,
    /// Where it goes on consuming.
    pub positions: BTreeMap<PartitionKey, Offset>,
    /// How its admin commands ended, by the step that wanted them.
    pub did: BTreeMap<Arc<str>, AdminDid>,
}

/// A batch on its way.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Where to.
    pub partition: PartitionKey,
    /// Its content.
    pub crc: u32,
    /// How many records.
    pub records: u32,
    /// How often it was sent.
    pub attempts: u32,
    /// When it was handed to `send`.
    pub since: Instant,
    /// When it was sent first.
    pub first_sent: Option<Instant>,
    /// When it was sent last, and to whom.
    pub sent: Option<(Instant, BrokerId)>,
    /// How many batches the receiver had then.
    before: usize,
}

impl Client {
    /// A client that was never started.
    pub fn new(node: NodeId, name: &str) -> Self {
        Self {
            node,
            name: name.to_owned(),
            lives: 0,
            waiting: BTreeMap::new(),
            acked: 0,
            acked_records: 0,
            failed: 0,
            retries: 0,
            acked_at: None,
            consumed: 0,
            consumed_records: 0,
            consumed_at: None,
            fetches_failed: 0,
            positions: BTreeMap::new(),
            did: BTreeMap::new(),
        }
    }

    pub(super) fn booted(&mut self) {
        self.lives += 1;
    }

    pub(super) fn died(&mut self) {
        self.waiting.clear();
        self.positions.clear();
    }
}

impl Kafka {
    /// Folds a client's note.
    pub(super) fn client_said(&mut self, key: ClientKey, note: &ClientNote) {
        let now = self.now;
        match note {
            ClientNote::Produced { partition, batch, records, crc } => {
                let partition = self.key(partition);
                let waiting = Waiting {
                    partition,
                    crc: *crc,
                    records: *records,
                    attempts: 0,
                    since: now,
                    first_sent: None,
                    sent: None,
                    before: 0,
                };
                self.clients[key.index()].waiting.insert(*batch, waiting);
            }
            ClientNote::Sent { partition, batch, to } => {
                let partition = self.key(partition);
                let held = self.by_id(*to).map(|broker| self.held(partition, broker));
                if let Some(waiting) = self.clients[key.index()].waiting.get_mut(batch) {
                    waiting.attempts += 1;
                    waiting.first_sent.get_or_insert(now);
                    waiting.sent = Some((now, *to));
                    waiting.before = held.unwrap_or(usize::MAX);
                }
            }
            ClientNote::Retrying { batch, because, .. } => {
                self.refused(key, *batch, *because);
                self.clients[key.index()].retries += 1;
            }
            ClientNote::Acked { partition, batch, base, records, crc, acks } => {
                let client = &mut self.clients[key.index()];
                client.waiting.remove(batch);
                client.acked += 1;
                client.acked_records += u64::from(*records);
                client.acked_at = Some(now);
                if *acks != 0 {
                    self.acked(key, partition, *batch, *base, *records, *crc);
                }
            }
            ClientNote::GaveUp { batch, because, .. } => {
                self.refused(key, *batch, *because);
                let client = &mut self.clients[key.index()];
                client.waiting.remove(batch);
                client.failed += 1;
            }
            ClientNote::Consumed { partition, base, last, crc } => {
                self.consumed(key, partition, *base, *last, *crc);
            }
            ClientNote::Positioned { partition, at, .. } => {
                let partition = self.key(partition);
                self.clients[key.index()].positions.insert(partition, *at);
            }
            ClientNote::FetchFailed { .. } => self.clients[key.index()].fetches_failed += 1,
            ClientNote::CorruptBatch { partition, base } => {
                let (client, partition, base) = (key, self.key(partition), *base);
                self.events.push(Event::CorruptBatch { client, partition, base });
            }
            ClientNote::AdminAsked { what, .. } => {
                self.unclean_asked |= what.starts_with("elect unclean");
            }
            ClientNote::AdminDone { id, did } => {
                self.clients[key.index()].did.insert(id.clone(), did.clone());
            }
        }
    }

    /// How many batches a broker has of a partition.
    fn held(&self, partition: PartitionKey, broker: BrokerKey) -> usize {
        self.partition(partition).replica(broker).map_or(0, |replica| replica.log.len())
    }

    /// The first attempt at a batch failed with an error that means: nothing was appended. Was it?
    fn refused(&mut self, client: ClientKey, number: u64, because: Failure) {
        let Failure::Error(error) = because else { return };
        let Some(waiting) = self.clients[client.index()].waiting.get(&number) else { return };
        if waiting.attempts != 1 || !is_definite(error) {
            return;
        }
        let Some((_, to)) = waiting.sent else { return };
        let Some(broker) = self.by_id(to) else { return };
        let Some(replica) = self.partition(waiting.partition).replica(broker) else { return };
        let since = replica.log.from_place(waiting.before);
        let Some(batch) = since.iter().find(|batch| batch.crc == waiting.crc) else { return };
        let (partition, base) = (waiting.partition, batch.base);
        self.events.push(Event::AppendedAfterAll { client, partition, number, base, error });
    }

    fn acked(
        &mut self,
        client: ClientKey,
        name: &TopicPartition,
        number: u64,
        base: Offset,
        count: u32,
        crc: u32,
    ) {
        let key = self.key(name);
        let partition = self.partition(key);
        let judged = partition.deletions == 0 && partition.state.is_some();
        let promised = !judged || partition.was_promised(base, crc);
        let partition = key;
        let event = Event::Acked { client, partition, number, base, count, crc, promised };
        self.events.push(event);
    }

    fn consumed(
        &mut self,
        key: ClientKey,
        name: &TopicPartition,
        base: Offset,
        last: Offset,
        crc: u32,
    ) {
        let partition = self.key(name);
        let count = u32::try_from(last.0 - base.0 + 1).unwrap_or_default();
        let differs_at = self.partitions[partition.index()].consume(base, count, crc);
        let client = &mut self.clients[key.index()];
        client.consumed += 1;
        client.consumed_records += u64::from(count);
        client.consumed_at = Some(self.now);
        client.fetches_failed = 0;
        let wanted = client.positions.insert(partition, Offset(last.0 + 1));
        let client = key;
        let event = Event::Consumed { client, partition, base, last, wanted, differs_at };
        self.events.push(event);
    }
}

/// Errors after which a producer can be sure that this attempt appended nothing: unknown topic, too large, invalid acks,
/// not enough replicas, out of order.
fn is_definite(error: i16) -> bool {
    matches!(error, 3 | 10 | 19 | 21 | 45)
}

impl Partition {
    /// Whether some leader has promised this content at this offset.
    fn was_promised(&self, base: Offset, crc: u32) -> bool {
        let here = |batch: &Batch| batch.base == base && batch.crc == crc;
        self.committed.at(base).is_some_and(|batch| here(batch) && batch.promised.is_any())
            || self.pending.contains_key(&(base, crc))
            || self.lost.contains(&(base, crc))
    }

    /// Somebody was given this content: the offset at which somebody else was given another before.
    fn consume(&mut self, base: Offset, count: u32, crc: u32) -> Option<Offset> {
        let (epoch, promised) = (LeaderEpoch::default(), Promised::NOTHING);
        let batch = Batch { base, count, crc, epoch, promised };
        if base >= self.consumed.end() {
            self.consumed.push(batch);
            return None;
        }
        match self.consumed.at(base) {
            Some(before) if *before == batch => None,
            Some(before) => {
                let differs_at = before.base.max(base);
                self.consumed.push(batch);
                Some(differs_at)
            }
            None => {
                // Before what the first consumer was given, or between.
                let before = self.consumed_early.insert(base, (count, crc));
                before.filter(|before| *before != (count, crc)).map(|_| base)
            }
        }
    }
}
