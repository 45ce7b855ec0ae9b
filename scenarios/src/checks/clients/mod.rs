//! What ZooKeeper promises its clients (ZS-1 … ZS-9), judged by what clients were told and what is true.
//!
//! Each check holds only what it needs for the next note; the rest is in the [`Scene`]. Not here: what servers promise each
//! other, and how long anything may take.

mod ephemerals;
mod expiry;
mod multis;
mod order;
mod reads;
mod sequences;
mod told;
mod watches;
mod writes;

use bytes::Bytes;
use coordinator::code;
use coordinator::id::{SessionId, Zxid};
use coordinator::note::{ClientNote, Operation, Outcome};
use coordinator::txn::Txn;

use super::Check;
use crate::cast::Said;
use crate::scene::{Client, Moment, Scene, Truth};

/// The checks of this folder, in the order of their ids.
pub fn all() -> Vec<Box<dyn Check>> {
    vec![
        Box::<writes::Writes>::default(),
        Box::<order::Order>::default(),
        Box::<reads::Reads>::default(),
        Box::<ephemerals::Ephemerals>::default(),
        Box::<expiry::Expiry>::default(),
        Box::<watches::Watches>::default(),
        Box::<sequences::Sequences>::default(),
        Box::<multis::Multis>::default(),
        Box::<told::Told>::default(),
    ]
}

/// A reply a client has just got: not a lost operation.
struct Reply<'a> {
    client: &'a Client,
    session: SessionId,
    ensemble: usize,
    truth: &'a Truth,
    op: u64,
    asked: &'a Operation,
    zxid: Zxid,
    outcome: &'a Outcome,
}

impl<'a> Reply<'a> {
    /// The reply in a note, if it is one, and one of a server that is known.
    fn of(moment: &Moment, said: &'a Said, scene: &'a Scene) -> Option<Self> {
        let Said::Client(ClientNote::Completed { op, zxid, outcome }) = said else { return None };
        if matches!(outcome, Outcome::ConnectionLoss | Outcome::SessionExpired) {
            return None;
        }
        let client = scene.clients.get(&moment.node)?;
        let server = scene.servers.get(&client.at?)?;
        let (ended, asked) = client.ended.as_ref()?;
        (ended == op).then(|| Self {
            client,
            session: client.session,
            ensemble: server.ensemble,
            truth: scene.truth(server),
            op: *op,
            asked: &asked.what,
            zxid: *zxid,
            outcome,
        })
    }

    /// Who was told what, for messages.
    fn words(&self) -> String {
        let Self { client, op, asked, zxid, outcome, .. } = self;
        format!("{}: #{op} {asked} at {zxid}: {outcome}", client.name)
    }
}

/// The state before a transaction.
fn before(zxid: Zxid) -> Zxid {
    Zxid(zxid.0.saturating_sub(1))
}

/// The same data; null and empty look the same to a client's note.
fn same(noted: &[u8], data: &Option<Bytes>) -> bool {
    noted == data.as_deref().unwrap_or_default()
}

/// Whether a transaction is what an operation asked for.
fn carries_out(txn: &Txn, asked: &Operation) -> bool {
    match (asked, txn) {
        (
            Operation::Create { path, data, ephemeral, sequential },
            Txn::Create { path: made, data: written, ephemeral: dies, .. },
        ) => {
            let suffix = made.strip_prefix(&**path);
            let named = if *sequential { suffix.is_some_and(is_suffix) } else { made == path };
            named && same(data, written) && ephemeral == dies
        }
        (Operation::Delete { path, .. }, Txn::Delete { path: gone }) => path == gone,
        (
            Operation::SetData { path, data, version },
            Txn::SetData { path: set, data: written, version: now },
        ) => {
            let over = *version == -1 || *now == version.wrapping_add(1);
            path == set && same(data, written) && over
        }
        (Operation::Check { path, version }, Txn::Check { path: seen, version: found }) => {
            path == seen && (*version == -1 || version == found)
        }
        (Operation::Multi(parts), Txn::Multi(txns)) => {
            let mut pairs = parts.iter().zip(txns);
            parts.len() == txns.len() && pairs.all(|(part, txn)| carries_out(txn, part))
        }
        _ => false,
    }
}

/// Whether this is what a sequential znode's name ends with.
fn is_suffix(text: &str) -> bool {
    text.len() >= 10 && text.parse::<i32>().is_ok()
}

/// The code a refused transaction says; of a multi that of the part that failed.
fn refusal(txn: &Txn) -> Option<i32> {
    match txn {
        Txn::Error { code } => Some(*code),
        Txn::Multi(parts) => parts.iter().find_map(|part| match part {
            Txn::Error { code } if *code != code::OK => Some(*code),
            _ => None,
        }),
        _ => None,
    }
}

/// Whether there is such a znode after `zxid`.
fn exists(truth: &Truth, path: &str, zxid: Zxid) -> bool {
    truth.znode_at(path, zxid).is_some()
}

/// The path of a znode's parent.
fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        None | Some(("", _)) => "/",
        Some((parent, _)) => parent,
    }
}

#[cfg(test)]
mod tests;
