//! Who is in sync: shrinking by lag, coming back, and what ZooKeeper says to it.

use broker::id::{BrokerId, ControllerEpoch, LeaderEpoch};
use broker::mechanism::{IsrExpand, Preset};
use broker::zk::ZkError;
use broker::zk::znode::State;
use bytes::Bytes;
use coordinator::code;
use coordinator::wire::client::{Response as ZkResponse, Stat};
use machine::Duration;

use crate::producing::{decide, fetch, produce};
use crate::stand::Stand;

/// ZooKeeper has written the znode: this is its version.
fn written(version: i32) -> Result<ZkResponse, ZkError> {
    Ok(ZkResponse::Stat(Stat { version, ..Stat::default() }))
}

/// ZooKeeper has this state, in this version.
fn stored(epoch: i32, isr: &[i32], version: i32) -> Result<ZkResponse, ZkError> {
    let state = State {
        controller_epoch: ControllerEpoch(1),
        leader: BrokerId(1),
        epoch: LeaderEpoch(epoch),
        isr: isr.iter().map(|id| BrokerId(*id)).collect(),
    };
    let data = Some(Bytes::from(state.to_json()));
    Ok(ZkResponse::Data { data, stat: Stat { version, ..Stat::default() } })
}

/// A leader of `orders-0` with all three in sync, follower 2 caught up, follower 3 behind by one record and silent.
fn with_a_laggard(preset: Preset) -> Stand {
    let mut stand = Stand::new(preset, |_| {});
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1, 2, 3]), 4);
    stand.ask(produce("orders", 0, -1, 1), 7);
    stand.ask(fetch(2, (0, -1), "orders", &[(0, 1, 0)]), 11);
    stand.advance(Duration::from_secs(29));
    stand.take();
    stand
}

#[test]
fn a_laggard_leaves_and_comes_back() {
    let mut stand = with_a_laggard(Preset::Fixed);
    stand.remark("the task runs every half lag: between one and one and a half of it have passed");
    stand.advance(Duration::from_secs(16));
    stand.remark("the old ISR is in force until ZooKeeper answers");
    stand.zk_says(written(1));
    stand.remark("it fetches from behind, then from the end");
    stand.ask(fetch(3, (0, -1), "orders", &[(0, 0, 0)]), 11);
    stand.ask(fetch(3, (0, -1), "orders", &[(0, 1, 0)]), 11);
    stand.zk_says(written(2));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn up_to_2_6_the_partition_is_frozen_until_zookeeper_answers() {
    let mut stand = with_a_laggard(Preset::V2_5);
    stand.advance(Duration::from_secs(16));
    stand.remark("whoever needs the partition holds a request handler; deadlines do not help");
    stand.ask(produce("orders", 0, 1, 1), 7);
    stand.ask(fetch(2, (0, -1), "orders", &[(0, 1, 0)]), 11);
    stand.ask(decide("orders", 0, 2, 1, &[2]), 4);
    stand.advance(Duration::from_secs(60));
    stand.remark("ZooKeeper is back");
    stand.zk_says(written(1));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn up_to_2_6_a_fetch_that_brings_a_follower_back_waits_for_zookeeper() {
    let mut stand = with_a_laggard(Preset::V2_5);
    stand.advance(Duration::from_secs(16));
    stand.zk_says(written(1));
    stand.take();
    stand.remark(
        "neither answered nor parked: it holds its request handler, and so does the next one",
    );
    stand.ask(fetch(3, (0, -1), "orders", &[(0, 1, 0)]), 11);
    stand.ask(fetch(2, (0, -1), "orders", &[(0, 1, 0)]), 11);
    stand.advance(Duration::from_secs(40));
    stand.zk_says(written(2));
    stand.advance(Duration::from_secs(1));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn a_lost_reply_is_found_out_by_reading_back() {
    let mut stand = with_a_laggard(Preset::Fixed);
    stand.advance(Duration::from_secs(16));
    stand.zk_says(Err(ZkError::Refused(code::BAD_VERSION)));
    stand.zk_says(stored(0, &[1, 2], 1));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn another_state_in_zookeeper_leaves_the_isr_as_it_is() {
    let mut stand = with_a_laggard(Preset::Fixed);
    stand.advance(Duration::from_secs(16));
    stand.zk_says(Err(ZkError::Refused(code::BAD_VERSION)));
    stand.zk_says(stored(1, &[2, 3], 5));
    stand.remark("it tries again at every run of the task, and says no more about it");
    stand.advance(Duration::from_secs(15));
    stand.zk_says(Err(ZkError::Refused(code::BAD_VERSION)));
    stand.zk_says(stored(1, &[2, 3], 5));
    stand.remark("a lost session changes nothing, either");
    stand.advance(Duration::from_secs(15));
    stand.zk_says(Err(ZkError::SessionExpired));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn a_follower_of_an_idle_partition_is_never_late() {
    let mut stand = Stand::new(Preset::Fixed, |_| {});
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1, 2, 3]), 4);
    for replica in [2, 3] {
        stand.ask(fetch(replica, (0, -1), "orders", &[(0, 0, 0)]), 11);
    }
    stand.take();
    stand.advance(Duration::from_secs(200));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn a_clock_that_jumps_makes_everybody_late_who_is_behind_at_that_moment() {
    let mut stand = Stand::new(Preset::Fixed, |_| {});
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1, 2, 3]), 4);
    for replica in [2, 3] {
        stand.ask(fetch(replica, (0, -1), "orders", &[(0, 0, 0)]), 11);
    }
    stand.ask(produce("orders", 0, 1, 1), 7);
    stand.take();
    stand.jump(Duration::from_secs(40)).advance(Duration::from_secs(15));
    insta::assert_snapshot!(stand.take());
}

#[test]
fn a_follower_comes_back_at_the_epoch_start_not_at_a_lagging_high_watermark() {
    for (rule, comes) in [(IsrExpand::AtHighWatermark, true), (IsrExpand::AtEpochStart, false)] {
        let mut stand = Stand::new(Preset::Fixed, |mechanisms| mechanisms.isr_expand = rule);
        stand.knows("orders", 0);
        stand.ask(decide("orders", 0, 1, 0, &[1, 2]), 4);
        stand.ask(produce("orders", 0, 1, 10), 7);
        stand.ask(fetch(2, (0, -1), "orders", &[(0, 4, 0)]), 11);
        stand.remark("a new epoch begins at 10; the high watermark is 4");
        stand.ask(decide("orders", 0, 1, 1, &[1, 2]), 4);
        stand.take();
        stand.ask(fetch(3, (0, -1), "orders", &[(0, 6, 1)]), 11);
        assert_eq!(stand.take().contains("asks for isr"), comes, "{rule:?}");
    }
}

#[test]
fn an_idle_follower_with_a_session_counts_as_caught_up_when_records_come() {
    let mut stand = Stand::new(Preset::Fixed, |_| {});
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1, 2]), 4);
    stand.ask(fetch(2, (0, 0), "orders", &[(0, 0, 0)]), 11);
    stand.advance(Duration::from_millis(500));
    let session = stand.last_session();
    for epoch in 1..200 {
        stand.ask(fetch(2, (session, epoch), "orders", &[]), 11);
        stand.advance(Duration::from_millis(500));
    }
    stand.take();
    stand.remark("after 100 idle seconds: one record, and the task runs before the next fetch");
    stand.ask(produce("orders", 0, 1, 1), 7);
    stand.advance(Duration::from_secs(20));
    insta::assert_snapshot!(stand.take());
}
