//! What selectors and conditions of brokers and topics mean, in a made-up moment.

use broker::id::TopicPartition;

use super::{Moment, moment};
use crate::plan::{Plan, draw};
use crate::script::action::Deed;
use crate::script::facts::KafkaFacts;
use crate::script::kafka::admin::Command;
use crate::script::parse;

/// The plan of a scenario with three brokers and a topic.
fn plan(steps: &str, expect: &str) -> Plan {
    let source = format!(
        r#"
name     = "test"
duration = "60s"

[cluster]
zookeeper = 3
brokers   = 3
topics    = [{{ name = "orders", partitions = 2, replication-factor = 3 }}]

[hosts]
rack = ["zk-1", "kafka-1"]

[[clients]]
id      = "p1"
produce = {{ topic = "orders", rate = "300/s" }}

[[clients]]
id        = "c1"
bootstrap = ["kafka-2:9092"]
consume   = {{ topic = "orders" }}

[[clients]]
id    = "w1"
write = {{ path = "/app" }}

[timeline]
steps = [ {steps} ]

[expect]
{expect}
"#
    );
    let script = parse(&source, "test.toml")
        .unwrap_or_else(|found| panic!("{}", crate::script::render(&found, false)));
    let cluster = script.cluster(None).expect("it is written in the file");
    draw(&script, &cluster, 1)
}

#[test]
fn selectors_mean_what_they_say() {
    let cases = [
        ("brokers", vec!["kafka-1", "kafka-2", "kafka-3"]),
        ("kafka-* - kafka-2", vec!["kafka-1", "kafka-3"]),
        ("controller", vec!["kafka-1"]),
        ("controller as seen by kafka-3", vec![]),
        ("leader(orders-0)", vec!["kafka-2"]),
        ("leader(orders-1)", vec![]),
        ("leader(orders-0) as seen by kafka-1", vec!["kafka-1"]),
        ("leader(orders-0, as seen by kafka-*)", vec!["kafka-1", "kafka-2"]),
        ("isr(orders-0)", vec!["kafka-2", "kafka-3"]),
        ("isr(orders-0) - leader(orders-0)", vec!["kafka-3"]),
        ("isr(orders-0) as seen by kafka-2 - isr(orders-0)", vec!["kafka-1"]),
        ("replicas(orders-1)", vec!["kafka-1", "kafka-2", "kafka-3"]),
        ("followers(orders-0)", vec!["kafka-1", "kafka-3"]),
        ("any 1 of followers(orders-0) - controller", vec!["kafka-3"]),
        ("host(rack)", vec!["zk-1", "kafka-1"]),
        ("leader(orders-0), zk.leader", vec!["kafka-2", "zk-3"]),
    ];
    for (written, meant) in cases {
        let plan = plan(&format!(r#"{{ at = "2s", do = "kill", nodes = "{written}" }}"#), "");
        assert_eq!(plan.steps[0].action.who.resolve(&moment()), meant, "{written}");
    }
}

#[test]
fn conditions_mean_what_they_say() {
    let cases = [
        ("leader(orders-0) is kafka-2", true),
        ("leader(orders-0) is nobody", false),
        ("leader(orders-1) is nobody", true),
        ("leader(orders-0) is not nobody", true),
        ("leader(orders-1) is up", false),
        ("controller is kafka-1 and kafka-1 is controller", true),
        ("leader(orders-0) as seen by kafka-1 is leader(orders-0)", false),
        ("isr(orders-0).size >= 2", true),
        ("isr(orders-0) is kafka-2, kafka-3, kafka-1", true),
        ("isr(orders-0) is kafka-2", false),
        ("(isr(orders-0) - leader(orders-0)).size = 1", true),
        ("kafka-* is registered", false),
        ("count(kafka-* is registered) = 2", true),
        ("kafka-2 is frozen and kafka-1 is not frozen", true),
        ("leader-epoch(orders-0) = 2", true),
        ("leader-epoch(orders-0) > leader-epoch(orders-0) as seen by brokers", true),
        ("leader-epoch(orders-0) as seen by kafka-3 = 0", false),
        ("leader-epoch(orders-0) as seen by kafka-3 != 0", false),
        ("controller-epoch = 2", true),
        ("high-watermark(orders-0) < log-end(orders-0)", true),
        ("high-watermark(orders-1) >= 0", false),
        ("log-end(orders-0, as seen by kafka-3) = 95", true),
        ("acked(p1) = 10 and acked(orders) = 20 and consumed(orders) = 50", true),
        ("lost(orders) = 3", true),
        ("topic(orders) exists", true),
        ("offline-partitions = 1 and under-replicated-partitions = 2", true),
        ("session(*) is connected", true),
    ];
    for (written, holds) in cases {
        let plan = plan("", &format!(r#"finally = ["{written}"]"#));
        assert_eq!(plan.promises.finally[0].condition.holds(&moment()), holds, "{written}");
    }
}

#[test]
fn clients_know_brokers_or_servers() {
    let plan = plan("", "");
    let [p1, c1, w1] = &plan.clients[..] else { panic!("there are three") };
    assert_eq!(p1.bootstrap, ["kafka-1:9092", "kafka-2:9092", "kafka-3:9092"]);
    assert_eq!(c1.bootstrap, ["kafka-2:9092"]);
    assert!(w1.bootstrap.is_empty());
    assert!(p1.connect.is_empty() && w1.connect == "zk-1:2181,zk-2:2181,zk-3:2181");
    assert_eq!(plan.hosts["rack"], ["zk-1", "kafka-1"]);
    assert_eq!(plan.hosts["kafka-2"], ["kafka-2"]);
    assert!(!plan.hosts.contains_key("kafka-1"));
}

#[test]
fn a_topic_stands_for_those_that_work_on_it() {
    let outage = |of: &str| format!(r#"{{ of = "{of}", may-open = "1s..2s" }}"#);
    let all = ["produce(orders)", "consume(orders)", "produce(*)", "session(*)", "write(w1)"];
    let plan = plan("", &format!("outage = [{}]", all.map(outage).join(", ")));
    let clients: Vec<_> = plan.promises.outages.iter().map(|one| &one.clients[..]).collect();
    assert_eq!(clients, [["p1"], ["c1"], ["p1"], ["w1"], ["w1"]]);
}

#[test]
fn commands_are_spelt_out() {
    let plan = plan(
        r#"{ at = "1s", do = "add-partitions", topic = "orders", partitions = 3 },
  { at = "2s", do = "elect-leaders", topic = "orders", bootstrap = ["kafka-3:9092"] },
  { every = "20s", do = "describe-topic" }"#,
        "",
    );
    let admins: Vec<_> = plan
        .steps
        .iter()
        .map(|step| match &step.action.deed {
            Deed::Admin(admin) => admin,
            other => panic!("{other:?} is no command"),
        })
        .collect();
    let [add, elect, describe, again] = admins[..] else { panic!("the last comes twice") };
    assert_eq!(add.bootstrap.len(), 3);
    assert_eq!(elect.bootstrap, ["kafka-3:9092"]);
    let all = (0..3).map(|number| TopicPartition::new("orders", number)).collect();
    assert_eq!(
        elect.command,
        Command::ElectLeaders { topic: None, partitions: Some(all), unclean: false }
    );
    assert_eq!(describe, again);
    assert_eq!(
        plan.steps.iter().map(|step| step.action.deed.to_string()).collect::<Vec<_>>(),
        [
            "give topic orders 3 partitions",
            "elect preferred leaders of orders-0, orders-1, orders-2",
            "describe all topics",
            "describe all topics",
        ]
    );
}

/// `kafka-2` leads `orders-0` in its third epoch, without `kafka-1`, which does not know it yet and is the controller;
/// `orders-1` is led by nobody.
impl KafkaFacts for Moment {
    fn brokers(&self) -> Vec<String> {
        ["kafka-1", "kafka-2", "kafka-3"].map(String::from).to_vec()
    }
    fn partitions(&self) -> Vec<TopicPartition> {
        vec![TopicPartition::new("orders", 0), TopicPartition::new("orders", 1)]
    }
    fn topic_exists(&self, topic: &str) -> bool {
        topic == "orders"
    }
    fn partition_leader(&self, partition: &TopicPartition) -> Option<String> {
        (partition.partition == 0).then(|| "kafka-2".to_string())
    }
    fn partition_leader_seen_by(&self, _: &TopicPartition, broker: &str) -> Option<String> {
        Some(if broker == "kafka-1" { "kafka-1" } else { "kafka-2" }.to_string())
    }
    fn isr(&self, partition: &TopicPartition) -> Vec<String> {
        match partition.partition {
            0 => ["kafka-2", "kafka-3"].map(String::from).to_vec(),
            _ => vec!["kafka-1".to_string()],
        }
    }
    fn isr_seen_by(&self, _: &TopicPartition, _: &str) -> Vec<String> {
        ["kafka-1", "kafka-2", "kafka-3"].map(String::from).to_vec()
    }
    fn replicas(&self, _: &TopicPartition) -> Vec<String> {
        ["kafka-1", "kafka-2", "kafka-3"].map(String::from).to_vec()
    }
    fn controller(&self) -> Option<String> {
        Some("kafka-1".to_string())
    }
    fn controller_seen_by(&self, broker: &str) -> Option<String> {
        (broker != "kafka-3").then(|| "kafka-1".to_string())
    }
    fn controller_epoch(&self) -> Option<u64> {
        Some(2)
    }
    fn leader_epoch(&self, _: &TopicPartition) -> Option<u64> {
        Some(2)
    }
    fn leader_epoch_seen_by(&self, _: &TopicPartition, broker: &str) -> Option<u64> {
        (broker != "kafka-3").then_some(1)
    }
    fn high_watermark(&self, partition: &TopicPartition) -> Option<u64> {
        (partition.partition == 0).then_some(90)
    }
    fn high_watermark_seen_by(&self, _: &TopicPartition, _: &str) -> Option<u64> {
        Some(80)
    }
    fn log_end(&self, partition: &TopicPartition) -> Option<u64> {
        (partition.partition == 0).then_some(100)
    }
    fn log_end_seen_by(&self, _: &TopicPartition, broker: &str) -> Option<u64> {
        Some(if broker == "kafka-3" { 95 } else { 100 })
    }
    fn registered(&self, broker: &str) -> bool {
        broker != "kafka-3"
    }
    fn frozen(&self, broker: &str) -> bool {
        broker == "kafka-2"
    }
    fn consumed(&self, client: &str) -> u64 {
        if client == "c1" { 50 } else { 0 }
    }
    fn lost(&self, _: &str) -> u64 {
        3
    }
}
