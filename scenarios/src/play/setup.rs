//! Setting the stage of Kafka: brokers register, the scenario's topics are created one after another, then its Kafka clients
//! begin. All of it as in life, by real requests, while faults may already come.

use machine::{Duration, Instant};
use sim::world::{Fault, NodeId};

use super::Play;

/// After this, clients begin although not all brokers came.
const PATIENCE: Duration = Duration::from_secs(30);

/// A follower that asks before its leader leads waits for `replica.fetch.backoff.ms` (1 s) before it asks again, and with it
/// the first acks=all: clients come when that is over.
const FOLLOWERS_COME: Duration = Duration::from_secs(2);

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SetUp {
    /// Brokers are waited for, those that run and belong to the cluster.
    Brokers,
    /// The topic with this place in the plan is being created.
    Topic(usize),
    /// Everybody is on the stage.
    Done,
}

impl Play<'_> {
    /// Goes on as far as the cluster lets it.
    pub(super) fn set_up(&mut self, at: Instant) {
        loop {
            let next = match self.set_up {
                SetUp::Done => return,
                SetUp::Brokers => {
                    let scene = &self.stage.scene.kafka;
                    let mut brokers = self.stage.kafka.brokers.iter();
                    let is_settled = |node: &NodeId| {
                        let is_ours = scene.broker_at(*node).is_some();
                        let has_ended = self.stage.world.exit_of(*node).is_some();
                        scene.is_registered(*node) || has_ended || !is_ours
                    };
                    let all = brokers.all(is_settled);
                    if !all && at < Instant::ZERO + PATIENCE {
                        return;
                    }
                    0
                }
                SetUp::Topic(index) => {
                    let node = self.stage.kafka.topics[index];
                    if self.stage.world.exit_of(node).is_none() {
                        return;
                    }
                    index + 1
                }
            };
            match self.stage.kafka.topics.get(next).copied() {
                Some(node) => {
                    self.set_up = SetUp::Topic(next);
                    self.apply(&Fault::Boot { node });
                }
                None => {
                    self.set_up = SetUp::Done;
                    self.begin_clients(at + FOLLOWERS_COME);
                }
            }
        }
    }

    /// Programs of a test come with the clients.
    pub(super) fn begin_guests(&mut self, at: Instant) {
        for node in self.stage.guests.clone() {
            self.schedule_start(at, node);
        }
    }

    fn begin_clients(&mut self, at: Instant) {
        self.begin_guests(at);
        let plan = self.plan.clone();
        for (client, node) in plan.clients.iter().zip(self.stage.clients.clone()) {
            if client.work.topic().is_some() {
                self.schedule_start(client.start.max(at), node);
            }
        }
    }
}
