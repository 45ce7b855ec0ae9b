//! What a consumer makes of answers: records and where they end, beginnings and ends of partitions, ends of epochs.

use kafka_protocol::messages as m;
use kafka_protocol::messages::fetch_response::PartitionData;
use machine::Context;

use super::{Asked, Consumer, Position, Stage};
use crate::client::errors;
use crate::id::{BrokerId, LeaderEpoch, Offset};
use crate::note::{ClientNote, Failure};
use crate::wire::{Response, batch, error};

impl Consumer {
    pub(super) fn answered(
        &mut self,
        node: BrokerId,
        asked: Asked,
        response: Response,
        cx: &mut Context<'_, ClientNote>,
    ) {
        match (asked, response) {
            (Asked::Fetch, Response::Fetch(answer)) => self.fetched(node, &answer, cx),
            (Asked::Ends(asked), Response::ListOffsets(answer)) => self.ends(asked, &answer, cx),
            (Asked::Epochs(asked), Response::OffsetForLeaderEpoch(answer)) => {
                self.epochs(asked, &answer, cx);
            }
            _ => {}
        }
    }

    /// A request was lost.
    pub(super) fn lost(
        &mut self,
        node: BrokerId,
        asked: Asked,
        because: Failure,
        cx: &mut Context<'_, ClientNote>,
    ) {
        cx.note(ClientNote::FetchFailed { partition: None, because });
        match asked {
            Asked::Fetch => {
                if let Some(session) = self.sessions.get_mut(&node) {
                    session.lost();
                }
            }
            Asked::Ends(partitions) | Asked::Epochs(partitions) => {
                for partition in partitions {
                    self.rest(partition, cx);
                }
            }
        }
    }

    fn fetched(
        &mut self,
        node: BrokerId,
        answer: &m::FetchResponse,
        cx: &mut Context<'_, ClientNote>,
    ) {
        let Some(session) = self.sessions.get_mut(&node) else { return };
        session.answered(answer.error_code, answer.session_id);
        if answer.error_code != error::NONE {
            let because = Failure::Error(answer.error_code);
            cx.note(ClientNote::FetchFailed { partition: None, because });
            return;
        }
        for data in answer.responses.iter().flat_map(|topic| &topic.partitions) {
            let partition = data.partition_index;
            let asked_at = self.sessions.get(&node).and_then(|session| session.asked_at(partition));
            let stage = self.assigned.get(&partition).map(|assigned| assigned.stage);
            let (Some(asked_at), Some(Stage::Fetching(position))) = (asked_at, stage) else {
                continue;
            };
            // An answer to a question about a former position says nothing.
            if asked_at == position.offset {
                match data.error_code {
                    error::NONE => self.consume(node, partition, position, data, cx),
                    code => self.refused(partition, code, cx),
                }
            }
        }
    }

    /// Takes the batches of one partition, in order, up to the first that is damaged. Whole batches below what was asked for
    /// are skipped. What comes twice within one answer is passed on as it came: the Java client would hide it, but no broker
    /// may do that, and CR-2 is to see it.
    fn consume(
        &mut self,
        node: BrokerId,
        partition: i32,
        mut position: Position,
        data: &PartitionData,
        cx: &mut Context<'_, ClientNote>,
    ) {
        let Some(records) = data.records.as_ref().filter(|records| !records.is_empty()) else {
            return;
        };
        let before = position.offset;
        let (batches, mut damaged) = match batch::split(records) {
            Ok(batches) => (batches, None),
            Err(_) => (Vec::new(), Some(position.offset)),
        };
        for (header, bytes) in batches {
            if header.last() < before {
                continue;
            }
            if !batch::is_whole(&bytes) || header.last() < header.base {
                damaged = Some(header.base);
                break;
            }
            if !header.is_control() {
                cx.note(ClientNote::Consumed {
                    partition: self.partition(partition),
                    base: header.base,
                    last: header.last(),
                    crc: header.crc,
                });
            }
            position.offset = position.offset.max(header.next());
            position.epoch = header.epoch;
        }
        if position.offset != before {
            let assigned = self.assigned.get_mut(&partition).expect("it is being fetched");
            assigned.stage = Stage::Fetching(position);
            if let Some(session) = self.sessions.get_mut(&node) {
                session.join(partition);
            }
        }
        if let Some(base) = damaged {
            cx.note(ClientNote::CorruptBatch { partition: self.partition(partition), base });
        }
        // Nor is a broker asked again at once that has sent records in vain.
        if damaged.is_some() || position.offset == before {
            self.rest(partition, cx);
        }
    }

    /// A broker said no to a question about this partition.
    fn refused(&mut self, partition: i32, code: i16, cx: &mut Context<'_, ClientNote>) {
        cx.note(ClientNote::FetchFailed {
            partition: Some(self.partition(partition)),
            because: Failure::Error(code),
        });
        if code == error::OFFSET_OUT_OF_RANGE {
            let assigned = self.assigned.get_mut(&partition).expect("it was asked for");
            assigned.stage = Stage::Lost { reset: true };
            self.settle(partition, cx);
            return;
        }
        let outdated = [error::OFFSET_NOT_AVAILABLE, error::UNKNOWN_LEADER_EPOCH].contains(&code);
        if outdated || errors::is_invalid_metadata(code) {
            self.network.metadata.want();
        }
        self.rest(partition, cx);
    }

    /// Beginnings or ends were told.
    fn ends(
        &mut self,
        mut asked: Vec<i32>,
        answer: &m::ListOffsetsResponse,
        cx: &mut Context<'_, ClientNote>,
    ) {
        for told in answer.topics.iter().flat_map(|topic| &topic.partitions) {
            let partition = told.partition_index;
            let Some(place) = asked.iter().position(|asked| *asked == partition) else { continue };
            asked.swap_remove(place);
            if told.error_code != error::NONE || told.offset < 0 {
                self.refused(partition, told.error_code, cx);
                continue;
            }
            let Some(assigned) = self.assigned.get_mut(&partition) else { continue };
            let Stage::Lost { reset } = assigned.stage else { continue };
            let position = Position {
                offset: Offset(told.offset),
                epoch: LeaderEpoch(told.leader_epoch),
                sure_in: self.network.metadata.epoch(partition),
            };
            self.stand(partition, position, Some(reset), cx);
        }
        for partition in asked {
            self.rest(partition, cx);
        }
    }

    /// Ends of epochs were told: where an epoch ends before the position, the log was truncated, and the consumer goes on
    /// at the first offset that may be another than the one it knew. Where nothing is known of the epoch, it begins anew.
    fn epochs(
        &mut self,
        mut asked: Vec<i32>,
        answer: &m::OffsetForLeaderEpochResponse,
        cx: &mut Context<'_, ClientNote>,
    ) {
        for told in answer.topics.iter().flat_map(|topic| &topic.partitions) {
            let partition = told.partition;
            let Some(place) = asked.iter().position(|asked| *asked == partition) else { continue };
            asked.swap_remove(place);
            if told.error_code != error::NONE {
                self.refused(partition, told.error_code, cx);
                continue;
            }
            let Some(assigned) = self.assigned.get_mut(&partition) else { continue };
            let Stage::Doubting(position) = assigned.stage else { continue };
            let sure_in = self.network.metadata.epoch(partition);
            if told.end_offset < 0 || told.leader_epoch < 0 {
                assigned.stage = Stage::Lost { reset: true };
                self.settle(partition, cx);
            } else if told.end_offset < position.offset.0 {
                let epoch = LeaderEpoch(told.leader_epoch);
                let position = Position { offset: Offset(told.end_offset), epoch, sure_in };
                self.stand(partition, position, Some(true), cx);
            } else {
                self.stand(partition, Position { sure_in, ..position }, None, cx);
            }
        }
        for partition in asked {
            self.rest(partition, cx);
        }
    }

    /// From here the partition is fetched; `reset` is said if the position is a new one.
    fn stand(
        &mut self,
        partition: i32,
        position: Position,
        reset: Option<bool>,
        cx: &mut Context<'_, ClientNote>,
    ) {
        let assigned = self.assigned.get_mut(&partition).expect("it was asked for");
        assigned.stage = Stage::Fetching(position);
        if let Some(reset) = reset {
            let at = position.offset;
            cx.note(ClientNote::Positioned { partition: self.partition(partition), at, reset });
        }
        self.settle(partition, cx);
    }
}
