//! Programs of a test in the simulated network.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scenarios::build::*;
use scenarios::guest::{Net, time};
use scenarios::{Run, Scenario, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Asks a broker which versions it speaks: any broker answers that.
async fn ask(net: &Net, broker: &str) -> io::Result<u32> {
    // Length, ApiVersions (18), version 0, correlation 7, no client id.
    const QUESTION: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 255, 255];
    let mut stream = net.connect(broker).await?;
    stream.write_all(&QUESTION).await?;
    let length = stream.read_u32().await?;
    let mut answer = vec![0; usize::try_from(length).expect("a small answer")];
    stream.read_exact(&mut answer).await?;
    Ok(length)
}

/// Asks the first broker every second and says whenever that changes.
async fn watch(net: Net) {
    let mut was_there = None;
    loop {
        let patience = Duration::from_secs(3);
        let answer = time::timeout(patience, ask(&net, "kafka-1:9092")).await;
        let is_there = answer.is_ok_and(|answer| answer.is_ok());
        if was_there != Some(is_there) {
            net.say(if is_there { "kafka-1 answers" } else { "kafka-1 does not answer" });
            was_there = Some(is_there);
        }
        time::sleep(Duration::from_secs(1)).await;
    }
}

/// A broker that comes and goes, and a cut.
fn comes_and_goes() -> Builder {
    Scenario::build("comes-and-goes")
        .duration("60s")
        .with("guests", ["watcher"])
        .cluster(cluster().zookeepers(1).brokers(1))
        .step(kill("kafka-1").at("10s..12s").lasting("20s"))
        .step(cut("watcher", "kafka-1").at("40s").lasting("5s"))
}

/// What the guests said, with the times.
fn said(run: &Run) -> String {
    let lines = run.timeline();
    let of_guests =
        lines.lines().filter(|line| line.contains("watcher") || line.contains(" shop "));
    of_guests.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_guest_sees_what_clients_see() -> Result<(), scenarios::Unplayable> {
    let scenario = comes_and_goes().ready()?.guest("watcher", watch);
    let runs = scenario.clone().seeds(1..=2).assert_holds();
    insta::assert_snapshot!(said(&runs[0]));
    let again = scenario.seeds(1..=2).assert_holds();
    let prints = |runs: &[Run]| runs.iter().map(|run| run.fingerprint.clone()).collect::<Vec<_>>();
    assert_eq!(prints(&runs), prints(&again), "the same seeds, the same runs");
    assert_ne!(runs[0].fingerprint, runs[1].fingerprint, "another seed, another run");
    Ok(())
}

/// Counts its lives, and beats once a second.
fn shop(
    lives: Arc<AtomicU32>,
) -> impl Fn(Net) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
    move |net| {
        let life = lives.fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(async move {
            for beat in 1.. {
                net.say(format!("beats {beat} in life {life}"));
                time::sleep(Duration::from_secs(1)).await;
            }
        })
    }
}

#[test]
fn a_guest_lives_and_dies_with_its_node() -> Result<(), scenarios::Unplayable> {
    let lives = Arc::new(AtomicU32::new(0));
    let built = Scenario::build("kill-a-guest")
        .duration("12s")
        .with("guests", ["shop"])
        .cluster(cluster().zookeepers(1))
        .step(kill("shop").at("2500ms").lasting("2s"))
        .step(pause("shop").at("6200ms").lasting("3s"));
    let scenario = built.ready()?.guest("shop", shop(Arc::clone(&lives)));
    let run = &scenario.seed(1).run()?[0];
    insta::assert_snapshot!(said(run));
    assert_eq!(lives.load(Ordering::Relaxed), 2);
    Ok(())
}

#[test]
fn a_guest_that_fails_or_panics_breaks_the_run() -> Result<(), scenarios::Unplayable> {
    let built = Scenario::build("guests-fail").duration("5s").cluster(cluster().zookeepers(1));
    let fails = |_: Net| async {
        time::sleep(Duration::from_secs(1)).await;
        Err::<(), _>("an order has no invoice")
    };
    let panics = |net: Net| async move {
        time::sleep(Duration::from_secs(2)).await;
        assert_eq!(net.brokers().len(), 3, "brokers");
    };
    let ends = |net: Net| async move { assert_eq!(net.zookeeper(), "zk-1:2181") };
    let scenario = built.ready()?.guest("a", fails).guest("b", panics).guest("c", ends);
    let failure = scenario.holds().expect_err("two guests fail");
    insta::assert_snapshot!(failure);
    assert_eq!(failure.run().map(|run| run.verdict), Some(Verdict::Fail));
    Ok(())
}

#[test]
fn a_result_is_waited_for() -> Result<(), scenarios::Unplayable> {
    let built = Scenario::build("too-late").duration("5s").cluster(cluster().zookeepers(1));
    let late = |_: Net| async {
        time::sleep(Duration::from_secs(6)).await;
        Ok::<(), io::Error>(())
    };
    let failure = built.ready()?.guest("auditor", late).holds().expect_err("5 s are not enough");
    insta::assert_snapshot!(failure, @r"
    INCONCLUSIVE  too-late  seed 1
    Nothing was broken in 4 steps, but 1 promise could not be judged.

    Could not be judged
      - guest `auditor` was still at work at the end

    Again
      REHEARSAL_SEED=1 cargo test guests::a_result_is_waited_for
    ");
    assert!(!failure.is_broken());
    Ok(())
}

#[test]
fn a_test_leads_a_run_with_guests() -> Result<(), Box<dyn std::error::Error>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let watcher = move |net: Net| {
        let notes = Arc::clone(&notes);
        async move {
            let answer = ask(&net, &net.brokers()[0]).await;
            notes.lock().expect("guests take turns").push(answer.map_err(|error| error.kind()));
        }
    };
    let scenario = comes_and_goes().ready()?.guest("watcher", watcher);
    let mut sim = scenario.start(1)?;
    sim.step_until(|truth| truth.registered() == [1])?;
    assert!(seen.lock().expect("nobody else").is_empty(), "guests come after the brokers");
    sim.run_for(Duration::from_secs(5));
    assert!(matches!(seen.lock().expect("nobody else")[..], [Ok(_)]));
    sim.kill("kafka-1");
    sim.kill("watcher");
    sim.restart("watcher");
    sim.run_for(Duration::from_secs(1));
    let refused = Err(io::ErrorKind::ConnectionRefused);
    assert_eq!(seen.lock().expect("nobody else").last(), Some(&refused));
    Ok(())
}
