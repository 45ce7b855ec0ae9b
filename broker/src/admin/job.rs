//! The steps in ZooKeeper that one topic takes to be created, extended, deleted, configured or looked at. A request handler
//! of the real broker does them one after the other and waits for each.

use std::collections::BTreeMap;

use bytes::Bytes;
use coordinator::txn::Acl;
use coordinator::wire::client::{
    CreateFlags, FRAME_MAX, Request as ZkRequest, Response as ZkResponse, code,
};

use super::assignment::{self, Assignment, Candidate, Racks, Start};
use super::{Ground, Refusal, ZkReply, names};
use crate::config::topic_key;
use crate::id::BrokerId;
use crate::mechanism::Mutant;
use crate::wire::error;
use crate::zk::{ZkError, znode};

/// What comes after a reply.
pub(super) enum Progress {
    /// This is to be asked.
    Ask(ZkRequest),
    /// It is done, or will not be done.
    Done(Result<Found, Refusal>),
}

/// What a job leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// All partitions of the topic, and its own settings if it is new.
    Partitions(Assignment, BTreeMap<String, String>),
    /// The topic's own settings.
    Settings(BTreeMap<String, String>),
}

/// One of them.
pub(super) enum Job {
    /// A new topic.
    Create(Creation),
    /// More partitions.
    Extend(Extension),
    /// An order to delete a topic.
    Delete(Deletion),
    /// Other settings.
    Alter(Alteration),
    /// Looking at the settings.
    Describe(String),
}

impl Job {
    /// The first step.
    pub(super) fn begin(&mut self, ground: &mut Ground<'_, '_>) -> Progress {
        match self {
            Self::Create(job) => job.begin(),
            Self::Extend(job) => job.begin(),
            Self::Delete(job) => exists(&znode::topic_path(&job.topic)),
            Self::Alter(job) => job.begin(ground),
            Self::Describe(topic) => {
                Progress::Ask(ZkRequest::GetData { path: znode::config_path(topic), watch: false })
            }
        }
    }

    /// The next step, or the end.
    pub(super) fn replied(&mut self, reply: ZkReply, ground: &mut Ground<'_, '_>) -> Progress {
        if reply == Err(ZkError::SessionExpired) {
            let why = "Session expired either before or while waiting for connection";
            return refused(error::UNKNOWN_SERVER_ERROR, why);
        }
        match self {
            Self::Create(job) => job.replied(reply, ground),
            Self::Extend(job) => job.replied(reply, ground),
            Self::Delete(job) => job.replied(reply),
            Self::Alter(job) => job.replied(reply),
            Self::Describe(_) => match reply {
                Ok(ZkResponse::Data { data, .. }) => {
                    let data = data.unwrap_or_default();
                    let settings = znode::config_from_json(&data).unwrap_or_default();
                    Progress::Done(Ok(Found::Settings(settings)))
                }
                Err(ZkError::Refused(code::NO_NODE)) => {
                    Progress::Done(Ok(Found::Settings(BTreeMap::new())))
                }
                other => unexpected(&other),
            },
        }
    }
}

fn exists(path: &std::sync::Arc<str>) -> Progress {
    Progress::Ask(ZkRequest::Exists { path: path.clone(), watch: false })
}

/// What ZooKeeper would answer to a greater request is to hang up, and Kafka would ask for ever: refused here instead.
fn fits(data: &[u8]) -> Result<(), Refusal> {
    if data.len() + 1024 < FRAME_MAX {
        return Ok(());
    }
    let why = format!("{} bytes do not fit into a znode", data.len());
    Err(Refusal::new(error::UNKNOWN_SERVER_ERROR, why))
}

fn create(path: std::sync::Arc<str>, data: Option<Vec<u8>>, sequential: bool) -> Progress {
    if let Err(refusal) = fits(data.as_deref().unwrap_or_default()) {
        return Progress::Done(Err(refusal));
    }
    let flags = CreateFlags { ephemeral: false, sequential }.to_wire();
    let data = data.map(Bytes::from);
    Progress::Ask(ZkRequest::Create { path, data, acl: Acl::open(), flags })
}

fn set(path: std::sync::Arc<str>, data: Vec<u8>) -> Progress {
    if let Err(refusal) = fits(&data) {
        return Progress::Done(Err(refusal));
    }
    Progress::Ask(ZkRequest::SetData { path, data: Some(data.into()), version: -1 })
}

fn children(path: &str) -> Progress {
    Progress::Ask(ZkRequest::GetChildren { path: path.into(), watch: false })
}

fn refused(error: i16, why: impl Into<String>) -> Progress {
    Progress::Done(Err(Refusal::new(error, why)))
}

fn unexpected(reply: &ZkReply) -> Progress {
    let why = match reply {
        Err(ZkError::Refused(refusal)) => coordinator::code::meaning(*refusal),
        _ => "an answer to another question".to_owned(),
    };
    refused(error::UNKNOWN_SERVER_ERROR, format!("ZooKeeper: {why}"))
}

fn already_exists(topic: &str) -> Progress {
    refused(error::TOPIC_ALREADY_EXISTS, format!("Topic '{topic}' already exists."))
}

/// The brokers whose ids ZooKeeper lists, with the racks this broker knows of.
fn candidates(ids: &[std::sync::Arc<str>], ground: &Ground<'_, '_>) -> Vec<Candidate> {
    let candidate = |id: BrokerId| {
        let rack = ground.metadata.brokers.get(&id).and_then(|(_, rack)| rack.clone());
        Candidate { id, rack }
    };
    let mut found: Vec<_> =
        ids.iter().filter_map(|id| id.parse().ok()).map(|id| candidate(BrokerId(id))).collect();
    found.sort();
    found
}

/// New partitions of a new topic.
pub(super) fn draw(
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
pub(super) struct Creation {
    pub topic: String,
    pub config: BTreeMap<String, String>,
    pub replicas: Replicas,
    pub validate_only: bool,
    pub step: CreationStep,
}

/// What is known of its replicas.
pub(super) enum Replicas {
    /// They are assigned.
    Assigned(Assignment),
    /// As many as the broker's settings say, on brokers that are still to be asked for (automatic creation).
    Default,
}

/// What was asked last.
#[derive(Clone, Copy)]
pub(super) enum CreationStep {
    Brokers,
    Exists,
    Names,
    SetConfig,
    CreateConfig,
    CreateTopic,
}

impl Creation {
    fn begin(&mut self) -> Progress {
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

    fn replied(&mut self, reply: ZkReply, ground: &mut Ground<'_, '_>) -> Progress {
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

/// The way of more partitions: `AdminManager.createPartitions`.
pub(super) struct Extension {
    pub topic: String,
    pub count: i32,
    pub assignments: Option<Vec<Vec<BrokerId>>>,
    pub validate_only: bool,
    pub step: ExtensionStep,
    pub brokers: Vec<Candidate>,
}

/// What was asked last.
pub(super) enum ExtensionStep {
    Deletion,
    Brokers,
    Topic,
    Write(Assignment),
}

impl Extension {
    fn begin(&mut self) -> Progress {
        if let Some(why) = names::name_problem(&self.topic) {
            return refused(error::INVALID_TOPIC_EXCEPTION, &*why);
        }
        self.step = ExtensionStep::Deletion;
        exists(&znode::delete_path(&self.topic))
    }

    fn replied(&mut self, reply: ZkReply, ground: &Ground<'_, '_>) -> Progress {
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

/// The way of a topic to its end: `AdminZkClient.deleteTopic`. The controller does the rest.
pub(super) struct Deletion {
    pub topic: String,
    pub ordered: bool,
}

impl Deletion {
    fn replied(&mut self, reply: ZkReply) -> Progress {
        match reply {
            Ok(_) if !self.ordered => {
                self.ordered = true;
                create(znode::delete_path(&self.topic), None, false)
            }
            // Ordered before: the end can be waited for by many.
            Ok(_) | Err(ZkError::Refused(code::NODE_EXISTS)) => Progress::Done(Ok(Found::Nothing)),
            Err(ZkError::Refused(code::NO_NODE)) => {
                let why = format!("Topic `{}` to delete does not exist", self.topic);
                refused(error::UNKNOWN_TOPIC_OR_PARTITION, why)
            }
            other => unexpected(&other),
        }
    }
}

/// The way of other settings: `AdminZkClient.changeTopicConfig`.
pub(super) struct Alteration {
    pub topic: String,
    pub config: BTreeMap<String, String>,
    pub validate_only: bool,
    pub step: AlterationStep,
}

/// What was asked last.
#[derive(Clone, Copy)]
pub(super) enum AlterationStep {
    SetConfig,
    CreateConfig,
    /// Whether there is a place for announcements: there is, but it is made sure of.
    Place,
    Announce,
}

impl Alteration {
    fn begin(&mut self, ground: &Ground<'_, '_>) -> Progress {
        let topic = &self.topic;
        if let Some(why) = names::name_problem(topic) {
            return refused(error::INVALID_TOPIC_EXCEPTION, &*why);
        }
        if !ground.metadata.topics.contains_key(topic.as_str()) {
            let why = format!("The topic '{topic}' does not exist.");
            return refused(error::UNKNOWN_TOPIC_OR_PARTITION, why);
        }
        if let Err(why) = ground.config.topic_defaults.with(&self.config) {
            // Unknown names and wrong values are exceptions of different kinds.
            let unknown = self.config.keys().any(|name| topic_key(name).is_none());
            let resource = format!("ConfigResource(type=TOPIC, name='{topic}')");
            return if unknown {
                refused(error::INVALID_CONFIG, why)
            } else {
                let why = format!("Invalid config value for resource {resource}: {why}");
                refused(error::INVALID_REQUEST, why)
            };
        }
        if self.validate_only {
            return Progress::Done(Ok(Found::Nothing));
        }
        self.step = AlterationStep::SetConfig;
        set(znode::config_path(topic), znode::config_json(&self.config))
    }

    fn replied(&mut self, reply: ZkReply) -> Progress {
        match (self.step, reply) {
            (AlterationStep::SetConfig, Err(ZkError::Refused(code::NO_NODE))) => {
                self.step = AlterationStep::CreateConfig;
                let json = znode::config_json(&self.config);
                create(znode::config_path(&self.topic), Some(json), false)
            }
            (AlterationStep::SetConfig | AlterationStep::CreateConfig, Ok(_))
            | (AlterationStep::CreateConfig, Err(ZkError::Refused(code::NODE_EXISTS))) => {
                self.step = AlterationStep::Place;
                create(znode::CONFIG_CHANGES.into(), None, false)
            }
            (AlterationStep::Place, Ok(_) | Err(ZkError::Refused(code::NODE_EXISTS))) => {
                self.step = AlterationStep::Announce;
                let json = znode::config_change_json(&self.topic);
                create(znode::config_change_prefix(), Some(json), true)
            }
            (AlterationStep::Announce, Ok(_)) => Progress::Done(Ok(Found::Nothing)),
            (_, other) => unexpected(&other),
        }
    }
}
