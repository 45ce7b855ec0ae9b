//! From keys and values to a [`Config`], as `QuorumPeerConfig.parseProperties` reads them.
//!
//! Keys read as system properties (`snapCount`, `forceSync`, `cnxTimeout`) are part of it: in `zoo.cfg` they stand beside
//! the others. The order of refusals follows the file where Java's would follow a hash table.

use std::collections::{BTreeMap, BTreeSet};

use machine::Duration;

use super::ConfigErrorKind::{NotModelled, Refused};
use super::servers::{self, Line, Wrong, integer, port_number};
use super::{Config, ConfigError, ConfigErrorKind, ConfigWarning, ConfigWarningKind, Syntax, keys};
use crate::id::ServerId;
use crate::mechanism::{Mechanisms, Preset};

impl Config {
    /// The configuration a server of this version reads from these settings and the contents of its `myid` file.
    ///
    /// No or one `server.N` line makes a standalone server. Settings that change nothing here are warned about, never
    /// dropped in silence.
    ///
    /// # Errors
    /// What the real server would exit with, in its own words ([`ConfigErrorKind::Refused`]), or what cannot be modelled
    /// and would make the answer wrong ([`ConfigErrorKind::NotModelled`]): observers, weighted quorums, a separate dynamic file.
    pub fn from_properties(
        properties: &[(String, String)],
        myid: Option<&str>,
        preset: Preset,
        mechanisms: Mechanisms,
    ) -> Result<(Self, Vec<ConfigWarning>), ConfigError> {
        Self::from_properties_as(Syntax::of(preset), properties, myid, preset, mechanisms)
    }

    /// The same, where the file is written for another version than the one whose mechanisms are run.
    ///
    /// # Errors
    /// As [`Config::from_properties`].
    pub fn from_properties_as(
        syntax: Syntax,
        properties: &[(String, String)],
        myid: Option<&str>,
        preset: Preset,
        mechanisms: Mechanisms,
    ) -> Result<(Self, Vec<ConfigWarning>), ConfigError> {
        let mut draft = Draft::new(syntax, preset);
        for (key, value) in properties {
            let (key, value) = (key.trim(), value.trim());
            draft.note_repetition(key);
            draft.take(key, value).map_err(|(kind, message)| at(key, kind, message))?;
        }
        draft.finish(myid, mechanisms)
    }
}

fn at(key: &str, kind: ConfigErrorKind, message: String) -> ConfigError {
    ConfigError { key: Some(key.to_owned()), kind, message }
}

fn missing(message: &str) -> ConfigError {
    ConfigError { key: None, kind: Refused, message: message.to_owned() }
}

/// What has been read so far; absent keys still absent.
struct Draft {
    syntax: Syntax,
    preset: Preset,
    seen: BTreeSet<String>,
    warnings: Vec<ConfigWarning>,
    servers: BTreeMap<ServerId, Line>,
    tick_ms: u64,
    init_limit: u64,
    sync_limit: u64,
    data_dir: Option<String>,
    data_log_dir: Option<String>,
    client_port: u16,
    client_port_address: Option<String>,
    max_client_connections: u64,
    /// -1 is "unset" in the file, too.
    min_session_timeout_ms: Option<u64>,
    max_session_timeout_ms: Option<u64>,
    snap_count: u64,
    purge_retain: u64,
    purge_interval_hours: u64,
    force_sync: bool,
    connect_timeout_ms: u64,
    standalone_enabled: bool,
}

impl Draft {
    fn new(syntax: Syntax, preset: Preset) -> Self {
        Self {
            syntax,
            preset,
            seen: BTreeSet::new(),
            warnings: Vec::new(),
            servers: BTreeMap::new(),
            tick_ms: 3_000,
            init_limit: 0,
            sync_limit: 0,
            data_dir: None,
            data_log_dir: None,
            client_port: 0,
            client_port_address: None,
            max_client_connections: 60,
            min_session_timeout_ms: None,
            max_session_timeout_ms: None,
            snap_count: 100_000,
            purge_retain: 3,
            purge_interval_hours: 0,
            force_sync: true,
            connect_timeout_ms: 5_000,
            standalone_enabled: true,
        }
    }

    fn is_dynamic(&self) -> bool {
        self.syntax == Syntax::V3_5
    }

    fn warn(&mut self, key: &str, kind: ConfigWarningKind, message: impl Into<String>) {
        self.warnings.push(ConfigWarning { key: key.to_owned(), kind, message: message.into() });
    }

    fn note_repetition(&mut self, key: &str) {
        if !self.seen.insert(key.to_owned()) {
            let message = format!("`{key}` stands there more than once: the last one counts");
            self.warn(key, ConfigWarningKind::Repeated, message);
        }
    }

    /// Reads one setting.
    fn take(&mut self, key: &str, value: &str) -> Result<(), Wrong> {
        match key {
            "dataDir" => self.data_dir = Some(value.to_owned()),
            "dataLogDir" => self.data_log_dir = Some(value.to_owned()),
            "clientPort" => self.client_port = port_number(value)?,
            "clientPortAddress" => self.client_port_address = Some(value.to_owned()),
            "tickTime" => self.tick_ms = natural(key, value)?,
            "initLimit" => self.init_limit = natural(key, value)?,
            "syncLimit" => self.sync_limit = natural(key, value)?,
            "maxClientCnxns" => {
                self.max_client_connections = u64::try_from(integer(value)?).unwrap_or(0);
            }
            "minSessionTimeout" => self.min_session_timeout_ms = session_bound(key, value)?,
            "maxSessionTimeout" => self.max_session_timeout_ms = session_bound(key, value)?,
            "autopurge.snapRetainCount" => self.take_retain(key, value)?,
            "autopurge.purgeInterval" => {
                self.purge_interval_hours = u64::try_from(integer(value)?).unwrap_or(0);
            }
            "snapCount" => self.take_snap_count(key, value),
            "forceSync" => self.force_sync = value == "yes",
            "cnxTimeout" => self.connect_timeout_ms = natural(key, value)?,
            "standaloneEnabled" if self.is_dynamic() => {
                self.standalone_enabled = match value.to_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => {
                        let choose = "Choose 'true' or 'false.'";
                        let message =
                            format!("Invalid option {value} for standalone mode. {choose}");
                        return Err((Refused, message));
                    }
                };
            }
            "dynamicConfigFile" if self.is_dynamic() => {
                return Err((
                    NotModelled,
                    "a separate dynamic configuration file is not modelled: \
                     put its server lines here"
                        .to_owned(),
                ));
            }
            _ if key.starts_with("server.") => self.take_server(key, value)?,
            _ if key.starts_with("group") || key.starts_with("weight") => {
                return Err((NotModelled, format!("weighted quorums are not modelled: {key}")));
            }
            _ => self.take_other(key),
        }
        Ok(())
    }

    fn take_retain(&mut self, key: &str, value: &str) -> Result<(), Wrong> {
        let count = integer(value)?;
        self.purge_retain = u64::try_from(count).unwrap_or(0).max(3);
        if count < 3 {
            let message = format!("Invalid autopurge.snapRetainCount: {count}. Defaulting to 3");
            self.warn(key, ConfigWarningKind::Logged, message);
        }
        Ok(())
    }

    fn take_snap_count(&mut self, key: &str, value: &str) {
        match integer(value) {
            Ok(count) if count >= 2 => self.snap_count = u64::try_from(count).unwrap_or(2),
            Ok(_) => {
                self.snap_count = 2;
                let message = "SnapCount should be 2 or more. Now, snapCount is reset to 2";
                self.warn(key, ConfigWarningKind::Logged, message);
            }
            Err(_) => {
                let message = format!("snapCount={value} is not a number: 100000 is used");
                self.warn(key, ConfigWarningKind::Logged, message);
            }
        }
    }

    fn take_server(&mut self, key: &str, value: &str) -> Result<(), Wrong> {
        let number = key.strip_prefix("server.").unwrap_or(key);
        let id: i64 =
            number.parse().map_err(|_| (Refused, format!("For input string: \"{number}\"")))?;
        let id = u64::try_from(id)
            .map_err(|_| (NotModelled, format!("a negative server id is not modelled: {key}")))?;
        let line = match self.syntax {
            Syntax::V3_5 => servers::read_dynamic(value)?,
            Syntax::V3_4 => servers::read_static(value)?,
        };
        self.servers.insert(ServerId(id), line);
        Ok(())
    }

    /// Settings without effect here.
    fn take_other(&mut self, key: &str) {
        if keys::is_known_but_not_modelled(key) {
            let message = format!("`{key}` is known to ZooKeeper and not modelled: no effect here");
            return self.warn(key, ConfigWarningKind::NotModelled, message);
        }
        let hint =
            keys::nearest(key).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let message = format!("ZooKeeper does not know `{key}`: it has no effect{hint}");
        self.warn(key, ConfigWarningKind::Unknown, message);
    }

    /// The checks ZooKeeper makes when all is read.
    fn finish(
        mut self,
        myid: Option<&str>,
        mechanisms: Mechanisms,
    ) -> Result<(Config, Vec<ConfigWarning>), ConfigError> {
        let data_dir = self.data_dir.take().ok_or_else(|| missing("dataDir is not set"))?;
        let mut client_address = self.client_address()?;
        if self.tick_ms == 0 {
            return Err(at("tickTime", Refused, "tickTime is not set".to_owned()));
        }
        let tick = Duration::from_millis(self.tick_ms);
        let (min_session_timeout, max_session_timeout) = self.session_bounds(tick)?;
        let is_ensemble = self.is_ensemble()?;
        let id = self.identity(myid, is_ensemble, &data_dir)?;
        if self.is_dynamic()
            && let Some(own) = id.and_then(|id| self.servers.get(&id))
        {
            client_address = agreed_client_address(client_address, own.client.clone(), id)?;
        }
        if client_address.is_none() {
            let message = "clientPort is not set: no client is served";
            self.warn("clientPort", ConfigWarningKind::Logged, message);
        }
        let servers = match is_ensemble {
            true => {
                self.servers.iter().filter_map(|(id, line)| Some((*id, line.server()?))).collect()
            }
            false => BTreeMap::new(),
        };
        let config = Config {
            id: id.filter(|_| is_ensemble).unwrap_or(ServerId(1)),
            tick,
            init_limit: self.init_limit,
            sync_limit: self.sync_limit,
            data_log_dir: self.data_log_dir.take().unwrap_or_else(|| data_dir.clone()),
            data_dir,
            client_address,
            servers,
            max_client_connections: self.max_client_connections,
            min_session_timeout,
            max_session_timeout,
            snap_count: self.snap_count,
            purge_retain: self.purge_retain,
            purge_interval_hours: self.purge_interval_hours,
            force_sync: self.force_sync,
            connect_timeout: Duration::from_millis(self.connect_timeout_ms),
            mechanisms,
            preset: self.preset,
        };
        Ok((config, self.warnings))
    }

    fn client_address(&self) -> Result<Option<String>, ConfigError> {
        match (self.client_port, &self.client_port_address) {
            (0, _) if !self.is_dynamic() => Err(missing("clientPort is not set")),
            (0, Some(_)) => Err(at(
                "clientPortAddress",
                Refused,
                "clientPortAddress is set but clientPort is not set".to_owned(),
            )),
            (0, None) => Ok(None),
            (port, address) => {
                Ok(Some(format!("{}:{port}", address.as_deref().unwrap_or("0.0.0.0"))))
            }
        }
    }

    /// The bounds of session time-outs. 3.4 compares them before it fills in what is unset, where unset is -1.
    fn session_bounds(&self, tick: Duration) -> Result<(Duration, Duration), ConfigError> {
        let (min, max) = (self.min_session_timeout_ms, self.max_session_timeout_ms);
        let lowest = min.map_or(tick.times(2), Duration::from_millis);
        let highest = max.map_or(tick.times(20), Duration::from_millis);
        let contradict = match self.syntax {
            Syntax::V3_5 => lowest > highest,
            Syntax::V3_4 => min > max,
        };
        if contradict {
            let message = "minSessionTimeout must not be larger than maxSessionTimeout";
            return Err(at("minSessionTimeout", Refused, message.to_owned()));
        }
        Ok((lowest, highest))
    }

    /// Whether the server lines make an ensemble, with what ZooKeeper says about their number.
    fn is_ensemble(&mut self) -> Result<bool, ConfigError> {
        let first = self.servers.keys().next().map(|id| format!("server.{id}")).unwrap_or_default();
        match self.servers.len() {
            0 if self.standalone_enabled => return Ok(false),
            0 => {
                let message = "standaloneEnabled = false then number of participants should be >0";
                return Err(at("standaloneEnabled", Refused, message.to_owned()));
            }
            1 if self.standalone_enabled => {
                let message = "Invalid configuration, only one server specified (ignoring)";
                self.warn(&first, ConfigWarningKind::Logged, message);
                return Ok(false);
            }
            1 | 2 => {
                let message = "No server failure will be tolerated. You need at least 3 servers.";
                self.warn(&first, ConfigWarningKind::Logged, message);
            }
            count if count % 2 == 0 => {
                let message = "Non-optimial configuration, consider an odd number of servers.";
                self.warn(&first, ConfigWarningKind::Logged, message);
            }
            _ => {}
        }
        if self.init_limit == 0 {
            return Err(missing("initLimit is not set"));
        }
        if self.sync_limit == 0 {
            return Err(missing("syncLimit is not set"));
        }
        for (id, line) in &self.servers {
            if line.election_port.is_none() {
                let message = format!("Missing election port for server: {id}");
                return Err(at(&format!("server.{id}"), Refused, message));
            }
        }
        Ok(true)
    }

    /// `myid`. A standalone 3.4 server does not even look for the file.
    fn identity(
        &self,
        myid: Option<&str>,
        is_ensemble: bool,
        data_dir: &str,
    ) -> Result<Option<ServerId>, ConfigError> {
        let text = match myid {
            None if !is_ensemble => return Ok(None),
            None if self.is_dynamic() => return Err(missing("myid file is missing")),
            None => return Err(missing(&format!("{data_dir}/myid file is missing"))),
            Some(_) if !is_ensemble && !self.is_dynamic() => return Ok(None),
            Some(text) => text,
        };
        let line = text.split(['\r', '\n']).next().unwrap_or_default();
        let shown = if text.is_empty() { "null" } else { line };
        let Ok(number) = line.parse::<i64>() else {
            return Err(missing(&format!("serverid {shown} is not a number")));
        };
        let id = u64::try_from(number).ok().map(ServerId);
        match id.filter(|id| !is_ensemble || self.servers.contains_key(id)) {
            Some(id) => Ok(Some(id)),
            None if !is_ensemble => Ok(None),
            None => Err(missing(&format!("My id {number} not in the peer list"))),
        }
    }
}

/// The client port of 3.5 and later stands in `clientPort`, behind the semicolon of the server's own line, or in both alike.
fn agreed_client_address(
    fixed: Option<String>,
    own: Option<String>,
    id: Option<ServerId>,
) -> Result<Option<String>, ConfigError> {
    let (Some(fixed), Some(own)) = (&fixed, &own) else { return Ok(own.or(fixed)) };
    let port_of = |address: &str| address.rsplit(':').next().map(str::to_owned);
    let agree = match fixed.starts_with("0.0.0.0:") {
        true => port_of(fixed) == port_of(own),
        false => fixed == own,
    };
    if agree {
        return Ok(Some(own.clone()));
    }
    let id = id.unwrap_or_default();
    let message = format!(
        "client address for this server (id = {id}) in static config file is {fixed} \
         is different from client address found in dynamic file: {own}"
    );
    Err(at("clientPort", Refused, message))
}

/// A number that is not negative. The real server would take a negative one and misbehave.
fn natural(key: &str, value: &str) -> Result<u64, Wrong> {
    let number = integer(value)?;
    u64::try_from(number)
        .map_err(|_| (NotModelled, format!("a negative {key} is not modelled: {number}")))
}

/// A session bound in ms; -1 is the same as leaving it out.
fn session_bound(key: &str, value: &str) -> Result<Option<u64>, Wrong> {
    match integer(value)? {
        -1 => Ok(None),
        _ => natural(key, value).map(Some),
    }
}
