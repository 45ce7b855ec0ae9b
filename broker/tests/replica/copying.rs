//! A follower: broker 1 copies `orders-0` from broker 2, whose answers the test makes up.

use broker::mechanism::{Mutant, Preset, Truncation};
use broker::wire::{self, Request, Response};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages as m;
use machine::{Closed, Conn, Duration, Input, Peer};

use crate::producing::{decide, produce};
use crate::stand::{Stand, name, records};

/// A batch of `count` records at this offset and epoch, as a leader sends it.
fn batch(base: i64, epoch: i32, count: usize) -> Bytes {
    let mut bytes = BytesMut::from(&records("copied", count)[..]);
    wire::batch::stamp(&mut bytes, broker::id::Offset(base), broker::id::LeaderEpoch(epoch));
    bytes.freeze()
}

/// The other end of the fetcher's connection.
struct Leader {
    conn: Conn,
}

impl Leader {
    fn accepts(stand: &mut Stand, conn: u64) -> Self {
        let conn = Conn(conn);
        stand.input(&Input::Opened { conn, peer: Peer::Dialled });
        Self { conn }
    }

    /// What was asked, with its version; and its number.
    fn asked(&self, stand: &mut Stand) -> (Request, i16, i32) {
        let (conn, frame) = stand.sent();
        assert_eq!(conn, self.conn);
        let versions = wire::versions::Versions::of(Preset::Fixed);
        let asked = wire::request(frame.slice(4..), &versions).expect("a good request");
        (asked.body, asked.version, asked.correlation)
    }

    fn answers(&self, stand: &mut Stand, response: &Response, version: i16, correlation: i32) {
        let bytes = wire::response_frame(response, version, correlation);
        stand.input(&Input::Received { conn: self.conn, bytes });
    }

    /// Answers the question where an epoch ends. The epoch that was asked for.
    fn epoch_ends(&self, stand: &mut Stand, code: i16, epoch: i32, end: i64) -> i32 {
        let (Request::OffsetForLeaderEpoch(asked), version, correlation) = self.asked(stand) else {
            panic!("it was to ask for an epoch's end");
        };
        let one = m::offset_for_leader_epoch_response::EpochEndOffset::default()
            .with_error_code(code)
            .with_leader_epoch(if version < 1 { -1 } else { epoch })
            .with_end_offset(end);
        let topic = m::offset_for_leader_epoch_response::OffsetForLeaderTopicResult::default()
            .with_topic(name("orders"))
            .with_partitions(vec![one]);
        let body = m::OffsetForLeaderEpochResponse::default().with_topics(vec![topic]);
        self.answers(stand, &body.into(), version, correlation);
        asked.topics[0].partitions[0].leader_epoch
    }

    /// Answers a fetch. What was asked: session, epoch, and the offset of `orders-0` if it was named.
    fn serves(
        &self,
        stand: &mut Stand,
        (code, high_watermark): (i16, i64),
        records: Bytes,
    ) -> (i32, i32, Option<i64>) {
        let (Request::Fetch(asked), version, correlation) = self.asked(stand) else {
            panic!("it was to fetch");
        };
        let data = m::fetch_response::PartitionData::default()
            .with_error_code(code)
            .with_high_watermark(high_watermark)
            .with_last_stable_offset(high_watermark)
            .with_log_start_offset(0)
            .with_records(Some(records));
        let topic = m::fetch_response::FetchableTopicResponse::default()
            .with_topic(name("orders"))
            .with_partitions(vec![data]);
        let body = m::FetchResponse::default().with_session_id(77).with_responses(vec![topic]);
        self.answers(stand, &body.into(), version, correlation);
        let offset = asked.topics.first().map(|topic| topic.partitions[0].fetch_offset);
        (asked.session_id, asked.session_epoch, offset)
    }

    /// Answers ListOffsets.
    fn lists(&self, stand: &mut Stand, offset: i64) {
        let (Request::ListOffsets(_), version, correlation) = self.asked(stand) else {
            panic!("it was to ask for offsets");
        };
        let one = m::list_offsets_response::ListOffsetsPartitionResponse::default()
            .with_timestamp(-1)
            .with_offset(offset);
        let topic = m::list_offsets_response::ListOffsetsTopicResponse::default()
            .with_name(name("orders"))
            .with_partitions(vec![one]);
        let body = m::ListOffsetsResponse::default().with_topics(vec![topic]);
        self.answers(stand, &body.into(), version, correlation);
    }
}

/// Broker 1 has led `orders-0` in epoch 0 and appended `count` records; now broker 2 leads epoch 1.
fn deposed(truncation: Truncation, count: usize) -> Stand {
    let mut stand = Stand::new(Preset::Fixed, |mechanisms| mechanisms.truncation = truncation);
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1, 2]), 4);
    for _ in 0..count {
        stand.ask(produce("orders", 0, 1, 1), 7);
    }
    stand.take();
    stand.ask(decide("orders", 0, 2, 1, &[2]), 4);
    stand
}

#[test]
fn a_follower_cuts_off_what_its_leader_does_not_have_then_copies() {
    let mut stand = deposed(Truncation::ByLeaderEpochRepeated, 3);
    let leader = Leader::accepts(&mut stand, 1);
    assert_eq!(leader.epoch_ends(&mut stand, 0, 0, 2), 0);
    stand.remark("a full fetch from there, then an incremental one");
    assert_eq!(leader.serves(&mut stand, (0, 2), batch(2, 1, 2)), (0, 0, Some(2)));
    stand.remark("the high watermark it is told is that of before");
    assert_eq!(leader.serves(&mut stand, (0, 4), Bytes::new()), (77, 1, Some(4)));
    stand.remark("nothing is new: the next fetch names nothing");
    assert_eq!(leader.serves(&mut stand, (0, 4), Bytes::new()), (77, 2, None));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn it_asks_again_until_both_speak_of_the_same_epoch() {
    let mut stand = Stand::new(Preset::Fixed, |_| {});
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1, 2]), 4);
    stand.ask(produce("orders", 0, 1, 1), 7);
    stand.ask(decide("orders", 0, 1, 2, &[1, 2]), 4);
    stand.ask(produce("orders", 0, 1, 2), 7);
    stand.ask(decide("orders", 0, 2, 3, &[2]), 4);
    stand.take();
    let leader = Leader::accepts(&mut stand, 1);
    stand.remark("KIP-279: of epoch 2 the leader knows nothing; its epoch 1 ends at 2");
    assert_eq!(leader.epoch_ends(&mut stand, 0, 1, 2), 2);
    stand.remark("epoch 1 is not in our log: cut at the end of epoch 0, and ask for that");
    assert_eq!(leader.epoch_ends(&mut stand, 0, 0, 1), 0);
    assert_eq!(leader.serves(&mut stand, (0, 0), Bytes::new()).2, Some(1));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn by_high_watermark_nobody_is_asked() {
    let mut stand = deposed(Truncation::ByHighWatermark, 3);
    let leader = Leader::accepts(&mut stand, 1);
    assert_eq!(leader.serves(&mut stand, (0, 0), Bytes::new()).2, Some(0));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn by_leader_epoch_the_answer_is_an_offset_only() {
    let mut stand = deposed(Truncation::ByLeaderEpoch, 3);
    let leader = Leader::accepts(&mut stand, 1);
    leader.epoch_ends(&mut stand, 0, 0, 2);
    assert_eq!(leader.serves(&mut stand, (0, 0), Bytes::new()).2, Some(2));
    assert_eq!(stand.log("orders", 0).end().0, 2);
}

#[test]
fn the_mutant_never_truncates() {
    let mut stand = Stand::new(Preset::Fixed, |mechanisms| {
        mechanisms.mutants.insert(Mutant::NeverTruncates);
    });
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1, 2]), 4);
    stand.ask(produce("orders", 0, 1, 3), 7);
    stand.ask(decide("orders", 0, 2, 1, &[2]), 4);
    let leader = Leader::accepts(&mut stand, 1);
    leader.epoch_ends(&mut stand, 0, 0, 1);
    assert_eq!(leader.serves(&mut stand, (1, -1), Bytes::new()).2, Some(3));
    leader.lists(&mut stand, 1);
    assert_eq!(stand.log("orders", 0).end().0, 3);
}

#[test]
fn errors_pause_a_partition_and_fencing_stops_it() {
    let mut stand = deposed(Truncation::ByLeaderEpochRepeated, 1);
    let leader = Leader::accepts(&mut stand, 1);
    stand.remark("NOT_LEADER_FOR_PARTITION: again after replica.fetch.backoff.ms");
    leader.epoch_ends(&mut stand, 6, -1, -1);
    stand.advance(Duration::from_millis(999));
    assert!(!stand.has_sent());
    stand.advance(Duration::from_millis(1));
    leader.epoch_ends(&mut stand, 0, 0, 1);
    stand.remark("FENCED_LEADER_EPOCH in the present epoch: given up");
    leader.serves(&mut stand, (74, -1), Bytes::new());
    stand.advance(Duration::from_secs(60));
    assert!(!stand.has_sent());
    stand.remark("until the next LeaderAndIsr");
    stand.ask(decide("orders", 0, 2, 2, &[2]), 4);
    insta::assert_snapshot!(stand.take());
}

#[test]
fn a_broken_or_silent_connection_is_made_anew() {
    let mut stand = deposed(Truncation::ByLeaderEpochRepeated, 1);
    stand.input(&Input::Closed { conn: Conn(1), why: Closed::Refused });
    stand.remark("refused; again after a pause, and this time nobody answers for 30 s");
    stand.advance(Duration::from_secs(1));
    let leader = Leader::accepts(&mut stand, 2);
    leader.asked(&mut stand);
    stand.advance(Duration::from_secs(31));
    stand.remark("a third connection: the fetch on it breaks, the fourth begins with a full one");
    let leader = Leader::accepts(&mut stand, 3);
    leader.epoch_ends(&mut stand, 0, 0, 1);
    assert_eq!(leader.serves(&mut stand, (0, 1), Bytes::new()), (0, 0, Some(1)));
    leader.asked(&mut stand);
    stand.input(&Input::Closed { conn: Conn(3), why: Closed::Reset });
    stand.advance(Duration::from_secs(2));
    let leader = Leader::accepts(&mut stand, 4);
    assert_eq!(leader.serves(&mut stand, (0, 1), Bytes::new()), (77, 0, Some(1)));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn out_of_range_never_wipes_what_may_be_needed() {
    let mut stand = deposed(Truncation::ByLeaderEpochRepeated, 5);
    let leader = Leader::accepts(&mut stand, 1);
    leader.epoch_ends(&mut stand, 0, 0, 5);
    stand.remark("out of range, but the leader has appended past us meanwhile: go on (KAFKA-2143)");
    leader.serves(&mut stand, (1, -1), Bytes::new());
    leader.lists(&mut stand, 9);
    leader.lists(&mut stand, 0);
    assert_eq!(leader.serves(&mut stand, (1, -1), Bytes::new()), (77, 1, None));
    stand.remark("the leader ends before us: cut");
    leader.lists(&mut stand, 4);
    assert_eq!(leader.serves(&mut stand, (1, -1), Bytes::new()).2, Some(4));
    stand.remark("the leader begins after us: start anew, the high watermark with it (KAFKA-9491)");
    leader.lists(&mut stand, 30);
    leader.lists(&mut stand, 20);
    assert_eq!(leader.serves(&mut stand, (0, 20), Bytes::new()).2, Some(20));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn a_blocked_disk_holds_the_fetcher() {
    let mut stand = deposed(Truncation::ByLeaderEpochRepeated, 0);
    let leader = Leader::accepts(&mut stand, 1);
    leader.epoch_ends(&mut stand, 0, 0, 0);
    stand.take();
    stand.block_disk(true);
    leader.serves(&mut stand, (0, 0), batch(0, 1, 2));
    assert!(!stand.has_sent());
    stand.block_disk(false);
    assert_eq!(stand.log("orders", 0).end().0, 2);
    assert_eq!(leader.serves(&mut stand, (0, 2), Bytes::new()).2, Some(2));
    insta::assert_snapshot!(stand.take());
}
