//! The services of a compose file: images, variables, networks, ports, mounts, as Compose would read them.
//!
//! What Compose itself would refuse ends the import here, with Compose's reason. What an image makes of its variables is
//! not decided here.

mod environment;
mod fields;
mod order;
mod ports;
mod tools;

use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use super::images::{Family, Image};
use super::interpolate::interpolate;
use super::reading::{Reading, Spot};
use super::yaml::{Key, Node};
use crate::cluster::Severity;

/// One service.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub name: String,
    pub span: Range<usize>,
    pub image: Option<Spot<String>>,
    pub environment: Vec<Variable>,
    /// Empty in host mode.
    pub networks: Vec<Attachment>,
    /// `network_mode: host`.
    pub is_on_host: bool,
    pub container_name: Option<Spot<String>>,
    pub hostname: Option<Spot<String>>,
    pub ports: Vec<Port>,
    pub mounts: Vec<Mount>,
    /// Only started with `--profile`.
    pub profile: Option<String>,
    /// What runs in it instead of the server in its image.
    pub tool: Option<String>,
    /// Why Compose cannot start its container.
    pub fails: Option<String>,
}

/// One environment variable as the container sees it.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub name: String,
    pub value: String,
    /// Where its name stands.
    pub span: Range<usize>,
}

/// A network a service is on.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    pub network: String,
    pub aliases: Vec<String>,
}

/// A published port.
#[derive(Clone, Debug)]
pub(super) struct Port {
    /// On the host, if it is fixed.
    pub host: Option<String>,
    /// In the container.
    pub container: String,
    pub span: Range<usize>,
}

/// A volume or a file mounted into the container.
#[derive(Clone, Debug)]
pub(super) struct Mount {
    /// A volume's name or a path; anonymous if absent.
    pub source: Option<String>,
    pub target: String,
    pub span: Range<usize>,
}

impl Service {
    /// The value of a variable that is set and not empty.
    pub fn set(&self, name: &str) -> Option<&Variable> {
        self.environment.iter().find(|variable| variable.name == name && !variable.value.is_empty())
    }

    /// The place of the image, or of the service if it has none.
    pub fn image_span(&self) -> Range<usize> {
        self.image.as_ref().map_or(self.span.clone(), |image| image.span.clone())
    }
}

/// Reads all services. What Compose would refuse is in `reading.errors` afterwards.
pub(super) fn services(reading: &mut Reading<'_>, root: &Node) -> Vec<Service> {
    top_level(reading, root);
    fields::of_file(reading, root);
    let Some(services) = root.get("services").cloned() else { return Vec::new() };
    let networks = declared(root, "networks");
    let volumes = declared(root, "volumes");
    let names: BTreeSet<String> =
        services.entries().iter().map(|(key, _)| key.text.to_string()).collect();
    let mut read = Vec::new();
    for (key, node) in services.entries() {
        let mut service = service(reading, key, node);
        for attachment in &service.networks {
            undeclared(reading, node, "network", &attachment.network, &networks);
        }
        for mount in &service.mounts {
            let named = mount.source.as_deref().filter(|source| is_volume_name(source));
            if let Some(volume) = named.filter(|volume| !volumes.contains(*volume)) {
                let message =
                    format!("service `{}` uses volume `{volume}`, declared nowhere", key.text);
                let help = format!(
                    "add `volumes: {{ {volume}: }}` at the top level, or write `./{volume}`"
                );
                reading.error("N01", &mount.span, message, "this volume", help);
            }
        }
        service.fails = order::depends_on(reading, (&service, key, node), &services);
        order::restart(reading, &service, node);
        tools::commands(reading, &service, node);
        fields::of_service(reading, &service, node);
        read.push((service, node));
    }
    let (mut read, nodes): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    order::links(reading, &mut read, &services);
    let copies = |(service, node): (_, &Rc<Node>)| order::copies(reading, service, node, &names);
    let mut read: Vec<Service> = read.into_iter().zip(nodes).flat_map(copies).collect();
    order::rivals(reading, &mut read);
    read
}

/// Whether the image of a service is a ZooKeeper or a broker.
fn is_staged(reading: &Reading<'_>, service: &Node) -> bool {
    let image = service.get("image").and_then(|image| image.text());
    let image = image.and_then(|image| interpolate(image, &reading.variables).ok());
    image.is_some_and(|image| Image::parse(&image.text).family() != Family::Other)
}

/// Keys Compose knows at the top; a service standing there is the usual mistake.
fn top_level(reading: &mut Reading<'_>, root: &Node) {
    const KNOWN: [&str; 9] = [
        "configs", "include", "models", "name", "networks", "secrets", "services", "version",
        "volumes",
    ];
    let has_services = root.get("services").is_some();
    for (key, value) in root.entries() {
        if KNOWN.contains(&&*key.text) || key.text.starts_with("x-") {
            continue;
        }
        let is_service = value.get("image").or_else(|| value.get("build")).is_some();
        let message = match is_service {
            true => format!("`{}` stands at the top level: Compose refuses it there", key.text),
            false => format!("Compose knows no top-level key `{}`", key.text),
        };
        let help = match (is_service, has_services) {
            (true, true) => "indent it so that it stands under `services:`",
            (true, false) => "put `services:` above the services and indent them",
            (false, _) => "start it with `x-` if it is yours",
        };
        reading.error("Y03", &key.span, message, "additional property", help);
    }
}

/// The names declared under a top-level key.
fn declared(root: &Node, section: &str) -> BTreeSet<String> {
    let entries = root.get(section).map(|node| node.entries()).unwrap_or_default();
    entries.iter().map(|(key, _)| key.text.to_string()).collect()
}

fn undeclared(
    reading: &mut Reading<'_>,
    service: &Node,
    kind: &str,
    name: &str,
    declared: &BTreeSet<String>,
) {
    if name == "default" || declared.contains(name) {
        return;
    }
    let span = service.get("networks").map_or(service.span.clone(), |list| {
        let item = list.items().iter().find(|item| item.text() == Some(name));
        let key = list.entries().iter().find(|(key, _)| &*key.text == name);
        let inner = item.map(|item| item.span.clone()).or(key.map(|(key, _)| key.span.clone()));
        inner.unwrap_or(list.span.clone())
    });
    let message = format!("{kind} `{name}` is used and declared nowhere");
    let help = format!("add `{kind}s: {{ {name}: }}` at the top level");
    reading.error("N01", &span, message, "undefined", help);
}

fn is_volume_name(source: &str) -> bool {
    source.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && !source.contains(['/', '\\'])
}

fn service(reading: &mut Reading<'_>, key: &Key, node: &Rc<Node>) -> Service {
    let name = key.text.to_string();
    if !node.is_null() && node.entries().is_empty() {
        let message = format!("service `{name}` is not a mapping");
        reading.error("Y03", &node.span, message, "here", "give it at least an `image:`");
    }
    let mode = node.get("network_mode").and_then(|mode| reading.string(mode));
    let is_on_host = mode.as_deref() == Some("host");
    if let (Some(mode), false) = (&mode, is_on_host) {
        let at = reading.at(&key.span);
        let what = format!("`network_mode: {mode}` is not modelled: taken for the default network");
        let help = "use `networks:`, or `network_mode: host`";
        reading.find(("N01", Severity::Warning), at, &name, what, help);
    }
    let mut read = |key: &str| node.get(key).cloned().and_then(|node| reading.spot(&node));
    let (image, container_name) = (read("image"), read("container_name"));
    let hostname = read("hostname");
    Service {
        environment: environment::read(reading, &name, node),
        networks: if is_on_host { Vec::new() } else { ports::networks(reading, node) },
        ports: ports::ports(reading, &name, node),
        mounts: ports::mounts(reading, node),
        profile: order::profile(reading, node),
        span: key.span.clone(),
        name,
        image,
        is_on_host,
        tool: tools::instead(reading, node),
        container_name,
        hostname,
        fails: None,
    }
}
