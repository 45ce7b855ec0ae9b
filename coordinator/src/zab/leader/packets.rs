//! What a leader does with the packets of its followers, each at its stage (LearnerHandler.run).

use machine::{Conn, Context};

use super::{Leader, Stage, send, tell_epoch};
use crate::id::Zxid;
use crate::note::ServerNote;
use crate::server::clients::Submission;
use crate::server::replica::Replica;
use crate::wire::client::opcode;
use crate::wire::peer::{LearnerInfo, PeerPacket};
use crate::zab::LeavesRole;
use crate::zab::learner;

impl Leader {
    pub(super) fn received(
        &mut self,
        conn: Conn,
        bytes: &bytes::Bytes,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let Some(learner) = self.learners.get_mut(&conn) else { return Ok(()) };
        learner.stream.push(bytes);
        while let Some(learner) = self.learners.get_mut(&conn) {
            match learner.stream.take() {
                Ok(Some(packet)) => {
                    self.heard(conn, replica, cx);
                    self.packet(conn, packet, replica, cx)?;
                }
                Ok(None) => break,
                Err(_) => {
                    cx.note(ServerNote::Malformed("a packet of a follower"));
                    self.lose(conn, "its packet does not parse", cx);
                }
            }
        }
        Ok(())
    }

    pub(super) fn heard(&mut self, conn: Conn, replica: &Replica, cx: &Context<'_, ServerNote>) {
        let tick = self.tick();
        let Some(learner) = self.learners.get_mut(&conn) else { return };
        learner.heard(cx.now(), &replica.config);
        if learner.stage == learner::Stage::Active {
            learner.counts_until_tick = tick + replica.config.sync_limit;
        }
    }

    pub(super) fn packet(
        &mut self,
        conn: Conn,
        packet: PeerPacket,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let Some(learner) = self.learners.get_mut(&conn) else { return Ok(()) };
        let stage = learner.stage;
        let sid = learner.sid.unwrap_or_default();
        let introduces =
            matches!(packet, PeerPacket::FollowerInfo(_) | PeerPacket::AckEpoch { .. });
        if stage < learner::Stage::Synchronising && !introduces {
            self.lose(conn, "it sent a packet out of turn", cx);
            return Ok(());
        }
        match packet {
            PeerPacket::FollowerInfo(who) if stage == learner::Stage::Greeting => {
                self.greeted(conn, who, replica, cx)
            }
            PeerPacket::AckEpoch { current, last } if stage == learner::Stage::Promising => {
                self.acked_epoch(conn, current, last, replica, cx)
            }
            PeerPacket::Ack { zxid } if stage == learner::Stage::Synchronising => {
                if zxid != Zxid::new(self.epoch, 0) {
                    // An acknowledgement that overtook that of NEWLEADER is not one of it (ZOOKEEPER-4685).
                    return Ok(());
                }
                learner.enter(learner::Stage::Synchronised, cx.now(), &replica.config);
                if self.stage == Stage::Serving {
                    self.tell_up_to_date(replica, cx);
                    return Ok(());
                }
                self.supporters.insert(sid);
                self.synchronised(replica, cx)
            }
            PeerPacket::Ack { zxid } => {
                learner.timed.acknowledged(zxid);
                if let Some(proposer) = &mut self.proposer {
                    proposer.acknowledge(zxid, sid);
                }
                self.commit(replica, cx)
            }
            PeerPacket::Ping { touched, .. } => {
                for (session, _) in touched.unwrap_or_default() {
                    if let Some(proposer) = &mut self.proposer {
                        proposer.touch(session, replica, cx);
                    }
                }
                self.watch_expiry(replica, cx);
                Ok(())
            }
            PeerPacket::Revalidate { session, .. } => {
                let Some(proposer) = &mut self.proposer else { return Ok(()) };
                let valid = proposer.revalidate(session, sid, replica, cx);
                let answer = PeerPacket::Revalidated { session, valid };
                send(&self.learners[&conn], &answer, cx);
                Ok(())
            }
            PeerPacket::Request { session, cxid, kind: opcode::SYNC, .. } => {
                self.sync((sid, session, cxid), replica, cx);
                Ok(())
            }
            PeerPacket::Request { session, cxid, kind: opcode, body } => {
                if let Some(proposer) = &mut self.proposer {
                    proposer.touch(session, replica, cx);
                }
                let submission = Submission { session, cxid, opcode, body };
                self.submit(submission, sid, replica, cx)
            }
            _ => {
                self.lose(conn, "it sent a packet out of turn", cx);
                Ok(())
            }
        }
    }

    pub(super) fn greeted(
        &mut self,
        conn: Conn,
        who: LearnerInfo,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let LearnerInfo { server: sid, accepted, .. } = who;
        // A server that comes again has lost its older connection, whether we noticed or not.
        let older = self.learners.values().find(|one| one.sid == Some(sid)).map(|one| one.conn);
        if let Some(older) = older {
            self.lose(older, "it connected again", cx);
        }
        let Some(learner) = self.learners.get_mut(&conn) else { return Ok(()) };
        learner.sid = Some(sid);
        learner.enter(learner::Stage::AwaitingEpoch, cx.now(), &replica.config);
        self.newest = self.newest.max(accepted);
        if self.stage >= Stage::AwaitingPromises {
            tell_epoch(learner, self.epoch, replica, cx);
            return Ok(());
        }
        if self.stage == Stage::Gathering {
            self.supporters.insert(sid);
        }
        self.gathered(replica, cx)
    }
}
