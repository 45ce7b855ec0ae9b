//! The epoch files: `acceptedEpoch`, what this server promised, and `currentEpoch`, whose history it stands for.
//!
//! Each is replaced whole; one after the other, in the order asked for. A promise is told only when it is on the disk.

use std::collections::VecDeque;

use machine::{Context, DiskError, Input, Replace, Stage};

use super::StorageEvent;
use super::files::Places;
use super::work::{OrPause, Pause};
use crate::id::Epoch;
use crate::mechanism::EpochFile;
use crate::note::ServerNote;

/// Decimal digits of the largest number ZooKeeper would write, and room for a line end.
const LONGEST: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Accepted,
    Current,
}

/// The writing side of the two files.
#[derive(Clone, Debug)]
pub(super) struct Epochs {
    places: Places,
    sync_directory: bool,
    waiting: VecDeque<(Which, Epoch)>,
    writing: Option<(Which, Epoch, Replace)>,
}

impl Epochs {
    pub fn new(places: Places, mechanism: EpochFile) -> Self {
        let sync_directory = match mechanism {
            EpochFile::Rename => false,
            EpochFile::RenameAndSyncDirectory => true,
        };
        Self { places, sync_directory, waiting: VecDeque::new(), writing: None }
    }

    pub fn accept(
        &mut self,
        epoch: Epoch,
        cx: &mut Context<'_, ServerNote>,
        events: &mut Vec<StorageEvent>,
    ) {
        self.waiting.push_back((Which::Accepted, epoch));
        self.next(cx, events);
    }

    pub fn enter(
        &mut self,
        epoch: Epoch,
        cx: &mut Context<'_, ServerNote>,
        events: &mut Vec<StorageEvent>,
    ) {
        self.waiting.push_back((Which::Current, epoch));
        self.next(cx, events);
    }

    /// Whether nothing is being written or waits for it.
    pub fn idle(&self) -> bool {
        self.writing.is_none() && self.waiting.is_empty()
    }

    pub fn handle(
        &mut self,
        input: &Input,
        cx: &mut Context<'_, ServerNote>,
        events: &mut Vec<StorageEvent>,
    ) {
        if let Some((_, _, replace)) = &mut self.writing {
            replace.handle(input, cx);
            self.next(cx, events);
        }
    }

    fn next(&mut self, cx: &mut Context<'_, ServerNote>, events: &mut Vec<StorageEvent>) {
        loop {
            match &self.writing {
                None => match self.waiting.pop_front() {
                    None => return,
                    Some((which, epoch)) => {
                        let mut replace = self.replacement(which, epoch);
                        replace.advance(cx);
                        self.writing = Some((which, epoch, replace));
                    }
                },
                Some((which, epoch, replace)) => {
                    let (which, epoch) = (*which, *epoch);
                    match replace.stage() {
                        Stage::Done => tell(which, epoch, cx, events),
                        Stage::Failed(error) => {
                            // What was to follow is no longer wanted in this order.
                            self.waiting.clear();
                            let what = "writing an epoch file";
                            cx.note(ServerNote::DiskFailed(what));
                            events.push(StorageEvent::Failed { what, error });
                        }
                        _ => return,
                    }
                    self.writing = None;
                }
            }
        }
    }

    fn replacement(&self, which: Which, epoch: Epoch) -> Replace {
        let path = match which {
            Which::Accepted => self.places.accepted_epoch(),
            Which::Current => self.places.current_epoch(),
        };
        Replace::new(path, epoch.to_string(), self.sync_directory)
    }
}

fn tell(
    which: Which,
    epoch: Epoch,
    cx: &mut Context<'_, ServerNote>,
    events: &mut Vec<StorageEvent>,
) {
    match which {
        Which::Accepted => {
            cx.note(ServerNote::EpochAccepted { epoch });
            events.push(StorageEvent::EpochAccepted { epoch });
        }
        Which::Current => {
            cx.note(ServerNote::EpochCurrent { epoch });
            events.push(StorageEvent::EpochCurrent { epoch });
        }
    }
}

/// The number in an epoch file; `None` if there is no such file.
pub(super) fn read(path: &str, cx: &mut Context<'_, ServerNote>) -> Result<Option<Epoch>, Pause> {
    let bytes = match cx.disk().read(path, 0, LONGEST) {
        Err(DiskError::NotFound) => return Ok(None),
        answer => answer.or_pause("reading an epoch file")?,
    };
    let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
    let epoch = number.ok_or_else(|| Pause::unreadable(format!("{path} is not a number")))?;
    Ok(Some(Epoch(epoch)))
}
