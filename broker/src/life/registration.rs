//! A broker's znode below `/brokers/ids`: made as `KafkaZkClient.CheckedEphemeral` makes it.
//!
//! One transaction creates it and sets it, so that its data version is 1. If it is there already, its owner decides: this
//! session, then it is ours after all; our last session, then it is removed and made again (KAFKA-7165, a way around
//! ZOOKEEPER-2985); anybody else, then the broker must not run. So a broker killed and started again is refused until
//! ZooKeeper lets its old session expire.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use coordinator::id::SessionId;
use coordinator::txn::Acl;
use coordinator::wire::client::{CreateFlags, MultiOp, MultiResult, Request, Response, Stat, code};

use super::{Step, get, in_words};
use crate::config::Config;
use crate::id::{BrokerEpoch, BrokerId};
use crate::zk::{ZkError, znode};

const IDS: &str = "/brokers/ids";

/// What is being done.
#[derive(Clone, Debug)]
enum Doing {
    /// Who else is registered?
    ListOthers,
    /// Where are they? The first of these is being asked.
    ReadOther(Vec<BrokerId>),
    Create,
    /// Whose is the one that is there?
    Look,
    /// It is our last session's.
    Remove,
}

/// One attempt to register, one request at a time.
#[derive(Clone, Debug)]
pub struct Registration {
    id: BrokerId,
    path: Arc<str>,
    data: Bytes,
    /// `host:port`, as advertised.
    endpoints: Vec<String>,
    /// The session under which the broker was registered last.
    previous: SessionId,
    doing: Doing,
}

impl Registration {
    /// The first one in a life: no other broker may advertise one of our endpoints.
    pub fn first(config: &Config, timestamp: i64) -> Self {
        Self { doing: Doing::ListOthers, ..Self::again(config, timestamp, SessionId::NONE) }
    }

    /// One in a new session, after the one under which the broker was registered before.
    pub fn again(config: &Config, timestamp: i64, previous: SessionId) -> Self {
        let advertised = &config.advertised_listeners;
        let protocol = |name: &String| {
            let protocol = config.security_protocols.get(name).unwrap_or(name);
            (name.clone(), protocol.clone())
        };
        let protocols: BTreeMap<_, _> = advertised.iter().map(|at| protocol(&at.name)).collect();
        let (endpoints, rack) = (advertised.clone(), config.rack.clone());
        let znode = znode::Registration { endpoints, protocols, timestamp, rack };
        Self {
            id: config.id,
            path: znode::broker_path(config.id),
            data: znode.to_json().into(),
            endpoints: advertised.iter().map(|at| format!("{}:{}", at.host, at.port)).collect(),
            previous,
            doing: Doing::Create,
        }
    }

    /// What is to be asked now.
    pub fn ask(&self) -> Request {
        match &self.doing {
            Doing::ListOthers => Request::GetChildren { path: IDS.into(), watch: false },
            Doing::ReadOther(others) => {
                let other = others.first().expect("read only while there are others");
                get(znode::broker_path(*other))
            }
            Doing::Create => {
                let (path, data) = (self.path.clone(), Some(self.data.clone()));
                let flags = CreateFlags { ephemeral: true, sequential: false }.to_wire();
                let create =
                    MultiOp::Create { path: path.clone(), data: None, acl: Acl::open(), flags };
                Request::Multi(vec![create, MultiOp::SetData { path, data, version: 0 }])
            }
            Doing::Look => get(self.path.clone()),
            Doing::Remove => Request::Delete { path: self.path.clone(), version: -1 },
        }
    }

    /// The reply to [`Self::ask`]; `session` is the one in force.
    pub fn replied(
        &mut self,
        result: Result<Response, ZkError>,
        session: SessionId,
    ) -> Step<BrokerEpoch> {
        let next = match (&self.doing, result) {
            (Doing::ListOthers, Ok(Response::Children { children })) => {
                let mut others: Vec<_> =
                    children.iter().filter_map(|name| name.parse().ok().map(BrokerId)).collect();
                others.retain(|other| *other != self.id);
                others.sort();
                reading(others)
            }
            (Doing::ReadOther(others), result) => {
                let other = others.first().copied().unwrap_or(BrokerId::NONE);
                match result {
                    Ok(Response::Data { data, .. }) => {
                        if let Some(problem) = self.clash(other, data) {
                            return Step::Failed(problem);
                        }
                    }
                    Ok(_) | Err(ZkError::Refused(code::NO_NODE)) => {}
                    Err(error) => return Step::Failed(in_words(IDS, error)),
                }
                reading(others[1..].to_vec())
            }
            (Doing::Create, Ok(Response::Multi(results))) => match results.get(1) {
                Some(MultiResult::SetData { stat }) => return Step::Done(epoch(stat)),
                _ => return Step::Failed(format!("{} was not set", self.path)),
            },
            (Doing::Create, Err(ZkError::Refused(code::NODE_EXISTS))) => Doing::Look,
            (Doing::Look, Ok(Response::Data { stat, .. })) => match stat.ephemeral_owner {
                owner if owner == session => return Step::Done(epoch(&stat)),
                owner if owner == self.previous && owner != SessionId::NONE => Doing::Remove,
                owner => {
                    return Step::Failed(format!(
                        "{} exists and belongs to session {owner}, not to {session}",
                        self.path
                    ));
                }
            },
            (Doing::Look, Err(ZkError::Refused(code::NO_NODE)))
            | (Doing::Remove, Ok(_) | Err(ZkError::Refused(code::NO_NODE))) => Doing::Create,
            (_, Err(error)) => return Step::Failed(in_words(&self.path, error)),
            (_, Ok(_)) => return Step::Failed(format!("{} cannot be read", self.path)),
        };
        self.doing = next;
        Step::Ask(self.ask())
    }

    /// Whether another broker advertises one of our endpoints, in Kafka's words.
    fn clash(&self, other: BrokerId, data: Option<Bytes>) -> Option<String> {
        let theirs = znode::Registration::from_json(&data?)?;
        let theirs: Vec<_> =
            theirs.endpoints.iter().map(|at| format!("{}:{}", at.host, at.port)).collect();
        let common: Vec<_> =
            self.endpoints.iter().filter(|ours| theirs.contains(ours)).cloned().collect();
        (!common.is_empty()).then(|| {
            format!(
                "Configured end points {} in advertised listeners are already registered by \
                 broker {other}",
                common.join(",")
            )
        })
    }
}

fn reading(others: Vec<BrokerId>) -> Doing {
    if others.is_empty() { Doing::Create } else { Doing::ReadOther(others) }
}

/// KIP-380: the epoch of a registration is the czxid of its znode.
fn epoch(stat: &Stat) -> BrokerEpoch {
    BrokerEpoch(stat.czxid.0.cast_signed())
}
