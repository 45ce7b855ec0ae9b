//! From what a step does to faults of the world: nodes become ids, sides become links between hosts.

use machine::Duration;
use sim::world::{ClockFault, DiskFault, Fault, HostId, NodeId};

use crate::cast::Stage;
use crate::plan::Plan;
use crate::script::action::{Action, Deed, DiskDeed};
use crate::script::selector::Selector;

/// The latency of a link nobody touched.
const USUAL_LATENCY: (Duration, Duration) =
    (Duration::from_micros(250), Duration::from_micros(750));
/// The latency of a sync nobody touched.
const USUAL_SYNC: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(4));

/// The faults that make up a deed done to `victims`, with `peers` on the other side.
pub fn faults(
    deed: &Deed,
    victims: &[String],
    peers: &[String],
    plan: &Plan,
    stage: &Stage,
) -> Vec<Fault> {
    let id = |name: &String| stage.nodes.get(name).copied();
    let nodes: Vec<NodeId> = victims.iter().filter_map(id).collect();
    let others: Vec<NodeId> = peers.iter().filter_map(id).collect();
    let each = |make: &dyn Fn(NodeId) -> Fault| nodes.iter().map(|node| make(*node)).collect();
    match deed {
        Deed::Kill => each(&|node| Fault::Kill { node }),
        Deed::Stop => each(&|node| Fault::Stop { node }),
        Deed::Restart => each(&|node| Fault::Restart { node }),
        Deed::Pause => each(&|node| Fault::Pause { node }),
        Deed::Resume => each(&|node| Fault::Resume { node }),
        Deed::PowerLoss => {
            let together = plan.whole_hosts(victims);
            let hosts = together.iter().filter_map(id).map(|node| stage.world.host_of(node));
            let mut hosts: Vec<HostId> = hosts.collect();
            hosts.sort();
            hosts.dedup();
            hosts.into_iter().map(|host| Fault::PowerLoss { host }).collect()
        }
        Deed::Wipe => each(&|node| Fault::Wipe { node }),
        Deed::Cut { one_way } => {
            links(&nodes, &others, !one_way, stage, |from, to| Fault::Cut { from, to })
        }
        Deed::Heal => links(&nodes, &others, true, stage, |from, to| Fault::Heal { from, to }),
        Deed::HealAll => vec![Fault::HealAll],
        Deed::Admin(_) => Vec::new(),
        Deed::Isolate => {
            let rest = outside(&nodes, stage);
            links(&nodes, &rest, true, stage, |from, to| Fault::Cut { from, to })
        }
        Deed::Rejoin => {
            let rest = outside(&nodes, stage);
            links(&nodes, &rest, true, stage, |from, to| Fault::Heal { from, to })
        }
        Deed::Latency { bounds } => {
            let (low, high) = bounds.unwrap_or(USUAL_LATENCY);
            links(&nodes, &others, true, stage, |from, to| Fault::Latency { from, to, low, high })
        }
        Deed::Loss { per_million } => links(&nodes, &others, true, stage, |from, to| Fault::Loss {
            from,
            to,
            per_million: *per_million,
        }),
        Deed::Tamper => links(&nodes, &others, false, stage, |from, to| Fault::Tamper { from, to }),
        Deed::Disk(deed) => {
            let fault = disk(deed);
            each(&|node| Fault::Disk { node, fault: fault.clone() })
        }
        Deed::ClockJump { by } => {
            each(&|node| Fault::Clock { node, change: ClockFault::Step { micros: *by } })
        }
        Deed::ClockDrift { ppm } => {
            each(&|node| Fault::Clock { node, change: ClockFault::Drift { ppm: *ppm } })
        }
        Deed::ServiceTime { per_input, per_byte_nanos } => each(&|node| Fault::ServiceTime {
            node,
            per_input: *per_input,
            per_byte_nanos: *per_byte_nanos,
        }),
    }
}

fn disk(deed: &DiskDeed) -> DiskFault {
    match deed {
        DiskDeed::SyncLatency { bounds } => {
            let (low, high) = bounds.unwrap_or(USUAL_SYNC);
            DiskFault::SyncLatency { low, high }
        }
        DiskDeed::Stall => DiskFault::Stall,
        DiskDeed::Resume => DiskFault::Resume,
        DiskDeed::Full { free } => DiskFault::Full { free_bytes: *free },
        DiskDeed::Freed => DiskFault::Freed,
        DiskDeed::FailWrites => DiskFault::FailWrites,
        DiskDeed::FailSyncs => DiskFault::FailSyncs,
        DiskDeed::Mend => DiskFault::Mend,
        DiskDeed::BitRot { path } => DiskFault::BitRot { path_contains: path.clone() },
        DiskDeed::LyingSync { on } => DiskFault::LyingSync(*on),
        DiskDeed::LoseRenames { on } => DiskFault::LoseRenames(*on),
        DiskDeed::TornTail { on } => DiskFault::TornTail(*on),
    }
}

/// Every link from one side to the other, and back if `both`. Nodes of one host cannot be cut apart.
fn links(
    from: &[NodeId],
    to: &[NodeId],
    both: bool,
    stage: &Stage,
    make: impl Fn(HostId, HostId) -> Fault,
) -> Vec<Fault> {
    let host = |node: &NodeId| stage.world.host_of(*node);
    let mut faults = Vec::new();
    for from in from.iter().map(host) {
        for to in to.iter().map(host).filter(|to| *to != from) {
            faults.push(make(from, to));
            if both {
                faults.push(make(to, from));
            }
        }
    }
    faults
}

fn outside(nodes: &[NodeId], stage: &Stage) -> Vec<NodeId> {
    stage.world.nodes().filter(|node| !nodes.contains(node)).collect()
}

/// The same action, done to exactly these.
pub fn pinned(action: &Action, victims: &[String], peers: &[String]) -> Action {
    Action {
        deed: action.deed.clone(),
        who: Selector::Nodes(victims.to_vec()),
        to: action.to.as_ref().map(|_| Selector::Nodes(peers.to_vec())),
    }
}

/// What was done, in words, with everybody's name.
pub fn sentence(deed: &Deed, victims: &[String], peers: &[String]) -> String {
    let who = if victims.is_empty() { "nobody".to_owned() } else { victims.join(", ") };
    match (deed, peers.is_empty()) {
        (Deed::HealAll | Deed::Admin(_), _) => deed.to_string(),
        (_, true) => format!("{deed} {who}"),
        (Deed::Cut { one_way: true } | Deed::Tamper, false) => {
            format!("{deed} {who} to {}", peers.join(", "))
        }
        (_, false) => format!("{deed} {who} and {}", peers.join(", ")),
    }
}
