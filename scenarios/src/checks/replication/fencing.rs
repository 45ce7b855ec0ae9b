//! KR-11: A partition's epochs never go back, in ZooKeeper as on brokers, and no broker obeys an older controller, or a request
//! that was meant for its former registration.
//!
//! Orders come late, twice, or from somebody who is no longer in charge; epochs are how they are told apart. To break it: obey
//! whoever asks.

use std::collections::BTreeMap;

use broker::id::{BrokerEpoch, BrokerId, ControllerEpoch};
use machine::Instant;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{At, Event, Kind, Reign};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Fencing {
    /// When a controller of this epoch last sent something to this broker.
    sent: BTreeMap<(ControllerEpoch, BrokerId), Instant>,
}

impl Check for Fencing {
    fn id(&self) -> &'static str {
        "KR-11"
    }

    fn property(&self) -> &'static str {
        "Epochs never go back, and nobody obeys what is out of date."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[
            Kind::Leads,
            Kind::Follows,
            Kind::ControlSent,
            Kind::ControlApplied,
            Kind::State,
        ])
    }

    fn see(
        &mut self,
        moment: &Moment,
        _said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        for event in &scene.kafka.events {
            match event {
                Event::State { partition, was: Some(was), now } => {
                    let name = &scene.kafka.partition(*partition).name;
                    let (old, new) = (was.epoch, now.epoch);
                    if new < old {
                        found.push(format!("{name} goes from epoch {old} back to {new}"));
                    }
                    let (old, new) = (was.controller_epoch, now.controller_epoch);
                    if new < old {
                        found
                            .push(format!("{name} goes from controller epoch {old} back to {new}"));
                    }
                }
                Event::Leads(at, reign) | Event::Follows(at, reign) => {
                    found.extend(goes_back(*at, reign, scene));
                }
                Event::ControlSent { epoch, to, .. } => {
                    self.sent.insert((*epoch, *to), moment.at);
                }
                Event::ControlApplied { .. } => found.extend(self.obeys(event, scene)),
                _ => {}
            }
        }
    }
}

impl Fencing {
    /// What was wrong about obeying. Only what was sent when the broker knew better already: an order may take a while.
    fn obeys(&self, event: &Event, scene: &Scene) -> Option<String> {
        let Event::ControlApplied { by, from, epoch, seen, broker_epoch, what } = event else {
            return None;
        };
        let broker = scene.kafka.broker(*by);
        let (sent, name) = (*self.sent.get(&(*epoch, broker.id))?, &broker.name);
        if epoch < seen && sent > broker.seen_controller_at {
            return Some(format!(
                "{name} obeys {what} of controller {from}, epoch {epoch}, and had obeyed epoch \
                 {seen} before"
            ));
        }
        let mine = broker.registered?;
        let stale = *broker_epoch != BrokerEpoch::UNKNOWN && *broker_epoch < mine;
        (stale && sent > broker.registered_at).then(|| {
            format!("{name} obeys {what} for its registration {broker_epoch}, and has {mine} now")
        })
    }
}

fn goes_back(at: At, reign: &Reign, scene: &Scene) -> Option<String> {
    let (epoch, was) = (reign.epoch, reign.was);
    (epoch < was).then(|| {
        let who = scene.kafka.words(at);
        format!("{who} goes from epoch {was} back to {epoch}")
    })
}
