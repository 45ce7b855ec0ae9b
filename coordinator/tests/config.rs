//! What a server makes of its `zoo.cfg`: defaults, both forms of server lines, refusals and warnings in ZooKeeper's words.

use coordinator::config::Config;
use coordinator::mechanism::Preset;
use insta::assert_snapshot;
use proptest::prelude::*;

/// Reads `text` (`key=value` lines) and prints what came of it.
fn read(text: &str, myid: Option<&str>, preset: Preset) -> String {
    let properties: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| line.trim().split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    match Config::from_properties(&properties, myid, preset, preset.mechanisms()) {
        Err(error) => format!("{:?}: {error}", error.kind),
        Ok((config, warnings)) => {
            let servers: Vec<String> = config
                .servers
                .iter()
                .map(|(id, s)| format!("{id}={}:{}:{}", s.host, s.quorum_port, s.election_port))
                .collect();
            let mut shown = vec![
                format!("id {} clients {:?}", config.id, config.client_address),
                format!("servers [{}]", servers.join(" ")),
                format!(
                    "tick {} init {} sync {} sessions {}..{}",
                    config.tick,
                    config.init_limit,
                    config.sync_limit,
                    config.min_session_timeout,
                    config.max_session_timeout
                ),
                format!(
                    "data {} log {} snapCount {} purge {}/{}h forceSync {} cnx {} max {}",
                    config.data_dir,
                    config.data_log_dir,
                    config.snap_count,
                    config.purge_retain,
                    config.purge_interval_hours,
                    config.force_sync,
                    config.connect_timeout,
                    config.max_client_connections
                ),
            ];
            shown.extend(warnings.iter().map(|w| format!("{} [{:?}] {w}", w.key, w.kind)));
            shown.join("\n")
        }
    }
}

#[test]
fn unset_keys_have_zookeepers_defaults() {
    assert_snapshot!(read("dataDir=/data\nclientPort=2181", None, Preset::V3_4_6), @r#"
    id 1 clients Some("0.0.0.0:2181")
    servers []
    tick 3s init 0 sync 0 sessions 6s..60s
    data /data log /data snapCount 100000 purge 3/0h forceSync true cnx 5s max 60
    "#);
}

#[test]
fn every_modelled_key_is_read() {
    let text = "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/d\ndataLogDir=/l\nclientPort=2181
        clientPortAddress=10.0.0.1\nmaxClientCnxns=0\nminSessionTimeout=5000\nmaxSessionTimeout=60000
        snapCount=1000\nautopurge.snapRetainCount=5\nautopurge.purgeInterval=24\nforceSync=no
        cnxTimeout=2000\nserver.1=zk-1:2888:3888\nserver.2=zk-2:2888:3888:participant
        server.3=zk-3:2888:3888";
    assert_snapshot!(read(text, Some("2\n"), Preset::V3_4_14), @r#"
    id 2 clients Some("10.0.0.1:2181")
    servers [1=zk-1:2888:3888 2=zk-2:2888:3888 3=zk-3:2888:3888]
    tick 2s init 10 sync 5 sessions 5s..60s
    data /d log /l snapCount 1000 purge 5/24h forceSync false cnx 2s max 0
    "#);
}

#[test]
fn from_3_5_the_client_port_may_stand_behind_a_semicolon() {
    let lines = "dataDir=/d\ninitLimit=5\nsyncLimit=2
        server.1=a:2888:3888;2181\nserver.2=b:2888:3888:participant;10.0.0.2:2182
        server.3=c:2888:3888";
    assert_snapshot!(read(lines, Some("1"), Preset::V3_6_3), @r#"
    id 1 clients Some("0.0.0.0:2181")
    servers [1=a:2888:3888 2=b:2888:3888 3=c:2888:3888]
    tick 3s init 5 sync 2 sessions 6s..60s
    data /d log /d snapCount 100000 purge 3/0h forceSync true cnx 5s max 60
    "#);
    assert_snapshot!(read(lines, Some("2"), Preset::V3_6_3), @r#"
    id 2 clients Some("10.0.0.2:2182")
    servers [1=a:2888:3888 2=b:2888:3888 3=c:2888:3888]
    tick 3s init 5 sync 2 sessions 6s..60s
    data /d log /d snapCount 100000 purge 3/0h forceSync true cnx 5s max 60
    "#);
    assert_snapshot!(read(lines, Some("3"), Preset::V3_6_3), @r#"
    id 3 clients None
    servers [1=a:2888:3888 2=b:2888:3888 3=c:2888:3888]
    tick 3s init 5 sync 2 sessions 6s..60s
    data /d log /d snapCount 100000 purge 3/0h forceSync true cnx 5s max 60
    clientPort [Logged] clientPort is not set: no client is served
    "#);
    assert_snapshot!(read(lines, Some("1"), Preset::V3_4_14), @r#"Refused: For input string: "3888;2181""#);
    let both = format!("{lines}\nclientPort=2999");
    assert_snapshot!(read(&both, Some("1"), Preset::V3_6_3), @r#"Refused: client address for this server (id = 1) in static config file is 0.0.0.0:2999 is different from client address found in dynamic file: 0.0.0.0:2181"#);
}

#[test]
fn one_server_line_is_ignored_and_two_or_four_are_warned_about() {
    let servers = |count: usize| {
        let mut text = "dataDir=/d\nclientPort=2181\ninitLimit=5\nsyncLimit=2".to_owned();
        for id in 1..=count {
            text.push_str(&format!("\nserver.{id}=zk-{id}:2888:3888"));
        }
        read(&text, Some("1"), Preset::V3_4_14)
    };
    assert_snapshot!(servers(1), @r#"
    id 1 clients Some("0.0.0.0:2181")
    servers []
    tick 3s init 5 sync 2 sessions 6s..60s
    data /d log /d snapCount 100000 purge 3/0h forceSync true cnx 5s max 60
    server.1 [Logged] Invalid configuration, only one server specified (ignoring)
    "#);
    assert_snapshot!(servers(2), @r#"
    id 1 clients Some("0.0.0.0:2181")
    servers [1=zk-1:2888:3888 2=zk-2:2888:3888]
    tick 3s init 5 sync 2 sessions 6s..60s
    data /d log /d snapCount 100000 purge 3/0h forceSync true cnx 5s max 60
    server.1 [Logged] No server failure will be tolerated. You need at least 3 servers.
    "#);
    assert_snapshot!(servers(4), @r#"
    id 1 clients Some("0.0.0.0:2181")
    servers [1=zk-1:2888:3888 2=zk-2:2888:3888 3=zk-3:2888:3888 4=zk-4:2888:3888]
    tick 3s init 5 sync 2 sessions 6s..60s
    data /d log /d snapCount 100000 purge 3/0h forceSync true cnx 5s max 60
    server.1 [Logged] Non-optimial configuration, consider an odd number of servers.
    "#);
}

#[test]
fn what_zookeeper_refuses_is_refused_in_its_words() {
    let three = "dataDir=/d\nclientPort=2181\ninitLimit=5\nsyncLimit=2
        server.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888";
    let cases = [
        ("clientPort=2181".to_owned(), None),
        ("dataDir=/d".to_owned(), None),
        ("dataDir=/d\nclientPort=2181\ntickTime=0".to_owned(), None),
        ("dataDir=/d\nclientPort=2181\ntickTime=2s".to_owned(), None),
        ("dataDir=/d\nclientPort=99999".to_owned(), None),
        (
            "dataDir=/d\nclientPort=2181\nminSessionTimeout=9000\nmaxSessionTimeout=8000"
                .to_owned(),
            None,
        ),
        ("dataDir=/d\nclientPort=2181\nminSessionTimeout=9000".to_owned(), None),
        (three.replace("initLimit=5", ""), Some("1")),
        (three.replace("syncLimit=2", ""), Some("1")),
        (three.replace("b:2888:3888", "b:2888"), Some("1")),
        (three.replace("b:2888:3888", "b"), Some("1")),
        (three.replace("b:2888:3888", "b:2888:3888:voter"), Some("1")),
        (three.replace("b:2888:3888", "b:2888:3888:observer"), Some("1")),
        (three.replace("a:2888:3888", "a:2888:3888,b:2888:3888"), Some("1")),
        (three.to_owned(), None),
        (three.to_owned(), Some("one")),
        (three.to_owned(), Some("")),
        (three.to_owned(), Some("4")),
        (format!("{three}\ngroup.1=1:2:3"), Some("1")),
    ];
    let shown: Vec<String> =
        cases.iter().map(|(text, myid)| read(text, *myid, Preset::V3_4_14)).collect();
    assert_snapshot!(shown.join("\n"), @r#"
    Refused: dataDir is not set
    Refused: clientPort is not set
    Refused: tickTime is not set
    Refused: For input string: "2s"
    Refused: port out of range:99999
    Refused: minSessionTimeout must not be larger than maxSessionTimeout
    Refused: minSessionTimeout must not be larger than maxSessionTimeout
    Refused: initLimit is not set
    Refused: syncLimit is not set
    Refused: Missing election port for server: 2
    Refused: b does not have the form host:port or host:port:port  or host:port:port:type
    Refused: Unrecognised peertype: b:2888:3888:voter
    NotModelled: observers are not modelled: b:2888:3888:observer
    Refused: For input string: "3888,b"
    Refused: /d/myid file is missing
    Refused: serverid one is not a number
    Refused: serverid null is not a number
    Refused: My id 4 not in the peer list
    NotModelled: weighted quorums are not modelled: group.1
    "#);
    assert_snapshot!(read(three, None, Preset::V3_6_3), @"Refused: myid file is missing");
}

#[test]
fn settings_without_effect_are_named() {
    let text = "dataDir=/d\nclientPort=2181\nticktime=2000\npreAllocSize=65536\nsnapCount=1
        4lw.commands.whitelist=*\nquorumListenOnAllIPs=true\nautopurge.snapRetainCount=1
        dataDir=/e\nmaxClientCnxn=5\nzookeeper.purple=1";
    assert_snapshot!(read(text, None, Preset::V3_4_14), @r#"
    id 1 clients Some("0.0.0.0:2181")
    servers []
    tick 3s init 0 sync 0 sessions 6s..60s
    data /e log /e snapCount 2 purge 3/0h forceSync true cnx 5s max 60
    ticktime [Unknown] ZooKeeper does not know `ticktime`: it has no effect; did you mean `tickTime`?
    preAllocSize [NotModelled] `preAllocSize` is known to ZooKeeper and not modelled: no effect here
    snapCount [Logged] SnapCount should be 2 or more. Now, snapCount is reset to 2
    4lw.commands.whitelist [NotModelled] `4lw.commands.whitelist` is known to ZooKeeper and not modelled: no effect here
    quorumListenOnAllIPs [NotModelled] `quorumListenOnAllIPs` is known to ZooKeeper and not modelled: no effect here
    autopurge.snapRetainCount [Logged] Invalid autopurge.snapRetainCount: 1. Defaulting to 3
    dataDir [Repeated] `dataDir` stands there more than once: the last one counts
    maxClientCnxn [Unknown] ZooKeeper does not know `maxClientCnxn`: it has no effect; did you mean `maxClientCnxns`?
    zookeeper.purple [Unknown] ZooKeeper does not know `zookeeper.purple`: it has no effect
    "#);
}

proptest! {
    /// Whatever the pairs say, the answer is a configuration or a refusal.
    #[test]
    fn any_settings_are_answered(
        pairs in proptest::collection::vec(
            ("(tickTime|clientPort|dataDir|server\\.[0-9]{1,3}|server\\..{0,4}|.{0,8})", ".{0,24}"), 0..8),
        myid in proptest::option::of(".{0,6}"),
        preset in 0usize..4,
    ) {
        let preset = Preset::ALL[preset];
        let _ = Config::from_properties(&pairs, myid.as_deref(), preset, preset.mechanisms());
    }
}
