//! The leader's answers: what is cut, what is appended, what is tried again.

use std::collections::BTreeMap;

use kafka_protocol::messages as m;
use kafka_protocol::messages::fetch_response::PartitionData;
use machine::{Context, DiskError};

use super::{Asked, Copies, Fetcher, Link, Stage};
use crate::id::{LeaderEpoch, Offset};
use crate::log::LogError;
use crate::mechanism::Mutant;
use crate::note::Note;
use crate::replica::high_watermark;
use crate::replica::partition::Slot;
use crate::replica::truncation::{self, OutOfRange};
use crate::wire::{self, Response, error};

/// What a fetch brought for one partition.
pub(super) struct Arrived {
    slot: Slot,
    data: PartitionData,
}

impl Fetcher {
    /// Reads what has come in; a stream that is out of step is given up.
    pub(super) fn receive(&mut self, copies: &mut Copies<'_>, cx: &mut Context<'_, Note>) {
        loop {
            let Link::Open { conn, frames, flight } = &mut self.link else { return };
            let conn = *conn;
            let frame = match frames.take() {
                Ok(None) => return,
                Ok(Some(frame)) => Some(frame),
                Err(_) => None,
            };
            let answered = frame.and_then(|frame| {
                let correlation = wire::correlation(&frame)?;
                let flight = flight.take_if(|flight| flight.correlation == correlation)?;
                Some((frame, flight))
            });
            let read = answered.and_then(|(frame, flight)| {
                let (api, version) = self.asked_as(&flight.asked);
                Some((wire::response(frame, api, version).ok()?, flight.asked))
            });
            let Some((response, asked)) = read else {
                cx.abort(conn);
                return self.broke(copies, cx);
            };
            self.answered(response, asked, copies, cx);
        }
    }

    fn answered(
        &mut self,
        response: Response,
        asked: Asked,
        copies: &mut Copies<'_>,
        cx: &mut Context<'_, Note>,
    ) {
        match (response, asked) {
            (Response::Fetch(body), Asked::Fetch { full }) => {
                self.fetched(body, full, copies);
                self.take_arrived(copies, cx);
            }
            (Response::OffsetForLeaderEpoch(body), Asked::Epochs(asked)) => {
                self.epochs_end(body, asked, copies, cx);
            }
            (Response::ListOffsets(body), Asked::Offsets { latest, of }) => {
                self.offsets_are(body, latest, of, copies, cx);
            }
            // A response is read as what was asked.
            _ => {}
        }
    }

    // -- where epochs end

    fn epochs_end(
        &mut self,
        body: m::OffsetForLeaderEpochResponse,
        mut asked: BTreeMap<Slot, LeaderEpoch>,
        copies: &mut Copies<'_>,
        cx: &mut Context<'_, Note>,
    ) {
        for topic in &body.topics {
            for end in &topic.partitions {
                let slot = copies.held.find(&topic.topic, end.partition);
                let known = slot.and_then(|slot| Some((slot, asked.remove(&slot)?)));
                if let Some((slot, epoch)) = known
                    && self.is_asking(slot, epoch, Stage::Truncating)
                {
                    let theirs = (LeaderEpoch(end.leader_epoch), Offset(end.end_offset));
                    if end.error_code == error::NONE {
                        self.epoch_ends(slot, theirs, copies, cx);
                    } else {
                        self.refused(slot, (end.error_code, epoch), copies, cx);
                    }
                }
            }
        }
        self.pause_unanswered(asked, copies, cx);
    }

    fn epoch_ends(
        &mut self,
        slot: Slot,
        theirs: (LeaderEpoch, Offset),
        copies: &mut Copies<'_>,
        cx: &mut Context<'_, Note>,
    ) {
        let Some(initial) = self.states.get(&slot).map(|state| state.from) else { return };
        let Some(partition) = copies.held.get(slot) else { return };
        let Some(log) = copies.logs.get(&partition.id) else { return };
        let own = |epoch| log.end_of_epoch(epoch);
        let cut = truncation::decide(initial, theirs, own, partition.log_end);
        if self.cut(slot, cut.to, copies, cx) && cut.done {
            self.enter(slot, Stage::Fetching);
        }
    }

    /// Cuts a log off; the high watermark goes with it. False if the disk must be waited for.
    pub(super) fn cut(
        &mut self,
        slot: Slot,
        to: Offset,
        copies: &mut Copies<'_>,
        cx: &mut Context<'_, Note>,
    ) -> bool {
        let Some(partition) = copies.held.get_mut(slot) else { return true };
        let Some(log) = copies.logs.get_mut(&partition.id) else { return true };
        let cut = match to {
            _ if copies.config.mechanisms.has(Mutant::NeverTruncates) => Ok(()),
            to if to < log.start() => log.start_anew_at(to, cx),
            to => log.truncate_to(to, partition.high_watermark, cx),
        };
        let (start, end) = (log.start(), log.end());
        partition.log_end = end;
        let known = high_watermark::after_cut(partition.high_watermark, end);
        self.fetch_from(slot, end, start);
        note_high_watermark(slot, known, copies, cx);
        self.disk_said(cut, copies)
    }

    fn disk_said(&mut self, said: Result<(), DiskError>, copies: &mut Copies<'_>) -> bool {
        match said {
            Ok(()) => true,
            Err(DiskError::WouldBlock(ticket)) => {
                self.blocked = Some(ticket);
                false
            }
            Err(failure) => {
                copies.failed = Some(failure);
                false
            }
        }
    }

    // -- a follower that is out of range

    fn offsets_are(
        &mut self,
        body: m::ListOffsetsResponse,
        latest: bool,
        mut asked: BTreeMap<Slot, LeaderEpoch>,
        copies: &mut Copies<'_>,
        cx: &mut Context<'_, Note>,
    ) {
        for topic in &body.topics {
            for found in &topic.partitions {
                let slot = copies.held.find(&topic.name, found.partition_index);
                let known = slot.and_then(|slot| Some((slot, asked.remove(&slot)?)));
                let Some((slot, epoch)) = known else { continue };
                let state = self.states.get(&slot).filter(|state| state.epoch == epoch);
                let Some(Stage::Lost(end)) = state.map(|state| state.stage) else { continue };
                if found.error_code != error::NONE {
                    self.refused(slot, (found.error_code, epoch), copies, cx);
                } else if latest {
                    self.leader_ends_at(slot, Offset(found.offset), copies, cx);
                } else if let Some(end) = end {
                    self.find_again(slot, Offset(found.offset), end, copies, cx);
                }
            }
        }
        self.pause_unanswered(asked, copies, cx);
    }

    fn leader_ends_at(
        &mut self,
        slot: Slot,
        end: Offset,
        copies: &mut Copies<'_>,
        cx: &mut Context<'_, Note>,
    ) {
        let Some(own) = copies.held.get(slot).map(|partition| partition.log_end) else { return };
        if end >= own {
            return self.enter(slot, Stage::Lost(Some(end)));
        }
        if copies.config.mechanisms.has(Mutant::NeverTruncates) {
            self.enter(slot, Stage::Fetching);
            return self.pause(slot, cx.now() + copies.config.replica_fetch_backoff);
        }
        self.find_again(slot, Offset::ZERO, end, copies, cx);
    }

    fn find_again(
        &mut self,
        slot: Slot,
        leader_start: Offset,
        leader_end: Offset,
        copies: &mut Copies<'_>,
        cx: &mut Context<'_, Note>,
    ) {
        let Some(own) = copies.held.get(slot).map(|partition| partition.log_end) else { return };
        let done = match truncation::out_of_range(own, leader_start, leader_end) {
            OutOfRange::CutTo(to) => self.cut(slot, to, copies, cx),
            OutOfRange::StartAnewAt(at) => self.start_anew(slot, at, copies, cx),
            OutOfRange::FetchFrom(from) => {
                let start = self.states.get(&slot).map_or(Offset::ZERO, |state| state.start);
                self.fetch_from(slot, from, start);
                true
            }
        };
        if done {
            self.enter(slot, Stage::Fetching);
        }
    }

    fn start_anew(
        &mut self,
        slot: Slot,
        at: Offset,
        copies: &mut Copies<'_>,
        cx: &mut Context<'_, Note>,
    ) -> bool {
        let Some(partition) = copies.held.get_mut(slot) else { return true };
        let Some(log) = copies.logs.get_mut(&partition.id) else { return true };
        let said = log.start_anew_at(at, cx);
        let (start, end) = (log.start(), log.end());
        partition.log_end = end;
        // It never stays below the start (KAFKA-9491).
        let known = high_watermark::followed(partition.high_watermark, start, end);
        self.fetch_from(slot, end, start);
        note_high_watermark(slot, known, copies, cx);
        self.disk_said(said, copies)
    }

    // -- records

    fn fetched(&mut self, body: m::FetchResponse, full: bool, copies: &Copies<'_>) {
        if body.error_code != error::NONE {
            if body.error_code == error::FETCH_SESSION_ID_NOT_FOUND {
                self.session.id = 0;
            }
            self.session.epoch = 0;
            return;
        }
        let next = if full { 1 } else { self.session.epoch.checked_add(1).unwrap_or(1) };
        self.session.epoch = if body.session_id == 0 { 0 } else { next };
        self.session.id = body.session_id;
        for topic in body.responses {
            for data in topic.partitions {
                let slot = copies.held.find(&topic.topic, data.partition_index);
                self.arrived.extend(slot.map(|slot| Arrived { slot, data }));
            }
        }
    }

    /// Takes what has arrived, as far as the disk lets it.
    pub(super) fn take_arrived(&mut self, copies: &mut Copies<'_>, cx: &mut Context<'_, Note>) {
        while self.blocked.is_none()
            && let Some(arrived) = self.arrived.pop_front()
        {
            let slot = arrived.slot;
            let told = self.session.told.get(&slot).map(|told| told.from);
            let state = self.states.get(&slot);
            // It may have been truncated, or removed and added again, since it was asked for.
            let expected = state.is_some_and(|state| {
                state.stage == Stage::Fetching && state.paused.is_none() && told == Some(state.from)
            });
            if expected && let Err(ticket) = self.take_one(&arrived, copies, cx) {
                self.blocked = Some(ticket);
                self.arrived.push_front(arrived);
            }
        }
    }

    fn take_one(
        &mut self,
        Arrived { slot, data }: &Arrived,
        copies: &mut Copies<'_>,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), machine::Ticket> {
        let slot = *slot;
        match data.error_code {
            error::NONE => {}
            error::OFFSET_OUT_OF_RANGE => {
                self.enter(slot, Stage::Lost(None));
                return Ok(());
            }
            code => {
                let told = self.session.told.get(&slot).map(|told| told.epoch);
                let asked_in = told.unwrap_or(LeaderEpoch::UNKNOWN);
                self.refused(slot, (code, asked_in), copies, cx);
                return Ok(());
            }
        }
        let Some(partition) = copies.held.get_mut(slot) else { return Ok(()) };
        let Some(log) = copies.logs.get_mut(&partition.id) else { return Ok(()) };
        if let Some(records) = data.records.as_ref().filter(|records| !records.is_empty()) {
            match log.append_as_follower(records, cx) {
                Ok(_) => {}
                Err(LogError::Disk(DiskError::WouldBlock(ticket))) => return Err(ticket),
                Err(LogError::Disk(failure)) => {
                    copies.failed = Some(failure);
                    self.remove(slot);
                    return Ok(());
                }
                // Perhaps they are whole next time.
                Err(LogError::Corrupt | LogError::TooLarge) => {
                    self.pause(slot, cx.now() + copies.config.replica_fetch_backoff);
                    return Ok(());
                }
                Err(LogError::OutOfRange) => {
                    self.remove(slot);
                    return Ok(());
                }
            }
        }
        partition.log_end = log.end();
        let told = Offset(data.high_watermark);
        let known = high_watermark::followed(told, log.start(), log.end());
        let leader_start = Offset(data.log_start_offset).min(known);
        if leader_start > log.start() {
            log.raise_start(leader_start, cx);
        }
        let (start, end) = (log.start(), log.end());
        // The next fetch says that these records are here, and with `flush.messages` that they are on the disk.
        self.blocked = log.flush_awaited(end);
        self.fetch_from(slot, end, start);
        if told >= Offset::ZERO {
            note_high_watermark(slot, known, copies, cx);
        }
        Ok(())
    }

    // -- errors

    fn is_asking(&self, slot: Slot, epoch: LeaderEpoch, stage: Stage) -> bool {
        self.states.get(&slot).is_some_and(|it| it.epoch == epoch && it.stage == stage)
    }

    /// The leader refuses a partition. Fenced in its present epoch, it waits for the next LeaderAndIsr; else it tries again.
    fn refused(
        &mut self,
        slot: Slot,
        (code, asked_in): (i16, LeaderEpoch),
        copies: &Copies<'_>,
        cx: &Context<'_, Note>,
    ) {
        let current = self.states.get(&slot).map(|state| state.epoch);
        if code == error::FENCED_LEADER_EPOCH && current == Some(asked_in) {
            self.remove(slot);
        } else {
            self.pause(slot, cx.now() + copies.config.replica_fetch_backoff);
        }
    }

    fn pause_unanswered(
        &mut self,
        asked: BTreeMap<Slot, LeaderEpoch>,
        copies: &Copies<'_>,
        cx: &Context<'_, Note>,
    ) {
        for (slot, epoch) in asked {
            if self.states.get(&slot).is_some_and(|state| state.epoch == epoch) {
                self.pause(slot, cx.now() + copies.config.replica_fetch_backoff);
            }
        }
    }
}

/// A follower believes in another high watermark.
fn note_high_watermark(
    slot: Slot,
    to: Offset,
    copies: &mut Copies<'_>,
    cx: &mut Context<'_, Note>,
) {
    let Some(partition) = copies.held.get_mut(slot) else { return };
    if partition.high_watermark != to {
        partition.high_watermark = to;
        copies.logs.set_high_watermark(&partition.id, to);
        cx.note(Note::HighWatermark { partition: partition.id.clone(), to, leads: false });
    }
}
