//! What becomes of brokers in people's files: families of images, each with a file that works and one that does not.

use std::path::PathBuf;

use insta::assert_snapshot;
use scenarios::import;

use crate::shown::{compose, said, shown};

/// The cluster of a folder of `clusters/`.
fn of(folder: &str) -> String {
    shown(import::cluster(&[PathBuf::from(format!("clusters/{folder}/docker-compose.yml"))]))
}

#[test]
fn wurstmeister_brokers_on_three_islands() {
    assert_snapshot!(of("wurstmeister-with-listeners"));
}

#[test]
fn wurstmeister_brokers_that_advertise_localhost() {
    assert_snapshot!(of("wurstmeister-localhost-addresses"));
}

#[test]
fn wurstmeister_brokers_at_one_address() {
    assert_snapshot!(of("wurstmeister-one-address"));
}

#[test]
fn a_wurstmeister_broker_behind_the_machines_address() {
    assert_snapshot!(of("wurstmeister-published"));
}

#[test]
fn the_first_steps_with_confluent() {
    assert_snapshot!(of("confluent-quick-start"));
}

#[test]
fn mistakes_with_confluent() {
    assert_snapshot!(of("confluent-mistakes"));
}

#[test]
fn three_of_bitnami() {
    assert_snapshot!(of("bitnami-three"));
}

#[test]
fn bitnami_without_cfg() {
    assert_snapshot!(of("bitnami-without-cfg"));
}

#[test]
fn three_of_debezium() {
    assert_snapshot!(of("debezium-three"));
}

#[test]
fn debezium_without_numbers() {
    assert_snapshot!(of("debezium-one-id"));
}

#[test]
fn brokers_below_different_chroots() {
    assert_snapshot!(of("chroots"));
}

/// One ZooKeeper, and `kafka` of an image with these variables.
fn one(image: &str, variables: &str) -> String {
    said(&format!(
        "services:
  zookeeper:
    image: zookeeper:3.6.3
    volumes: [ a:/data, b:/datalog ]
  kafka:
    image: {image}
    ports: [ '9092:9092' ]
    restart: always
    environment: {{ {variables} }}
    volumes: [ c:/kafka, d:/var/lib/kafka/data, e:/bitnami/kafka ]
volumes: {{ a: , b: , c: , d: , e: }}
"
    ))
}

#[test]
fn one_container_with_both_in_it() {
    let text = "services:
  fast-data-dev:
    image: lensesio/fast-data-dev:2.3.0
    ports: [ '2181:2181', '9092:9092', '3030:3030' ]
    environment: { ADV_HOST: 192.168.1.2, KAFKA_NUM_PARTITIONS: 3, SAMPLEDATA: 0, CONNECT_HEAP: 1G }
";
    assert_snapshot!(compose(text));
}

#[test]
fn kraft_nodes_are_named_and_left_out() {
    let all = [
        one("apache/kafka:3.7.0", "KAFKA_NUM_PARTITIONS: 3"),
        one("apache/kafka:3.7.0", ""),
        one("confluentinc/cp-kafka:7.6.0", "KAFKA_PROCESS_ROLES: 'broker,controller'"),
        one("confluentinc/cp-kafka:8.0.0", "KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181'"),
        one("bitnami/kafka:3.6", "KAFKA_CFG_NODE_ID: 0"),
        one("somebody/kafka", "KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181'"),
    ];
    assert_snapshot!(all.join("\n"));
}

#[test]
fn what_the_start_script_of_wurstmeister_decides() {
    let image = "wurstmeister/kafka:2.12-2.5.0";
    let zookeeper = "KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181', KAFKA_LOG_DIRS: /kafka/l, \
                     KAFKA_BROKER_ID: 1";
    let with = |variables: &str| one(image, &format!("{zookeeper}, {variables}"));
    let all = [
        one(image, "KAFKA_LISTENERS: 'PLAINTEXT://:9092'"),
        with("HOSTNAME_COMMAND: 'hostname -i'"),
        with(
            "HOSTNAME_COMMAND: hostname, KAFKA_LISTENERS: 'PLAINTEXT://:9092', \
             KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://_{HOSTNAME_COMMAND}:9092'",
        ),
        with("KAFKA_LISTENERS: 'PLAINTEXT://:29092', KAFKA_CREATE_TOPICS: 'a:1:1,b:1,c:1:2'"),
        with("KAFKA_LISTENERS: 'PLAINTEXT://:9092', KAFKA_CREATE_TOPICS: 'a:1:1,b:1,c:1:2'"),
        with("KAFKA_LISTENERS: 'PLAINTEXT://:9092', ADVERTISED_LISTENERS: 'PLAINTEXT://a:1'"),
    ];
    assert_snapshot!(all.join("\n"));
}

#[test]
fn old_keys_of_later_versions_do_nothing() {
    let variables = "KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181', KAFKA_LOG_DIRS: /kafka/l, \
                     KAFKA_BROKER_ID: 1, KAFKA_ADVERTISED_HOST_NAME: localhost";
    assert_snapshot!(one("wurstmeister/kafka:2.13-3.1.0", variables));
}

#[test]
fn listeners_that_no_broker_takes() {
    let image = "confluentinc/cp-kafka:5.5.0";
    let common = "KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181', KAFKA_BROKER_ID: 1, \
                  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 1, \
                  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: 1";
    let with = |advertised: &str, more: &str| {
        one(image, &format!("{common}, KAFKA_ADVERTISED_LISTENERS: '{advertised}', {more}"))
    };
    let all = [
        with("PLAINTEXT://0.0.0.0:9092", ""),
        with("INSIDE://kafka:9092", ""),
        with("PLAINTEXT://kafka:9092", "KAFKA_LISTENERS: 'PLAINTEXT://elsewhere:9092'"),
        with("PLAINTEXT://kafka:9093", "KAFKA_LISTENERS: 'PLAINTEXT://:9092'"),
        with("PLAINTEXT://nobody:9092", ""),
        with("PLAINTEXT://localhost:9092", ""),
        with("PLAINTEXT://localhost:9094", ""),
    ];
    assert_snapshot!(all.join("\n"));
}
