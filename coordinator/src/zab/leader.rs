//! A leader: it gathers a quorum, gives its epoch, brings followers to its history, then broadcasts.
//!
//! ```text
//! Gathering -> PromisingOwn -> AwaitingPromises -> EnteringEpoch -> Synchronising -> Serving
//!    quorum of FOLLOWERINFO      quorum of ACKEPOCH        quorum of ACK(NEWLEADER)
//! ```

mod broadcast;
mod packets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use machine::{Conn, Context, Input, Instant};

use crate::id::{Epoch, ServerId, Zxid};
use crate::log::StorageEvent;
use crate::mechanism::Mutant;
use crate::note::ServerNote;
use crate::server::clients::Wish;
use crate::server::replica::Replica;
use crate::tree::snapshot;
use crate::txn::Record;
use crate::wire::peer::{PROTOCOL, PeerPacket};
use crate::zab::LeavesRole;
use crate::zab::learner::{self, Learner};
use crate::zab::proposer::Proposer;
use crate::zab::synchronise::{self, How};

/// The state of a server that leads or is about to.
#[derive(Debug)]
pub struct Leader {
    epoch: Epoch,
    stage: Stage,
    learners: BTreeMap<Conn, Learner>,
    /// Who counts for the present stage's quorum.
    supporters: BTreeSet<ServerId>,
    /// The largest epoch that anybody who came had promised, whether it is still here or not.
    newest: Epoch,
    proposer: Option<Proposer>,
    stage_deadline: Instant,
    next_beat: Instant,
    beats: u64,
    expiry_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Gathering,
    PromisingOwn,
    AwaitingPromises,
    EnteringEpoch,
    Synchronising,
    Serving,
}

impl Leader {
    /// Begins to lead: opens the quorum port and waits for a quorum.
    ///
    /// # Errors
    /// The quorum port cannot be opened.
    pub fn new(
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<Self, LeavesRole> {
        let server = &replica.config.servers[&replica.config.id];
        let address = format!("{}:{}", server.host, server.quorum_port);
        cx.listen("quorum", &address).map_err(|_| LeavesRole("cannot open the quorum port"))?;
        let mut leader = Self {
            epoch: Epoch(0),
            stage: Stage::Gathering,
            learners: BTreeMap::new(),
            supporters: BTreeSet::from([replica.config.id]),
            newest: replica.accepted,
            proposer: None,
            stage_deadline: Instant::NEVER,
            next_beat: Instant::NEVER,
            beats: 0,
            expiry_at: None,
        };
        leader.enter(Stage::Gathering, replica, cx);
        leader.gathered(replica, cx)?;
        Ok(leader)
    }

    /// Whether this is the connection of a follower.
    pub fn owns(&self, conn: Conn) -> bool {
        self.learners.contains_key(&conn)
    }

    /// Its epoch, and whether it serves.
    pub fn epoch(&self) -> (Epoch, bool) {
        (self.epoch, self.stage == Stage::Serving)
    }

    /// What is proposed and not committed: a restart would replay it.
    pub fn uncommitted(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.proposer.iter().flat_map(|proposer| proposer.proposals().outstanding())
    }

    /// The followers it brought up to date and still counts on.
    pub fn followers(&self) -> impl Iterator<Item = ServerId> + '_ {
        let active = self.learners.values().filter(|one| one.stage == learner::Stage::Active);
        active.filter_map(|learner| learner.sid)
    }

    /// The role ends: the port and all connections are closed.
    pub fn leave(&mut self, cx: &mut Context<'_, ServerNote>) {
        cx.unlisten("quorum");
        for conn in std::mem::take(&mut self.learners).into_keys() {
            cx.close(conn);
        }
    }

    /// When it must be woken.
    pub fn wake_at(&self) -> Option<Instant> {
        let deadlines = self.learners.values().map(|learner| learner.deadline);
        let own = [self.stage_deadline, self.next_beat, self.expiry_at.unwrap_or(Instant::NEVER)];
        deadlines.chain(own).min()
    }

    /// Inputs of its followers, and time.
    ///
    /// # Errors
    /// Why the role ends.
    pub fn handle(
        &mut self,
        input: &Input,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        match input {
            Input::Opened { conn, .. } => {
                let deadline = cx.now() + replica.config.tick.times(replica.config.init_limit);
                let counts_until =
                    self.tick() + replica.config.init_limit + replica.config.sync_limit;
                self.learners.insert(*conn, Learner::new(*conn, deadline, counts_until));
                Ok(())
            }
            Input::Received { conn, bytes } => self.received(*conn, bytes, replica, cx),
            Input::Closed { conn, .. } => {
                self.gone(*conn, "its connection is gone", cx);
                Ok(())
            }
            Input::Woke => self.woke(replica, cx),
            _ => Ok(()),
        }
    }

    /// The disk answered.
    ///
    /// # Errors
    /// Why the role ends.
    pub fn stored(
        &mut self,
        event: StorageEvent,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        match (event, self.stage) {
            (StorageEvent::EpochAccepted { epoch }, Stage::PromisingOwn) if epoch == self.epoch => {
                self.enter(Stage::AwaitingPromises, replica, cx);
                for learner in self.learners.values_mut() {
                    if learner.stage == learner::Stage::AwaitingEpoch {
                        tell_epoch(learner, epoch, replica, cx);
                    }
                }
                self.promised(replica, cx)
            }
            (StorageEvent::EpochCurrent { epoch }, Stage::EnteringEpoch) if epoch == self.epoch => {
                cx.note(ServerNote::Leads { epoch, last: replica.last_zxid() });
                self.enter(Stage::Synchronising, replica, cx);
                self.synchronise_promised(replica, cx);
                self.synchronised(replica, cx)
            }
            (StorageEvent::Synced { .. }, _) => self.commit(replica, cx),
            _ => Ok(()),
        }
    }

    /// What clients of this server want.
    ///
    /// # Errors
    /// Why the role ends.
    pub fn wish(
        &mut self,
        wish: Wish,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let me = replica.config.id;
        match wish {
            Wish::Write(submission) => self.submit(submission, me, replica, cx),
            Wish::Sync { session, cxid } => {
                self.sync((me, session, cxid), replica, cx);
                Ok(())
            }
            Wish::Revalidate { session, .. } => {
                let Some(proposer) = &mut self.proposer else { return Ok(()) };
                let alive = proposer.revalidate(session, me, replica, cx);
                replica.clients.revalidated(session, alive, cx);
                Ok(())
            }
        }
    }

    /// Sessions of this server's own clients were heard of.
    pub fn touch_own(&mut self, replica: &mut Replica, cx: &mut Context<'_, ServerNote>) {
        for session in replica.clients.take_touched().into_keys() {
            if let Some(proposer) = &mut self.proposer {
                proposer.touch(session, replica, cx);
            }
        }
        self.watch_expiry(replica, cx);
    }

    // -- discovery

    fn enter(&mut self, stage: Stage, replica: &Replica, cx: &Context<'_, ServerNote>) {
        self.stage = stage;
        self.stage_deadline = match stage {
            Stage::Serving => Instant::NEVER,
            _ => cx.now() + replica.config.tick.times(replica.config.init_limit),
        };
        self.supporters = BTreeSet::from([replica.config.id]);
    }

    /// A quorum is here: the new epoch is one above all that were promised (Leader.getEpochToPropose).
    fn gathered(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        if self.stage != Stage::Gathering
            || !replica.voters.is_quorum(self.supporters.iter().copied())
        {
            return Ok(());
        }
        let next = self.newest.0.checked_add(1).ok_or(LeavesRole("no epoch is left"))?;
        self.epoch = Epoch(next);
        self.enter(Stage::PromisingOwn, replica, cx);
        replica.storage.accept_epoch(self.epoch, cx, &mut replica.stored);
        Ok(())
    }

    fn promised(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        if self.stage == Stage::AwaitingPromises
            && replica.voters.is_quorum(self.supporters.iter().copied())
        {
            self.enter(Stage::EnteringEpoch, replica, cx);
            replica.storage.enter_epoch(self.epoch, cx, &mut replica.stored);
        }
        Ok(())
    }

    fn acked_epoch(
        &mut self,
        conn: Conn,
        current: Option<Epoch>,
        last: Zxid,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let Some(learner) = self.learners.get_mut(&conn) else { return Ok(()) };
        learner.last = last;
        learner.enter(learner::Stage::Promised, cx.now(), &replica.config);
        let sid = learner.sid;
        if self.stage == Stage::AwaitingPromises {
            if let (Some(current), Some(sid)) = (current, sid) {
                let ahead = (current, last) > (replica.current, replica.last_zxid());
                if ahead && !replica.config.mechanisms.has(Mutant::VotesIgnoreHistory) {
                    // Only this follower is sent away (Leader.waitForEpochAck): without it there may still be a quorum.
                    self.lose(conn, "it is ahead of the leader", cx);
                    return Ok(());
                }
                self.supporters.insert(sid);
            }
            return self.promised(replica, cx);
        }
        if self.stage >= Stage::Synchronising {
            self.synchronise_promised(replica, cx);
        }
        Ok(())
    }

    // -- synchronisation

    fn synchronise_promised(&mut self, replica: &Replica, cx: &mut Context<'_, ServerNote>) {
        let outstanding: Vec<_> = self.uncommitted().cloned().collect();
        for learner in self.learners.values_mut() {
            if learner.stage == learner::Stage::Promised {
                bring_up_to_date(learner, self.epoch, &outstanding, replica, cx);
            }
        }
    }

    fn synchronised(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        if self.stage != Stage::Synchronising
            || !replica.voters.is_quorum(self.supporters.iter().copied())
        {
            return Ok(());
        }
        cx.note(ServerNote::Established { epoch: self.epoch, last: replica.last_zxid() });
        self.enter(Stage::Serving, replica, cx);
        let first = Zxid::new(self.epoch, 0);
        replica.tree.advance_to(first);
        self.proposer = Some(Proposer::new(first, replica, cx));
        self.next_beat = cx.now() + replica.config.tick.divided_by(2);
        replica.clients.serve();
        self.tell_up_to_date(replica, cx);
        self.watch_expiry(replica, cx);
        Ok(())
    }

    fn tell_up_to_date(&mut self, replica: &Replica, cx: &mut Context<'_, ServerNote>) {
        for learner in self.learners.values_mut() {
            if learner.stage == learner::Stage::Synchronised {
                learner.enter(learner::Stage::Active, cx.now(), &replica.config);
                send(learner, &PeerPacket::UpToDate, cx);
            }
        }
    }
}

fn tell_epoch(
    learner: &mut Learner,
    epoch: Epoch,
    replica: &Replica,
    cx: &mut Context<'_, ServerNote>,
) {
    learner.enter(learner::Stage::Promising, cx.now(), &replica.config);
    send(learner, &PeerPacket::LeaderInfo { epoch, protocol: PROTOCOL }, cx);
}

/// Sends what the follower lacks, then everything that is proposed and not committed, then NEWLEADER. From here on it is sent
/// every proposal and commit, so that nothing is missed and the order is zxid order.
fn bring_up_to_date(
    learner: &mut Learner,
    epoch: Epoch,
    outstanding: &[Arc<Record>],
    replica: &Replica,
    cx: &mut Context<'_, ServerNote>,
) {
    let ours = replica.last_zxid();
    let decision = synchronise::decide(learner.last, ours, &replica.committed);
    let (how, packet) = match decision.how {
        How::Diff => ("DIFF", PeerPacket::Diff { zxid: ours }),
        How::Trunc(zxid) => ("TRUNC", PeerPacket::Trunc { zxid }),
        How::Snap => ("SNAP", PeerPacket::Snap { zxid: ours }),
    };
    if let Some(follower) = learner.sid {
        cx.note(ServerNote::Synchronises { follower, how, from: learner.last, to: ours });
    }
    send(learner, &packet, cx);
    if decision.how == How::Snap {
        send(learner, &PeerPacket::Snapshot(snapshot::encode(&replica.tree)), cx);
    }
    for record in replica.committed.iter().skip(decision.send_from) {
        send(learner, &PeerPacket::Proposal(record.clone()), cx);
        send(learner, &PeerPacket::Commit { zxid: record.header.zxid }, cx);
    }
    for record in outstanding {
        send(learner, &PeerPacket::Proposal(record.clone()), cx);
    }
    send(learner, &PeerPacket::NewLeader { zxid: Zxid::new(epoch, 0) }, cx);
    learner.enter(learner::Stage::Synchronising, cx.now(), &replica.config);
}

fn send(learner: &Learner, packet: &PeerPacket, cx: &mut Context<'_, ServerNote>) {
    cx.send(learner.conn, packet.encode());
}
