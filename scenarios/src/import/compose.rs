//! The services of a compose file: images, variables, networks, ports, mounts, as Compose would read them.
//!
//! What Compose itself would refuse ends the import here, with Compose's reason. What an image makes of its variables is
//! not decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use super::interpolate::env_file;
use super::reading::{Reading, Spot};
use super::yaml::{Key, Node};
use crate::cluster::Severity;

/// One service.
#[derive(Debug)]
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
#[derive(Debug)]
pub(super) struct Attachment {
    pub network: String,
    pub aliases: Vec<String>,
}

/// A published port.
#[derive(Debug)]
pub(super) struct Port {
    /// On the host, if it is fixed.
    pub host: Option<String>,
    /// In the container.
    pub container: String,
    pub span: Range<usize>,
}

/// A volume or a file mounted into the container.
#[derive(Debug)]
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
    let Some(services) = root.get("services").cloned() else { return Vec::new() };
    let networks = declared(root, "networks");
    let volumes = declared(root, "volumes");
    let names: BTreeSet<String> =
        services.entries().iter().map(|(key, _)| key.text.to_string()).collect();
    let mut read = Vec::new();
    for (key, node) in services.entries() {
        let service = service(reading, key, node);
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
        depends_on(reading, key, node, &names);
        scale(reading, key, node);
        read.push(service);
    }
    same_host_port(reading, &mut read);
    read
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
    if node.get("extends").is_some() {
        let at = reading.at(&key.span);
        let what = "`extends` is not followed: what it would add is missing";
        let help = "run `docker compose config` and import what it prints";
        reading.find(("Y03", Severity::Warning), at, &name, what, help);
    }
    let mut read = |key: &str| node.get(key).cloned().and_then(|node| reading.spot(&node));
    let (image, container_name) = (read("image"), read("container_name"));
    let hostname = read("hostname");
    let profiles = node.get("profiles").map(|profiles| profiles.items()).unwrap_or_default();
    Service {
        environment: environment(reading, &name, node),
        networks: if is_on_host { Vec::new() } else { networks(reading, node) },
        ports: ports(reading, &name, node),
        mounts: mounts(reading, node),
        profile: profiles.first().and_then(|profile| profile.text()).map(str::to_owned),
        span: key.span.clone(),
        name,
        image,
        is_on_host,
        container_name,
        hostname,
        fails: None,
    }
}

/// `env_file` first, `environment` over it; as a map or as a list.
fn environment(reading: &mut Reading<'_>, service: &str, node: &Node) -> Vec<Variable> {
    let mut variables: BTreeMap<String, Variable> = BTreeMap::new();
    for (name, value, span) in from_env_files(reading, service, node) {
        variables.insert(name.clone(), Variable { name, value, span });
    }
    let Some(environment) = node.get("environment").cloned() else {
        return variables.into_values().collect();
    };
    for (key, value) in environment.entries() {
        boolean(reading, service, value);
        if value.is_null() {
            continue; // taken from the caller's shell, where nobody has set it
        }
        if let Some(text) = reading.string(value) {
            let (name, span) = (key.text.to_string(), key.span.clone());
            variables.insert(name.clone(), Variable { name, value: text, span });
        }
    }
    for item in environment.items() {
        let Some(text) = reading.string(item) else { continue };
        if let Some((name, value)) = text.split_once('=') {
            let (name, value) = (name.to_owned(), value.to_owned());
            variables.insert(name.clone(), Variable { name, value, span: item.span.clone() });
        }
    }
    let mut variables: Vec<Variable> = variables.into_values().collect();
    variables.sort_by_key(|variable| variable.span.start);
    variables
}

fn from_env_files(
    reading: &mut Reading<'_>,
    service: &str,
    node: &Node,
) -> Vec<(String, String, Range<usize>)> {
    let Some(listed) = node.get("env_file").cloned() else { return Vec::new() };
    let single = std::slice::from_ref(&listed);
    let files = if listed.items().is_empty() { single } else { listed.items() };
    let mut variables = Vec::new();
    for file in files {
        let path = file.get("path").unwrap_or(file).clone();
        let Some(name) = reading.string(&path) else { continue };
        match (reading.beside)(&name) {
            Some(text) => {
                let lines = env_file(&text).into_iter();
                variables.extend(lines.map(|(name, value)| (name, value, path.span.clone())));
            }
            None => {
                let at = reading.at(&path.span);
                let what = format!("`env_file: {name}` is not at hand: its variables are missing");
                let help = "put the file beside the compose file";
                reading.find(("Y06", Severity::Warning), at, service, what, help);
            }
        }
    }
    variables
}

/// An unquoted word that YAML takes for a boolean.
fn boolean(reading: &mut Reading<'_>, service: &str, node: &Node) {
    const WORDS: [&str; 8] = ["yes", "no", "on", "off", "true", "false", "y", "n"];
    let super::yaml::Value::Scalar { text, plain: true } = &node.value else { return };
    if WORDS.contains(&text.to_lowercase().as_str()) {
        let at = reading.at(&node.span);
        let what = format!("`{text}` without quotes is a boolean in YAML: Compose 1.x refuses it");
        reading.find(("Y05", Severity::Warning), at, service, what, format!("write \"{text}\""));
    }
}

fn networks(reading: &mut Reading<'_>, node: &Node) -> Vec<Attachment> {
    let Some(listed) = node.get("networks").filter(|networks| !networks.is_null()).cloned() else {
        return vec![Attachment { network: "default".to_owned(), aliases: Vec::new() }];
    };
    let mut attached = Vec::new();
    for item in listed.items() {
        if let Some(network) = reading.string(item) {
            attached.push(Attachment { network, aliases: Vec::new() });
        }
    }
    for (key, settings) in listed.entries() {
        let mut aliases = Vec::new();
        let named = settings.get("aliases").map(|aliases| aliases.items()).unwrap_or_default();
        for alias in named.iter().chain(settings.get("ipv4_address")) {
            aliases.extend(reading.string(alias));
        }
        attached.push(Attachment { network: key.text.to_string(), aliases });
    }
    attached
}

fn ports(reading: &mut Reading<'_>, service: &str, node: &Node) -> Vec<Port> {
    let Some(listed) = node.get("ports").cloned() else { return Vec::new() };
    let mut ports = Vec::new();
    for item in listed.items() {
        let span = item.span.clone();
        if let (Some(target), published) = (item.get("target"), item.get("published")) {
            let host = published.cloned().and_then(|published| reading.string(&published));
            ports.extend(reading.string(target).map(|container| Port { host, container, span }));
            continue;
        }
        let Some(text) = reading.string(item) else { continue };
        let bare = text.split('/').next().unwrap_or_default();
        let (host, container) = match bare.rsplit_once(':') {
            Some((host, container)) => {
                base_60(reading, service, item, host, container);
                (host.rsplit(':').next().filter(|host| !host.is_empty()), container)
            }
            None => (None, bare),
        };
        let (host, container) = (host.map(str::to_owned), container.to_owned());
        ports.push(Port { host, container, span });
    }
    ports
}

/// YAML 1.1 reads `22:22` as a number of base 60 when the right part is below 60.
fn base_60(reading: &mut Reading<'_>, service: &str, item: &Node, host: &str, container: &str) {
    let super::yaml::Value::Scalar { text, plain: true } = &item.value else { return };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if is_number(host) && is_number(container) && container.parse().is_ok_and(|port: u32| port < 60)
    {
        let at = reading.at(&item.span);
        let what = format!("`{text}` without quotes is a number of base 60 in YAML 1.1");
        reading.find(("Y05", Severity::Warning), at, service, what, format!("write \"{text}\""));
    }
}

fn mounts(reading: &mut Reading<'_>, node: &Node) -> Vec<Mount> {
    let Some(listed) = node.get("volumes").cloned() else { return Vec::new() };
    let mut mounts = Vec::new();
    for item in listed.items() {
        let span = item.span.clone();
        if let Some(target) = item.get("target") {
            let source = item.get("source").cloned().and_then(|source| reading.string(&source));
            mounts.extend(reading.string(target).map(|target| Mount { source, target, span }));
            continue;
        }
        let Some(text) = reading.string(item) else { continue };
        let mut parts = text.splitn(3, ':');
        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
        if first.starts_with('<') {
            super::placeholder(reading, &span);
        }
        let (source, target) = match second {
            Some(target) => (Some(first.to_owned()), target.to_owned()),
            None => (None, first.to_owned()),
        };
        mounts.push(Mount { source, target, span });
    }
    mounts
}

fn depends_on(reading: &mut Reading<'_>, key: &Key, node: &Node, names: &BTreeSet<String>) {
    let Some(listed) = node.get("depends_on") else { return };
    let items = listed.items().iter().filter_map(|item| Some((item.text()?, item.span.clone())));
    let keys = listed.entries().iter().map(|(key, _)| (&*key.text, key.span.clone()));
    for (name, span) in items.chain(keys) {
        if !names.contains(name) {
            let message =
                format!("service `{}` depends on `{name}`, which is no service", key.text);
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let help = format!("services are {}", super::reading::listed(&known));
            reading.error("N01", &span, message, "undefined service", help);
        }
    }
}

fn scale(reading: &mut Reading<'_>, key: &Key, node: &Node) {
    let deployed = node.get("deploy").and_then(|deploy| deploy.get("replicas"));
    let Some(scale) = node.get("scale").or(deployed) else { return };
    let count = scale.text().and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
    let is_zookeeper = node
        .get("image")
        .and_then(|image| image.text())
        .is_some_and(|image| super::images::Image::parse(image).is_zookeeper());
    if count > 1 && is_zookeeper {
        let message = format!("{count} copies of `{}` would all be the same server", key.text);
        let help = "write one service per server, each with its own number";
        reading.error("N08", &scale.span, message, "more than one", help);
    }
}

/// The second of two containers that want one host port does not start.
fn same_host_port(reading: &mut Reading<'_>, services: &mut [Service]) {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for service in services {
        for port in &service.ports {
            let Some(host) = port.host.clone() else { continue };
            let first = taken.entry(host.clone()).or_insert_with(|| service.name.clone());
            if *first == service.name {
                continue;
            }
            let what = format!("host port {host} is already allocated by {first}");
            let help = format!("publish another one: `\"PORT:{}\"`", port.container);
            service.fails = Some(format!("port is already allocated: {host}"));
            let at = reading.at(&port.span);
            reading.find(("N05", Severity::Error), at, &service.name, what, help);
        }
    }
}
