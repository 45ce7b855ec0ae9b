//! The answers to what conditions and selectors ask: truth from the scene, belief from what each node said of itself.

mod kafka;

use std::collections::BTreeMap;

use sim::world::NodeId;

use super::Behind;
use super::agenda::Firing;
use crate::cast::Stage;
use crate::plan::Plan;
use crate::scene::{Server, State};
use crate::script::facts::{Facts, KafkaFacts, SessionState};
use crate::script::selector::Role;

/// A running cluster as conditions see it.
pub struct View<'a> {
    /// What is played.
    pub plan: &'a Plan,
    /// Where.
    pub stage: &'a Stage,
    /// What was done so far.
    pub fired: &'a BTreeMap<String, Vec<Firing>>,
}

impl View<'_> {
    fn server(&self, node: &str) -> Option<(NodeId, &Server)> {
        let id = self.stage.nodes.get(node)?;
        Some((*id, self.stage.scene.servers.get(id)?))
    }

    fn client(&self, node: &str) -> Option<&crate::scene::Client> {
        self.stage.scene.clients.get(self.stage.nodes.get(node)?)
    }

    fn name(&self, node: NodeId) -> String {
        self.stage.world.name_of(node).to_owned()
    }

    /// Conditions speak of one `zk`: the largest ensemble, of equals the one of the first server.
    fn ensemble(&self) -> usize {
        let servers = &self.stage.scene.servers;
        let size =
            |ensemble: usize| servers.values().filter(|server| server.ensemble == ensemble).count();
        (0..self.stage.scene.ensembles.len())
            .max_by_key(|ensemble| (size(*ensemble), std::cmp::Reverse(*ensemble)))
            .unwrap_or_default()
    }
}

impl Facts for View<'_> {
    fn servers(&self) -> Vec<String> {
        self.plan.servers.clone()
    }

    fn is(&self, node: &str, role: Role) -> bool {
        let Some(id) = self.stage.nodes.get(node) else { return false };
        let up = self.stage.world.is_up(*id);
        let state = self.server(node).map(|(_, server)| server.state);
        match role {
            Role::Up => up,
            Role::Down => !up,
            Role::Looking => {
                up && matches!(state, Some(State::Looking | State::Recovering | State::Joining))
            }
            Role::Following => up && matches!(state, Some(State::Following { .. })),
            Role::Leading => up && matches!(state, Some(State::Leading { established: true, .. })),
            Role::Serving => {
                let broker =
                    || self.stage.scene.kafka.broker_at(*id).is_some_and(|one| one.is_serving);
                let server = self.server(node).is_some_and(|(_, server)| server.is_serving());
                up && (server || broker())
            }
            Role::Standalone => up && state == Some(State::Standalone),
            Role::Registered => self.registered(node),
            Role::Frozen => up && self.frozen(node),
        }
    }

    fn leader(&self) -> Option<String> {
        let behind = Behind(&self.stage.world);
        self.stage.scene.leader(self.ensemble(), &behind).map(|node| self.name(node))
    }

    fn leader_seen_by(&self, node: &str) -> Option<String> {
        let (id, server) = self.server(node)?;
        match server.state {
            State::Leading { .. } | State::Standalone => Some(self.name(id)),
            State::Following { leader, .. } => {
                self.stage.scene.by_sid(server.ensemble, leader).map(|node| self.name(node))
            }
            _ => None,
        }
    }

    fn epoch(&self) -> u64 {
        let truth = &self.stage.scene.ensembles[self.ensemble()];
        truth.leaders.keys().next_back().map_or(0, |epoch| u64::from(epoch.0))
    }

    fn epoch_seen_by(&self, node: &str) -> u64 {
        self.server(node).map_or(0, |(_, server)| u64::from(server.current.0))
    }

    fn victims(&self, step: &str) -> Vec<String> {
        let last = self.fired.get(step).and_then(|firings| firings.last());
        last.map(|firing| firing.victims.clone()).unwrap_or_default()
    }

    fn peers(&self, step: &str) -> Vec<String> {
        let last = self.fired.get(step).and_then(|firings| firings.last());
        last.map(|firing| firing.peers.clone()).unwrap_or_default()
    }

    fn session(&self, client: &str) -> SessionState {
        self.client(client).map_or(SessionState::New, |client| client.state)
    }

    fn expirations(&self, client: &str) -> u64 {
        self.client(client).map_or(0, |client| client.expirations)
    }

    fn server_of(&self, client: &str) -> Option<String> {
        let address = self.client(client)?.server.as_ref()?;
        let host = address.rsplit_once(':').map_or(&**address, |(host, _)| host);
        let named = |name: &&String| {
            let host_of =
                |node: &NodeId| self.stage.world.host_name(self.stage.world.host_of(*node)) == host;
            name.as_str() == host || self.stage.nodes.get(*name).is_some_and(host_of)
        };
        self.plan.servers.iter().find(named).cloned()
    }

    fn holds_lock(&self, client: &str) -> bool {
        self.client(client).is_some_and(|client| client.holds_lock)
    }

    fn acked(&self, client: &str) -> u64 {
        let kafka = self.kafka_client(client).map_or(0, |client| client.acked);
        self.client(client).map_or(kafka, |client| client.acked)
    }

    fn failed(&self, client: &str) -> u64 {
        let kafka = self.kafka_client(client).map_or(0, |client| client.failed);
        self.client(client).map_or(kafka, |client| client.failed)
    }

    fn events(&self, client: &str) -> u64 {
        self.client(client).map_or(0, |client| client.events)
    }
}
