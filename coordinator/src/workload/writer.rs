//! Sets the data of one znode to values that never come twice.

use std::sync::Arc;

use bytes::Bytes;

use super::ground::{Ground, create};
use super::{Job, Next};
use crate::id::SessionId;
use crate::wire::client::{Request, Response, code};

/// Any version.
const ANY: i32 = -1;

pub(super) struct Writer {
    path: Arc<str>,
    above: Ground,
    bytes: usize,
    checked: bool,
    unique: u32,
    written: u64,
    /// What the next request is for.
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Making what is above the znode.
    Ground,
    /// Making the znode.
    Create,
    /// Learning its version.
    Look,
    /// Setting its data over this version.
    Write(i32),
}

impl Writer {
    pub fn new(path: Arc<str>, bytes: usize, checked: bool) -> Self {
        let above = Ground::above(&path);
        Self { path, above, bytes, checked, unique: 0, written: 0, step: Step::Ground }
    }

    /// The next value: whose it is, the how-manieth, and dots up to the length asked for.
    fn value(&mut self) -> Vec<u8> {
        self.written += 1;
        let mut value = format!("{:08x}-{}", self.unique, self.written).into_bytes();
        value.resize(value.len().max(self.bytes), b'.');
        value
    }

    /// What to do next once the znode is there, at this version if it is known.
    fn write(&self, version: Option<i32>) -> Step {
        match (self.checked, version) {
            (false, _) => Step::Write(ANY),
            (true, Some(version)) => Step::Write(version),
            (true, None) => Step::Look,
        }
    }
}

impl Job for Writer {
    fn named(&mut self, unique: u32) {
        self.unique = unique;
    }

    fn ask(&mut self) -> Request {
        if self.step == Step::Ground {
            match self.above.ask() {
                Some(request) => return request,
                None => self.step = Step::Create,
            }
        }
        match self.step {
            Step::Ground | Step::Create => {
                let value = self.value();
                create(self.path.clone(), &value, false, false)
            }
            Step::Look => Request::Exists { path: self.path.clone(), watch: false },
            Step::Write(version) => {
                let data = Some(Bytes::from(self.value()));
                Request::SetData { path: self.path.clone(), data, version }
            }
        }
    }

    fn answered(&mut self, answer: Result<Response, i32>, _session: SessionId) -> Next {
        let step = self.step;
        let next;
        (self.step, next) = match (step, answer) {
            (Step::Ground, answer) => {
                self.above.answered(&answer);
                let next = if answer.is_err_and(|code| code != code::NODE_EXISTS) {
                    Next::Interval
                } else {
                    Next::AtOnce
                };
                (Step::Ground, next)
            }
            (Step::Create, Ok(_)) => (self.write(Some(0)), Next::Interval),
            (Step::Create, Err(code::NODE_EXISTS)) => (self.write(None), Next::AtOnce),
            (Step::Look, Ok(Response::Stat(stat))) => (Step::Write(stat.version), Next::AtOnce),
            (Step::Write(_), Ok(Response::Stat(stat))) => {
                (self.write(Some(stat.version)), Next::Interval)
            }
            (Step::Write(_), Err(code::BAD_VERSION)) => (Step::Look, Next::Interval),
            (_, Err(code::NO_NODE)) => {
                self.above.gone();
                (Step::Ground, Next::Interval)
            }
            (step, _) => (step, Next::Interval),
        };
        next
    }

    fn lost(&mut self) {
        // Whether the write happened is unknown, and so is the version.
        if let Step::Write(_) = self.step {
            self.step = self.write(None);
        }
    }
}
