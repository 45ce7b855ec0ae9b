//! The cluster, its topics and its clients.

use super::value::{Table, Value, keys};

/// `[cluster]`; see [`cluster`].
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    pub(super) table: Table,
}

/// A cluster with nothing in it yet.
pub fn cluster() -> Cluster {
    Cluster::default()
}

keys!(Cluster {
    /// So many servers, `zk-1` and so on.
    zookeepers = "zookeeper",
    /// So many brokers, `kafka-1` and so on.
    brokers = "brokers",
    /// The version of Kafka: `2.3`, `2.5` or `fixed`.
    kafka = "kafka",
    /// The version of ZooKeeper.
    zookeeper_version = "zookeeper-version",
    /// What servers know of each other: `correct`, `none` or `localhost`.
    server_lists = "server-lists",
    /// Takes the cluster from these files instead; they are looked for in the folder where the test runs.
    from = "from",
});

impl Cluster {
    /// Adds a topic that is there before the clients begin.
    #[must_use]
    pub fn topic(mut self, topic: Topic) -> Self {
        self.table.push("topics", topic.table);
        self
    }

    /// A key of `zoo.cfg` for every server.
    #[must_use]
    pub fn zookeeper_config(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.table.set_in("zookeeper-config", key, value);
        self
    }

    /// A key of `server.properties` for every broker.
    #[must_use]
    pub fn kafka_config(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.table.set_in("kafka-config", key, value);
        self
    }

    /// A mechanism of servers, on top of the version's.
    #[must_use]
    pub fn mechanism(mut self, which: &str, word: &str) -> Self {
        self.table.set_in("mechanisms", which, word);
        self
    }

    /// A planted defect of servers.
    #[must_use]
    pub fn mutant(mut self, name: &str) -> Self {
        self.table.push_in("mechanisms", "mutants", name);
        self
    }

    /// A mechanism of brokers, on top of the version's.
    #[must_use]
    pub fn kafka_mechanism(mut self, which: &str, word: &str) -> Self {
        self.table.set_in("kafka-mechanisms", which, word);
        self
    }

    /// A planted defect of brokers.
    #[must_use]
    pub fn kafka_mutant(mut self, name: &str) -> Self {
        self.table.push_in("kafka-mechanisms", "mutants", name);
        self
    }
}

/// One of `topics`; see [`topic`].
#[derive(Clone, Debug, Default)]
pub struct Topic {
    table: Table,
}

/// A topic of this name.
pub fn topic(name: &str) -> Topic {
    Topic::default().with("name", name)
}

keys!(Topic {
    /// How many partitions.
    partitions = "partitions",
    /// How many replicas of each.
    replication_factor = "replication-factor",
    /// `min.insync.replicas`
    min_insync_replicas = "min-insync-replicas",
    /// Broker ids by partition, the preferred leader first: `[[1, 2, 3], [2, 3, 1]]`.
    replicas = "replicas",
});

impl Topic {
    /// One of its own settings.
    #[must_use]
    pub fn config(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.table.set_in("config", key, value);
        self
    }
}

/// One of `[[clients]]`; see [`client`].
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub(super) table: Table,
}

/// A client of this name, which needs something to do ([`Client::does`]).
pub fn client(id: &str) -> Client {
    Client::default().with("id", id)
}

keys!(Client {
    /// When it starts.
    start = "start",
    /// The session time-out it asks ZooKeeper for.
    session_timeout = "session-timeout",
    /// Its connect string, chroot included.
    connect = "connect",
    /// The servers it knows, as a selector.
    servers = "servers",
    /// The addresses of the brokers it knows.
    bootstrap = "bootstrap",
});

impl Client {
    /// What it does, again and again.
    #[must_use]
    pub fn does(self, work: Work) -> Self {
        self.with(work.word, work.table)
    }
}

/// What a client does: [`write`], [`read`], [`lock`], [`watch`], [`sequence`], [`multi`], [`produce`], [`consume`].
#[derive(Clone, Debug)]
pub struct Work {
    word: &'static str,
    table: Table,
}

keys!(Work {
    /// The pause between two operations, or the time between two batches.
    every = "every",
    /// `200/s`, instead of `every`.
    rate = "rate",
    /// The size of the data, or of a record.
    bytes = "bytes",
    /// Writes over the version it knows only.
    checked = "checked",
    /// Reads with a `sync` before every read.
    sync = "sync",
    /// Locks with sequential znodes.
    queued = "queued",
    /// Watches the children, too.
    children = "children",
    /// Records in a batch.
    records = "records",
    /// `all`, 1 or 0.
    acks = "acks",
    /// Produces to this partition only.
    partition = "partition",
    /// Ends after so many batches.
    batches = "batches",
    /// `retries`
    retries = "retries",
    /// `retry.backoff.ms`
    retry_backoff = "retry-backoff",
    /// `linger.ms`
    linger = "linger",
    /// `delivery.timeout.ms`
    delivery_timeout = "delivery-timeout",
    /// `request.timeout.ms`
    request_timeout = "request-timeout",
    /// `max.in.flight.requests.per.connection`
    in_flight = "in-flight",
    /// `beginning` or `end`.
    from = "from",
    /// Consumes these partitions only.
    partitions = "partitions",
});

fn work(word: &'static str, key: &str, value: &str) -> Work {
    Work { word, table: Table::default() }.with(key, value)
}

/// Sets the data of a znode to ever new values.
pub fn write(path: &str) -> Work {
    work("write", "path", path)
}

/// Reads a znode.
pub fn read(path: &str) -> Work {
    work("read", "path", path)
}

/// Holds a lock.
pub fn lock(path: &str) -> Work {
    work("lock", "path", path)
}

/// Watches a znode.
pub fn watch(path: &str) -> Work {
    work("watch", "path", path)
}

/// Creates sequential znodes.
pub fn sequence(path: &str) -> Work {
    work("sequence", "path", path)
}

/// Changes two znodes at once.
pub fn multi(path: &str) -> Work {
    work("multi", "path", path)
}

/// Produces to a topic.
pub fn produce(topic: &str) -> Work {
    work("produce", "topic", topic)
}

/// Consumes a topic.
pub fn consume(topic: &str) -> Work {
    work("consume", "topic", topic)
}
