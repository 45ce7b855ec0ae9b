//! What brokers and operators ask of the controller, and what brokers answer to it: controlled shutdown, elections on demand,
//! answers to control requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_protocol::messages as m;
use kafka_protocol::protocol::StrBytes;
use m::controlled_shutdown_response::RemainingPartition;
use m::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use machine::{Context, Duration, Instant};

use super::context::{ReplicaState, Replicas};
use super::desk::Desk;
use super::partition_state::Strategy;
use super::steps::{Reign, Step};
use super::{ControllerEvent, Owed};
use crate::id::{BrokerEpoch, BrokerId, TopicPartition};
use crate::metadata::Cache;
use crate::note::Note;
use crate::replica::RequestId;
use crate::wire::{Response, error};

/// Elections that somebody wants (ElectLeaders).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The request.
    pub id: RequestId,
    /// Its version.
    pub version: i16,
    /// How long its answer may wait.
    pub until: Instant,
    /// Whether the leader may come from outside the ISR; else it is the preferred one.
    pub unclean: bool,
    /// Whether all partitions are meant: then nobody wants to hear where there was nothing to do.
    pub all: bool,
    /// The partitions.
    pub names: BTreeSet<TopicPartition>,
}

/// What became of the partitions that somebody wanted leaders for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elected {
    /// The request.
    pub id: RequestId,
    /// Its version.
    pub version: i16,
    /// How long its answer may wait.
    pub until: Instant,
    /// The new leaders, or why there is none.
    pub results: Results,
}

/// By partition: its new leader, or the error code of its answer.
pub type Results = BTreeMap<TopicPartition, Result<BrokerId, i16>>;

impl Owed {
    /// The response that says only this.
    pub fn refused(self, error: i16) -> ControllerEvent {
        let response = match &self {
            Self::Shutdown { .. } => shutdown_response(error, &[]),
            // Each partition is refused, the request is not.
            Self::Election(demand) => {
                let results = demand.names.iter().map(|name| (name.clone(), Err(error)));
                elections(demand.version, &results.collect())
            }
        };
        ControllerEvent::Answer(self.id(), response)
    }
}

impl Demand {
    /// What a request wants; `metadata` says which partitions there are.
    pub fn of(
        id: RequestId,
        version: i16,
        request: &m::ElectLeadersRequest,
        metadata: &Cache,
        now: Instant,
    ) -> Self {
        let mut names = BTreeSet::new();
        for topic in request.topic_partitions.iter().flatten() {
            let name: Arc<str> = topic.topic.as_str().into();
            names.extend(topic.partitions.iter().map(|id| TopicPartition::new(name.clone(), *id)));
        }
        let all = request.topic_partitions.is_none();
        for (topic, partitions) in metadata.topics.iter().filter(|_| all) {
            names.extend(partitions.keys().map(|id| TopicPartition::new(topic.clone(), *id)));
        }
        let wait = u64::try_from(request.timeout_ms).unwrap_or_default();
        let until = now + Duration::from_millis(wait);
        Self { id, version, until, unclean: request.election_type != 0, all, names }
    }
}

impl Reign {
    /// `doControlledShutdown`: the broker leads no partition any more for which there is somebody else.
    ///
    /// # Errors
    /// The error code of the response.
    pub(super) fn shut_down(
        &mut self,
        request: &m::ControlledShutdownRequest,
        desk: &mut Desk,
    ) -> Result<(), i16> {
        let broker = BrokerId(request.broker_id.0);
        let live = self.context.brokers.get(&broker).ok_or(error::BROKER_NOT_AVAILABLE)?;
        let epoch = BrokerEpoch(request.broker_epoch);
        if epoch != BrokerEpoch::UNKNOWN && epoch < live.epoch {
            return Err(error::STALE_BROKER_EPOCH);
        }
        self.context.shutting_down.insert(broker);
        let (mut led, mut followed) = (Vec::new(), Vec::new());
        for (name, partition) in &self.context.partitions {
            let counts = partition.assignment.len() > 1
                && partition.assignment.contains(&broker)
                && !self.context.is_to_be_deleted(&name.topic);
            match &partition.leadership {
                Some(known) if counts && known.state.leader == broker => led.push(name.clone()),
                Some(_) if counts => followed.push(name.clone()),
                _ => {}
            }
        }
        desk.next([
            Step::MakeOnline(led, Strategy::ControlledShutdown),
            Step::StopFollowing(broker, followed),
            Step::AnswerShutdown(broker),
        ]);
        Ok(())
    }

    /// The broker stops to fetch, then leaves the ISRs of what it follows.
    pub(super) fn stop_following(
        &mut self,
        broker: BrokerId,
        partitions: Vec<TopicPartition>,
        desk: &mut Desk,
        cx: &mut Context<'_, Note>,
    ) {
        for partition in &partitions {
            self.batch.stop_replica(broker, partition, false);
        }
        self.send(cx);
        desk.next([Step::MoveOffline(Replicas::from([(broker, partitions)]))]);
    }

    pub(super) fn answer_shutdown(&mut self, broker: BrokerId, desk: &mut Desk) {
        let Some(Owed::Shutdown { id }) = desk.owed.take() else { return };
        let remaining: Vec<_> = self
            .context
            .partitions
            .iter()
            .filter(|(_, known)| known.leader() == Some(broker) && known.assignment.len() > 1)
            .map(|(name, _)| name.clone())
            .collect();
        let response = shutdown_response(error::NONE, &remaining);
        desk.events.push(ControllerEvent::Answer(id, response));
    }

    /// Elections on demand: those that make sense are held, the others are answered at once.
    pub(super) fn elect_on_demand(&mut self, demand: Demand, desk: &mut Desk) {
        let Demand { names, all, unclean, .. } = demand;
        let strategy = match unclean {
            false => Strategy::Preferred,
            true => Strategy::Offline { unclean_allowed: true },
        };
        self.elections.clear();
        let mut electable = Vec::new();
        for name in names {
            let refused = match self.context.partitions.get(&name) {
                None => Some(error::UNKNOWN_TOPIC_OR_PARTITION),
                Some(_) if self.context.is_to_be_deleted(&name.topic) => {
                    Some(error::INVALID_TOPIC_EXCEPTION)
                }
                Some(partition) => {
                    let needed = match strategy {
                        Strategy::Preferred => self.is_led_by_another(&name),
                        _ => partition.leader().is_none_or(|id| !self.context.is_live(id)),
                    };
                    (!needed).then_some(error::ELECTION_NOT_NEEDED)
                }
            };
            match refused {
                None => electable.push(name),
                // Who asks for all wants to hear only of what was done.
                Some(error::ELECTION_NOT_NEEDED) if all => {}
                Some(error) => {
                    self.elections.insert(name, Err(error));
                }
            }
        }
        desk.next([Step::MakeOnline(electable, strategy), Step::AnswerElection]);
    }

    pub(super) fn answer_election(&mut self, desk: &mut Desk) {
        let results = std::mem::take(&mut self.elections);
        let Some(Owed::Election(Demand { id, version, until, .. })) = desk.owed.take() else {
            return;
        };
        let elected = Elected { id, version, until, results };
        desk.events.push(ControllerEvent::Elected(elected));
    }

    /// A broker has answered LeaderAndIsr: replicas on a directory that has failed say so.
    pub(super) fn roles_answered(
        &mut self,
        broker: BrokerId,
        response: &m::LeaderAndIsrResponse,
        desk: &mut Desk,
    ) {
        if response.error_code != error::NONE {
            return;
        }
        let mut failed = self.context.offline_directories.remove(&broker).unwrap_or_default();
        let mut lost = Vec::new();
        for answer in &response.partition_errors {
            let name = TopicPartition::new(answer.topic_name.as_str(), answer.partition_index);
            if answer.error_code == error::NONE {
                failed.remove(&name);
            } else if answer.error_code == error::KAFKA_STORAGE_ERROR && failed.insert(name.clone())
            {
                lost.push(name);
            }
        }
        if !failed.is_empty() {
            self.context.offline_directories.insert(broker, failed);
        }
        if !lost.is_empty() {
            desk.next([Step::ReplicasLost(Replicas::from([(broker, lost)]))]);
        }
    }

    /// A broker has answered StopReplica(delete).
    pub(super) fn deletions_answered(
        &mut self,
        broker: BrokerId,
        response: &m::StopReplicaResponse,
        desk: &mut Desk,
    ) {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for answer in &response.partition_errors {
            let name = TopicPartition::new(answer.topic_name.as_str(), answer.partition_index);
            if !self.context.is_to_be_deleted(&name.topic) {
                continue;
            }
            match (response.error_code, answer.error_code) {
                (error::NONE, error::NONE) => done.push(name),
                _ => failed.push(name),
            }
        }
        if !done.is_empty() {
            let done = Replicas::from([(broker, done)]);
            self.move_replicas(&done, ReplicaState::DeletionSuccessful);
            desk.next([Step::ResumeDeletions]);
        }
        if !failed.is_empty() {
            desk.next([Step::DeletionFailed(Replicas::from([(broker, failed)]))]);
        }
    }
}

fn shutdown_response(error: i16, remaining: &[TopicPartition]) -> Response {
    let remaining = remaining.iter().map(|name| {
        RemainingPartition::default()
            .with_topic_name(topic_name(name))
            .with_partition_index(name.partition)
    });
    m::ControlledShutdownResponse::default()
        .with_error_code(error)
        .with_remaining_partitions(remaining.collect())
        .into()
}

/// The response to ElectLeaders.
pub fn elections(version: i16, results: &Results) -> Response {
    let mut topics: Vec<ReplicaElectionResult> = Vec::new();
    for (name, result) in results {
        let code = result.err().unwrap_or(error::NONE);
        let message = result.err().and_then(|code| words(name, code)).map(StrBytes::from_string);
        let partition = PartitionResult::default()
            .with_partition_id(name.partition)
            .with_error_code(code)
            .with_error_message(message);
        match topics.last_mut() {
            Some(topic) if *topic.topic == *name.topic => topic.partition_result.push(partition),
            _ => topics.push(
                ReplicaElectionResult::default()
                    .with_topic(topic_name(name))
                    .with_partition_result(vec![partition]),
            ),
        }
    }
    let response = m::ElectLeadersResponse::default().with_replica_election_results(topics);
    // Version 0 has no error of its own.
    if version == 0 { response } else { response.with_error_code(error::NONE) }.into()
}

/// What is said besides the code (`KafkaController.processReplicaLeaderElection`); nothing where it is the code's own words.
fn words(name: &TopicPartition, code: i16) -> Option<String> {
    let failed = |strategy: &str| {
        format!("Failed to elect leader for partition {name} under strategy {strategy}")
    };
    Some(match code {
        error::UNKNOWN_TOPIC_OR_PARTITION => "The partition does not exist.".into(),
        error::INVALID_TOPIC_EXCEPTION => "The topic is being deleted".into(),
        error::ELECTION_NOT_NEEDED => "Leader election not needed for topic partition".into(),
        error::PREFERRED_LEADER_NOT_AVAILABLE => {
            failed("PreferredReplicaPartitionLeaderElectionStrategy")
        }
        error::ELIGIBLE_LEADERS_NOT_AVAILABLE => {
            failed("OfflinePartitionLeaderElectionStrategy(true)")
        }
        _ => return None,
    })
}

fn topic_name(name: &TopicPartition) -> m::TopicName {
    m::TopicName(StrBytes::from_string(name.topic.to_string()))
}
