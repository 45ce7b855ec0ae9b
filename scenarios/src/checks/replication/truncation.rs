//! KR-9: A replica that is in sync never cuts off what is committed, unless an exception excuses that very record.
//!
//! To break it: truncate to the local high watermark, which is always a little behind (KAFKA-1211).

use broker::id::Offset;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{At, Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Truncation;

impl Check for Truncation {
    fn id(&self) -> &'static str {
        "KR-9"
    }

    fn property(&self) -> &'static str {
        "Replicas in sync never cut off what is committed."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Truncated])
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
            if let Event::Truncated { at, to, was } = event {
                found.extend(cuts(*at, *was, *to, scene));
            }
        }
    }
}

fn cuts(at: At, was: Offset, to: Offset, scene: &Scene) -> Option<String> {
    let partition = scene.kafka.partition(at.partition);
    let committed = &partition.committed;
    let end = committed.end();
    let lossy = partition.replica(at.broker)?.lossy.is_some();
    if to >= end || to >= was || !partition.isr.contains(&at.broker) || lossy {
        return None;
    }
    let cut = committed.from_place(committed.place_of(to)).iter();
    let cut = cut.take_while(|batch| batch.base < was);
    let forgiven = scene.kafka.is_shaken || cut.clone().all(|one| partition.excuse(one).is_some());
    (!forgiven).then(|| {
        let who = scene.kafka.words(at);
        format!("{who} is in sync, and truncates from {was} to {to}: {end} is committed")
    })
}
