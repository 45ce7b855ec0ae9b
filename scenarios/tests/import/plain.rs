//! Files of servers without containers: what they are recognised by, which of them share a machine, and what is said of
//! topics that were pasted.

use insta::assert_snapshot;
use scenarios::import::Source;

use crate::shown::imported_from;

pub fn file(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

/// The one ZooKeeper of most of these clusters.
pub fn zookeeper(name: &str) -> Source {
    file(name, "tickTime=2000\ndataDir=/data\nclientPort=2181\n")
}

pub fn broker(name: &str, id: &str, host: &str, more: &str) -> Source {
    let text = format!(
        "{id}\nlisteners=PLAINTEXT://{host}:9092\nlog.dirs=/logs\nzookeeper.connect=zk:2181\n\
         offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n{more}"
    );
    file(name, &text)
}

/// Who runs where, who never starts, and what is found.
fn places(sources: &[Source]) -> String {
    let all = imported_from(sources);
    let is_told = |line: &&str| {
        !line.starts_with("  ") || line.contains("help") || line.contains("never starts")
    };
    let lines: Vec<&str> = all.lines().filter(is_told).collect();
    lines.join("\n")
}

#[test]
fn files_are_known_by_their_names_or_by_what_is_in_them() {
    let zoo = "clientPort=2181\ndataDir=/data\ntickTime=2000\n";
    let kafka = "broker.id=1\nlisteners=PLAINTEXT://b1:9092\nzookeeper.connect=a:2181\nlog.dirs=/x\n\
                 offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n";
    let topics = "Topic:t PartitionCount:1 ReplicationFactor:1 Configs:\n";
    let sources = [file("a", zoo), file("b.conf", kafka), file("c.txt", topics)];
    assert_snapshot!(places(&sources), @r#"
    connect a:2181
    host a on lan as a
    host b1 on lan as b1
    a on a myid - runs 3.4.14 V3_4
    b1 on b1 runs 2.5
    topic t 1 x 1 {}
    Information V01 a:1:1: a: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    Information V01 b.conf:1:1: b1: the version is not in the file: Kafka 2.5 is run, with its defaults
      help: say another version in the scenario to run its mechanisms
    "#);
    let compose = "services:\n  a: { image: 'zookeeper:3.6.3', volumes: [ 'a:/data', 'b:/datalog' ] }\nvolumes: { a: , b: }\n";
    assert_snapshot!(places(&[file("stack", compose)]), @r#"
    connect a:2181
    host a on default as a
    a on a myid 1 runs 3.6.3 V3_5
    "#);
    assert_snapshot!(places(&[file("a", zoo), file("notes.txt", "remember the milk\n")]), @r#"
    F02 line 1 column 1: what kind of file `notes.txt` is cannot be seen
      help: neither its name nor its content is that of a compose file (`services:`), of `zoo.cfg` or `zookeeper.properties` (tickTime, dataDir, server.N), of `server.properties` (broker.id, zookeeper.connect, listeners), or what `kafka-topics --describe` prints (`Topic: …`): name it after what it is
    "#);
}

#[test]
fn brokers_are_called_after_their_addresses_folders_or_numbers() {
    let zk = zookeeper("zk/zoo.cfg");
    let sources = [
        broker("x/server.properties", "broker.id=1", "b1.example.org", ""),
        broker("kafka-2/config/server.properties", "broker.id=2", "0.0.0.0", ""),
        broker("kafka-3/server.properties", "broker.id=3", "10.0.0.3", ""),
        broker("server-4.properties", "broker.id=4", "", ""),
        broker("server.properties", "broker.id=5", "", ""),
        broker("config/server.properties", "", "", ""),
        broker("naïve folder/server.properties", "broker.id=6", "", ""),
        zk,
    ];
    assert_snapshot!(places(&sources), @r#"
    connect zk:2181
    host zk on lan as zk
    host b1 on lan as b1 b1.example.org
    host kafka-2 on lan as kafka-2
    host kafka-3 on lan as kafka-3 10.0.0.3
    host server-4 on lan as server-4
    host kafka-5 on lan as kafka-5
    host kafka-file-6 on lan as kafka-file-6
    host na-ve-folder on lan as na-ve-folder
    zk on zk myid - runs 3.4.14 V3_4
    b1 on b1 runs 2.5
    kafka-2 on kafka-2 runs 2.5
      never starts: exits at start: advertised.listeners: advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.
    kafka-3 on kafka-3 runs 2.5
    server-4 on server-4 runs 2.5
    kafka-5 on kafka-5 runs 2.5
    kafka-file-6 on kafka-file-6 runs 2.5
    na-ve-folder on na-ve-folder runs 2.5
    Error K09 kafka-2/config/server.properties:1:1: kafka-2: the broker exits at start: advertised.listeners: advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.
      help: every advertised listener must be one of `listeners`, have a host others can dial, a port of its own, and a protocol in `listener.security.protocol.map`
    Information V01 zk/zoo.cfg:1:1: zk: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    Information V01 x/server.properties:1:1: b1, kafka-2, kafka-3, server-4, kafka-5, kafka-file-6 and na-ve-folder: the version is not in the file: Kafka 2.5 is run, with its defaults
      help: say another version in the scenario to run its mechanisms
    Information K11 config/server.properties:1:1: kafka-file-6: no broker.id: the cluster gives one, here 1001; with its disk lost it comes back under another number, and its replicas stay behind
      help: set broker.id where replicas shall be found again
    "#);
}

#[test]
fn servers_share_a_machine_where_names_or_folders_say_so() {
    let quickstart = [
        zookeeper("config/zookeeper.properties"),
        file(
            "config/server.properties",
            "broker.id=0\nzookeeper.connect=localhost:2181\nlog.dirs=/tmp/kafka-logs\n",
        ),
        file(
            "config/server-1.properties",
            "broker.id=1\nlisteners=PLAINTEXT://:9093\nzookeeper.connect=localhost:2181\nlog.dirs=/tmp/kafka-logs-1\n",
        ),
        file(
            "config/server-2.properties",
            "broker.id=2\nlisteners=PLAINTEXT://:9094\nzookeeper.connect=localhost:2181\nlog.dirs=/tmp/kafka-logs\n",
        ),
    ];
    assert_snapshot!(places(&quickstart), @r#"
    connect zookeeper-1:2181
    host zookeeper-1 on lan as zookeeper-1
    zookeeper-1 on zookeeper-1 myid - runs 3.4.14 V3_4
    kafka-0 on zookeeper-1 runs 2.5
    server-1 on zookeeper-1 runs 2.5
    server-2 on zookeeper-1 runs 2.5
      never starts: exit 1: Failed to acquire lock on file .lock in /tmp/kafka-logs. A Kafka instance in another process or thread is using this directory.
    Error K12 config/server-2.properties:4:1: server-2: /tmp/kafka-logs is on `the disk of zookeeper-1`, where kafka-0 has its logs too: whoever starts second exits, here server-2
      help: give each broker a volume of its own
    Warning K13 config/server.properties:3:1: kafka-0 and server-2: log.dirs is /tmp/kafka-logs: a reboot may empty it
      help: keep it elsewhere
    Warning K13 config/server-1.properties:4:1: server-1: log.dirs is /tmp/kafka-logs-1: a reboot may empty it
      help: keep it elsewhere
    Information V01 config/zookeeper.properties:1:1: zookeeper-1: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    Information V01 config/server.properties:1:1: kafka-0, server-1 and server-2: the version is not in the file: Kafka 2.5 is run, with its defaults
      help: say another version in the scenario to run its mechanisms
    "#);
    let machine = |n: u32| {
        let zoo = "tickTime=2000\ninitLimit=5\nsyncLimit=2\ndataDir=/data\nclientPort=2181\n\
                   server.1=m1:2888:3888\nserver.2=m2:2888:3888\nserver.3=m3:2888:3888\n";
        let kafka = format!(
            "broker.id={n}\nlisteners=PLAINTEXT://m{n}:9092\nlog.dirs=/logs\nmin.insync.replicas=2\n\
             default.replication.factor=3\nzookeeper.connect=m1:2181,m2:2181,m3:2181\n"
        );
        [file(&format!("m{n}/zoo.cfg"), zoo), file(&format!("m{n}/server.properties"), &kafka)]
    };
    let shared: Vec<Source> = (1..=3).flat_map(machine).collect();
    assert_snapshot!(places(&shared), @r#"
    connect m1:2181,m2:2181,m3:2181
    host m1 on lan as m1
    host m2 on lan as m2
    host m3 on lan as m3
    m1-zookeeper on m1 myid 1 runs 3.4.14 V3_4
    m2-zookeeper on m2 myid 2 runs 3.4.14 V3_4
    m3-zookeeper on m3 myid 3 runs 3.4.14 V3_4
    m1-kafka on m1 runs 2.5
    m2-kafka on m2 runs 2.5
    m3-kafka on m3 runs 2.5
    Information V01 m1/zoo.cfg:1:1: m1-zookeeper, m2-zookeeper and m3-zookeeper: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    Information V01 m1/server.properties:1:1: m1-kafka, m2-kafka and m3-kafka: the version is not in the file: Kafka 2.5 is run, with its defaults
      help: say another version in the scenario to run its mechanisms
    "#);
}

#[test]
fn three_untouched_packages_are_three_clusters() {
    let machine = |n: u32| {
        let kafka = "broker.id=0\nlog.dirs=/var/lib/kafka\nzookeeper.connect=localhost:2181\n\
                     offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n";
        [
            file(
                &format!("kafka-broker0{n}/zookeeper.properties"),
                "dataDir=/var/lib/zookeeper\nclientPort=2181\nmaxClientCnxns=0\n",
            ),
            file(&format!("kafka-broker0{n}/server.properties"), kafka),
        ]
    };
    let all: Vec<Source> = (1..=3).flat_map(machine).collect();
    assert_snapshot!(places(&all), @r#"
    connect kafka-broker01:2181
    host kafka-broker01 on lan as kafka-broker01
    host kafka-broker02 on lan as kafka-broker02
    host kafka-broker03 on lan as kafka-broker03
    kafka-broker01-zookeeper on kafka-broker01 myid - runs 3.4.14 V3_4
    kafka-broker02-zookeeper on kafka-broker02 myid - runs 3.4.14 V3_4
    kafka-broker03-zookeeper on kafka-broker03 myid - runs 3.4.14 V3_4
    kafka-broker01-kafka on kafka-broker01 runs 2.5
    kafka-broker02-kafka on kafka-broker02 runs 2.5
    kafka-broker03-kafka on kafka-broker03 runs 2.5
    Error K16 kafka-broker02/server.properties:3:1: 3 separate Kafka clusters, which know nothing of each other: kafka-broker01-kafka without a chroot; kafka-broker02-kafka without a chroot; kafka-broker03-kafka without a chroot
      help: give all brokers of a cluster the same `zookeeper.connect`, chroot included
    Information V01 kafka-broker01/zookeeper.properties:1:1: kafka-broker01-zookeeper, kafka-broker02-zookeeper and kafka-broker03-zookeeper: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    Information Z10 kafka-broker01/zookeeper.properties:1:1: kafka-broker01-zookeeper, kafka-broker02-zookeeper and kafka-broker03-zookeeper: tickTime is not set: it is 3000, sessions last from 6 s to 60 s
      help: set tickTime=2000 for what most guides assume
    Information V01 kafka-broker01/server.properties:1:1: kafka-broker01-kafka, kafka-broker02-kafka and kafka-broker03-kafka: the version is not in the file: Kafka 2.5 is run, with its defaults
      help: say another version in the scenario to run its mechanisms
    "#);
}

#[test]
fn what_is_wrong_with_brokers_of_files() {
    let zk = || zookeeper("zk/zoo.cfg");
    let two = |first: &str, second: &str| {
        let text = |own: &str| {
            format!(
                "zookeeper.connect=zk:2181\nlog.dirs=/logs\noffsets.topic.replication.factor=1\n\
                 transaction.state.log.replication.factor=1\n{own}"
            )
        };
        places(&[
            zk(),
            file("b1/server.properties", &text(first)),
            file("b2/server.properties", &text(second)),
        ])
    };
    assert_snapshot!(two("broker.id=1\n", "broker.id=1\n"), @r#"
    connect zk:2181
    host zk on lan as zk
    host b1 on lan as b1
    host b2 on lan as b2
    zk on zk myid - runs 3.4.14 V3_4
    b1 on b1 runs 2.5
    b2 on b2 runs 2.5
    Error K10 b2/server.properties:5:1: b2: it is broker 1, as b1 is: the second to register exits
      help: give each broker its own `broker.id`
    Information V01 zk/zoo.cfg:1:1: zk: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    Information V01 b1/server.properties:1:1: b1 and b2: the version is not in the file: Kafka 2.5 is run, with its defaults
      help: say another version in the scenario to run its mechanisms
    "#);
    let same = "listeners=PLAINTEXT://:9092\nadvertised.listeners=PLAINTEXT://lb:9092\n";
    assert_snapshot!(two(&format!("broker.id=1\n{same}"), &format!("broker.id=2\n{same}")), @r#"
    connect zk:2181
    host zk on lan as zk
    host b1 on lan as b1 lb
    host b2 on lan as b2 lb
    zk on zk myid - runs 3.4.14 V3_4
    b1 on b1 runs 2.5
    b2 on b2 runs 2.5
    Error K05 b2/server.properties:7:1: b2: it advertises lb:9092, as b1 does: the second to register exits
      help: advertise an address of its own for each broker
    Warning K08 b1/server.properties:7:1: b2: clients, which use the listener PLAINTEXT, are sent to where it is not
      help: advertise the listener at an address of its own on every broker
    Information V01 zk/zoo.cfg:1:1: zk: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    Information V01 b1/server.properties:1:1: b1 and b2: the version is not in the file: Kafka 2.5 is run, with its defaults
      help: say another version in the scenario to run its mechanisms
    "#);
    let local = "listeners=PLAINTEXT://localhost:9092\n";
    assert_snapshot!(two(&format!("broker.id=1\n{local}"), &format!("broker.id=2\n{local}")), @r#"
    connect zk:2181
    host zk on lan as zk
    host b1 on lan as b1
    host b2 on lan as b2
    zk on zk myid - runs 3.4.14 V3_4
    b1 on b1 runs 2.5
    b2 on b2 runs 2.5
    Error K05 b2/server.properties:6:1: b2: it advertises localhost:9092, as b1 does: the second to register exits
      help: advertise an address of its own for each broker
    Error K06 b1/server.properties:6:1: b1 and b2: other brokers are told to find it at localhost, which is each of them itself: no control request and no replica comes across
      help: advertise the service's name on the listener that brokers use: `INTERNAL://NAME:29092`, and set KAFKA_INTER_BROKER_LISTENER_NAME
    Warning K07 b1/server.properties:6:1: b1 and b2: PLAINTEXT://localhost:9092 is bound to the loopback: nobody outside reaches it
      help: bind all addresses (`0.0.0.0`), and advertise what others shall dial
    Warning K08 b1/server.properties:6:1: b1 and b2: clients find no broker where it sends them: nothing it advertises leads to it, neither from a container nor from the machine
      help: advertise a listener at the service's name and a port the broker binds
    Information V01 zk/zoo.cfg:1:1: zk: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    Information V01 b1/server.properties:1:1: b1 and b2: the version is not in the file: Kafka 2.5 is run, with its defaults
      help: say another version in the scenario to run its mechanisms
    "#);
    let typos = "broker.id=1\nin.sync.replicas=2\nnum_partitions=3\nbroker.rak=a\nbroker.id=1\n";
    assert_snapshot!(two(typos, "broker.id=2\nadvertised.listeners=OUTSIDE://b2:9092\n"), @r#"
    connect zk:2181
    host zk on lan as zk
    host b1 on lan as b1
    host b2 on lan as b2
    zk on zk myid - runs 3.4.14 V3_4
    b1 on b1 runs 2.5
    b2 on b2 runs 2.5
      never starts: exits at start: advertised.listeners: Error creating broker listeners from 'OUTSIDE://b2:9092': No security protocol defined for listener OUTSIDE
    Error K09 b2/server.properties:6:1: b2: the broker exits at start: advertised.listeners: Error creating broker listeners from 'OUTSIDE://b2:9092': No security protocol defined for listener OUTSIDE
      help: every advertised listener must be one of `listeners`, have a host others can dial, a port of its own, and a protocol in `listener.security.protocol.map`
    Warning K18 b1/server.properties:6:1: b1: Kafka does not know `in.sync.replicas`: it logs a warning and goes on without it
      help: did you mean `min.insync.replicas`?
    Warning K18 b1/server.properties:7:1: b1: Kafka does not know `num_partitions`: it logs a warning and goes on without it
      help: did you mean `num.partitions`?
    Warning K18 b1/server.properties:8:1: b1: Kafka does not know `broker.rak`: it logs a warning and goes on without it
      help: did you mean `broker.rack`?
    Warning Y04 b1/server.properties:9: b1: `broker.id` stands twice: the last one counts
      help: keep one of them
    Information V01 zk/zoo.cfg:1:1: zk: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    Information V01 b1/server.properties:1:1: b1 and b2: the version is not in the file: Kafka 2.5 is run, with its defaults
      help: say another version in the scenario to run its mechanisms
    "#);
    let least = "broker.id=1\ndefault.replication.factor=2\nmin.insync.replicas=2\n";
    assert_snapshot!(two(least, "broker.id=2\nzookeeper.connect=zk:2181/kafka\n"), @r#"
    connect zk:2181
    host zk on lan as zk
    host b1 on lan as b1
    host b2 on lan as b2
    zk on zk myid - runs 3.4.14 V3_4
    b1 on b1 runs 2.5
    b2 on b2 runs 2.5
    Error K16 b2/server.properties:6:1: 2 separate Kafka clusters, which know nothing of each other: b1 without a chroot; b2 below /kafka
      help: give all brokers of a cluster the same `zookeeper.connect`, chroot included
    Warning Y04 b2/server.properties:6: b2: `zookeeper.connect` stands twice: the last one counts
      help: keep one of them
    Warning K15 b1/server.properties:7:1: b1: topics created without saying more: min.insync.replicas=2 of 2 replicas: with one broker down, writes with acks=all are refused
      help: have one replica more, or lower min.insync.replicas
    Information V01 zk/zoo.cfg:1:1: zk: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    Information V01 b1/server.properties:1:1: b1 and b2: the version is not in the file: Kafka 2.5 is run, with its defaults
      help: say another version in the scenario to run its mechanisms
    "#);
    let kraft = "process.roles=broker,controller\nnode.id=1\n";
    assert_snapshot!(two(kraft, "broker.id=2\n"), @r#"
    F04 line 5 column 1: b1 is a KRaft node: only brokers with ZooKeeper are modelled
      help: take the `server.properties` of a broker with `zookeeper.connect`
    "#);
}

#[test]
fn zookeepers_nobody_gave_are_assumed() {
    let broker = |n: u32| {
        let text = format!(
            "broker.id={n}\nlisteners=PLAINTEXT://b{n}.lan:9092\nlog.dirs=/logs\n\
             zookeeper.connect=z1.lan:2181,z2.lan:2181,b1.lan:2181/kafka\n"
        );
        file(&format!("b{n}/server.properties"), &text)
    };
    assert_snapshot!(imported_from(&[broker(1), broker(2), broker(3)]), @r#"
    connect z1.lan:2181,z2.lan:2181,b1.lan:2181/kafka
    host b1 on lan as b1 b1.lan
    host b2 on lan as b2 b2.lan
    host b3 on lan as b3 b3.lan
    host z1 on lan as z1 z1.lan
    host z2 on lan as z2 z2.lan
    z1 on z1 myid 1 runs 3.4.14 V3_4
      tickTime=2000  (assumed: no file of this server is given)
      initLimit=10  (assumed: no file of this server is given)
      syncLimit=5  (assumed: no file of this server is given)
      dataDir=/var/lib/zookeeper-1  (assumed: no file of this server is given)
      clientPort=2181  (assumed: no file of this server is given)
      server.1=z1.lan:2888:3888  (assumed: no file of this server is given)
      server.2=z2.lan:2888:3888  (assumed: no file of this server is given)
      server.3=b1.lan:2888:3888  (assumed: no file of this server is given)
    z2 on z2 myid 2 runs 3.4.14 V3_4
      tickTime=2000  (assumed: no file of this server is given)
      initLimit=10  (assumed: no file of this server is given)
      syncLimit=5  (assumed: no file of this server is given)
      dataDir=/var/lib/zookeeper-2  (assumed: no file of this server is given)
      clientPort=2181  (assumed: no file of this server is given)
      server.1=z1.lan:2888:3888  (assumed: no file of this server is given)
      server.2=z2.lan:2888:3888  (assumed: no file of this server is given)
      server.3=b1.lan:2888:3888  (assumed: no file of this server is given)
    b1-zookeeper-3 on b1 myid 3 runs 3.4.14 V3_4
      tickTime=2000  (assumed: no file of this server is given)
      initLimit=10  (assumed: no file of this server is given)
      syncLimit=5  (assumed: no file of this server is given)
      dataDir=/var/lib/zookeeper-3  (assumed: no file of this server is given)
      clientPort=2181  (assumed: no file of this server is given)
      server.1=z1.lan:2888:3888  (assumed: no file of this server is given)
      server.2=z2.lan:2888:3888  (assumed: no file of this server is given)
      server.3=b1.lan:2888:3888  (assumed: no file of this server is given)
    b1 on b1 runs 2.5
      clients look for it at b1.lan:9092
      broker.id=1  (b1/server.properties:1)
      listeners=PLAINTEXT://b1.lan:9092  (b1/server.properties:2)
      log.dirs=/logs  (b1/server.properties:3)
      zookeeper.connect=z1.lan:2181,z2.lan:2181,b1.lan:2181/kafka  (b1/server.properties:4)
    b2 on b2 runs 2.5
      clients look for it at b2.lan:9092
      broker.id=2  (b2/server.properties:1)
      listeners=PLAINTEXT://b2.lan:9092  (b2/server.properties:2)
    b3 on b3 runs 2.5
      clients look for it at b3.lan:9092
      broker.id=3  (b3/server.properties:1)
      listeners=PLAINTEXT://b3.lan:9092  (b3/server.properties:2)
    Warning F05 b1/server.properties:4:1: no file of a ZooKeeper is given: z1.lan:2181, z2.lan:2181, b1.lan:2181 are taken for one ensemble with tickTime 2000, initLimit 10 and syncLimit 5
      help: give the `zoo.cfg` of each server to see what it really does
    Information V01 b1/server.properties:1:1: b1, b2 and b3: the version is not in the file: Kafka 2.5 is run, with its defaults
      help: say another version in the scenario to run its mechanisms
    "#);
}

#[test]
fn three_servers_of_one_machine_are_told_apart_by_their_files() {
    let zoo = |n: u32| {
        let text = format!(
            "tickTime=2000\ninitLimit=5\nsyncLimit=2\ndataDir=/var/zk{n}\nclientPort=218{n}\n\
             server.1=localhost:2881:3881\nserver.2=localhost:2882:3882\nserver.3=localhost:2883:3883\n"
        );
        file(&format!("conf/zoo{n}.cfg"), &text)
    };
    assert_snapshot!(places(&[zoo(1), zoo(2), zoo(3)]), @r#"
    connect zoo1:2181,zoo1:2182,zoo1:2183
    host zoo1 on lan as zoo1
    zoo1 on zoo1 myid 1 runs 3.4.14 V3_4
    zoo2 on zoo1 myid 2 runs 3.4.14 V3_4
    zoo3 on zoo1 myid 3 runs 3.4.14 V3_4
    Information F05 conf/zoo1.cfg:1:1: taken for server 1 because of its file's name: there is no `myid`
      help: put a file `myid` with its number beside it
    Information V01 conf/zoo1.cfg:1:1: zoo1, zoo2 and zoo3: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    Information F05 conf/zoo2.cfg:1:1: taken for server 2 because of its file's name: there is no `myid`
      help: put a file `myid` with its number beside it
    Information F05 conf/zoo3.cfg:1:1: taken for server 3 because of its file's name: there is no `myid`
      help: put a file `myid` with its number beside it
    "#);
}
