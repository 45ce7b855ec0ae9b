//! What must be there before the work can begin: a znode and all those above it, made one after the other.

use std::sync::Arc;

use crate::txn::Acl;
use crate::wire::client::{CreateFlags, Request, Response, code};

/// A persistent znode and its ancestors. Believed to be there once all were made or found.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    path: Arc<str>,
    /// From the top; those before `laid` are there.
    steps: Vec<Arc<str>>,
    laid: usize,
}

impl Ground {
    /// `path` and all above it.
    pub fn new(path: Arc<str>) -> Self {
        let ends = path.char_indices().skip(1).filter(|(_, c)| *c == '/').map(|(at, _)| at);
        let steps = match &*path {
            "/" => Vec::new(),
            whole => ends.chain([whole.len()]).map(|end| whole[..end].into()).collect(),
        };
        Self { path, steps, laid: 0 }
    }

    /// All that is above `path`.
    pub fn above(path: &str) -> Self {
        match path.rsplit_once('/') {
            None | Some(("", _)) => Self::new("/".into()),
            Some((parent, _)) => Self::new(parent.into()),
        }
    }

    /// The path of a znode right below.
    pub fn child(&self, name: &str) -> Arc<str> {
        match &*self.path {
            "/" => format!("/{name}").into(),
            path => format!("{path}/{name}").into(),
        }
    }

    /// The znode itself.
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// What is still to be made, if anything.
    pub fn ask(&self) -> Option<Request> {
        self.steps.get(self.laid).map(|path| create(path.clone(), b"", false, false))
    }

    /// The answer to [`Self::ask`].
    pub fn answered(&mut self, answer: &Result<Response, i32>) {
        match answer {
            Ok(_) | Err(code::NODE_EXISTS) => self.laid += 1,
            Err(_) => self.laid = 0,
        }
    }

    /// Something was missing: look again from the top.
    pub fn gone(&mut self) {
        self.laid = 0;
    }
}

/// A create with the open access control list.
pub(super) fn create(path: Arc<str>, data: &[u8], ephemeral: bool, sequential: bool) -> Request {
    let flags = CreateFlags { ephemeral, sequential }.to_wire();
    let data = Some(bytes::Bytes::copy_from_slice(data));
    Request::Create { path, data, acl: Acl::open(), flags }
}
