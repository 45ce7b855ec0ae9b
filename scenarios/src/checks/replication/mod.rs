//! What replicas of a partition promise each other and the producers (KR-1 … KR-11), judged by their own words and ZooKeeper's.
//!
//! Not here: what is on disks (`storage`), who decides (`control`), what clients see (`records`).

mod acks_one;
mod completeness;
mod epochs;
mod fencing;
mod in_sync;
mod isr;
mod matching;
mod one_leader;
mod same_batch;
mod state;
mod truncation;
mod watermark;

use std::collections::BTreeMap;
use std::sync::Arc;

use machine::Instant;

use super::{Check, Excused};
use crate::scene::kafka::{Excuse, Loss};

/// The checks of this folder, in the order of their ids.
pub fn all() -> Vec<Box<dyn Check>> {
    vec![
        Box::<completeness::Completeness>::default(),
        Box::<acks_one::AcksOne>::default(),
        Box::<matching::Matching>::default(),
        Box::<same_batch::SameBatch>::default(),
        Box::<in_sync::InSync>::default(),
        Box::<in_sync::InSyncAsCached>::default(),
        Box::<state::InIsr>::default(),
        Box::<one_leader::OneLeader>::default(),
        Box::<epochs::Epochs>::default(),
        Box::<watermark::Watermark>::default(),
        Box::<truncation::Truncation>::default(),
        Box::<isr::Maximal>::default(),
        Box::<fencing::Fencing>::default(),
    ]
}

/// Excused losses, counted by topic and excuse.
#[derive(Debug, Default)]
struct Losses(BTreeMap<(Arc<str>, Excuse), (u64, Instant)>);

impl Losses {
    fn add(&mut self, loss: &Loss, by: Excuse, records: u64) {
        let (so_far, _) = self.0.entry((loss.topic.clone(), by)).or_insert((0, loss.at));
        *so_far += records;
    }

    fn take(&mut self, what: &str) -> Vec<Excused> {
        let losses = std::mem::take(&mut self.0).into_iter();
        let excused = losses.map(|((topic, by), (records, at))| {
            let (id, why) = (by.id(), by.words());
            let what = format!("{records} records of {topic} {what} ({id}: {why})");
            Excused { topic, by, records, at, what }
        });
        excused.collect()
    }
}

#[cfg(test)]
mod tests;
