//! Compose files in all the forms people write them: what the services come to, and what is said.

use insta::assert_snapshot;
use scenarios::import::{self, Source};

use crate::shown::{imported_from, said, shown};

pub fn file(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

/// Only the settings of the only server, and what nobody reads.
fn settings(sources: &[Source]) -> String {
    let all = shown(import::cluster_of(sources));
    let is_asked = |line: &&str| {
        line.starts_with("  ") && !line.contains("set by the image") || line.starts_with("unread")
    };
    let asked: Vec<&str> = all.lines().filter(is_asked).filter(|l| !l.contains("help:")).collect();
    if asked.is_empty() { all } else { asked.join("\n") }
}

#[test]
fn variables_come_from_env_files_and_environment() {
    let text = "services:
  a:
    image: zookeeper:3.6.3
    env_file:
      - common.env
      - path: ./own.env
      - path: absent.env
        required: false
    environment:
      - ZOO_INIT_LIMIT=20
      - ZOO_STANDALONE_ENABLED
    volumes: [ a:/data, b:/datalog ]
volumes: { a: , b: }
";
    let common = "# for all\nZOO_TICK_TIME=1000\nexport ZOO_INIT_LIMIT=9\nZOO_SYNC_LIMIT=${SYNC:-4} # ticks\nJVMFLAGS='-Xmx1g $HOME'\n";
    let own = "ZOO_TICK_TIME=500\n\nZOO_MAX_CLIENT_CNXNS\nwhat is this\n";
    let sources = [
        file("x/docker-compose.yml", text),
        file("x/common.env", common),
        file("x/own.env", own),
        file("x/.env", "SYNC=3\n"),
    ];
    assert_snapshot!(settings(&sources), @r#"
      tickTime=500  (x/own.env:1)
      initLimit=20  (x/docker-compose.yml:10)
      syncLimit=3  (x/common.env:4)
    unread x/common.env:2 a ZOO_TICK_TIME=1000: a later line of an `env_file` wins
    unread x/own.env:3 a ZOO_MAX_CLIENT_CNXNS=: no value: Compose takes it from the caller's shell, which is not looked at here
    unread x/own.env:4 a what is this=: no variable
    unread x/docker-compose.yml:7 a env_file=absent.env: not there, and not required
    unread x/docker-compose.yml:11 a ZOO_STANDALONE_ENABLED=: no value: Compose takes it from the caller's shell, which is not looked at here
    unread x/common.env:3 a ZOO_INIT_LIMIT=9: `environment` sets it again and wins
    unread x/common.env:5 a JVMFLAGS=-Xmx1g $HOME: no setting of ZooKeeper: not modelled
    "#);
    let only = text.replace("      - common.env\n", "      - nowhere.env\n");
    let sources = [file("docker-compose.yml", &only), file("own.env", own)];
    assert_snapshot!(said(&only), @r#"
    Warning Y06 docker-compose.yml:5:9: a: `env_file: nowhere.env` cannot be read: its variables are missing, and Compose would not start the service
      help: put the file where the compose file looks for it
    Warning Y06 docker-compose.yml:6:15: a: `env_file: ./own.env` cannot be read: its variables are missing, and Compose would not start the service
      help: put the file where the compose file looks for it
    "#);
    assert_snapshot!(settings(&sources), @r#"
      tickTime=500  (own.env:1)
      initLimit=20  (docker-compose.yml:10)
    unread own.env:3 a ZOO_MAX_CLIENT_CNXNS=: no value: Compose takes it from the caller's shell, which is not looked at here
    unread own.env:4 a what is this=: no variable
    unread docker-compose.yml:7 a env_file=absent.env: not there, and not required
    unread docker-compose.yml:11 a ZOO_STANDALONE_ENABLED=: no value: Compose takes it from the caller's shell, which is not looked at here
    "#);
}

#[test]
fn variables_of_the_file_have_all_forms() {
    let text = "services:
  a:
    image: zookeeper:3.6.3
    environment:
      ZOO_CFG_EXTRA: 'a=${SET} b=${SET:-x} c=${SET-x} d=${EMPTY:-x} e=${EMPTY-x} f=${NONE:-${SET}} g=${SET:+y} h=${EMPTY:+y} i=${EMPTY+y} j=$$SET k=$SET'
    volumes: [ a:/data, b:/datalog ]
volumes: { a: , b: }
";
    let sources = [file("docker-compose.yml", text), file(".env", "SET=1\nEMPTY=\n")];
    assert_snapshot!(settings(&sources), @r#"
    a=1  (docker-compose.yml:5)
    b=1  (docker-compose.yml:5)
    c=1  (docker-compose.yml:5)
    d=x  (docker-compose.yml:5)
    e=  (docker-compose.yml:5)
    f=1  (docker-compose.yml:5)
    g=y  (docker-compose.yml:5)
    h=  (docker-compose.yml:5)
    i=y  (docker-compose.yml:5)
    j=$SET  (docker-compose.yml:5)
    k=1  (docker-compose.yml:5)
    "#);
}

#[test]
fn anchors_and_merges_give_what_is_not_said() {
    let text = "x-a: &a
  image: zookeeper:3.6.3
  volumes: [ a:/data, b:/datalog ]
x-b: &b
  image: zookeeper:3.4.14
  environment: &environment { ZOO_MY_ID: 1, ZOO_TICK_TIME: 1000 }
services:
  one:
    <<: [ *a, *b ]
  two:
    <<: *b
    image: zookeeper:3.6.3
    environment:
      <<: *environment
      ZOO_MY_ID: 2
    volumes: [ c:/data, d:/datalog ]
volumes: { a: , b: , c: , d: }
";
    assert_snapshot!(imported_from(&[file("docker-compose.yml", text)]), @r#"
    connect one:2181,two:2181
    host one on default as one
    host two on default as two
    one on one myid 1 runs 3.6.3 V3_5
      dataDir=/data  (set by the image zookeeper:3.6.3)
      dataLogDir=/datalog  (set by the image zookeeper:3.6.3)
      tickTime=1000  (docker-compose.yml:6)
      initLimit=5  (set by the image zookeeper:3.6.3)
      syncLimit=2  (set by the image zookeeper:3.6.3)
      autopurge.snapRetainCount=3  (set by the image zookeeper:3.6.3)
      autopurge.purgeInterval=0  (set by the image zookeeper:3.6.3)
      maxClientCnxns=60  (set by the image zookeeper:3.6.3)
      standaloneEnabled=true  (set by the image zookeeper:3.6.3)
      admin.enableServer=true  (set by the image zookeeper:3.6.3)
      server.1=localhost:2888:3888;2181  (set by the image zookeeper:3.6.3)
    two on two myid 2 runs 3.6.3 V3_5
      dataDir=/data  (set by the image zookeeper:3.6.3)
      dataLogDir=/datalog  (set by the image zookeeper:3.6.3)
      tickTime=1000  (docker-compose.yml:6)
      initLimit=5  (set by the image zookeeper:3.6.3)
      syncLimit=2  (set by the image zookeeper:3.6.3)
      autopurge.snapRetainCount=3  (set by the image zookeeper:3.6.3)
      autopurge.purgeInterval=0  (set by the image zookeeper:3.6.3)
      maxClientCnxns=60  (set by the image zookeeper:3.6.3)
      standaloneEnabled=true  (set by the image zookeeper:3.6.3)
      admin.enableServer=true  (set by the image zookeeper:3.6.3)
      server.1=localhost:2888:3888;2181  (set by the image zookeeper:3.6.3)
    unread docker-compose.yml:1  x-a=: an extension: Compose does not read it, only what refers to it
    unread docker-compose.yml:4  x-b=: an extension: Compose does not read it, only what refers to it
    Error Z06 docker-compose.yml:12:12: two: clientPort is not set: no client is served
      help: end its own `server.N` entry with `;2181`, or set clientPort
    "#);
}

#[test]
fn several_files_are_laid_over_each_other() {
    let first = "services:
  zookeeper:
    image: zookeeper:3.6.3
    environment: [ ZOO_MY_ID=1, ZOO_TICK_TIME=2000 ]
    ports: [ '2181:2181' ]
    volumes: [ a:/data, b:/datalog ]
    command: [ one ]
    restart: always
  gone:
    image: zookeeper:3.6.3
volumes: { a: , b: }
";
    let second = "services:
  zookeeper:
    environment: { ZOO_TICK_TIME: 500 }
    ports: [ '2182:2181' ]
    volumes: [ ./data:/data ]
    command: !reset null
  gone: !reset null
";
    let both = [file("x/docker-compose.yml", first), file("x/prod.yml", second)];
    assert_snapshot!(imported_from(&both), @r#"
    connect zookeeper:2181
    host zookeeper on default as zookeeper
    zookeeper on zookeeper myid 1 runs 3.6.3 V3_5
      dataDir=/data  (set by the image zookeeper:3.6.3)
      dataLogDir=/datalog  (set by the image zookeeper:3.6.3)
      tickTime=500  (x/prod.yml:3)
      initLimit=5  (set by the image zookeeper:3.6.3)
      syncLimit=2  (set by the image zookeeper:3.6.3)
      autopurge.snapRetainCount=3  (set by the image zookeeper:3.6.3)
      autopurge.purgeInterval=0  (set by the image zookeeper:3.6.3)
      maxClientCnxns=60  (set by the image zookeeper:3.6.3)
      standaloneEnabled=true  (set by the image zookeeper:3.6.3)
      admin.enableServer=true  (set by the image zookeeper:3.6.3)
      server.1=localhost:2888:3888;2181  (set by the image zookeeper:3.6.3)
    unread x/docker-compose.yml:8 zookeeper restart=always: not modelled: who exits stays down, and starts again when the scenario says so
    Information F06 x/prod.yml:1:1: several compose files are read as `docker compose -f … -f …` reads them
      help: later files override and add to earlier ones; give separate projects separately
    "#);
    let beside = [file("docker-compose.yml", first), file("docker-compose.override.yml", second)];
    let said = imported_from(&beside);
    assert!(said.contains("tickTime=500  (docker-compose.override.yml:3)"), "{said}");
}

#[test]
fn services_extend_others_and_files_include_files() {
    let main = "include: [ ensemble/zookeeper.yml ]
services:
  kafka:
    extends: { file: base/kafka.yml, service: broker }
    environment:
      KAFKA_BROKER_ID: 7
";
    let included = "services:
  zookeeper:
    image: zookeeper:3.6.3
    env_file: zookeeper.env
    volumes: [ ./data:/data, ./log:/datalog ]
    restart: always
";
    let base = "services:
  common:
    image: wurstmeister/kafka:2.12-2.5.0
    restart: always
    volumes: [ ./logs:/kafka ]
  broker:
    extends: common
    environment:
      - KAFKA_ZOOKEEPER_CONNECT=zookeeper:2181
      - KAFKA_LISTENERS=PLAINTEXT://:9092
      - KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://kafka:9092
      - KAFKA_LOG_DIRS=/kafka/logs
      - KAFKA_BROKER_ID=1
";
    let sources = [
        file("x/docker-compose.yml", main),
        file("x/ensemble/zookeeper.yml", included),
        file("x/ensemble/zookeeper.env", "ZOO_TICK_TIME=700\n"),
        file("x/base/kafka.yml", base),
    ];
    assert_snapshot!(imported_from(&sources), @r#"
    connect zookeeper:2181
    host kafka on default as kafka
    host zookeeper on default as zookeeper
    zookeeper on zookeeper myid 1 runs 3.6.3 V3_5
      dataDir=/data  (set by the image zookeeper:3.6.3)
      dataLogDir=/datalog  (set by the image zookeeper:3.6.3)
      tickTime=700  (x/ensemble/zookeeper.env:1)
      initLimit=5  (set by the image zookeeper:3.6.3)
      syncLimit=2  (set by the image zookeeper:3.6.3)
      autopurge.snapRetainCount=3  (set by the image zookeeper:3.6.3)
      autopurge.purgeInterval=0  (set by the image zookeeper:3.6.3)
      maxClientCnxns=60  (set by the image zookeeper:3.6.3)
      standaloneEnabled=true  (set by the image zookeeper:3.6.3)
      admin.enableServer=true  (set by the image zookeeper:3.6.3)
      server.1=localhost:2888:3888;2181  (set by the image zookeeper:3.6.3)
    kafka on kafka runs 2.5
      clients look for it at kafka:9092
      broker.id=7  (x/docker-compose.yml:6)
      num.network.threads=3  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      num.io.threads=8  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      socket.send.buffer.bytes=102400  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      socket.receive.buffer.bytes=102400  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      socket.request.max.bytes=104857600  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.dirs=/kafka/logs  (x/base/kafka.yml:12)
      num.partitions=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      num.recovery.threads.per.data.dir=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      offsets.topic.replication.factor=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      transaction.state.log.replication.factor=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      transaction.state.log.min.isr=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.retention.hours=168  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.segment.bytes=1073741824  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.retention.check.interval.ms=300000  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      zookeeper.connect=zookeeper:2181  (x/base/kafka.yml:9)
      zookeeper.connection.timeout.ms=18000  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      group.initial.rebalance.delay.ms=0  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      port=9092  (set by the image wurstmeister/kafka:2.12-2.5.0)
      listeners=PLAINTEXT://:9092  (x/base/kafka.yml:10)
      advertised.listeners=PLAINTEXT://kafka:9092  (x/base/kafka.yml:11)
    unread x/base/kafka.yml:4 kafka restart=always: not modelled: who exits stays down, and starts again when the scenario says so
    unread x/ensemble/zookeeper.yml:6 zookeeper restart=always: not modelled: who exits stays down, and starts again when the scenario says so
    "#);
    let own = main.replace("broker }", "nobody }").replace("zookeeper.yml", "absent.yml");
    let mut others = sources.to_vec();
    others[0].text = own;
    assert_snapshot!(imported_from(&others), @r#"
    F01 line 1 column 12: `x/ensemble/absent.yml` is named here and cannot be read
      at "ensemble/absent.yml" (this file)
      help: put it there, or give the output of `docker compose config` instead
    "#);
    let circle = "services:
  a: { image: zookeeper:3.6.3, extends: b }
  b: { image: zookeeper:3.6.3, extends: a }
";
    assert_snapshot!(said(circle), @r#"
    N01 line 2 column 41: service `b` extends itself
      at "b" (here)
      help: leave it out
    N01 line 3 column 41: service `a` extends itself
      at "a" (here)
      help: leave it out
    "#);
}

#[test]
fn networks_ports_links_and_addresses() {
    let text = "services:
  zk:
    image: zookeeper:3.6.3
    container_name: keeper
    hostname: zoo
    ports:
      - target: 2181
        published: '12181'
      - '127.0.0.1:8080:8080/tcp'
      - '9000-9002:9000-9002'
      - '7000'
    networks:
      back:
        ipv4_address: 172.16.0.5
        aliases: [ ensemble ]
      front:
    volumes:
      - type: volume
        source: a
        target: /data
      - b:/datalog:rw
      - C:\\data:/windows
    restart: always
  kafka:
    image: wurstmeister/kafka:2.12-2.5.0
    restart: always
    links: [ 'zk:zookeeper', zk ]
    networks: [ back ]
    environment:
      KAFKA_BROKER_ID: 1
      KAFKA_ZOOKEEPER_CONNECT: zookeeper:2181,172.16.0.5:2181,keeper:2181,ensemble:2181
      KAFKA_LISTENERS: PLAINTEXT://:9092
      KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://kafka:9092
      KAFKA_LOG_DIRS: /kafka/logs
    volumes: [ c:/kafka ]
networks:
  back: { ipam: { config: [ { subnet: 172.16.0.0/24 } ] } }
  front: { external: true }
volumes: { a: , b: , c: }
";
    assert_snapshot!(imported_from(&[file("docker-compose.yml", text)]), @r#"
    connect zookeeper:2181,172.16.0.5:2181,keeper:2181,ensemble:2181
    host zk on back as zk keeper zoo ensemble 172.16.0.5 zookeeper on front as zk keeper zoo
    host kafka on back as kafka
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
    kafka on kafka runs 2.5
      clients look for it at kafka:9092
      broker.id=1  (docker-compose.yml:30)
      num.network.threads=3  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      num.io.threads=8  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      socket.send.buffer.bytes=102400  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      socket.receive.buffer.bytes=102400  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      socket.request.max.bytes=104857600  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.dirs=/kafka/logs  (docker-compose.yml:34)
      num.partitions=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      num.recovery.threads.per.data.dir=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      offsets.topic.replication.factor=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      transaction.state.log.replication.factor=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      transaction.state.log.min.isr=1  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.retention.hours=168  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.segment.bytes=1073741824  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      log.retention.check.interval.ms=300000  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      zookeeper.connect=zookeeper:2181,172.16.0.5:2181,keeper:2181,ensemble:2181  (docker-compose.yml:31)
      zookeeper.connection.timeout.ms=18000  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      group.initial.rebalance.delay.ms=0  (set by the image wurstmeister/kafka:2.12-2.5.0, in its server.properties)
      port=9092  (set by the image wurstmeister/kafka:2.12-2.5.0)
      listeners=PLAINTEXT://:9092  (docker-compose.yml:32)
      advertised.listeners=PLAINTEXT://kafka:9092  (docker-compose.yml:33)
    unread docker-compose.yml:37  networks.back.ipam=: not modelled
    unread docker-compose.yml:38  networks.front.external=true: not modelled
    unread docker-compose.yml:23 zk restart=always: not modelled: who exits stays down, and starts again when the scenario says so
    unread docker-compose.yml:26 kafka restart=always: not modelled: who exits stays down, and starts again when the scenario says so
    Information N03 docker-compose.yml:27:14: kafka: zk is called `zookeeper` too; here all others may say so
      help: say the service's own name instead of a link
    Information N03 docker-compose.yml:5:15: zk: its hostname `zoo` is certain only inside its own container
      help: others should say the service's name
    "#);
}
