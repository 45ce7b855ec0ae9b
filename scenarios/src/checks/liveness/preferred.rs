//! LV-7: Leadership goes back to preferred replicas that are in sync, where more than a tenth of a broker's have left it.
//!
//! After a rolling restart the broker that was last leads nothing, and the first everything. To break it: switch the rebalance
//! off without saying so.
//!
//! The bound: one interval between two looks of the controller, and 15 s.

use machine::Duration;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::{Moment, Outside, Scene};

use super::peace::{Peace, Since, lasting};

/// For what is not counted.
const SLACK: Duration = Duration::from_secs(15);

/// The check.
#[derive(Debug, Default)]
pub struct Preferred {
    peace: Peace,
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
        let Some(interval) = bounds.rebalance_every else { return };
        let bound = interval + SLACK;
        let controlled = self.peace.has_controller(bound, scene);
        for (index, broker) in scene.kafka.brokers.iter().enumerate() {
            let (mut all, mut away, mut could) = (0_u32, 0_u32, 0_u32);
            for (_, partition) in lasting(&scene.kafka) {
                let Some(state) = &partition.state else { continue };
                if partition.assigned.first() != Some(&broker.id) {
                    continue;
                }
                all += 1;
                if state.leader != broker.id {
                    away += 1;
                    could += u32::from(state.isr.contains(&broker.id));
                }
            }
            let peace = self.peace.of(broker.node, scene).is_some_and(|peace| peace > bound);
            let unbalanced = u64::from(away) * 100 > u64::from(all * bounds.imbalance_percentage);
            let (waits, judged) = (unbalanced && could > 0, controlled && peace);
            if self.since.holds((index, 0), waits, bound, judged, scene.now) {
                let name = &broker.name;
                found.push(format!(
                    "{name} is the preferred leader of {all} partitions and leads {} of them after \
                     {bound}",
                    all - away
                ));
            }
        }
    }
}
