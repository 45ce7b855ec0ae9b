//! Where a question's cluster comes from: people's own files, or the `[cluster]` of a TOML file; and how the scenario that is
//! written for the question says so.

use std::path::{Component, Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cluster::Cluster;
use crate::diagnostic::Diagnostic;
use crate::import;
use crate::script;
use crate::script::ensemble::Source;

/// A cluster, and the words for it.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The cluster as it will be staged.
    pub cluster: Cluster,
    /// What was imported for it: what a scenario with these words is played on.
    pub imported: Option<Cluster>,
    /// The lines of `[cluster]`: keys with their values as they are written.
    keys: Vec<(String, String)>,
    /// The topics of `[cluster]`, as they are written.
    topics: Vec<String>,
    /// Files that the cluster is imported from.
    files: Vec<PathBuf>,
    /// The lines of `[hosts]`.
    pub(super) hosts: Vec<(String, String)>,
}

/// Reads the files of a question: one TOML file with a `[cluster]`, or files that are imported together.
///
/// # Errors
/// What keeps the files from being used, with places.
pub fn read(files: &[PathBuf]) -> Result<Ground, Vec<Diagnostic>> {
    let is_toml = |file: &&PathBuf| file.extension().is_some_and(|ending| ending == "toml");
    match files.iter().find(is_toml) {
        None => {
            let cluster = import::cluster(files)?;
            Ok(of_files(files, cluster))
        }
        Some(file) if files.len() > 1 => {
            let what = "a scenario or a `[cluster]` stands alone, and other files are given too";
            Err(vec![about(file, what, "name those files in its `from = [...]`")])
        }
        Some(file) => {
            let source = std::fs::read_to_string(file)
                .map_err(|error| vec![about(file, &format!("cannot be read: {error}"), "")])?;
            of_toml(&source, file)
        }
    }
}

/// Of a cluster that was imported from these files.
pub fn of_files(files: &[PathBuf], cluster: Cluster) -> Ground {
    let mut staged = cluster.clone();
    if staged.connect.is_empty() {
        let addresses = staged.zookeepers.iter().map(script::ensemble::client_address);
        staged.connect = addresses.collect::<Vec<_>>().join(",");
    }
    Ground {
        cluster: staged,
        imported: Some(cluster),
        keys: Vec::new(),
        topics: Vec::new(),
        files: files.to_vec(),
        hosts: Vec::new(),
    }
}

/// Of the `[cluster]` and the `[hosts]` of a TOML file, whatever else is in it. Files it names are read beside it.
///
/// # Errors
/// What keeps the file, or the files it names, from being used, with places.
pub fn of_toml(source: &str, file: &Path) -> Result<Ground, Vec<Diagnostic>> {
    let ensemble = script::read_cluster(source, &file.display().to_string())?;
    let mut files = Vec::new();
    if let Source::Files(named) = &ensemble.source {
        let folder = file.parent().unwrap_or(Path::new(""));
        files.extend(named.iter().map(|named| folder.join(&named.value)));
    }
    let imported = if files.is_empty() { None } else { Some(import::cluster(&files)?) };
    let Some(cluster) = ensemble.stage(imported.clone()) else {
        return Err(vec![about(file, "names no files to take its cluster from", "")]);
    };
    let (document, _) = DeTable::parse_recoverable(source);
    let document = document.get_ref();
    let mut ground = Ground {
        cluster,
        imported,
        keys: Vec::new(),
        topics: Vec::new(),
        files,
        hosts: Vec::new(),
    };
    if let Some(DeValue::Table(table)) = entry(document, "cluster") {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("from", _) => {}
                ("topics", DeValue::Array(topics)) => {
                    ground.topics = topics.iter().map(|one| inline(one, source)).collect();
                }
                (key, _) => ground.keys.push((key.to_owned(), inline(value, source))),
            }
        }
    }
    // What there is comes first, and then how it behaves.
    let rank = |key: &str| ["zookeeper", "brokers", "kafka"].iter().position(|one| *one == key);
    ground.keys.sort_by_key(|(key, _)| rank(key).unwrap_or(usize::MAX));
    if let Some(DeValue::Table(table)) = entry(document, "hosts") {
        let hosts = table.iter();
        let hosts = hosts.map(|(name, nodes)| (name.get_ref().to_string(), inline(nodes, source)));
        ground.hosts = hosts.collect();
    }
    Ok(ground)
}

impl Ground {
    /// The files of the cluster as a scenario in `folder` names them, in quotes.
    pub(super) fn files_from(&self, folder: &Path) -> Vec<String> {
        self.files.iter().map(|file| quoted(&seen_from(folder, file))).collect()
    }

    /// The other lines of `[cluster]`, with one more topic where there is one.
    pub(super) fn keys(&self, topic: Option<String>) -> Vec<(String, String)> {
        let mut keys = self.keys.clone();
        let topics: Vec<String> = self.topics.iter().cloned().chain(topic).collect();
        if !topics.is_empty() {
            keys.push(("topics".to_owned(), format!("[{}]", topics.join(", "))));
        }
        keys
    }
}

fn entry<'t>(table: &'t DeTable<'_>, key: &str) -> Option<&'t DeValue<'t>> {
    let found = table.iter().find(|(name, _)| name.get_ref() == key);
    found.map(|(_, value)| value.get_ref())
}

/// A value on one line; its leaves as their author wrote them.
fn inline(value: &Spanned<DeValue<'_>>, source: &str) -> String {
    let written = source.get(value.span()).unwrap_or_default();
    match value.get_ref() {
        DeValue::Table(_) if written.starts_with('{') && !written.contains('\n') => {
            written.to_owned()
        }
        DeValue::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| inline(item, source)).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) => {
            let pair = |(key, value): (&Spanned<_>, &Spanned<_>)| {
                format!("{} = {}", bare(key), inline(value, source))
            };
            let pairs: Vec<_> = table.iter().map(|(key, value)| pair((key, value))).collect();
            if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
        }
        _ => written.to_owned(),
    }
}

/// A key, in quotes where TOML needs them.
fn bare(key: &Spanned<std::borrow::Cow<'_, str>>) -> String {
    let key = key.get_ref();
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if !key.is_empty() && key.chars().all(is_bare) { key.to_string() } else { quoted(key) }
}

/// A string as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => written.extend(['\\', letter]),
            letter if letter.is_control() => {
                written.push_str(&format!("\\U{:08X}", u32::from(letter)));
            }
            letter => written.push(letter),
        }
    }
    written.push('"');
    written
}

/// The path of a file as seen from a folder; both as seen from here, where neither goes up.
fn seen_from(folder: &Path, file: &Path) -> String {
    let plain = |path: &Path| {
        let parts = path.components().filter(|part| *part != Component::CurDir);
        parts.collect::<PathBuf>()
    };
    let (folder, file) = (plain(folder), plain(file));
    let goes_up = folder.components().any(|part| part == Component::ParentDir);
    if file.is_absolute() || goes_up || folder.is_absolute() {
        let whole = std::path::absolute(&file).unwrap_or(file.clone());
        let is_here = folder.as_os_str().is_empty();
        return if is_here { file } else { whole }.display().to_string();
    }
    let mut shared = folder.components().zip(file.components());
    let common = shared.by_ref().take_while(|(a, b)| a == b).count();
    let mut path = PathBuf::new();
    for _ in folder.components().skip(common) {
        path.push("..");
    }
    path.extend(file.components().skip(common));
    path.display().to_string()
}

fn about(file: &Path, what: &str, help: &str) -> Diagnostic {
    let (name, message) = (file.display().to_string(), format!("`{}`: {what}", file.display()));
    let help = Some(help.to_owned()).filter(|help| !help.is_empty());
    Diagnostic { help, ..Diagnostic::error("F01", (&name, "".into()), 0..0, message) }
}
