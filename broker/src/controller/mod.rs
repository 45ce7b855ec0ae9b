//! The controller: one broker of the cluster decides who leads what. Election, failover, broker and topic changes, the two
//! state machines, and one queue of control requests per broker.
//!
//! Events wait in one queue and are taken one at a time ([`events`]). An event is a list of steps ([`steps`]); a step that asks
//! ZooKeeper ends before the next one begins ([`desk`]). Who is elected is decided by pure functions ([`partition_state`]).

mod batch;
mod brokers;
mod channel;
mod context;
mod deletion;
mod desk;
mod election;
mod events;
mod failover;
mod leaders;
mod notices;
mod partition_state;
mod rebalance;
mod replica_state;
mod requests;
mod steps;
mod topics;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use coordinator::id::Zxid;
use coordinator::wire::client::Response as ZkResponse;
use kafka_protocol::messages as m;
use machine::{Conn, Context, Duration, Input, Instant};

use crate::config::Config;
use crate::id::{BrokerEpoch, BrokerId, ControllerEpoch};
use crate::mechanism::{ControllerFencing, Mechanisms};
use crate::note::Note;
use crate::replica::RequestId;
use crate::wire::versions::Versions;
use crate::wire::{Api, Request, Response, error};
use crate::zk::{Keeper, ZkError};

use batch::Batch;
use context::ControllerContext;
use desk::{Desk, Moved, Taken};
use election::Stage;
use events::Event;
pub use requests::{Demand, Elected, Results, elections};
use steps::{Reign, Step};

/// What the broker is told.
#[derive(Clone, Debug, PartialEq)]
pub enum ControllerEvent {
    /// The response of a request that came to this part.
    Answer(RequestId, Response),
    /// Elections on demand are over: the answer may have to wait for the metadata.
    Elected(Elected),
}

/// Names of topics.
type Topics = Vec<Arc<str>>;

/// A request that waits for the event under way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owed {
    /// ControlledShutdown.
    Shutdown { id: RequestId },
    /// ElectLeaders.
    Election(Demand),
}

impl Owed {
    fn id(&self) -> RequestId {
        match self {
            Self::Shutdown { id } => *id,
            Self::Election(demand) => demand.id,
        }
    }
}

/// What of the broker's settings matters here.
#[derive(Clone, Debug)]
struct Settings {
    id: BrokerId,
    mechanisms: Mechanisms,
    /// `inter.broker.listener.name`
    listener: String,
    /// `controller.socket.timeout.ms`
    socket_timeout: Duration,
    versions: ControlVersions,
    /// `auto.leader.rebalance.enable`
    rebalances: bool,
    /// `leader.imbalance.check.interval.seconds`
    rebalance_interval: Duration,
    /// `leader.imbalance.per.broker.percentage`
    imbalance_percentage: u32,
    /// `delete.topic.enable`
    deletes_topics: bool,
    /// `unclean.leader.election.enable` of the broker.
    unclean_by_default: bool,
}

/// The versions of control requests that brokers of one release use among themselves.
#[derive(Clone, Copy, Debug)]
struct ControlVersions {
    leader_and_isr: i16,
    update_metadata: i16,
    stop_replica: i16,
}

impl Settings {
    fn of(config: &Config) -> Self {
        let versions = Versions::of(config.preset);
        Self {
            id: config.id,
            mechanisms: config.mechanisms.clone(),
            listener: config.inter_broker_listener.clone(),
            socket_timeout: config.controller_socket_timeout,
            versions: ControlVersions {
                leader_and_isr: versions.highest(Api::LeaderAndIsr),
                update_metadata: versions.highest(Api::UpdateMetadata),
                stop_replica: versions.highest(Api::StopReplica),
            },
            rebalances: config.rebalance,
            rebalance_interval: config.imbalance_check_interval,
            imbalance_percentage: config.imbalance_percentage,
            deletes_topics: config.delete_topics,
            unclean_by_default: config.topic_defaults.unclean_leader_election,
        }
    }
}

/// A broker's candidate for the role, and the role while it has it.
pub struct Controller {
    settings: Arc<Settings>,
    role: Role,
    attendance: Attendance,
    queue: VecDeque<Event>,
    desk: Desk,
}

/// Whether it is the controller.
#[derive(Debug)]
enum Role {
    /// Not (yet).
    Candidate,
    /// It is, as far as it knows.
    Controller(Box<Reign>),
}

/// Whether there is a session to act in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attendance {
    /// Not registered: no event begins.
    Absent,
    /// Registered in a session that lives, as far as it knows.
    Present,
    /// The broker shuts down.
    Stopped,
}

impl Controller {
    /// Neither registered nor elected.
    pub fn new(config: &Config) -> Self {
        let settings = Settings::of(config);
        let fencing = settings.mechanisms.controller_fencing;
        Self {
            settings: Arc::new(settings),
            role: Role::Candidate,
            attendance: Attendance::Absent,
            queue: VecDeque::new(),
            desk: Desk::new(fencing == ControllerFencing::Off),
        }
    }

    /// The broker is registered (first time or again in a new session): watch `/controller` and run for it.
    pub fn registered(
        &mut self,
        _epoch: BrokerEpoch,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
    ) {
        self.attend(cx);
        self.desk.flush(keeper, cx);
    }

    /// The session is gone: all queued events are dropped, the role is given up. Without fencing (up to 2.0) the event under way
    /// goes on in the next session first: KAFKA-6082.
    pub fn session_expired(
        &mut self,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ControllerEvent>,
    ) {
        if self.attendance == Attendance::Present {
            self.attendance = Attendance::Absent;
        }
        self.clear_queue();
        if self.outlives_sessions() && !self.desk.is_empty() {
            self.queue.push_back(Event::Expire);
        } else {
            self.give_up_event();
            self.resign("its session is gone", cx);
        }
        events.append(&mut self.desk.events);
    }

    /// The broker shuts down: the role is given up, nothing is run for again.
    pub fn stop(&mut self, cx: &mut Context<'_, Note>, events: &mut Vec<ControllerEvent>) {
        self.attendance = Attendance::Stopped;
        self.clear_queue();
        self.give_up_event();
        self.resign("the broker shuts down", cx);
        events.append(&mut self.desk.events);
    }

    /// Whether it believes to be the controller.
    pub fn is_active(&self) -> bool {
        matches!(self.role, Role::Controller(_))
    }

    /// Whether this stream is one to a broker it controls.
    pub fn owns(&self, conn: Conn) -> bool {
        matches!(&self.role, Role::Controller(reign) if reign.channels.owns(conn))
    }

    /// When it wants any input.
    pub fn wake_at(&self) -> Option<Instant> {
        let Role::Controller(reign) = &self.role else { return None };
        reign.channels.wake_at().into_iter().chain(reign.rebalance_at).min()
    }

    /// Takes any input that is its own (streams it owns, time).
    pub fn handle(
        &mut self,
        input: &Input,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ControllerEvent>,
    ) {
        self.take(input, cx);
        self.flush(keeper, cx, events);
    }

    /// ZooKeeper answered [`crate::zk::Asker::Controller`] with this number.
    pub fn zk_reply(
        &mut self,
        number: u64,
        _zxid: Zxid,
        result: Result<ZkResponse, ZkError>,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ControllerEvent>,
    ) {
        self.answered(number, result, cx);
        self.flush(keeper, cx, events);
    }

    /// A watch fired. All watches of the broker come here; those that are not the controller's are ignored.
    pub fn watched(
        &mut self,
        kind: i32,
        path: &Arc<str>,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
    ) {
        self.fired(kind, path, cx);
        self.desk.flush(keeper, cx);
    }

    /// A broker is about to stop.
    pub fn controlled_shutdown(
        &mut self,
        id: RequestId,
        request: m::ControlledShutdownRequest,
        _version: i16,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ControllerEvent>,
    ) {
        self.happen(Event::ControlledShutdown(id, request), cx);
        self.flush(keeper, cx, events);
    }

    /// Preferred or unclean elections on demand.
    pub fn elect_leaders(
        &mut self,
        demand: Demand,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ControllerEvent>,
    ) {
        self.happen(Event::ElectLeaders(demand), cx);
        self.flush(keeper, cx, events);
    }

    /// A topic's settings changed (`unclean.leader.election.enable` may have been switched on).
    pub fn topic_configured(
        &mut self,
        topic: &str,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
    ) {
        if self.is_active() {
            self.happen(Event::TopicConfigured(topic.into()), cx);
            self.desk.flush(keeper, cx);
        }
    }

    /// What was asked goes to ZooKeeper, what was answered to the broker.
    fn flush(
        &mut self,
        keeper: &mut Keeper,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<ControllerEvent>,
    ) {
        self.desk.flush(keeper, cx);
        events.append(&mut self.desk.events);
    }

    fn attend(&mut self, cx: &mut Context<'_, Note>) {
        if self.attendance != Attendance::Stopped {
            self.attendance = Attendance::Present;
            self.happen(Event::Elect, cx);
        }
    }

    fn take(&mut self, input: &Input, cx: &mut Context<'_, Note>) {
        let Role::Controller(reign) = &mut self.role else { return };
        let mut answered = Vec::new();
        reign.channels.handle(input, cx, &mut answered);
        if reign.rebalance_at.is_some_and(|at| at <= cx.now()) {
            reign.rebalance_at = None;
            self.queue.push_back(Event::Rebalance);
        }
        for answer in answered {
            let broker = answer.broker;
            match (answer.request, answer.response) {
                (_, Response::LeaderAndIsr(response)) => {
                    self.queue.push_back(Event::RolesAnswered(broker, response));
                }
                (Request::StopReplica(request), Response::StopReplica(response))
                    if request.delete_partitions =>
                {
                    self.queue.push_back(Event::DeletionsAnswered(broker, response));
                }
                _ => {}
            }
        }
        self.advance(cx);
    }

    fn answered(
        &mut self,
        number: u64,
        result: Result<ZkResponse, ZkError>,
        cx: &mut Context<'_, Note>,
    ) {
        let again = self.outlives_sessions();
        if self.desk.answered(number, result, again) == Taken::SessionExpired && !again {
            self.give_up_event();
            if self.attendance == Attendance::Present {
                self.attendance = Attendance::Absent;
            }
        }
        self.advance(cx);
    }

    fn fired(&mut self, kind: i32, path: &str, cx: &mut Context<'_, Note>) {
        if self.attendance == Attendance::Present
            && let Some(event) = Event::of_watch(kind, path)
        {
            self.happen(event, cx);
        }
    }

    /// Whether the event under way goes on in the next session.
    fn outlives_sessions(&self) -> bool {
        self.settings.mechanisms.controller_fencing == ControllerFencing::Off && self.is_active()
    }

    fn happen(&mut self, event: Event, cx: &mut Context<'_, Note>) {
        self.queue.push_back(event);
        self.advance(cx);
    }

    /// Takes steps and events until ZooKeeper has to answer, or there is nothing to do.
    fn advance(&mut self, cx: &mut Context<'_, Note>) {
        while !self.desk.is_waiting() {
            let Some((step, answers)) = self.desk.take() else {
                match self.next_event() {
                    Some(event) => self.begin(event),
                    None => return,
                }
                continue;
            };
            let moved = match (step, &mut self.role) {
                (Step::Candidacy(stage), _) => {
                    self.candidacy(stage, &answers, cx);
                    Ok(())
                }
                (step, Role::Controller(reign)) => reign.take(step, &answers, &mut self.desk, cx),
                (_, Role::Candidate) => Ok(()),
            };
            if moved == Err(Moved) {
                self.give_up_event();
                if let Role::Controller(reign) = &mut self.role {
                    reign.batch = Batch::default();
                }
                self.desk.next([Step::Candidacy(Stage::Look { elect: true })]);
            }
        }
    }

    /// The next event, if there is a session for it. Requests to one who is not the controller are answered at once.
    fn next_event(&mut self) -> Option<Event> {
        self.refuse_owed();
        let in_any_case = |event: &Event| event.owed().is_some() || *event == Event::Expire;
        match self.attendance {
            Attendance::Present => {}
            _ if self.queue.front().is_some_and(in_any_case) => {}
            _ => return None,
        }
        self.queue.pop_front()
    }

    fn begin(&mut self, event: Event) {
        if let Some(step) = event.for_candidates() {
            return self.desk.next([step]);
        }
        self.desk.owed = event.owed();
        if let Role::Controller(reign) = &mut self.role {
            reign.begin(event, &mut self.desk);
        }
    }

    fn begin_reign(&mut self, epoch: ControllerEpoch, version: i32, cx: &mut Context<'_, Note>) {
        cx.note(Note::ControllerElected { epoch });
        let context =
            ControllerContext { epoch, epoch_version: version, ..ControllerContext::default() };
        self.role = Role::Controller(Box::new(Reign::new(self.settings.clone(), context)));
        self.desk.next([Step::Failover]);
    }

    /// Gives up the role, if it has it: the channels are closed, what waits in them is dropped.
    fn resign(&mut self, because: &'static str, cx: &mut Context<'_, Note>) {
        if let Role::Controller(mut reign) = std::mem::replace(&mut self.role, Role::Candidate) {
            reign.channels.close(cx);
            cx.note(Note::ControllerResigned { epoch: reign.context.epoch, because });
        }
    }

    fn give_up_event(&mut self) {
        self.desk.give_up();
        self.refuse_owed();
    }

    fn refuse_owed(&mut self) {
        if let Some(owed) = self.desk.owed.take() {
            self.desk.events.push(owed.refused(error::NOT_CONTROLLER));
        }
    }

    fn clear_queue(&mut self) {
        let owed: Vec<_> = self.queue.drain(..).filter_map(|event| event.owed()).collect();
        let refused = owed.into_iter().map(|owed| owed.refused(error::NOT_CONTROLLER));
        self.desk.events.extend(refused);
    }
}
