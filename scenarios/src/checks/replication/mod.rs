//! What replicas of a partition promise each other and the producers (KR-1 … KR-11), judged by their own words and ZooKeeper's.
//!
//! Not here: what is on disks (`storage`), who decides (`control`), what clients see (`records`).

mod acks_one;
mod completeness;
mod one_leader;
mod same_batch;
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
        Box::<same_batch::SameBatch>::default(),
        Box::<one_leader::OneLeader>::default(),
        Box::<watermark::Watermark>::default(),
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
