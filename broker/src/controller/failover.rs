//! The first event of a reign: everything is read anew, everybody is told, what has no leader gets one
//! (`KafkaController.onControllerFailover`).
//!
//! ```text
//! watches, old notifications ─► brokers ─► topics ─► assignments ─► states ─► deletions
//!   ─► UpdateMetadata (who lives) ─► replicas: online, offline ─► partitions: elections ─► deletions, preferred leaders
//! ```

use coordinator::wire::client::Request;
use machine::{Context, Duration};

use super::context::{PartitionState, ReplicaState, Replicas};
use super::desk::{Answer, Desk, children, delete};
use super::events::LOG_DIR_EVENTS;
use super::steps::{Notice, Reign, Step, Why};
use crate::note::Note;
use crate::zk::znode::{ISR_CHANGES, PREFERRED_ELECTION};

/// How long after a failover the balance is looked at for the first time.
const FIRST_REBALANCE: Duration = Duration::from_secs(5);

impl Reign {
    /// Leaves watches before it reads, and looks for old notifications.
    pub(super) fn failover(&mut self, desk: &mut Desk) {
        desk.ask(Request::Exists { path: PREFERRED_ELECTION.into(), watch: true });
        desk.list(LOG_DIR_EVENTS, true);
        desk.list(ISR_CHANGES, true);
        desk.next([
            Step::DropNotifications,
            Step::CheckWrites,
            Step::ListBrokers(Why::Failover),
            Step::ListTopics(Why::Failover),
            Step::ListDeletions(Why::Failover),
            Step::TellAll(Vec::new()),
            Step::StartReplicas,
            Step::StartPartitions,
            Step::ElectWaiting(None),
            Step::ResumeDeletions,
            Step::ListNotices(Notice::PreferredElection),
            Step::Ready,
        ]);
    }

    pub(super) fn drop_notifications(&mut self, answers: &[Answer], desk: &mut Desk) {
        for (parent, index) in [(LOG_DIR_EVENTS, 1), (ISR_CHANGES, 2)] {
            for name in children(answers.get(index)) {
                desk.write(delete(format!("{parent}/{name}")), self.fence());
            }
        }
    }

    /// Replicas of live brokers are told their roles; those of dead brokers leave the ISRs.
    pub(super) fn start_replicas(&mut self, desk: &mut Desk, cx: &mut Context<'_, Note>) {
        let mut online = Replicas::new();
        let mut offline = Replicas::new();
        let names: Vec<_> = self.context.partitions.keys().cloned().collect();
        for name in names {
            let Some(partition) = self.context.partitions.get(&name) else { continue };
            for broker in partition.assignment.clone() {
                let (state, replicas) = match self.context.is_online(broker, &name) {
                    true => (ReplicaState::Online, &mut online),
                    false => (ReplicaState::DeletionIneligible, &mut offline),
                };
                replicas.entry(broker).or_default().push(name.clone());
                if let Some(partition) = self.context.partitions.get_mut(&name) {
                    partition.replicas.insert(broker, state);
                }
            }
        }
        self.move_online(&online, cx);
        desk.next([Step::MoveOffline(offline)]);
    }

    /// Where partitions stand: led by somebody who lives, by somebody who does not, or by nobody yet.
    pub(super) fn start_partitions(&mut self) {
        let mut states = Vec::with_capacity(self.context.partitions.len());
        for (name, partition) in &self.context.partitions {
            let online = partition
                .leadership
                .as_ref()
                .map(|known| self.context.is_online(known.state.leader, name));
            states.push(match online {
                Some(true) => PartitionState::Online,
                Some(false) => PartitionState::Offline,
                None => PartitionState::New,
            });
        }
        for (partition, state) in self.context.partitions.values_mut().zip(states) {
            partition.state = state;
        }
    }

    pub(super) fn ready(&mut self, cx: &mut Context<'_, Note>) {
        if self.settings.rebalances {
            self.rebalance_at = Some(cx.now() + FIRST_REBALANCE);
        }
    }
}
