//! ZS-2: Within a session answers come in the order of the questions, and their zxids never go back, over reconnects as well.
//!
//! A client that moves to another server must not travel back in time: what it saw, and perhaps acted on, would be undone
//! before its eyes. To break it: let a server that lags take a client that has already seen more.

use std::collections::BTreeMap;

use coordinator::id::{SessionId, Zxid};
use sim::world::NodeId;

use super::Reply;
use crate::cast::Said;
use crate::checks::Check;
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Order {
    last: BTreeMap<NodeId, (SessionId, u64, Zxid)>,
}

impl Check for Order {
    fn id(&self) -> &'static str {
        "ZS-2"
    }

    fn property(&self) -> &'static str {
        "A session's answers come in the order of its questions, and never from the past."
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
        let now = (reply.session, reply.op, reply.zxid);
        let Some((session, op, zxid)) = self.last.insert(moment.node, now) else { return };
        if session != reply.session {
            return;
        }
        if reply.op <= op {
            found.push(format!("answered after #{op} ({})", reply.words()));
        }
        if reply.zxid < zxid {
            found.push(format!("this session has already seen {zxid} ({})", reply.words()));
        }
    }
}
