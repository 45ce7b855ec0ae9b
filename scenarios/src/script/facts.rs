//! What a condition or a selector can ask about a running cluster. The player answers; nothing is
//! decided here.
//!
//! Truth is what an observer of everything knows; belief is what one server takes to be so.

use broker::id::TopicPartition;

use super::selector::Role;

/// The state of a client's session, as the client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// It never had one.
    New,
    /// It has one, and a connection.
    Connected,
    /// It has one, as far as it knows, and no connection.
    Disconnected,
    /// It was told that its session is gone, and has no new one.
    Expired,
}

impl SessionState {
    /// All, with the words for them.
    pub const ALL: [(&str, Self); 4] = [
        ("new", Self::New),
        ("connected", Self::Connected),
        ("disconnected", Self::Disconnected),
        ("expired", Self::Expired),
    ];
}

/// What can be asked of a running cluster. Nodes, clients and steps are named as in the plan.
pub trait Facts: KafkaFacts {
    /// All ZooKeeper servers, in the order of the cluster.
    fn servers(&self) -> Vec<String>;

    /// Whether this node is in this state now.
    fn is(&self, node: &str, role: Role) -> bool;

    /// Truth: a leader is serving its quorum.
    fn quorum(&self) -> bool {
        self.leader().is_some()
    }

    /// Truth: the server that leads with a quorum and serves; a leader whose quorum is gone is
    /// none.
    fn leader(&self) -> Option<String>;

    /// Belief: whom this server follows, or itself if it believes that it leads.
    fn leader_seen_by(&self, node: &str) -> Option<String>;

    /// Truth: the epoch of the latest leader that was established; 0 before the first.
    fn epoch(&self) -> u64;

    /// Belief: the epoch this server is in.
    fn epoch_seen_by(&self, node: &str) -> u64;

    /// The nodes this step picked when it last fired; none before.
    fn victims(&self, step: &str) -> Vec<String>;

    /// The other side this step picked when it last fired; none before, or if it has one side only.
    fn peers(&self, step: &str) -> Vec<String>;

    /// The state of this client's session.
    fn session(&self, client: &str) -> SessionState;

    /// How often a session of this client expired.
    fn expirations(&self, client: &str) -> u64;

    /// The server this client is connected to.
    fn server_of(&self, client: &str) -> Option<String>;

    /// Whether this client holds its lock, as far as it can be sure.
    fn holds_lock(&self, client: &str) -> bool;

    /// How many operations of this client succeeded; of a producer, how many batches were acknowledged.
    fn acked(&self, client: &str) -> u64;

    /// How many operations of this client ended in an error or in CONNECTIONLOSS; of a producer, how many batches were
    /// given up.
    fn failed(&self, client: &str) -> u64;

    /// How many watches of this client fired.
    fn events(&self, client: &str) -> u64;
}

/// What can be asked of brokers and topics. Truth about leaders, ISRs and epochs is what ZooKeeper's committed tree says,
/// whoever is alive; truth about logs is the log of the leader that is meant there.
pub trait KafkaFacts {
    /// All brokers, in the order of the cluster.
    fn brokers(&self) -> Vec<String>;

    /// Truth: all partitions of all topics, in order.
    fn partitions(&self) -> Vec<TopicPartition>;

    /// Truth: the topic's znode is there.
    fn topic_exists(&self, topic: &str) -> bool;

    /// Truth: who leads the partition; nobody if its state says -1 or is not there.
    fn partition_leader(&self, partition: &TopicPartition) -> Option<String>;

    /// Belief: who leads the partition according to this broker's metadata, itself included.
    fn partition_leader_seen_by(&self, partition: &TopicPartition, broker: &str) -> Option<String>;

    /// Truth: the in-sync replicas.
    fn isr(&self, partition: &TopicPartition) -> Vec<String>;

    /// Belief: the in-sync replicas this broker goes by, as leader or by its metadata.
    fn isr_seen_by(&self, partition: &TopicPartition, broker: &str) -> Vec<String>;

    /// Truth: the assigned replicas, the preferred leader first.
    fn replicas(&self, partition: &TopicPartition) -> Vec<String>;

    /// Truth: the broker named in `/controller`.
    fn controller(&self) -> Option<String>;

    /// Belief: whom this broker takes for the controller, possibly itself.
    fn controller_seen_by(&self, broker: &str) -> Option<String>;

    /// Truth: `/controller_epoch`; `None` before the first controller.
    fn controller_epoch(&self) -> Option<u64>;

    /// Truth: the leader epoch in the partition's state.
    fn leader_epoch(&self, partition: &TopicPartition) -> Option<u64>;

    /// Belief: the leader epoch this replica is in.
    fn leader_epoch_seen_by(&self, partition: &TopicPartition, broker: &str) -> Option<u64>;

    /// Truth: the high watermark of the present leader.
    fn high_watermark(&self, partition: &TopicPartition) -> Option<u64>;

    /// Belief: the high watermark of this replica.
    fn high_watermark_seen_by(&self, partition: &TopicPartition, broker: &str) -> Option<u64>;

    /// Truth: the log end of the present leader.
    fn log_end(&self, partition: &TopicPartition) -> Option<u64>;

    /// Belief: the log end of this replica.
    fn log_end_seen_by(&self, partition: &TopicPartition, broker: &str) -> Option<u64>;

    /// Truth: the broker's znode below `/brokers/ids` is there, whoever made it.
    fn registered(&self, broker: &str) -> bool;

    /// The broker cannot go on: all its request handlers wait, or a partition of it is frozen by an ISR write.
    fn frozen(&self, broker: &str) -> bool;

    /// How many records this consumer was given.
    fn consumed(&self, client: &str) -> u64;

    /// How many acknowledged records of this topic the present leaders do not have.
    fn lost(&self, topic: &str) -> u64;

    /// Partitions whose leader is nobody, or a broker that is not registered.
    fn offline_partitions(&self) -> u64 {
        let is_offline = |partition: &TopicPartition| {
            self.partition_leader(partition).is_none_or(|leader| !self.registered(&leader))
        };
        self.partitions().iter().filter(|partition| is_offline(partition)).count() as u64
    }

    /// Partitions with fewer in-sync replicas than replicas.
    fn under_replicated_partitions(&self) -> u64 {
        let is_short =
            |partition: &TopicPartition| self.isr(partition).len() < self.replicas(partition).len();
        self.partitions().iter().filter(|partition| is_short(partition)).count() as u64
    }
}
