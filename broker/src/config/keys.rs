//! The keys of `server.properties` (`kafka.server.KafkaConfig` of 2.3.0 and 2.5.0): those that do something here with their
//! defaults, those that are kept as defaults of topics, and the names of all others that the real broker knows.

use super::topic::{CODECS, POLICIES, TIMESTAMPS};
use super::value::{ANY_INT, ANY_LONG, Kind};
use crate::mechanism::Preset;

/// One key.
pub(crate) struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it is when nothing is said, in 2.3; `None` for null.
    default: Option<&'static str>,
    /// The same in 2.5, if it differs.
    newer: Option<&'static str>,
    /// Whether it does anything here.
    pub modelled: bool,
}

impl Key {
    /// What it is when nothing is said.
    pub(crate) fn default(&self, preset: Preset) -> Option<&'static str> {
        match preset {
            Preset::V2_3 => self.default,
            Preset::V2_5 | Preset::Fixed => self.newer.or(self.default),
        }
    }

    const fn newer(self, default: &'static str) -> Self {
        Self { newer: Some(default), ..self }
    }

    const fn kept(self) -> Self {
        Self { modelled: false, ..self }
    }
}

const fn key(name: &'static str, kind: Kind, default: &'static str) -> Key {
    Key { name, kind, default: Some(default), newer: None, modelled: true }
}

const fn unset(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, default: None, newer: None, modelled: true }
}

/// The key with this name.
pub(crate) fn broker_key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

const FOREVER: &str = "9223372036854775807";

/// The keys that do something here or are defaults of topics.
pub(crate) const KEYS: &[Key] = &[
    unset("zookeeper.connect", Kind::Text),
    key("zookeeper.session.timeout.ms", ANY_INT, "6000").newer("18000"),
    unset("zookeeper.connection.timeout.ms", ANY_INT),
    key("zookeeper.max.in.flight.requests", Kind::Int(1), "10"),
    key("broker.id", ANY_INT, "-1"),
    key("broker.id.generation.enable", Kind::Boolean, "true"),
    key("reserved.broker.max.id", Kind::Int(0), "1000"),
    unset("broker.rack", Kind::Text),
    key("port", ANY_INT, "9092"),
    key("host.name", Kind::Text, ""),
    unset("listeners", Kind::Text),
    unset("advertised.host.name", Kind::Text),
    unset("advertised.port", ANY_INT),
    unset("advertised.listeners", Kind::Text),
    key("listener.security.protocol.map", Kind::Text, PROTOCOLS),
    key("security.inter.broker.protocol", Kind::Text, "PLAINTEXT"),
    unset("inter.broker.listener.name", Kind::Text),
    key("num.io.threads", Kind::Int(1), "8"),
    key("queued.max.requests", Kind::Int(1), "500"),
    key("request.timeout.ms", ANY_INT, "30000"),
    key("socket.request.max.bytes", Kind::Int(1), "104857600"),
    key("message.max.bytes", Kind::Int(0), "1000012").newer("1048588"),
    key("num.partitions", Kind::Int(1), "1"),
    key("default.replication.factor", ANY_INT, "1"),
    key("min.insync.replicas", Kind::Int(1), "1"),
    key("auto.create.topics.enable", Kind::Boolean, "true"),
    key("delete.topic.enable", Kind::Boolean, "true"),
    key("unclean.leader.election.enable", Kind::Boolean, "false"),
    key("auto.leader.rebalance.enable", Kind::Boolean, "true"),
    key("leader.imbalance.per.broker.percentage", ANY_INT, "10"),
    key("leader.imbalance.check.interval.seconds", ANY_LONG, "300"),
    key("controlled.shutdown.enable", Kind::Boolean, "true"),
    key("controlled.shutdown.max.retries", ANY_INT, "3"),
    key("controlled.shutdown.retry.backoff.ms", ANY_LONG, "5000"),
    key("controller.socket.timeout.ms", ANY_INT, "30000"),
    key("replica.lag.time.max.ms", ANY_LONG, "10000").newer("30000"),
    key("replica.socket.timeout.ms", ANY_INT, "30000"),
    key("replica.fetch.wait.max.ms", ANY_INT, "500"),
    key("replica.fetch.min.bytes", ANY_INT, "1"),
    key("replica.fetch.max.bytes", Kind::Int(0), "1048576"),
    key("replica.fetch.response.max.bytes", Kind::Int(0), "10485760"),
    key("replica.fetch.backoff.ms", Kind::Int(0), "1000"),
    key("replica.high.watermark.checkpoint.interval.ms", ANY_LONG, "5000"),
    key("fetch.max.bytes", Kind::Int(1024), "57671680"),
    key("log.dir", Kind::Text, "/tmp/kafka-logs"),
    unset("log.dirs", Kind::Text),
    key("log.segment.bytes", Kind::Int(14), "1073741824"),
    unset("log.roll.ms", ANY_LONG),
    key("log.roll.hours", Kind::Int(1), "168"),
    unset("log.roll.jitter.ms", ANY_LONG),
    key("log.roll.jitter.hours", Kind::Int(0), "0"),
    unset("log.retention.ms", ANY_LONG),
    unset("log.retention.minutes", ANY_INT),
    key("log.retention.hours", ANY_INT, "168"),
    key("log.retention.bytes", ANY_LONG, "-1"),
    key("log.retention.check.interval.ms", Kind::Long(1), "300000"),
    key("log.index.size.max.bytes", Kind::Int(4), "10485760"),
    key("log.index.interval.bytes", Kind::Int(0), "4096"),
    key("log.flush.interval.messages", Kind::Long(1), FOREVER),
    unset("log.flush.interval.ms", ANY_LONG),
    key("log.flush.scheduler.interval.ms", ANY_LONG, FOREVER),
    key("log.flush.offset.checkpoint.interval.ms", Kind::Int(0), "60000"),
    key("log.flush.start.offset.checkpoint.interval.ms", Kind::Int(0), "60000"),
    key("log.segment.delete.delay.ms", Kind::Long(0), "60000"),
    key("log.cleanup.policy", Kind::SomeOf(POLICIES), "delete").kept(),
    key("compression.type", Kind::OneOf(CODECS), "producer").kept(),
    key("log.cleaner.delete.retention.ms", ANY_LONG, "86400000").kept(),
    key("log.cleaner.max.compaction.lag.ms", ANY_LONG, FOREVER).kept(),
    key("log.cleaner.min.compaction.lag.ms", ANY_LONG, "0").kept(),
    key("log.cleaner.min.cleanable.ratio", Kind::Fraction, "0.5").kept(),
    key("log.message.downconversion.enable", Kind::Boolean, "true").kept(),
    key("log.message.format.version", Kind::Text, "2.3-IV1").newer("2.5-IV0").kept(),
    key("log.message.timestamp.difference.max.ms", Kind::Long(0), FOREVER).kept(),
    key("log.message.timestamp.type", Kind::OneOf(TIMESTAMPS), "CreateTime").kept(),
    key("log.preallocate", Kind::Boolean, "false").kept(),
];

/// The default of `listener.security.protocol.map`.
const PROTOCOLS: &str =
    "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL";

/// Whether the real broker knows this key although it does nothing here.
pub(crate) fn is_known_elsewhere(name: &str) -> bool {
    ELSEWHERE.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Families of keys.
const PREFIXES: &[&str] =
    &["ssl.", "sasl.", "zookeeper.ssl.", "zookeeper.clientCnxnSocket", "listener.name."];

/// Keys of parts that are not modelled, or that change nothing that can be seen here.
const ELSEWHERE: &[&str] = &[
    "zookeeper.sync.time.ms",
    "zookeeper.set.acl",
    "max.connections.per.ip",
    "max.connections.per.ip.overrides",
    "max.connections",
    "connections.max.idle.ms",
    "connection.failed.authentication.delay.ms",
    "num.network.threads",
    "background.threads",
    "num.replica.alter.log.dirs.threads",
    "num.replica.fetchers",
    "num.recovery.threads.per.data.dir",
    "queued.max.request.bytes",
    "socket.send.buffer.bytes",
    "socket.receive.buffer.bytes",
    "authorizer.class.name",
    "create.topic.policy.class.name",
    "alter.config.policy.class.name",
    "control.plane.listener.name",
    "max.incremental.fetch.session.cache.slots",
    "replica.socket.receive.buffer.bytes",
    "replica.selector.class",
    "fetch.purgatory.purge.interval.requests",
    "producer.purgatory.purge.interval.requests",
    "delete.records.purgatory.purge.interval.requests",
    "inter.broker.protocol.version",
    "log.cleaner.threads",
    "log.cleaner.io.max.bytes.per.second",
    "log.cleaner.dedupe.buffer.size",
    "log.cleaner.io.buffer.size",
    "log.cleaner.io.buffer.load.factor",
    "log.cleaner.backoff.ms",
    "log.cleaner.enable",
    "group.min.session.timeout.ms",
    "group.max.session.timeout.ms",
    "group.initial.rebalance.delay.ms",
    "group.max.size",
    "offset.metadata.max.bytes",
    "offsets.load.buffer.size",
    "offsets.topic.replication.factor",
    "offsets.topic.num.partitions",
    "offsets.topic.segment.bytes",
    "offsets.topic.compression.codec",
    "offsets.retention.minutes",
    "offsets.retention.check.interval.ms",
    "offsets.commit.timeout.ms",
    "offsets.commit.required.acks",
    "transactional.id.expiration.ms",
    "transaction.max.timeout.ms",
    "transaction.state.log.load.buffer.size",
    "transaction.state.log.replication.factor",
    "transaction.state.log.min.isr",
    "transaction.state.log.num.partitions",
    "transaction.state.log.segment.bytes",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms",
    "transaction.remove.expired.transaction.cleanup.interval.ms",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.sample.window.ms",
    "metrics.recording.level",
    "kafka.metrics.reporters",
    "kafka.metrics.polling.interval.secs",
    "quota.producer.default",
    "quota.consumer.default",
    "quota.window.num",
    "quota.window.size.seconds",
    "replication.quota.window.num",
    "replication.quota.window.size.seconds",
    "alter.log.dirs.replication.quota.window.num",
    "alter.log.dirs.replication.quota.window.size.seconds",
    "client.quota.callback.class",
    "principal.builder.class",
    "connections.max.reauth.ms",
    "password.encoder.secret",
    "password.encoder.old.secret",
    "password.encoder.keyfactory.algorithm",
    "password.encoder.cipher.algorithm",
    "password.encoder.key.length",
    "password.encoder.iterations",
    "delegation.token.master.key",
    "delegation.token.max.lifetime.ms",
    "delegation.token.expiry.time.ms",
    "delegation.token.expiry.check.interval.ms",
    "security.providers",
];
