//! What a controller's decision does to a partition: it leads, it follows, it stops.
//!
//! ```text
//!            leader = self            leader = another live broker
//!   Idle ─────────────────► Leader ◄──────────────────────────► Follower
//!     └─────────────────────────────────────────────────────────►   │
//!   (a leader that is not alive in this broker's metadata changes nothing: the decision is passed over)
//! ```
//!
//! Sources: `Partition.makeLeader`, `makeFollower`, `ReplicaManager.makeFollowers`, `stopReplicas`.

use machine::DiskError;

use super::control::Decision;
use super::fetcher::Fetcher;
use super::partition::{Leader, Partition, Remote, Role, Slot};
use super::turn::{Touched, Turn};
use super::{Replicas, high_watermark};
use crate::config::TopicConfig;
use crate::id::{BrokerId, TopicPartition};
use crate::mechanism::FetchFencing;
use crate::note::Note;

impl Replicas {
    /// One decision of a controller whose epochs were checked.
    ///
    /// # Errors
    /// The disk's; nothing has changed then.
    pub(super) fn decide(
        &mut self,
        decision: &Decision,
        config: &TopicConfig,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<(), DiskError> {
        let slot = self.hold(decision, config, turn)?;
        if self.held.get(slot).is_some_and(|partition| decision.epoch <= partition.epoch) {
            // The request names it twice.
            return Ok(());
        }
        if decision.leader == self.config.id {
            self.leave_fetcher(slot);
            self.lead(slot, decision, turn);
        } else if turn.door.metadata.is_alive(decision.leader) {
            self.follow(slot, decision, turn);
        }
        Ok(())
    }

    /// The slot of a partition, which is made with an empty log if there is none.
    fn hold(
        &mut self,
        decision: &Decision,
        config: &TopicConfig,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<Slot, DiskError> {
        if let Some(slot) = self.held.find(&decision.topic, decision.partition) {
            return Ok(slot);
        }
        let id = self.held.name(&decision.topic, decision.partition);
        let log = self.logs.create(&id, config, turn.cx)?;
        let (start, end) = (log.start(), log.end());
        let known = high_watermark::at_load(log.checkpointed_high_watermark(), start, end);
        self.logs.set_high_watermark(&id, known);
        Ok(self.held.insert(Partition::new(id, config.min_insync_replicas, known, end)))
    }

    fn lead(&mut self, slot: Slot, decision: &Decision, turn: &mut Turn<'_, '_, '_>) {
        let (own, now) = (self.config.id, turn.cx.wall());
        let Some(partition) = self.held.get_mut(slot) else { return };
        let start = partition.log_end;
        if let Some(log) = self.logs.get_mut(&partition.id) {
            log.begin_epoch(decision.epoch, turn.cx);
        }
        let before = std::mem::replace(&mut partition.role, Role::Idle);
        let (is_new, known) = match before {
            Role::Leader(leader) => (false, leader.remotes),
            Role::Idle | Role::Follower { .. } => (true, Vec::new()),
        };
        let remote = |id: BrokerId| {
            let known = known.iter().find(|remote| remote.id == id).cloned();
            let mut remote = known.unwrap_or_else(|| Remote::new(id));
            remote.begin_epoch(start, now, decision.isr.contains(&id), is_new);
            remote
        };
        let others = decision.replicas.iter().copied().filter(|id| *id != own);
        let leader = Leader {
            isr: decision.isr.clone(),
            epoch_start: start,
            remotes: others.map(remote).collect(),
            change: None,
            refused_with: None,
        };
        partition.role = Role::Leader(leader);
        partition.take_over(decision);
        turn.cx.note(Note::BecameLeader {
            partition: partition.id.clone(),
            epoch: decision.epoch,
            controller_epoch: decision.controller_epoch,
            isr: decision.isr.as_slice().into(),
            zk_version: decision.zk_version,
            log_end: start,
            high_watermark: partition.high_watermark,
        });
        self.touch(slot, Touched::Role);
        // It may be alone in the ISR.
        self.try_high_watermark(slot, turn);
        self.complete_produces(slot, turn);
    }

    fn follow(&mut self, slot: Slot, decision: &Decision, turn: &mut Turn<'_, '_, '_>) {
        let every_epoch = self.config.mechanisms.fetch_fencing == FetchFencing::On;
        let Some(partition) = self.held.get_mut(slot) else { return };
        let leader = decision.leader;
        let same = matches!(&partition.role, Role::Follower { leader: known } if *known == leader);
        partition.role = Role::Follower { leader };
        partition.take_over(decision);
        turn.cx.note(Note::BecameFollower {
            partition: partition.id.clone(),
            epoch: decision.epoch,
            controller_epoch: decision.controller_epoch,
            leader,
            log_end: partition.log_end,
            high_watermark: partition.high_watermark,
        });
        if same && !every_epoch {
            return;
        }
        self.leave_fetcher(slot);
        self.fail_produces(slot, turn);
        self.touch(slot, Touched::Role);
        self.join_fetcher(slot, leader, turn);
    }

    /// A replica stops; its files may go with it.
    ///
    /// # Errors
    /// The disk's; then it is to be done again.
    pub(super) fn stop_one(
        &mut self,
        topic: &str,
        number: i32,
        delete: bool,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<(), DiskError> {
        let id = TopicPartition::new(topic, number);
        let slot = self.held.find(topic, number);
        let has_log = self.logs.get(&id).is_some();
        if slot.is_none() && !has_log {
            return Ok(());
        }
        if let Some(slot) = slot {
            self.leave_fetcher(slot);
        }
        if delete && has_log {
            // Files of a topic that was deleted while this broker was away go, too.
            self.logs.delete(&id, turn.cx)?;
        }
        if let Some(slot) = slot.filter(|_| delete) {
            self.fail_produces(slot, turn);
            self.touch(slot, Touched::Role);
            self.held.remove(slot);
        }
        turn.cx.note(Note::ReplicaStopped { partition: id, deleted: delete });
        Ok(())
    }

    /// A follower begins to copy from its leader, after it has cut off what the leader does not have.
    fn join_fetcher(&mut self, slot: Slot, leader: BrokerId, turn: &mut Turn<'_, '_, '_>) {
        let listener = &self.config.inter_broker_listener;
        let address = turn.door.metadata.address(leader, listener);
        let Some(address) = address.filter(|_| !self.closing) else { return };
        self.fetchers.entry(leader).or_insert_with(|| Fetcher::new(&self.config));
        self.join(leader, &address, slot, turn);
    }

    /// Its fetcher, if it is the last one, stays until the request is done: it may come back at once.
    fn leave_fetcher(&mut self, slot: Slot) {
        for fetcher in self.fetchers.values_mut() {
            fetcher.remove(slot);
        }
    }
}

impl Partition {
    fn take_over(&mut self, decision: &Decision) {
        self.epoch = decision.epoch;
        self.controller_epoch = decision.controller_epoch;
        self.zk_version = decision.zk_version;
        self.replicas.clone_from(&decision.replicas);
    }
}
