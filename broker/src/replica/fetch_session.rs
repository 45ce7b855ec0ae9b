//! Which session a fetch belongs to (`FetchManager.newContext`), and which partitions tell it when something happens.
//!
//! What a session holds is in [`super::sessions`]; nothing is read here.

use kafka_protocol::messages as m;
use kafka_protocol::messages::fetch_request::FetchPartition;

use super::Replicas;
use super::fetch::Reading;
use super::partition::{Slot, Watcher};
use super::sessions::Sessions;
use super::turn::Turn;
use crate::id::BrokerId;
use crate::wire::error;

impl Replicas {
    /// The session of a request, with what the request changes in it (`FetchManager.newContext`).
    pub(super) fn enter_session(
        &mut self,
        request: &m::FetchRequest,
        version: i16,
        turn: &mut Turn<'_, '_, '_>,
    ) -> Result<u64, i16> {
        let now = turn.cx.now();
        let replica = BrokerId(request.replica_id.0.max(-1));
        let key = if version < 7 || request.session_epoch <= 0 {
            if version >= 7 && request.session_id > 0 {
                self.end_session(Sessions::key(request.session_id), turn);
            }
            let some = request.topics.iter().any(|topic| !topic.partitions.is_empty());
            let wanted = version >= 7 && request.session_epoch == 0 && some;
            match wanted.then(|| self.sessions.in_the_way(replica, now)) {
                Some(Ok(in_the_way)) => {
                    if let Some(key) = in_the_way {
                        self.end_session(key, turn);
                    }
                    let id = self.free_session_id(turn);
                    self.sessions.incremental(id, replica, now)
                }
                Some(Err(())) | None => self.sessions.anonymous(replica, now),
            }
        } else {
            let key = Sessions::key(request.session_id);
            let session = self.sessions.get_mut(key).filter(|one| one.is_incremental());
            let session = session.ok_or(error::FETCH_SESSION_ID_NOT_FOUND)?;
            if session.epoch != request.session_epoch {
                return Err(error::INVALID_FETCH_SESSION_EPOCH);
            }
            session.next_epoch();
            session.used = now;
            if let Some(parked) = session.parked.take() {
                // It waits for an epoch that is over.
                self.purgatory.take_fetch(parked);
                Self::answer_session_error(parked, error::INVALID_FETCH_SESSION_EPOCH, turn);
            }
            key
        };
        for topic in &request.forgotten_topics_data {
            for partition in &topic.partitions {
                self.forget(key, &topic.topic, *partition);
            }
        }
        for topic in &request.topics {
            for partition in &topic.partitions {
                self.ask_for(key, &topic.topic, partition);
            }
        }
        Ok(key)
    }

    fn free_session_id(&self, turn: &mut Turn<'_, '_, '_>) -> i32 {
        loop {
            let drawn = turn.cx.chance("fetch-session").between(1, i32::MAX as u64 - 1);
            let id = i32::try_from(drawn).unwrap_or(1);
            if self.sessions.get(Sessions::key(id)).is_none() {
                return id;
            }
        }
    }

    fn ask_for(&mut self, key: u64, topic: &m::TopicName, asked: &FetchPartition) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        let Some(entry) = session.ask(topic, asked) else { return };
        if let Some(slot) = self.held.find(topic, asked.partition) {
            self.watch(key, entry, slot);
        }
    }

    fn watch(&mut self, key: u64, entry: u32, slot: Slot) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        session.entries[entry as usize].slot = Some(slot);
        let watcher = Watcher { session: key, entry, replica: session.replica };
        if let Some(partition) = self.held.get_mut(slot) {
            partition.watchers.push(watcher);
        }
    }

    fn unwatch(&mut self, key: u64, entry: u32, slot: Option<Slot>) {
        if let Some(partition) = slot.and_then(|slot| self.held.get_mut(slot)) {
            partition.watchers.retain(|watcher| (watcher.session, watcher.entry) != (key, entry));
        }
    }

    fn forget(&mut self, key: u64, topic: &m::TopicName, partition: i32) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        if let Some((entry, slot)) = session.forget(&topic.0, partition) {
            self.unwatch(key, entry, slot);
        }
    }

    /// A session is over; a request of it that waits is answered so.
    pub(super) fn end_session(&mut self, key: u64, turn: &mut Turn<'_, '_, '_>) {
        let Some(session) = self.sessions.remove(key) else { return };
        for (number, entry) in session.entries.iter().enumerate() {
            self.unwatch(key, u32::try_from(number).unwrap_or(u32::MAX), entry.slot);
        }
        if let Some(fetch) = session.parked.and_then(|id| self.purgatory.take_fetch(id)) {
            Self::answer_session_error(fetch.id, error::FETCH_SESSION_ID_NOT_FOUND, turn);
        }
    }

    /// Finds the partitions that were not there when they were asked for.
    pub(super) fn watch_found(&mut self, key: u64, readings: &[Reading]) {
        for reading in readings {
            let Some(slot) = reading.slot else { continue };
            let Some(session) = self.sessions.get(key) else { return };
            if session.entries[reading.entry as usize].slot != Some(slot) {
                self.watch(key, reading.entry, slot);
            }
        }
    }
}
