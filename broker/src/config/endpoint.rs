//! `NAME://host:port`, and lists of them (`kafka.cluster.EndPoint`, `CoreUtils.listenerListToEndPoints`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

/// `NAME://host:port`. An empty host means all addresses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Endpoint {
    /// The listener's name (`PLAINTEXT`).
    pub name: String,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Endpoint {
    /// Reads `NAME://host:port` or `NAME://[address]:port`; `None` if it is none. Names are put in capitals.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, place) = text.split_once("://")?;
        let (host, port) = place.rsplit_once(':')?;
        let host =
            host.strip_prefix('[').map_or(host, |host| host.strip_suffix(']').unwrap_or(host));
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-%._:".contains(letter);
        if !host.chars().all(allowed) {
            return None;
        }
        Some(Self {
            name: name.to_ascii_uppercase(),
            host: host.to_owned(),
            port: port.parse().ok()?,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, host, port } = self;
        if host.contains(':') {
            write!(f, "{name}://[{host}]:{port}")
        } else {
            write!(f, "{name}://{host}:{port}")
        }
    }
}

/// A list of endpoints with commas between them.
///
/// # Errors
/// The broker's own words: what cannot be read, has no security protocol, or a name or port that another has.
pub(super) fn list(
    text: &str,
    protocols: &BTreeMap<String, String>,
) -> Result<Vec<Endpoint>, String> {
    let wrong = |why: String| format!("Error creating broker listeners from '{text}': {why}");
    let mut endpoints = Vec::new();
    for item in items(text) {
        let endpoint = Endpoint::parse(item)
            .ok_or_else(|| wrong(format!("Unable to parse {item} to a broker endpoint")))?;
        if !protocols.contains_key(&endpoint.name) {
            let name = &endpoint.name;
            return Err(wrong(format!("No security protocol defined for listener {name}")));
        }
        endpoints.push(endpoint);
    }
    let names: BTreeSet<_> = endpoints.iter().map(|endpoint| &endpoint.name).collect();
    let some_port = |endpoint: &&Endpoint| endpoint.port != 0;
    let ports: BTreeSet<_> =
        endpoints.iter().filter(some_port).map(|endpoint| endpoint.port).collect();
    if ports.len() < endpoints.iter().filter(some_port).count() {
        Err(format!("Each listener must have a different port, listeners: {text}"))
    } else if names.len() < endpoints.len() {
        Err(format!("Each listener must have a different name, listeners: {text}"))
    } else {
        Ok(endpoints)
    }
}

/// What stands between commas, without blanks and without what is empty.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}
