//! LV-1: Where ZooKeeper serves and a replica in sync lives, a partition has a leader within a bound.
//!
//! A partition without a leader serves nobody. To break it: let an election for one partition stop all others.
//!
//! Not judged while the controller, or whoever is elected, lives but is cut off from some of the others.
//!
//! The bound: the session time-out of the broker that is gone, two ticks for ZooKeeper to see it, one time-out of a request
//! between brokers, as the first one may go to a connection that died with a network, and 5 s for the rest.

use broker::id::BrokerId;

use crate::checks::{Check, Look, Wants};

use super::since::Since;
use crate::scene::kafka::BrokerKey;

/// The check.
#[derive(Debug, Default)]
pub struct LedPartitions {
    since: Since,
}

impl Check for LedPartitions {
    fn id(&self) -> &'static str {
        "LV-1"
    }

    fn property(&self) -> &'static str {
        "A partition with a living replica in sync has a leader within a bound."
    }

    fn wants(&self) -> Wants {
        Wants::Nothing
    }

    fn keeps_time(&self) -> bool {
        true
    }

    fn pass(&mut self, look: &Look<'_>, found: &mut Vec<String>) {
        let Look { scene, outside, peace, suspects } = *look;
        let bounds = &scene.kafka.bounds;
        let bound = bounds.failover() + bounds.socket_timeout;
        for (place, partition) in suspects.of(&scene.kafka) {
            let at_peace =
                |key: BrokerKey| peace.of_broker(key, scene).is_some_and(|peace| peace > bound);
            let usable = |id: BrokerId| {
                let key = scene.kafka.by_id(id);
                key.is_none_or(|key| at_peace(key) || !outside.is_up(scene.kafka.broker(key).node))
            };
            let elected = partition.state.as_ref().map_or(BrokerId::NONE, |state| state.leader);
            let decides = || scene.kafka.controller().is_none_or(usable) && usable(elected);
            let could = || decides() && partition.isr.iter().any(|member| at_peace(*member));
            let leader = partition.legit.map(|leader| scene.kafka.broker(leader));
            let is_led =
                leader.is_some_and(|leader| leader.is_serving && outside.is_up(leader.node));
            let judged = !is_led && could();
            if !is_led && self.since.holds((place, 0), bound, judged, scene.now) {
                let name = &partition.name;
                found.push(format!(
                    "{name} has had no leader for {bound}, and a replica in sync was well all along"
                ));
            }
        }
        self.since.end_look(scene.now);
    }
}
