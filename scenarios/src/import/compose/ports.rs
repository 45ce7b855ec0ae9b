//! Published ports, mounts and networks of a service, in all forms Compose takes.

use super::{Attachment, Mount, Port};
use crate::cluster::Severity;
use crate::import::placeholder;
use crate::import::reading::Reading;
use crate::import::yaml::{Node, Value};

/// How many ports of one range are looked at.
const RANGE_MAX: u16 = 100;

/// `ports`: short (`8080:80`, `127.0.0.1:8080:80/tcp`, ranges) and long.
pub(super) fn ports(reading: &mut Reading<'_>, service: &str, node: &Node) -> Vec<Port> {
    let Some(listed) = node.get("ports").cloned() else { return Vec::new() };
    let mut ports = Vec::new();
    for item in listed.items() {
        let span = item.span.clone();
        if let Some(target) = item.get("target") {
            let published = item.get("published").cloned();
            let host = published.and_then(|published| reading.string(&published));
            let Some(container) = reading.string(target) else { continue };
            ports.extend(ranges(host.as_deref(), &container, span));
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
        let is_port = |text: &str| text.split('-').all(|part| part.trim().parse::<u16>().is_ok());
        if !is_port(container) || host.is_some_and(|host| !is_port(host)) {
            let message = format!("`{text}` is no port");
            let help = "write `\"HOST:CONTAINER\"`, both numbers up to 65535";
            reading.error("N05", &span, message, "here", help);
            continue;
        }
        ports.extend(ranges(host, container, span));
    }
    ports
}

/// One port, or each of a range: `9092-9094:9092-9094`.
fn ranges(host: Option<&str>, container: &str, span: std::ops::Range<usize>) -> Vec<Port> {
    let bounds = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some((first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?))
    };
    let one =
        |host: Option<String>, container: String| Port { host, container, span: span.clone() };
    let (Some((first, last)), host_bounds) = (bounds(container), host.and_then(bounds)) else {
        return vec![one(host.map(str::to_owned), container.to_owned())];
    };
    let count = last.saturating_sub(first).min(RANGE_MAX);
    let port = |offset: u16| {
        let host = match host_bounds {
            // A range on the machine for one port in the container: whichever is free.
            Some((from, to)) if from != to && count == 0 => None,
            Some((from, _)) => Some(from.saturating_add(offset).to_string()),
            None => host.map(str::to_owned),
        };
        one(host, first.saturating_add(offset).to_string())
    };
    (0..=count).map(port).collect()
}

/// YAML 1.1 reads `22:22` as a number of base 60 when the right part is below 60.
fn base_60(reading: &mut Reading<'_>, service: &str, item: &Node, host: &str, container: &str) {
    let Value::Scalar { text, plain: true } = &item.value else { return };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if is_number(host) && is_number(container) && container.parse().is_ok_and(|port: u32| port < 60)
    {
        let at = reading.at(&item.span);
        let what = format!("`{text}` without quotes is a number of base 60 in YAML 1.1");
        reading.find(("Y05", Severity::Warning), at, service, what, format!("write \"{text}\""));
    }
}

/// `volumes`: short (`data:/data:ro`, `./data:/data`, `/data`) and long.
pub(super) fn mounts(reading: &mut Reading<'_>, node: &Node) -> Vec<Mount> {
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
        if text.starts_with('<') {
            placeholder(reading, &span);
        }
        let (source, target) = short(&text);
        mounts.push(Mount { source: source.map(str::to_owned), target: target.to_owned(), span });
    }
    mounts
}

/// Source and target of a short form; a drive's letter (`C:\data:/data`) is part of the source.
fn short(text: &str) -> (Option<&str>, &str) {
    let letters = text.as_bytes();
    let drive = letters.len() > 2 && letters[0].is_ascii_alphabetic() && letters[1] == b':';
    // A volume's name may be one letter; drives are written in capitals or with a backslash.
    let is_root = |at: u8| at == b'\\' || (at == b'/' && letters[0].is_ascii_uppercase());
    let drive = drive && is_root(letters[2]) && text[2..].contains(':');
    let from = if drive { 2 } else { 0 };
    match text[from..].find(':').map(|colon| from + colon) {
        Some(colon) => {
            let target = text[colon + 1..].split(':').next().unwrap_or_default();
            (Some(&text[..colon]), target)
        }
        None => (None, text),
    }
}

/// `networks`: names, or names with aliases. Without any, the default network.
pub(super) fn networks(reading: &mut Reading<'_>, node: &Node) -> Vec<Attachment> {
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
        // A fixed address is one more name: people write it into connect strings.
        for alias in named.iter().chain(settings.get("ipv4_address")) {
            aliases.extend(reading.string(alias));
        }
        attached.push(Attachment { network: key.text.to_string(), aliases });
    }
    attached
}
