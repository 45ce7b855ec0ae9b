//! One broker, as its notes tell: its life, its registration, whether it answers, and whether it believes to be the controller.

use broker::id::{BrokerEpoch, BrokerId, ControllerEpoch};
use broker::note::Note;
use coordinator::note::ClientNote as SessionNote;
use machine::Instant;
use sim::world::NodeId;

use super::event::{Event, Rough};
use super::{BrokerKey, Kafka};

/// A broker as the observer knows it.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Which node it is.
    pub node: NodeId,
    /// The node's name.
    pub name: String,
    /// `broker.id`
    pub id: BrokerId,
    /// Where its logs are.
    pub log_dir: String,
    /// How often it was booted.
    pub lives: u64,
    /// Whether it has a process, and did not refuse to start.
    pub is_alive: bool,
    /// Whether its logs are open.
    pub is_open: bool,
    /// Whether it answers requests.
    pub is_serving: bool,
    /// Whether all its request handlers wait.
    pub is_exhausted: bool,
    /// Whether it was asked to stop.
    pub is_stopping: bool,
    /// Its registration, as it believes, in this life.
    pub registered: Option<BrokerEpoch>,
    /// When it learned of that registration.
    pub registered_at: Instant,
    /// Whether it believes to be the controller, and in which epoch.
    pub controls: Option<ControllerEpoch>,
    /// The newest controller epoch it obeyed in this life.
    pub seen_controller: ControllerEpoch,
    /// When it obeyed that one first.
    pub seen_controller_at: Instant,
    /// How often its ZooKeeper session was interrupted.
    pub breaks: u64,
    /// What happened to its disk since it last opened its logs.
    pub rough: Rough,
    /// Whether its disk was ever damaged: what it serves may be broken through no fault of its own.
    pub is_damaged: bool,
}

impl Broker {
    /// A broker that was never started.
    pub fn new(node: NodeId, name: &str, id: BrokerId, log_dir: &str) -> Self {
        Self {
            node,
            name: name.to_owned(),
            id,
            log_dir: log_dir.to_owned(),
            lives: 0,
            is_alive: false,
            is_open: false,
            is_serving: false,
            is_exhausted: false,
            is_stopping: false,
            registered: None,
            registered_at: Instant::ZERO,
            controls: None,
            seen_controller: ControllerEpoch::default(),
            seen_controller_at: Instant::ZERO,
            breaks: 0,
            rough: Rough::No,
            is_damaged: false,
        }
    }

    pub(super) fn booted(&mut self) {
        self.lives += 1;
        self.is_alive = true;
    }

    fn died(&mut self) {
        self.is_alive = false;
        self.is_open = false;
        self.is_serving = false;
        self.is_exhausted = false;
        self.is_stopping = false;
        self.registered = None;
        self.controls = None;
        self.seen_controller = ControllerEpoch::default();
        self.breaks += 1;
    }

    fn session_said(&mut self, note: &SessionNote) {
        match note {
            SessionNote::Disconnected(_) => self.breaks += 1,
            SessionNote::Expired { .. } => {
                self.breaks += 1;
                self.registered = None;
            }
            _ => {}
        }
    }
}

impl Kafka {
    /// Folds a note that is about the broker as a whole; the others are about replicas.
    pub(super) fn broker_said(&mut self, key: BrokerKey, note: &Note) {
        let now = self.now;
        let broker = &mut self.brokers[key.index()];
        match note {
            Note::Session(note) => {
                broker.session_said(note);
                self.shape += 1;
            }
            Note::LogsOpened { clean, replicas } => {
                broker.is_open = true;
                self.logs_opened(key, *clean, replicas);
            }
            Note::RefusedToStart(_) => broker.is_alive = false,
            Note::Registered { epoch } => {
                broker.registered = Some(*epoch);
                broker.registered_at = now;
                self.shape += 1;
            }
            Note::Serving => {
                broker.is_serving = true;
                self.shape += 1;
            }
            Note::ShuttingDown { .. } => broker.is_stopping = true,
            Note::HandlersExhausted { .. } => broker.is_exhausted = true,
            Note::HandlersFree => broker.is_exhausted = false,
            Note::ControllerElected { epoch } => broker.controls = Some(*epoch),
            Note::ControllerResigned { .. } => broker.controls = None,
            Note::ControlSent { to, controller_epoch, what } => {
                let epoch = *controller_epoch;
                self.events.push(Event::ControlSent { by: key, epoch, to: *to, what });
            }
            Note::ControlApplied { controller, controller_epoch, broker_epoch, what } => {
                let (from, epoch, seen) = (*controller, *controller_epoch, broker.seen_controller);
                let broker_epoch = *broker_epoch;
                if epoch > seen {
                    broker.seen_controller = epoch;
                    broker.seen_controller_at = now;
                }
                let by = key;
                let event = Event::ControlApplied { by, from, epoch, seen, broker_epoch, what };
                self.events.push(event);
            }
            Note::Checkpointed { .. } => self.events.push(Event::Checkpointed(key)),
            Note::ControlledShutdownDone { .. }
            | Note::LogDirFailed(_)
            | Note::BrokersChanged { .. }
            | Note::StateWritten { .. }
            | Note::ControlRefused { .. }
            | Note::Refused { .. }
            | Note::Rolled { .. }
            | Note::CorruptRecords { .. } => {}
            _ => self.replica_said(key, note),
        }
    }

    pub(super) fn broker_died(&mut self, key: BrokerKey) {
        self.brokers[key.index()].died();
        self.shape += 1;
        for partition in &mut self.partitions {
            if partition.legit == Some(key) {
                partition.legit = None;
            }
            if let Some(replica) = partition.replicas.get_mut(key.index()) {
                replica.forget();
            }
        }
    }

    pub(super) fn broker_roughened(&mut self, key: BrokerKey, how: Rough) {
        let broker = &mut self.brokers[key.index()];
        broker.rough = broker.rough.max(how);
        broker.is_damaged |= how == Rough::Damaged;
    }
}
