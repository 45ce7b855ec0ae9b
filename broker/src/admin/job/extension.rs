//! The way of more partitions: what the topic has, then what it has and gets (`AdminManager.createPartitions`).

use std::collections::BTreeMap;

use coordinator::wire::client::{Request as ZkRequest, Response as ZkResponse, code};

use super::{Found, Progress, candidates, children, exists, refused, set, unexpected};
use crate::admin::assignment::{self, Assignment, Candidate, Racks, Start};
use crate::admin::{Ground, Refusal, ZkReply, names};
use crate::id::BrokerId;
use crate::mechanism::Mutant;
use crate::wire::error;
use crate::zk::{ZkError, znode};

/// The way of more partitions: `AdminManager.createPartitions`.
pub(in crate::admin) struct Extension {
    pub topic: String,
    pub count: i32,
    pub assignments: Option<Vec<Vec<BrokerId>>>,
    pub validate_only: bool,
    pub step: ExtensionStep,
    pub brokers: Vec<Candidate>,
}

/// What was asked last.
pub(in crate::admin) enum ExtensionStep {
    Deletion,
    Brokers,
    Topic,
    Write(Assignment),
}

impl Extension {
    pub(super) fn begin(&mut self) -> Progress {
        if let Some(why) = names::name_problem(&self.topic) {
            return refused(error::INVALID_TOPIC_EXCEPTION, &*why);
        }
        self.step = ExtensionStep::Deletion;
        exists(&znode::delete_path(&self.topic))
    }

    pub(super) fn replied(&mut self, reply: ZkReply, ground: &Ground<'_, '_>) -> Progress {
        match (&self.step, reply) {
            (ExtensionStep::Deletion, Ok(_)) => {
                refused(error::INVALID_TOPIC_EXCEPTION, "The topic is queued for deletion.")
            }
            (ExtensionStep::Deletion, Err(ZkError::Refused(code::NO_NODE))) => {
                self.step = ExtensionStep::Brokers;
                children(znode::BROKER_IDS)
            }
            (ExtensionStep::Brokers, Ok(ZkResponse::Children { children })) => {
                self.brokers = candidates(&children, ground);
                self.step = ExtensionStep::Topic;
                let path = znode::topic_path(&self.topic);
                Progress::Ask(ZkRequest::GetData { path, watch: false })
            }
            (ExtensionStep::Topic, Err(ZkError::Refused(code::NO_NODE))) => self.unknown(),
            (ExtensionStep::Topic, Ok(ZkResponse::Data { data, .. })) => {
                let existing = znode::topic_from_json(&data.unwrap_or_default());
                match existing.filter(|existing| !existing.is_empty()) {
                    Some(existing) => self.extend(existing, ground),
                    None => self.unknown(),
                }
            }
            (ExtensionStep::Write(assignment), Ok(_)) => extended(assignment.clone()),
            (_, other) => unexpected(&other),
        }
    }

    fn unknown(&self) -> Progress {
        let why = format!("The topic '{}' does not exist.", self.topic);
        refused(error::UNKNOWN_TOPIC_OR_PARTITION, why)
    }

    fn extend(&mut self, existing: Assignment, ground: &Ground<'_, '_>) -> Progress {
        let (now, wanted) = (existing.len() as i64, i64::from(self.count));
        if wanted <= now {
            let why = if wanted < now {
                format!(
                    "Topic currently has {now} partitions, which is higher than the requested \
                     {wanted}."
                )
            } else {
                format!("Topic already has {now} partitions.")
            };
            return refused(error::INVALID_PARTITIONS, why);
        }
        let Some(model) = existing.get(&0).filter(|replicas| !replicas.is_empty()) else {
            let why = format!(
                "Unexpected existing replica assignment for topic '{}', partition id 0 is missing.",
                self.topic
            );
            return refused(error::UNKNOWN_SERVER_ERROR, why);
        };
        let more = match &self.assignments {
            Some(assignments) => self.manual(assignments, now, model),
            None => self.automatic(now, model),
        };
        match more {
            Err(refusal) => Progress::Done(Err(refusal)),
            Ok(more) => {
                let mut all = existing;
                all.extend(more);
                if ground.config.mechanisms.has(Mutant::ReassignsWhatIsThere) {
                    all.values_mut().for_each(|replicas| replicas.rotate_left(1));
                }
                if self.validate_only {
                    return extended(all);
                }
                let json = znode::topic_json(&all, ground.config.preset);
                self.step = ExtensionStep::Write(all);
                set(znode::topic_path(&self.topic), json)
            }
        }
    }

    /// Goes on from where partition 0 begins.
    fn automatic(&self, now: i64, model: &[BrokerId]) -> Result<Assignment, Refusal> {
        let start =
            self.brokers.iter().position(|broker| broker.id >= model[0]).unwrap_or(0) as u32;
        let first = i32::try_from(now).expect("no topic has more partitions than numbers");
        let from = Start { start, shift: start, first };
        let factor = i32::try_from(model.len()).unwrap_or(i32::MAX);
        assignment::assign_to(&self.brokers, self.count - first, factor, from, Racks::Enforced)
    }

    fn manual(
        &self,
        assignments: &[Vec<BrokerId>],
        now: i64,
        model: &[BrokerId],
    ) -> Result<Assignment, Refusal> {
        let refuse = |why: String| Err(Refusal::new(error::INVALID_REPLICA_ASSIGNMENT, why));
        let is_known = |id: &BrokerId| self.brokers.iter().any(|broker| broker.id == *id);
        let mut unknown: Vec<_> =
            assignments.iter().flatten().copied().filter(|id| !is_known(id)).collect();
        unknown.dedup();
        if !unknown.is_empty() {
            let unknown = assignment::joined(&unknown);
            return refuse(format!("Unknown broker(s) in replica assignment: {unknown}."));
        }
        let (increment, provided) = (i64::from(self.count) - now, assignments.len());
        if provided as i64 != increment {
            return refuse(format!(
                "Increasing the number of partitions by {increment} but {provided} assignments \
                 provided."
            ));
        }
        let more: Assignment =
            (i32::try_from(now).unwrap_or(i32::MAX)..).zip(assignments.iter().cloned()).collect();
        for (partition, replicas) in &more {
            if replicas.is_empty() {
                return refuse(format!(
                    "Cannot have replication factor of 0 for partition id {partition}."
                ));
            }
            if assignment::has_twice(replicas) {
                let replicas = assignment::joined(replicas);
                return refuse(format!(
                    "Duplicate brokers not allowed in replica assignment: {replicas} for \
                     partition id {partition}."
                ));
            }
            if replicas.len() != model.len() {
                return refuse(format!(
                    "Inconsistent replication factor between partitions, partition 0 has {} \
                     while partitions [{partition}] have replication factors [{}], respectively.",
                    model.len(),
                    replicas.len()
                ));
            }
        }
        Ok(more)
    }
}

fn extended(partitions: Assignment) -> Progress {
    Progress::Done(Ok(Found::Partitions(partitions, BTreeMap::new())))
}
