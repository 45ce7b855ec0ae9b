//! Requests and answers in the words of notes, and with or without the chroot in front of their paths.

use std::sync::Arc;

use bytes::Bytes;

use super::{ClientError, ConnectString};
use crate::note::{Operation, Outcome};
use crate::wire::client::{CreateFlags, MultiOp, MultiResult, Request, Response, code};

/// What a note says about a request; `None` for those that promise nothing about znodes' data.
pub(super) fn operation(request: &Request) -> Option<Operation> {
    Some(match request {
        Request::Create { path, data, flags, .. } | Request::Create2 { path, data, flags, .. } => {
            create(path, data.as_ref(), *flags)
        }
        Request::Delete { path, version } => {
            Operation::Delete { path: path.clone(), version: *version }
        }
        Request::SetData { path, data, version } => Operation::SetData {
            path: path.clone(),
            data: shared(data.as_ref()),
            version: *version,
        },
        Request::GetData { path, watch } => {
            Operation::GetData { path: path.clone(), watch: *watch }
        }
        Request::Exists { path, watch } => Operation::Exists { path: path.clone(), watch: *watch },
        Request::GetChildren { path, watch } | Request::GetChildren2 { path, watch } => {
            Operation::GetChildren { path: path.clone(), watch: *watch }
        }
        Request::Sync { path } => Operation::Sync { path: path.clone() },
        Request::Multi(ops) => Operation::Multi(ops.iter().map(part).collect()),
        Request::GetAcl { .. }
        | Request::SetAcl { .. }
        | Request::Ping
        | Request::CloseSession
        | Request::Auth { .. }
        | Request::SetWatches { .. }
        | Request::Unknown { .. } => return None,
    })
}

fn part(op: &MultiOp) -> Operation {
    match op {
        MultiOp::Create { path, data, flags, .. } | MultiOp::Create2 { path, data, flags, .. } => {
            create(path, data.as_ref(), *flags)
        }
        MultiOp::Delete { path, version } => {
            Operation::Delete { path: path.clone(), version: *version }
        }
        MultiOp::SetData { path, data, version } => Operation::SetData {
            path: path.clone(),
            data: shared(data.as_ref()),
            version: *version,
        },
        MultiOp::Check { path, version } => {
            Operation::Check { path: path.clone(), version: *version }
        }
    }
}

fn create(path: &Arc<str>, data: Option<&Bytes>, flags: i32) -> Operation {
    let CreateFlags { ephemeral, sequential } = CreateFlags::from_wire(flags)
        .unwrap_or(CreateFlags { ephemeral: false, sequential: false });
    Operation::Create { path: path.clone(), data: shared(data), ephemeral, sequential }
}

/// Null and empty look the same in a note.
fn shared(data: Option<&Bytes>) -> Arc<[u8]> {
    data.map_or_else(|| Arc::new([]) as Arc<[u8]>, |data| Arc::from(&data[..]))
}

/// How a request ended, as a note says it. Paths are full.
pub(super) fn outcome(request: &Request, result: &Result<Response, ClientError>) -> Outcome {
    let response = match result {
        Ok(response) => response,
        Err(ClientError::Refused(code)) => return Outcome::Refused(*code),
        Err(ClientError::ConnectionLoss) => return Outcome::ConnectionLoss,
        Err(ClientError::SessionExpired) => return Outcome::SessionExpired,
    };
    match response {
        Response::Create { path } | Response::Create2 { path, .. } => {
            Outcome::Done { path: Some(path.clone()), version: None }
        }
        Response::Stat(stat) if matches!(request, Request::Exists { .. }) => {
            Outcome::There { version: stat.version, mzxid: stat.mzxid, owner: stat.ephemeral_owner }
        }
        Response::Stat(stat) => Outcome::Done { path: None, version: Some(stat.version) },
        Response::Data { data, stat } => {
            Outcome::Data { data: shared(data.as_ref()), version: stat.version, mzxid: stat.mzxid }
        }
        Response::Children { children } | Response::Children2 { children, .. } => {
            Outcome::Children(children.as_slice().into())
        }
        Response::Acl { .. } | Response::Sync { .. } | Response::Multi(_) | Response::Empty => {
            Outcome::Done { path: None, version: None }
        }
    }
}

/// A failed multi is answered without an error in the header: the error is in its parts. The first that is one counts;
/// parts before it say 0.
pub(super) fn multi_error(response: &Response) -> Option<i32> {
    let Response::Multi(results) = response else { return None };
    results.iter().find_map(|result| match result {
        MultiResult::Error { code } if *code != code::OK => Some(*code),
        _ => None,
    })
}

/// The request with full paths.
pub(super) fn full(connect: &ConnectString, mut request: Request) -> Request {
    if connect.chroot().is_none() {
        return request;
    }
    match &mut request {
        Request::Create { path, .. }
        | Request::Create2 { path, .. }
        | Request::Delete { path, .. }
        | Request::Exists { path, .. }
        | Request::GetData { path, .. }
        | Request::SetData { path, .. }
        | Request::GetAcl { path }
        | Request::SetAcl { path, .. }
        | Request::GetChildren { path, .. }
        | Request::GetChildren2 { path, .. }
        | Request::Sync { path } => *path = connect.full(path),
        Request::Multi(ops) => {
            for op in ops {
                match op {
                    MultiOp::Create { path, .. }
                    | MultiOp::Create2 { path, .. }
                    | MultiOp::Delete { path, .. }
                    | MultiOp::SetData { path, .. }
                    | MultiOp::Check { path, .. } => *path = connect.full(path),
                }
            }
        }
        Request::SetWatches { data, exist, child, .. } => {
            for path in data.iter_mut().chain(exist).chain(child) {
                *path = connect.full(path);
            }
        }
        Request::Ping | Request::CloseSession | Request::Auth { .. } | Request::Unknown { .. } => {}
    }
    request
}

/// The response with paths as the user knows them.
pub(super) fn below(connect: &ConnectString, mut response: Response) -> Response {
    if connect.chroot().is_none() {
        return response;
    }
    match &mut response {
        Response::Create { path } | Response::Create2 { path, .. } | Response::Sync { path } => {
            *path = connect.below(path);
        }
        Response::Multi(results) => {
            for result in results {
                if let MultiResult::Create { path } | MultiResult::Create2 { path, .. } = result {
                    *path = connect.below(path);
                }
            }
        }
        Response::Stat(_)
        | Response::Data { .. }
        | Response::Children { .. }
        | Response::Children2 { .. }
        | Response::Acl { .. }
        | Response::Empty => {}
    }
    response
}
