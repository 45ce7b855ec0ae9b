//! One `zoo.cfg` or `zookeeper.properties`: one ZooKeeper server.
//!
//! A file does not say which server it belongs to or which version reads it: the number comes from `myid` beside it or from
//! the names around it, the version from the form of its server lines.

use coordinator::config::Syntax;
use coordinator::mechanism::Preset;

use super::ensemble::Member;
use super::kind::{folder_name, path_words};
use super::names::is_loopback;
use super::properties::{self, Entry};
use super::reading::Reading;
use super::{Source, joined, printable};
use crate::cluster::{MYID, Property, Severity, ZooKeeper};

/// The lines of a file, and the number of the server it belongs to.
pub(super) struct Lines {
    entries: Vec<Entry>,
    myid: Option<Property>,
}

impl Lines {
    /// Reads the lines and finds the number.
    pub fn read(reading: &mut Reading<'_>, source: &Source) -> Self {
        let entries = properties::parse(&source.text);
        let myid = myid(reading, source, &entries);
        Self { entries, myid }
    }

    /// Whether all servers of its list are on its own machine.
    pub fn is_only_itself(&self) -> bool {
        let count = servers(&self.entries).count();
        count > 1 && servers(&self.entries).all(|(_, entry)| is_loopback(host_of(entry)))
    }

    /// What its machine is called.
    pub fn name(
        &self,
        source: &Source,
        files: usize,
        index: usize,
        is_taken: &dyn Fn(&str) -> bool,
    ) -> String {
        let words = path_words(source);
        let is_host =
            |word: &&String| servers(&self.entries).any(|(_, e)| is_called(host_of(e), word));
        let folder = folder_name(source, "zookeeper").filter(|_| files > 1);
        let is_telling = |word: &&String| !matches!(word.as_str(), "zoo" | "zookeeper" | "");
        let named = words.iter().find(is_host).cloned().or(folder);
        match named.or(words.last().filter(is_telling).cloned()).map(|name| printable(&name)) {
            Some(name) if !name.is_empty() && !is_taken(&name) => name,
            _ => format!("zookeeper-{}", index + 1),
        }
    }

    /// What it is called beside another server of its machine.
    pub fn own_name(&self, source: &Source, index: usize) -> String {
        let stem = path_words(source).pop().map(|stem| printable(&stem)).unwrap_or_default();
        match stem.as_str() {
            "" | "zoo" | "zookeeper" => format!("zookeeper-{}", index + 1),
            _ => stem,
        }
    }

    /// The addresses others know it by: those of its own line.
    pub fn addresses(&self) -> Vec<String> {
        let own = servers(&self.entries)
            .find(|(id, _)| self.myid.as_ref().is_some_and(|myid| *id == myid.value));
        let host = own.map(|(_, entry)| host_of(entry));
        let named = host.filter(|host| !is_loopback(host) && !matches!(*host, "" | "0.0.0.0"));
        named.map(str::to_owned).into_iter().collect()
    }

    /// The server.
    pub fn member(
        &self,
        reading: &mut Reading<'_>,
        source: &Source,
        name: &str,
        host: &str,
    ) -> Member {
        let entries = &self.entries;
        let has = |key: &str| entries.iter().any(|entry| entry.key.trim() == key);
        let is_dynamic = has("standaloneEnabled")
            || has("reconfigEnabled")
            || servers(entries).any(|(_, entry)| entry.value.contains(';'));
        let (syntax, preset) = match is_dynamic {
            true => (Syntax::V3_5, Preset::V3_6_3),
            false => (Syntax::V3_4, Preset::V3_4_14),
        };
        let at = format!("{}:1:1", source.name);
        told(reading, entries, (name, &at), &preset, is_dynamic);
        let property = |entry: &Entry| Property {
            key: entry.key.trim().to_owned(),
            value: entry.value.trim().to_owned(),
            from: format!("{}:{}", source.name, entry.line),
        };
        let zookeeper = ZooKeeper {
            name: name.to_owned(),
            host: host.to_owned(),
            myid: self.myid.clone(),
            properties: entries.iter().map(property).collect(),
            preset,
            syntax,
            never_starts: None,
        };
        Member { zookeeper, at }
    }
}

/// V01, Z10, Z12: what a file leaves open.
fn told(
    reading: &mut Reading<'_>,
    entries: &[Entry],
    (name, at): (&str, &str),
    preset: &Preset,
    is_dynamic: bool,
) {
    let form = if is_dynamic { "3.5 or later" } else { "3.4 or later" };
    let what = format!("written for {form}, the version is not in the file: {preset} is run");
    let help = "say another version in the scenario to run its mechanisms";
    reading.find(("V01", Severity::Information), at.to_owned(), name, what, help);
    if entries.iter().all(|entry| entry.key.trim() != "tickTime") {
        let what = "tickTime is not set: it is 3000, sessions last from 6 s to 60 s";
        let help = "set tickTime=2000 for what most guides assume";
        reading.find(("Z10", Severity::Information), at.to_owned(), name, what, help);
    }
    if let Some(data) = entries.iter().find(|e| e.key == "dataDir" && e.value.starts_with("/tmp")) {
        let what = format!("dataDir is {}: a reboot empties it", data.value.trim());
        let at = reading.at(&data.span);
        reading.find(("Z12", Severity::Warning), at, name, what, "keep it elsewhere");
    }
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
fn myid(reading: &mut Reading<'_>, source: &Source, entries: &[Entry]) -> Option<Property> {
    let number = |value: &str, from: String| {
        Some(Property { key: MYID.to_owned(), value: value.to_owned(), from })
    };
    let beside = joined(&source.name, "myid");
    if let Some(text) = (reading.beside)(&beside) {
        return number(text.lines().next().unwrap_or_default(), format!("{beside}:1"));
    }
    let count = servers(entries).count();
    let words = path_words(source);
    let own = servers(entries)
        .find(|(_, entry)| words.iter().any(|word| is_called(host_of(entry), word)));
    if let Some((id, entry)) = own {
        return number(id, format!("{}:{}", source.name, entry.line));
    }
    if count > 1
        && let Some(id) = numbered(&words, entries)
    {
        let at = format!("{}:1:1", source.name);
        let what = format!("taken for server {id} because of its file's name: there is no `myid`");
        let help = "put a file `myid` with its number beside it";
        reading.find(("F05", Severity::Information), at, "", what, help);
        return number(&id, "assumed: the number in its file's name".to_owned());
    }
    if count > 1 {
        let span = servers(entries).next().map_or(0..0, |(_, entry)| entry.span.clone());
        let message = "which of these servers this file belongs to is not to be seen";
        let help = "put a file `myid` with its number beside it, or name its folder like its host";
        reading.error("Z05", &span, message, "one of these", help);
    }
    None
}

/// The number a file's own name ends with, if the list has such a server: `zoo2.cfg`.
fn numbered(words: &[String], entries: &[Entry]) -> Option<String> {
    let stem = words.last()?;
    let start = stem.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
    let number = &stem[start..];
    let is_listed = servers(entries).any(|(id, _)| id == number);
    (!number.is_empty() && is_listed).then(|| number.to_owned())
}
