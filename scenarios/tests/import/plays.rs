//! Imported brokers on the stage: what works holds what it promises, what does not work shows what happens.

use insta::assert_snapshot;
use proptest::prelude::*;
use scenarios::import::{Source, cluster_of};
use scenarios::{Run, Scenario, Verdict};

fn file(folder: &str) -> String {
    format!("clusters/{folder}/docker-compose.yml")
}

/// A library scenario on a folder of `clusters/`.
fn holds(scenario: &str, folder: &str) {
    let scenario =
        Scenario::open(format!("library/{scenario}.toml")).expect("it is in the library");
    scenario.on(file(folder).as_str()).assert_holds();
}

#[test]
fn the_corrected_wurstmeister_file_survives_the_loss_of_a_leader() {
    holds("lose-the-leader-broker", "wurstmeister-corrected");
}

#[test]
fn the_corrected_confluent_file_survives_the_loss_of_a_leader() {
    holds("lose-the-leader-broker", "confluent-corrected");
}

#[test]
fn three_of_bitnami_survive_the_loss_of_a_leader() {
    holds("lose-the-leader-broker", "bitnami-three");
}

#[test]
fn three_of_debezium_survive_the_loss_of_a_leader() {
    holds("lose-the-leader-broker", "debezium-three");
}

#[test]
fn one_broker_serves_those_who_come_through_the_machine() {
    let scenario = Scenario::parse(
        r#"
        name     = "through-the-machine"
        duration = "12s"
        clients  = [{ id = "p1", produce = { topic = "orders", rate = "10/s", acks = "all" } }]
        [cluster]
        from = ["docker-compose.yml"]
        [expect]
        finally = ["acked(p1) > 50", "failed(p1) = 0"]
        "#,
    );
    scenario.expect("a good scenario").on(file("wurstmeister-published").as_str()).assert_holds();
}

/// Brokers are started, a topic is created, a producer comes.
fn just_started(duration: &str) -> Scenario {
    let scenario = format!(
        r#"
        name     = "just-started"
        duration = "{duration}"
        clients  = [{{ id = "p1", produce = {{ topic = "orders", rate = "10/s", acks = "all" }} }}]
        [cluster]
        from   = ["docker-compose.yml"]
        topics = [{{ name = "orders", partitions = 1, replication-factor = 1 }}]
        "#
    );
    Scenario::parse(&scenario).expect("a good scenario")
}

/// What becomes of the brokers of a folder within twenty seconds, and of a producer.
fn brokers(folder: &str) -> String {
    let run =
        just_started("20s").on(file(folder).as_str()).run().expect("it can be played").remove(0);
    assert_ne!(run.verdict, Verdict::Pass, "its files are wrong");
    told(&run)
}

/// What brokers say of their starts, and their state at the end.
fn told(run: &Run) -> String {
    let mut told = String::new();
    for line in &run.timeline {
        let words = ["refuses", "registered", "is the controller", "create-orders", " leads "];
        let all = format!("{} {}", line.who, line.what);
        if words.iter().any(|word| all.contains(word)) {
            told.push_str(&format!("{all}\n"));
        }
    }
    for table in run.final_state.iter().skip(1) {
        for row in &table.rows {
            told.push_str(&format!("at the end: {}\n", row.join(" | ")));
        }
    }
    let of_brokers =
        |remark: &&String| remark.starts_with("kafka-") && !remark.contains("modelled");
    for remark in run.remarks.iter().filter(of_brokers) {
        told.push_str(&format!("remark: {remark}\n"));
    }
    told
}

#[test]
fn brokers_whose_containers_exit_never_register() {
    assert_snapshot!(brokers("wurstmeister-three-by-mistake"));
}

#[test]
fn brokers_on_islands_are_separate_clusters() {
    assert_snapshot!(brokers("wurstmeister-with-listeners"));
}

#[test]
fn brokers_that_advertise_localhost_have_no_leader_for_anybody() {
    assert_snapshot!(brokers("wurstmeister-localhost-addresses"));
}

#[test]
fn the_second_broker_at_one_address_is_refused() {
    assert_snapshot!(brokers("wurstmeister-one-address"));
}

#[test]
fn the_second_broker_of_one_number_is_refused() {
    assert_snapshot!(brokers("debezium-one-id"));
}

#[test]
fn brokers_below_different_chroots_do_not_meet() {
    assert_snapshot!(brokers("chroots"));
}

#[test]
fn brokers_without_a_quorum_of_zookeepers_give_up() {
    assert_snapshot!(brokers("confluent-localhost-lists"));
}

#[test]
fn of_several_mistakes_each_has_its_own_end() {
    assert_snapshot!(brokers("confluent-mistakes"));
}

const FILES: [&str; 4] = [
    include_str!("../../clusters/wurstmeister-published/docker-compose.yml"),
    include_str!("../../clusters/confluent-mistakes/docker-compose.yml"),
    include_str!("../../clusters/debezium-three/docker-compose.yml"),
    include_str!("../../clusters/chroots/docker-compose.yml"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever a slip of the finger makes of a file: if it can be imported, it can be played.
    #[test]
    fn a_cluster_that_is_imported_can_be_played(
        file in 0..FILES.len(),
        at in any::<prop::sample::Index>(),
        new in "[\\PC0-9:/.,_-]{0,2}",
    ) {
        let text = FILES[file];
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let at = *at.get(&places);
        let length = text[at..].chars().next().map_or(0, char::len_utf8);
        let text = format!("{}{new}{}", &text[..at], &text[at + length..]);
        let source = Source { name: "docker-compose.yml".to_owned(), text };
        if let Ok(cluster) = cluster_of(&[source]) {
            let runs = just_started("4s").on(cluster).run();
            let panicked = runs.iter().flatten().flat_map(|run| &run.violations);
            let panicked: Vec<_> = panicked.filter(|one| one.check == "PANIC").collect();
            prop_assert!(panicked.is_empty(), "{panicked:?}");
        }
    }
}
