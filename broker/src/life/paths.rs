//! Persistent znodes and whatever is missing above them, made as `KafkaZkClient.createRecursive` does it: the znode first,
//! and only where that fails its parent, then the znode again.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use coordinator::txn::Acl;
use coordinator::wire::client::{Request, Response, code};

use super::{Step, in_words};
use crate::zk::{ZkError, znode};

/// Znodes to be made, one request at a time.
#[derive(Clone, Debug)]
pub struct Paths {
    wanted: VecDeque<(Arc<str>, Option<Bytes>)>,
    /// Ancestors of the first wanted one that are to be made before it, the topmost last.
    missing: Vec<Arc<str>>,
}

/// All of them are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Whether the last one had been there before.
    pub existed: bool,
}

impl Paths {
    /// The znodes every broker makes sure of.
    pub fn top_level() -> Self {
        let wanted = znode::PERSISTENT.iter().map(|path| (Arc::from(*path), None)).collect();
        Self { wanted, missing: Vec::new() }
    }

    /// One znode with these data; what is above it gets none.
    pub fn one(path: &str, data: Option<Bytes>) -> Self {
        Self { wanted: [(Arc::from(path), data)].into(), missing: Vec::new() }
    }

    /// What is to be asked now. There is something as long as it is not done.
    pub fn ask(&self) -> Request {
        let (path, data) = self.at().expect("asked only while something is wanted");
        Request::Create { path, data, acl: Acl::open(), flags: 0 }
    }

    /// The reply to [`Self::ask`].
    pub fn replied(&mut self, result: &Result<Response, ZkError>) -> Step<Made> {
        let Some((path, _)) = self.at() else { return Step::Done(Made { existed: true }) };
        let existed = match result {
            Ok(_) => false,
            Err(ZkError::Refused(code::NODE_EXISTS)) => true,
            Err(ZkError::Refused(code::NO_NODE)) => {
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                if parent.is_empty() {
                    return Step::Failed(in_words(&path, ZkError::Refused(code::NO_NODE)));
                }
                self.missing.push(parent.into());
                return Step::Ask(self.ask());
            }
            Err(error) => return Step::Failed(in_words(&path, *error)),
        };
        if self.missing.pop().is_none() {
            self.wanted.pop_front();
        }
        if self.wanted.is_empty() { Step::Done(Made { existed }) } else { Step::Ask(self.ask()) }
    }

    fn at(&self) -> Option<(Arc<str>, Option<Bytes>)> {
        match self.missing.last() {
            Some(path) => Some((path.clone(), None)),
            None => self.wanted.front().cloned(),
        }
    }
}
