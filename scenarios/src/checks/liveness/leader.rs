//! LV-0: Where a quorum of servers is up, well and connected without interruption, a leader serves it within a bound.
//!
//! Safety alone is easy: nobody ever leads. To break it: let every server keep voting for itself.
//!
//! The bound, from the largest settings in the quorum: `(syncLimit + 1) · tick` until a silent leader is given up, one
//! failed attempt at `2 · initLimit · tick` (a quorum that does not come, then a synchronisation), 60 s until servers that
//! were alone repeat their votes, and 10 s to vote and to read disks. "Well" means that disks and links work within a
//! second and half a second: slower ones may keep an ensemble from ever agreeing.

use std::collections::BTreeSet;

use coordinator::quorum::majority_of;
use machine::{Duration, Instant};
use sim::world::NodeId;

use crate::checks::{Check, Look, Wants};
use crate::scene::{Outside, Scene, Server};

/// The longest pause between two notifications of a server that hears nobody (`maxNotificationInterval`).
const REPEATS: Duration = Duration::from_secs(60);
/// For voting, and for reading disks.
const SLACK: Duration = Duration::from_secs(10);

/// The check.
#[derive(Debug, Default)]
pub struct Led {
    ensembles: Vec<Wait>,
}

/// How long an ensemble could have had a leader and has none.
#[derive(Clone, Debug, Default)]
struct Wait {
    /// The quorum that could, each member with the life it is in.
    quorum: BTreeSet<(NodeId, u64)>,
    since: Instant,
    said: bool,
}

impl Check for Led {
    fn id(&self) -> &'static str {
        "LV-0"
    }

    fn property(&self) -> &'static str {
        "A quorum that is up and connected has a leader within a bound."
    }

    fn wants(&self) -> Wants {
        Wants::Nothing
    }

    fn keeps_time(&self) -> bool {
        true
    }

    fn pass(&mut self, look: &Look<'_>, found: &mut Vec<String>) {
        let Look { scene, outside, .. } = *look;
        self.ensembles.resize_with(scene.ensembles.len(), Wait::default);
        for (ensemble, wait) in self.ensembles.iter_mut().enumerate() {
            wait.look(ensemble, scene, outside, found);
        }
    }
}

impl Wait {
    fn look(
        &mut self,
        ensemble: usize,
        scene: &Scene,
        outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let able = able(ensemble, scene, outside);
        // Newcomers do not interrupt anything; whoever leaves does.
        let goes_on = !self.quorum.is_empty() && self.quorum.is_subset(&able);
        if !goes_on || scene.leader(ensemble, outside).is_some() {
            *self = Self { quorum: able, since: scene.now, said: false };
            return;
        }
        let bound = bound(ensemble, scene);
        let waited = scene.now.since(self.since);
        if waited > bound && !self.said {
            self.said = true;
            let names = self.quorum.iter().map(|(node, _)| &*scene.servers[node].name);
            let names = names.collect::<Vec<_>>().join(", ");
            found.push(format!("{names} are well and connected, and nobody has led for {waited}"));
        }
    }
}

/// A quorum of members who are well and hear each other; empty if there is none.
fn able(ensemble: usize, scene: &Scene, outside: &dyn Outside) -> BTreeSet<(NodeId, u64)> {
    let members: Vec<_> = scene.members(ensemble).collect();
    let voters = members.iter().map(|(_, member)| member.membership.voters).max().unwrap_or(0);
    let hear_each_other = |(a, one): &(NodeId, &Server), (b, other): &(NodeId, &Server)| {
        let known = one.membership.peers.contains(b) && other.membership.peers.contains(a);
        known && outside.reaches_well(*a, *b) && outside.reaches_well(*b, *a)
    };
    // Every member in turn begins, and takes in whoever hears all taken so far: good enough for the few there are.
    let grown = members.iter().map(|first| {
        let mut group: Vec<&(NodeId, &Server)> = Vec::new();
        for one in std::iter::once(first).chain(&members) {
            let fresh = group.iter().all(|(node, _)| *node != one.0);
            let heard = group.iter().all(|other| hear_each_other(one, other));
            if fresh && heard && outside.is_well(one.0) {
                group.push(one);
            }
        }
        group
    });
    let largest = grown.max_by_key(Vec::len).unwrap_or_default();
    if voters == 0 || largest.len() < majority_of(voters) {
        return BTreeSet::new();
    }
    largest.iter().map(|(node, member)| (*node, member.lives)).collect()
}

/// How long it may take, by the slowest configuration.
fn bound(ensemble: usize, scene: &Scene) -> Duration {
    let one = |server: &Server| {
        let membership = &server.membership;
        let ticks = membership.sync_limit + 1 + 2 * membership.init_limit;
        membership.tick.times(ticks)
    };
    let slowest = scene.members(ensemble).map(|(_, server)| one(server)).max();
    slowest.unwrap_or_default() + REPEATS + SLACK
}
