//! What people and programs read of runs made by hand.

use insta::assert_snapshot;
use reports::run::{
    Expectation, Kind, Line, Outage, Run, Statistics, Step, Table, Verdict, Violation,
};
use reports::style::Style;
use reports::summary::Tally;
use reports::{json, text};

fn line(at: u64, kind: Kind, who: &str, what: &str) -> Line {
    Line { at, kind, who: who.to_owned(), what: what.to_owned() }
}

fn statistics() -> Statistics {
    Statistics {
        simulated_seconds: 60.0,
        events: 123_456,
        cpu_seconds: 0.25,
        events_per_cpu_second: 493_824.0,
        simulated_seconds_per_cpu_second: 240.0,
        peak_memory_bytes: 23 << 20,
    }
}

/// The leader dies, and all is as announced.
fn passed() -> Run {
    let row = |name: &str, state: &str| {
        [name, "1", state, "2", "2", "0x200000012"].map(str::to_owned).to_vec()
    };
    Run {
        scenario: "lose-the-leader".to_owned(),
        about: "The leader dies.".to_owned(),
        seed: 7,
        verdict: Verdict::Pass,
        fingerprint: "00a1b2c3d4e5f607".to_owned(),
        violations: Vec::new(),
        undecided: Vec::new(),
        outages: vec![
            Outage {
                of: "write(w1)".to_owned(),
                from: 20_000_250,
                to: Some(24_512_345),
                expected: Some("opens down..down + 2s, closes down..down + 8s".to_owned()),
            },
            Outage {
                of: "session(r1)".to_owned(),
                from: 20_000_300,
                to: None,
                expected: Some("opens down..down + 2s, never closes".to_owned()),
            },
        ],
        steps: vec![Step { id: "down".to_owned(), at: 20_000_000, did: "kill zk-3".to_owned() }],
        expectations: vec![
            Expectation {
                that: "eventually zk.quorum and zk.serving.size >= 2".to_owned(),
                held: Some(true),
                how: "came true at 20.401s, 0.401s into 5s after down".to_owned(),
            },
            Expectation {
                that: "sometimes session-resumed".to_owned(),
                held: None,
                how: "not reached by this run; judged over several seeds".to_owned(),
            },
        ],
        marks: vec!["connection-loss".to_owned(), "leader-elected".to_owned()],
        timeline: vec![
            line(612_000, Kind::Note, "zk-3", "leads epoch 1 with zk-1, zk-2"),
            line(20_000_000, Kind::Fault, "down", "kill zk-3"),
            line(20_000_250, Kind::Outage, "write(w1)", "is out: an operation was lost"),
            line(20_400_100, Kind::Note, "zk-2", "leads epoch 2 with zk-1"),
            line(24_512_345, Kind::Outage, "write(w1)", "works again after 4.512095s"),
        ],
        final_state: vec![Table {
            columns: ["server", "myid", "state", "leader", "epoch", "last zxid"]
                .map(str::to_owned)
                .to_vec(),
            rows: vec![row("zk-1", "following"), row("zk-2", "leading"), row("zk-3", "down")],
        }],
        topics: String::new(),
        losses: Vec::new(),
        remarks: vec!["kafka-1: brokers are not staged yet".to_owned()],
        statistics: statistics(),
        reproduce: "rehearsal run lose-the-leader --seed 7".to_owned(),
    }
}

/// An epoch is taken back, and an outage comes that nobody announced.
fn failed() -> Run {
    let trail = ["19.000s   zk-3 promises epoch 2 to zk-2", "20.000s ! down kill zk-3"];
    let mut run = passed();
    run.verdict = Verdict::Fail;
    run.seed = 8;
    run.violations = vec![Violation {
        check: "ZB-5".to_owned(),
        property: "What a server promised about epochs it never takes back.".to_owned(),
        at: 20_000_100,
        message: "zk-3 had accepted epoch 2 and now says 1".to_owned(),
        trail: trail.map(str::to_owned).to_vec(),
    }];
    run.outages[0].expected = None;
    run.expectations[0].held = Some(false);
    run.expectations[0].how = "did not come true in 5s after down".to_owned();
    let what = "zk-3 had accepted epoch 2 and now says 1";
    run.timeline.insert(2, line(20_000_100, Kind::Violation, "ZB-5", what));
    run.reproduce = "rehearsal run lose-the-leader --seed 8".to_owned();
    run
}

/// A trigger that never fired.
fn undecided() -> Run {
    let mut run = passed();
    run.verdict = Verdict::Inconclusive;
    run.seed = 9;
    run.undecided = vec!["step `down` never fired: its trigger never came".to_owned()];
    run.outages = Vec::new();
    run.reproduce = "rehearsal run lose-the-leader --seed 9".to_owned();
    run
}

#[test]
fn a_pass() {
    assert_snapshot!(text::render(&passed(), &Style::default()));
}

#[test]
fn a_failure() {
    assert_snapshot!(text::render(&failed(), &Style::default()));
}

#[test]
fn an_inconclusive_run_on_a_narrow_terminal() {
    assert_snapshot!(text::render(&undecided(), &Style { colour: false, width: 60 }));
}

#[test]
fn colour_adds_only_colour() {
    for run in [passed(), failed(), undecided()] {
        for width in [50, 100] {
            let plain = text::render(&run, &Style { colour: false, width });
            let painted = text::render(&run, &Style { colour: true, width });
            assert_ne!(painted, plain);
            assert_eq!(without_escapes(&painted), plain);
        }
    }
}

fn without_escapes(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

#[test]
fn a_long_timeline_keeps_its_ends_and_its_steps() {
    let mut run = passed();
    run.timeline = (0..400)
        .map(|n| match n {
            200 => line(n * 1_000, Kind::Fault, "down", "kill zk-3"),
            _ => line(n * 1_000, Kind::Note, "zk-1", &format!("says {n}")),
        })
        .collect();
    let text = text::render(&run, &Style::default());
    let middle: Vec<_> = text
        .lines()
        .filter(|line| line.contains("left out") || line.contains("kill zk-3"))
        .collect();
    assert_snapshot!(middle.join("\n"));
    assert!(text.lines().count() < 150);
}

#[test]
fn names_from_files_do_not_steer_the_terminal() {
    let mut run = passed();
    run.timeline[0].what = "says \u{1b}[2J\u{7}".to_owned();
    assert!(!text::render(&run, &Style::default()).contains(['\u{1b}', '\u{7}']));
}

#[test]
fn brief_lines() {
    let lines = [passed(), failed(), undecided()].map(|run| text::brief(&run, &Style::default()));
    assert_snapshot!(lines.join("\n"));
}

#[test]
fn json_lines() {
    let lines = [passed(), failed(), undecided()].map(|run| json::line(&run));
    assert_snapshot!(lines.join("\n"));
}

#[test]
fn many_runs_failures_first() {
    let mut tally = Tally::new();
    let wanted = ["connection-loss".to_owned(), "session-resumed".to_owned()];
    for run in [passed(), undecided(), failed()] {
        tally.add(&run, &wanted);
    }
    assert_eq!(tally.verdict(), Verdict::Fail);
    assert_snapshot!(tally.render(&Style::default()));
}

#[test]
fn runs_that_break_the_same_checks_are_one_failure() {
    let mut tally = Tally::new();
    for seed in 1..=30 {
        let mut run = if seed % 2 == 0 { failed() } else { passed() };
        run.seed = seed;
        if seed == 20 {
            run.violations.iter_mut().for_each(|violation| violation.check = "ZB-1".to_owned());
        }
        tally.add(&run, &[]);
    }
    let style = Style::default();
    let told = tally.render(&style);
    let kinds: Vec<_> = told.lines().filter(|line| line.starts_with("FAIL")).collect();
    assert_snapshot!(kinds.join("\n"), @"
    FAIL  30 runs: 15 failed, 15 passed
    FAIL  lose-the-leader  seed 2, and 13 more: 4, 6, 8, 10, 12, 14, 16, 18, 22, …
    FAIL  lose-the-leader  seed 20
    ");
    assert_snapshot!(
        tally.lines(&style).join("\n"),
        @"FAIL  lose-the-leader  seeds 1..30  15 failed, 15 passed  first seed 2: ZB-5"
    );
    assert_eq!(tally.again(), ["rehearsal run lose-the-leader --seed 8"]);
}

#[test]
fn a_mark_that_no_run_reaches_is_no_pass() {
    let wanted = ["session-resumed".to_owned()];
    let mut tally = Tally::new();
    tally.add(&passed(), &wanted);
    assert_eq!(tally.verdict(), Verdict::Pass, "one seed is not asked");
    tally.add(&passed(), &wanted);
    assert_eq!(tally.verdict(), Verdict::Inconclusive);
    assert_snapshot!(tally.never_reached().join("\n"));
    assert_snapshot!(
        tally.lines(&Style::default()).join("\n"),
        @"INCONCLUSIVE  lose-the-leader  seeds 7..7  2 passed  mark `session-resumed` never reached"
    );
    assert_eq!(tally.again(), Vec::<String>::new(), "each run alone has passed");
}
