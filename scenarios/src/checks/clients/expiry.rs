//! ZS-5: A session expires no earlier than its time-out after the leader last heard of it, or after that leader was
//! established; and only an established leader, or a standalone server, lets sessions expire.
//!
//! A session that ends early takes locks from clients that are well, all at once if it is the clock that is wrong
//! (ZOOKEEPER-1366). To break it: set the wall clock of a 3.4.6 leader forward.
//!
//! Measured on the world's clock. One per cent is given to clocks that run too fast.

use std::collections::BTreeMap;

use coordinator::id::SessionId;
use coordinator::note::ServerNote;
use machine::Instant;
use sim::world::NodeId;

use crate::cast::Said;
use crate::checks::Check;
use crate::scene::{Moment, Outside, Scene, Server, State};

/// The check.
#[derive(Debug, Default)]
pub struct Expiry {
    reigns: BTreeMap<NodeId, Reign>,
}

/// A server's time as the one who counts sessions.
#[derive(Debug)]
struct Reign {
    since: Instant,
    heard: BTreeMap<SessionId, Instant>,
}

impl Check for Expiry {
    fn id(&self) -> &'static str {
        "ZS-5"
    }

    fn property(&self) -> &'static str {
        "No session expires before its time-out."
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
        match note {
            ServerNote::Established { .. } | ServerNote::ServesStandalone => {
                let reign = Reign { since: moment.at, heard: BTreeMap::new() };
                self.reigns.insert(moment.node, reign);
            }
            ServerNote::SessionOpened { session, .. } | ServerNote::SessionTouched { session } => {
                if let Some(reign) = self.reigns.get_mut(&moment.node) {
                    reign.heard.insert(*session, moment.at);
                }
            }
            ServerNote::SessionExpired { session, timeout_ms, .. } => {
                if let Some(server) = scene.servers.get(&moment.node) {
                    let negotiated = scene.truth(server).timeouts.get(session);
                    let timeout_ms = negotiated.unwrap_or(timeout_ms);
                    self.expired(moment, server, *session, *timeout_ms, found);
                }
            }
            _ => {}
        }
    }
}

impl Expiry {
    fn expired(
        &mut self,
        moment: &Moment,
        server: &Server,
        session: SessionId,
        timeout_ms: u64,
        found: &mut Vec<String>,
    ) {
        let counts =
            matches!(server.state, State::Leading { established: true, .. } | State::Standalone);
        let name = &server.name;
        let Some(reign) = self.reigns.get_mut(&moment.node).filter(|_| counts) else {
            found.push(format!("{name} lets session {session} expire, and does not lead"));
            return;
        };
        let heard = reign.heard.remove(&session);
        let idle = moment.at.since(heard.unwrap_or(reign.since));
        if idle.as_micros() < timeout_ms * 990 {
            let since = if heard.is_some() { "was heard of" } else { "this leader began" };
            let limit = format!("its time-out is {timeout_ms} ms");
            found.push(format!(
                "{name} lets session {session} expire {idle} after it {since}: {limit}"
            ));
        }
    }
}
