//! A follower: it promises the leader its epoch, takes over the leader's history, and logs and acknowledges what comes.
//!
//! ```text
//! Dialling -> AwaitingEpoch -> PromisingEpoch -> AwaitingHistory -> [Truncating] -> TakingHistory
//!                                                                                        |  NEWLEADER
//!          Serving <---- Acknowledged <---- EnteringEpoch <---- [Logging] <---- [Snapshotting]
//!                 UPTODATE
//! ```
//!
//! Which of the bracketed stages a version goes through, and in which order, is what
//! [`crate::mechanism::Synchronisation`] is about: [`Follower::new_leader`] is its one place.

mod history;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use machine::{Conn, Context, Duration, Input, Instant};

use crate::id::{Epoch, ServerId, SessionId, Zxid};
use crate::log::StorageEvent;
use crate::mechanism::{Mutant, Synchronisation};
use crate::note::ServerNote;
use crate::server::clients::Wish;
use crate::server::replica::Replica;
use crate::txn::Record;
use crate::wire::client::opcode;
use crate::wire::peer::{LearnerInfo, PROTOCOL, PeerPacket, PeerStream};
use crate::zab::LeavesRole;

/// How often a follower tries to reach its leader, a second apart (Learner.connectToLeader).
const ATTEMPTS: u32 = 5;

/// The state of a server that follows.
#[derive(Debug)]
pub struct Follower {
    leader: ServerId,
    address: String,
    conn: Option<Conn>,
    attempts: u32,
    redial_at: Option<Instant>,
    stream: PeerStream,
    stage: Stage,
    epoch: Epoch,
    /// Whether transactions of the synchronisation reach the disk inside a snapshot instead of the log.
    snapshot_needed: bool,
    /// Proposed and not committed here, in order, each with whether it is in the log.
    pending: VecDeque<(Arc<Record>, bool)>,
    /// Commits that came during a DIFF and wait for their transactions to be logged.
    commits: VecDeque<Zxid>,
    /// In the log, and not acknowledged yet.
    unacknowledged: VecDeque<Zxid>,
    /// [`Mutant::FollowerSwapsCommits`]: a commit held back.
    held_commit: Option<Zxid>,
    /// Where the leader has the log cut.
    cut_at: Zxid,
    /// The last transaction of the snapshot that is coming.
    snapshot_at: Zxid,
    /// Syncs asked of the leader, oldest first: session and its number of the request.
    syncs: VecDeque<(SessionId, i32)>,
    deadline: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Dialling,
    AwaitingEpoch,
    PromisingEpoch,
    AwaitingHistory,
    Truncating,
    TakingHistory,
    Logging { upto: Zxid },
    Snapshotting,
    EnteringEpoch,
    Acknowledged,
    Serving,
}

impl Stage {
    /// Whether packets are read: a real learner's thread waits for its disk in the other stages.
    fn reads(self) -> bool {
        use Stage::*;
        matches!(self, AwaitingEpoch | AwaitingHistory | TakingHistory | Acknowledged | Serving)
    }
}

impl Follower {
    /// Begins to follow `leader`.
    pub fn new(leader: ServerId, replica: &Replica, cx: &mut Context<'_, ServerNote>) -> Self {
        let server = &replica.config.servers[&leader];
        let mut follower = Self {
            leader,
            address: format!("{}:{}", server.host, server.quorum_port),
            conn: None,
            attempts: 0,
            redial_at: None,
            stream: PeerStream::new(),
            stage: Stage::Dialling,
            epoch: Epoch(0),
            snapshot_needed: true,
            pending: VecDeque::new(),
            commits: VecDeque::new(),
            unacknowledged: VecDeque::new(),
            held_commit: None,
            cut_at: Zxid::ZERO,
            snapshot_at: Zxid::ZERO,
            syncs: VecDeque::new(),
            deadline: Instant::NEVER,
        };
        follower.dial(replica, cx);
        follower
    }

    /// Whether this is the connection to the leader.
    pub fn owns(&self, conn: Conn) -> bool {
        self.conn == Some(conn)
    }

    /// The leader it follows, and whether it serves.
    pub fn leader(&self) -> (ServerId, bool) {
        (self.leader, self.stage == Stage::Serving)
    }

    /// The epoch it follows in.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether the log is being cut: what it comes to is read back in any case.
    pub fn is_truncating(&self) -> bool {
        self.stage == Stage::Truncating
    }

    /// What is logged or waiting to be, and not committed: a restart would replay it.
    pub fn uncommitted(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.pending.iter().filter(|(_, logged)| *logged).map(|(record, _)| record)
    }

    /// The role ends: the connection is closed.
    pub fn leave(&mut self, cx: &mut Context<'_, ServerNote>) {
        if let Some(conn) = self.conn.take() {
            cx.close(conn);
        }
    }

    /// When it must be woken: its read time-out, or the next attempt to reach the leader.
    pub fn wake_at(&self) -> Option<Instant> {
        Some(self.redial_at.map_or(self.deadline, |at| at.min(self.deadline)))
    }

    /// Inputs of its connection, and time.
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
            Input::Opened { conn, .. } if self.owns(*conn) => {
                self.stage = Stage::AwaitingEpoch;
                self.deadline = cx.now() + patience(replica, replica.config.init_limit);
                let (server, accepted) = (replica.config.id, replica.accepted);
                let who = LearnerInfo { server, accepted, protocol: PROTOCOL };
                self.send(&PeerPacket::FollowerInfo(who), cx);
                Ok(())
            }
            Input::Received { conn, bytes } if self.owns(*conn) => {
                self.stream.push(bytes);
                self.heard(replica, cx);
                self.pump(replica, cx)
            }
            Input::Closed { conn, .. } if self.owns(*conn) => {
                self.conn = None;
                if self.stage == Stage::Dialling && self.attempts < ATTEMPTS {
                    self.redial_at = Some(cx.now() + Duration::from_secs(1));
                    self.deadline = Instant::NEVER;
                    return Ok(());
                }
                Err(LeavesRole("the connection to the leader is gone"))
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
            (StorageEvent::EpochAccepted { epoch }, Stage::PromisingEpoch)
                if epoch == self.epoch =>
            {
                self.acknowledge_epoch(Some(replica.current), replica, cx);
            }
            (StorageEvent::Recovered(recovered), Stage::Truncating) => {
                replica.load(*recovered);
                // What the leader sends next follows its point of truncation: without that there would be a hole.
                if replica.last_zxid() < self.cut_at {
                    return Err(LeavesRole("its log ends before where it was to be cut"));
                }
                self.stage = Stage::TakingHistory;
            }
            (StorageEvent::Synced { upto: synced }, stage) => {
                if matches!(stage, Stage::Logging { upto } if synced >= upto) {
                    self.apply_commits(replica, cx);
                    self.snapshot_or_enter(true, replica, cx);
                }
                self.acknowledge_synced(replica, cx);
            }
            (StorageEvent::SnapshotTaken { .. }, Stage::Snapshotting) => {
                self.snapshot_needed = false;
                match replica.config.mechanisms.synchronisation {
                    Synchronisation::DiffSync => self.new_leader(replica, cx),
                    _ => self.enter_epoch(replica, cx),
                }
            }
            (StorageEvent::EpochCurrent { epoch }, Stage::EnteringEpoch) if epoch == self.epoch => {
                self.acknowledge_leader(replica, cx);
            }
            _ => {}
        }
        self.heard(replica, cx);
        self.pump(replica, cx)
    }

    /// What clients of this server want from the leader.
    pub fn wish(&mut self, wish: Wish, replica: &mut Replica, cx: &mut Context<'_, ServerNote>) {
        match wish {
            Wish::Write(submission) => {
                let packet = PeerPacket::Request {
                    session: submission.session,
                    cxid: submission.cxid,
                    kind: submission.opcode,
                    body: submission.body,
                };
                self.send(&packet, cx);
            }
            Wish::Sync { session, cxid } => {
                self.syncs.push_back((session, cxid));
                let body = Bytes::new();
                let packet = PeerPacket::Request { session, cxid, kind: opcode::SYNC, body };
                self.send(&packet, cx);
            }
            Wish::Revalidate { session, .. }
                if replica.config.mechanisms.has(Mutant::GuessesExpiry) =>
            {
                replica.clients.revalidated(session, false, cx);
            }
            Wish::Revalidate { session, timeout_ms } => {
                self.send(&PeerPacket::Revalidate { session, timeout_ms }, cx);
            }
        }
    }

    fn dial(&mut self, replica: &Replica, cx: &mut Context<'_, ServerNote>) {
        self.attempts += 1;
        self.redial_at = None;
        self.deadline = cx.now() + patience(replica, replica.config.sync_limit);
        self.conn = Some(cx.dial(&self.address));
    }

    fn woke(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        let now = cx.now();
        if self.redial_at.is_some_and(|at| at <= now) {
            self.dial(replica, cx);
        }
        if self.deadline > now {
            return Ok(());
        }
        if self.stage == Stage::Dialling && self.attempts < ATTEMPTS {
            if let Some(conn) = self.conn.take() {
                cx.abort(conn);
            }
            self.dial(replica, cx);
            return Ok(());
        }
        if !self.stage.reads() && self.stage != Stage::Dialling {
            // Its thread is with the disk, not with the socket.
            self.heard(replica, cx);
            return Ok(());
        }
        Err(LeavesRole("nothing heard from the leader"))
    }

    /// Moves the read time-out: initLimit until UPTODATE, syncLimit afterwards.
    fn heard(&mut self, replica: &Replica, cx: &Context<'_, ServerNote>) {
        let limit = match self.stage {
            Stage::Dialling => return,
            Stage::Serving => replica.config.sync_limit,
            _ => replica.config.init_limit,
        };
        self.deadline = cx.now() + patience(replica, limit);
    }

    /// Reads packets as long as the stage lets it.
    fn pump(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        while self.stage.reads() {
            let packet = self.stream.take().map_err(|_| {
                cx.note(ServerNote::Malformed("a packet of the leader"));
                LeavesRole("the leader's packet does not parse")
            })?;
            match packet {
                Some(packet) => self.packet(packet, replica, cx)?,
                None => break,
            }
        }
        Ok(())
    }

    fn packet(
        &mut self,
        packet: PeerPacket,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<(), LeavesRole> {
        match (self.stage, packet) {
            (Stage::AwaitingEpoch, PeerPacket::LeaderInfo { epoch, .. }) => {
                self.promise(epoch, replica, cx)
            }
            (Stage::AwaitingHistory, history) => self.history(history, replica, cx),
            (stage, PeerPacket::Proposal(record)) => {
                self.proposed(record, stage, replica, cx);
                Ok(())
            }
            (stage, PeerPacket::Commit { zxid }) => self.committed(zxid, stage, replica, cx),
            (Stage::TakingHistory, PeerPacket::NewLeader { .. }) => {
                self.new_leader(replica, cx);
                Ok(())
            }
            (Stage::Acknowledged, PeerPacket::UpToDate) => {
                self.up_to_date(replica, cx);
                Ok(())
            }
            // While it is brought up to date, nothing but that is answered (Learner.syncWithLeader).
            (stage, PeerPacket::Ping { .. }) if stage != Stage::Serving => Ok(()),
            (_, PeerPacket::Ping { zxid, .. }) => {
                let touched = Some(replica.clients.take_touched().into_iter().collect());
                self.send(&PeerPacket::Ping { zxid, touched }, cx);
                Ok(())
            }
            (_, PeerPacket::Revalidated { session, valid }) => {
                replica.clients.revalidated(session, valid, cx);
                Ok(())
            }
            (_, PeerPacket::Sync) => {
                if let Some((session, cxid)) = self.syncs.pop_front() {
                    replica.clients.synced(session, cxid, &replica.tree, cx);
                }
                Ok(())
            }
            _ => Err(LeavesRole("the leader sent a packet out of turn")),
        }
    }

    fn send(&self, packet: &PeerPacket, cx: &mut Context<'_, ServerNote>) {
        if let Some(conn) = self.conn {
            cx.send(conn, packet.encode());
        }
    }
}

fn patience(replica: &Replica, ticks: u64) -> Duration {
    replica.config.tick.times(ticks)
}
