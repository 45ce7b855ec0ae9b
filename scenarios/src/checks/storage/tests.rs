//! What brokers write down, on notes made by hand.

use broker::id::Offset;
use broker::note::{Checkpoint, Note};

use crate::checks::talk::{Talk, orders};

/// Broker 1 leads, and all have two records.
fn healthy() -> Talk {
    let mut talk = Talk::new();
    talk.elect(1, 0, &[1, 2, 3]);
    talk.replicates(1, &[2, 3], 0, 7);
    talk.replicates(1, &[2, 3], 0, 8);
    talk
}

fn writes_down(talk: &mut Talk, id: i32, what: Checkpoint, offset: i64) {
    let offsets = [(orders(), Offset(offset))].into();
    talk.broker(id, Note::Checkpointed { what, offsets });
}

#[test]
fn what_is_true_may_be_written_down_again_and_again() {
    let mut talk = healthy();
    for what in [Checkpoint::HighWatermark, Checkpoint::RecoveryPoint] {
        for offset in [1, 1, 2, 1, 2] {
            writes_down(&mut talk, 1, what, offset);
        }
    }
    assert_eq!(talk.found, Vec::<String>::new());
}

#[test]
fn what_is_ahead_is_found_once_and_again_when_it_grows() {
    for what in [Checkpoint::HighWatermark, Checkpoint::RecoveryPoint] {
        let mut talk = healthy();
        for offset in [2, 3, 3, 4] {
            writes_down(&mut talk, 1, what, offset);
        }
        assert_eq!(talk.caught(), ["ST-2"]);
        assert_eq!(talk.found.len(), 2, "{:?}", talk.found);
    }
}

#[test]
fn what_was_true_of_a_replica_is_not_true_of_the_next_one() {
    let mut talk = healthy();
    writes_down(&mut talk, 3, Checkpoint::HighWatermark, 2);
    assert_eq!(talk.found, Vec::<String>::new());
    talk.broker(3, Note::ReplicaStopped { partition: orders(), deleted: true });
    talk.follows(3, 1, 0);
    writes_down(&mut talk, 3, Checkpoint::HighWatermark, 2);
    assert_eq!(talk.caught(), ["ST-2"]);
}

#[test]
fn a_log_may_begin_earlier_again() {
    let mut talk = healthy();
    let begins = |to| Note::LogStart { partition: orders(), to: Offset(to) };
    talk.broker(3, begins(2));
    writes_down(&mut talk, 3, Checkpoint::LogStart, 2);
    assert_eq!(talk.found, Vec::<String>::new());
    talk.broker(3, begins(1));
    writes_down(&mut talk, 3, Checkpoint::LogStart, 2);
    assert!(talk.caught().contains(&"ST-2"), "{:?}", talk.found);
}
