//! Topics and partitions appear (`processTopicChange`, `processPartitionModifications`, `onNewPartitionCreation`). How they go is
//! in [`super::deletion`].

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Topics;
use super::context::Partition;
use super::desk::{Answer, Desk, children, data};
use super::partition_state::Strategy;
use super::steps::{Reign, Step, Why};
use crate::id::TopicPartition;
use crate::zk::znode::{TOPICS, partition_order, topic_from_json, topic_path};

impl Reign {
    pub(super) fn list_topics(&mut self, why: Why, desk: &mut Desk) {
        desk.list(TOPICS, true);
        desk.next([Step::ReadAssignments(why)]);
    }

    /// Reads the assignments of topics that were not known.
    pub(super) fn read_assignments(&mut self, why: Why, answers: &[Answer], desk: &mut Desk) {
        let found: BTreeSet<_> = children(answers.first()).into_iter().collect();
        let gone: Vec<_> = self.context.topics.difference(&found).cloned().collect();
        let new = found.difference(&self.context.topics).cloned().collect();
        for topic in &gone {
            self.context.forget(topic);
        }
        self.context.topics = found;
        self.read_topics(why, new, desk);
    }

    /// Reads the assignments of these topics, and leaves watches for new partitions.
    pub(super) fn read_topics(&mut self, why: Why, topics: Topics, desk: &mut Desk) {
        for topic in &topics {
            desk.read(topic_path(topic), true);
        }
        desk.next([Step::AssignmentsRead(why, topics)]);
    }

    pub(super) fn assignments_read(
        &mut self,
        why: Why,
        topics: &[Arc<str>],
        answers: &[Answer],
        desk: &mut Desk,
    ) {
        let mut new = Vec::new();
        for (topic, answer) in topics.iter().zip(answers) {
            let Some((json, _)) = data(answer) else { continue };
            let Some(assignment) = topic_from_json(json) else { continue };
            // Partitions added to a topic that is to be deleted are not made any more.
            if why == Why::Changed && self.context.is_to_be_deleted(topic) {
                continue;
            }
            let order = partition_order(topic, &assignment);
            for (number, replicas) in order.iter().filter_map(|id| assignment.get_key_value(id)) {
                let name = TopicPartition::new(topic.clone(), *number);
                if replicas.is_empty() || self.context.partitions.contains_key(&name) {
                    continue;
                }
                self.context.partitions.insert(name.clone(), Partition::assigned(replicas.clone()));
                new.push(name);
            }
        }
        match why {
            Why::Failover => desk.next([Step::ReadStates(new)]),
            Why::Changed if new.is_empty() => {}
            Why::Changed => desk.next([Step::NewPartitions(new)]),
        }
    }

    /// They get their first leaders; then their replicas count as online.
    pub(super) fn new_partitions(&mut self, partitions: Vec<TopicPartition>, desk: &mut Desk) {
        let replicas = self.context.replicas_of(&partitions);
        let strategy = Strategy::Offline { unclean_allowed: false };
        desk.next([Step::MakeOnline(partitions, strategy), Step::MoveOnline(replicas)]);
    }
}
