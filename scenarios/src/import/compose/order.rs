//! What services have to do with each other: who waits for whom, who starts again, who is linked to whom, who is there several
//! times.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Service, is_staged};
use crate::cluster::Severity;
use crate::import::images::{Family, Image};
use crate::import::reading::{Reading, listed};
use crate::import::yaml::{Key, Node};

/// How many copies of a service are staged.
const COPIES_MAX: usize = 16;

/// N01, N06: what `depends_on` names, and what it waits for. Says why Compose would not start the service.
pub(super) fn depends_on(
    reading: &mut Reading<'_>,
    (service, key, node): (&Service, &Key, &Node),
    services: &Node,
) -> Option<String> {
    let depends = node.get("depends_on")?;
    let mut fails = None;
    let mut first_in_order = None;
    let items = depends.items().iter().filter_map(|item| Some((item.text()?, &item.span, None)));
    let keys = depends.entries().iter().map(|(key, settings)| {
        let condition = settings.get("condition").and_then(|condition| condition.text());
        (&*key.text, &key.span, condition)
    });
    for (name, span, condition) in items.chain(keys) {
        let Some(needed) = services.get(name) else {
            undefined(reading, &key.text, name, span, services);
            continue;
        };
        if condition != Some("service_healthy") {
            if first_in_order.is_none() && is_staged(reading, needed) {
                first_in_order = Some(reading.at(span));
            }
        } else if !has_healthcheck(needed) {
            let at = reading.at(span);
            let what = format!(
                "it waits until {name} is healthy, and {name} has no healthcheck: Compose gives up \
                 and never starts it"
            );
            let help = format!("give {name} a `healthcheck:`, or wait for `service_started`");
            reading.find(("N06", Severity::Error), at, &key.text, what, help);
            fails = Some(format!("dependency failed to start: {name} has no healthcheck"));
        }
    }
    let runs = service.profile.is_none() && service.tool.is_none();
    if let Some(at) = first_in_order.filter(|_| runs && is_staged(reading, node)) {
        let what = "`depends_on` gives the order of the starts: nobody waits until others serve";
        let help = "give them a healthcheck and wait with `condition: service_healthy`";
        reading.find(("N06", Severity::Information), at, &key.text, what, help);
    }
    fails
}

fn undefined(
    reading: &mut Reading<'_>,
    service: &str,
    name: &str,
    span: &std::ops::Range<usize>,
    services: &Node,
) {
    let message = format!("service `{service}` depends on `{name}`, which is no service");
    let known: Vec<&str> = services.entries().iter().map(|(key, _)| &*key.text).collect();
    let help = format!("services are {}", listed(&known));
    reading.error("N01", span, message, "undefined service", help);
}

fn has_healthcheck(service: &Node) -> bool {
    let Some(check) = service.get("healthcheck") else { return false };
    let is_off = check.get("disable").and_then(|off| off.text()) == Some("true");
    let test = check.get("test").map(|test| test.items()).unwrap_or_default();
    let is_none = test.first().and_then(|first| first.text()) == Some("NONE");
    !is_off && !is_none
}

/// N07: a broker that gives up at start, with nobody to start it again.
pub(super) fn restart(reading: &mut Reading<'_>, service: &Service, node: &Node) {
    let image = service.image.as_ref().map_or("", |image| &image.value);
    let is_broker = Image::parse(image).family() == Family::Broker && service.tool.is_none();
    if !is_broker || service.profile.is_some() {
        return;
    }
    let policy = node.get("deploy").and_then(|deploy| deploy.get("restart_policy"));
    let condition = policy.map(|policy| policy.get("condition").and_then(|c| c.text()));
    let restart = node.get("restart").and_then(|restart| restart.text());
    let starts_again = match (condition, restart) {
        (Some(condition), _) => condition != Some("none"),
        (None, Some(restart)) => !matches!(restart, "no" | "false" | ""),
        (None, None) => false,
    };
    if !starts_again {
        let at = reading.at(&service.span);
        let what = "no restart policy: a broker that finds no ZooKeeper at start exits, and stays \
                    down";
        let help = "set `restart: unless-stopped`";
        reading.find(("N07", Severity::Warning), at, &service.name, what, help);
    }
}

/// `links`: the linked service has one more name, on the networks both are on.
pub(super) fn links(reading: &mut Reading<'_>, services: &mut [Service], all: &Node) {
    for (key, node) in all.entries() {
        let Some(links) = node.get("links").cloned() else { continue };
        for item in links.items() {
            let Some(text) = reading.string(item) else { continue };
            let (name, alias) = text.split_once(':').unwrap_or((&text, &text));
            let from = services.iter().find(|service| *service.name == *key.text);
            let shared: BTreeSet<String> = from
                .map(|from| from.networks.iter().map(|one| one.network.clone()).collect())
                .unwrap_or_default();
            let Some(linked) = services.iter_mut().find(|service| service.name == name) else {
                undefined(reading, &key.text, name, &item.span, all);
                continue;
            };
            for attached in &mut linked.networks {
                if shared.contains(&attached.network)
                    && !attached.aliases.iter().any(|a| a == alias)
                {
                    attached.aliases.push(alias.to_owned());
                }
            }
            if alias != name {
                let at = reading.at(&item.span);
                let what = format!("{name} is called `{alias}` too; here all others may say so");
                let help = "say the service's own name instead of a link";
                reading.find(("N03", Severity::Information), at, &key.text, what, help);
            }
        }
    }
}

/// N08: several copies of one service. Brokers without anything fixed are staged as often as that.
pub(super) fn copies(
    reading: &mut Reading<'_>,
    service: Service,
    node: &Node,
    names: &BTreeSet<String>,
) -> Vec<Service> {
    let deployed = node.get("deploy").and_then(|deploy| deploy.get("replicas"));
    let Some(scale) = node.get("scale").or(deployed).cloned() else { return vec![service] };
    let text = reading.string(&scale).unwrap_or_default();
    let count = match text.trim().parse::<usize>() {
        Ok(0) => {
            let mut service = service;
            service.profile.get_or_insert_with(|| "none: it is scaled to 0".to_owned());
            return vec![service];
        }
        Ok(1) => return vec![service],
        Ok(count) => count,
        Err(_) => {
            let message = format!("`{text}` is no number of copies");
            reading.error("N08", &scale.span, message, "here", "write a number");
            return vec![service];
        }
    };
    if !is_staged(reading, node) {
        return vec![service];
    }
    let image = service.image.as_ref().map_or("", |image| &image.value);
    let fixed = ["KAFKA_BROKER_ID", "KAFKA_CFG_BROKER_ID", "BROKER_ID", "NODE_ID"];
    let fixed = fixed.iter().find_map(|name| service.set(name));
    let name = &service.name;
    let (why, help) = if Image::parse(image).family() != Family::Broker {
        (
            format!("{count} copies of `{name}` would all be the same server"),
            "write one service per server, each with its own number",
        )
    } else if let Some(id) = fixed.filter(|id| id.value != "-1") {
        (
            format!("{count} copies of `{name}` would all be broker {}", id.value),
            "write one service per broker, or leave its number out",
        )
    } else if service.container_name.is_some() {
        (format!("{count} copies of `{name}` want one `container_name`"), "leave it out")
    } else if service.ports.iter().any(|port| port.host.is_some()) {
        (
            format!("{count} copies of `{name}` want one port of the machine"),
            "publish only the port in the container: `\"9092\"`",
        )
    } else if count > COPIES_MAX {
        (format!("more than {COPIES_MAX} copies are not staged"), "take fewer")
    } else {
        return copied(service, count, names);
    };
    reading.error("N08", &scale.span, why, "more than one", help);
    vec![service]
}

/// The copies, called as Compose numbers its containers; all answer to the service's name.
fn copied(service: Service, count: usize, names: &BTreeSet<String>) -> Vec<Service> {
    let copy = |number: usize| {
        let mut name = format!("{}-{number}", service.name);
        while names.contains(&name) {
            name.push_str("-copy");
        }
        let mut copy = Service { name, ..service.clone() };
        for attached in &mut copy.networks {
            attached.aliases.push(service.name.clone());
        }
        copy
    };
    (1..=count).map(copy).collect()
}

/// N05, N08: the second of two containers that want one port of the machine or one name does not start.
pub(super) fn rivals(reading: &mut Reading<'_>, services: &mut [Service]) {
    let mut ports: BTreeMap<String, String> = BTreeMap::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for service in services.iter_mut().filter(|service| service.profile.is_none()) {
        for port in &service.ports {
            let Some(host) = port.host.clone() else { continue };
            let first = ports.entry(host.clone()).or_insert_with(|| service.name.clone());
            if *first == service.name {
                continue;
            }
            let what = format!("host port {host} is already allocated by {first}");
            let help = format!("publish another one: `\"PORT:{}\"`", port.container);
            service.fails = Some(format!("port is already allocated: {host}"));
            let at = reading.at(&port.span);
            reading.find(("N05", Severity::Error), at, &service.name, what, help);
        }
        let Some(name) = &service.container_name else { continue };
        let first = names.entry(name.value.clone()).or_insert_with(|| service.name.clone());
        if *first != service.name {
            let message = format!("container name `{}` is already in use by {first}", name.value);
            let help = "give each container its own name, or none";
            reading.error("N08", &name.span, message, "again", help);
        }
    }
}

/// The profiles that are active without being asked for: `COMPOSE_PROFILES` in `.env`.
pub(super) fn profile(reading: &Reading<'_>, node: &Rc<Node>) -> Option<String> {
    let active = reading.variables.get("COMPOSE_PROFILES").map_or("", |active| active);
    let active: Vec<&str> = active.split(',').map(str::trim).collect();
    let profiles = node.get("profiles").map(|profiles| profiles.items()).unwrap_or_default();
    let mut wanted = profiles.iter().filter_map(|profile| profile.text());
    match wanted.clone().any(|profile| active.contains(&profile) || active.contains(&"*")) {
        true => None,
        false => wanted.next().map(str::to_owned),
    }
}
