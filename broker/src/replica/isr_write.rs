//! Changes of an ISR in ZooKeeper: compare-and-set on the state znode, and read back after a refusal.
//!
//! The broker asks; nothing is believed before ZooKeeper has answered. Up to Kafka 2.6 the partition is frozen meanwhile,
//! and so is whoever needs it: the task that shrinks ISRs, too, which looks at one partition after the other.

use bytes::Bytes;
use coordinator::wire::client::code;
use coordinator::wire::client::{Request as ZkRequest, Response as ZkResponse};
use machine::{Duration, Instant};

use super::isr;
use super::partition::{Change, Slot, Stage};
use super::turn::{Touched, Turn};
use super::{ReplicaEvent, Replicas};
use crate::id::BrokerId;
use crate::mechanism::{IsrWrite, Mutant};
use crate::note::Note;
use crate::zk::{Asker, ZkError, znode};

/// A partition that is frozen for less than this says nothing about it.
const UNREMARKABLE: Duration = Duration::from_secs(1);

/// How ZooKeeper's answer ends a change.
enum Ending {
    /// The new ISR is in force, with this version of the znode.
    Changed(i32),
    /// Another state is there: the old one stays.
    Refused,
    /// The session is gone: the old one stays, the next trigger tries again.
    Lost,
}

impl Replicas {
    /// The task that shrinks ISRs goes on where it stands (`ReplicaManager.maybeShrinkIsr`).
    pub(super) fn sweep_isrs(&mut self, turn: &mut Turn<'_, '_, '_>) {
        let (now, lag_max) = (turn.cx.wall(), self.config.replica_lag_max);
        while let Some(from) = self.sweep {
            let Some((index, slot, partition)) = self.held.next(from) else {
                self.sweep = None;
                return;
            };
            if partition.is_frozen() {
                self.sweep = Some(index);
                return;
            }
            self.sweep = Some(index + 1);
            let busy = partition.leader().is_none_or(|leader| leader.change.is_some());
            if !busy && let Some(isr) = isr::without_laggards(partition, now, lag_max) {
                self.shrink(slot, isr, turn);
            }
        }
    }

    fn shrink(&mut self, slot: Slot, mut isr: Vec<BrokerId>, turn: &mut Turn<'_, '_, '_>) {
        if self.config.mechanisms.has(Mutant::LeavesItselfOut) {
            isr.retain(|id| *id != self.config.id);
        }
        if !self.config.mechanisms.has(Mutant::ShrinksIsrByItself) {
            self.ask_isr(slot, isr, turn);
            return;
        }
        let Some(partition) = self.held.get_mut(slot) else { return };
        let version = partition.zk_version;
        self.use_isr(slot, isr, version, turn);
    }

    /// A follower has fetched: if it has come far enough, it is to be in sync again.
    pub(super) fn try_expand(
        &mut self,
        slot: Slot,
        replica: BrokerId,
        turn: &mut Turn<'_, '_, '_>,
    ) {
        let Some(partition) = self.held.get(slot) else { return };
        let busy = partition.leader().is_none_or(|leader| leader.change.is_some());
        let rule = self.config.mechanisms.isr_expand;
        let never = self.config.mechanisms.has(Mutant::NeverExpandsIsr);
        if !busy
            && !never
            && let Some(isr) = isr::with_returned(partition, replica, rule)
        {
            self.ask_isr(slot, isr, turn);
        }
    }

    fn ask_isr(&mut self, slot: Slot, isr: Vec<BrokerId>, turn: &mut Turn<'_, '_, '_>) {
        let freezes = self.config.mechanisms.isr_write == IsrWrite::Blocking;
        self.asked += 1;
        let number = self.asked;
        let own = self.config.id;
        let Some(partition) = self.held.get_mut(slot) else { return };
        let state = znode::State {
            controller_epoch: partition.controller_epoch,
            leader: own,
            epoch: partition.epoch,
            isr: isr.clone(),
        };
        turn.cx.note(Note::IsrAsked {
            partition: partition.id.clone(),
            isr: isr.as_slice().into(),
            zk_version: partition.zk_version,
        });
        let request = ZkRequest::SetData {
            path: znode::state_path(&partition.id),
            data: Some(Bytes::from(state.to_json())),
            version: partition.zk_version,
        };
        let Some(leader) = partition.leader_mut() else { return };
        leader.change = Some(Change { number, isr, stage: Stage::Writing, freezes });
        self.writes.insert(number, slot);
        if freezes {
            let at_once = !turn.door.keeper.is_connected();
            let say_at = turn.cx.now() + if at_once { Duration::ZERO } else { UNREMARKABLE };
            self.frozen.insert(slot, say_at);
        }
        turn.door.keeper.ask(Asker::Replicas(number), request, turn.cx);
    }

    /// ZooKeeper answered.
    pub(super) fn isr_answered(
        &mut self,
        number: u64,
        result: Result<ZkResponse, ZkError>,
        turn: &mut Turn<'_, '_, '_>,
    ) {
        let Some(slot) = self.writes.remove(&number) else { return };
        let own = self.config.id;
        let Some(partition) = self.held.get_mut(slot) else { return };
        let (controller_epoch, epoch) = (partition.controller_epoch, partition.epoch);
        let path = znode::state_path(&partition.id);
        let Some(leader) = partition.leader_mut() else { return };
        let Some(change) = leader.change.as_mut().filter(|change| change.number == number) else {
            return;
        };
        let ending = match (change.stage, result) {
            (Stage::Writing, Ok(ZkResponse::Stat(stat))) => Ending::Changed(stat.version),
            (Stage::Writing, Err(ZkError::Refused(code::BAD_VERSION))) => {
                self.asked += 1;
                change.stage = Stage::ReadingBack;
                change.number = self.asked;
                self.writes.insert(self.asked, slot);
                let request = ZkRequest::GetData { path, watch: false };
                turn.door.keeper.ask(Asker::Replicas(self.asked), request, turn.cx);
                return;
            }
            (Stage::ReadingBack, Ok(ZkResponse::Data { data, stat })) => {
                let isr = change.isr.clone();
                let wanted = znode::State { controller_epoch, leader: own, epoch, isr };
                let stored = data.as_deref().and_then(znode::State::from_json);
                if stored == Some(wanted) { Ending::Changed(stat.version) } else { Ending::Refused }
            }
            (_, Err(ZkError::SessionExpired)) => Ending::Lost,
            (_, Ok(_) | Err(ZkError::Refused(_))) => Ending::Refused,
        };
        self.end_change(slot, &ending, turn);
    }

    fn end_change(&mut self, slot: Slot, ending: &Ending, turn: &mut Turn<'_, '_, '_>) {
        let Some(partition) = self.held.get_mut(slot) else { return };
        let (id, version) = (partition.id.clone(), partition.zk_version);
        let Some(leader) = partition.leader_mut() else { return };
        let Some(change) = leader.change.take() else { return };
        match ending {
            Ending::Changed(version) => {
                self.use_isr(slot, change.isr, *version, turn);
                turn.events.push(ReplicaEvent::IsrChanged(id));
            }
            Ending::Refused => {
                if leader.refused_with != Some(version) {
                    leader.refused_with = Some(version);
                    turn.cx.note(Note::IsrRefused { partition: id, zk_version: version });
                }
                // Whom a refused expansion had added counts no longer.
                self.try_high_watermark(slot, turn);
            }
            Ending::Lost => {
                self.try_high_watermark(slot, turn);
            }
        }
        if change.freezes {
            self.thaw(slot, turn);
        }
    }

    fn use_isr(
        &mut self,
        slot: Slot,
        isr: Vec<BrokerId>,
        zk_version: i32,
        turn: &mut Turn<'_, '_, '_>,
    ) {
        let Some(partition) = self.held.get_mut(slot) else { return };
        partition.zk_version = zk_version;
        let (id, epoch) = (partition.id.clone(), partition.epoch);
        let said = isr.as_slice().into();
        if let Some(leader) = partition.leader_mut() {
            leader.isr = isr;
            leader.refused_with = None;
        }
        turn.cx.note(Note::IsrCached { partition: id, epoch, isr: said, zk_version });
        self.try_high_watermark(slot, turn);
    }

    /// The partition goes on, and whoever waited for it with it.
    pub(super) fn thaw(&mut self, slot: Slot, turn: &mut Turn<'_, '_, '_>) {
        let Some(say_at) = self.frozen.remove(&slot) else { return };
        self.thawed = true;
        let Some(partition) = self.held.get(slot) else { return };
        if say_at == Instant::NEVER {
            turn.cx.note(Note::Thawed { partition: partition.id.clone() });
        }
        self.touch(slot, Touched::Role);
    }
}
