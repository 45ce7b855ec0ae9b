//! LV-5: Where the leader and everybody in its ISR are well, and enough of them, a produce request is answered at once.
//!
//! It is what a broker does all day. Up to 2.6 a change of the ISR that waits for ZooKeeper stops it, which is why ZooKeeper must
//! serve here. To break it: forget a waiting request.
//!
//! The bound: the longest wait of a follower's fetch, and 5 s.

use machine::Duration;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::{Moment, Outside, Scene};

use super::peace::{LOOK, Peace, Since};
use crate::scene::kafka::BrokerKey;

/// For what is not counted.
const SLACK: Duration = Duration::from_secs(5);

/// The check.
#[derive(Debug, Default)]
pub struct Served {
    peace: Peace,
    since: Since,
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

    fn see(
        &mut self,
        _moment: &Moment,
        _said: &Said,
        _scene: &Scene,
        _outside: &dyn Outside,
        _found: &mut Vec<String>,
    ) {
    }

    fn keeps_time(&self) -> bool {
        true
    }

    fn pass(&mut self, scene: &Scene, outside: &dyn Outside, found: &mut Vec<String>) {
        if !self.peace.look(scene, outside) {
            return;
        }
        let bounds = &scene.kafka.bounds;
        let bound = bounds.replica_fetch_wait_max + SLACK;
        let calm = bounds.failover() + bounds.socket_timeout;
        for (place, client) in scene.kafka.clients.iter().enumerate() {
            let stuck = client.waiting.values().any(|batch| {
                let Some((sent, to)) = batch.sent else { return false };
                let partition = scene.kafka.partition(batch.partition);
                let Some((leader, replica)) = self.peace.leader(partition, calm, scene) else {
                    return false;
                };
                let broker = scene.kafka.broker(leader);
                let in_peace = |member: &BrokerKey| {
                    self.peace.of_broker(*member, scene).is_some_and(|peace| peace > calm)
                };
                let reached = outside.is_well(client.node)
                    && outside.reaches_well(client.node, broker.node)
                    && outside.reaches_well(broker.node, client.node);
                scene.now.since(sent) > bound
                    && broker.id == to
                    && reached
                    && !replica.frozen
                    && partition.isr.iter().all(in_peace)
                    && partition.isr.len() >= scene.kafka.min_insync_replicas(&partition.name.topic)
            });
            if self.since.holds((place, 0), stuck, LOOK, true, scene.now) {
                let name = &client.name;
                found.push(format!("{name} waits for the answer of a leader that lacks nothing"));
            }
        }
    }
}
