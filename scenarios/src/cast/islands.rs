//! Which Kafka cluster a broker comes to: the one below its chroot in the ensemble its connect string leads to.
//!
//! A connect string that names servers of several ensembles leads to one of them by chance. Here each life of a broker draws
//! one and stays with it; in life it may come to another one when that server dies.

use std::collections::BTreeMap;

use broker::config::Config;
use broker::mechanism::Preset;
use coordinator::client::ConnectString;
use machine::{Chance, ChanceKey, Duration};
use sim::world::HostId;

use super::Stage;

/// A Kafka cluster's place: a chroot in the tree of an ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    pub ensemble: usize,
    pub chroot: String,
    pub tick: Duration,
}

/// What a broker's connect string leads to.
pub(super) struct Ways {
    /// For each ensemble, what is left of the connect string.
    connects: Vec<(Tree, String)>,
    seed: u64,
}

impl Ways {
    /// The ways of a broker on `host`.
    pub(super) fn of(stage: &Stage, host: HostId, connect: &str, seed: u64) -> Self {
        let Ok(read) = connect.parse::<ConnectString>() else {
            return Self { connects: Vec::new(), seed };
        };
        let chroot = read.chroot().map(ToString::to_string).unwrap_or_default();
        let mut by_ensemble: BTreeMap<usize, (Tree, Vec<String>)> = BTreeMap::new();
        let found = stage.found_by(host, connect);
        for address in read.servers() {
            let server = found.get(address).and_then(|node| stage.scene.servers.get(node));
            let Some(server) = server else { continue };
            let (ensemble, tick) = (server.ensemble, server.membership.tick);
            let tree = Tree { ensemble, chroot: chroot.clone(), tick };
            let there = by_ensemble.entry(ensemble).or_insert_with(|| (tree, Vec::new()));
            there.1.push(address.to_string());
        }
        let connects = by_ensemble.into_values();
        let connects =
            connects.map(|(tree, servers)| (tree, format!("{}{chroot}", servers.join(","))));
        Self { connects: connects.collect(), seed }
    }

    /// How many ensembles there are to come to.
    pub(super) fn count(&self) -> usize {
        self.connects.len()
    }

    /// Where this life of the broker comes to; `None` if nowhere.
    pub(super) fn drawn(&self, name: &str, life: u64) -> Option<&(Tree, String)> {
        let key = ChanceKey { part: 0, purpose: "island" };
        Chance::stream(self.seed, name, life, key).pick(&self.connects)
    }

    /// The settings of this life. Since 2.4 (KAFKA-7335) a broker whose logs are another cluster's refuses to start; before
    /// it would go over to the other cluster with them, which is not played: it stays with its first choice.
    pub(super) fn settings(&self, config: &Config, name: &str, life: u64) -> Config {
        let life = if config.preset == Preset::V2_3 { 1 } else { life };
        let mut config = config.clone();
        if self.count() > 1
            && let Some((_, connect)) = self.drawn(name, life)
        {
            config.zookeeper_connect.clone_from(connect);
        }
        config
    }
}
