//! ZooKeeper Atomic Broadcast: a leader's history becomes everybody's, in one order.
//!
//! ```text
//!            discovery               synchronisation                    broadcast
//! follower   FOLLOWERINFO  ACKEPOCH  (log, sync)          ACK(e<<32)    ACK(zxid) ...
//!                 \       /    \                         /        \        /
//! leader      LEADERINFO(e)    DIFF|TRUNC|SNAP .. NEWLEADER   UPTODATE  PROPOSAL .. COMMIT
//! ```
//!
//! [`leader`] and [`follower`] are the two roles; [`proposer`] turns requests into transactions, [`proposals`] decides what
//! is committed, [`synchronise`] what a follower lacks. Not here: who leads ([`crate::election`]) and what is durable
//! ([`crate::log`]).

pub mod follower;
pub mod leader;
mod learner;
pub mod proposals;
pub mod proposer;
pub mod standalone;
pub mod synchronise;

/// Why a server gives up its role and looks for a leader again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeavesRole(pub &'static str);
