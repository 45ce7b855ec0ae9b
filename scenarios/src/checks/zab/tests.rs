//! The folds, on notes made by hand: what each must forgive. That each check fails when it should is shown by the runs of real
//! machines in `scenarios/failing`.

use std::collections::BTreeMap;
use std::sync::Arc;

use coordinator::id::{Epoch, ServerId, SessionId, Zxid};
use coordinator::note::ServerNote;
use coordinator::txn::{Record, Txn, TxnHeader};
use machine::Instant;
use sim::world::NodeId;

use super::super::Check;
use crate::cast::Said;
use crate::scene::{Moment, Outside, Scene, Server, Truth};

/// Three servers that only talk, and how much of each one's log is on disk.
struct Talk {
    scene: Scene,
    durable: Durable,
    checks: Vec<Box<dyn Check>>,
    found: Vec<String>,
}

#[derive(Default)]
struct Durable(BTreeMap<u32, u64>);

impl Outside for Durable {
    fn is_up(&self, _node: NodeId) -> bool {
        true
    }
    fn reaches(&self, _from: NodeId, _to: NodeId) -> bool {
        true
    }
    fn is_well(&self, _node: NodeId) -> bool {
        true
    }
    fn reaches_well(&self, _from: NodeId, _to: NodeId) -> bool {
        true
    }
    fn durable_len(&self, node: NodeId, _path: &str) -> Option<u64> {
        self.0.get(&node.0).copied()
    }
}

fn z(epoch: u32, counter: u32) -> Zxid {
    Zxid::new(Epoch(epoch), counter)
}

fn record(zxid: Zxid) -> Arc<Record> {
    let header = TxnHeader { session: SessionId(1), cxid: 0, zxid, time_ms: 0 };
    Arc::new(Record::new(header, Txn::CloseSession))
}

impl Talk {
    fn new() -> Self {
        let mut scene = Scene { ensembles: vec![Truth::default()], ..Scene::default() };
        for id in 1..=3 {
            let server = Server::new(&format!("zk-{id}"), ServerId(u64::from(id)), 0);
            scene.servers.insert(NodeId(id), server);
        }
        Self { scene, durable: Durable::default(), checks: super::all(), found: Vec::new() }
    }

    fn say(&mut self, node: u32, note: ServerNote) {
        let (moment, said) =
            (Moment { step: 0, at: Instant::ZERO, node: NodeId(node) }, Said::Server(note));
        self.scene.fold(&moment, &said);
        for check in &mut self.checks {
            let mut found = Vec::new();
            check.see(&moment, &said, &self.scene, &self.durable, &mut found);
            let id = check.id();
            self.found.extend(found.into_iter().map(|message| format!("{id}: {message}")));
        }
    }

    /// Each entry takes ten bytes of the log.
    fn logs(&mut self, node: u32, zxids: &[Zxid]) {
        for zxid in zxids {
            let (digest, end) = (record(*zxid).digest, u64::from(zxid.counter()) * 10);
            self.say(node, ServerNote::Logged { zxid: *zxid, digest, file: "log".into(), end });
        }
    }

    fn reads(&mut self, node: u32, snapshot: Zxid, replayed: &[Zxid], tree: u64, epoch: u32) {
        let replayed: Vec<_> = replayed.iter().map(|zxid| (*zxid, record(*zxid).digest)).collect();
        let last = replayed.last().map_or(snapshot, |(zxid, _)| *zxid);
        let (accepted, current) = (Epoch(epoch), Epoch(epoch));
        let replayed = replayed.into();
        let note = ServerNote::Recovered { snapshot, replayed, last, tree, accepted, current };
        self.say(node, note);
    }

    fn enters(&mut self, node: u32, epoch: u32) {
        let epoch = Epoch(epoch);
        self.say(node, ServerNote::EpochAccepted { epoch });
        self.say(node, ServerNote::EpochCurrent { epoch });
    }

    /// Server 1 leads `epoch`.
    fn leads(&mut self, epoch: u32) {
        self.enters(1, epoch);
        let last = self.scene.servers[&NodeId(1)].last();
        self.say(1, ServerNote::Leads { epoch: Epoch(epoch), last });
        self.say(1, ServerNote::Established { epoch: Epoch(epoch), last });
    }

    fn commits(&mut self, zxid: Zxid, on: &[u32]) {
        self.say(1, ServerNote::Proposed(record(zxid)));
        for node in on {
            self.logs(*node, &[zxid]);
            self.say(*node, ServerNote::Acknowledged { zxid });
        }
        self.say(1, ServerNote::Committed { zxid });
        self.delivers(1, zxid, 0);
    }

    fn delivers(&mut self, node: u32, zxid: Zxid, tree: u64) {
        self.say(node, ServerNote::Delivered { record: record(zxid), tree, ephemerals: 0 });
    }

    fn found(&mut self) -> String {
        std::mem::take(&mut self.found).join("\n")
    }
}

#[test]
fn power_loss_may_take_what_was_not_on_disk_and_nothing_else() {
    let mut talk = Talk::new();
    talk.logs(1, &[z(1, 1), z(1, 2), z(1, 3), z(1, 4)]);
    talk.durable.0.insert(1, 20);
    talk.reads(1, Zxid::ZERO, &[z(1, 1), z(1, 2), z(1, 3)], 0, 1);
    assert_eq!(talk.found(), "");
    talk.reads(1, Zxid::ZERO, &[z(1, 1)], 0, 1);
    insta::assert_snapshot!(talk.found(), @"ZB-11: zk-1 reads back a history up to 0x100000001, although 0x100000002 is on its disk");
    talk.logs(1, &[z(1, 2), z(1, 3)]);
    talk.reads(1, Zxid::ZERO, &[z(1, 1), z(1, 3)], 0, 1);
    insta::assert_snapshot!(talk.found(), @"ZB-11: zk-1 reads back a history up to 0x100000003 without 0x100000002");
}

#[test]
fn a_wiped_disk_has_nothing_and_breaks_no_promise() {
    let mut talk = Talk::new();
    talk.enters(1, 4);
    talk.logs(1, &[z(4, 1)]);
    talk.scene.wiped(NodeId(1));
    talk.reads(1, Zxid::ZERO, &[], 0, 0);
    assert_eq!(talk.found(), "");
    talk.enters(1, 5);
    talk.reads(1, Zxid::ZERO, &[], 0, 4);
    insta::assert_snapshot!(talk.found(), @"
    ZB-5: zk-1 promised epoch 5 and reads back 4
    ZB-5: zk-1 was in epoch 5 and reads back 4
    ");
}

#[test]
fn what_was_cut_off_stays_away_even_if_a_snapshot_has_it() {
    let mut talk = Talk::new();
    talk.logs(2, &[z(1, 1), z(1, 2), z(1, 3)]);
    talk.say(2, ServerNote::SnapshotTaken { zxid: z(1, 3) });
    talk.say(2, ServerNote::Truncated { to: z(1, 2) });
    talk.reads(2, z(1, 3), &[], 0, 1);
    insta::assert_snapshot!(talk.found(), @"ZB-11: zk-2 cut its log back to 0x100000002, and reads back a history up to 0x100000003");
    assert_eq!(talk.scene.servers[&NodeId(2)].last(), z(1, 3), "it has it again");
    talk.leads(2);
    talk.say(1, ServerNote::Proposed(record(z(2, 1))));
    talk.say(2, ServerNote::Truncated { to: z(1, 2) });
    talk.delivers(2, z(2, 1), 0);
    talk.reads(2, z(2, 1), &[], 0, 2);
    assert_eq!(talk.found(), "", "new transactions are not what was cut off");
}

#[test]
fn a_tree_taken_over_counts_when_its_snapshot_is_written() {
    let mut talk = Talk::new();
    talk.leads(1);
    talk.durable.0.extend([(1, 99), (2, 99)]);
    talk.commits(z(1, 1), &[1, 2]);
    talk.logs(2, &[z(1, 2)]);
    talk.commits(z(1, 3), &[1, 3]);
    talk.found();
    let installed = ServerNote::SnapshotInstalled { from: ServerId(1), zxid: z(1, 3), tree: 0 };
    talk.say(2, installed.clone());
    talk.reads(2, Zxid::ZERO, &[z(1, 1), z(1, 2)], 7, 1);
    assert_eq!(talk.found(), "", "it died before: its own history is what it has");
    talk.say(2, installed);
    talk.say(2, ServerNote::SnapshotTaken { zxid: z(1, 3) });
    talk.reads(2, Zxid::ZERO, &[z(1, 1), z(1, 2)], 7, 1);
    insta::assert_snapshot!(talk.found(), @"ZB-11: zk-2 reads back a history up to 0x100000002 that it never had");
}

#[test]
fn only_what_was_on_the_disks_of_a_quorum_may_be_committed() {
    let mut talk = Talk::new();
    talk.leads(1);
    talk.durable.0.extend([(1, 20), (2, 10)]);
    talk.commits(z(1, 1), &[1, 2]);
    assert_eq!(talk.found(), "");
    talk.commits(z(1, 2), &[1, 2]);
    insta::assert_snapshot!(talk.found(), @"
    ZB-10: zk-2 acknowledged 0x100000002 before it was on disk: it ends at byte 20 of log, of which 10 are on disk
    ZB-1: zk-1 committed 0x100000002, which was on the disk of zk-1 only when it was acknowledged: 2 must have it
    ");
}

#[test]
fn a_follower_that_catches_up_may_apply_what_is_not_committed_yet() {
    let mut talk = Talk::new();
    talk.leads(1);
    talk.durable.0.extend([(1, 99), (2, 99), (3, 99)]);
    talk.commits(z(1, 1), &[1, 2]);
    talk.say(1, ServerNote::Proposed(record(z(1, 2))));
    talk.logs(1, &[z(1, 2)]);
    talk.delivers(3, z(1, 1), 0);
    talk.delivers(3, z(1, 2), 0);
    talk.enters(2, 2);
    talk.say(2, ServerNote::Leads { epoch: Epoch(2), last: z(1, 1) });
    talk.say(2, ServerNote::Established { epoch: Epoch(2), last: z(1, 1) });
    talk.say(2, ServerNote::Proposed(record(z(2, 1))));
    assert_eq!(talk.found(), "", "nobody served it, so the next leader may not have it");
    talk.enters(3, 2);
    talk.say(3, ServerNote::Follows { leader: ServerId(2), epoch: Epoch(2) });
    talk.delivers(3, z(2, 1), 0);
    insta::assert_snapshot!(talk.found(), @"ZB-6: zk-3 delivered 0x200000001, which was never committed");
}

#[test]
fn a_history_that_a_leader_is_replacing_vouches_for_no_epoch() {
    let mut talk = Talk::new();
    talk.logs(1, &[z(1, 1), z(1, 2)]);
    talk.logs(2, &[z(1, 1), z(1, 2)]);
    talk.leads(2);
    talk.enters(2, 2);
    talk.reads(2, Zxid::ZERO, &[z(1, 1)], 0, 2);
    insta::assert_snapshot!(talk.found(), @"ZB-5: zk-2 reads back epoch 2 and a history up to 0x100000001, which is not the one up to 0x100000002 that the epoch began with");
    let (from, to) = (z(1, 2), z(1, 1));
    let follower = ServerId(2);
    talk.say(3, ServerNote::Synchronises { follower, how: "TRUNC", from, to });
    talk.reads(2, Zxid::ZERO, &[z(1, 1)], 0, 2);
    assert_eq!(talk.found(), "");
}

#[test]
fn a_snapshot_may_hold_more_than_its_name_says() {
    let mut talk = Talk::new();
    talk.leads(1);
    talk.enters(2, 1);
    talk.say(2, ServerNote::Follows { leader: ServerId(1), epoch: Epoch(1) });
    talk.durable.0.extend([(1, 99), (2, 99), (3, 99)]);
    for (counter, tree) in [(1, 10), (2, 20), (3, 30)] {
        let zxid = z(1, counter);
        talk.say(1, ServerNote::Proposed(record(zxid)));
        for node in [1, 3] {
            talk.logs(node, &[zxid]);
            talk.say(node, ServerNote::Acknowledged { zxid });
        }
        talk.say(1, ServerNote::Committed { zxid });
        talk.delivers(1, zxid, tree);
        talk.delivers(2, zxid, tree);
    }
    // Its log is lost, the snapshot begun after the first has parts of the third.
    talk.reads(2, z(1, 1), &[], 11, 1);
    talk.delivers(2, z(1, 2), 21);
    talk.delivers(2, z(1, 3), 30);
    assert_eq!(talk.found(), "");
    talk.reads(2, z(1, 1), &[z(1, 2), z(1, 3)], 31, 1);
    insta::assert_snapshot!(talk.found(), @"ZB-2: zk-2 loaded another tree than zk-1 had after the same transactions up to 0x100000003");
}
