//! One broker: its parts, its life, and which input goes where.
//!
//! [`Running`] owns the parts. What a part is told it answers with events; they are carried out before the input ends
//! ([`Running::settle`]), and with them whatever requests have become ready. The stages of a life are in [`stages`], what
//! happens to requests is in [`requests`]. Not here: anything that a part decides.

mod elections;
mod requests;
mod stages;
#[cfg(test)]
mod tests;

use coordinator::client::ConnectString;
use coordinator::id::SessionId;
use kafka_protocol::messages as m;
use machine::{Conn, Context, Input, Instant, Machine, Peer};
use serde::Serialize;

use crate::admin::{self, Admin, AdminEvent};
use crate::config::Config;
use crate::controller::{Controller, ControllerEvent};
use crate::id::{BrokerEpoch, BrokerId, TopicPartition};
use crate::life::isr_news::IsrNews;
use crate::life::registration::Registration;
use crate::life::settings::{Settings, SettingsEvent};
use crate::log::Log;
use crate::metadata;
use crate::note::Note;
use crate::replica::{self, ReplicaEvent, Replicas, RequestId};
use crate::server::Server;
use crate::zk::{Asker, Keeper, KeeperEvent};
use elections::Elections;
use stages::Stage;

/// Whose a request of the broker itself is ([`Asker::Lifecycle`]).
mod ours {
    /// The stage of its life.
    pub const STAGE: u64 = 0;
    /// Its registration.
    pub const REGISTRATION: u64 = 1;
    /// What it tells the controller.
    pub const ISR_NEWS: u64 = 2;
}

/// A Kafka broker.
pub struct Broker {
    config: Config,
    running: Option<Box<Running>>,
}

/// What can be seen of a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// `broker.id`
    pub id: BrokerId,
    /// How far it has come: `connecting`, …, `serving`, …, `dead`.
    pub stage: &'static str,
    /// Its registration, if it has one in its session.
    pub registered: Option<BrokerEpoch>,
    /// Whether it believes to be the controller.
    pub controller: bool,
    /// Whom the controller said to be the controller.
    pub believes_in: Option<BrokerId>,
    /// The brokers it believes to be alive.
    pub alive: Vec<BrokerId>,
    /// Its topics, as it believes.
    pub topics: usize,
    /// Request handlers that are free.
    pub free_handlers: u32,
    /// How many partitions it leads.
    pub leads: usize,
    /// How many it follows somebody else for.
    pub follows: usize,
    /// The partitions it is a replica of.
    pub partitions: Vec<replica::View>,
}

impl Broker {
    /// A broker with these settings; it does nothing before it is booted.
    pub fn new(config: Config) -> Self {
        Self { config, running: None }
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The log of a replica: for tests that compare views with folds.
    pub fn log(&self, partition: &TopicPartition) -> Option<&Log> {
        self.running.as_ref()?.replicas.logs.get(partition)
    }
}

impl Machine for Broker {
    type Note = Note;
    type View = View;

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Note>) {
        if input == Input::Booted {
            match self.config.zookeeper_connect.parse() {
                Ok(connect) => {
                    let mut running = Box::new(Running::new(self.config.clone(), connect));
                    running.boot(cx);
                    self.running = Some(running);
                }
                Err(_) => {
                    let why = format!("zookeeper.connect={}", self.config.zookeeper_connect);
                    cx.note(Note::RefusedToStart(why.clone()));
                    cx.exit(1, &why);
                }
            }
        }
        if let Some(running) = &mut self.running {
            running.handle(&input, cx);
            if matches!(running.stage, Stage::Dead) {
                self.running = None;
            }
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        self.running.as_ref().and_then(|running| running.wake)
    }

    fn view(&self) -> View {
        match &self.running {
            Some(running) => running.view(),
            None => View {
                id: self.config.id,
                stage: "dead",
                registered: None,
                controller: false,
                believes_in: None,
                alive: Vec::new(),
                topics: 0,
                free_handlers: 0,
                leads: 0,
                follows: 0,
                partitions: Vec::new(),
            },
        }
    }
}

/// What a broker is from boot to death.
struct Running {
    config: Config,
    connect: ConnectString,
    stage: Stage,
    keeper: Keeper,
    server: Server,
    replicas: Replicas,
    controller: Controller,
    admin: Admin,
    metadata: metadata::Cache,
    settings: Settings,
    isr_news: IsrNews,
    elections: Elections,
    cluster_id: String,
    /// Under way: the first one, or one in a new session.
    registration: Option<Registration>,
    /// The last registration, and the session it was made in.
    epoch: BrokerEpoch,
    registered_in: SessionId,
    /// Control requests that wait for the settings of topics.
    waiting_for_settings: Vec<(RequestId, m::LeaderAndIsrRequest, i16)>,
    told: Told,
    wake: Option<Instant>,
}

/// What the parts have said and nobody has heard yet.
#[derive(Default)]
struct Told {
    keeper: Vec<KeeperEvent>,
    replicas: Vec<ReplicaEvent>,
    controller: Vec<ControllerEvent>,
    admin: Vec<AdminEvent>,
    settings: Vec<SettingsEvent>,
}

/// Lends the parts what they need of each other.
macro_rules! door {
    ($self:ident, replica) => {
        &mut replica::Door { keeper: &mut $self.keeper, metadata: &$self.metadata }
    };
    ($self:ident, admin) => {
        &mut admin::Door {
            keeper: &mut $self.keeper,
            metadata: &$self.metadata,
            is_controller: $self.controller.is_active(),
            topic_configs: $self.settings.own(),
            cluster_id: &$self.cluster_id,
        }
    };
}
use door;

impl Running {
    fn new(config: Config, connect: ConnectString) -> Self {
        Self {
            stage: Stage::Booting,
            keeper: keeper(&config, connect.clone()),
            server: Server::new(&config),
            replicas: Replicas::new(&config),
            controller: Controller::new(&config),
            admin: Admin::new(&config),
            metadata: metadata::Cache::default(),
            settings: Settings::new(config.topic_defaults.clone()),
            isr_news: IsrNews::default(),
            elections: Elections::default(),
            cluster_id: String::new(),
            registration: None,
            epoch: BrokerEpoch::UNKNOWN,
            registered_in: SessionId::NONE,
            waiting_for_settings: Vec::new(),
            told: Told::default(),
            wake: None,
            config,
            connect,
        }
    }

    fn handle(&mut self, input: &Input, cx: &mut Context<'_, Note>) {
        match input {
            Input::Booted => {}
            Input::Stop => self.stop(cx),
            Input::Opened { peer: Peer::Accepted { .. }, .. } => self.server.handle(input, cx),
            Input::Opened { conn, .. }
            | Input::Received { conn, .. }
            | Input::Drained { conn }
            | Input::Closed { conn, .. } => self.stream(*conn, input, cx),
            Input::Synced { .. } | Input::Ready { .. } => {
                let door = door!(self, replica);
                self.replicas.handle(input, door, cx, &mut self.told.replicas);
            }
            Input::Woke => self.woke(cx),
        }
        self.settle(cx);
    }

    fn stream(&mut self, conn: Conn, input: &Input, cx: &mut Context<'_, Note>) {
        if self.server.owns(conn) {
            self.server.handle(input, cx);
        } else if self.replicas.owns(conn) {
            self.replicas.handle(input, door!(self, replica), cx, &mut self.told.replicas);
        } else if self.controller.owns(conn) {
            self.controller.handle(input, &mut self.keeper, cx, &mut self.told.controller);
        } else if self.keeper.owns(conn) {
            self.keeper.handle(input, cx, &mut self.told.keeper);
        } else {
            self.shut_down_further(|shutdown, cx| shutdown.handle(input, cx), cx);
        }
    }

    /// Whoever's deadline has come is told.
    fn woke(&mut self, cx: &mut Context<'_, Note>) {
        let now = cx.now();
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let woke = &Input::Woke;
        if due(self.keeper.wake_at()) {
            self.keeper.handle(woke, cx, &mut self.told.keeper);
        }
        if due(self.replicas.wake_at()) {
            self.replicas.handle(woke, door!(self, replica), cx, &mut self.told.replicas);
        }
        if due(self.controller.wake_at()) {
            self.controller.handle(woke, &mut self.keeper, cx, &mut self.told.controller);
        }
        if due(self.admin.wake_at()) {
            self.admin.woke(door!(self, admin), cx, &mut self.told.admin);
        }
        if let Some(request) = self.isr_news.look(now) {
            self.keeper.ask(Asker::Lifecycle(ours::ISR_NEWS), request, cx);
        }
        if due(self.elections.wake_at()) {
            self.elections_seen(cx);
        }
        if due(self.stage.wake_at()) {
            self.stage_woke(cx);
        }
    }

    /// Carries out what the parts have said, and begins requests that can begin, until there is nothing more of either.
    fn settle(&mut self, cx: &mut Context<'_, Note>) {
        while !matches!(self.stage, Stage::Dead) {
            let heard = self.hear_replicas(cx)
                | self.hear_admin(cx)
                | self.hear_controller(cx)
                | self.hear_keeper(cx)
                | self.hear_settings(cx);
            match self.server.next(cx) {
                Some(incoming) => self.request(incoming, cx),
                None if heard => {}
                None => break,
            }
        }
        self.server.settle(cx);
        self.wake = [
            self.keeper.wake_at(),
            self.replicas.wake_at(),
            self.controller.wake_at(),
            self.admin.wake_at(),
            self.isr_news.wake_at(),
            self.elections.wake_at(),
            self.stage.wake_at(),
        ]
        .into_iter()
        .flatten()
        .min();
    }

    fn hear_keeper(&mut self, cx: &mut Context<'_, Note>) -> bool {
        if self.told.keeper.is_empty() {
            return false;
        }
        for event in std::mem::take(&mut self.told.keeper) {
            match event {
                KeeperEvent::Connected { fresh, .. } => self.connected(fresh, cx),
                KeeperEvent::Disconnected => {}
                KeeperEvent::Expired => self.expired(cx),
                KeeperEvent::Closed => self.session_closed(cx),
                KeeperEvent::Watched { kind, path } => {
                    if self.settings.watches(&path) {
                        self.settings.watch(&mut self.keeper, cx);
                    } else {
                        self.controller.watched(kind, &path, &mut self.keeper, cx);
                    }
                }
                KeeperEvent::Reply { asker, zxid, result } => match asker {
                    Asker::Replicas(number) => {
                        let door = door!(self, replica);
                        let told = &mut self.told.replicas;
                        self.replicas.zk_reply(number, result, door, cx, told);
                    }
                    Asker::Controller(number) => {
                        let (keeper, told) = (&mut self.keeper, &mut self.told.controller);
                        self.controller.zk_reply(number, zxid, result, keeper, cx, told);
                    }
                    Asker::Admin(number) => {
                        let door = door!(self, admin);
                        self.admin.zk_reply(number, result, door, cx, &mut self.told.admin);
                    }
                    Asker::Topics(_) => {
                        let (keeper, told) = (&mut self.keeper, &mut self.told.settings);
                        self.settings.replied(result, keeper, cx, told);
                    }
                    Asker::Lifecycle(ours::STAGE) => self.stage_replied(result, cx),
                    Asker::Lifecycle(ours::REGISTRATION) => self.registration_replied(result, cx),
                    Asker::Lifecycle(_) => self.isr_news.replied(result.is_ok()),
                },
            }
        }
        true
    }

    fn view(&self) -> View {
        let registered = self.keeper.session() == self.registered_in;
        let partitions = self.replicas.view();
        View {
            id: self.config.id,
            stage: self.stage.name(),
            registered: (registered && self.epoch != BrokerEpoch::UNKNOWN).then_some(self.epoch),
            controller: self.controller.is_active(),
            believes_in: self.metadata.controller,
            alive: self.metadata.brokers.keys().copied().collect(),
            topics: self.metadata.topics.len(),
            free_handlers: self.server.free_handlers(),
            leads: partitions.iter().filter(|at| at.leader == self.config.id).count(),
            follows: partitions
                .iter()
                .filter(|at| at.leader.is_some() && at.leader != self.config.id)
                .count(),
            partitions,
        }
    }
}

fn keeper(config: &Config, connect: ConnectString) -> Keeper {
    Keeper::new(connect, config.zookeeper_session_timeout, config.zookeeper_in_flight_max)
}
