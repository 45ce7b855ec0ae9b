//! A run that a test leads itself.

use std::time::Duration;

use scenarios::build::*;
use scenarios::{Scenario, Verdict};

/// Three servers, three brokers, one topic, one producer, two minutes.
fn orders() -> Builder {
    let orders = topic("orders").replicas([[1, 2, 3]]).min_insync_replicas(2);
    Scenario::build("orders")
        .duration("120s")
        .cluster(cluster().zookeepers(3).brokers(3).kafka("2.5").topic(orders))
        .client(client("shop").does(produce("orders").rate("10/s").acks("all")))
}

#[test]
fn a_test_leads_a_run_and_looks_at_what_is_so() -> Result<(), Box<dyn std::error::Error>> {
    let mut sim = orders().ready()?.start(7)?;
    sim.step_until(|truth| truth.leader("orders", 0) == Some(1))?;
    assert_eq!(sim.look(|truth| truth.registered()), [1, 2, 3]);
    sim.until("acked(shop) >= 20 and isr(orders-0).size = 3")?;
    assert_eq!(sim.kill("leader(orders-0)"), ["kafka-1"]);
    assert_eq!(
        sim.look(|truth| (truth.leader("orders", 0), truth.is_up("kafka-1"))),
        (Some(1), false)
    );
    sim.step_until(|truth| truth.leader("orders", 0) == Some(2))?;
    assert_eq!(sim.look(|truth| truth.isr("orders", 0)), [2, 3]);
    let before = sim.now();
    sim.run_for(Duration::from_secs(5));
    assert_eq!(sim.now() - before, Duration::from_secs(5));
    sim.restart("victims(step-1)");
    sim.step_until(|truth| truth.isr("orders", 0).len() == 3)?;
    assert_eq!(
        sim.look(|truth| (truth.lost("orders"), truth.leader_epoch("orders", 0))),
        (0, Some(1))
    );
    let printed =
        sim.perform(describe_topic().topic("orders").expect_exit(0).prints("Leader: 2"))?;
    assert!(printed.is_empty(), "a command has no victims");
    let run = sim.finish();
    assert!(run.timeline().contains("! step-1         kill kafka-1"), "{}", run.timeline());
    // The producer was out, and nobody had announced it.
    assert_eq!(run.verdict, Verdict::Fail);
    assert!(run.violations.iter().all(|one| one.check == "outage"), "{:?}", run.violations);
    Ok(())
}

#[test]
fn a_run_that_nobody_touches_is_the_run_itself() -> Result<(), Box<dyn std::error::Error>> {
    let scenario = orders().duration("20s").ready()?;
    let mut sim = scenario.start(3)?;
    for _ in 0..7 {
        sim.run_for(Duration::from_secs(2));
    }
    assert_eq!(sim.finish().fingerprint, scenario.seed(3).run()?[0].fingerprint);
    Ok(())
}

#[test]
fn what_does_not_come_true_in_time_is_said_with_what_is_so() -> Result<(), scenarios::Unplayable> {
    let mut sim = orders().ready()?.start(1)?;
    sim.patience(Duration::from_secs(30));
    let never =
        sim.step_until(|truth| truth.leader("orders", 0) == Some(9)).expect_err("no broker 9");
    sim.kill("zk-1, zk-2");
    let gone = sim.until("zk.quorum and controller is kafka-1").expect_err("two of three are dead");
    sim.patience(Duration::from_secs(300));
    let over = sim.step_until(|truth| truth.topic_exists("invoices"));
    let over = over.map_err(|wrong| wrong.to_string()).expect_err("nobody creates it");
    let first = over.lines().next().expect("it says something").to_owned();
    insta::assert_snapshot!(format!("{never}\n{gone}\n{first}"));
    Ok(())
}

#[test]
fn mistakes_are_the_languages_own() -> Result<(), scenarios::Unplayable> {
    let mut sim = orders().ready()?.start(1)?;
    let unknown = sim.perform(kill("kafka-4")).expect_err("there are three");
    let odd = sim.perform(step("explode").nodes("kafka-1")).expect_err("no such verb");
    insta::assert_snapshot!(format!("{unknown}\n{odd}"));
    Ok(())
}
