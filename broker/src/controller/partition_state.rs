//! Who is to lead: the elections of Kafka's partition state machine as pure functions (`Election`,
//! `PartitionLeaderElectionAlgorithms`). Always in the order of the assignment.

use crate::id::{BrokerId, ControllerEpoch, LeaderEpoch};
use crate::note::Decision;
use crate::zk::znode::State;

/// What an election starts from.
#[derive(Clone, Copy, Debug)]
pub struct Ballot<'a> {
    /// The replicas, the preferred leader first.
    pub assignment: &'a [BrokerId],
    /// The state in force.
    pub state: &'a State,
}

/// Why there is an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The leader is gone, or there was none.
    Offline {
        /// An operator allows any live replica, whatever the topic's settings say.
        unclean_allowed: bool,
    },
    /// Back to the first of the assignment.
    Preferred,
    /// The leader is about to stop.
    ControlledShutdown,
}

/// What an election decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elected {
    /// The new leader.
    pub leader: BrokerId,
    /// The new ISR.
    pub isr: Vec<BrokerId>,
    /// Who is to be told.
    pub recipients: Vec<BrokerId>,
    /// What for.
    pub by: Decision,
}

impl Elected {
    /// The state to be written: the next epoch of the old one, in the name of this controller.
    pub fn after(&self, old: &State, controller_epoch: ControllerEpoch) -> State {
        let (leader, isr) = (self.leader, self.isr.clone());
        State { controller_epoch, leader, epoch: next(old.epoch), isr }
    }
}

fn next(epoch: LeaderEpoch) -> LeaderEpoch {
    LeaderEpoch(epoch.0.saturating_add(1))
}

/// Whether no member of the ISR lives: only then is it asked whether an unclean election is allowed.
pub fn is_without_live_in_sync(state: &State, online: impl Fn(BrokerId) -> bool) -> bool {
    !state.isr.iter().any(|replica| online(*replica))
}

/// The leader is gone: the first live in-sync replica; else, if that is allowed, the first live one, which is then alone in
/// the ISR; else nobody.
pub fn offline(
    ballot: Ballot<'_>,
    unclean: bool,
    online: impl Fn(BrokerId) -> bool,
) -> Option<Elected> {
    let live: Vec<_> = ballot.assignment.iter().copied().filter(|id| online(*id)).collect();
    let in_sync = live.iter().copied().find(|replica| ballot.state.isr.contains(replica));
    if let Some(leader) = in_sync {
        let isr = ballot.state.isr.iter().copied().filter(|id| online(*id)).collect();
        return Some(Elected { leader, isr, recipients: live, by: Decision::Offline });
    }
    let leader = *live.first().filter(|_| unclean)?;
    Some(Elected { leader, isr: vec![leader], recipients: live, by: Decision::Unclean })
}

/// The defect [`crate::mechanism::Mutant::ElectsOutsideIsr`]: the first live replica, in sync or not, and it is called clean.
pub fn outside_isr(ballot: Ballot<'_>, online: impl Fn(BrokerId) -> bool) -> Option<Elected> {
    let live: Vec<_> = ballot.assignment.iter().copied().filter(|id| online(*id)).collect();
    let leader = *live.first()?;
    let mut isr: Vec<_> = ballot.state.isr.iter().copied().filter(|id| online(*id)).collect();
    if !isr.contains(&leader) {
        isr.push(leader);
    }
    Some(Elected { leader, isr, recipients: live, by: Decision::Offline })
}

/// Back to the first of the assignment, if it lives and is in sync. The ISR stays as it is.
pub fn preferred(ballot: Ballot<'_>, online: impl Fn(BrokerId) -> bool) -> Option<Elected> {
    let leader = *ballot.assignment.first()?;
    let may = online(leader) && ballot.state.isr.contains(&leader);
    may.then(|| Elected {
        leader,
        isr: ballot.state.isr.clone(),
        recipients: ballot.assignment.to_vec(),
        by: Decision::Preferred,
    })
}

/// Brokers are about to stop: the first in-sync replica that lives and is not one of them. They leave the ISR.
pub fn controlled_shutdown(
    ballot: Ballot<'_>,
    online_or_stopping: impl Fn(BrokerId) -> bool,
    stopping: impl Fn(BrokerId) -> bool,
) -> Option<Elected> {
    let live = ballot.assignment.iter().copied().filter(|id| online_or_stopping(*id));
    let live: Vec<_> = live.collect();
    let isr = &ballot.state.isr;
    let leader = live.iter().copied().find(|id| isr.contains(id) && !stopping(*id))?;
    let isr = isr.iter().copied().filter(|id| !stopping(*id)).collect();
    Some(Elected { leader, isr, recipients: live, by: Decision::ControlledShutdown })
}

/// A replica's broker is gone: what the state is without it; `None` if it is not in the ISR, and nothing is written. The last
/// member stays listed, so that the ISR never becomes empty; a leader that is gone leaves -1.
pub fn without_replica(
    state: &State,
    replica: BrokerId,
    controller_epoch: ControllerEpoch,
) -> Option<State> {
    if !state.isr.contains(&replica) {
        return None;
    }
    let mut without = state.clone();
    if without.isr.len() > 1 {
        without.isr.retain(|id| *id != replica);
    }
    if without.leader == replica {
        without.leader = BrokerId::NONE;
    }
    without.epoch = next(state.epoch);
    without.controller_epoch = controller_epoch;
    Some(without)
}
