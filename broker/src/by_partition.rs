//! Something for each partition, by topic and number. A topic's name is compared once, not on every step down a tree of thousands
//! of partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::TopicPartition;

/// A map whose keys are partitions; in the order of [`TopicPartition`].
#[derive(Clone, Debug)]
pub struct ByPartition<T>(BTreeMap<Arc<str>, BTreeMap<i32, T>>);

impl<T> Default for ByPartition<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> ByPartition<T> {
    /// What there is for a partition.
    pub fn get(&self, partition: &TopicPartition) -> Option<&T> {
        self.find(&partition.topic, partition.partition)
    }

    /// What there is for a partition of which nobody has made a name.
    pub fn find(&self, topic: &str, partition: i32) -> Option<&T> {
        self.0.get(topic)?.get(&partition)
    }

    /// A partition's name; it shares the topic's with the others that are here.
    pub fn name(&self, topic: &str, partition: i32) -> TopicPartition {
        match self.0.get_key_value(topic) {
            Some((topic, _)) => TopicPartition { topic: topic.clone(), partition },
            None => TopicPartition::new(topic, partition),
        }
    }

    /// Gives what there was.
    pub fn insert(&mut self, partition: &TopicPartition, value: T) -> Option<T> {
        match self.0.get_mut(&partition.topic) {
            Some(of_topic) => of_topic.insert(partition.partition, value),
            None => {
                let of_topic = BTreeMap::from([(partition.partition, value)]);
                self.0.insert(partition.topic.clone(), of_topic);
                None
            }
        }
    }

    /// Gives what there was.
    pub fn remove(&mut self, partition: &TopicPartition) -> Option<T> {
        let of_topic = self.0.get_mut(&partition.topic)?;
        let gone = of_topic.remove(&partition.partition);
        if of_topic.is_empty() {
            self.0.remove(&partition.topic);
        }
        gone
    }

    /// All of a topic, by number.
    pub fn of_topic(&self, topic: &str) -> impl Iterator<Item = &T> {
        self.0.get(topic).into_iter().flat_map(BTreeMap::values)
    }

    /// All, by topic and number.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values().flat_map(BTreeMap::values)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map_of_partitions(
            changes in prop::collection::vec((any::<bool>(), "[ab]{1,2}", 0..4), 0..40),
        ) {
            let (mut map, mut plain) = (ByPartition::default(), BTreeMap::new());
            for (value, (adds, topic, number)) in changes.into_iter().enumerate() {
                let partition = TopicPartition::new(topic, number);
                if adds {
                    prop_assert_eq!(
                        map.insert(&partition, value),
                        plain.insert(partition.clone(), value)
                    );
                } else {
                    prop_assert_eq!(map.remove(&partition), plain.remove(&partition));
                }
                prop_assert_eq!(map.get(&partition), plain.get(&partition));
                let of_topic = plain.iter().filter(|(one, _)| one.topic == partition.topic);
                let of_topic = of_topic.map(|(_, value)| value);
                prop_assert!(map.of_topic(&partition.topic).eq(of_topic));
            }
            prop_assert!(map.values().eq(plain.values()));
        }
    }
}
