//! The stages of a broker's life, from its first session to its exit.
//!
//! A start goes through them in their order; whatever fails on the way ends it with exit code 1, as in Kafka. The session
//! may expire at any time: a request of the stage that was under way then fails the start, anything else does not.

use coordinator::wire::client::{Request, Response};
use machine::{Context, Duration, Instant, ListenError};
use std::collections::BTreeMap;

use super::{Running, keeper, ours};
use crate::id::BrokerEpoch;
use crate::life::Step;
use crate::life::cluster_id::ClusterId;
use crate::life::controlled_shutdown::{ControlledShutdown, Outcome};
use crate::life::paths::Paths;
use crate::life::producer_ids::ProducerIds;
use crate::life::registration::Registration;
use crate::mechanism::{Mutant, Preset};
use crate::note::Note;
use crate::zk::{Asker, ZkError};

/// How long the coordinators of groups and transactions need before producer ids are taken. Long enough for an election of
/// the controller, which runs beside it: that is the order brokers are seen to write in.
const COORDINATORS_START: Duration = Duration::from_millis(100);

/// Where a broker stands.
pub(super) enum Stage {
    /// Nothing has happened.
    Booting,
    /// There must be a session by then: first one to make the chroot in, then its own.
    Connecting { deadline: Instant, chroot: bool },
    /// The znode of the chroot is made.
    Chroot(Paths),
    /// The session without chroot ends.
    LeavingChroot,
    /// Top-level znodes are made.
    TopLevel(Paths),
    /// The cluster's id is read or drawn.
    ClusterId(ClusterId),
    /// The settings of all topics are read.
    ReadingSettings,
    /// Logs are opened and recovered.
    OpeningLogs,
    /// Listeners are bound; the broker registers.
    Registering,
    /// Coordinators start, until then.
    Coordinators { until: Instant },
    /// A block of producer ids is taken.
    ProducerIds(ProducerIds),
    /// Changes of settings that were announced meanwhile are read.
    WatchingSettings,
    /// Requests are answered.
    Serving,
    /// They still are, while the controller moves leaders away.
    ShuttingDown(Box<ControlledShutdown>),
    /// Connections are closed, logs are being closed.
    ClosingLogs(Ending),
    /// The session is being closed.
    ClosingSession(Ending),
    /// It has exited.
    Dead,
}

/// Why a broker closes what it has opened.
pub(super) enum Ending {
    /// It was asked to stop.
    Stopped,
    /// Its start has failed.
    Refused(String),
}

impl Stage {
    /// When [`Running::stage_woke`] is wanted.
    pub fn wake_at(&self) -> Option<Instant> {
        match self {
            Self::Connecting { deadline, .. } => Some(*deadline),
            Self::Coordinators { until } => Some(*until),
            Self::ShuttingDown(shutdown) => shutdown.wake_at(),
            _ => None,
        }
    }

    /// In a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Booting => "booting",
            Self::Connecting { .. } => "connecting",
            Self::Chroot(_) | Self::LeavingChroot => "making its chroot",
            Self::TopLevel(_) => "making znodes",
            Self::ClusterId(_) => "reading the cluster id",
            Self::ReadingSettings | Self::WatchingSettings => "reading settings",
            Self::OpeningLogs => "opening logs",
            Self::Registering => "registering",
            Self::Coordinators { .. } | Self::ProducerIds(_) => "starting coordinators",
            Self::Serving => "serving",
            Self::ShuttingDown(_) => "shutting down",
            Self::ClosingLogs(_) => "closing logs",
            Self::ClosingSession(_) => "closing its session",
            Self::Dead => "dead",
        }
    }
}

impl Running {
    pub(super) fn boot(&mut self, cx: &mut Context<'_, Note>) {
        let chroot = self.connect.chroot().is_some();
        if chroot {
            self.keeper = keeper(&self.config, self.connect.without_chroot());
        }
        self.isr_news.begin(cx.now());
        self.connect(chroot, cx);
    }

    fn connect(&mut self, chroot: bool, cx: &mut Context<'_, Note>) {
        let deadline = cx.now() + self.config.zookeeper_connection_timeout;
        self.stage = Stage::Connecting { deadline, chroot };
        self.keeper.start(cx);
    }

    /// There is a connection to ZooKeeper.
    pub(super) fn connected(&mut self, fresh: bool, cx: &mut Context<'_, Note>) {
        match &self.stage {
            Stage::Connecting { chroot: true, .. } => {
                let chroot = self.connect.chroot().expect("there is one to be made");
                let paths = Paths::one(chroot, None);
                let ask = paths.ask();
                self.stage = Stage::Chroot(paths);
                self.ask(ask, cx);
            }
            Stage::Connecting { chroot: false, .. } => {
                let paths = Paths::top_level();
                let ask = paths.ask();
                self.stage = Stage::TopLevel(paths);
                self.ask(ask, cx);
            }
            Stage::Coordinators { .. }
            | Stage::ProducerIds(_)
            | Stage::WatchingSettings
            | Stage::Serving
            | Stage::ShuttingDown(_)
                if fresh =>
            {
                let (now, previous) = (cx.wall().as_millis(), self.registered_in);
                if !self.config.mechanisms.has(Mutant::RegistersOnce) {
                    self.register(Registration::again(&self.config, now, previous), cx);
                }
                self.settings.watch(&mut self.keeper, cx);
            }
            _ => {}
        }
    }

    /// The session is gone, and with it the registration.
    pub(super) fn expired(&mut self, cx: &mut Context<'_, Note>) {
        self.registration = None;
        if matches!(self.stage, Stage::ReadingSettings | Stage::WatchingSettings) {
            return self.refuse("session expired while settings were read".into(), cx);
        }
        if self.epoch != BrokerEpoch::UNKNOWN {
            self.controller.session_expired(cx, &mut self.told.controller);
        }
    }

    /// ZooKeeper answered what the stage asked.
    pub(super) fn stage_replied(
        &mut self,
        result: Result<Response, ZkError>,
        cx: &mut Context<'_, Note>,
    ) {
        match &mut self.stage {
            Stage::Chroot(paths) => match paths.replied(&result) {
                Step::Ask(request) => self.ask(request, cx),
                Step::Done(_) => {
                    self.stage = Stage::LeavingChroot;
                    self.keeper.close(cx);
                }
                Step::Failed(why) => self.refuse(why, cx),
            },
            Stage::TopLevel(paths) => match paths.replied(&result) {
                Step::Ask(request) => self.ask(request, cx),
                Step::Done(_) => {
                    self.stage = Stage::ClusterId(ClusterId::Reading);
                    self.ask(ClusterId::ask(), cx);
                }
                Step::Failed(why) => self.refuse(why, cx),
            },
            Stage::ClusterId(id) => match id.replied(result, cx.chance("cluster-id")) {
                Step::Ask(request) => self.ask(request, cx),
                Step::Done(id) => {
                    self.cluster_id = id;
                    self.stage = Stage::ReadingSettings;
                    self.settings.read_all(&mut self.keeper, cx);
                }
                Step::Failed(why) => self.refuse(why, cx),
            },
            Stage::ProducerIds(ids) => match ids.replied(result) {
                Step::Ask(request) => self.ask(request, cx),
                Step::Done(()) => {
                    self.stage = Stage::WatchingSettings;
                    self.settings.watch(&mut self.keeper, cx);
                }
                Step::Failed(why) => self.refuse(why, cx),
            },
            Stage::ShuttingDown(_) => {
                self.shut_down_further(|shutdown, cx| shutdown.replied(result, cx), cx);
            }
            _ => {}
        }
    }

    /// The deadline of the stage has come.
    pub(super) fn stage_woke(&mut self, cx: &mut Context<'_, Note>) {
        match &self.stage {
            Stage::Connecting { .. } => {
                let why = "Timed out waiting for connection while in state: CONNECTING";
                self.refuse(why.into(), cx);
            }
            Stage::Coordinators { .. } => {
                self.stage = Stage::ProducerIds(ProducerIds::new(self.config.id));
                self.ask(ProducerIds::ask(), cx);
            }
            Stage::ShuttingDown(_) => {
                let woke = &machine::Input::Woke;
                self.shut_down_further(|shutdown, cx| shutdown.handle(woke, cx), cx);
            }
            _ => {}
        }
    }

    /// The settings that were asked for are known.
    pub(super) fn settings_read(&mut self, cx: &mut Context<'_, Note>) {
        if matches!(self.stage, Stage::ReadingSettings) {
            self.stage = Stage::OpeningLogs;
            self.replicas.logs.open(self.settings.own(), cx);
        } else {
            self.resume_control_requests(cx);
        }
    }

    pub(super) fn logs_opened(&mut self, cx: &mut Context<'_, Note>) {
        if !matches!(self.stage, Stage::OpeningLogs) {
            return;
        }
        if let Some(why) = self.foreign_directory() {
            return self.refuse(why, cx);
        }
        if let Err((at, error)) = self.server.bind(cx) {
            let why = match error {
                ListenError::AddressInUse => "Address already in use",
                ListenError::NotOurAddress => "Cannot assign requested address",
            };
            let why = format!("Socket server failed to bind to {}:{}: {why}.", at.host, at.port);
            return self.refuse(why, cx);
        }
        self.stage = Stage::Registering;
        let registration = Registration::first(&self.config, cx.wall().as_millis());
        self.register(registration, cx);
    }

    /// Whether `meta.properties` says that the log directory is another broker's or, since 2.4 (KAFKA-7335), another
    /// cluster's.
    fn foreign_directory(&self) -> Option<String> {
        let meta = self.replicas.logs.meta();
        let cluster = meta.get("cluster.id").filter(|_| self.config.preset != Preset::V2_3);
        if let Some(stored) = cluster.filter(|stored| **stored != self.cluster_id) {
            return Some(format!(
                "The Cluster ID {} doesn't match stored clusterId Some({stored}) in \
                 meta.properties. The broker is trying to join the wrong cluster. Configured \
                 zookeeper.connect may be wrong.",
                self.cluster_id
            ));
        }
        let id = self.config.id;
        let stored = meta.get("broker.id").filter(|stored| **stored != id.to_string())?;
        Some(format!(
            "Configured broker.id {id} doesn't match stored broker.id {stored} in meta.properties."
        ))
    }

    fn register(&mut self, registration: Registration, cx: &mut Context<'_, Note>) {
        let ask = registration.ask();
        self.registration = Some(registration);
        self.keeper.ask(Asker::Lifecycle(ours::REGISTRATION), ask, cx);
    }

    pub(super) fn registration_replied(
        &mut self,
        result: Result<Response, ZkError>,
        cx: &mut Context<'_, Note>,
    ) {
        let first = matches!(self.stage, Stage::Registering);
        let session = self.keeper.session();
        let step = match (&mut self.registration, result) {
            (Some(registration), result) => registration.replied(result, session),
            // It was given up with its session.
            (None, Err(error)) if first => {
                Step::Failed(crate::life::in_words("/brokers/ids", error))
            }
            (None, _) => return,
        };
        match step {
            Step::Ask(request) => {
                self.keeper.ask(Asker::Lifecycle(ours::REGISTRATION), request, cx);
            }
            Step::Done(epoch) => {
                self.registration = None;
                (self.epoch, self.registered_in) = (epoch, session);
                cx.note(Note::Registered { epoch });
                self.replicas.registered(epoch);
                if first {
                    self.write_meta(cx);
                    let until = cx.now() + COORDINATORS_START;
                    self.stage = Stage::Coordinators { until };
                }
                self.controller.registered(epoch, &mut self.keeper, cx);
            }
            Step::Failed(why) if first => self.refuse(why, cx),
            // As in Kafka, a broker that cannot register again goes on without.
            Step::Failed(_) => self.registration = None,
        }
    }

    fn write_meta(&mut self, cx: &mut Context<'_, Note>) {
        let id = self.config.id.to_string();
        let mut meta = BTreeMap::from([("version".into(), "0".into()), ("broker.id".into(), id)]);
        if self.config.preset != Preset::V2_3 {
            meta.insert("cluster.id".into(), self.cluster_id.clone());
        }
        let known = self.replicas.logs.meta();
        if meta.iter().any(|(key, value)| known.get(key) != Some(value)) {
            self.replicas.logs.write_meta(&meta, cx);
        }
    }

    pub(super) fn settings_watched(&mut self, cx: &mut Context<'_, Note>) {
        if matches!(self.stage, Stage::WatchingSettings) {
            self.stage = Stage::Serving;
            cx.note(Note::Serving);
            self.server.begin(cx);
        }
    }

    /// SIGTERM.
    pub(super) fn stop(&mut self, cx: &mut Context<'_, Note>) {
        match self.stage {
            Stage::Serving if self.config.controlled_shutdown => {
                cx.note(Note::ShuttingDown { controlled: true });
                let shutdown = ControlledShutdown::new(&self.config, self.epoch);
                self.stage = Stage::ShuttingDown(Box::new(shutdown));
                self.shut_down_further(|shutdown, cx| shutdown.begin(cx), cx);
            }
            Stage::Serving => {
                cx.note(Note::ShuttingDown { controlled: false });
                self.close_logs(Ending::Stopped, cx);
            }
            Stage::ShuttingDown(_)
            | Stage::ClosingLogs(_)
            | Stage::ClosingSession(_)
            | Stage::Dead => {}
            _ => self.die(1, "Kafka server is still starting up, cannot shut down!", cx),
        }
    }

    /// Something has happened that the controlled shutdown may wait for.
    pub(super) fn shut_down_further(
        &mut self,
        happen: impl FnOnce(&mut ControlledShutdown, &mut Context<'_, Note>) -> Outcome,
        cx: &mut Context<'_, Note>,
    ) {
        let Stage::ShuttingDown(shutdown) = &mut self.stage else { return };
        match happen(shutdown, cx) {
            Outcome::Going => {}
            Outcome::Ask(request) => self.ask(request, cx),
            Outcome::Over(remaining) => {
                if let Some(remaining) = remaining {
                    cx.note(Note::ControlledShutdownDone { remaining });
                }
                self.close_logs(Ending::Stopped, cx);
            }
        }
    }

    fn close_logs(&mut self, ending: Ending, cx: &mut Context<'_, Note>) {
        self.stage = Stage::ClosingLogs(ending);
        self.server.stop(cx);
        self.replicas.close(cx, &mut self.told.replicas);
    }

    pub(super) fn logs_closed(&mut self, cx: &mut Context<'_, Note>) {
        match std::mem::replace(&mut self.stage, Stage::Dead) {
            Stage::ClosingLogs(ending) => self.close_session(ending, cx),
            other => self.stage = other,
        }
    }

    fn close_session(&mut self, ending: Ending, cx: &mut Context<'_, Note>) {
        self.stage = Stage::ClosingSession(ending);
        self.controller.stop(cx, &mut self.told.controller);
        self.keeper.close(cx);
    }

    /// A session was closed as it was asked to be.
    pub(super) fn session_closed(&mut self, cx: &mut Context<'_, Note>) {
        match std::mem::replace(&mut self.stage, Stage::Dead) {
            Stage::LeavingChroot => {
                self.keeper = keeper(&self.config, self.connect.clone());
                self.connect(false, cx);
            }
            Stage::ClosingSession(Ending::Stopped) => self.die(0, "stopped", cx),
            Stage::ClosingSession(Ending::Refused(why)) => self.die(1, &why, cx),
            other => self.stage = other,
        }
    }

    fn ask(&mut self, request: Request, cx: &mut Context<'_, Note>) {
        self.keeper.ask(Asker::Lifecycle(ours::STAGE), request, cx);
    }

    /// The start has failed: what was opened is closed as at any other stop (`KafkaServer.startup` catches everything, calls
    /// `shutdown` and throws again). Logs are left with the marker of a clean stop, and the session ends at once.
    fn refuse(&mut self, why: String, cx: &mut Context<'_, Note>) {
        cx.note(Note::RefusedToStart(why.clone()));
        match self.stage {
            // There is no session yet, or only the one the chroot was made in: that one nobody closes.
            Stage::Booting | Stage::Connecting { .. } | Stage::Chroot(_) => self.die(1, &why, cx),
            Stage::TopLevel(_) | Stage::ClusterId(_) | Stage::ReadingSettings => {
                self.close_session(Ending::Refused(why), cx);
            }
            _ => self.close_logs(Ending::Refused(why), cx),
        }
    }

    pub(super) fn die(&mut self, code: i32, why: &str, cx: &mut Context<'_, Note>) {
        self.stage = Stage::Dead;
        cx.exit(code, why);
    }
}
