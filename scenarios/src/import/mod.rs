//! From people's own files to a [`Cluster`]: `docker-compose.yml`, `zoo.cfg`, `zookeeper.properties`.
//!
//! What is imported is what would really run, mistakes included; what is wrong with it is said in findings. Only what
//! Compose or Java would refuse to read at all ends an import. Nothing is guessed in silence, nothing is repaired.

mod brokers;
mod compose;
mod ensemble;
mod images;
mod interpolate;
mod layout;
mod names;
mod nearest;
pub mod properties;
mod reading;
mod staging;
mod yaml;
mod zoo_cfg;

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::cluster::Cluster;
use crate::diagnostic::Diagnostic;
use reading::{Beside, Reading};

/// A file in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, as findings shall name it. Files it refers to are looked for beside it, among the other sources.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Imports the cluster that these files describe: one compose file, or one `zoo.cfg` (`zookeeper.properties`) per server.
///
/// Files they refer to (`.env`, mounted `zoo.cfg` and `myid`, a `myid` beside a `zoo.cfg`) are read beside them.
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

/// Reads a file of at most [`yaml::BYTES_MAX`] bytes.
fn read(file: &Path) -> Result<String, String> {
    let length = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if length > yaml::BYTES_MAX as u64 {
        return Err(too_long());
    }
    std::fs::read_to_string(file).map_err(|error| error.to_string())
}

fn too_long() -> String {
    format!("it is longer than {} KiB", yaml::BYTES_MAX >> 10)
}

/// `find` takes paths as they are given, not relative to a file.
fn import(sources: &[Source], find: Beside<'_>) -> Result<Cluster, Vec<Diagnostic>> {
    let is_compose = |source: &&Source| {
        let name = source.name.to_lowercase();
        name.ends_with(".yml") || name.ends_with(".yaml")
    };
    if let Some(long) = sources.iter().find(|source| source.text.len() > yaml::BYTES_MAX) {
        return Err(vec![about_file(&long.name, &format!("`{}`: {}", long.name, too_long()))]);
    }
    let compose: Vec<&Source> = sources.iter().filter(is_compose).collect();
    match compose.as_slice() {
        [] if sources.is_empty() => Err(vec![about_file("", "no file to import a cluster from")]),
        [] => zoo_cfg::cluster(sources, find),
        [one] => {
            let beside = |path: &str| find(&joined(&one.name, path));
            let mut reading = Reading::new(&one.name, &one.text, &beside);
            let cluster = staging::cluster(&mut reading);
            reading.errors.sort_by_key(|error| (error.span.start, error.code));
            if reading.errors.is_empty() { Ok(cluster) } else { Err(reading.errors) }
        }
        [_, second, ..] => {
            let message = "several compose files are not put together";
            let mut error = about_file(&second.name, message);
            error.help = Some("run `docker compose config` and import what it prints".to_owned());
            Err(vec![error])
        }
    }
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
    folder.join(path).display().to_string()
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
