//! Which image makes what of its variables: one room per family, and the versions behind their tags.

mod bitnami;
mod confluent;
mod debezium;
pub(super) mod kafka;
mod official;
mod version;
mod wurstmeister;

use coordinator::config::Syntax;

use super::compose::{Mount, Service, Variable};
use super::nearest::nearest;
use super::reading::Reading;
use super::{joined, properties};
use crate::cluster::{MYID, Property, SET_BY, Severity, ZooKeeper};

pub(super) use version::Version;
use version::leading_numbers;

/// An image reference taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Image {
    /// As it is written.
    pub text: String,
    /// Without registry, tag and digest: `confluentinc/cp-zookeeper`.
    pub repository: String,
    /// The tag; `None` is `latest`.
    pub tag: Option<String>,
}

/// Who made the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Wurstmeister,
    Confluent,
    Official,
    Bitnami,
    Debezium,
    /// A ZooKeeper whose variables are not known here.
    OtherZooKeeper,
    Broker,
    Other,
}

impl Image {
    /// Takes `registry/repository:tag@digest` apart.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let name = text.split('@').next().unwrap_or_default();
        let (path, tag) = match name.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag.to_owned())),
            _ => (name, None),
        };
        let is_registry = |part: &str| part.contains(['.', ':']) || part == "localhost";
        let repository = match path.split_once('/') {
            Some((registry, rest)) if is_registry(registry) => rest,
            _ => path,
        };
        let repository = repository.strip_prefix("library/").unwrap_or(repository);
        Self { text: text.to_owned(), repository: repository.to_owned(), tag }
    }

    /// Its family.
    pub fn family(&self) -> Family {
        match self.repository.as_str() {
            "wurstmeister/zookeeper" => Family::Wurstmeister,
            "confluentinc/cp-zookeeper" => Family::Confluent,
            "zookeeper" => Family::Official,
            "bitnami/zookeeper" | "bitnamilegacy/zookeeper" => Family::Bitnami,
            "debezium/zookeeper" => Family::Debezium,
            other if other.contains("zookeeper") && !other.contains("exporter") => {
                Family::OtherZooKeeper
            }
            other if other.ends_with("kafka") || other.ends_with("cp-server") => Family::Broker,
            "apache/kafka-native" => Family::Broker,
            _ => Family::Other,
        }
    }
}

/// What a container makes of a service, before other services are looked at.
pub(super) fn stage(reading: &mut Reading<'_>, service: &Service, image: &Image) -> ZooKeeper {
    let version = Version::of(image);
    let preset = version.preset();
    let taken = Taken {
        version: format!("ZooKeeper {version}"),
        assumed: version.assumed,
        instead: (!version.is(preset)).then(|| preset.to_string()),
    };
    let help = "say another version in the scenario to run its mechanisms";
    taken.tell(reading, service, image, help);
    let mut staged = Staged {
        service,
        image,
        version: &version,
        myid: None,
        properties: Vec::new(),
        never_starts: None,
    };
    match image.family() {
        Family::Wurstmeister => wurstmeister::stage(reading, &mut staged),
        Family::Confluent => confluent::stage(reading, &mut staged),
        Family::Bitnami => bitnami::stage(reading, &mut staged),
        Family::Debezium => debezium::stage(reading, &mut staged),
        _ => official::stage(reading, &mut staged),
    }
    let Staged { myid, properties, never_starts, .. } = staged;
    ZooKeeper {
        name: service.name.clone(),
        host: service.name.clone(),
        myid,
        properties,
        preset: version.preset(),
        syntax: version.syntax(),
        never_starts: service.fails.clone().or(never_starts),
    }
}

/// Which version an image is taken for.
struct Taken {
    /// `Kafka 2.3.0`.
    version: String,
    /// The file does not say it exactly.
    assumed: bool,
    /// The version whose mechanisms are run, where its own are not modelled.
    instead: Option<String>,
}

impl Taken {
    /// V01: the version is assumed, or the mechanisms of another one are run.
    fn tell(self, reading: &mut Reading<'_>, service: &Service, image: &Image, help: &str) {
        let Self { version, assumed, instead } = self;
        if !assumed && instead.is_none() {
            return;
        }
        let run = instead.map_or(String::new(), |other| {
            format!("; the mechanisms of {other} are run, the nearest that are modelled")
        });
        let verb = if assumed { "is taken for" } else { "is" };
        let what = format!("{} {verb} {version}{run}", image.text);
        let at = reading.at(&service.image_span());
        reading.find(("V01", Severity::Information), at, &service.name, what, help);
    }
}

/// A server while an image's start script is followed.
pub(super) struct Staged<'s> {
    service: &'s Service,
    image: &'s Image,
    version: &'s Version,
    myid: Option<Property>,
    properties: Vec<Property>,
    never_starts: Option<String>,
}

impl Staged<'_> {
    /// A setting the image makes by itself.
    fn fixed(&mut self, key: &str, value: &str) {
        let from = format!("{SET_BY}the image {}", self.image.text);
        self.properties.push(Property { key: key.to_owned(), value: value.to_owned(), from });
    }

    /// A setting taken from a variable.
    fn taken(&mut self, reading: &Reading<'_>, key: &str, value: &str, variable: &Variable) {
        let from = reading.line(&variable.span);
        self.properties.push(Property { key: key.to_owned(), value: value.to_owned(), from });
    }

    /// A setting taken from a variable, or the image's own default for it.
    fn taken_or(&mut self, reading: &Reading<'_>, key: &str, variable: &str, default: &str) {
        match self.service.set(variable) {
            Some(variable) => self.taken(reading, key, &variable.value.clone(), variable),
            None => self.fixed(key, default),
        }
    }

    /// Takes `zoo.cfg` from a mounted file. `false` if none is mounted there.
    fn take_mounted(&mut self, reading: &mut Reading<'_>, path: &str) -> bool {
        let Some((source, text)) = mounted(reading, self.service, path) else { return false };
        let Some(text) = text else {
            let span = self.service.mounts.first().map_or(0..0, |mount| mount.span.clone());
            let message = format!("`{source}` is mounted over {path} and cannot be read");
            reading.error(
                "F01",
                &span,
                message,
                "this mount",
                "put the file where it is mounted from",
            );
            return true;
        };
        for entry in properties::parse(&text) {
            let (key, value) = (entry.key.trim().to_owned(), entry.value.trim().to_owned());
            let from = format!("{source}:{}", entry.line);
            self.properties.push(Property { key, value, from });
        }
        true
    }

    /// Takes `myid` from a variable, or the image's own default for it, if there is one.
    fn take_myid(&mut self, reading: &Reading<'_>, variable: &str, default: Option<&str>) {
        let said = self.service.set(variable);
        let said = said.map(|variable| (variable.value.clone(), reading.line(&variable.span)));
        let own = || Some((default?.to_owned(), format!("{SET_BY}the image {}", self.image.text)));
        let myid = said.or_else(own);
        self.myid = myid.map(|(value, from)| Property { key: MYID.to_owned(), value, from });
    }

    /// Takes `myid` from a mounted file, if one is mounted there.
    fn take_mounted_myid(&mut self, reading: &Reading<'_>, path: &str) {
        if let Some((source, Some(text))) = mounted(reading, self.service, path) {
            let value = text.lines().next().unwrap_or_default().to_owned();
            let from = format!("{source}:1");
            self.myid = Some(Property { key: MYID.to_owned(), value, from });
        }
    }

    /// Z12: what is written in the container's `folders` is gone when the container is.
    fn expect_mounts(&self, reading: &mut Reading<'_>, folders: &[&str]) {
        let covers = |mount: &Mount, folder: &str| {
            let target = mount.target.trim_end_matches('/');
            mount.source.is_some()
                && (folder == target || folder.starts_with(&format!("{target}/")))
        };
        let bare: Vec<&str> = folders
            .iter()
            .copied()
            .filter(|folder| !self.service.mounts.iter().any(|mount| covers(mount, folder)))
            .collect();
        if bare.is_empty() {
            return;
        }
        let at = reading.at(&self.service.image_span());
        let what = format!(
            "no named volume holds {}: after `down` and `up` it is empty",
            bare.join(" and ")
        );
        let help = "mount a named volume there";
        reading.find(("Z12", Severity::Warning), at, &self.service.name, what, help);
    }

    /// Z08: variables nobody reads, with what they may have been meant to be.
    fn misspelt(&self, reading: &mut Reading<'_>, variable: &Variable, known: &[&str]) {
        let hint = nearest(&variable.name, known.iter().copied())
            .map(|near| format!("did you mean `{near}`?"))
            .unwrap_or_else(|| "leave it out, or mount a configuration file".to_owned());
        let what = format!(
            "{} does not read `{}`: it has no effect",
            self.image.repository, variable.name
        );
        let at = reading.at(&variable.span);
        reading.find(("Z08", Severity::Warning), at, &self.service.name, what, hint);
    }

    /// Keeps all variables that do not become settings; who was meant for ZooKeeper and is not read is said.
    fn rest(&self, reading: &mut Reading<'_>, becomes: &dyn Fn(&str) -> bool, known: &[&str]) {
        for variable in &self.service.environment {
            let Variable { name, value, span } = variable;
            if becomes(name) {
                continue;
            }
            let is_meant = name.starts_with("ZOO")
                || (name.starts_with("ZK_") && !name.ends_with("_HEAP"))
                || matches!(name.as_str(), "SERVER_ID" | "MYID");
            let why = match known.contains(&name.as_str()) {
                true => "read by the image's scripts, and not modelled".to_owned(),
                false if is_meant => format!("{} does not read it", self.image.repository),
                false => "no setting of ZooKeeper: not modelled".to_owned(),
            };
            reading.unread(&self.service.name, name, value, span, &why);
            if is_meant && !known.contains(&name.as_str()) {
                self.misspelt(reading, variable, known);
            }
        }
    }
}

/// The file mounted at `path` in the container, by itself or with its folder: its name here and its text.
fn mounted(
    reading: &Reading<'_>,
    service: &Service,
    path: &str,
) -> Option<(String, Option<String>)> {
    let (folder, name) = path.rsplit_once('/')?;
    let here = |mount: &Mount| {
        let source = mount.source.as_deref().filter(|source| source.contains('/'))?;
        match mount.target.trim_end_matches('/') {
            target if target == path => Some(source.to_owned()),
            target if target == folder => Some(format!("{}/{name}", source.trim_end_matches('/'))),
            _ => None,
        }
    };
    let source = service.mounts.iter().find_map(here)?;
    let text = (reading.beside)(&source);
    let relative = source.strip_prefix("./").unwrap_or(&source);
    Some((joined(&reading.file, relative), text))
}

/// The syntax of the version's `zoo.cfg`.
pub(super) fn is_dynamic(version: &Version) -> bool {
    version.syntax() == Syntax::V3_5
}
