//! The bounds, on notes made by hand and seconds that pass: what each must forgive, and what it must not.

use broker::id::BrokerId;
use broker::note::ClientNote;
use broker::zk::znode;

use sim::world::NodeId;

use crate::checks::talk::{Talk, orders};

/// Broker 1 leads, all are in sync.
fn healthy() -> Talk {
    let mut talk = Talk::new();
    talk.elect(1, 0, &[1, 2, 3]);
    talk.replicates(1, &[2, 3], 0, 7);
    talk
}

/// And broker 1 is the controller.
fn controlled() -> Talk {
    let mut talk = healthy();
    talk.set("/controller_epoch", b"0");
    let taken = talk.write("/controller", &znode::controller_json(BrokerId(1), 0));
    let counted = talk.write("/controller_epoch", b"1");
    talk.commit(vec![taken, counted]);
    talk
}

fn sends(talk: &mut Talk) {
    sends_to(talk, 1);
}

fn sends_to(talk: &mut Talk, broker: i32) {
    let (partition, to) = (orders(), BrokerId(broker));
    let batch = 1;
    talk.client(ClientNote::Produced { partition: partition.clone(), batch, records: 1, crc: 8 });
    talk.client(ClientNote::Sent { partition, batch, to });
}

#[test]
fn nothing_is_late_where_nothing_happens() {
    let mut talk = healthy();
    talk.wait(600);
    assert_eq!(talk.found, Vec::<String>::new());
}

#[test]
fn somebody_must_lead_after_the_leader_died() {
    let mut talk = healthy();
    talk.wait(100);
    talk.dies(1);
    talk.wait(40);
    talk.elect(2, 1, &[2, 3]);
    talk.wait(300);
    assert_eq!(talk.found, Vec::<String>::new());

    let mut talk = healthy();
    talk.dies(1);
    talk.wait(300);
    assert_eq!(talk.caught(), ["LV-1"]);
    assert_eq!(talk.found.len(), 1, "it is said once");
}

#[test]
fn nobody_can_be_elected_where_no_replica_in_sync_lives() {
    let mut talk = healthy();
    talk.sync_with(1, 0, &[1]);
    talk.dies(1);
    talk.state(-1, 1, &[1]);
    talk.wait(300);
    assert_eq!(talk.found, Vec::<String>::new());
}

#[test]
fn whoever_has_caught_up_must_be_let_in() {
    let mut talk = healthy();
    talk.wait(5);
    talk.sync_with(1, 0, &[1, 2]);
    talk.wait(20);
    assert_eq!(talk.found, Vec::<String>::new());
    talk.wait(100);
    assert_eq!(talk.caught(), ["LV-4"]);

    let mut talk = healthy();
    talk.sync_with(1, 0, &[1, 2]);
    talk.replicates(1, &[2], 0, 9);
    talk.wait(300);
    assert_eq!(talk.found, Vec::<String>::new(), "it has not caught up");
}

#[test]
fn whoever_is_paused_must_leave_the_isr() {
    let mut talk = controlled();
    talk.wait(5);
    talk.calm.down = vec![NodeId(3)];
    talk.wait(300);
    assert_eq!(talk.caught(), ["LV-4"]);
}

#[test]
fn whoever_was_in_the_isr_for_a_moment_has_its_time_again() {
    let mut talk = healthy();
    for _ in 0..2 {
        talk.wait(5);
        talk.sync_with(1, 0, &[1, 2]);
        talk.wait(30);
        talk.sync_with(1, 0, &[1, 2, 3]);
    }
    assert_eq!(talk.found, Vec::<String>::new());
}

#[test]
fn a_leader_that_lacks_nothing_must_answer() {
    let mut talk = healthy();
    talk.wait(100);
    sends(&mut talk);
    talk.wait(4);
    assert_eq!(talk.found, Vec::<String>::new());
    talk.wait(10);
    assert_eq!(talk.caught(), ["LV-5"]);

    let mut talk = healthy();
    talk.wait(100);
    talk.dies(3);
    sends(&mut talk);
    talk.wait(40);
    assert_eq!(talk.found, Vec::<String>::new(), "somebody in sync may be dead");
}

#[test]
fn a_leader_that_lacked_something_until_now_has_its_time() {
    let mut talk = healthy();
    talk.wait(100);
    talk.dies(3);
    sends(&mut talk);
    talk.wait(20);
    talk.sync_with(1, 0, &[1, 2]);
    talk.wait(42);
    assert_eq!(talk.found, Vec::<String>::new(), "the others must recover from a death first");
    talk.wait(5);
    assert_eq!(talk.caught(), ["LV-5"]);
}

#[test]
fn a_batch_must_be_answered_by_somebody() {
    let mut talk = healthy();
    talk.wait(100);
    sends_to(&mut talk, 2);
    talk.wait(96);
    assert_eq!(talk.found, Vec::<String>::new());
    talk.wait(3);
    assert_eq!(talk.caught(), ["LV-2"]);
}

#[test]
fn whoever_is_back_must_register() {
    let mut talk = healthy();
    talk.wait(100);
    talk.dies(3);
    talk.wait(1);
    talk.sync_with(1, 0, &[1, 2]);
    talk.restarts(3, 1);
    talk.wait(84);
    assert_eq!(talk.found, Vec::<String>::new());
    talk.wait(3);
    assert_eq!(talk.caught(), ["LV-3"]);
    assert_eq!(talk.found.len(), 1, "it is said once");
}

#[test]
fn whoever_is_preferred_must_lead_again() {
    let mut talk = controlled();
    talk.elect(2, 1, &[1, 2, 3]);
    talk.wait(314);
    assert_eq!(talk.found, Vec::<String>::new());
    talk.wait(3);
    assert_eq!(talk.caught(), ["LV-7"]);
}

#[test]
fn a_violation_is_not_forgotten_where_it_may_not_be_judged_for_a_moment() {
    let mut talk = healthy();
    talk.wait(100);
    talk.dies(1);
    talk.wait(50);
    talk.dies(3);
    talk.wait(50);
    assert_eq!(talk.found, Vec::<String>::new(), "another death, and the others begin anew");
    talk.wait(10);
    assert_eq!(talk.caught()[0], "LV-1");
}
