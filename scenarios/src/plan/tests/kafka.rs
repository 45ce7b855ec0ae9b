//! What selectors and conditions of brokers and topics mean, in a made-up moment.

use broker::id::TopicPartition;

use super::Moment;
use crate::script::facts::KafkaFacts;

/// `kafka-2` leads `orders-0` in its third epoch, without `kafka-1`, which does not know it yet and is the controller;
/// `orders-1` is led by nobody.
impl KafkaFacts for Moment {
    fn brokers(&self) -> Vec<String> {
        ["kafka-1", "kafka-2", "kafka-3"].map(String::from).to_vec()
    }
    fn partitions(&self) -> Vec<TopicPartition> {
        vec![TopicPartition::new("orders", 0), TopicPartition::new("orders", 1)]
    }
    fn topic_exists(&self, topic: &str) -> bool {
        topic == "orders"
    }
    fn partition_leader(&self, partition: &TopicPartition) -> Option<String> {
        (partition.partition == 0).then(|| "kafka-2".to_string())
    }
    fn partition_leader_seen_by(&self, _: &TopicPartition, broker: &str) -> Option<String> {
        Some(if broker == "kafka-1" { "kafka-1" } else { "kafka-2" }.to_string())
    }
    fn isr(&self, partition: &TopicPartition) -> Vec<String> {
        match partition.partition {
            0 => ["kafka-2", "kafka-3"].map(String::from).to_vec(),
            _ => vec!["kafka-1".to_string()],
        }
    }
    fn isr_seen_by(&self, _: &TopicPartition, _: &str) -> Vec<String> {
        ["kafka-1", "kafka-2", "kafka-3"].map(String::from).to_vec()
    }
    fn replicas(&self, _: &TopicPartition) -> Vec<String> {
        ["kafka-1", "kafka-2", "kafka-3"].map(String::from).to_vec()
    }
    fn controller(&self) -> Option<String> {
        Some("kafka-1".to_string())
    }
    fn controller_seen_by(&self, broker: &str) -> Option<String> {
        (broker != "kafka-3").then(|| "kafka-1".to_string())
    }
    fn controller_epoch(&self) -> Option<u64> {
        Some(2)
    }
    fn leader_epoch(&self, _: &TopicPartition) -> Option<u64> {
        Some(2)
    }
    fn leader_epoch_seen_by(&self, _: &TopicPartition, broker: &str) -> Option<u64> {
        (broker != "kafka-3").then_some(1)
    }
    fn high_watermark(&self, partition: &TopicPartition) -> Option<u64> {
        (partition.partition == 0).then_some(90)
    }
    fn high_watermark_seen_by(&self, _: &TopicPartition, _: &str) -> Option<u64> {
        Some(80)
    }
    fn log_end(&self, partition: &TopicPartition) -> Option<u64> {
        (partition.partition == 0).then_some(100)
    }
    fn log_end_seen_by(&self, _: &TopicPartition, broker: &str) -> Option<u64> {
        Some(if broker == "kafka-3" { 95 } else { 100 })
    }
    fn registered(&self, broker: &str) -> bool {
        broker != "kafka-3"
    }
    fn frozen(&self, broker: &str) -> bool {
        broker == "kafka-2"
    }
    fn consumed(&self, client: &str) -> u64 {
        if client == "c1" { 50 } else { 0 }
    }
    fn lost(&self, _: &str) -> u64 {
        3
    }
}
