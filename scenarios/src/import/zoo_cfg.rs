//! One `zoo.cfg` or `zookeeper.properties`: one ZooKeeper server.
//!
//! A file does not say which server it belongs to or which version reads it: the number comes from `myid` beside it or from
//! the names around it, the version from the form of its server lines.

use coordinator::config::Syntax;
use coordinator::mechanism::Preset;

use super::ensemble::Member;
use super::kind::path_words;
use super::plain::NETWORK;
use super::properties::{self, Entry};
use super::reading::Reading;
use super::{Source, joined, printable};
use crate::cluster::{Host, Network, Property, Severity, ZooKeeper};

/// The server of one of these files, and its machine.
pub(super) fn server(
    reading: &mut Reading<'_>,
    source: &Source,
    files: usize,
    index: usize,
    taken: &[&str],
) -> (Member, Host) {
    let entries = properties::parse(&source.text);
    let name = node_name(source, &entries, files, index, taken);
    let member = member(reading, source, &entries, &name);
    let host = host(&member.zookeeper, &entries);
    (member, host)
}

fn member(reading: &mut Reading<'_>, source: &Source, entries: &[Entry], name: &str) -> Member {
    let has = |key: &str| entries.iter().any(|entry| entry.key.trim() == key);
    let is_dynamic = has("standaloneEnabled")
        || has("reconfigEnabled")
        || servers(entries).any(|(_, entry)| entry.value.contains(';'));
    let (syntax, preset) = match is_dynamic {
        true => (Syntax::V3_5, Preset::V3_6_3),
        false => (Syntax::V3_4, Preset::V3_4_14),
    };
    let form = if is_dynamic { "3.5 or later" } else { "3.4 or later" };
    let what = format!("written for {form}, the version is not in the file: {preset} is run");
    let help = "say another version in the scenario to run its mechanisms";
    let at = format!("{}:1:1", source.name);
    reading.find(("V01", Severity::Information), at.clone(), name, what, help);
    if !has("tickTime") {
        let what = "tickTime is not set: it is 3000, sessions last from 6 s to 60 s";
        let help = "set tickTime=2000 for what most guides assume";
        reading.find(("Z10", Severity::Information), at.clone(), name, what, help);
    }
    if let Some(data) = entries.iter().find(|e| e.key == "dataDir" && e.value.starts_with("/tmp")) {
        let what = format!("dataDir is {}: a reboot empties it", data.value.trim());
        let at = reading.at(&data.span);
        reading.find(("Z12", Severity::Warning), at, name, what, "keep it elsewhere");
    }
    let properties = entries
        .iter()
        .map(|entry| Property {
            key: entry.key.trim().to_owned(),
            value: entry.value.trim().to_owned(),
            from: format!("{}:{}", source.name, entry.line),
        })
        .collect();
    let zookeeper = ZooKeeper {
        name: name.to_owned(),
        host: name.to_owned(),
        myid: myid(reading, source, entries),
        properties,
        preset,
        syntax,
        never_starts: None,
    };
    Member { zookeeper, at }
}

/// `server.N` lines: N and the entry.
fn servers(entries: &[Entry]) -> impl Iterator<Item = (&str, &Entry)> {
    entries.iter().filter_map(|entry| Some((entry.key.trim().strip_prefix("server.")?, entry)))
}

fn host_of(entry: &Entry) -> &str {
    entry.value.trim().split(':').next().unwrap_or_default()
}

/// Whether a host is called so, in full or before its first dot.
fn is_called(host: &str, word: &str) -> bool {
    host.eq_ignore_ascii_case(word)
        || host.split('.').next().is_some_and(|first| first.eq_ignore_ascii_case(word))
}

/// `myid` beside the file; else the number of the line whose host is called like the folder or the file.
fn myid(reading: &mut Reading<'_>, source: &Source, entries: &[Entry]) -> Option<String> {
    if let Some(text) = (reading.beside)(&joined(&source.name, "myid")) {
        return Some(text.lines().next().unwrap_or_default().to_owned());
    }
    let count = servers(entries).count();
    let words = path_words(source);
    let own = servers(entries)
        .find(|(_, entry)| words.iter().any(|word| is_called(host_of(entry), word)));
    if let Some((id, _)) = own {
        return Some(id.to_owned());
    }
    if count > 1 {
        let span = servers(entries).next().map_or(0..0, |(_, entry)| entry.span.clone());
        let message = "which of these servers this file belongs to is not to be seen";
        let help = "put a file `myid` with its number beside it, or name its folder like its host";
        reading.error("Z05", &span, message, "one of these", help);
    }
    None
}

/// What the node is called in scenarios.
fn node_name(
    source: &Source,
    entries: &[Entry],
    files: usize,
    index: usize,
    taken: &[&str],
) -> String {
    let words = path_words(source);
    let is_host = |word: &&String| servers(entries).any(|(_, e)| is_called(host_of(e), word));
    let folder = words.first().filter(|_| files > 1 && words.len() > 1);
    let is_telling = |word: &&String| !matches!(word.as_str(), "zoo" | "zookeeper" | "");
    let name = words.iter().find(is_host).or(folder).or(words.last().filter(is_telling));
    match name.map(|name| printable(name)) {
        Some(name) if !name.is_empty() && !taken.contains(&name.as_str()) => name,
        _ => format!("zookeeper-{}", index + 1),
    }
}

/// The machine it runs on: called like the node, and as its own server line says.
fn host(zookeeper: &ZooKeeper, entries: &[Entry]) -> Host {
    let mut aliases = vec![zookeeper.name.clone()];
    let own = servers(entries).find(|(id, _)| Some(*id) == zookeeper.myid.as_deref());
    if let Some((_, entry)) = own {
        let host = host_of(entry);
        let first = host.split('.').next().unwrap_or_default();
        for alias in [host, first] {
            let is_loopback = matches!(alias, "" | "localhost" | "127" | "0");
            if !is_loopback && aliases.iter().all(|known| known != alias) {
                aliases.push(alias.to_owned());
            }
        }
    }
    let networks = vec![Network { name: NETWORK.to_owned(), aliases }];
    Host { name: zookeeper.name.clone(), networks }
}
