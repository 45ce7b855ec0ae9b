//! What is so at a moment of a run, as only somebody who sees everything can know it. Brokers are named by their ids,
//! nodes and clients by their names.

use std::fmt;
use std::time::Duration;

use broker::id::TopicPartition;

use crate::play::facts::View;
use crate::script::facts::{Facts, KafkaFacts};
use crate::script::selector::Role;

/// What is so at a moment of a run. It can be asked, not changed.
///
/// Of Kafka: what ZooKeeper's committed tree says. Of ZooKeeper: who serves a quorum, whatever others believe.
pub struct Truth<'a>(pub(super) &'a View<'a>);

impl Truth<'_> {
    /// The simulated time since the run began.
    pub fn now(&self) -> Duration {
        Duration::from_micros(self.0.stage.world.now().as_micros())
    }

    /// Whether a ZooKeeper leader serves its quorum.
    pub fn quorum(&self) -> bool {
        self.0.quorum()
    }

    /// The ZooKeeper server that leads and serves.
    pub fn zookeeper_leader(&self) -> Option<String> {
        Facts::leader(self.0)
    }

    /// The broker that is the controller.
    pub fn controller(&self) -> Option<i32> {
        self.0.stage.scene.kafka.controller().map(|id| id.0)
    }

    /// The brokers that are registered, ascending.
    pub fn registered(&self) -> Vec<i32> {
        self.0.stage.scene.kafka.registered.keys().map(|id| id.0).collect()
    }

    /// Whether this topic exists.
    pub fn topic_exists(&self, topic: &str) -> bool {
        self.0.topic_exists(topic)
    }

    /// The broker that leads a partition.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<i32> {
        self.0.stage.scene.kafka.leader(topic, partition).map(|id| id.0)
    }

    /// How often the leader of a partition was decided.
    pub fn leader_epoch(&self, topic: &str, partition: i32) -> Option<i32> {
        self.0.stage.scene.kafka.leader_epoch(topic, partition).map(|epoch| epoch.0)
    }

    /// The brokers in sync for a partition, in the order of ZooKeeper.
    pub fn isr(&self, topic: &str, partition: i32) -> Vec<i32> {
        let isr = self.0.stage.scene.kafka.isr(topic, partition);
        isr.into_iter().map(|id| id.0).collect()
    }

    /// The brokers a partition is assigned to, the preferred leader first.
    pub fn replicas(&self, topic: &str, partition: i32) -> Vec<i32> {
        let replicas = self.0.stage.scene.kafka.replicas(topic, partition);
        replicas.into_iter().map(|id| id.0).collect()
    }

    /// The high watermark of a partition's leader.
    pub fn high_watermark(&self, topic: &str, partition: i32) -> Option<u64> {
        self.0.high_watermark(&TopicPartition::new(topic, partition))
    }

    /// The end of the log of a partition's leader.
    pub fn log_end(&self, topic: &str, partition: i32) -> Option<u64> {
        self.0.log_end(&TopicPartition::new(topic, partition))
    }

    /// How many acknowledged records of a topic its present leaders do not have.
    pub fn lost(&self, topic: &str) -> u64 {
        self.0.lost(topic)
    }

    /// Whether the process of a node lives and is not paused.
    pub fn is_up(&self, node: &str) -> bool {
        self.0.is(node, Role::Up)
    }

    /// Whether a ZooKeeper server serves.
    pub fn is_serving(&self, server: &str) -> bool {
        self.0.is(server, Role::Serving)
    }

    /// How many operations of a client, or batches of a producer, were acknowledged.
    pub fn acked(&self, client: &str) -> u64 {
        self.0.acked(client)
    }

    /// How many operations of a client, or batches of a producer, failed.
    pub fn failed(&self, client: &str) -> u64 {
        self.0.failed(client)
    }

    /// How many records a consumer has had.
    pub fn consumed(&self, client: &str) -> u64 {
        self.0.consumed(client)
    }
}

/// All of it, in a few lines.
impl fmt::Display for Truth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.0.plan;
        match self.zookeeper_leader() {
            Some(leader) => writeln!(f, "zookeeper   {leader} serves its quorum")?,
            None => writeln!(f, "zookeeper   nobody serves a quorum")?,
        }
        let nodes = plan.servers.iter().chain(&plan.brokers).chain(&plan.guests);
        let down: Vec<_> = nodes.filter(|node| !self.is_up(node)).cloned().collect();
        if !down.is_empty() {
            writeln!(f, "down        {}", down.join(", "))?;
        }
        if !plan.brokers.is_empty() {
            let controller = self.controller().map_or("nobody".to_owned(), |id| id.to_string());
            let registered = listed(&self.registered());
            writeln!(f, "brokers     registered {registered}; controller {controller}")?;
        }
        for partition in self.0.partitions() {
            let (topic, number) = (&*partition.topic, partition.partition);
            let leader = self.leader(topic, number).map_or("none".to_owned(), |id| id.to_string());
            let isr = listed(&self.isr(topic, number));
            writeln!(f, "{:<10}  leader {leader}; in sync {isr}", partition.to_string())?;
        }
        for client in &plan.clients {
            let (acked, failed) = (self.acked(&client.id), self.failed(&client.id));
            writeln!(f, "{:<10}  acknowledged {acked}, failed {failed}", client.id)?;
        }
        Ok(())
    }
}

fn listed(ids: &[i32]) -> String {
    match ids {
        [] => "nobody".to_owned(),
        ids => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}
