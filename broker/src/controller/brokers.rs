//! Brokers come, go, and come again between two looks (`processBrokerChange`, KIP-380).

use std::collections::{BTreeMap, BTreeSet};

use machine::Context;

use super::context::{LiveBroker, PartitionState, Replicas};
use super::desk::{Answer, Desk, children, data};
use super::steps::{Reign, Step, Why};
use crate::id::{BrokerEpoch, BrokerId};
use crate::mechanism::BrokerEpochCheck;
use crate::note::Note;
use crate::zk::znode::{BROKER_IDS, Registration, broker_path};

impl Reign {
    pub(super) fn list_brokers(&mut self, why: Why, desk: &mut Desk) {
        desk.list(BROKER_IDS, true);
        desk.next([Step::ReadBrokers(why)]);
    }

    pub(super) fn read_brokers(&mut self, why: Why, answers: &[Answer], desk: &mut Desk) {
        let names = children(answers.first());
        let mut ids: Vec<_> =
            names.iter().filter_map(|name| name.parse().ok().map(BrokerId)).collect();
        ids.sort();
        for id in &ids {
            desk.read(broker_path(*id), false);
        }
        desk.next([Step::BrokersRead(why, ids)]);
    }

    pub(super) fn brokers_read(
        &mut self,
        why: Why,
        ids: &[BrokerId],
        answers: &[Answer],
        desk: &mut Desk,
        cx: &mut Context<'_, Note>,
    ) {
        let mut found = BTreeMap::new();
        for (id, answer) in ids.iter().zip(answers) {
            let Some((json, stat)) = data(answer) else { continue };
            let Some(registration) = Registration::from_json(json) else { continue };
            let epoch = BrokerEpoch(stat.czxid.0.cast_signed());
            found.insert(*id, LiveBroker { epoch, registration });
        }
        match why {
            Why::Failover => {
                for (id, broker) in &found {
                    self.open_channel(*id, broker);
                }
                self.context.brokers = found;
            }
            Why::Changed => self.compare(found, desk, cx),
        }
    }

    /// What has changed since the last look. Those who come are seen first, then those who came again, then those who are gone.
    fn compare(
        &mut self,
        mut found: BTreeMap<BrokerId, LiveBroker>,
        desk: &mut Desk,
        cx: &mut Context<'_, Note>,
    ) {
        let known = &self.context.brokers;
        let new: BTreeSet<_> = found.keys().filter(|id| !known.contains_key(id)).copied().collect();
        let gone: BTreeSet<_> =
            known.keys().filter(|id| !found.contains_key(id)).copied().collect();
        let again = |(id, live): &(&BrokerId, &LiveBroker)| {
            known.get(id).is_some_and(|known| live.epoch > known.epoch)
        };
        let bounced: BTreeSet<_> = match self.settings.mechanisms.broker_epoch {
            // Up to 2.1 only the ids were compared.
            BrokerEpochCheck::Off => BTreeSet::new(),
            _ => found.iter().filter(again).map(|(id, _)| *id).collect(),
        };
        if new.is_empty() && gone.is_empty() && bounced.is_empty() {
            return;
        }
        let ids = |set: &BTreeSet<BrokerId>| set.iter().copied().collect();
        cx.note(Note::BrokersChanged { new: ids(&new), gone: ids(&gone), bounced: ids(&bounced) });
        for id in bounced.iter().chain(&gone) {
            self.channels.remove(*id, cx);
        }
        let mut take = |set: &BTreeSet<BrokerId>| -> BTreeMap<_, _> {
            set.iter().filter_map(|id| found.remove_entry(id)).collect()
        };
        let (new, back) = (take(&new), take(&bounced));
        for (id, broker) in new.iter().chain(&back) {
            self.open_channel(*id, broker);
        }
        let steps = [
            Step::BrokersUp(new),
            Step::BrokersDown(bounced),
            Step::BrokersUp(back),
            Step::BrokersDown(gone),
        ];
        let empty = |step: &Step| match step {
            Step::BrokersUp(brokers) => brokers.is_empty(),
            Step::BrokersDown(brokers) => brokers.is_empty(),
            _ => false,
        };
        let steps: Vec<_> = steps.into_iter().filter(|step| !empty(step)).collect();
        desk.next(steps);
    }

    fn open_channel(&mut self, id: BrokerId, broker: &LiveBroker) {
        if let Some(endpoint) = broker.endpoint(&self.settings.listener) {
            self.channels.add(id, format!("{}:{}", endpoint.host, endpoint.port));
        }
    }

    /// The others are told of the new ones, the new ones are told everything; then whatever can have a leader now gets one.
    pub(super) fn brokers_up(
        &mut self,
        brokers: BTreeMap<BrokerId, LiveBroker>,
        desk: &mut Desk,
        cx: &mut Context<'_, Note>,
    ) {
        let ids: BTreeSet<_> = brokers.keys().copied().collect();
        for id in &ids {
            self.context.offline_directories.remove(id);
        }
        self.context.brokers.extend(brokers);
        let others: Vec<_> =
            self.context.brokers.keys().filter(|id| !ids.contains(id)).copied().collect();
        self.batch.update_metadata(others, [], &self.context);
        self.send(cx);
        self.batch.update_metadata(
            ids.iter().copied(),
            self.context.partitions.keys(),
            &self.context,
        );
        self.send(cx);
        let replicas = self.context.replicas_on(&ids);
        self.move_online(&replicas, cx);
        let topics = replicas.values().flatten().map(|partition| &partition.topic);
        let waiting: BTreeSet<_> =
            topics.filter(|topic| self.context.is_to_be_deleted(topic)).cloned().collect();
        if !waiting.is_empty() {
            self.context.deletions_ineligible.retain(|topic| !waiting.contains(topic));
            desk.next([Step::ResumeDeletions]);
        }
        desk.next([Step::ElectWaiting(None)]);
    }

    /// Their replicas are lost.
    pub(super) fn brokers_down(&mut self, brokers: &BTreeSet<BrokerId>, desk: &mut Desk) {
        for id in brokers {
            self.context.brokers.remove(id);
            self.context.offline_directories.remove(id);
            self.context.shutting_down.remove(id);
        }
        desk.next([Step::ReplicasLost(self.context.replicas_on(brokers))]);
    }

    /// What they led is elected anew; then they leave the ISRs (`onReplicasBecomeOffline`).
    pub(super) fn replicas_lost(&mut self, replicas: Replicas, desk: &mut Desk) {
        let leaderless = self.context.with_offline_leader();
        for name in &leaderless {
            self.context.stand(name, PartitionState::Offline);
        }
        let mut others = Replicas::new();
        let mut to_be_deleted = Replicas::new();
        for (broker, partitions) in replicas {
            for name in partitions {
                let group = match self.context.is_to_be_deleted(&name.topic) {
                    true => &mut to_be_deleted,
                    false => &mut others,
                };
                group.entry(broker).or_default().push(name);
            }
        }
        let mut steps = vec![Step::ElectWaiting(None), Step::MoveOffline(others)];
        if !to_be_deleted.is_empty() {
            steps.push(Step::DeletionFailed(to_be_deleted));
        }
        if leaderless.is_empty() {
            steps.push(Step::TellAll(Vec::new()));
        }
        desk.next(steps);
    }
}
