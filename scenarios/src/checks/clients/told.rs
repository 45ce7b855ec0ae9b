//! ZS-9: Nobody is told that a session expired before somebody who may has begun to close it.
//!
//! "Expired" is final: the client lets go of its locks and starts anew. If the session lives on, its ephemerals stand in
//! the client's own way. To break it: let a server guess, or give a client the addresses of servers that never heard of
//! each other.
//!
//! The closeSession need not be committed yet: a real leader, too, says "expired" from the moment it has proposed it.

use std::collections::BTreeSet;

use coordinator::code;
use coordinator::id::SessionId;
use coordinator::note::{ClientNote, Outcome, ServerNote};

use super::Reply;
use crate::cast::Said;
use crate::checks::Check;
use crate::scene::{Moment, Outside, Scene};

/// The check.
#[derive(Debug, Default)]
pub struct Told {
    said: BTreeSet<SessionId>,
}

impl Check for Told {
    fn id(&self) -> &'static str {
        "ZS-9"
    }

    fn property(&self) -> &'static str {
        "Only a session that was closed is called expired."
    }

    fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        _outside: &dyn Outside,
        found: &mut Vec<String>,
    ) {
        let (server, session) = match said {
            Said::Server(ServerNote::ToldExpired { session }) => (Some(moment.node), *session),
            Said::Client(ClientNote::Expired { session }) => {
                (scene.clients.get(&moment.node).and_then(|client| client.tried), *session)
            }
            Said::Client(ClientNote::Completed {
                outcome: Outcome::Refused(code::SESSION_EXPIRED),
                ..
            }) => {
                let Some(reply) = Reply::of(moment, said, scene) else { return };
                (reply.client.at, reply.session)
            }
            _ => return,
        };
        let Some(server) = server.and_then(|node| scene.servers.get(&node)) else { return };
        if !scene.truth(server).closing.contains(&session) && self.said.insert(session) {
            let name = &server.name;
            let elsewhere = scene.ensembles.iter().any(|one| one.sessions.contains_key(&session));
            let known = scene.truth(server).sessions.contains_key(&session);
            let why = match (known, elsewhere) {
                (true, _) => "nobody has closed it",
                (false, true) => "it lives in another ensemble, of which this server knows nothing",
                (false, false) => "there was no such session",
            };
            found.push(format!("{name} says that session {session} expired: {why}"));
        }
    }
}
