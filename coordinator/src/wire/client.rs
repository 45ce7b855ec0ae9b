//! The client protocol, both directions: the handshake, the headers, and events. Requests and responses by opcode are in
//! [`Request`] and [`Response`].
//!
//! Every message is a frame: a four-byte length and a body. The methods called `frame` give the whole frame, ready to be
//! sent; the decoders take a body, as [`machine::Frames`] hands it out. Bytes behind the last known field are ignored, as
//! ZooKeeper ignores them. What a request means, and who may send it when, is not decided here.

mod request;
mod response;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

use crate::id::{SessionId, Zxid};
use crate::wire::jute::{Malformed, Reader, Writer};

pub use crate::code;
pub use crate::tree::Stat;
pub use request::{CreateFlags, MultiOp, Request};
pub use response::{MultiResult, Response};

/// The longest frame a server takes, in bytes: the default of `jute.maxbuffer`.
pub const FRAME_MAX: usize = 0xf_ffff;

/// The longest reply a client takes, in bytes: the client's own default of `jute.maxbuffer`, 4 MiB.
pub const REPLY_MAX: usize = 4 * 1024 * 1024;

/// The length of a session password in bytes.
pub const PASSWORD_LENGTH: usize = 16;

/// Reserved numbers of requests; ordinary ones count from 1.
pub mod xid {
    /// A [`super::WatcherEvent`].
    pub const NOTIFICATION: i32 = -1;
    /// A ping and its answer.
    pub const PING: i32 = -2;
    /// Authentication and its answer.
    pub const AUTH: i32 = -4;
    /// The watches of a client that connects again.
    pub const SET_WATCHES: i32 = -8;
}

/// The numbers of the operations.
pub mod opcode {
    /// `create`
    pub const CREATE: i32 = 1;
    /// `delete`
    pub const DELETE: i32 = 2;
    /// `exists`
    pub const EXISTS: i32 = 3;
    /// `getData`
    pub const GET_DATA: i32 = 4;
    /// `setData`
    pub const SET_DATA: i32 = 5;
    /// `getACL`
    pub const GET_ACL: i32 = 6;
    /// `setACL`
    pub const SET_ACL: i32 = 7;
    /// `getChildren`
    pub const GET_CHILDREN: i32 = 8;
    /// `sync`
    pub const SYNC: i32 = 9;
    /// `ping`
    pub const PING: i32 = 11;
    /// `getChildren2`: with the stat of the parent.
    pub const GET_CHILDREN2: i32 = 12;
    /// `check`, only inside a multi.
    pub const CHECK: i32 = 13;
    /// `multi`
    pub const MULTI: i32 = 14;
    /// `create2` (3.5): with the stat of the new znode.
    pub const CREATE2: i32 = 15;
    /// `auth`
    pub const AUTH: i32 = 100;
    /// `setWatches`
    pub const SET_WATCHES: i32 = 101;
    /// `createSession`, only between servers and in the log.
    pub const CREATE_SESSION: i32 = -10;
    /// `closeSession`
    pub const CLOSE_SESSION: i32 = -11;
    /// An error, in a multi and in the log.
    pub const ERROR: i32 = -1;
}

impl Stat {
    /// Reads a stat off the front.
    ///
    /// # Errors
    /// Too short.
    pub fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        Ok(Self {
            czxid: zxid(reader)?,
            mzxid: zxid(reader)?,
            ctime: reader.long()?,
            mtime: reader.long()?,
            version: reader.int()?,
            cversion: reader.int()?,
            aversion: reader.int()?,
            ephemeral_owner: SessionId(reader.long()?),
            data_length: reader.int()?,
            num_children: reader.int()?,
            pzxid: zxid(reader)?,
        })
    }

    /// Writes it in the order of the wire.
    pub fn write(&self, writer: &mut Writer) {
        writer.long(wire_zxid(self.czxid)).long(wire_zxid(self.mzxid));
        writer.long(self.ctime).long(self.mtime);
        writer.int(self.version).int(self.cversion).int(self.aversion);
        writer.long(self.ephemeral_owner.0).int(self.data_length).int(self.num_children);
        writer.long(wire_zxid(self.pzxid));
    }
}

/// The first frame of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// Always 0.
    pub protocol_version: i32,
    /// The last transaction this client has seen the effects of: a server behind it must send it away.
    pub last_zxid_seen: Zxid,
    /// The session time-out it would like, in ms.
    pub timeout_ms: i32,
    /// The session to resume; none asks for a new one.
    pub session: SessionId,
    /// The session's password, zeros for a new one.
    pub password: Bytes,
    /// Whether a read-only server will do; `None` where an old client leaves the byte out.
    pub read_only: Option<bool>,
}

impl ConnectRequest {
    /// Reads the body of the frame.
    ///
    /// # Errors
    /// Too short, or lengths that do not fit.
    pub fn decode(body: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        Ok(Self {
            protocol_version: reader.int()?,
            last_zxid_seen: zxid(&mut reader)?,
            timeout_ms: reader.int()?,
            session: SessionId(reader.long()?),
            password: reader.buffer()?.unwrap_or_default(),
            read_only: optional_bool(&mut reader)?,
        })
    }

    /// The whole frame.
    pub fn frame(&self) -> Bytes {
        let mut writer = Writer::framed();
        writer.int(self.protocol_version).long(wire_zxid(self.last_zxid_seen));
        writer.int(self.timeout_ms).long(self.session.0).buffer(Some(&self.password));
        self.read_only.map(|flag| writer.bool(flag));
        writer.frame()
    }
}

/// The first frame of a server. A time-out of 0 says that the session is gone; the server then closes the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectResponse {
    /// Always 0.
    pub protocol_version: i32,
    /// The negotiated session time-out in ms; 0 or less where the session is gone.
    pub timeout_ms: i32,
    /// The session.
    pub session: SessionId,
    /// Its password, needed to resume it.
    pub password: Bytes,
    /// Whether this server is read-only; `None` where the byte is left out, as old clients need it.
    pub read_only: Option<bool>,
}

impl ConnectResponse {
    /// What a client is told whose session is gone.
    pub fn expired(read_only: Option<bool>) -> Self {
        let password = Bytes::from_static(&[0; PASSWORD_LENGTH]);
        Self { protocol_version: 0, timeout_ms: 0, session: SessionId::NONE, password, read_only }
    }

    /// Reads the body of the frame.
    ///
    /// # Errors
    /// Too short, or lengths that do not fit.
    pub fn decode(body: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        Ok(Self {
            protocol_version: reader.int()?,
            timeout_ms: reader.int()?,
            session: SessionId(reader.long()?),
            password: reader.buffer()?.unwrap_or_default(),
            read_only: optional_bool(&mut reader)?,
        })
    }

    /// The whole frame.
    pub fn frame(&self) -> Bytes {
        let mut writer = Writer::framed();
        writer.int(self.protocol_version).int(self.timeout_ms).long(self.session.0);
        writer.buffer(Some(&self.password));
        self.read_only.map(|flag| writer.bool(flag));
        writer.frame()
    }
}

/// What stands in front of every request after the first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// The client's number of the request, or one of [`xid`].
    pub xid: i32,
    /// One of [`opcode`], or something unknown.
    pub opcode: i32,
}

impl RequestHeader {
    /// Splits the body of a frame into the header and the request's own bytes, for [`Request::decode`].
    ///
    /// # Errors
    /// Shorter than a header.
    pub fn split(body: Bytes) -> Result<(Self, Bytes), Malformed> {
        let mut reader = Reader::new(body);
        let header = Self { xid: reader.int()?, opcode: reader.int()? };
        Ok((header, reader.rest()))
    }
}

/// What stands in front of everything a server sends after the first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyHeader {
    /// The number of the request, or one of [`xid`].
    pub xid: i32,
    /// The write's own zxid, or the last one the server had applied when it answered a read. −1 (all bits set) on events.
    pub zxid: Zxid,
    /// One of [`code`]. Other than 0, nothing follows.
    pub err: i32,
}

impl ReplyHeader {
    /// Splits the body of a frame into the header and what follows, for [`Response::decode`] or
    /// [`WatcherEvent::decode`].
    ///
    /// # Errors
    /// Shorter than a header.
    pub fn split(body: Bytes) -> Result<(Self, Bytes), Malformed> {
        let mut reader = Reader::new(body);
        let header = Self { xid: reader.int()?, zxid: zxid(&mut reader)?, err: reader.int()? };
        Ok((header, reader.rest()))
    }

    /// The whole frame of an answer without a response: an error.
    pub fn frame(&self) -> Bytes {
        let mut writer = Writer::framed();
        self.write(&mut writer);
        writer.frame()
    }

    fn write(&self, writer: &mut Writer) {
        writer.int(self.xid).long(wire_zxid(self.zxid)).int(self.err);
    }
}

/// A watch fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherEvent {
    /// 1 created, 2 deleted, 3 data changed, 4 children changed, −1 none.
    pub kind: i32,
    /// The state of the connection: 3 connected.
    pub state: i32,
    /// The znode.
    pub path: Arc<str>,
}

impl WatcherEvent {
    /// The state servers send: `SyncConnected`.
    pub const SYNC_CONNECTED: i32 = 3;

    /// Reads what follows a reply header with [`xid::NOTIFICATION`].
    ///
    /// # Errors
    /// Too short, or a path that is not UTF-8.
    pub fn decode(body: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        Ok(Self { kind: reader.int()?, state: reader.int()?, path: reader.string()? })
    }

    /// The whole frame, header included.
    pub fn frame(&self) -> Bytes {
        let mut writer = Writer::framed();
        let header = ReplyHeader { xid: xid::NOTIFICATION, zxid: Zxid(u64::MAX), err: code::OK };
        header.write(&mut writer);
        writer.int(self.kind).int(self.state).string(&self.path);
        writer.frame()
    }
}

/// A zxid is 64 bits; Java reads them as a signed number.
fn zxid(reader: &mut Reader) -> Result<Zxid, Malformed> {
    Ok(Zxid(reader.long()?.cast_unsigned()))
}

fn wire_zxid(zxid: Zxid) -> i64 {
    zxid.0.cast_signed()
}

fn optional_bool(reader: &mut Reader) -> Result<Option<bool>, Malformed> {
    match reader.remaining() {
        0 => Ok(None),
        _ => reader.bool().map(Some),
    }
}
