//! The way of a new topic: checks, its settings, then its assignment (`AdminZkClient.createTopic`).

use std::collections::BTreeMap;

use coordinator::wire::client::{Response as ZkResponse, code};

use super::{Found, Progress, candidates, children, create, exists, refused, set, unexpected};
use crate::admin::assignment::{self, Assignment, Candidate, Racks, Start};
use crate::admin::{Ground, Refusal, ZkReply, names};
use crate::mechanism::Mutant;
use crate::wire::error;
use crate::zk::{ZkError, znode};

/// New partitions of a new topic.
pub(in crate::admin) fn draw(
    candidates: &[Candidate],
    partitions: i32,
    replication_factor: i32,
    racks: Racks,
    ground: &mut Ground<'_, '_>,
) -> Result<Assignment, Refusal> {
    let brokers = candidates.len().max(1) as u64;
    let mut below = || ground.cx.chance("assignment").below(brokers) as u32;
    let from = Start { start: below(), shift: below(), first: 0 };
    let mut assigned =
        assignment::assign_to(candidates, partitions, replication_factor, from, racks)?;
    if ground.config.mechanisms.has(Mutant::AssignsUnevenly)
        && let Some(first) = assigned.get(&0).cloned()
    {
        assigned.values_mut().for_each(|replicas| replicas.clone_from(&first));
    }
    Ok(assigned)
}

/// The way of a new topic: `AdminZkClient.createTopic`.
pub(in crate::admin) struct Creation {
    pub topic: String,
    pub config: BTreeMap<String, String>,
    pub replicas: Replicas,
    pub validate_only: bool,
    pub step: CreationStep,
}

/// What is known of its replicas.
pub(in crate::admin) enum Replicas {
    /// They are assigned.
    Assigned(Assignment),
    /// As many as the broker's settings say, on brokers that are still to be asked for (automatic creation).
    Default,
}

/// What was asked last.
#[derive(Clone, Copy)]
pub(in crate::admin) enum CreationStep {
    Brokers,
    Exists,
    Names,
    SetConfig,
    CreateConfig,
    CreateTopic,
}

impl Creation {
    pub(super) fn begin(&mut self) -> Progress {
        match self.replicas {
            Replicas::Default => {
                self.step = CreationStep::Brokers;
                children(znode::BROKER_IDS)
            }
            Replicas::Assigned(_) => self.look_for_it(),
        }
    }

    fn look_for_it(&mut self) -> Progress {
        if let Some(why) = names::name_problem(&self.topic) {
            return refused(error::INVALID_TOPIC_EXCEPTION, &*why);
        }
        self.step = CreationStep::Exists;
        exists(&znode::topic_path(&self.topic))
    }

    pub(super) fn replied(&mut self, reply: ZkReply, ground: &mut Ground<'_, '_>) -> Progress {
        match (self.step, reply) {
            (CreationStep::Brokers, Ok(ZkResponse::Children { children })) => {
                let candidates = candidates(&children, ground);
                let (partitions, factor) =
                    (ground.config.partitions, ground.config.replication_factor.into());
                match draw(&candidates, partitions, factor, Racks::Safe, ground) {
                    Ok(assignment) => self.replicas = Replicas::Assigned(assignment),
                    Err(refusal) => return Progress::Done(Err(refusal)),
                }
                self.look_for_it()
            }
            (CreationStep::Exists, Ok(_)) => already_exists(&self.topic),
            (CreationStep::Exists, Err(ZkError::Refused(code::NO_NODE))) => {
                if names::may_collide(&self.topic) {
                    self.step = CreationStep::Names;
                    children(znode::TOPICS)
                } else {
                    self.write(ground)
                }
            }
            (CreationStep::Names, Ok(ZkResponse::Children { children })) => {
                if children.iter().any(|name| **name == *self.topic) {
                    return already_exists(&self.topic);
                }
                let colliding = children.iter().filter(|name| names::collide(name, &self.topic));
                let colliding: Vec<_> = colliding.map(|name| &**name).collect();
                if colliding.is_empty() {
                    return self.write(ground);
                }
                let (topic, others) = (&self.topic, colliding.join(", "));
                let why = format!("Topic '{topic}' collides with existing topics: {others}");
                refused(error::INVALID_TOPIC_EXCEPTION, why)
            }
            (CreationStep::SetConfig, Err(ZkError::Refused(code::NO_NODE))) => {
                self.step = CreationStep::CreateConfig;
                let json = znode::config_json(&self.config);
                create(znode::config_path(&self.topic), Some(json), false)
            }
            (CreationStep::SetConfig | CreationStep::CreateConfig, Ok(_))
            | (CreationStep::CreateConfig, Err(ZkError::Refused(code::NODE_EXISTS))) => {
                self.step = CreationStep::CreateTopic;
                let json = znode::topic_json(self.assignment(), ground.config.preset);
                create(znode::topic_path(&self.topic), Some(json), false)
            }
            (CreationStep::CreateTopic, Ok(_)) => self.done(),
            (CreationStep::CreateTopic, Err(ZkError::Refused(code::NODE_EXISTS))) => {
                let why = format!("topic {} already exists", self.topic);
                refused(error::TOPIC_ALREADY_EXISTS, why)
            }
            (_, other) => unexpected(&other),
        }
    }

    /// The last checks, and the first write.
    fn write(&mut self, ground: &Ground<'_, '_>) -> Progress {
        if let Some(refusal) = assignment::problem(self.assignment()) {
            return Progress::Done(Err(refusal));
        }
        if let Err(why) = ground.config.topic_defaults.with(&self.config) {
            return refused(error::INVALID_CONFIG, why);
        }
        if self.validate_only {
            return self.done();
        }
        self.step = CreationStep::SetConfig;
        set(znode::config_path(&self.topic), znode::config_json(&self.config))
    }

    fn done(&self) -> Progress {
        let found = Found::Partitions(self.assignment().clone(), self.config.clone());
        Progress::Done(Ok(found))
    }

    fn assignment(&self) -> &Assignment {
        match &self.replicas {
            Replicas::Assigned(assignment) => assignment,
            Replicas::Default => unreachable!("brokers are asked for first"),
        }
    }
}

fn already_exists(topic: &str) -> Progress {
    refused(error::TOPIC_ALREADY_EXISTS, format!("Topic '{topic}' already exists."))
}
