//! The folds, on notes made by hand: what each must forgive, and what it must not.

use broker::id::{BrokerId, ControllerEpoch};
use broker::note::Note;
use broker::zk::znode;

use crate::checks::talk::{Talk, orders};

#[track_caller]
fn calm(talk: &Talk) {
    assert_eq!(talk.found, Vec::<String>::new());
}

#[test]
fn controllers_are_counted_with_their_crown() {
    let mut talk = Talk::new();
    talk.set("/controller_epoch", b"0");
    let taken = talk.write("/controller", &znode::controller_json(BrokerId(1), 0));
    let counted = talk.write("/controller_epoch", b"1");
    talk.commit(vec![taken, counted]);
    calm(&talk);
    assert_eq!(talk.scene.kafka.controller(), Some(BrokerId(1)));
    talk.delete("/controller");
    talk.set("/controller", &znode::controller_json(BrokerId(2), 0));
    assert_eq!(talk.caught(), ["CT-2"]);
}

#[test]
fn a_deposed_controller_decides_nothing() {
    let mut talk = Talk::new();
    talk.set("/controller_epoch", b"0");
    talk.elect(1, 0, &[1, 2, 3]);
    for (id, epoch) in [(1, "1"), (2, "2")] {
        let taken = talk.write("/controller", &znode::controller_json(BrokerId(id), 0));
        let counted = talk.write("/controller_epoch", epoch.as_bytes());
        talk.commit(vec![taken, counted]);
        talk.delete("/controller");
    }
    talk.state(1, 0, &[1, 2]);
    calm(&talk);
    talk.state(2, 1, &[1, 2]);
    assert_eq!(talk.caught(), ["CT-2"], "an ISR may still be written, a new epoch may not");
}

#[test]
fn leaders_come_from_the_isr() {
    let mut talk = Talk::new();
    talk.elect(1, 0, &[1, 2]);
    talk.elect(2, 1, &[2]);
    calm(&talk);
    talk.state(3, 2, &[3]);
    assert_eq!(talk.caught(), ["CT-4"]);

    let mut talk = Talk::new();
    talk.elect(1, 0, &[1, 2]);
    talk.state(3, 0, &[3]);
    assert_eq!(talk.caught(), ["CT-4"], "the epoch does not say so, and it is an election");
}

#[test]
fn orders_come_from_one_controller() {
    let mut talk = Talk::new();
    let sent = |epoch| Note::ControlSent {
        to: BrokerId(3),
        controller_epoch: ControllerEpoch(epoch),
        what: "LeaderAndIsr",
    };
    talk.broker(1, sent(1));
    talk.broker(2, sent(2));
    talk.broker(1, sent(1));
    calm(&talk);
    talk.broker(2, sent(1));
    assert_eq!(talk.caught(), ["CT-1"]);
}

#[test]
fn replicas_go_round() {
    let mut talk = Talk::new();
    talk.topic("even", &[&[2, 3, 1], &[3, 1, 2], &[1, 2, 3], &[2, 1, 3]]);
    talk.topic("shifted", &[&[3, 2], &[1, 3]]);
    calm(&talk);
    talk.topic("uneven", &[&[1, 2], &[1, 3], &[1, 2]]);
    assert_eq!(talk.caught(), ["CT-5"]);
    talk.found.clear();
    talk.scene.kafka.assigned_by_hand.insert("mine".into());
    talk.topic("mine", &[&[1, 2], &[1, 3], &[1, 2]]);
    calm(&talk);
    talk.topic("twice", &[&[1, 1]]);
    assert_eq!(talk.caught(), ["CT-5"]);
}

#[test]
fn topics_grow_only() {
    let mut talk = Talk::new();
    talk.topic("orders", &[&[1, 2, 3], &[2, 3, 1]]);
    calm(&talk);
    talk.topic("orders", &[&[2, 1, 3], &[2, 3, 1]]);
    assert_eq!(talk.caught(), ["CT-6"]);
    talk.found.clear();
    talk.topic("orders", &[&[2, 1, 3]]);
    assert_eq!(talk.caught(), ["CT-6"]);
}

#[test]
fn a_deleted_topic_leaves_nothing() {
    let mut talk = Talk::new();
    talk.elect(1, 0, &[1, 2, 3]);
    talk.replicates(1, &[2, 3], 0, 7);
    talk.set("/admin/delete_topics/orders", b"");
    for id in [1, 2] {
        talk.broker(id, Note::ReplicaStopped { partition: orders(), deleted: true });
    }
    talk.delete(&znode::state_path(&orders()));
    talk.delete("/brokers/topics/orders");
    calm(&talk);
    talk.delete("/admin/delete_topics/orders");
    assert_eq!(talk.caught(), ["CT-7"], "broker 3 still has it");
}
