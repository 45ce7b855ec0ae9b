//! Each rule by itself: the smallest file that breaks it, and what is said.

use insta::assert_snapshot;
use scenarios::import::Source;

use crate::shown::{compose, imported_from, said};

/// Two servers of the official image, with `settings` in the second.
fn official(tag: &str, first: &str, second: &str) -> String {
    format!(
        "services:
  a:
    image: zookeeper:{tag}
    environment: {{ ZOO_MY_ID: 1, {first} }}
    volumes: [ a:/data, b:/datalog ]
  b:
    image: zookeeper:{tag}
    environment: {{ {second} }}
    volumes: [ c:/data, d:/datalog ]
volumes: {{ a: , b: , c: , d: }}
"
    )
}

#[test]
fn y02_a_placeholder_is_not_a_path() {
    let text = "services:
  a:
    image: zookeeper:3.6.3
    volumes:
      - <where my data is>:/data
";
    assert_snapshot!(said(text), @"");
}

#[test]
fn y03_services_stand_under_services() {
    assert_snapshot!(said("version: '3'\nservices:\n  a:\n    image: zookeeper:3.6.3\nb:\n  image: zookeeper\n"), @"");
    assert_snapshot!(said("a:\n  image: zookeeper\n"), @"");
    assert_snapshot!(said(""), @"");
}

#[test]
fn y04_a_key_stands_once() {
    let text = "services:
  a:
    image: zookeeper:3.6.3
    environment:
      ZOO_MY_ID: 1
      ZOO_MY_ID: 2
";
    assert_snapshot!(said(text), @"");
}

#[test]
fn y05_numbers_of_base_60_and_booleans() {
    let text = "services:
  a:
    image: zookeeper:3.6.3
    ports: [ 22:22 ]
    environment:
      ZOO_STANDALONE_ENABLED: yes
    volumes: [ a:/data, b:/datalog ]
volumes: { a: , b: }
";
    assert_snapshot!(said(text), @"");
}

#[test]
fn y06_variables_of_the_file_itself() {
    let text = "services:
  a:
    image: zookeeper:${VERSION:-3.6.3}
    environment:
      ZOO_MY_ID: ${ID}
      ZOO_TICK_TIME: $TICK
    volumes: [ a:/data, b:/datalog ]
volumes: { a: , b: }
";
    assert_snapshot!(said(text), @"");
    let env =
        Source { name: ".env".to_owned(), text: "# mine\nID='1'\nTICK=500 # ms\n".to_owned() };
    let file = Source { name: "docker-compose.yml".to_owned(), text: text.to_owned() };
    assert_snapshot!(imported_from(&[file, env]), @"");
    assert_snapshot!(said(&text.replace("${ID}", "${ID:?who is it}")), @"");
    assert_snapshot!(said(&text.replace("${ID}", "${ID")), @"");
}

#[test]
fn n01_what_is_used_is_declared() {
    let text = "services:
  a:
    image: zookeeper:3.6.3
    depends_on: [ b ]
    networks: [ backend ]
    volumes:
      - data:/data
";
    assert_snapshot!(said(text), @"");
}

#[test]
fn n03_names_and_networks() {
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888;2181 server.2=c:2888:3888;2181'";
    assert_snapshot!(said(&official("3.6.3", list, &format!("ZOO_MY_ID: 2, {list}"))), @"");
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888;2181 server.2=b:2888:3888;2181'";
    let apart = official("3.6.3", list, &format!("ZOO_MY_ID: 2, {list}"))
        .replace("  b:\n", "  b:\n    networks: [ other ]\n")
        + "networks: { other: }\n";
    assert_snapshot!(said(&apart), @"");
}

#[test]
fn n04_n05_ports() {
    let text = "services:
  a:
    image: zookeeper:3.6.3
    ports: [ '2182:2181' ]
    volumes: [ a:/data, b:/datalog ]
  b:
    image: zookeeper:3.6.3
    ports: [ '2182:2181' ]
    volumes: [ a:/data, b:/datalog ]
  kafka:
    image: wurstmeister/kafka
    environment:
      - KAFKA_ZOOKEEPER_CONNECT=a:2182
volumes: { a: , b: }
";
    assert_snapshot!(said(text), @"");
}

#[test]
fn n08_copies_are_the_same_server() {
    let text = "services:\n  a:\n    image: zookeeper:3.6.3\n    deploy: { replicas: 3 }\n";
    assert_snapshot!(said(text), @"");
}

#[test]
fn z05_every_server_has_its_own_number() {
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888;2181 server.2=b:2888:3888;2181'";
    assert_snapshot!(said(&official("3.6.3", list, list)), @"");
    assert_snapshot!(said(&official("3.6.3", list, &format!("ZOO_MY_ID: 7, {list}"))), @"");
    assert_snapshot!(said(&official("3.6.3", list, &format!("ZOO_MY_ID: two, {list}"))), @"");
}

#[test]
fn z06_from_3_5_the_client_port_stands_behind_the_semicolon() {
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888 server.2=b:2888:3888;2181'";
    assert_snapshot!(said(&official("3.6.3", list, &format!("ZOO_MY_ID: 2, {list}"))), @"");
}

#[test]
fn z07_separators() {
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888;2181;server.2=b:2888:3888;2181'";
    assert_snapshot!(said(&official("3.6.3", list, &format!("ZOO_MY_ID: 2, {list}"))), @"");
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888;2181 server.2=b:2888:3888;2181'";
    assert_snapshot!(said(&official("3.4.14", list, &format!("ZOO_MY_ID: 2, {list}"))), @"");
    assert_snapshot!(said(&confluent("ZOOKEEPER_SERVERS: 'a:2888:3888,b:2888:3888'")), @"");
}

/// One cp-zookeeper that would start.
fn confluent(more: &str) -> String {
    format!(
        "services:
  a:
    image: confluentinc/cp-zookeeper:5.3.1
    environment:
      ZOOKEEPER_CLIENT_PORT: 2181
      ZOOKEEPER_SERVER_ID: 1
      {more}
    volumes: [ a:/var/lib/zookeeper/data, b:/var/lib/zookeeper/log ]
volumes: {{ a: , b: }}
"
    )
}

#[test]
fn z08_variables_nobody_reads() {
    let more = "ZOOKEEPER_4LW_COMMANDS_WHITELIST: '*'
      ZOOKEEPER_TICKTIME: 2000
      ZOOKEEPER_SNAP_COUNT: 1000
      ZOOKEEPER_SKIP_ACL: 'yes'";
    assert_snapshot!(compose(&confluent(more)), @"");
    let list = "ZOO_TICKTIME: 500, ZOO_CFG_EXTRA: 'preAllocSize=1000 ticktime=9'";
    assert_snapshot!(said(&official("3.6.3", "", list)), @"");
}

#[test]
fn k02_what_an_image_requires() {
    let text = confluent("ZOOKEEPER_SERVERS: a:2888:3888;b:2888:3888");
    assert_snapshot!(said(&text.replace("ZOOKEEPER_SERVER_ID: 1\n", "X: 1\n")), @"");
    assert_snapshot!(said(&text.replace("CLIENT_PORT: 2181", "CLIENT_PORT: ''")), @"");
}

#[test]
fn v01_versions_behind_tags() {
    let tags = [
        "wurstmeister/zookeeper",
        "wurstmeister/zookeeper:3.4.6",
        "confluentinc/cp-zookeeper:5.0.0",
        "confluentinc/cp-zookeeper:5.5.1",
        "confluentinc/cp-zookeeper:7.0.1",
        "confluentinc/cp-zookeeper:latest",
        "zookeeper",
        "zookeeper:3.4",
        "docker.io/library/zookeeper:3.5.9-alpine",
        "zookeeper:3.9.3",
    ];
    let said: Vec<String> = tags
        .iter()
        .map(|tag| said(&format!("services:\n  a:\n    image: {tag}\n")))
        .map(|said| said.lines().filter(|line| line.contains(" V01 ")).collect::<String>())
        .collect();
    assert_snapshot!(said.join("\n"), @"");
}

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
",
    );
    assert_snapshot!(compose(&text), @"");
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
    assert_snapshot!(with("3.4.6"), @"");
    assert_snapshot!(with("3.4.13"), @"");
}

#[test]
fn a_zoo_cfg_must_say_whose_it_is() {
    let text = "tickTime=2000\ninitLimit=5\nsyncLimit=2\ndataDir=/data\nclientPort=2181\n\
                server.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888\n";
    let file = |name: &str| Source { name: name.to_owned(), text: text.to_owned() };
    assert_snapshot!(imported_from(&[file("zoo.cfg")]), @"");
    assert_snapshot!(imported_from(&[file("b.cfg")]), @"");
    let without = text.replace("initLimit=5\n", "");
    assert_snapshot!(imported_from(&[Source { name: "a/zoo.cfg".to_owned(), text: without }]), @"");
}

#[test]
fn files_that_cannot_be_used() {
    assert_snapshot!(said("services:\n  a: [\n"), @"");
    assert_snapshot!(said("services:\n  kafka:\n    image: wurstmeister/kafka\n"), @"");
    assert_snapshot!(said("services:\n  a:\n    image: bitnami/zookeeper:3.7\n"), @"");
    assert_snapshot!(imported_from(&[]), @"");
    let two = ["a.yml", "b.yml"].map(|name| Source { name: name.to_owned(), text: String::new() });
    assert_snapshot!(imported_from(&two), @"");
}
