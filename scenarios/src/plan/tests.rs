//! What is drawn: names for patterns, dates for windows, rankings for choices; and what selectors
//! and conditions then mean.

mod kafka;

use std::collections::BTreeMap;

use machine::Instant;

use super::{Plan, Trigger, draw};
use crate::script::facts::{Facts, KafkaFacts, SessionState};
use crate::script::parse;
use crate::script::selector::Role;

/// The plan of a scenario with this cluster and this timeline.
fn plan(cluster: &str, steps: &str, expect: &str, seed: u64) -> Plan {
    let source = format!(
        r#"
name     = "test"
duration = "60s"
cluster  = {{ {cluster} }}

[[clients]]
id      = "w1"
write   = {{ path = "/app" }}
servers = "zk-2, zk-3"

[[clients]]
id   = "lock1"
lock = {{ path = "/lock" }}

[timeline]
steps = [ {steps} ]

[expect]
{expect}
"#
    );
    let script = parse(&source, "test.toml")
        .unwrap_or_else(|found| panic!("{}", crate::script::render(&found, false)));
    let cluster = script.cluster(None).expect("it is written in the file");
    draw(&script, &cluster, seed)
}

/// A moment of a made-up run.
#[derive(Default)]
struct Moment {
    roles: BTreeMap<&'static str, Role>,
    leader: Option<&'static str>,
    beliefs: BTreeMap<&'static str, &'static str>,
    victims: BTreeMap<&'static str, Vec<&'static str>>,
    connected: Vec<&'static str>,
}

impl Facts for Moment {
    fn servers(&self) -> Vec<String> {
        ["zk-1", "zk-2", "zk-3"].map(String::from).to_vec()
    }
    fn is(&self, node: &str, role: Role) -> bool {
        let now = self.roles.get(node).copied().unwrap_or(Role::Down);
        match role {
            Role::Up => now != Role::Down,
            Role::Registered => self.registered(node),
            Role::Frozen => self.frozen(node),
            Role::Serving => matches!(now, Role::Following | Role::Leading | Role::Standalone),
            role => now == role,
        }
    }
    fn leader(&self) -> Option<String> {
        self.leader.map(String::from)
    }
    fn leader_seen_by(&self, node: &str) -> Option<String> {
        self.beliefs.get(node).map(|leader| (*leader).to_string())
    }
    fn epoch(&self) -> u64 {
        2
    }
    fn epoch_seen_by(&self, _: &str) -> u64 {
        1
    }
    fn victims(&self, step: &str) -> Vec<String> {
        let victims = self.victims.get(step).into_iter().flatten();
        victims.map(|node| (*node).to_string()).collect()
    }
    fn peers(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn session(&self, client: &str) -> SessionState {
        if self.connected.contains(&client) {
            SessionState::Connected
        } else {
            SessionState::Disconnected
        }
    }
    fn expirations(&self, _: &str) -> u64 {
        0
    }
    fn server_of(&self, client: &str) -> Option<String> {
        (client == "w1").then(|| "zk-2".to_string())
    }
    fn holds_lock(&self, client: &str) -> bool {
        client == "lock1"
    }
    fn acked(&self, _: &str) -> u64 {
        10
    }
    fn failed(&self, _: &str) -> u64 {
        0
    }
    fn events(&self, _: &str) -> u64 {
        0
    }
}

/// zk-3 leads, zk-1 follows, zk-2 looks and still believes in itself.
fn moment() -> Moment {
    Moment {
        roles: [("zk-1", Role::Following), ("zk-2", Role::Looking), ("zk-3", Role::Leading)].into(),
        leader: Some("zk-3"),
        beliefs: [("zk-1", "zk-3"), ("zk-2", "zk-2")].into(),
        victims: [("a", vec!["zk-2"])].into(),
        connected: vec!["w1"],
    }
}

#[test]
fn selectors_mean_what_they_say() {
    let cases = [
        ("zk-1, w1, zk-1", vec!["zk-1", "w1"]),
        ("zk-*", vec!["zk-1", "zk-2", "zk-3"]),
        ("zk-? - zk-2", vec!["zk-1", "zk-3"]),
        ("zk.leader", vec!["zk-3"]),
        ("zk.leader as seen by zk-2", vec!["zk-2"]),
        ("zk.leader, as seen by zk-1, zk-2", vec!["zk-3", "zk-2"]),
        ("zk.followers", vec!["zk-1"]),
        ("zk.looking, zk.serving", vec!["zk-2", "zk-1", "zk-3"]),
        ("victims(a)", vec!["zk-2"]),
        ("zk.servers - victims(a)", vec!["zk-1", "zk-3"]),
        ("server-of(w1)", vec!["zk-2"]),
        ("all of (zk-1, zk-2) - zk-1", vec!["zk-2"]),
        ("clients", vec!["w1", "lock1"]),
        ("host(zk-1)", vec!["zk-1"]),
        ("any 0 of zk-*", vec![]),
        ("any 5 of zk.followers", vec!["zk-1"]),
    ];
    for (written, meant) in cases {
        let first = r#"{ id = "a", at = "1s", do = "kill", nodes = "zk-2" }"#;
        let steps = format!(r#"{first}, {{ at = "2s", do = "kill", nodes = "{written}" }}"#);
        let plan = plan("zookeeper = 3", &steps, "", 1);
        assert_eq!(plan.steps[1].action.who.resolve(&moment()), meant, "{written}");
    }
}

#[test]
fn conditions_mean_what_they_say() {
    let cases = [
        ("zk.quorum", true),
        ("not zk.quorum", false),
        ("zk.leader is zk-3", true),
        ("zk.leader is not zk-3", false),
        ("zk.leader is not victims(a)", true),
        ("zk.leader, as seen by zk-2, is zk-2", true),
        ("zk.leader as seen by zk-1 is zk-2", false),
        ("zk-* is up", true),
        ("zk-* is serving", false),
        ("zk-1, zk-3 is serving", true),
        ("zk-2 is not serving and zk-2 is looking", true),
        ("zk.leader - zk-3 is up", false),
        ("zk.leader - zk-3 is not up", false),
        ("session(w1) is connected", true),
        ("session(*) is connected", false),
        ("session(lock1) is not expired", true),
        ("lock(lock1) is held", true),
        ("zk.serving.size >= 2 and zk.looking.size = 1", true),
        ("(zk-1, zk-2).size = 2", true),
        ("victims(a).size != 1", false),
        ("count(zk-* is serving) = 2", true),
        ("zk.epoch > zk.epoch as seen by zk-1", true),
        ("acked(*) = 20 and failed(w1) < 1", true),
        ("zk-2 is serving or (zk-1 is up and not zk-1 is leading)", true),
    ];
    for (written, holds) in cases {
        let steps = r#"{ id = "a", at = "1s", do = "kill", nodes = "zk-2" }"#;
        let plan = plan("zookeeper = 3", steps, &format!("finally = [\"{written}\"]"), 1);
        let said = &plan.promises.finally[0];
        assert_eq!(said.condition.holds(&moment()), holds, "{written}");
        assert_eq!(said.words, written);
    }
}

#[test]
fn choices_are_drawn_and_stay() {
    let steps = |more: &str| {
        format!(r#"{more}{{ id = "down", at = "10s..20s", do = "kill", nodes = "any 2 of zk-*" }}"#)
    };
    let chosen = |plan: &Plan| {
        let step = plan.steps.last().expect("there is a step");
        (step.trigger.clone(), step.action.who.resolve(&moment()))
    };
    let drawn: Vec<_> =
        (0..40).map(|seed| chosen(&plan("zookeeper = 3", &steps(""), "", seed))).collect();
    assert!(drawn.iter().all(|(_, nodes)| nodes.len() == 2));
    for missing in ["zk-1", "zk-2", "zk-3"] {
        assert!(drawn.iter().any(|(_, nodes)| !nodes.iter().any(|node| node == missing)));
    }
    let dates = drawn.iter().map(|(trigger, _)| match trigger {
        Trigger::At(date) => *date,
        other => panic!("{other:?} has no date"),
    });
    let (earliest, latest) = (dates.clone().min(), dates.max());
    assert!(earliest >= Some(Instant::from_micros(10_000_000)));
    assert!(latest <= Some(Instant::from_micros(20_000_000)));
    assert!(earliest < latest, "different seeds give different dates");
    // Another step before it changes nothing for this one.
    let other = r#"{ id = "first", at = "1s..9s", do = "pause", nodes = "any 1 of zk-*" }, "#;
    assert_eq!(chosen(&plan("zookeeper = 3", &steps(other), "", 5)), drawn[5]);
}

#[test]
fn steps_hang_on_each_other() {
    let steps = r#"
  { id = "later", at = "first + 2s", do = "kill", nodes = "zk-1", for = "3s" },
  { id = "first", at = "10s..20s", do = "kill", nodes = "zk-2" },
  { id = "lost", when = "not zk.quorum", after = "500ms", do = "pause", nodes = "zk-3" },
  { id = "then", at = "lost + 1s", do = "resume", nodes = "victims(lost)" },
  { id = "tick", every = "10s", starting = "5s", times = 9, do = "wipe", nodes = "zk-3" }"#;
    let plan = plan("zookeeper = 3", steps, "", 3);
    let date = |step: usize| match plan.steps[step].trigger {
        Trigger::At(date) => date.as_micros(),
        ref other => panic!("{other:?} has no date"),
    };
    assert_eq!(date(0), date(1) + 2_000_000);
    let (_, undo) = plan.steps[0].undo.as_ref().expect("it lasts three seconds");
    assert_eq!(
        format!("{undo:?}"),
        r#"Action { deed: Restart, who: Victims { step: "later" }, to: None }"#
    );
    assert_eq!(
        plan.steps[3].trigger,
        Trigger::After { step: "lost".to_string(), offset: 1_000_000 }
    );
    let ticks: Vec<_> = (4..plan.steps.len()).map(date).collect();
    assert_eq!(ticks, [5, 15, 25, 35, 45, 55].map(|second| second * 1_000_000));
}

#[test]
fn clients_know_the_servers_they_were_given() {
    let plan = plan("zookeeper = 3, zookeeper-config = { clientPort = 2182 }", "", "", 1);
    assert_eq!(plan.clients[0].connect, "zk-2:2182,zk-3:2182");
    assert_eq!(plan.clients[1].connect, "zk-1:2182,zk-2:2182,zk-3:2182");
}
