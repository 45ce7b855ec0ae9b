//! What a client knows of the cluster: brokers, the controller, the leaders of one topic's partitions; and when to ask again.
//!
//! Rules of `Metadata` in the Java client: refresh after a retriable error, at most once per `retry.backoff.ms`, and when
//! older than `metadata.max.age.ms`. A leader of an older epoch than was seen before is not believed (since 2.1). Who is
//! asked, and how, is [`super::network`]'s.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages as m;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::protocol::StrBytes;
use machine::{Duration, Instant};

use crate::id::{BrokerId, LeaderEpoch};
use crate::wire::error;

use super::errors;

/// Who leads a partition, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// `None` while there is no leader, or none that is alive.
    pub leader: Option<BrokerId>,
    /// Of the leadership; `UNKNOWN` from old brokers.
    pub epoch: LeaderEpoch,
}

/// What is known, and when to ask again.
#[derive(Debug)]
pub struct Metadata {
    /// The topic whose partitions are wanted; without one only brokers and the controller are.
    topic: Option<StrBytes>,
    brokers: BTreeMap<BrokerId, Arc<str>>,
    controller: Option<BrokerId>,
    partitions: BTreeMap<i32, Leadership>,
    backoff: Duration,
    age_max: Duration,
    /// Somebody has seen a sign that it is outdated.
    wanted: bool,
    /// When the last attempt ended.
    tried: Option<Instant>,
    /// When the last answer came.
    learned: Option<Instant>,
}

impl Metadata {
    /// Knows only where to ask first: bootstrap servers have the numbers -1, -2, ….
    pub fn new(
        topic: Option<&str>,
        bootstrap: &[String],
        backoff: Duration,
        age_max: Duration,
    ) -> Self {
        let numbered = bootstrap.iter().zip(1..);
        Self {
            topic: topic.map(|topic| StrBytes::from_string(topic.to_owned())),
            brokers: numbered.map(|(at, number)| (BrokerId(-number), at.as_str().into())).collect(),
            controller: None,
            partitions: BTreeMap::new(),
            backoff,
            age_max,
            wanted: true,
            tried: None,
            learned: None,
        }
    }

    /// Brokers that may be asked, with their addresses.
    pub fn brokers(&self) -> &BTreeMap<BrokerId, Arc<str>> {
        &self.brokers
    }

    /// Whether a broker has answered yet.
    pub fn is_known(&self) -> bool {
        self.learned.is_some()
    }

    /// The controller, if one is known and listed as alive.
    pub fn controller(&self) -> Option<BrokerId> {
        self.controller
    }

    /// All known partitions of the topic.
    pub fn partitions(&self) -> &BTreeMap<i32, Leadership> {
        &self.partitions
    }

    /// The leader of a partition, if there is one.
    pub fn leader(&self, partition: i32) -> Option<BrokerId> {
        self.partitions.get(&partition)?.leader
    }

    /// The leader epoch to send along; `UNKNOWN` if none is known.
    pub fn epoch(&self, partition: i32) -> LeaderEpoch {
        self.partitions.get(&partition).map_or(LeaderEpoch::UNKNOWN, |known| known.epoch)
    }

    /// Who was thought to be the controller is not: nobody is until newer metadata says so.
    pub fn forget_controller(&mut self) {
        self.controller = None;
        self.wanted = true;
    }

    /// Something went wrong that newer metadata may put right.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// When the next question is due.
    pub fn due_at(&self) -> Instant {
        let allowed = self.tried.map_or(Instant::ZERO, |at| at + self.backoff);
        let expired = match self.learned {
            Some(at) if !self.wanted => at + self.age_max,
            _ => Instant::ZERO,
        };
        allowed.max(expired)
    }

    /// The question. Topics are created by it where brokers allow that.
    pub fn request(&self) -> m::MetadataRequest {
        let topics = self.topic.iter().map(|topic| {
            MetadataRequestTopic::default().with_name(Some(m::TopicName(topic.clone())))
        });
        m::MetadataRequest::default()
            .with_topics(Some(topics.collect()))
            .with_allow_auto_topic_creation(true)
    }

    /// The question was lost.
    pub fn failed(&mut self, now: Instant) {
        self.tried = Some(now);
    }

    /// Takes an answer; an empty one says nothing. Returns whether anything was learned.
    pub fn learn(&mut self, answer: &m::MetadataResponse, now: Instant) -> bool {
        self.tried = Some(now);
        if answer.brokers.is_empty() {
            return false;
        }
        self.wanted = false;
        self.learned = Some(now);
        let address = |broker: &m::metadata_response::MetadataResponseBroker| {
            let address = format!("{}:{}", broker.host.as_str(), broker.port);
            (BrokerId(broker.node_id.0), address.into())
        };
        self.brokers = answer.brokers.iter().map(address).collect();
        let controller = BrokerId(answer.controller_id.0);
        self.controller = self.brokers.contains_key(&controller).then_some(controller);
        if let Some(wanted) = &self.topic {
            let found = answer.topics.iter().find(|topic| topic.name.as_deref() == Some(wanted));
            match found {
                Some(topic) if topic.error_code == error::NONE => {
                    self.learn_partitions(&topic.partitions);
                }
                // Of a topic that is gone nothing is kept but the epochs that were seen.
                Some(_) => self.forget_leaders(),
                None => {}
            }
            self.wanted |= found.is_none_or(|topic| errors::is_invalid_metadata(topic.error_code));
        }
        true
    }

    fn learn_partitions(&mut self, partitions: &[m::metadata_response::MetadataResponsePartition]) {
        for partition in partitions {
            let epoch = LeaderEpoch(partition.leader_epoch);
            let seen = self.epoch(partition.partition_index);
            if epoch != LeaderEpoch::UNKNOWN && epoch < seen {
                continue;
            }
            let leader = BrokerId(partition.leader_id.0);
            let leader = self.brokers.contains_key(&leader).then_some(leader);
            self.partitions.insert(partition.partition_index, Leadership { leader, epoch });
            self.wanted |= errors::is_invalid_metadata(partition.error_code);
        }
    }

    fn forget_leaders(&mut self) {
        for known in self.partitions.values_mut() {
            known.leader = None;
        }
    }
}
