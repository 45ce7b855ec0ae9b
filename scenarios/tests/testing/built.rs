//! What is built is what would have been written.

use scenarios::build::*;
use scenarios::plan;
use scenarios::script::{self, Script};
use scenarios::{Scenario, Unplayable};

/// The plan of a script on its own cluster: everything that counts of it, without places.
fn drawn(script: &Script, seed: u64) -> plan::Plan {
    let cluster = script.cluster(None).expect("it has its own cluster");
    plan::draw(script, &cluster, seed)
}

fn same(built: &Builder, file: &str) {
    let path = format!("library/{file}.toml");
    let written = Scenario::open(path).expect("a file of the library");
    let built = built.ready().expect("as good as the file");
    assert_eq!(
        built.script().cluster(None),
        written.script().cluster(None),
        "{file}: another cluster was built"
    );
    for seed in 1..=3 {
        let (built, written) = (drawn(built.script(), seed), drawn(written.script(), seed));
        assert_eq!(built, plan::Plan { about: built.about.clone(), ..written }, "{file}");
    }
}

#[test]
fn a_leader_broker_is_lost_as_in_the_library() {
    let orders = topic("orders").partitions(1).replication_factor(3).min_insync_replicas(2);
    let built = Scenario::build("lose-the-leader-broker")
        .about("The broker that leads the partition dies.")
        .duration("90s")
        .cluster(cluster().zookeepers(3).brokers(3).kafka("2.5").topic(orders))
        .client(client("p1").does(produce("orders").rate("20/s").acks("all")))
        .client(client("c1").does(consume("orders").from("beginning")))
        .step(kill("leader(orders-0)").id("down").at("15s..18s"))
        .step(restart("victims(down)").id("back").at("down + 30s"))
        .step(describe_topic().id("describe").at("85s").topic("orders"))
        .expect(outage("produce(p1)").opens("down..down + 1s").closes("down + 12s..down + 22s"))
        .expect(outage("consume(c1)").may_open("down..down + 22s").closes("<= down + 22s"))
        .expect(
            always("offline-partitions = 0 and under-replicated-partitions = 0")
                .during("10s..down"),
        )
        .expect(
            always("leader-epoch(orders-0) = 0 and victims(down) is registered")
                .during("down..down + 12s"),
        )
        .expect(
            always("leader-epoch(orders-0) >= 1 and leader-epoch(orders-0) <= 2")
                .during("down + 22s..end"),
        )
        .expect(
            eventually("victims(down) is not registered and offline-partitions = 0")
                .within("22s after down"),
        )
        .expect(eventually("isr(orders-0).size = 2").within("22s after down"))
        .expect(
            eventually("isr(orders-0).size = 3 and leader(orders-0) is not victims(down)")
                .within("5s after back"),
        )
        .expect(sometimes("leader-elected"))
        .expect(finally("failed(p1) = 0"))
        .expect(finally("lost(orders) = 0"))
        .expect(finally("under-replicated-partitions = 0"))
        .expect(finally("leader(orders-0) is not victims(down)"));
    same(&built, "lose-the-leader-broker");
    insta::assert_snapshot!(built.text());
}

#[test]
fn lists_windows_and_losses_are_built_as_in_the_library() {
    let built = Scenario::build("leader-returns-after-its-follower-has-lost-power")
        .duration(std::time::Duration::from_secs(90))
        .cluster(
            cluster()
                .zookeepers(3)
                .brokers(3)
                .kafka("2.3")
                .topic(topic("orders").replicas([[1, 2]])),
        )
        .client(client("p1").does(produce("orders").every("7s").records(20).acks("all")))
        .client(client("c1").does(consume("orders").from("beginning")))
        .step(kill("kafka-1").id("dead").at("29s"))
        .step(power_loss("kafka-2").id("dark").at("dead + 2500ms"))
        .step(power_on("kafka-2").id("first").at("dark + 15s"))
        .step(restart("kafka-1").id("second").at("first + 20s"))
        .expect(loses("acked(orders)", "E2"))
        .expect(outage("produce(p1)").may_open("dead - 1s..dead + 8s").closes("first..dark + 34s"))
        .expect(outage("consume(c1)").may_open("dead - 1s..second").closes("<= second + 5s"))
        .expect(eventually("leader(orders-0) is kafka-2").within("3s after first"))
        .expect(eventually("isr(orders-0).size = 2").within("5s after second"))
        .expect(never("leader(orders-0) is kafka-1").during("first..end"))
        .expect(sometimes("replica-truncated"))
        .expect(finally("kafka-* is registered"))
        .expect(finally("failed(p1) = 0"));
    same(&built, "leader-returns-after-its-follower-has-lost-power");
}

#[test]
fn every_verb_of_the_language_has_its_function() {
    let mut built: Vec<_> = VERBS.to_vec();
    let mut written = script::VERBS.to_vec();
    built.sort_unstable();
    built.dedup();
    written.sort_unstable();
    assert_eq!(built, written);
}

#[test]
fn settings_with_dots_hosts_and_mutants_can_be_built() {
    let ready = Scenario::build("odd-ones")
        .about("With \"quotes\", a \\ and\nlines.")
        .duration("20s")
        .cluster(
            cluster()
                .zookeepers(3)
                .brokers(2)
                .zookeeper_version("3.4.14")
                .server_lists("correct")
                .zookeeper_config("tickTime", 1000)
                .zookeeper_config("autopurge.snapRetainCount", 3)
                .kafka("2.5")
                .kafka_config("zookeeper.session.timeout.ms", 6000)
                .mechanism("truncation", "when-offered")
                .topic(topic("orders").partitions(2).config("retention.ms", 60000)),
        )
        .host("h1", ["zk-1", "kafka-1"])
        .client(
            client("w1")
                .does(write("/app").every("50ms").bytes(64).checked(true))
                .start("2s")
                .session_timeout("8s")
                .servers("zk-1, zk-2"),
        )
        .step(step("power-loss").hosts("h1").every("8s").starting("5s").times(1))
        .step(loss("zk-1", "zk-2").percent(5).when("zk.quorum").after("1s").lasting("2s"))
        .ready();
    let wrong = ready.map(drop).expect_err("one word is not in the language");
    insta::assert_snapshot!(wrong);
}

#[test]
fn a_built_scenario_and_its_text_are_the_same_run() -> Result<(), Unplayable> {
    let built = Scenario::build("a-leader-dies")
        .duration("15s")
        .cluster(cluster().zookeepers(3))
        .step(kill("zk.leader").id("down").at("5s..7s"))
        .expect(finally("zk.leader is not victims(down)"));
    let runs = built.ready()?.seeds(1..=2).assert_holds();
    let parsed = Scenario::parse(&built.text())?.seeds(1..=2).assert_holds();
    let prints = |runs: &[scenarios::Run]| {
        runs.iter().map(|run| run.fingerprint.clone()).collect::<Vec<_>>()
    };
    assert_eq!(prints(&runs), prints(&parsed));
    Ok(())
}
