//! What a request is answered with: reads from the tree, writes from the transaction that carried them out.

use bytes::Bytes;
use machine::Conn;

use crate::id::Zxid;
use crate::tree::watch::Watches;
use crate::tree::{DataTree, Effect, path};
use crate::wire::client::{MultiResult, ReplyHeader, Request, Response, code, opcode};

/// Answers a read. Watches are left by [`leave_watch`].
///
/// # Errors
/// The error code of the reply.
pub fn read(request: &Request, tree: &DataTree) -> Result<Response, i32> {
    let find = |path: &str| {
        if !path::is_valid(path) {
            return Err(code::BAD_ARGUMENTS);
        }
        tree.get(path).ok_or(code::NO_NODE)
    };
    let stat = |path: &str| tree.stat(path).ok_or(code::NO_NODE);
    match request {
        Request::Exists { path, .. } => {
            find(path)?;
            Ok(Response::Stat(stat(path)?))
        }
        Request::GetData { path, .. } => {
            Ok(Response::Data { data: find(path)?.data().cloned(), stat: stat(path)? })
        }
        Request::GetAcl { path } => {
            Ok(Response::Acl { acl: find(path)?.acl().clone(), stat: stat(path)? })
        }
        Request::GetChildren { path, .. } => {
            find(path)?;
            Ok(Response::Children { children: children(path, tree) })
        }
        Request::GetChildren2 { path, .. } => {
            find(path)?;
            Ok(Response::Children2 { children: children(path, tree), stat: stat(path)? })
        }
        Request::Sync { path } => Ok(Response::Sync { path: path.clone() }),
        Request::Ping | Request::Auth { .. } | Request::SetWatches { .. } => Ok(Response::Empty),
        _ => Err(code::UNIMPLEMENTED),
    }
}

/// Leaves the watch a read asked for: also `exists` of a missing znode, which then waits for its creation.
pub fn leave_watch(request: &Request, found: bool, conn: Conn, watches: &mut Watches<Conn>) {
    match request {
        Request::GetData { path, watch: true } if found => watches.watch_data(path.clone(), conn),
        Request::Exists { path, watch: true } => watches.watch_data(path.clone(), conn),
        Request::GetChildren { path, watch: true }
        | Request::GetChildren2 { path, watch: true }
            if found =>
        {
            watches.watch_children(path.clone(), conn);
        }
        _ => {}
    }
}

/// Answers the author of a write with what applying it came to.
///
/// # Errors
/// The error code of the reply.
pub fn written(asked: i32, outcome: &Result<Effect, i32>) -> Result<Response, i32> {
    match outcome {
        Err(code) => Err(*code),
        Ok(Effect::Created { path, stat }) if asked == opcode::CREATE2 => {
            Ok(Response::Create2 { path: path.clone(), stat: *stat })
        }
        Ok(Effect::Created { path, .. }) => Ok(Response::Create { path: path.clone() }),
        Ok(Effect::DataSet(stat) | Effect::AclSet(stat)) => Ok(Response::Stat(*stat)),
        Ok(Effect::Multi(parts)) => Ok(Response::Multi(parts.iter().map(multi_result).collect())),
        Ok(Effect::Deleted | Effect::Checked | Effect::SessionCreated | Effect::SessionClosed) => {
            Ok(Response::Empty)
        }
    }
}

fn multi_result(part: &Result<Effect, i32>) -> MultiResult {
    match part {
        Err(code) => MultiResult::Error { code: *code },
        Ok(Effect::Created { path, .. }) => MultiResult::Create { path: path.clone() },
        Ok(Effect::DataSet(stat) | Effect::AclSet(stat)) => MultiResult::SetData { stat: *stat },
        Ok(Effect::Deleted) => MultiResult::Delete,
        Ok(_) => MultiResult::Check,
    }
}

fn children(path: &str, tree: &DataTree) -> Vec<std::sync::Arc<str>> {
    tree.children(path).into_iter().flatten().cloned().collect()
}

/// Whether a request goes through the leader and gets a zxid.
pub fn is_write(opcode: i32) -> bool {
    matches!(
        opcode,
        opcode::CREATE
            | opcode::CREATE2
            | opcode::DELETE
            | opcode::SET_DATA
            | opcode::SET_ACL
            | opcode::MULTI
            | opcode::CLOSE_SESSION
    )
}

/// A reply as it is sent.
pub fn frame(xid: i32, zxid: Zxid, result: Result<Response, i32>) -> Bytes {
    match result {
        Ok(response) => response.frame(&ReplyHeader { xid, zxid, err: code::OK }),
        Err(err) => ReplyHeader { xid, zxid, err }.frame(),
    }
}
