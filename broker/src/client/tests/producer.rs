//! A producer and brokers that answer, refuse, fall silent and go.

use kafka_protocol::messages as m;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use machine::{Closed, Duration};

use super::scripted::{Stage, metadata, name, producer};
use crate::client::{Kind, ProducerConfig};
use crate::mechanism::Preset;
use crate::wire::{Api, error};

fn stage(config: ProducerConfig) -> Stage {
    Stage::new(Preset::V2_5, Kind::Producer(config))
}

/// The answer for one partition of `orders`.
fn produced(partition: i32, code: i16, base: i64) -> m::ProduceResponse {
    let part = PartitionProduceResponse::default().with_index(partition);
    let part = part.with_error_code(code).with_base_offset(base);
    let topic = TopicProduceResponse::default().with_name(name("orders"));
    m::ProduceResponse::default().with_responses(vec![topic.with_partition_responses(vec![part])])
}

#[test]
fn a_batch_goes_to_the_leader_of_its_partition_and_is_acknowledged() {
    let mut stage = stage(producer());
    stage.introduce(metadata(&[(2, 0)]));
    let leader = stage.welcome();
    stage.answer(leader, produced(0, error::NONE, 7));
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn a_broker_that_does_not_lead_any_more_is_left_for_the_one_that_does() {
    let mut stage = stage(producer());
    stage.introduce(metadata(&[(1, 0)]));
    let leader = stage.welcome();
    let before = stage.produced(leader);
    stage.bench.advance(Duration::from_secs(1));
    stage.answer(leader, produced(0, error::NOT_LEADER_FOR_PARTITION, -1));
    stage.tell(metadata(&[(2, 1)]));
    stage.bench.advance(Duration::from_millis(100));
    let leader = stage.asked(Api::Produce);
    assert_eq!(stage.produced(leader), before, "a batch keeps its bytes");
    stage.answer(leader, produced(0, error::NONE, 3));
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn metadata_of_an_older_epoch_is_not_believed() {
    let mut stage = stage(producer());
    stage.introduce(metadata(&[(1, 5)]));
    let leader = stage.welcome();
    stage.bench.advance(Duration::from_secs(1));
    stage.answer(leader, produced(0, error::NOT_LEADER_FOR_PARTITION, -1));
    stage.tell(metadata(&[(2, 4)]));
    stage.bench.advance(Duration::from_millis(100));
    assert_eq!(stage.asked(Api::Produce), leader, "it stays with the leader of epoch 5");
}

#[test]
fn silence_costs_the_connection_and_the_batch_is_sent_again() {
    let mut stage = stage(producer());
    stage.introduce(metadata(&[(2, 0)]));
    stage.welcome();
    stage.bench.remark("30 s of silence");
    stage.bench.advance(Duration::from_millis(30_300));
    let leader = stage.welcome();
    stage.bench.remark("the batch may now be there twice");
    assert!(!stage.open(leader).is_empty(), "it is sent again");
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn a_batch_that_cannot_be_delivered_is_given_up_after_its_time() {
    let mut stage = stage(ProducerConfig {
        delivery_timeout: Duration::from_millis(400),
        request_timeout: Duration::from_millis(300),
        ..producer()
    });
    stage.introduce(metadata(&[(2, 0)]));
    let leader = stage.last_conn();
    stage.bench.closed(leader, Closed::Refused);
    stage.bench.advance(Duration::from_millis(60));
    let leader = stage.last_conn();
    stage.bench.closed(leader, Closed::Refused);
    stage.bench.take();
    stage.bench.remark("the delivery time-out counts from the hand-over");
    stage.bench.advance(Duration::from_millis(340));
    let text = stage.bench.take();
    assert!(text.contains("0.400s") && text.contains("gives up batch 0"), "{text}");
}

#[test]
fn what_must_not_be_tried_again_is_given_up_at_once() {
    let mut stage = stage(producer());
    stage.introduce(metadata(&[(2, 0)]));
    let leader = stage.welcome();
    stage.bench.take();
    stage.answer(leader, produced(0, error::MESSAGE_TOO_LARGE, -1));
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn retries_are_counted() {
    let mut stage = stage(ProducerConfig { retries: 1, ..producer() });
    stage.introduce(metadata(&[(2, 0)]));
    let leader = stage.welcome();
    stage.bench.take();
    stage.answer(leader, produced(0, error::NOT_ENOUGH_REPLICAS, -1));
    stage.bench.advance(Duration::from_millis(100));
    stage.answer(leader, produced(0, error::NOT_ENOUGH_REPLICAS, -1));
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn with_acks_0_nothing_is_awaited() {
    let mut stage = stage(ProducerConfig { acks: 0, ..producer() });
    stage.introduce(metadata(&[(2, 0)]));
    stage.bench.take();
    stage.welcome();
    insta::assert_snapshot!(stage.bench.take());
}

#[test]
fn no_more_requests_are_in_flight_than_allowed_and_none_overtakes_with_one() {
    for in_flight_max in [1, 5] {
        let mut stage = stage(ProducerConfig {
            in_flight_max,
            every: Duration::from_millis(10),
            batches_max: Some(20),
            batch_bytes: 0,
            ..producer()
        });
        stage.introduce(metadata(&[(2, 0)]));
        let leader = stage.welcome();
        stage.bench.advance(Duration::from_millis(500));
        assert_eq!(stage.open(leader).len(), in_flight_max as usize);
        for base in 0..20 {
            stage.answer(leader, produced(0, error::NONE, base));
            let left = 19 - base as usize;
            assert_eq!(stage.open(leader).len(), left.min(in_flight_max as usize));
        }
        let text = stage.bench.take();
        assert_eq!(text.matches("is at orders-0").count(), 20, "{text}");
    }
}

#[test]
fn a_backlog_is_gathered_and_goes_out_in_few_requests() {
    let mut stage = stage(ProducerConfig {
        every: Duration::from_millis(10),
        batches_max: Some(20),
        ..producer()
    });
    stage.introduce(metadata(&[(2, 0)]));
    stage.bench.advance(Duration::from_millis(500));
    let text = stage.bench.take();
    assert_eq!(text.matches("produces batch").count(), 1, "the first is seen waiting: {text}");
    let leader = stage.welcome();
    let text = stage.bench.take();
    assert!(text.contains("produces batch 1 of 38 for orders-0"), "{text}");
    assert_eq!(stage.open(leader).len(), 2);
    stage.answer(leader, produced(0, error::NONE, 0));
    stage.answer(leader, produced(0, error::NONE, 2));
    let text = stage.bench.take();
    assert_eq!(text.matches("is at orders-0").count(), 2, "{text}");
}

#[test]
fn an_application_that_is_held_up_hands_over_nothing_and_goes_on_when_there_is_room() {
    let mut stage = stage(ProducerConfig {
        every: Duration::from_millis(10),
        batches_max: None,
        buffer_bytes: 700,
        ..producer()
    });
    stage.introduce(metadata(&[(2, 0)]));
    let leader = stage.welcome();
    stage.bench.take();
    stage.bench.advance(Duration::from_secs(1));
    assert_eq!(stage.open(leader).len(), 4, "what fits into the buffer");
    stage.answer(leader, produced(0, error::NONE, 0));
    assert_eq!(stage.open(leader).len(), 4, "one more");
    stage.bench.advance(Duration::from_secs(1));
    assert_eq!(stage.open(leader).len(), 4, "and no more");
}

#[test]
fn partitions_have_their_turn() {
    let mut stage = stage(ProducerConfig {
        every: Duration::from_millis(10),
        batches_max: Some(4),
        ..producer()
    });
    stage.introduce(metadata(&[(2, 0), (2, 0), (2, 0)]));
    stage.welcome();
    stage.bench.advance(Duration::from_millis(100));
    let text = stage.bench.take();
    let handed: Vec<&str> = text.lines().filter(|line| line.contains("produces batch")).collect();
    insta::assert_snapshot!(handed.join("\n"));
}

#[test]
fn after_refusals_the_pause_before_the_next_attempt_doubles_up_to_a_second() {
    let mut stage = stage(producer());
    let mut gaps = Vec::new();
    for _ in 0..8 {
        let (conn, before) = (stage.last_conn(), stage.bench.now());
        stage.bench.closed(conn, Closed::Refused);
        while stage.last_conn() == conn {
            stage.bench.advance(Duration::from_millis(1));
        }
        gaps.push(stage.bench.now().since(before).as_millis());
    }
    let bounds = [50, 100, 200, 400, 800, 1_000, 1_000, 1_000];
    for (gap, bound) in gaps.iter().zip(bounds) {
        assert!((bound * 8 / 10..=bound * 12 / 10 + 51).contains(gap), "{gaps:?}");
    }
}
