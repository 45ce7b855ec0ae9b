//! Brokers, Kafka clients and admin tools on the stage.

use std::collections::BTreeSet;
use std::sync::Arc;

use broker::client::{self as kafka, AdminConfig, ClientConfig, Kind};
use broker::id::BrokerId;
use broker::mechanism::Preset;
use machine::Duration;
use sim::world::{HostId, HostSpec, NodeId};

use super::islands::{Tree, Ways};
use super::{Actor, Stage};
use crate::cluster::{self, Cluster};
use crate::plan::{self, Plan};
use crate::script::action::Deed;
use crate::script::kafka::admin::{Admin, Command};

/// How long the tools of Kafka wait for an answer (`default.api.timeout.ms`).
const TOOL_PATIENCE: Duration = Duration::from_secs(60);

/// Who is on the stage of Kafka, beside the ensemble.
#[derive(Default)]
pub struct Kafka {
    /// All brokers, in the order of the cluster.
    pub brokers: Vec<NodeId>,
    /// Admin tools that create the scenario's topics before its clients begin, in the order of the topics.
    pub topics: Vec<NodeId>,
    /// Admin tools of steps, by the step's place in the plan.
    pub admins: Vec<(usize, NodeId)>,
    /// Whose defaults and texts clients have: the first broker's.
    pub preset: Preset,
    /// The cluster that is observed.
    observed: Option<Tree>,
    /// Where brokers of other clusters are.
    elsewhere: BTreeSet<String>,
}

impl Stage {
    pub(super) fn add_broker(&mut self, broker: &cluster::Broker, plan: &Plan, host: HostId) {
        let mechanisms = plan.kafka_mechanisms(broker.preset.mechanisms());
        let config = match &broker.never_starts {
            Some(why) => Err(why.clone()),
            None => broker.config(mechanisms).map_err(|error| error.to_string()),
        };
        let (config, why) = match config {
            Ok((config, warnings)) => {
                let warnings = warnings.iter();
                self.remarks.extend(warnings.map(|warning| format!("{}: {warning}", broker.name)));
                (Some(config), String::new())
            }
            Err(why) => (None, why),
        };
        let known = config.as_ref().map(|config| (config.id, config.log_dir.clone()));
        let ways = config.as_ref().map(|c| Ways::of(self, host, &c.zookeeper_connect, plan.seed));
        let drawn = ways.as_ref().and_then(|ways| ways.drawn(&broker.name, 1)).cloned();
        let is_observed = drawn.as_ref().is_none_or(|(tree, _)| self.observes(tree));
        if let (Some(ways), Some((_, connect))) = (&ways, &drawn) {
            self.tell_of_islands(broker, ways.count(), connect, is_observed);
        }
        if let Some(config) = config.as_ref().filter(|_| is_observed) {
            self.scene.kafka.bounds.widen(config);
        }
        let name = broker.name.clone();
        let node = self.world.add_node(&broker.name, host, move |birth| match (&config, &ways) {
            (Some(config), Some(ways)) => {
                let config = ways.settings(config, &name, birth.incarnation);
                Actor::Broker(Box::new(broker::node::Broker::new(config)))
            }
            _ => Actor::NeverStarts(why.clone()),
        });
        let (id, log_dir) =
            known.unwrap_or_else(|| (broker.id().map_or(BrokerId::NONE, BrokerId), String::new()));
        if is_observed {
            self.scene.kafka.add_broker(node, &broker.name, id, &log_dir);
        } else {
            self.kafka.elsewhere.insert(broker.client_address());
        }
        self.nodes.insert(broker.name.clone(), node);
        self.kafka.brokers.push(node);
        for what in broker.preset.not_modelled() {
            self.remarks.push(format!("Kafka {}, not modelled: {what}", broker.preset));
        }
    }

    /// Whether a broker in this tree belongs to the Kafka cluster that is observed: that of the first broker that is in any.
    fn observes(&mut self, tree: &Tree) -> bool {
        let kafka = &mut self.scene.kafka;
        let observed = self.kafka.observed.get_or_insert_with(|| {
            (kafka.ensemble, kafka.chroot) = (tree.ensemble, tree.chroot.clone());
            kafka.bounds.tick = tree.tick;
            tree.clone()
        });
        observed.ensemble == tree.ensemble && observed.chroot == tree.chroot
    }

    /// What is to be said of a broker that had a choice, or is in another cluster.
    fn tell_of_islands(
        &mut self,
        broker: &cluster::Broker,
        count: usize,
        connect: &str,
        is_observed: bool,
    ) {
        let name = &broker.name;
        if count > 1 {
            self.remarks.push(format!(
                "{name}: of the {count} ensembles in its connect string it came to {connect}, and \
                 stays there for this life"
            ));
        }
        if !is_observed {
            self.remarks.push(format!(
                "{name} is in another Kafka cluster ({connect}): that of the first broker is \
                 judged, and clients go there"
            ));
        }
    }

    /// The addresses of the brokers that are judged; all, if that leaves none.
    fn bootstrap(&self, all: &[String]) -> Vec<String> {
        let is_judged = |address: &&String| !self.kafka.elsewhere.contains(*address);
        let judged: Vec<String> = all.iter().filter(is_judged).cloned().collect();
        if judged.is_empty() { all.to_vec() } else { judged }
    }

    pub(super) fn add_kafka_client(
        &mut self,
        client: &plan::Client,
        mut config: ClientConfig,
        networks: &BTreeSet<String>,
    ) {
        config.bootstrap = self.bootstrap(&config.bootstrap);
        let host = self.add_outside(&client.id, networks);
        let node = self.add_tool(&client.id, host, config);
        self.clients.push(node);
    }

    /// The tools that create topics, and those of steps.
    pub(super) fn add_admins(
        &mut self,
        plan: &Plan,
        cluster: &Cluster,
        networks: &BTreeSet<String>,
    ) {
        let bootstrap: Vec<String> =
            cluster.brokers.iter().map(cluster::Broker::client_address).collect();
        let creates = |command: &Command| match command {
            Command::CreateTopic(topic) if !topic.assignment.is_empty() => {
                Some(topic.name.as_str().into())
            }
            _ => None,
        };
        let steps = plan.steps.iter().filter_map(|step| match &step.action.deed {
            Deed::Admin(admin) => creates(&admin.command),
            _ => None,
        });
        let topics = plan.topics.iter().filter(|topic| !topic.assignment.is_empty());
        let by_hand: Vec<Arc<str>> =
            topics.map(|topic| topic.name.as_str().into()).chain(steps).collect();
        self.scene.kafka.assigned_by_hand.extend(by_hand);
        for topic in &plan.topics {
            let name = format!("create-{}", topic.name);
            let command = Command::CreateTopic(topic.clone());
            let admin = Admin {
                command,
                bootstrap: bootstrap.clone(),
                timeout: None,
                expect_exit: None,
                prints: Vec::new(),
            };
            let node = self.add_admin(&name, &admin, networks);
            self.kafka.topics.push(node);
        }
        for (index, step) in plan.steps.iter().enumerate() {
            self.add_admin_of_step(index, step, networks);
        }
    }

    /// The tool of a step that came later than the plan.
    pub fn add_late(&mut self, index: usize, step: &plan::Step) {
        self.add_admin_of_step(index, step, &self.everywhere.clone());
    }

    fn add_admin_of_step(&mut self, index: usize, step: &plan::Step, networks: &BTreeSet<String>) {
        if let Deed::Admin(admin) = &step.action.deed {
            let name = match step.round {
                1 => step.id.clone(),
                round => format!("{}-{round}", step.id),
            };
            let node = self.add_admin(&name, admin, networks);
            self.kafka.admins.push((index, node));
        }
    }

    fn add_admin(&mut self, name: &str, admin: &Admin, networks: &BTreeSet<String>) -> NodeId {
        let step: Arc<str> = name.into();
        let command = kafka::Command::from(&admin.command);
        let timeout = admin.timeout.unwrap_or(TOOL_PATIENCE);
        let config = ClientConfig {
            id: name.to_owned(),
            bootstrap: self.bootstrap(&admin.bootstrap),
            preset: self.kafka.preset,
            start_after: Duration::ZERO,
            kind: Kind::Admin(AdminConfig { step, command, timeout }),
        };
        let host = self.add_outside(name, networks);
        self.add_tool(name, host, config)
    }

    fn add_tool(&mut self, name: &str, host: HostId, config: ClientConfig) -> NodeId {
        let make = move |_: &_| Actor::Kafka(Box::new(kafka::Client::new(config.clone())));
        let node = self.world.add_node(name, host, make);
        self.scene.kafka.add_client(node, name);
        self.nodes.insert(name.to_owned(), node);
        node
    }

    /// A host that all networks reach, with the ports of the machine.
    pub(super) fn add_outside(&mut self, name: &str, networks: &BTreeSet<String>) -> HostId {
        let networks = networks.iter().map(|name| (name.clone(), Vec::new())).collect();
        let host = self.world.add_host(HostSpec { name: name.to_owned(), networks });
        for (port, to, to_port) in &self.published {
            self.world.forward(host, *port, *to, *to_port);
        }
        host
    }
}
