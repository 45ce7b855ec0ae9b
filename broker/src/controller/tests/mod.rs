//! A controller's life, as transcripts: what it asks of ZooKeeper, decides and tells, line by line.

mod stage;
mod tree;

use kafka_protocol::messages as m;
use machine::{Closed, Duration};

use crate::mechanism::{BrokerEpochCheck, ControllerFencing, Mechanisms, Mutant};
use stage::{Cluster, Deed};
use tree::Tree;

fn put(path: &str, data: &str) -> Deed {
    Deed::Put(path.into(), data.into())
}

fn gone(path: &str) -> Deed {
    Deed::Delete(path.into())
}

fn registration(id: i32) -> String {
    let host = format!("b{id}");
    format!(
        r#"{{"listener_security_protocol_map":{{"PLAINTEXT":"PLAINTEXT"}},"endpoints":["PLAINTEXT://{host}:9092"],"jmx_port":-1,"host":"{host}","timestamp":"1","port":9092,"version":4}}"#
    )
}

/// Brokers, and a topic `t` with one partition on all of them, led by the first.
fn tree(brokers: &[i32]) -> Tree {
    let mut tree = Tree::default();
    for id in brokers {
        tree.put(&format!("/brokers/ids/{id}"), &registration(*id));
    }
    tree
}

fn with_topic(mut tree: Tree, replicas: &str, state: &str) -> Tree {
    tree.put("/brokers/topics/t", &format!(r#"{{"version":1,"partitions":{{"0":{replicas}}}}}"#));
    tree.put("/brokers/topics/t/partitions", "");
    tree.put("/brokers/topics/t/partitions/0", "");
    tree.put("/brokers/topics/t/partitions/0/state", state);
    tree
}

fn state(leader: i32, epoch: i32, isr: &str) -> String {
    format!(
        r#"{{"controller_epoch":1,"leader":{leader},"version":1,"leader_epoch":{epoch},"isr":{isr}}}"#
    )
}

const STATE: &str = "/brokers/topics/t/partitions/0/state";

fn play(mechanisms: Mechanisms, tree: Tree, deeds: &[Deed]) -> Cluster {
    Cluster::new(mechanisms, tree, deeds.to_vec())
}

#[test]
fn the_first_controller_of_a_cluster_counts_from_one() {
    let mut cluster = play(Mechanisms::default(), tree(&[1]), &[Deed::Register]);
    cluster.next();
    insta::assert_snapshot!(cluster.told());
}

#[test]
fn a_new_topic_gets_its_first_leaders_in_the_order_of_its_partitions_in_scala() {
    let topic = r#"{"version":1,"partitions":{"2":[1,2,3],"1":[3,1,2],"0":[2,3,1]}}"#;
    let more = r#"{"version":1,"partitions":{"4":[3,1,2],"5":[1,2,3],"1":[3,1,2],"0":[2,3,1],"2":[1,2,3],"3":[2,3,1]}}"#;
    let deeds = [
        Deed::Register,
        put("/brokers/topics/first-test", topic),
        put("/brokers/topics/first-test", more),
    ];
    let mut cluster = play(Mechanisms::default(), tree(&[1, 2, 3]), &deeds);
    cluster.next().told();
    cluster.next().next();
    insta::assert_snapshot!(cluster.told());
}

#[test]
fn a_dead_leader_is_replaced_by_the_first_live_one_in_sync() {
    let tree = with_topic(tree(&[1, 2, 3]), "[3,1,2]", &state(3, 0, "[2,3,1]"));
    let mut cluster = play(Mechanisms::default(), tree, &[Deed::Register, gone("/brokers/ids/3")]);
    cluster.next().told();
    cluster.next();
    insta::assert_snapshot!(cluster.told());
}

#[test]
fn a_leader_that_died_with_the_controller_costs_two_epochs() {
    let tree = with_topic(tree(&[1, 2]), "[3,1,2]", &state(3, 0, "[3,1,2]"));
    let mut cluster = play(Mechanisms::default(), tree, &[Deed::Register]);
    cluster.next();
    insta::assert_snapshot!(cluster.told());
}

#[test]
fn the_last_in_sync_replica_stays_listed_and_leads_again_when_it_comes_back() {
    let tree = with_topic(tree(&[1, 2, 3]), "[3,1,2]", &state(3, 0, "[3]"));
    let deeds = [Deed::Register, gone("/brokers/ids/3"), put("/brokers/ids/3", &registration(3))];
    let mut cluster = play(Mechanisms::default(), tree, &deeds);
    cluster.next().next();
    assert_eq!(cluster.tree().get(STATE), Some((&*state(-1, 1, "[3]"), 1)));
    cluster.next();
    assert_eq!(cluster.tree().get(STATE), Some((&*state(3, 2, "[3]"), 2)));
}

#[test]
fn a_topic_may_allow_leaders_from_outside_the_isr() {
    let tree = with_topic(tree(&[1, 2, 3]), "[3,1,2]", &state(3, 0, "[3]"));
    let allowed = r#"{"version":1,"config":{"unclean.leader.election.enable":"true"}}"#;
    let deeds = [Deed::Register, put("/config/topics/t", allowed), gone("/brokers/ids/3")];
    let mut cluster = play(Mechanisms::default(), tree, &deeds);
    cluster.next().next().told();
    cluster.next();
    assert!(cluster.told().contains("leader 1, epoch 1, isr [1] (unclean election)"));
}

#[test]
fn the_mutant_elects_from_outside_the_isr() {
    let tree = with_topic(tree(&[1, 2, 3]), "[3,1,2]", &state(3, 0, "[3]"));
    let mutants = [Mutant::ElectsOutsideIsr].into();
    let mechanisms = Mechanisms { mutants, ..Mechanisms::default() };
    let mut cluster = play(mechanisms, tree, &[Deed::Register, gone("/brokers/ids/3")]);
    cluster.next().next();
    assert_eq!(cluster.tree().get(STATE).map(|(json, _)| json), Some(&*state(1, 1, "[1]")));
}

#[test]
fn a_restart_between_two_looks_is_noticed_by_its_czxid_and_was_not_before() {
    for (check, noticed) in [(BrokerEpochCheck::On, true), (BrokerEpochCheck::Off, false)] {
        let tree = with_topic(tree(&[1, 2, 3]), "[2,1]", &state(2, 0, "[2,1]"));
        let deeds = [
            Deed::Register,
            Deed::Hold(true),
            gone("/brokers/ids/2"),
            put("/brokers/ids/2", &registration(2)),
            Deed::Hold(false),
        ];
        let mechanisms = Mechanisms { broker_epoch: check, ..Mechanisms::default() };
        let mut cluster = play(mechanisms, tree, &deeds);
        cluster.next().told();
        cluster.next().next().next().next();
        let told = cluster.told();
        assert_eq!(told.contains("bounced [2]"), noticed, "{told}");
        assert_eq!(told.contains("decides t-0: leader 1, epoch 1, isr [1]"), noticed, "{told}");
    }
}

#[test]
fn a_broker_that_stops_hands_over_what_it_leads_and_leaves_what_it_follows() {
    let mut tree = with_topic(tree(&[1, 2, 3]), "[3,1]", &state(3, 0, "[3,1]"));
    tree.put("/brokers/topics/u", r#"{"version":1,"partitions":{"0":[2,3]}}"#);
    tree.put("/brokers/topics/u/partitions/0/state", &state(2, 0, "[2,3]"));
    let request = m::ControlledShutdownRequest::default()
        .with_broker_id(m::BrokerId(3))
        .with_broker_epoch(-1);
    let mut cluster = play(Mechanisms::default(), tree, &[Deed::Register, Deed::Shutdown(request)]);
    cluster.next().told();
    cluster.next();
    insta::assert_snapshot!(cluster.told());
}

#[test]
fn a_topic_is_deleted_when_all_its_replicas_are() {
    let mut tree = with_topic(tree(&[1, 2]), "[2,1]", &state(2, 0, "[2,1]"));
    tree.put("/config/topics/t", r#"{"version":1,"config":{}}"#);
    let deeds = [Deed::Register, put("/admin/delete_topics/t", "")];
    let mut cluster = play(Mechanisms::default(), tree, &deeds);
    cluster.next().told();
    cluster.next();
    insta::assert_snapshot!(cluster.told());
    assert!(cluster.tree().below("/brokers/topics/").is_empty());
    assert!(cluster.tree().below("/config/").is_empty());
    assert!(cluster.tree().below("/admin/").is_empty());
}

#[test]
fn a_topic_waits_to_be_deleted_for_a_broker_that_is_not_there() {
    let tree = with_topic(tree(&[1]), "[2,1]", &state(2, 0, "[2,1]"));
    let deeds = [
        Deed::Register,
        put("/admin/delete_topics/t", ""),
        put("/brokers/ids/2", &registration(2)),
    ];
    let mut cluster = play(Mechanisms::default(), tree, &deeds);
    cluster.next().next();
    assert!(cluster.tree().get("/brokers/topics/t").is_some());
    cluster.next();
    assert!(cluster.tree().below("/brokers/topics/").is_empty());
    assert!(cluster.tree().below("/admin/").is_empty());
}

#[test]
fn leadership_goes_back_to_the_preferred_leader_after_five_seconds() {
    let tree = with_topic(tree(&[1, 2]), "[2,1]", &state(1, 4, "[1,2]"));
    let mut cluster = play(Mechanisms::default(), tree, &[Deed::Register]);
    cluster.next().told();
    cluster.bench.advance(Duration::from_millis(4_999));
    assert_eq!(cluster.told(), "");
    cluster.bench.advance(Duration::from_millis(2));
    assert!(cluster.told().contains("leader 2, epoch 5, isr [1,2] (preferred leader)"));
}

#[test]
fn elections_on_demand_answer_for_every_partition_that_was_named() {
    let tree = with_topic(tree(&[1, 2]), "[2,1]", &state(1, 4, "[1,2]"));
    let named = |topic: &'static str, ids: &[i32]| {
        m::elect_leaders_request::TopicPartitions::default()
            .with_topic(m::TopicName(topic.to_owned().into()))
            .with_partitions(ids.to_vec())
    };
    let request =
        m::ElectLeadersRequest::default().with_topic_partitions(Some(vec![named("t", &[0, 1])]));
    let deeds = [Deed::Register, Deed::Elect(request.clone()), Deed::Elect(request)];
    let mut cluster = play(Mechanisms::default(), tree, &deeds);
    cluster.next().told();
    cluster.next();
    assert!(cluster.told().contains(r#"ElectLeaders error 0 ["t-0 0", "t-1 3"]"#));
    cluster.next();
    assert!(cluster.told().contains(r#"ElectLeaders error 0 ["t-0 84", "t-1 3"]"#));
}

#[test]
fn who_is_not_the_controller_says_so() {
    let mut tree = tree(&[1, 2]);
    tree.put("/controller", r#"{"version":1,"brokerid":2,"timestamp":"1"}"#);
    let request = m::ControlledShutdownRequest::default().with_broker_id(m::BrokerId(2));
    let mut cluster = play(Mechanisms::default(), tree, &[Deed::Register, Deed::Shutdown(request)]);
    cluster.next().next();
    assert!(cluster.told().contains("answers request 1: ControlledShutdown error 41"));
}

#[test]
fn a_deposed_controller_is_stopped_by_the_epoch_it_does_not_have() {
    let tree = with_topic(tree(&[1, 2, 3]), "[3,1,2]", &state(3, 0, "[3,1,2]"));
    // It is busy with the loss of broker 3 when another controller comes: that news waits in its queue.
    let deeds = [
        Deed::Register,
        Deed::Hold(true),
        gone("/brokers/ids/3"),
        put("/controller_epoch", "2"),
        put("/controller", r#"{"version":1,"brokerid":2,"timestamp":"1"}"#),
        Deed::Hold(false),
    ];
    let mut cluster = play(Mechanisms::default(), tree, &deeds);
    cluster.next().told();
    cluster.next().next().next().next().next();
    insta::assert_snapshot!(cluster.told());
}

#[test]
fn a_control_request_is_sent_until_it_is_answered_or_its_broker_is_gone() {
    let deeds = [Deed::Register, gone("/brokers/ids/2")];
    let mut cluster = play(Mechanisms::default(), tree(&[1, 2]), &deeds);
    cluster.deed();
    let nth = |cluster: &Cluster, nth: usize| {
        let mut dialled =
            cluster.bench.dialled().iter().filter(|(_, address)| address == "b2:9092");
        dialled.nth(nth).map(|(conn, _)| *conn)
    };
    let first = nth(&cluster, 0).expect("it is dialled at once");
    cluster.bench.closed(first, Closed::Refused).advance(Duration::from_millis(99));
    assert_eq!(nth(&cluster, 1), None);
    cluster.bench.advance(Duration::from_millis(1));
    let second = nth(&cluster, 1).expect("after 100 ms it is dialled again");
    cluster.bench.opened(second).advance(Duration::from_secs(30));
    cluster.bench.advance(Duration::from_millis(100));
    let third = nth(&cluster, 2).expect("an answer is waited for no longer than 30 s");
    cluster.bench.opened(third);
    let (once, again) = (cluster.bench.sent(second), cluster.bench.sent(third));
    assert_eq!(once.len(), 1);
    // All but the correlation id is the same.
    assert_eq!(once[0][12..], again[0][12..]);
    cluster.bench.take();
    cluster.deed();
    assert!(cluster.bench.take().contains(&format!("{third:?} closes")));
    cluster.bench.advance(Duration::from_secs(60));
    assert_eq!(nth(&cluster, 3), None);
}

#[test]
fn answers_that_are_none_end_the_stream_and_the_request_is_sent_again() {
    let mut cluster = play(Mechanisms::default(), tree(&[1]), &[Deed::Register]);
    cluster.deed();
    for nonsense in [&[0xff_u8; 16][..], &[0, 0, 0, 4, 0, 0, 0, 9], &[0, 0, 0, 5, 0, 0, 0, 0, 7]] {
        let (conn, _) = cluster.bench.dialled().last().expect("it is dialled").clone();
        cluster.bench.opened(conn).take();
        cluster.bench.receive(conn, nonsense.to_vec());
        assert!(cluster.bench.take().contains("aborts"));
        cluster.bench.advance(Duration::from_millis(100));
        assert_ne!(cluster.bench.dialled().last().map(|(conn, _)| *conn), Some(conn));
    }
}

#[test]
fn a_broker_whose_directory_failed_loses_what_it_led() {
    let tree = with_topic(tree(&[1, 2]), "[2,1]", &state(2, 0, "[2,1]"));
    let mut cluster = play(Mechanisms::default(), tree, &[Deed::Register]);
    cluster.failing = Some(m::BrokerId(2));
    cluster.next();
    let decided: Vec<_> =
        cluster.told().lines().filter(|line| line.contains("decides")).map(str::to_owned).collect();
    assert_eq!(decided, ["  * decides t-0: leader 1, epoch 1, isr [1] (leader gone)"]);
}

#[test]
fn without_fencing_the_event_under_way_goes_on_in_the_next_session() {
    for (fencing, writes) in [(ControllerFencing::On, false), (ControllerFencing::Off, true)] {
        let tree = with_topic(tree(&[1, 2, 3]), "[3,2]", &state(3, 0, "[3,2]"));
        let deeds = [
            Deed::Register,
            Deed::Hold(true),
            gone("/brokers/ids/3"),
            put("/controller_epoch", "2"),
            Deed::Expire,
            Deed::Register,
        ];
        let mechanisms = Mechanisms { controller_fencing: fencing, ..Mechanisms::default() };
        let mut cluster = play(mechanisms, tree, &deeds);
        cluster.next().told();
        for _ in 1..deeds.len() {
            cluster.next();
        }
        let told = cluster.told();
        let wrote = told.contains("decides t-0: leader 2, epoch 1, isr [2] (leader gone)");
        let resigned = told.find("is no longer the controller of epoch 1: its session is gone");
        assert!(resigned.is_some(), "{told}");
        assert_eq!(wrote && told.find("decides t-0") < resigned, writes, "{told}");
    }
}

#[test]
fn an_isr_that_a_leader_has_changed_is_read_and_told() {
    let tree = with_topic(tree(&[1, 2, 3]), "[3,1,2]", &state(3, 0, "[3,1,2]"));
    let deeds = [
        Deed::Register,
        put(
            "/isr_change_notification/isr_change_0000000000",
            r#"{"version":1,"partitions":[{"topic":"t","partition":0}]}"#,
        ),
    ];
    let mut cluster = play(Mechanisms::default(), tree, &deeds);
    cluster.next().told();
    cluster.next();
    insta::assert_snapshot!(cluster.told());
}

#[test]
fn three_hundred_partitions_cost_a_broker_two_waves_of_requests() {
    let mut tree = tree(&[1, 2, 3]);
    let assignment =
        |id: i32| format!("[{},{},{}]", id % 3 + 1, (id + 1) % 3 + 1, (id + 2) % 3 + 1);
    let partitions: Vec<_> = (0..300).map(|id| format!(r#""{id}":{}"#, assignment(id))).collect();
    let json = format!(r#"{{"version":1,"partitions":{{{}}}}}"#, partitions.join(","));
    tree.put("/brokers/topics/t", &json);
    for id in 0..300 {
        let path = format!("/brokers/topics/t/partitions/{id}/state");
        tree.put(&path, &state(id % 3 + 1, 0, &assignment(id)));
    }
    let mut cluster = play(Mechanisms::default(), tree, &[Deed::Register, gone("/brokers/ids/3")]);
    cluster.next().told();
    cluster.next();
    let told = cluster.told();
    let count = |word: &str| told.lines().filter(|line| line.contains(word)).count();
    assert_eq!(count("decides"), 300);
    assert_eq!(count("(leader gone)"), 100);
    assert_eq!(count("sends LeaderAndIsr"), 4);
    assert_eq!(count("sends UpdateMetadata"), 4);
}
