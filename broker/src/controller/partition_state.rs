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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(ids: &[i32]) -> Vec<BrokerId> {
        ids.iter().map(|id| BrokerId(*id)).collect()
    }

    fn state(leader: i32, isr: &[i32]) -> State {
        let (controller_epoch, epoch) = (ControllerEpoch(1), LeaderEpoch(4));
        State { controller_epoch, leader: BrokerId(leader), epoch, isr: ids(isr) }
    }

    fn check(elected: Option<Elected>, leader: i32, isr: &[i32], recipients: &[i32], by: Decision) {
        let (isr, recipients) = (ids(isr), ids(recipients));
        assert_eq!(elected, Some(Elected { leader: BrokerId(leader), isr, recipients, by }));
    }

    #[test]
    fn the_first_of_the_assignment_that_lives_in_sync_leads_and_the_isr_keeps_its_order() {
        let (assignment, state) = (ids(&[3, 1, 2]), state(3, &[2, 3, 1]));
        let ballot = Ballot { assignment: &assignment, state: &state };
        let live = |id: BrokerId| id.0 != 3;
        check(offline(ballot, true, live), 1, &[2, 1], &[1, 2], Decision::Offline);
        check(preferred(ballot, |_| true), 3, &[2, 3, 1], &[3, 1, 2], Decision::Preferred);
        assert_eq!(preferred(ballot, live), None);
    }

    #[test]
    fn without_a_live_one_in_sync_it_depends_on_what_is_allowed() {
        let (assignment, state) = (ids(&[3, 1, 2]), state(3, &[3]));
        let ballot = Ballot { assignment: &assignment, state: &state };
        let live = |id: BrokerId| id.0 != 3;
        assert_eq!(offline(ballot, false, live), None);
        check(offline(ballot, true, live), 1, &[1], &[1, 2], Decision::Unclean);
        assert_eq!(offline(ballot, true, |_| false), None);
        check(outside_isr(ballot, live), 1, &[1], &[1, 2], Decision::Offline);
    }

    #[test]
    fn who_stops_hands_over_to_somebody_in_sync_or_to_nobody() {
        let (assignment, state) = (ids(&[3, 1, 2]), state(3, &[3, 2]));
        let ballot = Ballot { assignment: &assignment, state: &state };
        let stopping = |id: BrokerId| id.0 == 3;
        let elected = controlled_shutdown(ballot, |id| id.0 != 1, stopping);
        check(elected, 2, &[2], &[3, 2], Decision::ControlledShutdown);
        assert_eq!(controlled_shutdown(ballot, |id| id.0 == 3, stopping), None);
    }

    #[test]
    fn the_last_in_sync_replica_stays_listed() {
        let without = |leader, isr: &[i32]| {
            without_replica(&state(leader, isr), BrokerId(3), ControllerEpoch(2))
        };
        let gone = without(3, &[3]).expect("it is in the ISR");
        assert_eq!(
            (gone.leader, gone.isr, gone.epoch),
            (BrokerId::NONE, ids(&[3]), LeaderEpoch(5))
        );
        let gone = without(1, &[3, 1]).expect("it is in the ISR");
        assert_eq!((gone.leader, gone.isr), (BrokerId(1), ids(&[1])));
        assert_eq!(gone.controller_epoch, ControllerEpoch(2));
        assert_eq!(without(1, &[1, 2]), None);
    }

    proptest! {
        /// KR-5 and CT-4: the leader is in the ISR, the ISR is never empty and within the assignment, and without an allowance
        /// the leader was in the ISR before.
        #[test]
        fn every_election_is_lawful(
            size in 1..6_i32,
            in_sync in 1..64_u32,
            live in 0..64_u32,
            stopping in 0..64_u32,
            unclean: bool,
        ) {
            let bit = |set: u32, id: BrokerId| set >> id.0 & 1 == 1;
            let assignment: Vec<_> = (0..size).map(BrokerId).collect();
            let isr: Vec<_> = assignment.iter().copied().filter(|id| bit(in_sync, *id)).collect();
            prop_assume!(!isr.is_empty());
            let old = State { isr, ..state(0, &[]) };
            let ballot = Ballot { assignment: &assignment, state: &old };
            let online = |id: BrokerId| bit(live, id) && !bit(stopping, id);
            let results = [
                offline(ballot, unclean, online),
                preferred(ballot, online),
                controlled_shutdown(ballot, |id| bit(live, id), |id| bit(stopping, id)),
            ];
            for elected in results.into_iter().flatten() {
                prop_assert!(online(elected.leader));
                prop_assert!(elected.isr.contains(&elected.leader));
                prop_assert!(elected.isr.iter().all(|id| assignment.contains(id)));
                if elected.by == Decision::Unclean {
                    prop_assert!(unclean && is_without_live_in_sync(&old, online));
                } else {
                    prop_assert!(old.isr.contains(&elected.leader));
                    prop_assert!(elected.isr.iter().all(|id| old.isr.contains(id)));
                }
            }
            for replica in &assignment {
                let Some(without) = without_replica(&old, *replica, ControllerEpoch(2)) else {
                    continue;
                };
                prop_assert!(!without.isr.is_empty());
                prop_assert!(without.epoch > old.epoch);
                prop_assert!(!without.leader.is_some() || without.isr.contains(&without.leader)
                    || !old.isr.contains(&old.leader));
            }
        }
    }
}
