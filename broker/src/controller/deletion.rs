//! Topics are deleted in the background, when all their replicas are there (`TopicDeletionManager`).
//!
//! ```text
//! /admin/delete_topics/T ─► partitions gone, everybody told (leader -2) ─► replicas offline ─► StopReplica(delete)
//!      ▲                                                                       │
//!      └── a replica is not there: wait for its broker ◄───────────────────────┴─► all deleted: the znodes go
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use machine::Context;

use super::context::{PartitionState, ReplicaState, Replicas};
use super::desk::{Answer, Desk, Moved, check, children, delete};
use super::steps::{Reign, Step, Why};
use crate::id::TopicPartition;
use crate::mechanism::Mutant;
use crate::note::Note;
use crate::zk::znode::{self, DELETE_TOPICS};

impl Reign {
    pub(super) fn list_deletions(&mut self, why: Why, desk: &mut Desk) {
        desk.list(DELETE_TOPICS, true);
        desk.next([Step::DeletionsListed(why)]);
    }

    /// Wishes to delete what does not exist are removed; so are all, where deletion is not allowed.
    pub(super) fn deletions_listed(&mut self, why: Why, answers: &[Answer], desk: &mut Desk) {
        let listed: Vec<_> = children(answers.first());
        let known = &self.context.topics;
        let (wanted, void): (Vec<_>, Vec<_>) = listed
            .into_iter()
            .partition(|topic| known.contains(topic) && self.settings.deletes_topics);
        for topic in &void {
            desk.write(delete(znode::delete_path(topic)), self.fence());
        }
        if why == Why::Failover {
            let incomplete = |topic: &&Arc<str>| {
                self.context.partitions_of(topic).any(|(name, partition)| {
                    partition.assignment.iter().any(|id| !self.context.is_online(*id, name))
                })
            };
            let incomplete: Vec<_> = wanted.iter().filter(incomplete).cloned().collect();
            self.context.deletions_ineligible.extend(incomplete);
        }
        let any = !wanted.is_empty();
        self.context.deletions.extend(wanted);
        if why == Why::Changed && any {
            desk.next([Step::ResumeDeletions]);
        }
        if !void.is_empty() {
            desk.next([Step::CheckWrites]);
        }
    }

    /// Goes on wherever that is possible: completes, tries again, begins.
    pub(super) fn resume_deletions(&mut self, desk: &mut Desk) {
        let mut complete = Vec::new();
        let mut again = Vec::new();
        let mut begin = Vec::new();
        for topic in &self.context.deletions {
            let states: BTreeSet<_> = self
                .context
                .partitions_of(topic)
                .flat_map(|(_, partition)| partition.replicas.values().copied())
                .collect();
            if states.iter().all(|state| *state == ReplicaState::DeletionSuccessful) {
                complete.push(Step::DeleteTopic(topic.clone()));
                continue;
            }
            let under_way = states.contains(&ReplicaState::DeletionStarted);
            if !under_way && states.contains(&ReplicaState::DeletionIneligible) {
                again.push(topic.clone());
            }
            if !under_way && !self.context.deletions_ineligible.contains(topic) {
                begin.push(topic.clone());
            }
        }
        if !begin.is_empty() {
            desk.next([Step::BeginDeletion(begin)]);
        }
        if !again.is_empty() {
            desk.next([Step::RetryDeletion(again)]);
        }
        desk.next(complete);
    }

    /// What failed counts as offline again.
    pub(super) fn retry_deletion(&mut self, topics: &[Arc<str>], desk: &mut Desk) {
        let failed =
            self.replicas_standing(topics, |state| state == ReplicaState::DeletionIneligible);
        desk.next([Step::MoveOffline(failed)]);
    }

    fn replicas_standing(
        &self,
        topics: &[Arc<str>],
        stands: impl Fn(ReplicaState) -> bool,
    ) -> Replicas {
        let mut replicas = Replicas::new();
        for (name, partition) in topics.iter().flat_map(|topic| self.context.partitions_of(topic)) {
            for (broker, _) in partition.replicas.iter().filter(|(_, state)| stands(**state)) {
                replicas.entry(*broker).or_default().push(name.clone());
            }
        }
        replicas
    }

    /// `onTopicDeletion`: nobody leads these partitions any more, replicas that are there are to be deleted.
    pub(super) fn begin_deletion(
        &mut self,
        topics: Vec<Arc<str>>,
        desk: &mut Desk,
        cx: &mut Context<'_, Note>,
    ) {
        let names: Vec<TopicPartition> = topics
            .iter()
            .flat_map(|topic| self.context.partitions_of(topic))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &names {
            self.context.stand(name, PartitionState::Gone);
        }
        self.context.deletions_begun.extend(topics.iter().cloned());
        self.tell_all(&names, cx);

        let pending =
            self.replicas_standing(&topics, |state| state != ReplicaState::DeletionSuccessful);
        let mut there = Replicas::new();
        let mut missing = Replicas::new();
        for (broker, partitions) in pending {
            for name in partitions {
                let group = match self.context.is_online(broker, &name) {
                    true => &mut there,
                    false => &mut missing,
                };
                group.entry(broker).or_default().push(name);
            }
        }
        self.move_replicas(&missing, ReplicaState::DeletionIneligible);
        let waiting: BTreeSet<_> =
            missing.into_values().flatten().map(|partition| partition.topic).collect();
        desk.next([
            Step::MoveOffline(there.clone()),
            Step::DeleteReplicas(there),
            Step::WaitForReplicas(waiting.into_iter().collect()),
        ]);
    }

    pub(super) fn delete_replicas(&mut self, replicas: &Replicas, cx: &mut Context<'_, Note>) {
        for (broker, partitions) in self.move_replicas(replicas, ReplicaState::DeletionStarted) {
            for partition in &partitions {
                self.batch.stop_replica(broker, partition, true);
            }
        }
        self.send(cx);
    }

    /// Replicas could not be deleted: their topics wait until a broker comes.
    pub(super) fn deletion_failed(&mut self, replicas: &Replicas, desk: &mut Desk) {
        self.move_replicas(replicas, ReplicaState::DeletionIneligible);
        let topics = replicas.values().flatten().map(|partition| partition.topic.clone());
        let topics: Vec<_> =
            topics.filter(|topic| self.context.deletions.contains(topic)).collect();
        self.context.deletions_ineligible.extend(topics);
        desk.next([Step::ResumeDeletions]);
    }

    /// The partitions' znodes are looked up.
    pub(super) fn delete_topic(&mut self, topic: Arc<str>, desk: &mut Desk) {
        desk.list(znode::partitions_path(&topic), false);
        desk.next([Step::DeleteZnodes(topic)]);
    }

    /// The topic's znodes from the leaves up, its settings, and last the wish to delete it.
    pub(super) fn delete_znodes(&mut self, topic: Arc<str>, answers: &[Answer], desk: &mut Desk) {
        let root = znode::topic_path(&topic);
        let listed = answers.first();
        let mut paths = Vec::new();
        for number in children(listed) {
            paths.push(format!("{root}/partitions/{number}/state").into());
            paths.push(format!("{root}/partitions/{number}").into());
        }
        if matches!(listed, Some(Ok(_))) {
            paths.push(znode::partitions_path(&topic));
        }
        paths.push(root);
        if !self.settings.mechanisms.has(Mutant::LeavesTopicConfig) {
            paths.push(znode::config_path(&topic));
        }
        paths.push(znode::delete_path(&topic));
        for path in paths {
            desk.write(delete(path), self.fence());
        }
        desk.next([Step::TopicDeleted(topic)]);
    }

    pub(super) fn topic_deleted(
        &mut self,
        topic: &Arc<str>,
        answers: &[Answer],
    ) -> Result<(), Moved> {
        check(answers)?;
        self.context.forget(topic);
        Ok(())
    }
}
