//! From requests to transactions: sessions are checked, changes prepared, zxids given out, commits counted.
//!
//! This is the pipeline a leader and a standalone server have in common; who else must hear of a proposal is theirs.

use std::collections::BTreeMap;
use std::sync::Arc;

use machine::{Context, Duration, Instant};

use crate::id::{ServerId, SessionId, Zxid};
use crate::log::Storage;
use crate::mechanism::{Mutant, SessionClock};
use crate::note::ServerNote;
use crate::prep::{Ask, Prep};
use crate::server::clients::Submission;
use crate::server::replica::Replica;
use crate::server::requests;
use crate::server::sessions::Sessions;
use crate::txn::{Record, Txn, TxnHeader};
use crate::wire::client::{code, opcode};
use crate::zab::LeavesRole;
use crate::zab::proposals::Proposals;

/// Who waits for a sync: the server it came through, the session and its number of the request.
pub type Syncing = (ServerId, SessionId, i32);

/// The pipeline of a server that may propose.
#[derive(Debug)]
pub struct Proposer {
    prep: Prep,
    sessions: Sessions,
    proposals: Proposals,
    last: Zxid,
    syncs: BTreeMap<Zxid, Vec<Syncing>>,
    /// [`Mutant::ProposesOutOfOrder`]: a transaction held back until the next one is out.
    held: Option<Arc<Record>>,
}

impl Proposer {
    /// Takes over the sessions of the tree, each with its full time-out from now, and proposes after `last`.
    pub fn new(last: Zxid, replica: &Replica, cx: &Context<'_, ServerNote>) -> Self {
        let mut sessions = Sessions::new(replica.config.tick.as_millis());
        let now_ms = replica.session_clock_ms(cx);
        for (session, timeout_ms) in replica.tree.sessions() {
            sessions.add(*session, counted_timeout(*timeout_ms, replica), now_ms);
        }
        Self {
            prep: Prep::new(),
            sessions,
            proposals: Proposals::new(replica.voters.clone(), last),
            last,
            syncs: BTreeMap::new(),
            held: None,
        }
    }

    /// The last zxid given out.
    pub fn last(&self) -> Zxid {
        self.last
    }

    /// What is proposed and not committed.
    pub fn proposals(&self) -> &Proposals {
        &self.proposals
    }

    /// A session was heard of.
    pub fn touch(
        &mut self,
        session: SessionId,
        replica: &Replica,
        cx: &mut Context<'_, ServerNote>,
    ) {
        let now_ms = replica.session_clock_ms(cx);
        if self.sessions.touch(session, now_ms) {
            cx.note(ServerNote::SessionTouched { session });
        }
    }

    /// Whether a session that came back through `owner` is alive; if so, it is touched and speaks through it from now on.
    pub fn revalidate(
        &mut self,
        session: SessionId,
        owner: ServerId,
        replica: &Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> bool {
        let alive = self.sessions.timeout_ms(session).is_some();
        if alive {
            self.touch(session, replica, cx);
            self.sessions.move_to(session, owner);
        }
        alive
    }

    /// A request becomes a transaction with the next zxid; a request that fails becomes an error transaction.
    /// What is to be proposed now is returned: to be sent to followers and then given to [`Self::log`].
    ///
    /// # Errors
    /// The counter of the epoch is used up: the leader must give way to a new epoch (ZOOKEEPER-1277).
    pub fn submit(
        &mut self,
        submission: Submission,
        owner: ServerId,
        replica: &Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<Vec<Arc<Record>>, LeavesRole> {
        let Submission { session, cxid, opcode, body } = submission;
        let zxid = self.last.next().ok_or(LeavesRole("the zxids of this epoch are used up"))?;
        let header = TxnHeader { session, cxid, zxid, time_ms: cx.wall().as_millis() };
        let txn = match self.admit(session, owner, opcode, body, replica, cx) {
            Ok(ask) => self.prep.prepare(&replica.tree, &header, &ask, &replica.config.mechanisms),
            Err(code) => Txn::Error { code },
        };
        self.last = zxid;
        Ok(self.propose(Arc::new(Record::new(header, txn)), replica, cx))
    }

    /// Closes the sessions whose time has come.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub fn expire(
        &mut self,
        replica: &Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<Vec<Arc<Record>>, LeavesRole> {
        let mut records = Vec::new();
        for expired in self.sessions.expire(replica.session_clock_ms(cx)) {
            let session = expired.session;
            cx.note(ServerNote::SessionExpired {
                session,
                idle_ms: expired.idle_ms,
                timeout_ms: expired.timeout_ms,
            });
            let opcode = opcode::CLOSE_SESSION;
            let submission = Submission { session, cxid: 0, opcode, body: bytes::Bytes::new() };
            records.extend(self.submit(submission, replica.config.id, replica, cx)?);
        }
        Ok(records)
    }

    /// When to look for expired sessions next, on the node's monotonic clock.
    pub fn next_expiry(&self, replica: &Replica, cx: &Context<'_, ServerNote>) -> Option<Instant> {
        let due_ms = self.sessions.next_expiry_ms()?;
        Some(match replica.config.mechanisms.session_clock {
            SessionClock::Monotonic => Instant::from_micros(due_ms * 1_000),
            SessionClock::Wall => {
                let wait_ms = due_ms.saturating_sub(replica.session_clock_ms(cx));
                cx.now() + Duration::from_millis(wait_ms)
            }
        })
    }

    /// Puts a proposed transaction into this server's own log. After the followers were told: the leader's disk is no
    /// faster than theirs.
    pub fn log(
        &self,
        record: &Arc<Record>,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) {
        replica.storage.append(record.clone(), cx, &mut replica.stored);
    }

    /// This server's own disk has everything up to its [`Storage::synced`].
    pub fn acknowledge_own(
        &mut self,
        me: ServerId,
        storage: &Storage,
        cx: &mut Context<'_, ServerNote>,
    ) {
        while let Some(zxid) = self.proposals.first_unacknowledged_by(me)
            && zxid <= storage.synced()
        {
            cx.note(ServerNote::Acknowledged { zxid });
            self.proposals.acknowledge(zxid, me);
        }
    }

    /// [`Mutant::AnswersBeforeCommit`]: what is on this server's own disk is answered, whoever else has it.
    pub fn answer_early(&self, replica: &mut Replica, cx: &mut Context<'_, ServerNote>) {
        let mut foreseen = replica.tree.clone();
        let synced = replica.storage.synced();
        for record in self.proposals.outstanding().filter(|one| one.header.zxid <= synced) {
            let applied = foreseen.apply(&record.header, &record.txn, false);
            replica.clients.answer(record, &applied, &foreseen, cx);
        }
    }

    /// A follower acknowledged a transaction.
    pub fn acknowledge(&mut self, zxid: Zxid, by: ServerId) {
        self.proposals.acknowledge(zxid, by);
    }

    /// Applies the next transaction that a quorum has. Call until `None`; `syncs` are then due.
    pub fn commit_next(
        &mut self,
        replica: &mut Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Option<(Arc<Record>, Vec<Syncing>)> {
        let record = self.proposals.commit_next()?;
        let zxid = record.header.zxid;
        cx.note(ServerNote::Committed { zxid });
        if matches!(record.txn, Txn::CloseSession) {
            self.sessions.remove(record.header.session);
        }
        replica.deliver(&record, cx);
        self.prep.committed(zxid);
        let syncs = self.syncs.remove(&zxid).unwrap_or_default();
        Some((record, syncs))
    }

    /// Somebody wants everything proposed so far to be applied first. True if there is nothing to wait for.
    pub fn sync(&mut self, who: Syncing) -> bool {
        match self.proposals.last_outstanding() {
            None => true,
            Some(zxid) => {
                self.syncs.entry(zxid).or_default().push(who);
                false
            }
        }
    }

    /// A follower is lost, and its clients with it: when it comes again, nobody there waits for these syncs.
    pub fn forget_syncs_of(&mut self, follower: ServerId) {
        for waiting in self.syncs.values_mut() {
            waiting.retain(|(through, ..)| *through != follower);
        }
    }

    /// Reads the request and checks its session.
    fn admit(
        &mut self,
        session: SessionId,
        owner: ServerId,
        opcode: i32,
        body: bytes::Bytes,
        replica: &Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Result<Ask, i32> {
        match opcode {
            opcode::CREATE_SESSION => {
                let body: [u8; 4] = body[..].try_into().map_err(|_| code::MARSHALLING_ERROR)?;
                let timeout_ms = i32::from_be_bytes(body);
                let counted = counted_timeout(timeout_ms, replica);
                self.sessions.add(session, counted, replica.session_clock_ms(cx));
                self.sessions.move_to(session, owner);
                let timeout = u64::try_from(timeout_ms).unwrap_or_default();
                cx.note(ServerNote::SessionOpened { session, timeout_ms: timeout });
                Ok(Ask::CreateSession { timeout_ms })
            }
            opcode::CLOSE_SESSION => {
                self.sessions.begin_closing(session);
                Ok(Ask::CloseSession)
            }
            _ => {
                self.sessions.check(session, owner)?;
                requests::ask(opcode, body)
            }
        }
    }

    fn propose(
        &mut self,
        record: Arc<Record>,
        replica: &Replica,
        cx: &mut Context<'_, ServerNote>,
    ) -> Vec<Arc<Record>> {
        let mut records = vec![record];
        if replica.config.mechanisms.has(Mutant::ProposesOutOfOrder) {
            match self.held.take() {
                Some(held) => records.push(held),
                None if self.proposals.last_outstanding().is_some() => self.held = records.pop(),
                None => {}
            }
        }
        for record in &records {
            cx.note(ServerNote::Proposed(record.clone()));
            self.proposals.propose(record.clone());
        }
        records
    }
}

/// The time-out the leader counts with; [`Mutant::ExpiresEarly`] halves it.
fn counted_timeout(timeout_ms: i32, replica: &Replica) -> u64 {
    let timeout_ms = u64::try_from(timeout_ms).unwrap_or_default();
    if replica.config.mechanisms.has(Mutant::ExpiresEarly) { timeout_ms / 2 } else { timeout_ms }
}
