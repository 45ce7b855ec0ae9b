//! A controller alone on a bench, with a small ZooKeeper that answers at once and brokers that obey.

use std::fmt;
use std::fmt::Write;

use bytes::Bytes;
use coordinator::wire::client::{MultiOp, Request as ZkRequest};
use kafka_protocol::messages as m;
use machine::transcript::Bench;
use machine::{Conn, Context, Input, Instant, Level, Machine, Ticket};

use super::tree::Tree;
use crate::config::Config;
use crate::controller::{Controller, ControllerEvent, Demand, elections};
use crate::mechanism::{Mechanisms, Preset};
use crate::metadata::Cache;
use crate::note::Note;
use crate::replica::RequestId;
use crate::wire::versions::Versions;
use crate::wire::{self, Request, Response, error};
use crate::zk::ZkError;

/// What somebody else does to ZooKeeper, or asks of the controller.
#[derive(Clone, Debug)]
pub enum Deed {
    /// A znode is created or set.
    Put(String, String),
    /// A znode is removed.
    Delete(String),
    /// The session is gone, with what was created in it.
    Expire,
    /// The broker is registered in a new one.
    Register,
    /// A request comes.
    Shutdown(m::ControlledShutdownRequest),
    /// A request comes.
    Elect(m::ElectLeadersRequest),
    /// ZooKeeper answers nothing any more, or again.
    Hold(bool),
}

/// The machine on the bench. Deeds are numbered from 1 and happen when their ticket is ready.
pub struct Stage {
    controller: Controller,
    pub tree: Tree,
    pub deeds: Vec<Deed>,
    held: Option<Vec<(u64, ZkRequest)>>,
}

#[derive(Clone, Debug)]
pub enum Said {
    Note(Note),
    Asked(String),
    Answered(ControllerEvent),
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(note) => note.fmt(f),
            Self::Asked(text) => write!(f, "zk: {text}"),
            Self::Answered(ControllerEvent::Answer(id, response)) => {
                write!(f, "answers request {}: {}", id.0, answer(response))
            }
            Self::Answered(ControllerEvent::Elected(elected)) => {
                let response = elections(elected.version, &elected.results);
                write!(f, "has elected for request {}: {}", elected.id.0, answer(&response))
            }
        }
    }
}

impl machine::Note for Said {
    fn level(&self) -> Level {
        Level::Detail
    }
}

impl Machine for Stage {
    type Note = Said;
    type View = ();

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Said>) {
        let mut events = Vec::new();
        let deed = match input {
            Input::Ready { ticket: Ticket(number) } => self.deeds.get(number as usize - 1).cloned(),
            _ => None,
        };
        match deed {
            Some(Deed::Put(path, data)) => self.tree.put(&path, &data),
            Some(Deed::Delete(path)) => self.tree.delete(&path),
            Some(Deed::Hold(true)) => self.held = Some(Vec::new()),
            Some(Deed::Hold(false)) => self.release(cx),
            Some(deed) => cx.part("controller", Said::Note, |cx| match deed {
                Deed::Expire => self.expire(cx, &mut events),
                Deed::Register => self.controller.attend(cx),
                Deed::Shutdown(request) => self
                    .controller
                    .happen(super::super::Event::ControlledShutdown(RequestId(1), request), cx),
                Deed::Elect(request) => {
                    let metadata = Cache::default();
                    let demand = Demand::of(RequestId(2), 1, &request, &metadata, cx.now());
                    self.controller.happen(super::super::Event::ElectLeaders(demand), cx);
                }
                Deed::Put(..) | Deed::Delete(_) | Deed::Hold(_) => {}
            }),
            None => cx.part("controller", Said::Note, |cx| self.controller.take(&input, cx)),
        }
        self.settle(cx);
        events.append(&mut self.controller.desk.events);
        for event in events {
            cx.note(Said::Answered(event));
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        self.controller.wake_at()
    }

    fn view(&self) {}
}

impl Stage {
    fn expire(&mut self, cx: &mut Context<'_, Note>, events: &mut Vec<ControllerEvent>) {
        if self.tree.get("/controller").is_some_and(|(json, _)| json.contains("\"brokerid\":1,")) {
            self.tree.delete("/controller");
        }
        self.tree.fired();
        self.controller.session_expired(cx, events);
        for (number, _) in self.held.take().unwrap_or_default() {
            self.controller.answered(number, Err(ZkError::SessionExpired), cx);
        }
    }

    fn release(&mut self, cx: &mut Context<'_, Said>) {
        for (number, request) in self.held.take().unwrap_or_default() {
            self.reply(number, &request, cx);
        }
    }

    /// ZooKeeper answers until nothing is asked any more.
    fn settle(&mut self, cx: &mut Context<'_, Said>) {
        loop {
            for (kind, path) in self.tree.fired() {
                cx.note(Said::Asked(format!("watch {kind} {path}")));
                cx.part("controller", Said::Note, |cx| self.controller.fired(kind, &path, cx));
            }
            let asked = self.controller.desk.questions();
            if asked.is_empty() {
                return;
            }
            for (number, request) in asked {
                match &mut self.held {
                    Some(held) => held.push((number, request)),
                    None => self.reply(number, &request, cx),
                }
            }
        }
    }

    fn reply(&mut self, number: u64, request: &ZkRequest, cx: &mut Context<'_, Said>) {
        let result = self.tree.answer(request);
        let refused = match &result {
            Err(ZkError::Refused(code)) => format!(" -> {code}"),
            _ => String::new(),
        };
        cx.note(Said::Asked(format!("{}{refused}", question(request))));
        cx.part("controller", Said::Note, |cx| self.controller.answered(number, result, cx));
    }
}

fn question(request: &ZkRequest) -> String {
    match request {
        ZkRequest::Multi(operations) => {
            let parts: Vec<_> = operations.iter().map(operation).collect();
            parts.join(" & ")
        }
        ZkRequest::Exists { path, watch } => format!("exists {path}{}", watched(*watch)),
        ZkRequest::GetData { path, watch } => format!("get {path}{}", watched(*watch)),
        ZkRequest::GetChildren2 { path, watch } => format!("list {path}{}", watched(*watch)),
        ZkRequest::Create { path, data, .. } => format!("create {path} {}", text(data.as_ref())),
        ZkRequest::Delete { path, .. } => format!("delete {path}"),
        ZkRequest::SetData { path, data, version } => {
            format!("set {path} v{version} {}", text(data.as_ref()))
        }
        other => format!("{other:?}"),
    }
}

fn operation(operation: &MultiOp) -> String {
    match operation {
        MultiOp::Check { version, .. } => format!("check epoch v{version}"),
        MultiOp::Create { path, data, .. } => format!("create {path} {}", text(data.as_ref())),
        MultiOp::Delete { path, .. } => format!("delete {path}"),
        MultiOp::SetData { path, data, version } => {
            format!("set {path} v{version} {}", text(data.as_ref()))
        }
        other @ MultiOp::Create2 { .. } => format!("{other:?}"),
    }
}

fn watched(watch: bool) -> &'static str {
    if watch { " and watch" } else { "" }
}

fn text(data: Option<&Bytes>) -> &str {
    data.and_then(|data| std::str::from_utf8(data).ok()).unwrap_or_default()
}

/// A control request in one line.
pub fn control(request: &Request) -> String {
    let mut line = request.api().name().to_owned();
    match request {
        Request::LeaderAndIsr(body) => {
            let epochs = (body.controller_epoch, body.broker_epoch);
            write!(line, " ce {} be {}", epochs.0, epochs.1).expect("text");
            for topic in &body.topic_states {
                for role in &topic.partition_states {
                    let name = format!("{}-{}", &*topic.topic_name, role.partition_index);
                    let isr = ids(&role.isr);
                    let new = if role.is_new { " new" } else { "" };
                    let (leader, epoch) = (role.leader.0, role.leader_epoch);
                    let version = role.partition_epoch;
                    write!(line, "; {name} leader {leader} e{epoch} isr {isr} v{version}{new}")
                        .expect("text");
                }
            }
            let live: Vec<_> = body.live_leaders.iter().map(|live| live.broker_id.0).collect();
            write!(line, "; leaders {live:?}").expect("text");
        }
        Request::UpdateMetadata(body) => {
            let live: Vec<_> = body.live_brokers.iter().map(|live| live.id.0).collect();
            write!(line, " live {live:?}").expect("text");
            for topic in &body.topic_states {
                for state in &topic.partition_states {
                    let name = format!("{}-{}", &*topic.topic_name, state.partition_index);
                    let (leader, epoch) = (state.leader.0, state.leader_epoch);
                    let offline = ids(&state.offline_replicas);
                    write!(line, "; {name} leader {leader} e{epoch} offline {offline}")
                        .expect("text");
                }
            }
        }
        Request::StopReplica(body) => {
            for topic in &body.topics {
                let delete = if body.delete_partitions { " delete" } else { "" };
                write!(line, "; {} {:?}{delete}", &*topic.name, topic.partition_indexes)
                    .expect("text");
            }
        }
        _ => {}
    }
    line
}

fn ids(ids: &[m::BrokerId]) -> String {
    format!("{:?}", ids.iter().map(|id| id.0).collect::<Vec<_>>())
}

fn answer(response: &Response) -> String {
    match response {
        Response::ControlledShutdown(body) => {
            let remaining = body.remaining_partitions.len();
            format!("ControlledShutdown error {} remaining {remaining}", body.error_code)
        }
        Response::ElectLeaders(body) => {
            let results: Vec<_> = body
                .replica_election_results
                .iter()
                .flat_map(|topic| {
                    topic.partition_result.iter().map(|result| {
                        format!("{}-{} {}", &*topic.topic, result.partition_id, result.error_code)
                    })
                })
                .collect();
            format!("ElectLeaders error {} {results:?}", body.error_code)
        }
        other => format!("{other:?}"),
    }
}

/// A cluster of one real controller (broker 1) and others that obey whatever they are told.
pub struct Cluster {
    pub bench: Bench<Stage>,
    opened: usize,
    obeyed: Vec<(Conn, usize)>,
    deeds: u64,
    planned: Vec<Deed>,
    versions: Versions,
    /// The broker whose disk has failed.
    pub failing: Option<m::BrokerId>,
}

impl Cluster {
    /// With these things to happen, in order, when [`Self::next`] says so.
    pub fn new(mechanisms: Mechanisms, tree: Tree, deeds: Vec<Deed>) -> Self {
        let preset = Preset::V2_5;
        let properties = [
            ("broker.id", "1"),
            ("zookeeper.connect", "zk:2181"),
            ("listeners", "PLAINTEXT://:9092"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let (config, _) =
            Config::from_properties(&properties, preset, mechanisms).expect("a fine configuration");
        let planned = deeds.clone();
        let controller = Controller::new(&config);
        let stage = Stage { controller, tree, deeds, held: None };
        let versions = Versions::of(preset);
        let rendering = versions.clone();
        let bench = Bench::new(stage).rendering(move |_, bytes| {
            match wire::request(bytes.slice(4..), &rendering) {
                Ok(asked) => control(&asked.body),
                Err(_) => "an answer".to_owned(),
            }
        });
        Self { bench, opened: 0, obeyed: Vec::new(), deeds: 0, planned, versions, failing: None }
    }

    /// The next deed is done, then the brokers obey until nothing is asked of them any more.
    pub fn next(&mut self) -> &mut Self {
        self.deed().obey()
    }

    /// The next deed is done.
    pub fn deed(&mut self) -> &mut Self {
        self.deeds += 1;
        let deed = format!("{:?}", self.planned[self.deeds as usize - 1]);
        self.bench.remark(&deed);
        self.bench.give(Input::Ready { ticket: Ticket(self.deeds) });
        self
    }

    /// Brokers take connections and answer every control request without an error.
    pub fn obey(&mut self) -> &mut Self {
        loop {
            let dialled = self.bench.dialled().to_vec();
            let mut quiet = self.opened == dialled.len();
            for (conn, _) in &dialled[self.opened..] {
                self.bench.opened(*conn);
                self.obeyed.push((*conn, 0));
            }
            self.opened = dialled.len();
            for index in 0..self.obeyed.len() {
                let (conn, done) = self.obeyed[index];
                let Some(frame) = self.bench.sent(conn).get(done).cloned() else { continue };
                quiet = false;
                self.obeyed[index].1 += 1;
                let asked = wire::request(frame.slice(4..), &self.versions).expect("a request");
                let response = obedient(&asked.body, self.is_failing(conn));
                let frame = wire::response_frame(&response, asked.version, asked.correlation);
                self.bench.receive(conn, frame);
            }
            if quiet {
                return self;
            }
        }
    }

    fn is_failing(&self, conn: Conn) -> bool {
        let Some(m::BrokerId(id)) = self.failing else { return false };
        self.bench.dialled().contains(&(conn, format!("b{id}:9092")))
    }

    pub fn tree(&self) -> &Tree {
        &self.bench.machine().tree
    }

    /// The transcript since the last call: decisions, questions, control requests.
    pub fn told(&mut self) -> String {
        let text = self.bench.take();
        let lines = text.lines().filter(|line| {
            !(line.starts_with('>') || line.contains("dials") || line.contains("* sends"))
        });
        lines.map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

fn obedient(request: &Request, failing: bool) -> Response {
    let error = if failing { error::KAFKA_STORAGE_ERROR } else { error::NONE };
    match request {
        Request::LeaderAndIsr(body) => {
            let mut errors = Vec::new();
            for topic in &body.topic_states {
                for role in &topic.partition_states {
                    errors.push(
                        m::leader_and_isr_response::LeaderAndIsrPartitionError::default()
                            .with_topic_name(topic.topic_name.clone())
                            .with_partition_index(role.partition_index)
                            .with_error_code(error),
                    );
                }
            }
            m::LeaderAndIsrResponse::default().with_partition_errors(errors).into()
        }
        Request::StopReplica(body) => {
            let mut errors = Vec::new();
            for topic in &body.topics {
                for partition in &topic.partition_indexes {
                    errors.push(
                        m::stop_replica_response::StopReplicaPartitionError::default()
                            .with_topic_name(topic.name.clone())
                            .with_partition_index(*partition),
                    );
                }
            }
            m::StopReplicaResponse::default().with_partition_errors(errors).into()
        }
        _ => m::UpdateMetadataResponse::default().into(),
    }
}
