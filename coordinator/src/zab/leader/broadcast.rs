//! A leader at work: proposals go out, commits follow, and every half tick it looks who is still with it.

use std::sync::Arc;

use machine::{Conn, Context};

use super::{Leader, send};
use crate::id::{ServerId, Zxid};
use crate::mechanism::Mutant;
use crate::note::ServerNote;
use crate::server::clients::Submission;
use crate::server::replica::Replica;
use crate::txn::Record;
use crate::wire::peer::PeerPacket;
use crate::zab::LeavesRole;
use crate::zab::learner;
use crate::zab::proposer::{Proposer, Syncing};

impl Leader {
    pub(super) fn submit(
        &mut self,
        submission: Submission,
        owner: ServerId,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let Some(proposer) = &mut self.proposer else { return Ok(()) };
        let records = proposer.submit(submission, owner, replica, cx)?;
        self.broadcast(records, replica, cx);
        self.commit(replica, cx)
    }

    /// Followers are told first, then the own log: their disks and ours work at the same time.
    pub(super) fn broadcast(
        &mut self,
        records: Vec<Arc<Record>>,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) {
        let now = cx.now();
        for record in records {
            let packet = PeerPacket::Proposal(record.clone()).encode();
            for learner in self.learners.values_mut().filter(|one| one.is_forwarding()) {
                cx.send(learner.conn, packet.clone());
                if learner.stage >= learner::Stage::Synchronised {
                    learner.timed.sent(record.header.zxid, now);
                }
            }
            if let Some(proposer) = &self.proposer {
                proposer.log(&record, replica, cx);
            }
        }
    }

    pub(super) fn commit(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let Some(proposer) = &mut self.proposer else { return Ok(()) };
        proposer.acknowledge_own(replica.config.id, &replica.storage, cx);
        if replica.config.mechanisms.has(Mutant::AnswersBeforeCommit) {
            proposer.answer_early(replica, cx);
        }
        while let Some(proposer) = &mut self.proposer
            && let Some((record, syncs)) = proposer.commit_next(replica, cx)
        {
            let packet = PeerPacket::Commit { zxid: record.header.zxid }.encode();
            for learner in self.learners.values().filter(|one| one.is_forwarding()) {
                cx.send(learner.conn, packet.clone());
            }
            for who in syncs {
                self.synced(who, replica, cx);
            }
        }
        Ok(())
    }

    pub(super) fn sync(
        &mut self,
        who: Syncing,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) {
        if self.proposer.as_mut().is_some_and(|proposer| proposer.sync(who)) {
            self.synced(who, replica, cx);
        }
    }

    pub(super) fn synced(
        &self,
        who: Syncing,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) {
        let (through, session, cxid) = who;
        if through == replica.config.id {
            replica.clients.synced(session, cxid, &replica.tree, cx);
        } else if let Some(learner) =
            self.learners.values().find(|learner| learner.sid == Some(through))
        {
            send(learner, &PeerPacket::Sync, cx);
        }
    }

    // -- time

    pub(super) fn tick(&self) -> u64 {
        self.beats / 2
    }

    pub(super) fn watch_expiry(&mut self, replica: &Replica, cx: &Context<'_, ServerNote>) {
        self.expiry_at =
            self.proposer.as_ref().and_then(|proposer| proposer.next_expiry(replica, cx));
    }

    pub(super) fn woke(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let now = cx.now();
        if self.stage_deadline <= now {
            return Err(LeavesRole("no quorum of followers came in time"));
        }
        let silent = self.learners.values().filter(|learner| learner.deadline <= now);
        for conn in silent.map(|learner| learner.conn).collect::<Vec<_>>() {
            self.lose(conn, "nothing heard from it", cx);
        }
        if self.next_beat <= now {
            self.beat(replica, cx)?;
        }
        if self.expiry_at.is_some_and(|at| at <= now) {
            self.expire(replica, cx)?;
        }
        Ok(())
    }

    /// Twice a tick followers are pinged; once a tick the leader makes sure that a quorum is still behind it.
    pub(super) fn beat(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        self.next_beat = cx.now() + replica.config.tick.divided_by(2);
        self.beats += 1;
        self.lose_slow(replica, cx);
        let zxid = self.proposer.as_ref().map_or(Zxid::ZERO, Proposer::last);
        let packet = PeerPacket::Ping { zxid, touched: None }.encode();
        for learner in self.learners.values().filter(|one| one.is_forwarding()) {
            cx.send(learner.conn, packet.clone());
        }
        if self.beats.is_multiple_of(2) {
            let tick = self.tick();
            // As LearnerHandler.synced has it, one that is being brought up to date counts as well.
            let behind_us =
                self.learners.values().filter(|learner| learner.counts_until_tick >= tick);
            let supporters = behind_us.filter_map(|learner| learner.sid);
            if !replica.voters.is_quorum(supporters.chain([replica.config.id])) {
                return Err(LeavesRole("a quorum is no longer behind it"));
            }
        }
        Ok(())
    }

    /// A follower that leaves a proposal unacknowledged for syncLimit ticks is dropped, pings or not.
    pub(super) fn lose_slow(&mut self, replica: &Replica, cx: &mut Context<'_, ServerNote>) {
        let patience = replica.config.tick.times(replica.config.sync_limit);
        let slow = self.learners.values().filter(|learner| {
            let active = learner.stage == learner::Stage::Active;
            active && learner.timed.since().is_some_and(|since| since + patience <= cx.now())
        });
        for conn in slow.map(|learner| learner.conn).collect::<Vec<_>>() {
            self.lose(conn, "it did not acknowledge in time", cx);
        }
    }

    pub(super) fn expire(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        if let Some(proposer) = &mut self.proposer {
            let records = proposer.expire(replica, cx)?;
            self.broadcast(records, replica, cx);
            self.commit(replica, cx)?;
        }
        self.watch_expiry(replica, cx);
        Ok(())
    }

    pub(super) fn lose(&mut self, conn: Conn, why: &'static str, cx: &mut Context<'_, ServerNote>) {
        if self.owns(conn) {
            self.gone(conn, why, cx);
            cx.close(conn);
        }
    }

    pub(super) fn gone(&mut self, conn: Conn, why: &'static str, cx: &mut Context<'_, ServerNote>) {
        if let Some(follower) = self.learners.remove(&conn).and_then(|learner| learner.sid) {
            cx.note(ServerNote::LostFollower { follower, why });
            if let Some(proposer) = &mut self.proposer {
                proposer.forget_syncs_of(follower);
            }
        }
    }
}
