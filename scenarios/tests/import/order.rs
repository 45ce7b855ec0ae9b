//! What services of a compose file have to do with each other: order, restarts, copies, names and ports that two of them want.

use insta::assert_snapshot;
use scenarios::import::Source;

use crate::shown::{compose, imported_from, said};

/// A ZooKeeper and a broker that would start, with more lines in each.
fn two(zookeeper: &str, broker: &str) -> String {
    let lines = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    format!(
        "services:
  zk:
    image: zookeeper:3.6.3
    volumes: [ 'zk-data:/data', 'zk-log:/datalog' ]
{}  kafka:
    image: wurstmeister/kafka:2.12-2.5.0
    environment:
      KAFKA_ZOOKEEPER_CONNECT: zk:2181
      KAFKA_LISTENERS: PLAINTEXT://:9092
      KAFKA_LOG_DIRS: /kafka/logs
    volumes: [ 'logs:/kafka' ]
{}volumes: {{ zk-data: , zk-log: , logs: }}
",
        lines(zookeeper),
        lines(broker)
    )
}

/// What is said, without what is said of every such file.
fn only(text: &str) -> String {
    let said = said(text);
    let mut lines: Vec<&str> = Vec::new();
    let mut keep = true;
    for line in said.lines() {
        if !line.starts_with(' ') {
            keep = !["K08", "K11", "K13"].iter().any(|rule| line.contains(rule));
        }
        if keep {
            lines.push(line);
        }
    }
    lines.join("\n")
}

#[test]
fn n06_depends_on_gives_an_order() {
    let restart = "restart: always\n";
    assert_snapshot!(only(&two("", &format!("{restart}depends_on: [ zk ]"))), @r#"
    Information N06 docker-compose.yml:13:19: kafka: `depends_on` gives the order of the starts: nobody waits until others serve
      help: give them a healthcheck and wait with `condition: service_healthy`
    "#);
    let healthy = format!("{restart}depends_on: {{ zk: {{ condition: service_healthy }} }}");
    assert_snapshot!(only(&two("", &healthy)), @r#"
    kafka never starts: dependency failed to start: zk has no healthcheck
    Error N06 docker-compose.yml:13:19: kafka: it waits until zk is healthy, and zk has no healthcheck: Compose gives up and never starts it
      help: give zk a `healthcheck:`, or wait for `service_started`
    "#);
    let check = "healthcheck: { test: [ CMD, zkServer.sh, status ] }";
    assert_snapshot!(only(&two(check, &healthy)), @"");
    assert_snapshot!(only(&two("healthcheck: { disable: true }", &healthy)), @r#"
    kafka never starts: dependency failed to start: zk has no healthcheck
    Error N06 docker-compose.yml:14:19: kafka: it waits until zk is healthy, and zk has no healthcheck: Compose gives up and never starts it
      help: give zk a `healthcheck:`, or wait for `service_started`
    "#);
    let unknown = format!("{restart}depends_on: {{ zoo: {{ condition: service_healthy }} }}");
    assert_snapshot!(only(&two("", &unknown)), @r#"
    N01 line 13 column 19: service `kafka` depends on `zoo`, which is no service
      at "zoo" (undefined service)
      help: services are zk and kafka
    "#);
}

#[test]
fn n07_nobody_starts_it_again() {
    let policies = [
        "",
        "restart: no",
        "restart: 'no'",
        "restart: on-failure:3",
        "restart: always\ndeploy: { restart_policy: { condition: none } }",
        "deploy: { restart_policy: { condition: on-failure } }",
    ];
    let said = policies.map(|policy| {
        let is_said = said(&two("", policy)).contains("N07");
        format!("{policy:?}: {}", if is_said { "stays down" } else { "starts again" })
    });
    assert_snapshot!(said.join("\n"), @r#"
    "": stays down
    "restart: no": stays down
    "restart: 'no'": stays down
    "restart: on-failure:3": starts again
    "restart: always\ndeploy: { restart_policy: { condition: none } }": stays down
    "deploy: { restart_policy: { condition: on-failure } }": starts again
    "#);
}

#[test]
fn n08_copies_of_a_broker() {
    let scaled = |more: &str| only(&two("", &format!("restart: always\nscale: 3\n{more}")));
    assert_snapshot!(compose(&two("", "restart: always\nscale: 2")), @r#"
    connect zk:2181
    host zk on default as zk
    host kafka-1 on default as kafka-1 kafka
    host kafka-2 on default as kafka-2 kafka
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
    kafka-1 on kafka-1 runs 2.5
      clients look for it at kafka-1:9092
      num.network.threads=3  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      num.io.threads=8  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      socket.send.buffer.bytes=102400  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      socket.receive.buffer.bytes=102400  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      socket.request.max.bytes=104857600  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.dirs=/kafka/logs  (docker-compose.yml:10)
      num.partitions=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      num.recovery.threads.per.data.dir=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      offsets.topic.replication.factor=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      transaction.state.log.replication.factor=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      transaction.state.log.min.isr=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.retention.hours=168  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.segment.bytes=1073741824  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.retention.check.interval.ms=300000  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      zookeeper.connect=zk:2181  (docker-compose.yml:8)
      zookeeper.connection.timeout.ms=18000  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      group.initial.rebalance.delay.ms=0  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      port=9092  (set by the image wurstmeister/kafka:2.12-2.5.0)
      listeners=PLAINTEXT://:9092  (docker-compose.yml:9)
      broker.id=1001  (given out by the cluster)
    kafka-2 on kafka-2 runs 2.5
      clients look for it at kafka-2:9092
      never starts: exit 1: Failed to acquire lock on file .lock in /kafka/logs. A Kafka instance in another process or thread is using this directory.
      broker.id=1002  (given out by the cluster)
    unread docker-compose.yml:12 kafka restart=always: not modelled: who exits stays down, and starts again when the scenario says so
    Error K12 docker-compose.yml:11:16: kafka-2: /kafka/logs is on `logs`, where kafka-1 has its logs too: whoever starts second exits, here kafka-2
      help: give each broker a volume of its own
    Information K11 docker-compose.yml:6:12: kafka-1: no broker.id: the cluster gives one, here 1001; with its disk lost it comes back under another number, and its replicas stay behind
      help: set broker.id where replicas shall be found again
    Information K11 docker-compose.yml:6:12: kafka-2: no broker.id: the cluster gives one, here 1002; with its disk lost it comes back under another number, and its replicas stay behind
      help: set broker.id where replicas shall be found again
    "#);
    assert_snapshot!(scaled("ports: [ '9092:9092' ]"), @r#"
    N08 line 13 column 12: 3 copies of `kafka` want one port of the machine
      at "3" (more than one)
      help: publish only the port in the container: `"9092"`
    "#);
    assert_snapshot!(scaled("container_name: one"), @r#"
    N08 line 13 column 12: 3 copies of `kafka` want one `container_name`
      at "3" (more than one)
      help: leave it out
    "#);
    let numbered = two("", "restart: always\ndeploy: { replicas: 3 }")
        .replace("KAFKA_LOG_DIRS", "KAFKA_BROKER_ID: 1\n      KAFKA_LOG_DIRS");
    assert_snapshot!(only(&numbered), @r#"
    N08 line 14 column 25: 3 copies of `kafka` would all be broker 1
      at "3" (more than one)
      help: write one service per broker, or leave its number out
    "#);
    assert_snapshot!(only(&two("", "restart: always\nscale: many")), @r#"
    N08 line 13 column 12: `many` is no number of copies
      at "many" (here)
      help: write a number
    "#);
    assert_snapshot!(only(&two("", "restart: always\nscale: 1000000")), @r#"
    N08 line 13 column 12: more than 16 copies are not staged
      at "1000000" (more than one)
      help: take fewer
    "#);
    assert_snapshot!(only(&two("container_name: x", "restart: always\ncontainer_name: x")), @r#"
    N08 line 14 column 21: container name `x` is already in use by zk
      at "x" (again)
      help: give each container its own name, or none
    "#);
}

#[test]
fn n05_ports_and_ranges() {
    let ports = |first: &str, second: &str| {
        only(&two(&format!("ports: [ {first} ]"), &format!("restart: always\nports: [ {second} ]")))
    };
    assert_snapshot!(ports("'9000-9100:2100-2200'", "'9092:9092'"), @r#"
    kafka never starts: port is already allocated: 9092
    Error N05 docker-compose.yml:14:14: kafka: host port 9092 is already allocated by zk
      help: publish another one: `"PORT:9092"`
    "#);
    assert_snapshot!(ports("'2181'", "'2181'"), @"");
    assert_snapshot!(ports("'127.0.0.1:port:2181'", "'99999:9092'"), @r#"
    N05 line 5 column 14: `127.0.0.1:port:2181` is no port
      at "'127.0.0.1:port:2181'" (here)
      help: write `"HOST:CONTAINER"`, both numbers up to 65535
    N05 line 14 column 14: `99999:9092` is no port
      at "'99999:9092'" (here)
      help: write `"HOST:CONTAINER"`, both numbers up to 65535
    "#);
}

#[test]
fn y05_what_yaml_makes_of_values() {
    let text = "services:
  a:
    image: zookeeper:3.6.3
    environment:
      ZOO_TICK_TIME: 02000
      ZOO_MY_ID: 0x1
    volumes: [ 'a:/data', 'b:/datalog' ]
volumes: { a: , b: }
";
    assert_snapshot!(said(text), @r#"
    a never starts: exits at start: serverid 0x1 is not a number
    Error Z05 docker-compose.yml:3:12: a: the server exits at start: serverid 0x1 is not a number
      help: give each server its own number, the N of its own `server.N` line
    Warning Y05 docker-compose.yml:5:22: a: `02000` without quotes is a number to YAML, its zeros may get lost
      help: write "02000"
    Warning Y05 docker-compose.yml:6:18: a: `0x1` without quotes is a hexadecimal number to YAML
      help: write "0x1"
    "#);
    let listed = text.replace("02000", "[ 2000 ]");
    assert_snapshot!(said(&listed), @r#"
    Y05 line 5 column 22: the value of `ZOO_TICK_TIME` is not one word or number
      at "[ 2000 ]" (a list or a mapping)
      help: write text, in quotes if need be
    "#);
    let list = "services:
  a:
    image: zookeeper:3.6.3
    environment:
      - ZOO_TICK_TIME=\"1000\"
    volumes: [ 'a:/data', 'b:/datalog' ]
volumes: { a: , b: }
";
    assert_snapshot!(said(list), @r#"
    a never starts: exits at start: For input string: ""1000""
    Error Z11 docker-compose.yml:5: a: the server exits at start: For input string: ""1000"" (in `tickTime`)
      help: correct it: the server refuses to start
    Warning Y05 docker-compose.yml:5:9: a: the quotes in `ZOO_TICK_TIME="1000"` are part of the value
      help: write `ZOO_TICK_TIME=1000`
    "#);
}

#[test]
fn f02_files_nobody_refers_to() {
    let file = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    let sources = [
        file("docker-compose.yml", &two("", "restart: always")),
        file("server.properties", "broker.id=1\n"),
        file(".env", "A=1\n"),
    ];
    let all = imported_from(&sources);
    let about: Vec<&str> = all.lines().filter(|line| line.contains("F02")).collect();
    assert_snapshot!(about.join("\n"), @r#"
    Warning F02 server.properties:1:1: `server.properties` is not read: nothing in the compose file refers to it
    "#);
}
