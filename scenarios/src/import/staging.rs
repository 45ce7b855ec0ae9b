//! From the services of a compose file to a cluster: which are ZooKeepers and which are brokers, where they run, what clients
//! connect to.

use std::collections::{BTreeMap, BTreeSet};

use super::brokers;
use super::compose::{self, Service, Variable};
use super::ensemble::{self, Connect, Member};
use super::images::{self, Family, Image};
use super::interpolate::env_file;
use super::layout;
use super::names::{Names, is_machine};
use super::reading::{Reading, together};
use crate::cluster::{Cluster, Host, MACHINE, Network, Published, Severity};

/// Where brokers that are not staged are told their ZooKeepers, by image.
const CONNECT: [&str; 3] =
    ["KAFKA_ZOOKEEPER_CONNECT", "KAFKA_CFG_ZOOKEEPER_CONNECT", "ZOOKEEPER_CONNECT"];

/// What to do about a name that leads nowhere.
const NAMES: &str = "names are services, container names and aliases on a shared network";

/// Reads the file; what ends the import is in `reading.errors` afterwards.
pub(super) fn cluster(reading: &mut Reading<'_>) -> Cluster {
    if let Some(variables) = (reading.beside)(".env") {
        reading.variables = env_file(&variables).into_iter().collect();
    }
    let Some(root) = layout::tree(reading) else { return Cluster::default() };
    let services = compose::services(reading, &root);
    let mut cast = Cast::default();
    for service in &services {
        cast.add(reading, service);
    }
    if cast.zookeepers.is_empty() && reading.errors.is_empty() {
        let span = root
            .get("services")
            .map_or(0..0, |_| services.first().map_or(0..0, |s| s.span.clone()));
        let message = "there is no ZooKeeper in this file";
        let help = match cast.not_staged.as_slice() {
            [] => "give it services with an image `zookeeper`".to_owned(),
            some => format!("not staged: {}", some.join("; ")),
        };
        reading.error("F03", &span, message, "", help);
    }
    cast.cluster(reading, &services)
}

/// Who is found in the file.
#[derive(Default)]
struct Cast {
    hosts: Vec<Host>,
    published: Vec<Published>,
    zookeepers: Vec<Member>,
    brokers: Vec<brokers::Member>,
    not_staged: Vec<String>,
}

impl Cast {
    fn add(&mut self, reading: &mut Reading<'_>, service: &Service) {
        let written = service.image.as_ref().map_or("", |image| &image.value);
        let image = Image::parse(written);
        let reason = match image.family() {
            _ if let Some(profile) = &service.profile => {
                format!("only started with `--profile {profile}`")
            }
            _ if service.image.is_none() => "it names no image".to_owned(),
            Family::Other if image.repository.ends_with("fast-data-dev") => {
                return self.add_both(reading, service, &image);
            }
            Family::Other => format!("{written} is not part of the cluster"),
            _ if let Some(tool) = &service.tool => tool.clone(),
            Family::OtherZooKeeper => format!("image {written} is not modelled yet"),
            Family::Broker => match images::kafka::stage(reading, service, &image) {
                Ok(mut member) => {
                    member.broker.host = self.host(reading, service);
                    return self.brokers.push(member);
                }
                Err(reason) => reason,
            },
            Family::Wurstmeister
            | Family::Confluent
            | Family::Official
            | Family::Bitnami
            | Family::Debezium => {
                let mut zookeeper = images::stage(reading, service, &image);
                zookeeper.host = self.host(reading, service);
                let at = reading.at(&service.image_span());
                return self.zookeepers.push(Member { zookeeper, at });
            }
        };
        self.not_staged.push(format!("{}: {reason}", service.name));
    }

    /// A container with both in it.
    fn add_both(&mut self, reading: &mut Reading<'_>, service: &Service, image: &Image) {
        let (zookeeper, broker) = images::kafka::fast_data::stage(reading, service, image);
        let host = self.host(reading, service);
        if let Some(mut zookeeper) = zookeeper {
            zookeeper.host.clone_from(&host);
            let at = reading.at(&service.image_span());
            self.zookeepers.push(Member { zookeeper, at });
        }
        if let Some(mut member) = broker {
            member.broker.host = host;
            self.brokers.push(member);
        }
    }

    /// The machine the container is, added if it is new.
    fn host(&mut self, reading: &mut Reading<'_>, service: &Service) -> String {
        let host = host(reading, service);
        let name = host.name.clone();
        if !self.hosts.contains(&host) {
            self.hosts.push(host);
        }
        let ports = service.ports.iter().filter_map(|port| {
            let (outer, to) = (port.host.as_ref()?.parse().ok()?, port.container.parse().ok()?);
            Some(Published { port: outer, host: name.clone(), to })
        });
        let fails = service.fails.is_some() || service.is_on_host;
        self.published.extend(ports.filter(|_| !fails));
        name
    }

    /// The machine, if brokers send somebody to it by its address.
    fn add_machine(&mut self, reading: &mut Reading<'_>) {
        let mut said: BTreeMap<String, String> = BTreeMap::new();
        let networks = || self.hosts.iter().flat_map(|host| &host.networks);
        for member in &self.brokers {
            for (name, key) in member.hosts_it_names() {
                let is_known = networks().any(|network| network.aliases.contains(&name));
                if is_machine(&name) && !is_known {
                    said.entry(name).or_insert_with(|| member.written(key).to_owned());
                }
            }
        }
        if said.is_empty() {
            return;
        }
        for (name, at) in &said {
            let what = format!("`{name}` is nobody's name in this file: taken for the machine");
            let help = "who dials it comes back in through the ports that are published there";
            reading.find(("N03", Severity::Information), at.clone(), "", what, help);
        }
        let names: BTreeSet<String> = networks().map(|network| network.name.clone()).collect();
        let aliases: Vec<String> = said.into_keys().chain(Some(MACHINE.to_owned())).collect();
        let on = |name| Network { name, aliases: aliases.clone() };
        let machine =
            Host { name: MACHINE.to_owned(), networks: names.into_iter().map(on).collect() };
        self.hosts.retain(|host| host.name != MACHINE);
        self.hosts.push(machine);
    }

    /// Everybody looked at together.
    fn cluster(mut self, reading: &mut Reading<'_>, services: &[Service]) -> Cluster {
        self.add_machine(reading);
        self.published.extend(brokers::open_ports(&self.brokers));
        let (hosts, published) = (&self.hosts, &self.published);
        let names = Names { hosts, published, help: NAMES };
        let doors = ensemble::check(reading, &mut self.zookeepers, hosts, NAMES);
        let staged = brokers::check(reading, &mut self.brokers, &doors, &names);
        let everybody = || ensemble::everybody(&self.zookeepers, &doors);
        let connect = match staged.connect {
            // A loopback of their own leads the clients of scenarios nowhere.
            Some(connect) if !ensemble::leads_somewhere(&connect, &doors, &names) => {
                format!("{}{}", everybody().text, ensemble::parts(&connect).1)
            }
            Some(connect) => connect,
            None => {
                let told = told(reading, services).unwrap_or_else(everybody);
                ensemble::connected(reading, &doors, &names, &told)
            }
        };
        Cluster {
            hosts: self.hosts,
            published: self.published,
            zookeepers: self.zookeepers.into_iter().map(|member| member.zookeeper).collect(),
            connect,
            brokers: self.brokers.into_iter().map(|member| member.broker).collect(),
            topics: staged.topics,
            findings: together(std::mem::take(&mut reading.findings)),
            not_staged: self.not_staged,
            unread: std::mem::take(&mut reading.unread),
        }
    }
}

/// The machine a container is, with the names it has on its networks.
fn host(reading: &mut Reading<'_>, service: &Service) -> Host {
    if service.is_on_host {
        let networks = vec![Network { name: "host".to_owned(), aliases: vec![MACHINE.to_owned()] }];
        return Host { name: MACHINE.to_owned(), networks };
    }
    let mut names = vec![service.name.clone()];
    names.extend(service.container_name.as_ref().map(|name| name.value.clone()));
    if let Some(hostname) = &service.hostname
        && !names.contains(&hostname.value)
    {
        let at = reading.at(&hostname.span);
        let what =
            format!("its hostname `{}` is certain only inside its own container", hostname.value);
        let help = "others should say the service's name";
        reading.find(("N03", Severity::Information), at, &service.name, what, help);
        names.push(hostname.value.clone());
    }
    let network = |attached: &compose::Attachment| {
        let mut aliases = names.clone();
        aliases.extend(attached.aliases.iter().cloned());
        let mut known = BTreeSet::new();
        aliases.retain(|alias| known.insert(alias.clone()));
        Network { name: attached.network.clone(), aliases }
    };
    Host { name: service.name.clone(), networks: service.networks.iter().map(network).collect() }
}

/// What the first broker that is not staged is told.
fn told(reading: &Reading<'_>, services: &[Service]) -> Option<Connect> {
    let mut variables = services.iter().filter(|service| service.profile.is_none()).filter_map(
        |service| -> Option<(&Service, &Variable)> {
            Some((service, CONNECT.iter().find_map(|name| service.set(name))?))
        },
    );
    let (first, variable) = variables.next()?;
    let at = reading.at(&variable.span);
    let localhost_is = first.is_on_host.then(|| MACHINE.to_owned());
    let text = variable.value.trim().to_owned();
    Some(Connect { text, at, told: Vec::new(), localhost_is })
}
