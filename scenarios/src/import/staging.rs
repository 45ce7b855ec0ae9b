//! From the services of a compose file to a cluster: which are ZooKeepers and which are brokers, where they run, what clients
//! connect to.

use super::brokers;
use super::compose::{self, Service, Variable};
use super::ensemble::{self, Connect, Door, Member};
use super::images::{self, Family, Image};
use super::interpolate::env_file;
use super::layout;
use super::reading::{Reading, together};
use crate::cluster::{Cluster, Host, MACHINE, Network, Severity};

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
            Family::OtherZooKeeper => format!("image {written} is not modelled yet"),
            Family::Other => format!("{written} is not part of the cluster"),
            Family::Broker => match images::kafka::stage(reading, service, &image) {
                Ok(mut member) => {
                    member.broker.host = self.host(reading, service);
                    return self.brokers.push(member);
                }
                Err(reason) => reason,
            },
            Family::Wurstmeister | Family::Confluent | Family::Official => {
                let mut zookeeper = images::stage(reading, service, &image);
                zookeeper.host = self.host(reading, service);
                let at = reading.at(&service.image_span());
                return self.zookeepers.push(Member { zookeeper, at });
            }
        };
        self.not_staged.push(format!("{}: {reason}", service.name));
    }

    /// The machine the container is, added if it is new.
    fn host(&mut self, reading: &mut Reading<'_>, service: &Service) -> String {
        let host = host(reading, service);
        let name = host.name.clone();
        if !self.hosts.contains(&host) {
            self.hosts.push(host);
        }
        name
    }

    /// Everybody looked at together.
    fn cluster(mut self, reading: &mut Reading<'_>, services: &[Service]) -> Cluster {
        let hosts = &self.hosts;
        let doors = ensemble::check(reading, &mut self.zookeepers, hosts, NAMES);
        let staged = brokers::check(reading, &mut self.brokers, hosts, &doors, NAMES);
        let connect = staged.connect.unwrap_or_else(|| {
            let told = told(reading, services)
                .unwrap_or_else(|| ensemble::everybody(&self.zookeepers, &doors));
            connected(reading, &doors, hosts, &told)
        });
        let mut unread = Vec::new();
        for member in &mut self.brokers {
            unread.append(&mut member.unread);
        }
        Cluster {
            hosts: self.hosts,
            published: Vec::new(),
            zookeepers: self.zookeepers.into_iter().map(|member| member.zookeeper).collect(),
            connect,
            brokers: self.brokers.into_iter().map(|member| member.broker).collect(),
            topics: staged.topics,
            findings: together(std::mem::take(&mut reading.findings)),
            not_staged: self.not_staged,
            unread,
        }
    }
}

fn connected(reading: &mut Reading<'_>, doors: &[Door], hosts: &[Host], told: &Connect) -> String {
    ensemble::connected(reading, doors, hosts, NAMES, told)
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
        let mut known = std::collections::BTreeSet::new();
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
