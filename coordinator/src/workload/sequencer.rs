//! Makes sequential znodes and now and then deletes the oldest of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use super::ground::{Ground, create};
use super::{Job, Next};
use crate::id::SessionId;
use crate::wire::client::{Request, Response, code};

/// Every so many operations one is a delete.
const DELETE_EVERY: u64 = 4;

pub(super) struct Sequencer {
    parent: Ground,
    /// Those it was told of and has not been told the end of, oldest first. A create whose answer was lost is not here.
    made: VecDeque<Arc<str>>,
    asked: u64,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Ground,
    Create,
    Delete,
}

impl Sequencer {
    pub fn new(path: Arc<str>) -> Self {
        Self { parent: Ground::new(path), made: VecDeque::new(), asked: 0, step: Step::Ground }
    }
}

impl Job for Sequencer {
    fn ask(&mut self) -> Request {
        if let Some(request) = self.parent.ask() {
            self.step = Step::Ground;
            return request;
        }
        self.asked += 1;
        match self.made.front() {
            Some(oldest) if self.asked.is_multiple_of(DELETE_EVERY) => {
                self.step = Step::Delete;
                Request::Delete { path: oldest.clone(), version: -1 }
            }
            _ => {
                self.step = Step::Create;
                let data = self.asked.to_string();
                create(self.parent.child("n-"), data.as_bytes(), false, true)
            }
        }
    }

    fn answered(&mut self, answer: Result<Response, i32>, _session: SessionId) -> Next {
        match (self.step, answer) {
            (Step::Ground, answer) => {
                self.parent.answered(&answer);
                if matches!(answer, Ok(_) | Err(code::NODE_EXISTS)) {
                    return Next::AtOnce;
                }
            }
            (Step::Create, Ok(Response::Create { path })) => self.made.push_back(path),
            (Step::Create, Err(code::NO_NODE)) => self.parent.gone(),
            // Gone is gone, also if it was an earlier delete whose answer was lost.
            (Step::Delete, Ok(_) | Err(code::NO_NODE)) => drop(self.made.pop_front()),
            _ => {}
        }
        Next::Interval
    }
}
