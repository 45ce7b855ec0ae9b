//! Clients that end or stand still while they wait, in runs of real machines.

use reports::run::{Run, Verdict};

use crate::play::{Watch, play};
use crate::{plan, script};

/// Both brokers are gone from 20 s to 40 s.
fn played(steps: &str, outage: &str) -> Run {
    let source = format!(
        r#"
name     = "clients-that-end"
about    = "A producer is not there any more when its brokers come back."
duration = "60s"

[cluster]
zookeeper = 1
brokers   = 1
kafka     = "2.3"
topics    = [{{ name = "orders", replicas = [[1]] }}]

[[clients]]
id      = "p1"
produce = {{ topic = "orders", rate = "10/s", acks = "all" }}

[timeline]
steps = [
  {{ id = "dark", at = "20s", do = "kill", nodes = "kafka-1" }},
  {steps}
  {{ id = "back", at = "40s", do = "restart", nodes = "kafka-1" }},
]

[expect]
outage = [{{ of = "produce(p1)", opens = "dark - 1s..dark + 1s", {outage} }}]
"#
    );
    let script = script::parse(&source, "clients").expect("the scenario parses");
    let cluster = script.cluster(None).expect("it stages its own cluster");
    let plan = plan::draw(&script, &cluster, 1);
    play(&plan, &cluster, &mut Watch::default())
}

#[track_caller]
fn passes(run: &Run) {
    assert_eq!(run.verdict, Verdict::Pass, "{:?}", run.violations);
    assert_eq!(run.outages.len(), 1, "{:?}", run.outages);
}

#[test]
fn an_outage_ends_with_the_client_that_had_it() {
    let run = played(
        r#"{ id = "gone", at = "25s", do = "kill", nodes = "p1" },"#,
        r#"closes = "gone..gone""#,
    );
    passes(&run);
}

#[test]
fn a_client_that_stands_still_waits_for_nothing() {
    let run = played(
        r#"{ id = "still", at = "25s", do = "pause", nodes = "p1" },"#,
        r#"closes = "still..still""#,
    );
    passes(&run);
}

#[test]
fn a_client_that_goes_on_waits_anew() {
    let run = played(
        r#"
  { id = "still", at = "25s", do = "pause", nodes = "p1" },
  { id = "on", at = "30s", do = "resume", nodes = "p1" },
"#,
        r#"closes = "still..still" },
  { of = "produce(p1)", opens = "on..on + 1ms", closes = "back..back + 5s""#,
    );
    assert_eq!(run.verdict, Verdict::Pass, "{:?}", run.violations);
    assert_eq!(run.outages.len(), 2, "{:?}", run.outages);
}
