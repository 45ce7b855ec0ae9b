//! What clients ask for. The fields are as they travel; nothing is checked here beyond that it parses.

use std::sync::Arc;

use bytes::Bytes;

use crate::id::Zxid;
use crate::txn::Acl;
use crate::wire::client::{opcode, wire_zxid, zxid};
use crate::wire::jute::{Malformed, Reader, Writer};

/// One request, without its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A new znode; answered with its path.
    Create {
        /// Where; sequential ones get a suffix.
        path: Arc<str>,
        /// `None` is null.
        data: Option<Bytes>,
        /// Its access control list.
        acl: Arc<[Acl]>,
        /// See [`CreateFlags`].
        flags: i32,
    },
    /// The same, answered with path and stat (3.5).
    Create2 {
        /// Where; sequential ones get a suffix.
        path: Arc<str>,
        /// `None` is null.
        data: Option<Bytes>,
        /// Its access control list.
        acl: Arc<[Acl]>,
        /// See [`CreateFlags`].
        flags: i32,
    },
    /// Remove a znode that has no children.
    Delete {
        /// Which.
        path: Arc<str>,
        /// Its expected data version, −1 any.
        version: i32,
    },
    /// The stat of a znode.
    Exists {
        /// Which.
        path: Arc<str>,
        /// Leave a watch, also where there is no such znode.
        watch: bool,
    },
    /// The data of a znode.
    GetData {
        /// Which.
        path: Arc<str>,
        /// Leave a watch.
        watch: bool,
    },
    /// New data for a znode.
    SetData {
        /// Which.
        path: Arc<str>,
        /// `None` is null.
        data: Option<Bytes>,
        /// Its expected data version, −1 any.
        version: i32,
    },
    /// The access control list of a znode.
    GetAcl {
        /// Which.
        path: Arc<str>,
    },
    /// A new access control list.
    SetAcl {
        /// Which.
        path: Arc<str>,
        /// The list.
        acl: Arc<[Acl]>,
        /// Its expected ACL version, −1 any.
        version: i32,
    },
    /// The names of the children.
    GetChildren {
        /// Of which znode.
        path: Arc<str>,
        /// Leave a watch.
        watch: bool,
    },
    /// The names of the children, and the parent's stat.
    GetChildren2 {
        /// Of which znode.
        path: Arc<str>,
        /// Leave a watch.
        watch: bool,
    },
    /// Catch up with the leader.
    Sync {
        /// Given back, not looked at.
        path: Arc<str>,
    },
    /// All or nothing.
    Multi(Vec<MultiOp>),
    /// Still here.
    Ping,
    /// End the session.
    CloseSession,
    /// Say who one is.
    Auth {
        /// Always 0.
        kind: i32,
        /// `digest`, `ip`, ….
        scheme: Arc<str>,
        /// As the scheme wants it.
        auth: Option<Bytes>,
    },
    /// The watches a client held before it connected again.
    SetWatches {
        /// The last transaction it saw: later changes fire at once.
        relative_zxid: Zxid,
        /// Data watches.
        data: Vec<Arc<str>>,
        /// Watches on znodes that did not exist.
        exist: Vec<Arc<str>>,
        /// Child watches.
        child: Vec<Arc<str>>,
    },
    /// An operation that is not known here.
    Unknown {
        /// Its number.
        opcode: i32,
    },
}

/// One part of a multi.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultiOp {
    /// As [`Request::Create`].
    Create {
        /// Where; sequential ones get a suffix.
        path: Arc<str>,
        /// `None` is null.
        data: Option<Bytes>,
        /// Its access control list.
        acl: Arc<[Acl]>,
        /// See [`CreateFlags`].
        flags: i32,
    },
    /// As [`Request::Create2`].
    Create2 {
        /// Where; sequential ones get a suffix.
        path: Arc<str>,
        /// `None` is null.
        data: Option<Bytes>,
        /// Its access control list.
        acl: Arc<[Acl]>,
        /// See [`CreateFlags`].
        flags: i32,
    },
    /// As [`Request::Delete`].
    Delete {
        /// Which.
        path: Arc<str>,
        /// Its expected data version, −1 any.
        version: i32,
    },
    /// As [`Request::SetData`].
    SetData {
        /// Which.
        path: Arc<str>,
        /// `None` is null.
        data: Option<Bytes>,
        /// Its expected data version, −1 any.
        version: i32,
    },
    /// The znode must have this data version.
    Check {
        /// Which.
        path: Arc<str>,
        /// The version, −1 any.
        version: i32,
    },
}

/// The kinds of znode a create may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateFlags {
    /// Dies with the session.
    pub ephemeral: bool,
    /// Gets a suffix that counts up.
    pub sequential: bool,
}

impl CreateFlags {
    /// What the number on the wire means; `None` for kinds not known here (containers, TTL).
    pub const fn from_wire(flags: i32) -> Option<Self> {
        match flags {
            0..=3 => Some(Self { ephemeral: flags & 1 != 0, sequential: flags & 2 != 0 }),
            _ => None,
        }
    }

    /// The number on the wire.
    pub const fn to_wire(self) -> i32 {
        (if self.ephemeral { 1 } else { 0 }) | (if self.sequential { 2 } else { 0 })
    }
}

impl Request {
    /// Its number.
    pub fn opcode(&self) -> i32 {
        match self {
            Self::Create { .. } => opcode::CREATE,
            Self::Create2 { .. } => opcode::CREATE2,
            Self::Delete { .. } => opcode::DELETE,
            Self::Exists { .. } => opcode::EXISTS,
            Self::GetData { .. } => opcode::GET_DATA,
            Self::SetData { .. } => opcode::SET_DATA,
            Self::GetAcl { .. } => opcode::GET_ACL,
            Self::SetAcl { .. } => opcode::SET_ACL,
            Self::GetChildren { .. } => opcode::GET_CHILDREN,
            Self::GetChildren2 { .. } => opcode::GET_CHILDREN2,
            Self::Sync { .. } => opcode::SYNC,
            Self::Multi(_) => opcode::MULTI,
            Self::Ping => opcode::PING,
            Self::CloseSession => opcode::CLOSE_SESSION,
            Self::Auth { .. } => opcode::AUTH,
            Self::SetWatches { .. } => opcode::SET_WATCHES,
            Self::Unknown { opcode } => *opcode,
        }
    }

    /// Reads what follows the header of a request with this opcode. An opcode not known here gives
    /// [`Request::Unknown`].
    ///
    /// # Errors
    /// The bytes are not such a request.
    pub fn decode(opcode: i32, body: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let r = &mut reader;
        Ok(match opcode {
            opcode::CREATE => {
                let (path, data, acl, flags) = create(r)?;
                Self::Create { path, data, acl, flags }
            }
            opcode::CREATE2 => {
                let (path, data, acl, flags) = create(r)?;
                Self::Create2 { path, data, acl, flags }
            }
            opcode::DELETE => Self::Delete { path: r.string()?, version: r.int()? },
            opcode::EXISTS => Self::Exists { path: r.string()?, watch: r.bool()? },
            opcode::GET_DATA => Self::GetData { path: r.string()?, watch: r.bool()? },
            opcode::SET_DATA => {
                Self::SetData { path: r.string()?, data: r.buffer()?, version: r.int()? }
            }
            opcode::GET_ACL => Self::GetAcl { path: r.string()? },
            opcode::SET_ACL => Self::SetAcl { path: r.string()?, acl: acl(r)?, version: r.int()? },
            opcode::GET_CHILDREN => Self::GetChildren { path: r.string()?, watch: r.bool()? },
            opcode::GET_CHILDREN2 => Self::GetChildren2 { path: r.string()?, watch: r.bool()? },
            opcode::SYNC => Self::Sync { path: r.string()? },
            opcode::MULTI => Self::Multi(multi(r)?),
            opcode::PING => Self::Ping,
            opcode::CLOSE_SESSION => Self::CloseSession,
            opcode::AUTH => Self::Auth { kind: r.int()?, scheme: r.string()?, auth: r.buffer()? },
            opcode::SET_WATCHES => Self::SetWatches {
                relative_zxid: zxid(r)?,
                data: r.vector(Reader::string)?,
                exist: r.vector(Reader::string)?,
                child: r.vector(Reader::string)?,
            },
            opcode => Self::Unknown { opcode },
        })
    }

    /// What follows the header, as it also travels from a follower to its leader.
    pub fn body(&self) -> Bytes {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.finish()
    }

    /// The whole frame, with this number in its header.
    pub fn frame(&self, xid: i32) -> Bytes {
        let mut writer = Writer::framed();
        writer.int(xid).int(self.opcode());
        self.write(&mut writer);
        writer.frame()
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Create { path, data, acl, flags } | Self::Create2 { path, data, acl, flags } => {
                write_create(w, path, data.as_deref(), acl, *flags);
            }
            Self::Delete { path, version } => {
                w.string(path).int(*version);
            }
            Self::Exists { path, watch }
            | Self::GetData { path, watch }
            | Self::GetChildren { path, watch }
            | Self::GetChildren2 { path, watch } => {
                w.string(path).bool(*watch);
            }
            Self::SetData { path, data, version } => {
                w.string(path).buffer(data.as_deref()).int(*version);
            }
            Self::GetAcl { path } | Self::Sync { path } => {
                w.string(path);
            }
            Self::SetAcl { path, acl, version } => {
                w.string(path).vector(acl, write_acl).int(*version);
            }
            Self::Multi(ops) => write_multi(w, ops),
            Self::Ping | Self::CloseSession | Self::Unknown { .. } => {}
            Self::Auth { kind, scheme, auth } => {
                w.int(*kind).string(scheme).buffer(auth.as_deref());
            }
            Self::SetWatches { relative_zxid, data, exist, child } => {
                w.long(wire_zxid(*relative_zxid));
                for paths in [data, exist, child] {
                    w.vector(paths, |w, path| {
                        w.string(path);
                    });
                }
            }
        }
    }
}

impl MultiOp {
    /// The number of the operation.
    pub fn opcode(&self) -> i32 {
        match self {
            Self::Create { .. } => opcode::CREATE,
            Self::Create2 { .. } => opcode::CREATE2,
            Self::Delete { .. } => opcode::DELETE,
            Self::SetData { .. } => opcode::SET_DATA,
            Self::Check { .. } => opcode::CHECK,
        }
    }
}

type CreateFields = (Arc<str>, Option<Bytes>, Arc<[Acl]>, i32);

fn create(r: &mut Reader) -> Result<CreateFields, Malformed> {
    Ok((r.string()?, r.buffer()?, acl(r)?, r.int()?))
}

fn write_create(w: &mut Writer, path: &str, data: Option<&[u8]>, acl: &[Acl], flags: i32) {
    w.string(path).buffer(data).vector(acl, write_acl).int(flags);
}

/// An access control list.
pub(super) fn acl(r: &mut Reader) -> Result<Arc<[Acl]>, Malformed> {
    let entry = |r: &mut Reader| Ok(Acl { perms: r.int()?, scheme: r.string()?, id: r.string()? });
    r.vector(entry).map(Arc::from)
}

/// One entry of an access control list.
pub(super) fn write_acl(w: &mut Writer, acl: &Acl) {
    w.int(acl.perms).string(&acl.scheme).string(&acl.id);
}

/// Parts, each behind a header `{type, done, err}`, until a header says done.
fn multi(r: &mut Reader) -> Result<Vec<MultiOp>, Malformed> {
    let mut ops = Vec::new();
    loop {
        let (kind, done, _err) = (r.int()?, r.bool()?, r.int()?);
        if done {
            return Ok(ops);
        }
        ops.push(match kind {
            opcode::CREATE => {
                let (path, data, acl, flags) = create(r)?;
                MultiOp::Create { path, data, acl, flags }
            }
            opcode::CREATE2 => {
                let (path, data, acl, flags) = create(r)?;
                MultiOp::Create2 { path, data, acl, flags }
            }
            opcode::DELETE => MultiOp::Delete { path: r.string()?, version: r.int()? },
            opcode::SET_DATA => {
                MultiOp::SetData { path: r.string()?, data: r.buffer()?, version: r.int()? }
            }
            opcode::CHECK => MultiOp::Check { path: r.string()?, version: r.int()? },
            _ => return Err(Malformed("multi: an operation that cannot be part of one")),
        });
    }
}

fn write_multi(w: &mut Writer, ops: &[MultiOp]) {
    for op in ops {
        w.int(op.opcode()).bool(false).int(-1);
        match op {
            MultiOp::Create { path, data, acl, flags }
            | MultiOp::Create2 { path, data, acl, flags } => {
                write_create(w, path, data.as_deref(), acl, *flags);
            }
            MultiOp::Delete { path, version } | MultiOp::Check { path, version } => {
                w.string(path).int(*version);
            }
            MultiOp::SetData { path, data, version } => {
                w.string(path).buffer(data.as_deref()).int(*version);
            }
        }
    }
    w.int(-1).bool(true).int(-1);
}
