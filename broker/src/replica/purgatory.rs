//! Requests that cannot be answered yet: those that wait in a purgatory and hold no request handler, with their deadlines;
//! and those that hold theirs until a partition is thawed or the disk is ready.
//!
//! Partitions know who waits for them ([`super::partition::Waiting`], [`super::partition::Watcher`]), so that a change
//! looks only at whom it concerns. What completes a request is said in [`super::produce`] and [`super::fetch`].

use std::collections::{BTreeMap, BTreeSet};

use machine::{Instant, Ticket};

use super::RequestId;
use super::fetch::Fetching;
use super::offsets::Lookup;
use super::produce::Produce;

/// Why a request cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stall {
    /// A partition it needs is frozen.
    Frozen,
    /// The disk asks to come again with this ticket.
    Disk(Ticket),
}

/// A request that holds its handler.
#[derive(Debug)]
pub(super) enum Job {
    Produce(Produce),
    Fetch(Fetching),
    Lookup(Lookup),
}

/// Requests without a handler, and when they end at the latest.
#[derive(Debug, Default)]
pub(super) struct Purgatory {
    pub produces: BTreeMap<RequestId, Produce>,
    pub fetches: BTreeMap<RequestId, Fetching>,
    deadlines: BTreeSet<(Instant, RequestId)>,
}

impl Purgatory {
    /// A produce request waits for replicas.
    pub fn park_produce(&mut self, produce: Produce) {
        self.deadlines.insert((produce.deadline, produce.id));
        self.produces.insert(produce.id, produce);
    }

    /// A fetch request waits for data.
    pub fn park_fetch(&mut self, fetch: Fetching) {
        self.deadlines.insert((fetch.deadline, fetch.id));
        self.fetches.insert(fetch.id, fetch);
    }

    /// A produce request waits no longer.
    pub fn take_produce(&mut self, id: RequestId) -> Option<Produce> {
        let produce = self.produces.remove(&id)?;
        self.deadlines.remove(&(produce.deadline, id));
        Some(produce)
    }

    /// A fetch request waits no longer.
    pub fn take_fetch(&mut self, id: RequestId) -> Option<Fetching> {
        let fetch = self.fetches.remove(&id)?;
        self.deadlines.remove(&(fetch.deadline, id));
        Some(fetch)
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Takes one deadline that has passed; the request stays.
    pub fn overdue(&mut self, now: Instant) -> Option<RequestId> {
        let (at, id) = *self.deadlines.first()?;
        (at <= now).then(|| {
            self.deadlines.pop_first();
            id
        })
    }
}

/// Requests with a handler that wait for something else than a deadline.
#[derive(Debug, Default)]
pub(super) struct Stalled {
    frozen: BTreeMap<RequestId, Job>,
    disk: BTreeMap<Ticket, Vec<Job>>,
}

impl Stalled {
    /// One more.
    pub fn put(&mut self, id: RequestId, job: Job, on: Stall) {
        match on {
            Stall::Frozen => {
                self.frozen.insert(id, job);
            }
            Stall::Disk(ticket) => self.disk.entry(ticket).or_default().push(job),
        }
    }

    /// All that wait for frozen partitions, in the order they came.
    pub fn thawed(&mut self) -> BTreeMap<RequestId, Job> {
        std::mem::take(&mut self.frozen)
    }

    /// All that wait for this ticket.
    pub fn ready(&mut self, ticket: Ticket) -> Vec<Job> {
        self.disk.remove(&ticket).unwrap_or_default()
    }
}
