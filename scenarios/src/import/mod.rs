//! From people's own files to a [`Cluster`]: `docker-compose.yml`, `zoo.cfg`, `zookeeper.properties`, `server.properties`,
//! and topics as `kafka-topics --describe` prints them.
//!
//! What is imported is what would really run, mistakes included; what is wrong with it is said in findings. Only what
//! Compose or Java would refuse to read at all ends an import. Nothing is guessed in silence, nothing is repaired.

mod brokers;
mod combine;
mod compose;
mod ensemble;
mod images;
mod interpolate;
mod kind;
mod layout;
mod names;
mod nearest;
mod plain;
pub mod properties;
mod reading;
mod server_properties;
mod staging;
mod topics;
mod yaml;
mod zoo_cfg;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::cluster::{Cluster, Severity};
use crate::diagnostic::Diagnostic;
use kind::Kind;
use reading::{Beside, Reading};

/// A file in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, as findings shall name it. Files it refers to are looked for beside it, among the other sources.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Imports the cluster that these files describe together: a compose file, or one file per server (`zoo.cfg`,
/// `zookeeper.properties`, `server.properties`); and topics printed by `kafka-topics --describe`, if there are any.
///
/// What a file is, is seen from its name or else from its content. Files they refer to (`.env`, mounted `zoo.cfg` and
/// `myid`, a `myid` beside a `zoo.cfg`) are read beside them.
///
/// # Errors
/// What makes the files unusable, with places: not readable, not YAML, refused by Compose, no ZooKeeper in it.
pub fn cluster(files: &[PathBuf]) -> Result<Cluster, Vec<Diagnostic>> {
    let mut sources = Vec::new();
    let mut unreadable = Vec::new();
    for file in files {
        let name = file.display().to_string();
        match read(file) {
            Ok(text) => sources.push(Source { name, text }),
            Err(why) => unreadable.push(about_file(&name, &format!("cannot read `{name}`: {why}"))),
        }
    }
    if !unreadable.is_empty() {
        return Err(unreadable);
    }
    import(&sources, &|path| read(Path::new(path)).ok())
}

/// Imports from memory: nothing outside `sources` is read.
///
/// # Errors
/// As [`cluster`].
pub fn cluster_of(sources: &[Source]) -> Result<Cluster, Vec<Diagnostic>> {
    let find = |path: &str| {
        let wanted = normal(path);
        sources.iter().find(|s| normal(&s.name) == wanted).map(|s| s.text.clone())
    };
    import(sources, &find)
}

/// Reads a file of at most [`yaml::BYTES_MAX`] bytes; more is not even looked at.
fn read(file: &Path) -> Result<String, String> {
    let opened = std::fs::File::open(file).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let mut start = opened.take(yaml::BYTES_MAX as u64 + 1);
    start.read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() > yaml::BYTES_MAX { Err(too_long()) } else { Ok(text) }
}

fn too_long() -> String {
    format!("it is longer than {} KiB", yaml::BYTES_MAX >> 10)
}

/// `find` takes paths as they are given, not relative to a file.
fn import(sources: &[Source], find: Beside<'_>) -> Result<Cluster, Vec<Diagnostic>> {
    if sources.is_empty() {
        return Err(vec![about_file("", "no file to import a cluster from")]);
    }
    if let Some(long) = sources.iter().find(|source| source.text.len() > yaml::BYTES_MAX) {
        return Err(vec![about_file(&long.name, &format!("`{}`: {}", long.name, too_long()))]);
    }
    let mut known: Vec<(Kind, &Source)> = Vec::new();
    let mut unknown = Vec::new();
    for source in sources {
        match kind::of(source) {
            Ok(kind) => known.push((kind, source)),
            Err(error) => unknown.push(*error),
        }
    }
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let compose: Vec<&Source> =
        known.iter().filter(|(kind, _)| *kind == Kind::Compose).map(|(_, one)| *one).collect();
    // A file that another one includes or extends is brought in by that one.
    let is_named = |file: &Source| {
        let name = Path::new(&file.name).file_name().map(|name| name.to_string_lossy());
        let others = compose.iter().filter(|other| other.name != file.name);
        name.is_some_and(|name| others.clone().any(|other| other.text.contains(&*name)))
    };
    let on_its_own: Vec<&Source> = compose.iter().copied().filter(|file| !is_named(file)).collect();
    let compose = if on_its_own.is_empty() { compose } else { on_its_own };
    match compose.as_slice() {
        [] => plain::cluster(&known, find),
        [first, others @ ..] => composed(first, others, &known, find),
    }
}

/// A compose file with those laid over it, and topics pasted beside them.
fn composed(
    file: &Source,
    others: &[&Source],
    all: &[(Kind, &Source)],
    find: Beside<'_>,
) -> Result<Cluster, Vec<Diagnostic>> {
    let asked: RefCell<BTreeSet<String>> = RefCell::default();
    let beside = |path: &str| {
        let path = joined(&file.name, path);
        asked.borrow_mut().insert(normal(&path));
        find(&path)
    };
    let mut reading = Reading::new(&file.name, &file.text, &beside);
    reading.overlays = others.iter().map(|one| (one.name.clone(), one.text.clone())).collect();
    if let Some(last) = others.last() {
        let what = "several compose files are read as `docker compose -f … -f …` reads them";
        let help =
            "later files override and add to earlier ones; give separate projects separately";
        let at = format!("{}:1:1", last.name);
        reading.find(("F06", Severity::Information), at, "", what, help);
    }
    let mut cluster = staging::cluster(&mut reading);
    topics::created(&mut reading, &mut cluster);
    let given = all.iter().filter(|(kind, _)| !matches!(kind, Kind::Compose | Kind::Topics));
    for (_, source) in given.filter(|(_, one)| !asked.borrow().contains(&normal(&one.name))) {
        let what =
            format!("`{}` is not read: nothing in the compose file refers to it", source.name);
        let help = "mount it into a service, or import it without the compose file";
        let at = format!("{}:1:1", source.name);
        reading.find(("F02", Severity::Warning), at, "", what, help);
    }
    cluster.findings.extend(reading::together(std::mem::take(&mut reading.findings)));
    cluster.unread.append(&mut reading.unread);
    reading.errors.sort_by_key(|error| (error.span.start, error.code));
    if reading.errors.is_empty() {
        topics::add_all(all, &mut cluster, find)?;
        Ok(cluster)
    } else {
        Err(reading.errors)
    }
}

/// A name that can stand in scenarios and reports: letters, digits, `.`, `_` and `-`, at most 60 of them.
fn printable(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let plain = name.chars().take(60).map(|letter| if is_plain(letter) { letter } else { '-' });
    plain.collect::<String>().trim_matches(['-', '.']).to_owned()
}

/// Something about a file as a whole.
fn about_file(name: &str, message: &str) -> Diagnostic {
    Diagnostic::error("F01", (name, "".into()), 0..0, message)
}

/// Y02: a place in a path that the author wanted to be filled in.
fn placeholder(reading: &mut Reading<'_>, span: &Range<usize>) {
    let message = "a placeholder stands where a path belongs";
    let help =
        "write a path (`./data`) or the name of a volume (`data`, declared under `volumes:`)";
    reading.error("Y02", span, message, "not filled in", help);
}

/// `path` as seen from the folder of `file`.
fn joined(file: &str, path: &str) -> String {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    folder.join(path.strip_prefix("./").unwrap_or(path)).display().to_string()
}

/// A path without `.` and without `x/..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
