//! ZS-6: A watch tells once, and before the client can see what it tells of; while the session lives none is lost, over
//! reconnects as well.
//!
//! Whoever caches what it read relies on it: a watch that is lost leaves it with old data for ever. To break it: forget the
//! watches a client sets again on its new server.
//!
//! Three faces of it. An event must have its watch. A reply that is not older than a change must come after the change's
//! event. And where no reply ever comes, an event must come within twice the session time-out from a server that has the
//! change and is well connected.
//!
//! What ZooKeeper does not promise, and what is not asked here: that a znode which came and went while the client was
//! between two servers is noticed by a watch that waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use coordinator::code;
use coordinator::id::{SessionId, Zxid};
use coordinator::note::{ClientNote, Operation, Outcome};
use machine::{Duration, Instant};
use sim::world::NodeId;

use super::{Reply, exists};
use crate::cast::Said;
use crate::checks::{Check, Look};
use crate::scene::{Client, Moment, Outside, Scene, Truth};

/// What is added to twice the time-out before an event is overdue.
const SLACK: Duration = Duration::from_secs(2);

/// The check.
#[derive(Debug, Default)]
pub struct Watches {
    clients: BTreeMap<NodeId, Watcher>,
}

/// The watches of one client's session.
#[derive(Debug, Default)]
struct Watcher {
    session: SessionId,
    armed: BTreeMap<(Kind, Arc<str>), Armed>,
    /// Deletions that may be told twice: both watches of the znode were set again on a new server.
    twice: Vec<Arc<str>>,
}

/// The two tables of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The znode itself: left by getData and exists.
    Znode,
    /// Its children: left by getChildren.
    Children,
}

/// A watch that has not told yet.
#[derive(Clone, Copy, Debug)]
struct Armed {
    /// The state it was left at.
    since: Zxid,
    /// Whether it waits for a znode that was not there.
    for_creation: bool,
    /// Whether it was set again on another server and no reply came since.
    carried: bool,
    /// Since when its server has a change it does not tell.
    owed_since: Option<Instant>,
}

impl Check for Watches {
    fn id(&self) -> &'static str {
        "ZS-6"
    }

    fn property(&self) -> &'static str {
        "A watch tells once, in time, and is not lost."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let Said::Client(note) = said else { return };
        match note {
            ClientNote::Connected { session, .. } => {
                let watcher = self.clients.entry(moment.node).or_default();
                watcher.connected(*session);
            }
            ClientNote::Expired { .. } => drop(self.clients.remove(&moment.node)),
            ClientNote::Watched { kind, path } => {
                let watcher = self.clients.entry(moment.node).or_default();
                if !watcher.told(*kind, path) {
                    found.push(format!("told of {path} without a watch, or once more ({note})"));
                }
            }
            ClientNote::Completed { .. } => {
                if let Some(reply) = Reply::of(moment, said, scene) {
                    let watcher = self.clients.entry(moment.node).or_default();
                    watcher.answered(&reply, found);
                    watcher.arm(&reply);
                }
            }
            _ => {}
        }
    }

    fn keeps_time(&self) -> bool {
        true
    }

    fn pass(&mut self, look: &Look<'_>, found: &mut Vec<String>) {
        let Look { scene, outside, .. } = *look;
        for (node, watcher) in &mut self.clients {
            if !watcher.armed.is_empty()
                && let Some(client) = scene.clients.get(node)
            {
                watcher.look(*node, client, scene, outside, found);
            }
        }
    }
}

impl Watcher {
    fn connected(&mut self, session: SessionId) {
        if self.session != session {
            *self = Self { session, ..Self::default() };
        }
        for armed in self.armed.values_mut() {
            armed.carried = true;
            armed.owed_since = None;
        }
    }

    /// An event: it must use up a watch.
    fn told(&mut self, kind: i32, path: &Arc<str>) -> bool {
        let mut take = |kind| self.armed.remove(&(kind, path.clone())).is_some();
        match kind {
            1 | 3 => take(Kind::Znode),
            4 => take(Kind::Children),
            2 => {
                let (znode, children) = (take(Kind::Znode), take(Kind::Children));
                if znode && children {
                    self.twice.push(path.clone());
                }
                let place = self.twice.iter().position(|deleted| deleted == path);
                let again = place.filter(|_| !znode && !children);
                if let Some(place) = again {
                    self.twice.remove(place);
                }
                znode || children || again.is_some()
            }
            _ => true,
        }
    }

    /// A reply: every change up to it has been told by now.
    fn answered(&mut self, reply: &Reply<'_>, found: &mut Vec<String>) {
        if self.session != reply.session {
            return;
        }
        self.armed.retain(|(kind, path), armed| {
            let missed = armed.missed(*kind, path, reply.truth, reply.zxid);
            if let Some(zxid) = missed {
                let words = reply.words();
                found.push(format!("not told that {path} changed at {zxid} ({words})"));
            } else if armed.carried {
                armed.since = armed.since.max(reply.zxid);
                armed.carried = false;
            }
            missed.is_none()
        });
    }

    /// The watch a reply leaves.
    fn arm(&mut self, reply: &Reply<'_>) {
        let missing = *reply.outcome == Outcome::Refused(code::NO_NODE);
        let (kind, path, for_creation) = match (reply.asked, reply.outcome) {
            (Operation::Exists { path, watch: true }, Outcome::There { .. }) => {
                (Kind::Znode, path, false)
            }
            (Operation::Exists { path, watch: true }, _) if missing => (Kind::Znode, path, true),
            (Operation::GetData { path, watch: true }, Outcome::Data { .. }) => {
                (Kind::Znode, path, false)
            }
            (Operation::GetChildren { path, watch: true }, Outcome::Children(_)) => {
                (Kind::Children, path, false)
            }
            _ => return,
        };
        self.session = reply.session;
        let armed = Armed { since: reply.zxid, for_creation, carried: false, owed_since: None };
        self.armed.insert((kind, path.clone()), armed);
    }

    /// Time passed: what a server has and does not tell is overdue some day.
    fn look(
        &mut self,
        node: NodeId,
        client: &Client,
        scene: &Scene,
        outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let server = client.at.and_then(|at| Some((at, scene.servers.get(&at)?)));
        let server = server.filter(|(at, _)| {
            let linked = outside.reaches_well(node, *at) && outside.reaches_well(*at, node);
            linked && outside.is_well(node) && outside.is_well(*at)
        });
        let patience = Duration::from_millis(client.timeout_ms * 2) + SLACK;
        self.armed.retain(|(kind, path), armed| {
            let owed = server.and_then(|(_, server)| {
                armed.missed(*kind, path, scene.truth(server), server.delivered)
            });
            let Some(zxid) = owed else {
                armed.owed_since = None;
                return true;
            };
            let since = *armed.owed_since.get_or_insert(scene.now);
            let overdue = scene.now.since(since) > patience;
            if overdue {
                let name = &client.name;
                found.push(format!("{name} is not told that {path} changed at {zxid}"));
            }
            !overdue
        });
    }
}

impl Armed {
    /// The first change up to `upto` that this watch has not told of, and should have.
    fn missed(&self, kind: Kind, path: &str, truth: &Truth, upto: Zxid) -> Option<Zxid> {
        if self.for_creation && self.carried && !exists(truth, path, upto) {
            return None;
        }
        let itself = truth.changed(path, self.since, upto);
        match kind {
            Kind::Znode => itself,
            Kind::Children => {
                let gone = itself.filter(|_| !exists(truth, path, upto));
                truth.children_changed(path, self.since, upto).or(gone)
            }
        }
    }
}
