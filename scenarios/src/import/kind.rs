//! What a file is: by its name, or else by what stands in it.
//!
//! Only which reader it is for; whether it makes sense to that reader is not decided here.

use std::path::Path;

use super::{Source, about_file, properties};
use crate::diagnostic::Diagnostic;

/// Who reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Compose.
    Compose,
    /// A ZooKeeper server: `zoo.cfg`, `zookeeper.properties`.
    ZooKeeper,
    /// A broker: `server.properties`.
    Broker,
    /// Nobody: printed by `kafka-topics --describe`.
    Topics,
    /// Nobody by itself; other files refer to it: `.env`, `myid`.
    Beside,
}

/// Keys by which a file of ZooKeeper shows.
const OF_ZOOKEEPER: [&str; 7] =
    ["tickTime", "dataDir", "dataLogDir", "clientPort", "initLimit", "syncLimit", "maxClientCnxns"];

/// The kind of a file.
///
/// # Errors
/// A file that looks like none of them: what was tried.
pub(super) fn of(source: &Source) -> Result<Kind, Box<Diagnostic>> {
    by_name(&source.name).or_else(|| by_content(&source.text)).ok_or_else(|| {
        let name = &source.name;
        let message = format!("what kind of file `{name}` is cannot be seen");
        let mut error = about_file(name, &message);
        error.code = "F02";
        error.help = Some(
            "neither its name nor its content is that of a compose file (`services:`), of `zoo.cfg` \
             or `zookeeper.properties` (tickTime, dataDir, server.N), of `server.properties` \
             (broker.id, zookeeper.connect, listeners), or what `kafka-topics --describe` prints \
             (`Topic: …`): name it after what it is"
                .to_owned(),
        );
        Box::new(error)
    })
}

fn by_name(name: &str) -> Option<Kind> {
    let name = Path::new(name).file_name()?.to_string_lossy().to_lowercase();
    let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
    match ending {
        "yml" | "yaml" => Some(Kind::Compose),
        "env" => Some(Kind::Beside),
        "cfg" if stem.starts_with("zoo") || stem.starts_with("zk") => Some(Kind::ZooKeeper),
        "properties" if stem.starts_with("zoo") || stem.starts_with("zk") => Some(Kind::ZooKeeper),
        "properties" if stem.starts_with("server") || stem.starts_with("broker") => {
            Some(Kind::Broker)
        }
        _ => match name.as_str() {
            "myid" => Some(Kind::Beside),
            other if other.starts_with(".env") => Some(Kind::Beside),
            _ => None,
        },
    }
}

fn by_content(text: &str) -> Option<Kind> {
    let is_compose = |line: &str| {
        let word = line.trim_end();
        word == "services:" || word.starts_with("services: ") || word.starts_with("services: #")
    };
    if text.lines().any(|line| line.trim_start().starts_with("Topic:")) {
        return Some(Kind::Topics);
    }
    if text.lines().any(is_compose) {
        return Some(Kind::Compose);
    }
    let entries = properties::parse(text);
    let is_zookeeper = |key: &str| OF_ZOOKEEPER.contains(&key) || key.starts_with("server.");
    let count = |counts: &dyn Fn(&str) -> bool| {
        entries.iter().filter(|entry| counts(entry.key.trim())).count()
    };
    match (count(&is_zookeeper), count(&broker::config::is_broker_key)) {
        (0, 0) => None,
        (zookeeper, broker) if zookeeper > broker => Some(Kind::ZooKeeper),
        _ => Some(Kind::Broker),
    }
}

/// The words a file's own path offers as a name: its folder, its stem.
pub(super) fn path_words(source: &Source) -> Vec<String> {
    let path = Path::new(&source.name);
    let folder = path.parent().and_then(Path::file_name);
    [folder, path.file_stem()].into_iter().flatten().map(|w| w.to_string_lossy().into()).collect()
}

/// The folder a file lies in, without those that only say what kind of files lie there (`config`, `etc`); `last` where there
/// is no other (`zookeeper` of a ZooKeeper).
pub(super) fn folder_name(source: &Source, last: &str) -> Option<String> {
    const GENERIC: [&str; 7] =
        ["conf", "config", "etc", "files", "kafka", "properties", "zookeeper"];
    let folder = Path::new(&source.name).parent()?;
    let names = || folder.components().rev().map(|part| part.as_os_str().to_string_lossy());
    let is_telling = |name: &str| {
        !GENERIC.contains(&name.to_lowercase().as_str())
            && !name.trim_matches(['.', '/']).is_empty()
    };
    let telling = names().find(|name| is_telling(name));
    telling.or_else(|| names().find(|name| name == last)).map(|name| name.into_owned())
}
