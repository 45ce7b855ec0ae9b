//! A follower: discovery, synchronisation, broadcast, and the loss of its leader.

use coordinator::id::{Epoch, ServerId, Zxid};
use coordinator::mechanism::{Database, Mechanisms};
use coordinator::server::sessions::first_session_id;
use coordinator::tree::{DataTree, snapshot};
use coordinator::txn::{Record, Txn, TxnHeader};
use coordinator::wire::peer::{PROTOCOL, PeerPacket};
use insta::assert_snapshot;
use machine::{Closed, Conn};

use crate::stage::{Stage, created, zxid};

/// Server 1, which has elected 3; the leader has taken its call.
pub fn following(mechanisms: Mechanisms) -> (Stage, Conn) {
    let mut stage = Stage::ensemble(1, mechanisms);
    stage.elect(3, Zxid::ZERO, 0);
    let leader = stage.leader_answers();
    stage.text();
    (stage, leader)
}

/// The leader gives its epoch.
pub fn promise(stage: &mut Stage, leader: Conn, epoch: u32) {
    let epoch = Epoch(epoch);
    stage.hear(leader, PeerPacket::LeaderInfo { epoch, protocol: PROTOCOL });
}

/// The leader proposes, and perhaps commits, the `counter`-th transaction of an epoch.
pub fn proposal(stage: &mut Stage, leader: Conn, epoch: u32, counter: u32, commit: bool) {
    let path = format!("/{epoch}-{counter}");
    stage.hear(leader, PeerPacket::Proposal(created(epoch, counter, &path).into()));
    if commit {
        stage.hear(leader, PeerPacket::Commit { zxid: zxid(epoch, counter) });
    }
}

/// NEWLEADER and UPTODATE.
fn establish(stage: &mut Stage, leader: Conn, epoch: u32) {
    stage.hear(leader, PeerPacket::NewLeader { zxid: zxid(epoch, 0) });
    stage.hear(leader, PeerPacket::UpToDate);
}

/// It followed epoch 1 up to 0x100000002 and logged, but never saw committed, 0x100000003; now 3 is elected again.
fn with_a_past(mechanisms: Mechanisms) -> (Stage, Conn) {
    let (mut stage, leader) = following(mechanisms);
    promise(&mut stage, leader, 1);
    stage.hear(leader, PeerPacket::Diff { zxid: Zxid::ZERO });
    establish(&mut stage, leader, 1);
    proposal(&mut stage, leader, 1, 1, true);
    proposal(&mut stage, leader, 1, 2, true);
    proposal(&mut stage, leader, 1, 3, false);
    stage.bench.closed(leader, Closed::Reset);
    stage.settle();
    stage.elect(3, zxid(1, 9), 1);
    let leader = stage.leader_answers();
    promise(&mut stage, leader, 2);
    stage.text();
    (stage, leader)
}

#[test]
fn from_discovery_to_broadcast() {
    let (mut stage, leader) = following(Mechanisms::default());
    promise(&mut stage, leader, 1);
    stage.bench.remark("synchronisation: one transaction it lacks, one that is not committed yet");
    stage.hear(leader, PeerPacket::Diff { zxid: zxid(0, 1) });
    proposal(&mut stage, leader, 0, 1, true);
    proposal(&mut stage, leader, 1, 1, false);
    stage.hear(leader, PeerPacket::NewLeader { zxid: zxid(1, 0) });
    stage.bench.remark("broadcast goes on before UPTODATE");
    stage.hear(leader, PeerPacket::Commit { zxid: zxid(1, 1) });
    proposal(&mut stage, leader, 1, 2, false);
    stage.hear(leader, PeerPacket::UpToDate);
    stage.bench.remark("broadcast");
    stage.hear(leader, PeerPacket::Commit { zxid: zxid(1, 2) });
    proposal(&mut stage, leader, 1, 3, true);
    assert_snapshot!(stage.text());
}

#[test]
fn the_tail_the_leader_does_not_know_is_cut() {
    let (mut stage, leader) = with_a_past(Mechanisms::default());
    stage.hear(leader, PeerPacket::Trunc { zxid: zxid(1, 2) });
    establish(&mut stage, leader, 2);
    assert_snapshot!(stage.text());
}

#[test]
fn a_cut_under_way_is_waited_for_when_the_leader_is_lost() {
    let database = Database::RetainedAndFastForwarded;
    let (mut stage, leader) = with_a_past(Mechanisms { database, ..Mechanisms::default() });
    stage.bench.receive(leader, PeerPacket::Trunc { zxid: zxid(1, 2) }.encode());
    stage.bench.closed(leader, Closed::Reset);
    stage.settle();
    assert_snapshot!(stage.text());
}

#[test]
fn a_whole_tree_is_taken_over() {
    let (mut stage, leader) = with_a_past(Mechanisms::default());
    let mut tree = DataTree::new();
    let newest = created(1, 900, "/far-ahead");
    tree.apply(&newest.header, &newest.txn, false);
    stage.hear(leader, PeerPacket::Snap { zxid: zxid(1, 900) });
    stage.hear(leader, PeerPacket::Snapshot(snapshot::encode(&tree)));
    proposal(&mut stage, leader, 1, 901, true);
    proposal(&mut stage, leader, 2, 1, false);
    establish(&mut stage, leader, 2);
    assert_snapshot!(stage.text());
}

#[test]
fn an_epoch_is_promised_once() {
    let (mut stage, leader) = following(Mechanisms::default());
    promise(&mut stage, leader, 4);
    stage.bench.closed(leader, Closed::Reset);
    stage.settle();
    stage.elect(3, Zxid::ZERO, 0);
    let leader = stage.leader_answers();
    stage.text();
    stage.bench.remark("the same epoch again");
    promise(&mut stage, leader, 4);
    stage.bench.closed(leader, Closed::Reset);
    stage.settle();
    stage.elect(3, Zxid::ZERO, 0);
    let leader = stage.leader_answers();
    stage.bench.remark("an older epoch");
    promise(&mut stage, leader, 3);
    assert_snapshot!(stage.text());
}

#[test]
fn pings_carry_the_sessions_heard_of_and_silence_ends_the_role() {
    let (mut stage, leader) = following(Mechanisms::default());
    promise(&mut stage, leader, 1);
    stage.hear(leader, PeerPacket::Diff { zxid: Zxid::ZERO });
    establish(&mut stage, leader, 1);
    stage.text();
    let client = stage.client_comes();
    stage.client_greets(client);
    let session = first_session_id(ServerId(1), 1_600_000_000_000);
    let header = TxnHeader { session, cxid: 0, zxid: zxid(1, 1), time_ms: 0 };
    let record = Record::new(header, Txn::CreateSession { timeout_ms: 6_000 });
    stage.hear(leader, PeerPacket::Proposal(record.into()));
    stage.hear(leader, PeerPacket::Commit { zxid: zxid(1, 1) });
    stage.hear(leader, PeerPacket::Ping { zxid: zxid(1, 1), touched: None });
    stage.wait(1_000);
    stage.hear(leader, PeerPacket::Ping { zxid: zxid(1, 1), touched: None });
    stage.bench.remark("and then nothing");
    stage.wait(10_000);
    assert_snapshot!(stage.text());
}

#[test]
fn a_leader_that_cannot_be_reached_is_given_up() {
    let mut stage = Stage::ensemble(1, Mechanisms::default());
    stage.elect(3, Zxid::ZERO, 0);
    stage.text();
    stage.wait(51_000);
    let text = stage.text();
    let dials = text.matches("dials zk3:2888").count();
    assert_eq!(dials, 4, "after the first it tries four times\n{text}");
    assert_eq!(text.matches("leaves its role").count(), 1, "{text}");
}
