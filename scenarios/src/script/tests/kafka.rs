//! What can be said of brokers, topics, their clients and admins, and what is said about mistakes.

use super::{said_of, shown};
use crate::script::parse;

/// A scenario with three brokers, this in `[cluster]`, these clients, steps and promises.
fn scenario(cluster: &str, clients: &str, steps: &str, expect: &str) -> String {
    format!(
        r#"
name     = "test"
duration = "60s"

[cluster]
zookeeper = 3
{cluster}

{clients}
[timeline]
steps = [
{steps}
]

[expect]
{expect}
"#
    )
}

const BROKERS: &str = r#"brokers = 3
topics = [{ name = "orders", partitions = 2, replication-factor = 3, min-insync-replicas = 2 }]"#;

const CLIENTS: &str = r#"[[clients]]
id = "p1"
produce = { topic = "orders", rate = "200/s" }

[[clients]]
id = "c1"
consume = { topic = "orders" }

[[clients]]
id = "w1"
write = { path = "/app" }
"#;

/// What is said about one scenario per mistake, each under its heading.
fn each_said<'m>(mistakes: impl IntoIterator<Item = (&'m str, String)>) -> String {
    let one = |(what, source): (&str, String)| format!("## {what}\n{}\n", said_of(&source));
    mistakes.into_iter().map(one).collect()
}

#[test]
fn everything_can_be_said() {
    let source = include_str!("everything.toml");
    let script = parse(source, "everything.toml").map_err(|found| super::render(&found, false));
    let script = script.unwrap_or_else(|said| panic!("{said}"));
    let cluster = script.cluster(None).expect("it is written in the file");
    let brokers: String = cluster
        .brokers
        .iter()
        .flat_map(|broker| &broker.properties)
        .fold(String::new(), |all, property| {
            format!("{all}{}={}  # {}\n", property.key, property.value, property.from)
        });
    let plan = crate::plan::draw(&script, &cluster, 7);
    let json = serde_json::to_string(&plan).expect("a plan is data");
    let back: crate::plan::Plan = serde_json::from_str(&json).expect("and can be read again");
    assert_eq!(plan, back);
    let clients: String = plan.clients.iter().fold(String::new(), |all, client| {
        format!("{all}{:?}\n", client.kafka(broker::mechanism::Preset::V2_3))
    });
    let steps: String = plan
        .steps
        .iter()
        .fold(String::new(), |all, step| format!("{all}{}: {:?}\n", step.id, step.action));
    let said = format!(
        "{brokers}\n{:?}\n\n{:#?}\n\n{clients}\n{steps}\n{:#?}\n{:?}\n",
        plan.kafka_mechanisms, plan.topics, plan.promises.outages, plan.promises.loses
    );
    shown("kafka_everything_can_be_said", &said);
}

#[test]
fn brokers_and_topics() {
    let of = |cluster: &str| scenario(cluster, "", "", "");
    shown(
        "kafka_brokers_and_topics",
        &each_said([
            ("an unknown version", of("brokers = 3\nkafka = \"2.4\"")),
            ("nobody to be 2.3", of("kafka = \"2.3\"")),
            ("topics without brokers", of("topics = [{ name = \"orders\" }]")),
            (
                "settings nobody knows",
                of(r#"brokers = 3
kafka-config = { replica.lag.time.ms = 1000, "num.io.thread" = 3, "cats" = 2 }
topics = [{ name = "orders", config = { min.insync.replica = 1 } }]"#),
            ),
            ("a value nobody takes", of("brokers = 3\nkafka-config = { num.io.threads = 0 }")),
            (
                "a setting of a topic that nobody takes",
                of("brokers = 3\ntopics = [{ name = \"orders\", config = { segment.bytes = 3 } }]"),
            ),
            (
                "mechanisms nobody has",
                of(r#"brokers = 3
kafka-mechanisms = { truncation = "by-highwatermark", isr-writes = "blocking", mutants = ["never-truncate"] }"#),
            ),
            (
                "more in sync than there are",
                of(r#"brokers = 3
topics = [
  { name = "a", replication-factor = 1, min-insync-replicas = 2 },
  { name = "b", replicas = [[1, 2]], config = { min.insync.replicas = 3 } },
]"#),
            ),
            (
                "replicas that do not fit",
                of(r#"brokers = 3
topics = [
  { name = "a", replicas = [[1, 1]] },
  { name = "b", replicas = [[1, 2], [3]] },
  { name = "c", partitions = 3, replicas = [[1, 2], [2, 3]] },
]"#),
            ),
            ("nowhere", of("brokers = 3\ntopics = [{ name = \"a\", replicas = [[1, 4]] }]")),
            (
                "names",
                of(
                    "brokers = 3\ntopics = [{ name = \"a b\" }, { name = \"c\" }, { name = \"c\" }]",
                ),
            ),
        ]),
    );
}

#[test]
fn clients() {
    let of =
        |client: &str| scenario(BROKERS, &format!("[[clients]]\nid = \"p1\"\n{client}\n"), "", "");
    shown(
        "kafka_clients",
        &each_said([
            ("no topic", of("produce = { rate = \"200/s\" }")),
            ("an unknown topic", of("produce = { topic = \"ordres\", partition = 1 }")),
            ("an unknown partition", of("produce = { topic = \"orders\", partition = 2 }")),
            ("partitions", of("consume = { topic = \"orders\", partitions = [0, 1, 2] }")),
            ("a strange rate", of("produce = { topic = \"orders\", rate = \"200\" }")),
            ("two rates", of("produce = { topic = \"orders\", rate = \"2/s\", every = \"5ms\" }")),
            ("acks", of("produce = { topic = \"orders\", acks = 2 }")),
            ("from", of("consume = { topic = \"orders\", from = \"beginnin\" }")),
            (
                "gives up too early",
                of("produce = { topic = \"orders\", delivery-timeout = \"10s\" }"),
            ),
            ("keys", of("connect = \"zk-1:2181\"\nproduce = { topic = \"orders\", ack = 1 }")),
            ("bootstrap", of("bootstrap = [\"kafka-1\"]\nconsume = { topic = \"orders\" }")),
            (
                "nobody to talk to",
                scenario("", "[[clients]]\nid = \"p1\"\nproduce = { topic = \"orders\" }", "", ""),
            ),
            (
                "created by use, if that is wanted",
                scenario(
                    "brokers = 1\nkafka-config = { auto.create.topics.enable = true }",
                    "[[clients]]\nid = \"p1\"\nproduce = { topic = \"orders\" }",
                    "",
                    "finally = [\"leader(orders-0) is up\"]",
                ),
            ),
        ]),
    );
}

#[test]
fn admins() {
    let of = |step: &str| scenario(BROKERS, CLIENTS, step, "");
    shown(
        "kafka_admins",
        &each_said([
            ("a misspelt verb", of(r#"{ at = "1s", do = "create-topics", topic = "new" }"#)),
            ("no topic", of(r#"{ at = "1s", do = "create-topic", partitions = 3 }"#)),
            ("an unknown topic", of(r#"{ at = "1s", do = "delete-topic", topic = "order" }"#)),
            (
                "an unknown topic, on purpose",
                of(r#"{ at = "1s", do = "delete-topic", topic = "order", expect-exit = 1 }"#),
            ),
            (
                "more in sync than there are",
                of(r#"{ at = "1s", do = "create-topic", topic = "new", min-insync-replicas = 2 }"#),
            ),
            (
                "an unknown partition",
                of(r#"{ at = "1s", do = "elect-leaders", partitions = ["orders-2", "orders"] }"#),
            ),
            ("how many", of(r#"{ at = "1s", do = "add-partitions", topic = "orders" }"#)),
            (
                "an unknown setting",
                of(
                    r#"{ at = "1s", do = "alter-config", topic = "orders", config = { retention.m = 1 } }"#,
                ),
            ),
            (
                "victims of nothing",
                of(r#"{ id = "new", at = "1s", do = "create-topic", topic = "new" },
  { at = "2s", do = "kill", nodes = "victims(new)" }"#),
            ),
            (
                "a step that is called like a client",
                of(r#"{ id = "p1", at = "1s", do = "create-topic", topic = "new" }"#),
            ),
            (
                "not undone",
                of(r#"{ at = "1s", do = "delete-topic", topic = "orders", for = "1s" }"#),
            ),
            ("a number", of(r#"{ at = "1s", do = "describe-topic", prints = 3 }"#)),
        ]),
    );
}

#[test]
fn selectors_and_conditions() {
    let step = |nodes: &str| {
        let step = format!(r#"{{ at = "1s", do = "kill", nodes = "{nodes}" }}"#);
        scenario(BROKERS, CLIENTS, &step, "")
    };
    let finally = |that: &str| scenario(BROKERS, CLIENTS, "", &format!(r#"finally = ["{that}"]"#));
    shown(
        "kafka_selectors_and_conditions",
        &each_said([
            ("an unknown topic", step("leader(order-0)")),
            ("an unknown partition", step("isr(orders-7)")),
            ("no partition", step("leader(orders)")),
            ("an unknown function", step("follower(orders-0)")),
            ("nothing in it", step("leader()")),
            ("an unknown broker", step("controller as seen by kafka-4")),
            ("a server is no broker", step("leader(orders-0) as seen by zk-1")),
            ("more than there are", step("any 4 of kafka-*")),
            ("no such state", finally("kafka-1 is registred")),
            ("an unknown topic in a number", finally("lost(orderz) = 0")),
            ("an unknown topic in a condition", finally("topic(orderz) exists")),
            ("it exists, and?", finally("topic(orders)")),
            ("a writer does not consume", finally("consumed(p1) > 0")),
            ("a producer has no session", finally("session(p1) is connected")),
            ("a topic nobody writes to", finally("acked(orderz) > 0")),
            ("nothing to compare with", finally("high-watermark(orders-0) as seen by kafka-1")),
            ("without brokers", scenario("", "", "", r#"finally = ["leader(orders-0) is up"]"#)),
        ]),
    );
}

#[test]
fn promises() {
    let of = |expect: &str| scenario(BROKERS, CLIENTS, "", expect);
    let outage = |what: &str| of(&format!(r#"outage = [{{ of = "{what}", opens = "1s..2s" }}]"#));
    shown(
        "kafka_promises",
        &each_said([
            ("another work", outage("consume(p1)")),
            ("a topic", outage("produce(orders)")),
            ("an unknown topic", outage("produce(ordres)")),
            ("a topic is not consumed by its producers", outage("write(orders)")),
            ("no session", outage("session(c1)")),
            ("an unknown excuse", of(r#"loses = [{ of = "acked(orders)", by = "E6" }]"#)),
            ("of what", of(r#"loses = [{ of = "orders", by = "E1" }]"#)),
            (
                "an unknown topic to lose from",
                of(r#"loses = [{ of = "acked(ordres)", by = "E1" }]"#),
            ),
            (
                "two of three brokers are no quorum of ZooKeeper",
                scenario(
                    BROKERS,
                    CLIENTS,
                    r#"{ at = "1s", do = "kill", nodes = "any 2 of kafka-*" }"#,
                    r#"finally = ["zk.quorum"]"#,
                ),
            ),
        ]),
    );
}
