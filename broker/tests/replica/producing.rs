//! Produce and fetch with two followers: what is appended, committed, acknowledged, and to whom it is shown.

use broker::mechanism::{HighWatermarkNews, Preset};
use broker::wire::Request;
use kafka_protocol::messages as m;
use machine::Duration;

use crate::stand::{Stand, name, records};

/// A produce request for one partition.
pub fn produce(topic: &str, partition: i32, acks: i16, count: usize) -> Request {
    let data = m::produce_request::PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(records("a value of no interest", count)));
    let topic = m::produce_request::TopicProduceData::default()
        .with_name(name(topic))
        .with_partition_data(vec![data]);
    m::ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(30_000)
        .with_topic_data(vec![topic])
        .into()
}

/// A fetch request: who, session id and epoch, and per partition its number, offset and leader epoch.
pub fn fetch(replica: i32, session: (i32, i32), topic: &str, of: &[(i32, i64, i32)]) -> Request {
    let partition = |(number, offset, epoch): &(i32, i64, i32)| {
        m::fetch_request::FetchPartition::default()
            .with_partition(*number)
            .with_fetch_offset(*offset)
            .with_current_leader_epoch(*epoch)
            .with_partition_max_bytes(1_048_576)
    };
    let partitions: Vec<_> = of.iter().map(partition).collect();
    let topics = match partitions.is_empty() {
        true => Vec::new(),
        false => vec![
            m::fetch_request::FetchTopic::default()
                .with_topic(name(topic))
                .with_partitions(partitions),
        ],
    };
    m::FetchRequest::default()
        .with_replica_id(m::BrokerId(replica))
        .with_max_wait_ms(500)
        .with_min_bytes(1)
        .with_max_bytes(10_485_760)
        .with_session_id(session.0)
        .with_session_epoch(session.1)
        .with_topics(topics)
        .into()
}

/// What a controller decides: leader, epoch, ISR; replicas 1, 2, 3.
pub fn decide(topic: &str, number: i32, leader: i32, epoch: i32, isr: &[i32]) -> Request {
    let ids = |list: &[i32]| list.iter().map(|id| m::BrokerId(*id)).collect::<Vec<_>>();
    let state = m::leader_and_isr_request::LeaderAndIsrPartitionState::default()
        .with_partition_index(number)
        .with_controller_epoch(1)
        .with_leader(m::BrokerId(leader))
        .with_leader_epoch(epoch)
        .with_isr(ids(isr))
        .with_partition_epoch(epoch)
        .with_replicas(ids(&[1, 2, 3]));
    let topic = m::leader_and_isr_request::LeaderAndIsrTopicState::default()
        .with_topic_name(name(topic))
        .with_partition_states(vec![state]);
    m::LeaderAndIsrRequest::default()
        .with_controller_id(m::BrokerId(1))
        .with_controller_epoch(1)
        .with_broker_epoch(100)
        .with_topic_states(vec![topic])
        .into()
}

/// A leader of `orders-0` with all three in sync, and both followers waiting for records, without sessions.
fn leading(preset: Preset) -> Stand {
    let mut stand = Stand::new(preset, |_| {});
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1, 2, 3]), 4);
    stand
}

#[test]
fn a_record_is_acknowledged_when_everybody_in_sync_has_it() {
    let mut stand = leading(Preset::Fixed);
    stand.ask(fetch(2, (0, -1), "orders", &[(0, 0, 0)]), 11);
    stand.ask(fetch(3, (0, -1), "orders", &[(0, 0, 0)]), 11);
    stand.ask(fetch(-1, (0, -1), "orders", &[(0, 0, -1)]), 11);
    stand.remark("the leader appends: both followers are answered, the consumer is not");
    stand.ask(produce("orders", 0, -1, 10), 7);
    stand.ask(fetch(2, (0, -1), "orders", &[(0, 10, 0)]), 11);
    stand.remark(
        "the second follower's next fetch commits: producer, consumer and followers hear of it",
    );
    stand.ask(fetch(3, (0, -1), "orders", &[(0, 10, 0)]), 11);
    insta::assert_snapshot!(stand.take());
}

#[test]
fn up_to_2_3_followers_hear_of_the_high_watermark_with_the_next_data() {
    let mut stand = leading(Preset::V2_3);
    stand.ask(produce("orders", 0, -1, 1), 7);
    stand.ask(fetch(2, (0, -1), "orders", &[(0, 1, 0)]), 11);
    stand.ask(fetch(3, (0, -1), "orders", &[(0, 1, 0)]), 11);
    stand.advance(Duration::from_millis(500));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn too_few_in_sync_refuse_before_and_confess_after() {
    let mut stand = leading(Preset::Fixed);
    stand.ask(decide("orders", 0, 1, 1, &[1]), 4);
    stand.remark("acks=all is refused and nothing is appended; acks=1 does not care");
    stand.ask(produce("orders", 0, -1, 1), 7);
    stand.ask(produce("orders", 0, 1, 1), 7);
    stand.ask(decide("orders", 0, 1, 2, &[1, 2]), 4);
    stand.ask(produce("orders", 0, -1, 1), 7);
    stand.remark("the ISR shrinks between append and commit: committed all the same");
    stand.ask(decide("orders", 0, 1, 3, &[1]), 4);
    insta::assert_snapshot!(stand.take());
}

#[test]
fn requests_that_wait_too_long_are_told_so() {
    let mut stand = leading(Preset::Fixed);
    stand.ask(produce("orders", 0, -1, 1), 7);
    stand.ask(fetch(-1, (0, -1), "orders", &[(0, 0, -1)]), 11);
    stand.advance(Duration::from_millis(499));
    stand.remark("half a second: the consumer's patience");
    stand.advance(Duration::from_millis(1));
    stand.remark("thirty seconds: the producer's; the record may still be committed");
    stand.advance(Duration::from_secs(30));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn a_leader_that_steps_down_tells_whoever_waits() {
    let mut stand = leading(Preset::Fixed);
    stand.ask(produce("orders", 0, -1, 1), 7);
    stand.ask(fetch(-1, (0, -1), "orders", &[(0, 0, 0)]), 11);
    stand.ask(decide("orders", 0, 2, 1, &[2, 3]), 4);
    stand.ask(produce("orders", 0, 1, 1), 7);
    stand.ask(produce("orders", 0, 0, 1), 7);
    insta::assert_snapshot!(stand.take());
}

#[test]
fn a_blocked_disk_holds_the_request_and_nothing_is_appended_twice() {
    let mut stand = leading(Preset::Fixed);
    stand.block_disk(true);
    stand.ask(produce("orders", 0, 1, 3), 7);
    stand.advance(Duration::from_secs(3));
    stand.remark("the disk goes on");
    stand.block_disk(false);
    assert_eq!(stand.log("orders", 0).end().0, 3);
    insta::assert_snapshot!(stand.take());
}

#[test]
fn with_flush_messages_a_promise_waits_for_the_disk() {
    let mut stand = Stand::new(Preset::Fixed, |_| {});
    stand.flushes_every_message();
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1]), 4);
    stand.take();
    stand.hold_syncs(true);
    stand.ask(produce("orders", 0, 1, 3), 7);
    stand.remark("the disk has it");
    stand.hold_syncs(false);
    assert_eq!(stand.log("orders", 0).end().0, 3);
    insta::assert_snapshot!(stand.take());
}

#[test]
fn an_incremental_session_tells_only_what_is_new() {
    let mut stand = Stand::new(Preset::Fixed, |_| {});
    for number in 0..3 {
        stand.knows("orders", number);
        stand.ask(decide("orders", number, 1, 0, &[1]), 4);
    }
    stand.take();
    stand.remark("a full fetch names all partitions, and makes a session");
    let all = [(0, 0, -1), (1, 0, -1), (2, 0, -1)];
    stand.ask(fetch(-1, (0, 0), "orders", &all), 11);
    stand.advance(Duration::from_millis(500));
    let session = stand.last_session();
    stand.remark("from now on only those that differ");
    stand.ask(fetch(-1, (session, 1), "orders", &[]), 11);
    stand.ask(produce("orders", 1, 1, 2), 7);
    stand.ask(fetch(-1, (session, 2), "orders", &[(1, 2, -1)]), 11);
    stand.advance(Duration::from_millis(500));
    stand
        .remark("an epoch that is not the next one, a session nobody has, and the end of this one");
    stand.ask(fetch(-1, (session, 7), "orders", &[]), 11);
    stand.ask(fetch(-1, (session - 1, 1), "orders", &[]), 11);
    stand.ask(fetch(-1, (session, -1), "orders", &[(0, 0, -1)]), 11);
    stand.ask(fetch(-1, (session, 3), "orders", &[]), 11);
    insta::assert_snapshot!(stand.take().replace(&session.to_string(), "S"));
}

#[test]
fn a_fetch_that_is_told_the_news_at_once_can_be_switched_off() {
    let mut stand = Stand::new(Preset::Fixed, |mechanisms| {
        mechanisms.high_watermark_news = HighWatermarkNews::WithNextData;
    });
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1, 2]), 4);
    stand.ask(produce("orders", 0, -1, 1), 7);
    stand.take();
    stand.ask(fetch(2, (0, -1), "orders", &[(0, 1, 0)]), 11);
    insta::assert_snapshot!(stand.take());
}
