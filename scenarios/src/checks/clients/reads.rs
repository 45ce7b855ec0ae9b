//! ZS-3: Reads are true, and a session reads what it wrote: an answer shows exactly the state at its zxid, which is never
//! older than the session's own last acknowledged write.
//!
//! A read may be stale, it may not be false. To break it: answer a read from a tree that lacks what the reply's zxid says
//! it has.

use std::collections::BTreeMap;

use coordinator::code;
use coordinator::id::{SessionId, Zxid};
use coordinator::note::{Operation, Outcome};
use sim::world::NodeId;

use super::{Reply, exists, same};
use crate::cast::Said;
use crate::checks::Check;
use crate::scene::truth::Znode;
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Reads {
    /// The last acknowledged write of each client's session.
    wrote: BTreeMap<NodeId, (SessionId, Zxid)>,
}

impl Check for Reads {
    fn id(&self) -> &'static str {
        "ZS-3"
    }

    fn property(&self) -> &'static str {
        "A read shows the state at its zxid, with the session's own writes in it."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let Some(reply) = Reply::of(moment, said, scene) else { return };
        if reply.asked.is_write() {
            if matches!(reply.outcome, Outcome::Done { .. }) {
                self.wrote.insert(moment.node, (reply.session, reply.zxid));
            }
            return;
        }
        if let Some((session, wrote)) = self.wrote.get(&moment.node)
            && *session == reply.session
            && reply.zxid < *wrote
        {
            found.push(format!("older than its own write {wrote} ({})", reply.words()));
        }
        let is_transaction = reply.zxid.counter() != 0;
        if is_transaction && reply.truth.digest(reply.zxid).is_none() {
            found.push(format!("shows what was never committed ({})", reply.words()));
        } else if !shows_a_ghost(&reply)
            && let Some(truth) = lie(&reply)
        {
            found.push(format!("in truth {truth} ({})", reply.words()));
        }
    }
}

/// Whether a read shows an ephemeral of a session that was closed by then: that is ZS-4.
pub(super) fn shows_a_ghost(reply: &Reply<'_>) -> bool {
    let (path, made) = match (reply.asked, reply.outcome) {
        (
            Operation::GetData { path, .. } | Operation::Exists { path, .. },
            Outcome::Data { mzxid, .. } | Outcome::There { mzxid, .. },
        ) => (path, *mzxid),
        _ => return false,
    };
    let Some(was) = reply.truth.znode_at(path, made) else { return false };
    let closed = reply.truth.sessions.get(&was.owner).and_then(|(_, closed)| *closed);
    let over = closed.is_some_and(|closed| closed <= reply.zxid);
    over && !exists(reply.truth, path, reply.zxid)
}

/// What is true where a reply is not.
fn lie(reply: &Reply<'_>) -> Option<String> {
    let Reply { truth, zxid, .. } = *reply;
    match (reply.asked, reply.outcome) {
        (
            Operation::GetData { path, .. }
            | Operation::Exists { path, .. }
            | Operation::GetChildren { path, .. },
            Outcome::Refused(code::NO_NODE),
        ) => exists(truth, path, zxid).then(|| "it is there".to_owned()),
        (Operation::GetData { path, .. }, Outcome::Data { data, version, mzxid }) => {
            let znode = truth.znode_at(path, zxid);
            let is = |znode: &Znode| {
                same(data, &znode.data) && (*version, *mzxid) == (znode.version, znode.mzxid)
            };
            (!znode.is_some_and(is)).then(|| describe(znode))
        }
        (Operation::Exists { path, .. }, Outcome::There { version, mzxid, owner }) => {
            let znode = truth.znode_at(path, zxid);
            let is = |znode: &Znode| {
                (*version, *mzxid, *owner) == (znode.version, znode.mzxid, znode.owner)
            };
            (!znode.is_some_and(is)).then(|| describe(znode))
        }
        (Operation::GetChildren { path, .. }, Outcome::Children(names)) => {
            let mut told: Vec<_> = names.to_vec();
            told.sort();
            let children = truth.children_at(path, zxid);
            if !exists(truth, path, zxid) {
                Some(describe(None))
            } else {
                (told != children).then(|| format!("the children are {}", children.join(" ")))
            }
        }
        _ => None,
    }
}

fn describe(znode: Option<&Znode>) -> String {
    match znode {
        None => "it is not there".to_owned(),
        Some(znode) => format!("it has version {} since {}", znode.version, znode.mzxid),
    }
}
