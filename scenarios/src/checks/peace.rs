//! How long nothing has been in the way of a Kafka cluster: what every bound in time is measured from.
//!
//! A node counts from the moment it is well, connected to all others that count, and in one life. Whoever leaves starts the
//! clock of everybody anew, as a failure is what the others must recover from first; so does another ZooKeeper leader. Where
//! ZooKeeper has forgotten what was committed there is no peace.

use std::collections::BTreeMap;

use machine::{Duration, Instant};
use sim::world::NodeId;

use crate::scene::kafka::{BrokerKey, Partition, Replica};
use crate::scene::{Outside, Scene};

/// Who is in peace, since when.
#[derive(Debug, Default)]
pub struct Peace {
    /// The ZooKeeper server that leads.
    leader: Option<NodeId>,
    since: Instant,
    /// Nodes with their lives.
    members: BTreeMap<(NodeId, u64), Instant>,
}

impl Peace {
    /// Looks at the world.
    pub fn look(&mut self, scene: &Scene, outside: &dyn Outside) {
        if scene.kafka.brokers.is_empty() {
            return;
        }
        let leader = scene.leader(scene.kafka.ensemble, outside);
        let judge = leader.filter(|_| !scene.kafka.is_shaken);
        let able = judge.map(|leader| able(leader, scene, outside)).unwrap_or_default();
        let left = self.members.keys().any(|member| !able.contains(member));
        if left || leader != self.leader {
            self.since = scene.now;
            self.members.clear();
        }
        self.leader = leader;
        for member in able {
            self.members.entry(member).or_insert(scene.now);
        }
    }

    /// How long this node has been in peace; `None` if it is not.
    pub fn of(&self, node: NodeId, scene: &Scene) -> Option<Duration> {
        let mut its = self.members.range((node, 0)..=(node, u64::MAX));
        its.next().map(|(_, joined)| scene.now.since(*joined))
    }

    /// How long this broker has been in peace.
    pub fn of_broker(&self, key: BrokerKey, scene: &Scene) -> Option<Duration> {
        self.of(scene.kafka.broker(key).node, scene)
    }

    /// How long nobody has left.
    pub fn unbroken(&self, scene: &Scene) -> Duration {
        scene.now.since(self.since)
    }

    /// The legitimate leader of a partition with its log, if it has been in peace for as long.
    pub fn leader<'a>(
        &self,
        partition: &'a Partition,
        bound: Duration,
        scene: &Scene,
    ) -> Option<(BrokerKey, &'a Replica)> {
        let leader = partition.legit?;
        let replica = partition.replica(leader)?;
        self.of_broker(leader, scene).filter(|peace| *peace > bound)?;
        Some((leader, replica))
    }

    /// Whether the controller has been in peace for as long.
    pub fn has_controller(&self, bound: Duration, scene: &Scene) -> bool {
        let controller = scene.kafka.controller().and_then(|id| scene.kafka.by_id(id));
        let peace = controller.and_then(|key| self.of_broker(key, scene));
        peace.is_some_and(|peace| peace > bound)
    }
}

/// ZooKeeper's servers around this leader, and the brokers, as far as they are well and all connected to each other.
fn able(leader: NodeId, scene: &Scene, outside: &dyn Outside) -> Vec<(NodeId, u64)> {
    let connected = |one: NodeId, other: NodeId| {
        one == other || (outside.reaches_well(one, other) && outside.reaches_well(other, one))
    };
    let mut group: Vec<(NodeId, u64)> = Vec::new();
    if !outside.is_well(leader) {
        return group;
    }
    let servers = scene.members(scene.kafka.ensemble);
    for (node, server) in servers {
        if outside.is_well(node) && connected(node, leader) {
            group.push((node, server.lives));
        }
    }
    for broker in &scene.kafka.brokers {
        let stays = broker.is_alive && !broker.is_stopping && outside.is_well(broker.node);
        if stays && group.iter().all(|(other, _)| connected(broker.node, *other)) {
            group.push((broker.node, broker.lives));
        }
    }
    group
}
