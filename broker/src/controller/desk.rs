//! The event under way: what is left of it to do, and what it has asked ZooKeeper and waits for.
//!
//! An event is a list of [`Step`]s. A step may ask ZooKeeper for any number of things at once; the next step begins when all of
//! them are answered, and is given the answers in the order of the questions. A step may put others in front of the list.

use bytes::Bytes;
use coordinator::code;
use coordinator::txn::Acl;
use coordinator::wire::client::{MultiOp, MultiResult, Request, Response as ZkResponse, Stat};
use machine::Context;
use std::sync::Arc;

use super::steps::Step;
use super::{ControllerEvent, Owed};
use crate::note::Note;
use crate::zk::znode::CONTROLLER_EPOCH;
use crate::zk::{Asker, Keeper, ZkError};

/// What ZooKeeper answered: the response, or one of [`coordinator::code`].
pub type Answer = Result<ZkResponse, i32>;

/// There is another controller: a write was refused because `/controller_epoch` has another version than ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved;

/// The event under way, and what goes out when the input is done with.
#[derive(Debug, Default)]
pub struct Desk {
    /// What is left to do, the next at the end.
    todo: Vec<Step>,
    /// What was asked and is not all answered.
    round: Round,
    next_number: u64,
    /// Questions to be handed to the keeper.
    outbox: Vec<(u64, Request)>,
    /// Whether questions are kept, to be asked again in the next session.
    keeps_questions: bool,
    /// A request that waits for this event.
    pub owed: Option<Owed>,
    /// What the broker will be told.
    pub events: Vec<ControllerEvent>,
}

#[derive(Debug, Default)]
struct Round {
    first: u64,
    answers: Vec<Option<Answer>>,
    missing: usize,
    questions: Vec<Request>,
}

/// What an answer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nobody asked (any more).
    Unasked,
    /// Taken.
    Kept,
    /// The session is gone, and this question with it.
    SessionExpired,
}

impl Desk {
    /// An empty desk. `keeps_questions`: what a session took with it is asked again in the next one.
    pub fn new(keeps_questions: bool) -> Self {
        Self { keeps_questions, ..Self::default() }
    }

    /// Whether answers are missing.
    pub fn is_waiting(&self) -> bool {
        self.round.missing > 0
    }

    /// Whether there is no event under way.
    pub fn is_empty(&self) -> bool {
        self.todo.is_empty() && !self.is_waiting()
    }

    /// These steps come next, in this order, before everything that is left.
    pub fn next(&mut self, steps: impl IntoIterator<Item = Step, IntoIter: DoubleEndedIterator>) {
        self.todo.extend(steps.into_iter().rev());
    }

    /// Takes the next step and the answers to what the last one asked. Only when nothing is missing.
    pub fn take(&mut self) -> Option<(Step, Vec<Answer>)> {
        let step = self.todo.pop()?;
        self.round.questions.clear();
        Some((step, self.round.answers.drain(..).flatten().collect()))
    }

    /// The event under way is given up; answers to what it asked will be ignored.
    pub fn give_up(&mut self) {
        self.todo.clear();
        self.outbox.clear();
        self.round = Round::default();
    }

    /// Asks ZooKeeper.
    pub fn ask(&mut self, request: Request) {
        let round = &mut self.round;
        if round.answers.is_empty() {
            round.first = self.next_number;
        }
        if self.keeps_questions {
            round.questions.push(request.clone());
        }
        round.answers.push(None);
        round.missing += 1;
        self.outbox.push((self.next_number, request));
        self.next_number += 1;
    }

    /// Reads a znode, with or without leaving a watch.
    pub fn read(&mut self, path: impl Into<Arc<str>>, watch: bool) {
        self.ask(Request::GetData { path: path.into(), watch });
    }

    /// Lists the children of a znode, with or without leaving a watch.
    pub fn list(&mut self, path: impl Into<Arc<str>>, watch: bool) {
        self.ask(Request::GetChildren2 { path: path.into(), watch });
    }

    /// Writes, if `/controller_epoch` still has this version (KAFKA-6082), or in any case.
    pub fn write(&mut self, operation: MultiOp, fence: Option<i32>) {
        let Some(version) = fence else { return self.ask(alone(operation)) };
        let check = MultiOp::Check { path: CONTROLLER_EPOCH.into(), version };
        self.ask(Request::Multi(vec![check, operation]));
    }

    /// An answer has come. With `again`, what a session took with it is asked again in the next one.
    pub fn answered(
        &mut self,
        number: u64,
        result: Result<ZkResponse, ZkError>,
        again: bool,
    ) -> Taken {
        let round = &mut self.round;
        let Some(index) = number.checked_sub(round.first).and_then(|at| usize::try_from(at).ok())
        else {
            return Taken::Unasked;
        };
        let Some(place @ None) = round.answers.get_mut(index) else { return Taken::Unasked };
        let answer = match result {
            Ok(response) => Ok(response),
            Err(ZkError::Refused(code)) => Err(code),
            Err(ZkError::SessionExpired) => {
                if let Some(question) = round.questions.get(index).filter(|_| again) {
                    self.outbox.push((number, question.clone()));
                }
                return Taken::SessionExpired;
            }
        };
        *place = Some(answer);
        round.missing -= 1;
        Taken::Kept
    }

    /// What is to be asked.
    #[cfg(test)]
    pub fn questions(&mut self) -> Vec<(u64, Request)> {
        std::mem::take(&mut self.outbox)
    }

    /// Hands the questions to the keeper.
    pub fn flush(&mut self, keeper: &mut Keeper, cx: &mut Context<'_, Note>) {
        for (number, request) in self.outbox.drain(..) {
            keeper.ask(Asker::Controller(number), request, cx);
        }
    }
}

/// The request that does only this.
fn alone(operation: MultiOp) -> Request {
    match operation {
        MultiOp::Create { path, data, acl, flags } => Request::Create { path, data, acl, flags },
        MultiOp::Create2 { path, data, acl, flags } => Request::Create2 { path, data, acl, flags },
        MultiOp::Delete { path, version } => Request::Delete { path, version },
        MultiOp::SetData { path, data, version } => Request::SetData { path, data, version },
        MultiOp::Check { path, .. } => Request::Exists { path, watch: false },
    }
}

/// A new persistent znode.
pub fn create(path: impl Into<Arc<str>>, data: Option<Vec<u8>>) -> MultiOp {
    MultiOp::Create { path: path.into(), data: data.map(Bytes::from), acl: Acl::open(), flags: 0 }
}

/// A znode goes, whatever its version.
pub fn delete(path: impl Into<Arc<str>>) -> MultiOp {
    MultiOp::Delete { path: path.into(), version: -1 }
}

/// What a read znode holds.
pub fn data(answer: &Answer) -> Option<(&[u8], &Stat)> {
    match answer {
        Ok(ZkResponse::Data { data, stat }) => Some((data.as_deref().unwrap_or_default(), stat)),
        _ => None,
    }
}

/// The names that were listed; none if there is no such znode.
pub fn children(answer: Option<&Answer>) -> Vec<Arc<str>> {
    let mut names = match answer {
        Some(Ok(ZkResponse::Children { children } | ZkResponse::Children2 { children, .. })) => {
            children.clone()
        }
        _ => Vec::new(),
    };
    names.sort();
    names
}

/// How a write went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is in ZooKeeper; the znode has this version (0 for a new one).
    Done(i32),
    /// No, with one of [`coordinator::code`].
    Refused(i32),
}

/// How a write of [`Desk::write`] went. A conditional write that was refused for a version may have been refused for either
/// of two: then the caller has to look.
pub fn written(answer: &Answer) -> Written {
    match answer {
        Ok(ZkResponse::Stat(stat)) => Written::Done(stat.version),
        Ok(ZkResponse::Multi(results)) => match results.as_slice() {
            [.., MultiResult::SetData { stat }] => Written::Done(stat.version),
            results => results
                .iter()
                .find_map(|result| match result {
                    MultiResult::Error { code } if *code != code::OK => Some(*code),
                    _ => None,
                })
                .map_or(Written::Done(0), Written::Refused),
        },
        Ok(_) => Written::Done(0),
        Err(code) => Written::Refused(*code),
    }
}

/// Looks through the answers to unconditional writes: only the check of `/controller_epoch` can have failed for a version.
///
/// # Errors
/// There is another controller.
pub fn check(answers: &[Answer]) -> Result<(), Moved> {
    let moved = |answer: &Answer| written(answer) == Written::Refused(code::BAD_VERSION);
    if answers.iter().any(moved) { Err(Moved) } else { Ok(()) }
}
