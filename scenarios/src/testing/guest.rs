//! A user's own async program in a scenario: a node of its own in the simulated network, on the run's one clock.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use sim::hosted::{Gateway, GuestStream};

use super::Scenario;
use crate::cluster::{Broker, Cluster};
use crate::play::led::Guest;
use crate::script::Located;

/// What a guest is given: its way into the simulated network. Clones are the same way.
#[derive(Clone, Debug)]
pub struct Net {
    gateway: Gateway,
    brokers: Arc<[String]>,
    zookeeper: Arc<str>,
}

impl Net {
    /// Connects to `host:port` of the cluster, by the names it has there; with its latency, its cuts and its losses.
    ///
    /// # Errors
    /// As a socket would: refused, no such name, timed out, reset.
    pub async fn connect(&self, address: &str) -> io::Result<GuestStream> {
        self.gateway.connect(address).await
    }

    /// The addresses of all brokers, as `bootstrap.servers` would have them.
    pub fn brokers(&self) -> &[String] {
        &self.brokers
    }

    /// The connect string of the ZooKeeper servers.
    pub fn zookeeper(&self) -> &str {
        &self.zookeeper
    }

    /// Says something that will stand on the timeline.
    pub fn say(&self, words: impl Into<String>) {
        self.gateway.say(words);
    }
}

/// What a guest's program may come to: nothing (it may serve to the end), or a result, which is waited for: a run that
/// ends before is inconclusive.
pub trait Outcome: Send + 'static {
    /// Whether the program is to come to an end before the scenario does.
    const IS_AWAITED: bool;

    /// Whether it did what it is there for; if not, why.
    fn outcome(self) -> Result<(), String>;
}

impl Outcome for () {
    const IS_AWAITED: bool = false;

    fn outcome(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: std::fmt::Display + Send + 'static> Outcome for Result<(), E> {
    const IS_AWAITED: bool = true;

    fn outcome(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

/// Makes a guest's program for a cluster.
#[derive(Clone)]
pub(super) struct Invitation {
    name: String,
    begin: Arc<dyn Fn(Net) -> sim::hosted::Life + Send + Sync>,
    is_awaited: bool,
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invitation").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Scenario {
    /// Brings a program along: async code on madsim's tokio-shaped API, with a node of this name in the network. It begins
    /// with the scenario's clients, dies if its node is killed, stands still while it is paused, and begins again when
    /// it is restarted. Steps may name it if the scenario does (`guests = ["shop"]`).
    ///
    /// If it returns an error or panics, the run does not hold; if it is to return a result, it must do so in time.
    ///
    /// Time, sleep, spawn and chance are madsim's ([`crate::guest`]); what it does must depend on nothing else, or runs are
    /// not the same twice. `scenarios/examples/consumer-producer` shows a whole service.
    #[must_use]
    pub fn guest<F, L>(mut self, name: &str, program: F) -> Self
    where
        F: Fn(Net) -> L + Send + Sync + 'static,
        L: Future<Output: Outcome> + Send + 'static,
    {
        let begin = Arc::new(move |net: Net| {
            let life = program(net);
            let life: Pin<Box<_>> = Box::pin(async move { life.await.outcome() });
            life as sim::hosted::Life
        });
        self.guests.retain(|guest| guest.name != name);
        let is_awaited = L::Output::IS_AWAITED;
        self.guests.push(Invitation { name: name.to_owned(), begin, is_awaited });
        if !self.script.guests.iter().any(|guest| guest.value == name) {
            let (value, span) = (name.to_owned(), self.script.name.span.clone());
            self.script.guests.push(Located { value, span });
        }
        self
    }

    /// The programs of all guests on this cluster.
    pub(super) fn invited(&self, cluster: &Cluster) -> Vec<Guest> {
        let brokers: Arc<[String]> = cluster.brokers.iter().map(Broker::client_address).collect();
        let zookeeper: Arc<str> = cluster.connect.as_str().into();
        let programs = self.guests.iter().map(|Invitation { name, begin, is_awaited }| {
            let (begin, brokers, zookeeper) = (begin.clone(), brokers.clone(), zookeeper.clone());
            let program: sim::hosted::Program = Arc::new(move |gateway| {
                let (brokers, zookeeper) = (brokers.clone(), zookeeper.clone());
                begin(Net { gateway, brokers, zookeeper })
            });
            Guest { name: name.clone(), program, is_awaited: *is_awaited }
        });
        programs.collect()
    }
}
