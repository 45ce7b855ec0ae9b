//! LV-4: A follower that has everything that is committed is let into the ISR within a bound; one that is dead leaves it.
//!
//! An ISR that does not grow again is one failure away from standing still (KAFKA-1382, KAFKA-2729), and one with a dead member
//! stands still already: nothing is acknowledged with acks=all. To break it: go on with a version of the state that ZooKeeper no
//! longer has.
//!
//! The bounds: one time-out between brokers, two fetches and 10 s to come back; the session time-out, two ticks, one time-out
//! between brokers and 5 s to leave.

use machine::Duration;

use crate::checks::{Check, Look, Wants};

use super::since::Since;
use crate::scene::kafka::Role;

/// For what is not counted.
const SLACK: Duration = Duration::from_secs(10);

/// The check.
#[derive(Debug, Default)]
pub struct Rejoined {
    since: Since,
}

impl Check for Rejoined {
    fn id(&self) -> &'static str {
        "LV-4"
    }

    fn property(&self) -> &'static str {
        "The ISR takes in who has caught up and lets go who is dead."
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
        let back = bounds.socket_timeout + bounds.replica_fetch_wait_max.times(2) + SLACK;
        let gone = bounds.failover() + bounds.socket_timeout;
        let controlled = peace.has_controller(gone, scene);
        for (place, partition) in suspects.of(&scene.kafka) {
            let is_led = || peace.leader(partition, back, scene).is_some();
            for (index, replica) in partition.replicas.iter().enumerate() {
                let broker = &scene.kafka.brokers[index];
                let (who, name) = (&broker.name, &partition.name);
                let inside = partition.isr.iter().any(|member| member.index() == index);
                let caught_up = || {
                    partition.leader().is_some_and(|leader| {
                        matches!(replica.role, Role::Following(_))
                            && replica.epoch == leader.epoch
                            && replica.log.end() >= leader.high_watermark
                            && partition.assigned.contains(&broker.id)
                    })
                };
                let waits = !inside && caught_up();
                let long = || peace.of(broker.node, scene).is_some_and(|long| long > back);
                let judged = waits && is_led() && long();
                if waits && self.since.holds((place, 2 * index), back, judged, scene.now) {
                    found
                        .push(format!("{who} has caught up with {name}, and stays out of the ISR"));
                }
                let dead = inside && !outside.is_up(broker.node) && partition.isr.len() > 1;
                let judged = dead && controlled && peace.unbroken(scene) > gone;
                if dead && self.since.holds((place, 2 * index + 1), gone, judged, scene.now) {
                    found.push(format!("{who} is dead, and still in the ISR of {name}"));
                }
            }
        }
        self.since.end_look(scene.now);
    }
}
