//! The JSON Schema (draft 2020-12) of scenario files: what editors complete, explain and underline while one is written.
//!
//! It knows the shape: keys, kinds of values, words. What strings mean and whether names exist is told by
//! [`super::parse`]. Lists of verbs, works, versions, settings and words are those the parser reads by; a test holds the
//! keys of every table against what the parser takes.

mod steps;

use broker::config;
use broker::mechanism as kafka;
use coordinator::mechanism as zk;
use serde_json::{Map, Value, json};

use super::client::{OF_KAFKA, WORKS};
use super::ensemble::{CONFIG_KEYS, words};
use super::expect::Excuse;
use super::lint::MARKS;

/// The schema as it is committed: JSON, indented, with a line break at its end.
pub fn text() -> String {
    serde_json::to_string_pretty(&schema()).expect("a value is JSON") + "\n"
}

/// The schema.
pub fn schema() -> Value {
    let root = table(
        "A scenario: a cluster, what happens to it, and what is promised",
        &["name", "duration", "cluster"],
        [
            ("name", text_of("Its name: lower-case words joined by `-`, as its file is called")),
            ("about", text_of("Its story, in plain words")),
            ("duration", duration("How long it is played, in simulated time")),
            ("cluster", cluster()),
            ("hosts", hosts()),
            ("clients", list("Clients with something to do", client())),
            ("timeline", timeline()),
            ("expect", expect()),
        ],
    );
    let mut schema = Map::new();
    schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".into(), json!("rehearsal: a scenario"));
    if let Value::Object(root) = root {
        schema.extend(root);
    }
    let mut properties = settings("Keys of server.properties", config::broker_keys());
    // Real brokers know more settings than are modelled.
    properties["additionalProperties"] = reference("setting");
    let shared = json!({
        "setting": any_setting(),
        "topic": topic(),
        "topic-settings": settings("Settings of a topic", config::topic_keys()),
        "broker-settings": properties,
        "step": steps::step(),
    });
    schema.insert("$defs".into(), shared);
    Value::Object(schema)
}

/// A table with these keys and no others.
fn table<'k>(
    about: &str,
    required: &[&str],
    keys: impl IntoIterator<Item = (&'k str, Value)>,
) -> Value {
    let properties: Map<String, Value> =
        keys.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    json!({
        "description": about,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn text_of(about: &str) -> Value {
    json!({ "description": about, "type": "string" })
}

fn flag(about: &str) -> Value {
    json!({ "description": about, "type": "boolean" })
}

fn number(about: &str, min: u64, max: u64) -> Value {
    json!({ "description": about, "type": "integer", "minimum": min, "maximum": max })
}

fn at_least(about: &str, min: u64) -> Value {
    json!({ "description": about, "type": "integer", "minimum": min })
}

fn list(about: &str, items: Value) -> Value {
    json!({ "description": about, "type": "array", "items": items })
}

fn texts(about: &str) -> Value {
    list(about, json!({ "type": "string" }))
}

fn word<S: AsRef<str>>(about: &str, words: &[S]) -> Value {
    let words: Vec<_> = words.iter().map(AsRef::as_ref).collect();
    match about {
        "" => json!({ "enum": words }),
        about => json!({ "description": about, "enum": words }),
    }
}

/// A string such as `1500ms`.
fn duration(about: &str) -> Value {
    let pattern = r"^\s*[0-9]+(\.[0-9]{1,6})?(us|µs|ms|s|m|min|h)\s*$";
    json!({ "description": about, "type": "string", "pattern": pattern })
}

/// A setting's value: a string, a number or a truth value; keys with points may be tables in tables.
fn settings<'k>(about: &str, keys: impl Iterator<Item = &'k str>) -> Value {
    let value = reference("setting");
    let properties: Map<String, Value> = keys.map(|key| (key.to_string(), value.clone())).collect();
    json!({
        "description": about,
        "type": "object",
        "properties": properties,
        "additionalProperties": { "type": "object" },
    })
}

fn any_setting() -> Value {
    json!({ "type": ["string", "integer", "boolean", "object"] })
}

fn cluster() -> Value {
    let presets = zk::Preset::ALL.map(zk::Preset::name);
    let versions = kafka::Preset::ALL.map(kafka::Preset::name);
    let zoo_cfg = settings("Keys of zoo.cfg for every server", CONFIG_KEYS.into_iter());
    let mut cluster = table(
        "The cluster: a few words for one that is made here, or the names of one's own files",
        &[],
        [
            ("zookeeper", number("How many servers of ZooKeeper: zk-1, zk-2, …", 1, 99)),
            (
                "server-lists",
                word("What their lists of servers say", &["correct", "none", "localhost"]),
            ),
            ("from", texts("Files to take the cluster from, beside the scenario")),
            ("zookeeper-version", word("The version of ZooKeeper", &presets)),
            ("zookeeper-config", zoo_cfg),
            ("mechanisms", mechanisms()),
            ("brokers", number("How many brokers: kafka-1, kafka-2, …", 0, 99)),
            ("kafka", word("The version of Kafka", &versions)),
            ("kafka-config", reference("broker-settings")),
            ("kafka-mechanisms", kafka_mechanisms()),
            ("topics", list("Topics that are there before the clients begin", reference("topic"))),
        ],
    );
    cluster["anyOf"] = json!([{ "required": ["zookeeper"] }, { "required": ["from"] }]);
    cluster
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn mechanisms() -> Value {
    table(
        "What differed between versions of ZooKeeper, on top of the version's, and planted defects",
        &[],
        [
            ("synchronisation", word("", &words::<zk::Synchronisation>())),
            ("session-clock", word("", &words::<zk::SessionClock>())),
            ("truncation", word("", &words::<zk::Truncation>())),
            ("epoch-file", word("", &words::<zk::EpochFile>())),
            ("database", word("", &words::<zk::Database>())),
            ("disk-failure", word("", &words::<zk::DiskFailure>())),
            ("empty-log", word("", &words::<zk::EmptyLog>())),
            ("missing-snapshot", word("", &words::<zk::MissingSnapshot>())),
            ("mutants", list("Planted defects", word("", &words::<zk::Mutant>()))),
        ],
    )
}

fn kafka_mechanisms() -> Value {
    table(
        "What differed between versions of Kafka, on top of the version's, and planted defects",
        &[],
        [
            ("truncation", word("", &words::<kafka::Truncation>())),
            ("fetch-fencing", word("", &words::<kafka::FetchFencing>())),
            ("isr-expand", word("", &words::<kafka::IsrExpand>())),
            ("isr-write", word("", &words::<kafka::IsrWrite>())),
            ("broker-epoch", word("", &words::<kafka::BrokerEpochCheck>())),
            ("controller-fencing", word("", &words::<kafka::ControllerFencing>())),
            ("high-watermark-news", word("", &words::<kafka::HighWatermarkNews>())),
            ("mutants", list("Planted defects", word("", &words::<kafka::Mutant>()))),
        ],
    )
}

/// What a topic has beside its name.
fn shape() -> [(&'static str, Value); 5] {
    let ids =
        list("The brokers of a partition, the preferred leader first", at_least("A number", 0));
    [
        ("partitions", number("How many partitions: 1 if not said", 1, 10_000)),
        ("replication-factor", number("How many replicas of each: 1 if not said", 1, 999)),
        ("min-insync-replicas", number("min.insync.replicas", 1, 999)),
        ("replicas", list("Broker ids by partition", ids)),
        ("config", reference("topic-settings")),
    ]
}

fn topic() -> Value {
    let name = ("name", text_of("Its name"));
    table("A topic", &["name"], [name].into_iter().chain(shape()))
}

fn hosts() -> Value {
    json!({
        "description": "Machines that lose power whole, with the nodes on them",
        "type": "object",
        "additionalProperties": texts("Names or patterns of nodes"),
    })
}

fn client() -> Value {
    let every = || duration("The pause between two operations: 100ms if not said");
    let path = || text_of("The path of a znode, within the client's chroot");
    let of = |word: &str| match word {
        "write" => table(
            "Sets the data of a znode, again and again",
            &["path"],
            [
                ("path", path()),
                ("every", every()),
                ("bytes", number("The size of the data: 32 if not said", 0, 1_000_000)),
                ("checked", flag("Only over the version it knows")),
            ],
        ),
        "read" => table(
            "Reads a znode, again and again",
            &["path"],
            [("path", path()), ("every", every()), ("sync", flag("With a sync before every read"))],
        ),
        "lock" => table(
            "Holds a lock",
            &["path"],
            [
                ("path", path()),
                ("queued", flag("Queues with sequential znodes instead of racing for one")),
            ],
        ),
        "watch" => table(
            "Watches a znode",
            &["path"],
            [("path", path()), ("children", flag("Its children, too"))],
        ),
        "sequence" => {
            table("Creates sequential znodes", &["path"], [("path", path()), ("every", every())])
        }
        "multi" => table(
            "Changes two znodes in one multi",
            &["path"],
            [("path", path()), ("every", every())],
        ),
        "produce" => produce(),
        _ => consume(),
    };
    let clients = WORKS.map(|work| {
        let mut keys = vec![
            ("id", text_of("Its name; also the name of its node")),
            ("start", duration("When it starts: at once if not said")),
            (work, of(work)),
        ];
        if OF_KAFKA.contains(&work) {
            keys.push(("bootstrap", texts("Addresses of brokers (host:port): all if not said")));
        } else {
            keys.push(("session-timeout", duration("The session time-out: 6s if not said")));
            keys.push(("connect", text_of("A connect string, chroot included")));
            keys.push(("servers", text_of("The servers it knows, as a selector")));
        }
        table("A client", &["id", work], keys)
    });
    json!({ "anyOf": clients })
}

fn produce() -> Value {
    table(
        "Produces to a topic",
        &["topic"],
        [
            ("topic", text_of("The topic")),
            ("rate", text_of("Batches per second, minute or hour: 200/s")),
            ("every", duration("The time between two batches")),
            ("records", number("Records in a batch: 1 if not said", 1, 100_000)),
            ("bytes", number("Bytes of a record: 100 if not said", 0, 1_000_000)),
            (
                "acks",
                json!({ "description": "Whose word an acknowledgement is", "enum": ["all", "1", "0", "-1", 0, 1, -1] }),
            ),
            ("partition", number("Only this partition", 0, 9_999)),
            ("retries", number("retries", 0, 2_147_483_647)),
            ("retry-backoff", duration("retry.backoff.ms")),
            ("linger", duration("linger.ms")),
            ("delivery-timeout", duration("delivery.timeout.ms")),
            ("request-timeout", duration("request.timeout.ms")),
            ("in-flight", number("max.in.flight.requests.per.connection", 1, 1_000)),
            ("batches", at_least("Ends after so many batches", 1)),
        ],
    )
}

fn consume() -> Value {
    table(
        "Consumes a topic",
        &["topic"],
        [
            ("topic", text_of("The topic")),
            ("from", word("Where it begins", &["beginning", "end"])),
            ("partitions", list("Only these partitions", at_least("A number", 0))),
            ("request-timeout", duration("request.timeout.ms")),
        ],
    )
}

fn timeline() -> Value {
    let steps = list("What happens, in any order", reference("step"));
    table("What happens", &[], [("steps", steps)])
}

fn expect() -> Value {
    let throughout = json!({ "anyOf": [
        { "type": "string", "description": "A condition, for the whole run" },
        table("A condition, for a while", &["that"], [
            ("that", text_of("A condition")),
            ("during", text_of("A window: from..to")),
        ]),
    ] });
    let eventually = table(
        "Something comes true",
        &["that"],
        [
            ("that", text_of("A condition")),
            ("within", text_of("A span after a time: 40s after up")),
            ("by", text_of("A time")),
        ],
    );
    let mut outage = table(
        "Clients cannot do their work",
        &["of"],
        [
            ("of", text_of("The work and whose: write(w1), session(*), produce(orders)")),
            ("opens", text_of("When it begins, in every run")),
            ("may-open", text_of("When it begins, if it does")),
            ("closes", text_of("When it ends: a window, `<= time`, or never")),
            ("lasts", text_of("How long: `<= 5s`, `>= 5s` or 2s..5s")),
        ],
    );
    outage["anyOf"] = json!([{ "required": ["opens"] }, { "required": ["may-open"] }]);
    let loss = table(
        "A loss that Kafka's rules allow",
        &["of", "by"],
        [
            ("of", text_of("acked(topic)")),
            ("by", word("By which rule", &Excuse::ALL.map(|(name, _)| name))),
        ],
    );
    table(
        "What is promised. Checks of safety are always on",
        &[],
        [
            ("outage", list("Outages that are allowed; any other fails the run", outage)),
            ("eventually", list("What comes true in time", eventually)),
            ("never", list("What is false all the time", throughout.clone())),
            ("always", list("What is true all the time", throughout)),
            ("finally", texts("Conditions at the end")),
            ("sometimes", list("Marks that some run reaches", word("A mark", &MARKS))),
            ("loses", list("Losses that are allowed", loss)),
        ],
    )
}
