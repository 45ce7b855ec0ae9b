//! What clients are told and what ZooKeeper is asked to hold, request by request, on a broker that is nothing but this part.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use coordinator::client::ConnectString;
use kafka_protocol::messages as m;
use kafka_protocol::messages::update_metadata_request as um;
use kafka_protocol::protocol::StrBytes;
use machine::transcript::Bench;
use machine::{Conn, Duration, Input, Machine};

use super::*;
use crate::id::BrokerId;
use crate::mechanism::{Mutant, Preset};
use crate::wire::versions::Versions;
use crate::wire::{error, request, request_frame, response, response_frame};
use crate::zk::KeeperEvent;
use crate::zk::fake::{ADDRESS, FakeZooKeeper};

mod assignments;
mod topics;

/// A machine that holds this part and a keeper. Clients send it whole requests without their lengths.
struct Probe {
    keeper: Keeper,
    admin: Admin,
    metadata: metadata::Cache,
    is_controller: bool,
    /// Versions and connections of requests that are not answered.
    open: BTreeMap<RequestId, (Conn, i16)>,
    parked: u32,
}

impl Machine for Probe {
    type Note = Note;
    type View = ();

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Note>) {
        let mut keeper_events = Vec::new();
        let mut events = Vec::new();
        let topic_configs = BTreeMap::new();
        macro_rules! door {
            () => {
                &mut Door {
                    keeper: &mut self.keeper,
                    metadata: &self.metadata,
                    is_controller: self.is_controller,
                    topic_configs: &topic_configs,
                    cluster_id: "igYE2MDXQ1mFXdO2dyHbKg",
                }
            };
        }
        match &input {
            Input::Booted => self.keeper.start(cx),
            Input::Received { conn, bytes } if !self.keeper.owns(*conn) => {
                let spoken = Versions::of(self.admin.config.preset);
                let asked = request(bytes.clone(), &spoken).expect("the tests send what is spoken");
                if let Request::UpdateMetadata(body) = &asked.body {
                    self.metadata.update(body);
                    self.admin.metadata_updated(door!(), cx, &mut events);
                } else {
                    let id = RequestId(self.open.len() as u64);
                    self.open.insert(id, (*conn, asked.version));
                    let (body, version) = (asked.body, asked.version);
                    let door = door!();
                    self.admin.request(id, body, version, "PLAINTEXT", door, cx, &mut events);
                }
            }
            _ => self.keeper.handle(&input, cx, &mut keeper_events),
        }
        for event in keeper_events {
            if let KeeperEvent::Reply { asker: Asker::Admin(number), result, .. } = event {
                self.admin.zk_reply(number, result, door!(), cx, &mut events);
            }
        }
        if self.admin.wake_at().is_some_and(|at| at <= cx.now()) {
            self.admin.woke(door!(), cx, &mut events);
        }
        for event in events {
            match event {
                AdminEvent::Answer(id, response) => {
                    let (conn, version) = self.open[&id];
                    cx.send(conn, response_frame(&response, version, 0));
                }
                AdminEvent::Parked(_) => self.parked += 1,
            }
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let wakes = [self.keeper.wake_at(), self.admin.wake_at()];
        wakes.into_iter().flatten().min()
    }

    fn view(&self) {}
}

/// The probe, its ZooKeeper, and a client.
struct Stage {
    bench: Bench<Probe>,
    zookeeper: FakeZooKeeper,
    client: Conn,
    answers: usize,
}

fn settings(preset: Preset, more: &[(&str, &str)]) -> Config {
    let own = [("broker.id", "1"), ("zookeeper.connect", ADDRESS)];
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let lines: Vec<_> = own.iter().chain(more).map(pair).collect();
    Config::from_properties(&lines, preset, preset.mechanisms()).expect("good settings").0
}

impl Stage {
    /// Brokers 1 to 3 are alive, in ZooKeeper and in the cache; the probe is the controller unless said otherwise.
    fn new(config: &Config) -> Self {
        Self::played_by(config, true)
    }

    fn played_by(config: &Config, is_controller: bool) -> Self {
        let connect: ConnectString = ADDRESS.parse().expect("an address");
        let probe = Probe {
            keeper: Keeper::new(connect, Duration::from_secs(6), 10),
            admin: Admin::new(config),
            metadata: metadata::Cache::default(),
            is_controller,
            open: BTreeMap::new(),
            parked: 0,
        };
        let mut zookeeper = FakeZooKeeper::new();
        for path in ["/brokers", "/brokers/ids", "/brokers/topics", "/config", "/config/topics"] {
            zookeeper.put(path, "", 0);
        }
        for path in ["/config/changes", "/admin", "/admin/delete_topics"] {
            zookeeper.put(path, "", 0);
        }
        for broker in 1..=3 {
            zookeeper.put(&format!("/brokers/ids/{broker}"), "{}", 7);
        }
        let mut bench = Bench::new(probe);
        bench.boot();
        let client = bench.accept("PLAINTEXT", "10.0.0.9");
        let mut stage = Self { bench, zookeeper, client, answers: 0 };
        stage.zookeeper.serve(&mut stage.bench);
        stage.learn(&[1, 2, 3], &[]);
        stage
    }

    fn of(preset: Preset) -> Self {
        Self::new(&settings(preset, &[]))
    }

    /// The controller says who lives, and who leads which partition.
    fn learn(&mut self, alive: &[i32], partitions: &[(&str, i32, i32)]) {
        let text = StrBytes::from_static_str;
        let broker = |id: &i32| {
            let endpoint = um::UpdateMetadataEndpoint::default()
                .with_host(StrBytes::from_string(format!("kafka-{id}")))
                .with_port(9092)
                .with_listener(text("PLAINTEXT"));
            um::UpdateMetadataBroker::default()
                .with_id(m::BrokerId(*id))
                .with_endpoints(vec![endpoint])
        };
        let topic = |(name, partition, leader): &(&str, i32, i32)| {
            let ids = || vec![m::BrokerId(1), m::BrokerId(2)];
            let state = um::UpdateMetadataPartitionState::default()
                .with_partition_index(*partition)
                .with_leader(m::BrokerId(*leader))
                .with_leader_epoch(4)
                .with_isr(ids())
                .with_replicas(ids());
            um::UpdateMetadataTopicState::default()
                .with_topic_name(m::TopicName(StrBytes::from_string((*name).to_owned())))
                .with_partition_states(vec![state])
        };
        let body = m::UpdateMetadataRequest::default()
            .with_controller_id(m::BrokerId(1))
            .with_live_brokers(alive.iter().map(broker).collect())
            .with_topic_states(partitions.iter().map(topic).collect());
        self.send(&body.into(), 5);
    }

    fn send(&mut self, body: &Request, version: i16) {
        self.bench.receive(self.client, request_frame(body, version, 0, "test").slice(4..));
    }

    /// Asks, lets ZooKeeper answer, and takes the response if there is one.
    fn ask(&mut self, body: impl Into<Request>, version: i16) -> Option<Response> {
        let body = body.into();
        self.send(&body, version);
        self.zookeeper.serve(&mut self.bench);
        self.response(body.api(), version)
    }

    /// The next response.
    fn response(&mut self, api: crate::wire::Api, version: i16) -> Option<Response> {
        let frame = self.bench.sent(self.client).get(self.answers)?.slice(4..);
        self.answers += 1;
        Some(response(frame, api, version).expect("the broker writes what can be read"))
    }

    /// What was written to ZooKeeper since the last call.
    fn written(&mut self) -> String {
        self.zookeeper.take()
    }
}

/// The errors of a response and their words, in few words.
fn said(response: Option<Response>) -> String {
    let mut said = String::new();
    let mut line = |name: &str, code: i16, why: Option<&str>| {
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        writeln!(said, "{name} {}{why}", error::name(code)).expect("a text takes everything");
    };
    match response {
        None => return "nothing".to_owned(),
        Some(Response::CreateTopics(body)) => {
            for topic in &body.topics {
                line(&topic.name.0, topic.error_code, topic.error_message.as_deref());
            }
        }
        Some(Response::CreatePartitions(body)) => {
            for topic in &body.results {
                line(&topic.name.0, topic.error_code, topic.error_message.as_deref());
            }
        }
        Some(Response::DeleteTopics(body)) => {
            for topic in &body.responses {
                let name = topic.name.as_ref().map_or("?", |name| name.0.as_str());
                line(name, topic.error_code, None);
            }
        }
        Some(Response::AlterConfigs(body)) => {
            for resource in &body.responses {
                let why = resource.error_message.as_deref();
                line(&resource.resource_name, resource.error_code, why);
            }
        }
        Some(Response::DescribeConfigs(body)) => {
            for resource in &body.results {
                let why = resource.error_message.as_deref();
                line(&resource.resource_name, resource.error_code, why);
            }
        }
        Some(Response::Metadata(body)) => {
            for topic in &body.topics {
                let name = topic.name.as_ref().map_or("?", |name| name.0.as_str());
                line(name, topic.error_code, None);
            }
        }
        Some(other) => panic!("{} is not answered here", other.api().name()),
    }
    said.trim_end().to_owned()
}

fn name(topic: &str) -> m::TopicName {
    m::TopicName(StrBytes::from_string(topic.to_owned()))
}
