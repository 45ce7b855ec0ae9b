//! What happens to a controller: one queue, one event at a time (`ControllerEventManager`).

use std::sync::Arc;

use kafka_protocol::messages as m;

use super::desk::Desk;
use super::election::Stage;
use super::steps::{Notice, Reign, Step, Why};
use super::{Demand, Owed};
use crate::id::BrokerId;
use crate::replica::RequestId;
use crate::zk::znode;

/// Where brokers say that a directory has failed.
pub const LOG_DIR_EVENTS: &str = "/log_dir_event_notification";

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The broker is registered, or the last controller is gone: run for the role.
    Elect,
    /// `/controller` is another.
    ControllerChange,
    /// The session is gone; said only where the last event was allowed to end first.
    Expire,
    /// `/brokers/ids` has changed.
    BrokerChange,
    /// `/brokers/topics` has changed.
    TopicChange,
    /// A topic may have more partitions.
    PartitionModifications(Arc<str>),
    /// `/admin/delete_topics` has changed.
    TopicDeletion,
    /// There are notices.
    Notices(Notice),
    /// A broker has answered LeaderAndIsr.
    RolesAnswered(BrokerId, m::LeaderAndIsrResponse),
    /// A broker has answered StopReplica(delete).
    DeletionsAnswered(BrokerId, m::StopReplicaResponse),
    /// A broker is about to stop.
    ControlledShutdown(RequestId, m::ControlledShutdownRequest),
    /// An operator wants elections.
    ElectLeaders(Demand),
    /// Leaders from outside the ISR may be allowed now.
    TopicConfigured(Arc<str>),
    /// Time to look at the balance.
    Rebalance,
}

impl Event {
    /// The request that waits for it.
    pub fn owed(&self) -> Option<Owed> {
        match self {
            Self::ControlledShutdown(id, _) => Some(Owed::Shutdown { id: *id }),
            Self::ElectLeaders(demand) => Some(Owed::Election(demand.clone())),
            _ => None,
        }
    }

    /// What a watch that has fired means; `None` if it is not the controller's.
    pub fn of_watch(kind: i32, path: &str) -> Option<Self> {
        const CREATED: i32 = 1;
        const DELETED: i32 = 2;
        const CHANGED: i32 = 3;
        const CHILDREN: i32 = 4;
        Some(match (kind, path) {
            (CREATED | CHANGED, znode::CONTROLLER) => Self::ControllerChange,
            (DELETED, znode::CONTROLLER) => Self::Elect,
            (CHILDREN, znode::BROKER_IDS) => Self::BrokerChange,
            (CHILDREN, znode::TOPICS) => Self::TopicChange,
            (CHILDREN, znode::DELETE_TOPICS) => Self::TopicDeletion,
            (CHILDREN, znode::ISR_CHANGES) => Self::Notices(Notice::Isr),
            (CHILDREN, LOG_DIR_EVENTS) => Self::Notices(Notice::LogDir),
            (CREATED, znode::PREFERRED_ELECTION) => Self::Notices(Notice::PreferredElection),
            (CHANGED, path) => {
                let topic = path.strip_prefix("/brokers/topics/")?;
                (!topic.contains('/')).then(|| Self::PartitionModifications(topic.into()))?
            }
            _ => return None,
        })
    }

    /// What a candidate does about it; `None` if it is for a controller.
    pub fn for_candidates(&self) -> Option<Step> {
        Some(Step::Candidacy(match self {
            Self::Elect => Stage::Look { elect: true },
            Self::ControllerChange => Stage::Look { elect: false },
            Self::Expire => Stage::Expire,
            _ => return None,
        }))
    }
}

impl Reign {
    /// Begins an event.
    pub(super) fn begin(&mut self, event: Event, desk: &mut Desk) {
        match event {
            Event::Elect | Event::ControllerChange | Event::Expire => {}
            Event::BrokerChange => desk.next([Step::ListBrokers(Why::Changed)]),
            Event::TopicChange => desk.next([Step::ListTopics(Why::Changed)]),
            Event::PartitionModifications(topic) => {
                self.read_topics(Why::Changed, vec![topic], desk);
            }
            Event::TopicDeletion => desk.next([Step::ListDeletions(Why::Changed)]),
            Event::Notices(notice) => desk.next([Step::ListNotices(notice)]),
            Event::RolesAnswered(broker, response) => {
                self.roles_answered(broker, &response, desk);
            }
            Event::DeletionsAnswered(broker, response) => {
                self.deletions_answered(broker, &response, desk);
            }
            Event::ControlledShutdown(_, request) => {
                if let Err(error) = self.shut_down(&request, desk)
                    && let Some(owed) = desk.owed.take()
                {
                    desk.events.push(owed.refused(error));
                }
            }
            Event::ElectLeaders(demand) => self.elect_on_demand(demand, desk),
            Event::TopicConfigured(topic) => desk.next([Step::ElectWaiting(Some(topic))]),
            Event::Rebalance => self.rebalance(desk),
        }
    }
}
