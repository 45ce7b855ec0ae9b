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
    assert_snapshot!(said(text), @r#"
    Y02 line 5 column 9: a placeholder stands where a path belongs
      at "<where my data is>:/data" (not filled in)
      help: write a path (`./data`) or the name of a volume (`data`, declared under `volumes:`)
    "#);
}

#[test]
fn y03_services_stand_under_services() {
    assert_snapshot!(said("version: '3'\nservices:\n  a:\n    image: zookeeper:3.6.3\nb:\n  image: zookeeper\n"), @r#"
    Y03 line 5 column 1: `b` stands at the top level: Compose refuses it there
      at "b" (additional property)
      help: indent it so that it stands under `services:`
    "#);
    assert_snapshot!(said("a:\n  image: zookeeper\n"), @r#"
    Y03 line 1 column 1: `a` stands at the top level: Compose refuses it there
      at "a" (additional property)
      help: put `services:` above the services and indent them
    "#);
    assert_snapshot!(said(""), @r#"
    Y03 line 1 column 1: there is nothing in this file
      at "" ()
      help: give it `services:`
    "#);
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
    assert_snapshot!(said(text), @r#"
    Y04 line 6 column 7: the key `ZOO_MY_ID` stands twice in one mapping
      at "ZOO_MY_ID:" (again)
      help: it stands at docker-compose.yml:5:7 already: keep one of them
    "#);
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
    assert_snapshot!(said(text), @r#"
    a never starts: exits at start: Invalid option yes for standalone mode. Choose 'true' or 'false.'
    Error Z11 docker-compose.yml:6: a: the server exits at start: Invalid option yes for standalone mode. Choose 'true' or 'false.' (in `standaloneEnabled`)
      help: correct it: the server refuses to start
    Warning Y05 docker-compose.yml:6:31: a: `yes` without quotes is a boolean in YAML: Compose 1.x refuses it
      help: write "yes"
    Warning Y05 docker-compose.yml:4:14: a: `22:22` without quotes is a number of base 60 in YAML 1.1
      help: write "22:22"
    "#);
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
    assert_snapshot!(said(text), @r#"
    Warning Y06 docker-compose.yml:5:18: `${ID}` is not set and has no default: it is empty
      help: write `${ID:-value}`, or set it in a file `.env`
    Warning Y06 docker-compose.yml:6:22: `${TICK}` is not set and has no default: it is empty
      help: write `${TICK:-value}`, or set it in a file `.env`
    "#);
    let env =
        Source { name: ".env".to_owned(), text: "# mine\nID='1'\nTICK=500 # ms\n".to_owned() };
    let file = Source { name: "docker-compose.yml".to_owned(), text: text.to_owned() };
    assert_snapshot!(imported_from(&[file, env]), @r#"
    connect a:2181
    host a on default as a
    a on a myid 1 runs 3.6.3 V3_5
      dataDir=/data  (set by the image zookeeper:3.6.3)
      dataLogDir=/datalog  (set by the image zookeeper:3.6.3)
      tickTime=500  (docker-compose.yml:6)
      initLimit=5  (set by the image zookeeper:3.6.3)
      syncLimit=2  (set by the image zookeeper:3.6.3)
      autopurge.snapRetainCount=3  (set by the image zookeeper:3.6.3)
      autopurge.purgeInterval=0  (set by the image zookeeper:3.6.3)
      maxClientCnxns=60  (set by the image zookeeper:3.6.3)
      standaloneEnabled=true  (set by the image zookeeper:3.6.3)
      admin.enableServer=true  (set by the image zookeeper:3.6.3)
      server.1=localhost:2888:3888;2181  (set by the image zookeeper:3.6.3)
    "#);
    assert_snapshot!(said(&text.replace("${ID}", "${ID:?who is it}")), @r#"
    Y06 line 5 column 18: required variable ID is missing a value: who is it
      at "${ID:?who is it}" (here)
      help: see Compose's interpolation: ${NAME}, ${NAME:-default}, $$
    "#);
    assert_snapshot!(said(&text.replace("${ID}", "${ID")), @r#"
    Y06 line 5 column 18: `${` without `}` in `${ID`
      at "${ID" (here)
      help: see Compose's interpolation: ${NAME}, ${NAME:-default}, $$
    "#);
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
    assert_snapshot!(said(text), @r#"
    N01 line 4 column 19: service `a` depends on `b`, which is no service
      at "b" (undefined service)
      help: services are a
    N01 line 5 column 17: network `backend` is used and declared nowhere
      at "backend" (undefined)
      help: add `networks: { backend: }` at the top level
    N01 line 7 column 9: service `a` uses volume `data`, declared nowhere
      at "data:/data" (this volume)
      help: add `volumes: { data: }` at the top level, or write `./data`
    "#);
}

#[test]
fn n03_names_and_networks() {
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888;2181 server.2=c:2888:3888;2181'";
    assert_snapshot!(said(&official("3.6.3", list, &format!("ZOO_MY_ID: 2, {list}"))), @r#"
    Error N03 docker-compose.yml:4: a and b: `c` in its server list is nobody's name
      help: names are services, container names and aliases on a shared network
    Warning Z09 docker-compose.yml:4: a and b: No server failure will be tolerated. You need at least 3 servers.
      help: three servers tolerate the loss of one, five of two; an even number adds nothing
    "#);
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888;2181 server.2=b:2888:3888;2181'";
    let apart = official("3.6.3", list, &format!("ZOO_MY_ID: 2, {list}"))
        .replace("  b:\n", "  b:\n    networks: [ other ]\n")
        + "networks: { other: }\n";
    assert_snapshot!(said(&apart), @r#"
    Error N03 docker-compose.yml:4: a: shares no network with `b` of its server list
      help: names are services, container names and aliases on a shared network
    Error N03 docker-compose.yml:9: b: shares no network with `a` of its server list
      help: names are services, container names and aliases on a shared network
    Warning Z09 docker-compose.yml:4: a and b: No server failure will be tolerated. You need at least 3 servers.
      help: three servers tolerate the loss of one, five of two; an even number adds nothing
    "#);
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
    image: wurstmeister/kafka:2.12-2.5.0
    environment:
      - KAFKA_ZOOKEEPER_CONNECT=a:2182
      - KAFKA_LISTENERS=PLAINTEXT://kafka:9092
      - KAFKA_BROKER_ID=1
      - KAFKA_LOG_DIRS=/kafka/logs
    volumes: [ c:/kafka ]
volumes: { a: , b: , c: }
";
    assert_snapshot!(said(text), @r#"
    b never starts: port is already allocated: 2182
    Error N05 docker-compose.yml:8:14: b: host port 2182 is already allocated by a
      help: publish another one: `"PORT:2181"`
    Error N04 docker-compose.yml:13:9: nobody listens on a:2182: it serves clients on 2181
      help: containers reach it as a:2181, whatever `ports` says
    Warning N07 docker-compose.yml:10:3: kafka: no restart policy: a broker that finds no ZooKeeper at start exits, and stays down
      help: set `restart: unless-stopped`
    "#);
}

#[test]
fn n08_copies_are_the_same_server() {
    let text = "services:\n  a:\n    image: zookeeper:3.6.3\n    deploy: { replicas: 3 }\n";
    assert_snapshot!(said(text), @r#"
    N08 line 4 column 25: 3 copies of `a` would all be the same server
      at "3" (more than one)
      help: write one service per server, each with its own number
    "#);
}

#[test]
fn z05_every_server_has_its_own_number() {
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888;2181 server.2=b:2888:3888;2181'";
    assert_snapshot!(said(&official("3.6.3", list, list)), @r#"
    Error Z05 docker-compose.yml:8: b: it is number 1, but `server.1` is a
      help: the number must be the N of the server's own `server.N` entry
    Error Z05 docker-compose.yml:7:12: b: it is number 1, as a is
      help: give each server its own number (ZOO_MY_ID, ZOOKEEPER_SERVER_ID, myid)
    Warning Z09 docker-compose.yml:4: a and b: No server failure will be tolerated. You need at least 3 servers.
      help: three servers tolerate the loss of one, five of two; an even number adds nothing
    "#);
    assert_snapshot!(said(&official("3.6.3", list, &format!("ZOO_MY_ID: 7, {list}"))), @r#"
    b never starts: exits at start: My id 7 not in the peer list
    Error Z05 docker-compose.yml:7:12: b: the server exits at start: My id 7 not in the peer list
      help: give each server its own number, the N of its own `server.N` line
    Warning Z09 docker-compose.yml:4: a: No server failure will be tolerated. You need at least 3 servers.
      help: three servers tolerate the loss of one, five of two; an even number adds nothing
    "#);
    assert_snapshot!(said(&official("3.6.3", list, &format!("ZOO_MY_ID: two, {list}"))), @r#"
    b never starts: exits at start: serverid two is not a number
    Error Z05 docker-compose.yml:7:12: b: the server exits at start: serverid two is not a number
      help: give each server its own number, the N of its own `server.N` line
    Warning Z09 docker-compose.yml:4: a: No server failure will be tolerated. You need at least 3 servers.
      help: three servers tolerate the loss of one, five of two; an even number adds nothing
    "#);
}

#[test]
fn z06_from_3_5_the_client_port_stands_behind_the_semicolon() {
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888 server.2=b:2888:3888;2181'";
    assert_snapshot!(said(&official("3.6.3", list, &format!("ZOO_MY_ID: 2, {list}"))), @r#"
    Error Z06 docker-compose.yml:3:12: a: clientPort is not set: no client is served
      help: end its own `server.N` entry with `;2181`, or set clientPort
    Warning Z09 docker-compose.yml:4: a and b: No server failure will be tolerated. You need at least 3 servers.
      help: three servers tolerate the loss of one, five of two; an even number adds nothing
    "#);
}

#[test]
fn z07_separators() {
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888;2181;server.2=b:2888:3888;2181'";
    assert_snapshot!(said(&official("3.6.3", list, &format!("ZOO_MY_ID: 2, {list}"))), @r#"
    a never starts: exits at start: a:2888:3888;2181;server.2=b:2888:3888;2181 does not have the form server_config or server_config;client_config where server_config is the pipe separated list of host:port:port or host:port:port:type and client_config is port or host:port
    b never starts: exits at start: a:2888:3888;2181;server.2=b:2888:3888;2181 does not have the form server_config or server_config;client_config where server_config is the pipe separated list of host:port:port or host:port:port:type and client_config is port or host:port
    Error Z07 docker-compose.yml:4: a and b: the server exits at start: a:2888:3888;2181;server.2=b:2888:3888;2181 does not have the form server_config or server_config;client_config where server_config is the pipe separated list of host:port:port or host:port:port:type and client_config is port or host:port (in `server.1`)
      help: one entry per server: cp-zookeeper wants `;` between them, the official image blanks; only 3.5 and later know a client port behind `;`
    "#);
    let list = "ZOO_SERVERS: 'server.1=a:2888:3888;2181 server.2=b:2888:3888;2181'";
    assert_snapshot!(said(&official("3.4.14", list, &format!("ZOO_MY_ID: 2, {list}"))), @r#"
    a never starts: exits at start: For input string: "3888;2181"
    b never starts: exits at start: For input string: "3888;2181"
    Error Z07 docker-compose.yml:4: a and b: the server exits at start: For input string: "3888;2181" (in `server.1`)
      help: one entry per server: cp-zookeeper wants `;` between them, the official image blanks; only 3.5 and later know a client port behind `;`
    "#);
    assert_snapshot!(said(&confluent("ZOOKEEPER_SERVERS: 'a:2888:3888,b:2888:3888'")), @r#"
    a never starts: exits at start: For input string: "3888,b"
    Error Z07 docker-compose.yml:7: a: the server exits at start: For input string: "3888,b" (in `server.1`)
      help: one entry per server: cp-zookeeper wants `;` between them, the official image blanks; only 3.5 and later know a client port behind `;`
    Information Z10 docker-compose.yml:3:12: a: tickTime is not set: it is 3000, sessions last from 6 s to 60 s
      help: set ZOOKEEPER_TICK_TIME: 2000 for what most guides assume
    "#);
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
    assert_snapshot!(compose(&confluent(more)), @r"
    connect a:2181
    host a on default as a
    a on a myid 1 runs 3.4.14 V3_4
      dataDir=/var/lib/zookeeper/data  (set by the image confluentinc/cp-zookeeper:5.3.1)
      dataLogDir=/var/lib/zookeeper/log  (set by the image confluentinc/cp-zookeeper:5.3.1)
      clientPort=2181  (docker-compose.yml:5)
      snapCount=1000  (docker-compose.yml:9)
      skipACL=yes  (docker-compose.yml:10)
    unread docker-compose.yml:7 a ZOOKEEPER_4LW_COMMANDS_WHITELIST=*: confluentinc/cp-zookeeper does not read it
    unread docker-compose.yml:8 a ZOOKEEPER_TICKTIME=2000: confluentinc/cp-zookeeper does not read it
    Warning Z08 docker-compose.yml:7:7: a: confluentinc/cp-zookeeper does not read `ZOOKEEPER_4LW_COMMANDS_WHITELIST`: it has no effect
      help: leave it out, or mount a configuration file
    Warning Z08 docker-compose.yml:8:7: a: confluentinc/cp-zookeeper does not read `ZOOKEEPER_TICKTIME`: it has no effect
      help: did you mean `ZOOKEEPER_TICK_TIME`?
    Information Z10 docker-compose.yml:3:12: a: tickTime is not set: it is 3000, sessions last from 6 s to 60 s
      help: set ZOOKEEPER_TICK_TIME: 2000 for what most guides assume
    Information Z08 docker-compose.yml:10: a: `skipACL` is known to ZooKeeper and not modelled: no effect here
      help: do not read its effect into the results
    ");
    let list = "ZOO_TICKTIME: 500, ZOO_CFG_EXTRA: 'preAllocSize=1000 ticktime=9'";
    assert_snapshot!(said(&official("3.6.3", "", list)), @r#"
    Error Z02 docker-compose.yml:3:12: the connect string names servers of 2 separate ensembles: each client picks one of them by chance, and they know nothing of each other
      help: give all servers one common list of servers
    Warning Z08 docker-compose.yml:8:20: b: zookeeper does not read `ZOO_TICKTIME`: it has no effect
      help: did you mean `ZOO_TICK_TIME`?
    Warning Z08 docker-compose.yml:8: b: ZooKeeper does not know `ticktime`: it has no effect; did you mean `tickTime`?
      help: correct or remove it
    Information Z08 docker-compose.yml:8: b: `preAllocSize` is known to ZooKeeper and not modelled: no effect here
      help: do not read its effect into the results
    "#);
}

#[test]
fn k02_what_an_image_requires() {
    let text = confluent("ZOOKEEPER_SERVERS: a:2888:3888;b:2888:3888");
    assert_snapshot!(said(&text.replace("ZOOKEEPER_SERVER_ID: 1\n", "X: 1\n")), @r#"
    a never starts: exit 1: ZOOKEEPER_SERVER_ID is required
    Error K02 docker-compose.yml:3:12: a: ZOOKEEPER_SERVER_ID is required: the container exits 1
      help: set ZOOKEEPER_SERVER_ID
    Information Z10 docker-compose.yml:3:12: a: tickTime is not set: it is 3000, sessions last from 6 s to 60 s
      help: set ZOOKEEPER_TICK_TIME: 2000 for what most guides assume
    "#);
    assert_snapshot!(said(&text.replace("CLIENT_PORT: 2181", "CLIENT_PORT: ''")), @r#"
    a never starts: exit 1: ZOOKEEPER_CLIENT_PORT is required
    Error K02 docker-compose.yml:3:12: a: ZOOKEEPER_CLIENT_PORT is required: the container exits 1
      help: set ZOOKEEPER_CLIENT_PORT
    Information Z10 docker-compose.yml:3:12: a: tickTime is not set: it is 3000, sessions last from 6 s to 60 s
      help: set ZOOKEEPER_TICK_TIME: 2000 for what most guides assume
    "#);
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
    assert_snapshot!(said.join("\n"), @r#"
    Information V01 docker-compose.yml:3:12: a: wurstmeister/zookeeper is taken for ZooKeeper 3.4.13; the mechanisms of 3.4.14 are run, the nearest that are modelled

    Information V01 docker-compose.yml:3:12: a: confluentinc/cp-zookeeper:5.0.0 is ZooKeeper 3.4.13; the mechanisms of 3.4.14 are run, the nearest that are modelled
    Information V01 docker-compose.yml:3:12: a: confluentinc/cp-zookeeper:5.5.1 is ZooKeeper 3.5.7; the mechanisms of 3.4.14 are run, the nearest that are modelled

    Information V01 docker-compose.yml:3:12: a: confluentinc/cp-zookeeper:latest is taken for ZooKeeper 3.8.4; the mechanisms of 3.6.3 are run, the nearest that are modelled
    Information V01 docker-compose.yml:3:12: a: zookeeper is taken for ZooKeeper 3.9.3; the mechanisms of 3.6.3 are run, the nearest that are modelled
    Information V01 docker-compose.yml:3:12: a: zookeeper:3.4 is taken for ZooKeeper 3.4.14
    Information V01 docker-compose.yml:3:12: a: docker.io/library/zookeeper:3.5.9-alpine is ZooKeeper 3.5.9; the mechanisms of 3.4.14 are run, the nearest that are modelled
    Information V01 docker-compose.yml:3:12: a: zookeeper:3.9.3 is ZooKeeper 3.9.3; the mechanisms of 3.6.3 are run, the nearest that are modelled
    "#);
}
