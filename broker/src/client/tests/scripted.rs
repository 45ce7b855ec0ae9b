//! A client on the bench, with brokers that answer what the test tells them to.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Buf, Bytes};
use kafka_protocol::messages as m;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::protocol::StrBytes;
use machine::transcript::Bench;
use machine::{Conn, Duration};

use super::render;
use crate::client::{
    AdminConfig, Client, ClientConfig, Command, ConsumerConfig, Kind, ProducerConfig,
};
use crate::mechanism::Preset;
use crate::wire::versions::Versions;
use crate::wire::{self, Api, Asked, Request, Response};

/// A client on the bench.
pub struct Stage {
    pub bench: Bench<Client>,
    versions: Versions,
    /// How many requests were answered, by stream.
    answered: BTreeMap<Conn, usize>,
    /// Streams that were opened.
    opened: BTreeSet<Conn>,
}

impl Stage {
    /// Boots a client that knows `kafka-1:9092`.
    pub fn new(preset: Preset, kind: Kind) -> Self {
        let config = ClientConfig {
            id: "p1".into(),
            bootstrap: vec!["kafka-1:9092".into()],
            preset,
            start_after: Duration::ZERO,
            kind,
        };
        let bench = Bench::new(Client::new(config)).rendering(render::streams(preset));
        let versions = Versions::of(preset);
        let mut stage =
            Self { bench, versions, answered: BTreeMap::new(), opened: BTreeSet::new() };
        stage.bench.boot();
        stage
    }

    /// The stream that was dialled last.
    pub fn last_conn(&self) -> Conn {
        self.bench.dialled().last().expect("something was dialled").0
    }

    /// Opens the stream that was dialled last, and tells what is spoken on it.
    pub fn welcome(&mut self) -> Conn {
        let conn = self.last_conn();
        self.opened.insert(conn);
        self.bench.opened(conn);
        let keys = self.versions.ranges.iter().map(|(api, (low, high))| {
            let key = ApiVersion::default().with_api_key(api.key());
            key.with_min_version(*low).with_max_version(*high)
        });
        let keys = m::ApiVersionsResponse::default().with_api_keys(keys.collect());
        self.answer(conn, keys);
        conn
    }

    /// The requests on a stream that are not answered yet.
    pub fn open(&self, conn: Conn) -> Vec<Asked> {
        let answered = self.answered.get(&conn).copied().unwrap_or(0);
        let sent = self.bench.sent(conn).into_iter().skip(answered).map(|mut frame| {
            frame.advance(4);
            wire::request(frame, &self.versions).expect("clients speak what is spoken")
        });
        sent.collect()
    }

    /// Answers the oldest open request on a stream.
    pub fn answer(&mut self, conn: Conn, response: impl Into<Response>) {
        let asked = self.open(conn).into_iter().next().expect("something was asked");
        *self.answered.entry(conn).or_default() += 1;
        let frame = wire::response_frame(&response.into(), asked.version, asked.correlation);
        self.bench.receive(conn, frame);
    }

    /// Opens the stream that was dialled last and answers its question for metadata.
    pub fn introduce(&mut self, metadata: m::MetadataResponse) -> Conn {
        let conn = self.welcome();
        self.answer(conn, metadata);
        conn
    }

    /// Answers the next question for metadata, on whichever stream it is asked; streams that are dialled for it are opened.
    pub fn tell(&mut self, told: m::MetadataResponse) {
        for _ in 0..50 {
            let conns: Vec<Conn> = self.bench.dialled().iter().map(|(conn, _)| *conn).collect();
            let asked = |conn: &Conn| {
                let first = self.open(*conn).into_iter().next();
                first.is_some_and(|asked| asked.body.api() == Api::Metadata)
            };
            if let Some(conn) = conns.iter().copied().find(asked) {
                return self.answer(conn, told);
            }
            if self.opened.contains(&self.last_conn()) {
                self.bench.advance(Duration::from_millis(10));
            } else {
                self.welcome();
            }
        }
        panic!("metadata was not asked for:\n{}", self.bench.take());
    }

    /// The stream on which this API was asked for and not answered yet; one that is being dialled is opened first.
    pub fn asked(&mut self, api: Api) -> Conn {
        if !self.opened.contains(&self.last_conn()) {
            self.welcome();
        }
        let conns: Vec<Conn> = self.bench.dialled().iter().map(|(conn, _)| *conn).collect();
        let asked = |conn: &Conn| self.open(*conn).iter().any(|asked| asked.body.api() == api);
        conns.into_iter().rev().find(asked).expect("it was asked for")
    }

    /// The batch in the last produce request.
    pub fn produced(&self, conn: Conn) -> Bytes {
        let asked = self.open(conn).pop().expect("something was produced");
        let Request::Produce(produce) = asked.body else { panic!("not a produce request") };
        produce.topic_data[0].partition_data[0].records.clone().expect("it has records")
    }
}

/// Brokers 1 and 2, broker 1 being the controller, and the partitions of `orders` with (leader, epoch).
pub fn metadata(leaders: &[(i32, i32)]) -> m::MetadataResponse {
    let partitions = (0..).zip(leaders).map(|(index, (leader, epoch))| {
        let part = MetadataResponsePartition::default().with_partition_index(index);
        part.with_leader_id(m::BrokerId(*leader))
            .with_leader_epoch(*epoch)
            .with_error_code(if *leader < 0 { 5 } else { 0 })
            .with_replica_nodes(vec![m::BrokerId(1), m::BrokerId(2)])
            .with_isr_nodes(vec![m::BrokerId(1), m::BrokerId(2)])
    });
    let topic = MetadataResponseTopic::default()
        .with_name(Some(name("orders")))
        .with_partitions(partitions.collect());
    let topics = if leaders.is_empty() { Vec::new() } else { vec![topic] };
    let brokers = [1, 2].map(|id| {
        MetadataResponseBroker::default()
            .with_node_id(m::BrokerId(id))
            .with_host(StrBytes::from_string(format!("kafka-{id}")))
            .with_port(9092)
    });
    m::MetadataResponse::default()
        .with_brokers(brokers.to_vec())
        .with_controller_id(m::BrokerId(1))
        .with_topics(topics)
}

/// A topic's name.
pub fn name(topic: &str) -> m::TopicName {
    m::TopicName(StrBytes::from_string(topic.to_owned()))
}

/// A producer of a batch of two records each second.
pub fn producer() -> ProducerConfig {
    ProducerConfig {
        topic: "orders".into(),
        partition: None,
        every: Duration::from_secs(1),
        records: 2,
        bytes: 40,
        batches_max: Some(1),
        acks: -1,
        retries: u32::MAX,
        retry_backoff: Duration::from_millis(100),
        linger: Duration::ZERO,
        batch_bytes: 16_384,
        in_flight_max: 5,
        request_timeout: Duration::from_secs(30),
        delivery_timeout: Duration::from_secs(120),
        buffer_bytes: 32 << 20,
        metadata_age_max: Duration::from_secs(300),
    }
}

/// A consumer from the beginning.
pub fn consumer() -> ConsumerConfig {
    ConsumerConfig {
        topic: "orders".into(),
        partitions: None,
        from_beginning: true,
        fetch_wait_max: Duration::from_millis(500),
        request_timeout: Duration::from_secs(30),
        retry_backoff: Duration::from_millis(100),
        metadata_age_max: Duration::from_secs(300),
    }
}

/// A tool with this command.
pub fn tool(command: Command) -> Kind {
    let step = "the-step".into();
    Kind::Admin(AdminConfig { step, command, timeout: Duration::from_secs(60) })
}
