//! Changes several znodes at once: a new one, the number of the last one, and the end of the one before. Now and then a
//! check fails on purpose, and then nothing at all may change.

use std::sync::Arc;

use bytes::Bytes;

use super::ground::{Ground, create};
use super::{Job, Next};
use crate::id::SessionId;
use crate::txn::Acl;
use crate::wire::client::{MultiOp, Request, Response, code};

/// Every so many multis one must fail.
const FAIL_EVERY: u64 = 4;

/// A version no znode of ours comes to.
const NEVER: i32 = i32::MAX;

pub(super) struct Multi {
    parent: Ground,
    unique: u32,
    count: u64,
    /// The last znode it was told of: the next multi deletes it.
    last: Option<Arc<str>>,
    /// The znode of the multi under way.
    new: Option<Arc<str>>,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Making the parent.
    Ground,
    /// Making the znode that tells the last number.
    Marker,
    /// The work.
    Multi,
}

impl Multi {
    pub fn new(path: Arc<str>) -> Self {
        let parent = Ground::new(path);
        Self { parent, unique: 0, count: 0, last: None, new: None, step: Step::Ground }
    }

    /// Every client has its own.
    fn marker(&self) -> Arc<str> {
        self.parent.child(&format!("{:08x}", self.unique))
    }

    fn multi(&mut self) -> Request {
        self.count += 1;
        let fails = self.count.is_multiple_of(FAIL_EVERY);
        let number = self.count.to_string();
        let new = self.parent.child(&format!("{:08x}-{number}", self.unique));
        let data = Some(Bytes::from(number.into_bytes()));
        let mut ops = vec![
            MultiOp::Create { path: new.clone(), data: data.clone(), acl: Acl::open(), flags: 0 },
            MultiOp::SetData { path: self.marker(), data, version: -1 },
        ];
        ops.extend(self.last.clone().map(|path| MultiOp::Delete { path, version: 0 }));
        let version = if fails { NEVER } else { 0 };
        ops.push(MultiOp::Check { path: new.clone(), version });
        self.new = Some(new);
        Request::Multi(ops)
    }
}

impl Job for Multi {
    fn named(&mut self, unique: u32) {
        self.unique = unique;
    }

    fn ask(&mut self) -> Request {
        if let Some(request) = self.parent.ask() {
            self.step = Step::Ground;
            return request;
        }
        match self.step {
            Step::Ground | Step::Marker => {
                self.step = Step::Marker;
                create(self.marker(), b"0", false, false)
            }
            Step::Multi => self.multi(),
        }
    }

    fn answered(&mut self, answer: Result<Response, i32>, _session: SessionId) -> Next {
        let new = self.new.take();
        match (self.step, answer) {
            (Step::Ground, answer) => {
                self.parent.answered(&answer);
                if matches!(answer, Ok(_) | Err(code::NODE_EXISTS)) {
                    return Next::AtOnce;
                }
            }
            (Step::Marker, Ok(_) | Err(code::NODE_EXISTS)) => self.step = Step::Multi,
            (Step::Multi, Ok(_)) => self.last = new,
            // Somebody took away what this client works on: begin again.
            (_, Err(code::NO_NODE)) => {
                self.parent.gone();
                self.last = None;
                self.step = Step::Ground;
            }
            _ => {}
        }
        Next::Interval
    }

    fn lost(&mut self) {
        // Whether the last one is still there is unknown now; it may be left behind.
        if self.new.take().is_some() {
            self.last = None;
        }
    }
}
