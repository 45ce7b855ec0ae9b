//! What leader and followers say to each other: ZooKeeper's `QuorumPacket`s, typed, and the
//! snapshot that may stand between them.
//!
//! Packets follow each other on the stream without a length in front: each ends where its jute
//! ends. Not here: who says what when ([`crate::zab`]).

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};

use crate::id::{Epoch, ServerId, SessionId, Zxid};
use crate::tree::snapshot::Scan;
use crate::txn::Record;
use crate::wire::jute::{Malformed, Reader, Writer};
use crate::wire::partial::{Partial, Stop};
use crate::wire::record::{zxid_from_long, zxid_to_long};

/// The protocol with epochs, of 3.4 and later; both sides name it.
pub const PROTOCOL: i32 = 0x1_0000;
/// What ends a snapshot on the wire.
const SIGNATURE: &str = "BenWasHere";
/// Nobody is authenticated in more ways than this.
const MOST_IDENTITIES: i32 = 256;

/// The numbers of the packets.
mod kind {
    pub(super) const REQUEST: i32 = 1;
    pub(super) const PROPOSAL: i32 = 2;
    pub(super) const ACK: i32 = 3;
    pub(super) const COMMIT: i32 = 4;
    pub(super) const PING: i32 = 5;
    pub(super) const REVALIDATE: i32 = 6;
    pub(super) const SYNC: i32 = 7;
    pub(super) const INFORM: i32 = 8;
    pub(super) const NEWLEADER: i32 = 10;
    pub(super) const FOLLOWERINFO: i32 = 11;
    pub(super) const UPTODATE: i32 = 12;
    pub(super) const DIFF: i32 = 13;
    pub(super) const TRUNC: i32 = 14;
    pub(super) const SNAP: i32 = 15;
    pub(super) const OBSERVERINFO: i32 = 16;
    pub(super) const LEADERINFO: i32 = 17;
    pub(super) const ACKEPOCH: i32 = 18;
}

/// One packet between a leader and a learner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerPacket {
    /// Follower to leader: a write, or a sync, of one of its clients.
    Request {
        /// The client's session.
        session: SessionId,
        /// The client's number of the request.
        cxid: i32,
        /// The opcode.
        kind: i32,
        /// The request as the client sent it, without its header.
        body: Bytes,
    },
    /// Leader to follower: log this.
    Proposal(Arc<Record>),
    /// Follower to leader: it is on my disk. With counter 0: I have taken over your history (answer
    /// to NEWLEADER).
    Ack {
        /// The transaction.
        zxid: Zxid,
    },
    /// Leader to follower: a quorum has it.
    Commit {
        /// The transaction.
        zxid: Zxid,
    },
    /// Leader to follower without sessions: are you there. Follower to leader with them: yes, and
    /// these sessions were heard of.
    Ping {
        /// The leader's last proposal; a follower sends it back.
        zxid: Zxid,
        /// Sessions heard of since the last ping, with their time-outs in ms.
        touched: Option<Vec<(SessionId, i32)>>,
    },
    /// Follower to leader: does this session still live, now that its client is with me?
    Revalidate {
        /// The session.
        session: SessionId,
        /// Its time-out in ms.
        timeout_ms: i32,
    },
    /// Leader to follower: the answer.
    Revalidated {
        /// The session.
        session: SessionId,
        /// Whether it lives.
        valid: bool,
    },
    /// Leader to follower: the oldest sync you asked for is through.
    Sync,
    /// Leader to observer: this is committed.
    Inform(Arc<Record>),
    /// Leader to follower: with this you have my history.
    NewLeader {
        /// The epoch with counter 0.
        zxid: Zxid,
    },
    /// Follower to leader: who I am and what I promised.
    FollowerInfo(LearnerInfo),
    /// Leader to follower: a quorum has my history, serve.
    UpToDate,
    /// Leader to follower: what you lack comes as proposals.
    Diff {
        /// The last transaction the follower will have.
        zxid: Zxid,
    },
    /// Leader to follower: cut your log.
    Trunc {
        /// The last transaction to keep.
        zxid: Zxid,
    },
    /// Leader to follower: my whole tree follows.
    Snap {
        /// The last transaction in it.
        zxid: Zxid,
    },
    /// What follows SNAP: sessions and tree as in a snapshot file ([`crate::tree::snapshot`]).
    Snapshot(Bytes),
    /// Observer to leader: who I am.
    ObserverInfo(LearnerInfo),
    /// Leader to follower: the epoch I propose.
    LeaderInfo {
        /// The new epoch.
        epoch: Epoch,
        /// [`PROTOCOL`].
        protocol: i32,
    },
    /// Follower to leader: I promise, and this is my history.
    AckEpoch {
        /// The epoch of the last leader whose history I took over; `None` if I had promised this
        /// epoch before, so that the answer does not count.
        current: Option<Epoch>,
        /// My last logged transaction.
        last: Zxid,
    },
}

/// How a learner introduces itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnerInfo {
    /// Who it is.
    pub server: ServerId,
    /// The largest epoch it has promised.
    pub accepted: Epoch,
    /// [`PROTOCOL`].
    pub protocol: i32,
}

impl LearnerInfo {
    fn packet(&self, kind: i32) -> Bytes {
        let mut data = Writer::new();
        data.long(self.server.0.cast_signed()).int(self.protocol);
        packet(kind, Zxid::new(self.accepted, 0), Some(data))
    }

    /// What follows the protocol version (3.5 adds the version of its configuration) is passed
    /// over.
    fn decode(zxid: Zxid, data: &mut Reader) -> Result<Self, Malformed> {
        let server = ServerId(data.long()?.cast_unsigned());
        Ok(Self { server, accepted: zxid.epoch(), protocol: data.int()? })
    }
}

impl PeerPacket {
    /// The bytes for the stream.
    pub fn encode(&self) -> Bytes {
        // Packets about no transaction say −1.
        const NONE: Zxid = Zxid(u64::MAX);
        let mut data = Writer::new();
        match self {
            Self::Request { session, cxid, kind, body } => {
                data.long(session.0).int(*cxid).int(*kind).raw(body);
                packet(kind::REQUEST, NONE, Some(data))
            }
            Self::Proposal(record) => {
                data.raw(&record.bytes);
                packet(kind::PROPOSAL, record.header.zxid, Some(data))
            }
            Self::Inform(record) => {
                data.raw(&record.bytes);
                packet(kind::INFORM, record.header.zxid, Some(data))
            }
            Self::Ack { zxid } => packet(kind::ACK, *zxid, None),
            Self::Commit { zxid } => packet(kind::COMMIT, *zxid, None),
            Self::Ping { zxid, touched: None } => packet(kind::PING, *zxid, None),
            Self::Ping { zxid, touched: Some(touched) } => {
                for (session, timeout_ms) in touched {
                    data.long(session.0).int(*timeout_ms);
                }
                packet(kind::PING, *zxid, Some(data))
            }
            Self::Revalidate { session, timeout_ms } => {
                data.long(session.0).int(*timeout_ms);
                packet(kind::REVALIDATE, NONE, Some(data))
            }
            Self::Revalidated { session, valid } => {
                data.long(session.0).bool(*valid);
                packet(kind::REVALIDATE, NONE, Some(data))
            }
            Self::Sync => packet(kind::SYNC, Zxid::ZERO, None),
            Self::NewLeader { zxid } => packet(kind::NEWLEADER, *zxid, None),
            Self::FollowerInfo(info) => info.packet(kind::FOLLOWERINFO),
            Self::ObserverInfo(info) => info.packet(kind::OBSERVERINFO),
            Self::UpToDate => packet(kind::UPTODATE, NONE, None),
            Self::Diff { zxid } => packet(kind::DIFF, *zxid, None),
            Self::Trunc { zxid } => packet(kind::TRUNC, *zxid, None),
            Self::Snap { zxid } => packet(kind::SNAP, *zxid, None),
            Self::Snapshot(bytes) => {
                data.raw(bytes).string(SIGNATURE);
                data.finish()
            }
            Self::LeaderInfo { epoch, protocol } => {
                data.int(*protocol);
                packet(kind::LEADERINFO, Zxid::new(*epoch, 0), Some(data))
            }
            Self::AckEpoch { current, last } => {
                // As the signed number it is in Java; no epoch gets as far as 2^31.
                data.int(current.map_or(-1, |epoch| epoch.0.cast_signed()));
                packet(kind::ACKEPOCH, *last, Some(data))
            }
        }
    }

    fn decode(kind: i32, zxid: Zxid, data: Option<Bytes>) -> Result<Self, Malformed> {
        let has_data = data.is_some();
        let bytes = data.unwrap_or_default();
        let mut data = Reader::new(bytes.clone());
        Ok(match kind {
            kind::REQUEST => Self::Request {
                session: SessionId(data.long()?),
                cxid: data.int()?,
                kind: data.int()?,
                body: data.rest(),
            },
            kind::PROPOSAL => Self::Proposal(Arc::new(Record::decode(bytes)?)),
            kind::INFORM => Self::Inform(Arc::new(Record::decode(bytes)?)),
            kind::ACK => Self::Ack { zxid },
            kind::COMMIT => Self::Commit { zxid },
            kind::PING => {
                let mut touched = Vec::new();
                while data.remaining() > 0 {
                    touched.push((SessionId(data.long()?), data.int()?));
                }
                Self::Ping { zxid, touched: has_data.then_some(touched) }
            }
            kind::REVALIDATE => {
                let session = SessionId(data.long()?);
                match data.remaining() {
                    1 => Self::Revalidated { session, valid: data.bool()? },
                    _ => Self::Revalidate { session, timeout_ms: data.int()? },
                }
            }
            kind::SYNC => Self::Sync,
            kind::NEWLEADER => Self::NewLeader { zxid },
            kind::FOLLOWERINFO => Self::FollowerInfo(LearnerInfo::decode(zxid, &mut data)?),
            kind::OBSERVERINFO => Self::ObserverInfo(LearnerInfo::decode(zxid, &mut data)?),
            kind::UPTODATE => Self::UpToDate,
            kind::DIFF => Self::Diff { zxid },
            kind::TRUNC => Self::Trunc { zxid },
            kind::SNAP => Self::Snap { zxid },
            kind::LEADERINFO => Self::LeaderInfo { epoch: zxid.epoch(), protocol: data.int()? },
            kind::ACKEPOCH => {
                let current = u32::try_from(data.int()?).ok().map(Epoch);
                Self::AckEpoch { current, last: zxid }
            }
            _ => return Err(Malformed("type of packet between servers")),
        })
    }
}

/// What ends a snapshot that was sent in slices of its own; [`PeerPacket::Snapshot`] already has
/// it.
pub fn snapshot_signature() -> Bytes {
    let mut out = Writer::new();
    out.string(SIGNATURE);
    out.finish()
}

fn packet(kind: i32, zxid: Zxid, data: Option<Writer>) -> Bytes {
    let data = data.map(Writer::finish);
    let mut out = Writer::new();
    // The last number is a list of identities that is null.
    out.int(kind).long(zxid_to_long(zxid)).buffer(data.as_deref()).int(-1);
    out.finish()
}

/// One connection between leader and learner as it is read: pieces in, packets out.
#[derive(Clone, Debug, Default)]
pub struct PeerStream {
    /// A piece that is read where it lies: most packets come in one.
    whole: Bytes,
    /// Pieces put together, when one was not enough. Only one of the two holds anything.
    joined: BytesMut,
    /// SNAP has come: the snapshot is next.
    snapshot: Option<Scan>,
}

impl PeerStream {
    /// Nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next piece of the stream.
    pub fn push(&mut self, piece: &Bytes) {
        if self.whole.is_empty() && self.joined.is_empty() {
            self.whole = piece.clone();
            return;
        }
        self.joined.extend_from_slice(&std::mem::take(&mut self.whole));
        self.joined.extend_from_slice(piece);
    }

    /// The next whole packet. An error is final: the stream cannot be read on.
    pub fn take(&mut self) -> Result<Option<PeerPacket>, Malformed> {
        let view = if self.whole.is_empty() { &self.joined[..] } else { &self.whole[..] };
        if let Some(scan) = &mut self.snapshot {
            let Some(length) = scan.length(view)? else { return Ok(None) };
            let mut rest = Partial::new(&view[length..]);
            match rest.string("signature of a snapshot") {
                Err(Stop::Short) => return Ok(None),
                Ok(SIGNATURE) => {}
                _ => return Err(Malformed("signature of a snapshot")),
            }
            let end = view.len() - rest.remaining();
            self.snapshot = None;
            return Ok(Some(PeerPacket::Snapshot(self.split_to(end).slice(..length))));
        }
        let mut partial = Partial::new(view);
        let (kind, zxid, data) = match read_packet(&mut partial) {
            Err(Stop::Short) => return Ok(None),
            Err(Stop::Malformed(malformed)) => return Err(malformed),
            Ok(parts) => parts,
        };
        let end = view.len() - partial.remaining();
        let bytes = self.split_to(end);
        // The data begins behind type, zxid and its own length.
        let data = data.map(|length| bytes.slice(16..16 + length));
        let packet = PeerPacket::decode(kind, zxid, data)?;
        if matches!(packet, PeerPacket::Snap { .. }) {
            self.snapshot = Some(Scan::new());
        }
        Ok(Some(packet))
    }

    /// Bytes held back because their packet is not whole yet.
    pub fn pending(&self) -> usize {
        self.whole.len() + self.joined.len()
    }

    fn split_to(&mut self, end: usize) -> Bytes {
        if self.whole.is_empty() {
            let bytes = self.joined.copy_to_bytes(end);
            if self.joined.is_empty() {
                self.joined = BytesMut::new();
            }
            bytes
        } else {
            self.whole.split_to(end)
        }
    }
}

/// Type, zxid and the length of the data. Identities of clients are passed over: access control
/// knows only everybody.
fn read_packet(from: &mut Partial<'_>) -> Result<(i32, Zxid, Option<usize>), Stop> {
    let kind = from.int()?;
    let zxid = zxid_from_long(from.long()?);
    let data = from.buffer("data of a packet between servers")?.map(<[u8]>::len);
    for _ in 0..from.count(MOST_IDENTITIES, "identities in a packet between servers")? {
        from.string("scheme of an identity")?;
        from.string("identity")?;
    }
    Ok((kind, zxid, data))
}
