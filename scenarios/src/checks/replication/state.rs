//! KR-5: In ZooKeeper a partition's leader is in its ISR, the ISR is never empty, and only assigned replicas are in it.
//!
//! Everything else about elections rests on that. To break it: remove the last replica from the ISR, or elect somebody else.

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct InIsr;

impl Check for InIsr {
    fn id(&self) -> &'static str {
        "KR-5"
    }

    fn property(&self) -> &'static str {
        "The leader is in the ISR, and the ISR among the assigned replicas."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::State])
    }

    fn see(
        &mut self,
        _moment: &Moment,
        _said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        for event in &scene.kafka.events {
            let Event::State { partition, now, .. } = event else { continue };
            let partition = scene.kafka.partition(*partition);
            let (name, isr, leader) = (&partition.name, &now.isr, now.leader);
            if isr.is_empty() {
                found.push(format!("{name} has an empty ISR"));
            } else if leader.is_some() && !isr.contains(&leader) {
                found.push(format!("{name} is led by broker {leader}, which is not in the ISR"));
            }
            let assigned = &partition.assigned;
            if let Some(stranger) = isr.iter().find(|member| !assigned.contains(member))
                && !assigned.is_empty()
            {
                found.push(format!("{name} has broker {stranger} in its ISR, which is no replica"));
            }
        }
    }
}
