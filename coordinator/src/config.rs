//! The configuration of one server, as `zoo.cfg` and `myid` give it.

use std::collections::BTreeMap;

use machine::Duration;

use crate::id::ServerId;
use crate::mechanism::{Mechanisms, Preset};

/// Everything a server needs to know before it starts. Keys and defaults are those of `zoo.cfg` in its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `myid`.
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
