//! The leader's picture of one follower: how far it has come, and when it was last heard of (LearnerHandler).

use machine::{Conn, Instant};

use crate::config::Config;
use crate::id::{ServerId, Zxid};
use crate::wire::peer::PeerStream;

/// One connection on the leader's quorum port.
#[derive(Debug)]
pub struct Learner {
    /// The connection.
    pub conn: Conn,
    /// Who it is, once it said so.
    pub sid: Option<ServerId>,
    /// How far it has come.
    pub stage: Stage,
    /// Its packets.
    pub stream: PeerStream,
    /// Its last transaction when it came.
    pub last: Zxid,
    /// Nothing heard until then: the connection is closed. `NEVER` while the leader makes it wait.
    pub deadline: Instant,
    /// The tick up to which it counts for the leader's quorum.
    pub counts_until_tick: u64,
    /// The proposals it is timed by.
    pub timed: Timed,
}

/// How long proposals wait for their acknowledgement: one is timed, and when it is acknowledged, the last that was sent
/// meanwhile (LearnerHandler.SyncLimitCheck).
#[derive(Clone, Copy, Debug, Default)]
pub struct Timed {
    current: Option<(Zxid, Instant)>,
    last: Option<(Zxid, Instant)>,
}

impl Timed {
    /// A proposal was sent.
    pub fn sent(&mut self, zxid: Zxid, now: Instant) {
        let place = if self.current.is_none() { &mut self.current } else { &mut self.last };
        *place = Some((zxid, now));
    }

    /// Everything up to `zxid` is acknowledged.
    pub fn acknowledged(&mut self, zxid: Zxid) {
        if self.current.is_some_and(|(waiting, _)| waiting <= zxid) {
            self.current = self.last.take().filter(|(waiting, _)| *waiting > zxid);
        }
    }

    /// Since when the timed proposal waits.
    pub fn since(&self) -> Option<Instant> {
        self.current.map(|(_, since)| since)
    }
}

/// How far a follower has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It has not said who it is.
    Greeting,
    /// It waits to be told the epoch.
    AwaitingEpoch,
    /// It was told the epoch.
    Promising,
    /// It promised; it waits until the leader may bring it up to date.
    Promised,
    /// It was sent the history and NEWLEADER.
    Synchronising,
    /// It acknowledged NEWLEADER.
    Synchronised,
    /// It was told that it is up to date.
    Active,
}

impl Learner {
    /// Somebody connected.
    pub fn new(conn: Conn, deadline: Instant, counts_until_tick: u64) -> Self {
        Self {
            conn,
            sid: None,
            stage: Stage::Greeting,
            stream: PeerStream::new(),
            last: Zxid::ZERO,
            deadline,
            counts_until_tick,
            timed: Timed::default(),
        }
    }

    /// Its turn to speak is over or comes: the leader waits for it from now on, or not at all.
    pub fn enter(&mut self, stage: Stage, now: Instant, config: &Config) {
        self.stage = stage;
        self.heard(now, config);
    }

    /// Something was heard of it, or is expected from now on.
    pub fn heard(&mut self, now: Instant, config: &Config) {
        self.deadline = match self.stage {
            Stage::AwaitingEpoch | Stage::Promised | Stage::Synchronised => Instant::NEVER,
            Stage::Active => now + config.tick.times(config.sync_limit),
            Stage::Greeting | Stage::Promising | Stage::Synchronising => {
                now + config.tick.times(config.init_limit)
            }
        };
    }

    /// Whether it is sent every proposal and commit as they come.
    pub fn is_forwarding(&self) -> bool {
        self.stage >= Stage::Synchronising
    }
}
