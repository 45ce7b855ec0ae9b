//! What becomes of the files in `clusters/`: the cluster that would really run, and all that is said about it.

use std::path::PathBuf;

use insta::assert_snapshot;
use scenarios::import;

use crate::shown::{compose, shown};

/// Imports files of `clusters/`, as a person standing in `scenarios/` would name them.
fn imported(files: &[&str]) -> String {
    let files: Vec<PathBuf> =
        files.iter().map(|file| PathBuf::from("clusters").join(file)).collect();
    shown(import::cluster(&files))
}

#[test]
fn three_wurstmeister_servers_are_three_standalone_servers() {
    assert_snapshot!(imported(&["wurstmeister-three-by-mistake/docker-compose.yml"]));
}

#[test]
fn the_corrected_wurstmeister_file_is_one_ensemble() {
    assert_snapshot!(imported(&["wurstmeister-corrected/docker-compose.yml"]));
}

#[test]
fn tabs_are_refused_at_the_first_one() {
    assert_snapshot!(imported(&["confluent-tabs/docker-compose.yml"]));
}

#[test]
fn the_tab_file_with_spaces_still_has_its_other_mistakes() {
    let text = std::fs::read_to_string("clusters/confluent-tabs/docker-compose.yml")
        .expect("it is in the repository");
    let spaces = text.replace('\t', "  ");
    assert_snapshot!("tabs_repaired", compose(&spaces));
    let filled = spaces.replace("{a folder on the host}", "./data");
    assert_snapshot!("tabs_repaired_and_filled", compose(&filled));
    let (before, after) = filled.split_once("cp-kafka-1:\n").expect("the broker is in it");
    let indented: String = after.lines().map(|line| format!("  {line}\n")).collect();
    assert_snapshot!(
        "tabs_repaired_wholly",
        compose(&format!("{before}  cp-kafka-1:\n{indented}"))
    );
}

#[test]
fn lists_of_localhost_find_no_quorum() {
    assert_snapshot!(imported(&["confluent-localhost-lists/docker-compose.yml"]));
}

#[test]
fn the_corrected_confluent_file_is_one_ensemble() {
    assert_snapshot!(imported(&["confluent-corrected/docker-compose.yml"]));
}

#[test]
fn three_zoo_cfg_are_one_ensemble() {
    let files =
        ["ansible-three/zk-1/zoo.cfg", "ansible-three/zk-2/zoo.cfg", "ansible-three/zk-3/zoo.cfg"];
    assert_snapshot!(imported(&files));
}

#[test]
fn the_packages_own_file_is_a_standalone_server() {
    assert_snapshot!(imported(&["confluent-package-standalone/zookeeper.properties"]));
}

#[test]
fn the_corrected_package_files_are_one_ensemble() {
    let files =
        [1, 2, 3].map(|n| format!("confluent-package-corrected/broker0{n}/zookeeper.properties"));
    assert_snapshot!(imported(&files.each_ref().map(String::as_str)));
}

#[test]
fn three_brokers_three_zookeepers_and_their_topics() {
    let servers = [1, 2, 3].map(|n| format!("plain-three-and-three/zk-{n}/zoo.cfg"));
    let brokers = [1, 2, 3].map(|n| format!("plain-three-and-three/kafka-{n}/server.properties"));
    let topics = ["plain-three-and-three/topics.txt".to_owned()];
    let files = servers.iter().chain(&brokers).chain(&topics);
    let files: Vec<&str> = files.map(String::as_str).collect();
    assert_snapshot!(imported(&files));
}

#[test]
fn a_cluster_in_several_compose_files() {
    assert_snapshot!(imported(&["bitnami-parts/docker-compose.yml"]));
}
