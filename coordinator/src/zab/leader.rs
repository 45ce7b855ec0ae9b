//! A leader: it gathers a quorum, gives its epoch, brings followers to its history, then broadcasts.
//!
//! ```text
//! Gathering -> PromisingOwn -> AwaitingPromises -> EnteringEpoch -> Synchronising -> Serving
//!    quorum of FOLLOWERINFO      quorum of ACKEPOCH        quorum of ACK(NEWLEADER)
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use machine::{Conn, Context, Input, Instant};

use crate::id::{Epoch, ServerId, Zxid};
use crate::log::StorageEvent;
use crate::mechanism::Mutant;
use crate::note::ServerNote;
use crate::server::clients::{Submission, Wish};
use crate::server::replica::Replica;
use crate::tree::snapshot;
use crate::txn::Record;
use crate::wire::client::opcode;
use crate::wire::peer::{LearnerInfo, PROTOCOL, PeerPacket};
use crate::zab::LeavesRole;
use crate::zab::learner::{self, Learner};
use crate::zab::proposer::{Proposer, Syncing};
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

    // -- packets

    fn received(
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

    fn heard(&mut self, conn: Conn, replica: &Replica, cx: &Context<'_, ServerNote>) {
        let tick = self.tick();
        let Some(learner) = self.learners.get_mut(&conn) else { return };
        learner.heard(cx.now(), &replica.config);
        if learner.stage == learner::Stage::Active {
            learner.counts_until_tick = tick + replica.config.sync_limit;
        }
    }

    fn packet(
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

    fn greeted(
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

    // -- broadcast

    fn submit(
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
    fn broadcast(
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

    fn commit(
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

    fn sync(&mut self, who: Syncing, replica: &mut Replica, cx: &mut Context<'_, ServerNote>) {
        if self.proposer.as_mut().is_some_and(|proposer| proposer.sync(who)) {
            self.synced(who, replica, cx);
        }
    }

    fn synced(&self, who: Syncing, replica: &mut Replica, cx: &mut Context<'_, ServerNote>) {
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

    fn tick(&self) -> u64 {
        self.beats / 2
    }

    fn watch_expiry(&mut self, replica: &Replica, cx: &Context<'_, ServerNote>) {
        self.expiry_at =
            self.proposer.as_ref().and_then(|proposer| proposer.next_expiry(replica, cx));
    }

    fn woke(
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
    fn beat(
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
    fn lose_slow(&mut self, replica: &Replica, cx: &mut Context<'_, ServerNote>) {
        let patience = replica.config.tick.times(replica.config.sync_limit);
        let slow = self.learners.values().filter(|learner| {
            let active = learner.stage == learner::Stage::Active;
            active && learner.timed.since().is_some_and(|since| since + patience <= cx.now())
        });
        for conn in slow.map(|learner| learner.conn).collect::<Vec<_>>() {
            self.lose(conn, "it did not acknowledge in time", cx);
        }
    }

    fn expire(
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

    fn lose(&mut self, conn: Conn, why: &'static str, cx: &mut Context<'_, ServerNote>) {
        if self.owns(conn) {
            self.gone(conn, why, cx);
            cx.close(conn);
        }
    }

    fn gone(&mut self, conn: Conn, why: &'static str, cx: &mut Context<'_, ServerNote>) {
        if let Some(follower) = self.learners.remove(&conn).and_then(|learner| learner.sid) {
            cx.note(ServerNote::LostFollower { follower, why });
            if let Some(proposer) = &mut self.proposer {
                proposer.forget_syncs_of(follower);
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
