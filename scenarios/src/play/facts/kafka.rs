//! Answers about brokers and topics: truth is what ZooKeeper's committed tree says, belief what a broker said of itself.

use broker::id::{BrokerId, Offset, TopicPartition};
use sim::world::NodeId;

use super::View;
use crate::scene::kafka::{Client, Kafka};
use crate::script::facts::KafkaFacts;

impl View<'_> {
    fn kafka(&self) -> &Kafka {
        &self.stage.scene.kafka
    }

    fn node(&self, name: &str) -> Option<NodeId> {
        self.stage.nodes.get(name).copied()
    }

    pub(super) fn kafka_client(&self, name: &str) -> Option<&Client> {
        self.kafka().client_at(self.node(name)?)
    }

    fn broker_name(&self, id: BrokerId) -> Option<String> {
        self.kafka().node_of(id).map(|node| self.name(node))
    }

    fn broker_names(&self, ids: &[BrokerId]) -> Vec<String> {
        ids.iter().filter_map(|id| self.broker_name(*id)).collect()
    }
}

fn number(offset: Offset) -> u64 {
    u64::try_from(offset.0).unwrap_or_default()
}

impl KafkaFacts for View<'_> {
    fn brokers(&self) -> Vec<String> {
        self.plan.brokers.clone()
    }

    fn partitions(&self) -> Vec<TopicPartition> {
        let topics = self.kafka().describe().into_iter();
        let of = |topic: crate::scene::kafka::Described| {
            let numbers = topic.partitions.into_iter().map(|one| one.number);
            let name = topic.topic;
            numbers.map(move |number| TopicPartition::new(name.as_str(), number))
        };
        topics.flat_map(of).collect()
    }

    fn topic_exists(&self, topic: &str) -> bool {
        self.kafka().topic_exists(topic)
    }

    fn partition_leader(&self, of: &TopicPartition) -> Option<String> {
        self.broker_name(self.kafka().leader(&of.topic, of.partition)?)
    }

    fn partition_leader_seen_by(&self, of: &TopicPartition, broker: &str) -> Option<String> {
        let node = self.node(broker)?;
        self.broker_name(self.kafka().leader_seen_by(node, &of.topic, of.partition)?)
    }

    fn isr(&self, of: &TopicPartition) -> Vec<String> {
        self.broker_names(&self.kafka().isr(&of.topic, of.partition))
    }

    fn isr_seen_by(&self, of: &TopicPartition, broker: &str) -> Vec<String> {
        let node = self.node(broker);
        let isr = node.and_then(|node| self.kafka().isr_seen_by(node, &of.topic, of.partition));
        self.broker_names(isr.unwrap_or_default())
    }

    fn replicas(&self, of: &TopicPartition) -> Vec<String> {
        self.broker_names(&self.kafka().replicas(&of.topic, of.partition))
    }

    fn controller(&self) -> Option<String> {
        self.broker_name(self.kafka().controller()?)
    }

    fn controller_seen_by(&self, broker: &str) -> Option<String> {
        let node = self.node(broker)?;
        self.kafka().controls(node).map(|_| broker.to_owned())
    }

    fn controller_epoch(&self) -> Option<u64> {
        self.kafka().controller()?;
        u64::try_from(self.kafka().controller_epoch().0).ok()
    }

    fn leader_epoch(&self, of: &TopicPartition) -> Option<u64> {
        u64::try_from(self.kafka().leader_epoch(&of.topic, of.partition)?.0).ok()
    }

    fn leader_epoch_seen_by(&self, of: &TopicPartition, broker: &str) -> Option<u64> {
        let node = self.node(broker)?;
        let epoch = self.kafka().leader_epoch_seen_by(node, &of.topic, of.partition)?;
        u64::try_from(epoch.0).ok()
    }

    fn high_watermark(&self, of: &TopicPartition) -> Option<u64> {
        self.kafka().high_watermark(&of.topic, of.partition).map(number)
    }

    fn high_watermark_seen_by(&self, of: &TopicPartition, broker: &str) -> Option<u64> {
        let replica = self.kafka().replica_at(self.node(broker)?, &of.topic, of.partition)?;
        Some(number(replica.high_watermark))
    }

    fn log_end(&self, of: &TopicPartition) -> Option<u64> {
        self.kafka().log_end(&of.topic, of.partition).map(number)
    }

    fn log_end_seen_by(&self, of: &TopicPartition, broker: &str) -> Option<u64> {
        let replica = self.kafka().replica_at(self.node(broker)?, &of.topic, of.partition)?;
        Some(number(replica.log.end()))
    }

    fn registered(&self, broker: &str) -> bool {
        let id = self.node(broker).and_then(|node| self.kafka().broker_at(node));
        id.is_some_and(|broker| self.kafka().has_registered(broker.id))
    }

    fn frozen(&self, broker: &str) -> bool {
        let Some(node) = self.node(broker) else { return false };
        let kafka = self.kafka();
        kafka.broker_at(node).is_some_and(|broker| broker.is_exhausted)
            || self.partitions().iter().any(|of| kafka.is_frozen(node, &of.topic, of.partition))
    }

    fn consumed(&self, client: &str) -> u64 {
        self.kafka_client(client).map_or(0, |client| client.consumed_records)
    }

    fn lost(&self, topic: &str) -> u64 {
        let losses = self.kafka().losses().iter().filter(|loss| &*loss.topic == topic);
        losses.map(|loss| loss.records).sum()
    }
}
