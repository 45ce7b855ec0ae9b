//! The leader's table of sessions: who is alive, until when, and which server speaks for it.
//!
//! Expiry is bucketed as in SessionTrackerImpl: a session touched at `now` expires at
//! `((now + timeout) / tick + 1) * tick`, so between `timeout` and `timeout + tick` after the last touch. All times here are
//! ms of the clock that [`crate::mechanism::SessionClock`] names.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{ServerId, SessionId};

/// Error code: the session is gone.
pub const SESSION_EXPIRED: i32 = -112;
/// Error code: the session speaks through another server now.
pub const SESSION_MOVED: i32 = -118;

/// All live sessions of an ensemble, as its leader knows them.
#[derive(Clone, Debug)]
pub struct Sessions {
    tick_ms: u64,
    live: BTreeMap<SessionId, Live>,
    buckets: BTreeMap<u64, BTreeSet<SessionId>>,
}

#[derive(Clone, Debug)]
struct Live {
    timeout_ms: u64,
    expires_at_ms: u64,
    touched_at_ms: u64,
    owner: Option<ServerId>,
    closing: bool,
}

/// A session whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The session.
    pub session: SessionId,
    /// How long it was not heard of, in ms.
    pub idle_ms: u64,
    /// Its time-out in ms.
    pub timeout_ms: u64,
}

impl Sessions {
    /// An empty table with buckets of `tick_ms`.
    pub fn new(tick_ms: u64) -> Self {
        Self { tick_ms: tick_ms.max(1), live: BTreeMap::new(), buckets: BTreeMap::new() }
    }

    /// A session begins, or is known to a new leader: it gets its full time-out from now.
    pub fn add(&mut self, session: SessionId, timeout_ms: u64, now_ms: u64) {
        self.remove(session);
        let expires_at_ms = self.bucket(now_ms + timeout_ms);
        let live =
            Live { timeout_ms, expires_at_ms, touched_at_ms: now_ms, owner: None, closing: false };
        self.live.insert(session, live);
        self.buckets.entry(expires_at_ms).or_default().insert(session);
    }

    /// The session was heard of. False if it is unknown or already closing.
    pub fn touch(&mut self, session: SessionId, now_ms: u64) -> bool {
        let Some(live) = self.live.get(&session) else { return false };
        if live.closing {
            return false;
        }
        let expires_at_ms = self.bucket(now_ms + live.timeout_ms);
        let live = self.live.get_mut(&session).expect("looked up above");
        live.touched_at_ms = now_ms;
        if expires_at_ms > live.expires_at_ms {
            let from = std::mem::replace(&mut live.expires_at_ms, expires_at_ms);
            self.leave_bucket(session, from);
            self.buckets.entry(expires_at_ms).or_default().insert(session);
        }
        true
    }

    /// Takes the sessions whose bucket has come; they are closing from now on.
    pub fn expire(&mut self, now_ms: u64) -> Vec<Expired> {
        let mut expired = Vec::new();
        while let Some(bucket) = self.buckets.first_entry().filter(|first| *first.key() <= now_ms) {
            for session in bucket.remove() {
                let live = self.live.get_mut(&session).expect("buckets hold live sessions only");
                live.closing = true;
                let idle_ms = now_ms.saturating_sub(live.touched_at_ms);
                expired.push(Expired { session, idle_ms, timeout_ms: live.timeout_ms });
            }
        }
        expired
    }

    /// When the next bucket comes.
    pub fn next_expiry_ms(&self) -> Option<u64> {
        self.buckets.keys().next().copied()
    }

    /// Whether a request of `session` may come through `owner`; the first to ask becomes the owner.
    ///
    /// # Errors
    /// [`SESSION_EXPIRED`] or [`SESSION_MOVED`].
    pub fn check(&mut self, session: SessionId, owner: ServerId) -> Result<(), i32> {
        let live = self.live.get_mut(&session).ok_or(SESSION_EXPIRED)?;
        if live.closing {
            return Err(SESSION_EXPIRED);
        }
        if *live.owner.get_or_insert(owner) == owner { Ok(()) } else { Err(SESSION_MOVED) }
    }

    /// The session speaks through `owner` from now on.
    pub fn move_to(&mut self, session: SessionId, owner: ServerId) {
        if let Some(live) = self.live.get_mut(&session) {
            live.owner = Some(owner);
        }
    }

    /// The session asked to be closed: every later request of it is answered "expired".
    pub fn begin_closing(&mut self, session: SessionId) {
        if let Some(live) = self.live.get_mut(&session) {
            live.closing = true;
            let bucket = live.expires_at_ms;
            self.leave_bucket(session, bucket);
        }
    }

    /// The session is closed.
    pub fn remove(&mut self, session: SessionId) {
        if let Some(live) = self.live.remove(&session) {
            self.leave_bucket(session, live.expires_at_ms);
        }
    }

    /// Its time-out in ms, if it is live and not closing.
    pub fn timeout_ms(&self, session: SessionId) -> Option<u64> {
        self.live.get(&session).filter(|live| !live.closing).map(|live| live.timeout_ms)
    }

    fn bucket(&self, at_ms: u64) -> u64 {
        (at_ms / self.tick_ms + 1) * self.tick_ms
    }

    fn leave_bucket(&mut self, session: SessionId, bucket: u64) {
        if let Some(members) = self.buckets.get_mut(&bucket) {
            members.remove(&session);
            if members.is_empty() {
                self.buckets.remove(&bucket);
            }
        }
    }
}

/// The password of a session: 16 bytes of `java.util.Random` seeded with the id and a fixed secret, as
/// `ZooKeeperServer.generatePasswd` makes it.
pub fn password(session: SessionId) -> [u8; 16] {
    const SECRET: i64 = 0xB341_5C00;
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;
    let mut state = ((session.0 ^ SECRET) as u64 ^ MULTIPLIER) & MASK;
    let mut bytes = [0; 16];
    for word in bytes.chunks_exact_mut(4) {
        state = state.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & MASK;
        word.copy_from_slice(&((state >> 16) as u32).to_le_bytes());
    }
    bytes
}

/// The first session id of a server started at `wall_ms`: the server's number in the top byte, then the time
/// (`SessionTrackerImpl.initializeNextSession`, with the unsigned shift of 3.4.6: ZOOKEEPER-1622).
pub fn first_session_id(server: ServerId, wall_ms: i64) -> SessionId {
    let time = (((wall_ms as u64) << 24) >> 8) as i64;
    SessionId(time | (server.0 as i64) << 56)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: SessionId = SessionId(1);

    #[test]
    fn expires_in_the_tick_after_the_timeout() {
        for touched in [0, 1, 999, 1999, 2000, 2001] {
            let mut sessions = Sessions::new(2000);
            sessions.add(S, 6000, touched);
            let due = sessions.next_expiry_ms().expect("one session");
            assert!(due > touched + 6000 && due <= touched + 8000, "{touched}: {due}");
            assert_eq!(sessions.expire(due - 1), []);
            assert_eq!(sessions.expire(due).len(), 1);
            assert_eq!(sessions.check(S, ServerId(1)), Err(SESSION_EXPIRED));
        }
    }

    #[test]
    fn a_touch_moves_the_bucket_only_forward() {
        let mut sessions = Sessions::new(1000);
        sessions.add(S, 4000, 10_000);
        assert!(sessions.touch(S, 12_000));
        assert_eq!(sessions.next_expiry_ms(), Some(17_000));
        assert!(sessions.touch(S, 5_000), "a clock that jumped back");
        assert_eq!(sessions.next_expiry_ms(), Some(17_000));
    }

    #[test]
    fn a_session_speaks_through_one_server() {
        let mut sessions = Sessions::new(1000);
        sessions.add(S, 4000, 0);
        assert_eq!(sessions.check(S, ServerId(1)), Ok(()));
        assert_eq!(sessions.check(S, ServerId(2)), Err(SESSION_MOVED));
        sessions.move_to(S, ServerId(2));
        assert_eq!(sessions.check(S, ServerId(2)), Ok(()));
        sessions.begin_closing(S);
        assert_eq!(sessions.check(S, ServerId(2)), Err(SESSION_EXPIRED));
        assert_eq!(sessions.next_expiry_ms(), None);
    }
}
