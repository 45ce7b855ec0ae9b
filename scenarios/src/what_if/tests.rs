//! Questions and their answers, as a person would read them; and that the scenario to keep says the same.

use std::path::{Path, PathBuf};

use reports::run::Verdict;
use reports::style::Style;

use super::{Answer, How, Question, Unanswerable, answer, name_of, of_toml};
use crate::plan;
use crate::play::{self, Watch};
use crate::script;
use crate::script::kafka::client::Acks;

/// Three brokers and three servers, as the corrected files of people have them.
const THREE: &str = r#"
[cluster]
zookeeper = 3
brokers   = 3
kafka     = "2.5"
topics    = [{ name = "orders", partitions = 3, replication-factor = 3, min-insync-replicas = 2 }]

[hosts]
h1 = ["zk-1", "kafka-1"]
h2 = ["zk-2", "kafka-2"]
h3 = ["zk-3", "kafka-3"]
"#;

/// With one ZooKeeper alone.
const STANDALONE: &str = r#"
[cluster]
zookeeper = 1
brokers   = 3
kafka     = "2.5"
topics    = [{ name = "orders", partitions = 1, replication-factor = 3, min-insync-replicas = 2 }]
"#;

/// A topic as brokers create it by themselves: one replica of everything.
const ONE_REPLICA: &str = r#"
[cluster]
zookeeper = 3
brokers   = 3
kafka     = "2.3"
topics    = [{ name = "orders", partitions = 3, replication-factor = 1 }]
"#;

fn lose(who: &[&str]) -> Question {
    let lose = who.iter().map(|who| (*who).to_owned()).collect();
    Question { lose, seeds: 1..=2, ..Question::default() }
}

fn asked(cluster: &str, question: &Question) -> Result<Answer, Unanswerable> {
    let ground = of_toml(cluster, Path::new("cluster.toml")).expect("the cluster can be read");
    answer(question, &ground, Path::new(""), &name_of(question), &mut |_| ())
}

/// The answer as it is told, at most ten lines. The scenario to keep holds, with this seed and with another one.
fn ask(cluster: &str, question: &Question) -> String {
    let answer = asked(cluster, question).expect("it can be asked");
    let script = script::parse(&answer.scenario, "kept.toml").expect("the scenario can be read");
    let staged = script.cluster(None).expect("the cluster is in it");
    assert_eq!(answer.verdict, Verdict::Pass, "{}", answer.scenario);
    let run = play::play(&plan::draw(&script, &staged, 9), &staged, &mut Watch::default());
    let broken: Vec<_> = run.violations.iter().map(|one| &one.message).collect();
    assert_eq!(run.verdict, Verdict::Pass, "{broken:?}\n{}", answer.scenario);
    let told = answer.told(&Style::default());
    assert!(told.lines().count() <= 10, "{told}");
    told
}

#[test]
fn two_of_three_zookeepers() {
    insta::assert_snapshot!(ask(THREE, &lose(&["zk-2, zk-3"])));
}

#[test]
fn two_of_three_zookeepers_and_then_a_leader() {
    insta::assert_snapshot!(ask(THREE, &lose(&["zk-2, zk-3", "leader(orders-0)"])));
}

#[test]
fn one_zookeeper_of_three() {
    insta::assert_snapshot!(ask(THREE, &lose(&["zk-1"])));
}

#[test]
fn the_only_zookeeper() {
    insta::assert_snapshot!(ask(STANDALONE, &lose(&["zk-1"])));
}

#[test]
fn the_leader_of_a_partition() {
    insta::assert_snapshot!(ask(THREE, &lose(&["leader(orders-0)"])));
}

#[test]
fn the_leader_of_a_partition_with_acks_1() {
    let question = Question { acks: Acks::Leader, ..lose(&["leader(orders-0)"]) };
    insta::assert_snapshot!(ask(THREE, &question));
}

#[test]
fn the_leader_with_acks_1_and_followers_behind() {
    let behind = Some(machine::Duration::from_secs(5));
    let question = Question { acks: Acks::Leader, behind, ..lose(&["leader(orders-0)"]) };
    insta::assert_snapshot!(ask(THREE, &question));
}

#[test]
fn two_hosts_with_a_broker_and_a_server_each() {
    insta::assert_snapshot!(ask(THREE, &lose(&["host(h2), host(h3)"])));
}

#[test]
fn two_brokers_that_come_back() {
    let back = Some(machine::Duration::from_secs(50));
    let question = Question { back, ..lose(&["kafka-1, kafka-2"]) };
    insta::assert_snapshot!(ask(THREE, &question));
}

#[test]
fn all_brokers() {
    insta::assert_snapshot!(ask(THREE, &lose(&["brokers"])));
}

#[test]
fn all_brokers_without_power() {
    let back = Some(machine::Duration::from_secs(30));
    let question = Question { how: How::PowerLoss, back, ..lose(&["brokers"]) };
    insta::assert_snapshot!(ask(THREE, &question));
}

#[test]
fn a_broker_with_the_only_replica() {
    insta::assert_snapshot!(ask(ONE_REPLICA, &lose(&["leader(orders-0)"])));
}

#[test]
fn a_broker_that_stops_in_order() {
    let question = Question { how: How::Stop, ..lose(&["leader(orders-0)"]) };
    insta::assert_snapshot!(ask(THREE, &question));
}

#[test]
fn zookeeper_alone() {
    let cluster = "[cluster]\nzookeeper = 5\nzookeeper-version = \"3.4.14\"\n";
    let question = Question { how: How::Isolate, ..lose(&["zk.leader"]) };
    insta::assert_snapshot!(ask(cluster, &question));
}

#[test]
fn a_scenario_to_keep() {
    let question = Question {
        asked: "rehearsal what-if cluster.toml --lose \"zk-2, zk-3\"".to_owned(),
        ..lose(&["zk-2, zk-3"])
    };
    let answer = asked(THREE, &question).expect("it can be asked");
    insta::assert_snapshot!(answer.scenario);
}

#[test]
fn what_cannot_be_asked_is_said_where_it_stands() {
    let wrong = [
        ("zk-4", None),
        ("leader(orders", None),
        ("leader(payments-0)", None),
        ("host(h9)", None),
        ("", None),
        ("\u{7}\"", None),
        ("zk-1", Some("orders:6")),
        ("zk-1, producer", None),
    ];
    let mut told = String::new();
    for (who, topic) in wrong {
        let topic = topic.map(|topic: &str| topic.parse().expect("a topic"));
        let question = Question { topic, ..lose(&[who]) };
        match asked(THREE, &question) {
            Ok(answer) => panic!("{who} was answered: {}", answer.question()),
            Err(Unanswerable::Files(all)) => {
                for one in all {
                    let help = one.help.clone().unwrap_or_default();
                    told.push_str(&format!("{} {}: {one}; {help}\n", one.at(), one.code));
                }
            }
            Err(Unanswerable::Words { what, help }) => told.push_str(&format!("{what}; {help}\n")),
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_kept_scenario_finds_its_files() {
    let seen = |folder: &str, file: &str| {
        let cluster = crate::cluster::Cluster::default();
        let ground = super::of_files(&[PathBuf::from(file)], cluster);
        ground.files_from(Path::new(folder))[0].clone()
    };
    assert_eq!(seen("", "docker-compose.yml"), "\"docker-compose.yml\"");
    assert_eq!(seen("kept", "a/docker-compose.yml"), "\"../a/docker-compose.yml\"");
    assert_eq!(seen("a/kept", "a/docker-compose.yml"), "\"../docker-compose.yml\"");
    assert_eq!(seen("kept", "/etc/zoo.cfg"), "\"/etc/zoo.cfg\"");
    assert!(seen("../kept", "zoo.cfg").ends_with("/zoo.cfg\""));
}
