//! Who is meant: names, patterns, roles, and sums and differences of them. Resolved when a step
//! fires.
//!
//! ```text
//! selector = some { "," some }                      A, B      both
//! some     = [ ("any" N | "all") "of" ] these       any 2 of zk-*   a seeded choice
//! these    = one { "-" one }                        A - B     those of A that are not in B
//! one      = name | pattern | clients | brokers
//!          | zk.servers | zk.leader | zk.followers | zk.looking | zk.serving
//!          | controller | leader(partition) | isr(partition)
//!          | replicas(partition) | followers(partition)
//!          | victims(step) | peers(step) | host(name) | server-of(client) | ( selector )
//! ```
//! `zk.leader as seen by zk-2` is a belief, and so are `controller`, `leader(orders-0)` and
//! `isr(orders-0)` `as seen by kafka-2` (or `leader(orders-0, as seen by kafka-2)`); without it the
//! truth is meant. A partition is its topic, `-` and its number. Followers are the replicas without
//! the leader. ZooKeeper servers are also called `zk-1`, `zk-2`, … and brokers `kafka-1`,
//! `kafka-2`, … in the order of the cluster, so that one scenario fits many clusters.

mod reading;

use broker::id::TopicPartition;
use serde::{Deserialize, Serialize};

pub use reading::{
    take, take_clients, take_clients_with_sessions, take_partition, take_seen_by,
    take_seen_by_broker,
};

use super::facts::Facts;

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selector {
    /// A name or a pattern as written. Drawing a plan replaces it by [`Selector::Nodes`].
    Pattern(String),
    /// A name or a pattern of clients as written. Drawing a plan replaces it by
    /// [`Selector::Nodes`].
    ClientPattern(String),
    /// A name or a pattern of clients that have sessions, as written. Drawing a plan replaces it by
    /// [`Selector::Nodes`].
    SessionPattern(String),
    /// An entry of `[hosts]` as written. Drawing a plan replaces it by [`Selector::Nodes`].
    Host(String),
    /// Some entries of `[hosts]` as written. Drawing a plan chooses them and replaces this by
    /// [`Selector::Nodes`].
    AnyHosts {
        /// How many.
        count: u64,
        /// Of which.
        pattern: String,
    },
    /// These nodes.
    Nodes(Vec<String>),
    /// All ZooKeeper servers as the file has them. Drawing a plan replaces it by
    /// [`Selector::Nodes`].
    Servers,
    /// All clients as the file has them. Drawing a plan replaces it by [`Selector::Nodes`].
    Clients,
    /// The server that leads with a quorum; with `seen_by`, whom that server takes for its leader.
    Leader {
        /// Whose belief.
        seen_by: Option<Box<Selector>>,
    },
    /// The servers in this state.
    InState(Role),
    /// The nodes a step picked, when it last fired.
    Victims {
        /// The step.
        step: String,
    },
    /// The other side a step picked (`to`), when it last fired.
    Peers {
        /// The step.
        step: String,
    },
    /// All brokers as the file has them. Drawing a plan replaces it by [`Selector::Nodes`].
    Brokers,
    /// The broker that is the controller; with `seen_by`, whom that broker takes for it.
    Controller {
        /// Whose belief.
        seen_by: Option<Box<Selector>>,
    },
    /// The broker that leads this partition; with `seen_by`, whom that broker takes for its leader.
    PartitionLeader {
        /// The partition.
        partition: TopicPartition,
        /// Whose belief.
        seen_by: Option<Box<Selector>>,
    },
    /// The in-sync replicas of this partition; with `seen_by`, those that broker goes by.
    Isr {
        /// The partition.
        partition: TopicPartition,
        /// Whose belief.
        seen_by: Option<Box<Selector>>,
    },
    /// The assigned replicas of this partition.
    Replicas {
        /// The partition.
        partition: TopicPartition,
    },
    /// The servers these clients are connected to.
    ServerOf(Box<Selector>),
    /// Those of `these` that come first in the ranking, which was drawn with the plan.
    Any {
        /// How many; fewer if there are not as many.
        count: u64,
        /// Of whom.
        these: Box<Selector>,
        /// All nodes in the order in which this choice prefers them; empty before the plan is
        /// drawn.
        ranking: Vec<String>,
    },
    /// All of them, each once.
    Union(Vec<Selector>),
    /// Those of the first that are not in the second.
    Except(Box<Selector>, Box<Selector>),
}

/// States of a server or a broker that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Its process runs and is not paused.
    Up,
    /// Its process does not run, or is paused.
    Down,
    /// It looks for a leader.
    Looking,
    /// It follows a leader and serves clients.
    Following,
    /// It believes that it leads, and serves clients.
    Leading,
    /// It serves clients: follows, leads or stands alone; of a broker: it has started.
    Serving,
    /// It serves as a standalone server, without an ensemble.
    Standalone,
    /// A broker whose znode below `/brokers/ids` is there.
    Registered,
    /// A broker all of whose request handlers wait, or one of whose partitions is frozen by an ISR
    /// write.
    Frozen,
}

impl Role {
    /// All, with the words for them.
    pub const ALL: [(&str, Self); 9] = [
        ("up", Self::Up),
        ("down", Self::Down),
        ("looking", Self::Looking),
        ("following", Self::Following),
        ("leading", Self::Leading),
        ("serving", Self::Serving),
        ("standalone", Self::Standalone),
        ("registered", Self::Registered),
        ("frozen", Self::Frozen),
    ];
}

impl Selector {
    /// The nodes meant now, each once. Before the plan is drawn, patterns cannot be resolved:
    /// panics then.
    pub fn resolve(&self, facts: &dyn Facts) -> Vec<String> {
        let mut nodes: Vec<String> = Vec::new();
        let add = |node: String| {
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        };
        match self {
            Self::Pattern(_)
            | Self::ClientPattern(_)
            | Self::SessionPattern(_)
            | Self::Host(_)
            | Self::AnyHosts { .. }
            | Self::Servers
            | Self::Brokers
            | Self::Clients => {
                panic!("only selectors of a drawn plan can be resolved, not {self:?}")
            }
            Self::Nodes(names) => names.iter().cloned().for_each(add),
            Self::Leader { seen_by } => {
                let truth = || facts.leader().into_iter().collect();
                let belief = |who: &str| facts.leader_seen_by(who).into_iter().collect();
                seen(seen_by, facts, &truth, &belief).into_iter().for_each(add);
            }
            Self::Controller { seen_by } => {
                let truth = || facts.controller().into_iter().collect();
                let belief = |who: &str| facts.controller_seen_by(who).into_iter().collect();
                seen(seen_by, facts, &truth, &belief).into_iter().for_each(add);
            }
            Self::PartitionLeader { partition, seen_by } => {
                let truth = || facts.partition_leader(partition).into_iter().collect();
                let belief = |who: &str| {
                    facts.partition_leader_seen_by(partition, who).into_iter().collect()
                };
                seen(seen_by, facts, &truth, &belief).into_iter().for_each(add);
            }
            Self::Isr { partition, seen_by } => {
                let truth = || facts.isr(partition);
                let belief = |who: &str| facts.isr_seen_by(partition, who);
                seen(seen_by, facts, &truth, &belief).into_iter().for_each(add);
            }
            Self::Replicas { partition } => facts.replicas(partition).into_iter().for_each(add),
            Self::InState(role) => {
                facts.servers().into_iter().filter(|node| facts.is(node, *role)).for_each(add);
            }
            Self::Victims { step } => facts.victims(step).into_iter().for_each(add),
            Self::Peers { step } => facts.peers(step).into_iter().for_each(add),
            Self::ServerOf(clients) => {
                let clients = clients.resolve(facts).into_iter();
                clients.filter_map(|client| facts.server_of(&client)).for_each(add);
            }
            Self::Any { count, these, ranking } => {
                let mut these = these.resolve(facts);
                these.sort_by_key(|node| ranking.iter().position(|ranked| ranked == node));
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                these.into_iter().take(count).for_each(add);
            }
            Self::Union(parts) => {
                parts.iter().flat_map(|part| part.resolve(facts)).for_each(add);
            }
            Self::Except(these, without) => {
                let without = without.resolve(facts);
                let these = these.resolve(facts).into_iter();
                these.filter(|node| !without.contains(node)).for_each(add);
            }
        }
        nodes
    }

    /// This selector with every part that `change` gives something for replaced by it.
    pub fn map(&self, change: &mut dyn FnMut(&Self) -> Option<Self>) -> Self {
        if let Some(changed) = change(self) {
            return changed;
        }
        let mut inner = |part: &Self| Box::new(part.map(change));
        match self {
            Self::Leader { seen_by } => {
                Self::Leader { seen_by: seen_by.as_ref().map(|who| inner(who)) }
            }
            Self::Controller { seen_by } => {
                Self::Controller { seen_by: seen_by.as_ref().map(|who| inner(who)) }
            }
            Self::PartitionLeader { partition, seen_by } => Self::PartitionLeader {
                partition: partition.clone(),
                seen_by: seen_by.as_ref().map(|who| inner(who)),
            },
            Self::Isr { partition, seen_by } => Self::Isr {
                partition: partition.clone(),
                seen_by: seen_by.as_ref().map(|who| inner(who)),
            },
            Self::ServerOf(clients) => Self::ServerOf(inner(clients)),
            Self::Any { count, these, ranking } => {
                Self::Any { count: *count, these: inner(these), ranking: ranking.clone() }
            }
            Self::Union(parts) => Self::Union(parts.iter().map(|part| part.map(change)).collect()),
            Self::Except(these, without) => Self::Except(inner(these), inner(without)),
            leaf => leaf.clone(),
        }
    }
}

/// What is so, or what those who are asked believe.
fn seen(
    seen_by: &Option<Box<Selector>>,
    facts: &dyn Facts,
    truth: &dyn Fn() -> Vec<String>,
    belief: &dyn Fn(&str) -> Vec<String>,
) -> Vec<String> {
    match seen_by {
        None => truth(),
        Some(who) => who.resolve(facts).iter().flat_map(|who| belief(who)).collect(),
    }
}

/// Whether `name` fits `pattern`, where `*` stands for any letters and `?` for one.
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, n) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

/// Whether a name is a pattern.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}
