//! The folds, on notes made by hand: what each must forgive, and what it must not.

use broker::id::Offset;
use broker::note::{ClientNote, Failure};

use crate::checks::talk::{Talk, orders};

/// Broker 1 leads, and the producer's batch with this checksum was committed at offset 0.
fn produced(crc: u32) -> Talk {
    let mut talk = Talk::new();
    talk.elect(1, 0, &[1, 2, 3]);
    sends(&mut talk, 1, crc);
    talk.replicates(1, &[2, 3], 0, crc);
    talk
}

fn sends(talk: &mut Talk, batch: u64, crc: u32) {
    talk.client(ClientNote::Produced { partition: orders(), batch, records: 1, crc });
    talk.client(ClientNote::Sent { partition: orders(), batch, to: broker::id::BrokerId(1) });
}

fn is_told(talk: &mut Talk, batch: u64, base: i64, crc: u32) {
    let (partition, base) = (orders(), Offset(base));
    talk.client(ClientNote::Acked { partition, batch, base, records: 1, crc, acks: -1 });
}

fn consumes(talk: &mut Talk, base: i64, crc: u32) {
    let (partition, base) = (orders(), Offset(base));
    talk.client(ClientNote::Consumed { partition, base, last: base, crc });
}

#[test]
fn a_producer_finds_its_record_where_it_was_told() {
    let mut talk = produced(7);
    is_told(&mut talk, 1, 0, 7);
    assert_eq!(talk.found, Vec::<String>::new());
    let client = talk.scene.kafka.client_at(crate::checks::talk::CLIENT).expect("it was added");
    assert_eq!((client.acked, client.waiting.len()), (1, 0));

    let mut talk = produced(7);
    is_told(&mut talk, 1, 1, 7);
    assert_eq!(talk.caught(), ["PR-1"]);
}

#[test]
fn what_was_refused_for_good_is_not_there() {
    const NOT_ENOUGH_REPLICAS: i16 = 19;
    let refused = ClientNote::Retrying {
        partition: orders(),
        batch: 2,
        because: Failure::Error(NOT_ENOUGH_REPLICAS),
    };
    let mut talk = produced(7);
    sends(&mut talk, 2, 8);
    talk.client(refused.clone());
    sends(&mut talk, 3, 9);
    talk.appends(1, 0, 9, true);
    assert_eq!(talk.found, Vec::<String>::new());
    let mut talk = produced(7);
    sends(&mut talk, 2, 8);
    talk.appends(1, 0, 8, true);
    talk.client(refused.clone());
    assert_eq!(talk.caught(), ["PR-4"]);

    let mut talk = produced(7);
    sends(&mut talk, 2, 8);
    talk.appends(1, 0, 8, true);
    let because = Failure::TimedOut;
    talk.client(ClientNote::Retrying { partition: orders(), batch: 2, because });
    talk.client(ClientNote::Sent { partition: orders(), batch: 2, to: broker::id::BrokerId(1) });
    talk.client(refused);
    assert_eq!(talk.found, Vec::<String>::new(), "the attempt before may have appended it");
}

#[test]
fn consumers_see_what_is_committed_once_and_for_ever() {
    let mut talk = produced(7);
    consumes(&mut talk, 0, 7);
    assert_eq!(talk.found, Vec::<String>::new());
    talk.appends(1, 0, 8, true);
    consumes(&mut talk, 1, 8);
    assert_eq!(talk.caught(), ["CR-1"]);

    let mut talk = produced(7);
    consumes(&mut talk, 0, 7);
    consumes(&mut talk, 0, 7);
    assert_eq!(talk.caught(), ["CR-2"]);

    let mut talk = produced(7);
    consumes(&mut talk, 0, 7);
    talk.client(ClientNote::Positioned { partition: orders(), at: Offset(0), reset: false });
    consumes(&mut talk, 0, 7);
    assert_eq!(talk.found, Vec::<String>::new(), "it was moved");
    talk.client(ClientNote::Positioned { partition: orders(), at: Offset(0), reset: false });
    consumes(&mut talk, 0, 9);
    assert_eq!(talk.caught(), ["CR-3"]);
}

#[test]
fn after_an_unclean_election_other_content_is_excused_by_name() {
    let mut talk = produced(7);
    talk.sync_with(1, 0, &[1]);
    talk.replicates(1, &[], 0, 8);
    consumes(&mut talk, 0, 7);
    consumes(&mut talk, 1, 8);
    talk.dies(1);
    talk.scene.kafka.bounds.unclean = true;
    talk.elect(2, 1, &[2]);
    talk.replicates(2, &[], 1, 9);
    talk.client(ClientNote::Positioned { partition: orders(), at: Offset(1), reset: true });
    consumes(&mut talk, 1, 9);
    assert_eq!(talk.found, Vec::<String>::new());
    let excused = talk.excused();
    let excused = excused.iter().map(|(id, one)| (*id, one.by.id(), one.records));
    assert_eq!(excused.collect::<Vec<_>>(), [("CR-3", "E1", 1), ("KR-1", "E1", 1)]);
}
