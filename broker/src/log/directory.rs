//! A broker's log directory: all replicas, and who among them an answer of the disk is for.
//!
//! A log is lent to its user; what the directory must know of it afterwards ([`super::replica::News`]) is collected at
//! the next call. Reading everything at the start is in `opening`, the end in `closing`, what happens regularly in
//! `schedule`.

use std::collections::{BTreeMap, VecDeque};

use machine::{Alarms, Context, DiskError, Input, Instant, Ticket};

use super::checkpoint::Slot;
use super::closing::Closing;
use super::epochs::Epochs;
use super::opening::Opening;
use super::replica::Settings;
use super::schedule::{Intervals, Task};
use super::segment::{Segment, make_empty};
use super::{Log, LogEvent, meta, names};
use crate::by_partition::ByPartition;
use crate::config::{Config, TopicConfig};
use crate::id::{Offset, TopicPartition};
use crate::mechanism::Mutant;
use crate::note::{Checkpoint, Note};

/// The log directory of a broker: all its replicas, the checkpoint files, the schedules.
pub struct Logs {
    /// Its path.
    pub(super) path: String,
    pub(super) defaults: Settings,
    pub(super) intervals: Intervals,
    pub(super) planted: Planted,
    pub(super) stage: Stage,
    pub(super) places: ByPartition<usize>,
    pub(super) logs: Vec<Option<Log>>,
    lent: Option<usize>,
    /// Whose a ticket is.
    pub(super) owners: BTreeMap<Ticket, usize>,
    pub(super) alarms: Alarms<Task>,
    /// Tasks that wait for a busy disk.
    pub(super) blocked: Vec<(Ticket, Task)>,
    /// Files that go, and when.
    pub(super) removals: BTreeMap<(Instant, u64), String>,
    removals_so_far: u64,
    pub(super) files: BTreeMap<File, Slot<Option<Note>>>,
    pub(super) meta: BTreeMap<String, String>,
    pub(super) failed: Option<DiskError>,
    pub(super) now: Instant,
}

/// The files of the directory that are replaced again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum File {
    HighWatermarks,
    RecoveryPoints,
    LogStarts,
    Meta,
}

impl File {
    pub const ALL: [Self; 4] =
        [Self::HighWatermarks, Self::RecoveryPoints, Self::LogStarts, Self::Meta];

    pub fn name(self) -> &'static str {
        match self {
            Self::HighWatermarks => "replication-offset-checkpoint",
            Self::RecoveryPoints => "recovery-point-offset-checkpoint",
            Self::LogStarts => "log-start-offset-checkpoint",
            Self::Meta => "meta.properties",
        }
    }

    /// What is checkpointed in it.
    pub fn checkpoint(self) -> Option<Checkpoint> {
        match self {
            Self::HighWatermarks => Some(Checkpoint::HighWatermark),
            Self::RecoveryPoints => Some(Checkpoint::RecoveryPoint),
            Self::LogStarts => Some(Checkpoint::LogStart),
            Self::Meta => None,
        }
    }
}

/// Planted defects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planted {
    pub keeps_torn_tail: bool,
    pub checkpoints_ahead: bool,
    pub forgets_epochs: bool,
    pub believes_checkpoint: bool,
    pub deletes_uncommitted: bool,
}

/// Where the directory is in its life.
pub(super) enum Stage {
    New,
    Opening(Box<Opening>),
    Open,
    Closing(Closing),
    /// Closed, or offline.
    Over,
}

impl Logs {
    /// The directory `config.log_dir`; nothing is read before [`Self::open`].
    pub fn new(config: &Config) -> Self {
        let path = config.log_dir.trim_end_matches('/').to_owned();
        let slot = |file: File| (file, Slot::new(format!("{path}/{}", file.name())));
        Self {
            files: File::ALL.into_iter().map(slot).collect(),
            path,
            defaults: Settings::of(&config.topic_defaults),
            intervals: Intervals::of(config),
            planted: Planted {
                keeps_torn_tail: config.mechanisms.has(Mutant::KeepsTornTail),
                checkpoints_ahead: config.mechanisms.has(Mutant::CheckpointsAhead),
                forgets_epochs: config.mechanisms.has(Mutant::ForgetsEpochs),
                believes_checkpoint: config.mechanisms.has(Mutant::BelievesTheCheckpoint),
                deletes_uncommitted: config.mechanisms.has(Mutant::DeletesUncommitted),
            },
            stage: Stage::New,
            places: ByPartition::default(),
            logs: Vec::new(),
            lent: None,
            owners: BTreeMap::new(),
            alarms: Alarms::new(),
            blocked: Vec::new(),
            removals: BTreeMap::new(),
            removals_so_far: 0,
            meta: BTreeMap::new(),
            failed: None,
            now: Instant::ZERO,
        }
    }

    /// Begins to read what is there, in slices: [`LogEvent::Opened`] or [`LogEvent::Failed`] follows.
    /// `topics` are the settings of topics that differ from the defaults.
    pub fn open(&mut self, topics: &BTreeMap<String, TopicConfig>, cx: &mut Context<'_, Note>) {
        self.now = cx.now();
        let settings = topics.iter().map(|(topic, it)| (topic.clone(), Settings::of(it)));
        self.stage = Stage::Opening(Box::new(Opening::new(settings.collect())));
    }

    /// Takes any input; runs schedules (checkpoints, retention, deletions) and slices.
    pub fn handle(
        &mut self,
        input: &Input,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<LogEvent>,
    ) {
        if matches!(self.stage, Stage::New | Stage::Over) {
            return;
        }
        self.now = cx.now();
        self.take_back();
        if let Input::Synced { ticket, .. } | Input::Ready { ticket } = input {
            self.answered(*ticket, input, cx);
        }
        match self.stage {
            Stage::Opening(_) => self.go_on_opening(input, cx, events),
            Stage::Closing(_) => self.go_on_closing(input, cx, events),
            _ => self.keep_to_schedule(cx),
        }
        if let Some(error) = self.failed.take() {
            self.stage = Stage::Over;
            events.push(LogEvent::Failed(error));
        }
    }

    /// When it wants any input.
    pub fn wake_at(&self) -> Option<Instant> {
        let at_once = match &self.stage {
            Stage::New | Stage::Over => false,
            Stage::Opening(opening) => opening.wants_a_slice(),
            Stage::Closing(closing) => closing.wants_a_slice(),
            Stage::Open => {
                let lent = self.lent.and_then(|at| self.logs[at].as_ref());
                if self.failed.is_none() && !lent.is_some_and(|log| log.news.is_urgent()) {
                    return self.alarms.next();
                }
                true
            }
        };
        at_once.then_some(self.now)
    }

    /// `broker.id` and `cluster.id` in `meta.properties`, as far as they are there. Known after [`LogEvent::Opened`].
    pub fn meta(&self) -> &BTreeMap<String, String> {
        &self.meta
    }

    /// Replaces `meta.properties` (not waited for).
    pub fn write_meta(
        &mut self,
        properties: &BTreeMap<String, String>,
        cx: &mut Context<'_, Note>,
    ) {
        self.meta.clone_from(properties);
        let text = meta::text(properties, cx.wall());
        self.put(File::Meta, text, None, cx);
    }

    /// A replica's log.
    pub fn get(&self, partition: &TopicPartition) -> Option<&Log> {
        self.logs[*self.places.get(partition)?].as_ref()
    }

    /// A replica's log.
    pub fn get_mut(&mut self, partition: &TopicPartition) -> Option<&mut Log> {
        let at = *self.places.get(partition)?;
        self.lend(at)
    }

    /// All replicas there are.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.places.values().filter_map(|at| Some(&self.logs[*at].as_ref()?.partition))
    }

    /// Makes an empty log if there is none.
    ///
    /// # Errors
    /// The disk's; after `WouldBlock` do it again.
    pub fn create(
        &mut self,
        partition: &TopicPartition,
        config: &TopicConfig,
        cx: &mut Context<'_, Note>,
    ) -> Result<&mut Log, DiskError> {
        let at = match self.places.get(partition) {
            Some(at) => *at,
            None => {
                let made = new_log(&self.path, partition, Settings::of(config), cx);
                let log = self.heard(made)?;
                self.insert(log)
            }
        };
        Ok(self.lend(at).expect("places lead to logs"))
    }

    /// A topic has other settings.
    pub fn configure(&mut self, topic: &str, config: &TopicConfig) {
        let settings = Settings::of(config);
        for at in self.places.of_topic(topic) {
            if let Some(log) = &mut self.logs[*at] {
                log.settings = settings;
            }
        }
    }

    /// The high watermark of a replica, for its checkpoint (every 5 s) and for retention. Cheap: called on every
    /// change.
    pub fn set_high_watermark(&mut self, partition: &TopicPartition, to: Offset) {
        if let Some(at) = self.places.get(partition)
            && let Some(log) = &mut self.logs[*at]
        {
            log.high_watermark = to.clamp(log.start, log.end);
        }
    }

    /// Clean shutdown: flushes everything, writes checkpoints and the marker: [`LogEvent::Closed`] follows. Of a
    /// directory that is not open yet nothing is written.
    pub fn close(&mut self, cx: &mut Context<'_, Note>) {
        self.now = cx.now();
        self.take_back();
        self.stage = match self.stage {
            Stage::Open => Stage::Closing(Closing::new()),
            Stage::Over => return,
            _ => Stage::Closing(Closing::unopened()),
        };
    }
}

/// What the other rooms use.
impl Logs {
    /// Takes a log in.
    pub(super) fn insert(&mut self, mut log: Log) -> usize {
        log.forgets_epochs = self.planted.forgets_epochs;
        log.partition = self.places.name(&log.partition.topic, log.partition.partition);
        self.places.insert(&log.partition, self.logs.len());
        self.logs.push(Some(log));
        self.collect(self.logs.len() - 1);
        self.logs.len() - 1
    }

    /// An answer of the disk that the caller waits for. If it is a failure, [`LogEvent::Failed`] follows, too.
    pub(super) fn heard<T>(&mut self, answer: Result<T, DiskError>) -> Result<T, DiskError> {
        if let Err(error) = &answer
            && !matches!(error, DiskError::WouldBlock(_))
        {
            self.failed = Some(*error);
        }
        answer
    }

    fn lend(&mut self, at: usize) -> Option<&mut Log> {
        if self.lent != Some(at) {
            self.take_back();
            self.lent = Some(at);
        }
        self.logs[at].as_mut()
    }

    /// Hears what the log that was lent last has to say. It stays lent.
    fn take_back(&mut self) {
        if let Some(at) = self.lent {
            self.collect(at);
        }
    }

    /// Hears what a log has to say.
    pub(super) fn collect(&mut self, at: usize) {
        let Some(log) = &mut self.logs[at] else { return };
        let news = &mut log.news;
        for ticket in news.asked.drain(..) {
            self.owners.insert(ticket, at);
        }
        if std::mem::take(&mut news.truncated) {
            self.alarms.set(Task::RecoveryPointsNow, self.now);
        }
        // The log remembers, so that it takes nothing more.
        self.failed = self.failed.or(news.failed);
        let removals = std::mem::take(&mut news.removals);
        for (when, path) in removals {
            self.remove_at(when, path);
        }
    }

    /// A file goes at that time.
    pub(super) fn remove_at(&mut self, when: Instant, path: String) {
        self.removals_so_far += 1;
        self.removals.insert((when, self.removals_so_far), path);
        let first = self.alarms.at(&Task::Removals).map_or(when, |set| set.min(when));
        self.alarms.set(Task::Removals, first);
    }

    /// An answer of the disk goes to whoever asked.
    fn answered(&mut self, ticket: Ticket, input: &Input, cx: &mut Context<'_, Note>) {
        if let Some(at) = self.owners.remove(&ticket) {
            if let Some(log) = &mut self.logs[at] {
                log.handle(input, cx);
            }
            self.collect(at);
        }
        for file in File::ALL {
            if self.files[&file].ticket() == Some(ticket) {
                self.advance_file(file, Some(input), cx);
            }
        }
        let now = self.now;
        let alarms = &mut self.alarms;
        self.blocked.retain(|(waited, task)| {
            if *waited == ticket {
                alarms.set(*task, now);
            }
            *waited != ticket
        });
    }

    /// Puts new content on its way.
    pub(super) fn put(
        &mut self,
        file: File,
        content: bytes::Bytes,
        said_then: Option<Note>,
        cx: &mut Context<'_, Note>,
    ) {
        self.slot(file).put(content, said_then);
        // While an earlier content is on its way this waits for the answer to that.
        if self.files[&file].ticket().is_none() {
            self.advance_file(file, None, cx);
        }
    }

    fn advance_file(&mut self, file: File, input: Option<&Input>, cx: &mut Context<'_, Note>) {
        let say = |note: Option<Note>, cx: &mut Context<'_, Note>| {
            if let Some(note) = note {
                cx.note(note);
            }
        };
        if let Err(error) = self.slot(file).advance(input, cx, say) {
            self.failed = Some(error);
        }
    }

    fn slot(&mut self, file: File) -> &mut Slot<Option<Note>> {
        self.files.get_mut(&file).expect("every file has its slot")
    }
}

/// The directory and the files of an empty log.
fn new_log(
    path: &str,
    partition: &TopicPartition,
    settings: Settings,
    cx: &mut Context<'_, Note>,
) -> Result<Log, DiskError> {
    let directory = format!("{path}/{partition}");
    cx.disk().create_dir(&directory)?;
    let epochs = format!("{directory}/{}", names::EPOCHS);
    make_empty(&epochs, cx)?;
    let segment = Segment::new(&directory, Offset::ZERO, cx.wall().as_millis(), 0);
    segment.create(cx)?;
    let segments = VecDeque::from([segment]);
    Ok(Log::new(partition.clone(), directory, settings, segments, Epochs::new(epochs)))
}
