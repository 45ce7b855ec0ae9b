//! Replicas, as the notes of their brokers tell: logs, high watermarks, roles, and what a restart cost them.

use std::collections::BTreeMap;

use broker::id::{LeaderEpoch, Offset, TopicPartition};
use broker::note::{Note, Recovered};

use super::batches::{Batch, Batches, Promised};
use super::event::{At, Event, Opened, Reign, Rough};
use super::partition::{Asked, Lossy, Replica, Role};
use super::{BrokerKey, Kafka, Partition, PartitionKey};

impl Kafka {
    /// Folds a note about one replica.
    pub(super) fn replica_said(&mut self, broker: BrokerKey, note: &Note) {
        match note {
            Note::Appended { partition, epoch, base, last, crc, leads } => {
                let count = u32::try_from(last.0 - base.0 + 1).unwrap_or_default();
                let (epoch, promised) = (*epoch, Promised::NOTHING);
                let batch = Batch { base: *base, count, crc: *crc, epoch, promised };
                self.appended(broker, partition, batch, *leads);
            }
            Note::HighWatermark { partition, to, leads } => {
                self.high_watermark_is(broker, partition, *to, *leads);
            }
            Note::Acknowledged { partition, base, last, acks, in_sync, .. } => {
                let partition = self.key(partition);
                let promised = Promised::by(*acks, *in_sync);
                self.acknowledged(At { broker, partition }, *base, *last, promised);
            }
            Note::BecameLeader { partition, .. } | Note::BecameFollower { partition, .. } => {
                let partition = self.key(partition);
                self.reigns(At { broker, partition }, note);
            }
            Note::ReplicaStopped { partition, deleted: true } => {
                let key = self.key(partition);
                self.shape += 1;
                let partition = &mut self.partitions[key.index()];
                *partition.replica_mut(broker) = Replica::default();
                if partition.legit == Some(broker) {
                    partition.legit = None;
                }
            }
            Note::Truncated { partition, to, .. } => self.truncated(broker, partition, *to),
            Note::LogStart { partition, to } => self.log_start(broker, partition, *to),
            Note::IsrAsked { partition, isr, .. } => {
                let breaks = self.brokers[broker.index()].breaks;
                let asked = Asked { isr: isr.clone(), breaks };
                self.replica(broker, partition).1.asked = Some(asked);
            }
            Note::IsrCached { partition, isr, zk_version, .. } => {
                let keys = self.keys_of(isr);
                let (key, replica) = self.replica(broker, partition);
                replica.asked = None;
                replica.isr = Some(isr.clone());
                replica.isr_keys = keys;
                replica.zk_version = *zk_version;
                self.events.push(Event::IsrCached(At { broker, partition: key }));
            }
            Note::IsrRefused { partition, .. } => {
                self.replica(broker, partition).1.asked = None;
            }
            Note::Frozen { partition } => self.replica(broker, partition).1.frozen = true,
            Note::Thawed { partition } => self.replica(broker, partition).1.frozen = false,
            _ => {}
        }
    }

    fn replica(
        &mut self,
        broker: BrokerKey,
        partition: &TopicPartition,
    ) -> (PartitionKey, &mut Replica) {
        let key = self.key(partition);
        (key, self.partitions[key.index()].replica_mut(broker))
    }

    fn appended(&mut self, broker: BrokerKey, name: &TopicPartition, batch: Batch, leads: bool) {
        let (partition, replica) = self.replica(broker, name);
        let overwrites = batch.base < replica.log.end();
        replica.log.push(batch);
        let end = batch.next();
        replica.end_peak = replica.end_peak.max(end);
        replica.lossy.take_if(|lossy| end >= lossy.to);
        if overwrites {
            self.partitions[partition.index()].forget_comparison(broker);
        }
        self.events.push(Event::Appended { at: At { broker, partition }, batch, leads });
    }

    fn high_watermark_is(
        &mut self,
        broker: BrokerKey,
        name: &TopicPartition,
        to: Offset,
        leads: bool,
    ) {
        let key = self.key(name);
        let at = At { broker, partition: key };
        let partition = &mut self.partitions[key.index()];
        let replica = partition.replica_mut(broker);
        let was = std::mem::replace(&mut replica.high_watermark, to);
        replica.high_watermark_peak = replica.high_watermark_peak.max(to);
        self.events.push(Event::HighWatermark { at, was, to, leads });
        if leads {
            partition.told = partition.told.max(to);
            if partition.legit == Some(broker) {
                self.commits(key, broker, to);
            }
        }
        self.agrees(at, to);
    }

    /// Whether a replica has what is committed, below its high watermark.
    fn agrees(&mut self, at: At, end: Offset) {
        let partition = &mut self.partitions[at.partition.index()];
        let Some(from) = partition.compare(at.broker, end) else { return };
        let replica = partition.replica_mut(at.broker);
        if !std::mem::replace(&mut replica.diverged, true) {
            self.events.push(Event::Diverged { at, from });
        }
    }

    fn reigns(&mut self, at: At, note: &Note) {
        let keys = match note {
            Note::BecameLeader { isr, .. } => self.keys_of(isr),
            _ => Vec::new(),
        };
        let partition = &mut self.partitions[at.partition.index()];
        let exists = partition.state.is_some();
        let replica = partition.replica_mut(at.broker);
        let was = replica.epoch;
        replica.asked = None;
        replica.frozen = false;
        match note {
            Note::BecameLeader {
                epoch,
                controller_epoch,
                isr,
                zk_version,
                log_end,
                high_watermark,
                ..
            } => {
                replica.role = Role::Leading;
                replica.epoch = was.max(*epoch);
                replica.controller_epoch = *controller_epoch;
                replica.isr = Some(isr.clone());
                replica.isr_keys = keys;
                replica.zk_version = *zk_version;
                replica.high_watermark = *high_watermark;
                replica.high_watermark_peak = replica.high_watermark_peak.max(*high_watermark);
                partition.told = partition.told.max(*high_watermark);
                let reign = Reign {
                    epoch: *epoch,
                    controller_epoch: *controller_epoch,
                    was,
                    log_end: *log_end,
                    high_watermark: *high_watermark,
                    exists,
                };
                self.events.push(Event::Leads(at, reign));
            }
            Note::BecameFollower {
                epoch,
                controller_epoch,
                leader,
                log_end,
                high_watermark,
                ..
            } => {
                replica.role = Role::Following(*leader);
                replica.epoch = was.max(*epoch);
                replica.controller_epoch = *controller_epoch;
                replica.isr = None;
                replica.isr_keys.clear();
                let reign = Reign {
                    epoch: *epoch,
                    controller_epoch: *controller_epoch,
                    was,
                    log_end: *log_end,
                    high_watermark: *high_watermark,
                    exists,
                };
                self.events.push(Event::Follows(at, reign));
            }
            _ => {}
        }
        self.ordain(at.partition);
    }

    fn truncated(&mut self, broker: BrokerKey, name: &TopicPartition, to: Offset) {
        let (partition, replica) = self.replica(broker, name);
        let was = replica.log.end();
        replica.log.cut(to);
        replica.log.end_at(to);
        replica.high_watermark = replica.high_watermark.min(to);
        self.partitions[partition.index()].forget_comparison(broker);
        self.events.push(Event::Truncated { at: At { broker, partition }, was, to });
    }

    fn log_start(&mut self, broker: BrokerKey, name: &TopicPartition, to: Offset) {
        let key = self.key(name);
        let partition = &mut self.partitions[key.index()];
        let replica = partition.replica_mut(broker);
        let (end, high_watermark) = (replica.log.end(), replica.high_watermark);
        replica.start = to;
        if to <= high_watermark {
            partition.retained_from = partition.retained_from.max(to);
        } else {
            // It starts anew, or retention has gone too far.
            replica.high_watermark = to;
            replica.high_watermark_peak = replica.high_watermark_peak.max(to);
            if to >= end {
                replica.log = Batches::from(to);
                replica.end_peak = replica.end_peak.max(to);
                partition.forget_comparison(broker);
            }
        }
        let at = At { broker, partition: key };
        self.events.push(Event::LogStart { at, end, high_watermark, to });
    }

    // -- restarts

    /// A broker has read its disk: what is known of its replicas is confirmed, or was lost.
    pub(super) fn logs_opened(&mut self, broker: BrokerKey, clean: bool, found: &[Recovered]) {
        self.shape += 1;
        let known = &mut self.brokers[broker.index()];
        let rough = match std::mem::take(&mut known.rough) {
            Rough::PowerLost if known.is_damaged => Rough::Damaged,
            rough => rough,
        };
        let found: BTreeMap<PartitionKey, &Recovered> =
            found.iter().map(|one| (self.key(&one.partition), one)).collect();
        for (index, partition) in self.partitions.iter_mut().enumerate() {
            let key = PartitionKey(u32::try_from(index).expect("given out as such"));
            let known = partition.replica(broker).is_some();
            match found.get(&key) {
                Some(found) => {
                    let at = At { broker, partition: key };
                    let opened = partition.opened(broker, rough, found);
                    let opened = Opened { known, clean, ..opened };
                    self.events.push(Event::Opened(at, Box::new(opened)));
                }
                None if known => partition.lose(broker, rough, Offset::ZERO),
                None => {}
            }
        }
    }
}

impl Partition {
    /// One replica was found.
    fn opened(&mut self, broker: BrokerKey, rough: Rough, found: &Recovered) -> Opened {
        let replica = self.replica_mut(broker);
        let (end, peak) = (replica.log.end(), replica.end_peak);
        let ends = |batch: Option<&Batch>| batch.is_none_or(|batch| batch.base == found.end);
        let on_boundary = found.end >= end || ends(replica.log.at(found.end));
        if found.end < end {
            self.lose(broker, rough, found.end);
        }
        let replica = self.replica_mut(broker);
        if replica.log.is_empty() {
            replica.log = Batches::from(found.start);
        }
        replica.log.end_at(found.end);
        replica.start = found.start;
        replica.high_watermark = found.high_watermark;
        replica.high_watermark_peak = found.high_watermark;
        replica.end_peak = found.end;
        let epochs = epochs(&replica.log, found.start);
        self.forget_comparison(broker);
        let (known, clean, found) = (true, false, found.clone());
        Opened { clean, rough, known, end, peak, on_boundary, found, epochs }
    }

    /// A replica has lost everything from `from` on.
    pub(super) fn lose(&mut self, broker: BrokerKey, how: Rough, from: Offset) {
        let in_sync = self.isr.contains(&broker);
        let Some(replica) = self.replicas.get_mut(broker.index()) else { return };
        let end = replica.log.end();
        if from < end {
            let damaged = how == Rough::Damaged;
            let now = Lossy { from, to: end, damaged, in_sync };
            let before = replica.lossy.unwrap_or(now);
            replica.lossy = Some(Lossy {
                from: from.min(before.from),
                to: end.max(before.to),
                damaged: damaged || before.damaged,
                in_sync: in_sync && (before.in_sync || before.from >= from),
            });
        }
        if from <= replica.start {
            let lossy = replica.lossy.take();
            *replica = Replica { lossy, ..Replica::default() };
        } else {
            replica.log.end_at(from);
        }
        self.forget_comparison(broker);
    }
}

/// The epochs in a log and where each begins; nothing where batches are unknown.
fn epochs(log: &Batches, start: Offset) -> Vec<(LeaderEpoch, Offset)> {
    let mut epochs: Vec<(LeaderEpoch, Offset)> = Vec::new();
    for batch in log.from_place(log.place_of(start)) {
        if batch.epoch == LeaderEpoch::UNKNOWN {
            return Vec::new();
        }
        if epochs.last().is_none_or(|(epoch, _)| *epoch != batch.epoch) {
            epochs.push((batch.epoch, batch.base));
        }
    }
    epochs
}
