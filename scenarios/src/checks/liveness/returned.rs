//! LV-3: A broker that is back is registered, and leads or follows every partition it has, within a bound.
//!
//! A broker that runs and is not registered looks well to whoever looks at processes, and replicates nothing (KAFKA-7165,
//! KAFKA-9839). To break it: let it forget the request that came before it knew its own registration.
//!
//! The bound: the session time-out of its former life, the failover of the controller, one time-out between brokers, and 10 s to
//! read logs.

use machine::Duration;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::{Moment, Outside, Scene};

use super::peace::{Peace, Since, lasting};
use crate::scene::kafka::Role;

/// For reading logs.
const READS: Duration = Duration::from_secs(10);

/// The check.
#[derive(Debug, Default)]
pub struct Returned {
    peace: Peace,
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
        let bound = bounds.failover() + bounds.session_timeout + bounds.socket_timeout + READS;
        for (index, broker) in scene.kafka.brokers.iter().enumerate() {
            let peace = self.peace.of(broker.node, scene);
            let long = peace.is_some_and(|peace| peace >= bound);
            let absent = !scene.kafka.is_registered(broker.node);
            if self.since.holds((index, usize::MAX), absent, bound, long, scene.now) {
                let name = &broker.name;
                found.push(format!("{name} is well, and has not been registered for {bound}"));
            }
            let controlled = long && self.peace.has_controller(bound, scene);
            for (place, partition) in lasting(&scene.kafka) {
                let has = partition.assigned.contains(&broker.id);
                let role = partition.replicas.get(index).map(|replica| replica.role);
                let idle = role.is_none_or(|role| role == Role::None);
                let left_out = has && idle;
                let led = || self.peace.leader(partition, bound, scene).is_some();
                let judged = left_out && controlled && led();
                if self.since.holds((index, place), left_out, bound, judged, scene.now) {
                    let (who, name) = (&broker.name, &partition.name);
                    found.push(format!("{who} neither leads nor follows {name} after {bound}"));
                }
            }
        }
    }
}
