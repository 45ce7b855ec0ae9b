//! CT-3: Two brokers that take themselves for a partition's leader do so in different epochs, and the older one commits nothing
//! that a replica in sync has not.
//!
//! A leader that is cut off from ZooKeeper cannot know that another was elected. It is harmless only because its followers leave
//! it. To break it: let it shrink its ISR by itself.

use broker::id::Offset;

use crate::cast::Said;
use crate::checks::{Check, Wants};
use crate::scene::kafka::{At, Event, Kind, Role};
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct TwoLeaders;

impl Check for TwoLeaders {
    fn id(&self) -> &'static str {
        "CT-3"
    }

    fn property(&self) -> &'static str {
        "A leader of the past commits nothing that the ISR has not."
    }

    fn wants(&self) -> Wants {
        Wants::Kafka(&[Kind::Leads, Kind::HighWatermark])
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
                Event::Leads(at, _) => found.extend(same_epoch(*at, scene)),
                Event::HighWatermark { at, to, leads: true, .. } => {
                    found.extend(commits(*at, *to, scene));
                }
                _ => {}
            }
        }
    }
}

fn same_epoch(at: At, scene: &Scene) -> Option<String> {
    let partition = scene.kafka.partition(at.partition);
    let mine = partition.replica(at.broker)?.epoch;
    let mut replicas = partition.replicas.iter().enumerate();
    let (other, _) = replicas.find(|(index, replica)| {
        let leads = replica.exists && replica.role == Role::Leading && replica.epoch == mine;
        *index != at.broker.index() && leads
    })?;
    let (who, name) = (scene.kafka.words(at), &scene.kafka.brokers[other].name);
    Some(format!("{who} leads in epoch {mine}, and so does {name}"))
}

fn commits(at: At, to: Offset, scene: &Scene) -> Option<String> {
    let partition = scene.kafka.partition(at.partition);
    let leader = partition.replica(at.broker)?;
    let newest = partition.state.as_ref()?;
    if leader.epoch >= newest.epoch || !partition.excuses.is_empty() || scene.kafka.is_shaken {
        return None;
    }
    let lacks = |member: &&crate::scene::kafka::BrokerKey| {
        let replica = partition.replicas.get(member.index());
        let lossy = replica.is_some_and(|replica| replica.lossy.is_some());
        let has = partition.replica(**member).is_some_and(|one| one.contains(leader, to));
        **member != at.broker && !has && !lossy && to > leader.start
    };
    let member = partition.isr.iter().find(lacks)?;
    let (who, name) = (scene.kafka.words(at), &scene.kafka.broker(*member).name);
    let (mine, newest) = (leader.epoch, newest.epoch);
    Some(format!(
        "{who} still leads in epoch {mine} and commits up to {to}; epoch {newest} has begun, and \
         {name}, which is in sync, has not that much"
    ))
}
