//! ZS-8: Of a multi everything is done, under one zxid, or nothing.
//!
//! It is how several znodes change together; half of it is a state nobody wrote. To break it: when a part fails, keep the
//! parts before it.

use coordinator::note::{Operation, Outcome, ServerNote};
use coordinator::txn::{Record, Txn};

use super::{Reply, refusal};
use crate::cast::Said;
use crate::checks::Check;
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Multis;

impl Check for Multis {
    fn id(&self) -> &'static str {
        "ZS-8"
    }

    fn property(&self) -> &'static str {
        "A multi is done as a whole or not at all."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        if let Said::Server(ServerNote::Delivered { record, .. }) = said
            && let Some((done, parts)) = half(record)
            && let Some(server) = scene.servers.get(&moment.node)
        {
            let (zxid, session) = (record.header.zxid, record.header.session);
            let what = format!("{done} of {parts} parts of a multi that failed");
            found.push(format!("{} carried out {what} ({zxid} of {session})", server.name));
        }
        let Some(reply) = Reply::of(moment, said, scene) else { return };
        let Operation::Multi(parts) = reply.asked else { return };
        let Some(record) = reply.truth.record(reply.zxid) else { return };
        let committed = match &record.txn {
            Txn::Multi(txns) => txns.iter().filter(|txn| is_done(txn)).count(),
            _ => 0,
        };
        let wanted = match reply.outcome {
            Outcome::Refused(_) => 0,
            _ => parts.len(),
        };
        if committed != wanted {
            let words = reply.words();
            found.push(format!("{committed} parts of it are committed, not {wanted} ({words})"));
        }
    }
}

/// How many parts are done of how many, in a multi that failed.
fn half(record: &Record) -> Option<(usize, usize)> {
    let Txn::Multi(parts) = &record.txn else { return None };
    let done = parts.iter().filter(|part| is_done(part)).count();
    (refusal(&record.txn).is_some() && done > 0).then_some((done, parts.len()))
}

fn is_done(part: &Txn) -> bool {
    !matches!(part, Txn::Error { .. })
}
