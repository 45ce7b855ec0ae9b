//! A fetch session with one broker (KIP-227): after the first, full request only partitions whose position has changed are
//! named again. What the answers say is not looked at here.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages as m;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::protocol::StrBytes;

use crate::client::ConsumerConfig;
use crate::id::{LeaderEpoch, Offset};
use crate::wire::error;

/// `max.partition.fetch.bytes`
const PARTITION_BYTES_MAX: i32 = 1 << 20;

/// `fetch.max.bytes`
const BYTES_MAX: i32 = 50 << 20;

/// The session with one broker.
#[derive(Debug)]
pub struct Session {
    id: i32,
    /// 0 for a full request.
    epoch: i32,
    /// What is to be fetched here.
    members: BTreeSet<i32>,
    /// Of the members, those that the broker must be told about (again).
    changed: BTreeSet<i32>,
    /// What the broker knows, with the offset it was told.
    told: BTreeMap<i32, Offset>,
    /// What the broker knows and is to forget.
    forgotten: BTreeSet<i32>,
    under_way: bool,
}

impl Session {
    /// No session yet, and nothing to fetch.
    pub fn new() -> Self {
        Self {
            id: 0,
            epoch: 0,
            members: BTreeSet::new(),
            changed: BTreeSet::new(),
            told: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            under_way: false,
        }
    }

    /// A partition is to be fetched here, or its position has changed.
    pub fn join(&mut self, partition: i32) {
        self.members.insert(partition);
        self.changed.insert(partition);
        self.forgotten.remove(&partition);
    }

    /// A partition is no longer fetched here.
    pub fn leave(&mut self, partition: i32) {
        self.members.remove(&partition);
        self.changed.remove(&partition);
        if self.told.remove(&partition).is_some() {
            self.forgotten.insert(partition);
        }
    }

    /// Whether there is something to fetch, and no request under way.
    pub fn is_idle(&self) -> bool {
        !self.under_way && !self.members.is_empty()
    }

    /// The offset at which a partition was last asked for here, if it still is to be fetched here.
    pub fn asked_at(&self, partition: i32) -> Option<Offset> {
        self.told.get(&partition).copied()
    }

    /// The next request; `position` says where partitions stand and in which leader epoch.
    pub fn request(
        &mut self,
        topic: &StrBytes,
        config: &ConsumerConfig,
        position: impl Fn(i32) -> Option<(Offset, LeaderEpoch)>,
    ) -> m::FetchRequest {
        let mut named = std::mem::take(&mut self.changed);
        let mut forgotten: Vec<i32> = std::mem::take(&mut self.forgotten).into_iter().collect();
        if self.epoch == 0 {
            named.clone_from(&self.members);
            self.told.clear();
            forgotten.clear();
        }
        let mut partitions = Vec::with_capacity(named.len());
        for partition in named {
            let Some((offset, epoch)) = position(partition) else { continue };
            self.told.insert(partition, offset);
            partitions.push(
                FetchPartition::default()
                    .with_partition(partition)
                    .with_current_leader_epoch(epoch.0)
                    .with_fetch_offset(offset.0)
                    .with_log_start_offset(-1)
                    .with_partition_max_bytes(PARTITION_BYTES_MAX),
            );
        }
        self.under_way = true;
        let name = || m::TopicName(topic.clone());
        let mut request = m::FetchRequest::default()
            .with_replica_id(m::BrokerId(-1))
            .with_max_wait_ms(i32::try_from(config.fetch_wait_max.as_millis()).unwrap_or(i32::MAX))
            .with_min_bytes(1)
            .with_max_bytes(BYTES_MAX)
            .with_session_id(self.id)
            .with_session_epoch(self.epoch);
        if !partitions.is_empty() {
            request.topics =
                vec![FetchTopic::default().with_topic(name()).with_partitions(partitions)];
        }
        if !forgotten.is_empty() {
            request.forgotten_topics_data =
                vec![ForgottenTopic::default().with_topic(name()).with_partitions(forgotten)];
        }
        request
    }

    /// The request was answered. An error of the session means that the next one begins anew.
    pub fn answered(&mut self, error: i16, id: i32) {
        self.under_way = false;
        if error != error::NONE {
            if error == error::FETCH_SESSION_ID_NOT_FOUND {
                self.id = 0;
            }
            self.epoch = 0;
        } else if id == 0 {
            // The broker keeps no session for us: full requests from now on.
            (self.id, self.epoch) = (0, 0);
        } else {
            self.id = id;
            self.epoch = self.epoch.checked_add(1).unwrap_or(1);
        }
    }

    /// The request was lost: the next one closes the session and begins anew.
    pub fn lost(&mut self) {
        self.under_way = false;
        self.epoch = 0;
    }
}
