//! The same NEWLEADER under each mechanism: what is on the disk before the ACK is what they differ in.

use coordinator::mechanism::{Mechanisms, Synchronisation};
use coordinator::wire::peer::PeerPacket;
use insta::assert_snapshot;

use crate::follower::{following, promise, proposal};
use crate::stage::zxid;

/// From NEWLEADER to UPTODATE, after a DIFF of one committed transaction and one that is not committed yet.
fn new_leader(synchronisation: Synchronisation) -> String {
    let (mut stage, leader) = following(Mechanisms { synchronisation, ..Mechanisms::default() });
    promise(&mut stage, leader, 1);
    stage.hear(leader, PeerPacket::Diff { zxid: zxid(0, 1) });
    proposal(&mut stage, leader, 0, 1, true);
    proposal(&mut stage, leader, 1, 1, false);
    stage.text();
    stage.hear(leader, PeerPacket::NewLeader { zxid: zxid(1, 0) });
    stage.hear(leader, PeerPacket::UpToDate);
    stage.text()
}

#[test]
fn snap_always() {
    assert_snapshot!(new_leader(Synchronisation::SnapAlways));
}

#[test]
fn diff_nolog() {
    assert_snapshot!(new_leader(Synchronisation::DiffNolog));
}

#[test]
fn diff_async() {
    assert_snapshot!(new_leader(Synchronisation::DiffAsync));
}

#[test]
fn diff_sync() {
    assert_snapshot!(new_leader(Synchronisation::DiffSync));
}
