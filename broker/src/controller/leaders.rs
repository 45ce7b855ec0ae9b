//! The partition state machine at work: reads states, elects ([`super::partition_state`]), writes the results on condition that
//! nobody has written in between, and has everybody told (`PartitionStateMachine`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coordinator::code;
use machine::Context;

use super::context::PartitionState;
use super::desk::{self, Answer, Desk, Moved, create, data, written};
use super::partition_state::{self as elections, Ballot, Elected, Strategy};
use super::steps::{Reign, Step};
use crate::id::{BrokerId, LeaderEpoch, TopicPartition};
use crate::mechanism::Mutant;
use crate::note::{Decision, Note};
use crate::wire::error;
use crate::zk::znode::{self, CONTROLLER_EPOCH, State};
use coordinator::wire::client::MultiOp;

/// The setting of a topic that allows leaders from outside the ISR.
const UNCLEAN: &str = "unclean.leader.election.enable";

/// The result of an election on its way to ZooKeeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    partition: TopicPartition,
    state: State,
    recipients: Vec<BrokerId>,
    by: Decision,
}

/// A partition and its state as just read.
type Read = (TopicPartition, State, i32);

impl Reign {
    /// Reads state znodes into the picture.
    pub(super) fn read_states(&mut self, partitions: Vec<TopicPartition>, desk: &mut Desk) {
        for partition in &partitions {
            desk.read(znode::state_path(partition), false);
        }
        desk.next([Step::StatesRead(partitions)]);
    }

    pub(super) fn states_read(&mut self, partitions: &[TopicPartition], answers: &[Answer]) {
        for (partition, answer) in partitions.iter().zip(answers) {
            if let Some((state, version)) = state_in(answer) {
                self.context.lead(partition, state, version);
            }
        }
    }

    /// `triggerOnlinePartitionStateChange`
    pub(super) fn elect_waiting(&mut self, topic: Option<&Arc<str>>, desk: &mut Desk) {
        let waiting = self.context.waiting_for_leader(topic);
        if !waiting.is_empty() {
            let strategy = Strategy::Offline { unclean_allowed: false };
            desk.next([Step::MakeOnline(waiting, strategy)]);
        }
    }

    /// First leaders for partitions that never had one; elections for the others.
    pub(super) fn make_online(
        &mut self,
        partitions: Vec<TopicPartition>,
        strategy: Strategy,
        desk: &mut Desk,
    ) {
        let mut new = Vec::new();
        let mut others = Vec::new();
        for name in partitions {
            match self.context.partitions.get(&name).map(|partition| partition.state) {
                Some(PartitionState::New) => new.push(name),
                Some(PartitionState::Online | PartitionState::Offline) => others.push(name),
                Some(PartitionState::Gone) | None => self.failed(&name, strategy),
            }
        }
        desk.next([Step::Elect(others, strategy), Step::Send]);
        self.create_states(&new, desk);
    }

    /// The first live replica leads, all live ones are in sync. Without a live one the partition stays new.
    fn create_states(&mut self, partitions: &[TopicPartition], desk: &mut Desk) {
        let mut states = Vec::new();
        for name in partitions {
            let Some(partition) = self.context.partitions.get(name) else { continue };
            let online = |id: &&BrokerId| self.context.is_online(**id, name);
            let isr: Vec<_> = partition.assignment.iter().filter(online).copied().collect();
            let Some(leader) = isr.first().copied() else { continue };
            let (controller_epoch, epoch) = (self.context.epoch, LeaderEpoch(0));
            states.push((name.clone(), State { controller_epoch, leader, epoch, isr }));
        }
        if states.is_empty() {
            return;
        }
        let fence = self.fence();
        let topics: BTreeSet<_> = states.iter().map(|(name, _)| name.topic.clone()).collect();
        for topic in &topics {
            desk.write(create(znode::partitions_path(topic), None), fence);
        }
        for (name, _) in &states {
            desk.write(create(znode::partition_path(name), None), fence);
        }
        for (name, state) in &states {
            desk.write(create(znode::state_path(name), Some(state.to_json())), fence);
        }
        let parents = topics.len() + states.len();
        desk.next([Step::StatesCreated(states, parents)]);
    }

    /// A state that could not be created (there is one already, even our own whose answer was lost) leaves the partition new,
    /// as in Kafka, until another controller reads it.
    pub(super) fn states_created(
        &mut self,
        states: Vec<(TopicPartition, State)>,
        parents: usize,
        answers: &[Answer],
        cx: &mut Context<'_, Note>,
    ) -> Result<(), Moved> {
        let answers_for_states = answers.get(parents..).unwrap_or_default();
        for ((name, state), answer) in states.into_iter().zip(answers_for_states) {
            let desk::Written::Done(version) = written(answer) else { continue };
            self.decided(&name, &state, version, Decision::Created, cx);
            self.context.stand(&name, PartitionState::Online);
            self.batch.leader_and_isr(&state.isr, &name, true, &self.context);
        }
        desk::check(answers)
    }

    /// An election begins with what ZooKeeper says.
    pub(super) fn elect(
        &mut self,
        partitions: Vec<TopicPartition>,
        strategy: Strategy,
        desk: &mut Desk,
    ) {
        if partitions.is_empty() {
            return;
        }
        for partition in &partitions {
            desk.read(znode::state_path(partition), false);
        }
        desk.next([Step::BallotsRead(partitions, strategy)]);
    }

    /// Elects; where no member of the ISR lives, the topic's settings are read first.
    pub(super) fn ballots_read(
        &mut self,
        partitions: Vec<TopicPartition>,
        strategy: Strategy,
        answers: &[Answer],
        desk: &mut Desk,
    ) {
        let mut ballots: Vec<Read> = Vec::new();
        for (name, answer) in partitions.into_iter().zip(answers) {
            match state_in(answer) {
                // A state of a later controller is not touched.
                Some((state, version)) if state.controller_epoch <= self.context.epoch => {
                    ballots.push((name, state, version));
                }
                _ => self.failed(&name, strategy),
            }
        }
        if !matches!(strategy, Strategy::Offline { unclean_allowed: false }) {
            let elected = self.hold(ballots, strategy, |_| true);
            return self.write_results(elected, strategy, desk);
        }
        let lost = |(name, state, _): &&Read| {
            elections::is_without_live_in_sync(state, |id| self.context.is_online(id, name))
        };
        let topics: BTreeSet<_> =
            ballots.iter().filter(lost).map(|(name, ..)| name.topic.clone()).collect();
        for topic in &topics {
            desk.read(znode::config_path(topic), false);
        }
        desk.next([Step::SettingsRead(ballots, topics.into_iter().collect())]);
    }

    pub(super) fn settings_read(
        &mut self,
        ballots: Vec<Read>,
        topics: &[Arc<str>],
        answers: &[Answer],
        desk: &mut Desk,
    ) {
        let mut overrides = BTreeMap::new();
        for (topic, answer) in topics.iter().zip(answers) {
            let settings = data(answer).and_then(|(json, _)| znode::config_from_json(json));
            if let Some(value) = settings.as_ref().and_then(|settings| settings.get(UNCLEAN)) {
                overrides.insert(topic.clone(), value.trim().eq_ignore_ascii_case("true"));
            }
        }
        let default = self.settings.unclean_by_default;
        let strategy = Strategy::Offline { unclean_allowed: false };
        let allowed = |topic: &Arc<str>| overrides.get(topic).copied().unwrap_or(default);
        let elected = self.hold(ballots, strategy, allowed);
        self.write_results(elected, strategy, desk);
    }

    fn hold(
        &mut self,
        ballots: Vec<Read>,
        strategy: Strategy,
        unclean: impl Fn(&Arc<str>) -> bool,
    ) -> Vec<(Read, Elected)> {
        let mut results = Vec::new();
        for (name, state, version) in ballots {
            match self.election(&name, &state, strategy, unclean(&name.topic)) {
                Some(elected) => results.push(((name, state, version), elected)),
                None => self.failed(&name, strategy),
            }
        }
        results
    }

    fn election(
        &self,
        name: &TopicPartition,
        state: &State,
        strategy: Strategy,
        unclean: bool,
    ) -> Option<Elected> {
        let context = &self.context;
        let ballot = Ballot { assignment: &context.partitions.get(name)?.assignment, state };
        let online = |id| context.is_online(id, name);
        match strategy {
            Strategy::Offline { .. } if self.settings.mechanisms.has(Mutant::ElectsNobody) => None,
            Strategy::Offline { .. } if self.settings.mechanisms.has(Mutant::ElectsOutsideIsr) => {
                elections::outside_isr(ballot, online)
            }
            Strategy::Offline { .. } => elections::offline(ballot, unclean, online),
            Strategy::Preferred => elections::preferred(ballot, online),
            Strategy::ControlledShutdown => elections::controlled_shutdown(
                ballot,
                |id| context.is_online_or_stopping(id, name),
                |id| context.shutting_down.contains(&id),
            ),
        }
    }

    fn write_results(
        &mut self,
        results: Vec<(Read, Elected)>,
        strategy: Strategy,
        desk: &mut Desk,
    ) {
        let mut written = Vec::with_capacity(results.len());
        for ((partition, old, version), elected) in results {
            let state = elected.after(&old, self.context.epoch);
            desk.write(set_state(&partition, &state, version), self.fence());
            let Elected { recipients, by, .. } = elected;
            written.push(Written { partition, state, recipients, by });
        }
        if !written.is_empty() {
            desk.next([Step::ResultsWritten(written, strategy)]);
        }
    }

    /// What was written is told; what was refused for a version is elected again, from what is there now.
    pub(super) fn results_written(
        &mut self,
        results: Vec<Written>,
        strategy: Strategy,
        answers: &[Answer],
        desk: &mut Desk,
        cx: &mut Context<'_, Note>,
    ) {
        let mut again = Vec::new();
        for (result, answer) in results.into_iter().zip(answers) {
            let Written { partition, state, recipients, by } = result;
            match written(answer) {
                desk::Written::Done(version) => {
                    self.decided(&partition, &state, version, by, cx);
                    self.context.stand(&partition, PartitionState::Online);
                    self.batch.leader_and_isr(&recipients, &partition, false, &self.context);
                    self.elections.insert(partition, Ok(state.leader));
                }
                desk::Written::Refused(code::BAD_VERSION) => again.push(partition),
                desk::Written::Refused(_) => self.failed(&partition, strategy),
            }
        }
        if !again.is_empty() {
            self.try_again(Step::Elect(again, strategy), desk);
        }
    }

    /// A conditional write was refused for a version, the partition's or `/controller_epoch`'s: looks before it tries again.
    pub(super) fn try_again(&mut self, step: Step, desk: &mut Desk) {
        match self.fence() {
            Some(_) => {
                desk.read(CONTROLLER_EPOCH, false);
                desk.next([Step::StillController, step]);
            }
            None => desk.next([step]),
        }
    }

    pub(super) fn still_controller(&self, answers: &[Answer]) -> Result<(), Moved> {
        let version = answers.first().and_then(data).map(|(_, stat)| stat.version);
        if version == Some(self.context.epoch_version) { Ok(()) } else { Err(Moved) }
    }

    /// A decision is in ZooKeeper.
    pub(super) fn decided(
        &mut self,
        partition: &TopicPartition,
        state: &State,
        version: i32,
        by: Decision,
        cx: &mut Context<'_, Note>,
    ) {
        cx.note(Note::StateWritten {
            partition: partition.clone(),
            controller_epoch: state.controller_epoch,
            leader: state.leader,
            epoch: state.epoch,
            isr: state.isr.as_slice().into(),
            by,
        });
        self.context.lead(partition, state.clone(), version);
    }

    fn failed(&mut self, partition: &TopicPartition, strategy: Strategy) {
        let error = match strategy {
            Strategy::Preferred => error::PREFERRED_LEADER_NOT_AVAILABLE,
            _ => error::ELIGIBLE_LEADERS_NOT_AVAILABLE,
        };
        self.elections.insert(partition.clone(), Err(error));
    }
}

/// The state in an answer, and its version.
pub(super) fn state_in(answer: &Answer) -> Option<(State, i32)> {
    let (json, stat) = data(answer)?;
    Some((State::from_json(json)?, stat.version))
}

/// A state znode is replaced, if it has this version.
pub(super) fn set_state(partition: &TopicPartition, state: &State, version: i32) -> MultiOp {
    let data = Some(state.to_json().into());
    MultiOp::SetData { path: znode::state_path(partition), data, version }
}
