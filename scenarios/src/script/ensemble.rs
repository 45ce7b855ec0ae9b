//! The `[cluster]` table: an ensemble in a few words, or the names of people's own files, and what
//! is changed in either.
//!
//! Reading those files is [`crate::import`]'s business.

use std::collections::{BTreeMap, BTreeSet};

use coordinator::config::Syntax;
use coordinator::mechanism::{
    Database, DiskFailure, EmptyLog, EpochFile, Mechanisms, MissingSnapshot, Mutant, Preset,
    SessionClock, Synchronisation, Truncation,
};
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::{Deserialize, Serialize};
use toml::de::DeValue;

use super::fields::{self, Fields, Value};
use super::kafka::{self, Kafka};
use super::problems::{Located, Problems};
use crate::cluster::{Cluster, Host, MYID, Network, Property, ZooKeeper};

/// The `[cluster]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ensemble {
    /// Where the servers come from.
    pub source: Source,
    /// `zookeeper-version`; `None` leaves it to the files, or to `fixed`.
    pub version: Option<Preset>,
    /// `zookeeper-config`: keys of `zoo.cfg` for every server, on top of everything.
    pub config: BTreeMap<String, String>,
    /// `mechanisms`: on top of the version's.
    pub mechanisms: Overrides,
    /// Brokers and topics.
    pub kafka: Kafka,
}

/// Where the servers of a cluster come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `zookeeper = 3`: servers `zk-1` … `zk-3`, each on a host of its own.
    Inline {
        /// How many.
        zookeepers: u64,
        /// What their lists of servers say.
        lists: ServerLists,
    },
    /// `from`: files, as written, relative to the scenario.
    Files(Vec<Located<String>>),
}

/// What the `server.N` lines of an inline ensemble say (`server-lists`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerLists {
    /// Every server lists all servers (`correct`).
    #[default]
    Correct,
    /// Nobody lists anybody: each server is standalone (`none`).
    None,
    /// Every server lists all servers on `localhost`, at ports of their own (`localhost`): each
    /// reaches only itself.
    Localhost,
}

/// Mechanisms that a scenario sets itself, on top of those of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Overrides {
    /// See [`Synchronisation`].
    pub synchronisation: Option<Synchronisation>,
    /// See [`SessionClock`].
    pub session_clock: Option<SessionClock>,
    /// See [`Truncation`].
    pub truncation: Option<Truncation>,
    /// See [`EpochFile`].
    pub epoch_file: Option<EpochFile>,
    /// See [`Database`].
    pub database: Option<Database>,
    /// See [`DiskFailure`].
    pub disk_failure: Option<DiskFailure>,
    /// See [`EmptyLog`].
    pub empty_log: Option<EmptyLog>,
    /// See [`MissingSnapshot`].
    pub missing_snapshot: Option<MissingSnapshot>,
    /// Planted defects.
    pub mutants: BTreeSet<Mutant>,
}

impl Overrides {
    /// These mechanisms with what is set here changed.
    pub fn on(&self, base: Mechanisms) -> Mechanisms {
        let mut mutants = base.mutants;
        mutants.extend(self.mutants.iter().copied());
        Mechanisms {
            synchronisation: self.synchronisation.unwrap_or(base.synchronisation),
            session_clock: self.session_clock.unwrap_or(base.session_clock),
            truncation: self.truncation.unwrap_or(base.truncation),
            epoch_file: self.epoch_file.unwrap_or(base.epoch_file),
            database: self.database.unwrap_or(base.database),
            disk_failure: self.disk_failure.unwrap_or(base.disk_failure),
            empty_log: self.empty_log.unwrap_or(base.empty_log),
            missing_snapshot: self.missing_snapshot.unwrap_or(base.missing_snapshot),
            mutants,
        }
    }
}

impl Ensemble {
    /// The cluster to stage: the inline one, or the one imported from files, with what the scenario
    /// changes. `None` if the scenario names files and none was imported.
    pub fn stage(&self, imported: Option<Cluster>) -> Option<Cluster> {
        let mut cluster = match (imported, &self.source) {
            (Some(cluster), _) => cluster,
            (None, Source::Inline { zookeepers, lists }) => {
                inline(*zookeepers, *lists, self.version.unwrap_or_default())
            }
            (None, Source::Files(_)) => return None,
        };
        for zookeeper in &mut cluster.zookeepers {
            zookeeper.preset = self.version.unwrap_or(zookeeper.preset);
            for (key, value) in &self.config {
                zookeeper.properties.retain(|property| property.key != *key);
                zookeeper.properties.push(property(key, value, "zookeeper-config of the scenario"));
            }
        }
        if cluster.connect.is_empty() {
            let addresses = cluster.zookeepers.iter().map(client_address);
            cluster.connect = addresses.collect::<Vec<_>>().join(",");
        }
        self.kafka.stage(&mut cluster);
        Some(cluster)
    }
}

/// Where clients find this server, as its settings have it.
pub fn client_address(server: &ZooKeeper) -> String {
    let settings = server.config(server.preset, server.preset.mechanisms());
    let address = settings.ok().and_then(|(config, _)| config.client_address);
    let port = address.as_deref().and_then(|address| address.rsplit(':').next());
    format!("{}:{}", server.host, port.unwrap_or("2181"))
}

fn property(key: &str, value: &str, from: &str) -> Property {
    Property { key: key.to_string(), value: value.to_string(), from: from.to_string() }
}

fn inline(zookeepers: u64, lists: ServerLists, preset: Preset) -> Cluster {
    let names: Vec<_> = (1..=zookeepers).map(|number| format!("zk-{number}")).collect();
    let host = |name: &String| Host {
        name: name.clone(),
        networks: vec![Network { name: "net".to_string(), aliases: vec![name.clone()] }],
    };
    Cluster {
        hosts: names.iter().map(host).collect(),
        zookeepers: names.iter().map(|name| server(name, &names, lists, preset)).collect(),
        ..Cluster::default()
    }
}

fn server(name: &str, names: &[String], lists: ServerLists, preset: Preset) -> ZooKeeper {
    let from = "zookeeper = N of the scenario";
    let defaults =
        [("tickTime", "2000"), ("initLimit", "10"), ("syncLimit", "5"), ("dataDir", "/data")];
    let mut properties: Vec<_> =
        defaults.into_iter().map(|(key, value)| property(key, value, from)).collect();
    properties.push(property("clientPort", "2181", from));
    for (index, other) in names.iter().enumerate() {
        let key = format!("server.{}", index + 1);
        match lists {
            ServerLists::Correct => {
                properties.push(property(&key, &format!("{other}:2888:3888"), from));
            }
            ServerLists::Localhost => {
                let value = format!("localhost:{}:{}", 2888 + index, 3888 + index);
                properties.push(property(&key, &value, from));
            }
            ServerLists::None => {}
        }
    }
    let index = names.iter().position(|one| one == name).map_or(0, |index| index + 1);
    ZooKeeper {
        name: name.to_string(),
        host: name.to_string(),
        myid: (lists != ServerLists::None).then(|| property(MYID, &index.to_string(), from)),
        properties,
        preset,
        syntax: Syntax::of(preset),
        never_starts: None,
    }
}

/// The keys of `zoo.cfg` that are modelled.
pub(super) const CONFIG_KEYS: [&str; 15] = [
    "tickTime",
    "initLimit",
    "syncLimit",
    "dataDir",
    "dataLogDir",
    "clientPort",
    "clientPortAddress",
    "maxClientCnxns",
    "minSessionTimeout",
    "maxSessionTimeout",
    "snapCount",
    "autopurge.snapRetainCount",
    "autopurge.purgeInterval",
    "forceSync",
    "cnxTimeout",
];

/// Reads the `[cluster]` table.
pub fn read(value: Value<'_>, problems: &mut Problems) -> Option<Ensemble> {
    let mut fields = Fields::at(value, "[cluster]", problems)?;
    let source = read_source(&mut fields, problems);
    let version = fields.text("zookeeper-version", problems);
    let version = version.and_then(|version| {
        let preset = Preset::named(&version.value);
        if preset.is_none() {
            let message = format!("version {} of ZooKeeper is not modelled", version.value);
            let report = problems.add("E0107", &version.span, message);
            let names = Preset::ALL.map(|preset| format!("`{}`", preset.name())).join(", ");
            report.help(format!("there is {names}"));
        }
        preset
    });
    let config = fields.value("zookeeper-config");
    let config = config.map_or_else(BTreeMap::new, |config| read_config(config, problems));
    let mechanisms = fields.value("mechanisms");
    let mechanisms = mechanisms.and_then(|value| read_overrides(value, problems));
    let kafka = kafka::read(&mut fields, problems);
    fields.finish(problems);
    Some(Ensemble {
        source: source?,
        version,
        config,
        mechanisms: mechanisms.unwrap_or_default(),
        kafka: kafka?,
    })
}

fn read_source(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Source> {
    let zookeepers = fields.number("zookeeper", problems);
    let files = fields.texts("from", problems);
    let lists = fields.text("server-lists", problems);
    match (fields.has("zookeeper"), fields.has("from")) {
        (false, false) => {
            let report = problems.add("E0102", &fields.span, "[cluster] needs servers");
            report.help("write `zookeeper = 3`, or `from = [\"docker-compose.yml\"]`");
            return None;
        }
        (true, true) => {
            let span = fields.key_span("from");
            let message = "[cluster] has `zookeeper` or `from`, not both";
            let other = fields.key_span("zookeeper");
            problems.add("E0403", &span, message).also(&other, "the other one");
            return None;
        }
        (false, true) => {
            if let Some(lists) = lists {
                let message = "`server-lists` goes with `zookeeper = N` only";
                problems.add("E0403", &lists.span, message);
            }
            let files = files.into_iter();
            let files = files.map(|file| Located { value: file.value, span: file.span });
            return Some(Source::Files(files.collect()));
        }
        (true, false) => {}
    }
    let lists = match lists {
        None => ServerLists::Correct,
        Some(lists) => match lists.value.as_str() {
            "correct" => ServerLists::Correct,
            "none" => ServerLists::None,
            "localhost" => ServerLists::Localhost,
            unknown => {
                let message = format!("`{unknown}` is not a kind of server list");
                let report = problems.add("E0106", &lists.span, message);
                report.suggest(unknown, ["correct", "none", "localhost"]);
                return None;
            }
        },
    };
    let zookeepers = zookeepers?;
    if !(1..=99).contains(&zookeepers) {
        let span = fields.value("zookeeper").map_or(fields.span.clone(), |value| value.span());
        problems.add("E0105", &span, "an ensemble has from 1 to 99 servers");
        return None;
    }
    Some(Source::Inline { zookeepers, lists })
}

fn read_config(value: Value<'_>, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut config = BTreeMap::new();
    let Some(fields) = Fields::at(value, "`zookeeper-config`", problems) else { return config };
    read_config_level("", &fields, &mut config, problems);
    config
}

/// TOML takes `autopurge.snapRetainCount` for a table: its keys are put together again.
fn read_config_level(
    before: &str,
    fields: &Fields<'_>,
    config: &mut BTreeMap<String, String>,
    problems: &mut Problems,
) {
    for (key, value) in fields.entries() {
        let name = format!("{before}{}", key.value);
        if name == "autopurge" && matches!(value.get_ref(), DeValue::Table(_)) {
            if let Some(inner) = Fields::at(value, "`autopurge`", problems) {
                read_config_level("autopurge.", &inner, config, problems);
            }
            continue;
        }
        if !CONFIG_KEYS.contains(&name.as_str()) {
            let message = format!("`{name}` of zoo.cfg is not modelled");
            problems.add("E0108", &key.span, message).suggest(&name, CONFIG_KEYS);
            continue;
        }
        let text = match value.get_ref() {
            DeValue::Integer(_) => {
                fields::number(value, &format!("`{name}`"), problems).map(|n| n.to_string())
            }
            DeValue::Boolean(flag) => Some(if *flag { "yes" } else { "no" }.to_string()),
            _ => fields::text(value, &format!("`{name}`"), problems).map(|text| text.value),
        };
        if let Some(text) = text {
            config.insert(name, text);
        }
    }
}

fn read_overrides(value: Value<'_>, problems: &mut Problems) -> Option<Overrides> {
    let mut fields = Fields::at(value, "`mechanisms`", problems)?;
    let overrides = Overrides {
        synchronisation: word(&mut fields, "synchronisation", problems),
        session_clock: word(&mut fields, "session-clock", problems),
        truncation: word(&mut fields, "truncation", problems),
        epoch_file: word(&mut fields, "epoch-file", problems),
        database: word(&mut fields, "database", problems),
        disk_failure: word(&mut fields, "disk-failure", problems),
        empty_log: word(&mut fields, "empty-log", problems),
        missing_snapshot: word(&mut fields, "missing-snapshot", problems),
        mutants: {
            let names = fields.texts("mutants", problems);
            names.iter().filter_map(|name| named(name, "mutant", problems)).collect()
        },
    };
    fields.finish(problems);
    Some(overrides)
}

pub(super) fn word<T: for<'de> Deserialize<'de>>(
    fields: &mut Fields<'_>,
    key: &'static str,
    problems: &mut Problems,
) -> Option<T> {
    let text = fields.text(key, problems)?;
    named(&text, key, problems)
}

/// The mechanism of that name, spelled as in its own definition.
pub(super) fn named<T: for<'de> Deserialize<'de>>(
    text: &fields::Text,
    what: &str,
    problems: &mut Problems,
) -> Option<T> {
    let found = T::deserialize(StrDeserializer::<WordError>::new(&text.value));
    if found.is_err() {
        let message = format!("`{}` is not a {what}", text.value);
        let names = words::<T>();
        let names = names.iter().map(String::as_str);
        problems.add("E0106", &text.span, message).suggest(&text.value, names);
    }
    found.ok()
}

/// All words for mechanisms of this kind.
pub(super) fn words<T: for<'de> Deserialize<'de>>() -> Vec<String> {
    let none = T::deserialize(StrDeserializer::<WordError>::new("?"));
    // serde lists what there is between back-quotes, after the wrong name.
    let listed = none.err().map(|error| error.to_string()).unwrap_or_default();
    listed.split('`').skip(1).step_by(2).skip(1).map(str::to_string).collect()
}
