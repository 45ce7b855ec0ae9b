//! What servers answer. A reply whose header carries an error has no response behind it; only a failed multi has one.

use std::sync::Arc;

use bytes::Bytes;

use crate::txn::Acl;
use crate::wire::client::request::{acl, write_acl};
use crate::wire::client::{ReplyHeader, Stat, opcode};
use crate::wire::jute::{Malformed, Reader, Writer};

/// One response, without its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// create: the name it got.
    Create {
        /// The full path, suffix included.
        path: Arc<str>,
    },
    /// create2.
    Create2 {
        /// The full path, suffix included.
        path: Arc<str>,
        /// The new znode.
        stat: Stat,
    },
    /// exists, setData, setACL.
    Stat(Stat),
    /// getData.
    Data {
        /// `None` is null.
        data: Option<Bytes>,
        /// The znode.
        stat: Stat,
    },
    /// getChildren: names without the parent's path.
    Children {
        /// In no promised order.
        children: Vec<Arc<str>>,
    },
    /// getChildren2.
    Children2 {
        /// In no promised order.
        children: Vec<Arc<str>>,
        /// The parent.
        stat: Stat,
    },
    /// getACL.
    Acl {
        /// The list.
        acl: Arc<[Acl]>,
        /// The znode.
        stat: Stat,
    },
    /// sync.
    Sync {
        /// The path of the request.
        path: Arc<str>,
    },
    /// multi: one result for each part. If one is an error, all are.
    Multi(Vec<MultiResult>),
    /// delete, ping, closeSession, auth, setWatches: nothing but the header.
    Empty,
}

/// The result of one part of a multi.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultiResult {
    /// The name it got.
    Create {
        /// The full path, suffix included.
        path: Arc<str>,
    },
    /// The name and the znode.
    Create2 {
        /// The full path, suffix included.
        path: Arc<str>,
        /// The new znode.
        stat: Stat,
    },
    /// Deleted.
    Delete,
    /// The data are set.
    SetData {
        /// The znode.
        stat: Stat,
    },
    /// The version held.
    Check,
    /// The multi failed: 0 for a part before the one that failed, −2 for one behind it.
    Error {
        /// One of [`super::code`].
        code: i32,
    },
}

impl Response {
    /// Reads what follows the header of a reply without error to a request with this opcode. Unknown opcodes give
    /// [`Response::Empty`].
    ///
    /// # Errors
    /// The bytes are not such a response.
    pub fn decode(opcode: i32, body: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let r = &mut reader;
        Ok(match opcode {
            opcode::CREATE => Self::Create { path: r.string()? },
            opcode::CREATE2 => Self::Create2 { path: r.string()?, stat: Stat::read(r)? },
            opcode::EXISTS | opcode::SET_DATA | opcode::SET_ACL => Self::Stat(Stat::read(r)?),
            opcode::GET_DATA => Self::Data { data: r.buffer()?, stat: Stat::read(r)? },
            opcode::GET_CHILDREN => Self::Children { children: r.vector(Reader::string)? },
            opcode::GET_CHILDREN2 => {
                Self::Children2 { children: r.vector(Reader::string)?, stat: Stat::read(r)? }
            }
            opcode::GET_ACL => Self::Acl { acl: acl(r)?, stat: Stat::read(r)? },
            opcode::SYNC => Self::Sync { path: r.string()? },
            opcode::MULTI => Self::Multi(multi(r)?),
            _ => Self::Empty,
        })
    }

    /// The whole frame, with this header.
    pub fn frame(&self, header: &ReplyHeader) -> Bytes {
        let mut writer = Writer::framed();
        header.write(&mut writer);
        self.write(&mut writer);
        writer.frame()
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Create { path } | Self::Sync { path } => {
                w.string(path);
            }
            Self::Create2 { path, stat } => stat.write(w.string(path)),
            Self::Stat(stat) => stat.write(w),
            Self::Data { data, stat } => stat.write(w.buffer(data.as_deref())),
            Self::Children { children } => write_names(w, children),
            Self::Children2 { children, stat } => {
                write_names(w, children);
                stat.write(w);
            }
            Self::Acl { acl, stat } => stat.write(w.vector(acl, write_acl)),
            Self::Multi(results) => write_multi(w, results),
            Self::Empty => {}
        }
    }
}

impl MultiResult {
    /// The number of the operation, −1 for an error.
    pub fn opcode(&self) -> i32 {
        match self {
            Self::Create { .. } => opcode::CREATE,
            Self::Create2 { .. } => opcode::CREATE2,
            Self::Delete => opcode::DELETE,
            Self::SetData { .. } => opcode::SET_DATA,
            Self::Check => opcode::CHECK,
            Self::Error { .. } => opcode::ERROR,
        }
    }
}

fn write_names(w: &mut Writer, names: &[Arc<str>]) {
    w.vector(names, |w, name| {
        w.string(name);
    });
}

/// Results, each behind a header `{type, done, err}`, until a header says done.
fn multi(r: &mut Reader) -> Result<Vec<MultiResult>, Malformed> {
    let mut results = Vec::new();
    loop {
        let (kind, done, _err) = (r.int()?, r.bool()?, r.int()?);
        if done {
            return Ok(results);
        }
        results.push(match kind {
            opcode::CREATE => MultiResult::Create { path: r.string()? },
            opcode::CREATE2 => MultiResult::Create2 { path: r.string()?, stat: Stat::read(r)? },
            opcode::DELETE => MultiResult::Delete,
            opcode::SET_DATA => MultiResult::SetData { stat: Stat::read(r)? },
            opcode::CHECK => MultiResult::Check,
            opcode::ERROR => MultiResult::Error { code: r.int()? },
            _ => return Err(Malformed("multi: a result of no operation")),
        });
    }
}

fn write_multi(w: &mut Writer, results: &[MultiResult]) {
    for result in results {
        let err = if let MultiResult::Error { code } = result { *code } else { 0 };
        w.int(result.opcode()).bool(false).int(err);
        match result {
            MultiResult::Create { path } => {
                w.string(path);
            }
            MultiResult::Create2 { path, stat } => stat.write(w.string(path)),
            MultiResult::SetData { stat } => stat.write(w),
            MultiResult::Delete | MultiResult::Check => {}
            MultiResult::Error { code } => {
                w.int(*code);
            }
        }
    }
    w.int(-1).bool(true).int(-1);
}
