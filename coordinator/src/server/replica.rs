//! The replicated state of one server, and the one place where a committed transaction becomes visible.

use std::collections::VecDeque;
use std::sync::Arc;

use machine::Context;

use crate::config::Config;
use crate::id::{Epoch, Zxid};
use crate::log::{Recovered, Storage, StorageConfig, StorageEvent};
use crate::mechanism::{Mutant, SessionClock};
use crate::note::ServerNote;
use crate::quorum::Voters;
use crate::server::clients::Clients;
use crate::server::sessions;
use crate::tree::DataTree;
use crate::txn::Record;
use crate::zab::synchronise::COMMITTED_LOG;

/// What every role works on: the tree, its recent past, the disk and the clients.
pub struct Replica {
    /// The server's configuration.
    pub config: Config,
    /// Who votes.
    pub voters: Voters,
    /// The state all servers agree on.
    pub tree: DataTree,
    /// The last committed transactions, for followers that lag.
    pub committed: VecDeque<Arc<Record>>,
    /// The durable state.
    pub storage: Storage,
    /// What the disk reported and nobody has looked at yet.
    pub stored: Vec<StorageEvent>,
    /// The clients of this server.
    pub clients: Clients,
    /// `acceptedEpoch`.
    pub accepted: Epoch,
    /// `currentEpoch`.
    pub current: Epoch,
}

impl Replica {
    /// An empty server that has not looked at its disk yet.
    pub fn new(config: Config, wall_ms: i64) -> Self {
        let members = config.servers.keys().copied();
        let voters = if config.is_standalone() {
            Voters::majority([config.id])
        } else if config.mechanisms.has(Mutant::HalfIsEnough) {
            Voters::needing(members, config.servers.len() / 2)
        } else {
            Voters::majority(members)
        };
        let storage = Storage::new(StorageConfig {
            data_dir: config.data_dir.clone(),
            data_log_dir: config.data_log_dir.clone(),
            snap_count: config.snap_count,
            purge_retain: config.purge_retain,
            purge_interval: machine::Duration::from_secs(3600).times(config.purge_interval_hours),
            force_sync: config.force_sync,
            mechanisms: config.mechanisms.clone(),
        });
        let clients = Clients::new(&config, sessions::first_session_id(config.id, wall_ms));
        Self {
            config,
            voters,
            tree: DataTree::new(),
            committed: VecDeque::new(),
            storage,
            stored: Vec::new(),
            clients,
            accepted: Epoch(0),
            current: Epoch(0),
        }
    }

    /// Takes over what was read from the disk.
    pub fn load(&mut self, recovered: Recovered) {
        self.tree = recovered.tree;
        self.committed = recovered.history.into();
        self.accepted = recovered.accepted;
        self.current = recovered.current;
        while self.committed.len() > COMMITTED_LOG {
            self.committed.pop_front();
        }
    }

    /// Applies a committed transaction: the tree changes, watches fire, the author is answered.
    pub fn deliver(&mut self, record: &Arc<Record>, cx: &mut Context<'_, ServerNote>) {
        self.apply(record, false, cx);
    }

    /// The same on a follower, where [`Mutant::KeepsEphemerals`] may strike.
    pub fn deliver_as_follower(&mut self, record: &Arc<Record>, cx: &mut Context<'_, ServerNote>) {
        let keep_ephemerals = self.config.mechanisms.has(Mutant::KeepsEphemerals);
        self.apply(record, keep_ephemerals, cx);
    }

    /// Applies what is logged and not known to be committed, as a restart would: nobody is answered.
    pub fn replay(&mut self, record: &Arc<Record>) {
        self.tree.apply(&record.header, &record.txn, false);
        self.remember(record);
    }

    /// The last transaction this server stands for in an election.
    pub fn last_zxid(&self) -> Zxid {
        self.tree.last_zxid()
    }

    /// The clock sessions are counted on, in ms.
    pub fn session_clock_ms(&self, cx: &Context<'_, ServerNote>) -> u64 {
        match self.config.mechanisms.session_clock {
            SessionClock::Wall => cx.wall().as_micros() / 1_000,
            SessionClock::Monotonic => cx.now().as_micros() / 1_000,
        }
    }

    fn apply(
        &mut self,
        record: &Arc<Record>,
        keep_ephemerals: bool,
        cx: &mut Context<'_, ServerNote>,
    ) {
        let applied = self.tree.apply(&record.header, &record.txn, keep_ephemerals);
        self.remember(record);
        cx.note(ServerNote::Delivered {
            record: record.clone(),
            tree: self.tree.digest(),
            ephemerals: applied.ephemerals_removed,
        });
        self.clients.delivered(record, &applied, &self.tree, cx);
    }

    fn remember(&mut self, record: &Arc<Record>) {
        self.committed.push_back(record.clone());
        if self.committed.len() > COMMITTED_LOG {
            self.committed.pop_front();
        }
    }
}
