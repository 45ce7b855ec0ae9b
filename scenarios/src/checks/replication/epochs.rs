//! KR-7: Along a log the epochs of batches never decrease, and the epoch cache says where each of them begins.
//!
//! Followers find out by it what to cut off: a cache that is wrong makes them keep what nobody else has, or cut what is
//! committed. To break it: append what a deposed leader sent late.
//!
//! Forgiven: an epoch that a damaged disk has changed. No checksum covers it, and whoever fetches the batch has it, too.

use broker::id::LeaderEpoch;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{At, Event, Kind, Opened, Rough};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Epochs;

impl Check for Epochs {
    fn id(&self) -> &'static str {
        "KR-7"
    }

    fn property(&self) -> &'static str {
        "Epochs ascend along a log, and the epoch cache says where they begin."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Opened, Kind::Appended])
    }

    fn see(
        &mut self,
        _moment: &Moment,
        _said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        for event in &scene.kafka.events {
            match event {
                Event::Appended { at, .. } => found.extend(descends(*at, scene)),
                Event::Opened(at, opened) => found.extend(cache(*at, opened, scene)),
                _ => {}
            }
        }
    }
}

/// The last batch of a log has an older epoch than the one before it.
fn descends(at: At, scene: &Scene) -> Option<String> {
    let replica = scene.kafka.partition(at.partition).replica(at.broker)?;
    let before = replica.log.get(replica.log.len().checked_sub(2)?)?;
    let last = replica.log.last()?;
    let (now, was, base) = (last.epoch, before.epoch, last.base);
    let misdated = |batch| scene.kafka.is_misdated(at.partition, batch);
    let descends = now < was && now != LeaderEpoch::UNKNOWN;
    (descends && !misdated(last) && !misdated(before)).then(|| {
        let who = scene.kafka.words(at);
        format!("{who} appends a batch of epoch {now} at {base}, behind one of epoch {was}")
    })
}

fn cache(at: At, opened: &Opened, scene: &Scene) -> Option<String> {
    let entries = &opened.found.epochs;
    let ascends = entries.is_sorted_by(|one, next| one.0 < next.0 && one.1 < next.1);
    let mut runs = opened.epochs.iter().enumerate();
    let missing = runs.find(|(index, (epoch, start))| {
        let entry = entries.iter().find(|(cached, _)| cached == epoch);
        !entry.is_some_and(|(_, begins)| begins == start || *index == 0)
    });
    if (ascends && missing.is_none()) || opened.rough > Rough::PowerLost {
        return None;
    }
    let log = &scene.kafka.partition(at.partition).replica(at.broker)?.log;
    if log.from_place(0).iter().any(|batch| scene.kafka.is_misdated(at.partition, batch)) {
        return None;
    }
    let who = scene.kafka.words(at);
    match missing {
        _ if !ascends => Some(format!("{who}: the epoch cache does not ascend: {entries:?}")),
        Some((_, (epoch, start))) => Some(format!(
            "{who}: epoch {epoch} begins at {start}, but the epoch cache says {entries:?}"
        )),
        None => None,
    }
}
