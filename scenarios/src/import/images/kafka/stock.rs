//! `config/server.properties` as Kafka ships it: several of its values are not the broker's own defaults.
//!
//! Images that patch this file keep them; images that write a file of their own do not have them.

use super::Version;

/// Its lines, in their order, for this version.
pub(super) fn lines(version: &Version) -> Vec<(&'static str, &'static str)> {
    let connection = if version.is_since(2, 5) { "18000" } else { "6000" };
    vec![
        ("broker.id", "0"),
        ("num.network.threads", "3"),
        ("num.io.threads", "8"),
        ("socket.send.buffer.bytes", "102400"),
        ("socket.receive.buffer.bytes", "102400"),
        ("socket.request.max.bytes", "104857600"),
        ("log.dirs", "/tmp/kafka-logs"),
        ("num.partitions", "1"),
        ("num.recovery.threads.per.data.dir", "1"),
        ("offsets.topic.replication.factor", "1"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("log.retention.hours", "168"),
        ("log.segment.bytes", "1073741824"),
        ("log.retention.check.interval.ms", "300000"),
        ("zookeeper.connect", "localhost:2181"),
        ("zookeeper.connection.timeout.ms", connection),
        ("group.initial.rebalance.delay.ms", "0"),
    ]
}
