//! `rehearsal cluster`: what is told where, and the exit code.

use serde_json::Value;

use super::{STEADY, assert_has, rehearsal, scenario};

#[test]
fn a_cluster_that_works() {
    let came =
        rehearsal(&["cluster", "scenarios/clusters/wurstmeister-corrected/docker-compose.yml"]);
    assert_eq!((came.code, came.err.as_str()), (Some(0), ""), "{}", came.out);
    assert!(came.out.starts_with("NO ERROR  scenarios/clusters/"), "{}", came.out);
    assert_has(&came.out, &["Kafka is one cluster of 3 brokers", "everybody finds everybody"]);
    assert_has(&came.out, &["min.insync.replicas", "default", "--all shows them"]);
    assert!(!came.out.contains('\u{1b}'), "colour is for terminals");
    let widest = came.out.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?} columns");
}

#[test]
fn a_cluster_with_an_error_exits_1() {
    let file = "scenarios/clusters/wurstmeister-with-listeners/docker-compose.yml";
    let came = rehearsal(&["cluster", file, "--seed", "2"]);
    assert_eq!((came.code, came.err.as_str()), (Some(1), ""));
    assert_has(&came.out, &["3 islands", "with seed 2", "error Z02", "error K06", "help:"]);
}

#[test]
fn programs_get_one_object() {
    let file = "scenarios/clusters/debezium-one-id/docker-compose.yml";
    let came = rehearsal(&["cluster", file, "--json"]);
    assert_eq!((came.code, came.err.as_str()), (Some(1), ""));
    assert_eq!(came.out.lines().count(), 1);
    let told: Value = serde_json::from_str(&came.out).expect("it is JSON");
    assert_eq!(told["exits"].as_array().map(Vec::len), Some(2));
    let rules = told["findings"].as_array().expect("a list").iter().map(|one| &one["rule"]);
    assert!(rules.clone().any(|rule| rule == "K10"), "{:?}", rules.collect::<Vec<_>>());
    let sections = told["settings"].as_array().expect("a list");
    let keys = |of: &str| {
        let section = sections.iter().find(|section| section["of"] == of).expect("it is there");
        section["settings"].as_array().expect("a list").len()
    };
    assert!(keys("Kafka 2.5") > 200, "every setting is there: {}", keys("Kafka 2.5"));
}

#[test]
fn all_settings_are_shown_on_demand() {
    let file = "scenarios/clusters/plain-three-and-three/kafka-1/server.properties";
    let servers = "scenarios/clusters/plain-three-and-three/zk-1/zoo.cfg";
    let few = rehearsal(&["cluster", file, servers]).out;
    let all = rehearsal(&["cluster", file, servers, "--all"]).out;
    assert!(!few.contains("log.cleaner.threads"), "{few}");
    assert_has(&all, &["log.cleaner.threads", "nothing is compacted", "jute.maxbuffer"]);
}

#[test]
fn a_scenario_has_a_cluster_too() {
    let (_folder, file) = scenario(STEADY);
    let came = rehearsal(&["cluster", &file]);
    assert_eq!((came.code, came.err.as_str()), (Some(0), ""), "{}", came.out);
    assert_has(&came.out, &["ZooKeeper is one ensemble of 3 servers"]);
}

#[test]
fn files_that_cannot_be_used_exit_3() {
    let tabs = "scenarios/clusters/confluent-tabs/docker-compose.yml";
    for args in [&["cluster"][..], &["cluster", "no-such-file.yml"], &["cluster", tabs]] {
        let came = rehearsal(args);
        assert_eq!((came.code, came.out.as_str()), (Some(3), ""), "{args:?}");
        assert!(!came.err.is_empty(), "{args:?} is told nothing");
    }
}
