//! Whom a selector can mean at all, and how many at least and at most, whatever happens in a run.

use std::collections::BTreeSet;

use broker::id::TopicPartition;

use super::Stage;
use crate::cluster::Topic;
use crate::script::action::Deed;
use crate::script::kafka::admin::Command;
use crate::script::selector::Selector;
use crate::script::step::Step;

/// Victims of victims of victims are followed so far.
const DEPTH_MAX: usize = 8;

impl Stage<'_> {
    /// Everybody who can be meant: whoever is not in it never is.
    pub fn candidates(&self, who: &Selector) -> BTreeSet<String> {
        self.candidates_within(who, DEPTH_MAX)
    }

    fn candidates_within(&self, who: &Selector, depth: usize) -> BTreeSet<String> {
        let all = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
        if let Some(fixed) = self.names.fixed(who) {
            return fixed.into_iter().collect();
        }
        let Some(depth) = depth.checked_sub(1) else { return all(&self.names.all()) };
        match who {
            Selector::Leader { .. } | Selector::InState(_) | Selector::ServerOf(_) => {
                all(&self.names.servers)
            }
            Selector::PartitionLeader { partition, .. }
            | Selector::Isr { partition, .. }
            | Selector::Replicas { partition } => self.replicas_of(partition),
            Selector::Controller { .. } => all(&self.names.brokers),
            Selector::Victims { step } => match self.step(step) {
                // A host dies with everything on it.
                Some(step) if step.action.deed == Deed::PowerLoss => all(&self.names.all()),
                Some(step) => self.candidates_within(&step.action.who, depth),
                None => BTreeSet::new(),
            },
            Selector::Peers { step } => {
                let to = self.step(step).and_then(|step| step.action.to.as_ref());
                to.map_or_else(BTreeSet::new, |to| self.candidates_within(to, depth))
            }
            Selector::Any { these, .. } => self.candidates_within(these, depth),
            Selector::AnyHosts { pattern, .. } => {
                let hosts = self.names.hosts(pattern).into_iter();
                hosts.filter_map(|host| self.names.hosts.get(&host)).flatten().cloned().collect()
            }
            Selector::Union(parts) => {
                parts.iter().flat_map(|part| self.candidates_within(part, depth)).collect()
            }
            Selector::Except(these, without) => {
                let without = self.names.fixed(without).unwrap_or_default();
                let mut these = self.candidates_within(these, depth);
                these.retain(|node| !without.contains(node));
                these
            }
            _ => all(&self.names.all()),
        }
    }

    /// How many are meant, at least and at most.
    pub fn size(&self, who: &Selector) -> (u64, u64) {
        let most = self.candidates(who).len() as u64;
        if self.names.fixed(who).is_some() {
            return (most, most);
        }
        match who {
            Selector::Leader { seen_by: None }
            | Selector::Controller { seen_by: None }
            | Selector::PartitionLeader { seen_by: None, .. } => (0, most.min(1)),
            Selector::Isr { partition, seen_by: None } | Selector::Replicas { partition } => {
                let factors = self.topics(&partition.topic).map(|topic| topic.replication_factor);
                let factor = factors.max().and_then(|factor| u64::try_from(factor).ok());
                (0, most.min(factor.unwrap_or(u64::MAX)))
            }
            Selector::Any { count, these, .. } => {
                let (least, most) = self.size(these);
                (least.min(*count), most.min(*count))
            }
            Selector::Union(parts) => {
                let sizes = parts.iter().map(|part| self.size(part));
                let (mut least, mut sum) = (0, 0_u64);
                for (min, max) in sizes {
                    least = least.max(min);
                    sum = sum.saturating_add(max);
                }
                (least, most.min(sum))
            }
            Selector::Except(these, without) => {
                let (these, without) = (self.size(these), self.size(without));
                (these.0.saturating_sub(without.1), most.min(these.1))
            }
            _ => (0, most),
        }
    }

    /// The step of this name.
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.script.steps.iter().find(|step| step.id.value == name)
    }

    /// Every way in which this topic comes to be.
    fn topics<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t Topic> {
        let created = self.script.steps.iter().filter_map(|step| match &step.action.deed {
            Deed::Admin(admin) => match &admin.command {
                Command::CreateTopic(topic) => Some(topic),
                _ => None,
            },
            _ => None,
        });
        self.cluster.topics.iter().chain(created).filter(move |topic| topic.name == name)
    }

    /// The brokers that can have a replica of this partition.
    fn replicas_of(&self, partition: &TopicPartition) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut ways = 0;
        for topic in self.topics(&partition.topic) {
            ways += 1;
            let Some(ids) = topic.assignment.get(&partition.partition) else {
                return self.names.brokers.iter().cloned().collect();
            };
            let brokers = self.cluster.brokers.iter();
            let on = brokers.filter(|broker| broker.id().is_none_or(|id| ids.contains(&id)));
            found.extend(on.map(|broker| broker.name.clone()));
        }
        if ways == 0 { self.names.brokers.iter().cloned().collect() } else { found }
    }
}
