//! Notices that brokers and operators leave in ZooKeeper for the controller: changed ISRs, failed directories, wanted preferred
//! elections. Each is read, heeded and removed.

use std::collections::BTreeSet;
use std::sync::Arc;

use coordinator::wire::client::Request;
use serde::Deserialize;

use super::context::PartitionState;
use super::desk::{Answer, Desk, children, data, delete};
use super::events::LOG_DIR_EVENTS;
use super::partition_state::Strategy;
use super::steps::{Notice, Reign, Step};
use crate::id::{BrokerId, TopicPartition};
use crate::zk::znode::{self, ISR_CHANGES, PREFERRED_ELECTION};

/// `{"version":1,"broker":1,"event":1}`
#[derive(Deserialize)]
struct DirectoryFailure {
    broker: i32,
}

impl Reign {
    pub(super) fn list_notices(&mut self, notice: Notice, desk: &mut Desk) {
        match notice {
            Notice::Isr => desk.list(ISR_CHANGES, true),
            Notice::LogDir => desk.list(LOG_DIR_EVENTS, true),
            Notice::PreferredElection => {
                desk.ask(Request::Exists { path: PREFERRED_ELECTION.into(), watch: true });
            }
        }
        desk.next([Step::ReadNotices(notice)]);
    }

    pub(super) fn read_notices(&mut self, notice: Notice, answers: &[Answer], desk: &mut Desk) {
        let names = match (notice, answers.first()) {
            (Notice::PreferredElection, Some(Ok(_))) => vec![PREFERRED_ELECTION.into()],
            (Notice::PreferredElection, _) => Vec::new(),
            (_, listed) => children(listed),
        };
        if names.is_empty() {
            return;
        }
        let paths: Vec<Arc<str>> = match notice {
            Notice::PreferredElection => names,
            Notice::Isr => names.iter().map(|name| below(ISR_CHANGES, name)).collect(),
            Notice::LogDir => names.iter().map(|name| below(LOG_DIR_EVENTS, name)).collect(),
        };
        for path in &paths {
            desk.read(path.clone(), false);
        }
        desk.next([Step::NoticesRead(notice, paths)]);
    }

    /// Heeds them, and removes them.
    pub(super) fn notices_read(
        &mut self,
        notice: Notice,
        paths: &[Arc<str>],
        answers: &[Answer],
        desk: &mut Desk,
    ) {
        let texts = answers.iter().filter_map(data).map(|(json, _)| json);
        let steps = match notice {
            Notice::LogDir => {
                let brokers: BTreeSet<_> = texts.filter_map(failed_directory).collect();
                vec![Step::MoveOnline(self.context.replicas_on(&brokers))]
            }
            Notice::Isr => {
                let named = self.known(texts);
                match named.is_empty() {
                    true => Vec::new(),
                    false => vec![Step::ReadStates(named.clone()), Step::TellAll(named)],
                }
            }
            Notice::PreferredElection => {
                let named = self.known(texts);
                let electable: Vec<_> =
                    named.into_iter().filter(|name| self.is_led_by_another(name)).collect();
                vec![Step::MakeOnline(electable, Strategy::Preferred)]
            }
        };
        if notice == Notice::PreferredElection {
            desk.next([Step::WatchElections]);
        }
        desk.next([Step::RemoveNotices(paths.into()), Step::CheckWrites]);
        desk.next(steps);
    }

    pub(super) fn remove_notices(&mut self, paths: &[Arc<str>], desk: &mut Desk) {
        for path in paths {
            desk.write(delete(path.clone()), self.fence());
        }
    }

    /// The partitions that notices name, as far as they are known and not to be deleted.
    fn known<'a>(&self, texts: impl Iterator<Item = &'a [u8]>) -> Vec<TopicPartition> {
        let named: BTreeSet<_> = texts.filter_map(znode::partitions_from_json).flatten().collect();
        let known = |name: &TopicPartition| self.context.partitions.contains_key(name);
        named.into_iter().filter(known).collect()
    }

    /// Whether somebody else than the first of the assignment leads a partition that is to stay.
    pub(super) fn is_led_by_another(&self, name: &TopicPartition) -> bool {
        let Some(partition) = self.context.partitions.get(name) else { return false };
        partition.state != PartitionState::Gone
            && !self.context.is_to_be_deleted(&name.topic)
            && partition.leader() != partition.assignment.first().copied()
    }
}

fn below(parent: &str, name: &str) -> Arc<str> {
    format!("{parent}/{name}").into()
}

fn failed_directory(json: &[u8]) -> Option<BrokerId> {
    serde_json::from_slice::<DirectoryFailure>(json).ok().map(|event| BrokerId(event.broker))
}
