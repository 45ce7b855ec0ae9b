//! Brokers, Kafka clients and admin tools on the stage.

use std::collections::BTreeSet;
use std::sync::Arc;

use broker::client::{self as kafka, AdminConfig, ClientConfig, Kind};
use broker::id::BrokerId;
use broker::mechanism::Preset;
use coordinator::client::ConnectString;
use machine::Duration;
use sim::world::{HostId, HostSpec, NodeId};

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
        let tree = config.as_ref().and_then(|config| self.tree(host, &config.zookeeper_connect));
        let is_observed = match tree {
            Some((ensemble, chroot, tick)) => self.observes(ensemble, chroot, tick),
            None => true,
        };
        if let Some(config) = config.as_ref().filter(|_| is_observed) {
            self.scene.kafka.bounds.widen(config);
        }
        let node = self.world.add_node(&broker.name, host, move |_| match &config {
            Some(config) => Actor::Broker(Box::new(broker::node::Broker::new(config.clone()))),
            None => Actor::NeverStarts(why.clone()),
        });
        let (id, log_dir) = known.unwrap_or((BrokerId::NONE, String::new()));
        if is_observed {
            self.scene.kafka.add_broker(node, &broker.name, id, &log_dir);
        }
        self.nodes.insert(broker.name.clone(), node);
        self.kafka.brokers.push(node);
        for what in broker.preset.not_modelled() {
            self.remarks.push(format!("Kafka {}, not modelled: {what}", broker.preset));
        }
    }

    /// The ensemble a connect string leads to from there, the chroot in it, and the tick.
    fn tree(&self, host: HostId, connect: &str) -> Option<(usize, String, Duration)> {
        let chroot = connect.parse::<ConnectString>().ok()?.chroot().cloned();
        let found = self.found_by(host, connect);
        let server = self.scene.servers.get(found.values().next()?)?;
        let chroot = chroot.map(|chroot| chroot.to_string()).unwrap_or_default();
        Some((server.ensemble, chroot, server.membership.tick))
    }

    /// Whether a broker in this tree belongs to the Kafka cluster that is observed: the first broker's.
    fn observes(&mut self, ensemble: usize, chroot: String, tick: Duration) -> bool {
        let kafka = &mut self.scene.kafka;
        if kafka.brokers.is_empty() {
            (kafka.ensemble, kafka.chroot) = (ensemble, chroot);
            kafka.bounds.tick = tick;
            return true;
        }
        kafka.ensemble == ensemble && kafka.chroot == chroot
    }

    pub(super) fn add_kafka_client(
        &mut self,
        client: &plan::Client,
        config: ClientConfig,
        networks: &BTreeSet<String>,
    ) {
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
            if let Deed::Admin(admin) = &step.action.deed {
                let name = match step.round {
                    1 => step.id.clone(),
                    round => format!("{}-{round}", step.id),
                };
                let node = self.add_admin(&name, admin, networks);
                self.kafka.admins.push((index, node));
            }
        }
    }

    fn add_admin(&mut self, name: &str, admin: &Admin, networks: &BTreeSet<String>) -> NodeId {
        let step: Arc<str> = name.into();
        let command = kafka::Command::from(&admin.command);
        let timeout = admin.timeout.unwrap_or(TOOL_PATIENCE);
        let config = ClientConfig {
            id: name.to_owned(),
            bootstrap: admin.bootstrap.clone(),
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
