//! ZB-10: what a server acknowledges is on its disk.
//!
//! It matters because a commit is nothing but a quorum of acknowledgements: power loss of a whole data centre must not take
//! back what clients were told.
//!
//! The smallest way to break it: acknowledge when the write returns (`forceSync=no`), or have a disk that lies about syncs.

use coordinator::note::ServerNote;

use super::super::Check;
use super::is_durable;
use crate::cast::Said;
use crate::scene::{Moment, Outside, Scene};

/// Needs no memory: the disk is asked when the acknowledgement is said.
pub struct AcknowledgedIsSynced;

impl Check for AcknowledgedIsSynced {
    fn id(&self) -> &'static str {
        "ZB-10"
    }

    fn property(&self) -> &'static str {
        "What a server acknowledges is on its disk, whatever the disk said."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let Said::Server(ServerNote::Acknowledged { zxid }) = said else { return };
        let Some(server) = scene.servers.get(&moment.node) else { return };
        let me = &server.name;
        match server.entry(*zxid) {
            None => found.push(format!("{me} acknowledged {zxid}, which it does not have")),
            Some(entry) if !is_durable(entry, moment.node, outside) => {
                let place = match &entry.place {
                    Some((file, end)) => {
                        let durable = outside.durable_len(moment.node, file).unwrap_or_default();
                        format!("it ends at byte {end} of {file}, of which {durable} are on disk")
                    }
                    None => "it is in no log".to_owned(),
                };
                found.push(format!("{me} acknowledged {zxid} before it was on disk: {place}"));
            }
            Some(_) => {}
        }
    }
}
