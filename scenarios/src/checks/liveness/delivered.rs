//! LV-2: A batch that was sent is acknowledged or refused for good within a bound, where all replicas of its partition are well.
//!
//! To break it: lose a response, or forget to refresh the metadata.
//!
//! The bound: what a failover may take, one time-out between brokers, one of the producer's own request, and 10 s; counted from
//! when the batch was first sent, or the producer could reach all replicas, whichever is later.

use broker::id::BrokerId;
use machine::Duration;

use crate::checks::{Check, Look, Peace, Wants};
use crate::scene::{Outside, Scene};

use super::since::{InOrder, Pair, Since};

/// A producer's `request.timeout.ms`, and some time to find the leader.
const REQUEST: Duration = Duration::from_secs(40);

/// The check.
#[derive(Debug, Default)]
pub struct Delivered {
    since: Since,
    in_order: InOrder,
}

impl Check for Delivered {
    fn id(&self) -> &'static str {
        "LV-2"
    }

    fn property(&self) -> &'static str {
        "What was sent is answered within a bound."
    }

    fn wants(&self) -> Wants {
        Wants::Nothing
    }

    fn keeps_time(&self) -> bool {
        true
    }

    fn pass(&mut self, look: &Look<'_>, found: &mut Vec<String>) {
        let Look { scene, outside, peace, .. } = *look;
        let bounds = &scene.kafka.bounds;
        let bound = bounds.failover() + bounds.socket_timeout + REQUEST;
        self.in_order.look(scene.now, pairs(peace, scene, outside));
        for (place, client) in scene.kafka.clients.iter().enumerate() {
            let stuck = client.waiting.values().any(|batch| {
                let partition = scene.kafka.partition(batch.partition);
                let well = |id: &BrokerId| {
                    let key = scene.kafka.by_id(*id);
                    let peace = key.and_then(|key| peace.of_broker(key, scene));
                    peace.is_some_and(|peace| peace >= bound)
                };
                let pair = (place, batch.partition.index(), 0);
                let waited =
                    batch.first_sent.and_then(|sent| self.in_order.waited(pair, sent, scene.now));
                waited.is_some_and(|waited| waited >= bound) && partition.assigned.iter().all(well)
            });
            if stuck && self.since.holds((place, 0), Duration::ZERO, true, scene.now) {
                let name = &client.name;
                found.push(format!("{name} has a batch that nobody has answered for {bound}"));
            }
        }
        self.since.end_look(scene.now);
    }
}

/// Producers that reach all replicas of a partition that they wait for.
fn pairs(peace: &Peace, scene: &Scene, outside: &dyn Outside) -> impl Iterator<Item = Pair> {
    scene.kafka.clients.iter().enumerate().flat_map(move |(place, client)| {
        let reached = move |id: &BrokerId| {
            let key = scene.kafka.by_id(*id);
            key.is_some_and(|key| {
                let (one, other) = (client.node, scene.kafka.broker(key).node);
                peace.of_broker(key, scene).is_some()
                    && outside.reaches_well(one, other)
                    && outside.reaches_well(other, one)
            })
        };
        let waits = client.waiting.values().filter(|_| outside.is_well(client.node));
        waits.filter_map(move |batch| {
            let partition = scene.kafka.partition(batch.partition);
            let in_order = partition.state.is_some() && partition.assigned.iter().all(reached);
            in_order.then_some((place, batch.partition.index(), 0))
        })
    })
}
