//! The steps in ZooKeeper that one topic takes to be created, extended, deleted, configured or looked at. A request handler
//! of the real broker does them one after the other and waits for each.

mod creation;
mod extension;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use coordinator::txn::Acl;
use coordinator::wire::client::{
    CreateFlags, FRAME_MAX, Request as ZkRequest, Response as ZkResponse, code,
};

use super::assignment::{Assignment, Candidate};
use super::{Ground, Refusal, ZkReply, names};
use crate::config::topic_key;
use crate::id::BrokerId;
use crate::wire::error;
use crate::zk::{ZkError, znode};

pub(super) use creation::{Creation, CreationStep, Replicas, draw};
pub(super) use extension::{Extension, ExtensionStep};

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

fn exists(path: &Arc<str>) -> Progress {
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

fn create(path: Arc<str>, data: Option<Vec<u8>>, sequential: bool) -> Progress {
    if let Err(refusal) = fits(data.as_deref().unwrap_or_default()) {
        return Progress::Done(Err(refusal));
    }
    let flags = CreateFlags { ephemeral: false, sequential }.to_wire();
    let data = data.map(Bytes::from);
    Progress::Ask(ZkRequest::Create { path, data, acl: Acl::open(), flags })
}

fn set(path: Arc<str>, data: Vec<u8>) -> Progress {
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

/// The brokers whose ids ZooKeeper lists, with the racks this broker knows of.
fn candidates(ids: &[Arc<str>], ground: &Ground<'_, '_>) -> Vec<Candidate> {
    let candidate = |id: BrokerId| {
        let rack = ground.metadata.brokers.get(&id).and_then(|(_, rack)| rack.clone());
        Candidate { id, rack }
    };
    let mut found: Vec<_> =
        ids.iter().filter_map(|id| id.parse().ok()).map(|id| candidate(BrokerId(id))).collect();
    found.sort();
    found
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
