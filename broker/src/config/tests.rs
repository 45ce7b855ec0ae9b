//! What brokers are told in real files, and what they refuse.

use std::collections::BTreeMap;

use machine::Duration;
use proptest::prelude::*;

use super::{Config, Endpoint, TOPIC_KEYS, TopicConfig};
use crate::id::BrokerId;
use crate::mechanism::Preset;

fn lines(text: &str) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (key, value) = line.split_once('=').expect("key=value");
        (key.to_owned(), value.to_owned())
    };
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(pair).collect()
}

/// The settings and the warnings, or the refusal, with an id and a ZooKeeper if there is none.
fn read(preset: Preset, text: &str) -> Result<(Config, Vec<String>), String> {
    let mut lines = lines(text);
    for (key, value) in [("broker.id", "1"), ("zookeeper.connect", "zk:2181")] {
        if !lines.iter().any(|(given, _)| given == key) {
            lines.push((key.to_owned(), value.to_owned()));
        }
    }
    Config::from_properties(&lines, preset, preset.mechanisms()).map_err(|why| why.to_string())
}

fn config(text: &str) -> Config {
    read(Preset::V2_5, text).expect("a good configuration").0
}

fn refusal(text: &str) -> String {
    read(Preset::V2_5, text).expect_err("the broker would not start")
}

fn endpoint(name: &str, host: &str, port: u16) -> Endpoint {
    Endpoint { name: name.into(), host: host.into(), port }
}

#[test]
fn versions_have_their_own_defaults() {
    let [old, new] = [Preset::V2_3, Preset::V2_5]
        .map(|preset| read(preset, "").expect("nothing else is needed"));
    let of = |(config, warnings): (Config, Vec<String>)| {
        assert!(warnings.is_empty(), "{warnings:?}");
        (
            config.zookeeper_session_timeout.as_millis(),
            config.zookeeper_connection_timeout.as_millis(),
            config.replica_lag_max.as_millis(),
            config.topic_defaults.message_bytes_max,
            config.fetch_bytes_max,
        )
    };
    assert_eq!(of(old), (6000, 6000, 10_000, 1_000_012, i32::MAX));
    assert_eq!(of(new), (18_000, 18_000, 30_000, 1_048_588, 57_671_680));
}

#[test]
fn the_rest_of_the_defaults() {
    let config = config("");
    assert_eq!(config.id, BrokerId(1));
    assert_eq!(config.listeners, [endpoint("PLAINTEXT", "", 9092)]);
    assert_eq!(config.advertised_listeners, config.listeners);
    assert_eq!(config.inter_broker_listener, "PLAINTEXT");
    assert_eq!(config.log_dir, "/tmp/kafka-logs");
    assert_eq!((config.io_threads, config.partitions, config.replication_factor), (8, 1, 1));
    assert!(config.auto_create_topics && config.delete_topics && config.rebalance);
    let topics = &config.topic_defaults;
    assert_eq!((topics.segment_bytes, topics.index_interval_bytes), (1 << 30, 4096));
    assert_eq!(topics.retention, Some(Duration::from_secs(168 * 3600)));
    assert_eq!((topics.retention_bytes, topics.flush_messages), (None, None));
    assert_eq!((topics.flush_interval, topics.min_insync_replicas), (None, 1));
    assert!(!topics.unclean_leader_election && topics.deletes_old_records());
    for key in TOPIC_KEYS {
        let value = topics.get(key.name).expect("it is a key");
        let same = topics.with(&BTreeMap::from([(key.name.to_owned(), value)]));
        assert_eq!(same.as_ref(), Ok(topics), "{} may be set to its default", key.name);
    }
}

#[test]
fn listeners_come_from_new_keys_or_from_old_ones() {
    let new = config(
        "listeners=INSIDE://:29092,OUTSIDE://0.0.0.0:9092
        advertised.listeners=inside://kafka-1:29092,OUTSIDE://localhost:9092
        listener.security.protocol.map=INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT
        inter.broker.listener.name=INSIDE",
    );
    assert_eq!(new.listeners[0], endpoint("INSIDE", "", 29092));
    assert_eq!(new.advertised_listeners[0], endpoint("INSIDE", "kafka-1", 29092));
    assert_eq!(new.inter_broker_listener, "INSIDE");
    let mut old = config("host.name=10.0.0.1\nport=9093\nadvertised.port=19093");
    assert_eq!(old.listeners, [endpoint("PLAINTEXT", "10.0.0.1", 9093)]);
    assert_eq!(old.advertised_listeners, [endpoint("PLAINTEXT", "10.0.0.1", 19093)]);
    old.advertise_as("kafka-1");
    assert_eq!(old.advertised_listeners[0].host, "10.0.0.1");
    let mut nameless = config("");
    nameless.advertise_as("kafka-1");
    assert_eq!(nameless.advertised_listeners[0].host, "kafka-1");
}

#[test]
fn the_shorter_time_unit_wins() {
    let topics = config("log.retention.hours=1\nlog.retention.minutes=5").topic_defaults;
    assert_eq!(topics.retention, Some(Duration::from_secs(300)));
    let topics = config("log.retention.minutes=5\nlog.retention.ms=-5").topic_defaults;
    assert_eq!(topics.retention, None);
    let topics = config("log.roll.hours=2\nlog.flush.interval.ms=1000").topic_defaults;
    assert_eq!(topics.segment_age_max, Duration::from_secs(7200));
    assert_eq!(topics.flush_interval, Some(Duration::from_secs(1)));
    let topics = config("log.roll.hours=2\nlog.roll.ms=9223372036854775807").topic_defaults;
    assert!(topics.segment_age_max > Duration::from_secs(1 << 32));
}

#[test]
fn refusals_are_in_kafkas_words() {
    insta::assert_snapshot!(
        [
            refusal("num.partitions=many"),
            refusal("num.io.threads=0"),
            refusal("delete.topic.enable=yes"),
            refusal("compression.type=zip"),
            refusal("broker.id=1001"),
            refusal("broker.id=-1"),
            refusal("broker.id=-2"),
            refusal("listeners=PLAINTEXT://0.0.0.0:9092"),
            refusal("listeners=PLAINTEXT//kafka:9092"),
            refusal("listeners=INSIDE://kafka:9092"),
            refusal("listeners=PLAINTEXT://:9092,SSL://:9092"),
            refusal("listeners=PLAINTEXT://:9092,PLAINTEXT://:9093"),
            refusal("advertised.listeners=PLAINTEXT://kafka:9092,SSL://kafka:9093"),
            refusal("security.inter.broker.protocol=SSL"),
            refusal("inter.broker.listener.name=INSIDE"),
            refusal("inter.broker.listener.name=SSL\nsecurity.inter.broker.protocol=SSL"),
            refusal("listener.security.protocol.map=PLAINTEXT:PLAIN"),
            refusal("replica.lag.time.max.ms=100"),
            refusal("log.retention.ms=0"),
            refusal("log.dirs=,"),
            Config::from_properties(&[], Preset::V2_3, Preset::V2_3.mechanisms())
                .expect_err("no ZooKeeper")
                .to_string(),
        ]
        .join("\n")
    );
}

#[test]
fn warnings_say_what_means_nothing_here() {
    let (_, warnings) = read(
        Preset::V2_3,
        "offsets.topic.replication.factor=1
        log.cleanup.policy=compact
        compression.type=producer
        ssl.keystore.location=/keys
        log.dirs=/a,/b
        num.partitons=3
        fetch.max.bytes=5000
        listeners=SSL://:9093,PLAINTEXT://:9092
        num.partitions=3
        num.partitions=4",
    )
    .expect("nothing of it keeps a broker from starting");
    insta::assert_snapshot!(warnings.join("\n"));
}

fn with(settings: &[(&str, &str)]) -> Result<TopicConfig, String> {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    config("").topic_defaults.with(&settings.iter().map(pair).collect())
}

#[test]
fn topics_have_their_own_settings() {
    let own = with(&[("min.insync.replicas", "2"), ("cleanup.policy", "compact, delete")]);
    let own = own.expect("both are good");
    assert_eq!((own.min_insync_replicas, own.deletes_old_records()), (2, true));
    let own = with(&[("cleanup.policy", "compact"), ("retention.ms", "-1")]).expect("as well");
    assert_eq!((own.retention, own.deletes_old_records()), (None, false));
    insta::assert_snapshot!(
        [
            with(&[("min.isr", "2")]).expect_err("unknown"),
            with(&[("min.insync.replicas", "0")]).expect_err("too small"),
            with(&[("retention.ms", "-2")]).expect_err("too small"),
            with(&[("retention.ms", "week")]).expect_err("no number"),
            with(&[("cleanup.policy", "shrink")]).expect_err("no policy"),
            with(&[("min.cleanable.dirty.ratio", "1.5")]).expect_err("too great"),
            with(&[("unclean.leader.election.enable", "1")]).expect_err("no flag"),
            with(&[("min.compaction.lag.ms", "9"), ("max.compaction.lag.ms", "8")])
                .expect_err("no time is both"),
        ]
        .join("\n")
    );
}

proptest! {
    #[test]
    fn no_setting_is_dangerous(
        key in prop::sample::select(super::keys::KEYS.iter().map(|key| key.name).collect::<Vec<_>>()),
        value in prop_oneof![
            any::<i64>().prop_map(|number| number.to_string()),
            any::<i32>().prop_map(|number| number.to_string()),
            "[A-Z:/,0-9.-]{0,12}",
            ".{0,6}",
        ],
    ) {
        drop(read(Preset::V2_5, &format!("{key}={}", value.replace(['\n', '\r'], ""))));
        drop(with(&[(key, &value)]));
        for topic in TOPIC_KEYS {
            if let Ok(config) = with(&[(topic.name, &value)]) {
                prop_assert!(config.get(topic.name).is_some());
            }
        }
    }
}
