//! Clocks that drift and jump, and the processes that live by them.

use bytes::Bytes;
use machine::{Context, Duration, Instant, Machine};
use sim::world::{CALENDAR_START, ClockFault, Fault, HostSpec, NodeId, World};

use crate::toys::{Said, Stage, Toy, dial_b, ms, secs, send, within};

fn sleeper() -> Toy {
    Toy::new().at(1_000, |_, _| {}).at(2_000, |_, _| {})
}

#[test]
fn a_step_of_the_calendar_moves_no_alarm() {
    let mut stage = Stage::new(1, [sleeper]);
    let node = stage.nodes[0];
    let change = ClockFault::Step { micros: -3_600_000_000 };
    stage.run(ms(1_500)).apply(Fault::Clock { node, change }).run(secs(3));
    let toy = stage.toy(0);
    assert_eq!(toy.woke, [secs(1), secs(2)]);
    let walls: Vec<_> = toy.walls.iter().map(|wall| wall.as_micros() as i64).collect();
    let start = CALENDAR_START as i64;
    assert_eq!(walls, [start + 1_000_000, start + 2_000_000 - 3_600_000_000]);
}

#[test]
fn a_fast_clock_wakes_early_and_a_slow_one_late() {
    let woken = |ppm| {
        let mut stage = Stage::new(1, [sleeper]);
        let node = stage.nodes[0];
        stage.apply(Fault::Clock { node, change: ClockFault::Drift { ppm } });
        let mut woken = Vec::new();
        stage.run_seeing(secs(3), |step| woken.push(step.at));
        assert_eq!(stage.toy(0).woke[0], secs(1), "by its own clock it is always on time");
        woken[1]
    };
    assert_eq!(woken(0), secs(1));
    assert_eq!(woken(250_000), ms(800));
    assert_eq!(woken(-200_000), ms(1_250));
}

#[test]
fn a_change_of_drift_moves_the_alarm_that_is_set() {
    let mut stage = Stage::new(1, [sleeper]);
    let node = stage.nodes[0];
    let mut woken = Vec::new();
    stage.run(ms(500));
    assert_eq!(stage.world.clock_of(node), ms(500));
    stage.apply(Fault::Clock { node, change: ClockFault::Drift { ppm: 1_000_000 } });
    stage.run_seeing(secs(3), |step| woken.push(step.at));
    assert_eq!(woken, [ms(750), ms(1_250)]);
    assert_eq!(stage.world.clock_of(node), ms(5_500));
}

#[test]
fn the_clock_runs_on_between_two_lives() {
    fn booted() -> Toy {
        Toy::new()
    }
    let mut stage = Stage::new(1, [booted]);
    stage.run(secs(1)).kill(0).run(secs(5)).restart(0).run(secs(6));
    assert_eq!(stage.world.clock_of(stage.nodes[0]), secs(6));
    assert_eq!(stage.toy(0).incarnation, 2);
}

#[test]
fn pause_holds_inputs_and_resume_gives_them_in_order() {
    fn talker() -> Toy {
        Toy::new()
            .at(1, dial_b)
            .at(100, |toy, cx| send(toy, cx, "1"))
            .at(200, |toy, cx| send(toy, cx, "2"))
    }
    fn listener() -> Toy {
        Toy::listening("0.0.0.0:1").at(150, |_, _| {})
    }
    let mut stage = Stage::new(1, [talker, listener]);
    let node = stage.nodes[1];
    stage.run(ms(50)).apply(Fault::Pause { node }).run(ms(300));
    assert!(stage.toy(1).arrivals.is_empty() && stage.toy(1).woke.is_empty());
    stage.apply(Fault::Resume { node });
    let mut inputs = Vec::new();
    stage.run_seeing(ms(400), |step| inputs.push((step.at, format!("{:?}", step.input))));
    let inputs: Vec<_> = inputs.iter().map(|(at, input)| (*at, input.as_str())).collect();
    assert_eq!(
        inputs,
        [
            (ms(300), r#"Received { conn: c1, bytes: b"1" }"#),
            (ms(300), r#"Received { conn: c1, bytes: b"2" }"#),
        ],
        "the alarm was due too, but the first input has already looked at the clock"
    );
}

#[test]
fn with_service_time_inputs_wait_for_each_other() {
    fn talker() -> Toy {
        Toy::new().at(1, dial_b).at(100, |toy, cx| {
            for _ in 0..3 {
                cx.send(toy.conn.expect("dialled"), Bytes::from_static(&[7; 1_000]));
            }
        })
    }
    fn listener() -> Toy {
        Toy::listening("0.0.0.0:1")
    }
    let mut stage = Stage::new(1, [talker, listener]);
    let (node, per_input) = (stage.nodes[1], Duration::from_millis(10));
    stage.run(ms(50)).apply(Fault::ServiceTime { node, per_input, per_byte_nanos: 1_500 });
    stage.run(ms(200));
    let at: Vec<_> = stage.toy(1).arrivals.iter().map(|(at, _)| *at).collect();
    let each = Duration::from_micros(11_500);
    assert!(within(at[0], 111, 113), "{at:?}");
    assert_eq!([at[1].since(at[0]), at[2].since(at[1])], [each, each]);
}

#[test]
fn stop_asks_and_the_machine_leaves() {
    let mut stage = Stage::new(1, [Toy::new]);
    let node = stage.nodes[0];
    stage.run(ms(5)).apply(Fault::Stop { node });
    assert!(stage.world.is_up(node));
    stage.run(ms(6));
    assert!(!stage.world.is_up(node) && stage.world.machine(node).is_none());
    assert_eq!(stage.world.exit_of(node), Some((0, "asked to")));
    stage.restart(0).run(ms(7));
    assert!(stage.world.is_up(node) && stage.world.exit_of(node).is_none());
}

#[test]
fn a_panic_is_reported_and_kills_only_its_node() {
    fn clumsy() -> Toy {
        Toy::new().at(1, dial_b).at(100, |_, _| panic!("{} was impossible", "this"))
    }
    fn listener() -> Toy {
        Toy::listening("0.0.0.0:1")
    }
    let mut stage = Stage::new(1, [clumsy, listener]);
    let mut panics = Vec::new();
    stage.run_seeing(ms(200), |step| panics.extend(step.panicked.clone()));
    assert_eq!(panics, ["this was impossible"]);
    assert!(!stage.world.is_up(stage.nodes[0]) && stage.world.is_up(stage.nodes[1]));
    assert_eq!(stage.toy(1).closed.len(), 1, "its streams are reset");
}

#[test]
fn an_old_life_gets_nothing_and_leaves_no_alarm() {
    fn worker() -> Toy {
        Toy::new()
            .at(100, |_, cx| {
                cx.disk().append("/f", b"x").expect("the disk is well");
                cx.disk().sync("/f");
            })
            .at(500, |_, _| {})
    }
    let mut stage = Stage::new(1, [worker]);
    stage.run(ms(100)).kill(0).restart(0).run(secs(2));
    let toy = stage.toy(0);
    assert!(toy.synced.is_empty() && toy.woke.is_empty());
    let node = stage.nodes[0];
    assert_eq!(stage.world.durable_len(node, "/f"), Some(1), "the kernel finished the sync");
}

/// Asks to be woken at once, for ever.
struct Restless;

impl Machine for Restless {
    type Note = Said;
    type View = ();
    fn handle(&mut self, _: machine::Input, _: &mut Context<'_, Said>) {}
    fn wake_at(&self) -> Option<Instant> {
        Some(Instant::ZERO)
    }
    fn view(&self) {}
}

#[test]
fn a_restless_machine_does_not_stop_time() {
    let mut world = World::new(1);
    let host = world.add_host(HostSpec::simple("h"));
    let node = world.add_node("n", host, |_| Restless);
    world.apply(&Fault::Boot { node });
    while world.step_until(ms(1)).is_some() {}
    assert_eq!(world.events(), 1_001);
}

#[test]
fn somebody_outside_can_wake_a_node() {
    let mut stage = Stage::new(1, [Toy::new]);
    stage.run(ms(5)).world.wake(NodeId(0));
    stage.run(ms(6));
    assert_eq!(stage.toy(0).woke, [ms(5)]);
}

#[test]
#[should_panic(expected = "an input is due before")]
fn no_input_can_be_skipped() {
    let mut stage = Stage::new(1, [sleeper]);
    stage.world.advance_to(secs(5));
}
