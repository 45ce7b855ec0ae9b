//! What a fetcher does next, and the requests it sends.

use std::collections::BTreeMap;

use kafka_protocol::messages as m;
use kafka_protocol::messages::fetch_request as fetch;
use kafka_protocol::messages::list_offsets_request as offsets;
use kafka_protocol::messages::offset_for_leader_epoch_request as epochs;
use machine::{Context, Duration};

use super::{Asked, Copies, Fetcher, Flight, Link, Stage, Told};
use crate::id::{LeaderEpoch, Offset};
use crate::note::Note;
use crate::replica::offsets::{EARLIEST, LATEST};
use crate::replica::partition::{Partition, Slot};
use crate::replica::truncation::{self, Begin};
use crate::wire::{self, Api, Request};

/// A question ready to be sent.
struct Question {
    body: Request,
    version: i16,
    asked: Asked,
}

impl Fetcher {
    /// Does what can be done: takes what has arrived, cuts what must be cut, asks the next question.
    pub fn advance(&mut self, copies: &mut Copies<'_>, cx: &mut Context<'_, Note>) {
        let in_flight = matches!(&self.link, Link::Open { flight: Some(_), .. });
        if in_flight || matches!(self.link, Link::Dialling { .. }) || self.blocked.is_some() {
            return;
        }
        self.take_arrived(copies, cx);
        let questions = self.begin_truncations(copies, cx);
        if self.blocked.is_some() || !self.has_something_to_ask(&questions) {
            return;
        }
        if let Link::Down = self.link {
            let conn = cx.dial(&self.address);
            let deadline = cx.now() + copies.config.replica_socket_timeout;
            self.link = Link::Dialling { conn, deadline };
            return;
        }
        let question = if !questions.is_empty() {
            self.ask_epochs(questions, copies)
        } else if !self.lost.is_empty() {
            self.ask_offsets(copies)
        } else {
            self.ask_records(copies)
        };
        self.send(question, copies.config.replica_socket_timeout, cx);
    }

    fn has_something_to_ask(&self, questions: &BTreeMap<Slot, LeaderEpoch>) -> bool {
        let waiting = self.truncating.len() + self.pauses.len();
        !questions.is_empty() || self.states.len() > waiting
    }

    /// Cuts where nobody is to be asked; the latest epochs of those who must ask.
    fn begin_truncations(
        &mut self,
        copies: &mut Copies<'_>,
        cx: &mut Context<'_, Note>,
    ) -> BTreeMap<Slot, LeaderEpoch> {
        let mut questions = BTreeMap::new();
        if self.truncating.is_empty() {
            return questions;
        }
        for slot in self.truncating.clone() {
            let Some(state) = self.states.get(&slot) else { continue };
            let partition = copies.held.get(slot);
            let found = partition.and_then(|it| Some((it, copies.logs.get(&it.id)?)));
            let Some((partition, log)) = found else {
                self.remove(slot);
                continue;
            };
            let (mechanism, end) = (copies.config.mechanisms.truncation, partition.log_end);
            match truncation::begin(mechanism, log.latest_epoch(), state.from, end) {
                Begin::Ask(epoch) => drop(questions.insert(slot, epoch)),
                Begin::CutTo(to) => {
                    if self.cut(slot, to, copies, cx) {
                        self.enter(slot, Stage::Fetching);
                    }
                }
            }
        }
        questions
    }

    fn ask_epochs(&self, latest: BTreeMap<Slot, LeaderEpoch>, copies: &Copies<'_>) -> Question {
        let mut topics: Vec<epochs::OffsetForLeaderTopic> = Vec::new();
        let mut asked = BTreeMap::new();
        for (slot, latest) in latest {
            let (Some(state), Some(partition)) = (self.states.get(&slot), copies.held.get(slot))
            else {
                continue;
            };
            asked.insert(slot, state.epoch);
            let current =
                if self.versions.epochs >= 2 { state.epoch } else { LeaderEpoch::UNKNOWN };
            let one = epochs::OffsetForLeaderPartition::default()
                .with_partition(partition.id.partition)
                .with_current_leader_epoch(current.0)
                .with_leader_epoch(latest.0);
            match topics.last_mut().filter(|topic| topic.topic == partition.name) {
                Some(topic) => topic.partitions.push(one),
                None => topics.push(
                    epochs::OffsetForLeaderTopic::default()
                        .with_topic(partition.name.clone())
                        .with_partitions(vec![one]),
                ),
            }
        }
        let mut body = m::OffsetForLeaderEpochRequest::default().with_topics(topics);
        if self.versions.epochs >= 3 {
            body.replica_id = m::BrokerId(copies.config.id.0);
        }
        let version = self.versions.epochs;
        Question { body: body.into(), version, asked: Asked::Epochs(asked) }
    }

    /// The end of the leader's log for those who do not know it, then its start for the others.
    fn ask_offsets(&self, copies: &Copies<'_>) -> Question {
        let stage = |slot: &Slot| self.states.get(slot).map(|state| state.stage);
        let latest = self.lost.iter().any(|slot| stage(slot) == Some(Stage::Lost(None)));
        let mut topics: Vec<offsets::ListOffsetsTopic> = Vec::new();
        let mut of = BTreeMap::new();
        for slot in &self.lost {
            let (Some(state), Some(partition)) = (self.states.get(slot), copies.held.get(*slot))
            else {
                continue;
            };
            if latest != (state.stage == Stage::Lost(None)) {
                continue;
            }
            of.insert(*slot, state.epoch);
            let current = if self.versions.offsets >= 4 { state.epoch.0 } else { -1 };
            let one = offsets::ListOffsetsPartition::default()
                .with_partition_index(partition.id.partition)
                .with_current_leader_epoch(current)
                .with_timestamp(if latest { LATEST } else { EARLIEST });
            match topics.last_mut().filter(|topic| topic.name == partition.name) {
                Some(topic) => topic.partitions.push(one),
                None => topics.push(
                    offsets::ListOffsetsTopic::default()
                        .with_name(partition.name.clone())
                        .with_partitions(vec![one]),
                ),
            }
        }
        let body = m::ListOffsetsRequest::default()
            .with_replica_id(m::BrokerId(copies.config.id.0))
            .with_topics(topics);
        let asked = Asked::Offsets { latest, of };
        Question { body: body.into(), version: self.versions.offsets, asked }
    }

    fn ask_records(&mut self, copies: &Copies<'_>) -> Question {
        let config = copies.config;
        let full = self.session.epoch == 0;
        let mut topics: Vec<fetch::FetchTopic> = Vec::new();
        let mut forgotten: Vec<fetch::ForgottenTopic> = Vec::new();
        let touched = std::mem::take(&mut self.session.touched);
        if full {
            self.session.told.clear();
            let all: Vec<Slot> = self.states.keys().copied().collect();
            for slot in all {
                self.tell(slot, copies, &mut topics);
            }
        } else {
            for slot in touched {
                if !self.tell(slot, copies, &mut topics)
                    && let Some(told) = self.session.told.remove(&slot)
                {
                    let topic = fetch::ForgottenTopic::default().with_topic(told.name);
                    forgotten.push(topic.with_partitions(vec![told.partition]));
                }
            }
        }
        let wait = i32::try_from(config.replica_fetch_wait_max.as_millis()).unwrap_or(i32::MAX);
        let body = m::FetchRequest::default()
            .with_replica_id(m::BrokerId(config.id.0))
            .with_max_wait_ms(wait)
            .with_min_bytes(config.replica_fetch_bytes_min)
            .with_max_bytes(config.replica_fetch_response_bytes_max)
            .with_session_id(self.session.id)
            .with_session_epoch(self.session.epoch)
            .with_topics(topics)
            .with_forgotten_topics_data(forgotten);
        Question { body: body.into(), version: self.versions.fetch, asked: Asked::Fetch { full } }
    }

    /// Names a partition in a fetch if the leader does not know already where it fetches. Whether it fetches at all.
    fn tell(
        &mut self,
        slot: Slot,
        copies: &Copies<'_>,
        topics: &mut Vec<fetch::FetchTopic>,
    ) -> bool {
        let fetches =
            |state: &&super::State| state.stage == Stage::Fetching && state.paused.is_none();
        let Some(state) = self.states.get(&slot).filter(fetches) else { return false };
        let told = self.session.told.get(&slot);
        if told.is_some_and(|it| {
            (it.from, it.epoch, it.start) == (state.from, state.epoch, state.start)
        }) {
            return true;
        }
        let Some(Partition { id, name, .. }) = copies.held.get(slot) else { return false };
        let current = if self.versions.fetch >= 9 { state.epoch.0 } else { -1 };
        let one = fetch::FetchPartition::default()
            .with_partition(id.partition)
            .with_current_leader_epoch(current)
            .with_fetch_offset(state.from.0)
            .with_log_start_offset(state.start.0)
            .with_partition_max_bytes(copies.config.replica_fetch_bytes_max);
        match topics.last_mut().filter(|topic| topic.topic == *name) {
            Some(topic) => topic.partitions.push(one),
            None => topics.push(
                fetch::FetchTopic::default().with_topic(name.clone()).with_partitions(vec![one]),
            ),
        }
        let (epoch, from, start) = (state.epoch, state.from, state.start);
        let told = Told { name: name.clone(), partition: id.partition, epoch, from, start };
        self.session.told.insert(slot, told);
        true
    }

    fn send(&mut self, question: Question, patience: Duration, cx: &mut Context<'_, Note>) {
        let Link::Open { conn, flight, .. } = &mut self.link else { return };
        self.correlation = self.correlation.wrapping_add(1);
        let Question { body, version, asked } = question;
        let frame = wire::request_frame(&body, version, self.correlation, &self.client);
        let deadline = cx.now() + patience;
        *flight = Some(Flight { correlation: self.correlation, deadline, asked });
        cx.send(*conn, frame);
    }

    /// In which version a question was asked, to read its answer.
    pub(super) fn asked_as(&self, asked: &Asked) -> (Api, i16) {
        match asked {
            Asked::Epochs(_) => (Api::OffsetForLeaderEpoch, self.versions.epochs),
            Asked::Offsets { .. } => (Api::ListOffsets, self.versions.offsets),
            Asked::Fetch { .. } => (Api::Fetch, self.versions.fetch),
        }
    }

    /// Where a partition fetches that was cut or begun anew.
    pub(super) fn fetch_from(&mut self, slot: Slot, from: Offset, start: Offset) {
        if let Some(state) = self.states.get_mut(&slot) {
            state.from = from;
            state.start = start;
            self.session.touched.insert(slot);
        }
    }
}
