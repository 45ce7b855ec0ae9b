//! The remaining families of ZooKeeper images, and the tools in images of brokers.

use insta::assert_snapshot;

use crate::shown::{compose, said};

fn bitnami(more: &str) -> String {
    let lines: String = more.lines().map(|line| format!("      {line}\n")).collect();
    format!(
        "services:
  a:
    image: bitnami/zookeeper:3.7.0
    environment:
      ALLOW_ANONYMOUS_LOGIN: 'yes'
{lines}    volumes: [ 'a:/bitnami/zookeeper' ]
volumes: {{ a: }}
"
    )
}

#[test]
fn bitnami_writes_a_list_of_servers_in_all_its_forms() {
    let list = "ZOO_SERVERS: 'a:2888:3888;b:2888:3888::7, c:2888:3888'\nZOO_PORT_NUMBER: 2182\n\
                ZOO_TICK_TIME: 1000\nZOO_HEAP_SIZE: 512\nZOO_TICKTIME: 1\nTZ: UTC\nZOO_SERVER_ID: 7";
    assert_snapshot!(compose(&bitnami(list)), @r#"
    connect a:2182
    host a on default as a
    a on a myid 7 runs 3.6.3 V3_5
      dataDir=/bitnami/zookeeper/data  (set by the image bitnami/zookeeper:3.7.0)
      tickTime=1000  (docker-compose.yml:8)
      initLimit=10  (set by the image bitnami/zookeeper:3.7.0)
      syncLimit=5  (set by the image bitnami/zookeeper:3.7.0)
      clientPort=2182  (docker-compose.yml:7)
      maxClientCnxns=60  (set by the image bitnami/zookeeper:3.7.0)
      autopurge.purgeInterval=0  (set by the image bitnami/zookeeper:3.7.0)
      autopurge.snapRetainCount=3  (set by the image bitnami/zookeeper:3.7.0)
      maxSessionTimeout=40000  (set by the image bitnami/zookeeper:3.7.0)
      maxCnxns=0  (set by the image bitnami/zookeeper:3.7.0)
      preAllocSize=65536  (set by the image bitnami/zookeeper:3.7.0)
      snapCount=100000  (set by the image bitnami/zookeeper:3.7.0)
      4lw.commands.whitelist=srvr, mntr  (set by the image bitnami/zookeeper:3.7.0)
      server.1=a:2888:3888;2182  (docker-compose.yml:6)
      server.7=b:2888:3888;2182  (docker-compose.yml:6)
      server.3=c:2888:3888;2182  (docker-compose.yml:6)
    unread docker-compose.yml:5 a ALLOW_ANONYMOUS_LOGIN=yes: read by the image's scripts, and not modelled
    unread docker-compose.yml:9 a ZOO_HEAP_SIZE=512: read by the image's scripts, and not modelled
    unread docker-compose.yml:10 a ZOO_TICKTIME=1: bitnami/zookeeper does not read it
    unread docker-compose.yml:11 a TZ=UTC: no setting of ZooKeeper: not modelled
    Error N03 docker-compose.yml:6: a: `c` in its server list is nobody's name
      help: names are services, container names and aliases on a shared network
    Error N03 docker-compose.yml:6: a: `b` in its server list is nobody's name
      help: names are services, container names and aliases on a shared network
    Warning Z08 docker-compose.yml:10:7: a: bitnami/zookeeper does not read `ZOO_TICKTIME`: it has no effect
      help: did you mean `ZOO_TICK_TIME`?
    Information V01 docker-compose.yml:3:12: a: bitnami/zookeeper:3.7.0 is ZooKeeper 3.7.0; the mechanisms of 3.6.3 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    "#);
}

#[test]
fn z03_z07_bitnami_takes_two_servers_or_more() {
    assert_snapshot!(said(&bitnami("ZOO_SERVERS: a:2888:3888")), @r#"
    Warning Z03 docker-compose.yml:6:7: a: `a:2888:3888` is the only server: the image leaves it out, it runs alone
      help: name all servers of the ensemble, this one included
    Information V01 docker-compose.yml:3:12: a: bitnami/zookeeper:3.7.0 is ZooKeeper 3.7.0; the mechanisms of 3.6.3 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    "#);
    assert_snapshot!(said(&bitnami("ZOO_SERVERS: a:2888:3888,server.2=b")), @r#"
    a never starts: exit 1: Zookeeper server server.2=b should follow the next syntax: host:port:port
    Error Z07 docker-compose.yml:6:7: a: `server.2=b` in ZOO_SERVERS is no `host:port:port`: the container exits 1
      help: write `zk-1:2888:3888,zk-2:2888:3888`, or `zk-1:2888:3888::1` with its number
    Information V01 docker-compose.yml:3:12: a: bitnami/zookeeper:3.7.0 is ZooKeeper 3.7.0; the mechanisms of 3.6.3 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    "#);
}

#[test]
fn k04_bitnami_wants_to_be_told_that_anybody_may_log_in() {
    let silent = bitnami("").replace("'yes'", "'no'");
    assert_snapshot!(said(&silent), @r#"
    a never starts: exit 1: The ZOO_ENABLE_AUTH environment variable does not configure authentication
    Error K04 docker-compose.yml:3:12: a: neither ALLOW_ANONYMOUS_LOGIN nor ZOO_ENABLE_AUTH says yes: the container exits 1
      help: set ALLOW_ANONYMOUS_LOGIN: 'yes'
    Information V01 docker-compose.yml:3:12: a: bitnami/zookeeper:3.7.0 is ZooKeeper 3.7.0; the mechanisms of 3.6.3 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    "#);
    assert_snapshot!(said(&silent.replace("ALLOW_ANONYMOUS_LOGIN: 'no'", "ZOO_ENABLE_AUTH: true")), @r#"
    Warning Y05 docker-compose.yml:5:24: a: `true` without quotes is a boolean in YAML: Compose 1.x refuses it
      help: write "true"
    Information V01 docker-compose.yml:3:12: a: bitnami/zookeeper:3.7.0 is ZooKeeper 3.7.0; the mechanisms of 3.6.3 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    "#);
}

#[test]
fn z12_bitnami_keeps_nothing_by_itself() {
    assert_snapshot!(said(&bitnami("").replace("a:/bitnami/zookeeper", "/bitnami")), @r#"
    Warning Z12 docker-compose.yml:6:16: a: no named volume holds /bitnami/zookeeper/data: after `down` and `up` it is empty
      help: give the volume a name
    Information V01 docker-compose.yml:3:12: a: bitnami/zookeeper:3.7.0 is ZooKeeper 3.7.0; the mechanisms of 3.6.3 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    "#);
    assert_snapshot!(said(&bitnami("").replace("a:/bitnami/zookeeper", "./data:/bitnami")), @r#"
    Information V01 docker-compose.yml:3:12: a: bitnami/zookeeper:3.7.0 is ZooKeeper 3.7.0; the mechanisms of 3.6.3 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    Information Z12 docker-compose.yml:6:16: a: the image runs as user 1001: it exits if the mounted folder is root's
      help: `chown 1001` the folder, or mount a named volume
    "#);
    assert_snapshot!(said(&bitnami("").replace("a:/bitnami/zookeeper", "a:/data")), @r#"
    Warning Z12 docker-compose.yml:3:12: a: /bitnami/zookeeper/data is in the container itself: a container made anew (`up` after an edit) begins empty
      help: mount a named volume: `zookeeper:/bitnami`
    Information V01 docker-compose.yml:3:12: a: bitnami/zookeeper:3.7.0 is ZooKeeper 3.7.0; the mechanisms of 3.6.3 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    "#);
}

#[test]
fn debezium_has_the_names_of_the_others_built_in() {
    let three = |name: &str| {
        let mut text = "services:\n".to_owned();
        for id in 1..=3 {
            text.push_str(&format!(
                "  {name}-{id}:
    image: debezium/zookeeper:1.2
    environment: {{ SERVER_ID: {id}, SERVER_COUNT: 3, ZOO_TICK_TIME: 500 }}
    volumes: [ 'd{id}:/zookeeper/data', 't{id}:/zookeeper/txns' ]
"
            ));
        }
        text + "volumes: { d1: , d2: , d3: , t1: , t2: , t3: }\n"
    };
    assert_snapshot!(compose(&three("zookeeper")), @r#"
    connect zookeeper-1:2181,zookeeper-2:2181,zookeeper-3:2181
    host zookeeper-1 on default as zookeeper-1
    host zookeeper-2 on default as zookeeper-2
    host zookeeper-3 on default as zookeeper-3
    zookeeper-1 on zookeeper-1 myid 1 runs 3.4.14 V3_5
      tickTime=2000  (set by the image debezium/zookeeper:1.2)
      initLimit=10  (set by the image debezium/zookeeper:1.2)
      syncLimit=5  (set by the image debezium/zookeeper:1.2)
      dataDir=/zookeeper/data  (set by the image debezium/zookeeper:1.2)
      dataLogDir=/zookeeper/txns  (set by the image debezium/zookeeper:1.2)
      clientPort=2181  (set by the image debezium/zookeeper:1.2)
      autopurge.snapRetainCount=3  (set by the image debezium/zookeeper:1.2)
      autopurge.purgeInterval=1  (set by the image debezium/zookeeper:1.2)
      server.1=0.0.0.0:2888:3888  (docker-compose.yml:4)
      server.2=zookeeper-2:2888:3888  (docker-compose.yml:4)
      server.3=zookeeper-3:2888:3888  (docker-compose.yml:4)
    zookeeper-2 on zookeeper-2 myid 2 runs 3.4.14 V3_5
      tickTime=2000  (set by the image debezium/zookeeper:1.2)
      initLimit=10  (set by the image debezium/zookeeper:1.2)
      syncLimit=5  (set by the image debezium/zookeeper:1.2)
      dataDir=/zookeeper/data  (set by the image debezium/zookeeper:1.2)
      dataLogDir=/zookeeper/txns  (set by the image debezium/zookeeper:1.2)
      clientPort=2181  (set by the image debezium/zookeeper:1.2)
      autopurge.snapRetainCount=3  (set by the image debezium/zookeeper:1.2)
      autopurge.purgeInterval=1  (set by the image debezium/zookeeper:1.2)
      server.1=zookeeper-1:2888:3888  (docker-compose.yml:8)
      server.2=0.0.0.0:2888:3888  (docker-compose.yml:8)
      server.3=zookeeper-3:2888:3888  (docker-compose.yml:8)
    zookeeper-3 on zookeeper-3 myid 3 runs 3.4.14 V3_5
      tickTime=2000  (set by the image debezium/zookeeper:1.2)
      initLimit=10  (set by the image debezium/zookeeper:1.2)
      syncLimit=5  (set by the image debezium/zookeeper:1.2)
      dataDir=/zookeeper/data  (set by the image debezium/zookeeper:1.2)
      dataLogDir=/zookeeper/txns  (set by the image debezium/zookeeper:1.2)
      clientPort=2181  (set by the image debezium/zookeeper:1.2)
      autopurge.snapRetainCount=3  (set by the image debezium/zookeeper:1.2)
      autopurge.purgeInterval=1  (set by the image debezium/zookeeper:1.2)
      server.1=zookeeper-1:2888:3888  (docker-compose.yml:12)
      server.2=zookeeper-2:2888:3888  (docker-compose.yml:12)
      server.3=0.0.0.0:2888:3888  (docker-compose.yml:12)
    unread docker-compose.yml:4 zookeeper-1 ZOO_TICK_TIME=500: debezium/zookeeper does not read it
    unread docker-compose.yml:8 zookeeper-2 ZOO_TICK_TIME=500: debezium/zookeeper does not read it
    unread docker-compose.yml:12 zookeeper-3 ZOO_TICK_TIME=500: debezium/zookeeper does not read it
    Warning Z08 docker-compose.yml:4:51: zookeeper-1, zookeeper-2 and zookeeper-3: debezium/zookeeper does not read `ZOO_TICK_TIME`: it has no effect
      help: leave it out, or mount a configuration file
    Information V01 docker-compose.yml:3:12: zookeeper-1, zookeeper-2 and zookeeper-3: debezium/zookeeper:1.2 is ZooKeeper 3.5.7; the mechanisms of 3.4.14 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    "#);
    assert_snapshot!(said(&three("zk")), @r#"
    Error N03 docker-compose.yml:3:12: zk-1: the others look for it at `zookeeper-1`, a name the image has built in
      help: call the service `zookeeper-1`, or give it that alias
    Error N03 docker-compose.yml:7:12: zk-2: the others look for it at `zookeeper-2`, a name the image has built in
      help: call the service `zookeeper-2`, or give it that alias
    Error N03 docker-compose.yml:11:12: zk-3: the others look for it at `zookeeper-3`, a name the image has built in
      help: call the service `zookeeper-3`, or give it that alias
    Error N03 docker-compose.yml:4: zk-1 and zk-3: `zookeeper-2` in its server list is nobody's name
      help: names are services, container names and aliases on a shared network
    Error N03 docker-compose.yml:4: zk-1 and zk-2: `zookeeper-3` in its server list is nobody's name
      help: names are services, container names and aliases on a shared network
    Error N03 docker-compose.yml:8: zk-2 and zk-3: `zookeeper-1` in its server list is nobody's name
      help: names are services, container names and aliases on a shared network
    Warning Z08 docker-compose.yml:4:51: zk-1, zk-2 and zk-3: debezium/zookeeper does not read `ZOO_TICK_TIME`: it has no effect
      help: leave it out, or mount a configuration file
    Information V01 docker-compose.yml:3:12: zk-1, zk-2 and zk-3: debezium/zookeeper:1.2 is ZooKeeper 3.5.7; the mechanisms of 3.4.14 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    "#);
    let one = "services:\n  zk:\n    image: debezium/zookeeper:3.0\n    environment: [ SERVER_COUNT=many ]\n";
    assert_snapshot!(said(one), @r#"
    Error Z07 docker-compose.yml:4:20: zk: SERVER_COUNT is `many`, which is no number of servers
      help: write how many servers the ensemble has
    Warning Z12 docker-compose.yml:3:12: zk: no named volume holds /zookeeper/data and /zookeeper/txns: after `down` and `up` it is empty
      help: mount a named volume there
    Information V01 docker-compose.yml:3:12: zk: debezium/zookeeper:3.0 is ZooKeeper 3.8.4; the mechanisms of 3.6.3 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    "#);
}

#[test]
fn v02_options_that_a_version_does_not_have() {
    let with = |tag: &str, command: &str| {
        let text = format!(
            "services:
  zk:
    image: zookeeper:3.6.3
    volumes: [ 'a:/data', 'b:/datalog' ]
  init:
    image: confluentinc/cp-kafka:{tag}
    command: sh -c '{command}'
volumes: {{ a: , b: }}
"
        );
        said(&text)
    };
    let all = [
        with("5.1.0", "kafka-topics --bootstrap-server kafka:9092 --list"),
        with("5.2.0", "kafka-topics --bootstrap-server kafka:9092 --list"),
        with("6.2.0", "/usr/bin/kafka-topics --zookeeper zk:2181 --list"),
        with("7.0.0", "cub kafka-ready 1 40; /usr/bin/kafka-topics.sh --zookeeper=zk:2181 --list"),
        with("5.4.0", "echo a | kafka-console-producer --bootstrap-server kafka:9092 --topic a"),
        with("5.5.0", "echo a | kafka-console-producer --bootstrap-server kafka:9092 --topic a"),
    ];
    assert_snapshot!(all.join("--\n"), @r#"
    not staged: init: it runs `kafka-topics`, not the server of its image
    Warning V02 docker-compose.yml:7:14: init: kafka-topics of Kafka 2.1.0 says `bootstrap-server is not a recognized option`
      help: up to Kafka 2.1 it takes --zookeeper
    --
    not staged: init: it runs `kafka-topics`, not the server of its image
    --
    not staged: init: it runs `kafka-topics`, not the server of its image
    --
    not staged: init: it runs `cub`, not the server of its image
    Warning V02 docker-compose.yml:7:14: init: kafka-topics of Kafka 3.0.0 says `zookeeper is not a recognized option`
      help: from Kafka 3.0 on it takes --bootstrap-server
    --
    not staged: init: it runs `kafka-console-producer`, not the server of its image
    Warning V02 docker-compose.yml:7:14: init: kafka-console-producer of Kafka 2.4.0 says `bootstrap-server is not a recognized option`
      help: up to Kafka 2.4 it takes --broker-list
    --
    not staged: init: it runs `kafka-console-producer`, not the server of its image
    "#);
}
