//! The settings of topics (`kafka.log.LogConfig`): their names, their bounds, and the broker's keys that are their defaults.

use std::collections::BTreeMap;

use machine::Duration;

use super::value::{ANY_LONG, Kind, boolean};

/// The settings of one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicConfig {
    /// `min.insync.replicas`
    pub min_insync_replicas: u32,
    /// `unclean.leader.election.enable`
    pub unclean_leader_election: bool,
    /// `segment.bytes`
    pub segment_bytes: u32,
    /// `segment.ms`
    pub segment_age_max: Duration,
    /// `segment.jitter.ms`
    pub segment_jitter: Duration,
    /// `index.interval.bytes`
    pub index_interval_bytes: u32,
    /// `segment.index.bytes`
    pub index_bytes_max: u32,
    /// `retention.ms`, `None` for -1
    pub retention: Option<Duration>,
    /// `retention.bytes`, `None` for -1
    pub retention_bytes: Option<u64>,
    /// `max.message.bytes`
    pub message_bytes_max: u32,
    /// `flush.messages`, `None` for 2^63-1
    pub flush_messages: Option<u64>,
    /// `flush.ms`, `None` for 2^63-1
    pub flush_interval: Option<Duration>,
    /// `file.delete.delay.ms`
    pub file_delete_delay: Duration,
    /// What is understood, kept and shown, but changes nothing here (`cleanup.policy`, `compression.type`, …).
    pub others: BTreeMap<String, String>,
}

/// One setting of topics.
pub(crate) struct TopicKey {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The broker's key that is its default; none if the default is nothing.
    pub broker: Option<&'static str>,
}

/// Codecs a broker may be told to use.
pub(super) const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
/// What may happen to old records.
pub(super) const POLICIES: &[&str] = &["compact", "delete"];
/// Whose clock is in records.
pub(super) const TIMESTAMPS: &[&str] = &["CreateTime", "LogAppendTime"];

const fn key(name: &'static str, kind: Kind, broker: &'static str) -> TopicKey {
    TopicKey { name, kind, broker: Some(broker) }
}

/// All settings of topics, in alphabetical order.
pub(crate) const TOPIC_KEYS: &[TopicKey] = &[
    key("cleanup.policy", Kind::SomeOf(POLICIES), "log.cleanup.policy"),
    key("compression.type", Kind::OneOf(CODECS), "compression.type"),
    key("delete.retention.ms", Kind::Long(0), "log.cleaner.delete.retention.ms"),
    key("file.delete.delay.ms", Kind::Long(0), "log.segment.delete.delay.ms"),
    key("flush.messages", Kind::Long(0), "log.flush.interval.messages"),
    key("flush.ms", Kind::Long(0), "log.flush.interval.ms"),
    TopicKey { name: "follower.replication.throttled.replicas", kind: Kind::Text, broker: None },
    key("index.interval.bytes", Kind::Int(0), "log.index.interval.bytes"),
    TopicKey { name: "leader.replication.throttled.replicas", kind: Kind::Text, broker: None },
    key("max.compaction.lag.ms", Kind::Long(1), "log.cleaner.max.compaction.lag.ms"),
    key("max.message.bytes", Kind::Int(0), "message.max.bytes"),
    key("message.downconversion.enable", Kind::Boolean, "log.message.downconversion.enable"),
    key("message.format.version", Kind::Text, "log.message.format.version"),
    key(
        "message.timestamp.difference.max.ms",
        Kind::Long(0),
        "log.message.timestamp.difference.max.ms",
    ),
    key("message.timestamp.type", Kind::OneOf(TIMESTAMPS), "log.message.timestamp.type"),
    key("min.cleanable.dirty.ratio", Kind::Fraction, "log.cleaner.min.cleanable.ratio"),
    key("min.compaction.lag.ms", Kind::Long(0), "log.cleaner.min.compaction.lag.ms"),
    key("min.insync.replicas", Kind::Int(1), "min.insync.replicas"),
    key("preallocate", Kind::Boolean, "log.preallocate"),
    key("retention.bytes", ANY_LONG, "log.retention.bytes"),
    key("retention.ms", Kind::Long(-1), "log.retention.ms"),
    key("segment.bytes", Kind::Int(14), "log.segment.bytes"),
    key("segment.index.bytes", Kind::Int(0), "log.index.size.max.bytes"),
    key("segment.jitter.ms", Kind::Long(0), "log.roll.jitter.ms"),
    key("segment.ms", Kind::Long(1), "log.roll.ms"),
    key("unclean.leader.election.enable", Kind::Boolean, "unclean.leader.election.enable"),
];

/// The setting of topics with this name.
pub(crate) fn topic_key(name: &str) -> Option<&'static TopicKey> {
    let place = TOPIC_KEYS.binary_search_by(|key| key.name.cmp(name)).ok()?;
    Some(&TOPIC_KEYS[place])
}

impl TopicConfig {
    /// These settings with a topic's own on top.
    ///
    /// # Errors
    /// The message of `InvalidConfigurationException` / `ConfigException`.
    pub fn with(&self, overrides: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut config = self.clone();
        for name in overrides.keys() {
            if topic_key(name).is_none() {
                return Err(format!("Unknown topic config name: {name}"));
            }
        }
        for (name, value) in overrides {
            let value = value.trim();
            let key = topic_key(name).expect("all names were looked up before");
            key.kind.check(name, value)?;
            config.set(name, value);
        }
        config.check_lags()?;
        Ok(config)
    }

    /// Takes one setting that was checked.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        // The bounds of every key are those of its field, so that nothing is lost here.
        let number = || value.parse::<i64>().unwrap_or_default();
        let small = || u32::try_from(number()).unwrap_or_default();
        let ever = |number: i64| (number < i64::MAX).then_some(number);
        match name {
            "min.insync.replicas" => self.min_insync_replicas = small(),
            "unclean.leader.election.enable" => {
                self.unclean_leader_election = boolean(value).unwrap_or_default();
            }
            "segment.bytes" => self.segment_bytes = small(),
            "segment.ms" => self.segment_age_max = millis(number()),
            "segment.jitter.ms" => self.segment_jitter = millis(number()),
            "index.interval.bytes" => self.index_interval_bytes = small(),
            "segment.index.bytes" => self.index_bytes_max = small(),
            "retention.ms" => self.retention = (number() >= 0).then(|| millis(number())),
            "retention.bytes" => self.retention_bytes = u64::try_from(number()).ok(),
            "max.message.bytes" => self.message_bytes_max = small(),
            "flush.messages" => {
                self.flush_messages = ever(number()).and_then(|number| u64::try_from(number).ok());
            }
            "flush.ms" => self.flush_interval = ever(number()).map(millis),
            "file.delete.delay.ms" => self.file_delete_delay = millis(number()),
            _ => {
                self.others.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The value of a setting, as it is written in properties; `None` if there is no such setting.
    pub fn get(&self, name: &str) -> Option<String> {
        let long =
            |value: Option<u64>| value.map_or(i64::MAX.to_string(), |value| value.to_string());
        let ms = |value: Duration| value.as_millis().to_string();
        Some(match name {
            "min.insync.replicas" => self.min_insync_replicas.to_string(),
            "unclean.leader.election.enable" => self.unclean_leader_election.to_string(),
            "segment.bytes" => self.segment_bytes.to_string(),
            "segment.ms" => ms(self.segment_age_max),
            "segment.jitter.ms" => ms(self.segment_jitter),
            "index.interval.bytes" => self.index_interval_bytes.to_string(),
            "segment.index.bytes" => self.index_bytes_max.to_string(),
            "retention.ms" => self.retention.map_or("-1".to_owned(), ms),
            "retention.bytes" => {
                self.retention_bytes.map_or("-1".to_owned(), |bytes| bytes.to_string())
            }
            "max.message.bytes" => self.message_bytes_max.to_string(),
            "flush.messages" => long(self.flush_messages),
            "flush.ms" => long(self.flush_interval.map(Duration::as_millis)),
            "file.delete.delay.ms" => ms(self.file_delete_delay),
            _ if topic_key(name).is_some() => self.others.get(name).cloned().unwrap_or_default(),
            _ => return None,
        })
    }

    /// Whether old segments are deleted (`cleanup.policy` has `delete`).
    pub fn deletes_old_records(&self) -> bool {
        let policy = self.others.get("cleanup.policy");
        policy.is_none_or(|policy| super::endpoint::items(policy).any(|item| item == "delete"))
    }

    /// The one rule about two settings.
    fn check_lags(&self) -> Result<(), String> {
        let lag = |name: &str| self.others.get(name).and_then(|value| value.parse::<i64>().ok());
        let (low, high) = (lag("min.compaction.lag.ms"), lag("max.compaction.lag.ms"));
        match (low, high) {
            (Some(low), Some(high)) if low > high => Err(format!(
                "conflict topic config setting min.compaction.lag.ms ({low}) > \
                 max.compaction.lag.ms ({high})"
            )),
            _ => Ok(()),
        }
    }
}

/// A time that was given in milliseconds. Those beyond all calendars are cut, so that they can be added to others.
pub(super) fn millis(ms: i64) -> Duration {
    const EVER: u64 = 1_000_000_000_000_000;
    Duration::from_millis(u64::try_from(ms).unwrap_or_default().min(EVER))
}
