//! The replica state machine at work: replicas are told whom to follow, told to stop, and taken out of the ISRs when they cannot
//! serve (`ReplicaStateMachine`).

use coordinator::code;
use machine::Context;

use super::context::{Partition, ReplicaState, Replicas};
use super::desk::{self, Answer, Desk, written};
use super::leaders::{set_state, state_in};
use super::partition_state::without_replica;
use super::steps::{Reign, Step};
use crate::id::{BrokerId, TopicPartition};
use crate::note::{Decision, Note};
use crate::zk::znode::{self, State};

impl ReplicaState {
    /// Whether a replica that stands here may be moved there.
    pub fn may_become(self, next: Self) -> bool {
        use ReplicaState as S;
        match next {
            S::New => self == S::New,
            S::Online | S::Offline => {
                matches!(self, S::New | S::Online | S::Offline | S::DeletionIneligible)
            }
            S::DeletionStarted => self == S::Offline,
            S::DeletionSuccessful => self == S::DeletionStarted,
            S::DeletionIneligible => matches!(self, S::Offline | S::DeletionStarted),
        }
    }
}

impl Partition {
    /// Moves a replica; false if it may not go there from where it stands.
    pub fn move_replica(&mut self, replica: BrokerId, next: ReplicaState) -> bool {
        match self.replicas.get_mut(&replica) {
            Some(state) if state.may_become(next) => {
                *state = next;
                true
            }
            _ => false,
        }
    }
}

impl Reign {
    /// Moves replicas that may be moved; returns them.
    pub(super) fn move_replicas(&mut self, replicas: &Replicas, next: ReplicaState) -> Replicas {
        let mut moved = Replicas::new();
        for (broker, partitions) in replicas {
            for name in partitions {
                let partition = self.context.partitions.get_mut(name);
                if partition.is_some_and(|partition| partition.move_replica(*broker, next)) {
                    moved.entry(*broker).or_default().push(name.clone());
                }
            }
        }
        moved
    }

    /// Replicas of live brokers are told their roles, if somebody has a role to give.
    pub(super) fn move_online(&mut self, replicas: &Replicas, cx: &mut Context<'_, Note>) {
        for (broker, partitions) in replicas {
            for name in partitions {
                let Some(partition) = self.context.partitions.get_mut(name) else { continue };
                let was = partition.replicas.get(broker).copied();
                let moved = partition.move_replica(*broker, ReplicaState::Online);
                // A new replica has been told with the creation of its partition.
                if moved && was != Some(ReplicaState::New) {
                    self.batch.leader_and_isr(&[*broker], name, false, &self.context);
                }
            }
        }
        self.send(cx);
    }

    /// Replicas are told to stop and leave their ISRs, broker by broker; then everybody is told.
    pub(super) fn move_offline(&mut self, replicas: Replicas, desk: &mut Desk) {
        let moved = self.move_replicas(&replicas, ReplicaState::Offline);
        let mut steps = Vec::with_capacity(moved.len() + 1);
        for (broker, partitions) in moved {
            let mut led = Vec::new();
            for name in partitions {
                self.batch.stop_replica(broker, &name, false);
                let known = self.context.partitions.get(&name);
                if known.is_some_and(|partition| partition.leadership.is_some()) {
                    led.push(name);
                } else {
                    self.batch.update_metadata_of(&name, &self.context);
                }
            }
            steps.push(Step::LeaveIsr(broker, led));
        }
        steps.push(Step::Send);
        desk.next(steps);
    }

    /// Begins with what ZooKeeper says.
    pub(super) fn leave_isr(
        &mut self,
        replica: BrokerId,
        partitions: Vec<TopicPartition>,
        desk: &mut Desk,
    ) {
        if partitions.is_empty() {
            return;
        }
        for partition in &partitions {
            desk.read(znode::state_path(partition), false);
        }
        desk.next([Step::IsrsRead(replica, partitions)]);
    }

    /// Writes the ISRs without the replica. Where it is not in the ISR, the other replicas are told what there is.
    pub(super) fn isrs_read(
        &mut self,
        replica: BrokerId,
        partitions: Vec<TopicPartition>,
        answers: &[Answer],
        desk: &mut Desk,
    ) {
        let epoch = self.context.epoch;
        let mut states = Vec::new();
        for (name, answer) in partitions.into_iter().zip(answers) {
            let Some((state, version)) = state_in(answer) else { continue };
            // A state of a later controller is not touched.
            if state.controller_epoch > epoch {
                continue;
            }
            match without_replica(&state, replica, epoch) {
                Some(without) => {
                    desk.write(set_state(&name, &without, version), self.fence());
                    states.push((name, without));
                }
                None => {
                    self.context.lead(&name, State { controller_epoch: epoch, ..state }, version);
                    self.tell_others(&name, replica);
                }
            }
        }
        if !states.is_empty() {
            desk.next([Step::IsrsWritten(replica, states)]);
        }
    }

    /// What was refused for a version is tried again, from what is there now.
    pub(super) fn isrs_written(
        &mut self,
        replica: BrokerId,
        states: Vec<(TopicPartition, State)>,
        answers: &[Answer],
        desk: &mut Desk,
        cx: &mut Context<'_, Note>,
    ) {
        let mut again = Vec::new();
        for ((name, state), answer) in states.into_iter().zip(answers) {
            match written(answer) {
                desk::Written::Done(version) => {
                    self.decided(&name, &state, version, Decision::ReplicaOffline, cx);
                    self.tell_others(&name, replica);
                }
                desk::Written::Refused(code::BAD_VERSION) => again.push(name),
                desk::Written::Refused(_) => {}
            }
        }
        if !again.is_empty() {
            self.try_again(Step::LeaveIsr(replica, again), desk);
        }
    }

    fn tell_others(&mut self, name: &TopicPartition, replica: BrokerId) {
        if self.context.is_to_be_deleted(&name.topic) {
            return;
        }
        let Some(partition) = self.context.partitions.get(name) else { return };
        let others: Vec<_> =
            partition.assignment.iter().copied().filter(|id| *id != replica).collect();
        self.batch.leader_and_isr(&others, name, false, &self.context);
    }

    /// Everybody is told who lives, and what is known of these partitions.
    pub(super) fn tell_all(&mut self, partitions: &[TopicPartition], cx: &mut Context<'_, Note>) {
        let everybody: Vec<_> = self.context.brokers.keys().copied().collect();
        self.batch.update_metadata(everybody, partitions, &self.context);
        self.send(cx);
    }
}
