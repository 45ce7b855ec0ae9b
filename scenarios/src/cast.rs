//! The cast: every kind of node a scenario can put on the stage, as one machine type, and the staging of a plan.

mod islands;
mod kafka;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use broker::node::Broker;
use broker::note as told;
use coordinator::client::ConnectString;
use coordinator::config::Config;
use coordinator::id::ServerId;
use coordinator::node::{self, Coordinator};
use coordinator::note::{ClientNote, ServerNote};
use coordinator::workload::{self, Kind, WorkloadConfig};
use machine::{Context, Input, Instant, Level, Machine, Note};
use serde::Serialize;
use sim::world::{HostId, HostSpec, NodeId, World};

use crate::cluster::{Cluster, MACHINE, ZooKeeper};
use crate::plan::{self, Plan};
use crate::scene::server::Membership;
use crate::scene::{self, Scene, Truth};
use crate::script::client::Work;

/// A node of any kind.
pub enum Actor {
    /// A ZooKeeper server.
    Server(Box<Coordinator>),
    /// A client with something to do.
    Client(Box<workload::Client>),
    /// A Kafka broker.
    Broker(Box<Broker>),
    /// A Kafka client.
    Kafka(Box<broker::client::Client>),
    /// A program that a test brought along.
    #[cfg(madsim)]
    Guest(sim::hosted::Gate),
    /// A container whose command ends before there is a server.
    NeverStarts(String),
}

/// A note of any kind of node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Said {
    /// By a server.
    Server(ServerNote),
    /// By a client.
    Client(ClientNote),
    /// By a broker.
    Broker(told::Note),
    /// By a Kafka client.
    Kafka(told::ClientNote),
    /// By a program that a test brought along, in its own words.
    Guest(String),
}

/// The visible state of any kind of node.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Seen {
    /// Of a server.
    Server(Box<node::View>),
    /// Of a client.
    Client(Box<workload::View>),
    /// Of a broker.
    Broker(Box<broker::node::View>),
    /// Of a Kafka client.
    Kafka(Box<broker::client::View>),
    /// Of a container that never ran, or a program that is not ours.
    Nothing,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Server(note) => note.fmt(f),
            Self::Client(note) => note.fmt(f),
            Self::Broker(note) => note.fmt(f),
            Self::Kafka(note) => note.fmt(f),
            Self::Guest(words) => f.write_str(words),
        }
    }
}

impl Note for Said {
    fn level(&self) -> Level {
        match self {
            Self::Server(note) => note.level(),
            Self::Client(note) => note.level(),
            Self::Broker(note) => note.level(),
            Self::Kafka(note) => note.level(),
            Self::Guest(_) => Level::Headline,
        }
    }

    fn mark(&self) -> Option<&'static str> {
        match self {
            Self::Server(note) => note.mark(),
            Self::Client(note) => note.mark(),
            Self::Broker(note) => note.mark(),
            Self::Kafka(note) => note.mark(),
            Self::Guest(_) => None,
        }
    }
}

impl Machine for Actor {
    type Note = Said;
    type View = Seen;

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Said>) {
        match self {
            Self::Server(server) => {
                cx.part("server", Said::Server, |cx| server.handle(input, cx));
            }
            Self::Client(client) => {
                cx.part("client", Said::Client, |cx| client.handle(input, cx));
            }
            Self::Broker(broker) => {
                cx.part("broker", Said::Broker, |cx| broker.handle(input, cx));
            }
            Self::Kafka(client) => {
                cx.part("kafka", Said::Kafka, |cx| client.handle(input, cx));
            }
            #[cfg(madsim)]
            Self::Guest(gate) => gate.handle(&input, cx, |words| Some(Said::Guest(words))),
            Self::NeverStarts(why) => {
                let why = why.strip_prefix("exit 1: ").unwrap_or(why);
                cx.note(Said::Server(ServerNote::RefusedToStart(why.to_owned())));
                cx.exit(1, why);
            }
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        match self {
            Self::Server(server) => server.wake_at(),
            Self::Client(client) => client.wake_at(),
            Self::Broker(broker) => broker.wake_at(),
            Self::Kafka(client) => client.wake_at(),
            #[cfg(madsim)]
            Self::Guest(_) => None,
            Self::NeverStarts(_) => None,
        }
    }

    fn view(&self) -> Seen {
        match self {
            Self::Server(server) => Seen::Server(Box::new(server.view())),
            Self::Client(client) => Seen::Client(Box::new(client.view())),
            Self::Broker(broker) => Seen::Broker(Box::new(broker.view())),
            Self::Kafka(client) => Seen::Kafka(Box::new(client.view())),
            #[cfg(madsim)]
            Self::Guest(_) => Seen::Nothing,
            Self::NeverStarts(_) => Seen::Nothing,
        }
    }
}

pub use kafka::Kafka;

/// What is on the stage.
pub struct Stage {
    /// The world, with all nodes in it and none booted.
    pub world: World<Actor>,
    /// Nodes by name.
    pub nodes: BTreeMap<String, NodeId>,
    /// The empty picture.
    pub scene: Scene,
    /// All servers, in the order of the cluster.
    pub servers: Vec<NodeId>,
    /// All clients, in the order of the scenario.
    pub clients: Vec<NodeId>,
    /// Programs that a test brought along, in the order in which they came.
    pub guests: Vec<NodeId>,
    /// Brokers and their tools.
    pub kafka: Kafka,
    /// All networks: what stands outside of the cluster is on each of them.
    everywhere: BTreeSet<String>,
    /// The client ports of the servers.
    doors: Vec<(NodeId, u16)>,
    /// What the machine's ports lead to, for everybody who stands on it.
    published: Vec<(u16, HostId, u16)>,
    /// What must be said beside the verdict.
    pub remarks: Vec<String>,
}

/// Puts a cluster and the plan's clients on the stage. Clients stand on hosts of their own that every network reaches.
pub fn stage(plan: &Plan, cluster: &Cluster) -> Stage {
    let mut world = World::new(plan.seed);
    let mut hosts: BTreeMap<&str, HostId> = BTreeMap::new();
    let mut everywhere = BTreeSet::new();
    for host in &cluster.hosts {
        let networks = host.networks.iter();
        everywhere.extend(networks.clone().map(|network| network.name.clone()));
        let networks = networks.map(|net| (net.name.clone(), net.aliases.clone())).collect();
        let spec = HostSpec { name: host.name.clone(), networks };
        hosts.insert(&host.name, world.add_host(spec));
    }
    let published = published(&mut world, cluster, &hosts);
    let mut stage = Stage {
        world,
        nodes: BTreeMap::new(),
        scene: Scene::default(),
        servers: Vec::new(),
        clients: Vec::new(),
        guests: Vec::new(),
        kafka: Kafka::default(),
        everywhere: BTreeSet::new(),
        doors: Vec::new(),
        published,
        remarks: Vec::new(),
    };
    let mut ensembles = Ensembles::default();
    for zookeeper in &cluster.zookeepers {
        stage.add_server(zookeeper, plan, hosts[zookeeper.host.as_str()], &mut ensembles);
    }
    stage.scene.ensembles = vec![Truth::new(); ensembles.count];
    stage.introduce(ensembles.configs);
    stage.kafka.preset = cluster.brokers.first().map_or_else(Default::default, |one| one.preset);
    for broker in &cluster.brokers {
        stage.add_broker(broker, plan, hosts[broker.host.as_str()]);
    }
    for client in &plan.clients {
        match client.kafka(stage.kafka.preset) {
            Some(config) => stage.add_kafka_client(client, config, &everywhere),
            None => stage.add_client(client, &everywhere),
        }
    }
    stage.add_admins(plan, cluster, &everywhere);
    stage.everywhere = everywhere;
    stage.remarks.extend(cluster.not_staged.iter().cloned());
    let mut seen = BTreeSet::new();
    stage.remarks.retain(|remark| seen.insert(remark.clone()));
    stage
}

/// Publishes the ports of containers on the machine, if it is a host of the cluster.
fn published(
    world: &mut World<Actor>,
    cluster: &Cluster,
    hosts: &BTreeMap<&str, HostId>,
) -> Vec<(u16, HostId, u16)> {
    let ports = cluster.published.iter();
    let ports: Vec<_> =
        ports.filter_map(|p| Some((p.port, *hosts.get(p.host.as_str())?, p.to))).collect();
    if let Some(machine) = hosts.get(MACHINE) {
        for (port, host, to) in ports.iter().filter(|(_, host, _)| host != machine) {
            world.forward(*machine, *port, *host, *to);
        }
    }
    ports
}

/// Which servers belong together: those whose configurations name the same members. Each standalone server is alone.
#[derive(Default)]
struct Ensembles {
    by_members: BTreeMap<String, usize>,
    count: usize,
    configs: BTreeMap<NodeId, Config>,
}

impl Ensembles {
    /// `leads_to`: the host and port that an address means to this server; its own entry may be `0.0.0.0`.
    fn of(
        &mut self,
        config: Option<&Config>,
        leads_to: impl Fn(&str) -> Option<(HostId, u16)>,
    ) -> usize {
        let member = |(id, one): (&ServerId, &coordinator::config::Server)| {
            let address = format!("{}:{}", one.host, one.quorum_port);
            let is_everybodys = one.host == "localhost" || one.host.starts_with("127.");
            match leads_to(&address).filter(|_| !is_everybodys) {
                Some((host, port)) => format!("{id}={}:{port};", host.0),
                None => format!("{id}={address};"),
            }
        };
        let members = config
            .filter(|config| !config.is_standalone())
            .map(|config| config.servers.iter().map(member).collect());
        let fresh = self.count;
        let index = match members {
            Some(members) => *self.by_members.entry(members).or_insert(fresh),
            None => fresh,
        };
        self.count = self.count.max(index + 1);
        index
    }
}

impl Stage {
    fn add_server(
        &mut self,
        zookeeper: &ZooKeeper,
        plan: &Plan,
        host: HostId,
        ensembles: &mut Ensembles,
    ) {
        let mechanisms = plan.mechanisms(zookeeper.preset.mechanisms());
        let config = match &zookeeper.never_starts {
            Some(why) => Err(why.clone()),
            None => {
                let config = zookeeper.config(zookeeper.preset, mechanisms);
                config.map_err(|error| error.to_string())
            }
        };
        let (config, why) = match config {
            Ok((config, warnings)) => {
                let warnings = warnings.iter();
                self.remarks
                    .extend(warnings.map(|warning| format!("{}: {warning}", zookeeper.name)));
                (Some(config), String::new())
            }
            Err(why) => (None, why),
        };
        let leads_to = |address: &str| self.world.resolve(host, address);
        let ensemble = ensembles.of(config.as_ref(), leads_to);
        let sid = config.as_ref().map(|config| config.id).unwrap_or_default();
        let configured = config.clone();
        let node = self.world.add_node(&zookeeper.name, host, move |_| match &config {
            Some(config) => Actor::Server(Box::new(Coordinator::new(config.clone()))),
            None => Actor::NeverStarts(why.clone()),
        });
        let server = scene::Server::new(&zookeeper.name, sid, ensemble);
        self.scene.servers.insert(node, server);
        ensembles.configs.extend(configured.map(|config| (node, config)));
        self.nodes.insert(zookeeper.name.clone(), node);
        self.servers.push(node);
        for what in zookeeper.preset.not_modelled() {
            self.remarks.push(format!("ZooKeeper {}, not modelled: {what}", zookeeper.preset));
        }
    }

    /// Tells the scene who is really to be found where configurations and clients look for servers.
    fn introduce(&mut self, configs: BTreeMap<NodeId, Config>) {
        for (node, config) in &configs {
            let here = self.world.host_of(*node);
            let addresses = config.servers.iter().filter(|(sid, _)| **sid != config.id);
            let peers = addresses.filter_map(|(sid, peer)| {
                let address = format!("{}:{}", peer.host, peer.election_port);
                let (host, _) = self.world.resolve(here, &address)?;
                let there = |(other, its): &(&NodeId, &Config)| {
                    its.id == *sid && self.world.host_of(**other) == host
                };
                configs.iter().find(there).map(|(peer, _)| *peer)
            });
            let membership = Membership {
                voters: config.servers.len().max(1),
                tick: config.tick,
                init_limit: config.init_limit,
                sync_limit: config.sync_limit,
                peers: peers.collect(),
            };
            let server = self.scene.servers.get_mut(node).expect("added with its configuration");
            server.membership = membership;
        }
        self.doors = configs.iter().filter_map(|(node, config)| door(*node, config)).collect();
    }

    /// The servers a client finds at the addresses it was given.
    fn found_by(&self, client: HostId, connect: &str) -> BTreeMap<Arc<str>, NodeId> {
        let Ok(connect) = connect.parse::<ConnectString>() else { return BTreeMap::new() };
        let found = connect.servers().iter().filter_map(|address| {
            let (host, port) = self.world.resolve(client, address)?;
            let mut doors = self.doors.iter();
            let (node, _) =
                doors.find(|(node, open)| *open == port && self.world.host_of(*node) == host)?;
            Some((address.clone(), *node))
        });
        found.collect()
    }

    /// Adds a program that a test brought along, on a host of its own that every network reaches. Not booted.
    #[cfg(madsim)]
    pub fn add_guest(&mut self, name: &str, gate: sim::hosted::Gate) -> NodeId {
        let host = self.add_outside(name, &self.everywhere.clone());
        let node = self.world.add_node(name, host, move |_| Actor::Guest(gate.clone()));
        self.nodes.insert(name.to_owned(), node);
        self.guests.push(node);
        node
    }

    fn add_client(&mut self, client: &plan::Client, networks: &BTreeSet<String>) {
        let host = self.add_outside(&client.id, networks);
        let config = WorkloadConfig {
            connect: client.connect.clone(),
            session_timeout: client.session_timeout,
            kind: kind(&client.work),
            start_after: machine::Duration::ZERO,
        };
        let wrong = config.check().err().map(|error| error.to_string());
        let node = self.world.add_node(&client.id, host, move |_| match &wrong {
            None => Actor::Client(Box::new(workload::Client::new(config.clone()))),
            Some(why) => Actor::NeverStarts(why.clone()),
        });
        let knows = self.found_by(host, &client.connect);
        let person = scene::Client { knows, ..scene::Client::new(&client.id) };
        self.scene.clients.insert(node, person);
        self.nodes.insert(client.id.clone(), node);
        self.clients.push(node);
    }
}

/// The port a server serves clients at, if it does.
fn door(node: NodeId, config: &Config) -> Option<(NodeId, u16)> {
    let (_, port) = config.client_address.as_ref()?.rsplit_once(':')?;
    Some((node, port.parse().ok()?))
}

/// The workload that does what a scenario's client is to do.
fn kind(work: &Work) -> Kind {
    match work.clone() {
        Work::Write { path, every, bytes, checked } => {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            Kind::Writer { path, interval: every, bytes, checked }
        }
        Work::Read { path, every, sync } => Kind::Reader { path, interval: every, sync },
        Work::Lock { path, queued } => Kind::LockHolder { path, queued },
        Work::Watch { path, children } => Kind::Watcher { path, children },
        Work::Sequence { path, every } => Kind::Sequencer { path, interval: every },
        Work::Multi { path, every } => Kind::Multi { path, interval: every },
        Work::Produce(_) | Work::Consume(_) => unreachable!("a client of Kafka is another actor"),
    }
}
