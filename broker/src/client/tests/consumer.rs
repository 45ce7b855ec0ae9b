//! A consumer and brokers that have records, move leaderships, and lose what they had.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages as m;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use machine::{Conn, Duration};

use super::scripted::{Stage, consumer, metadata, name};
use crate::client::Kind;
use crate::id::{LeaderEpoch, Offset};
use crate::mechanism::Preset;
use crate::wire::batch::{self, Record};
use crate::wire::{Api, error};

fn stage() -> Stage {
    Stage::new(Preset::V2_5, Kind::Consumer(consumer()))
}

/// A batch of two records at this offset in this epoch.
fn records(base: i64, epoch: i32) -> Bytes {
    let value = Some(Bytes::from_static(b"value"));
    let record = Record { timestamp: 1_600_000_000_000, key: None, value };
    let mut bytes = BytesMut::from(&batch::build(&[record.clone(), record])[..]);
    batch::stamp(&mut bytes, Offset(base), LeaderEpoch(epoch));
    bytes.freeze()
}

fn fetched(session: i32, parts: Vec<(i32, i16, Bytes)>) -> m::FetchResponse {
    let parts = parts.into_iter().map(|(index, code, bytes)| {
        let part = PartitionData::default().with_partition_index(index).with_error_code(code);
        part.with_records(Some(bytes))
    });
    let topic = FetchableTopicResponse::default().with_topic(name("orders"));
    let topic = topic.with_partitions(parts.collect());
    m::FetchResponse::default().with_session_id(session).with_responses(vec![topic])
}

fn begins(partition: i32, offset: i64, epoch: i32) -> m::ListOffsetsResponse {
    let part = ListOffsetsPartitionResponse::default().with_partition_index(partition);
    let part = part.with_offset(offset).with_leader_epoch(epoch).with_timestamp(-1);
    let topic = ListOffsetsTopicResponse::default().with_name(name("orders"));
    m::ListOffsetsResponse::default().with_topics(vec![topic.with_partitions(vec![part])])
}

fn epoch_ends(epoch: i32, offset: i64) -> m::OffsetForLeaderEpochResponse {
    let part = EpochEndOffset::default().with_partition(0);
    let part = part.with_leader_epoch(epoch).with_end_offset(offset);
    let topic = OffsetForLeaderTopicResult::default().with_topic(name("orders"));
    m::OffsetForLeaderEpochResponse::default().with_topics(vec![topic.with_partitions(vec![part])])
}

/// A consumer that has consumed offsets 0 to 3 of orders-0 from broker 1 in epoch 0, and the stream to it.
fn underway() -> (Stage, Conn) {
    let mut stage = stage();
    stage.introduce(metadata(&[(1, 0)]));
    let leader = stage.welcome();
    stage.answer(leader, begins(0, 0, 0));
    let both = [records(0, 0), records(2, 0)].concat();
    stage.answer(leader, fetched(77, vec![(0, error::NONE, both.into())]));
    (stage, leader)
}

#[test]
fn it_begins_at_the_beginning_and_fetches_in_a_session() {
    let (mut stage, leader) = underway();
    stage.bench.remark("nothing new");
    stage.answer(leader, m::FetchResponse::default().with_session_id(77));
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn a_position_that_does_not_exist_is_reset() {
    let (mut stage, leader) = underway();
    stage.bench.take();
    stage.answer(leader, fetched(77, vec![(0, error::OFFSET_OUT_OF_RANGE, Bytes::new())]));
    stage.answer(leader, begins(0, 2, 0));
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn damaged_records_are_said_and_asked_for_again() {
    let (mut stage, leader) = underway();
    let mut damaged = BytesMut::from(&records(4, 0)[..]);
    let last = damaged.len() - 2;
    damaged[last] ^= 1;
    stage.bench.take();
    stage.answer(leader, fetched(77, vec![(0, error::NONE, damaged.freeze())]));
    stage.bench.advance(Duration::from_millis(100));
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn batches_below_the_position_are_not_consumed_again() {
    let (mut stage, leader) = underway();
    let twice = [records(2, 0), records(4, 0)].concat();
    stage.bench.take();
    stage.answer(leader, fetched(77, vec![(0, error::NONE, twice.into())]));
    let text = stage.bench.take();
    assert!(!text.contains("orders-0:2..3") && text.contains("orders-0:4..5"), "{text}");
    let nothing = stage.open(leader).len();
    stage.answer(leader, fetched(77, vec![(0, error::NONE, records(0, 0))]));
    stage.bench.advance(Duration::from_millis(50));
    assert_eq!(
        stage.open(leader).len(),
        nothing - 1,
        "a broker that sends old records is given a rest"
    );
}

#[test]
fn what_one_answer_holds_twice_is_seen_twice() {
    let (mut stage, leader) = underway();
    let twice = [records(4, 0), records(4, 0)].concat();
    stage.bench.take();
    stage.answer(leader, fetched(77, vec![(0, error::NONE, twice.into())]));
    let text = stage.bench.take();
    assert_eq!(text.matches("consumes orders-0:4..5").count(), 2, "{text}");
    assert!(text.contains("orders-0@6"), "{text}");
}

#[test]
fn after_a_change_of_leadership_the_position_is_validated_before_more_is_fetched() {
    let (mut stage, leader) = underway();
    stage.bench.advance(Duration::from_secs(1));
    stage.bench.take();
    stage.answer(leader, fetched(77, vec![(0, error::FENCED_LEADER_EPOCH, Bytes::new())]));
    stage.tell(metadata(&[(2, 3)]));
    stage.bench.advance(Duration::from_millis(100));
    let leader = stage.asked(Api::OffsetForLeaderEpoch);
    stage.answer(leader, epoch_ends(0, 4));
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn a_truncated_log_takes_the_consumer_back_to_where_it_differs() {
    let (mut stage, leader) = underway();
    stage.bench.advance(Duration::from_secs(1));
    stage.answer(leader, fetched(77, vec![(0, error::NOT_LEADER_FOR_PARTITION, Bytes::new())]));
    stage.tell(metadata(&[(2, 1)]));
    stage.bench.advance(Duration::from_millis(100));
    let leader = stage.asked(Api::OffsetForLeaderEpoch);
    stage.bench.take();
    stage.answer(leader, epoch_ends(0, 2));
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn a_lost_session_is_begun_anew() {
    let (mut stage, leader) = underway();
    stage.bench.take();
    let gone = error::FETCH_SESSION_ID_NOT_FOUND;
    stage.answer(leader, m::FetchResponse::default().with_error_code(gone));
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn partitions_of_several_leaders_are_fetched_from_each() {
    let mut stage = stage();
    stage.introduce(metadata(&[(1, 0), (2, 0)]));
    let dialled: Vec<Conn> = stage.bench.dialled().iter().map(|(conn, _)| *conn).collect();
    assert_eq!(dialled.len(), 3, "bootstrap and both leaders");
}
