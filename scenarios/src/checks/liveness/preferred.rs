//! LV-7: Leadership goes back to preferred replicas that are in sync, where more than a tenth of a broker's have left it.
//!
//! After a rolling restart the broker that was last leads nothing, and the first everything. To break it: switch the rebalance
//! off without saying so.
//!
//! The bound: one interval between two looks of the controller, and 15 s.

use machine::Duration;

use crate::checks::{Check, Look, Wants};
use crate::scene::kafka::Partition;

use super::since::Since;

/// For what is not counted.
const SLACK: Duration = Duration::from_secs(15);

/// The check.
#[derive(Debug, Default)]
pub struct Preferred {
    since: Since,
}

impl Check for Preferred {
    fn id(&self) -> &'static str {
        "LV-7"
    }

    fn property(&self) -> &'static str {
        "Preferred leaders lead again after the next look of the controller."
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
        let Some(interval) = bounds.rebalance_every else { return };
        let bound = interval + SLACK;
        let controlled = peace.has_controller(bound, scene);
        for (index, broker) in scene.kafka.brokers.iter().enumerate() {
            let prefers = |one: &&Partition| one.assigned.first() == Some(&broker.id);
            let states = suspects.of(&scene.kafka).map(|(_, one)| one).filter(prefers);
            let states = states.filter_map(|partition| partition.state.as_deref());
            let (mut away, mut could) = (0, false);
            for state in states.filter(|state| state.leader != broker.id) {
                away += 1;
                could |= state.isr.contains(&broker.id);
            }
            if !could {
                continue;
            }
            let all = scene.kafka.lasting().map(|(_, one)| one).filter(prefers).count();
            let unbalanced = away * 100 > all * bounds.imbalance_percentage as usize;
            let long = peace.of(broker.node, scene).is_some_and(|long| long > bound);
            let judged = controlled && long;
            if unbalanced && self.since.holds((index, 0), bound, judged, scene.now) {
                let name = &broker.name;
                found.push(format!(
                    "{name} is the preferred leader of {all} partitions and leads {} of them after \
                     {bound}",
                    all - away
                ));
            }
        }
        self.since.end_look(scene.now);
    }
}
