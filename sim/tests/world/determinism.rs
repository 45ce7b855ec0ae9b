//! The same seed gives the same run, whoever runs it; another seed gives another one.

use crate::toys::{Stage, Toy, dial_b, ms, send};
use sim::recorder::Trace;
use sim::world::Fault;

fn pinger() -> Toy {
    Toy::new()
        .at(1, dial_b)
        .at(5, |toy, cx| send(toy, cx, "ping"))
        .at(50, |toy, cx| send(toy, cx, "again"))
}

fn echo() -> Toy {
    Toy::echoing("0.0.0.0:1")
}

fn play(seed: u64) -> (u64, u64) {
    let mut stage = Stage::new(seed, [pinger, echo]);
    stage.run(ms(20)).cut(0, 1).run(ms(60)).heal(0, 1).run(ms(1_000));
    (stage.world.fingerprint(), stage.world.events())
}

#[test]
fn ping_comes_back() {
    let mut stage = Stage::new(1, [pinger, echo]);
    stage.run(ms(100));
    assert_eq!(stage.toy(1).text(), "pingagain");
    assert_eq!(stage.toy(0).text(), "pingagain");
}

#[test]
fn the_same_seed_gives_the_same_run_in_every_thread() {
    let here = play(7);
    assert_eq!(here, play(7));
    let others = [7, 7].map(|seed| std::thread::spawn(move || play(seed)));
    for other in others {
        assert_eq!(other.join().expect("no panic"), here);
    }
}

#[test]
fn another_seed_gives_another_run() {
    assert_ne!(play(7).0, play(8).0);
}

#[test]
fn every_fault_counts_in_the_fingerprint() {
    let mut quiet = Stage::new(1, [pinger, echo]);
    let mut touched = Stage::new(1, [pinger, echo]);
    touched.apply(Fault::HealAll);
    assert_ne!(quiet.run(ms(100)).world.fingerprint(), touched.run(ms(100)).world.fingerprint());
}

/// The number itself: it may change only when the world means to behave differently, and must be
/// the same in debug and release builds, with and without the `madsim` flag.
#[test]
fn the_fingerprint_does_not_depend_on_the_build() {
    insta::assert_snapshot!(format!("{:016x}", play(7).0));
}

#[test]
fn a_trace_tells_the_whole_story() {
    let mut stage = Stage::new(1, [pinger, echo]);
    let mut trace = Trace::new(Vec::new(), 1).expect("memory takes everything");
    let names = ["a", "b"];
    stage.run_seeing(ms(20), |step| {
        trace.step(names[step.node.0 as usize], step).expect("memory takes everything");
    });
    let fault = Fault::Kill { node: stage.nodes[1] };
    trace.fault(stage.world.now(), &fault).expect("memory takes everything");
    stage.apply(fault).run_seeing(ms(30), |step| {
        trace.step(names[step.node.0 as usize], step).expect("memory takes everything");
    });
    let text = String::from_utf8(trace.finish().expect("memory takes everything"));
    insta::assert_snapshot!(text.expect("JSON is text"));
}
