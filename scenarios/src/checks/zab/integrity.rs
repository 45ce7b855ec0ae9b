//! ZB-9: what is delivered was proposed, with exactly this content.
//!
//! It matters because nobody else asked for it: a delivered transaction without a proposal is an invention.
//!
//! The smallest way to break it: flip one bit of a proposal on its way; packets between servers carry no checksum.

use std::collections::BTreeSet;

use coordinator::id::Zxid;
use coordinator::note::ServerNote;

use super::super::Check;
use crate::cast::Said;
use crate::scene::{Moment, Outside, Scene};

/// Everything that was ever proposed: ensemble, zxid, digest.
#[derive(Default)]
pub struct Integrity {
    proposed: BTreeSet<(usize, Zxid, u64)>,
}

impl Check for Integrity {
    fn id(&self) -> &'static str {
        "ZB-9"
    }

    fn property(&self) -> &'static str {
        "What is delivered was proposed by a leader, with this content."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let Said::Server(note) = said else { return };
        let Some(server) = scene.servers.get(&moment.node) else { return };
        match note {
            ServerNote::Proposed(record) => {
                self.proposed.insert((server.ensemble, record.header.zxid, record.digest));
            }
            ServerNote::Delivered { record, .. } => {
                let key = (server.ensemble, record.header.zxid, record.digest);
                if !self.proposed.contains(&key) {
                    let (me, zxid) = (&server.name, record.header.zxid);
                    found.push(format!("{me} delivered {zxid} with a content nobody proposed"));
                }
            }
            _ => {}
        }
    }
}
