//! A server without an ensemble: it proposes to itself, and its own disk is the quorum.

use machine::{Context, Instant};

use crate::id::Zxid;
use crate::note::ServerNote;
use crate::server::clients::Wish;
use crate::server::replica::Replica;
use crate::zab::LeavesRole;
use crate::zab::proposer::Proposer;

/// The state of a standalone server. Its zxids go on where they ended; there are no epochs.
#[derive(Debug)]
pub struct Standalone {
    proposer: Proposer,
    expiry_at: Option<Instant>,
}

impl Standalone {
    /// Begins to serve.
    pub fn new(replica: &mut Replica, cx: &mut Context<'_, ServerNote>) -> Self {
        cx.note(ServerNote::ServesStandalone);
        replica.clients.serve();
        let proposer = Proposer::new(replica.last_zxid(), replica, cx);
        let mut standalone = Self { proposer, expiry_at: None };
        standalone.watch_expiry(replica, cx);
        standalone
    }

    /// When it must be woken.
    pub fn wake_at(&self) -> Option<Instant> {
        self.expiry_at
    }

    /// The last zxid it gave out.
    pub fn last(&self) -> Zxid {
        self.proposer.last()
    }

    /// What its clients want.
    ///
    /// # Errors
    /// The zxids are used up.
    pub fn wish(
        &mut self,
        wish: Wish,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let me = replica.config.id;
        match wish {
            Wish::Write(submission) => {
                for record in self.proposer.submit(submission, me, replica, cx)? {
                    self.proposer.log(&record, replica, cx);
                }
            }
            Wish::Sync { session, cxid } => {
                if self.proposer.sync((me, session, cxid)) {
                    replica.clients.synced(session, cxid, &replica.tree, cx);
                }
            }
            Wish::Revalidate { session, .. } => {
                let alive = self.proposer.revalidate(session, me, replica, cx);
                replica.clients.revalidated(session, alive, cx);
            }
        }
        self.commit(replica, cx);
        Ok(())
    }

    /// Its disk has more than before.
    pub fn commit(&mut self, replica: &mut Replica, cx: &mut Context<'_, ServerNote>) {
        self.proposer.acknowledge_own(replica.config.id, &replica.storage, cx);
        while let Some((_, syncs)) = self.proposer.commit_next(replica, cx) {
            for (_, session, cxid) in syncs {
                replica.clients.synced(session, cxid, &replica.tree, cx);
            }
        }
    }

    /// Sessions of its clients were heard of.
    pub fn touch_own(&mut self, replica: &mut Replica, cx: &mut Context<'_, ServerNote>) {
        for session in replica.clients.take_touched().into_keys() {
            self.proposer.touch(session, replica, cx);
        }
        self.watch_expiry(replica, cx);
    }

    /// Time passed.
    ///
    /// # Errors
    /// The zxids are used up.
    pub fn woke(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        if self.expiry_at.is_some_and(|at| at <= cx.now()) {
            for record in self.proposer.expire(replica, cx)? {
                self.proposer.log(&record, replica, cx);
            }
            self.commit(replica, cx);
            self.watch_expiry(replica, cx);
        }
        Ok(())
    }

    fn watch_expiry(&mut self, replica: &Replica, cx: &Context<'_, ServerNote>) {
        self.expiry_at = self.proposer.next_expiry(replica, cx);
    }
}
