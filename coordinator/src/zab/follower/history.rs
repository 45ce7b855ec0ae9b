//! How a follower takes over its leader's history, and what it does with proposals and commits before and after.

use std::sync::Arc;

use machine::Context;

use super::{Follower, Stage};
use crate::id::{Epoch, Zxid};
use crate::mechanism::{Mutant, Synchronisation};
use crate::note::ServerNote;
use crate::server::replica::Replica;
use crate::tree::snapshot;
use crate::txn::Record;
use crate::wire::peer::PeerPacket;
use crate::zab::LeavesRole;

impl Follower {
    pub(super) fn promise(
        &mut self,
        epoch: Epoch,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        self.epoch = epoch;
        if epoch < replica.accepted {
            return Err(LeavesRole("a newer epoch was promised to another leader"));
        }
        if epoch > replica.accepted {
            self.stage = Stage::PromisingEpoch;
            replica.storage.accept_epoch(epoch, cx, &mut replica.stored);
        } else {
            // Promised before: the leader may not count this acknowledgement again.
            self.acknowledge_epoch(None, replica, cx);
        }
        Ok(())
    }

    pub(super) fn acknowledge_epoch(
        &mut self,
        current: Option<Epoch>,
        replica: &Replica,
        cx: &mut Context<'_, ServerNote>,
    ) {
        self.stage = Stage::AwaitingHistory;
        self.send(&PeerPacket::AckEpoch { current, last: replica.last_zxid() }, cx);
    }

    pub(super) fn history(
        &mut self,
        packet: PeerPacket,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let always = replica.config.mechanisms.synchronisation == Synchronisation::SnapAlways;
        match packet {
            PeerPacket::Diff { .. } => {
                self.snapshot_needed = always;
                self.stage = Stage::TakingHistory;
            }
            PeerPacket::Trunc { zxid } => {
                self.stage = Stage::Truncating;
                self.cut_at = zxid;
                replica.storage.truncate(zxid, cx, &mut replica.stored);
            }
            PeerPacket::Snap { zxid } => self.snapshot_at = zxid,
            PeerPacket::Snapshot(bytes) => {
                let zxid = self.snapshot_at;
                let tree = snapshot::decode(&bytes, zxid)
                    .map_err(|_| LeavesRole("the leader's snapshot does not parse"))?;
                cx.note(ServerNote::SnapshotInstalled {
                    from: self.leader,
                    zxid,
                    tree: tree.digest(),
                });
                replica.tree = tree;
                replica.committed.clear();
                replica.storage.reset_after_install(zxid, cx, &mut replica.stored);
                self.stage = Stage::TakingHistory;
            }
            PeerPacket::Ping { .. } => {}
            _ => return Err(LeavesRole("the leader sent no history")),
        }
        Ok(())
    }

    pub(super) fn proposed(
        &mut self,
        record: Arc<Record>,
        stage: Stage,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) {
        self.pending.push_back((record, false));
        if stage == Stage::Serving {
            self.log_pending(replica, cx);
        }
    }

    pub(super) fn committed(
        &mut self,
        zxid: Zxid,
        stage: Stage,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let at_once = match stage {
            Stage::Serving => true,
            Stage::TakingHistory => self.snapshot_needed,
            _ => false,
        };
        if !at_once {
            self.commits.push_back(zxid);
            return Ok(());
        }
        if stage == Stage::Serving && replica.config.mechanisms.has(Mutant::FollowerSwapsCommits) {
            return self.swap_commits(zxid, replica, cx);
        }
        self.deliver(zxid, replica, cx)
    }

    /// Applies the oldest pending transaction, which must be the one that is committed.
    pub(super) fn deliver(
        &mut self,
        zxid: Zxid,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        match self.pending.front() {
            // FollowerZooKeeperServer.commit: a warning, nothing else.
            None => Ok(()),
            Some((record, _)) if record.header.zxid == zxid => {
                let (record, _) = self.pending.pop_front().expect("there is a front");
                replica.deliver_as_follower(&record, cx);
                Ok(())
            }
            Some(_) => {
                cx.exit(12, "committing a zxid that is not the next pending one");
                Ok(())
            }
        }
    }

    pub(super) fn swap_commits(
        &mut self,
        zxid: Zxid,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let Some(first) = self.held_commit.take() else {
            self.held_commit = Some(zxid);
            return Ok(());
        };
        let place = self.pending.iter().position(|(record, _)| record.header.zxid == zxid);
        if let Some((record, _)) = place.and_then(|place| self.pending.remove(place)) {
            replica.deliver_as_follower(&record, cx);
        }
        self.deliver(first, replica, cx)
    }

    /// NEWLEADER: the leader's history is here. What is made durable before the ACK differs between versions.
    pub(super) fn new_leader(&mut self, replica: &mut Replica, cx: &mut Context<'_, ServerNote>) {
        match replica.config.mechanisms.synchronisation {
            Synchronisation::SnapAlways | Synchronisation::DiffNolog => {
                self.snapshot_or_enter(false, replica, cx);
            }
            Synchronisation::DiffAsync => self.snapshot_or_enter(true, replica, cx),
            // A tree taken over, or applied and never logged, is on disk before what is logged behind it: a crash in between
            // would leave a hole.
            Synchronisation::DiffSync if self.snapshot_needed => {
                self.snapshot_or_enter(true, replica, cx);
            }
            Synchronisation::DiffSync => {
                self.log_pending(replica, cx);
                match self.unacknowledged.back() {
                    Some(upto) if replica.storage.synced() < *upto => {
                        self.stage = Stage::Logging { upto: *upto };
                    }
                    _ => {
                        self.apply_commits(replica, cx);
                        self.snapshot_or_enter(true, replica, cx);
                    }
                }
            }
        }
    }

    pub(super) fn snapshot_or_enter(
        &mut self,
        synced: bool,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) {
        if self.snapshot_needed {
            self.stage = Stage::Snapshotting;
            replica.storage.snapshot(&replica.tree, synced, cx);
        } else {
            self.enter_epoch(replica, cx);
        }
    }

    pub(super) fn enter_epoch(&mut self, replica: &mut Replica, cx: &mut Context<'_, ServerNote>) {
        self.stage = Stage::EnteringEpoch;
        replica.storage.enter_epoch(self.epoch, cx, &mut replica.stored);
    }

    pub(super) fn acknowledge_leader(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) {
        if replica.config.mechanisms.synchronisation == Synchronisation::DiffAsync {
            self.log_pending(replica, cx);
        }
        self.stage = Stage::Acknowledged;
        cx.note(ServerNote::AcknowledgedLeader { leader: self.leader, epoch: self.epoch });
        self.send(&PeerPacket::Ack { zxid: Zxid::new(self.epoch, 0) }, cx);
        self.acknowledge_synced(replica, cx);
    }

    pub(super) fn up_to_date(&mut self, replica: &mut Replica, cx: &mut Context<'_, ServerNote>) {
        self.send(&PeerPacket::Ack { zxid: Zxid::new(self.epoch, 0) }, cx);
        self.log_pending(replica, cx);
        self.apply_commits(replica, cx);
        self.stage = Stage::Serving;
        cx.note(ServerNote::Follows { leader: self.leader, epoch: self.epoch });
        replica.clients.serve();
        self.acknowledge_synced(replica, cx);
    }

    /// Puts what was proposed and is not in the log yet into the log.
    pub(super) fn log_pending(&mut self, replica: &mut Replica, cx: &mut Context<'_, ServerNote>) {
        let unlogged = self.pending.iter().filter(|(_, logged)| !logged).count();
        let hole = replica.config.mechanisms.has(Mutant::LogsWithAHole) && unlogged > 1;
        let mut skip = hole;
        for (record, logged) in self.pending.iter_mut().filter(|(_, logged)| !logged) {
            *logged = true;
            if std::mem::take(&mut skip) {
                continue;
            }
            self.unacknowledged.push_back(record.header.zxid);
            replica.storage.append(record.clone(), cx, &mut replica.stored);
        }
    }

    pub(super) fn apply_commits(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) {
        while let Some(zxid) = self.commits.pop_front() {
            if let Some((record, _)) = self.pending.front()
                && record.header.zxid == zxid
            {
                let (record, _) = self.pending.pop_front().expect("there is a front");
                replica.deliver_as_follower(&record, cx);
            }
        }
    }

    /// ACK order is zxid order, and no ACK overtakes that of NEWLEADER.
    pub(super) fn acknowledge_synced(
        &mut self,
        replica: &Replica,
        cx: &mut Context<'_, ServerNote>,
    ) {
        if !matches!(self.stage, Stage::Acknowledged | Stage::Serving) {
            return;
        }
        while let Some(zxid) = self.unacknowledged.front().copied()
            && zxid <= replica.storage.synced()
        {
            self.unacknowledged.pop_front();
            cx.note(ServerNote::Acknowledged { zxid });
            self.send(&PeerPacket::Ack { zxid }, cx);
        }
    }
}
