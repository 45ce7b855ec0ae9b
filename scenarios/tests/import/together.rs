//! Files that only together say what runs: one network for all, a mounted `zoo.cfg`, one file for each server.

use insta::assert_snapshot;
use scenarios::import::Source;

use crate::shown::{compose, imported_from, said};

#[test]
fn host_mode_makes_localhost_right() {
    let list = "localhost:2888:3888;localhost:12888:13888;localhost:22888:23888";
    let mut text = "services:\n".to_owned();
    for (id, port) in [(1, 2181), (2, 12181), (3, 22181)] {
        text.push_str(&format!(
            "  zk-{id}:
    image: confluentinc/cp-zookeeper:5.3.1
    network_mode: host
    environment:
      ZOOKEEPER_SERVER_ID: {id}
      ZOOKEEPER_CLIENT_PORT: {port}
      ZOOKEEPER_TICK_TIME: 2000
      ZOOKEEPER_SERVERS: {list}
"
        ));
    }
    text.push_str(
        "  kafka:
    image: confluentinc/cp-kafka:5.3.1
    network_mode: host
    environment:
      KAFKA_ZOOKEEPER_CONNECT: localhost:2181,localhost:12181,localhost:22181/kafka
      KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://localhost:9092
      KAFKA_BROKER_ID: 1
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 1
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: 1
    volumes: [ kafka:/var/lib/kafka/data ]
volumes: { kafka: }
",
    );
    assert_snapshot!(compose(&text), @r#"
    connect docker-host:2181,docker-host:12181,docker-host:22181/kafka
    host docker-host on host as docker-host
    zk-1 on docker-host myid 1 runs 3.4.14 V3_4
      dataDir=/var/lib/zookeeper/data  (set by the image confluentinc/cp-zookeeper:5.3.1)
      dataLogDir=/var/lib/zookeeper/log  (set by the image confluentinc/cp-zookeeper:5.3.1)
      clientPort=2181  (docker-compose.yml:7)
      tickTime=2000  (docker-compose.yml:8)
      initLimit=10  (set by the image confluentinc/cp-zookeeper:5.3.1)
      syncLimit=5  (set by the image confluentinc/cp-zookeeper:5.3.1)
      server.1=localhost:2888:3888  (docker-compose.yml:9)
      server.2=localhost:12888:13888  (docker-compose.yml:9)
      server.3=localhost:22888:23888  (docker-compose.yml:9)
    zk-2 on docker-host myid 2 runs 3.4.14 V3_4
      dataDir=/var/lib/zookeeper/data  (set by the image confluentinc/cp-zookeeper:5.3.1)
      dataLogDir=/var/lib/zookeeper/log  (set by the image confluentinc/cp-zookeeper:5.3.1)
      clientPort=12181  (docker-compose.yml:15)
      tickTime=2000  (docker-compose.yml:16)
      initLimit=10  (set by the image confluentinc/cp-zookeeper:5.3.1)
      syncLimit=5  (set by the image confluentinc/cp-zookeeper:5.3.1)
      server.1=localhost:2888:3888  (docker-compose.yml:17)
      server.2=localhost:12888:13888  (docker-compose.yml:17)
      server.3=localhost:22888:23888  (docker-compose.yml:17)
    zk-3 on docker-host myid 3 runs 3.4.14 V3_4
      dataDir=/var/lib/zookeeper/data  (set by the image confluentinc/cp-zookeeper:5.3.1)
      dataLogDir=/var/lib/zookeeper/log  (set by the image confluentinc/cp-zookeeper:5.3.1)
      clientPort=22181  (docker-compose.yml:23)
      tickTime=2000  (docker-compose.yml:24)
      initLimit=10  (set by the image confluentinc/cp-zookeeper:5.3.1)
      syncLimit=5  (set by the image confluentinc/cp-zookeeper:5.3.1)
      server.1=localhost:2888:3888  (docker-compose.yml:25)
      server.2=localhost:12888:13888  (docker-compose.yml:25)
      server.3=localhost:22888:23888  (docker-compose.yml:25)
    kafka on docker-host runs 2.3
      clients look for it at localhost:9092
      zookeeper.connect=localhost:2181,localhost:12181,localhost:22181/kafka  (docker-compose.yml:30)
      advertised.listeners=PLAINTEXT://localhost:9092  (docker-compose.yml:31)
      broker.id=1  (docker-compose.yml:32)
      offsets.topic.replication.factor=1  (docker-compose.yml:33)
      transaction.state.log.replication.factor=1  (docker-compose.yml:34)
      listeners=PLAINTEXT://0.0.0.0:9092  (set by the image confluentinc/cp-kafka:5.3.1)
      log.dirs=/var/lib/kafka/data  (set by the image confluentinc/cp-kafka:5.3.1)
    Warning N07 docker-compose.yml:26:3: kafka: no restart policy: a broker that finds no ZooKeeper at start exits, and stays down
      help: set `restart: unless-stopped`
    Warning Z12 docker-compose.yml:3:12: zk-1, zk-2 and zk-3: no named volume holds /var/lib/zookeeper/data and /var/lib/zookeeper/log: after `down` and `up` it is empty
      help: mount a named volume there
    Information K08 docker-compose.yml:31:7: clients of scenarios stand on the machine and use the listener PLAINTEXT; a client in another container is sent to localhost:9092, which is itself
      help: advertise a second listener at the service's name for clients in containers
    "#);
}

#[test]
fn a_mounted_zoo_cfg_makes_an_ensemble_of_wurstmeister() {
    let path = |version: &str| {
        format!(
            "services:
  a:
    image: wurstmeister/zookeeper:3.4.6
    volumes:
      - ./zoo.cfg:/opt/zookeeper-{version}/conf/zoo.cfg
      - ./a:/opt/zookeeper-3.4.6/data
  b:
    image: wurstmeister/zookeeper:3.4.6
    volumes:
      - ./zoo.cfg:/opt/zookeeper-{version}/conf/zoo.cfg
      - ./b:/opt/zookeeper-3.4.6/data
"
        )
    };
    let file = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    let zoo_cfg = "tickTime=2000\ninitLimit=5\nsyncLimit=2\nclientPort=2181\n\
                   dataDir=/opt/zookeeper-3.4.6/data\nserver.1=a:2888:3888\nserver.2=b:2888:3888\n";
    let with = |version| {
        imported_from(&[
            file("x/docker-compose.yml", &path(version)),
            file("x/zoo.cfg", zoo_cfg),
            file("x/a/myid", "1\n"),
            file("x/b/myid", "2\n"),
        ])
    };
    assert_snapshot!(with("3.4.6"), @r#"
    connect a:2181,b:2181
    host a on default as a
    host b on default as b
    a on a myid 1 runs 3.4.6 V3_4
      tickTime=2000  (x/zoo.cfg:1)
      initLimit=5  (x/zoo.cfg:2)
      syncLimit=2  (x/zoo.cfg:3)
      clientPort=2181  (x/zoo.cfg:4)
      dataDir=/opt/zookeeper-3.4.6/data  (x/zoo.cfg:5)
      server.1=a:2888:3888  (x/zoo.cfg:6)
      server.2=b:2888:3888  (x/zoo.cfg:7)
    b on b myid 2 runs 3.4.6 V3_4
      tickTime=2000  (x/zoo.cfg:1)
      initLimit=5  (x/zoo.cfg:2)
      syncLimit=2  (x/zoo.cfg:3)
      clientPort=2181  (x/zoo.cfg:4)
      dataDir=/opt/zookeeper-3.4.6/data  (x/zoo.cfg:5)
      server.1=a:2888:3888  (x/zoo.cfg:6)
      server.2=b:2888:3888  (x/zoo.cfg:7)
    Warning Z09 x/zoo.cfg:6: a and b: No server failure will be tolerated. You need at least 3 servers.
      help: three servers tolerate the loss of one, five of two; an even number adds nothing
    "#);
    assert_snapshot!(with("3.4.13"), @r#"
    connect a:2181,b:2181
    host a on default as a
    host b on default as b
    a on a myid 1 runs 3.4.6 V3_4
      tickTime=2000  (set by the image wurstmeister/zookeeper:3.4.6)
      initLimit=10  (set by the image wurstmeister/zookeeper:3.4.6)
      syncLimit=5  (set by the image wurstmeister/zookeeper:3.4.6)
      dataDir=/opt/zookeeper-3.4.6/data  (set by the image wurstmeister/zookeeper:3.4.6)
      clientPort=2181  (set by the image wurstmeister/zookeeper:3.4.6)
      autopurge.snapRetainCount=3  (set by the image wurstmeister/zookeeper:3.4.6)
      autopurge.purgeInterval=1  (set by the image wurstmeister/zookeeper:3.4.6)
    b on b myid 2 runs 3.4.6 V3_4
      tickTime=2000  (set by the image wurstmeister/zookeeper:3.4.6)
      initLimit=10  (set by the image wurstmeister/zookeeper:3.4.6)
      syncLimit=5  (set by the image wurstmeister/zookeeper:3.4.6)
      dataDir=/opt/zookeeper-3.4.6/data  (set by the image wurstmeister/zookeeper:3.4.6)
      clientPort=2181  (set by the image wurstmeister/zookeeper:3.4.6)
      autopurge.snapRetainCount=3  (set by the image wurstmeister/zookeeper:3.4.6)
      autopurge.purgeInterval=1  (set by the image wurstmeister/zookeeper:3.4.6)
    Error Z01 x/docker-compose.yml:5:9: a and b: /opt/zookeeper-3.4.13/conf/zoo.cfg is not where this image looks: the mount has no effect
      help: mount under /opt/zookeeper-3.4.6: the version is part of the path
    Error Z02 x/docker-compose.yml:3:12: the connect string names servers of 2 separate ensembles: each client picks one of them by chance, and they know nothing of each other
      help: give all servers one common list of servers
    Warning F02 x/zoo.cfg:1:1: `x/zoo.cfg` is not read: nothing in the compose file refers to it
      help: mount it into a service, or import it without the compose file
    "#);
}

#[test]
fn a_zoo_cfg_must_say_whose_it_is() {
    let text = "tickTime=2000\ninitLimit=5\nsyncLimit=2\ndataDir=/data\nclientPort=2181\n\
                server.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888\n";
    let file = |name: &str| Source { name: name.to_owned(), text: text.to_owned() };
    assert_snapshot!(imported_from(&[file("zoo.cfg")]), @r#"
    Z05 line 6 column 1: which of these servers this file belongs to is not to be seen
      at "server.1=a:2888:3888" (one of these)
      help: put a file `myid` with its number beside it, or name its folder like its host
    "#);
    assert_snapshot!(imported_from(&[file("b.cfg")]), @r#"
    connect b:2181
    host b on lan as b
    b on b myid 2 runs 3.4.14 V3_4
      tickTime=2000  (b.cfg:1)
      initLimit=5  (b.cfg:2)
      syncLimit=2  (b.cfg:3)
      dataDir=/data  (b.cfg:4)
      clientPort=2181  (b.cfg:5)
      server.1=a:2888:3888  (b.cfg:6)
      server.2=b:2888:3888  (b.cfg:7)
      server.3=c:2888:3888  (b.cfg:8)
    Error N03 b.cfg:6: b: `a` in its server list is nobody's name
      help: give the files of all servers of the ensemble
    Error N03 b.cfg:8: b: `c` in its server list is nobody's name
      help: give the files of all servers of the ensemble
    Information V01 b.cfg:1:1: b: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    "#);
    let without = text.replace("initLimit=5\n", "");
    assert_snapshot!(imported_from(&[Source { name: "a/zoo.cfg".to_owned(), text: without }]), @r#"
    connect a:2181
    host a on lan as a
    a on a myid 1 runs 3.4.14 V3_4
      never starts: exits at start: initLimit is not set
      tickTime=2000  (a/zoo.cfg:1)
      syncLimit=2  (a/zoo.cfg:2)
      dataDir=/data  (a/zoo.cfg:3)
      clientPort=2181  (a/zoo.cfg:4)
      server.1=a:2888:3888  (a/zoo.cfg:5)
      server.2=b:2888:3888  (a/zoo.cfg:6)
      server.3=c:2888:3888  (a/zoo.cfg:7)
    Error Z11 a/zoo.cfg:1:1: a: the server exits at start: initLimit is not set
      help: an ensemble needs initLimit and syncLimit, 10 and 5 in ZooKeeper's sample
    Information V01 a/zoo.cfg:1:1: a: written for 3.4 or later, the version is not in the file: 3.4.14 is run
      help: say another version in the scenario to run its mechanisms
    "#);
}

#[test]
fn files_that_cannot_be_used() {
    assert_snapshot!(said("services:\n  a: [\n"), @r#"
    Y00 line 2 column 6: this is not YAML: unclosed bracket '['
      at "[" (here)
      help: check the indentation and the quotes of this line and the one above
    "#);
    assert_snapshot!(said("services:\n  kafka:\n    image: wurstmeister/kafka\n"), @r#"
    F03 line 2 column 3: there is no ZooKeeper in this file
      at "kafka" ()
      help: give it services with an image `zookeeper`
    "#);
    assert_snapshot!(said("services:\n  a:\n    image: example/zookeeper:3.7\n"), @r#"
    F03 line 2 column 3: there is no ZooKeeper in this file
      at "a" ()
      help: not staged: a: image example/zookeeper:3.7 is not modelled yet
    "#);
    assert_snapshot!(imported_from(&[]), @r#"
    F01 line 1 column 1: no file to import a cluster from
      at "" ()
      help:
    "#);
    let two = ["a.yml", "b.yml"].map(|name| Source { name: name.to_owned(), text: String::new() });
    assert_snapshot!(imported_from(&two), @r#"
    Y03 line 1 column 1: there is nothing in this file
      at "" ()
      help: give it `services:`
    "#);
}
