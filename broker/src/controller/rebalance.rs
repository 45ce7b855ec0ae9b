//! From time to time leadership goes back to the first of the assignments (`checkAndTriggerAutoLeaderRebalance`).

use std::collections::BTreeMap;

use super::desk::Desk;
use super::partition_state::Strategy;
use super::steps::{Reign, Step};
use crate::id::{BrokerId, TopicPartition};
use crate::mechanism::Mutant;

/// What one broker should lead.
#[derive(Debug, Default)]
struct Share {
    preferred: u64,
    led_by_others: Vec<TopicPartition>,
}

impl Reign {
    /// Elections for every live broker that does not lead more than the tolerated part of what it should; then the next look.
    pub(super) fn rebalance(&mut self, desk: &mut Desk) {
        let mut shares: BTreeMap<BrokerId, Share> = BTreeMap::new();
        for (name, partition) in &self.context.partitions {
            let Some(preferred) = partition.assignment.first() else { continue };
            if self.context.is_to_be_deleted(&name.topic) {
                continue;
            }
            let share = shares.entry(*preferred).or_default();
            share.preferred += 1;
            let leadership = partition.leadership.as_ref();
            if leadership.is_some_and(|known| known.state.leader != *preferred) {
                share.led_by_others.push(name.clone());
            }
        }
        let mut steps = Vec::new();
        for (broker, mut share) in shares {
            share.led_by_others.retain(|name| self.context.is_online(broker, name));
            if is_imbalanced(&share, self.settings.imbalance_percentage) {
                steps.push(Step::MakeOnline(share.led_by_others, Strategy::Preferred));
            }
        }
        if !self.settings.mechanisms.has(Mutant::RebalancesOnce) {
            steps.push(Step::RebalanceLater);
        }
        desk.next(steps);
    }
}

/// Whether more than `percentage` of a hundred are led by others.
fn is_imbalanced(share: &Share, percentage: u32) -> bool {
    share.led_by_others.len() as u64 * 100 > share.preferred * u64::from(percentage)
}
