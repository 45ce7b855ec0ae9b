//! What is pasted of topics, and what files of brokers leave open.

use insta::assert_snapshot;
use scenarios::import;

use crate::plain::{broker, file, zookeeper};
use crate::shown::imported_from;

#[test]
fn pasted_topics_have_many_forms() {
    let sources = |topics: &str| {
        let all = [
            zookeeper("zk/zoo.cfg"),
            broker("b1/server.properties", "broker.id=1", "b1", ""),
            broker("b2/server.properties", "broker.id=2", "b2", ""),
            file("topics.txt", topics),
        ];
        let shown = imported_from(&all);
        let is_about = |line: &&str| {
            ["topic", "unread", "F0", "K1", "  help", "  at"].iter().any(|word| line.contains(word))
                && !line.contains("/logs")
                && !line.contains("another version")
        };
        shown
            .lines()
            .filter(is_about)
            .filter(|l| !l.contains("properties"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let old = "Topic:a\tPartitionCount:2\tReplicationFactor:2\tConfigs:cleanup.policy=compact,delete,segment.bytes=100\n\
               \tTopic: a\tPartition: 0\tLeader: 1\tReplicas: 1,2\tIsr: 1,2\n\
               \tTopic: a\tPartition: 1\tLeader: 1\tReplicas: 2,1\tIsr: 1\n\
               Topic:__consumer_offsets\tPartitionCount:50\tReplicationFactor:1\tConfigs:\n";
    assert_snapshot!(sources(old), @r#"
    topic a 2 x 2 {"cleanup.policy": "compact,delete", "segment.bytes": "100"} 0:[1, 2] 1:[2, 1]
    unread topics.txt:3 a Isr of 1=1: the state of that moment: a run begins with all replicas in sync, led by the first
    unread topics.txt:3 a Leader of 1=1: the state of that moment: a run begins with all replicas in sync, led by the first
    unread topics.txt:4 __consumer_offsets Topic=__consumer_offsets: consumer groups and transactions are not modelled: the topic is left out
    "#);
    let new = "bin/kafka-topics.sh --describe\n\
               Topic: b  TopicId: zzz  PartitionCount: 1  ReplicationFactor: 2  Configs: min.insync.replicas=2\n\
                 Topic: b  Partition: 0  Leader: none  Replicas: 2,1  Isr:   Adding Replicas: 3  Offline: 1\n";
    assert_snapshot!(sources(new), @r#"
    topic b 1 x 2 {"min.insync.replicas": "2"} 0:[2, 1]
    unread topics.txt:1  bin/kafka-topics.sh --describe=: no line of `kafka-topics --describe`
    unread topics.txt:2 b TopicId=zzz: a run begins without it
    unread topics.txt:3 b Leader of 0=none: the state of that moment: a run begins with all replicas in sync, led by the first
    unread topics.txt:3 b Adding Replicas=3: a run begins without it
    unread topics.txt:3 b Offline=1: a run begins without it
    Warning K15 topics.txt:2:1: topic b: min.insync.replicas=2 of 2 replicas: with one broker down, writes with acks=all are refused
      help: have one replica more, or lower min.insync.replicas
    "#);
    let typed = "Topic:c PartitionCount:1 ReplicatrionFactor:2 Config: retention.hours=1\n\
                 Topic: c Partition: 0 Leader: 7 Replicas: 7,1 Isr: 7,1\n\
                 Topic: d PartitionCount: 3 ReplicationFactor: 1\n\
                 Topic: d Partition: 2 Leader: 1 Replicas: 1 Isr: 1\n\
                 Topic: d PartitionCount: 3 ReplicationFactor: 1\n";
    assert_snapshot!(sources(typed), @r#"
    topic c 1 x 2 {} 0:[7, 1]
    topic d 3 x 1 {}
    unread topics.txt:1 c retention.hours=1: no setting of a topic
    unread topics.txt:1 c ReplicatrionFactor=2: no column of `kafka-topics --describe`: `ReplicationFactor`?
    Error F05 topics.txt:1:1: topic c has replicas on 7, and no such broker is in the files
      help: give the files of all brokers, or leave the topic out
    Warning K18 topics.txt:1:1: topic c: topics have no setting `retention.hours`
      help: it is left out
    Warning F05 topics.txt:5:1: topic d has 3 partitions, and 1 of them are described: the cluster decides where all of them lie
      help: paste the lines of all its partitions
    "#);
    assert_snapshot!(sources("Topic: e Partition: 0 Replicas: one,two\nTopic: f PartitionCount: 0\n"), @r#"
    F05 line 1 column 1: a line about a partition of `e` that cannot be read
      at "Topic: e Partition: 0 Replicas: one,two" (this line)
      help: it reads `Topic: orders  Partition: 0  Leader: 1  Replicas: 1,2,3  Isr: 1,2,3`
    F05 line 1 column 1: topic `e` has neither partitions nor replicas
      at "Topic: e Partition: 0 Replicas: one,two" (this topic)
      help: paste both its line with PartitionCount and the lines of its partitions
    F05 line 2 column 1: topic `f` has neither partitions nor replicas
      at "Topic: f PartitionCount: 0" (this topic)
      help: paste both its line with PartitionCount and the lines of its partitions
    "#);
    assert_snapshot!(sources("Topic: g PartitionCount: 2000000000 ReplicationFactor: 1\n"), @r#"
    F05 line 1 column 1: topic `g` has more than 10000 partitions
      at "Topic: g PartitionCount: 2000000000 ReplicationFactor: 1" (too many to be staged)
      help: give it fewer: what is simulated needs only a few of them to show itself
    "#);
}

#[test]
fn versions_and_defaults_of_brokers() {
    let with = |more: &str| {
        let sources =
            [zookeeper("zk/zoo.cfg"), broker("b/server.properties", "broker.id=1", "b", more)];
        let cluster = import::cluster_of(&sources).expect("it can be imported");
        let said: Vec<String> =
            cluster.findings.iter().filter(|f| f.rule == "V01").map(|f| f.what.clone()).collect();
        format!("{}: {}", cluster.brokers[0].preset, said.last().cloned().unwrap_or_default())
    };
    let lines =
        ["", "inter.broker.protocol.version=2.3\n", "inter.broker.protocol.version=2.8-IV1\n"];
    assert_snapshot!(lines.map(with).join("\n"), @r#"
    2.5: b: the version is not in the file: Kafka 2.5 is run, with its defaults
    2.3: b: it speaks version 2.3, the version of the broker is not in the file: Kafka 2.3 is run
    2.5: b: it speaks version 2.8-IV1, the version of the broker is not in the file: Kafka 2.5 is run
    "#);
}
