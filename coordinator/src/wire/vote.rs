//! The election port: how a server says who it is, and how it says whom it votes for.
//!
//! Not here: who may connect to whom, and what a vote is worth ([`crate::election`]).

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};

use crate::id::{Epoch, ServerId, Zxid};
use crate::wire::jute::{Malformed, Reader, Writer};
use crate::wire::record::{zxid_from_long, zxid_to_long};

/// What stands in front of the server id since 3.5 (ZOOKEEPER-1633 taught 3.4.6 to read it).
const PROTOCOL_VERSION: i64 = -65_536;
/// No `host:port` is longer; the real server reads at most as much.
const LONGEST_ADDRESS: usize = 2_048;
/// 3.4.6 and later.
const LENGTH: usize = 40;
/// Before 3.4.0: no peer epoch, no version.
const LENGTH_BEFORE_PEER_EPOCH: usize = 28;
/// A body longer than this closes the connection, as the real server's does.
pub const LONGEST_NOTIFICATION: usize = 512 * 1_024;

/// What a server is doing, as notifications say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerState {
    /// Looks for a leader.
    Looking,
    /// Follows one.
    Following,
    /// Is one.
    Leading,
    /// Follows one without a vote.
    Observing,
}

/// Whom a server votes for, and in which round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// What the sender is doing.
    pub state: PeerState,
    /// The candidate. Negative in messages that are not votes.
    pub leader: ServerId,
    /// The candidate's last transaction.
    pub zxid: Zxid,
    /// The sender's round, its logical clock.
    pub round: u64,
    /// The candidate's current epoch; `None` in the form before 3.4.0, which lacks it.
    pub peer_epoch: Option<Epoch>,
}

impl Notification {
    /// The body behind its length, in the form of 3.4.6 (version 1); in the older form when there
    /// is no peer epoch.
    pub fn encode(&self) -> Bytes {
        let mut out = Writer::framed();
        out.int(match self.state {
            PeerState::Looking => 0,
            PeerState::Following => 1,
            PeerState::Leading => 2,
            PeerState::Observing => 3,
        });
        out.long(self.leader.0.cast_signed()).long(zxid_to_long(self.zxid));
        out.long(self.round.cast_signed());
        if let Some(epoch) = self.peer_epoch {
            out.long(i64::from(epoch.0)).int(1);
        }
        out.frame()
    }

    /// Reads a body without its length. Anything behind the known fields is passed over, as newer
    /// versions add to it.
    pub fn decode(body: Bytes) -> Result<Self, Malformed> {
        if body.len() < LENGTH_BEFORE_PEER_EPOCH {
            return Err(Malformed("notification"));
        }
        let whole = body.len() >= LENGTH;
        let mut reader = Reader::new(body);
        let state = match reader.int()? {
            0 => PeerState::Looking,
            1 => PeerState::Following,
            2 => PeerState::Leading,
            3 => PeerState::Observing,
            _ => return Err(Malformed("state of a notification")),
        };
        let leader = ServerId(reader.long()?.cast_unsigned());
        let zxid = zxid_from_long(reader.long()?);
        let round = reader.long()?.cast_unsigned();
        let peer_epoch = if whole {
            let epoch = u32::try_from(reader.long()?);
            Some(Epoch(epoch.map_err(|_| Malformed("epoch of a notification"))?))
        } else {
            None
        };
        Ok(Self { state, leader, zxid, round, peer_epoch })
    }
}

/// The first thing a server says on an election connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Who it is.
    pub server: ServerId,
    /// Where its election port is, `host:port`; 3.4 does not say.
    pub address: Option<Arc<str>>,
}

impl Greeting {
    /// As 3.4 says it without an address, as 3.5 with one.
    pub fn encode(&self) -> Bytes {
        let mut out = Writer::new();
        if self.address.is_some() {
            out.long(PROTOCOL_VERSION);
        }
        out.long(self.server.0.cast_signed());
        if let Some(address) = &self.address {
            out.string(address);
        }
        out.finish()
    }
}

/// One election connection as it is read: a greeting first if the other side dialled, then
/// notifications.
#[derive(Clone, Debug)]
pub struct VoteStream {
    pending: BytesMut,
}

impl VoteStream {
    /// Nothing has come yet.
    pub fn new() -> Self {
        Self { pending: BytesMut::new() }
    }

    /// Adds the next piece of the stream.
    pub fn push(&mut self, piece: &Bytes) {
        self.pending.extend_from_slice(piece);
    }

    /// The greeting, once it is whole. Ask for it exactly once, on a connection that was accepted.
    pub fn take_greeting(&mut self) -> Result<Option<Greeting>, Malformed> {
        let mut view = &self.pending[..];
        let Ok(first) = view.try_get_i64() else { return Ok(None) };
        if first >= 0 {
            self.pending.advance(8);
            return Ok(Some(Greeting { server: ServerId(first.cast_unsigned()), address: None }));
        }
        if first != PROTOCOL_VERSION {
            return Err(Malformed("protocol version of an election greeting"));
        }
        let (Ok(server), Ok(length)) = (view.try_get_i64(), view.try_get_i32()) else {
            return Ok(None);
        };
        let server = u64::try_from(server).map_err(|_| Malformed("id in an election greeting"))?;
        let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST_ADDRESS);
        let length = length.ok_or(Malformed("address in an election greeting"))?;
        let Some(address) = view.get(..length) else { return Ok(None) };
        let address = std::str::from_utf8(address);
        let address = address.map_err(|_| Malformed("address in an election greeting"))?;
        let greeting = Greeting { server: ServerId(server), address: Some(address.into()) };
        self.pending.advance(8 + 8 + 4 + length);
        Ok(Some(greeting))
    }

    /// The next whole notification. An error is final: the stream cannot be read on.
    pub fn take(&mut self) -> Result<Option<Notification>, Malformed> {
        let Some(head) = self.pending.first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(i32::from_be_bytes(*head)).ok();
        let length = length.filter(|length| (1..=LONGEST_NOTIFICATION).contains(length));
        let length = length.ok_or(Malformed("length of a notification"))?;
        if self.pending.len() < 4 + length {
            return Ok(None);
        }
        self.pending.advance(4);
        Notification::decode(self.pending.split_to(length).freeze()).map(Some)
    }
}

impl Default for VoteStream {
    fn default() -> Self {
        Self::new()
    }
}
