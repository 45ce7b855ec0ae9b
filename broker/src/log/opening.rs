//! How a log directory is read when a broker starts (`LogManager.loadLogs`): slice by slice, so that faults can fall in
//! between.
//!
//! ```text
//!   own files ─► what was deleted ─► each replica (loading) ─┬──────────────────────► marker removed ─► synced ─► open
//!                                                            └ cut? recovery points ┘
//! ```
//! Two of these waits are ours. Without the sync at the end a power loss soon after could bring the marker of a clean
//! shutdown back; and what was cut off could come back in a segment that the old recovery points call safe.

use std::collections::BTreeMap;
use std::sync::Arc;

use machine::{Context, DiskError, Input, Ticket};

use super::directory::{File, Logs, Stage};
use super::flushing::gone;
use super::loading::{Known, Loading, Step, whole_file};
use super::replica::Settings;
use super::{LogEvent, checkpoint, meta, names};
use crate::id::{Offset, TopicPartition};
use crate::note::{Note, Recovered};

/// The empty checkpoint of the log cleaner, which is not modelled.
const CLEANER: (&str, &[u8]) = ("cleaner-offset-checkpoint", b"0\n0\n");

/// A log directory being read.
pub(super) struct Opening {
    topics: BTreeMap<String, Settings>,
    clean: bool,
    /// The end of a log was cut off.
    cut: bool,
    known: BTreeMap<TopicPartition, Known>,
    /// Directories of deleted replicas, then of replicas, that are to be looked at; the last one first.
    deleted: Vec<String>,
    replicas: Vec<String>,
    current: Option<Box<Loading>>,
    recovered: Vec<Recovered>,
    next: Next,
    wait: Wait,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    OwnFiles,
    Deleted,
    Replicas,
    /// The recovery points must be in place.
    Lowered,
    Marker,
    Synced,
}

/// What it waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Its turn.
    Slice,
    Ready(Ticket),
    Synced(Ticket),
    /// A file that is being replaced.
    File(File),
}

impl Opening {
    pub fn new(topics: BTreeMap<String, Settings>) -> Self {
        Self {
            topics,
            clean: false,
            cut: false,
            known: BTreeMap::new(),
            deleted: Vec::new(),
            replicas: Vec::new(),
            current: None,
            recovered: Vec::new(),
            next: Next::OwnFiles,
            wait: Wait::Slice,
        }
    }

    /// Whether it wants to be woken at once.
    pub fn wants_a_slice(&self) -> bool {
        self.wait == Wait::Slice
    }
}

impl Logs {
    /// Goes on reading if `input` is what it waits for.
    pub(super) fn go_on_opening(
        &mut self,
        input: &Input,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<LogEvent>,
    ) {
        let Stage::Opening(opening) = &mut self.stage else { return };
        match (opening.wait, input) {
            (Wait::Slice, Input::Woke) => {}
            (Wait::File(file), _) if self.files[&file].is_idle() => {}
            (Wait::Ready(waited), Input::Ready { ticket }) if waited == *ticket => {}
            (Wait::Synced(waited), Input::Synced { ticket, result }) if waited == *ticket => {
                if let Err(error) = result {
                    self.failed = Some(*error);
                    return;
                }
            }
            _ => return,
        }
        let Stage::Opening(mut opening) = std::mem::replace(&mut self.stage, Stage::Open) else {
            return;
        };
        opening.wait = Wait::Slice;
        match self.open_slice(&mut opening, cx) {
            Ok(true) => return self.opened(*opening, cx, events),
            Ok(false) => {}
            Err(DiskError::WouldBlock(ticket)) => opening.wait = Wait::Ready(ticket),
            Err(error) => self.failed = Some(error),
        }
        self.stage = Stage::Opening(opening);
    }

    /// Does a slice. Says whether it was the last.
    fn open_slice(
        &mut self,
        opening: &mut Opening,
        cx: &mut Context<'_, Note>,
    ) -> Result<bool, DiskError> {
        match opening.next {
            Next::OwnFiles => {
                self.read_own_files(opening, cx)?;
                opening.next = Next::Deleted;
            }
            Next::Deleted => {
                if let Some(name) = opening.deleted.last() {
                    self.look_at_deleted(name, cx)?;
                    opening.deleted.pop();
                } else {
                    opening.next = Next::Replicas;
                }
            }
            Next::Replicas => {
                if let Some(loading) = &mut opening.current {
                    match loading.go_on(cx)? {
                        Step::More => return Ok(false),
                        Step::Nothing => {}
                        Step::Loaded(log, recovered) => {
                            opening.cut |= loading.has_cut();
                            // At once, because answers to it may come soon.
                            self.insert(*log);
                            opening.recovered.push(recovered);
                        }
                    }
                    opening.current = None;
                } else if let Some(name) = opening.replicas.pop() {
                    opening.current = self.load(&name, opening).map(Box::new);
                } else if opening.cut {
                    self.checkpoint(File::RecoveryPoints, cx);
                    opening.wait = Wait::File(File::RecoveryPoints);
                    opening.next = Next::Lowered;
                } else {
                    opening.next = Next::Marker;
                }
            }
            Next::Lowered => opening.next = Next::Marker,
            Next::Marker => {
                gone(cx.disk().remove(&format!("{}/{}", self.path, names::CLEAN)))?;
                opening.wait = Wait::Synced(cx.disk().sync_dir(&self.path));
                opening.next = Next::Synced;
            }
            Next::Synced => return Ok(true),
        }
        Ok(false)
    }

    /// Makes what is missing of the directory's own files and reads the others. Can be done again.
    fn read_own_files(
        &mut self,
        opening: &mut Opening,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), DiskError> {
        cx.disk().create_dir(&self.path)?;
        let names = cx.disk().list(&self.path)?;
        let is_there = |name: &str| names.iter().any(|it| it == name);
        let checkpoints = [File::HighWatermarks, File::RecoveryPoints, File::LogStarts];
        let made = checkpoints.map(|file| (file.name(), &[][..]));
        for (name, content) in made.into_iter().chain([(".lock", &[][..]), CLEANER]) {
            if !is_there(name) {
                cx.disk().append(&format!("{}/{name}", self.path), content)?;
            }
        }
        opening.clean = is_there(names::CLEAN);
        let mut known: BTreeMap<TopicPartition, Known> = BTreeMap::new();
        for file in checkpoints {
            let text = whole_file(&format!("{}/{}", self.path, file.name()), cx)?;
            for (partition, offset) in checkpoint::offsets(&text.unwrap_or_default()) {
                let offset = offset.max(Offset::ZERO);
                let entry = known.entry(partition).or_default();
                match file {
                    File::HighWatermarks => entry.high_watermark = offset,
                    File::RecoveryPoints => entry.recovery_point = offset,
                    _ => entry.start = offset,
                }
            }
        }
        opening.known = known;
        let text = whole_file(&format!("{}/{}", self.path, File::Meta.name()), cx)?;
        self.meta = meta::properties(&text.unwrap_or_default());
        let is_deleted = |name: &&String| names::deleted_partition(name).is_some();
        let is_replica = |name: &&String| names::partition(name).is_some();
        opening.deleted = names.iter().rev().filter(is_deleted).cloned().collect();
        opening.replicas = names.iter().rev().filter(is_replica).cloned().collect();
        Ok(())
    }

    /// A deletion that was under way is finished; what was deleted waits for its end anew.
    fn look_at_deleted(&mut self, name: &str, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        let path = format!("{}/{name}", self.path);
        let files = cx.disk().list(&path)?;
        if files.iter().any(|file| file == names::UNFINISHED)
            && let Some(partition) = names::deleted_partition(name)
        {
            let from = format!("{}/{partition}", self.path);
            return self.finish_deletion(&from, &path, cx);
        }
        self.remove_directory(&path, cx)
    }

    fn load(&self, name: &str, opening: &Opening) -> Option<Loading> {
        let partition = names::partition(name)?;
        let settings = opening.topics.get(&*partition.topic).copied().unwrap_or(self.defaults);
        let known = Known {
            clean: opening.clean,
            keeps_torn_tail: self.planted.keeps_torn_tail,
            believes_checkpoint: self.planted.believes_checkpoint,
            ..opening.known.get(&partition).copied().unwrap_or_default()
        };
        Some(Loading::new(partition, format!("{}/{name}", self.path), settings, known))
    }

    /// Everything was read.
    fn opened(&mut self, opening: Opening, cx: &mut Context<'_, Note>, events: &mut Vec<LogEvent>) {
        let mut replicas = opening.recovered;
        replicas.sort_by(|one, other| one.partition.cmp(&other.partition));
        cx.note(Note::LogsOpened { clean: opening.clean, replicas: Arc::from(replicas) });
        self.begin_schedule();
        events.push(LogEvent::Opened);
    }
}
