//! How one replica's log is read when a broker starts (`Log.loadSegments`, `Log.recoverLog`).
//!
//! ```text
//!   list ─► tidy ─► epochs ─► each segment: ┬ trusted ──► its indexes ──────────────► next
//!                                           └ not ──► scan in slices ─► cut, drop the rest ┐
//!                                                              the log is there ◄──────────┘
//! ```
//! After a clean shutdown everything is trusted; otherwise what lies wholly before the recovery point, damage included.
//! An index that cannot be read is built again. Every step can be done again when the disk was busy.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use machine::{Context, DiskError};

use super::Log;
use super::epochs::Epochs;
use super::flushing::gone;
use super::index::{Entry, Index, Position};
use super::names;
use super::replica::Settings;
use super::scan::{Rigour, Scan};
use super::segment::{NO_TIMESTAMP, Segment, make_empty};
use crate::id::{Offset, TopicPartition};
use crate::note::{Note, Recovered};
use crate::wire::batch::{HEADER, Header};

/// What the checkpoints say of a replica.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    pub recovery_point: Offset,
    pub start: Offset,
    pub high_watermark: Offset,
    /// The last life ended with a clean shutdown.
    pub clean: bool,
    /// How what is not trusted is looked at.
    pub keeps_torn_tail: bool,
    /// Whether the high watermark is taken as it is.
    pub believes_checkpoint: bool,
}

/// One log being read.
pub(super) struct Loading {
    partition: TopicPartition,
    directory: String,
    settings: Settings,
    known: Known,
    bases: Vec<Offset>,
    snapshots: BTreeSet<Offset>,
    segments: VecDeque<Segment>,
    epochs: Epochs,
    epochs_changed: bool,
    /// Where the last segment that was scanned ends.
    end: Offset,
    /// Where the one before the next ends, if it was scanned.
    goes_on_at: Option<Offset>,
    /// Where the segment begins that was cut: a power loss may bring back what was cut off.
    cut: Option<Offset>,
    stage: Stage,
}

enum Stage {
    List,
    /// These files go.
    Tidy(Vec<String>),
    Epochs,
    /// The next segment is opened.
    Open,
    Scan {
        segment: Box<Segment>,
        scan: Box<Scan>,
        rigour: Rigour,
    },
    /// What a scan has found is made true.
    Mend {
        segment: Box<Segment>,
        scan: Box<Scan>,
    },
    /// There is no segment that could be used.
    Begin,
    Done,
}

/// How loading goes on.
pub(super) enum Step {
    /// Another slice is to be done.
    More,
    /// It is no replica: its directory is empty.
    Nothing,
    /// The log and what was found.
    Loaded(Box<Log>, Recovered),
}

impl Loading {
    pub fn new(
        partition: TopicPartition,
        directory: String,
        settings: Settings,
        known: Known,
    ) -> Self {
        let epochs = Epochs::new(format!("{directory}/{}", names::EPOCHS));
        Self {
            partition,
            directory,
            settings,
            known,
            bases: Vec::new(),
            snapshots: BTreeSet::new(),
            segments: VecDeque::new(),
            epochs,
            epochs_changed: false,
            end: Offset::ZERO,
            goes_on_at: None,
            cut: None,
            stage: Stage::List,
        }
    }

    /// Does a slice: everything up to the end of the next piece that is scanned.
    ///
    /// # Errors
    /// The disk's; when it was busy, do it again.
    pub fn go_on(&mut self, cx: &mut Context<'_, Note>) -> Result<Step, DiskError> {
        loop {
            let scans = matches!(self.stage, Stage::Scan { .. });
            match self.step(cx)? {
                None if scans => return Ok(Step::More),
                None => {}
                Some(step) => return Ok(step),
            }
        }
    }

    fn step(&mut self, cx: &mut Context<'_, Note>) -> Result<Option<Step>, DiskError> {
        match &mut self.stage {
            Stage::List => {
                let files = match cx.disk().list(&self.directory) {
                    Err(DiskError::NotFound) => Vec::new(),
                    answer => answer?,
                };
                if files.is_empty() {
                    return Ok(Some(Step::Nothing));
                }
                self.sort_out(&files);
            }
            Stage::Tidy(files) => {
                while let Some(file) = files.last() {
                    gone(cx.disk().remove(&format!("{}/{file}", self.directory)))?;
                    files.pop();
                }
                self.stage = Stage::Epochs;
            }
            Stage::Epochs => {
                let path = format!("{}/{}", self.directory, names::EPOCHS);
                let text = whole_file(&path, cx)?;
                if let Some(text) = &text {
                    self.epochs.load(text);
                } else {
                    make_empty(&path, cx)?;
                }
                self.stage = Stage::Open;
            }
            Stage::Open => self.open_next(cx)?,
            Stage::Scan { scan, .. } => {
                if scan.slice(cx)? {
                    self.scanned();
                }
            }
            Stage::Mend { .. } => self.mend(cx)?,
            Stage::Begin => {
                drop_files_after(&mut self.bases, 0, &self.directory, cx)?;
                self.end = self.known.start.max(Offset::ZERO);
                let segment = self.empty_segment(self.end, cx);
                segment.create(cx)?;
                self.segments.push_back(segment);
                self.stage = Stage::Done;
            }
            Stage::Done => {
                let (log, recovered) = self.log(cx);
                return Ok(Some(Step::Loaded(Box::new(log), recovered)));
            }
        }
        Ok(None)
    }

    /// Whether something was cut off its end.
    pub fn has_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// What the files in the directory are.
    fn sort_out(&mut self, files: &[String]) {
        let mut tidy = Vec::new();
        let mut others = Vec::new();
        for name in files {
            match names::segment(name) {
                Some((base, "log")) => self.bases.push(base),
                Some((base, "snapshot")) => drop(self.snapshots.insert(base)),
                Some((base, "index" | "timeindex")) => others.push((base, name)),
                _ if name == names::EPOCHS => {}
                // `.deleted`, temporary files of a replacement that did not come to its end
                _ => tidy.push(name.clone()),
            }
        }
        let bases = &self.bases;
        let orphans = others.into_iter().filter(|(base, _)| !bases.contains(base));
        tidy.extend(orphans.map(|(_, name)| name.clone()));
        self.stage = Stage::Tidy(tidy);
    }

    fn empty_segment(&self, base: Offset, cx: &mut Context<'_, Note>) -> Segment {
        let jitter = match self.settings.jitter_ms {
            0 => 0,
            most => cx.chance("segment jitter").below(most) as i64,
        };
        Segment::new(&self.directory, base, cx.wall().as_millis(), jitter)
    }

    /// Whether a segment is believed without being read: nothing in it is at or after the recovery point.
    fn is_trusted(&self, index: usize) -> bool {
        let ends_before = |next: &Offset| *next <= self.known.recovery_point;
        self.known.clean || self.bases.get(index + 1).is_some_and(ends_before)
    }

    fn open_next(&mut self, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        let index = self.segments.len();
        let Some(base) = self.bases.get(index).copied() else {
            self.stage = self.all_opened();
            return Ok(());
        };
        if self.goes_on_at.is_some_and(|end| end != base) {
            // Bytes that were not synced are missing at the end of the segment before: what follows is not believed.
            // Kafka leaves such a hole in its log.
            drop_files_after(&mut self.bases, index, &self.directory, cx)?;
            return Ok(());
        }
        let mut segment = self.empty_segment(base, cx);
        segment.size = cx.disk().len(&segment.path)?;
        let trusted = self.is_trusted(index) && load_indexes(&mut segment, cx)?;
        if !trusted {
            let rigour = match self.known.keeps_torn_tail {
                true => Rigour::NoChecksums,
                false => Rigour::Checksums,
            };
            self.scan(segment, rigour, 0);
        } else if index + 1 == self.bases.len() {
            let first = cx.disk().read(&segment.path, 0, HEADER)?;
            segment.first_timestamp = Header::read(&first).ok().map(|first| first.max_timestamp);
            let place = segment.offsets.entries().last().map_or(0, |last| u64::from(last.at));
            self.scan(segment, Rigour::Headers, place);
        } else {
            self.goes_on_at = None;
            self.segments.push_back(segment);
        }
        Ok(())
    }

    fn scan(&mut self, segment: Segment, rigour: Rigour, place: u64) {
        let interval = self.settings.index_interval_bytes;
        let scan = Scan::new(&segment, rigour, interval, place, segment.base);
        self.stage = Stage::Scan { segment: Box::new(segment), scan: Box::new(scan), rigour };
    }

    /// A scan has come to its end.
    fn scanned(&mut self) {
        let Stage::Scan { mut segment, mut scan, rigour } =
            std::mem::replace(&mut self.stage, Stage::Open)
        else {
            unreachable!("only a scan ends as one");
        };
        self.end = scan.next;
        self.goes_on_at = Some(scan.next);
        for (base, at) in &scan.last {
            segment.remember(*base, *at);
        }
        if rigour == Rigour::Headers {
            if scan.found_damage() {
                // Nobody had a reason to expect it: the segment is read as after a crash.
                let mut blank = self.blank(&segment);
                blank.size = segment.size;
                return self.scan(blank, Rigour::Checksums, 0);
            }
            segment.largest = scan.largest;
            self.segments.push_back(*segment);
            return;
        }
        scan.note_largest_timestamp();
        for (epoch, start) in &scan.epochs {
            if self.epochs.latest().is_none_or(|latest| latest < *epoch) {
                self.epochs_changed |= self.epochs.assign(*epoch, *start);
            }
        }
        self.stage = Stage::Mend { segment, scan };
    }

    fn blank(&self, segment: &Segment) -> Segment {
        Segment::new(&self.directory, segment.base, segment.created, segment.jitter)
    }

    /// After damage later segments go, the last one first, and then what is behind the last valid batch; the indexes
    /// are written anew.
    fn mend(&mut self, cx: &mut Context<'_, Note>) -> Result<(), DiskError> {
        let Stage::Mend { segment, scan } = &mut self.stage else { return Ok(()) };
        let index = self.segments.len();
        if scan.found_damage() {
            let unflushed = !self.known.clean
                && self.bases.get(index + 1).is_none_or(|next| *next > self.known.recovery_point);
            if unflushed {
                drop_files_after(&mut self.bases, index + 1, &self.directory, cx)?;
            }
            cx.disk().truncate(&segment.path, scan.place)?;
            self.cut = self.cut.or(Some(segment.base));
        }
        segment.size = scan.place;
        (segment.largest, segment.first_timestamp) = (scan.largest, scan.first_timestamp);
        segment.offsets = rebuilt(segment.offsets.path(), &scan.positions, cx)?;
        segment.times = rebuilt(segment.times.path(), &scan.moments, cx)?;
        segment.settle_indexes(cx)?;
        let Stage::Mend { segment, .. } = std::mem::replace(&mut self.stage, Stage::Open) else {
            unreachable!("it was mended just now");
        };
        self.segments.push_back(*segment);
        Ok(())
    }

    fn all_opened(&mut self) -> Stage {
        if !self.segments.is_empty() && self.end >= self.known.start {
            return Stage::Done;
        }
        // What is there, if anything, lies before the first offset that counts.
        self.segments.clear();
        Stage::Begin
    }

    fn log(&mut self, cx: &mut Context<'_, Note>) -> (Log, Recovered) {
        let end = self.end;
        let segments = std::mem::take(&mut self.segments);
        let active = segments.back().map_or(end, |active| active.base);
        let epochs = std::mem::replace(&mut self.epochs, Epochs::new(""));
        let (of, directory) = (self.partition.clone(), self.directory.clone());
        let mut log = Log::new(of.clone(), directory, self.settings, segments, epochs);
        log.start = log.start.max(self.known.start);
        log.end = end;
        log.recovery_point = match self.known.clean {
            true => end,
            // Of the last segment nobody knows what is on the disk: it may have been truncated after the last
            // checkpoint.
            false => self.known.recovery_point.min(active),
        };
        if let Some(cut) = self.cut {
            log.recovery_point = log.recovery_point.min(cut);
        }
        log.flush_asked = log.recovery_point;
        log.flushed_at = cx.now();
        if self.cut.is_some() {
            log.sync_segments(log.segments.len(), end, cx);
        }
        log.high_watermark = match self.known.believes_checkpoint {
            true => self.known.high_watermark,
            false => self.known.high_watermark.clamp(log.start, end),
        };
        log.checkpointed_high_watermark = log.high_watermark;
        let cut = log.epochs.truncate_from_end(end) | log.epochs.truncate_from_start(log.start);
        if cut || self.epochs_changed {
            log.save_epochs(cx);
        }
        log.snapshots = std::mem::take(&mut self.snapshots);
        let start = log.start;
        log.remove_snapshots(|at| at > end || at <= start, cx);
        log.take_snapshot(cx);
        let recovered = Recovered {
            partition: of,
            start,
            end,
            high_watermark: log.high_watermark,
            recovery_point: self.known.recovery_point,
            epochs: Arc::from(log.epochs()),
        };
        (log, recovered)
    }
}

/// Removes the files of all segments but the first `keep`, the last one first.
fn drop_files_after(
    bases: &mut Vec<Offset>,
    keep: usize,
    directory: &str,
    cx: &mut Context<'_, Note>,
) -> Result<(), DiskError> {
    while bases.len() > keep
        && let Some(base) = bases.last()
    {
        for ending in ["log", "index", "timeindex"] {
            gone(cx.disk().remove(&names::of_segment(directory, *base, ending)))?;
        }
        bases.pop();
    }
    Ok(())
}

/// Reads the indexes of a segment. Says whether they can be used.
fn load_indexes(segment: &mut Segment, cx: &mut Context<'_, Note>) -> Result<bool, DiskError> {
    let (offsets, times) = (segment.offsets.path().to_owned(), segment.times.path().to_owned());
    let (positions, moments) = (whole_file(&offsets, cx)?, whole_file(&times, cx)?);
    let positions = positions.and_then(|bytes| Index::<Position>::load(offsets, &bytes));
    let moments = moments.and_then(|bytes| Index::load(times, &bytes));
    let (Some(positions), Some(moments)) = (positions, moments) else { return Ok(false) };
    if positions.entries().last().is_some_and(|last| u64::from(last.at) >= segment.size) {
        return Ok(false);
    }
    (segment.offsets, segment.times) = (positions, moments);
    let last = segment.times.entries().last();
    segment.largest = last.map_or((NO_TIMESTAMP, segment.base), |last| {
        (last.timestamp, Offset(segment.base.0 + i64::from(last.offset)))
    });
    Ok(true)
}

/// These entries for a file that may have others.
fn rebuilt<E: Entry>(
    path: &str,
    entries: &[E],
    cx: &mut Context<'_, Note>,
) -> Result<Index<E>, DiskError> {
    let filed = match cx.disk().len(path) {
        Err(DiskError::NotFound) => cx.disk().append(path, &[]).map(|()| 0),
        answer => answer,
    }?;
    Ok(Index::rebuilt(path.to_owned(), entries.to_vec(), filed))
}

/// All bytes of a small file; `None` if there is none, or it cannot be read for damage.
pub(super) fn whole_file(
    path: &str,
    cx: &mut Context<'_, Note>,
) -> Result<Option<bytes::Bytes>, DiskError> {
    let length = match cx.disk().len(path) {
        Err(DiskError::NotFound) => return Ok(None),
        answer => answer?,
    };
    match cx.disk().read(path, 0, usize::try_from(length).unwrap_or(usize::MAX)) {
        Err(DiskError::NotFound | DiskError::Corrupt) => Ok(None),
        answer => answer.map(Some),
    }
}
