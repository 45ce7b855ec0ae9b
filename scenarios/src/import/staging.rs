//! From the services of a compose file to a cluster: which are ZooKeepers, where they run, what clients connect to.

use super::compose::{self, Service, Variable};
use super::ensemble::{self, Connect, Member};
use super::images::{self, Family, Image};
use super::interpolate::env_file;
use super::layout;
use super::reading::{Reading, listed, together};
use crate::cluster::{Cluster, Host, Network, Severity};

/// The host of all services with `network_mode: host`.
const DOCKER_HOST: &str = "docker-host";

/// Where brokers are told their ZooKeepers, by image.
const CONNECT: [&str; 3] =
    ["KAFKA_ZOOKEEPER_CONNECT", "KAFKA_CFG_ZOOKEEPER_CONNECT", "ZOOKEEPER_CONNECT"];

/// Reads the file; what ends the import is in `reading.errors` afterwards.
pub(super) fn cluster(reading: &mut Reading<'_>) -> Cluster {
    if let Some(variables) = (reading.beside)(".env") {
        reading.variables = env_file(&variables).into_iter().collect();
    }
    let Some(root) = layout::tree(reading) else { return Cluster::default() };
    let services = compose::services(reading, &root);
    let mut members = Vec::new();
    let mut hosts: Vec<Host> = Vec::new();
    let mut not_staged = Vec::new();
    for service in &services {
        match reason_not_staged(service) {
            Some(reason) => not_staged.push(format!("{}: {reason}", service.name)),
            None => {
                let image = Image::parse(service.image.as_ref().map_or("", |i| &i.value));
                let mut zookeeper = images::stage(reading, service, &image);
                let host = host(reading, service);
                zookeeper.host.clone_from(&host.name);
                if !hosts.contains(&host) {
                    hosts.push(host);
                }
                members.push(Member { zookeeper, at: reading.at(&service.image_span()) });
            }
        }
    }
    if members.is_empty() && reading.errors.is_empty() {
        let span = root
            .get("services")
            .map_or(0..0, |_| services.first().map_or(0..0, |s| s.span.clone()));
        let message = "there is no ZooKeeper in this file";
        let help = match not_staged.as_slice() {
            [] => "give it services with an image `zookeeper`".to_owned(),
            some => format!("not staged: {}", some.join("; ")),
        };
        reading.error("F03", &span, message, "", help);
    }
    let given = connect(reading, &services, &members);
    let help = "names are services, container names and aliases on a shared network";
    let connect = ensemble::check(reading, &mut members, &hosts, given, help);
    Cluster {
        hosts,
        zookeepers: members.into_iter().map(|member| member.zookeeper).collect(),
        connect,
        findings: together(std::mem::take(&mut reading.findings)),
        not_staged,
        ..Cluster::default()
    }
}

fn reason_not_staged(service: &Service) -> Option<String> {
    if let Some(profile) = &service.profile {
        return Some(format!("only started with `--profile {profile}`"));
    }
    let Some(image) = &service.image else { return Some("it names no image".to_owned()) };
    match Image::parse(&image.value).family() {
        Family::Broker => Some("brokers are not staged yet".to_owned()),
        Family::OtherZooKeeper => Some(format!("image {} is not modelled yet", image.value)),
        Family::Other => Some(format!("{} is not part of the ensemble", image.value)),
        Family::Wurstmeister | Family::Confluent | Family::Official => None,
    }
}

/// The machine a container is, with the names it has on its networks.
fn host(reading: &mut Reading<'_>, service: &Service) -> Host {
    if service.is_on_host {
        let networks =
            vec![Network { name: "host".to_owned(), aliases: vec![DOCKER_HOST.to_owned()] }];
        return Host { name: DOCKER_HOST.to_owned(), networks };
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

/// What the brokers of the file are told; the first one counts for the clients.
fn connect(reading: &mut Reading<'_>, services: &[Service], members: &[Member]) -> Option<Connect> {
    let is_member = |name: &str| members.iter().any(|member| member.zookeeper.name == name);
    let told: Vec<(&Service, &Variable)> = services
        .iter()
        .filter(|service| service.profile.is_none() && !is_member(&service.name))
        .filter_map(|service| Some((service, CONNECT.iter().find_map(|name| service.set(name))?)))
        .collect();
    let (first, variable) = told.first()?;
    let others: Vec<&str> = told
        .iter()
        .filter(|(_, other)| other.value != variable.value)
        .map(|(service, _)| service.name.as_str())
        .collect();
    if !others.is_empty() {
        let at = reading.at(&told.iter().find(|(s, _)| others.contains(&s.name.as_str()))?.1.span);
        let who = listed(&others);
        let what = format!("{who} and {} name different ZooKeepers or chroots", first.name);
        let help =
            format!("give all brokers of a cluster one list; clients here use {}'s", first.name);
        reading.find(("K16", Severity::Warning), at, "", what, help);
    }
    let at = reading.at(&variable.span);
    let localhost_is = first.is_on_host.then(|| DOCKER_HOST.to_owned());
    Some(Connect { text: variable.value.trim().to_owned(), at, localhost_is })
}
