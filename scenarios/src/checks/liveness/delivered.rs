//! LV-2: A batch that was sent is acknowledged or refused for good within a bound, where all replicas of its partition are well.
//!
//! To break it: lose a response, or forget to refresh the metadata.
//!
//! The bound: what a failover may take, one time-out of the producer's own request, and 10 s.

use machine::Duration;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::{Moment, Outside, Scene};

use super::peace::{LOOK, Peace, Since};

/// A producer's `request.timeout.ms`, and some time to find the leader.
const REQUEST: Duration = Duration::from_secs(40);

/// The check.
#[derive(Debug, Default)]
pub struct Delivered {
    peace: Peace,
    since: Since,
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
        let bound = bounds.failover() + bounds.socket_timeout + REQUEST;
        for (place, client) in scene.kafka.clients.iter().enumerate() {
            let waits = client.waiting.values().find(|batch| batch.attempts > 0);
            let stuck = waits.is_some_and(|batch| {
                let partition = scene.kafka.partition(batch.partition);
                let long = batch.first_sent.is_some_and(|sent| scene.now.since(sent) > bound);
                let well = |id: &broker::id::BrokerId| {
                    let key = scene.kafka.by_id(*id);
                    let peace = key.and_then(|key| self.peace.of_broker(key, scene));
                    let connected = key.is_some_and(|key| {
                        let (one, other) = (client.node, scene.kafka.broker(key).node);
                        outside.reaches_well(one, other) && outside.reaches_well(other, one)
                    });
                    connected && peace.is_some_and(|peace| peace > bound)
                };
                long && partition.state.is_some()
                    && outside.is_well(client.node)
                    && partition.assigned.iter().all(well)
            });
            if self.since.holds((place, 0), stuck, LOOK, true, scene.now) {
                let name = &client.name;
                found.push(format!("{name} has a batch that nobody has answered for long"));
            }
        }
    }
}
