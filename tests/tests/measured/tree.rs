//! The ZooKeeper tree: what every znode holds and how often it changed, and in which order all of it is written.

use std::collections::BTreeMap;

use coordinator::id::SessionId;

use crate::played::{Played, scenario};

/// Three brokers, and everything that was done to the measured cluster before its tree was read.
const STORY: &str = r#"
[timeline]
steps = [
  { id = "one", at = "8s", do = "create-topic", topic = "first-test", partitions = 3, replication-factor = 3, replicas = [[2, 3, 1], [3, 1, 2], [1, 2, 3]], expect-exit = 0 },
  { id = "two", at = "10s", do = "create-topic", topic = "my_topic.x", partitions = 1, replication-factor = 1, replicas = [[1]], expect-exit = 0 },
  { id = "three", at = "12s", do = "add-partitions", topic = "first-test", partitions = 6, expect-exit = 0 },
  { id = "four", at = "14s", do = "create-topic", topic = "bs-test", partitions = 2, replication-factor = 2, replicas = [[2, 3], [3, 1]], expect-exit = 0 },
  { id = "five", at = "16s", do = "delete-topic", topic = "bs-test", expect-exit = 0 },
  { id = "six", at = "20s", do = "alter-config", topic = "first-test", config = { "min.insync.replicas" = "2", "unclean.leader.election.enable" = "true" }, expect-exit = 0 },
]
"#;

/// Path, data, data version, cversion. `null` is Java's null, `''` an empty array, `…` stands for an id or a timestamp.
const TREE: &str = r#"
/ '' 0 9
/admin null 0 1
/admin/delete_topics null 0 2
/brokers null 0 3
/brokers/ids null 0 3
/brokers/ids/1 {"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":["PLAINTEXT://kafka-1:9092"],"jmx_port":-1,"host":"kafka-1","timestamp":"…","port":9092,"version":4} 1 0
/brokers/ids/2 {"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":["PLAINTEXT://kafka-2:9092"],"jmx_port":-1,"host":"kafka-2","timestamp":"…","port":9092,"version":4} 1 0
/brokers/ids/3 {"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":["PLAINTEXT://kafka-3:9092"],"jmx_port":-1,"host":"kafka-3","timestamp":"…","port":9092,"version":4} 1 0
/brokers/seqid null 0 0
/brokers/topics null 0 4
/brokers/topics/first-test {"version":1,"partitions":{"4":[3,1,2],"5":[1,2,3],"1":[3,1,2],"0":[2,3,1],"2":[1,2,3],"3":[2,3,1]}} 1 1
/brokers/topics/first-test/partitions null 0 6
/brokers/topics/first-test/partitions/0 null 0 1
/brokers/topics/first-test/partitions/0/state {"controller_epoch":1,"leader":2,"version":1,"leader_epoch":0,"isr":[2,3,1]} 0 0
/brokers/topics/first-test/partitions/1 null 0 1
/brokers/topics/first-test/partitions/1/state {"controller_epoch":1,"leader":3,"version":1,"leader_epoch":0,"isr":[3,1,2]} 0 0
/brokers/topics/first-test/partitions/2 null 0 1
/brokers/topics/first-test/partitions/2/state {"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1,2,3]} 0 0
/brokers/topics/first-test/partitions/3 null 0 1
/brokers/topics/first-test/partitions/3/state {"controller_epoch":1,"leader":2,"version":1,"leader_epoch":0,"isr":[2,3,1]} 0 0
/brokers/topics/first-test/partitions/4 null 0 1
/brokers/topics/first-test/partitions/4/state {"controller_epoch":1,"leader":3,"version":1,"leader_epoch":0,"isr":[3,1,2]} 0 0
/brokers/topics/first-test/partitions/5 null 0 1
/brokers/topics/first-test/partitions/5/state {"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1,2,3]} 0 0
/brokers/topics/my_topic.x {"version":1,"partitions":{"0":[1]}} 0 1
/brokers/topics/my_topic.x/partitions null 0 1
/brokers/topics/my_topic.x/partitions/0 null 0 1
/brokers/topics/my_topic.x/partitions/0/state {"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1]} 0 0
/cluster null 0 1
/cluster/id {"version":"1","id":"…"} 0 0
/config null 0 5
/config/brokers null 0 0
/config/changes null 0 1
/config/changes/config_change_0000000000 {"version":2,"entity_path":"topics/first-test"} 0 0
/config/clients null 0 0
/config/topics null 0 4
/config/topics/first-test {"version":1,"config":{"min.insync.replicas":"2","unclean.leader.election.enable":"true"}} 1 0
/config/topics/my_topic.x {"version":1,"config":{}} 0 0
/config/users null 0 0
/consumers null 0 0
/controller {"version":1,"brokerid":N,"timestamp":"…"} 0 0
/controller_epoch 1 1 0
/isr_change_notification null 0 0
/latest_producer_id_block {"version":1,"broker":N,"block_start":"2000","block_end":"2999"} 3 0
/log_dir_event_notification null 0 0
/zookeeper '' 0 -1
/zookeeper/quota '' 0 0
"#;

/// The tree of a server as text, one znode per line.
fn tree(played: &Played, server: &str) -> String {
    let mut lines = vec![String::new()];
    for (path, znode) in played.tree(server).iter() {
        let data = match znode.data() {
            None => "null".to_owned(),
            Some(data) if data.is_empty() => "''".to_owned(),
            Some(data) => anonymous(path, &String::from_utf8_lossy(data)),
        };
        let stat = znode.stat();
        lines.push(format!("{path} {data} {} {}", stat.version, stat.cversion));
        assert_eq!(stat.aversion, 0);
        let acl = znode.acl().iter().map(|one| (one.perms, &*one.scheme, &*one.id));
        assert_eq!(acl.collect::<Vec<_>>(), [(31, "world", "anyone")], "{path}");
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Without timestamps, the id of the cluster, and who happened to be first.
fn anonymous(path: &str, data: &str) -> String {
    let data = blank(data, "\"timestamp\":\"", "\"", "…");
    let data = if path == "/cluster/id" { blank(&data, "\"id\":\"", "\"", "…") } else { data };
    let data = blank(&data, "\"brokerid\":", ",", "N");
    blank(&data, "\"broker\":", ",", "N")
}

/// Puts `instead` for what is between `before` and `after`.
fn blank(text: &str, before: &str, after: &str, instead: &str) -> String {
    let Some(start) = text.find(before).map(|at| at + before.len()) else { return text.to_owned() };
    let end = start + text[start..].find(after).expect("what begins ends");
    assert!(end > start, "nothing in {text}");
    format!("{}{instead}{}", &text[..start], &text[end..])
}

#[test]
fn the_tree_is_the_measured_one() {
    let played = Played::of(&scenario(3, 30, "", STORY), 1);
    assert_eq!(played.run.undecided, Vec::<String>::new());
    for server in ["zk-1", "zk-2", "zk-3"] {
        assert_eq!(tree(&played, server), TREE, "{server}\n{}", played.story());
    }
    check_stats(&played);
    check_orders(&played);
}

/// Owners, and which znodes came in one transaction.
fn check_stats(played: &Played) {
    let tree = played.tree("zk-1");
    let stat = |path: &str| tree.stat(path).unwrap_or_else(|| panic!("{path} is there"));
    let mut owners = BTreeMap::new();
    for (path, znode) in tree.iter() {
        let stat = znode.stat();
        if stat.ephemeral_owner != SessionId::NONE {
            owners.insert(path.to_string(), stat.ephemeral_owner);
        }
        let told = (stat.num_children == 0).then_some(stat.pzxid);
        let removed = path.as_ref() == "/admin/delete_topics";
        assert!(removed || told.is_none_or(|pzxid| pzxid == stat.czxid), "{path}");
    }
    let ephemerals = ["/brokers/ids/1", "/brokers/ids/2", "/brokers/ids/3", "/controller"];
    assert_eq!(owners.keys().collect::<Vec<_>>(), ephemerals);
    let throne =
        String::from_utf8_lossy(tree.get("/controller").and_then(|one| one.data()).expect("data"));
    let ruler = throne.split("\"brokerid\":").nth(1).and_then(|rest| rest.chars().next());
    let ruler = format!("/brokers/ids/{}", ruler.expect("somebody rules"));
    assert_eq!(owners["/controller"], owners[&ruler]);
    for broker in &ephemerals[..3] {
        assert_eq!(stat(broker).czxid, stat(broker).mzxid, "created and set in one");
    }
    assert!(stat("/controller_epoch").czxid < stat("/controller").czxid);
    assert_eq!(stat("/controller_epoch").mzxid, stat("/controller").czxid);
}

/// What was written after a step and before the next one.
fn after(played: &Played, step: &str) -> Vec<String> {
    let from = played.step(step);
    let steps = played.run.steps.iter().map(|step| step.at).filter(|at| *at > from);
    let to = steps.min().unwrap_or(u64::MAX);
    let within = played.transactions().into_iter().filter(|(at, _, _)| (from..to).contains(at));
    within.map(|(_, _, what)| what).collect()
}

/// Znodes of a topic's partitions in this order: all of the partitions first, then all of their states.
fn partitions(topic: &str, order: &[u32]) -> Vec<String> {
    let path = |number| format!("create /brokers/topics/{topic}/partitions/{number}");
    let nodes = order.iter().map(path);
    nodes.chain(order.iter().map(|number| format!("{}/state", path(number)))).collect()
}

fn check_orders(played: &Played) {
    let created = |topic: &str, order: &[u32]| {
        let mut all = vec![
            // Settings are set first, and made when there are none: the attempt takes a zxid.
            "error".to_owned(),
            format!("create /config/topics/{topic}"),
            format!("create /brokers/topics/{topic}"),
            format!("create /brokers/topics/{topic}/partitions"),
        ];
        all.extend(partitions(topic, order));
        all
    };
    assert_eq!(after(played, "one"), created("first-test", &[2, 1, 0]));
    assert_eq!(after(played, "two"), created("my_topic.x", &[0]));
    // `partitions` is there already: the attempt to make it takes the zxid after the first one.
    let mut added = vec!["set /brokers/topics/first-test".to_owned(), "error".to_owned()];
    added.extend(partitions("first-test", &[4, 3, 5]));
    assert_eq!(after(played, "three"), added);
    let deleted = after(played, "five");
    assert_eq!(deleted[0], "create /admin/delete_topics/bs-test");
    let removed: Vec<_> = deleted.iter().filter_map(|what| what.strip_prefix("delete ")).collect();
    let (inner, outer) = removed.split_at(removed.len() - 3);
    let last =
        ["/brokers/topics/bs-test", "/config/topics/bs-test", "/admin/delete_topics/bs-test"];
    assert_eq!(outer, last);
    assert!(inner.iter().all(|path| path.starts_with("/brokers/topics/bs-test/")), "{inner:?}");
    // As measured, one zxid between the two belongs to an attempt that failed: the parent is there already.
    let altered = [
        "set /config/topics/first-test",
        "error",
        "create /config/changes/config_change_0000000000",
    ];
    assert_eq!(after(played, "six"), altered);
}

/// One broker in a chroot that is not there, from its first transaction to its last before it serves. A create that
/// fails because its parent is missing takes a zxid, too.
const START: [&str; 30] = [
    "create /kafka01",
    "end of session",
    "session",
    "create /kafka01/consumers",
    "error",
    "create /kafka01/brokers",
    "create /kafka01/brokers/ids",
    "create /kafka01/brokers/topics",
    "error",
    "create /kafka01/config",
    "create /kafka01/config/changes",
    "error",
    "create /kafka01/admin",
    "create /kafka01/admin/delete_topics",
    "create /kafka01/brokers/seqid",
    "create /kafka01/isr_change_notification",
    "create /kafka01/latest_producer_id_block",
    "create /kafka01/log_dir_event_notification",
    "create /kafka01/config/topics",
    "create /kafka01/config/clients",
    "create /kafka01/config/users",
    "create /kafka01/config/brokers",
    "error",
    "create /kafka01/cluster",
    "create /kafka01/cluster/id",
    "create /kafka01/brokers/ids/1 + set /kafka01/brokers/ids/1",
    "create /kafka01/controller_epoch",
    "create /kafka01/controller + set /kafka01/controller_epoch",
    "set /kafka01/latest_producer_id_block",
    "",
];

#[test]
fn a_broker_starts_in_the_measured_order() {
    let cluster =
        r#"kafka-config = { "zookeeper.connect" = "zk-1:2181,zk-2:2181,zk-3:2181/kafka01" }"#;
    let played = Played::of(&scenario(1, 15, cluster, ""), 1);
    let all: Vec<_> = played.transactions().into_iter().map(|(_, _, what)| what).collect();
    let first = all.iter().position(|what| what == START[0]).expect("the chroot is made");
    let made: Vec<_> = all[first..].iter().map(String::as_str).chain([""]).collect();
    assert_eq!(made, START, "{}", played.story());
    let zxids: Vec<_> = played.transactions()[first..].iter().map(|(_, zxid, _)| zxid.0).collect();
    assert!(zxids.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no zxid is left out");
    let block = played.values("/kafka01/latest_producer_id_block");
    let text = r#"{"version":1,"broker":1,"block_start":"0","block_end":"999"}"#;
    assert_eq!(block.last().and_then(|(_, value)| value.as_deref()), Some(text));
}

#[test]
fn a_stopped_broker_leaves_the_measured_tree() {
    let rest =
        "[timeline]\nsteps = [{ id = \"stop\", at = \"10s\", do = \"stop\", nodes = \"kafka-1\" }]";
    let played = Played::of(&scenario(1, 15, "", rest), 1);
    let tree = played.tree("zk-1");
    let ids = tree.stat("/brokers/ids").expect("it stays");
    assert_eq!((ids.cversion, ids.num_children), (2, 0));
    assert_eq!(tree.get("/controller"), None);
    let epoch = tree.get("/controller_epoch").expect("it stays");
    assert_eq!((epoch.data().map(|data| &data[..]), epoch.stat().version), (Some(&b"1"[..]), 1));
    assert_eq!(tree.sessions().len(), 0, "its session is closed, too");
}
