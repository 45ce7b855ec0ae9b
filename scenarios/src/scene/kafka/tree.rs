//! ZooKeeper's word: Kafka's znodes as they are after the last committed transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use broker::id::{BrokerEpoch, BrokerId, ControllerEpoch, Offset, TopicPartition};
use broker::zk::znode::{self, State};
use coordinator::id::SessionId;
use coordinator::txn::{Record, Txn};

use super::event::{Assignment, Event};
use super::partition::{Broken, Excuse};
use super::{Kafka, PartitionKey};

/// A topic as ZooKeeper knows it.
#[derive(Clone, Debug, Default)]
pub struct Topic {
    /// Whether `/brokers/topics/T` is there.
    pub exists: bool,
    /// Replicas by partition.
    pub assignment: Arc<Assignment>,
    /// Its own settings; `None` without `/config/topics/T`.
    pub config: Option<BTreeMap<String, String>>,
    /// How often it was deleted.
    pub deletions: u32,
}

/// A znode that dies with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ephemeral {
    /// The broker in it.
    pub id: BrokerId,
    /// The session.
    pub owner: SessionId,
}

/// A broker's registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The transaction that created it.
    pub epoch: BrokerEpoch,
    /// The session it dies with.
    pub owner: SessionId,
}

/// What one transaction does to `/controller` and `/controller_epoch`, as it must do both or none.
#[derive(Default)]
struct Throne {
    taken: Option<BrokerId>,
    counted: Option<(Option<ControllerEpoch>, ControllerEpoch)>,
}

impl Kafka {
    /// Folds a committed transaction of its ensemble.
    pub(in crate::scene) fn committed(&mut self, record: &Record) {
        let mut throne = Throne::default();
        self.apply(record, &record.txn, &mut throne);
        if let Some((was, now)) = throne.counted {
            self.events.push(Event::ControllerEpoch { was, now, with: throne.taken });
        }
        if let Some(id) = throne.taken {
            self.events.push(Event::Controller { id, counted: throne.counted.is_some() });
        }
    }

    fn apply(&mut self, record: &Record, txn: &Txn, throne: &mut Throne) {
        match txn {
            Txn::Create { path, data, .. } | Txn::SetData { path, data, .. } => {
                let created = matches!(txn, Txn::Create { .. });
                self.written(record, path, data.as_deref().unwrap_or_default(), created, throne);
            }
            Txn::Delete { path } => self.deleted(path),
            Txn::CloseSession => self.closed(record.header.session),
            Txn::Multi(parts) if !parts.iter().any(|part| matches!(part, Txn::Error { .. })) => {
                parts.iter().for_each(|part| self.apply(record, part, throne));
            }
            _ => {}
        }
    }

    fn written(
        &mut self,
        record: &Record,
        path: &str,
        data: &[u8],
        created: bool,
        throne: &mut Throne,
    ) {
        let (owner, zxid) = (record.header.session, record.header.zxid);
        match Place::of(path, &self.chroot) {
            Place::Controller => {
                if let Some(id) = znode::controller_from_json(data) {
                    self.controller = Some(Ephemeral { id, owner });
                    throne.taken = created.then_some(id);
                }
            }
            Place::ControllerEpoch => {
                let now = std::str::from_utf8(data).ok().and_then(|text| text.parse().ok());
                if let Some(now) = now.map(ControllerEpoch) {
                    throne.counted = Some((self.controller_epoch.replace(now), now));
                }
            }
            Place::Broker(id) if created => {
                let epoch = BrokerEpoch(i64::try_from(zxid.0).unwrap_or(i64::MAX));
                self.registered.insert(id, Registered { epoch, owner });
                self.registrations_changed();
            }
            Place::State(topic, partition) => {
                if let Some(state) = State::from_json(data) {
                    let key = self.key(&TopicPartition::new(topic, partition));
                    self.decided(key, Arc::new(state));
                }
            }
            Place::Topic(topic) => {
                if let Some(now) = znode::topic_from_json(data) {
                    self.assigned(topic, now);
                }
            }
            Place::Config(topic) => {
                let config = znode::config_from_json(data).unwrap_or_default();
                self.topics.entry(topic.into()).or_default().config = Some(config);
            }
            Place::Deletion(topic) => {
                self.deleting.insert(topic.into());
                self.shape += 1;
            }
            Place::Broker(_) | Place::Elsewhere => {}
        }
    }

    fn deleted(&mut self, path: &str) {
        match Place::of(path, &self.chroot) {
            Place::Controller => self.controller = None,
            Place::Broker(id) => {
                self.registered.remove(&id);
                self.registrations_changed();
            }
            Place::State(topic, partition) => {
                let key = self.key(&TopicPartition::new(topic, partition));
                self.undecided(key);
            }
            Place::Topic(topic) => {
                if let Some((topic, known)) = self.topics.get_key_value(topic) {
                    let (topic, was) = (topic.clone(), known.assignment.clone());
                    self.topic_gone(&topic, &was);
                    self.events.push(Event::TopicGone(topic));
                }
            }
            Place::Config(topic) => {
                if let Some(topic) = self.topics.get_mut(topic) {
                    topic.config = None;
                }
            }
            Place::Deletion(topic) => {
                self.deleting.remove(topic);
                self.shape += 1;
                self.events.push(Event::DeletionDone(topic.into()));
            }
            Place::ControllerEpoch | Place::Elsewhere => {}
        }
    }

    fn closed(&mut self, session: SessionId) {
        if self.controller.is_some_and(|controller| controller.owner == session) {
            self.controller = None;
        }
        let before = self.registered.len();
        self.registered.retain(|_, registered| registered.owner != session);
        if self.registered.len() != before {
            self.registrations_changed();
        }
    }

    fn registrations_changed(&mut self) {
        let now = self.registered.keys().copied().collect();
        self.registered_when.push((self.now, now));
    }

    /// A partition's state is another: who leads, who is in sync.
    fn decided(&mut self, key: PartitionKey, now: Arc<State>) {
        let isr = self.keys_of(&now.isr);
        let leader = self.by_id(now.leader);
        // Where nobody allows it, it is a defect and excuses nothing.
        let may_be_unclean = self.may_be_unclean(&self.partitions[key.index()].name.topic);
        let partition = &mut self.partitions[key.index()];
        let was = partition.state.replace(now.clone());
        let elects = was.as_ref().is_some_and(|was| was.epoch < now.epoch);
        if elects && let Some(leader) = leader {
            partition.broken_by_loss(leader, now.epoch);
        }
        let outside = was.as_ref().is_some_and(|was| !was.isr.contains(&now.leader));
        if elects && now.leader.is_some() && outside && may_be_unclean {
            let (by, below, from) = (Excuse::Unclean, now.epoch, Offset::ZERO);
            partition.excuses.push(Broken { by, below, from });
        }
        partition.isr = isr;
        for (index, replica) in partition.replicas.iter_mut().enumerate() {
            // Whoever is let in again has proved that it has everything.
            if !partition.isr.iter().any(|one| one.index() == index)
                && let Some(lossy) = &mut replica.lossy
            {
                lossy.in_sync = false;
            }
        }
        self.events.push(Event::State { partition: key, was, now });
        self.ordain(key);
    }

    fn undecided(&mut self, key: PartitionKey) {
        self.shape += 1;
        let partition = &mut self.partitions[key.index()];
        partition.state = None;
        partition.isr.clear();
        partition.legit = None;
    }

    fn assigned(&mut self, name: &str, now: Assignment) {
        self.shape += 1;
        for (number, replicas) in &now {
            let key = self.key(&TopicPartition::new(name, *number));
            self.partitions[key.index()].assigned.clone_from(replicas);
        }
        let name: Arc<str> = name.into();
        let topic = self.topics.entry(name.clone()).or_default();
        topic.exists = true;
        let now = Arc::new(now);
        let was = std::mem::replace(&mut topic.assignment, now.clone());
        self.events.push(Event::Assigned { topic: name, was, now });
    }

    /// A topic is deleted: what was promised about it is over.
    fn topic_gone(&mut self, name: &Arc<str>, was: &Assignment) {
        let topic = self.topics.entry(name.clone()).or_default();
        topic.exists = false;
        topic.assignment = Arc::default();
        topic.deletions += 1;
        for number in was.keys() {
            let key = self.key(&TopicPartition::new(name.clone(), *number));
            self.undecided(key);
            let partition = &mut self.partitions[key.index()];
            let fresh = super::Partition::new(partition.name.clone());
            let mut replicas = std::mem::take(&mut partition.replicas);
            replicas.iter_mut().for_each(|replica| replica.agrees = (0, 0));
            let (told, deletions) = (partition.told, partition.deletions + 1);
            *partition = super::Partition { replicas, told, deletions, ..fresh };
        }
    }

    /// Whether an unclean election is allowed for a topic.
    pub fn may_be_unclean(&self, topic: &str) -> bool {
        let own = self.setting(topic, "unclean.leader.election.enable");
        self.unclean_asked || own.map_or(self.bounds.unclean, |value| value == "true")
    }

    /// `min.insync.replicas` of a topic.
    pub fn min_insync_replicas(&self, topic: &str) -> usize {
        let own = self.setting(topic, "min.insync.replicas").and_then(|value| value.parse().ok());
        own.unwrap_or(self.bounds.min_insync_replicas) as usize
    }

    fn setting(&self, topic: &str, key: &str) -> Option<&str> {
        let config = self.topics.get(topic)?.config.as_ref()?;
        config.get(key).map(String::as_str)
    }
}

/// What a path is to Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'a> {
    Controller,
    ControllerEpoch,
    Broker(BrokerId),
    Topic(&'a str),
    State(&'a str, i32),
    Config(&'a str),
    Deletion(&'a str),
    Elsewhere,
}

impl<'a> Place<'a> {
    fn of(path: &'a str, chroot: &str) -> Self {
        Self::below(path, chroot).unwrap_or(Self::Elsewhere)
    }

    fn below(path: &'a str, chroot: &str) -> Option<Self> {
        let mut parts = path.strip_prefix(chroot)?.strip_prefix('/')?.split('/');
        let mut next = || parts.next();
        let place = match (next()?, next(), next()) {
            ("controller", None, None) => Self::Controller,
            ("controller_epoch", None, None) => Self::ControllerEpoch,
            ("brokers", Some("ids"), Some(id)) => Self::Broker(BrokerId(id.parse().ok()?)),
            ("brokers", Some("topics"), Some(topic)) => match (next(), next(), next()) {
                (None, None, None) => Self::Topic(topic),
                (Some("partitions"), Some(number), Some("state")) => {
                    Self::State(topic, number.parse().ok()?)
                }
                _ => return None,
            },
            ("config", Some("topics"), Some(topic)) => Self::Config(topic),
            ("admin", Some("delete_topics"), Some(topic)) => Self::Deletion(topic),
            _ => return None,
        };
        next().is_none().then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_below_their_chroot_only() {
        let state = Place::of("/kafka/brokers/topics/orders/partitions/3/state", "/kafka");
        assert_eq!(state, Place::State("orders", 3));
        assert_eq!(Place::of("/brokers/ids/2", ""), Place::Broker(BrokerId(2)));
        assert_eq!(Place::of("/brokers/ids/2", "/kafka"), Place::Elsewhere);
        assert_eq!(Place::of("/brokers/topics/orders", ""), Place::Topic("orders"));
        assert_eq!(Place::of("/brokers/topics/orders/partitions", ""), Place::Elsewhere);
        assert_eq!(Place::of("/controller_epoch", ""), Place::ControllerEpoch);
    }
}
