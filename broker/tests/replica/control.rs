//! Epochs of controllers, brokers and leaders; what offsets are told to whom; replicas that stop.

use broker::mechanism::{FetchFencing, Mutant, Preset};
use broker::wire::Request;
use kafka_protocol::messages as m;

use crate::producing::{decide, fetch, produce};
use crate::stand::{Stand, name};

fn by(controller_epoch: i32, broker_epoch: i64, mut request: Request) -> Request {
    if let Request::LeaderAndIsr(body) = &mut request {
        body.controller_epoch = controller_epoch;
        body.broker_epoch = broker_epoch;
    }
    request
}

/// A StopReplica request.
pub fn stop(topic: &str, number: i32, delete: bool) -> Request {
    let topic = m::stop_replica_request::StopReplicaTopicV1::default()
        .with_name(name(topic))
        .with_partition_indexes(vec![number]);
    m::StopReplicaRequest::default()
        .with_controller_epoch(1)
        .with_broker_epoch(100)
        .with_delete_partitions(delete)
        .with_topics(vec![topic])
        .into()
}

fn latest(replica: i32, epoch: i32) -> Request {
    let asked = m::list_offsets_request::ListOffsetsPartition::default()
        .with_current_leader_epoch(epoch)
        .with_timestamp(-1);
    let topic = m::list_offsets_request::ListOffsetsTopic::default()
        .with_name(name("orders"))
        .with_partitions(vec![asked]);
    m::ListOffsetsRequest::default()
        .with_replica_id(m::BrokerId(replica))
        .with_topics(vec![topic])
        .into()
}

fn end_of(epoch: i32, current: i32) -> Request {
    let asked = m::offset_for_leader_epoch_request::OffsetForLeaderPartition::default()
        .with_current_leader_epoch(current)
        .with_leader_epoch(epoch);
    let topic = m::offset_for_leader_epoch_request::OffsetForLeaderTopic::default()
        .with_topic(name("orders"))
        .with_partitions(vec![asked]);
    m::OffsetForLeaderEpochRequest::default().with_topics(vec![topic]).into()
}

#[test]
fn only_the_newest_controller_is_obeyed_and_only_for_this_registration() {
    for preset in [Preset::Fixed, Preset::V2_5] {
        let mut stand = Stand::new(preset, |_| {});
        stand.ask(by(5, 100, decide("orders", 0, 1, 0, &[1, 2])), 4);
        stand.remark("an older controller, an older and a newer registration, an unknown one");
        stand.ask(by(4, 100, decide("orders", 0, 1, 1, &[1])), 4);
        stand.ask(by(5, 99, decide("orders", 0, 1, 2, &[1])), 4);
        stand.ask(by(5, 101, decide("orders", 0, 1, 3, &[1])), 4);
        stand.ask(by(6, -1, decide("orders", 0, 1, 4, &[1])), 4);
        stand.remark("a decision it knows already, and one that is not for it");
        stand.ask(by(6, 100, decide("orders", 0, 2, 4, &[2])), 4);
        let mut other = decide("orders", 1, 2, 0, &[2]);
        if let Request::LeaderAndIsr(body) = &mut other {
            body.topic_states[0].partition_states[0].replicas = vec![m::BrokerId(2)];
        }
        stand.ask(by(6, 100, other), 4);
        insta::assert_snapshot!(format!("control_{preset}"), stand.take());
    }
}

#[test]
fn a_deposed_controller_is_obeyed_by_the_mutant() {
    let mut stand = Stand::new(Preset::Fixed, |mechanisms| {
        mechanisms.mutants.insert(Mutant::ObeysDeposedControllers);
    });
    stand.ask(by(5, 100, decide("orders", 0, 1, 0, &[1, 2])), 4);
    stand.take();
    stand.ask(by(4, 100, decide("orders", 0, 1, 1, &[1])), 4);
    assert!(stand.take().contains("NONE: orders-0 NONE"));
}

#[test]
fn fetches_and_questions_of_another_epoch_are_fenced() {
    for fencing in [FetchFencing::On, FetchFencing::Off] {
        let mut stand = Stand::new(Preset::Fixed, |mechanisms| mechanisms.fetch_fencing = fencing);
        stand.knows("orders", 0);
        stand.ask(decide("orders", 0, 1, 3, &[1, 2, 3]), 4);
        stand.ask(produce("orders", 0, 1, 1), 7);
        stand.take();
        for epoch in [2, 3, 4] {
            stand.ask(fetch(2, (0, -1), "orders", &[(0, 0, epoch)]), 11);
            stand.ask(latest(2, epoch), 5);
            stand.ask(end_of(3, epoch), 3);
        }
        stand.remark("a partition that is led elsewhere, and one that nobody knows");
        stand.ask(decide("orders", 0, 2, 4, &[2]), 4);
        stand.ask(fetch(-1, (0, -1), "orders", &[(0, 0, -1)]), 11);
        stand.ask(fetch(-1, (0, -1), "nothing", &[(0, 0, -1)]), 11);
        insta::assert_snapshot!(format!("fencing_{fencing:?}"), stand.take());
    }
}

#[test]
fn a_new_leader_does_not_tell_clients_its_last_offset_before_it_knows() {
    let mut stand = Stand::new(Preset::Fixed, |_| {});
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1, 2]), 4);
    stand.ask(produce("orders", 0, 1, 5), 7);
    stand.ask(decide("orders", 0, 1, 1, &[1, 2]), 4);
    stand.take();
    stand.remark("clients of version 5 and 4, and a replica");
    stand.ask(latest(-1, -1), 5);
    stand.ask(latest(-1, -1), 4);
    stand.ask(latest(2, 1), 5);
    stand.remark("the follower has fetched up to the start of the epoch");
    stand.ask(fetch(2, (0, -1), "orders", &[(0, 5, 1)]), 11);
    stand.ask(latest(-1, -1), 5);
    insta::assert_snapshot!(stand.take());
}

#[test]
fn a_replica_stops_and_its_files_go_when_its_topic_is_deleted() {
    let mut stand = Stand::new(Preset::Fixed, |_| {});
    stand.knows("orders", 0);
    stand.ask(decide("orders", 0, 1, 0, &[1, 2]), 4);
    stand.ask(produce("orders", 0, -1, 1), 7);
    stand.ask(fetch(-1, (0, -1), "orders", &[(0, 0, -1)]), 11);
    stand.remark("stopping alone changes nothing for a leader");
    stand.ask(stop("orders", 0, false), 1);
    stand.remark("deletion does; once more, it is not there");
    stand.ask(stop("orders", 0, true), 1);
    stand.ask(stop("orders", 0, true), 1);
    assert!(stand.replicas.view().is_empty());
    insta::assert_snapshot!(stand.take());
}

#[test]
fn a_leader_that_is_not_alive_is_not_followed() {
    let mut stand = Stand::new(Preset::Fixed, |_| {});
    stand.ask(decide("orders", 0, 9, 0, &[9]), 4);
    let [view] = &stand.replicas.view()[..] else { panic!("one partition") };
    assert_eq!((view.epoch.0, view.leader.0), (-1, -1));
    assert!(!stand.has_sent());
    stand.remark("told again when it is");
    stand.ask(decide("orders", 0, 2, 1, &[2]), 4);
    insta::assert_snapshot!(stand.take());
}
