//! LV-3: A broker that is back is registered, and leads or follows every partition it has, within a bound.
//!
//! A broker that runs and is not registered looks well to whoever looks at processes, and replicates nothing (KAFKA-7165,
//! KAFKA-9839). To break it: let it forget the request that came before it knew its own registration.
//!
//! The bound: the session time-out of its former life, the failover of the controller, one time-out between brokers, and 10 s to
//! read logs.

use machine::Duration;

use crate::checks::{Check, Look, Wants};

use super::since::Since;
use crate::scene::kafka::Role;

/// For reading logs.
const READS: Duration = Duration::from_secs(10);

/// The check.
#[derive(Debug, Default)]
pub struct Returned {
    since: Since,
}

impl Check for Returned {
    fn id(&self) -> &'static str {
        "LV-3"
    }

    fn property(&self) -> &'static str {
        "A broker that is back takes part again within a bound."
    }

    fn wants(&self) -> Wants {
        Wants::Nothing
    }

    fn keeps_time(&self) -> bool {
        true
    }

    fn pass(&mut self, look: &Look<'_>, found: &mut Vec<String>) {
        let Look { scene, peace, suspects, .. } = *look;
        let bounds = &scene.kafka.bounds;
        let bound = bounds.failover() + bounds.session_timeout + bounds.socket_timeout + READS;
        for (index, broker) in scene.kafka.brokers.iter().enumerate() {
            let long = peace.of(broker.node, scene).is_some_and(|long| long >= bound);
            let absent = !scene.kafka.is_registered(broker.node);
            if absent && self.since.holds((index, usize::MAX), bound, long, scene.now) {
                let name = &broker.name;
                found.push(format!("{name} is well, and has not been registered for {bound}"));
            }
            let controlled = long && peace.has_controller(bound, scene);
            for (place, partition) in suspects.of(&scene.kafka) {
                let has = partition.assigned.contains(&broker.id);
                let role = partition.replicas.get(index).map(|replica| replica.role);
                let idle = role.is_none_or(|role| role == Role::None);
                let left_out = has && idle;
                let led = || peace.leader(partition, bound, scene).is_some();
                let judged = left_out && controlled && led();
                if left_out && self.since.holds((index, place), bound, judged, scene.now) {
                    let (who, name) = (&broker.name, &partition.name);
                    found.push(format!("{who} neither leads nor follows {name} after {bound}"));
                }
            }
        }
        self.since.end_look(scene.now);
    }
}
