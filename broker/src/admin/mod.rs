//! The APIs that are answered from metadata and ZooKeeper: Metadata (with automatic creation of topics), CreateTopics,
//! DeleteTopics, CreatePartitions, DescribeConfigs, AlterConfigs, and the rules of topic names and assignments.
//!
//! A request that reads or writes ZooKeeper holds its request handler until ZooKeeper has answered. What it does there is
//! in [`job`]; how it is taken apart ([`plan`]) and answered in [`topics`], [`settings`] and [`describe`].
//!
//! ```text
//!   request ──► jobs, one after the other, one question to ZooKeeper at a time ──► answer
//!                                                  └► parked: waits for leaders, or for the end of topics ──► answer
//! ```

pub mod assignment;
mod describe;
mod job;
mod names;
mod plan;
mod settings;
#[cfg(test)]
mod tests;
mod topics;

use std::collections::{BTreeMap, VecDeque};

use coordinator::wire::client::{Request as ZkRequest, Response as ZkResponse};
use machine::{Context, Instant};

use crate::config::{Config, TopicConfig};
use crate::metadata;
use crate::note::Note;
use crate::replica::RequestId;
use crate::wire::{Request, Response, error};
use crate::zk::{Asker, Keeper, ZkError};

pub use assignment::assign;
use job::{Found, Job, Progress};
pub use names::name_problem;

/// What this part is lent for one input.
pub struct Door<'a> {
    /// For reading and writing znodes ([`crate::zk::Asker::Admin`]).
    pub keeper: &'a mut Keeper,
    /// What the broker believes about the cluster.
    pub metadata: &'a metadata::Cache,
    /// Whether this broker is the active controller: otherwise creations are refused with NOT_CONTROLLER.
    pub is_controller: bool,
    /// The settings of topics that differ from the defaults, as this broker knows them.
    pub topic_configs: &'a BTreeMap<String, TopicConfig>,
    /// The name of the cluster.
    pub cluster_id: &'a str,
}

/// What the broker is told; as [`crate::replica::ReplicaEvent`].
#[derive(Clone, Debug, PartialEq)]
pub enum AdminEvent {
    /// The request's response.
    Answer(RequestId, Response),
    /// It waits (for leaders of a new topic, for a deletion) and holds no request handler any more.
    Parked(RequestId),
}

/// A reply of ZooKeeper.
type ZkReply = Result<ZkResponse, ZkError>;

/// Why something is not done: an error of the protocol and its words, if they are other than the error's own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    error: i16,
    why: Option<String>,
}

impl Refusal {
    fn new(error: i16, why: impl Into<String>) -> Self {
        Self { error, why: Some(why.into()) }
    }

    const fn plain(error: i16) -> Self {
        Self { error, why: None }
    }
}

/// What jobs stand on.
struct Ground<'g, 'c> {
    config: &'g Config,
    metadata: &'g metadata::Cache,
    cx: &'g mut Context<'c, Note>,
}

/// One thing that was asked for by name, and what became of it.
struct Outcome {
    name: String,
    result: Result<Found, Refusal>,
}

/// One request under way.
struct Work {
    id: RequestId,
    /// What it is, to be answered accordingly.
    kind: Kind,
    version: i16,
    /// What is still to be done, for the outcomes at these places.
    jobs: VecDeque<(usize, Job)>,
    /// In the order in which they were asked for.
    outcomes: Vec<Outcome>,
    /// How long it may wait after its jobs, in ms; nothing is waited for without time.
    timeout_ms: i32,
    validate_only: bool,
}

/// The kinds of requests, with what only their answers need.
enum Kind {
    Metadata(describe::Asked),
    CreateTopics,
    CreatePartitions,
    DeleteTopics,
    DescribeConfigs(settings::Asked),
    AlterConfigs { types: Vec<i8> },
}

impl Kind {
    /// Whether the answer may have to wait for the metadata.
    const fn waits(&self) -> bool {
        match self {
            Self::CreateTopics | Self::CreatePartitions | Self::DeleteTopics => true,
            Self::Metadata(_) | Self::DescribeConfigs(_) | Self::AlterConfigs { .. } => false,
        }
    }
}

impl Work {
    /// Goes on as far as it can: what is to be asked, if anything.
    fn go_on(&mut self, reply: Option<ZkReply>, ground: &mut Ground<'_, '_>) -> Option<ZkRequest> {
        let mut reply = reply;
        while let Some((place, job)) = self.jobs.front_mut() {
            let progress = match reply.take() {
                Some(reply) => job.replied(reply, ground),
                None => job.begin(ground),
            };
            match progress {
                Progress::Ask(request) => return Some(request),
                Progress::Done(result) => {
                    self.outcomes[*place].result = result;
                    self.jobs.pop_front();
                }
            }
        }
        None
    }
}

/// A request that waits for the metadata of this broker to show what was done.
struct Waiting {
    work: Work,
    until: Instant,
}

/// The part.
pub struct Admin {
    config: Config,
    /// The number of the last question.
    asked: u64,
    /// Requests by the number of their question to ZooKeeper.
    under_way: BTreeMap<u64, Work>,
    parked: Vec<Waiting>,
}

impl Admin {
    /// Nothing is under way.
    pub fn new(config: &Config) -> Self {
        Self { config: config.clone(), asked: 0, under_way: BTreeMap::new(), parked: Vec::new() }
    }

    /// One of this part's requests; `listener` is the name of the listener it came in by (for Metadata's addresses).
    #[expect(
        clippy::too_many_arguments,
        reason = "what the broker knows of a request, and its doors"
    )]
    pub fn request(
        &mut self,
        id: RequestId,
        request: Request,
        version: i16,
        listener: &str,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<AdminEvent>,
    ) {
        let mut ground = Ground { config: &self.config, metadata: door.metadata, cx };
        let work = match request {
            Request::Metadata(body) => describe::begin(id, &body, version, listener, &ground),
            Request::CreateTopics(body) => {
                topics::create(id, &body, version, door.is_controller, &mut ground)
            }
            Request::CreatePartitions(body) => {
                topics::extend(id, &body, version, door.is_controller)
            }
            Request::DeleteTopics(body) => {
                topics::delete(id, &body, version, door.is_controller, &ground)
            }
            Request::DescribeConfigs(body) => settings::describe(id, &body, version, &ground),
            Request::AlterConfigs(body) => settings::alter(id, &body, version),
            other => unreachable!("{} is answered elsewhere", other.api().name()),
        };
        self.go_on(work, None, door, cx, events);
    }

    /// ZooKeeper answered [`crate::zk::Asker::Admin`] with this number.
    pub fn zk_reply(
        &mut self,
        number: u64,
        result: Result<ZkResponse, ZkError>,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<AdminEvent>,
    ) {
        if let Some(work) = self.under_way.remove(&number) {
            self.go_on(work, Some(result), door, cx, events);
        }
    }

    /// Asks ZooKeeper, answers or parks.
    fn go_on(
        &mut self,
        mut work: Work,
        reply: Option<ZkReply>,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<AdminEvent>,
    ) {
        let mut ground = Ground { config: &self.config, metadata: door.metadata, cx };
        if let Some(request) = work.go_on(reply, &mut ground) {
            self.asked += 1;
            door.keeper.ask(Asker::Admin(self.asked), request, cx);
            self.under_way.insert(self.asked, work);
        } else if work.is_settled(door.metadata) {
            events.push(work.answer(&self.config, door));
        } else {
            let wait = u64::try_from(work.timeout_ms).unwrap_or_default();
            let until = cx.now() + machine::Duration::from_millis(wait);
            events.push(AdminEvent::Parked(work.id));
            self.parked.push(Waiting { work, until });
        }
    }

    /// The metadata cache changed: parked requests may be done.
    pub fn metadata_updated(
        &mut self,
        door: &mut Door<'_>,
        _cx: &mut Context<'_, Note>,
        events: &mut Vec<AdminEvent>,
    ) {
        self.release(|waiting, metadata| waiting.work.is_settled(metadata), door, events);
    }

    /// When it wants [`Self::woke`].
    pub fn wake_at(&self) -> Option<Instant> {
        self.parked.iter().map(|waiting| waiting.until).min()
    }

    /// Time has passed: parked requests time out.
    pub fn woke(
        &mut self,
        door: &mut Door<'_>,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<AdminEvent>,
    ) {
        let now = cx.now();
        self.release(|waiting, _| waiting.until <= now, door, events);
    }

    /// Answers the parked requests of which this holds, in the order in which they came.
    fn release(
        &mut self,
        is_over: impl Fn(&Waiting, &metadata::Cache) -> bool,
        door: &Door<'_>,
        events: &mut Vec<AdminEvent>,
    ) {
        if self.parked.is_empty() {
            return;
        }
        let (over, waiting) = std::mem::take(&mut self.parked)
            .into_iter()
            .partition(|waiting| is_over(waiting, door.metadata));
        self.parked = waiting;
        for Waiting { work, .. } in over {
            events.push(work.answer(&self.config, door));
        }
    }
}

impl Work {
    /// Whether nothing is to be waited for: what was done can be seen in the metadata, or nobody wants to wait.
    fn is_settled(&self, metadata: &metadata::Cache) -> bool {
        !self.kind.waits()
            || self.validate_only
            || self.timeout_ms <= 0
            || self.outcomes.iter().all(|outcome| topics::is_seen(outcome, metadata))
    }

    /// The response.
    fn answer(mut self, config: &Config, door: &Door<'_>) -> AdminEvent {
        self.settle(door.metadata);
        let Self { id, kind, version, outcomes, .. } = self;
        let response = match kind {
            Kind::Metadata(asked) => {
                describe::answer(&asked, outcomes, version, config, door).into()
            }
            Kind::CreateTopics => topics::created(outcomes, version, config).into(),
            Kind::CreatePartitions => topics::extended(outcomes).into(),
            Kind::DeleteTopics => topics::deleted(outcomes).into(),
            Kind::DescribeConfigs(asked) => {
                settings::described(&asked, outcomes, version, config).into()
            }
            Kind::AlterConfigs { types } => settings::altered(&types, outcomes).into(),
        };
        AdminEvent::Answer(id, response)
    }

    /// What was waited for and cannot be seen yet has timed out.
    fn settle(&mut self, metadata: &metadata::Cache) {
        if !self.kind.waits() || self.validate_only {
            return;
        }
        for outcome in &mut self.outcomes {
            let in_time = self.timeout_ms > 0 && topics::is_seen(outcome, metadata);
            if outcome.result.is_ok() && !in_time {
                outcome.result = Err(Refusal::plain(error::REQUEST_TIMED_OUT));
            }
        }
    }
}
