//! ZS-1: Writes are linearizable: what was acknowledged stands in the one order of the ensemble, as asked and as answered,
//! and later than everything that was acknowledged before it was asked.
//!
//! It is the reason to have ZooKeeper at all: whoever was told "done" may tell others, and they must find it done. To break
//! it: let a leader answer when its own disk has a write, cut it off, and read from the rest.
//!
//! "Stands in the order" is looked at twice: when the client is told, a quorum must hold the transaction; at the end the
//! leader must still have it. In between it is the business of ZB-1.

use std::collections::BTreeMap;

use coordinator::code;
use coordinator::id::Zxid;
use coordinator::note::{ClientNote, Operation, Outcome};
use coordinator::quorum::majority_of;
use coordinator::txn::{Record, Txn};
use sim::world::NodeId;

use super::{Reply, before, carries_out, exists, parent, refusal};
use crate::cast::Said;
use crate::checks::Check;
use crate::scene::{Moment, Outside, Scene, Truth};

/// The check.
#[derive(Debug, Default)]
pub struct Writes {
    /// The newest write that anybody was told the end of, by ensemble.
    told: Vec<Zxid>,
    /// The same as it was when each waiting write was asked for.
    floors: BTreeMap<(NodeId, u64), Vec<Zxid>>,
    /// Everything acknowledged, by ensemble: its digest, and which operation of which client it was.
    acknowledged: BTreeMap<(usize, Zxid), (u64, NodeId, u64)>,
}

impl Check for Writes {
    fn id(&self) -> &'static str {
        "ZS-1"
    }

    fn property(&self) -> &'static str {
        "Acknowledged writes stand in one order that agrees with real time."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        match said {
            Said::Client(ClientNote::Invoked { op, what, .. }) if what.is_write() => {
                self.told.resize(scene.ensembles.len(), Zxid::ZERO);
                self.floors.insert((moment.node, *op), self.told.clone());
            }
            Said::Client(ClientNote::Completed { op, .. }) => {
                let Some(floors) = self.floors.remove(&(moment.node, *op)) else { return };
                if let Some(reply) = Reply::of(moment, said, scene) {
                    self.ended(moment.node, &reply, floors[reply.ensemble], scene, found);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, scene: &Scene, outside: &dyn Outside, found: &mut Vec<String>) {
        for ensemble in 0..scene.ensembles.len() {
            let Some(leader) = scene.leader(ensemble, outside) else { continue };
            let leader = &scene.servers[&leader];
            let all = (ensemble, Zxid::ZERO)..(ensemble + 1, Zxid::ZERO);
            let mut acknowledged = self.acknowledged.range(all);
            let gone = acknowledged.find(|((_, zxid), (digest, ..))| {
                leader.entry(*zxid).is_none_or(|entry| entry.digest != *digest)
            });
            if let Some(((_, zxid), (_, client, op))) = gone {
                let client = scene.clients.get(client).map_or("?", |client| &client.name);
                let name = &leader.name;
                found.push(format!(
                    "{name} leads without {zxid}, acknowledged as #{op} of {client}"
                ));
            }
        }
    }
}

impl Writes {
    fn ended(
        &mut self,
        node: NodeId,
        reply: &Reply<'_>,
        floor: Zxid,
        scene: &Scene,
        found: &mut Vec<String>,
    ) {
        let Reply { truth, ensemble, zxid, .. } = *reply;
        let words = || reply.words();
        let told = &mut self.told[ensemble];
        *told = (*told).max(zxid);
        if zxid <= floor {
            found
                .push(format!("asked after {floor} was answered, and put before it ({})", words()));
        }
        let Some(record) = truth.record(zxid) else {
            found.push(format!("answered before it was committed ({})", words()));
            return;
        };
        match reply.outcome {
            Outcome::Done { .. } => {
                found.extend(wrong(reply, record).map(|why| format!("{why} ({})", words())));
                let holders = holders(ensemble, record, scene);
                let members = scene.members(ensemble);
                let voters = members.map(|(_, one)| one.membership.voters).max().unwrap_or(1);
                if holders < majority_of(voters) {
                    let of = format!("{holders} of {voters} servers");
                    found.push(format!("acknowledged when only {of} had it ({})", words()));
                }
                self.acknowledged.insert((ensemble, zxid), (record.digest, node, reply.op));
            }
            Outcome::Refused(code) => {
                let refused = refusal(&record.txn) == Some(*code);
                if !refused {
                    found.push(format!("refused, and committed all the same ({})", words()));
                } else if refused_wrongly(reply.asked, *code, truth, zxid) {
                    found.push(format!("refused without a reason ({})", words()));
                }
            }
            _ => {}
        }
    }
}

/// How many servers hold a transaction.
fn holders(ensemble: usize, record: &Record, scene: &Scene) -> usize {
    let has = |server: &crate::scene::Server| {
        server.entry(record.header.zxid).is_some_and(|entry| entry.digest == record.digest)
    };
    scene.members(ensemble).filter(|(_, server)| has(server)).count()
}

/// What is wrong about an acknowledged write, by the transaction at its zxid and the state before.
fn wrong(reply: &Reply<'_>, record: &Record) -> Option<String> {
    let Outcome::Done { path, version } = reply.outcome else { return None };
    if record.header.session != reply.session {
        return Some(format!("the transaction there is one of {}", record.header.session));
    }
    if !carries_out(&record.txn, reply.asked) {
        return Some("the transaction there is another one".to_owned());
    }
    let before = before(reply.zxid);
    let there = |path: &str| exists(reply.truth, path, before);
    match (&record.txn, reply.asked) {
        (Txn::Create { path: made, .. }, _) => {
            if path.as_ref() != Some(made) {
                return Some(format!("what was made is {made}"));
            }
            if there(made) {
                return Some(format!("{made} was there before"));
            }
            let orphan = !there(parent(made));
            orphan.then(|| format!("there was nothing above {made}"))
        }
        (Txn::SetData { path, version: now, .. }, _) => {
            let was = reply.truth.znode_at(path, before).map(|znode| znode.version);
            if *version != Some(*now) {
                return Some(format!("the version is {now}"));
            }
            let next = was.map(|was| was.wrapping_add(1));
            (next != Some(*now)).then(|| format!("version {now} does not follow {was:?}"))
        }
        (Txn::Delete { path }, Operation::Delete { version, .. }) => {
            let was = reply.truth.znode_at(path, before).map(|znode| znode.version);
            let fits = was.is_some_and(|was| *version == -1 || was == *version);
            (!fits).then(|| format!("before, the version was {was:?}"))
        }
        _ => None,
    }
}

/// Whether a refusal is wrong about the state the write found.
fn refused_wrongly(asked: &Operation, code: i32, truth: &Truth, zxid: Zxid) -> bool {
    let before = before(zxid);
    let znode = |path: &str| truth.znode_at(path, before);
    match (asked, code) {
        (Operation::Create { path, sequential: false, .. }, code::NODE_EXISTS) => {
            znode(path).is_none()
        }
        (Operation::Create { path, .. }, code::NO_NODE) => znode(parent(path)).is_some(),
        (Operation::Delete { path, .. } | Operation::SetData { path, .. }, code::NO_NODE) => {
            znode(path).is_some()
        }
        (
            Operation::Delete { path, version } | Operation::SetData { path, version, .. },
            code::BAD_VERSION,
        ) => znode(path).is_none_or(|znode| znode.version == *version || *version == -1),
        _ => false,
    }
}
