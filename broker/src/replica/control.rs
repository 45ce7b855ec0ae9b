//! Requests of controllers: which are obeyed (broker epochs, controller epochs, leader epochs), one after the other.
//!
//! A request waits, holding its handler, while a partition it names is frozen or the disk blocks; those behind it wait, too,
//! as they do for `replicaStateChangeLock`. What a decision does to a partition is in [`super::transition`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kafka_protocol::messages as m;
use kafka_protocol::messages::leader_and_isr_response as leader_answer;
use kafka_protocol::messages::stop_replica_response as stop_answer;
use machine::{Context, DiskError};

use super::turn::Turn;
use super::{ReplicaEvent, Replicas, RequestId};
use crate::config::TopicConfig;
use crate::id::{BrokerEpoch, BrokerId, ControllerEpoch, LeaderEpoch};
use crate::mechanism::{BrokerEpochCheck, Mutant};
use crate::note::Note;
use crate::wire::{Response, error};

/// What a controller decided about one partition (the part of it that a replica needs).
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub topic: m::TopicName,
    pub partition: i32,
    pub controller_epoch: ControllerEpoch,
    pub leader: BrokerId,
    pub epoch: LeaderEpoch,
    pub isr: Vec<BrokerId>,
    pub zk_version: i32,
    pub replicas: Vec<BrokerId>,
}

/// Who sends a control request, and for whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    pub controller: BrokerId,
    pub controller_epoch: ControllerEpoch,
    pub broker_epoch: BrokerEpoch,
    pub what: &'static str,
}

/// A control request under way.
#[derive(Debug)]
pub(super) struct Control {
    id: RequestId,
    from: Sender,
    admitted: bool,
    what: What,
    /// What was done, in the order it was done in.
    done: Vec<(m::TopicName, i32, i16)>,
}

#[derive(Debug)]
enum What {
    LeaderAndIsr { left: VecDeque<Decision>, configs: BTreeMap<Arc<str>, TopicConfig> },
    StopReplica { left: VecDeque<(m::TopicName, i32, bool)> },
}

impl Sender {
    /// The request was obeyed.
    pub fn applied(&self, cx: &mut Context<'_, Note>) {
        cx.note(Note::ControlApplied {
            controller: self.controller,
            controller_epoch: self.controller_epoch,
            broker_epoch: self.broker_epoch,
            what: self.what,
        });
    }
}

impl Control {
    /// Partitions and their roles: leaders come first, as `becomeLeaderOrFollower` does it.
    pub fn leader_and_isr(
        id: RequestId,
        request: m::LeaderAndIsrRequest,
        topic_config: &dyn Fn(&str) -> TopicConfig,
    ) -> Self {
        let from = Sender {
            controller: BrokerId(request.controller_id.0),
            controller_epoch: ControllerEpoch(request.controller_epoch),
            broker_epoch: BrokerEpoch(request.broker_epoch),
            what: "LeaderAndIsr",
        };
        let mut left = VecDeque::new();
        for state in request.ungrouped_partition_states {
            left.push_back(Decision::of(state.topic_name.clone(), state));
        }
        for topic in request.topic_states {
            for state in topic.partition_states {
                left.push_back(Decision::of(topic.topic_name.clone(), state));
            }
        }
        let mut configs = BTreeMap::new();
        for decision in &left {
            if !configs.contains_key(&**decision.topic) {
                configs.insert(Arc::from(&**decision.topic), topic_config(&decision.topic));
            }
        }
        let what = What::LeaderAndIsr { left, configs };
        Self { id, from, admitted: false, what, done: Vec::new() }
    }

    /// Replicas that stop, and perhaps go.
    pub fn stop_replica(id: RequestId, request: m::StopReplicaRequest) -> Self {
        let from = Sender {
            controller: BrokerId(request.controller_id.0),
            controller_epoch: ControllerEpoch(request.controller_epoch),
            broker_epoch: BrokerEpoch(request.broker_epoch),
            what: "StopReplica",
        };
        let delete = request.delete_partitions;
        let mut left = VecDeque::new();
        for stop in request.ungrouped_partitions {
            left.push_back((stop.topic_name, stop.partition_index, delete));
        }
        for topic in request.topics {
            for index in topic.partition_indexes {
                left.push_back((topic.name.clone(), index, delete));
            }
        }
        for topic in request.topic_states {
            for state in topic.partition_states {
                let name = topic.topic_name.clone();
                left.push_back((name, state.partition_index, state.delete_partition));
            }
        }
        Self { id, from, admitted: false, what: What::StopReplica { left }, done: Vec::new() }
    }

    fn answer(self, code: i16) -> ReplicaEvent {
        let response = match self.what {
            What::LeaderAndIsr { .. } => {
                let of = |(topic, partition, code)| {
                    leader_answer::LeaderAndIsrPartitionError::default()
                        .with_topic_name(topic)
                        .with_partition_index(partition)
                        .with_error_code(code)
                };
                let errors = self.done.into_iter().map(of).collect();
                let body = m::LeaderAndIsrResponse::default().with_error_code(code);
                Response::LeaderAndIsr(body.with_partition_errors(errors))
            }
            What::StopReplica { .. } => {
                let of = |(topic, partition, code)| {
                    stop_answer::StopReplicaPartitionError::default()
                        .with_topic_name(topic)
                        .with_partition_index(partition)
                        .with_error_code(code)
                };
                let errors = self.done.into_iter().map(of).collect();
                let body = m::StopReplicaResponse::default().with_error_code(code);
                Response::StopReplica(body.with_partition_errors(errors))
            }
        };
        ReplicaEvent::Answer(self.id, response)
    }
}

impl Decision {
    fn of(
        topic: m::TopicName,
        state: m::leader_and_isr_request::LeaderAndIsrPartitionState,
    ) -> Self {
        let ids = |list: Vec<m::BrokerId>| list.into_iter().map(|id| BrokerId(id.0)).collect();
        Self {
            topic,
            partition: state.partition_index,
            controller_epoch: ControllerEpoch(state.controller_epoch),
            leader: BrokerId(state.leader.0),
            epoch: LeaderEpoch(state.leader_epoch),
            isr: ids(state.isr),
            zk_version: state.partition_epoch,
            replicas: ids(state.replicas),
        }
    }
}

impl Replicas {
    /// Whether a control request may be obeyed: it is meant for this registration, and from the newest controller.
    ///
    /// # Errors
    /// The error code for the sender.
    pub(super) fn admit(&mut self, from: &Sender, cx: &mut Context<'_, Note>) -> Result<(), i16> {
        let mechanisms = &self.config.mechanisms;
        let registered = from.broker_epoch != BrokerEpoch::UNKNOWN;
        let older = registered && from.broker_epoch < self.broker_epoch;
        let newer = registered && from.broker_epoch > self.broker_epoch;
        let stale = from.controller_epoch < self.controller_epoch;
        let refused = match mechanisms.broker_epoch {
            BrokerEpochCheck::OnRefusingNewer if newer => {
                Some(("newer broker epoch", error::UNKNOWN_SERVER_ERROR))
            }
            BrokerEpochCheck::On | BrokerEpochCheck::OnRefusingNewer if older => {
                Some(("stale broker epoch", error::STALE_BROKER_EPOCH))
            }
            _ if stale && !mechanisms.has(Mutant::ObeysDeposedControllers) => {
                Some(("stale controller epoch", error::STALE_CONTROLLER_EPOCH))
            }
            _ => None,
        };
        if let Some((because, code)) = refused {
            let Sender { controller, controller_epoch, what, .. } = *from;
            cx.note(Note::ControlRefused { controller, controller_epoch, because, what });
            return Err(code);
        }
        self.controller_epoch = self.controller_epoch.max(from.controller_epoch);
        Ok(())
    }

    /// Works on the first control request, and on those behind it, until one must wait.
    pub(super) fn advance_controls(&mut self, turn: &mut Turn<'_, '_, '_>) {
        while self.control_ticket.is_none()
            && let Some(mut control) = self.controls.pop_front()
        {
            if self.is_control_frozen(&control) {
                self.controls.push_front(control);
                return;
            }
            if !control.admitted {
                if let Err(code) = self.admit(&control.from, turn.cx) {
                    turn.events.push(control.answer(code));
                    continue;
                }
                control.admitted = true;
                self.sort_decisions(&mut control);
            }
            match self.obey(&mut control, turn) {
                Ok(()) => {
                    self.drop_idle_fetchers(turn);
                    control.from.applied(turn.cx);
                    turn.events.push(control.answer(error::NONE));
                }
                Err(DiskError::WouldBlock(ticket)) => {
                    self.control_ticket = Some(ticket);
                    self.controls.push_front(control);
                    return;
                }
                Err(failure) => {
                    self.log_dir_failed(failure, turn.events);
                    turn.events.push(control.answer(error::KAFKA_STORAGE_ERROR));
                }
            }
        }
    }

    fn is_control_frozen(&self, control: &Control) -> bool {
        if self.frozen.is_empty() {
            return false;
        }
        let is_frozen = |topic: &str, partition: i32| {
            self.held.find(topic, partition).is_some_and(|slot| self.frozen.contains_key(&slot))
        };
        match &control.what {
            What::LeaderAndIsr { left, .. } => {
                left.iter().any(|decision| is_frozen(&decision.topic, decision.partition))
            }
            What::StopReplica { left } => {
                left.iter().any(|(topic, partition, _)| is_frozen(topic, *partition))
            }
        }
    }

    /// Leaves out decisions that are old or not for this broker, and puts those it is to lead in front.
    fn sort_decisions(&self, control: &mut Control) {
        let What::LeaderAndIsr { left, .. } = &mut control.what else { return };
        let own = self.config.id;
        let done = &mut control.done;
        left.retain(|decision| {
            let slot = self.held.find(&decision.topic, decision.partition);
            let known = slot.and_then(|slot| self.held.get(slot));
            let known = known.map_or(LeaderEpoch::UNKNOWN, |partition| partition.epoch);
            let code = if decision.epoch <= known {
                error::STALE_CONTROLLER_EPOCH
            } else if !decision.replicas.contains(&own) {
                error::UNKNOWN_TOPIC_OR_PARTITION
            } else {
                return true;
            };
            done.push((decision.topic.clone(), decision.partition, code));
            false
        });
        left.make_contiguous().sort_by_key(|decision| decision.leader != own);
    }

    fn obey(
        &mut self,
        control: &mut Control,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<(), DiskError> {
        match &mut control.what {
            What::LeaderAndIsr { left, configs } => {
                while let Some(decision) = left.front() {
                    if let Some(config) = configs.get(&**decision.topic) {
                        self.decide(decision, config, turn)?;
                    }
                    let Decision { topic, partition, .. } = left.pop_front().expect("it was there");
                    control.done.push((topic, partition, error::NONE));
                }
            }
            What::StopReplica { left } => {
                while let Some((topic, partition, delete)) = left.front() {
                    self.stop_one(topic, *partition, *delete, turn)?;
                    let (topic, partition, _) = left.pop_front().expect("it was there");
                    control.done.push((topic, partition, error::NONE));
                }
            }
        }
        Ok(())
    }
}
