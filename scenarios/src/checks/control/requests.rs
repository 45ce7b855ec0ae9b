//! CT-1: The requests of one controller epoch come from one broker, and whoever obeys them obeys that one.
//!
//! Two controllers that cannot be told apart give contradicting orders, and followers of both are split. To break it: let a new
//! controller take the number of the last one. That nobody obeys an older number than before is KR-11.

use std::collections::BTreeMap;

use broker::id::{BrokerId, ControllerEpoch};

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{BrokerKey, Event, Kind};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Requests {
    /// By controller epoch: who speaks in its name.
    speakers: BTreeMap<ControllerEpoch, BrokerKey>,
}

impl Check for Requests {
    fn id(&self) -> &'static str {
        "CT-1"
    }

    fn property(&self) -> &'static str {
        "One broker speaks in the name of a controller epoch."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::ControlSent, Kind::ControlApplied])
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
            match event {
                Event::ControlSent { by, epoch, what, .. } => {
                    let first = *self.speakers.entry(*epoch).or_insert(*by);
                    if first != *by {
                        let name = |key| &scene.kafka.broker(key).name;
                        let (me, other) = (name(*by), name(first));
                        found.push(format!(
                            "{me} sends {what} as controller of epoch {epoch}, as {other} did"
                        ));
                    }
                }
                Event::ControlApplied { by, from, epoch, what, .. } => {
                    let speaker = self.speakers.get(epoch).map(|key| scene.kafka.broker(*key));
                    let id = speaker.map_or(BrokerId::NONE, |speaker| speaker.id);
                    if id != *from && id.is_some() {
                        let me = &scene.kafka.broker(*by).name;
                        found.push(format!(
                            "{me} obeys {what} of controller {from}, epoch {epoch}, which is that \
                             of broker {id}"
                        ));
                    }
                }
                _ => {}
            }
        }
    }
}
