//! What is committed, what was promised to producers, and which promises turn out to be broken.
//!
//! A batch is committed once a legitimate leader has it below its high watermark. When another leader becomes legitimate,
//! whatever it lacks of committed or promised batches is lost, and what excuses that is looked up then.

use std::sync::Arc;

use broker::id::{BrokerId, LeaderEpoch, Offset};
use machine::Instant;

use super::batches::{Batch, Promised};
use super::event::{At, Event};
use super::partition::{Broken, Excuse, Role};
use super::{BrokerKey, Kafka, Partition, PartitionKey};

/// Promised records of one partition that a legitimate leader does not have.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The first offset.
    pub first: Offset,
    /// The last one.
    pub last: Offset,
    /// How many batches.
    pub batches: u64,
    /// How many records.
    pub records: u64,
    /// Whether acks=all had been promised, or the records were committed; with acks=1 nothing more than the leader's word.
    pub is_committed: bool,
    /// What allows it; `None` for a bug.
    pub by: Option<Excuse>,
    /// When it was found out.
    pub at: Instant,
    /// The leader that lacks them.
    pub leader: BrokerId,
}

impl Kafka {
    /// Promised records that are gone, in order of discovery.
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// A legitimate leader's high watermark is here.
    pub(super) fn commits(&mut self, key: PartitionKey, leader: BrokerKey, to: Offset) {
        let partition = &mut self.partitions[key.index()];
        let Some(replica) = partition.replicas.get(leader.index()) else { return };
        let mut broken = Vec::new();
        let mut place = replica.log.place_of(partition.committed.end());
        while let Some(batch) = replica.log.get(place).filter(|batch| batch.next() <= to) {
            place += 1;
            let mut batch = Batch { promised: Promised::NOTHING, ..*batch };
            if batch.base < partition.committed.end() {
                continue;
            }
            if !partition.pending.is_empty() {
                let (low, high) = ((batch.base, 0), (batch.base, u32::MAX));
                while let Some(same) =
                    partition.pending.range(low..=high).next().map(|(key, _)| *key)
                {
                    let waits = partition.pending.remove(&same).expect("just found");
                    if waits.has_records_of(&batch) {
                        batch.promised = batch.promised.and(waits.promised);
                    } else {
                        broken.push(waits);
                    }
                }
            }
            partition.committed.push(batch);
        }
        if !broken.is_empty() {
            self.lost(key, leader, &broken, false);
        }
    }

    /// A leader has promised these records.
    pub(super) fn acknowledged(&mut self, at: At, base: Offset, last: Offset, promised: Promised) {
        let partition = &mut self.partitions[at.partition.index()];
        let Some(replica) = partition.replicas.get(at.broker.index()) else { return };
        let held = replica.log.at(base).is_some() && replica.log.at(last).is_some();
        let by_another = partition.legit.filter(|legit| *legit != at.broker);
        let mut broken = Vec::new();
        let mut place = replica.log.place_of(base);
        while let Some(batch) = replica.log.get(place).filter(|batch| batch.base <= last) {
            place += 1;
            if partition.committed.promise(batch, promised) {
                continue;
            }
            let batch = Batch { promised, ..*batch };
            let gone = |legit: BrokerKey| {
                partition.replica(legit).is_some_and(|leader| {
                    leader.epoch > batch.epoch && !leader.log.has_records(&batch)
                })
            };
            if batch.base < partition.committed.end() || by_another.is_some_and(gone) {
                broken.push(batch);
            } else {
                let waits = partition.pending.entry((batch.base, batch.crc)).or_insert(batch);
                waits.promised = waits.promised.and(promised);
            }
        }
        if !broken.is_empty() {
            let leader = by_another.unwrap_or(at.broker);
            self.lost(at.partition, leader, &broken, false);
        }
        self.events.push(Event::Acknowledged { at, base, last, held });
    }

    /// Something about the leadership has changed: who leads both by its own word and by ZooKeeper's?
    pub(super) fn ordain(&mut self, key: PartitionKey) {
        self.shape += 1;
        let partition = &self.partitions[key.index()];
        let legit = partition.state.as_ref().and_then(|state| {
            let leads = |one: &BrokerKey| {
                partition.replica(*one).is_some_and(|replica| {
                    replica.role == Role::Leading && replica.epoch == state.epoch
                })
            };
            self.by_id(state.leader).filter(leads)
        });
        let before = std::mem::replace(&mut self.partitions[key.index()].legit, legit);
        if let Some(leader) = legit
            && before != legit
        {
            self.judge(key, leader);
        }
    }

    /// A leader has become legitimate: it must have everything.
    fn judge(&mut self, key: PartitionKey, leader: BrokerKey) {
        let partition = &mut self.partitions[key.index()];
        let Some(replica) = partition.replica(leader) else { return };
        let (epoch, high_watermark) = (replica.epoch, replica.high_watermark);
        if replica.lossy.is_some_and(|lossy| lossy.in_sync) {
            // It kept its office over its loss, or was elected in the meantime.
            partition.broken_by_loss(leader, LeaderEpoch(epoch.0.saturating_add(1)));
        }
        let (skipped, begins) = partition.skipped_by(leader);
        partition.compare(leader, Offset(i64::MAX));
        let common = partition.replicas[leader.index()].agrees.0;
        let gone = partition.committed.cut_at(common);
        for replica in &mut partition.replicas {
            if replica.agrees.0 > common {
                replica.agrees = (common, replica.log.place_of(partition.committed.end()));
            }
        }
        let log = &partition.replicas[leader.index()].log;
        let gone = skipped.into_iter().chain(gone);
        let gone: Vec<Batch> =
            gone.filter(|batch| batch.promised.is_any() && !log.has_records(batch)).collect();
        let mut broken = Vec::new();
        partition.pending.retain(|_, batch| {
            let there = log.has_records(batch);
            if !there {
                broken.push(*batch);
            }
            there
        });
        if !gone.is_empty() {
            self.lost(key, leader, &gone, true);
        }
        if !broken.is_empty() {
            self.lost(key, leader, &broken, false);
        }
        let partition = &mut self.partitions[key.index()];
        partition.retained_from = partition.retained_from.max(begins);
        self.commits(key, leader, high_watermark);
    }

    /// These promised batches are not where they should be. What was committed is gone whoever was promised what.
    fn lost(&mut self, key: PartitionKey, leader: BrokerKey, gone: &[Batch], committed: bool) {
        let shaken = self.is_shaken || self.has_doubles(leader);
        let (at, id) = (self.now, self.brokers[leader.index()].id);
        for batch in gone {
            let partition = &mut self.partitions[key.index()];
            partition.lost.insert((batch.base, batch.crc));
            let is_committed = committed || batch.promised.is_all();
            let by = match partition.excuse(batch) {
                Some(Excuse::Policy) => continue,
                _ if !is_committed => Some(Excuse::AcksOne),
                None if shaken => Some(Excuse::World),
                by => by,
            };
            let records = u64::from(batch.count);
            let name = &partition.name;
            let goes_on = |loss: &&mut Loss| {
                let same = (loss.partition, loss.by, loss.is_committed, loss.leader);
                same == (name.partition, by, is_committed, id) && loss.topic == name.topic
            };
            match self.losses.last_mut().filter(goes_on) {
                Some(loss) => {
                    loss.first = loss.first.min(batch.base);
                    loss.last = loss.last.max(batch.last());
                    loss.batches += 1;
                    loss.records += records;
                }
                None => self.losses.push(Loss {
                    topic: name.topic.clone(),
                    partition: name.partition,
                    first: batch.base,
                    last: batch.last(),
                    batches: 1,
                    records,
                    is_committed,
                    by,
                    at,
                    leader: id,
                }),
            }
            let index = self.losses.len() - 1;
            match self.events.last_mut() {
                Some(Event::Lost { index: last, records: so_far }) if *last == index => {
                    *so_far += records;
                }
                _ => self.events.push(Event::Lost { index, records }),
            }
        }
    }

    /// Whether another broker has the same id.
    fn has_doubles(&self, broker: BrokerKey) -> bool {
        let id = self.brokers[broker.index()].id;
        self.brokers.iter().filter(|one| one.id == id).count() > 1
    }
}

impl Partition {
    /// What is committed before a replica's log begins, and was not deleted by policy; and where it begins.
    fn skipped_by(&self, broker: BrokerKey) -> (Vec<Batch>, Offset) {
        let log = &self.replicas[broker.index()].log;
        let begins = log.get(0).map_or(log.end(), |batch| batch.base).min(self.committed.end());
        if begins <= self.retained_from {
            return (Vec::new(), self.retained_from);
        }
        let first = self.committed.place_of(self.retained_from);
        let last = self.committed.place_of(begins);
        (self.committed.from_place(first)[..last - first].to_vec(), begins)
    }

    /// A replica that had lost something was elected, or stayed leader: that excuses what is gone with it.
    pub(super) fn broken_by_loss(&mut self, broker: BrokerKey, below: LeaderEpoch) {
        let lossy = self.replicas.get(broker.index()).and_then(|replica| replica.lossy);
        let Some(lossy) = lossy.filter(|lossy| lossy.in_sync) else { return };
        let by = if lossy.damaged { Excuse::World } else { Excuse::Lossy };
        let broken = Broken { by, below, from: lossy.from };
        if !self.excuses.contains(&broken) {
            self.excuses.push(broken);
        }
    }
}
