//! The bounds, on notes made by hand and seconds that pass: what each must forgive, and what it must not.

use broker::id::BrokerId;
use broker::note::ClientNote;

use crate::checks::talk::{Talk, orders};

/// Broker 1 leads, all are in sync.
fn healthy() -> Talk {
    let mut talk = Talk::new();
    talk.elect(1, 0, &[1, 2, 3]);
    talk.replicates(1, &[2, 3], 0, 7);
    talk
}

fn sends(talk: &mut Talk) {
    let (partition, to) = (orders(), BrokerId(1));
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
