//! The configuration of one server, as `zoo.cfg` and `myid` give it.
//!
//! Keys and values come in as text pairs and leave as typed values, or as ZooKeeper's own refusal. The syntax of the
//! file itself (comments, escapes, line numbers) is not read here: whoever reads files does that.

mod keys;
mod parse;
mod servers;

use std::collections::BTreeMap;
use std::fmt;

use machine::Duration;

use crate::id::ServerId;
use crate::mechanism::{Mechanisms, Preset};

/// Everything a server needs to know before it starts. Keys and defaults are those of `zoo.cfg` in its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `myid`. A standalone server has no use for one and counts as 1 in the session ids it gives.
    pub id: ServerId,
    /// `tickTime`: 3000 ms if unset.
    pub tick: Duration,
    /// `initLimit`, in ticks.
    pub init_limit: u64,
    /// `syncLimit`, in ticks.
    pub sync_limit: u64,
    /// `dataDir`: snapshots, epochs, myid.
    pub data_dir: String,
    /// `dataLogDir`: transaction logs; the same as `data_dir` if unset.
    pub data_log_dir: String,
    /// `clientPortAddress:clientPort`, `0.0.0.0` if unset; `None`: nobody is served.
    pub client_address: Option<String>,
    /// `server.N`; empty means standalone.
    pub servers: BTreeMap<ServerId, Server>,
    /// `maxClientCnxns` from one address; 0 is no limit. 60 if unset.
    pub max_client_connections: u64,
    /// `minSessionTimeout`: 2 ticks if unset.
    pub min_session_timeout: Duration,
    /// `maxSessionTimeout`: 20 ticks if unset.
    pub max_session_timeout: Duration,
    /// `snapCount`: transactions between snapshots, 100 000 if unset.
    pub snap_count: u64,
    /// `autopurge.snapRetainCount`: 3 if unset, never less.
    pub purge_retain: u64,
    /// `autopurge.purgeInterval` in hours; 0 is off.
    pub purge_interval_hours: u64,
    /// `forceSync`: `no` acknowledges before the disk has it.
    pub force_sync: bool,
    /// `cnxTimeout` of the election port: 5 s if unset.
    pub connect_timeout: Duration,
    /// The version's mechanisms.
    pub mechanisms: Mechanisms,
    /// The version.
    pub preset: Preset,
}

/// One `server.N` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its host as written.
    pub host: String,
    /// Followers connect to the leader here (2888).
    pub quorum_port: u16,
    /// Votes are exchanged here (3888).
    pub election_port: u16,
}

impl Config {
    /// Whether there is no ensemble.
    pub fn is_standalone(&self) -> bool {
        self.servers.is_empty()
    }
}

/// How `zoo.cfg` is read. It changed once, and files of either age may be run with any version's mechanisms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Syntax {
    /// Up to 3.4: `clientPort` is required, `server.N` ends with the election port.
    #[default]
    V3_4,
    /// 3.5 and later: the client port may stand behind a semicolon of `server.N`; without any the server starts and
    /// serves nobody.
    V3_5,
}

impl Syntax {
    /// The syntax of this version's own files.
    pub fn of(preset: Preset) -> Self {
        if preset >= Preset::V3_6_3 { Self::V3_5 } else { Self::V3_4 }
    }
}

/// Why a server with this configuration does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The key it is about; `None` when it is about a key that is not there.
    pub key: Option<String>,
    /// Who refuses.
    pub kind: ConfigErrorKind,
    /// What is wrong: ZooKeeper's own words where it is ZooKeeper that refuses.
    pub message: String,
}

/// Who refuses a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigErrorKind {
    /// The real server would exit at start with this message.
    Refused,
    /// The real server would start; this one cannot stand in for it.
    NotModelled,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Something in a configuration that works differently than it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigWarning {
    /// The key it is about.
    pub key: String,
    /// What kind of surprise it is.
    pub kind: ConfigWarningKind,
    /// One sentence: ZooKeeper's own log line where there is one.
    pub message: String,
}

/// Why something in a configuration is warned about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigWarningKind {
    /// ZooKeeper itself logs it at start.
    Logged,
    /// ZooKeeper knows the key; it has no effect here.
    NotModelled,
    /// ZooKeeper does not know the key: it becomes a system property nobody reads.
    Unknown,
    /// The key stands there more than once; the last one counts.
    Repeated,
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
