//! ZS-7: The suffixes of sequential znodes under one parent strictly increase in the order of their zxids.
//!
//! Queues and fair locks are built on it: whoever comes later must stand behind. To break it: count the children instead
//! of the creations, and delete one.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use coordinator::id::Zxid;
use coordinator::note::{Operation, Outcome};

use super::{Reply, parent};
use crate::cast::Said;
use crate::checks::Check;
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Sequences {
    /// Suffixes by zxid, for each parent in each ensemble.
    given: BTreeMap<(usize, Arc<str>), BTreeMap<Zxid, i64>>,
}

impl Check for Sequences {
    fn id(&self) -> &'static str {
        "ZS-7"
    }

    fn property(&self) -> &'static str {
        "The suffixes of sequential znodes only grow."
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
        let (
            Operation::Create { path: asked, sequential: true, .. },
            Outcome::Done { path: Some(made), .. },
        ) = (reply.asked, reply.outcome)
        else {
            return;
        };
        let suffix = made.strip_prefix(&**asked).and_then(|suffix| suffix.parse::<i64>().ok());
        let Some(suffix) = suffix else {
            found.push(format!("no number behind the name ({})", reply.words()));
            return;
        };
        // Answers come in any order; each is held against its neighbours in the order of zxids.
        let given = self.given.entry((reply.ensemble, parent(made).into())).or_default();
        let earlier = given.range(..reply.zxid).next_back();
        let later = given.range((Bound::Excluded(reply.zxid), Bound::Unbounded)).next();
        if let Some((zxid, number)) = earlier.filter(|(_, number)| **number >= suffix) {
            found.push(format!("{number} was given at {zxid} ({})", reply.words()));
        }
        if let Some((zxid, number)) = later.filter(|(_, number)| **number <= suffix) {
            found.push(format!("{number} was given at {zxid}, later ({})", reply.words()));
        }
        given.insert(reply.zxid, suffix);
    }
}
