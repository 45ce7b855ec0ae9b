//! A Kafka client we did not write (librdkafka) talks to our brokers over real sockets: it creates a topic, produces with
//! acks=all and consumes what it wrote, also while the leader is killed and restarted, and loses nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use broker::config::Config as BrokerConfig;
use broker::node::Broker;
use coordinator::config::Config;
use coordinator::node::Coordinator;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use sim::live::{Live, NodeSpec, Options};

/// Long enough for a session to expire and a busy computer to elect a leader.
const PATIENCE: Duration = Duration::from_secs(60);

/// Three servers and three brokers on loopback, with their files in a folder that goes when the test ends.
struct Cluster {
    live: Live,
    bootstrap: String,
    _folder: tempfile::TempDir,
}

fn owned(settings: &[(&str, String)]) -> Vec<(String, String)> {
    settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the nodes' files");
        let mut live = Live::new(Options { seed: Some(1) });
        let connect = start_ensemble(&mut live, folder.path());
        let names = ["kafka-1", "kafka-2", "kafka-3"];
        let addresses = names.map(|name| live.reserve(name, 9092).expect("a free port"));
        for ((index, name), address) in names.into_iter().enumerate().zip(addresses) {
            let settings = owned(&[
                ("broker.id", (index + 1).to_string()),
                ("listeners", format!("PLAINTEXT://{address}")),
                ("zookeeper.connect", connect.clone()),
                ("zookeeper.session.timeout.ms", "2000".to_owned()),
                // The ensemble may take longer to elect on a busy machine than a session lasts.
                ("zookeeper.connection.timeout.ms", "30000".to_owned()),
                ("log.dirs", "/kafka".to_owned()),
                ("offsets.topic.replication.factor", "3".to_owned()),
            ]);
            let preset = broker::mechanism::Preset::Fixed;
            let (config, _) = BrokerConfig::from_properties(&settings, preset, preset.mechanisms())
                .expect("a good configuration");
            let root = folder.path().join(name);
            let spec = NodeSpec { name: name.to_owned(), aliases: Vec::new(), root };
            live.start(spec, move |_| Broker::new(config.clone())).expect("a node starts");
        }
        let bootstrap = addresses.map(|address| address.to_string()).join(",");
        Self { live, bootstrap, _folder: folder }
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("broker.address.family", "v4");
        config
    }

    /// A topic can be given three replicas only once three brokers are registered.
    fn wait_for_brokers(&self) {
        let consumer: BaseConsumer = self.client().create().expect("a client can be made");
        let until = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < until {
            let metadata = consumer.fetch_metadata(None, PATIENCE).expect("a broker answers");
            if metadata.brokers().len() == 3 {
                return;
            }
        }
        panic!("not all brokers came");
    }

    async fn create(&self, topic: &str, partitions: i32) {
        self.wait_for_brokers();
        let admin: AdminClient<DefaultClientContext> =
            self.client().create().expect("a client can be made");
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let options = options.request_timeout(Some(PATIENCE));
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(3))
            .set("min.insync.replicas", "2");
        let created = admin.create_topics([&new], &options).await.expect("the request is answered");
        assert_eq!(created, [Ok(topic.to_owned())]);
    }

    fn producer(&self) -> FutureProducer {
        let mut config = self.client();
        config.set("acks", "all").set("enable.idempotence", "false");
        config.set("message.timeout.ms", "60000").create().expect("a client can be made")
    }

    /// The values in one partition, from its beginning until `wanted` different ones were seen.
    fn consume(&self, topic: &str, wanted: &BTreeSet<String>) -> BTreeSet<String> {
        let mut config = self.client();
        config.set("group.id", "assigned").set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().expect("a client can be made");
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(topic, 0, Offset::Beginning).expect("it can be added");
        consumer.assign(&assignment).expect("it can be assigned");
        let mut seen = BTreeSet::new();
        let until = std::time::Instant::now() + PATIENCE;
        while !wanted.is_subset(&seen) && std::time::Instant::now() < until {
            if let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) {
                let value = message.payload().expect("it has a value");
                seen.insert(String::from_utf8(value.to_vec()).expect("it is our text"));
            }
        }
        seen
    }

    fn leader(&self, topic: &str) -> Option<i32> {
        let consumer: BaseConsumer = self.client().create().expect("a client can be made");
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).ok()?;
        let leader = metadata.topics().first()?.partitions().first()?.leader();
        (leader > 0).then_some(leader)
    }
}

fn start_ensemble(live: &mut Live, folder: &std::path::Path) -> String {
    let names = ["zk-1", "zk-2", "zk-3"];
    for (index, name) in names.into_iter().enumerate() {
        for port in [2888, 3888, 2181 + index as u16] {
            live.reserve(name, port).expect("a free port");
        }
    }
    for (index, name) in names.into_iter().enumerate() {
        let mut settings = owned(&[
            ("tickTime", "200".to_owned()),
            ("initLimit", "10".to_owned()),
            ("syncLimit", "5".to_owned()),
            ("dataDir", "/data".to_owned()),
            ("clientPortAddress", name.to_owned()),
            ("clientPort", (2181 + index).to_string()),
            ("maxSessionTimeout", "60000".to_owned()),
        ]);
        for (number, other) in (1..).zip(names) {
            settings.push((format!("server.{number}"), format!("{other}:2888:3888")));
        }
        let id = (index + 1).to_string();
        let preset = coordinator::mechanism::Preset::Fixed;
        let (config, _) =
            Config::from_properties(&settings, Some(&id), preset, preset.mechanisms())
                .expect("a good configuration");
        let root = folder.join(name);
        let spec = NodeSpec { name: name.to_owned(), aliases: Vec::new(), root };
        live.start(spec, move |_| Coordinator::new(config.clone())).expect("a node starts");
    }
    "zk-1:2181,zk-2:2182,zk-3:2183".to_owned()
}

async fn produce(producer: &FutureProducer, topic: &str, values: &BTreeSet<String>) {
    for value in values {
        let record = FutureRecord::<(), _>::to(topic).partition(0).payload(value);
        producer.send(record, PATIENCE).await.expect("it is acknowledged");
    }
}

fn values(prefix: &str, count: u32) -> BTreeSet<String> {
    (0..count).map(|number| format!("{prefix}-{number:04}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_produces_and_consumes() {
    let cluster = Cluster::start();
    cluster.create("orders", 1).await;
    let written = values("order", 200);
    produce(&cluster.producer(), "orders", &written).await;
    assert_eq!(cluster.consume("orders", &written), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn loses_nothing_while_the_leader_is_killed_and_restarted() {
    let mut cluster = Cluster::start();
    cluster.create("orders", 1).await;
    let producer = cluster.producer();
    let mut written = values("before", 50);
    produce(&producer, "orders", &written).await;
    let leader = cluster.leader("orders").expect("somebody leads");
    let name = format!("kafka-{leader}");
    cluster.live.kill(&name).expect("it was running");
    let during = values("during", 50);
    produce(&producer, "orders", &during).await;
    assert_ne!(cluster.leader("orders"), Some(leader));
    cluster.live.restart(&name).expect("it starts again");
    let after = values("after", 50);
    produce(&producer, "orders", &after).await;
    written.extend(during);
    written.extend(after);
    assert_eq!(cluster.consume("orders", &written), written);
}
