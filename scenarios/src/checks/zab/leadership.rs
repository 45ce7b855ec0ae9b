//! ZB-3 and ZB-4: an epoch has one leader. ZB-3 looks at one moment, ZB-4 at all time.
//!
//! They matter because the epoch is the first half of a zxid: two leaders of one epoch give one number to two transactions.
//!
//! The smallest way to break ZB-3: let half of the voters be a quorum, and split four servers in the middle. To break ZB-4
//! without ZB-3, let the halves live one after the other.

use std::collections::BTreeMap;

use coordinator::id::Epoch;
use coordinator::note::ServerNote;
use sim::world::NodeId;

use super::super::Check;
use super::name;
use crate::cast::Said;
use crate::scene::{Moment, Outside, Scene, State};

/// ZB-3.
pub struct OneAtATime;

impl Check for OneAtATime {
    fn id(&self) -> &'static str {
        "ZB-3"
    }

    fn property(&self) -> &'static str {
        "No two servers lead in the same epoch at the same time."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let Said::Server(ServerNote::Leads { epoch, .. } | ServerNote::Established { epoch, .. }) =
            said
        else {
            return;
        };
        let Some(server) = scene.servers.get(&moment.node) else { return };
        for (node, other) in scene.members(server.ensemble) {
            if let State::Leading { epoch: theirs, .. } = other.state
                && theirs == *epoch
                && node != moment.node
            {
                let (me, other) = (&server.name, &other.name);
                found.push(format!("{me} leads epoch {epoch}, and so does {other}"));
            }
        }
    }
}

/// ZB-4: who was established for each epoch of each ensemble.
#[derive(Default)]
pub struct OneReign {
    reigns: BTreeMap<(usize, Epoch), NodeId>,
}

impl Check for OneReign {
    fn id(&self) -> &'static str {
        "ZB-4"
    }

    fn property(&self) -> &'static str {
        "An epoch has one leader and one reign, ever."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let Said::Server(ServerNote::Established { epoch, .. }) = said else { return };
        let Some(server) = scene.servers.get(&moment.node) else { return };
        let me = &server.name;
        match self.reigns.insert((server.ensemble, *epoch), moment.node) {
            Some(first) if first == moment.node => {
                found.push(format!("{me} leads epoch {epoch} a second time"));
            }
            Some(first) => {
                let first = name(scene, first);
                found.push(format!("{me} leads epoch {epoch}, as {first} did before"));
            }
            None => {}
        }
    }
}
