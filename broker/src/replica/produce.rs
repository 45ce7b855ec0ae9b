//! Produce requests: records are appended, then promised: at once (acks=1) or when all who are in sync have them
//! (acks=all). Nothing is synced to a disk for it, unless `flush.messages` says so: then it holds its handler for that.
//!
//! ```text
//! append each partition ──► answer (acks 0, 1; nothing appended)
//!      │ frozen, disk      └► parked ──► high watermark reached: done, or too few in sync by now (error 20)
//!      └ holds its handler             ├ time-out: error 7, the records may still be committed
//!                                      └ steps down: error 6, nobody knows
//! ```
//!
//! Sources: `ReplicaManager.appendRecords`, `DelayedProduce`. Idempotence is not here.

use bytes::Bytes;
use kafka_protocol::messages as m;
use kafka_protocol::messages::produce_response as response;
use machine::{Context, DiskError, Duration, Instant};

use super::partition::{Role, Slot, Waiting};
use super::purgatory::{Job, Stall};
use super::turn::{Touched, Turn};
use super::{ReplicaEvent, Replicas, RequestId};
use crate::id::Offset;
use crate::log::LogError;
use crate::mechanism::Mutant;
use crate::note::Note;
use crate::wire::{Response, error};

/// A produce request under way.
#[derive(Debug)]
pub(super) struct Produce {
    pub id: RequestId,
    /// When its patience ends, which begins when it is parked.
    pub deadline: Instant,
    patience: Duration,
    acks: i16,
    items: Vec<Item>,
    /// The first item that was not yet tried.
    next: usize,
    /// Items that wait for replicas.
    pending: usize,
}

/// The records for one partition.
#[derive(Debug)]
struct Item {
    topic: m::TopicName,
    partition: i32,
    records: Option<Bytes>,
    slot: Option<Slot>,
    error: i16,
    base: Offset,
    last: Offset,
    log_start: Offset,
    waits: bool,
}

impl Item {
    fn new(topic: &m::TopicName, partition: i32, records: Option<Bytes>) -> Self {
        Self {
            topic: topic.clone(),
            partition,
            records,
            slot: None,
            error: error::NONE,
            base: Offset::UNKNOWN,
            last: Offset::UNKNOWN,
            log_start: Offset::UNKNOWN,
            waits: false,
        }
    }
}

impl Replicas {
    /// A request begins.
    pub(super) fn begin_produce(
        &mut self,
        id: RequestId,
        request: m::ProduceRequest,
        turn: &mut Turn<'_, '_, '_>,
    ) {
        let patience = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
        let mut items = Vec::with_capacity(request.topic_data.len());
        for topic in request.topic_data {
            for data in topic.partition_data {
                items.push(Item::new(&topic.name, data.index, data.records));
            }
        }
        let deadline = Instant::NEVER;
        let mut produce =
            Produce { id, deadline, patience, acks: request.acks, items, next: 0, pending: 0 };
        if !(-1..=1).contains(&produce.acks) {
            for item in &mut produce.items {
                item.error = error::INVALID_REQUIRED_ACKS;
            }
            produce.next = produce.items.len();
        }
        self.run_produce(produce, turn);
    }

    /// Appends what is left to append, then answers or waits.
    pub(super) fn run_produce(&mut self, mut produce: Produce, turn: &mut Turn<'_, '_, '_>) {
        while let Some(item) = produce.items.get_mut(produce.next) {
            match self.append(item, produce.acks, turn) {
                Ok(()) => produce.next += 1,
                Err(stall) => {
                    self.stalled.put(produce.id, Job::Produce(produce), stall);
                    return;
                }
            }
        }
        if produce.acks == -1 && !self.config.mechanisms.has(Mutant::AcknowledgesBeforeReplicated) {
            self.await_replicas(&mut produce);
        }
        if produce.pending == 0 {
            self.answer_produce(&produce, turn.cx, turn.events);
        } else if !self.config.mechanisms.has(Mutant::ForgetsWhoWaits) {
            produce.deadline = turn.cx.now() + produce.patience;
            turn.events.push(ReplicaEvent::Parked(produce.id));
            self.purgatory.park_produce(produce);
        }
    }

    fn append(
        &mut self,
        item: &mut Item,
        acks: i16,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<(), Stall> {
        if item.slot.is_some() {
            // It was appended, and waited for its flush.
            return Ok(());
        }
        if turn.door.metadata.partition(&item.topic, item.partition).is_none() {
            item.error = error::UNKNOWN_TOPIC_OR_PARTITION;
            return Ok(());
        }
        let found = self.held.find(&item.topic, item.partition);
        let Some((slot, partition)) = found.and_then(|slot| Some((slot, self.held.get(slot)?)))
        else {
            item.error = error::NOT_LEADER_FOR_PARTITION;
            return Ok(());
        };
        if partition.is_frozen() {
            return Err(Stall::Frozen);
        }
        let mechanisms = &self.config.mechanisms;
        item.error = match &partition.role {
            _ if self.offline => error::KAFKA_STORAGE_ERROR,
            Role::Leader(leader)
                if acks == -1 && too_few(leader.isr.len(), partition.min_insync) =>
            {
                error::NOT_ENOUGH_REPLICAS
            }
            Role::Leader(_) => error::NONE,
            Role::Follower { .. } if mechanisms.has(Mutant::AppendsAfterSteppingDown) => {
                error::NONE
            }
            Role::Follower { .. } | Role::Idle => error::NOT_LEADER_FOR_PARTITION,
        };
        if item.error == error::NOT_LEADER_FOR_PARTITION {
            let partition = partition.id.clone();
            turn.cx.note(Note::Refused { partition, error: "NOT_LEADER_FOR_PARTITION" });
        }
        let all_the_same = item.error == error::NOT_ENOUGH_REPLICAS
            && mechanisms.has(Mutant::AppendsWhatItRefuses);
        if item.error != error::NONE && !all_the_same {
            return Ok(());
        }
        match self.append_to(slot, item, turn) {
            Ok(()) => Ok(()),
            Err(LogError::OutOfRange) => {
                item.error = error::UNKNOWN_SERVER_ERROR;
                Ok(())
            }
            Err(failure) => {
                item.error = self.log_error(failure, turn.events)?;
                Ok(())
            }
        }
    }

    fn append_to(
        &mut self,
        slot: Slot,
        item: &mut Item,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<(), LogError> {
        let Some(partition) = self.held.get_mut(slot) else { return Ok(()) };
        let records = match &item.records {
            Some(records) if !records.is_empty() => records,
            _ => {
                item.error = error::INVALID_RECORD;
                return Ok(());
            }
        };
        let Some(log) = self.logs.get_mut(&partition.id) else {
            item.error = error::KAFKA_STORAGE_ERROR;
            return Ok(());
        };
        let was = partition.log_end;
        let appended = log.append_as_leader(records, partition.epoch, turn.cx)?;
        partition.log_end = log.end();
        item.log_start = log.start();
        item.base = appended.base;
        item.last = appended.last;
        item.slot = Some(slot);
        item.records = None;
        let flush = log.flush_awaited(partition.log_end);
        self.touch(slot, Touched::Appended(was));
        self.try_high_watermark(slot, turn);
        flush.map_or(Ok(()), |ticket| Err(LogError::Disk(DiskError::WouldBlock(ticket))))
    }

    /// What was appended and is not on all replicas that count, waits.
    fn await_replicas(&mut self, produce: &mut Produce) {
        for (index, item) in produce.items.iter_mut().enumerate() {
            if item.error != error::NONE {
                continue;
            }
            let partition = item.slot.and_then(|slot| self.held.get_mut(slot));
            let Some(partition) = partition else {
                item.error = error::NOT_LEADER_FOR_PARTITION;
                continue;
            };
            let until = Offset(item.last.0 + 1);
            let Role::Leader(leader) = &partition.role else {
                item.error = error::NOT_LEADER_FOR_PARTITION;
                continue;
            };
            if partition.high_watermark >= until {
                item.error = committed(leader.isr.len(), partition.min_insync);
                continue;
            }
            let waiting = Waiting { until, request: produce.id, item: index };
            let behind = partition.waiting.iter().rposition(|other| other.until <= until);
            partition.waiting.insert(behind.map_or(0, |place| place + 1), waiting);
            item.waits = true;
            produce.pending += 1;
        }
    }

    /// The high watermark has moved: whoever waited for less is done.
    pub(super) fn complete_produces(&mut self, slot: Slot, turn: &mut Turn<'_, '_, '_>) {
        loop {
            let Some(partition) = self.held.get_mut(slot) else { return };
            let Role::Leader(leader) = &partition.role else { return };
            let outcome = committed(leader.isr.len(), partition.min_insync);
            let reached = partition.high_watermark;
            let Some(first) = partition.waiting.front().filter(|first| first.until <= reached)
            else {
                return;
            };
            let first = *first;
            partition.waiting.pop_front();
            self.item_done(first, outcome, turn.cx, turn.events);
        }
    }

    /// It leads no longer: whoever waited is told so.
    pub(super) fn fail_produces(&mut self, slot: Slot, turn: &mut Turn<'_, '_, '_>) {
        let Some(partition) = self.held.get_mut(slot) else { return };
        for waiting in std::mem::take(&mut partition.waiting) {
            self.item_done(waiting, error::NOT_LEADER_FOR_PARTITION, turn.cx, turn.events);
        }
    }

    fn item_done(
        &mut self,
        waiting: Waiting,
        outcome: i16,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ReplicaEvent>,
    ) {
        // Whoever timed out is no longer there.
        let Some(produce) = self.purgatory.produces.get_mut(&waiting.request) else { return };
        let Some(item) = produce.items.get_mut(waiting.item).filter(|item| item.waits) else {
            return;
        };
        item.waits = false;
        item.error = outcome;
        produce.pending -= 1;
        if produce.pending == 0
            && let Some(produce) = self.purgatory.take_produce(waiting.request)
        {
            self.answer_produce(&produce, cx, events);
        }
    }

    /// A request has waited long enough: its records may still be committed.
    pub(super) fn produce_timed_out(&mut self, id: RequestId, turn: &mut Turn<'_, '_, '_>) {
        let Some(mut produce) = self.purgatory.take_produce(id) else { return };
        for item in produce.items.iter_mut().filter(|item| item.waits) {
            item.error = error::REQUEST_TIMED_OUT;
            if let Some(partition) = item.slot.and_then(|slot| self.held.get_mut(slot)) {
                let at = partition.waiting.iter().position(|waiting| waiting.request == id);
                at.map(|at| partition.waiting.remove(at));
            }
        }
        self.answer_produce(&produce, turn.cx, turn.events);
    }

    fn answer_produce(
        &self,
        produce: &Produce,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ReplicaEvent>,
    ) {
        if produce.acks == 0 {
            let failed = produce.items.iter().any(|item| item.error != error::NONE);
            events.push(match failed {
                true => ReplicaEvent::CloseConnection(produce.id),
                false => ReplicaEvent::NoAnswer(produce.id),
            });
            return;
        }
        let mut topics: Vec<response::TopicProduceResponse> = Vec::new();
        for item in &produce.items {
            self.say_acknowledged(item, produce.acks, cx);
            let answer = self.item_answer(item);
            match topics.last_mut().filter(|topic| topic.name == item.topic) {
                Some(topic) => topic.partition_responses.push(answer),
                None => topics.push(
                    response::TopicProduceResponse::default()
                        .with_name(item.topic.clone())
                        .with_partition_responses(vec![answer]),
                ),
            }
        }
        let body = m::ProduceResponse::default().with_responses(topics);
        events.push(ReplicaEvent::Answer(produce.id, Response::Produce(body)));
    }

    fn item_answer(&self, item: &Item) -> response::PartitionProduceResponse {
        let wrong = self.config.mechanisms.has(Mutant::AnswersWrongOffset);
        let wrong = i64::from(wrong && item.error == error::NONE);
        response::PartitionProduceResponse::default()
            .with_index(item.partition)
            .with_error_code(item.error)
            .with_base_offset(item.base.0 + wrong)
            .with_log_append_time_ms(-1)
            .with_log_start_offset(item.log_start.0)
    }

    fn say_acknowledged(&self, item: &Item, acks: i16, cx: &mut Context<'_, Note>) {
        let partition = item.slot.and_then(|slot| self.held.get(slot));
        if let Some(partition) = partition.filter(|_| item.error == error::NONE) {
            let in_sync = partition.leader().map_or(0, |leader| leader.isr.len());
            cx.note(Note::Acknowledged {
                partition: partition.id.clone(),
                epoch: partition.epoch,
                base: item.base,
                last: item.last,
                acks,
                in_sync: u32::try_from(in_sync).unwrap_or(u32::MAX),
            });
        }
    }

    /// The broker shuts down: whoever waits is told to look elsewhere.
    pub(super) fn give_up_waiting(
        &mut self,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ReplicaEvent>,
    ) {
        let waiting = std::mem::take(&mut self.purgatory);
        for mut produce in waiting.produces.into_values() {
            for item in produce.items.iter_mut().filter(|item| item.waits) {
                item.error = error::NOT_LEADER_FOR_PARTITION;
            }
            self.answer_produce(&produce, cx, events);
        }
        for fetch in waiting.fetches.into_values() {
            let body = m::FetchResponse::default();
            events.push(ReplicaEvent::Answer(fetch.id, Response::Fetch(body)));
        }
    }
}

fn too_few(in_sync: usize, min_insync: u32) -> bool {
    in_sync < usize::try_from(min_insync).unwrap_or(usize::MAX)
}

/// How a promise ends whose records are committed: the ISR may have shrunk since they were appended.
fn committed(in_sync: usize, min_insync: u32) -> i16 {
    match too_few(in_sync, min_insync) {
        true => error::NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        false => error::NONE,
    }
}
