//! Fields of compose files that are not modelled, services that do not start, containers that run something else.

use insta::assert_snapshot;
use scenarios::import::{self, Source};

use crate::compose::file;
use crate::shown::{imported_from, said};

#[test]
fn what_is_not_modelled_is_kept_and_what_is_misspelt_is_refused() {
    let text = "version: '3.8'
name: mine
services:
  zk:
    image: zookeeper:3.6.3
    build: .
    logging: { driver: json-file }
    healthcheck: { test: [ CMD, zkServer.sh, status ] }
    ulimits: { nofile: 1000 }
    mem_limit: 1g
    restart: unless-stopped
    deploy: { replicas: 1, resources: { limits: { memory: 1G } } }
    x-mine: 1
    volumes: [ a:/data, b:/datalog ]
  ui:
    image: provectuslabs/kafka-ui
    tty: true
volumes:
  a: { driver: local }
  b:
secrets: { s: { file: ./s } }
";
    assert_snapshot!(imported_from(&[file("docker-compose.yml", text)]), @r#"
    connect zk:2181
    host zk on default as zk
    zk on zk myid 1 runs 3.6.3 V3_5
      dataDir=/data  (set by the image zookeeper:3.6.3)
      dataLogDir=/datalog  (set by the image zookeeper:3.6.3)
      tickTime=2000  (set by the image zookeeper:3.6.3)
      initLimit=5  (set by the image zookeeper:3.6.3)
      syncLimit=2  (set by the image zookeeper:3.6.3)
      autopurge.snapRetainCount=3  (set by the image zookeeper:3.6.3)
      autopurge.purgeInterval=0  (set by the image zookeeper:3.6.3)
      maxClientCnxns=60  (set by the image zookeeper:3.6.3)
      standaloneEnabled=true  (set by the image zookeeper:3.6.3)
      admin.enableServer=true  (set by the image zookeeper:3.6.3)
      server.1=localhost:2888:3888;2181  (set by the image zookeeper:3.6.3)
    not staged: ui: provectuslabs/kafka-ui is not part of the cluster
    unread docker-compose.yml:1  version=3.8: obsolete: Compose does not read it
    unread docker-compose.yml:2  name=mine: the project's name changes nothing here
    unread docker-compose.yml:21  secrets=: not modelled
    unread docker-compose.yml:19  volumes.a.driver=local: not modelled
    unread docker-compose.yml:6 zk build=.: not modelled
    unread docker-compose.yml:7 zk logging=: not modelled
    unread docker-compose.yml:8 zk healthcheck=: not modelled: it only decides when Compose starts those who depend on it
    unread docker-compose.yml:9 zk ulimits=: not modelled
    unread docker-compose.yml:10 zk mem_limit=1g: not modelled
    unread docker-compose.yml:11 zk restart=unless-stopped: not modelled: who exits stays down, and starts again when the scenario says so
    unread docker-compose.yml:13 zk x-mine=1: an extension: Compose does not read it
    unread docker-compose.yml:12 zk deploy.resources=: not modelled
    "#);
    let wrong = text.replace("    ulimits:", "    enviroment: { A: 1 }\n    ulimits:");
    assert_snapshot!(said(&wrong), @r#"
    Y03 line 9 column 5: service `zk` has no field `enviroment`: Compose refuses it
      at "enviroment" (additional property)
      help: did you mean `environment`?
    "#);
}

#[test]
fn profiles_start_when_they_are_asked_for() {
    let text = "services:
  a:
    image: zookeeper:3.6.3
    volumes: [ a:/data, b:/datalog ]
  b:
    image: zookeeper:3.6.3
    profiles: [ big ]
    volumes: [ c:/data, d:/datalog ]
volumes: { a: , b: , c: , d: }
";
    let staged = |sources: &[Source]| {
        let cluster = import::cluster_of(sources).expect("it can be imported");
        let names: Vec<String> = cluster.zookeepers.into_iter().map(|zk| zk.name).collect();
        format!("{} / {}", names.join(" "), cluster.not_staged.join(" "))
    };
    assert_snapshot!(staged(&[file("docker-compose.yml", text)]), @r#"
    a / b: only started with `--profile big`
    "#);
    let env = file(".env", "COMPOSE_PROFILES=small,big\n");
    assert_snapshot!(staged(&[file("docker-compose.yml", text), env]), @r#"
    a b /
    "#);
}

#[test]
fn containers_that_run_tools_create_topics() {
    let text = "services:
  zk:
    image: confluentinc/cp-zookeeper:5.5.1
    environment: { ZOOKEEPER_CLIENT_PORT: 2181, ZOOKEEPER_TICK_TIME: 2000 }
    volumes: [ a:/var/lib/zookeeper/data, b:/var/lib/zookeeper/log ]
  kafka:
    image: confluentinc/cp-kafka:5.5.1
    restart: always
    environment:
      KAFKA_BROKER_ID: 1
      KAFKA_ZOOKEEPER_CONNECT: zk:2181
      KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://kafka:9092
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 1
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: 1
    volumes: [ c:/var/lib/kafka/data ]
  init:
    image: confluentinc/cp-kafka:5.5.1
    depends_on: [ kafka ]
    entrypoint: [ /bin/sh, -c ]
    command: |
      \"
      kafka-topics --bootstrap-server kafka:9092 --list
      kafka-topics --bootstrap-server kafka:9092 --create --if-not-exists --topic orders --partitions 3 --replication-factor 1 --config retention.ms=1000
      kafka-topics --bootstrap-server kafka:9092 --create --topic wide --partitions 3 --replication-factor 3
      kafka-topics.sh --bootstrap-server kafka:9092 --create --topic=$$NAME --partitions 3
      \"
volumes: { a: , b: , c: }
";
    assert_snapshot!(imported_from(&[file("docker-compose.yml", text)]), @r#"
    connect zk:2181
    host zk on default as zk
    host kafka on default as kafka
    zk on zk myid - runs 3.4.14 V3_5
      dataDir=/var/lib/zookeeper/data  (set by the image confluentinc/cp-zookeeper:5.5.1)
      dataLogDir=/var/lib/zookeeper/log  (set by the image confluentinc/cp-zookeeper:5.5.1)
      clientPort=2181  (docker-compose.yml:4)
      tickTime=2000  (docker-compose.yml:4)
    kafka on kafka runs 2.5
      clients look for it at kafka:9092
      broker.id=1  (docker-compose.yml:10)
      zookeeper.connect=zk:2181  (docker-compose.yml:11)
      advertised.listeners=PLAINTEXT://kafka:9092  (docker-compose.yml:12)
      offsets.topic.replication.factor=1  (docker-compose.yml:13)
      transaction.state.log.replication.factor=1  (docker-compose.yml:14)
      listeners=PLAINTEXT://0.0.0.0:9092  (set by the image confluentinc/cp-kafka:5.5.1)
      log.dirs=/var/lib/kafka/data  (set by the image confluentinc/cp-kafka:5.5.1)
    topic orders 3 x 1 {"retention.ms": "1000"}
    not staged: init: it runs `kafka-topics`, not the server of its image
    unread docker-compose.yml:8 kafka restart=always: not modelled: who exits stays down, and starts again when the scenario says so
    unread docker-compose.yml:21 init kafka-topics --create=: the topic this command creates is not staged: its name, its partitions or its replicas cannot be seen
    Warning K20 docker-compose.yml:21:7: topic wide is not created: Replication factor: 3 larger than available brokers: 1
      help: ask for as many replicas as there are brokers
    Information V01 docker-compose.yml:3:12: zk: confluentinc/cp-zookeeper:5.5.1 is ZooKeeper 3.5.7; the mechanisms of 3.4.14 are run, the nearest that are modelled
      help: say another version in the scenario to run its mechanisms
    "#);
}
