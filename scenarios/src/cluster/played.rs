//! A cluster played for a minute without clients and failures, and what it then is: who serves, who is registered
//! where, who has ended and with which words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use broker::id::BrokerId;
use broker::note::Note;
use broker::zk::znode::{self, Registration};
use coordinator::note::ClientNote;
use coordinator::tree::DataTree;
use machine::{Duration, Machine};
use reports::run::{Kind, Run};
use reports::survey::{self, Exit, Island, Registered};
use sim::world::NodeId;

use super::{Cluster, ZooKeeper};
use crate::cast::{Actor, Said, Seen, Stage};
use crate::plan::{Plan, Promises};
use crate::play::{self, Watch};
use crate::scene::State;
use crate::script::{ensemble, kafka};

/// How long a cluster is played, in simulated seconds: longer than every time-out of a start.
pub(super) const SECONDS: u64 = 60;

/// A cluster after its minute.
pub(super) struct Played {
    pub stage: Stage,
    run: Run,
    /// The address each broker last had a ZooKeeper session at.
    sessions: BTreeMap<String, Arc<str>>,
}

impl Played {
    pub(super) fn of(cluster: &Cluster, seed: u64) -> Self {
        let plan = plan(cluster, seed);
        let mut sessions = BTreeMap::new();
        let mut hears = |_, who: &str, said: &Said| {
            if let Said::Broker(Note::Session(ClientNote::Connected { to, .. })) = said {
                sessions.insert(who.to_owned(), to.clone());
            }
        };
        let mut watch = Watch { hears: Some(&mut hears), ..Watch::default() };
        let (run, stage) = play::stage_after(&plan, cluster, &mut watch);
        Self { stage, run, sessions }
    }

    /// The node of that name.
    pub(super) fn node(&self, name: &str) -> NodeId {
        self.stage.nodes[name]
    }

    /// The ZooKeeper server that serves clients at an address, as somebody on `from`'s host dials it.
    pub(super) fn server_at<'c>(
        &self,
        cluster: &'c Cluster,
        from: NodeId,
        address: &str,
    ) -> Option<&'c ZooKeeper> {
        let world = &self.stage.world;
        let (host, port) = world.resolve(world.host_of(from), address)?;
        cluster.zookeepers.iter().find(|server| {
            let is_there = world.host_of(self.node(&server.name)) == host;
            is_there && client_port(server) == Some(port)
        })
    }

    /// The number of the island a server belongs to.
    pub(super) fn island_of(&self, server: &ZooKeeper) -> usize {
        self.stage.scene.servers[&self.node(&server.name)].ensemble + 1
    }

    /// Whether a server serves clients.
    pub(super) fn serves(&self, server: &ZooKeeper) -> bool {
        let node = self.node(&server.name);
        self.stage.world.is_up(node) && self.stage.scene.servers[&node].is_serving()
    }

    /// The server a broker's session is with.
    pub(super) fn session_of<'c>(
        &self,
        cluster: &'c Cluster,
        broker: &str,
    ) -> Option<&'c ZooKeeper> {
        let node = self.node(broker);
        let address = self.sessions.get(broker).filter(|_| self.stage.world.is_up(node))?;
        self.server_at(cluster, node, address)
    }

    /// ZooKeeper, island by island.
    pub(super) fn islands(&self, cluster: &Cluster) -> Vec<Island> {
        let numbers: BTreeSet<usize> =
            cluster.zookeepers.iter().map(|server| self.island_of(server)).collect();
        numbers.into_iter().map(|number| self.island(cluster, number)).collect()
    }

    fn island(&self, cluster: &Cluster, number: usize) -> Island {
        let members: Vec<&ZooKeeper> =
            cluster.zookeepers.iter().filter(|server| self.island_of(server) == number).collect();
        let serving = members.iter().filter(|server| self.serves(server));
        let newest = serving
            .max_by_key(|server| self.stage.scene.servers[&self.node(&server.name)].delivered);
        let tree =
            newest.and_then(|server| match self.stage.world.machine(self.node(&server.name)) {
                Some(Actor::Server(server)) => server.tree(),
                _ => None,
            });
        let servers = members.iter().map(|server| self.server(server)).collect();
        let clusters = tree.map(|tree| self.clusters(cluster, number, tree)).unwrap_or_default();
        Island { number, servers, serves: tree.is_some(), clusters }
    }

    fn server(&self, server: &ZooKeeper) -> survey::Server {
        let node = self.node(&server.name);
        let state = match self.stage.scene.servers[&node].state {
            _ if self.stage.world.exit_of(node).is_some() => "exited",
            State::Down | State::Recovering => "starting",
            State::Looking | State::Joining | State::Leading { established: false, .. } => {
                "looking for a leader"
            }
            State::Leading { .. } => "leads",
            State::Following { .. } => "follows",
            State::Standalone => "standalone",
        };
        let config = server.config(server.preset, server.preset.mechanisms());
        survey::Server {
            name: server.name.clone(),
            version: server.preset.to_string(),
            myid: server.myid.as_ref().map(|myid| myid.value.trim().to_owned()),
            state: state.to_owned(),
            clients_at: config.ok().and_then(|(config, _)| config.client_address),
        }
    }

    /// The Kafka clusters in a tree.
    fn clusters(&self, cluster: &Cluster, island: usize, tree: &DataTree) -> Vec<survey::Cluster> {
        let chroots = tree.iter().filter_map(|(path, _)| path.strip_suffix("/brokers/ids"));
        chroots
            .map(|chroot| {
                let data = |path: String| tree.get(&path).and_then(|znode| znode.data());
                let controller = data(format!("{chroot}/controller"))
                    .and_then(|json| znode::controller_from_json(json));
                let ids = format!("{chroot}/brokers/ids");
                let registered = tree.children(&ids).into_iter().flatten().filter_map(|name| {
                    let id = name.parse().ok()?;
                    let json = data(format!("{ids}/{name}"))?;
                    let endpoints = Registration::from_json(json)?.endpoints;
                    let endpoints = endpoints.iter().map(ToString::to_string).collect();
                    let node = self.registered_as(cluster, island, BrokerId(id));
                    Some(Registered { id, node, endpoints })
                });
                let mut registered: Vec<_> = registered.collect();
                registered.sort_by_key(|one| one.id);
                let chroot = if chroot.is_empty() { "/" } else { chroot }.to_owned();
                survey::Cluster { chroot, controller: controller.map(|id| id.0), registered }
            })
            .collect()
    }

    /// The broker that says to be registered with this id on this island.
    fn registered_as(&self, cluster: &Cluster, island: usize, id: BrokerId) -> Option<String> {
        let mut brokers = cluster.brokers.iter();
        let found = brokers.find(|broker| {
            let view = self.view(&broker.name);
            let is_it = view.is_some_and(|view| view.id == id && view.registered.is_some());
            let session = self.session_of(cluster, &broker.name);
            is_it && session.is_some_and(|server| self.island_of(server) == island)
        });
        found.map(|broker| broker.name.clone())
    }

    /// What a broker that runs believes.
    pub(super) fn view(&self, broker: &str) -> Option<broker::node::View> {
        let node = self.node(broker);
        let machine = self.stage.world.machine(node).filter(|_| self.stage.world.is_up(node))?;
        match machine.view() {
            Seen::Broker(view) => Some(*view),
            _ => None,
        }
    }

    /// The brokers, and where they are.
    pub(super) fn brokers(&self, cluster: &Cluster, islands: &[Island]) -> Vec<survey::Broker> {
        let broker = |broker: &super::Broker| {
            let view = self.view(&broker.name);
            let state = match &view {
                None => "exited",
                Some(view) if view.controller && view.stage == "serving" => "controller",
                Some(view) if view.stage == "serving" => "serves",
                Some(view) => view.stage,
            };
            let session = self.session_of(cluster, &broker.name);
            let island = session.map(|server| self.island_of(server));
            let island = island.filter(|number| islands.iter().any(|one| one.number == *number));
            let config = broker.config(broker.preset.mechanisms()).ok().map(|(config, _)| config);
            let config = config.filter(|_| broker.never_starts.is_none());
            let texts = |endpoints: &[broker::config::Endpoint]| {
                endpoints.iter().map(ToString::to_string).collect::<Vec<_>>()
            };
            survey::Broker {
                name: broker.name.clone(),
                version: broker.preset.to_string(),
                id: config.as_ref().map(|config| config.id.0).or(broker.id()),
                state: state.to_owned(),
                island,
                session: session.map(|server| server.name.clone()),
                listens: config.as_ref().map(|c| texts(&c.listeners)).unwrap_or_default(),
                advertises: config
                    .as_ref()
                    .map(|c| texts(&c.advertised_listeners))
                    .unwrap_or_default(),
                knows: view
                    .map(|view| view.alive.iter().map(|id| id.0).collect())
                    .unwrap_or_default(),
            }
        };
        cluster.brokers.iter().map(broker).collect()
    }

    /// Whose process ended.
    pub(super) fn exits(&self, cluster: &Cluster) -> Vec<Exit> {
        let servers = cluster.zookeepers.iter().map(|server| &server.name);
        let names = servers.chain(cluster.brokers.iter().map(|broker| &broker.name));
        let exits = names.filter_map(|name| {
            let (code, why) = self.stage.world.exit_of(self.node(name))?;
            let mut lines = self.run.timeline.iter().rev();
            let last = lines.find(|line| {
                line.kind == Kind::Note && line.who == *name && line.what.starts_with("exits ")
            });
            let at = last.map_or(0, |line| line.at);
            Some(Exit { name: name.clone(), at, code, why: why.to_owned() })
        });
        exits.collect()
    }

    /// What must be known beside: all that is neither in the table of settings nor among what is not staged.
    pub(super) fn remarks(&self, cluster: &Cluster) -> Vec<String> {
        let about_node = |remark: &str| {
            remark.split_once(": ").is_some_and(|(who, _)| self.stage.nodes.contains_key(who))
        };
        let remarks = self.run.remarks.iter();
        let remarks =
            remarks.filter(|one| !about_node(one) && !cluster.not_staged.contains(one)).cloned();
        let broken = self.run.violations.iter().map(|violation| {
            format!("while it was played, {} failed: {}", violation.check, violation.message)
        });
        broken.chain(remarks).collect()
    }
}

/// The port a server serves clients at.
pub(super) fn client_port(server: &ZooKeeper) -> Option<u16> {
    let (config, _) = server.config(server.preset, server.preset.mechanisms()).ok()?;
    config.client_address?.rsplit_once(':')?.1.parse().ok()
}

/// A minute in which nobody does anything.
fn plan(cluster: &Cluster, seed: u64) -> Plan {
    let servers: Vec<String> = cluster.zookeepers.iter().map(|one| one.name.clone()).collect();
    let brokers: Vec<String> = cluster.brokers.iter().map(|one| one.name.clone()).collect();
    let names = servers.iter().chain(&brokers);
    let hosts = names.map(|name| (name.clone(), vec![name.clone()])).collect();
    Plan {
        scenario: "as it will really be".to_owned(),
        about: String::new(),
        seed,
        duration: Duration::from_secs(SECONDS),
        servers,
        brokers,
        topics: Vec::new(),
        hosts,
        mechanisms: ensemble::Overrides::default(),
        kafka_mechanisms: kafka::Overrides::default(),
        clients: Vec::new(),
        guests: Vec::new(),
        steps: Vec::new(),
        promises: Promises::default(),
    }
}
