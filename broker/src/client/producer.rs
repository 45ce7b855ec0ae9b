//! A producer with its load: batches are handed over on schedule, sent to the leaders of their partitions, and sent again
//! until they are acknowledged or given up (`KafkaProducer` and its `Sender`).
//!
//! Without idempotence: a batch that is sent again may come twice, or after its successors. An application that is held up
//! (no metadata yet, `buffer.memory` used up) hands over nothing meanwhile, and does not catch up.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages as m;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::protocol::StrBytes;
use machine::{Context, Duration, Input, Instant};

use super::accumulator::{Accumulator, Batch, Patience, Portion};
use super::load::Load;
use super::metadata::Metadata;
use super::network::{Event, Network, Settings};
use super::{ClientConfig, ProducerConfig, View, errors};
use crate::id::{BrokerId, Offset, TopicPartition};
use crate::note::{ClientNote, Failure};
use crate::wire::{Request, Response, error};

/// `max.request.size`
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// A producer at work.
#[derive(Debug)]
pub struct Producer {
    config: ProducerConfig,
    topic: StrBytes,
    network: Network<Vec<Batch>>,
    accumulator: Accumulator,
    load: Load,
    /// When the next batch is due; in the past while the application is held up.
    next_at: Instant,
    held_up: bool,
    next_batch: u64,
    next_partition: i32,
    /// When something that waits may go.
    drain_at: Instant,
    acked: u64,
    events: Vec<Event<Vec<Batch>>>,
}

impl Producer {
    /// A producer that begins now.
    pub fn new(
        client: &ClientConfig,
        config: ProducerConfig,
        cx: &mut Context<'_, ClientNote>,
    ) -> Self {
        let metadata = Metadata::new(
            Some(&config.topic),
            &client.bootstrap,
            config.retry_backoff,
            config.metadata_age_max,
        );
        let settings = Settings {
            client_id: client.id.clone(),
            preset: client.preset,
            request_timeout: config.request_timeout,
            in_flight_max: config.in_flight_max.max(1) as usize,
        };
        let origin = format!("{} {}", cx.wall().as_micros(), client.id);
        let load = Load::new(config.records, config.bytes, &origin);
        let patience = Patience {
            linger: config.linger,
            portions_max: load.portions_in(u64::from(config.batch_bytes)),
            retry_backoff: config.retry_backoff,
            delivery_timeout: config.delivery_timeout,
            in_order: config.in_flight_max <= 1,
        };
        Self {
            topic: StrBytes::from_string(config.topic.to_string()),
            network: Network::new(settings, metadata),
            accumulator: Accumulator::new(patience),
            load,
            next_at: cx.now(),
            held_up: false,
            next_batch: 0,
            next_partition: 0,
            drain_at: Instant::NEVER,
            acked: 0,
            events: Vec::new(),
            config,
        }
    }

    /// Takes an input.
    pub fn handle(&mut self, input: &Input, cx: &mut Context<'_, ClientNote>) {
        let mut events = std::mem::take(&mut self.events);
        self.network.handle(input, cx, &mut events);
        let mut drain = !events.is_empty() || self.drain_at <= cx.now();
        for event in events.drain(..) {
            match event {
                Event::Answered { tag, response, .. } => self.answered(tag, response, cx),
                Event::Lost { tag, why, .. } => {
                    for batch in tag {
                        self.failed(batch, why, cx);
                    }
                }
                Event::Ready | Event::Learned => {}
            }
        }
        self.events = events;
        self.expire(cx);
        drain |= self.hand_over(cx);
        if drain {
            self.drain(cx);
        }
        self.network.refresh(cx);
    }

    /// When it wants to be given an input.
    pub fn wake_at(&self) -> Instant {
        let next = if self.held_up || self.is_done() { Instant::NEVER } else { self.next_at };
        next.min(self.drain_at).min(self.accumulator.expires_at()).min(self.network.wake_at())
    }

    /// What can be seen of it.
    pub fn view(&self) -> View {
        View { waiting: self.accumulator.open(), acked: self.acked, ..View::default() }
    }

    fn is_done(&self) -> bool {
        self.config.batches_max.is_some_and(|max| self.next_batch >= max)
    }

    fn partition(&self, partition: i32) -> TopicPartition {
        TopicPartition { topic: Arc::clone(&self.config.topic), partition }
    }

    /// Hands over a batch if one is due. Returns whether it was. What was missed while the application was held up, or
    /// the process paused, is not caught up on.
    fn hand_over(&mut self, cx: &mut Context<'_, ClientNote>) -> bool {
        let now = cx.now();
        if self.next_at > now || self.is_done() {
            return false;
        }
        let used = self.accumulator.portions() * self.load.batch_bytes();
        let room = used == 0 || used + self.load.batch_bytes() <= self.config.buffer_bytes;
        let partition = if room { self.choose_partition() } else { None };
        self.held_up = partition.is_none();
        let Some(partition) = partition else { return false };
        let every = self.config.every.max(Duration::from_micros(1));
        self.next_at += every;
        if self.next_at <= now {
            self.next_at = now + every;
        }
        let portion = Portion { number: self.next_batch, wall_ms: cx.wall().as_millis() };
        self.next_batch += 1;
        if self.accumulator.gather(partition, portion) {
            return true;
        }
        let mut batch = Batch {
            number: portion.number,
            partition,
            gathers: Vec::new(),
            records: self.config.records,
            bytes: Bytes::new(),
            crc: 0,
            created: now,
            attempts: 0,
            waits_since: now,
        };
        if self.accumulator.is_empty(partition) {
            (batch.bytes, batch.crc) = self.load.batch(portion.number, portion.wall_ms);
            self.produced(&batch, cx);
        } else {
            batch.gathers.push(portion);
        }
        self.accumulator.append(batch);
        true
    }

    fn produced(&self, batch: &Batch, cx: &mut Context<'_, ClientNote>) {
        cx.note(ClientNote::Produced {
            partition: self.partition(batch.partition),
            batch: batch.number,
            records: batch.records,
            crc: batch.crc,
        });
    }

    /// Puts what a batch has gathered into bytes: from now on it stays as it is.
    fn close(&self, batch: &mut Batch, cx: &mut Context<'_, ClientNote>) {
        if batch.gathers.is_empty() {
            return;
        }
        (batch.bytes, batch.crc) = self.load.batch_of(&batch.gathers);
        batch.records = self.config.records.max(1) * batch.gathers.len() as u32;
        batch.gathers = Vec::new();
        self.produced(batch, cx);
    }

    /// The partition whose turn it is, once the topic is known.
    fn choose_partition(&mut self) -> Option<i32> {
        let known = self.network.metadata.partitions();
        if let Some(partition) = self.config.partition {
            return known.contains_key(&partition).then_some(partition);
        }
        let next = known.range(self.next_partition..).chain(known).next();
        let partition = next.map(|(partition, _)| *partition)?;
        self.next_partition = partition.saturating_add(1);
        Some(partition)
    }

    fn expire(&mut self, cx: &mut Context<'_, ClientNote>) {
        while let Some((number, partition, waiting)) = self.accumulator.expire(cx.now()) {
            if let Some(mut batch) = waiting {
                self.close(&mut batch, cx);
            }
            let batch = number;
            let partition = self.partition(partition);
            cx.note(ClientNote::GaveUp { partition, batch, because: Failure::Expired });
        }
    }

    /// Sends whatever may go: to each leader that takes requests, one request with at most one batch per partition, and
    /// again while there is more.
    fn drain(&mut self, cx: &mut Context<'_, ClientNote>) {
        let now = cx.now();
        loop {
            self.drain_at = Instant::NEVER;
            let mut requests: Vec<(BrokerId, usize, Vec<i32>)> = Vec::new();
            for partition in self.accumulator.waiting().iter().copied() {
                let Some(due) = self.accumulator.due_at(partition) else { continue };
                let Some(leader) = self.network.metadata.leader(partition) else {
                    self.network.metadata.want();
                    continue;
                };
                if due > now {
                    self.drain_at = self.drain_at.min(due);
                    continue;
                }
                let bytes = self.accumulator.first_bytes(partition, self.load.batch_bytes());
                match requests.iter_mut().find(|(node, ..)| *node == leader) {
                    Some((_, size, partitions)) if *size + bytes <= REQUEST_BYTES_MAX => {
                        *size += bytes;
                        partitions.push(partition);
                    }
                    Some(_) => {}
                    None => requests.push((leader, bytes, vec![partition])),
                }
            }
            let mut sent = false;
            for (leader, _, partitions) in requests {
                if self.network.is_ready(leader, cx) {
                    self.send(leader, &partitions, cx);
                    sent = true;
                }
            }
            if !sent {
                return;
            }
        }
    }

    fn send(&mut self, leader: BrokerId, partitions: &[i32], cx: &mut Context<'_, ClientNote>) {
        let taken = partitions.iter().filter_map(|partition| self.accumulator.take(*partition));
        let mut batches: Vec<Batch> = taken.collect();
        for batch in &mut batches {
            self.close(batch, cx);
        }
        let data = batches.iter().map(|batch| {
            PartitionProduceData::default()
                .with_index(batch.partition)
                .with_records(Some(batch.bytes.clone()))
        });
        let topic = TopicProduceData::default()
            .with_name(m::TopicName(self.topic.clone()))
            .with_partition_data(data.collect());
        let request = m::ProduceRequest::default()
            .with_acks(self.config.acks)
            .with_timeout_ms(
                i32::try_from(self.config.request_timeout.as_millis()).unwrap_or(i32::MAX),
            )
            .with_topic_data(vec![topic]);
        for batch in &batches {
            let partition = self.partition(batch.partition);
            cx.note(ClientNote::Sent { partition, batch: batch.number, to: leader });
        }
        let request = Request::Produce(request);
        if self.config.acks == 0 {
            self.network.send(leader, &request, None, cx);
            for batch in &batches {
                self.acked(batch, Offset::UNKNOWN, cx);
            }
        } else {
            self.network.send(leader, &request, Some(batches), cx);
        }
    }

    /// A batch of which the answer says nothing is left to its delivery time-out.
    fn answered(
        &mut self,
        mut batches: Vec<Batch>,
        response: Response,
        cx: &mut Context<'_, ClientNote>,
    ) {
        let Response::Produce(response) = response else { return };
        let answers = response.responses.iter().flat_map(|topic| &topic.partition_responses);
        for answer in answers {
            let asked = batches.iter().position(|batch| batch.partition == answer.index);
            let Some(asked) = asked else { continue };
            let batch = batches.swap_remove(asked);
            match answer.error_code {
                error::NONE => self.acked(&batch, Offset(answer.base_offset), cx),
                code => self.failed(batch, Failure::Error(code), cx),
            }
        }
    }

    fn acked(&mut self, batch: &Batch, base: Offset, cx: &mut Context<'_, ClientNote>) {
        if !self.accumulator.close(batch) {
            return;
        }
        self.acked += 1;
        cx.note(ClientNote::Acked {
            partition: self.partition(batch.partition),
            batch: batch.number,
            base,
            records: batch.records,
            crc: batch.crc,
            acks: self.config.acks,
        });
    }

    /// It is sent again if the failure may pass and the batch has attempts and time left.
    fn failed(&mut self, batch: Batch, because: Failure, cx: &mut Context<'_, ClientNote>) {
        let (retriable, outdated) = match because {
            Failure::Error(code) => (errors::is_retriable(code), errors::is_invalid_metadata(code)),
            _ => (true, true),
        };
        if outdated {
            self.network.metadata.want();
        }
        if !self.accumulator.is_open(&batch) {
            self.accumulator.close(&batch);
            return;
        }
        let partition = self.partition(batch.partition);
        let number = batch.number;
        let in_time = batch.created + self.config.delivery_timeout > cx.now();
        if retriable && in_time && batch.attempts < self.config.retries {
            cx.note(ClientNote::Retrying { partition, batch: number, because });
            self.accumulator.append_again(batch, cx.now());
        } else {
            self.accumulator.close(&batch);
            cx.note(ClientNote::GaveUp { partition, batch: number, because });
        }
    }
}
