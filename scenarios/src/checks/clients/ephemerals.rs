//! ZS-4: With a session its ephemerals are gone, on every server and all of them; while it lives the system deletes none.
//!
//! Locks and group membership are ephemerals: one that stays behind is a lock nobody holds and nobody can take. To break
//! it: let a follower apply closeSession without deleting them.
//!
//! That none is deleted too early follows: the truth deletes them only where somebody asked or the session was closed, and
//! what servers show is held against the truth (ZS-3).

use std::collections::BTreeMap;

use coordinator::id::Zxid;
use coordinator::note::ServerNote;
use coordinator::txn::Txn;
use sim::world::NodeId;

use super::Reply;
use super::reads::shows_a_ghost;
use crate::cast::Said;
use crate::checks::Check;
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Ephemerals {
    applied: BTreeMap<NodeId, Applied>,
}

/// A snapshot may hold more than the log behind it: until everything it can hold was applied again, ephemerals of a session
/// may be gone before its end is delivered.
#[derive(Debug, Default)]
struct Applied {
    last: Zxid,
    unsure_until: Zxid,
}

impl Check for Ephemerals {
    fn id(&self) -> &'static str {
        "ZS-4"
    }

    fn property(&self) -> &'static str {
        "Ephemerals end with their session, on every server."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        if let Some(reply) = Reply::of(moment, said, scene)
            && shows_a_ghost(&reply)
        {
            let words = reply.words();
            found.push(format!("its session was closed before, and it is still shown ({words})"));
        }
        let Said::Server(note) = said else { return };
        let applied = self.applied.entry(moment.node).or_default();
        let ServerNote::Delivered { record, ephemerals, .. } = note else {
            applied.fold(note);
            return;
        };
        applied.last = applied.last.max(record.header.zxid);
        if record.header.zxid < applied.unsure_until {
            return;
        }
        let Some(server) = scene.servers.get(&moment.node) else { return };
        let truth = scene.truth(server);
        let (zxid, session) = (record.header.zxid, record.header.session);
        // Another transaction in its place is not ours to judge.
        if !matches!(record.txn, Txn::CloseSession) || truth.digest(zxid) != Some(record.digest) {
            return;
        }
        let owned = truth.removed.get(&zxid).copied().unwrap_or_default();
        if owned != *ephemerals {
            let removed = format!("removed {ephemerals} ephemerals of {owned}");
            found.push(format!("{} closed session {session} and {removed}", server.name));
        }
    }
}

impl Applied {
    fn fold(&mut self, note: &ServerNote) {
        match note {
            ServerNote::Recovered { last, .. } => {
                if *last < self.last {
                    self.unsure_until = self.unsure_until.max(self.last);
                }
                self.last = *last;
            }
            ServerNote::SnapshotInstalled { zxid, .. } => {
                *self = Self { last: *zxid, unsure_until: Zxid::ZERO };
            }
            _ => {}
        }
    }
}
