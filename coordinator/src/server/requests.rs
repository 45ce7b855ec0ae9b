//! From the bytes of a client's write to what the leader's preparation is asked.

use bytes::Bytes;

use crate::prep::Ask;
use crate::wire::client::{MultiOp, Request, code};

/// Reads a write.
///
/// # Errors
/// The error code its author is answered with.
pub fn ask(opcode: i32, body: Bytes) -> Result<Ask, i32> {
    let request = Request::decode(opcode, body).map_err(|_| code::MARSHALLING_ERROR)?;
    Ok(match request {
        Request::Create { path, data, acl, flags }
        | Request::Create2 { path, data, acl, flags } => Ask::Create { path, data, acl, flags },
        Request::Delete { path, version } => Ask::Delete { path, version },
        Request::SetData { path, data, version } => Ask::SetData { path, data, version },
        Request::SetAcl { path, acl, version } => Ask::SetAcl { path, acl, version },
        Request::Multi(parts) => Ask::Multi(parts.into_iter().map(part).collect()),
        Request::CloseSession => Ask::CloseSession,
        _ => return Err(code::UNIMPLEMENTED),
    })
}

fn part(part: MultiOp) -> Ask {
    match part {
        MultiOp::Create { path, data, acl, flags }
        | MultiOp::Create2 { path, data, acl, flags } => Ask::Create { path, data, acl, flags },
        MultiOp::Delete { path, version } => Ask::Delete { path, version },
        MultiOp::SetData { path, data, version } => Ask::SetData { path, data, version },
        MultiOp::Check { path, version } => Ask::Check { path, version },
    }
}
