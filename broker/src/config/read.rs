//! From the lines of `server.properties` to a [`Config`], as `KafkaConfig` reads and checks them.

use std::collections::{BTreeMap, BTreeSet};

use machine::Duration;

use super::endpoint::{Endpoint, items, list};
use super::keys;
use super::topic::{TOPIC_KEYS, TopicConfig, millis};
use super::value::boolean;
use super::{Config, ConfigError};
use crate::id::BrokerId;
use crate::mechanism::{Mechanisms, Preset};

impl Config {
    /// The settings of `server.properties` lines, later ones winning; and warnings about keys that mean nothing here.
    ///
    /// A broker without `broker.id` is refused: ids are not generated, so whoever stages a cluster gives them (the real
    /// ones count from 1001 in the order of first starts).
    ///
    /// # Errors
    /// What the real broker refuses at start.
    pub fn from_properties(
        properties: &[(String, String)],
        preset: Preset,
        mechanisms: Mechanisms,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let mut warnings = Vec::new();
        let mut given = BTreeMap::new();
        for (key, value) in properties {
            let (key, value) = (key.trim(), value.trim());
            if let Some(before) = given.insert(key.to_owned(), value.to_owned())
                && before != value
            {
                warnings.push(format!("{key} is set twice: `{value}` wins over `{before}`"));
            }
        }
        let given = Given { given, preset };
        given.check(&mut warnings)?;
        let listeners = Listeners::of(&given)?;
        given.check_rules(&listeners)?;
        listeners.warn(&mut warnings);
        if items(given.text("log.dirs").unwrap_or_default()).count() > 1 {
            warnings.push("log.dirs: only the first directory is used".to_owned());
        }
        Ok((given.config(listeners, mechanisms)?, warnings))
    }
}

/// What was said, and the version whose defaults fill the rest.
struct Given {
    given: BTreeMap<String, String>,
    preset: Preset,
}

impl Given {
    /// Types and bounds of all values, and what is to be said about keys.
    fn check(&self, warnings: &mut Vec<String>) -> Result<(), ConfigError> {
        for (name, value) in &self.given {
            // The broker's own limit of fetches came with 2.5 (KAFKA-9137).
            let unborn = name == "fetch.max.bytes" && self.preset == Preset::V2_3;
            match keys::broker_key(name) {
                Some(key) if !unborn => {
                    key.kind.check(name, value).map_err(|what| refused(name, what))?;
                    let differs = key.default(self.preset) != Some(value);
                    if !key.modelled && differs {
                        warnings.push(format!("{name} is not modelled"));
                    }
                }
                None if keys::is_known_elsewhere(name) => {
                    warnings.push(format!("{name} is not modelled"));
                }
                _ => warnings.push(format!(
                    "The configuration '{name}' was supplied but isn't a known config."
                )),
            }
        }
        Ok(())
    }

    /// What a key is: as it was said, or its default.
    fn text(&self, name: &str) -> Option<&str> {
        match self.given.get(name) {
            Some(value) => Some(value),
            None => keys::broker_key(name).and_then(|key| key.default(self.preset)),
        }
    }

    /// A key's number, if it is anything.
    fn maybe(&self, name: &str) -> Option<i64> {
        self.text(name).map(|value| value.parse().expect("all numbers were checked before"))
    }

    fn number(&self, name: &str) -> i64 {
        self.maybe(name).expect("a key with a default")
    }

    fn int(&self, name: &str) -> i32 {
        i32::try_from(self.number(name)).expect("an INT was checked to be one")
    }

    /// A number that the real broker lets be negative although it makes no sense.
    fn natural(&self, name: &str) -> u32 {
        u32::try_from(self.number(name)).unwrap_or_default()
    }

    fn ms(&self, name: &str) -> Duration {
        millis(self.number(name))
    }

    fn flag(&self, name: &str) -> bool {
        self.text(name).and_then(boolean).expect("all flags were checked before")
    }

    /// `log.roll.ms`, or the hours.
    fn roll_ms(&self) -> i64 {
        self.maybe("log.roll.ms").unwrap_or_else(|| self.number("log.roll.hours") * HOUR)
    }

    /// `log.roll.jitter.ms`, or the hours.
    fn jitter_ms(&self) -> i64 {
        let hours = || self.number("log.roll.jitter.hours") * HOUR;
        self.maybe("log.roll.jitter.ms").unwrap_or_else(hours)
    }

    /// `log.retention.ms`, or the minutes, or the hours; -1 for all that is negative.
    fn retention_ms(&self) -> i64 {
        let hours = || self.number("log.retention.hours") * HOUR;
        let minutes = || self.maybe("log.retention.minutes").map(|minutes| minutes * 60_000);
        self.maybe("log.retention.ms").or_else(minutes).unwrap_or_else(hours).max(-1)
    }

    /// `KafkaConfig.validateValues`
    fn check_rules(&self, listeners: &Listeners) -> Result<(), ConfigError> {
        let require = |holds: bool, key: &str, what: &str| {
            if holds { Ok(()) } else { Err(refused(key, what)) }
        };
        require(
            self.text("zookeeper.connect").is_some(),
            "zookeeper.connect",
            "Missing required configuration \"zookeeper.connect\" which has no default value.",
        )?;
        let id = self.number("broker.id");
        if self.flag("broker.id.generation.enable") {
            require(
                id >= -1 && id <= self.number("reserved.broker.max.id"),
                "broker.id",
                "broker.id must be equal or greater than -1 and not greater than \
                 reserved.broker.max.id",
            )?;
        } else {
            require(id >= 0, "broker.id", "broker.id must be equal or greater than 0")?;
        }
        require(self.roll_ms() >= 1, "log.roll.ms", "log.roll.ms must be equal or greater than 1")?;
        require(
            self.jitter_ms() >= 0,
            "log.roll.jitter.ms",
            "log.roll.jitter.ms must be equal or greater than 0",
        )?;
        require(
            self.retention_ms() != 0,
            "log.retention.ms",
            "log.retention.ms must be unlimited (-1) or, equal or greater than 1",
        )?;
        require(
            self.log_dir().is_some(),
            "log.dirs",
            "At least one log directory must be defined via log.dirs or log.dir.",
        )?;
        let wait = self.number("replica.fetch.wait.max.ms");
        require(
            wait <= self.number("replica.socket.timeout.ms"),
            "replica.socket.timeout.ms",
            "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to \
             prevent unnecessary socket timeouts",
        )?;
        require(
            wait <= self.number("replica.lag.time.max.ms"),
            "replica.fetch.wait.max.ms",
            "replica.fetch.wait.max.ms should always be less than or equal to \
             replica.lag.time.max.ms to prevent frequent changes in ISR",
        )?;
        listeners.check()
    }

    /// The first log directory.
    fn log_dir(&self) -> Option<&str> {
        items(self.text("log.dirs").or(self.text("log.dir"))?).next()
    }

    /// The default of a topic's setting, as it is written in properties.
    fn topic_default(&self, broker_key: &str) -> String {
        match broker_key {
            "log.roll.ms" => self.roll_ms().to_string(),
            "log.roll.jitter.ms" => self.jitter_ms().to_string(),
            "log.retention.ms" => self.retention_ms().to_string(),
            "log.flush.interval.ms" => self
                .maybe(broker_key)
                .unwrap_or_else(|| self.number("log.flush.scheduler.interval.ms"))
                .to_string(),
            _ => self.text(broker_key).unwrap_or_default().to_owned(),
        }
    }

    fn topic_defaults(&self) -> TopicConfig {
        let mut config = TopicConfig {
            min_insync_replicas: 1,
            unclean_leader_election: false,
            segment_bytes: 0,
            segment_age_max: Duration::ZERO,
            segment_jitter: Duration::ZERO,
            index_interval_bytes: 0,
            index_bytes_max: 0,
            retention: None,
            retention_bytes: None,
            message_bytes_max: 0,
            flush_messages: None,
            flush_interval: None,
            file_delete_delay: Duration::ZERO,
            others: BTreeMap::new(),
        };
        for key in TOPIC_KEYS {
            let value = key.broker.map(|broker| self.topic_default(broker)).unwrap_or_default();
            config.set(key.name, &value);
        }
        config
    }

    /// Everything, once it is known to hold.
    fn config(self, listeners: Listeners, mechanisms: Mechanisms) -> Result<Config, ConfigError> {
        let id = BrokerId(self.int("broker.id"));
        if !id.is_some() {
            return Err(refused("broker.id", "no id, and ids are not generated here: say one"));
        }
        let session = self.ms("zookeeper.session.timeout.ms");
        let seconds = self.number("leader.imbalance.check.interval.seconds");
        Ok(Config {
            id,
            preset: self.preset,
            mechanisms,
            zookeeper_connect: self.text("zookeeper.connect").unwrap_or_default().to_owned(),
            zookeeper_session_timeout: session,
            zookeeper_connection_timeout: self
                .maybe("zookeeper.connection.timeout.ms")
                .map_or(session, millis),
            zookeeper_in_flight_max: self.natural("zookeeper.max.in.flight.requests") as usize,
            listeners: listeners.bound,
            advertised_listeners: listeners.advertised,
            security_protocols: listeners.protocols,
            inter_broker_listener: listeners.inter_broker,
            rack: self.text("broker.rack").map(str::to_owned),
            log_dir: self.log_dir().unwrap_or_default().to_owned(),
            io_threads: self.natural("num.io.threads"),
            queued_requests_max: self.natural("queued.max.requests") as usize,
            request_bytes_max: self.natural("socket.request.max.bytes") as usize,
            partitions: self.int("num.partitions"),
            replication_factor: i16::try_from(self.int("default.replication.factor"))
                .unwrap_or(i16::MAX),
            auto_create_topics: self.flag("auto.create.topics.enable"),
            delete_topics: self.flag("delete.topic.enable"),
            rebalance: self.flag("auto.leader.rebalance.enable"),
            imbalance_percentage: self.natural("leader.imbalance.per.broker.percentage"),
            imbalance_check_interval: millis(seconds.saturating_mul(1000)),
            controlled_shutdown: self.flag("controlled.shutdown.enable"),
            controlled_shutdown_retries: self.natural("controlled.shutdown.max.retries"),
            controlled_shutdown_backoff: self.ms("controlled.shutdown.retry.backoff.ms"),
            controller_socket_timeout: self.ms("controller.socket.timeout.ms"),
            request_timeout: self.ms("request.timeout.ms"),
            replica_lag_max: self.ms("replica.lag.time.max.ms"),
            replica_fetch_wait_max: self.ms("replica.fetch.wait.max.ms"),
            replica_fetch_bytes_min: self.int("replica.fetch.min.bytes"),
            replica_fetch_bytes_max: self.int("replica.fetch.max.bytes"),
            replica_fetch_response_bytes_max: self.int("replica.fetch.response.max.bytes"),
            replica_fetch_backoff: self.ms("replica.fetch.backoff.ms"),
            replica_socket_timeout: self.ms("replica.socket.timeout.ms"),
            high_watermark_checkpoint_interval: self
                .ms("replica.high.watermark.checkpoint.interval.ms"),
            fetch_bytes_max: match self.preset {
                Preset::V2_3 => i32::MAX,
                Preset::V2_5 | Preset::Fixed => self.int("fetch.max.bytes"),
            },
            recovery_point_checkpoint_interval: self.ms("log.flush.offset.checkpoint.interval.ms"),
            log_start_checkpoint_interval: self.ms("log.flush.start.offset.checkpoint.interval.ms"),
            retention_check_interval: self.ms("log.retention.check.interval.ms"),
            segment_delete_delay: self.ms("log.segment.delete.delay.ms"),
            index_bytes_max: self.natural("log.index.size.max.bytes"),
            topic_defaults: self.topic_defaults(),
            given: self.given,
        })
    }
}

const HOUR: i64 = 3_600_000;

fn refused(key: &str, what: impl Into<String>) -> ConfigError {
    ConfigError { key: key.to_owned(), what: what.into() }
}

/// Where a broker binds, and where it sends others.
struct Listeners {
    protocols: BTreeMap<String, String>,
    bound: Vec<Endpoint>,
    advertised: Vec<Endpoint>,
    inter_broker: String,
}

impl Listeners {
    /// Reads them from the new keys, or from the deprecated ones.
    fn of(given: &Given) -> Result<Self, ConfigError> {
        let protocols = protocols(given.text(PROTOCOL_MAP).unwrap_or_default())?;
        let read =
            |key: &str, text: &str| list(text, &protocols).map_err(|what| refused(key, what));
        let host = given.text("host.name").unwrap_or_default();
        let port = given.number("port");
        let bound = match given.text("listeners") {
            Some(text) => read("listeners", text)?,
            None => read("listeners", &format!("PLAINTEXT://{host}:{port}"))?,
        };
        let old_host = given.text("advertised.host.name");
        let old_port = given.maybe("advertised.port");
        let advertised = match given.text("advertised.listeners") {
            Some(text) => read("advertised.listeners", text)?,
            None if old_host.is_some() || old_port.is_some() => {
                let (host, port) = (old_host.unwrap_or(host), old_port.unwrap_or(port));
                read("advertised.host.name", &format!("PLAINTEXT://{host}:{port}"))?
            }
            None => bound.clone(),
        };
        let inter_broker = inter_broker(given, &protocols)?;
        Ok(Self { protocols, bound, advertised, inter_broker })
    }

    /// Whether they fit together.
    fn check(&self) -> Result<(), ConfigError> {
        let names = |endpoints: &[Endpoint]| {
            endpoints.iter().map(|endpoint| endpoint.name.clone()).collect::<BTreeSet<_>>()
        };
        let joined = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(",");
        let (bound, advertised) = (names(&self.bound), names(&self.advertised));
        if !advertised.contains(&self.inter_broker) {
            let valid = joined(&advertised);
            return Err(refused(
                "inter.broker.listener.name",
                format!(
                    "inter.broker.listener.name must be a listener name defined in \
                     advertised.listeners. The valid options based on currently configured \
                     listeners are {valid}"
                ),
            ));
        }
        if !advertised.is_subset(&bound) {
            let (found, valid) = (joined(&advertised), joined(&bound));
            return Err(refused(
                "advertised.listeners",
                format!(
                    "advertised.listeners listener names must be equal to or a subset of the \
                     ones defined in listeners. Found {found}. The valid options based on the \
                     current configuration are {valid}"
                ),
            ));
        }
        if self.advertised.iter().any(|endpoint| endpoint.host == "0.0.0.0") {
            return Err(refused(
                "advertised.listeners",
                "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a \
                 routable IP address.",
            ));
        }
        Ok(())
    }

    /// What is spoken here otherwise than said.
    fn warn(&self, warnings: &mut Vec<String>) {
        for Endpoint { name, .. } in &self.bound {
            match self.protocols.get(name) {
                Some(protocol) if protocol != "PLAINTEXT" => warnings.push(format!(
                    "listeners: {protocol} is not modelled, {name} speaks PLAINTEXT"
                )),
                _ => {}
            }
        }
    }
}

const PROTOCOL_MAP: &str = "listener.security.protocol.map";

/// The security protocol, if it is one.
fn protocol<'a>(name: &'a str, key: &str) -> Result<&'a str, ConfigError> {
    if ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"].contains(&name) {
        Ok(name)
    } else {
        Err(refused(key, format!("Invalid security protocol `{name}` defined in {key}")))
    }
}

/// `NAME:PROTOCOL,…`
fn protocols(text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut map = BTreeMap::new();
    for item in items(text) {
        let (listener, name) = item.split_once(':').ok_or_else(|| {
            refused(
                PROTOCOL_MAP,
                format!("Error parsing configuration property '{PROTOCOL_MAP}': {item}"),
            )
        })?;
        let name = protocol(name.trim(), PROTOCOL_MAP)?;
        map.insert(listener.trim().to_ascii_uppercase(), name.to_owned());
    }
    Ok(map)
}

/// The listener that brokers use among themselves: by its name, or the one of a security protocol.
fn inter_broker(
    given: &Given,
    protocols: &BTreeMap<String, String>,
) -> Result<String, ConfigError> {
    const NAME: &str = "inter.broker.listener.name";
    const PROTOCOL: &str = "security.inter.broker.protocol";
    match given.text(NAME) {
        Some(_) if given.given.contains_key(PROTOCOL) => {
            Err(refused(NAME, format!("Only one of {NAME} and {PROTOCOL} should be set.")))
        }
        Some(name) => {
            let name = name.to_ascii_uppercase();
            if protocols.contains_key(&name) {
                Ok(name)
            } else {
                let what = format!(
                    "Listener with name {name} defined in {NAME} not found in {PROTOCOL_MAP}."
                );
                Err(refused(NAME, what))
            }
        }
        None => {
            let name = given.text(PROTOCOL).unwrap_or_default();
            protocol(name, PROTOCOL).map(str::to_owned)
        }
    }
}
