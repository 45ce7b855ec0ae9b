//! LV-5: Where the leader and everybody in its ISR are well, and enough of them, a produce request is answered at once.
//!
//! It is what a broker does all day. Up to 2.6 a change of the ISR that waits for ZooKeeper stops it, which is why ZooKeeper must
//! serve here. To break it: forget a waiting request.
//!
//! The bound: the longest wait of a follower's fetch, and 5 s; counted from when the request was sent, or all of that is so,
//! whichever is later.

use machine::Duration;

use crate::checks::{Check, Look, Peace, Wants};
use crate::scene::{Outside, Scene};

use super::since::{InOrder, Pair, Since};
use crate::scene::kafka::BrokerKey;

/// For what is not counted.
const SLACK: Duration = Duration::from_secs(5);

/// The check.
#[derive(Debug, Default)]
pub struct Served {
    since: Since,
    in_order: InOrder,
}

impl Check for Served {
    fn id(&self) -> &'static str {
        "LV-5"
    }

    fn property(&self) -> &'static str {
        "A leader with enough replicas in sync answers."
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
        let bound = bounds.replica_fetch_wait_max + SLACK;
        self.in_order.look(scene.now, pairs(peace, scene, outside));
        for (place, client) in scene.kafka.clients.iter().enumerate() {
            let stuck = client.waiting.values().any(|batch| {
                let Some((sent, to)) = batch.sent else { return false };
                let Some(leader) = scene.kafka.by_id(to) else { return false };
                let pair = (place, batch.partition.index(), leader.index());
                let waited = self.in_order.waited(pair, sent, scene.now);
                waited.is_some_and(|waited| waited >= bound)
            });
            if stuck && self.since.holds((place, 0), Duration::ZERO, true, scene.now) {
                let name = &client.name;
                found.push(format!("{name} waits for the answer of a leader that lacks nothing"));
            }
        }
        self.since.end_look(scene.now);
    }
}

/// Producers that wait for a partition with leaders that they reach, who lack nothing.
fn pairs(peace: &Peace, scene: &Scene, outside: &dyn Outside) -> impl Iterator<Item = Pair> {
    let calm = scene.kafka.bounds.failover() + scene.kafka.bounds.socket_timeout;
    scene.kafka.clients.iter().enumerate().flat_map(move |(place, client)| {
        let waits = client.waiting.values().filter(|_| outside.is_well(client.node));
        waits.filter_map(move |batch| {
            let partition = scene.kafka.partition(batch.partition);
            let (leader, replica) = peace.leader(partition, calm, scene)?;
            let node = scene.kafka.broker(leader).node;
            let in_peace = |member: &BrokerKey| {
                peace.of_broker(*member, scene).is_some_and(|peace| peace > calm)
            };
            let in_order = !replica.frozen
                && partition.isr.iter().all(in_peace)
                && partition.isr.len() >= scene.kafka.min_insync_replicas(&partition.name.topic)
                && outside.reaches_well(client.node, node)
                && outside.reaches_well(node, client.node);
            in_order.then_some((place, batch.partition.index(), leader.index()))
        })
    })
}
