//! The folds, on notes made by hand: what each must forgive, and what it must not. That each check fails in runs of real
//! machines is shown by `scenarios/failing`.

use broker::id::Offset;
use broker::note::Note;

use crate::checks::talk::{Talk, orders};
use crate::scene::Rough;
use crate::scene::kafka::Excuse;

/// Broker 1 leads, all are in sync, and three records are committed everywhere.
fn healthy() -> Talk {
    let mut talk = Talk::new();
    talk.elect(1, 0, &[1, 2, 3]);
    (0..3).for_each(|crc| talk.replicates(1, &[2, 3], 0, crc));
    talk
}

#[track_caller]
fn calm(talk: &Talk) {
    assert_eq!(talk.found, Vec::<String>::new());
}

#[test]
fn a_clean_failover_loses_nothing() {
    let mut talk = healthy();
    talk.dies(1);
    talk.elect(2, 1, &[2, 3]);
    talk.replicates(2, &[3], 1, 10);
    talk.restarts(1, 3);
    talk.follows(1, 2, 1);
    talk.appends(1, 1, 10, false);
    talk.watermark(1, 4, false);
    calm(&talk);
    assert!(talk.excused().is_empty());
    assert_eq!(talk.scene.kafka.log_end("orders", 0), Some(Offset(4)));
}

#[test]
fn a_promised_record_that_the_next_leader_lacks_is_a_violation() {
    let mut talk = healthy();
    talk.appends(1, 0, 10, true);
    talk.acknowledges(1, 0, 3, -1, 3);
    calm(&talk);
    talk.dies(1);
    talk.elect(2, 1, &[2, 3]);
    assert_eq!(talk.caught(), ["KR-1"]);
    assert!(talk.excused().is_empty());
}

#[test]
fn what_a_leader_alone_had_promised_is_lost_by_name() {
    let mut talk = healthy();
    talk.appends(1, 0, 10, true);
    talk.acknowledges(1, 0, 3, 1, 3);
    talk.dies(1);
    talk.elect(2, 1, &[2, 3]);
    calm(&talk);
    let excused = talk.excused();
    assert_eq!(excused.len(), 1);
    let (check, loss) = &excused[0];
    assert_eq!((*check, loss.by, loss.records), ("KR-2", Excuse::AcksOne, 1));
}

#[test]
fn an_unclean_election_is_an_excuse_for_what_was_before_it() {
    let mut talk = healthy();
    talk.sync_with(1, 0, &[1]);
    talk.replicates(1, &[], 0, 10);
    talk.dies(1);
    talk.scene.kafka.bounds.unclean = true;
    talk.elect(2, 1, &[2]);
    let excused = talk.excused();
    calm(&talk);
    assert_eq!(excused[0].1.by, Excuse::Unclean);
    talk.replicates(2, &[3], 1, 11);
    talk.dies(2);
    talk.appends(3, 1, 12, false);
    talk.elect(3, 2, &[2, 3]);
    calm(&talk);
    assert!(talk.excused().is_empty(), "what came after it is not lost");
}

#[test]
fn an_unclean_election_that_nobody_allows_excuses_nothing() {
    let mut talk = healthy();
    talk.sync_with(1, 0, &[1]);
    talk.replicates(1, &[], 0, 10);
    talk.dies(1);
    talk.elect(2, 1, &[2]);
    assert_eq!(talk.caught(), ["CT-4", "KR-1"]);
    assert!(talk.excused().is_empty());
}

#[test]
fn the_last_replica_in_sync_takes_what_its_disk_lost() {
    let mut talk = healthy();
    talk.sync_with(1, 0, &[1]);
    talk.replicates(1, &[], 0, 10);
    talk.replicates(1, &[], 0, 11);
    talk.scene.roughened(sim::world::NodeId(1), Rough::PowerLost);
    talk.dies(1);
    talk.state(-1, 1, &[1]);
    talk.restarts(1, 4);
    talk.elect(1, 2, &[1]);
    calm(&talk);
    let excused = talk.excused();
    assert_eq!(excused.len(), 1);
    assert_eq!((excused[0].1.by, excused[0].1.records), (Excuse::LastReplica, 1));
    assert!(excused[0].1.by.is_named("E2"));
}

#[test]
fn a_broker_that_came_back_into_the_isr_has_no_excuse_left() {
    let mut talk = healthy();
    talk.scene.roughened(sim::world::NodeId(2), Rough::PowerLost);
    talk.dies(2);
    talk.restarts(2, 1);
    talk.sync_with(1, 0, &[1, 3]);
    talk.sync_with(1, 0, &[1, 2, 3]);
    talk.dies(1);
    talk.elect(2, 1, &[2, 3]);
    assert_eq!(talk.caught(), ["KR-1"], "it was let in without what it had lost");
}

#[test]
fn two_batches_in_one_place_of_one_epoch() {
    let mut talk = healthy();
    talk.appends(1, 0, 10, true);
    talk.appends(2, 0, 11, false);
    assert_eq!(talk.caught(), ["KR-3'"]);
}

#[test]
fn an_epoch_that_a_damaged_disk_has_changed_is_nobodys_fault() {
    let mut talk = healthy();
    talk.appends(1, 0, 10, true);
    talk.scene.roughened(sim::world::NodeId(1), Rough::Damaged);
    talk.appends(2, 0, 10, false);
    talk.appends(3, 1 << 20, 10, false);
    talk.watermark(1, 4, true);
    talk.watermark(3, 4, false);
    talk.replicates(1, &[2, 3], 0, 11);
    talk.dies(1);
    talk.elect(3, 1, &[2, 3]);
    calm(&talk);
    assert!(talk.excused().is_empty(), "nothing is lost");

    let mut talk = healthy();
    talk.scene.roughened(sim::world::NodeId(1), Rough::Damaged);
    talk.appends(3, 2, 10, false);
    talk.appends(3, 0, 11, false);
    assert_eq!(talk.caught(), ["KR-7"], "nobody else has these records");
}

#[test]
fn whoever_was_told_to_follow_must_not_append() {
    let mut talk = healthy();
    talk.state(2, 1, &[1, 2, 3]);
    talk.appends(1, 0, 10, true);
    calm(&talk);
    talk.leads(2, 1, &[1, 2, 3]);
    talk.follows(1, 2, 1);
    talk.appends(1, 0, 11, true);
    assert_eq!(talk.caught(), ["KR-6"]);
}

#[test]
fn a_watermark_goes_back_only_with_a_new_leader() {
    let mut talk = healthy();
    talk.elect(2, 1, &[1, 2, 3]);
    talk.watermark(2, 3, true);
    calm(&talk);
    talk.watermark(2, 2, true);
    assert_eq!(talk.caught(), ["KR-8"]);
}

#[test]
fn an_excuse_is_for_what_it_has_lost() {
    let mut talk = healthy();
    talk.sync_with(1, 0, &[1]);
    talk.replicates(1, &[], 0, 10);
    talk.dies(1);
    talk.scene.kafka.bounds.unclean = true;
    talk.elect(2, 1, &[2]);
    talk.sync_with(2, 1, &[2, 3]);
    (20..23).for_each(|crc| talk.replicates(2, &[3], 1, crc));
    talk.scene.kafka.bounds.unclean = false;
    calm(&talk);
    let (partition, to, was) = (orders(), Offset(4), Offset(6));
    talk.broker(3, Note::Truncated { partition, to, was, high_watermark: Offset(4) });
    assert_eq!(talk.caught(), ["KR-9"], "that was committed after the unclean election");
}

#[test]
fn a_deposed_leader_may_still_promise_what_the_new_one_has() {
    let mut talk = healthy();
    talk.appends(1, 0, 10, true);
    talk.appends(2, 0, 10, false);
    talk.appends(3, 0, 10, false);
    talk.state(2, 1, &[2, 3]);
    talk.leads(2, 1, &[2, 3]);
    talk.watermark(1, 4, true);
    talk.acknowledges(1, 0, 3, -1, 3);
    calm(&talk);
    talk.appends(1, 0, 11, true);
    talk.acknowledges(1, 0, 4, 1, 3);
    calm(&talk);
    talk.follows(1, 2, 1);
    let (partition, to, was) = (orders(), Offset(4), Offset(5));
    talk.broker(1, Note::Truncated { partition, to, was, high_watermark: Offset(4) });
    calm(&talk);
    let excused = talk.excused();
    assert_eq!(excused.len(), 1);
    assert_eq!((excused[0].0, excused[0].1.records), ("KR-2", 1));
}
