//! Transactions as they stand in the log and in PROPOSAL: ZooKeeper's `TxnHeader` and the
//! transaction behind it, in jute.
//!
//! Not here: the frame of a log entry (checksum, length, end mark), which belongs to
//! [`crate::log`].

use std::sync::Arc;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::id::{SessionId, Zxid};
use crate::txn::{Acl, Record, Txn, TxnHeader};
use crate::wire::client::opcode;
use crate::wire::jute::{Malformed, Reader, Writer};

impl Record {
    /// Encodes a transaction. Its digest is the XXH3 of the bytes. A multi inside a multi has no
    /// reading: see [`Self::decode`].
    pub fn new(header: TxnHeader, txn: Txn) -> Self {
        let mut out = Writer::new();
        out.long(header.session.0).int(header.cxid).long(zxid_to_long(header.zxid));
        out.long(header.time_ms).int(opcode_of(&txn));
        write_body(&mut out, &txn);
        let bytes = out.finish();
        let digest = xxh3_64(&bytes);
        Self { header, txn, bytes, digest }
    }

    /// Reads a transaction that fills all of `bytes`. Data in it shares the memory of `bytes`. What
    /// follows a closeSession is passed over: 3.6 and later list the paths to delete there.
    pub fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes.clone());
        let session = SessionId(reader.long()?);
        let cxid = reader.int()?;
        let zxid = zxid_from_long(reader.long()?);
        let header = TxnHeader { session, cxid, zxid, time_ms: reader.long()? };
        let txn = match reader.int()? {
            opcode::MULTI => Txn::Multi(reader.vector(read_part)?),
            opcode::CREATE_SESSION => Txn::CreateSession { timeout_ms: reader.int()? },
            opcode::CLOSE_SESSION => Txn::CloseSession,
            code => read_body(code, &mut reader)?,
        };
        if reader.remaining() > 0 && txn != Txn::CloseSession {
            return Err(Malformed("end of transaction"));
        }
        let digest = xxh3_64(&bytes);
        Ok(Self { header, txn, bytes, digest })
    }
}

/// The code that types this transaction: that of the request it came from.
pub fn opcode_of(txn: &Txn) -> i32 {
    match txn {
        Txn::Create { .. } => opcode::CREATE,
        Txn::Delete { .. } => opcode::DELETE,
        Txn::SetData { .. } => opcode::SET_DATA,
        Txn::SetAcl { .. } => opcode::SET_ACL,
        Txn::Check { .. } => opcode::CHECK,
        Txn::Multi(_) => opcode::MULTI,
        Txn::CreateSession { .. } => opcode::CREATE_SESSION,
        Txn::CloseSession => opcode::CLOSE_SESSION,
        Txn::Error { .. } => opcode::ERROR,
    }
}

/// Writes an access control list: a vector of (perms, scheme, id).
pub fn write_acl(out: &mut Writer, acl: &[Acl]) {
    out.vector(acl, |out, entry| {
        out.int(entry.perms).string(&entry.scheme).string(&entry.id);
    });
}

/// Reads an access control list; null is read as empty.
pub fn read_acl(reader: &mut Reader) -> Result<Arc<[Acl]>, Malformed> {
    let entries = reader.vector(|reader| {
        Ok(Acl { perms: reader.int()?, scheme: reader.string()?, id: reader.string()? })
    })?;
    Ok(entries.into())
}

/// A zxid as the signed long it travels as.
pub(super) fn zxid_to_long(zxid: Zxid) -> i64 {
    zxid.0.cast_signed()
}

/// The zxid in a signed long.
pub(super) fn zxid_from_long(long: i64) -> Zxid {
    Zxid(long.cast_unsigned())
}

fn write_body(out: &mut Writer, txn: &Txn) {
    match txn {
        Txn::Create { path, data, acl, ephemeral, parent_cversion } => {
            out.string(path).buffer(data.as_deref());
            write_acl(out, acl);
            out.bool(*ephemeral).int(*parent_cversion);
        }
        Txn::Delete { path } => {
            out.string(path);
        }
        Txn::SetData { path, data, version } => {
            out.string(path).buffer(data.as_deref()).int(*version);
        }
        Txn::SetAcl { path, acl, version } => {
            out.string(path);
            write_acl(out, acl);
            out.int(*version);
        }
        Txn::Check { path, version } => {
            out.string(path).int(*version);
        }
        Txn::CreateSession { timeout_ms } => {
            out.int(*timeout_ms);
        }
        Txn::CloseSession => {}
        Txn::Error { code } => {
            out.int(*code);
        }
        Txn::Multi(parts) => {
            out.vector(parts, |out, part| {
                let mut body = Writer::new();
                write_body(&mut body, part);
                out.int(opcode_of(part)).buffer(Some(&body.finish()));
            });
        }
    }
}

/// One part of a multi. Only what clients can ask for inside one is accepted, so a multi cannot
/// nest.
fn read_part(reader: &mut Reader) -> Result<Txn, Malformed> {
    let code = reader.int()?;
    let mut body = Reader::new(reader.buffer()?.unwrap_or_default());
    let part = read_body(code, &mut body)?;
    if body.remaining() > 0 {
        return Err(Malformed("end of a part of a multi"));
    }
    Ok(part)
}

/// The transactions that may stand alone and inside a multi.
fn read_body(code: i32, reader: &mut Reader) -> Result<Txn, Malformed> {
    Ok(match code {
        opcode::CREATE => Txn::Create {
            path: reader.string()?,
            data: reader.buffer()?,
            acl: read_acl(reader)?,
            ephemeral: reader.bool()?,
            parent_cversion: reader.int()?,
        },
        opcode::DELETE => Txn::Delete { path: reader.string()? },
        opcode::SET_DATA => {
            Txn::SetData { path: reader.string()?, data: reader.buffer()?, version: reader.int()? }
        }
        opcode::SET_ACL => {
            Txn::SetAcl { path: reader.string()?, acl: read_acl(reader)?, version: reader.int()? }
        }
        opcode::CHECK => Txn::Check { path: reader.string()?, version: reader.int()? },
        opcode::ERROR => Txn::Error { code: reader.int()? },
        _ => return Err(Malformed("type of transaction")),
    })
}
