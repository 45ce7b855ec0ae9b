//! What happens to requests: who answers which, and what the parts say about them afterwards.

use kafka_protocol::messages as m;
use machine::Context;

use super::{Running, door};
use crate::admin;
use crate::admin::AdminEvent;
use crate::controller::{ControllerEvent, Demand};
use crate::life::settings::SettingsEvent;
use crate::note::Note;
use crate::replica::{self, ReplicaEvent, RequestId};
use crate::server::Incoming;
use crate::wire::Request;

impl Running {
    /// A request has a request handler.
    pub(super) fn request(&mut self, incoming: Incoming, cx: &mut Context<'_, Note>) {
        let Incoming { id, version, listener, body } = incoming;
        let told = &mut self.told.replicas;
        match body {
            Request::Produce(body) => {
                self.replicas.produce(id, body, version, door!(self, replica), cx, told);
            }
            Request::Fetch(body) => {
                self.replicas.fetch(id, body, version, door!(self, replica), cx, told);
            }
            Request::ListOffsets(body) => {
                self.replicas.list_offsets(id, body, version, door!(self, replica), cx, told);
            }
            Request::OffsetForLeaderEpoch(body) => {
                let door = door!(self, replica);
                self.replicas.offsets_for_leader_epoch(id, body, version, door, cx, told);
            }
            Request::StopReplica(body) => {
                self.replicas.stop_replica(id, body, version, door!(self, replica), cx, told);
            }
            Request::LeaderAndIsr(body) => {
                let known = self.settings.knows(topics(&body), &mut self.keeper, cx);
                if known {
                    self.leader_and_isr(id, body, version, cx);
                } else {
                    self.waiting_for_settings.push((id, body, version));
                }
            }
            Request::UpdateMetadata(body) => self.update_metadata(id, &body, cx),
            Request::ControlledShutdown(body) => {
                let (keeper, told) = (&mut self.keeper, &mut self.told.controller);
                self.controller.controlled_shutdown(id, body, version, keeper, cx, told);
                // The controller's own thread answers: no handler waits for it.
                self.server.parked(id);
            }
            Request::ElectLeaders(body) => {
                let (keeper, told) = (&mut self.keeper, &mut self.told.controller);
                let demand = Demand::of(id, version, &body, &self.metadata, cx.now());
                self.controller.elect_leaders(demand, keeper, cx, told);
                self.server.parked(id);
            }
            body => {
                let door = door!(self, admin);
                self.admin.request(id, body, version, &listener, door, cx, &mut self.told.admin);
            }
        }
    }

    fn leader_and_isr(
        &mut self,
        id: RequestId,
        body: m::LeaderAndIsrRequest,
        version: i16,
        cx: &mut Context<'_, Note>,
    ) {
        let settings = &self.settings;
        let of = |topic: &str| settings.of(topic);
        let told = &mut self.told.replicas;
        let door = door!(self, replica);
        self.replicas.leader_and_isr(id, body, version, &of, door, cx, told);
    }

    fn update_metadata(
        &mut self,
        id: RequestId,
        body: &m::UpdateMetadataRequest,
        cx: &mut Context<'_, Note>,
    ) {
        let mut response = m::UpdateMetadataResponse::default();
        match self.replicas.may_update_metadata(body, cx) {
            Err(error) => response.error_code = error,
            Ok(()) => {
                for topic in self.metadata.update(body) {
                    self.settings.forget(&topic);
                }
                let told = &mut self.told.replicas;
                self.replicas.metadata_updated(door!(self, replica), cx, told);
                self.admin.metadata_updated(door!(self, admin), cx, &mut self.told.admin);
                self.elections_seen(cx);
            }
        }
        self.server.answer(id, &response.into(), cx);
    }

    pub(super) fn hear_replicas(&mut self, cx: &mut Context<'_, Note>) -> bool {
        if self.told.replicas.is_empty() {
            return false;
        }
        let mut heard = std::mem::take(&mut self.told.replicas);
        for event in heard.drain(..) {
            match event {
                ReplicaEvent::Answer(id, response) => self.server.answer(id, &response, cx),
                ReplicaEvent::NoAnswer(id) => self.server.no_answer(id, cx),
                ReplicaEvent::CloseConnection(id) => self.server.close_connection(id, cx),
                ReplicaEvent::Parked(id) => self.server.parked(id),
                ReplicaEvent::IsrChanged(partition) => self.isr_news.changed(partition, cx.now()),
                ReplicaEvent::LogsOpened => self.logs_opened(cx),
                ReplicaEvent::LogsClosed => self.logs_closed(cx),
                ReplicaEvent::LogDirFailed(error) => {
                    cx.note(Note::LogDirFailed(error));
                    self.die(1, &format!("the only log directory has failed: {error:?}"), cx);
                }
            }
        }
        // The events that came meanwhile, in the space of those that went.
        heard.append(&mut self.told.replicas);
        self.told.replicas = heard;
        true
    }

    pub(super) fn hear_controller(&mut self, cx: &mut Context<'_, Note>) -> bool {
        if self.told.controller.is_empty() {
            return false;
        }
        for event in std::mem::take(&mut self.told.controller) {
            match event {
                ControllerEvent::Answer(id, response) => self.server.answer(id, &response, cx),
                ControllerEvent::Elected(elected) => {
                    self.elections.add(elected);
                    self.elections_seen(cx);
                }
            }
        }
        true
    }

    pub(super) fn hear_admin(&mut self, cx: &mut Context<'_, Note>) -> bool {
        if self.told.admin.is_empty() {
            return false;
        }
        for event in std::mem::take(&mut self.told.admin) {
            match event {
                AdminEvent::Answer(id, response) => self.server.answer(id, &response, cx),
                AdminEvent::Parked(id) => self.server.parked(id),
            }
        }
        true
    }

    pub(super) fn hear_settings(&mut self, cx: &mut Context<'_, Note>) -> bool {
        if self.told.settings.is_empty() {
            return false;
        }
        for event in std::mem::take(&mut self.told.settings) {
            match event {
                SettingsEvent::Read => self.settings_read(cx),
                SettingsEvent::Watching => self.settings_watched(cx),
                SettingsEvent::Changed { topic, unclean } => {
                    self.replicas.configure(&topic, &self.settings.of(&topic));
                    if unclean {
                        self.controller.topic_configured(&topic, &mut self.keeper, cx);
                    }
                }
            }
        }
        true
    }

    /// Control requests that waited for settings go on, in their order.
    pub(super) fn resume_control_requests(&mut self, cx: &mut Context<'_, Note>) {
        for (id, body, version) in std::mem::take(&mut self.waiting_for_settings) {
            // What was read for this request is new enough, also for partitions that are.
            let topics = topics(&body).map(|(topic, _)| (topic, false));
            if self.settings.knows(topics, &mut self.keeper, cx) {
                self.leader_and_isr(id, body, version, cx);
            } else {
                self.waiting_for_settings.push((id, body, version));
            }
        }
    }
}

/// The topics of a request, and whether their partitions are new.
fn topics(body: &m::LeaderAndIsrRequest) -> impl Iterator<Item = (&str, bool)> {
    let ungrouped = body.ungrouped_partition_states.iter();
    let ungrouped = ungrouped.map(|state| (state.topic_name.0.as_str(), state.is_new));
    let grouped = body.topic_states.iter().map(|topic| {
        (topic.topic_name.0.as_str(), topic.partition_states.iter().any(|state| state.is_new))
    });
    ungrouped.chain(grouped)
}
