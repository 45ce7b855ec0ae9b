//! Answers to fetches: all partitions in a full one, only those with something new in an incremental one.

use kafka_protocol::messages as m;
use kafka_protocol::messages::fetch_response as response;

use super::fetch::{Fetching, Gathered, Reading};
use super::sessions::Entry;
use super::turn::Turn;
use super::{ReplicaEvent, Replicas, RequestId};
use crate::id::Offset;
use crate::note::Note;
use crate::wire::{Response, error};

impl Replicas {
    /// Answers, and remembers in the session what was told.
    pub(super) fn answer_fetch(
        &mut self,
        fetch: &Fetching,
        found: Gathered,
        turn: &mut Turn<'_, '_, '_>,
    ) {
        self.watch_found(fetch.session, &found.readings);
        let Some(session) = self.sessions.get_mut(fetch.session) else { return };
        let mut topics: Vec<response::FetchableTopicResponse> = Vec::new();
        let mut last = Vec::new();
        session.sweep();
        session.queue.clear();
        for reading in found.readings {
            let entry = &mut session.entries[reading.entry as usize];
            let tells = reading.tells(entry);
            entry.dirty = reading.unsettled;
            entry.told = reading.high_watermark;
            entry.told_start = reading.start;
            match (entry.dirty, reading.records.is_empty()) {
                (false, _) => {}
                (true, true) => session.queue.push_back(reading.entry),
                // Whoever was served goes to the end of the queue, so that everybody is.
                (true, false) => last.push(reading.entry),
            }
            let partition = reading.slot.and_then(|slot| self.held.get_mut(slot));
            if let Some(partition) = partition {
                say_refused(&reading, partition, turn);
                let remote = partition.leader_mut().and_then(|it| it.remote_mut(fetch.replica));
                if let Some(remote) = remote.filter(|_| reading.error == error::NONE) {
                    remote.told = reading.high_watermark;
                }
            }
            if !fetch.full && !tells {
                continue;
            }
            let name = entry.name.clone();
            let data = partition_data(reading, entry, fetch);
            match topics.last_mut().filter(|topic| topic.topic == name) {
                Some(topic) => topic.partitions.push(data),
                None => topics.push(
                    response::FetchableTopicResponse::default()
                        .with_topic(name)
                        .with_partitions(vec![data]),
                ),
            }
        }
        session.queue.extend(last);
        let body = m::FetchResponse::default().with_session_id(session.id).with_responses(topics);
        let over = !session.is_incremental() || session.is_empty();
        turn.events.push(ReplicaEvent::Answer(fetch.id, Response::Fetch(body)));
        if over {
            self.end_session(fetch.session, turn);
        }
    }

    /// The session of the request is not what the request takes it for.
    pub(super) fn answer_session_error(id: RequestId, code: i16, turn: &mut Turn<'_, '_, '_>) {
        let body = m::FetchResponse::default().with_error_code(code);
        turn.events.push(ReplicaEvent::Answer(id, Response::Fetch(body)));
    }
}

fn partition_data(reading: Reading, entry: &Entry, fetch: &Fetching) -> response::PartitionData {
    let stable = reading.high_watermark;
    response::PartitionData::default()
        .with_partition_index(entry.partition)
        .with_error_code(reading.error)
        .with_high_watermark(reading.high_watermark.0)
        .with_last_stable_offset(stable.0)
        .with_log_start_offset(reading.start.0)
        .with_aborted_transactions(fetch.read_committed.then(Vec::new))
        .with_records(Some(reading.records))
}

fn say_refused(
    reading: &Reading,
    partition: &super::partition::Partition,
    turn: &mut Turn<'_, '_, '_>,
) {
    let error = match reading.error {
        error::NOT_LEADER_FOR_PARTITION => "NOT_LEADER_FOR_PARTITION",
        error::FENCED_LEADER_EPOCH => "FENCED_LEADER_EPOCH",
        error::UNKNOWN_LEADER_EPOCH => "UNKNOWN_LEADER_EPOCH",
        error::OFFSET_OUT_OF_RANGE => "OFFSET_OUT_OF_RANGE",
        _ => return,
    };
    debug_assert!(reading.high_watermark == Offset::UNKNOWN, "an error tells nothing");
    turn.cx.note(Note::Refused { partition: partition.id.clone(), error });
}
