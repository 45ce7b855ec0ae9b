//! Questions about a log's offsets: first, last and by time (ListOffsets), and where leader epochs end
//! (OffsetForLeaderEpoch).
//!
//! Both wait for frozen partitions with their handler. Sources: `Partition.fetchOffsetForTimestamp`, KIP-207,
//! `Partition.lastOffsetForLeaderEpoch`.

use kafka_protocol::messages as m;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response as listed;
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response as ended;

use super::partition::Partition;
use super::purgatory::{Job, Stall};
use super::turn::Turn;
use super::{ReplicaEvent, Replicas, RequestId};
use crate::id::{LeaderEpoch, Offset};
use crate::log::{Log, LogError};
use crate::note::Note;
use crate::wire::{Response, error};

/// The timestamp that means the last offset.
pub(super) const LATEST: i64 = -1;
/// The timestamp that means the first offset.
pub(super) const EARLIEST: i64 = -2;

/// A question under way.
#[derive(Debug)]
pub(super) struct Lookup {
    id: RequestId,
    version: i16,
    what: What,
}

#[derive(Debug)]
enum What {
    Offsets(m::ListOffsetsRequest),
    Epochs(m::OffsetForLeaderEpochRequest),
}

impl Lookup {
    /// First, last, by time.
    pub fn offsets(id: RequestId, request: m::ListOffsetsRequest, version: i16) -> Self {
        Self { id, version, what: What::Offsets(request) }
    }

    /// Where epochs end.
    pub fn epochs(id: RequestId, request: m::OffsetForLeaderEpochRequest, version: i16) -> Self {
        Self { id, version, what: What::Epochs(request) }
    }
}

/// What ListOffsets finds.
#[derive(Clone, Copy, Debug)]
struct Found {
    timestamp: i64,
    offset: Offset,
    epoch: LeaderEpoch,
}

impl Replicas {
    /// Answers a question, or waits with its handler.
    pub(super) fn look_up(&mut self, lookup: Lookup, turn: &mut Turn<'_, '_, '_>) {
        let answer = match &lookup.what {
            What::Offsets(request) => self.list(request, lookup.version, turn),
            What::Epochs(request) => self.ends(request, lookup.version, turn),
        };
        match answer {
            Ok(response) => turn.events.push(ReplicaEvent::Answer(lookup.id, response)),
            Err(stall) => self.stalled.put(lookup.id, Job::Lookup(lookup), stall),
        }
    }

    fn list(
        &self,
        request: &m::ListOffsetsRequest,
        version: i16,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<Response, Stall> {
        // Replicas see the log end, clients what is committed.
        let client = request.replica_id.0 < 0;
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for asked in &topic.partitions {
                let found = self.list_one(&topic.name, asked, client, turn)?;
                partitions.push(listed_answer(asked, found, version));
            }
            topics.push(
                listed::ListOffsetsTopicResponse::default()
                    .with_name(topic.name.clone())
                    .with_partitions(partitions),
            );
        }
        Ok(Response::ListOffsets(m::ListOffsetsResponse::default().with_topics(topics)))
    }

    /// The outer error is a reason to wait, the inner one a code.
    fn list_one(
        &self,
        topic: &str,
        asked: &ListOffsetsPartition,
        client: bool,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<Result<Option<Found>, i16>, Stall> {
        let epoch = LeaderEpoch(asked.current_leader_epoch);
        let (partition, log) = match self.led(topic, asked.partition_index, epoch, turn)? {
            Ok(led) => led,
            Err(code) => return Ok(Err(code)),
        };
        let end = if client { partition.high_watermark } else { partition.log_end };
        // Before a new leader's high watermark has passed its epoch's start, it may be behind what was served before.
        let lags = client
            && partition.leader().is_some_and(|it| it.epoch_start > partition.high_watermark);
        let found = |timestamp, offset, epoch| Ok(Ok(Some(Found { timestamp, offset, epoch })));
        match asked.timestamp {
            LATEST if lags => Ok(Err(error::OFFSET_NOT_AVAILABLE)),
            LATEST => found(-1, end, partition.epoch),
            EARLIEST => found(-1, log.start(), epoch_at(log, log.start())),
            timestamp => match log.offset_at(timestamp, turn.cx) {
                Ok(Some((at, offset))) if offset < end => found(at, offset, epoch_at(log, offset)),
                Ok(_) if lags => Ok(Err(error::OFFSET_NOT_AVAILABLE)),
                Ok(_) => Ok(Ok(None)),
                Err(LogError::Disk(machine::DiskError::WouldBlock(ticket))) => {
                    Err(Stall::Disk(ticket))
                }
                Err(LogError::Disk(_)) => Ok(Err(error::KAFKA_STORAGE_ERROR)),
                Err(_) => Ok(Err(error::CORRUPT_MESSAGE)),
            },
        }
    }

    fn ends(
        &self,
        request: &m::OffsetForLeaderEpochRequest,
        version: i16,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<Response, Stall> {
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for asked in &topic.partitions {
                partitions.push(self.end_of(&topic.topic, asked, version, turn)?);
            }
            topics.push(
                ended::OffsetForLeaderTopicResult::default()
                    .with_topic(topic.topic.clone())
                    .with_partitions(partitions),
            );
        }
        let body = m::OffsetForLeaderEpochResponse::default().with_topics(topics);
        Ok(Response::OffsetForLeaderEpoch(body))
    }

    fn end_of(
        &self,
        topic: &str,
        asked: &OffsetForLeaderPartition,
        version: i16,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<ended::EpochEndOffset, Stall> {
        let epoch = LeaderEpoch(asked.current_leader_epoch);
        let (code, (epoch, end)) = match self.led(topic, asked.partition, epoch, turn)? {
            Ok((_, log)) => (error::NONE, log.end_of_epoch(LeaderEpoch(asked.leader_epoch))),
            Err(code) => (code, (LeaderEpoch::UNKNOWN, Offset::UNKNOWN)),
        };
        // Before KIP-279 the answer does not say of which epoch it speaks.
        let epoch = if version < 1 { LeaderEpoch::UNKNOWN } else { epoch };
        Ok(ended::EpochEndOffset::default()
            .with_error_code(code)
            .with_partition(asked.partition)
            .with_leader_epoch(epoch.0)
            .with_end_offset(end.0))
    }

    /// A partition this broker leads, for whoever believes in this epoch, with its log.
    fn led(
        &self,
        topic: &str,
        number: i32,
        epoch: LeaderEpoch,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<Result<(&Partition, &Log), i16>, Stall> {
        let held = self.held.find(topic, number).and_then(|slot| self.held.get(slot));
        let Some(partition) = held else {
            return Ok(Err(match turn.door.metadata.partition(topic, number) {
                Some(_) => error::NOT_LEADER_FOR_PARTITION,
                None => error::UNKNOWN_TOPIC_OR_PARTITION,
            }));
        };
        if partition.is_frozen() {
            return Err(Stall::Frozen);
        }
        if self.offline {
            return Ok(Err(error::KAFKA_STORAGE_ERROR));
        }
        if let Err(code) = self.check_leader(partition, epoch) {
            let error = match code {
                error::FENCED_LEADER_EPOCH => "FENCED_LEADER_EPOCH",
                error::UNKNOWN_LEADER_EPOCH => "UNKNOWN_LEADER_EPOCH",
                _ => "NOT_LEADER_FOR_PARTITION",
            };
            turn.cx.note(Note::Refused { partition: partition.id.clone(), error });
            return Ok(Err(code));
        }
        let log = self.logs.get(&partition.id);
        Ok(log.map(|log| (partition, log)).ok_or(error::KAFKA_STORAGE_ERROR))
    }
}

/// The epoch in which an offset was written, as far as the cache knows.
fn epoch_at(log: &Log, offset: Offset) -> LeaderEpoch {
    let before = log.epochs().iter().rev().find(|(_, start)| *start <= offset);
    before.map_or(LeaderEpoch::UNKNOWN, |(epoch, _)| *epoch)
}

fn listed_answer(
    asked: &ListOffsetsPartition,
    found: Result<Option<Found>, i16>,
    version: i16,
) -> listed::ListOffsetsPartitionResponse {
    let answer = listed::ListOffsetsPartitionResponse::default()
        .with_partition_index(asked.partition_index)
        .with_timestamp(-1)
        .with_offset(-1);
    match found {
        // Clients of older versions do not know this error (KIP-207).
        Err(error::OFFSET_NOT_AVAILABLE) if version < 5 => {
            answer.with_error_code(error::LEADER_NOT_AVAILABLE)
        }
        Err(code) => answer.with_error_code(code),
        Ok(None) => answer,
        Ok(Some(found)) if version == 0 => answer.with_old_style_offsets(vec![found.offset.0]),
        Ok(Some(found)) => {
            let answer = answer.with_timestamp(found.timestamp).with_offset(found.offset.0);
            if version >= 4 { answer.with_leader_epoch(found.epoch.0) } else { answer }
        }
    }
}
