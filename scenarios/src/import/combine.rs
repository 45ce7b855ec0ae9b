//! Several files that Compose reads as one: `-f a -f b`, the override file beside a compose file, `include`, `extends`.
//!
//! Every key and value keeps its place in the file it was written in. What Compose would refuse is refused here.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

use super::reading::Reading;
use super::yaml::{Key, Node, Value};
use super::{joined, layout, normal};
use crate::cluster::Severity;

/// How many values may be put together: more is a bomb.
const PARTS_MAX: usize = 50_000;
/// How deep files may include others, and services extend others.
const DEPTH_MAX: usize = 16;

/// What `command: [a]` under `command: [b]` makes: the later one alone.
const REPLACED: [&str; 3] = ["command", "entrypoint", "test"];
/// What is a list of `name=value` or of names, or a mapping: it is merged by name.
const NAMED: [&str; 7] =
    ["annotations", "args", "depends_on", "environment", "labels", "networks", "sysctls"];

/// The whole of the file being read and of those it brings in.
pub(super) fn tree(reading: &mut Reading<'_>) -> Option<Rc<Node>> {
    let mut overlays = std::mem::take(&mut reading.overlays);
    if overlays.is_empty() {
        overlays.extend(beside(reading));
    }
    let mut root = layout::parsed(reading, 0)?;
    let mut parts = Parts { reading, spent: 0, files: BTreeMap::new() };
    for (name, text) in overlays {
        let base = parts.reading.bring_in(&name, &text);
        let over = layout::parsed(parts.reading, base)?;
        root = parts.merged("", &root, &over);
    }
    let all = File { name: parts.reading.file.clone(), folder: String::new(), root };
    let root = parts.included(&all, DEPTH_MAX)?;
    let root = parts.extended(&File { root, ..all });
    match parts.spent > PARTS_MAX {
        true => {
            let message = format!("the files make more than {PARTS_MAX} values of it");
            reading.error("Y00", &(0..0), message, "", "use fewer `extends` and `include`");
            None
        }
        false => Some(root),
    }
}

/// The override file that Compose reads without being told.
fn beside(reading: &mut Reading<'_>) -> Option<(String, String)> {
    let name = Path::new(&reading.file).file_name()?.to_string_lossy().into_owned();
    let (stem, ending) = name.rsplit_once('.')?;
    if !matches!(stem, "docker-compose" | "compose") || !matches!(ending, "yml" | "yaml") {
        return None;
    }
    let other = format!("{stem}.override.{ending}");
    let text = (reading.beside)(&other).filter(|text| text.len() <= super::yaml::BYTES_MAX)?;
    let other = joined(&reading.file, &other);
    let what = format!("`{other}` is read too, as Compose does by itself");
    let help = "move it away where it is not wanted";
    reading.find(("F06", Severity::Information), format!("{other}:1:1"), "", what, help);
    Some((other, text))
}

/// One of the files, and the folder its paths begin at, as seen from the first file.
#[derive(Clone)]
struct File {
    name: String,
    folder: String,
    root: Rc<Node>,
}

/// What is put together.
struct Parts<'r, 'a> {
    reading: &'r mut Reading<'a>,
    spent: usize,
    /// Files that were read, by their paths from the first file; nothing where they cannot be used.
    files: BTreeMap<String, Option<File>>,
}

impl Parts<'_, '_> {
    /// `above` laid over `below`, both values of `key`.
    fn merged(&mut self, key: &str, below: &Rc<Node>, above: &Rc<Node>) -> Rc<Node> {
        self.spent += 1;
        match above.tag.as_deref() {
            Some("reset") => return Node::scalar("", true, above.span.clone()),
            Some("override") => return above.clone(),
            _ => {}
        }
        if REPLACED.contains(&key) || below.is_null() || self.spent > PARTS_MAX {
            return above.clone();
        }
        if above.is_null() {
            return below.clone();
        }
        if NAMED.contains(&key) {
            return self.union(&by_name(below), &by_name(above));
        }
        match (&below.value, &above.value) {
            (Value::Map(_), Value::Map(_)) => self.union(below, above),
            (Value::List(under), Value::List(over)) => {
                self.spent += under.len() + over.len() + under.len() * over.len() / 100;
                if self.spent > PARTS_MAX {
                    return above.clone();
                }
                let stays = |item: &&Rc<Node>| match key {
                    "volumes" => over.iter().all(|new| target(new) != target(item)),
                    _ => over.iter().all(|new| new.text().is_none() || new.text() != item.text()),
                };
                let kept = under.iter().filter(stays).cloned();
                Node::list(kept.chain(over.iter().cloned()).collect(), above.span.clone())
            }
            _ => above.clone(),
        }
    }

    /// Two mappings: what both have is merged.
    fn union(&mut self, below: &Node, above: &Node) -> Rc<Node> {
        self.spent += below.entries().len() + above.entries().len();
        let mut entries: Vec<(Key, Rc<Node>)> = Vec::new();
        let over: BTreeMap<&str, &(Key, Rc<Node>)> =
            above.entries().iter().map(|entry| (&*entry.0.text, entry)).collect();
        let under: BTreeMap<&str, ()> =
            below.entries().iter().map(|(key, _)| (&*key.text, ())).collect();
        for (key, value) in below.entries() {
            match over.get(&*key.text) {
                Some((_, new)) if new.tag.as_deref() == Some("reset") => {}
                Some((new_key, new)) => {
                    entries.push((new_key.clone(), self.merged(&key.text, value, new)));
                }
                None => entries.push((key.clone(), value.clone())),
            }
        }
        let fresh = above.entries().iter().filter(|(key, value)| {
            !under.contains_key(&*key.text) && value.tag.as_deref() != Some("reset")
        });
        entries.extend(fresh.cloned());
        Node::map(entries, above.span.clone())
    }

    /// Another file, found from the folder of the one that names it.
    fn file(&mut self, from: &File, path: &str, span: &Range<usize>) -> Option<File> {
        let place = normal(&Path::new(&from.folder).join(path).display().to_string());
        let place = if path.starts_with('/') { path.to_owned() } else { place };
        if let Some(known) = self.files.get(&place) {
            return known.clone();
        }
        let name = joined(&self.reading.file, &place);
        let text = (self.reading.beside)(&place);
        let file = match text.filter(|text| text.len() <= super::yaml::BYTES_MAX) {
            Some(text) => {
                let base = self.reading.bring_in(&name, &text);
                let folder = Path::new(&place).parent().map(|folder| folder.display().to_string());
                let folder = folder.unwrap_or_default();
                layout::parsed(self.reading, base).map(|root| File { name, folder, root })
            }
            None => {
                let message = format!("`{name}` is named here and cannot be read");
                let help = "put it there, or give the output of `docker compose config` instead";
                self.reading.error("F01", span, message, "this file", help);
                None
            }
        };
        self.files.insert(place, file.clone());
        file
    }

    /// Adds what `include` brings; what both have is refused.
    fn included(&mut self, file: &File, depth: usize) -> Option<Rc<Node>> {
        let Some(list) = file.root.get("include").cloned() else { return Some(file.root.clone()) };
        let mut root = file.root.clone();
        for item in list.items() {
            for path in item.get("path").map_or_else(|| vec![item.clone()], one_or_many) {
                let Some(text) = self.reading.string(&path) else { continue };
                let other = self.file(file, &text, &path.span)?;
                if depth == 0 || other.name == file.name {
                    let message = format!("`{}` includes itself", other.name);
                    self.reading.error("N01", &path.span, message, "here", "leave it out");
                    return None;
                }
                let theirs = self.included(&other, depth - 1)?;
                let theirs = self.extended(&File { root: theirs, ..other.clone() });
                let theirs = rebased_services(&theirs, &other.folder, &file.folder);
                root = self.with(&root, &theirs, &path.span, &other.name);
            }
        }
        Some(root)
    }

    /// The sections of an included file beside one's own.
    fn with(&mut self, own: &Node, theirs: &Node, span: &Range<usize>, name: &str) -> Rc<Node> {
        let mut entries = own.entries().to_vec();
        for section in ["services", "networks", "volumes", "configs", "secrets"] {
            let Some(new) = theirs.get(section) else { continue };
            let Some(place) = entries.iter().position(|(key, _)| &*key.text == section) else {
                let key = Key { text: section.into(), span: span.clone() };
                entries.push((key, new.clone()));
                continue;
            };
            let mine = entries[place].1.clone();
            self.spent += mine.entries().len() * new.entries().len() / 100;
            if self.spent > PARTS_MAX {
                break;
            }
            let twice = |(key, value): &&(Key, Rc<Node>)| {
                mine.get(&key.text).is_some_and(|known| known.span != value.span)
            };
            if let Some((key, _)) = new.entries().iter().find(twice) {
                let message = format!("`{}` of {name} is in this file too", key.text);
                let help = "give one of them another name, or merge the files with `-f`";
                self.reading.error("Y04", span, message, "conflicts", help);
            }
            entries[place].1 = self.union(&mine, new);
        }
        Node::map(entries, own.span.clone())
    }

    /// Follows `extends` in all services.
    fn extended(&mut self, file: &File) -> Rc<Node> {
        let Some(services) = file.root.get("services").cloned() else { return file.root.clone() };
        if services.entries().iter().all(|(_, service)| service.get("extends").is_none()) {
            return file.root.clone();
        }
        let follow = |(key, service): &(Key, Rc<Node>)| {
            (key.clone(), self.service(file, service, &mut Vec::new()))
        };
        let followed: Vec<_> = services.entries().iter().map(follow).collect();
        let services = Node::map(followed, services.span.clone());
        let others = file.root.entries().iter().cloned();
        let entries = others.map(|(key, value)| match &*key.text {
            "services" => (key, services.clone()),
            _ => (key, value),
        });
        Node::map(entries.collect(), file.root.span.clone())
    }

    /// A service over the one it extends.
    fn service(
        &mut self,
        file: &File,
        service: &Rc<Node>,
        seen: &mut Vec<(String, String)>,
    ) -> Rc<Node> {
        let Some(extends) = service.get("extends").cloned() else { return service.clone() };
        let name = extends.get("service").cloned().unwrap_or_else(|| extends.clone());
        let path = extends.get("file").cloned();
        let Some(wanted) = self.reading.string(&name) else { return service.clone() };
        let other = match path.and_then(|path| Some((self.reading.string(&path)?, path))) {
            Some((text, path)) => self.file(file, &text, &path.span),
            None => Some(file.clone()),
        };
        let Some(other) = other else { return service.clone() };
        let place = (other.name.clone(), wanted.clone());
        if seen.contains(&place) || seen.len() >= DEPTH_MAX || self.spent > PARTS_MAX {
            let message = format!("service `{wanted}` extends itself");
            self.reading.error("N01", &name.span, message, "here", "leave it out");
            return service.clone();
        }
        seen.push(place);
        let services = other.root.get("services");
        let Some(base) = services.and_then(|all| all.get(&wanted)).cloned() else {
            let message =
                format!("`{wanted}`, which is extended here, is no service of {}", other.name);
            let known: Vec<&str> = services
                .map(|all| all.entries())
                .unwrap_or_default()
                .iter()
                .map(|(key, _)| &*key.text)
                .collect();
            let help = format!("services there are {}", super::reading::listed(&known));
            self.reading.error("N01", &name.span, message, "undefined service", help);
            return service.clone();
        };
        let base = self.service(&other, &base, seen);
        let base = rebased(&base, &other.folder, &file.folder);
        let both = self.merged("service", &base, service);
        let entries = both.entries().iter().filter(|(key, _)| &*key.text != "extends");
        Node::map(entries.cloned().collect(), service.span.clone())
    }
}

fn one_or_many(node: &Rc<Node>) -> Vec<Rc<Node>> {
    match &node.value {
        Value::List(items) => items.clone(),
        _ => vec![node.clone()],
    }
}

/// A list of `name=value` or of names as a mapping.
fn by_name(node: &Rc<Node>) -> Rc<Node> {
    let Value::List(items) = &node.value else { return node.clone() };
    let entry = |item: &Rc<Node>| {
        let text = item.text()?;
        let span = item.span.clone();
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Node::scalar(value, false, span.clone())),
            None => (text, Node::scalar("", true, span.clone())),
        };
        Some((Key { text: name.into(), span }, value))
    };
    Node::map(items.iter().filter_map(entry).collect(), node.span.clone())
}

/// Where a volume is mounted in the container.
fn target(item: &Node) -> String {
    match item.text() {
        Some(text) => text.split(':').nth(1).unwrap_or(text).to_owned(),
        None => item.get("target").and_then(|target| target.text()).unwrap_or_default().to_owned(),
    }
}

/// All services of a file with their paths as seen from another folder.
fn rebased_services(root: &Rc<Node>, from: &str, to: &str) -> Rc<Node> {
    let Some(services) = root.get("services").filter(|_| from != to) else { return root.clone() };
    let moved = services.entries().iter().map(|(k, one)| (k.clone(), rebased(one, from, to)));
    let services = Node::map(moved.collect(), services.span.clone());
    let entries = root.entries().iter().cloned().map(|(key, value)| match &*key.text {
        "services" => (key, services.clone()),
        _ => (key, value),
    });
    Node::map(entries.collect(), root.span.clone())
}

/// A service with its paths (`env_file`, `volumes`) as seen from another folder.
fn rebased(service: &Rc<Node>, from: &str, to: &str) -> Rc<Node> {
    if from == to {
        return service.clone();
    }
    let prefix = match (from.strip_prefix(to), to) {
        (Some(rest), _) => rest.trim_start_matches('/').to_owned(),
        (None, "") => from.to_owned(),
        (None, _) => format!("{}/{from}", vec![".."; to.split('/').count()].join("/")),
    };
    let moved = |node: &Rc<Node>, is_mount: bool| match node.text() {
        Some(path) if path.starts_with('.') || !(is_mount || path.starts_with('/')) => {
            let path = path.strip_prefix("./").unwrap_or(path);
            Node::scalar(&format!("./{prefix}/{path}"), false, node.span.clone())
        }
        _ => node.clone(),
    };
    let list = |node: &Rc<Node>, is_mount: bool| match &node.value {
        Value::List(items) => {
            let items = items.iter().map(|item| moved(item, is_mount)).collect();
            Node::list(items, node.span.clone())
        }
        _ => moved(node, is_mount),
    };
    let entries = service.entries().iter().cloned().map(|(key, value)| match &*key.text {
        "env_file" => (key, list(&value, false)),
        "volumes" => (key, list(&value, true)),
        _ => (key, value),
    });
    Node::map(entries.collect(), service.span.clone())
}
