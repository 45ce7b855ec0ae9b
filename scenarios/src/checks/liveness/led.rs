//! LV-1: Where ZooKeeper serves and a replica in sync lives, a partition has a leader within a bound.
//!
//! A partition without a leader serves nobody. To break it: let an election for one partition stop all others.
//!
//! The bound: the session time-out of the broker that is gone, two ticks for ZooKeeper to see it, one time-out of a request
//! between brokers, as the first one may go to a connection that died with a network, and 5 s for the rest.

use crate::cast::Said;
use crate::checks::Check;
use crate::scene::{Moment, Outside, Scene};

use super::peace::{Peace, Since, lasting};

/// The check.
#[derive(Debug, Default)]
pub struct LedPartitions {
    peace: Peace,
    since: Since,
}

impl Check for LedPartitions {
    fn id(&self) -> &'static str {
        "LV-1"
    }

    fn property(&self) -> &'static str {
        "A partition with a living replica in sync has a leader within a bound."
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
        let bound = bounds.failover() + bounds.socket_timeout;
        for (place, partition) in lasting(&scene.kafka) {
            let could = partition.isr.iter().any(|member| {
                self.peace.of_broker(*member, scene).is_some_and(|peace| peace > bound)
            });
            let is_led = partition.legit.is_some_and(|leader| {
                let serves = scene.kafka.broker(leader).is_serving;
                serves && self.peace.of_broker(leader, scene).is_some()
            });
            let long = self.since.holds((place, 0), !is_led, bound, scene.now);
            if long && could {
                let name = &partition.name;
                found.push(format!(
                    "{name} has had no leader for {bound}, and a replica in sync was well all along"
                ));
            }
        }
    }
}
