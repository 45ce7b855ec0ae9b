//! Removing what is no longer needed: all but the newest snapshots, and the logs that none of those kept would replay.
//!
//! One file is removed per slice. The oldest snapshot kept is synced first: from then on, nothing before it exists. Errors end
//! the round and are not told: the next round tries again.

use std::collections::VecDeque;

use machine::Context;

use super::files::{self, Places};
use super::snapshot;
use super::work::{OrPause, Pause, Wait, gone};
use crate::id::Zxid;
use crate::note::ServerNote;

pub(super) struct Purge {
    places: Places,
    retain: usize,
    stage: Stage,
}

enum Stage {
    List,
    /// Looks for whole snapshots, the newest first: those not looked at yet, and how many were found.
    Choose(Vec<Zxid>, usize),
    Sync(Zxid),
    Remove(Zxid),
    Removing(VecDeque<String>),
}

impl Purge {
    /// A round that keeps the `retain` newest whole snapshots, at least one.
    pub fn new(places: Places, retain: u64) -> Self {
        let retain = usize::try_from(retain.max(1)).unwrap_or(usize::MAX);
        Self { places, retain, stage: Stage::List }
    }

    pub fn go(&mut self, cx: &mut Context<'_, ServerNote>) -> Result<(), Pause> {
        let what = "purging";
        loop {
            match &mut self.stage {
                Stage::List => {
                    let names = cx.disk().list(&self.places.snapshots).or_pause(what)?;
                    self.stage = Stage::Choose(files::snapshots(&names), 0);
                }
                Stage::Choose(candidates, found) => {
                    let Some(zxid) = candidates.last().copied() else { return Ok(()) };
                    let path = self.places.snapshot(zxid);
                    *found += usize::from(snapshot::length_if_whole(&path, cx)?.is_some());
                    candidates.pop();
                    if *found == self.retain {
                        self.stage = Stage::Sync(zxid);
                    }
                }
                Stage::Sync(oldest) => {
                    let oldest = *oldest;
                    self.stage = Stage::Remove(oldest);
                    let ticket = cx.disk().sync(&self.places.snapshot(oldest));
                    return Err(Pause::Wait(Wait::Sync(ticket, what)));
                }
                Stage::Remove(oldest) => {
                    let oldest = *oldest;
                    let snapshots = cx.disk().list(&self.places.snapshots).or_pause(what)?;
                    let logs = cx.disk().list(&self.places.logs).or_pause(what)?;
                    self.stage = Stage::Removing(self.older(oldest, &snapshots, &logs));
                }
                Stage::Removing(paths) => {
                    let Some(path) = paths.front() else { return Ok(()) };
                    gone(cx.disk().remove(path)).or_pause(what)?;
                    paths.pop_front();
                    return Err(Pause::SLICE);
                }
            }
        }
    }

    /// What may go. The log that begins at or before the oldest snapshot kept may reach beyond it, and stays.
    fn older(&self, oldest: Zxid, snapshots: &[String], logs: &[String]) -> VecDeque<String> {
        let snapshots = files::snapshots(snapshots);
        let snapshots = snapshots.iter().filter(|zxid| **zxid < oldest);
        let logs = files::logs(logs);
        let spanning = logs.partition_point(|first| *first <= oldest).saturating_sub(1);
        let snapshots = snapshots.map(|zxid| self.places.snapshot(*zxid));
        snapshots.chain(logs[..spanning].iter().map(|first| self.places.log(*first))).collect()
    }
}
