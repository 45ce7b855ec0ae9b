//! Which settings Kafka and ZooKeeper document, what they are when nobody says anything, and how far they are
//! modelled here. The facts are in two tables beside this file; a test holds them against what brokers and servers
//! really read.

use std::sync::LazyLock;

use reports::survey::Modelled;

/// A documented setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// Its name.
    pub name: &'static str,
    /// Whether it decides how failures end.
    pub matters: bool,
    older: Unsaid,
    newer: Unsaid,
    /// How far it is modelled.
    pub modelled: Modelled,
    /// What is missing, in words; empty for what is modelled fully.
    pub missing: &'static str,
}

/// What a setting is when nobody says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsaid {
    /// There is no such setting in this version.
    Unknown,
    /// Nothing.
    Nothing,
    /// This.
    Value(&'static str),
}

/// Which of the two columns of defaults counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// Kafka 2.3, ZooKeeper 3.4.
    Older,
    /// Kafka 2.5, ZooKeeper 3.6.
    Newer,
}

impl Key {
    /// What it is when nobody says anything.
    pub(super) fn unsaid(&self, age: Age) -> Unsaid {
        match age {
            Age::Older => self.older,
            Age::Newer => self.newer,
        }
    }
}

/// The settings of brokers.
pub(super) static KAFKA: LazyLock<Vec<Key>> =
    LazyLock::new(|| read(include_str!("keys/kafka.txt")));

/// The settings of ZooKeeper servers; `server.N` is not among them.
pub(super) static ZOOKEEPER: LazyLock<Vec<Key>> =
    LazyLock::new(|| read(include_str!("keys/zookeeper.txt")));

/// The settings of a table, in its order. Lines that are none are left out; a test sees to it that there are none.
fn read(table: &'static str) -> Vec<Key> {
    table.lines().filter(|line| is_entry(line)).filter_map(key).collect()
}

fn is_entry(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

/// `[*]key older newer full|part|no WORDS`
fn key(line: &'static str) -> Option<Key> {
    let (name, rest) = line.split_once(char::is_whitespace)?;
    let (older, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let (newer, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let (how, missing) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let modelled = match how {
        "full" => Modelled::Fully,
        "part" => Modelled::Partly,
        "no" => Modelled::Not,
        _ => return None,
    };
    let older = unsaid(older);
    let newer = if newer == "=" { older } else { unsaid(newer) };
    let matters = name.starts_with('*');
    let name = name.trim_start_matches('*');
    Some(Key { name, matters, older, newer, modelled, missing: missing.trim() })
}

fn unsaid(word: &'static str) -> Unsaid {
    match word {
        "-" => Unsaid::Unknown,
        "null" => Unsaid::Nothing,
        "\"\"" => Unsaid::Value(""),
        word => Unsaid::Value(word),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use broker::config::{self as kafka, Config};
    use broker::mechanism::Preset;
    use coordinator::config::{self as zookeeper, ConfigWarningKind, Syntax};

    use super::*;

    #[test]
    fn every_line_is_read_and_no_key_stands_there_twice() {
        let tables = [include_str!("keys/kafka.txt"), include_str!("keys/zookeeper.txt")];
        for (table, keys) in tables.into_iter().zip([&*KAFKA, &*ZOOKEEPER]) {
            let entries = table.lines().filter(|line| is_entry(line)).count();
            let names: BTreeSet<_> = keys.iter().map(|key| key.name).collect();
            assert_eq!((entries, entries), (keys.len(), names.len()));
            for key in keys {
                let is_full = key.modelled == Modelled::Fully;
                assert_eq!(is_full, key.missing.is_empty(), "{}", key.name);
            }
        }
    }

    /// A broker's configuration with this beside what it cannot be without; `Err` for a value it refuses.
    fn broker(preset: Preset, key: &str, value: &str) -> Result<(Config, Vec<String>), String> {
        let mut properties =
            vec![("zookeeper.connect", "zk:2181"), ("broker.id", "7"), ("log.dirs", "/logs")];
        properties.retain(|(known, _)| *known != key);
        properties.push((key, value));
        let owned: Vec<_> =
            properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::from_properties(&owned, preset, preset.mechanisms()).map_err(|e| e.to_string())
    }

    /// Values of which almost every setting takes one that is not its default.
    const VALUES: [&str; 12] = [
        "17",
        "true",
        "false",
        "1",
        "0.25",
        "compact",
        "gzip",
        "LogAppendTime",
        "PLAINTEXT://:1",
        "A:SSL,PLAINTEXT:SSL",
        "SSL",
        "words",
    ];

    /// Whether the broker takes the setting, says that it is not modelled, or does not know it.
    fn taken(preset: Preset, key: &Key) -> Option<bool> {
        let age = if preset == Preset::V2_3 { Age::Older } else { Age::Newer };
        let unlike = VALUES.iter().filter(|value| key.unsaid(age) != Unsaid::Value(value));
        let warnings = unlike.flat_map(|value| broker(preset, key.name, value)).next();
        // What is refused is read.
        let Some((_, warnings)) = warnings else { return Some(true) };
        let about = warnings.iter().find(|warning| warning.contains(key.name));
        match about {
            Some(warning) if warning.contains("isn't a known config") => None,
            Some(warning) => Some(!warning.contains("is not modelled")),
            None => Some(true),
        }
    }

    #[test]
    fn what_brokers_read_is_marked_as_modelled_and_nothing_else_is() {
        let table: BTreeSet<_> = KAFKA.iter().map(|key| key.name).collect();
        for key in kafka::broker_keys() {
            assert!(table.contains(key), "{key} is read by brokers and not in the table");
        }
        for (preset, age) in [(Preset::V2_3, Age::Older), (Preset::V2_5, Age::Newer)] {
            for key in KAFKA.iter() {
                let marked = match key.unsaid(age) {
                    Unsaid::Unknown if key.modelled == Modelled::Fully => None,
                    _ => Some(key.modelled != Modelled::Not),
                };
                assert_eq!(taken(preset, key), marked, "{} in {preset:?}", key.name);
                assert!(kafka::is_broker_key(key.name), "{}", key.name);
            }
        }
    }

    #[test]
    fn defaults_are_those_of_the_broker() {
        for (preset, age) in [(Preset::V2_3, Age::Older), (Preset::V2_5, Age::Newer)] {
            // A key without any effect, so that everything else is at its default.
            let (mut plain, _) = broker(preset, "num.network.threads", "3").expect("it is fine");
            for key in KAFKA.iter().filter(|key| key.name != "broker.id") {
                let Unsaid::Value(value) = key.unsaid(age) else { continue };
                let (mut said, _) = broker(preset, key.name, value)
                    .unwrap_or_else(|why| panic!("{}={value}: {why}", key.name));
                (plain.given, said.given) = Default::default();
                assert_eq!(plain, said, "{} is {value} in {preset:?}", key.name);
            }
        }
    }

    #[test]
    fn what_servers_read_is_marked_as_modelled_and_nothing_else_is() {
        let preset = coordinator::mechanism::Preset::Fixed;
        for key in ZOOKEEPER.iter() {
            let value = match key.unsaid(Age::Newer) {
                Unsaid::Value(value) if !value.contains('~') => value,
                _ => "4000",
            };
            let mut properties = vec![("dataDir", "/data"), ("clientPort", "2181")];
            properties.retain(|(known, _)| *known != key.name);
            properties.push((key.name, value));
            let owned: Vec<_> =
                properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let read = zookeeper::Config::from_properties_as(
                Syntax::V3_5,
                &owned,
                Some("1"),
                preset,
                preset.mechanisms(),
            );
            let is_read = match &read {
                Ok((_, warnings)) => !warnings.iter().any(|warning| {
                    assert_ne!(warning.kind, ConfigWarningKind::Unknown, "{warning}");
                    warning.key == key.name && warning.kind == ConfigWarningKind::NotModelled
                }),
                Err(error) => error.kind == zookeeper::ConfigErrorKind::Refused,
            };
            assert_eq!(is_read, key.modelled != Modelled::Not, "{}: {read:?}", key.name);
        }
    }
}
